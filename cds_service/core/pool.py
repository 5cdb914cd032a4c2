"""Rows found by several criteria: each once, sure ones first, in the order of time.

Source: docs/reference/rule-language.md, sections 4 and 5.
"""

from collections.abc import Iterable, Sequence

from cds_service.core.dates import Span
from cds_service.core.decision import NOT_READ, Doubt, Found, Result
from cds_service.core.facts import Gap, Row

_FEW = 3


def pooled(results: Iterable[Result]) -> tuple[Found, ...]:
    """The rows of several results, each once: a sure row wins over a doubtful one, else the first has all doubts.

    A row that two criteria give different spans stays in both forms; it counts once, and holds if either does.
    """
    return rows_once([found for result in results for found in result.rows])


def rows_once(all_rows: Sequence[Found]) -> tuple[Found, ...]:
    """Each row once (`pooled`), sure ones first."""
    if len(all_rows) < 2:
        return tuple(all_rows)
    rows: list[Found] = []
    places: dict[tuple[str, str], list[int]] = {}  # of each row, its forms
    for found in all_rows:
        key = (found.row.fact, found.row.reference)
        forms = places.get(key)
        if forms is None:
            places[key] = [len(rows)]
            rows.append(found)
            continue
        place = next((each for each in forms if _same_form(rows[each], found)), None)
        if place is None:
            forms.append(len(rows))
            rows.append(found)
        elif not rows[place].sure:
            rows[place] = found if found.sure else doubting(rows[place], found.why)
    return sure_first(rows)


def _same_form(one: Found, other: Found) -> bool:
    return one.start == other.start and one.end == other.end and one.pinned == other.pinned


def who(found: Found) -> tuple[str, str]:
    """What makes two finds the same row."""
    return found.row.fact, found.row.reference


def counted(rows: Sequence[Found]) -> tuple[int, int]:
    """How many rows are sure, and how many there are, each row once."""
    return len({who(found) for found in rows if found.sure}), len({who(found) for found in rows})


def sure_first(rows: Sequence[Found]) -> tuple[Found, ...]:
    """Sure rows before doubtful ones, otherwise in the order they came."""
    if len(rows) < 2:
        return tuple(rows)
    sure = [found for found in rows if found.sure]
    if not sure or len(sure) == len(rows):
        return tuple(rows)
    return (*sure, *(found for found in rows if not found.sure))


def doubts_once(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Each doubt once, in order."""
    return tuple(dict.fromkeys(doubts))


def a_few(doubts: Sequence[Doubt]) -> tuple[Doubt, ...]:
    """Every list not read and some doubts of each other kind: what a criterion hands to many rows stays small."""
    if len(doubts) <= _FEW:
        return tuple(doubts)
    kept: dict[str, list[Doubt]] = {}
    for doubt in doubts:
        of_kind = kept.get(doubt.kind)
        if of_kind is None:
            kept[doubt.kind] = [doubt]
        elif len(of_kind) < _FEW or doubt.kind == NOT_READ:
            of_kind.append(doubt)
    return tuple(doubt for of_kind in kept.values() for doubt in of_kind)


def kinds_about(row: Row, doubts: Iterable[Doubt]) -> tuple[str, ...]:
    """The kinds of those doubts that are about this row itself."""
    reference = row.reference
    kinds = [doubt.kind for doubt in doubts if doubt.about == reference]
    return tuple(kinds if len(kinds) < 2 else dict.fromkeys(kinds))


def unsure(rows: Iterable[Found], doubts: Sequence[Doubt]) -> tuple[Found, ...]:
    """The rows of a criterion that is UNKNOWN: what leaves it open leaves open whether they are rows of it."""
    few = a_few(doubts)
    kept = []
    for found in rows:
        why = with_more(found.why, few)
        kept.append(_doubtful(found, why, found.doubts) if found.sure or why is not found.why else found)
    return tuple(kept)


def with_more(why: tuple[Doubt, ...], more: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Doubts and further ones, each once, in order: the very same tuple when there is nothing new."""
    for doubt in more:
        if doubt not in why:
            why = (*why, doubt)
    return why


# `replace` takes twice as long as these two, and each row of a chart without codes passes them often.


def _doubtful(found: Found, why: tuple[Doubt, ...], own: tuple[str, ...]) -> Found:
    return Found(
        found.row, False, found.start, found.end, found.by_text, found.value_set, found.label, own, found.merged, why,
        found.pinned, found.open,
    )  # fmt: skip


def lasting(found: Found, start: Span, end: Span | None) -> Found:
    """The row with another start and end."""
    return Found(
        found.row, found.sure, start, end, found.by_text, found.value_set, found.label, found.doubts, found.merged,
        found.why, found.pinned, found.open,
    )  # fmt: skip


def unread(further: Iterable[Gap]) -> list[Doubt]:
    """The lists that were not read, as reasons."""
    return [Doubt(NOT_READ, gap.source) for gap in further]


def doubting(found: Found, doubts: Iterable[Doubt]) -> Found:
    """The row as a doubtful one, with further reasons."""
    why = with_more(found.why, doubts)
    return _doubtful(found, why, kinds_about(found.row, why))


def at_its_end(found: Found, today: int) -> Found:
    """Turn a row that ended before `today` into that event: the day it ended is its start and end."""
    assert found.end is not None
    recorded = found.row.end
    text = recorded.text if recorded is not None and recorded == found.end else ""  # not the day of a dose that lasted
    day = Span(found.end.first, min(found.end.last, today - 1), text)
    return lasting(found, day, day)


def surely_later(other: Found, found: Found) -> bool:
    """Whether `other` certainly began after `found`; clock times decide within one day when both have one."""
    if other.start.first > found.start.last:
        return True
    mine, its = found.row.start, other.row.start
    if mine is None or its is None or mine.instant is None or its.instant is None:
        return False
    return mine.exact and mine.first == its.first and its.last == mine.last and its.instant > mine.instant


def latest_of(found: Found, candidates: Sequence[Found]) -> bool:
    """Whether `found` certainly began after every other candidate."""
    return all(each is found or surely_later(found, each) for each in candidates)


def unordered(found: Found) -> Found:
    """The row as one of several of which it cannot be told which is the latest."""
    return found if found.why else doubting(found, [Doubt("date-imprecise", found.row.reference)])
