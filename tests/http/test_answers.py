"""The status of an answer and what every 200 says of the evaluation (docs/reference/http-api.md)."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.http.log_lines import told
from tests.http.small_release import (
    ADULT_NOTE,
    ASTHMA_NOTE,
    BROKEN_NOTE,
    HOOKS,
    SERVICE_OF,
    SNOMED,
    app_of,
    bundle,
    call,
    patient,
    release_of,
)

ASTHMA = {
    "resourceType": "Condition",
    "id": "condition-1",
    "subject": {"reference": "Patient/example-1"},
    "code": {"coding": [{"system": SNOMED, "code": "195967001"}]},
    "clinicalStatus": {"coding": [{"code": "active"}]},
}
CHILD = patient("2020-01-01")


def post(client: FlaskClient, body: Any) -> TestResponse:
    return client.post(f"/cds-services/{SERVICE_OF[body['hook']]}", json=body)


def asked(hook: str = "patient-view", **prefetch: Any) -> dict[str, Any]:
    """A call with these prefetch values; a value of ... leaves the key out."""
    body = call(hook)
    body["prefetch"] |= prefetch
    body["prefetch"] = {key: value for key, value in body["prefetch"].items() if value is not ...}
    return body


def rules_of(answered: TestResponse) -> list[str]:
    assert answered.json is not None
    return [each["extension"]["org.oud-cds.rule"]["ruleId"] for each in answered.json["cards"]]


def evaluation(answered: TestResponse) -> dict[str, Any]:
    assert answered.json is not None
    return dict(answered.json["extension"]["org.oud-cds.evaluation"])


@pytest.mark.parametrize("hook", HOOKS)
def test_a_rule_that_fires_gives_a_card_at_each_of_its_hooks(client: FlaskClient, hook: str) -> None:
    answered = post(client, asked(hook))
    assert (answered.status_code, rules_of(answered)) == (200, ["adult-note"])


def test_rules_that_all_say_no_give_no_card(client: FlaskClient) -> None:
    answered = post(client, asked(patient=CHILD))
    assert (answered.status_code, answered.json) == (
        200,
        {
            "cards": [],
            "extension": {
                "org.oud-cds.evaluation": {
                    "release": "2026.3.0",
                    "today": "2026-03-01",
                }
            },
        },
    )


def test_a_row_on_record_lets_the_second_rule_fire(client: FlaskClient) -> None:
    assert rules_of(post(client, asked(conditions=bundle(ASTHMA)))) == ["adult-note", "asthma-note"]


@pytest.mark.parametrize("empty", [None, bundle()], ids=["null", "empty Bundle"])
def test_none_on_record_is_no_and_undecides_nothing(client: FlaskClient, empty: Any) -> None:
    answered = post(client, asked(conditions=empty))
    assert evaluation(answered).keys() == {"release", "today"}


def test_a_required_list_that_was_not_read_is_412_when_no_rule_has_a_card(client: FlaskClient) -> None:
    answered = post(client, asked(patient=CHILD, conditions=...))
    assert answered.status_code == 412
    assert answered.json == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "incomplete",
                "details": {"text": "prefetch.conditions: was not read (not sent) and is required"},
                "expression": ["prefetch.conditions"],
            }
        ],
    }


def test_a_card_is_sent_although_another_rule_misses_its_list(client: FlaskClient) -> None:
    answered = post(client, asked(conditions=...))
    assert (answered.status_code, rules_of(answered)) == (200, ["adult-note"])
    assert evaluation(answered)["unread"] == {"conditions": "not sent"}
    assert [each["ruleId"] for each in evaluation(answered)["undecided"]] == ["asthma-note"]


def test_a_list_that_no_rule_of_the_hook_reads_is_not_reported(client: FlaskClient) -> None:
    assert "unread" not in evaluation(post(client, asked("order-sign", conditions=...)))


def test_a_rule_that_raises_and_leaves_no_card_is_500_with_an_incident(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="cds_service"):
        answered = post(app_of(release_of(BROKEN_NOTE)).test_client(), asked())
    assert answered.status_code == 500
    assert answered.json is not None
    assert "incident-1" in answered.json["issue"][0]["details"]["text"]
    failed, incident = told(caplog)
    assert (failed["event"], failed["rule"], failed["error"]) == ("rule-failed", "broken-note", "KeyError")
    assert (incident["event"], incident["incident"], incident["error"]) == ("incident", "incident-1", "RulesFailed")


def test_a_rule_that_raises_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="cds_service"):
        answered = post(app_of(release_of(BROKEN_NOTE, ADULT_NOTE)).test_client(), asked())
    assert (answered.status_code, rules_of(answered)) == (200, ["adult-note"])
    assert evaluation(answered)["failed"] == [{"ruleId": "broken-note", "ruleVersion": "1.0.0"}]
    (failed,) = told(caplog)
    named = {name: failed[name] for name in ("event", "service", "rule", "version", "error")}
    assert named == {
        "event": "rule-failed",
        "service": "oud-patient-view",
        "rule": "broken-note",
        "version": "1.0.0",
        "error": "KeyError",
    }


def test_a_missing_list_counts_before_a_rule_that_raised() -> None:
    answered = post(app_of(release_of(BROKEN_NOTE, ASTHMA_NOTE)).test_client(), asked(conditions=...))
    assert answered.status_code == 412


def test_a_trial_never_shows_a_card() -> None:
    answered = post(app_of(release_of(ASTHMA_NOTE, trial=(ADULT_NOTE,))).test_client(), asked())
    assert (answered.status_code, rules_of(answered)) == (200, [])


def test_a_trial_that_misses_its_list_does_not_refuse_the_call() -> None:
    client = app_of(release_of(ADULT_NOTE, trial=(ASTHMA_NOTE,))).test_client()
    assert post(client, asked(patient=CHILD, conditions=...)).status_code == 200


def test_a_fault_of_ours_is_500_with_an_incident_and_no_patient_data_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = app_of()

    @app.get("/raises")
    def raises() -> str:
        raise ValueError("SECRET of a chart")

    with caplog.at_level(logging.DEBUG):
        answered = app.test_client().get("/raises")
    assert answered.status_code == 500
    assert answered.json is not None
    assert answered.json["issue"][0]["details"]["text"] == "the service failed; incident incident-1"
    incident = next(line for line in told(caplog) if line["event"] == "incident")
    assert (incident["incident"], incident["route"], incident["error"]) == ("incident-1", "/raises", "ValueError")
    assert incident["places"][0].startswith("test_answers.py:")
    assert "SECRET" not in caplog.text
    assert "SECRET" not in str(told(caplog))


def test_the_same_call_gets_the_same_answer(client: FlaskClient) -> None:
    assert post(client, asked()).data == post(client, asked()).data


def test_the_same_call_under_another_instance_gets_other_card_ids(client: FlaskClient) -> None:
    other = {**asked(), "hookInstance": "11111111-2222-4333-8444-555555555555"}
    ids = [
        answered.json["cards"][0]["uuid"] for answered in (post(client, asked()), post(client, other)) if answered.json
    ]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("hook", HOOKS)
def test_an_answer_keeps_to_the_contract(client: FlaskClient, hook: str, faults_of: Callable[..., list[str]]) -> None:
    assert faults_of(post(client, asked(hook, conditions=...)).json, "Answer") == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/cds-services/no-such-service", 404),
        ("GET", "/no-such-page", 404),
        ("POST", "/cds-services/no-such-service/feedback", 404),
        ("POST", "/metrics", 405),
        ("GET", "/rules/no-such-rule", 404),
        ("GET", "/rules/adult-note/9.9.9", 404),
        ("GET", "/cds-services/oud-patient-view", 405),
        ("DELETE", "/cds-services", 405),
        ("POST", "/rules", 405),
        ("POST", "/healthz", 405),
    ],
)
def test_an_error_of_any_kind_is_an_operation_outcome(
    client: FlaskClient, method: str, path: str, status: int, faults_of: Callable[..., list[str]]
) -> None:
    answered = client.open(path, method=method, json={} if method == "POST" else None)
    assert (answered.status_code, answered.content_type) == (status, "application/json")
    assert faults_of(answered.json, "OperationOutcome") == []


def test_a_wrong_method_is_told_which_are_allowed(client: FlaskClient) -> None:
    assert "POST" in client.get("/cds-services/oud-order-sign").headers["Allow"]
    assert "GET" in client.post("/cds-services").headers["Allow"]


def test_answers_with_patient_data_are_not_kept_by_caches(client: FlaskClient) -> None:
    headers = post(client, asked()).headers
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


def test_a_wrong_method_or_path_is_told_what_there_is(client: FlaskClient) -> None:
    method, path = client.put("/cds-services/oud-order-sign").json, client.get("/cds-service").json
    assert method is not None
    assert path is not None
    assert "allowed: " in method["issue"][0]["details"]["text"]
    assert "POST" in method["issue"][0]["details"]["text"]
    assert "GET /cds-services lists the services" in path["issue"][0]["details"]["text"]


def test_options_tells_the_methods_and_has_no_content(client: FlaskClient) -> None:
    answered = client.options("/cds-services/oud-order-sign")
    assert (answered.status_code, answered.data, "Content-Type" in answered.headers) == (200, b"", False)
    assert "POST" in answered.headers["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_not_kept_by_caches(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"
