"""Numbers against limits, units, upper limits and answers: every small range is tried number by number."""

from collections.abc import Iterable
from itertools import product
from math import inf

import pytest

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.facts import Number
from cds_service.core.measure import Limits, answered, converted, per_limit
from tests.reference.pool import TABLE, VALUE_SETS, concept

QUARTERS = [each / 4 for each in range(-8, 21)]  # stands for every number: the ends below are whole
GOOD, BAD = TABLE.bit(VALUE_SETS["good"]), TABLE.bit(VALUE_SETS["bad"])
FLAGS = (False, True)


def inside(number: float, low: float, high: float, low_open: bool, high_open: bool) -> bool:
    """Say whether one number lies in a range."""
    return (low < number or (number == low and not low_open)) and (number < high or (number == high and not high_open))


def over_all(answers: Iterable[bool]) -> Verdict:
    """All true YES, none true NO, else UNKNOWN."""
    seen = set(answers)
    return YES if seen == {True} else NO if seen == {False} else UNKNOWN


def test_a_number_is_judged_as_every_number_it_may_stand_for() -> None:
    ranges = [(0, inf), (1, inf), (2, inf), (-inf, 1), (-inf, 2), (0, 2), (1, 2), (1, 3), (2, 2), (-inf, inf)]
    numbers = [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (0, 3), (1, 2), (2, 3), (-inf, 1), (-inf, 2), (1, inf), (2, inf)]
    for limit, number, low_open, high_open, under, over in product(ranges, numbers, FLAGS, FLAGS, FLAGS, FLAGS):
        if (limit[0] == limit[1] and (low_open or high_open)) or (number[0] == number[1] and (under or over)):
            continue  # nothing lies in such a range
        if (limit[0] == -inf and low_open) or (limit[1] == inf and high_open):
            continue  # infinity is no number
        meant = [each for each in QUARTERS if inside(each, *number, under, over)]
        wanted = over_all(inside(each, *limit, low_open, high_open) for each in meant)
        told = Limits(*limit, low_open, high_open).holds(Number(*number, under, over))
        assert told is wanted, (limit, low_open, high_open, number, under, over)


def test_a_count_is_judged_as_every_whole_number_it_may_be() -> None:
    ranges = [(0, inf), (1, inf), (1.5, inf), (2, inf), (-inf, 1), (-inf, 1.5), (-inf, 2), (0, 1), (1, 2), (1, 3)]
    for limit, low_open, high_open, least, most in product(ranges, FLAGS, FLAGS, range(4), (0, 1, 2, 3, 4, inf)):
        if least > most or (low_open and limit[0] == -inf):
            continue
        may_be = range(least, 9 if most == inf else int(most) + 1)
        wanted = over_all(inside(each, *limit, low_open, high_open) for each in may_be)
        assert Limits(*limit, low_open, high_open).holds_count(least, most) is wanted, (
            limit,
            low_open,
            high_open,
            least,
        )


@pytest.mark.parametrize(
    ("number", "unit", "wanted"),
    [
        (Number(5, 5), "score", Number(5, 5)),
        (Number(5, 5, unit="1"), "count", Number(5, 5, unit="1")),
        (Number(5, 5, unit=" {score} "), "times", Number(5, 5, unit=" {score} ")),
        (Number(5, 5, unit="{score"), "score", None),
        (Number(5, 5, unit="score}"), "score", None),
        (Number(5, 5, unit="mg"), "score", None),
        (Number(5, 5, unit="MS "), "ms", Number(5, 5, unit="MS ")),
        (Number(5, 5), "ms", None),
        (Number(0.57, 0.57, unit="s"), "ms", Number(570.0, 570.0, unit="ms")),
        (Number(570, 570, unit="ms"), "s", Number(0.57, 0.57, unit="s")),
        (Number(2, 2, unit="ukat/L"), "U/L", Number(120.0, 120.0, unit="U/L")),
        (Number(2, 2, unit="\u00b5kat/L"), "U/L", Number(120.0, 120.0, unit="U/L")),
        (Number(2, 2, unit="\u03bckat/L"), "U/L", Number(120.0, 120.0, unit="U/L")),
        (Number(120, 120, unit="u/l"), "ukat/L", Number(2.0, 2.0, unit="ukat/L")),
        (Number(-inf, 1, True, False, "s", "<=1"), "ms", Number(-inf, 1000.0, True, False, "ms", "<=1")),
        (Number(1, inf, False, True, "s", ">=1"), "ms", Number(1000.0, inf, False, True, "ms", ">=1")),
    ],
)
def test_a_number_is_brought_to_the_unit_that_is_meant(number: Number, unit: str, wanted: Number | None) -> None:
    assert converted(number, unit) == wanted


@pytest.mark.parametrize(
    ("number", "limit", "wanted"),
    [
        (Number(120, 120, unit="U/L"), None, Number(2.0, 2.0)),
        (Number(120, 120, unit="U/L"), Number(40, 40, unit="U/L"), Number(3.0, 3.0)),
        (Number(120, 120, unit="U/L"), Number(40, 40), Number(3.0, 3.0)),
        (Number(2, 2, unit="ukat/L"), Number(1, 1), Number(2.0, 2.0)),
        (Number(120, 120, unit="U/L"), Number(1, 1, unit="ukat/L"), Number(2.0, 2.0)),
        (Number(120, 120, unit="U/L"), Number(40, 40, unit="mg"), None),
        (Number(120, 120, unit="U/L"), Number(0, 0, unit="U/L"), None),
        (Number(120, 120, unit="U/L"), Number(-1, -1, unit="U/L"), None),
        (Number(120, 120, unit="U/L"), Number(1, 1, unit="U/L"), Number(120.0, 120.0)),
        (Number(120, 120, unit="mg"), None, None),
        (Number(60, inf, True, True, "U/L", ">60"), None, Number(1.0, inf, True, True, None, ">60")),
        (Number(-inf, 60, True, False, "U/L", "<=60"), None, Number(-inf, 1.0, True, False, None, "<=60")),
    ],
)
def test_a_multiple_is_of_the_reports_own_limit_or_of_the_given_one(
    number: Number, limit: Number | None, wanted: Number | None
) -> None:
    assert per_limit(number, limit, 60, "U/L") == wanted


@pytest.mark.parametrize(
    ("codes", "texts", "loose", "firm"),
    [
        ("G1", (), YES, YES),
        ("B1", (), NO, NO),
        ("G2", (), UNKNOWN, UNKNOWN),
        ("G1 B1", (), UNKNOWN, UNKNOWN),
        ("C9", (), UNKNOWN, UNKNOWN),
        ("", ("good",), YES, UNKNOWN),
        ("", ("other",), UNKNOWN, UNKNOWN),
        ("B1", ("good",), UNKNOWN, UNKNOWN),
        ("G1", ("good",), YES, YES),
    ],
)
def test_answers_in_one_list_only_decide_and_words_alone_are_never_firm(
    codes: str, texts: tuple[str, ...], loose: Verdict, firm: Verdict
) -> None:
    answers = (*(concept(each) for each in codes.split()), *(concept("", each) for each in texts))
    assert answered(answers, GOOD, BAD) is loose
    assert answered(answers, GOOD, BAD, firm=True) is firm
