"""Keys about time against days counted one by one: every small span is tried day by day."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from itertools import combinations_with_replacement, product

import pytest

from cds_service.core.dates import NO, UNKNOWN, YES, Span, Verdict
from cds_service.core.facts import Row
from cds_service.core.rule import Bounds, Find
from tests.reference.pool import concept
from tests.spec.table import TODAY, Case, by_engine, drug, result_of

NOW = TODAY.toordinal()
NEAR = (-9, -8, -7, -6, -1, 0, 1)  # days from today, around the edges of a week and of today
SPANS = [*combinations_with_replacement(NEAR, 2)]
BOUNDS: Mapping[str, Callable[[int], bool]] = {
    "at_least": lambda days: days >= 7,
    "more_than": lambda days: days > 7,
    "at_most": lambda days: days <= 7,
    "less_than": lambda days: days < 7,
}
DRUG = ("medication-use",)


def over_all(answers: Iterable[bool]) -> Verdict:
    """All true YES, none true NO, else UNKNOWN."""
    seen = set(answers)
    return YES if seen == {True} else NO if seen == {False} else UNKNOWN


def days(first: int, last: int) -> range:
    """Give the days a span can be, counted from today."""
    return range(first, last + 1)


def told(find: Find, start: tuple[int, int], end: tuple[int, int]) -> Verdict:
    """Ask the engine about one use with this start and end."""
    spans = [Span(NOW + first, NOW + last) for first, last in (start, end)]
    row = Row("medication-use", "MedicationRequest/1", concept("C1"), status="past", start=spans[0], end=spans[1])
    return by_engine(Case("", find, (row,), YES))[0]


@pytest.mark.parametrize("key", BOUNDS)
def test_time_since_the_start_is_judged_for_every_day_it_can_be(key: str) -> None:
    find = Find(DRUG, since_start=Bounds(**{key: "weeks_1"}))
    for start in SPANS:
        wanted = over_all(day <= 0 and BOUNDS[key](-day) for day in days(*start))
        assert told(find, start, (1, 1)) is wanted, start


@pytest.mark.parametrize("key", BOUNDS)
def test_length_is_judged_for_every_pair_of_days_and_ends_today_at_the_latest(key: str) -> None:
    find = Find(DRUG, length=Bounds(**{key: "weeks_1"}))
    for start, end in product(SPANS, SPANS):
        if start[1] <= end[0] and start[1] <= 0:
            wanted = over_all(BOUNDS[key](min(last, 0) - day) for day, last in product(days(*start), days(*end)))
            assert told(find, start, end) is wanted, (start, end)


def test_a_window_is_judged_for_every_pair_of_days() -> None:
    for start, end in product(SPANS, SPANS):
        if start[1] <= end[0]:
            tries = [*product(days(*start), days(*end))]
            wanted = over_all(day <= 0 and last >= -7 for day, last in tries)
            assert told(Find(DRUG, during_last="weeks_1"), start, end) is wanted, (start, end)
            wanted = over_all(day <= 0 <= last for day, last in tries)
            assert told(Find(DRUG, during_last="today"), start, end) is wanted, (start, end)


def use(status: str, start: tuple[int, int], over_by: int | None = None, listed_on: int | None = None) -> Row:
    """Give a use without an end on record, or a dose, which ends as it starts."""
    begun = Span(NOW + start[0], NOW + start[1])
    return Row("medication-use", "MedicationRequest/1", concept("C1"), status=status, start=begun,
               end=begun if status == "given" else None, over_by=over_by, listed_on=listed_on)  # fmt: skip


def test_a_dose_is_current_while_it_covers_today() -> None:
    find = Find(DRUG, covers="weeks_1", during_last="today")
    for start in SPANS:
        wanted = over_all(day <= 0 <= day + 7 for day in days(*start))
        assert by_engine(Case("", find, (use("given", start),), YES))[0] is wanted, start


@pytest.mark.parametrize("status", ["taking", "paused"])
def test_an_open_use_surely_goes_on_through_stale_after_and_then_perhaps(status: str) -> None:
    find = Find(DRUG, stale_after="weeks_1", during_last="today")
    for start, listed_on in product(SPANS, (None, *(day for day in NEAR if day <= 0))):
        listed = -99 if listed_on is None else listed_on
        wanted = over_all(day <= 0 <= last for day in days(*start) for last in (max(day, listed) + 7, 99))
        row = use(status, start, listed_on=None if listed_on is None else NOW + listed_on)
        assert by_engine(Case("", find, (row,), YES))[0] is wanted, (start, listed_on)


@pytest.mark.parametrize("status", ["past", "stopped"])
def test_a_use_that_is_over_ended_by_the_first_of_what_is_known(status: str) -> None:
    for (window, opens), start, over_by in product((("weeks_1", -7), ("today", 0)), SPANS, (None, *NEAR)):
        known = [-1] if over_by is None else [-1, over_by]
        wanted = over_all(
            day <= 0 and last >= opens
            for day in days(*start)
            for last in range(day, max(day, min(*known, day + 1)) + 1)
        )
        row = use(status, start, None if over_by is None else NOW + over_by)
        find = Find(DRUG, stale_after="days_1", during_last=window)
        assert by_engine(Case("", find, (row,), YES))[0] is wanted, (window, start, over_by)


def test_an_ending_is_before_today_for_every_day_it_can_be() -> None:
    for end in SPANS:
        wanted = over_all(day < 0 for day in days(*end))
        assert told(Find(DRUG, ending=True), (-9, -9), end) is wanted, end


def test_started_since_is_judged_for_every_pair_of_days() -> None:
    for start, other in product(SPANS, SPANS):
        rows = (
            Row("medication-use", "MedicationRequest/1", concept("C1"), status="past", end=Span(NOW + 1, NOW + 1),
                start=Span(NOW + start[0], NOW + start[1])),
            Row("Condition", "Condition/1", concept("C1"), clinical_status="active", verification_status="confirmed",
                start=Span(NOW + other[0], NOW + other[1])),
        )  # fmt: skip
        case = Case("", Find(DRUG, started_since="other"), rows, YES, others={"other": Find(("Condition",))})
        wanted = over_all(day >= since for day, since in product(days(*start), days(*other)))
        assert by_engine(case)[0] is wanted, (start, other)


@pytest.mark.parametrize("fixed", [(-8, -7), (0, 0)])
def test_uses_are_joined_where_every_pair_of_days_says_so(fixed: tuple[int, int]) -> None:
    joined = Find(DRUG, merge_gaps="days_1")
    for start, end in product(SPANS, SPANS):
        if start[1] > end[0]:
            continue
        spans = [Span(NOW + first, NOW + last) for first, last in (start, end)]
        rows = tuple(
            Row("medication-use", f"MedicationRequest/{number}", concept("C1"), status="past", start=first, end=last)
            for number, first, last in ((1, *spans), (2, *(Span(NOW + day, NOW + day) for day in fixed)))
        )
        wanted = over_all(
            (fixed[0] - last if day <= fixed[0] else day - fixed[1]) <= 1
            for day, last in product(days(*start), days(*end))
        )
        result = result_of(Case("", joined, rows, YES))
        found = {1: YES, 2: NO}[len(result.rows)] if result.verdict is YES else UNKNOWN
        assert found is wanted, (start, end)


def test_the_end_of_a_dose_that_lasted_is_not_printed_as_the_day_of_the_dose() -> None:
    find = Find(DRUG, covers="weeks_1", ending=True)
    (lasted,) = result_of(Case("", find, (drug("given", "2026-02-01", "2026-02-01"),), YES)).rows
    (ended,) = result_of(Case("", find, (drug("past", "2025-02-01", "2026-02-01"),), YES)).rows
    assert (lasted.start, ended.start) == (exact("2026-02-08", ""), exact("2026-02-01"))


def exact(day: str, text: str | None = None) -> Span:
    """Give one day, and how it was written."""
    ordinal = date.fromisoformat(day).toordinal()
    return Span(ordinal, ordinal, day if text is None else text)
