"""Numbers and answers: is a value inside its bounds, is an answer the one that is meant.

Source: docs/reference/rule-language.md, section 5 (step "value"); units are UCUM, https://ucum.org/ucum.
"""

from dataclasses import dataclass
from math import inf

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.facts import Concept, Number

_DIGITS = 9
UNITLESS = ("score", "count", "times")
# How many of the first unit make one of the second.
_CONVERSIONS = {("ms", "s"): 1000.0, ("s", "ms"): 0.001, ("u/l", "ukat/l"): 60.0, ("ukat/l", "u/l"): 1 / 60.0}


@dataclass(frozen=True, slots=True)
class Limits:
    """A closed, half-open or open range of numbers."""

    low: float = -inf
    high: float = inf
    low_open: bool = False
    high_open: bool = False

    def holds(self, number: Number) -> Verdict:
        """YES when every value `number` can have lies inside, NO when none does."""
        if self._holds_all(number):
            return YES
        return NO if self._holds_none(number) else UNKNOWN

    def holds_count(self, least: int, most: float) -> Verdict:
        """The same for the whole numbers from `least` to `most` (math.inf for no upper end)."""
        if self is AT_LEAST_ONE:
            return YES if least else UNKNOWN if most else NO
        low = self.low + 1 if self.low_open and self.low == int(self.low) else self.low
        high = self.high - 1 if self.high_open and self.high != inf and self.high == int(self.high) else self.high
        if low > high:
            return NO
        if low <= least and most <= high:
            return YES
        return NO if most < low or least > high else UNKNOWN

    def _holds_all(self, number: Number) -> bool:
        above = self.low < number.low or (self.low == number.low and (number.low_open or not self.low_open))
        below = number.high < self.high or (self.high == number.high and (number.high_open or not self.high_open))
        return above and below

    def _holds_none(self, number: Number) -> bool:
        under = number.high < self.low or (number.high == self.low and (number.high_open or self.low_open))
        over = self.high < number.low or (number.low == self.high and (number.low_open or self.high_open))
        return under or over


AT_LEAST_ONE = Limits(low=1)  # what most criteria ask for


def converted(number: Number, unit: str) -> Number | None:
    """Give `number` in `unit`, or None when it has no unit that can be converted.

    unit: of a parameter: "score" and "count" take numbers without a unit or in a UCUM annotation ("{score}").
    """
    sent = (number.unit or "").strip()
    if unit in UNITLESS:
        return number if not sent or sent == "1" or (sent.startswith("{") and sent.endswith("}")) else None
    have, want = _folded(sent), _folded(unit)
    if have == want:
        return number
    factor = _CONVERSIONS.get((want, have))
    if factor is None:
        return None
    low, high = (round(end * factor, _DIGITS) for end in (number.low, number.high))  # 0.57 s is 570 ms, not 569.999...
    return Number(low, high, number.low_open, number.high_open, unit, number.text)


def _folded(unit: str) -> str:
    return unit.strip().lower().replace("\u00b5", "u").replace("\u03bc", "u")


def per_limit(number: Number, limit: Number | None, default: float, unit: str) -> Number | None:
    """Give `number` as multiples of the report's upper limit, or of `default` (in `unit`) if it has none.

    A report's own limit without a unit is in the unit of the number, and the two need no unit to be compared.
    Returns None when the number, or the report's limit, cannot be brought to `unit`, or the limit is not above zero.
    """
    if limit is not None and _folded(limit.unit or number.unit or "") == _folded(number.unit or ""):
        value, upper = number, limit
    else:
        told, own = converted(number, unit), converted(limit or Number(default, default, unit=unit), unit)
        if told is None or own is None:
            return None
        value, upper = told, own
    if upper.high <= 0:
        return None
    return Number(value.low / upper.high, value.high / upper.high, value.low_open, value.high_open, None, number.text)


def answered(answers: tuple[Concept, ...], yes_mask: int, no_mask: int, firm: bool = False) -> Verdict:
    """YES when the answers are in the first sets only, NO in the second only, UNKNOWN in neither or both.

    firm: a YES told by words alone is UNKNOWN.
    """
    coded = words = 0
    for each in answers:
        coded |= each.by_code
        words |= each.by_text
    found = coded | words
    if firm and not coded & yes_mask:
        yes_mask, no_mask = 0, no_mask if not words & yes_mask else 0
    says_yes, says_no = bool(found & yes_mask), bool(found & no_mask)
    if says_yes == says_no:
        return UNKNOWN
    return YES if says_yes else NO
