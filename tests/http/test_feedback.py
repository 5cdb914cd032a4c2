"""The feedback route: what is acknowledged was kept first, and what was not is said."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.clients.client import Client
from cds_service.feedback import FeedbackItem, NotKept
from tests.http.small_release import app_of

PATH = "/cds-services/oud-patient-view/feedback"
GOOD = {
    "card": "0f1e2d3c-4b5a-51f0-8977-123456789abc",
    "outcome": "overridden",
    "outcomeTimestamp": "2026-03-01T09:30:00Z",
}
BAD = {**GOOD, "outcome": "SENTINEL"}
Kept = list[tuple[str, str, int]]


@pytest.fixture
def kept() -> Kept:
    return []


@pytest.fixture
def client(kept: Kept) -> FlaskClient:
    def keep(service_id: str, client: Client, items: Sequence[FeedbackItem]) -> None:
        kept.append((service_id, client.name, len(items)))

    return app_of(keep_feedback=keep).test_client()


def told(body: Any) -> list[tuple[str, str]]:
    return [(each["severity"], each["details"]["text"]) for each in body["issue"]]


def test_a_batch_is_kept_before_it_is_acknowledged(client: FlaskClient, kept: Kept) -> None:
    answered = client.post(PATH, json={"feedback": [GOOD, {**GOOD, "card": "another"}]})
    assert (answered.status_code, told(answered.json)) == (200, [("information", "2 items of feedback kept")])
    assert kept == [("oud-patient-view", "anonymous", 2)]


def test_a_partly_bad_batch_keeps_the_good_and_names_the_others(
    client: FlaskClient, kept: Kept, faults_of: Callable[[Any, str], list[str]]
) -> None:
    answered = client.post(PATH, json={"feedback": [BAD, GOOD]})
    wanted = [
        ("information", "1 item of feedback kept"),
        ("error", "feedback[0].outcome: is not accepted or overridden"),
    ]
    assert (answered.status_code, told(answered.json)) == (200, wanted)
    assert (kept, faults_of(answered.json, "FeedbackKept")) == ([("oud-patient-view", "anonymous", 1)], [])


def test_a_batch_of_which_nothing_is_kept_is_400(client: FlaskClient, kept: Kept) -> None:
    answered = client.post(PATH, json={"feedback": [BAD]})
    assert (answered.status_code, kept) == (400, [])
    assert told(answered.json) == [("error", "feedback[0].outcome: is not accepted or overridden")]
    assert b"SENTINEL" not in answered.data


def test_an_empty_batch_is_200_and_keeps_nothing(client: FlaskClient, kept: Kept) -> None:
    answered = client.post(PATH, json={"feedback": []})
    assert (answered.status_code, told(answered.json)) == (200, [("information", "0 items of feedback kept")])
    assert kept == []


def test_feedback_on_no_service_is_404(client: FlaskClient, kept: Kept) -> None:
    answered = client.post("/cds-services/no-such-service/feedback", json={"feedback": [GOOD]})
    assert (answered.status_code, kept) == (404, [])


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [("{", "application/json", 400), ("{}", "text/plain", 415), ("x" * 2_000_000, "application/json", 413)],
)
def test_the_door_is_that_of_a_call(client: FlaskClient, data: str, content_type: str, status: int) -> None:
    assert client.post(PATH, data=data, content_type=content_type).status_code == status


def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    def keep(service_id: str, client: Client, items: Sequence[FeedbackItem]) -> None:
        raise NotKept

    answered = app_of(keep_feedback=keep).test_client().post(PATH, json={"feedback": [GOOD]})
    assert (answered.status_code, answered.headers["Retry-After"]) == (503, "30")
    assert told(answered.json) == [("error", "feedback cannot be kept at the moment; send it again later")]
    assert answered.headers["Cache-Control"] == "no-store"


def test_get_is_405(client: FlaskClient) -> None:
    answered = client.get(PATH)
    assert (answered.status_code, set(answered.headers["Allow"].split(", "))) == (405, {"OPTIONS", "POST"})
