"""Which doubts a criterion names: those of the rows it is left with, whichever criterion brought them."""

import pytest

from cds_service.core.dates import UNKNOWN
from cds_service.core.facts import Gap
from cds_service.core.rule import Bounds, Find, Logic
from tests.reference.pool import concept
from tests.spec.table import Case, by_engine, by_reference, drug, event

DRUG, LAB, CONDITION = ("medication-use",), ("Observation",), ("Condition",)
LONG_AGO = drug(start="2020-01-01").start.first
GOOD = {"answer_in": ("good",), "answer_not_in": ("bad",)}
NO_CONDITIONS = {"Condition": (Gap("conditions", "error"),)}
CASES = {
    **{
        f"a row that two criteria doubt has the doubts of both, {order}": Case(
            "", Find(order, since_start=Bounds(at_most="months_1")), (event(status=None),), UNKNOWN,
            frozenset({"status-missing", "not-read"}),
            others={"seen": Find(LAB), "listed": Find(CONDITION), "both": Logic(all=("listed", "seen"))},
            gaps={"Condition": (Gap("conditions", "further page", LONG_AGO),)},
        )
        for order in (("seen", "both"), ("both", "seen"))
    },
    "one that is sure by one criterion has no doubts of another": Case(
        "", Find(("seen", "asked_for"), count=Bounds(at_least="times_2")), (drug(), drug(None, code="C2", number=2)),
        UNKNOWN, frozenset({"status-missing"}),
        others={
            "seen": Find(DRUG), "listed": Find(CONDITION),
            "asked_for": Find(DRUG, code_in=("in-labs",), if_=("listed",)),
        },
        gaps=NO_CONDITIONS,
    ),
    "one of several that could be the latest is not told by its date": Case(
        "", Find(("latest",)), tuple(event(number=number, answers=(concept("G1"),)) for number in (1, 2)), UNKNOWN,
        frozenset({"date-imprecise"}), others={"latest": Find(LAB, latest=True, **GOOD)},
    ),
    "one that may not be the latest since a list was not read says so": Case(
        "", Find(("latest",), code_in=("in-surveys",)), (event(held=concept("C5"), answers=(concept("G1"),)),), UNKNOWN,
        frozenset({"not-read"}), others={"latest": Find(LAB, latest=True, count=Bounds(at_most="times_2"), **GOOD)},
        gaps={"Observation": (Gap("labs", "error"),)},
    ),
    "what left open a criterion that found it stays a reason, whatever looks at that criterion": Case(
        "", Find(("passed_on",), during_last="today"), (drug(),), UNKNOWN, frozenset({"not-read"}),
        others={
            "listed": Find(CONDITION),
            "asked_for": Find(DRUG, if_=("listed",), count=Bounds(at_most="times_1")),
            "passed_on": Logic(any=("asked_for",), count=Bounds(at_least="times_0")),
        },
        gaps=NO_CONDITIONS,
    ),
    "so does one that may be part of a longer stretch": Case(
        "", Find(("joined",), started_since="never"), (drug(),), UNKNOWN, frozenset({"not-read"}),
        others={"joined": Find(DRUG, merge_gaps="days_8", count=Bounds(at_least="times_0")), "never": Find(CONDITION)},
        gaps={"medication-use": (Gap("medicationRequests", "error"),)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_criterion_names_the_doubts_of_its_rows(case: Case) -> None:
    assert by_engine(case) == (case.wanted, case.doubts)
    assert by_reference(case) == (case.wanted, case.doubts)
