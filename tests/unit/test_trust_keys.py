"""Which keys of a JWK Set may check a token, and what is said of the others."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cds_service.trust.keys import KeyProblem, read_key_set
from tests.unit.tokens import EC_KEY, OTHER_EC_KEY, P256_KEY, RSA_KEY, b64, jwk

EC, RSA = jwk(EC_KEY, "ec"), jwk(RSA_KEY, "rsa")


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key != name}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (EC, ("ec", "ES384")),
        (RSA, ("rsa", "RS384")),
        (EC | {"alg": "ES384", "use": "sig", "key_ops": ["verify"], "x5t": "strange", "x5c": 7}, ("ec", "ES384")),
        (RSA | {"key_ops": ["sign", "verify"]}, ("rsa", "RS384")),
        (EC | {"kid": "a+b/c="}, ("a+b/c=", "ES384")),
    ],
)
def test_a_good_key_is_used(value: dict[str, Any], found: tuple[str, str]) -> None:
    read = read_key_set({"keys": [value]})
    assert (list(read.keys), read.unfit) == ([found], {})


SHORT_RSA = jwk(rsa.generate_private_key(65537, 1024), "short")
BAD = [
    ("EC", "is no object"),
    ({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}, "kty is neither EC nor RSA"),
    ({"kty": "OKP", "crv": "Ed25519", "x": "a", "kid": "a"}, "kty is neither EC nor RSA"),
    (without(EC, "kty"), "kty is neither EC nor RSA"),
    (EC | {"kty": ["EC"]}, "kty is neither EC nor RSA"),
    (EC | {"d": "abc"}, "is a private key; only public keys are used"),
    (RSA | {"p": "abc"}, "is a private key; only public keys are used"),
    (without(EC, "kid"), "kid is no string of 1 to 256 characters"),
    (EC | {"kid": ""}, "kid is no string of 1 to 256 characters"),
    (EC | {"kid": 1}, "kid is no string of 1 to 256 characters"),
    (EC | {"alg": "ES256"}, "alg is not ES384"),
    (RSA | {"alg": "RS256"}, "alg is not RS384"),
    (RSA | {"alg": ["RS384"]}, "alg is not RS384"),
    (EC | {"use": "enc"}, "use is not sig"),
    (EC | {"key_ops": ["encrypt"]}, "key_ops lacks verify"),
    (EC | {"key_ops": "verify"}, "key_ops lacks verify"),
    (jwk(P256_KEY, "a"), "crv is not P-384"),
    (EC | {"crv": "P-256"}, "crv is not P-384"),
    (without(EC, "x"), "crv, x, y: a base64url string is wanted of each"),
    (EC | {"x": ""}, "crv, x, y: a base64url string is wanted of each"),
    (EC | {"y": EC["x"]}, "the numbers are no key"),
    (EC | {"x": "$$$$"}, "the numbers are no key"),
    (EC | {"x": b64(bytes(48)), "y": b64(bytes(48))}, "the numbers are no key"),
    (SHORT_RSA, "an RSA key has 2048 to 8192 bits"),
    (RSA | {"n": "a" * 3000}, "n, e: a base64url string is wanted of each"),
    (RSA | {"e": "AQ"}, "the numbers are no key"),
    (RSA | {"e": "AAAA"}, "the numbers are no key"),
    (RSA | {"n": 7}, "n, e: a base64url string is wanted of each"),
]


@pytest.mark.parametrize(("value", "why"), BAD)
def test_a_bad_key_is_named_by_its_place_and_the_others_are_used(value: Any, why: str) -> None:
    read = read_key_set({"keys": [RSA | {"kid": "good"}, value, EC | {"kid": "good"}]})
    assert read.unfit == {1: why}
    assert list(read.keys) == [("good", "RS384"), ("good", "ES384")]


def test_two_keys_of_one_kind_and_id_count_once() -> None:
    read = read_key_set({"keys": [EC, jwk(OTHER_EC_KEY, "ec")]})
    assert read.unfit == {1: "another key of the set has the same kid"}
    key = read.find("ec", "ES384")
    assert key is not None
    assert key.as_dict(private=False)["x"] == EC["x"]


def test_a_set_knows_an_id_for_either_algorithm_but_finds_it_for_one() -> None:
    read = read_key_set({"keys": [EC]})
    assert read.knows("ec")
    assert read.find("ec", "RS384") is None
    assert not read.knows("other")


def test_an_empty_set_is_a_set() -> None:
    assert dict(read_key_set({"keys": []}).keys) == {}


@pytest.mark.parametrize("value", [None, [], "keys", {}, {"keys": {}}, {"keys": None}, EC])
def test_what_is_no_set_is_refused(value: Any) -> None:
    with pytest.raises(KeyProblem, match='an array "keys" is wanted'):
        read_key_set(value)


def test_a_set_of_too_many_keys_is_refused() -> None:
    with pytest.raises(KeyProblem, match="has 101 keys; at most 100 are taken"):
        read_key_set({"keys": [EC] * 101})
