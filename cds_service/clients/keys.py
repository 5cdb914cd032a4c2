"""What is wrong with a JWK Set file, before a token depends on it: it holds public keys that can be used, each named.

Source: RFC 7517 (JWK Set), RFC 7518 section 6; CDS Hooks 2.0, "JWT Signing Algorithm".
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

_SECRET = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_EC_CURVE, _EC_BYTES = "P-384", 48
_RSA_BITS = 2048


def faults_of_keys(text: str) -> Iterator[str]:
    """Say what is wrong with the text of a JWK Set file, key by key; no key material is repeated."""
    try:
        found = json.loads(text)
    except ValueError:
        yield "is not JSON"
        return
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        yield "is no JWK Set: an object with `keys`, an array, is wanted"
        return
    if not keys:
        yield "holds no key"
    named: set[str] = set()
    for number, key in enumerate(keys, 1):
        if not isinstance(key, dict):
            yield f"key {number} is no object"
            continue
        kid = key.get("kid")
        if not isinstance(kid, str) or not kid:
            yield f"key {number} has no `kid`; a token names its key by it"
        elif kid in named:
            yield f"key {number} has the `kid` of another key"
        else:
            named.add(kid)
        yield from (f"key {number} {each}" for each in _faults(key))


def _faults(key: dict[str, Any]) -> Iterator[str]:
    secret = [name for name in _SECRET if name in key]
    if key.get("kty") == "oct":
        yield "is a shared secret, which is never trusted; a public EC or RSA key is wanted"
    elif secret:
        yield f"is a private key (it has `{secret[0]}`); take the public half, and give the private one a new value"
    elif key.get("kty") == "EC":
        if key.get("crv") != _EC_CURVE or not all(_bits(key.get(name)) is not None for name in ("x", "y")):
            yield f"is no EC key of the curve {_EC_CURVE} with `x` and `y`; ES384 needs one"
        elif not all(len(_bytes(key[name])) == _EC_BYTES for name in ("x", "y")):
            yield f"has an `x` or `y` that is not {_EC_BYTES} bytes long"
    elif key.get("kty") == "RSA":
        bits = _bits(key.get("n"))
        if bits is None or _bits(key.get("e")) is None:
            yield "is no RSA key with `n` and `e` in base64url"
        elif bits < _RSA_BITS:
            yield f"is an RSA key of {bits} bits; at least {_RSA_BITS} are wanted"
    else:
        yield "is neither an EC nor an RSA key"
    if key.get("use", "sig") != "sig":
        yield "is not for signatures (`use`)"


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _bits(text: Any) -> int | None:
    """How many bits a number in base64url has; None when it is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return int.from_bytes(_bytes(text), "big").bit_length()
    except (binascii.Error, ValueError):
        return None
