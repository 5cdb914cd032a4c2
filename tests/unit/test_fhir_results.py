"""Observations and questionnaire answers: what was measured or answered, when, and against which limit."""

import math
from typing import Any

import pytest

from cds_service.core.facts import Number
from tests.unit.fhir_calls import CODED, LOINC, POSITIVE, SCORE, TABLE, days, read, resource, row_of, rows_of

SCORE_CODE = {"coding": [{"system": LOINC, "code": "S1"}]}


def exactly(value: float, unit: str | None = None, text: str = "") -> Number:
    return Number(value, value, unit=unit, text=text or f"{value:g}")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"valueQuantity": {"value": 12, "unit": "points", "code": "{score}"}}, exactly(12, "{score}")),
        ({"valueQuantity": {"value": 0.51, "unit": "s"}}, exactly(0.51, "s")),
        ({"valueQuantity": {"value": 12, "code": 5}}, exactly(12)),
        ({"valueQuantity": {"value": "12", "unit": "U/L"}}, exactly(12, "U/L")),
        ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "U/L"}},
         Number(-math.inf, 5, True, True, "U/L", "<5")),
        ({"valueQuantity": {"value": 5, "comparator": "<="}}, Number(-math.inf, 5, True, False, None, "<=5")),
        ({"valueQuantity": {"value": 150, "comparator": ">"}}, Number(150, math.inf, True, True, None, ">150")),
        ({"valueQuantity": {"value": 150, "comparator": ">="}}, Number(150, math.inf, False, True, None, ">=150")),
        ({"valueQuantity": {"value": "150", "comparator": ">"}}, Number(150, math.inf, True, True, None, ">150")),
        ({"valueQuantity": {"value": ">150", "comparator": ">"}}, None),
        ({"valueQuantity": {"value": 150, "comparator": "~"}}, None),
        ({"valueQuantity": {"value": "<5"}}, Number(-math.inf, 5, True, True, None, "<5")),
        ({"valueInteger": "1_2"}, None),
        ({"valueQuantity": {"unit": "U/L"}}, None),
        ({"valueQuantity": 12}, None),
        ({"valueQuantity": {"value": True}}, None),
        ({"valueQuantity": {"value": math.inf}}, None),
        ({"valueQuantity": {"value": 10**400}}, None),
        ({"valueInteger": 12}, exactly(12)),
        ({"valueDecimal": 1e20}, exactly(1e20, text="1e+20")),
        ({"valueInteger": "12"}, exactly(12)),
        ({"valueString": "12"}, exactly(12)),
        ({"valueString": " -1.5 "}, exactly(-1.5)),
        ({"valueString": "<5"}, Number(-math.inf, 5, True, True, None, "<5")),
        ({"valueString": "> 150"}, Number(150, math.inf, True, True, None, ">150")),
        ({"valueString": "≥ 150"}, Number(150, math.inf, False, True, None, ">=150")),
        ({"valueRange": {"low": {"value": 2, "unit": "h"}, "high": {"value": 4, "unit": "h"}}},
         Number(2, 4, False, False, "h", "2 to 4")),
        ({"valueRange": {"low": {"value": 4}, "high": {"value": 2}}}, None),
        ({"valueRange": {"low": {"value": 4}}}, Number(4, math.inf, False, True, None, "4 to")),
        ({"valueRange": {"high": {"value": 4}}}, Number(-math.inf, 4, True, False, None, "to 4")),
        ({"valueRange": {"low": {"value": "some"}, "high": {"value": 4}}}, None),
        ({"valueRange": {"low": {"value": 4}, "high": {"value": "some"}}}, None),
        ({"valueInteger": 12, "valueString": "13"}, None),
        ({"valueRatio": {"numerator": {"value": 1}}}, None),
    ],
)  # fmt: skip
def test_a_number_is_read_from_every_form_of_value(value: dict[str, Any], wanted: Number | None) -> None:
    row = row_of(resource("Observation", **value))
    assert (row.value, row.has_value, row.answers) == (wanted, True, ())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"valueCodeableConcept": {"text": "Positive"}}, ("Positive",)),
        ({"valueCodeableConcept": {"coding": [{"display": "Positive"}]}}, ("Positive",)),
        ({"valueString": "Positive at 12 ng/mL"}, ("Positive at 12 ng/mL",)),
        ({"valueBoolean": True}, ("yes",)),
        ({"valueBoolean": False}, ("no",)),
        ({"interpretation": [{"text": "Positive"}]}, ("Positive",)),
        ({"interpretation": {"text": "Positive"}}, ("Positive",)),
        ({"valueInteger": 12, "interpretation": [{"text": "Positive"}]}, ("Positive",)),
    ],
)
def test_what_is_no_number_is_an_answer(value: dict[str, Any], words: tuple[str, ...]) -> None:
    assert row_of(resource("Observation", **value)).answers[0].texts == words


def test_a_boolean_answer_is_found_by_a_set_of_answers() -> None:
    assert row_of(resource("Observation", valueBoolean=True)).answers[0].by_text == TABLE.bit(POSITIVE)


@pytest.mark.parametrize("value", [{"valueCodeableConcept": {}}, {"valueBoolean": "perhaps"}, {"valueSampledData": {}}])
def test_a_value_that_cannot_be_read_was_still_recorded(value: dict[str, Any]) -> None:
    row = row_of(resource("Observation", **value))
    assert (row.has_value, row.value, row.answers) == (True, None, ())


@pytest.mark.parametrize("value", [{}, {"valueQuantity": None}, {"_valueQuantity": {"extension": []}}, {"value": 5}])
def test_an_observation_without_a_value_says_so(value: dict[str, Any]) -> None:
    assert row_of(resource("Observation", **value)).has_value is False


def test_an_observation_that_gives_a_reason_instead_of_a_value_is_no_row() -> None:
    chart = read({"labs": [resource("Observation", dataAbsentReason={"text": "not performed"})]})
    assert "Observation" not in chart.rows
    assert chart.dropped == {"not done": 1}
    assert "Observation" not in chart.gaps


def test_a_value_beside_a_reason_for_its_absence_counts() -> None:
    assert row_of(resource("Observation", dataAbsentReason={"text": "x"}, valueInteger=3)).value == exactly(3)


@pytest.mark.parametrize(
    ("ranges", "limit"),
    [
        ([{"high": {"value": 40, "unit": "U/L"}}], exactly(40, "U/L")),
        ([{"high": {"value": 40}}], exactly(40, "U/L")),
        ({"high": {"value": 40}}, exactly(40, "U/L")),
        ([{"high": {"value": 40}}, {"high": {"value": 40}}], exactly(40, "U/L")),
        ([{"high": {"value": 40}}, {"high": {"value": 55}}], None),
        ([{"high": {"value": 40}, "type": {"coding": [{"code": "normal"}]}},
          {"high": {"value": 400}, "type": {"coding": [{"code": "critical"}]}}], exactly(40, "U/L")),
        ([{"low": {"value": 5}}], None),
        ([{"text": "5-40"}], None),
        ("5-40", None),
    ],
)  # fmt: skip
def test_the_upper_limit_is_the_high_end_of_the_normal_range(ranges: Any, limit: Number | None) -> None:
    value = {"value": 201, "unit": "U/L"}
    assert row_of(resource("Observation", valueQuantity=value, referenceRange=ranges)).upper_limit == limit


@pytest.mark.parametrize(
    ("elements", "start", "end"),
    [
        ({"effectiveDateTime": "2026-02-01T23:59:00-08:00"}, "2026-02-01", "2026-02-01"),
        ({"effectiveInstant": "2026-02-01T10:00:00Z"}, "2026-02-01", "2026-02-01"),
        ({"effectivePeriod": {"start": "2026-02-01", "end": "2026-02-03"}}, "2026-02-01", "2026-02-03"),
        ({"effectivePeriod": {"start": "2026-02-01"}}, "2026-02-01", "2026-02-01"),
        ({"effectiveTiming": {"event": ["2026-02-01"]}}, "2026-02-01", "2026-02-01"),
        ({"effectiveTiming": {"event": []}}, "any day", "any day"),
        ({"effectiveTiming": {"event": "2026-02-01"}}, "2026-02-01", "2026-02-01"),
        ({"effectiveDateTime": "2026-02", "issued": "2026-02-09T00:00:00Z"}, ("2026-02-01", "2026-02-28"),
         ("2026-02-01", "2026-02-28")),
        ({"effectiveDateTime": "February", "issued": "2026-02-09T00:00:00Z"}, "any day", "any day"),
        ({"issued": "2026-02-09T00:00:00Z"}, "2026-02-09", "2026-02-09"),
        ({"effectiveDateTime": "2026-02-01", "valueDateTime": "2026-07-01"}, "2026-02-01", "2026-07-01"),
        ({"effectiveDateTime": "2026-02-01", "valuePeriod": {"start": "2026-07-01", "end": "2026-07-09"}},
         "2026-02-01", "2026-07-09"),
        ({"effectiveDateTime": "2026-02-01", "valueDateTime": "summer"}, "2026-02-01", "any day"),
        ({}, None, None),
    ],
)  # fmt: skip
def test_an_observation_gives_its_start_and_end(elements: dict[str, Any], start: Any, end: Any) -> None:
    row = row_of(resource("Observation", **elements))
    assert (days(row.start), days(row.end)) == (start, end)


def test_each_component_is_a_row_with_its_own_code_and_value() -> None:
    panel = resource(
        "Observation",
        status="final",
        effectiveDateTime="2026-02-01",
        dataAbsentReason={"text": "see components"},
        component=[
            {"code": SCORE_CODE, "valueInteger": 12, "referenceRange": [{"high": {"value": 4}}]},
            {"code": CODED, "dataAbsentReason": {"text": "not asked"}},
            {"code": CODED, "valueString": "no"},
            {"valueString": "without a code"},
        ],
    )
    rows = rows_of(panel, fact="Observation")
    assert [(row.reference, row.value, days(row.start), row.status) for row in rows] == [
        ("Observation/1#1", exactly(12), "2026-02-01", "final"),
        ("Observation/1#3", None, "2026-02-01", "final"),
    ]
    assert rows[0].upper_limit == exactly(4)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("final", "final"), ("Amended", "amended"), ("preliminary", "preliminary"), ("unknown", None), (None, None)],
)
def test_an_observations_status_is_its_own_word(status: str | None, wanted: str | None) -> None:
    assert row_of(resource("Observation", status=status)).status == wanted


# --- questionnaire responses ---------------------------------------------------------------------------------------


def answered(*items: Any, **elements: Any) -> dict[str, Any]:
    usual = {"status": "completed", "authored": "2026-02-01T10:00:00Z"}
    return resource("QuestionnaireResponse", **{**usual, "item": list(items), **elements})


@pytest.mark.parametrize(
    "item",
    [
        {"linkId": "/44249-1"},
        {"linkId": "/69737-5/44249-1"},
        {"linkId": "http://loinc.org/44249-1"},
        {"linkId": "https://loinc.org/44249-1/"},
        {"linkId": "http://loinc.org|44249-1"},
        {"linkId": "q1", "definition": "http://loinc.org/44249-1"},
        {"linkId": "q1", "definition": "http://loinc.org|44249-1"},
        {"linkId": "q1", "extension": [{"url": "https://x.example/itemCode",
         "valueCoding": {"system": LOINC, "code": "44249-1"}}]},
        {"linkId": "q1", "extension": [{"url": "https://x.example/code",
         "valueCodeableConcept": {"coding": [{"system": LOINC, "code": "44249-1"}]}}]},
    ],
)  # fmt: skip
def test_an_items_code_is_read_where_it_is_really_written(item: dict[str, Any]) -> None:
    row = row_of(answered({**item, "answer": [{"valueInteger": 12}]}))
    assert (row.concept.by_code, row.value) == (TABLE.bit(SCORE), exactly(12))


@pytest.mark.parametrize("link", ["44249-1", "q-1", "/q-1", "/1", "1.2.3", "item/44249-1", "http://x.example/44249-1"])
def test_a_link_id_that_only_looks_like_a_code_is_none(link: str) -> None:
    row = row_of(answered({"linkId": link, "text": "Question", "answer": [{"valueInteger": 1}]}))
    assert (row.concept.codings, row.concept.texts) == ((), ("Question",))


@pytest.mark.parametrize("total", [{"linkId": "total"}, {"linkId": "q10", "text": "Total Score"}])
@pytest.mark.parametrize("canonical", ["http://loinc.org/q/44249-1", "http://loinc.org/44249-1|2.77"])
def test_the_total_carries_the_questionnaires_code(total: dict[str, Any], canonical: str) -> None:
    response = answered({**total, "answer": [{"valueDecimal": 14.0}]}, questionnaire=canonical)
    row = row_of(response)
    assert (row.concept.by_code, row.value) == (TABLE.bit(SCORE), exactly(14))


def test_only_answered_items_are_rows_however_deep_they_stand() -> None:
    response = answered(
        {
            "linkId": "group",
            "item": [
                {"linkId": "/S-1", "text": "first", "answer": [{"valueBoolean": True, "item": [
                    {"linkId": "x", "text": "second", "answer": [{"valueString": "often"}]}]}]},
                {"linkId": "y", "text": "third"},
                {"linkId": "z", "text": "fourth", "answer": []},
            ],
        },
        {"linkId": "w", "text": "fifth", "answer": {"valueCoding": {"display": "positive"}}},
    )  # fmt: skip
    rows = rows_of(response, fact="QuestionnaireResponse")
    assert [(row.reference, row.concept.texts, row.answers[0].texts) for row in rows] == [
        ("QuestionnaireResponse/1#1", ("first",), ("yes",)),
        ("QuestionnaireResponse/1#2", ("second",), ("often",)),
        ("QuestionnaireResponse/1#3", ("fifth",), ("positive",)),
    ]
    assert {(days(row.start), days(row.end), row.status) for row in rows} == {("2026-02-01", "2026-02-01", "completed")}


def test_several_numbers_as_one_answer_are_no_number() -> None:
    row = row_of(answered({"linkId": "q", "text": "q", "answer": [{"valueInteger": 1}, {"valueInteger": 2}]}))
    assert (row.value, row.has_value) == (None, True)


def test_an_item_without_code_and_words_is_unreadable() -> None:
    assert not row_of(answered({"linkId": "q", "answer": [{"valueInteger": 1}]})).concept.readable


def test_an_item_of_a_local_form_is_coded_by_the_form_and_its_link_id() -> None:
    item = {"linkId": "q7", "answer": [{"valueInteger": 1}]}
    concept = row_of(answered(item, questionnaire="https://site.example/Questionnaire/cows|3")).concept
    assert concept.readable
    assert [(each.system, each.code) for each in concept.codings] == [
        ("http://site.example/Questionnaire/cows", "Q7"),
    ]
