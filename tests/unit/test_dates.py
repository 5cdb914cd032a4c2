"""Partial dates, durations and ages, at the edges of months, leap years and the calendar."""

from datetime import date

import pytest

from cds_service.core.dates import (
    BEGINNING,
    FOREVER,
    NO,
    UNKNOWN,
    YES,
    Duration,
    all_of,
    any_of,
    full_years,
    negate,
    parse_span,
    unreadable_span,
)  # fmt: skip


def day(text: str) -> int:
    """Give the ordinal of a day."""
    return date.fromisoformat(text).toordinal()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-03-01", "2026-03-01", "2026-03-01"),
        ("2026-03-01T23:59:59Z", "2026-03-01", "2026-03-01"),
        ("2026-03-01T23:59:59-11:00", "2026-03-01", "2026-03-01"),
        ("2026-03-01T08:30", "2026-03-01", "2026-03-01"),
        (" 2026-03-01 ", "2026-03-01", "2026-03-01"),
    ],
)
def test_a_partial_date_spans_each_day_it_could_mean_and_a_time_counts_by_its_written_day(text, first, last):
    span = parse_span(text)
    assert (span.first, span.last, span.readable) == (day(first), day(last), True)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13", "2026-02-30", "2026-00-01", "26-01-01", "2026-1-1", "01/02/2026", "0000"]
)
def test_what_is_no_fhir_date_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_span(text)


def test_an_unreadable_date_could_be_any_day_and_says_so():
    span = unreadable_span("x" * 60)
    assert (span.first, span.last, span.readable, len(span.text)) == (BEGINNING, FOREVER, False, 40)


def test_instants_compare_across_zones_and_a_time_without_zone_has_none():
    earlier, later = parse_span("2026-03-01T09:30:00+02:00"), parse_span("2026-03-01T08:00:00Z")
    assert later.instant - earlier.instant == 1800
    assert parse_span("2026-03-01T09:30:00").instant is None


def test_a_leap_second_counts_as_the_second_before():
    assert parse_span("2016-12-31T23:59:60Z").instant == parse_span("2016-12-31T23:59:59Z").instant


@pytest.mark.parametrize(
    ("start", "count", "unit", "wanted"),
    [
        ("2026-01-01", 30, "days", "2026-01-31"),
        ("2026-02-22", 1, "weeks", "2026-03-01"),
        ("2026-01-31", 1, "months", "2026-02-28"),
        ("2024-01-31", 1, "months", "2024-02-29"),
        ("2026-11-30", 3, "months", "2027-02-28"),
        ("2024-02-29", 1, "years", "2025-02-28"),
        ("2024-02-29", 4, "years", "2028-02-29"),
        ("2026-12-31", 12, "months", "2027-12-31"),
    ],
)
def test_a_month_later_is_the_same_day_number_or_the_last_day_of_the_month(start, count, unit, wanted):
    assert Duration(count, unit).after(day(start)) == day(wanted)


@pytest.mark.parametrize(
    ("today", "count", "unit", "wanted"),
    [
        ("2026-03-01", 30, "days", "2026-01-30"),
        ("2026-03-31", 1, "months", "2026-02-28"),
        ("2024-03-31", 1, "months", "2024-02-29"),
        ("2026-01-15", 1, "months", "2025-12-15"),
        ("2024-02-29", 1, "years", "2023-02-28"),
        ("2026-03-01", 2, "weeks", "2026-02-15"),
    ],
)
def test_months_are_counted_back_in_the_same_way(today, count, unit, wanted):
    assert Duration(count, unit).before(day(today)) == day(wanted)


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_no_bound_stays_no_bound(unit):
    assert [Duration(3, unit).after(each) for each in (BEGINNING, FOREVER)] == [BEGINNING, FOREVER]
    assert [Duration(3, unit).before(each) for each in (BEGINNING, FOREVER)] == [BEGINNING, FOREVER]


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_time_added_beyond_the_calendar_can_be_reckoned_with_again(unit):
    beyond = Duration(40, unit).after(day("9999-12-31"))
    assert beyond > day("9999-12-31")
    assert Duration(1, "months").after(beyond) >= beyond


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        ("2008-03-01", "2026-03-01", 18),
        ("2008-03-02", "2026-03-01", 17),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2024-02-29", 16),
    ],
)
def test_age_counts_completed_years_and_a_leap_day_birthday_falls_on_the_first_of_march(born, today, years):
    assert full_years(day(born), day(today)) == years


@pytest.mark.parametrize(
    ("verdicts", "together", "either"),
    [
        ((), YES, NO),
        ((YES, UNKNOWN), UNKNOWN, YES),
        ((NO, UNKNOWN), NO, UNKNOWN),
        ((YES, NO), NO, YES),
        ((UNKNOWN,), UNKNOWN, UNKNOWN),
    ],
)
def test_and_or_follow_three_values(verdicts, together, either):
    assert (all_of(verdicts), any_of(verdicts)) == (together, either)


def test_not_leaves_unknown_as_it_is():
    assert [negate(each) for each in (YES, UNKNOWN, NO)] == [NO, UNKNOWN, YES]
