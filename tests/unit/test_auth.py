"""The gate: which tokens are taken, which are not, and what is told of each. The answer is the same for all of them."""

import json
import threading
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clients.client import LOG, Client, Rate
from cds_service.core.problem import RequestProblem
from cds_service.edges.auth import WANTED
from cds_service.trust.claims import check_claims
from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import read_token
from tests.unit.tokens import (
    EC_KEY,
    EHR,
    ISSUER,
    JKU,
    NOW,
    OTHER_EC_KEY,
    OTHER_ISSUER,
    OTHER_JKU,
    P256_KEY,
    PATH,
    RSA_KEY,
    URL,
    Gate,
    b64,
    claims,
    header,
    jwk,
    token,
)

PUBLIC_PEM = EC_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def refused(gate: Gate, authorization: str | None, path: str = PATH) -> RequestProblem:
    with pytest.raises(RequestProblem) as caught:
        gate.identify(authorization, path)
    return caught.value


def said(problem: RequestProblem) -> tuple[int, dict[str, str], str, str]:
    (issue,) = problem.issues
    return problem.status, problem.headers, issue.code, issue.text


UNAUTHORIZED = (401, {"WWW-Authenticate": "Bearer"}, "login", WANTED)


# --- taken ------------------------------------------------------------------------------------------------------

RS_HEADER = header(alg="RS384", kid="rs+1/=")

GOOD = {
    "ES384": token(),
    "RS384": token(RS_HEADER, key=RSA_KEY),
    "jku of the client": token(header(jku=JKU)),
    "typ in small letters": token(header(typ="jwt")),
    "a header nobody knows": token(header(x="y")),
    "aud in an array": token(said=claims(aud=["https://elsewhere.example.org", URL + PATH])),
    "aud of the client's list": token(said=claims(aud="https://alias.example.org/cds")),
    "as Epic": token(RS_HEADER, claims(nbf=NOW - 300, iat=NOW, exp=NOW + 900, sub="client-id"), key=RSA_KEY),
    "fractions of a second": token(said=claims(iat=NOW - 0.5, exp=NOW + 10.25)),
    "a clock that is 10 seconds ahead": token(said=claims(iat=NOW + 10, nbf=NOW + 10)),
    "ended 9 seconds ago": token(said=claims(exp=NOW - 9, iat=NOW - 60)),
    "20 minutes": token(said=claims(iat=NOW, exp=NOW + 1200)),
    "any tenant": token(said=claims(tenant="anyone")),
    "jti of strange characters": token(said=claims(jti="\0 é \U0001f600")),
    # What could bring a key is passed over, not trusted and no reason to refuse.
    "a key in the header, unused": token(header(jwk=jwk(OTHER_EC_KEY, "ec-1"), x5u="https://x.example.org", x5c=["a"])),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_a_good_token_is_the_clients(text: str) -> None:
    gate = Gate()
    assert gate.show(text) == EHR
    assert gate.told == []


def test_the_scheme_is_written_in_any_case() -> None:
    assert Gate().identify(f"bearer  {token()}", PATH) == EHR


def test_without_a_public_url_only_the_clients_audience_counts() -> None:
    gate = Gate(public_url="")
    refused(gate, f"Bearer {token(said=claims(aud=PATH))}")
    assert gate.told == [("audience", "ehr")]
    assert gate.show(GOOD["aud of the client's list"]) == EHR


def test_without_a_public_url_and_an_audience_nothing_is_taken() -> None:
    gate = Gate(replace(EHR, audience=()), public_url="")
    assert said(refused(gate, f"Bearer {token()}")) == UNAUTHORIZED
    assert gate.told == [("audience", "ehr")]


# --- not taken --------------------------------------------------------------------------------------------------


def _tampered(text: str) -> str:
    head, _, signature = text.split(".")
    return f"{head}.{b64(json.dumps(claims(jti='other')).encode())}.{signature}"


def _raw(name: str, value: str) -> str:
    """A token whose claim is written as it stands, NaN for instance."""
    written = json.dumps(claims()).encode()
    return (
        token(said=written[:-1] + f', "{name}": {value}}}'.encode())
        if name not in claims()
        else token(said=json.dumps(claims(**{name: "@"})).replace('"@"', value).encode())
    )


_SMALL = {"alg": "none", "typ": "JWT", "kid": "ec-1"}
_NONE = ".".join(b64(json.dumps(each).encode()) for each in (_SMALL, claims()))
_GOOD_PARTS = token().split(".")

BAD: dict[str, tuple[str, Reason]] = {
    # size and form
    "header too large": ("a" * 8186, Reason.TOO_LARGE),
    "header json too large": (token(header(x5c=["a" * 4090])), Reason.TOO_LARGE),
    "claim too long": (token(said=claims(sub="a" * 1025)), Reason.TOO_LARGE),
    "claim too long in a list": (token(said=claims(aud=["a" * 1025])), Reason.TOO_LARGE),
    "one part": ("abc", Reason.MALFORMED),
    "two parts": (".".join(_GOOD_PARTS[:2]), Reason.MALFORMED),
    "four parts": (token() + ".abcd", Reason.MALFORMED),
    "five parts, as if encrypted": ("a.b.c.d.e", Reason.MALFORMED),
    "no signature": (".".join(_GOOD_PARTS[:2]) + ".", Reason.MALFORMED),
    "not base64": ("abc$.abcd.abcd", Reason.MALFORMED),
    "padding": (f"{_GOOD_PARTS[0]}==.{_GOOD_PARTS[1]}.{_GOOD_PARTS[2]}", Reason.MALFORMED),
    "base64 of one character too many": ("abcde.abcd.abcd", Reason.MALFORMED),
    "stray bits in the last character": (".".join(["e31", *_GOOD_PARTS[1:]]), Reason.MALFORMED),
    "non-ASCII": (token() + "é", Reason.MALFORMED),
    "a comma, as of two headers": (f"{token()}, Bearer {token()}", Reason.MALFORMED),
    "header is no JSON": (token(b"{"), Reason.MALFORMED),
    "header is a list": (token(b"[]"), Reason.MALFORMED),
    "payload is no JSON": (token(said=b"x"), Reason.MALFORMED),
    "payload is a token": (token(said=token().encode()), Reason.MALFORMED),
    "payload is a string": (token(said=b'"x"'), Reason.MALFORMED),
    "payload is not UTF-8": (token(said=b'{"iss": "\xff"}'), Reason.MALFORMED),
    "duplicate key in the payload": (token(said=b'{"iss": "a", "iss": "b"}'), Reason.MALFORMED),
    "duplicate key deep in the payload": (token(said=b'{"iss": "a", "x": {"y": 1, "y": 1}}'), Reason.MALFORMED),
    "duplicate key in the header": (token(b'{"alg":"none","alg":"ES384","typ":"JWT","kid":"ec-1"}'), Reason.MALFORMED),
    "nested deeply": (token(said=b'{"iss":' + b"[" * 900 + b"]" * 900 + b"}"), Reason.MALFORMED),
    # header
    "alg none, unsigned": (_NONE + ".", Reason.MALFORMED),
    "alg none": (_NONE + "." + _GOOD_PARTS[2], Reason.ALGORITHM),
    "alg None": (token(header(alg="None"), alg="ES384"), Reason.ALGORITHM),
    "HS384 with the public key": (token(header(alg="HS384"), key=PUBLIC_PEM), Reason.ALGORITHM),
    "HS256": (token(header(alg="HS256"), key=b"secret"), Reason.ALGORITHM),
    "ES256": (token(header(alg="ES256"), key=P256_KEY), Reason.ALGORITHM),
    "RS256": (token({**RS_HEADER, "alg": "RS256"}, key=RSA_KEY), Reason.ALGORITHM),
    "PS384": (token({**RS_HEADER, "alg": "PS384"}, key=RSA_KEY), Reason.ALGORITHM),
    "alg in small letters": (token(header(alg="es384"), alg="ES384"), Reason.ALGORITHM),
    "alg a list": (token(header(alg=["ES384"]), alg="ES384"), Reason.ALGORITHM),
    "alg missing": (token(header(alg=None), alg="ES384"), Reason.ALGORITHM),
    "typ missing": (token(header(typ=None)), Reason.TYPE),
    "typ other": (token(header(typ="at+jwt")), Reason.TYPE),
    "typ a number": (token(header(typ=1)), Reason.TYPE),
    "cty, a token in a token": (token(header(cty="JWT")), Reason.TYPE),
    "crit": (token(header(crit=["exp"])), Reason.CRITICAL),
    "crit empty": (token(header(crit=[])), Reason.CRITICAL),
    "b64 false": (token(header(b64=False, crit=["b64"])), Reason.CRITICAL),
    "b64 false without crit": (token(header(b64=False)), Reason.CRITICAL),
    "b64 true": (token(header(b64=True)), Reason.CRITICAL),
    "kid missing": (token(header(kid=None)), Reason.KEY_ID),
    "kid empty": (token(header(kid="")), Reason.KEY_ID),
    "kid a number": (token(header(kid=1)), Reason.KEY_ID),
    "kid too long": (token(header(kid="k" * 257)), Reason.KEY_ID),
    # who, and which key
    "iss missing": (token(said=claims(iss=None)), Reason.ISSUER),
    "iss a number": (token(said=claims(iss=1)), Reason.ISSUER),
    "iss a list": (token(said=claims(iss=[ISSUER])), Reason.ISSUER),
    "iss unknown": (token(said=claims(iss="https://nobody.example.org")), Reason.ISSUER),
    "iss with a slash more": (token(said=claims(iss=ISSUER + "/")), Reason.ISSUER),
    "jku not listed": (token(header(jku="https://x.example.org/jwks.json")), Reason.KEY_URL),
    "jku with a query": (token(header(jku=JKU + "?x")), Reason.KEY_URL),
    "jku of another client": (token(header(jku=OTHER_JKU)), Reason.KEY_URL),
    "jku null": (token(header(jku=...)), Reason.KEY_URL),
    "jku a list": (token(header(jku=[JKU])), Reason.KEY_URL),
    "kid unknown": (token(header(kid="ec-2")), Reason.KEY_UNKNOWN),
    "kid of another client": (token(header(kid="other-1"), key=OTHER_EC_KEY), Reason.KEY_UNKNOWN),
    "kid of the other algorithm": (token({**RS_HEADER, "kid": "ec-1"}, key=RSA_KEY), Reason.KEY_UNKNOWN),
    # signature
    "signed by another key": (token(key=OTHER_EC_KEY), Reason.SIGNATURE),
    "its own key in the header": (token(header(jwk=jwk(OTHER_EC_KEY, "ec-1")), key=OTHER_EC_KEY), Reason.SIGNATURE),
    "jwk of a strange form": (token(header(jwk="x")), Reason.SIGNATURE),
    "signed on another curve": (token(key=P256_KEY), Reason.SIGNATURE),
    "another's issuer": (token(header(kid="other-1"), claims(iss=OTHER_ISSUER)), Reason.SIGNATURE),
    "claims changed": (_tampered(token()), Reason.SIGNATURE),
    "signature of zeros": (".".join(_GOOD_PARTS[:2]) + "." + b64(bytes(96)), Reason.SIGNATURE),
    "signature of ones": (".".join(_GOOD_PARTS[:2]) + "." + b64(b"\xff" * 96), Reason.SIGNATURE),
    "signature in another form": (".".join(_GOOD_PARTS[:2]) + "." + b64(b"0" * 104), Reason.SIGNATURE),
    "signature short": (".".join(_GOOD_PARTS[:2]) + "." + b64(b"0"), Reason.SIGNATURE),
    # claims
    "aud missing": (token(said=claims(aud=None)), Reason.CLAIM_MISSING),
    "exp missing": (token(said=claims(exp=None)), Reason.CLAIM_MISSING),
    "iat missing": (token(said=claims(iat=None)), Reason.CLAIM_MISSING),
    "jti missing": (token(said=claims(jti=None)), Reason.CLAIM_MISSING),
    "exp null": (token(said=claims(exp=...)), Reason.CLAIM_MISSING),
    "exp a string": (token(said=claims(exp=str(NOW + 60))), Reason.CLAIM_SHAPE),
    "exp true": (token(said=claims(exp=True)), Reason.CLAIM_SHAPE),
    "exp a list": (token(said=claims(exp=[NOW + 60])), Reason.CLAIM_SHAPE),
    "exp NaN": (_raw("exp", "NaN"), Reason.MALFORMED),
    "exp Infinity": (_raw("exp", "Infinity"), Reason.MALFORMED),
    "exp 1e400": (_raw("exp", "1e400"), Reason.MALFORMED),
    "exp of 400 digits": (_raw("exp", "9" * 400), Reason.MALFORMED),
    "iat a string": (token(said=claims(iat=str(NOW))), Reason.CLAIM_SHAPE),
    "iat false": (token(said=claims(iat=False)), Reason.CLAIM_SHAPE),
    "nbf a string": (token(said=claims(nbf=str(NOW))), Reason.CLAIM_SHAPE),
    "nbf null": (token(said=claims(nbf=...)), Reason.CLAIM_SHAPE),
    "sub a number": (token(said=claims(sub=1)), Reason.CLAIM_SHAPE),
    "jti a number": (token(said=claims(jti=1)), Reason.CLAIM_SHAPE),
    "jti empty": (token(said=claims(jti="")), Reason.CLAIM_SHAPE),
    "jti too long": (token(said=claims(jti="j" * 257)), Reason.CLAIM_SHAPE),
    "aud an object": (token(said=claims(aud={"url": URL + PATH})), Reason.CLAIM_SHAPE),
    "aud a number among strings": (token(said=claims(aud=[URL + PATH, 1])), Reason.CLAIM_SHAPE),
    "aud of 21": (token(said=claims(aud=[URL + PATH] * 21)), Reason.CLAIM_SHAPE),
    "ended 10 seconds ago": (token(said=claims(exp=NOW - 10, iat=NOW - 60)), Reason.EXPIRED),
    "exp negative": (token(said=claims(exp=-1e300)), Reason.EXPIRED),
    "iat 11 seconds ahead": (token(said=claims(iat=NOW + 11)), Reason.NOT_YET),
    "nbf 11 seconds ahead": (token(said=claims(nbf=NOW + 11)), Reason.NOT_YET),
    "life of 20 minutes and a second": (token(said=claims(iat=NOW, exp=NOW + 1201)), Reason.LIFE),
    "issued long ago, ends soon": (token(said=claims(iat=0, exp=NOW + 60)), Reason.LIFE),
    "never ends": (token(said=claims(exp=1e300)), Reason.LIFE),
    "ends before it begins": (token(said=claims(iat=NOW + 5, exp=NOW + 5)), Reason.LIFE),
    "aud of another path": (token(said=claims(aud=URL + "/cds-services")), Reason.AUDIENCE),
    "aud with a slash more": (token(said=claims(aud=URL + PATH + "/")), Reason.AUDIENCE),
    "aud of the service alone": (token(said=claims(aud=URL)), Reason.AUDIENCE),
    "aud in capitals": (token(said=claims(aud=(URL + PATH).upper())), Reason.AUDIENCE),
    "aud longer": (token(said=claims(aud=URL + PATH + "-2")), Reason.AUDIENCE),
    "aud of others": (token(said=claims(aud=["https://elsewhere.example.org"])), Reason.AUDIENCE),
    "aud empty list": (token(said=claims(aud=[])), Reason.AUDIENCE),
    "aud empty": (token(said=claims(aud="")), Reason.AUDIENCE),
}  # fmt: skip
NO_TEXT = ("jku null", "jku a list")
BEFORE_THE_CLIENT = {
    Reason.TOO_LARGE, Reason.MALFORMED, Reason.ALGORITHM, Reason.TYPE, Reason.CRITICAL, Reason.KEY_ID, Reason.ISSUER,
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "reason"), [(name, *each) for name, each in BAD.items()], ids=BAD.keys())
def test_a_bad_token_is_refused_without_a_word_why(name: str, text: str, reason: Reason) -> None:
    gate = Gate()
    client = "" if reason in BEFORE_THE_CLIENT or name in NO_TEXT else "other" if name == "another's issuer" else "ehr"
    assert said(refused(gate, f"Bearer {text}")) == UNAUTHORIZED
    assert gate.told == [(reason, client)]
    assert gate.keys_asked == (0 if reason in {*BEFORE_THE_CLIENT, Reason.KEY_URL} else 1)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic abc", token(), "Bearer\t" + token()])
def test_no_bearer_token_is_refused_the_same(authorization: str | None) -> None:
    gate = Gate()
    assert said(refused(gate, authorization)) == UNAUTHORIZED
    assert gate.told == [("token-missing", "")]


def test_every_reason_is_met_by_a_test_here() -> None:
    met = {reason for _, reason in BAD.values()}
    elsewhere = {
        Reason.MISSING, Reason.RATE, Reason.TENANT, Reason.REPLAY, Reason.REPLAY_LOGGED, Reason.REPLAY_UNCHECKED,
        Reason.KEY_UNFIT, Reason.KEYS_UNAVAILABLE, Reason.REPLAY_FORGOTTEN,
    }  # fmt: skip
    assert met | elsewhere == set(Reason)
    assert met & elsewhere == set()


def test_every_reason_has_its_word_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/trust.md").read_text(encoding="utf-8")
    assert [reason.value for reason in Reason if f"`{reason}`" not in page] == []


def test_an_issuer_of_the_anonymous_entry_opens_nothing() -> None:
    gate = Gate(Client("anonymous", issuers=(ISSUER,), jku=(JKU,)))
    assert said(refused(gate, f"Bearer {token()}")) == UNAUTHORIZED
    assert gate.told == [("issuer-unknown", "")]


# --- tenant -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", [None, "south", 1, ["north"], ..., ""])
def test_a_tenant_that_is_not_listed_may_not_call(tenant: Any) -> None:
    gate = Gate(replace(EHR, tenants=("north", "west")))
    problem = refused(gate, f"Bearer {token(said=claims(tenant=tenant))}")
    assert said(problem) == (403, {}, "forbidden", "not allowed")
    assert gate.told == [("tenant", "ehr")]


def test_a_tenant_that_is_listed_may_call() -> None:
    assert Gate(replace(EHR, tenants=("north", "west"))).show(token(said=claims(tenant="west"))).name == "ehr"


def test_a_tenant_is_not_looked_at_before_the_signature() -> None:
    gate = Gate(replace(EHR, tenants=("north",)))
    assert refused(gate, f"Bearer {token(said=claims(tenant='south'), key=OTHER_EC_KEY)}").status == 401


# --- replay -----------------------------------------------------------------------------------------------------


def test_a_token_is_good_once() -> None:
    gate = Gate()
    text = token()
    gate.show(text)
    assert said(refused(gate, f"Bearer {text}")) == UNAUTHORIZED
    assert gate.told == [("replay", "ehr")]


def test_another_token_with_the_same_jti_is_a_replay_of_this_client_only() -> None:
    gate = Gate()
    gate.show(token(said=claims(jti="same")))
    refused(gate, f"Bearer {token(said=claims(jti='same', exp=NOW + 400))}")
    assert gate.show(token(header(kid="other-1"), claims(iss=OTHER_ISSUER, jti="same"), OTHER_EC_KEY)).name == "other"
    assert gate.told == [("replay", "ehr")]


def test_a_token_that_another_worker_saw_is_a_replay() -> None:
    asked: list[tuple[str, str, datetime]] = []

    def seen_elsewhere(client: str, token_id: str, expires: datetime) -> bool:
        asked.append((client, token_id, expires))
        return False

    gate = Gate(first_seen=seen_elsewhere)
    refused(gate, f"Bearer {token()}")
    refused(gate, f"Bearer {token()}")
    ((client, token_id, expires),) = asked  # the second time this worker knew by itself
    assert (client, len(token_id)) == ("ehr", 64)  # a digest: the id itself could hold anything
    assert expires == datetime.fromtimestamp(NOW + 310, timezone.utc)  # it is taken until then, leeway included
    assert gate.told == [("replay", "ehr")] * 2


def test_while_the_others_cannot_be_asked_calls_go_on_and_are_counted() -> None:
    gate = Gate(first_seen=lambda *_: None)
    assert gate.show(token()).name == "ehr"
    refused(gate, f"Bearer {token()}")
    assert gate.told == [("replay-unchecked", "ehr"), ("replay", "ehr")]


def test_a_client_whose_replays_are_logged_may_repeat_a_token() -> None:
    gate = Gate(replace(EHR, replay=LOG))
    assert [gate.show(token()).name for _ in range(3)] == ["ehr"] * 3
    assert gate.told == [("replay-logged", "ehr")] * 2


def test_of_fifty_threads_with_one_token_exactly_one_is_let_in() -> None:
    gate, text, together, outcomes = Gate(), token(), threading.Barrier(50), []

    def knock() -> None:
        together.wait()
        try:
            outcomes.append(gate.show(text).name)
        except RequestProblem as problem:
            outcomes.append(str(problem.status))

    threads = [threading.Thread(target=knock) for _ in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["401"] * 49 + ["ehr"]
    assert gate.told == [("replay", "ehr")] * 49


# --- rate -------------------------------------------------------------------------------------------------------

SLOW = replace(EHR, rate=Rate(per_second=0.4, burst=2))


def numbered(number: int, **changes: Any) -> str:
    return token(said=claims(jti=f"token-{number}", **changes))


def test_a_client_that_calls_too_often_is_told_when_to_come_back_without_cryptography() -> None:
    gate = Gate(SLOW)
    gate.show(numbered(1))
    gate.show(numbered(2))
    problem = refused(gate, f"Bearer {numbered(3)}")
    assert said(problem) == (429, {"Retry-After": "3"}, "throttled", "too many calls")
    assert gate.keys_asked == 2
    assert gate.told == [("rate", "ehr")]
    gate.seconds = 2.5
    assert gate.show(numbered(3)).name == "ehr"  # the same token: it was not counted as seen


@pytest.mark.parametrize("text", [token(key=OTHER_EC_KEY), token(said=claims(exp=NOW - 60, iat=NOW - 90))])
def test_what_is_forged_or_over_does_not_use_up_the_rate(text: str) -> None:
    gate = Gate(SLOW)
    for _ in range(5):
        assert refused(gate, f"Bearer {text}").status == 401
    assert gate.show(numbered(1)).name == gate.show(numbered(2)).name == "ehr"


def test_a_replayed_token_does_not_use_up_the_rate() -> None:
    gate = Gate(SLOW)
    gate.show(numbered(1))
    for _ in range(5):
        assert refused(gate, f"Bearer {numbered(1)}").status == 401
    assert gate.show(numbered(2)).name == "ehr"


def test_a_bucket_that_emptied_during_the_check_refuses_too() -> None:
    gate = Gate(replace(EHR, rate=Rate(1.0, 1)))
    together, outcomes = threading.Barrier(20), []

    def knock(number: int) -> None:
        together.wait()
        try:
            outcomes.append(gate.show(numbered(number)).name)
        except RequestProblem as problem:
            outcomes.append(str(problem.status))

    threads = [threading.Thread(target=knock, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["429"] * 19 + ["ehr"]


# --- whatever comes ---------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_members = ["alg", "typ", "kid", "jku", "crit", "b64", "jwk", "x5c", "cty"]


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda each: each.decode("latin-1")))
@settings(max_examples=300, deadline=None)
def test_whatever_the_header_holds_it_is_refused(text: str) -> None:
    for authorization in (text, f"Bearer {text}", f"Bearer {b64(text.encode('utf-8', 'surrogatepass'))}.e30.e30"):
        assert refused(Gate(), authorization).status == 401


@given(
    st.dictionaries(st.sampled_from(_members), _json, max_size=3),
    st.dictionaries(st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "jti", "sub", "tenant"]), _json, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_signed_token_says_it_is_taken_or_refused(head: dict[str, Any], said: dict[str, Any]) -> None:
    text = token({**header(), **head}, {**claims(), **said}, alg="ES384")
    gate = Gate()
    status = 200
    try:
        gate.show(text)
    except RequestProblem as problem:
        status = problem.status
    assert (status, len(gate.told)) in {(200, 0), (401, 1)}


@given(st.integers(min_value=0), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_token_with_one_character_changed_is_refused(place: int, by: int) -> None:
    text = GOOD["ES384"]
    place %= len(text)
    changed = text[:place] + chr(by) + text[place + 1 :]
    if changed != text:
        assert refused(Gate(), f"Bearer {changed}").status == 401


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ES384", "RS384"])
def test_what_it_costs_to_check_a_token(name: str) -> None:
    gate = Gate(replace(EHR, replay=LOG, rate=None))
    rounds, began = 300, time.process_time()
    for _ in range(rounds):
        gate.show(GOOD[name])
    took_ms = 1000 * (time.process_time() - began) / rounds
    print(f"{name}: {took_ms:.2f} ms")
    assert took_ms < 10


@pytest.mark.parametrize(
    ("ended", "now", "taken"),
    [(9.0, 0.95, True), (9.5, 0.45, True), (9.5, 0.5, False), (9.5, 0.95, False), (10.0, 0.0, False)],
)
def test_a_token_is_taken_no_longer_than_it_is_remembered(ended: float, now: float, taken: bool) -> None:
    """`exp` may hold a fraction of a second; a replay is refused until the very moment at which the token is."""
    sent = read_token(f"Bearer {token(said=claims(exp=NOW - ended, iat=NOW - 60))}")
    audience = [str(sent.claims["aud"])]
    if taken:
        check_claims(sent, audience, NOW + now)
    else:
        with pytest.raises(Refused) as caught:
            check_claims(sent, audience, NOW + now)
        assert caught.value.reason is Reason.EXPIRED
