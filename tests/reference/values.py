"""Numbers and answers of a row, judged in exact decimals."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.facts import Number
from cds_service.core.rule import Bounds, Parameter

INFINITE = float("inf")
CONVERSIONS = {
    ("s", "ms"): 1000,
    ("ms", "s"): Fraction(1, 1000),
    ("ukat/L", "U/L"): 60,
    ("U/L", "ukat/L"): Fraction(1, 60),
}
BOUND_NAMES = ("at_least", "more_than", "at_most", "less_than")


@dataclass(frozen=True)
class Range:
    """The numbers from low to high; an open end is itself outside."""

    low: Fraction | float
    high: Fraction | float
    low_open: bool
    high_open: bool

    def times(self, factor) -> "Range":
        """Give the range with both ends multiplied by a positive factor."""
        low = self.low if self.low in (INFINITE, -INFINITE) else self.low * factor
        high = self.high if self.high in (INFINITE, -INFINITE) else self.high * factor
        return Range(low, high, self.low_open, self.high_open)


def exactly(number: float) -> Fraction | float:
    """Give the decimal number as it was written."""
    return number if number in (INFINITE, -INFINITE) else Fraction(str(number))


def range_of(number: Number) -> Range:
    """Give what was measured as a range."""
    return Range(exactly(number.low), exactly(number.high), number.low_open, number.high_open)


def limits(bounds: Bounds | None, parameters: Mapping[str, Parameter]) -> list[tuple[str, Parameter]]:
    """Give the bounds that are set, as (kind, parameter)."""
    if bounds is None:
        return []
    return [(kind, parameters[getattr(bounds, kind)]) for kind in BOUND_NAMES if getattr(bounds, kind)]


def single_passes(number, kind: str, limit) -> bool:
    """Say whether one number is inside one bound."""
    return {
        "at_least": number >= limit, "more_than": number > limit,
        "at_most": number <= limit, "less_than": number < limit,
    }[kind]  # fmt: skip


def range_inside(numbers: Range, bounds: list[tuple[str, Fraction]]) -> Verdict:
    """All numbers of the range inside the bounds YES, none NO, else UNKNOWN.

    Tried at the ends, at every limit, and between and beyond them: nothing changes in between.
    """
    points = sorted({each for each in (numbers.low, numbers.high, *(limit for _, limit in bounds))
                     if each not in (INFINITE, -INFINITE)})  # fmt: skip
    tries = list(points)
    tries += [(one + other) / 2 for one, other in pairwise(points)]
    tries += [points[0] - 1, points[-1] + 1] if points else [Fraction(0)]
    inside = [each for each in tries if _holds(numbers, each)]
    passed = {all(single_passes(each, kind, limit) for kind, limit in bounds) for each in inside}
    return YES if passed == {True} else NO if passed == {False} else UNKNOWN


def _holds(numbers: Range, each) -> bool:
    above = each > numbers.low or (each == numbers.low and not numbers.low_open)
    below = each < numbers.high or (each == numbers.high and not numbers.high_open)
    return above and below


def factor(unit: str | None, wanted: str):
    """Give what a number in `unit` is multiplied by to be in the wanted unit; None when it cannot be told."""
    if wanted in ("score", "count"):
        return 1 if unit is None or (unit.startswith("{") and unit.endswith("}")) else None
    if unit == wanted:
        return 1
    return CONVERSIONS.get((unit, wanted))
