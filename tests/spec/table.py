"""One line of a specification table, and how it is asked of the engine and of the reference.

The tables are data, so that a reference page can be written from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cds_service.core import engine
from cds_service.core.dates import Span, Verdict, parse_span, unreadable_span
from cds_service.core.decision import Result
from cds_service.core.facts import Chart, Concept, Gap, Row
from cds_service.core.rule import Criterion, Edition, Find, Hook, Logic, When
from tests.reference.evaluator import Reference
from tests.reference.pool import TABLE, VALUE_SETS, concept
from tests.reference.rules import rule

TODAY = date(2026, 3, 1)


@dataclass(frozen=True)
class Case:
    """A sentence, the criterion it is about, the chart, and what is wanted.

    others: further criteria that `criterion` names. doubts: kinds, as a set.
    """

    sentence: str
    criterion: Find | Logic | Hook
    rows: tuple[Row, ...]
    wanted: Verdict
    doubts: frozenset[str] = frozenset()
    others: Mapping[str, Find | Logic | Hook] = field(default_factory=dict)
    gaps: Mapping[str, tuple[Gap, ...]] = field(default_factory=dict)
    hook: str = "patient-view"
    firm: bool = False


def when(text: str | None) -> Span | None:
    """Give a day, a month, a year, None, or "broken"."""
    return None if text is None else unreadable_span(text) if text == "broken" else parse_span(text)


def drug(
    status: str | None = "taking", start: str | None = None, end: str | None = None, code: str = "C1", **more
) -> Row:
    """Give a row of medication-use."""
    number = more.pop("number", 1)
    return Row("medication-use", f"MedicationRequest/{number}", concept(code), status=status, start=when(start),
               end=when(end), **more)  # fmt: skip


def event(fact: str = "Observation", start: str | None = "2026-02-01", end: str | None = "", **more) -> Row:
    """Give a row of another fact with a status that is usually taken; it ends as it starts unless told."""
    number, status = more.pop("number", 1), more.pop("status", "completed" if fact == "Procedure" else "final")
    held = more.pop("held", concept("C1"))
    return Row(
        fact, f"{fact}/{number}", held, status=status, start=when(start), end=when(start if end == "" else end), **more
    )


def condition(start: str | None = "2026-02-01", held: Concept | None = None, **more) -> Row:
    """Give a confirmed, active Condition."""
    number = more.pop("number", 1)
    return Row("Condition", f"Condition/{number}", held or concept("C1"), start=when(start),
               **{"clinical_status": "active", "verification_status": "confirmed", **more})  # fmt: skip


def _edition(case: Case) -> Edition:
    found = {name: Criterion(name, name, body) for name, body in {**case.others, "asked": case.criterion}.items()}
    return Edition(rule("spec", found, When(Logic(("asked",)), "no_card", "no_card"), ()), {}, VALUE_SETS)


def _chart(case: Case) -> Chart:
    patient = next((each for each in case.rows if each.fact == "Patient"), Row("Patient", "Patient/p", status="living"))
    facts = {each.fact for each in case.rows}
    rows = {fact: tuple(each for each in case.rows if each.fact == fact) for fact in facts}
    return Chart(case.hook, patient, {**rows, "Patient": (patient,)}, case.gaps)


def result_of(case: Case) -> Result:
    """Ask the engine and give all it says; with firm evidence it gives the verdict alone."""
    judgement = engine.judge(engine.compile_edition(_edition(case), TABLE), _chart(case), TODAY)
    return Result(judgement.firm("asked")) if case.firm else judgement.result("asked")


def by_engine(case: Case) -> tuple[Verdict, frozenset[str]]:
    """Ask the engine."""
    result = result_of(case)
    return result.verdict, frozenset(each.kind for each in result.doubts)


def by_reference(case: Case) -> tuple[Verdict, frozenset[str]]:
    """Ask the reference."""
    answer = Reference(_edition(case), _chart(case), TODAY.toordinal(), case.firm).answer("asked")
    return answer.verdict, frozenset(kind for kind, _ in answer.doubts)
