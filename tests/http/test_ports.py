"""What the web edge asks of its ports: who is calling, and that every answer is told of."""

from datetime import date, timedelta
from typing import Any

import pytest

from cds_service.clients.client import Client
from cds_service.core.problem import Issue, RequestProblem
from cds_service.core.restricted import Part2
from cds_service.seen import Seen
from cds_service.services import Site
from tests.http.log_lines import told
from tests.http.small_release import ADULT_NOTE, BROKEN_NOTE, SNOMED, TODAY, app_of, bundle, call, release_of

SERVICE = "/cds-services/oud-patient-view"
GOOD = {"feedback": [{"card": "1", "outcome": "overridden", "outcomeTimestamp": "2026-03-01T09:30:00Z"}]}


def seen_of(method: str, path: str, body: Any = None, **ports: Any) -> tuple[int, Seen]:
    """Send one request and give its status and what was told of it."""
    heard: list[Seen] = []
    ports.setdefault("keep_feedback", lambda *_: None)
    app = app_of(ports.pop("release", release_of(ADULT_NOTE)), seen=heard.append, **ports)
    answered = app.test_client().open(path, method=method, json=body)
    (seen,) = heard
    return answered.status_code, seen


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("GET", "/cds-services", None, ("/cds-services", "", "known", 200, "")),
        ("POST", SERVICE, call(), ("/cds-services/<service_id>", "oud-patient-view", "known", 200, "")),
        ("POST", SERVICE, {}, ("/cds-services/<service_id>", "oud-patient-view", "known", 400, "required")),
        (
            "POST",
            SERVICE,
            {**call(), "prefetch": {}},
            ("/cds-services/<service_id>", "oud-patient-view", "known", 412, "required"),
        ),
        (
            "POST",
            f"{SERVICE}/feedback",
            GOOD,
            ("/cds-services/<service_id>/feedback", "oud-patient-view", "known", 200, ""),
        ),
        ("POST", "/cds-services/SENTINEL", call(), ("/cds-services/<service_id>", "", "known", 404, "not-found")),
        ("GET", "/SENTINEL", None, ("", "", "", 404, "not-found")),
        ("GET", "/healthz", None, ("/healthz", "", "", 200, "")),
    ],
)
def test_every_answer_is_told_of(method: str, path: str, body: Any, wanted: tuple[Any, ...]) -> None:
    status, seen = seen_of(method, path, body, identify=lambda authorization, path: Client("known"))
    assert status == seen.status
    assert (seen.route, seen.service, seen.client, seen.status, seen.refused) == wanted


def test_an_answer_is_told_with_what_was_decided() -> None:
    _, seen = seen_of("POST", SERVICE, call())
    assert seen.answer is not None
    assert seen.call is not None
    assert [each["summary"] for each in seen.answer.body["cards"]] == ["An example card"]
    assert seen.call.hook_instance == call()["hookInstance"]


def test_an_answer_without_a_card_because_a_rule_raised_is_told_as_500() -> None:
    status, seen = seen_of("POST", SERVICE, call(), release=release_of(BROKEN_NOTE))
    assert (status, seen.refused) == (500, "exception")
    assert seen.answer is not None
    assert [(each.rule, each.error) for each in seen.answer.failures] == [("broken-note", "KeyError")]


def test_kept_feedback_is_told_and_refused_feedback_is_not() -> None:
    assert len(seen_of("POST", f"{SERVICE}/feedback", GOOD)[1].feedback) == 1
    assert seen_of("POST", f"{SERVICE}/feedback", {"feedback": [7]})[1].feedback == ()


def test_the_time_a_request_took_is_told() -> None:
    moments = iter([10.0, 10.25])
    _, seen = seen_of("GET", "/healthz", monotonic=lambda: next(moments))
    assert seen.seconds == 0.25


def test_whoever_is_told_cannot_fail_a_call(caplog: pytest.LogCaptureFixture) -> None:
    def fail(seen: Seen) -> None:
        raise ValueError("SENTINEL")

    assert app_of(seen=fail).test_client().post(SERVICE, json=call()).status_code == 200
    assert [(each["event"], each["error"]) for each in told(caplog)] == [("not-told", "ValueError")]
    assert "SENTINEL" not in caplog.text + str(told(caplog))


@pytest.mark.parametrize("path", ["/cds-services", SERVICE, f"{SERVICE}/feedback", "/cds-services/no-such-service"])
def test_whoever_is_not_known_gets_no_further(path: str) -> None:
    asked: list[tuple[str | None, str]] = []

    def refuse(authorization: str | None, path: str) -> Client:
        asked.append((authorization, path))
        raise RequestProblem(401, Issue("login", "", "not known"), headers={"WWW-Authenticate": "Bearer"})

    client = app_of(identify=refuse).test_client()
    method = client.get if path == "/cds-services" else client.post
    answered = method(path, headers={"Authorization": "Bearer x"}, data="no JSON at all")
    assert (answered.status_code, answered.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert asked == [("Bearer x", path)]


@pytest.mark.parametrize("path", ["/rules", "/rules/adult-note", "/healthz", "/readyz"])
def test_what_holds_no_patient_data_is_open(path: str) -> None:
    def refuse(authorization: str | None, path: str) -> Client:
        raise RequestProblem(401, Issue("login", "", "not known"))

    assert app_of(identify=refuse).test_client().get(path).status_code == 200


# --- what the client and the site change ------------------------------------------------------------------------------


def labelled() -> dict[str, Any]:
    """A call about an adult whose asthma stands in a record under 42 CFR Part 2."""
    condition = {
        "resourceType": "Condition",
        "id": "condition-1",
        "meta": {"security": [{"code": "42CFRPart2"}]},
        "subject": {"reference": "Patient/example-1"},
        "code": {"coding": [{"system": SNOMED, "code": "195967001"}]},
    }
    body = call()
    body["prefetch"]["conditions"] = bundle(condition)
    return body


@pytest.mark.parametrize(
    ("mode", "rules"),
    [
        ("use", ["adult-note", "asthma-note"]),
        ("use-no-detail", ["adult-note", "asthma-note"]),
        ("ignore", ["adult-note"]),
    ],
)
def test_a_record_under_part_2_is_used_as_the_client_may(mode: str, rules: list[str]) -> None:
    client = Client("known", part2=Part2(mode))
    app = app_of(identify=lambda authorization, path: client)
    body = app.test_client().post(SERVICE, json=labelled()).json
    assert body is not None
    told = {each["extension"]["org.oud-cds.rule"]["ruleId"]: each["detail"] for each in body["cards"]}
    assert sorted(told) == rules
    noticed = [name for name, detail in told.items() if "42 CFR part 2 prohibits" in detail]
    assert noticed == (["asthma-note"] if "asthma-note" in rules else [])
    assert body["extension"]["org.oud-cds.evaluation"].get("unread", {}) == (
        {"conditions": "partly read"} if mode == "ignore" else {}
    )


def test_today_is_the_clients_day() -> None:
    tomorrow = Client("ahead")
    app = app_of(
        identify=lambda authorization, path: tomorrow,
        today=lambda client: TODAY + timedelta(days=client.name == "ahead"),
    )
    body = app.test_client().post(SERVICE, json=call()).json
    assert body is not None
    assert body["extension"]["org.oud-cds.evaluation"]["today"] == date(2026, 3, 2).isoformat()


def test_cards_lead_to_the_rule_where_the_service_has_a_public_url() -> None:
    site = Site(public_url="https://cds.example.org", unreviewed=frozenset({"adult-note"}))
    body = app_of(site=site).test_client().post(SERVICE, json=call()).json
    assert body is not None
    (card,) = body["cards"]
    assert card["links"] == [
        {"label": "About this rule", "url": "https://cds.example.org/rules/adult-note/1.0.0", "type": "absolute"}
    ]
    assert card["detail"].endswith("Not yet reviewed by a clinician.")
