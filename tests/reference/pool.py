"""The small vocabulary that random rules and charts are drawn from: value sets, concepts, days, parameters."""

from cds_service.core.dates import Duration
from cds_service.core.facts import UNREADABLE_CONCEPT, Coding, Concept
from cds_service.core.rule import Parameter
from cds_service.core.value_set import Table, ValueSet

RED, BLUE = "http://example.org/red", "http://example.org/blue"


def _set(id_: str, codes: str, **more) -> ValueSet:
    return ValueSet(id_, "1.0.0", id_, frozenset(Coding(RED, each) for each in codes.split()), **more)


VALUE_SETS = {
    each.id: each
    for each in (
        _set("one", "C1 C2"),
        _set("two", "C2 C3"),
        _set("worded", "C4", phrases=("green leaf",), not_phrases=("no green leaf",)),
        _set("in-labs", "C1 C5", found_in=frozenset({"labs"})),
        _set("in-surveys", "C2 C5", found_in=frozenset({"surveys"})),
        _set("good", "G1 G2", phrases=("good",)),
        _set("bad", "B1 G2"),
    )
}
TABLE = Table(VALUE_SETS.values())
CODE_SETS = ("one", "two", "worded", "in-labs", "in-surveys")


def concept(codes: str = "", *texts: str) -> Concept:
    """Give a concept with codes of the first system ("blue:X": of another) and words."""
    codings = [(BLUE, each[5:]) if each.startswith("blue:") else (RED, each) for each in codes.split()]
    return TABLE.concept(codings, texts)


CONCEPTS = (
    concept("C1"), concept("C2"), concept("C3"), concept("C4"), concept("C5"), concept("C1 C4", "Green leaf"),
    concept("", "A Green Leaf, fresh"), concept("blue:C1", "green leaf"), concept("C9", "green leaf"),
    concept("", "no green leaf"), concept("C1"), concept("C2"), concept("", "green leaf"), UNREADABLE_CONCEPT,
)  # fmt: skip
ANSWERS = (concept("G1"), concept("G2"), concept("B1"), concept("C9"), concept("", "Good"), concept("", "other"))

DURATIONS = (
    Duration(1, "days"), Duration(1, "weeks"), Duration(8, "days"), Duration(1, "months"),
    Duration(40, "days"), Duration(3, "months"), Duration(12, "months"), Duration(2, "years"),
)  # fmt: skip


def parameter(name: str, value: float, unit: str) -> Parameter:
    """Give a parameter that any site may move anywhere."""
    return Parameter(name, value, unit, (-1e9, 1e9), "for a test")


PARAMETERS = {
    each.name: each
    for each in (
        *(parameter(f"{length.unit}_{length.count}", length.count, length.unit) for length in DURATIONS),
        *(parameter(f"times_{count}", count, "count") for count in range(4)),
        parameter("age_18", 18, "years"),
        parameter("age_65", 65, "years"),
        parameter("score_5", 5, "score"),
        parameter("score_10", 10, "score"),
        parameter("ms_450", 450, "ms"),
        parameter("ms_570", 570, "ms"),
        parameter("units_60", 60, "U/L"),
        parameter("units_120", 120, "U/L"),
        parameter("fold_2", 2, "times"),
        parameter("fold_3", 3, "times"),
    )
}
DURATION_NAMES = tuple(f"{each.unit}_{each.count}" for each in DURATIONS)
COUNT_NAMES = ("times_0", "times_1", "times_2", "times_3")
SOURCES = {
    "Condition": ("conditions",),
    "Observation": ("labs", "surveys", "socialHistory"),
    "QuestionnaireResponse": ("questionnaireResponses",),
    "Procedure": ("procedures",),
    "Encounter": ("encounters",),
    "this-encounter": ("encounters",),
    "ServiceRequest": ("serviceRequests",),
    "CarePlan": ("carePlans",),
    "AllergyIntolerance": ("allergies",),
    "medication-use": ("medicationRequests", "medicationStatements"),
}
