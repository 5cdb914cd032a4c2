"""Signing tokens with a local private key: for `cds-service token`, and for commands that call a deployment."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from cds_service.core.problem import RequestProblem
from cds_service.strict_json import parse_json
from cds_service.trust.keys import CURVE, LEAST_RSA_BITS, KeyProblem, PublicKey
from cds_service.trust.token import ALGORITHMS, ES384, RS384

LIFE_S = 300
KIND = {ES384: "EC", RS384: "RSA"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs tokens as one client. header: `kid`, and `jku` if any; tenant: "" for none; life_s: of a token."""

    key: PublicKey = field(repr=False)
    alg: str
    issuer: str
    header: Mapping[str, str]
    tenant: str = ""
    life_s: int = LIFE_S

    def token(self, audience: str, now: float) -> str:
        """A new token for the URL that will be called, good once. now: seconds since 1970."""
        issued = int(now)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": audience,
            "iat": issued,
            "exp": issued + self.life_s,
            "jti": str(uuid.uuid4()),
        }
        if self.tenant:
            claims["tenant"] = self.tenant
        return mint(self.key, self.alg, dict(self.header), claims)


def signer_of(
    path: Path,
    issuer: str,
    *,
    alg: str | None = None,
    kid: str | None = None,
    jku: str | None = None,
    tenant: str | None = None,
    life_s: int = LIFE_S,
) -> Signer:
    """Give the signer of a private key file. Raises KeyProblem, also when the key does not fit `alg`."""
    key = read_private_key(path)
    fits = ES384 if isinstance(key, ECKey) else RS384
    if alg and alg != fits:
        raise KeyProblem(f"{path}: is a key for {fits}, not for {alg}")
    header = {"kid": kid or key.kid or key.thumbprint()}
    if jku:
        header["jku"] = jku
    return Signer(key, fits, issuer, header, tenant or "", life_s)


def mint(key: PublicKey, alg: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A signed token."""
    return jwt.encode({"alg": alg, **header}, claims, key, algorithms=ALGORITHMS)


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
    if not isinstance(value, dict) or kind not in KIND.values():
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
