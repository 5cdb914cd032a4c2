"""Feedback is read item by item: the good ones whole, the others named, and nothing of them repeated."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.core.problem import RequestProblem
from cds_service.feedback import FeedbackItem, OverrideReason, read_feedback

WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc)
CARD = "0f1e2d3c-4b5a-51f0-8977-123456789abc"
REASONS = "https://example.org/override-reasons"


def accepted(**changes: Any) -> dict[str, Any]:
    item = {
        "card": CARD,
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "s1"}],
        "outcomeTimestamp": "2026-03-01T09:30:00Z",
    }
    return {**item, **changes}


def overridden(**changes: Any) -> dict[str, Any]:
    return {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-03-01T09:30:00Z", **changes}


def read(*items: Any) -> tuple[list[FeedbackItem], list[tuple[str, str]]]:
    kept, issues = read_feedback({"feedback": list(items)})
    return list(kept), [(each.where, each.text) for each in issues]


def reason(code: str, system: str = REASONS) -> dict[str, str]:
    return {"code": code, "system": system, "display": "words of the client"}


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (accepted(), FeedbackItem(CARD, "accepted", WHEN, ("s1",))),
        (accepted(acceptedSuggestions=[{"id": "a"}, {"id": "b"}, {"id": "a"}]), ("a", "b")),
        (overridden(), FeedbackItem(CARD, "overridden", WHEN)),
        (overridden(card="123456"), FeedbackItem("123456", "overridden", WHEN)),
        (
            overridden(overrideReason={"reason": reason("x"), "userComment": " Tried before. "}),
            FeedbackItem(CARD, "overridden", WHEN, (), (OverrideReason("x", REASONS),), "Tried before."),
        ),
        (
            overridden(overrideReasons={"reason": reason("x"), "userComment": "Tried before."}),
            FeedbackItem(CARD, "overridden", WHEN, (), (OverrideReason("x", REASONS),), "Tried before."),
        ),
        (
            overridden(overrideReasons=[{"reason": reason("x")}, {"reason": {"code": "y"}}, {"reason": reason("x")}]),
            FeedbackItem(CARD, "overridden", WHEN, (), (OverrideReason("x", REASONS), OverrideReason("y", ""))),
        ),
        (
            overridden(
                overrideReasons={"extension": {"com.epic.cdshooks.feedback.overrideReason.reasonCategory": "45"}}
            ),
            FeedbackItem(
                CARD, "overridden", WHEN, (),
                (OverrideReason("45", "com.epic.cdshooks.feedback.overrideReason.reasonCategory"),),
            ),
        ),
        (overridden(overrideReason=None, acceptedSuggestions=None), FeedbackItem(CARD, "overridden", WHEN)),
        (overridden(overrideReason={"userComment": None, "reason": None}), FeedbackItem(CARD, "overridden", WHEN)),
        (overridden(more={"of": "a later version"}), FeedbackItem(CARD, "overridden", WHEN)),
    ],
)  # fmt: skip
def test_an_item_is_read_in_every_form_that_clients_send(sent: Any, wanted: Any) -> None:
    (item,), issues = read(sent)
    assert issues == []
    assert (item.accepted_suggestions if isinstance(wanted, tuple) else item) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-03-01T09:30:00Z", WHEN),
        ("2026-03-01T09:30:00.000000123Z", WHEN),
        ("2026-03-01t09:30:00z", WHEN),
        ("2026-03-01 09:30:00Z", WHEN),
        ("2026-03-01T10:30:00+01:00", WHEN),
        ("2026-03-01T09:30:00", WHEN),
        ("2026-03-01T09:30:00.25Z", WHEN.replace(microsecond=250_000)),
    ],
)
def test_a_moment_is_read_as_utc(text: str, wanted: datetime) -> None:
    (item,), issues = read(overridden(outcomeTimestamp=text))
    assert (issues, item.outcome_timestamp) == ([], wanted)


NO_MOMENT = "is not a moment such as 2026-03-01T09:30:00Z"
NO_ID = "is not an id of up to 200 characters without blanks"


@pytest.mark.parametrize(
    ("sent", "where", "text"),
    [
        (7, "", "must be an object"),
        (accepted(card=None), ".card", "is required"),
        (accepted(card=7), ".card", "must be a string"),
        (accepted(card=""), ".card", "must not be empty"),
        (accepted(card="a name"), ".card", NO_ID),
        (accepted(card="x" * 201), ".card", NO_ID),
        (accepted(outcome="ignored"), ".outcome", "is not accepted or overridden"),
        (accepted(outcome=None), ".outcome", "is required"),
        (accepted(outcomeTimestamp="yesterday"), ".outcomeTimestamp", NO_MOMENT),
        (accepted(outcomeTimestamp="2026-03-01"), ".outcomeTimestamp", NO_MOMENT),
        (
            accepted(outcomeTimestamp="2026-02-30T00:00:00Z"),
            ".outcomeTimestamp",
            "is a day or a time that does not exist",
        ),
        (
            accepted(outcomeTimestamp="0001-01-01T00:00:00+14:00"),
            ".outcomeTimestamp",
            "is a day or a time that does not exist",
        ),
        (accepted(outcomeTimestamp=1772357400), ".outcomeTimestamp", "must be a string"),
        (accepted(acceptedSuggestions=None), ".acceptedSuggestions", "is required when the outcome is accepted"),
        (accepted(acceptedSuggestions=[]), ".acceptedSuggestions", "is required when the outcome is accepted"),
        (accepted(acceptedSuggestions={"id": "s1"}), ".acceptedSuggestions", "must be an array"),
        (accepted(acceptedSuggestions=["s1"]), ".acceptedSuggestions[0]", "must be an object"),
        (accepted(acceptedSuggestions=[{"id": "s1"}, {}]), ".acceptedSuggestions[1].id", "is required"),
        (accepted(acceptedSuggestions=[{"id": "s"}] * 51), ".acceptedSuggestions", "has more than 50 entries"),
        (overridden(overrideReason="x"), ".overrideReason", "must be an object or an array of objects"),
        (overridden(overrideReasons=["x"]), ".overrideReasons", "must be an object or an array of objects"),
        (overridden(overrideReason={"reason": "x"}), ".overrideReason.reason", "must be an object"),
        (overridden(overrideReason={"reason": {}}), ".overrideReason.reason.code", "is required"),
        (
            overridden(overrideReasons=[{}, {"reason": {"code": 7}}]),
            ".overrideReasons[1].reason.code",
            "must be a string",
        ),
        (
            overridden(overrideReason={"reason": {"code": "x", "system": 7}}),
            ".overrideReason.reason.system",
            "must be a string",
        ),
        (overridden(overrideReason={"userComment": 7}), ".overrideReason.userComment", "must be a string"),
        (
            overridden(overrideReason={"userComment": "x" * 4001}),
            ".overrideReason.userComment",
            "has more than 4000 characters",
        ),
    ],
)
def test_an_item_that_cannot_be_kept_is_named_beside_the_good_one(sent: Any, where: str, text: str) -> None:
    kept, issues = read(sent, overridden())
    assert kept == [FeedbackItem(CARD, "overridden", WHEN)]
    assert issues == [(f"feedback[0]{where}", text)]


def test_a_long_list_of_wrong_things_is_one_fault() -> None:
    kept, issues = read(accepted(acceptedSuggestions=[{}] * 2600), overridden(overrideReasons=[{"reason": 7}] * 2600))
    assert kept == []
    assert issues == [
        ("feedback[0].acceptedSuggestions", "has more than 50 entries"),
        ("feedback[1].overrideReasons", "has more than 50 entries"),
    ]


def test_an_item_sent_twice_is_one() -> None:
    kept, issues = read(accepted(), accepted(), overridden())
    assert (len(kept), issues) == (2, [])


@pytest.mark.parametrize(
    ("body", "where", "text"),
    [
        ([], "", "the body must be a JSON object"),
        (None, "", "the body must be a JSON object"),
        ({}, "feedback", "is required"),
        ({"feedback": None}, "feedback", "is required"),
        ({"feedback": {}}, "feedback", "must be an array"),
        ({"feedback": [overridden()] * 501}, "feedback", "has more than 500 items; send it in parts"),
    ],
)
def test_what_is_no_batch_is_refused(body: Any, where: str, text: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        read_feedback(body)
    assert (caught.value.status, [(each.where, each.text) for each in caught.value.issues]) == (400, [(where, text)])


def test_an_empty_batch_holds_nothing() -> None:
    assert read_feedback({"feedback": []}) == ((), ())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    ["card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "overrideReason", "overrideReasons"]
)


@given(changes=st.dictionaries(MEMBERS, ANYTHING, max_size=4), whole=ANYTHING)
def test_whatever_comes_is_kept_or_named(changes: dict[str, Any], whole: Any) -> None:
    for sent in (accepted(**changes), overridden(**changes), whole):
        kept, issues = read(sent)
        assert bool(kept) != bool(issues)


def test_a_system_that_is_text_is_not_kept() -> None:
    (item,), _ = read(overridden(overrideReason={"reason": {"code": "x", "system": "Words about a person"}}))
    assert item.reasons == (OverrideReason("x", ""),)


def test_no_value_of_the_request_is_repeated() -> None:
    bad = accepted(card="SENTINEL 1", outcome="SENTINEL", overrideReason={"reason": {"code": ["SENTINEL"]}})
    _, issues = read_feedback({"feedback": [bad]})
    assert issues
    assert "SENTINEL" not in json.dumps([(each.where, each.text) for each in issues])
