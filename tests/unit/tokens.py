"""Keys and tokens built by hand, so that a token can be wrong in any way; and a gate to show them to."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cds_service.clients.client import Client, Clients, Rate
from cds_service.edges.auth import Trust, gate
from cds_service.edges.rate import Buckets
from cds_service.edges.replay_memory import ReplayMemory
from cds_service.trust.keys import PublicKey, read_key_set
from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import Token

NOW = 1_800_000_000
URL = "https://cds.example.org"
PATH = "/cds-services/oud-patient-view"
ISSUER, OTHER_ISSUER = "https://ehr.example.org", "https://other.example.org"
JKU, OTHER_JKU = "https://ehr.example.org/jwks.json", "https://other.example.org/jwks.json"

EC_KEY, OTHER_EC_KEY = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
P256_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """The public JWK of a private key."""
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "kid": kid, "n": _number(numbers.n), "e": _number(numbers.e), **more}
    size = (key.key_size + 7) // 8
    curve = {256: "P-256", 384: "P-384"}[key.key_size]
    x, y = (b64(each.to_bytes(size, "big")) for each in (numbers.x, numbers.y))
    return {"kty": "EC", "kid": kid, "crv": curve, "x": x, "y": y, **more}


def sign(alg: str, key: Any, signed: bytes) -> bytes:
    """Sign by any algorithm, also by those that must not be taken. For HS*, `key` is the secret."""
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384()}.get(alg[2:])
    if alg.startswith("HS"):
        return hmac.new(key, signed, {"256": hashlib.sha256, "384": hashlib.sha384}[alg[2:]]).digest()
    assert digest is not None
    if alg.startswith("RS"):
        return key.sign(signed, padding.PKCS1v15(), digest)
    if alg.startswith("PS"):
        return key.sign(signed, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    size = (key.key_size + 7) // 8
    return b"".join(each.to_bytes(size, "big") for each in decode_dss_signature(key.sign(signed, ec.ECDSA(digest))))


def header(**changes: Any) -> dict[str, Any]:
    return without_none({"alg": "ES384", "typ": "JWT", "kid": "ec-1", **changes})


def claims(**changes: Any) -> dict[str, Any]:
    good = {"iss": ISSUER, "aud": URL + PATH, "iat": NOW - 5, "exp": NOW + 300, "jti": "token-1"}
    return without_none({**good, **changes})


def without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    """A member that is None is left out; `...` stands for JSON null."""
    return {name: None if each is ... else each for name, each in value.items() if each is not None}


def token(
    head: Mapping[str, Any] | bytes | None = None,
    said: Mapping[str, Any] | bytes | None = None,
    key: Any = EC_KEY,
    alg: str = "",
) -> str:
    """A whole token; header and claims as values, or as the bytes they are written in."""
    head = header() if head is None else head
    said = claims() if said is None else said
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (head, said)]
    text = ".".join(b64(each) for each in parts)
    alg = alg or (head["alg"] if isinstance(head, Mapping) else "ES384")
    return f"{text}.{b64(sign(alg, key, text.encode()))}"


EHR = Client(
    "ehr",
    issuers=(ISSUER,),
    jku=(JKU,),
    audience=("https://alias.example.org/cds",),
    rate=Rate(1.0, 1000),
)
OTHER = Client("other", issuers=(OTHER_ISSUER,), jku=(OTHER_JKU,))
SETS = {
    "ehr": read_key_set({"keys": [jwk(EC_KEY, "ec-1"), jwk(RSA_KEY, "rs+1/=", alg="RS384", use="sig")]}),
    "other": read_key_set({"keys": [jwk(OTHER_EC_KEY, "other-1")]}),
}


def key_of(client: Client, asked: Token) -> PublicKey:
    found = SETS[client.name].find(asked.kid, asked.alg)
    if found is None:
        raise Refused(Reason.KEY_UNKNOWN)
    return found


class Gate:
    """A gate with everything it was told; a class because it gathers."""

    def __init__(
        self,
        *clients: Client,
        public_url: str = URL,
        first_seen: Callable[[str, str, datetime], bool | None] = lambda *_: True,
        most: int = 1000,
        now: float = NOW,
    ) -> None:
        self.told: list[tuple[str, str]] = []
        self.keys_asked = 0
        self.seconds = 0.0
        buckets = Buckets(lambda: self.seconds)
        memory = ReplayMemory(most)

        def asked(client: Client, one: Token) -> PublicKey:
            self.keys_asked += 1
            return key_of(client, one)

        trust = Trust(
            key_of=asked,
            wait_s=buckets.wait_s,
            take=buckets.take,
            holds=memory.holds,
            first_here=memory.first,
            first_seen=first_seen,
            told=lambda reason, name: self.told.append((reason.value, name)),
            now=lambda: now,
        )
        self.buckets = buckets
        everyone = clients or (EHR, OTHER)
        self.identify = gate(Clients({each.name: each for each in everyone}), public_url, trust)

    def show(self, text: str, path: str = PATH) -> Client:
        return self.identify(f"Bearer {text}", path)
