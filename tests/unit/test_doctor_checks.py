"""The checks of `doctor` as functions of what was observed, and what a server on this machine cannot show."""

import errno
import http.client
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
import requests
import urllib3

from cds_service.calling.answers import no_service
from cds_service.calling.deployment import service_path
from cds_service.calling.faults import unheard
from cds_service.calling.target import Target, TargetProblem, read_target
from cds_service.calling.wire import Heard
from cds_service.doctor import proxy, service, way
from cds_service.doctor.look import other_names
from cds_service.doctor.observed import Finding, Observed, State, Step, Tls
from cds_service.doctor.report import CHECKS, as_text, examine, exit_code
from cds_service.edges.release_watch import OUTCOMES
from cds_service.rulebook.kept import ACCEPTED
from cds_service.services import SERVICES

NOW = 1_800_000_000.0
DAY_S = 86_400
BASE = "https://cds.example.org"
SAFE = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=1",
}


def answer(status: int = 200, value: Any = None, **headers: str) -> Heard:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Heard(status, {**SAFE, **named}, json.dumps(value if value is not None else {}).encode(), at=NOW)


def seen(url: str = BASE, answers: dict[Step, Any] | None = None, **more: Any) -> Observed:
    return Observed(NOW, target=read_target(url), answers=answers or {}, **more)


def listed(*ids: str, prefetch: Any = None) -> Heard:
    one = {"patient": "Patient/{{context.patientId}}"} if prefetch is None else prefetch
    return answer(value={"services": [{"hook": "patient-view", "id": each, "prefetch": one} for each in ids]})


def stated(finding: Finding) -> tuple[str, str]:
    return str(finding.state), finding.found


# --- the URL ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "base", "path", "named"),
    [
        ("https://cds.example.org", BASE, "", ""),
        ("https://cds.example.org/", BASE, "", ""),
        ("https://cds.example.org/cds-services/", BASE, "", ""),
        ("https://cds.example.org/a/b", f"{BASE}/a/b", "/a/b", ""),
        ("https://cds.example.org/a/cds-services/one", f"{BASE}/a", "/a", "one"),
    ],
)
def test_a_url_is_taken_apart(text: str, base: str, path: str, named: str) -> None:
    assert read_target(text) == Target(base, "https", "cds.example.org", 443, path, named)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cds.example.org", "does not begin with https:// or http://"),
        ("https://me:pass@cds.example.org", "holds a name or a password"),
        ("https://cds.example.org?a=1", "has more than scheme, host and path"),
        ("https://cds.example.org:port", "cannot be read"),
        ("https://cds.example.org/cds-services/a/feedback", "has more than one name after /cds-services"),
    ],
)
def test_a_url_that_cannot_be_called_says_why_and_is_not_repeated(text: str, said: str) -> None:
    with pytest.raises(TargetProblem, match=said) as refused:
        read_target(text)
    assert "pass@" not in str(refused.value)


def test_other_names_of_a_service_differ_in_scheme_port_and_path() -> None:
    assert other_names(read_target("https://cds.example.org:8443/cds")) == [
        "https://cds.example.org/cds",
        "http://cds.example.org:8443/cds",
        "http://cds.example.org/cds",
        "https://cds.example.org:8443",
        "https://cds.example.org",
        "http://cds.example.org:8443",
        "http://cds.example.org",
    ]


# --- why nothing was heard -------------------------------------------------------------------------------------------


def wrapped(fault: BaseException) -> requests.ConnectionError:
    """A fault as the library wraps it."""
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", fault))


def certificate_fault(code: int) -> ssl.SSLCertVerificationError:
    fault = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.verify_code = code
    return fault


@pytest.mark.parametrize(
    ("fault", "kind", "found"),
    [
        (wrapped(socket.gaierror(-2, "x")), "name", "the name is not known"),
        (requests.ReadTimeout(), "timeout", "no whole answer came within 3 seconds"),
        (wrapped(ConnectionRefusedError()), "refused", "nothing listens at this port (connection refused)"),
        (wrapped(http.client.RemoteDisconnected()), "cut", "the connection was cut before the answer was whole"),
        (wrapped(http.client.BadStatusLine("SSH-2.0")), "not-http", "what answers does not speak HTTP"),
        (wrapped(OSError(errno.ENETUNREACH, "x")), "unreachable", "the address cannot be reached"),
        (ValueError("x"), "not-http", "the answer cannot be read (ValueError)"),
        (certificate_fault(10), "tls", "the certificate has expired"),
        (certificate_fault(20), "tls", "the certificate's issuer is not known here, or its chain is not sent whole"),
        (certificate_fault(62), "tls", "the certificate is for another name"),
        (wrapped(certificate_fault(999)), "tls", "the certificate is not trusted"),
    ],
)
def test_what_happened_is_told_however_it_was_wrapped(fault: Exception, kind: str, found: str) -> None:
    told = unheard(fault, 3)
    assert (told.kind, told.found) == (kind, found)
    assert told.to_do


def test_what_a_server_said_is_shown_without_what_a_terminal_obeys() -> None:
    said = Heard(200, {"content-type": "text/\x1b[2jplain"}, b"")
    assert no_service(said) == (
        "status 200 with text/[2jplain, which holds no JSON object",
        "look at what answers at this URL; a CDS service answers with a JSON object",
    )
    assert "\x1b" not in service.discovery(seen(answers={Step.DISCOVERY: listed("a\x1b[31m")})).found
    assert "\x1b" not in service.ready(ready(release="a\x1b[31m", rules={"active": "\x1b[2J"})).found


@pytest.mark.parametrize(("name", "path"), [("a-b", "a-b"), ("../x", "..%2Fx"), ("a?b#c d", "a%3Fb%23c%20d")])
def test_an_id_that_a_server_said_stays_one_step_of_the_path(name: str, path: str) -> None:
    assert service_path(name) == f"/cds-services/{path}"


# --- the way ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tls", "wanted"),
    [
        (Tls("TLSv1.3", NOW - 30 * DAY_S, NOW + 60 * DAY_S), "ok"),
        (Tls("TLSv1.2", NOW - 80 * DAY_S, NOW + 20.9 * DAY_S), "warn"),
        (Tls("TLSv1.2", NOW - 80 * DAY_S, NOW + 21.1 * DAY_S), "ok"),
        (Tls("TLSv1.3", NOW - 2 * DAY_S, NOW + 4 * DAY_S), "ok"),  # of six days, with most of them left
        (Tls("TLSv1.3", NOW - 5 * DAY_S, NOW + 1 * DAY_S), "warn"),
        (Tls("TLSv1.1", NOW - 30 * DAY_S, NOW + 60 * DAY_S), "wrong"),
    ],
)
def test_a_certificate_that_ends_soon_is_warned_of(tls: Tls, wanted: str) -> None:
    assert way.tls(seen(tls=tls)).state == wanted


def test_http_to_another_machine_is_wrong() -> None:
    assert stated(way.tls(seen("http://cds.example.org"))) == (
        "wrong",
        "http to another machine: health data and tokens can be read on the way",
    )


@pytest.mark.parametrize(
    ("ahead_s", "wanted"), [(0, "ok"), (2, "ok"), (4, "warn"), (-9, "warn"), (13, "wrong"), (-13, "wrong")]
)
def test_the_clock_may_differ_by_the_leeway_of_tokens(ahead_s: int, wanted: str) -> None:
    dated = answer(date=formatdate(NOW + ahead_s, usegmt=True))
    assert way.clock(seen(answers={Step.DISCOVERY: dated})).state == wanted


def test_an_answer_without_a_date_leaves_the_clock_open() -> None:
    assert way.clock(seen(answers={Step.DISCOVERY: answer(date="noon")})).state is State.WARN


# --- the service -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("discovery", "state", "found"),
    [
        (listed(*SERVICES), "ok", "status 200, JSON, 4 services: oud-patient-view with 1 prefetch keys"),
        (listed("a", "b"), "warn", "status 200, JSON, 2 services, and none of this package: a, b"),
        (listed(*SERVICES, "extra"), "warn", "status 200, JSON, 5 services; not known here: extra"),
        (listed(*list(SERVICES)[1:]), "warn", "status 200, JSON, 3 services; missing: oud-patient-view"),
        (listed(*SERVICES, prefetch={}), "warn", "status 200, JSON, 4 services; without prefetch: oud-patient-view"),
        (answer(value={"services": [{"id": 1}]}), "wrong", "status 200 and no list of services with hook and id"),
        (answer(500, {"resourceType": "OperationOutcome"}), "wrong", "status 500 and no list of services"),
    ],
)
def test_what_discovery_lists_is_compared(discovery: Heard, state: str, found: str) -> None:
    told = service.discovery(seen(answers={Step.DISCOVERY: discovery}))
    assert (told.state, told.found.startswith(found)) == (state, True), told


def ready(**more: Any) -> Observed:
    value = {"status": "ready", "release": "2026.1.0", "rules": {"active": 2, "trial": 1}, **more}
    return seen(answers={Step.READY: answer(value=value)})


READY = "release 2026.1.0, 2 rules active, 1 on trial"


def test_a_release_that_is_loaded_is_named() -> None:
    assert service.ready(ready()) == Finding("readyz", State.OK, READY)


@pytest.mark.parametrize(
    ("folder", "meant", "to_do"),
    [
        (
            {"outcome": "refused", "problems": 2},
            "the release in its rules folder was refused, and what was served before stays",
            "go back with `cds-service rules release back`",
        ),
        (
            {"outcome": "waiting", "problems": 1},
            "the release in its rules folder waits, and what was served before stays",
            "copy the whole folder again, the lock last",
        ),
        (
            {"outcome": "unlocked", "problems": 1},
            "the release in its rules folder is not locked, and changes there are not served",
            "finish it, then `cds-service rules release lock`",
        ),
        (
            {"outcome": "odd\x1b[31m"},
            "its rules folder holds something else, and says of it: odd[31m",
            "the service's log (`release-not-taken`) says more",
        ),
        (
            [],
            "its rules folder holds something else, and says of it: []",
            "the service's log (`release-not-taken`) says more",
        ),
    ],
)
def test_a_release_that_is_not_taken_over_is_warned_of(folder: Any, meant: str, to_do: str) -> None:
    told = service.ready(ready(folder=folder))
    assert (told.state, told.found) == (State.WARN, f"{READY}; {meant}")
    assert to_do in told.to_do
    assert "(docs/how-to/change-rules-while-serving.md)" in told.to_do


def test_every_outcome_that_is_not_taken_over_has_its_words() -> None:
    assert set(service.NOT_SERVED) == set(OUTCOMES) - {ACCEPTED}


def called(status: int, value: Any = None, open_status: int = 401, **more: Any) -> Observed:
    answers = {
        Step.DISCOVERY: answer(401),
        Step.OPEN_CALL: answer(open_status, www_authenticate="Bearer"),
        Step.CALL: answer(status, value),
    }
    return seen(answers=answers, service="oud-patient-view", **more)


@pytest.mark.parametrize(
    ("observed", "state", "found"),
    [
        (called(200, {"cards": []}, shown="key"), "warn", "oud-patient-view answers 200 with 0 cards, where one was"),
        (called(200, {}, shown="key"), "wrong", "oud-patient-view answers 200, said by something else"),
        (called(429, shown="key"), "warn", "status 429: called too often"),
        (called(403, shown="key"), "not checked", "status 403: see `token`"),
        (called(403, open_status=403), "wrong", "status 403, and no token was asked for"),
        (
            called(412, {"resourceType": "OperationOutcome"}),
            "wrong",
            "oud-patient-view answers 412, said by the service",
        ),
        (called(401, in_clear=True), "not checked", "status 401, and the token was not sent"),
    ],
)
def test_what_the_sample_call_came_to(observed: Observed, state: str, found: str) -> None:
    told = service.call(observed)
    assert (told.state, told.found.startswith(found)) == (state, True), told


@pytest.mark.parametrize(("ms", "wanted"), [(500, "ok"), (501, "warn")])
def test_the_middle_of_the_calls_counts(ms: int, wanted: str) -> None:
    assert service.latency(seen(seconds=(0.001, ms / 1000, 9.0))).state == wanted


# --- in front --------------------------------------------------------------------------------------------------------


def test_a_tenant_that_may_not_call_is_wrong_once() -> None:
    observed = called(403, shown="key")
    assert stated(proxy.token(observed)) == ("wrong", "status 403: good, and its tenant may not call")


def test_a_token_that_is_taken_by_the_other_clock_only() -> None:
    assert stated(proxy.token(called(200, shown="key", by_its_clock=True))) == (
        "wrong",
        "taken only when it is dated by the deployment's own clock",
    )


def test_a_token_that_would_go_in_the_clear_is_wrong() -> None:
    assert stated(proxy.token(seen("http://cds.example.org", in_clear=True))) == ("wrong", "was given, and not sent")


@pytest.mark.parametrize(("url", "wanted"), [(BASE, "warn"), ("http://127.0.0.1:8000", "ok")])
def test_what_belongs_inside_is_warned_of_from_outside(url: str, wanted: str) -> None:
    counts = Heard(200, SAFE, b"# HELP cds_calls_total Calls.\n")
    observed = seen(url, answers={Step.METRICS: counts, Step.OPEN_CALL: answer(200)})
    assert [check(observed).state for check in (proxy.metrics, proxy.challenge)] == [wanted, wanted]


def test_headers_that_are_lost_are_named() -> None:
    bare = Heard(200, {"content-type": "application/json"}, b"{}")
    observed = seen(answers={Step.DISCOVERY: bare, Step.OPEN_CALL: bare})
    assert stated(proxy.caching(observed)) == (
        "warn",
        "missing: Cache-Control: no-store, X-Content-Type-Options: nosniff, Strict-Transport-Security",
    )


@pytest.mark.parametrize(
    ("preflight", "made_up", "state", "found"),
    [
        (answer(204, access_control_allow_origin="*"), True, "warn", "pages of any origin may call"),
        (answer(204), True, "ok", "a page of an unknown origin may not call; --origin checks one of yours"),
        (answer(401), False, "wrong", "preflight: status 401; a browser sends it without a token"),
        (
            answer(
                204,
                access_control_allow_origin="https://app.example.org",
                access_control_allow_methods="GET, POST",
                access_control_allow_headers="Content-Type",
            ),
            False,
            "wrong",
            "preflight: not allowed: authorization",
        ),
    ],
)
def test_what_a_preflight_allows(preflight: Heard, made_up: bool, state: str, found: str) -> None:
    observed = seen(answers={Step.PREFLIGHT: preflight}, origin="https://app.example.org", made_up=made_up)
    assert stated(proxy.cors(observed)) == (state, found)


@pytest.mark.parametrize(
    ("large", "state"),
    [
        (answer(413, {"resourceType": "OperationOutcome"}), "warn"),
        (Heard(413, {"content-type": "text/html"}, b"<html>"), "wrong"),
        (unheard(ConnectionResetError(), 10), "wrong"),
        (answer(401), "ok"),
    ],
)
def test_who_refuses_a_large_body(large: Any, state: str) -> None:
    assert proxy.body_size(seen(answers={Step.LARGE: large})).state == state


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("observed", [Observed(NOW, fault="x"), seen(), called(200, {"cards": []})])
def test_every_check_says_something_of_anything(check: Callable[[Observed], Finding], observed: Observed) -> None:
    told = check(observed)
    assert told.found
    assert told.to_do or told.state in (State.OK, State.NOT_CHECKED)


def test_warnings_are_fine_and_a_wrong_thing_is_a_finding() -> None:
    observed = seen(answers={Step.DISCOVERY: answer()})
    warned, wrong = Finding("a", State.WARN, "x", "y"), Finding("a", State.WRONG, "x", "y")
    assert [exit_code(observed, each) for each in ([warned], [warned, wrong])] == [0, 1]
    assert exit_code(replace(observed, answers={}), [wrong]) == 6
    assert exit_code(Observed(NOW, fault="x"), [wrong]) == 1


def test_time_that_is_over_is_told() -> None:
    assert examine(seen(out_of_time=True))[-1].check == "time"


def test_the_text_names_state_check_and_what_to_do() -> None:
    assert as_text([Finding("clock", State.WARN, "late", "wind it")]).splitlines() == [
        "warn         clock               late",
        "                                 to do: wind it",
        "",
        "1 warn",
    ]
