"""Rows found by several criteria: each once, sure ones first, in the order of time.

Source: docs/reference/rule-language.md, sections 4 and 5.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cds_service.core.dates import Span
from cds_service.core.decision import NOT_READ, Doubt, Found, Result
from cds_service.core.facts import Gap

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
    rows: dict[tuple[object, ...], Found] = {}
    for found in all_rows:
        key = (found.row.fact, found.row.reference, found.start, found.end, found.pinned)
        known = rows.get(key)
        if known is None or (found.sure and not known.sure):
            rows[key] = found
        elif not known.sure:
            rows[key] = doubting(known, found.why)
    return sure_first(tuple(rows.values()))


def who(found: Found) -> tuple[str, str]:
    """What makes two finds the same row."""
    return found.row.fact, found.row.reference


def counted(rows: Sequence[Found]) -> tuple[int, int]:
    """How many rows are sure, and how many there are, each row once."""
    if not rows:
        return 0, 0
    if len(rows) == 1:
        return int(rows[0].sure), 1
    return len({who(found) for found in rows if found.sure}), len({who(found) for found in rows})


def sure_first(rows: Sequence[Found]) -> tuple[Found, ...]:
    """Sure rows before doubtful ones, otherwise in the order they came."""
    if len(rows) < 2:
        return tuple(rows)
    sure = [found for found in rows if found.sure]
    if len(sure) in (0, len(rows)):
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
        of_kind = kept.setdefault(doubt.kind, [])
        if doubt.unread or len(of_kind) < _FEW:
            of_kind.append(doubt)
    return tuple(doubt for of_kind in kept.values() for doubt in of_kind)


def unsure(rows: Iterable[Found], doubts: Sequence[Doubt]) -> tuple[Found, ...]:
    """The rows of a criterion that is UNKNOWN: what leaves it open leaves open whether they are rows of it."""
    few = a_few(doubts)
    return tuple(replace(found, sure=False, why=doubts_once((*found.why, *few))) for found in rows)


def unread(further: Iterable[Gap]) -> list[Doubt]:
    """The lists that were not read, as reasons."""
    return [Doubt(NOT_READ, gap.source) for gap in further]


def doubting(found: Found, doubts: Iterable[Doubt]) -> Found:
    """The row as a doubtful one, with further reasons."""
    why = doubts_once((*found.why, *doubts))
    own = dict.fromkeys(doubt.kind for doubt in why if doubt.about == found.row.reference)
    return replace(found, sure=False, why=why, doubts=tuple(own))


def at_its_end(found: Found, today: int) -> Found:
    """Turn a row that ended before `today` into that event: the day it ended is its start and end."""
    assert found.end is not None
    recorded = found.row.end
    text = recorded.text if recorded is not None and recorded == found.end else ""  # not the day of a dose that lasted
    day = Span(found.end.first, min(found.end.last, today - 1), text)
    return replace(found, start=day, end=day)


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
