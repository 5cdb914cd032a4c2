"""Values of observations and answers: numbers, what is not a number, and dates that are the value itself."""

import re
from dataclasses import replace
from typing import Any

from cds_service.core.dates import Span
from cds_service.core.facts import Concept, Number
from cds_service.core.record import record
from cds_service.fhir.scope import Scope
from cds_service.fhir.shapes import Resource, codes, flag, objects, word
from cds_service.fhir.when import number_in, period, span

ANYTHING = float("inf")
MOST_CHARACTERS = 40  # of a number written as text
_WRITTEN = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([+-]?[0-9]+(?:\.[0-9]+)?)")
_SIGNS = {"≤": "<=", "≥": ">="}
YES_WORD, NO_WORD = "yes", "no"  # how a boolean answer is worded for value sets of answers


@record(frozen=True, slots=True)
class Recorded:
    """A recorded value. present: something was recorded, readable or not. day: the value when it is a date."""

    number: Number | None = None
    answers: tuple[Concept, ...] = ()
    present: bool = False
    day: Span | None = None


def recorded(resource: Resource, scope: Scope, prefix: str = "value") -> Recorded:
    """Read value[x], whichever form it has; two numbers contradict each other and read as none."""
    numbers: list[Number] = []
    answers: list[Concept] = []
    present, day = False, None
    for name in [each for each in resource if each.startswith(prefix)]:
        value = resource[name]
        if value is None or name == prefix:
            continue
        present = True
        form = name[len(prefix) :]
        if form in ("Quantity", "Integer", "Decimal", "Range"):
            number = quantity(value) if form == "Quantity" else measured(value) if form != "Range" else spread(value)
            if number is not None:
                numbers.append(number)
        elif form == "String":
            number = written(value)
            if number is not None:
                numbers.append(number)
            else:
                answers.append(scope.concept(value))
        elif form in ("CodeableConcept", "Coding"):
            answers.append(scope.concept(value))
        elif form == "Boolean":
            answer = flag(value)
            if answer is not None:
                answers.append(scope.concept(YES_WORD if answer else NO_WORD))
        elif form in ("DateTime", "Date"):
            day = span(value)
        elif form == "Period":
            start, end = period(value)
            day = end or start
    readable = tuple([each for each in answers if each.readable]) if answers else ()
    return Recorded(numbers[0] if len(numbers) == 1 else None, readable, present, day)


def quantity(value: Any) -> Number | None:
    """Read a Quantity with its comparator; the unit's code comes before its text."""
    if not isinstance(value, dict):
        return None
    unit = _unit(value)
    amount = value.get("value")
    comparator = value.get("comparator")
    if isinstance(amount, str) and comparator is None:
        return written(amount, unit)
    return _range(word(comparator), amount, unit) if comparator is None or isinstance(comparator, str) else None


def measured(value: Any) -> Number | None:
    """Read an integer or decimal, or digits written as text."""
    return written(value) if isinstance(value, str) else _range("", value)


def written(value: Any, unit: str | None = None) -> Number | None:
    """Read a number written as text: "12", "<5", "> 150". None for any other text. unit: what it is counted in."""
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return None
    found = _WRITTEN.fullmatch(value.strip())
    if found is None:
        return None
    sign = found.group(1) or ""
    return _range(_SIGNS.get(sign, sign), found.group(2), unit)


def spread(value: Any) -> Number | None:
    """Read a Range: any number from low to high; an end that is absent is open."""
    if not isinstance(value, dict):
        return None
    low, high = quantity(value.get("low")), quantity(value.get("high"))
    if low is None and high is None:
        return None
    if (low is None and value.get("low") is not None) or (high is None and value.get("high") is not None):
        return None
    least, most = low.low if low else -ANYTHING, high.high if high else ANYTHING
    units = {each.unit for each in (low, high) if each is not None}
    if least > most or len(units) > 1:
        return None
    text = f"{low.text if low else ''} to {high.text if high else ''}".strip()
    return Number(least, most, low is None, high is None, units.pop(), text)


def _range(comparator: str, amount: Any, unit: str | None = None) -> Number | None:
    number = number_in(amount)
    if number is None:
        return None
    text = f"{comparator}{_plain(number)}"
    if comparator in ("<", "<="):
        return Number(-ANYTHING, number, True, comparator == "<", unit, text)
    if comparator in (">", ">="):
        return Number(number, ANYTHING, comparator == ">", True, unit, text)
    return Number(number, number, False, False, unit, text) if not comparator else None


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _unit(value: Resource) -> str | None:
    for name in ("code", "unit"):
        unit = value.get(name)
        if isinstance(unit, str) and unit.strip():
            return unit.strip()
    return None


def upper_limit(resource: Resource, number: Number | None) -> Number | None:
    """Give the report's own upper limit: the high end of its normal range, in the value's unit if it names none.

    Ranges of another type (critical, therapeutic) are left out; two normal ranges that differ say nothing.
    """
    found = []
    for each in objects(resource.get("referenceRange")):
        kinds = codes(each.get("type"))
        high = quantity(each.get("high")) if not kinds or "normal" in kinds else None
        if high is not None and high.low == high.high:
            found.append(high if high.unit is not None or number is None else replace(high, unit=number.unit))
    return found[0] if found and all(each == found[0] for each in found) else None


def interpretation(resource: Resource, scope: Scope) -> tuple[Concept, ...]:
    """Give the interpretations as answers ("positive", "high")."""
    listed = resource.get("interpretation")
    if listed is None:
        return ()
    found = [scope.concept(each) for each in (listed if isinstance(listed, list) else (listed,))]
    return tuple([each for each in found if each.readable])
