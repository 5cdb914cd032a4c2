"""JWK Sets: the keys of one that may check a token, and why the others may not.

Only public keys of two kinds are ever made: EC on P-384 for ES384, RSA of 2048 to 8192 bits for RS384.
Source: RFC 7517 (JWK), RFC 7518 section 6 (EC and RSA keys).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact

from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import ALGORITHMS, ES384, MOST_HEADER_BYTES, MOST_KEY_ID, RS384, Token

PublicKey = ECKey | RSAKey
MOST_KEYS = 100  # of one set
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 8192
CURVE = "P-384"
_KINDS = {"EC": (ES384, ("crv", "x", "y")), "RSA": (RS384, ("n", "e"))}
_MOST_COORDINATE = MOST_RSA_BITS // 6 + 2  # characters of base64url
_SECRET = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = 2 * MOST_HEADER_BYTES  # `read_token` bounds it, decoded
_REGISTRY.max_signature_length = MOST_RSA_BITS // 6 + 2


class KeyProblem(Exception):
    """A key or a set of keys that cannot be used; the text repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that can be used, by key id and algorithm; `unfit` says why others cannot, by their place in the set."""

    keys: Mapping[tuple[str, str], PublicKey] = field(default_factory=dict)
    unfit: Mapping[int, str] = field(default_factory=dict)

    def find(self, kid: str, alg: str) -> PublicKey | None:
        """The key of this id that fits the algorithm."""
        return self.keys.get((kid, alg))

    def knows(self, kid: str) -> bool:
        """Whether a key of this id is there, for either algorithm."""
        return any((kid, alg) in self.keys for alg in ALGORITHMS)


def read_key_set(value: object) -> KeySet:
    """Read a parsed JWK Set. One bad key does not spoil the others. Raises KeyProblem when it is no set at all."""
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise KeyProblem('is no JWK Set: an object with an array "keys" is wanted')
    if len(listed) > MOST_KEYS:
        raise KeyProblem(f"has {len(listed)} keys; at most {MOST_KEYS} are taken")
    keys: dict[tuple[str, str], PublicKey] = {}
    unfit: dict[int, str] = {}
    for place, each in enumerate(listed):
        try:
            kid, alg, key = read_public_key(each)
            if (kid, alg) in keys:
                raise KeyProblem("another key of the set has the same kid")
            keys[kid, alg] = key
        except KeyProblem as problem:
            unfit[place] = str(problem)
    return KeySet(keys, unfit)


def read_public_key(value: object) -> tuple[str, str, PublicKey]:
    """Key id, algorithm and key of one JWK. Raises KeyProblem."""
    if not isinstance(value, dict):
        raise KeyProblem("is no object")
    kind = value.get("kty")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise KeyProblem("kty is neither EC nor RSA")
    if any(name in value for name in _SECRET):
        raise KeyProblem("is a private key; only public keys are used")
    kid = value.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MOST_KEY_ID:
        raise KeyProblem(f"kid is no string of 1 to {MOST_KEY_ID} characters")
    alg, members = _KINDS[kind]
    if value.get("alg", alg) != alg:
        raise KeyProblem(f"alg is not {alg}")
    if value.get("use", "sig") != "sig":
        raise KeyProblem("use is not sig")
    if "key_ops" in value and not (isinstance(value["key_ops"], list) and "verify" in value["key_ops"]):
        raise KeyProblem("key_ops lacks verify")
    return kid, alg, _made(kind, {name: value.get(name) for name in members})


def _made(kind: str, members: dict[str, Any]) -> PublicKey:
    """A key from its numbers alone: nothing else of a JWK reaches the library."""
    if not all(isinstance(each, str) and 0 < len(each) <= _MOST_COORDINATE for each in members.values()):
        raise KeyProblem(f"{', '.join(members)}: a base64url string is wanted of each")
    if kind == "EC" and members["crv"] != CURVE:
        raise KeyProblem(f"crv is not {CURVE}")
    try:
        if kind == "RSA" and not LEAST_RSA_BITS <= bits(members["n"]) <= MOST_RSA_BITS:
            raise KeyProblem(f"an RSA key has {LEAST_RSA_BITS} to {MOST_RSA_BITS} bits")
        return (ECKey if kind == "EC" else RSAKey).import_key({"kty": kind, **members})
    except KeyProblem:
        raise
    except Exception:  # whatever the numbers are, one bad key must not spoil its set
        raise KeyProblem("the numbers are no key") from None


def bits(number: str) -> int:
    """Length of a number in base64url. Asked before the library sees it, which warns of short keys and takes them."""
    return int.from_bytes(base64.urlsafe_b64decode(number + "=" * (-len(number) % 4)), "big").bit_length()


def check_signature(token: Token, key: PublicKey) -> None:
    """Raise Refused unless `key` signed the token by its algorithm."""
    try:
        deserialize_compact(token.text, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, OverflowError):
        raise Refused(Reason.SIGNATURE) from None
