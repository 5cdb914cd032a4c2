"""`cds-service token`: keys that only their owner reads, tokens that the gate takes, and refusals by exit code."""

import json
import os
import stat
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cds_service.cli import main
from cds_service.clients.client import Client
from cds_service.edges.key_sets import KeySets
from cds_service.trust.claims import check_claims
from cds_service.trust.keys import check_signature
from cds_service.trust.token import Token, read_token

AUD = "https://cds.example.org/cds-services"
SAY = ["--iss", "https://ehr.example.org", "--aud", AUD]


def made(folder: Path, *more: str) -> tuple[Path, Path]:
    private = folder / "ehr.json"
    assert main(["token", "--new-key", str(private), *more]) == 0
    return private, folder / "ehr.public.json"


def minted(capsys: pytest.CaptureFixture[str], *arguments: str) -> Token:
    capsys.readouterr()
    assert main(["token", *arguments]) == 0
    return read_token(f"Bearer {capsys.readouterr().out.strip()}")


@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_a_token_of_a_new_key_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str], alg: str) -> None:
    private, public = made(tmp_path, "--alg", alg)
    asked = minted(capsys, "--key", str(private), *SAY, "--tenant", "north", "--jku", "https://e.example.org/k")
    assert (asked.alg, asked.jku, asked.claims["tenant"]) == (alg, "https://e.example.org/k", "north")
    assert asked.claims["exp"] - asked.claims["iat"] == 300
    key = KeySets().key_of(Client("ehr", keys=public), Token("", asked.alg, asked.kid, None, "", {}))
    check_signature(asked, key)
    check_claims(asked, [AUD], time.time())


def test_each_token_has_an_id_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private, _ = made(tmp_path)
    ids = {minted(capsys, "--key", str(private), *SAY).claims["jti"] for _ in range(3)}
    assert len(ids) == 3


def test_the_private_key_is_its_owners_and_the_public_file_holds_nothing_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = os.umask(0)
    try:
        private, public = made(tmp_path, "--kid", "my key+/=")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    (shared,) = json.loads(public.read_text())["keys"]
    assert {name: shared[name] for name in ("kid", "alg", "use", "kty", "crv")} == {
        "kid": "my key+/=", "alg": "ES384", "use": "sig", "kty": "EC", "crv": "P-384",
    }  # fmt: skip
    assert "d" not in shared
    secret = json.loads(private.read_text())["d"]
    said = capsys.readouterr().out
    assert secret not in said
    assert "kid: my key+/=" in said
    assert minted(capsys, "--key", str(private), *SAY).kid == "my key+/="


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


P384, P256 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(("key", "alg"), [(P384, "ES384"), (RSA, "RS384")])
def test_a_pem_key_signs_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, alg: str
) -> None:
    (tmp_path / "key.pem").write_bytes(pem(key))
    asked = minted(capsys, "--key", str(tmp_path / "key.pem"), *SAY, "--kid", "k", "--life", "60")
    assert (asked.alg, asked.kid, asked.claims["exp"] - asked.claims["iat"]) == (alg, "k", 60)


@pytest.mark.parametrize("there", ["ehr.json", "ehr.public.json"])
def test_a_key_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    (tmp_path / there).write_text("precious", encoding="utf-8")
    assert main(["token", "--new-key", str(tmp_path / "ehr.json")]) == 7
    assert capsys.readouterr().err == f"{tmp_path / there}: is there already and is not overwritten\n"
    assert [each.name for each in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text(encoding="utf-8") == "precious"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--new-key", str(tmp_path / "none" / "ehr.json")]) == 7
    assert "cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is neither a JWK nor PEM"),
        (b"nonsense", "is neither a JWK nor PEM"),
        (b"[]", "is no JWK with kty EC or RSA"),
        (b'{"keys": []}', "is no JWK with kty EC or RSA"),
        (b'{"kty": "oct", "k": "c2VjcmV0"}', "is no JWK with kty EC or RSA"),
        (b'{"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "d": "AA"}', "the numbers of the JWK are no EC key"),
        (b'{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}', "the numbers of the JWK are no EC key"),
        (pem(P256), "is on P-256; P-384 is wanted for ES384"),
        (pem(P384, b"secret"), "is no EC or RSA key in PEM; one with a password must be decrypted first"),
        (
            P384.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            "is a public key; the private one signs",
        ),
        (pem(P384), "is a key for ES384, not for RS384"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is no EC or RSA key in PEM"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_sign_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, why: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert main(["token", "--key", str(path), "--alg", "RS384", *SAY]) == 7
    said = capsys.readouterr()
    assert said.err.startswith(f"{path}: {why}")
    assert said.out == ""


def test_a_key_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--key", str(tmp_path / "none"), *SAY]) == 7
    assert capsys.readouterr().err == f"{tmp_path / 'none'}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--key", "k", "--aud", AUD], "--iss: needed with --key"),
        (["--key", "k"], "--iss and --aud: needed with --key"),
        (["--key", "k", *SAY, "--life", "1201"], "--life: 1201 is not from 1 to 1200 seconds"),
        (["--key", "k", *SAY, "--life", "0"], "--life: 0 is not from 1 to 1200 seconds"),
        (["--new-key", "k", "--iss", "x", "--life", "5"], "--iss, --life: belongs to --key"),
    ],
)
def test_options_that_do_not_go_together_are_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(["token", *arguments]) == 2
    assert capsys.readouterr().err.startswith(why)


@pytest.mark.parametrize("arguments", [[], ["--key", "a", "--new-key", "b"], ["--new-key", "a", "--alg", "HS256"]])
def test_a_wrong_command_line_is_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", *arguments])
    assert ended.value.code == 2
