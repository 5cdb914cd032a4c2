"""What a decision stands on, as lines that a card and a trace print: what held, what was not found, not read, unclear.

Source: docs/reference/rule-language.md, section 7 ("Added by the service").
"""

from collections.abc import Iterable, Sequence

from cds_service.core.card_text import (
    counted,
    date_words,
    doubt_words,
    doubts_words,
    gap_words,
    sources_words,
    status_words,
)
from cds_service.core.dates import FOREVER, NO, UNKNOWN, YES, Span, full_years
from cds_service.core.decision import NOT_READ, Decision, Doubt, Found, Judgement
from cds_service.core.facts import FACTS, ORDER_HOOKS, Gap, Row
from cds_service.core.form import Form
from cds_service.core.placeholders import (
    Voice,
    found_name,
    hidden,
    judging_find,
    sentence,
    speaking_rows,
    value_words,
)
from cds_service.core.record import record
from cds_service.core.restricted import RESTRICTED_RECORD, is_restricted
from cds_service.core.rule import LEVELS, Find

ROWS_SHOWN = 3

_UNDATED = ("Patient", "draft-order")
_EVENTS_WITHOUT_LENGTH = ("Observation", "QuestionnaireResponse")
_SURE_VERIFICATION = ("confirmed",)


@record(frozen=True, slots=True)
class Basis:
    """Names of criteria, in the order the rule gives them.

    held: YES and counted for the card. not_found: NO, and the card needs them to be. unclear: UNKNOWN.
    """

    held: tuple[str, ...]
    not_found: tuple[str, ...]
    unclear: tuple[str, ...]


def basis_of(decision: Decision, form: Form) -> Basis:
    """Sort what a shown card rests on: the members of `when`, the conditions of its card, what set its level."""
    judgement, verdict, when = decision.judgement, decision.judgement.verdict, decision.edition.rule.when.logic
    ordering = judgement.chart.hook in ORDER_HOOKS  # a call that brings no orders says nothing of orders
    # Where `when` is YES, none of its members that count is UNKNOWN.
    doubtful = (*when.all, *when.none, *when.any) if decision.verdict is UNKNOWN else ()
    unclear = [name for name in doubtful if verdict(name) is UNKNOWN]
    return Basis(
        tuple([name for name in form.held[decision.indicator or LEVELS[0]] if verdict(name) is YES]),
        tuple([name for name, of_orders in form.unwanted if (ordering or not of_orders) and verdict(name) is NO]),
        tuple(dict.fromkeys((*unclear, *form.card.conditions.if_unknown))),
    )


def reached(names: Iterable[str], judgement: Judgement) -> tuple[str, ...]:
    """Give these criteria and every one they look at, each once."""
    waiting = list(dict.fromkeys(names))
    seen = set(waiting)
    for name in waiting:  # grows while it is walked
        for member in judgement.members(name):
            if member not in seen:
                seen.add(member)
                waiting.append(member)
    return tuple(waiting)


def rows_behind(names: Iterable[str], judgement: Judgement) -> list[Row]:
    """Give every row that these criteria, or any they look at, rest on."""
    return [found.row for name in reached(names, judgement) for found in judgement.result(name).rows]


# --- lines -----------------------------------------------------------------------------------------------------------


def held_lines(names: Iterable[str], voice: Voice) -> list[str]:
    """Say each criterion that holds, then its rows, indented; a row that was told above is not told again."""
    lines: list[str] = []
    told: set[str] = set()
    for name in names:
        rows = speaking_rows(voice.judgement.result(name))
        words = dict.fromkeys(line for found in rows if (line := row_words(name, found, voice)))
        fresh = [line for line in words if line not in told or line == RESTRICTED_RECORD]
        told.update(fresh[:ROWS_SHOWN])
        lines.append(f"- {sentence(name, voice)}{' (see above)' if words and not fresh else ''}")
        lines += [f"  - {line}" for line in fresh[:ROWS_SHOWN]]
        if len(fresh) > ROWS_SHOWN:
            lines.append(f"  - and {len(fresh) - ROWS_SHOWN} more")
    return lines


def not_found_line(name: str, voice: Voice) -> str:
    """Say a criterion that does not hold, and how many entries of which list there were to look at."""
    chart, line = voice.judgement.chart, f"- {sentence(name, voice)}"
    facts = voice.judgement.printed.spoken[name].looked_at
    if not facts:
        return line
    counts = [f"{words} {chart.counts.get(fact, len(chart.rows.get(fact, ())))}" for fact, words in facts]
    return f"{line} (entries looked at: {', '.join(counts)})"


def unclear_line(name: str, voice: Voice) -> str:
    """Say a criterion that could not be told, and why: lists not read, rows with their doubts."""
    result = voice.judgement.result(name)
    named = {found.row.reference: line for found in result.rows if (line := row_words(name, found, voice))}
    lines = list(dict.fromkeys(named.values()))
    untold = [each for each in result.doubts if each.kind == NOT_READ or each.about not in named]
    reasons = reasons_words(untold, voice)
    if len(lines) > ROWS_SHOWN:
        lines = [*lines[:ROWS_SHOWN], f"{len(lines) - ROWS_SHOWN} more"]
    because = "; ".join([*reasons, *lines])
    return f"{sentence(name, voice)}: {because}" if because else sentence(name, voice)


def caveat_lines(decision: Decision, basis: Basis, voice: Voice) -> list[str]:
    """Say what could not be told; empty when everything could."""
    lines = [unclear_line(name, voice) for name in basis.unclear]
    return lines or reasons_words(decision.caveat, voice)


def reasons_words(doubts: Sequence[Doubt], voice: Voice) -> list[str]:
    """Say doubts without naming rows; of a row that may not be told of, not even what is in doubt about it."""
    if not voice.hide or not doubts:
        return doubts_words(doubts)
    untold = untold_rows(voice)
    plain = doubts_words([each for each in doubts if each.about not in untold])
    return [*plain, RESTRICTED_RECORD] if any(each.about in untold for each in doubts) else plain


def untold_rows(voice: Voice) -> frozenset[str]:
    """Give the references of the rows that may not be told of."""
    if not voice.hide:
        return frozenset()
    chart = voice.judgement.chart
    rows = (chart.patient, *(row for of_fact in chart.rows.values() for row in of_fact))
    return frozenset(row.reference for row in rows if row.labels and is_restricted(row))


def not_read(names: Iterable[str], judgement: Judgement) -> list[str]:
    """Name the lists, each with the reason, that were not read and could have told more about these criteria."""
    if not judgement.chart.gaps:
        return []
    gaps: dict[Gap, None] = {}
    unread: list[str] = []
    known = {gap.source: gap for of_fact in judgement.chart.gaps.values() for gap in of_fact}
    for name in reached(names, judgement):
        result = judgement.result(name)
        gaps.update(dict.fromkeys(result.further))
        unread += (doubt.about for doubt in result.doubts if doubt.kind == NOT_READ)
    gaps.update(dict.fromkeys(known[each] for each in unread if each in known))
    # The same list may be told of with a day and, where spans were joined, without one: the wider one stands.
    wide = {gap.source for gap in gaps if gap.before is None}
    told = [gap for gap in gaps if gap.before is None or gap.source not in wide]
    sources = {gap.source for gap in told}
    return list(dict.fromkeys([*gap_words(told), *sources_words(each for each in unread if each not in sources)]))


def no_source(names: Iterable[str], judgement: Judgement) -> list[str]:
    """Name the lists these criteria would read, were they kept at this site."""
    if not judgement.chart.not_held:
        return []
    facts = [each for each in facts_of(names, judgement) if each != "draft-order"]
    types = [each for fact in facts for each in FACTS[fact].resources if each in judgement.chart.not_held]
    return sources_words(types)


def facts_of(names: Iterable[str], judgement: Judgement) -> tuple[str, ...]:
    """Give the facts that these criteria, and those they look at, read."""
    bodies = [judgement.criterion(name).body for name in reached(names, judgement)]
    return tuple(
        dict.fromkeys(each for body in bodies if isinstance(body, Find) for each in body.find if each in FACTS)
    )


# --- one row ---------------------------------------------------------------------------------------------------------


def row_words(name: str, found: Found, voice: Voice) -> str:
    """Say one row: "oxycodone 5 mg tablet, 2026-02-01 to 2026-02-19, ended, by its text, date imprecise".

    Gives "" for a row of which nothing can be said that its criterion's sentence does not say.
    """
    if hidden(found, voice):
        return RESTRICTED_RECORD
    row = found.row
    if row.fact == "Patient":
        return _patient_words(name, found, voice)
    what, value = voice.escape(found_name(found)), value_words(voice, name, found)
    doubts = [each.partition(" ")[0] for each in found.doubts]
    parts = [
        f"{what} {value}" if what and value else what or value or "entry",
        _dates(found, doubts),
        "handed out"
        if row.reference.startswith("MedicationDispense/") and row.status == "given"
        else status_words(row.status),
        status_words(row.clinical_status),
        status_words(row.verification_status) if row.verification_status not in _SURE_VERIFICATION else "",
        "by its text" if found.by_text else "",
        counted(found.merged, "entries joined") if found.merged > 1 else "",
        *(dict.fromkeys(doubt_words(each) for each in doubts) if doubts else ()),
        *map(voice.escape, row.notes),
    ]
    return ", ".join(filter(None, parts))


def _dates(found: Found, doubts: Iterable[str]) -> str:
    row = found.row
    if row.fact in _UNDATED:
        return ""
    if found.merged > 1:
        return _from_to(found.start, found.end)
    if row.start is None and row.end is None:
        return "" if "date-missing" in doubts else "date not recorded"
    if row.end is None or row.fact in _EVENTS_WITHOUT_LENGTH or row.end == row.start:
        since = "since " if row.status in ("taking", "paused") and row.end is None and row.start else ""
        return since + date_words(row.start or row.end)
    return _from_to(row.start, row.end) if row.start else f"to {date_words(row.end)}"


def _from_to(start: Span, end: Span | None) -> str:
    if end is None or end.last >= FOREVER:
        return f"since {date_words(start)}"
    return f"{date_words(start)} to {date_words(end)}"


def _patient_words(name: str, found: Found, voice: Voice) -> str:
    find, row, today = judging_find(name, found, voice.judgement), found.row, voice.judgement.today
    parts = [doubt_words(each.partition(" ")[0]) for each in found.doubts]
    if find and find.age and row.birth_date and row.birth_date.readable:
        oldest, youngest = full_years(row.birth_date.first, today), full_years(row.birth_date.last, today)
        parts.insert(0, f"age {oldest}" if oldest == youngest else f"age {youngest} to {oldest}")
    if find and find.sex:
        parts.insert(0, f"recorded sex: {row.sex}" if row.sex else "sex not recorded")
    return ", ".join(dict.fromkeys(part for part in parts if part))
