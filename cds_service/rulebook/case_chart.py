"""The chart of an inline test: rows built from what a rule file writes, without FHIR.

RULE-LANGUAGE section 9 (docs/reference/rule-language.md) says what each key of a row stands for, section 2 which
status and which end a row has when the test gives none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from cds_service.core.dates import Duration, Span, parse_span
from cds_service.core.facts import FACTS, ORDER_HOOKS, UNREADABLE_CONCEPT, Chart, Coding, Concept, Gap, Number, Row
from cds_service.core.rule import Criterion, Find
from cds_service.core.value_set import Table, ValueSet
from cds_service.rulebook.case import Case, CaseRow

_AGO = re.compile(r"(\d+) (day|week|month|year)s? ago")
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")  # a bare year as a value is a number
_NUMBER = re.compile(r"([<>]=?)?\s*(-?\d+(?:\.\d+)?)")
_OTHER = ("urn:cds-service:inline-test", "other")  # a code in no value set
_STATES = ("Condition", "AllergyIntolerance")
_EVENTS = ("Observation", "QuestionnaireResponse", "Procedure", "ServiceRequest", "CarePlan")  # end, else start


@dataclass(frozen=True, slots=True)
class Codebook:
    """Where the codes of test rows come from.

    named:  mask of every set that the tested file and its definitions name; a row is kept out of those it does
            not ask for, where that is possible.
    chosen: what was chosen before, by the sets asked for; the only part that changes.
    """

    table: Table
    value_sets: Mapping[str, ValueSet]
    named: int
    chosen: dict[tuple[str, ...], tuple[Coding, ...]] = field(default_factory=dict)


def codebook(table: Table, value_sets: Mapping[str, ValueSet], criteria: Iterable[Criterion]) -> Codebook:
    """Build the codebook of a file from its own criteria and those of every definition it can reach."""
    named = 0
    for criterion in criteria:
        if isinstance(criterion.body, Find):
            for name in sets_of(criterion.body):
                named |= table.bit(value_sets[name]) if name in value_sets else 0
    return Codebook(table, value_sets, named)


def sets_of(find: Find) -> tuple[str, ...]:
    """Give the value sets that a find names under any key."""
    return (*find.code_in, *find.code_not_in, *find.reason_in, *find.answer_in, *find.answer_not_in)


def chart_of(case: Case, book: Codebook) -> Chart:
    """Build the chart that an inline test describes.

    A list that is not named is read and empty; draft orders exist at order hooks only. Without a Patient the person
    is living, of unknown birth date and sex.
    Raises ValueError when a row names a value set, a date or a fact that there is not.
    """
    today = _day(case.today)
    rows: dict[str, tuple[Row, ...]] = {}
    gaps: dict[str, tuple[Gap, ...]] = {}
    for fact, written in case.facts.items():
        if fact not in FACTS:
            raise ValueError(f"{fact!r} is no fact")
        if fact == "draft-order" and case.hook not in ORDER_HOOKS:
            continue
        if written is None:
            gaps[fact] = tuple(Gap(source, "not sent") for source in FACTS[fact].resources)
            continue
        if any(each.part == "unavailable" for each in written):
            gaps[fact] = (Gap(FACTS[fact].resources[0], "further page"),)
        rows[fact] = tuple(
            _row(fact, number, each, today, book)
            for number, each in enumerate(written, 1)
            if each.part != "unavailable"
        )
    unread = CaseRow(part="unreadable") if "Patient" in gaps else CaseRow()
    patient = (rows.get("Patient") or (_row("Patient", 1, unread, today, book),))[0]
    rows["Patient"] = (patient,)
    return Chart(
        hook=case.hook,
        patient=patient,
        rows=rows,
        gaps=gaps,
        counts={fact: len(each) for fact, each in rows.items()},
    )


def case_day(case: Case) -> date:
    """Give the day on which a test plays. Raises ValueError when `today` is not a whole date."""
    return date.fromordinal(_day(case.today))


def _day(text: str) -> int:
    span = parse_span(text)
    if not span.exact:
        raise ValueError(f"today is {text!r}, a whole date is wanted")
    return span.first


def _row(fact: str, number: int, row: CaseRow, today: int, book: Codebook) -> Row:
    reference = f"{FACTS[fact].resources[0]}/{number}"
    if row.part == "unreadable":
        return Row(fact=fact, reference=reference, concept=UNREADABLE_CONCEPT, readable=False)
    start = _when(row.start, today)
    status = _status(fact, row)
    value, words, value_day = _value(row, today)
    answers = [_named(row.answer, book)] if row.answer is not None else []
    if words is not None:
        answers.append(book.table.concept([], [words]))
    codings, texts = _codes(row, book)
    end = value_day or _end(fact, row, status, start, today)
    state = _states(fact, row, today)
    return Row(
        fact=fact,
        reference=reference,
        concept=book.table.concept(((each.system, each.code) for each in codings), texts),
        name=row.text or _display(codings, book) if fact in ("medication-use", "draft-order") else "",
        status=status,
        clinical_status=state[0],
        verification_status=state[1],
        categories=row.category,
        reasons=(_named(row.reason, book),) if row.reason is not None else (),
        start=_point(today) if fact == "draft-order" else start,
        end=end,
        value=value,
        answers=tuple(answers),
        has_value=row.value is not None or row.answer is not None,
        upper_limit=_exactly(row.upper_limit, row.unit) if row.upper_limit is not None else None,
        sex=row.sex,
        birth_date=_when(row.birth_date, today),
    )


def _status(fact: str, row: CaseRow) -> str | None:
    if row.status == "unknown":
        return None
    usual = FACTS[fact].usual
    return row.status or (usual[0] if usual else None)


def _states(fact: str, row: CaseRow, today: int) -> tuple[str | None, str | None]:
    """Give clinicalStatus and verificationStatus as section 2 reads them when absent or past their abatement."""
    if fact not in _STATES:
        return None, None
    clinical = row.clinical_status or "active"
    abated = _when(row.end, today)
    if clinical == "active" and abated is not None and abated.last < today:
        clinical = "resolved"
    return clinical, row.verification_status or "confirmed"


def _end(fact: str, row: CaseRow, status: str | None, start: Span | None, today: int) -> Span | None:
    """Give the end that a record would carry; what has none here ends as core.stretch.lifetime says."""
    if fact in _STATES:
        return None
    if fact == "draft-order":
        return _point(today)
    if row.end is not None:
        return _when(row.end, today)
    if fact == "Procedure" and status == "in-progress":
        return None
    if fact in _EVENTS:
        return start
    if row.supply is not None:
        whole = Duration(row.supply.count * (1 + row.repeats), row.supply.unit)
        return Span(whole.after(start.first), whole.after(start.last)) if start is not None else None
    return start if status == "given" else None


def _when(text: str | None, today: int) -> Span | None:
    """Read "2026-03-01", "2026-03", "2026", "today" or "36 days ago" as the days it could mean."""
    if text is None:
        return None
    if text == "today":
        return _point(today)
    ago = _AGO.fullmatch(text)
    if ago:
        return _point(Duration(int(ago[1]), f"{ago[2]}s").before(today))
    return parse_span(text)


def _point(day: int) -> Span:
    return Span(day, day, date.fromordinal(day).isoformat())


def _value(row: CaseRow, today: int) -> tuple[Number | None, str | None, Span | None]:
    """Give the value as a number, as words, or as a date: one of the three."""
    written = row.value
    if written is None:
        return None, None, None
    if isinstance(written, bool):
        return None, "yes" if written else "no", None
    if isinstance(written, int | float):
        return _exactly(written, row.unit), None, None
    if written == "today" or _AGO.fullmatch(written) or _DATE.fullmatch(written):
        return None, None, _when(written, today)
    found = _NUMBER.fullmatch(written.strip())
    if not found:
        return None, written, None
    sign, number = found[1] or "", float(found[2])
    low, high = (float("-inf") if "<" in sign else number), (float("inf") if ">" in sign else number)
    return Number(low, high, sign == ">", sign == "<", row.unit, written), None, None


def _exactly(number: float, unit: str | None) -> Number:
    return Number(number, number, unit=unit, text=f"{number:g}")


def _named(name: str, book: Codebook) -> Concept:
    if name == "other":
        return book.table.concept([_OTHER], [])
    codings, texts = _choose((name,), book)
    return book.table.concept(((each.system, each.code) for each in codings), texts)


def _codes(row: CaseRow, book: Codebook) -> tuple[tuple[Coding, ...], tuple[str, ...]]:
    codings, texts = _choose(row.in_, book) if row.in_ else ((), ())
    if row.code is not None:
        codings = (*codings, Coding(*row.code))
    return codings, (*texts, row.text) if row.text is not None else texts


def _display(codings: tuple[Coding, ...], book: Codebook) -> str:
    """Give a drug the name that the first set holding its coding shows for it."""
    for coding in codings:
        for each in book.value_sets.values():
            if coding in each.displays:
                return each.displays[coding]
    return ""


def _choose(names: tuple[str, ...], book: Codebook) -> tuple[tuple[Coding, ...], tuple[str, ...]]:
    """Give one coding that is in all of the sets, or, if they share none, one of each; in few other sets.

    A set of phrases alone gives its first phrase as text.
    """
    sets = [_set(name, book) for name in names]
    codings = book.chosen.get(names)
    if codings is None:
        coded = [each for each in sets if each.codes or each.subtrees]
        shared = _best(coded, coded, book) if coded else None
        found = [shared] if shared else [_best([each], coded, book) for each in coded]
        codings = tuple(dict.fromkeys(each for each in found if each is not None))
        book.chosen[names] = codings
    phrases = tuple(each.phrases[0] for each in sets if not (each.codes or each.subtrees) and each.phrases)
    if not codings and not phrases:
        raise ValueError(f"value set {' and '.join(names)} holds no code that a test could use")
    return codings, phrases


def _set(name: str, book: Codebook) -> ValueSet:
    if name not in book.value_sets:
        raise ValueError(f"no value set {name!r} in the release")
    return book.value_sets[name]


def _best(wanted: list[ValueSet], allowed: list[ValueSet], book: Codebook) -> Coding | None:
    """Give the coding that is in every wanted set and in the fewest named sets besides those allowed, first in order.

    Listed codes come before codes that only another set lists and before roots of subtrees, since charts carry them.
    """
    must, spare = _mask(wanted, book), book.named & ~_mask(allowed, book)
    listed = {coding for each in wanted for coding in each.codes}
    roots = {coding for each in wanted for coding in each.subtrees}
    below = {coding for each in book.value_sets.values() for coding in each.codes} if roots else set()
    ranked = (
        ((mask & spare).bit_count(), rank, each.system, each.code)
        for rank, codings in enumerate((listed, below, roots))
        for each in codings
        if (mask := book.table.lookup(each)) & must == must
    )
    best = min(ranked, default=None)
    return Coding(best[2], best[3]) if best else None


def _mask(sets: Iterable[ValueSet], book: Codebook) -> int:
    whole = 0
    for each in sets:
        whole |= book.table.bit(each)
    return whole
