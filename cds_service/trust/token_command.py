"""`cds-service token`: make a key pair for tests, and mint a token with a private key. Not for production.

Exit codes: 0 fine, 2 usage, 7 a key file cannot be read, is not a fitting private key, or is there already.
"""

import argparse
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from cds_service.core.problem import RequestProblem
from cds_service.strict_json import parse_json
from cds_service.trust.claims import MOST_LIFE_S
from cds_service.trust.keys import CURVE, LEAST_RSA_BITS, KeyProblem, PublicKey
from cds_service.trust.token import ALGORITHMS, ES384, RS384

FINE, USAGE, KEY_FILE = 0, 2, 7
LIFE_S = 300
NEW_RSA_BITS = 3072
_KIND = {ES384: "EC", RS384: "RSA"}


def token_command(args: argparse.Namespace) -> int:
    """Run `cds-service token` with its options."""
    try:
        if args.new_key:
            return _new_key(args)
        return _mint(args)
    except KeyProblem as problem:
        print(problem, file=sys.stderr)
        return KEY_FILE


def mint(key: PublicKey, alg: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A signed token."""
    return jwt.encode({"alg": alg, **header}, claims, key, algorithms=ALGORITHMS)


def _mint(args: argparse.Namespace) -> int:
    missing = [f"--{name}" for name in ("iss", "aud") if not getattr(args, name)]
    if missing:
        return _usage(f"{' and '.join(missing)}: needed with --key")
    life_s = LIFE_S if args.life is None else args.life
    if not 1 <= life_s <= MOST_LIFE_S:
        return _usage(
            f"--life: {life_s} is not from 1 to {MOST_LIFE_S} seconds, which is the longest the service takes"
        )
    key = read_private_key(Path(args.key))
    alg = ES384 if isinstance(key, ECKey) else RS384
    if args.alg and args.alg != alg:
        raise KeyProblem(f"{args.key}: is a key for {alg}, not for {args.alg}")
    header = {"kid": args.kid or key.kid or key.thumbprint()}
    now = int(time.time())
    claims = {"iss": args.iss, "aud": args.aud, "iat": now, "exp": now + life_s, "jti": str(uuid.uuid4())}
    if args.jku:
        header["jku"] = args.jku
    if args.tenant:
        claims["tenant"] = args.tenant
    print(mint(key, alg, header, claims))
    return FINE


def read_private_key(path: Path) -> PublicKey:
    """Read a private key from a JWK or PEM file. Raises KeyProblem, which repeats nothing of the key."""
    try:
        text = path.read_bytes()
    except OSError as fault:
        raise KeyProblem(f"{path}: cannot be read: {fault.strerror}") from None
    key = _from_pem(path, text) if text.lstrip().startswith(b"-----") else _from_jwk(path, text)
    if not key.is_private:
        raise KeyProblem(f"{path}: is a public key; the private one signs")
    if isinstance(key, ECKey) and key.curve_name != CURVE:
        raise KeyProblem(f"{path}: is on {key.curve_name}; {CURVE} is wanted for {ES384}")
    if isinstance(key, RSAKey) and key.public_key.key_size < LEAST_RSA_BITS:
        raise KeyProblem(f"{path}: has {key.public_key.key_size} bits; at least {LEAST_RSA_BITS} are wanted")
    return key


def _from_jwk(path: Path, text: bytes) -> PublicKey:
    try:
        value = parse_json(text)
    except RequestProblem:
        raise KeyProblem(f"{path}: is neither a JWK nor PEM") from None
    kind = value.get("kty") if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind not in _KIND.values():
        raise KeyProblem(f"{path}: is no JWK with kty EC or RSA; a JWK Set is not taken, only one key")
    try:
        return ECKey.import_key(value) if kind == "EC" else RSAKey.import_key(value)
    except (JoseError, ValueError, TypeError, KeyError):
        raise KeyProblem(f"{path}: the numbers of the JWK are no {kind} key") from None


def _from_pem(path: Path, text: bytes) -> PublicKey:
    for kind in (ECKey, RSAKey):
        try:
            return kind.import_key(text)
        except (JoseError, ValueError, TypeError):  # of the other kind, or encrypted, or damaged
            continue
    raise KeyProblem(f"{path}: is no EC or RSA key in PEM; one with a password must be decrypted first")


def _new_key(args: argparse.Namespace) -> int:
    given = [f"--{name}" for name in ("iss", "aud", "jku", "tenant", "life") if getattr(args, name) is not None]
    if given:
        return _usage(f"{', '.join(given)}: belongs to --key; make the key first, then mint with it")
    private, public = Path(args.new_key), public_path(Path(args.new_key))
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise KeyProblem(f"{path}: is there already and is not overwritten")
    alg = args.alg or ES384
    key: PublicKey = ECKey.generate_key(CURVE) if alg == ES384 else RSAKey.generate_key(NEW_RSA_BITS)
    kid = args.kid or key.thumbprint()
    shared = {"kid": kid, "alg": alg, "use": "sig"}
    _write(private, {**key.as_dict(private=True), **shared}, 0o600)
    _write(public, {"keys": [{**key.as_dict(private=False), **shared}]}, 0o644)
    print(f"private key: {private} (readable by its owner only; give it to nobody)")
    print(f"public keys: {public} (a JWK Set, for `keys` of a client)")
    print(f"kid: {kid}")
    return FINE


def public_path(private: Path) -> Path:
    """Where the public keys go: ehr.json has them in ehr.public.json."""
    return private.with_name(f"{private.stem}.public.json")


def _write(path: Path, value: dict[str, Any], mode: int) -> None:
    """Write a new file; it never replaces one and never has wider rights than `mode`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as fault:
        raise KeyProblem(f"{path}: cannot be written: {fault.strerror}") from None


def _usage(text: str) -> int:
    print(text, file=sys.stderr)
    return USAGE
