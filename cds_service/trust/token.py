"""A JWT as it came: its size, its three parts, its header. Nothing here is verified; `claims` and `keys` go on.

Source: RFC 7519 (JWT), RFC 7515 (JWS), RFC 8725 (best practices), CDS Hooks 2.0 "Trusting CDS Clients".
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.core.problem import RequestProblem
from cds_service.strict_json import parse_json
from cds_service.trust.reason import Reason, Refused

ES384, RS384 = "ES384", "RS384"
ALGORITHMS = (ES384, RS384)
MOST_AUTHORIZATION = 8192  # characters of the whole header
MOST_HEADER_BYTES = 4096  # of the token's header, decoded
MOST_KEY_ID = 256
MOST_TEXT = 1024  # characters of a claim

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says of itself.

    text:   the token whole, which the signature is checked over.
    jku:    URL of the JWK Set that it names; None = none.
    claims: as sent; each is checked after the signature.
    """

    text: str
    alg: str
    kid: str
    jku: str | None
    issuer: str
    claims: Mapping[str, Any]


def read_token(authorization: str | None) -> Token:
    """Read the `Authorization` header. Raises Refused."""
    text = _bearer(authorization)
    parts = text.split(".")
    if len(parts) != 3:
        raise Refused(Reason.MALFORMED)
    header_bytes, payload_bytes, _ = (_decoded(each) for each in parts)
    if len(header_bytes) > MOST_HEADER_BYTES:
        raise Refused(Reason.TOO_LARGE)
    header = _json_object(header_bytes)
    alg, kid, jku = _checked_header(header)
    claims = _json_object(payload_bytes)
    _check_lengths(claims)
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise Refused(Reason.ISSUER)
    return Token(text, alg, kid, jku, issuer, claims)


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise Refused(Reason.MISSING)
    if len(authorization) > MOST_AUTHORIZATION:
        raise Refused(Reason.TOO_LARGE)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip(" "):
        raise Refused(Reason.MISSING)
    return token.strip(" ")


def _decoded(part: str) -> bytes:
    """The bytes of one part: base64url without padding, in its one spelling, so that a token has one spelling too."""
    if not _BASE64URL.fullmatch(part):
        raise Refused(Reason.MALFORMED)
    try:
        found = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Refused(Reason.MALFORMED) from None
    if base64.urlsafe_b64encode(found).rstrip(b"=") != part.encode("ascii"):
        raise Refused(Reason.MALFORMED)
    return found


def _json_object(body: bytes) -> Mapping[str, Any]:
    """A strict JSON object: a duplicate key could show one value to us and another to a library."""
    try:
        value = parse_json(body)
    except RequestProblem:
        raise Refused(Reason.MALFORMED) from None
    if not isinstance(value, dict):
        raise Refused(Reason.MALFORMED)
    return value


def _checked_header(header: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """`alg`, `kid` and `jku`. What else could bring a key (`jwk`, `x5u`, `x5c`) is not looked at."""
    alg, kid, jku, typ = (header.get(name) for name in ("alg", "kid", "jku", "typ"))
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise Refused(Reason.ALGORITHM)
    if not isinstance(typ, str) or typ.upper() != "JWT" or "cty" in header:  # cty: a token inside a token
        raise Refused(Reason.TYPE)
    # Whatever is critical is something that is not known here; b64 would change what was signed (RFC 7797).
    if "crit" in header or "b64" in header:
        raise Refused(Reason.CRITICAL)
    if not isinstance(kid, str) or not 0 < len(kid) <= MOST_KEY_ID:
        raise Refused(Reason.KEY_ID)
    if "jku" in header and not isinstance(jku, str):
        raise Refused(Reason.KEY_URL)
    return alg, kid, jku


def _check_lengths(claims: Mapping[str, Any]) -> None:
    texts = [each for value in claims.values() for each in (value if isinstance(value, list) else [value])]
    if any(isinstance(each, str) and len(each) > MOST_TEXT for each in texts):
        raise Refused(Reason.TOO_LARGE)
