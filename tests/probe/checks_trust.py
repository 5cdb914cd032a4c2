"""Checks of authentication (8xx); without a key they are not applicable, for the operator may leave it off."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.probe.charts import good
from tests.probe.checks_feedback import item
from tests.probe.judge import NotApplicable, Probe, check, refused, taken, wanted
from tests.probe.wire import Heard, Signer

Ask = Callable[[str | None], Heard]
OFF = "no key was given: authentication is off"


def with_key(probe: Probe) -> Signer:
    if probe.wire.signer is None:
        raise NotApplicable(OFF)
    return probe.wire.signer


def call(probe: Probe, token: str | None) -> Heard:
    service = probe.services[0]
    return probe.wire.post(service.path, good(service), token=token)


def path(probe: Probe) -> str:
    return probe.services[0].path


def denied(probe: Probe, tokens: dict[str, str | None]) -> str:
    """Send a good call with each token; every one is to be answered 401."""
    for what, token in tokens.items():
        refused(call(probe, token), what, 401)
    return f"{', '.join(tokens)}: 401"


def packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(packed(json.dumps(each).encode()) for each in (header, claims))


@check(801)
def tls(probe: Probe) -> str:
    if urlsplit(probe.wire.url).scheme != "https":
        raise NotApplicable("the URL is http: whoever ends TLS stands before the service")
    return "https"


@check(803)
def calls_need_authentication(probe: Probe) -> str:
    with_key(probe)
    return denied(probe, {"a call without a token": None})


@check(804)
def every_route_needs_a_token(probe: Probe) -> str:
    with_key(probe)
    feedback = f"{path(probe)}/feedback"
    asked: dict[str, Ask] = {
        "discovery": lambda token: probe.wire.get("/cds-services", token=token),
        "a call": lambda token: call(probe, token),
        "feedback": lambda token: probe.wire.post(feedback, {"feedback": [item()]}, token=token),
    }
    for what, ask in asked.items():
        refused(ask(None), f"{what} without a token", 401)
        refused(ask("not-a-token"), f"{what} with words for a token", 401)
        heard = ask("auto")
        wanted(heard.status in (200, 204), f"{what} with a token: {heard.status}, wanted 200 or 204")
    basic = probe.wire.send("GET", "/cds-services", token=None, headers={"Authorization": "Basic cHJvYmU6cHJvYmU="})
    refused(basic, "Basic", 401)
    return "discovery, a call, feedback: 401 without a token, 200 with one; Basic: 401"


@check(805)
def header_members(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    without = {
        "no kid": signer.token(here, header={"kid": None}),
        "kid 7": f"{packed(json.dumps(signer.header(kid=7)).encode())}.{signer.token(here).split('.', 1)[1]}",
        "no alg": f"{packed(json.dumps(signer.header(alg=None)).encode())}.{signer.token(here).split('.', 1)[1]}",
    }
    return denied(probe, without)


@check(806)
def none_is_no_algorithm(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    tokens = {}
    for word in ("none", "None", "NONE"):
        bare = unsigned(signer.header(alg=word), signer.claims(here))
        tokens[f"alg {word}"] = f"{bare}."
        tokens[f"alg {word} with a signature"] = f"{bare}.{signer.token(here).split('.')[2]}"
    return denied(probe, tokens)


@check(807)
def no_symmetric_algorithm(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    tokens = {}
    for name, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384)):
        for what, secret in (("the public key", signer.key.as_pem(private=False)), ("nothing", b"")):
            bare = unsigned(signer.header(alg=name), signer.claims(here))
            tokens[f"{name} by {what}"] = f"{bare}.{packed(hmac.new(secret, bare.encode(), digest).digest())}"
    return denied(probe, tokens)


@check(808)
def algorithm_is_taken(probe: Probe) -> str:
    signer = with_key(probe)
    taken(call(probe, "auto"), f"a token signed by {signer.algorithm}")
    return f"{signer.algorithm}: taken"


@check(809)
def claims_are_needed(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    names = ("iss", "aud", "exp", "iat", "jti")
    tokens: dict[str, str | None] = {f"no {name}": signer.token(here, claims={name: None}) for name in names}
    said = denied(probe, tokens)
    more = {"nbf": int(time.time()) - 300, "sub": "probe"}
    taken(call(probe, signer.token(here, claims=more)), "further claims nbf and sub")
    return f"{said}; nbf and sub beside them: taken"


@check(810)
def audience(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    other = f"{signer.base}/cds-services"
    said = denied(
        probe,
        {
            "another host": signer.token(here, claims={"aud": f"https://other.example.org{here}"}),
            "the URL of discovery": signer.token(here, claims={"aud": other}),
            "an empty array": signer.token(here, claims={"aud": []}),
        },
    )
    several = signer.token(here, claims={"aud": ["https://other.example.org", signer.base + here]})
    taken(call(probe, several), "an array with the right URL in it")
    return f"{said}; an array with the right URL in it: taken"


@check(811)
def signature(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    other = ECKey.generate_key("P-384") if isinstance(signer.key, ECKey) else RSAKey.generate_key(2048)
    forged = jwt.encode(signer.header(), signer.claims(here), other, algorithms=[signer.algorithm])
    head, body, signed = signer.token(here).split(".")
    changed_claims = packed(json.dumps(signer.claims(here)).encode())
    return denied(
        probe,
        {
            "another key under the same kid": forged,
            "an unknown kid": signer.token(here, header={"kid": "no-such-kid"}),
            "changed claims": f"{head}.{changed_claims}.{signed}",
            "a cut signature": f"{head}.{body}.{signed[:-4]}",
            "no signature": f"{head}.{body}.",
            "two parts": f"{head}.{body}",
        },
    )


@check(812)
def issuers_and_jku(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fetched = threading.Event()

        def listen() -> None:
            try:
                listener.accept()[0].close()
                fetched.set()
            except OSError:
                return

        threading.Thread(target=listen, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json"
        said = denied(
            probe,
            {
                "an unknown iss": signer.token(here, claims={"iss": "https://unknown.example.org"}),
                "a jku that is not listed": signer.token(here, header={"jku": url, "kid": "unknown"}),
            },
        )
        wanted(not fetched.is_set(), "a jku that is not listed was fetched")
        listener.shutdown(socket.SHUT_RDWR)
    return f"{said}; the jku was not fetched"


@check(813)
def replay_and_life(probe: Probe) -> str:
    signer, here, now = with_key(probe), path(probe), int(time.time())
    once = signer.token(here)
    taken(call(probe, once), "a token for the first time")
    return denied(
        probe,
        {
            "the same token again": once,
            "expired": signer.token(here, claims={"iat": now - 1200, "exp": now - 900}),
            "issued in an hour": signer.token(here, claims={"iat": now + 3600, "exp": now + 3900}),
            "exp as text": signer.token(here, claims={"exp": str(now + 200)}),
        },
    )


@check(814)
def keys_out_of_band(probe: Probe) -> str:
    with_key(probe)
    taken(call(probe, "auto"), "a token without jku")
    return "a token without jku is verified by a key exchanged before"


@check(816)
def no_detail(probe: Probe) -> str:
    signer, here = with_key(probe), path(probe)
    sent = [
        None,
        "x",
        signer.token(here, claims={"exp": 1}),
        signer.token(here, claims={"aud": "a"}),
        signer.token("/x"),
    ]
    bodies = {call(probe, each).text for each in sent}
    wanted(len(bodies) == 1, f"a 401 tells what was wrong: {sorted(bodies)[:2]}")
    tokens = [each for each in sent if each and len(each) > 10]
    wanted(not any(each in heard.text for each in tokens for heard in probe.wire.heard), "a token is repeated")
    return f"{len(sent)} kinds of refusal, one body"
