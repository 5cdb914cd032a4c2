"""Rows that no rule needs are left out of a chart by a quick look at their codes; it must never leave out another."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.core.dates import parse_span
from cds_service.core.facts import FACTS, Coding, Needs, Row
from cds_service.core.value_set import Table, ValueSet
from tests.unit.fhir_calls import EVERYTHING, KEY_OF, LOINC, RXNORM, bundle, read, resource

SNOMED = "http://snomed.info/sct"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
SETS = (
    ValueSet("coded", "1", "codes only", frozenset({Coding(SNOMED, "1"), Coding(RXNORM, "1")})),
    ValueSet("both", "1", "codes and words", frozenset({Coding(SNOMED, "2"), Coding(RXNORM, "2")}),
             phrases=("demo film",), not_phrases=("no demo film",)),
    ValueSet("named", "1", "words only", frozenset(), phrases=("demo shot",)),
)  # fmt: skip
TABLE = Table(SETS)
ODD: list[Any] = [None, "", " ", 5, True, ["x"], {}]
SYSTEMS = [SNOMED, RXNORM, LOINC, "urn:oid:2.16.840.1.113883.6.96", "urn:local", ABSENT]
CODES = ["1", "2", "3", "unknown"]
TEXTS = ["demo film", "no demo film", "Demo Shot", "water", "x" * 600 + " demo shot"]


def usual(words: list[str]) -> st.SearchStrategy[Any]:
    """One of the words, now and then anything else."""
    return st.integers(0, 9).flatmap(lambda chance: st.sampled_from(words if chance else ODD))


CODING = st.fixed_dictionaries({"system": usual(SYSTEMS), "code": usual(CODES)}, optional={"display": usual(TEXTS)})
USUAL = st.fixed_dictionaries({"coding": st.lists(CODING, min_size=1, max_size=2)}, optional={"text": usual(TEXTS)})
SHAPES = st.one_of(
    CODING, usual(TEXTS), st.fixed_dictionaries({"text": usual(TEXTS)}), st.lists(USUAL, max_size=2),
    st.fixed_dictionaries({"coding": st.lists(CODING | usual(TEXTS), max_size=3) | CODING | usual(TEXTS)}),
)  # fmt: skip
CONCEPT = st.integers(0, 3).flatmap(lambda chance: USUAL if chance else SHAPES)
CODED = {
    "Condition": "code", "AllergyIntolerance": "code", "Observation": "code", "Procedure": "code",
    "ServiceRequest": "code", "CarePlan": "category", "Encounter": "type",
    "MedicationRequest": "medicationCodeableConcept", "MedicationAdministration": "medicationCodeableConcept",
}  # fmt: skip


def needed(row: Row, sets: int) -> bool:
    """Whether some rule could use the row: its code is in a set that is looked for, or cannot be read."""
    return bool(sets & (row.concept.by_code | row.concept.by_text)) or not row.concept.readable


@pytest.mark.parametrize("kind", CODED)
@settings(max_examples=60, deadline=None)
@given(concepts=st.lists(CONCEPT, min_size=1, max_size=6), wanted=st.sets(st.sampled_from(SETS), max_size=2))
def test_the_rows_left_out_are_those_no_rule_needs(kind: str, concepts: list[Any], wanted: set[ValueSet]) -> None:
    fact = "medication-use" if kind.startswith("Medication") else kind
    sets = sum(TABLE.bit(each) for each in wanted)
    coded = [resource(kind, id=str(at), **{CODED[kind]: each}) for at, each in enumerate(concepts)]
    lists = {KEY_OF[kind]: bundle(*coded)}
    whole = read(lists, table=TABLE, needs=EVERYTHING)
    short = read(lists, table=TABLE, needs=Needs({fact: sets}, frozenset(FACTS) - {fact}))
    assert short.rows.get(fact, ()) == tuple(row for row in whole.rows[fact] if needed(row, sets))
    assert short.counts == whole.counts


@settings(max_examples=60, deadline=None)
@given(named=CONCEPT, contained=CONCEPT)
def test_a_drug_by_reference_is_left_out_only_when_no_rule_needs_it(named: Any, contained: Any) -> None:
    inside = [{"resourceType": "Medication", "id": "m", "code": contained}]
    order = resource("MedicationRequest", contained=inside, medicationReference={"reference": "#m"},
                     medicationCodeableConcept=named)  # fmt: skip
    sets = TABLE.bit(SETS[1])
    lists = {"medicationRequests": bundle(order)}
    (row,) = read(lists, table=TABLE, needs=EVERYTHING).rows["medication-use"]
    rows = read(lists, table=TABLE, needs=Needs({"medication-use": sets}, frozenset())).rows.get("medication-use", ())
    assert rows == ((row,) if needed(row, sets) else ())


@pytest.mark.parametrize(
    "coding",
    [{"system": " ", "code": "1"}, {"system": "urn:local", "code": " "}, {"system": ABSENT, "code": "unknown"}],
)
def test_a_coding_that_says_nothing_stays_unreadable_whatever_was_met_before(coding: Any) -> None:
    told = {"coding": [{"system": "urn:local", "code": "1"}]}
    both = [resource("Condition", id="1", code=told), resource("Condition", id="2", code={"coding": [coding]})]
    rows = read({"conditions": bundle(*both)}, table=TABLE, needs=Needs({}, frozenset())).rows["Condition"]
    assert [row.reference for row in rows] == ["Condition/2"]


@pytest.mark.parametrize(
    ("drug", "left_out"),
    [
        ({"coding": [{"system": "urn:local", "code": "1"}]}, False),  # a local number alone tells no drug
        ({"coding": [{"system": "urn:local", "code": "1", "display": "water"}]}, True),
        ({"coding": [{"system": "urn:local", "code": "1", "display": "demo shot"}]}, False),
        ({"coding": [{"system": RXNORM, "code": "1", "display": "demo shot"}]}, False),  # no code of that set's own
        ({"coding": [{"system": RXNORM, "code": "1"}]}, True),
        ({"coding": [{"system": RXNORM, "code": "2", "display": "water"}]}, True),
        ({"text": "x" * 600 + " demo shot"}, True),  # beyond what is read of a text
    ],
)
def test_a_drug_is_left_out_when_it_can_be_told_and_is_not_looked_for(drug: Any, left_out: bool) -> None:
    order = resource("MedicationRequest", medicationCodeableConcept=drug)
    needs = Needs({"medication-use": TABLE.bit(SETS[2])}, frozenset())
    chart = read({"medicationRequests": bundle(order)}, table=TABLE, needs=needs)
    assert ("medication-use" not in chart.rows) is left_out
    assert chart.counts["medication-use"] == 1


def test_a_code_repeated_with_other_words_is_looked_at_again() -> None:
    local = [{"system": "urn:local", "code": "1"}]
    texts = ["water", "water", "demo shot"]
    orders = [
        resource("MedicationRequest", id=str(at), medicationCodeableConcept={"coding": local, "text": text})
        for at, text in enumerate(texts)
    ]
    needs = Needs({"medication-use": TABLE.bit(SETS[2])}, frozenset())
    rows = read({"medicationRequests": bundle(*orders)}, table=TABLE, needs=needs).rows["medication-use"]
    assert [row.reference for row in rows] == ["MedicationRequest/2"]


@pytest.mark.parametrize("written", ["2024-02-29", "2024-01-01T10:00:00Z", "1999-12-31T23:59:59-05:00"])
def test_a_usual_date_reads_as_the_long_way_does(written: str) -> None:
    (row,) = read({"conditions": bundle(resource("Condition", onsetDateTime=written))}).rows["Condition"]
    assert row.start == parse_span(written)
