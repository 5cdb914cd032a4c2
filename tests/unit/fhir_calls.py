"""Small FHIR calls for the tests of reading: synthetic resources of one patient, and a release's worth of value sets.

Codes are made up except where a test is about the code system itself.
"""

from datetime import date
from typing import Any

from cds_service.core.facts import FACTS, Chart, Coding, Needs, Row
from cds_service.core.value_set import Table, ValueSet
from cds_service.fhir.prefetch import PREFETCH
from cds_service.fhir.reader import read_chart

TODAY = date(2026, 3, 1)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
DRUG = ValueSet("drug", "1", "the drug", frozenset({Coding(RXNORM, "D1")}), phrases=("demo film",))
SCORE = ValueSet("score", "1", "the score", frozenset({Coding(LOINC, "44249-1"), Coding(LOINC, "S1")}))
STATE = ValueSet("state", "1", "the state", frozenset({Coding("http://snomed.info/sct", "C1")}))
POSITIVE = ValueSet("positive", "1", "positive", frozenset(), phrases=("positive", "yes"))
SETS = (DRUG, SCORE, STATE, POSITIVE)
TABLE = Table(SETS)
EVERYTHING = Needs({}, frozenset(FACTS))
SUBJECT = {"reference": "Patient/p1"}
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1990-05-05", "gender": "female"}
CODED = {"coding": [{"system": "http://snomed.info/sct", "code": "C1"}]}
DRUG_CODE = {"coding": [{"system": RXNORM, "code": "D1", "display": "Demo drug 8 mg"}]}
KEY_OF = {each.resource_type: key for key, each in reversed(PREFETCH.items())}


def resource(kind: str, **elements: Any) -> dict[str, Any]:
    """A resource of the patient with id "1"; an element given as None is left out."""
    usual: dict[str, Any] = {"id": "1", "subject": SUBJECT}
    if kind == "AllergyIntolerance":
        usual = {"id": "1", "patient": SUBJECT}
    if kind.startswith("Medication"):
        usual["medicationCodeableConcept"] = DRUG_CODE
    elif kind not in ("Encounter", "CarePlan", "QuestionnaireResponse"):
        usual["code"] = CODED
    merged = {"resourceType": kind, **usual, **elements}
    return {name: value for name, value in merged.items() if value is not None}


def bundle(*resources: Any, **elements: Any) -> dict[str, Any]:
    """A searchset of these resources."""
    entries = [{"resource": each, "search": {"mode": "match"}} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **elements}


def every_list_empty() -> dict[str, Any]:
    """A prefetch in which all was read and nothing is on record."""
    return {key: PATIENT if key == "patient" else bundle() for key in PREFETCH}


def read(prefetch: Any = None, *, whole: bool = True, **given: Any) -> Chart:
    """Read a call. prefetch: lists by key; whole: lists that are not given are empty instead of absent."""
    lists = {**(every_list_empty() if whole else {"patient": PATIENT}), **(prefetch or {})}
    call: dict[str, Any] = {
        "hook": "patient-view",
        "context": {"patientId": "p1"},
        "needs": EVERYTHING,
        "table": TABLE,
        "today": TODAY,
    }
    return read_chart(**{**call, "prefetch": lists, **given})


def rows_of(*resources: dict[str, Any], fact: str, **given: Any) -> tuple[Row, ...]:
    """The rows of one fact that these resources give, each in the list of its type."""
    lists: dict[str, list[Any]] = {}
    for each in resources:
        lists.setdefault(KEY_OF.get(each["resourceType"], "labs"), []).append(each)
    return read({key: bundle(*each) for key, each in lists.items()}, **given).rows.get(fact, ())


def row_of(one: dict[str, Any], fact: str | None = None, **given: Any) -> Row:
    """The only row that a resource gives."""
    (row,) = rows_of(one, fact=fact or one["resourceType"], **given)
    return row


def use_of(kind: str, *beside: dict[str, Any], **elements: Any) -> Row:
    """The only row of medication-use that a medication resource gives."""
    (row,) = rows_of(resource(kind, **elements), *beside, fact="medication-use")
    return row


def days(span: Any) -> tuple[str, str] | str | None:
    """A span as ISO days, for comparing: one text when exact, "any day" when unreadable, None when absent."""
    if span is None:
        return None
    if not span.readable:
        return "any day"
    first, last = date.fromordinal(span.first).isoformat(), date.fromordinal(span.last).isoformat()
    return first if first == last else (first, last)
