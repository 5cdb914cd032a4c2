"""Checks of numbers: use, range, unit, and bounds that let nothing or everything through."""

from collections.abc import Iterator

from cds_service.core.rule import Bounds, Find, Logic, Parameter, Rule
from cds_service.rulebook.lint_subject import BOUNDS_KEYS, DURATION_KEYS, Subject, Use
from cds_service.rulebook.lint_text import card_texts, placeholders
from cds_service.rulebook.source import Place, RuleProblem, nearest

DAYS_IN = {"days": 1.0, "weeks": 7.0, "months": 30.44, "years": 365.25}
WHOLE = (*DAYS_IN, "count")
UNITS = (*DAYS_IN, "count", "score", "times")
_DURATION = f"a duration ({', '.join(DAYS_IN)})"


def use(subject: Subject) -> Iterator[RuleProblem]:
    """unused-parameter: no criterion, draft or card text uses it; a `says` alone does not count."""
    used = {each.name for each in subject.uses if each.kind == "parameter"}
    if isinstance(subject.draft, Rule):
        used |= {name for _, text, _ in card_texts(subject.draft) for name in placeholders(text)}
    for name in subject.draft.parameters:
        if name not in used:
            yield subject.at_key("unused-parameter", ("parameters", name), f"nothing uses '{name}'")


def value(subject: Subject) -> Iterator[RuleProblem]:
    """parameter-out-of-range, and wrong-type for a part of a day or of a thing that is counted."""
    for name, each in subject.draft.parameters.items():
        least, most = each.range
        place: Place = ("parameters", name)
        if least > most:
            text = f"the range of '{name}' goes from {least:g} down to {most:g}"
            yield subject.problem("parameter-out-of-range", (*place, "range"), text, "write [least, most]")
        elif not least <= each.value <= most:
            text = f"'{name}' is {each.value:g}, outside {least:g} to {most:g}"
            yield subject.problem("parameter-out-of-range", (*place, "value"), text)
        if each.unit in WHOLE:
            for key, number in ((("value",), each.value), (("range", 0), least), (("range", 1), most)):
                if number != int(number) or number < 0:
                    text = f"{number:g} {each.unit}: wanted a whole number"
                    yield subject.problem("wrong-type", (*place, *key), text)


def unit(subject: Subject) -> Iterator[RuleProblem]:
    """wrong-unit: durations for windows, years for age, count for count, measures for values."""
    misspelt: set[Place] = set()
    for each in subject.uses:
        parameter = subject.draft.parameters.get(each.name) if each.kind == "parameter" else None
        if parameter and parameter.unit:
            wanted = _wanted_unit(subject, each, parameter.unit)
            if wanted and parameter.unit not in UNITS and (near := nearest(parameter.unit, UNITS)):
                place = ("parameters", each.name, "unit")
                if place not in misspelt:
                    misspelt.add(place)
                    yield subject.problem("wrong-unit", place, f"'{parameter.unit}' is no unit", near)
            elif wanted:
                text = f"'{each.name}' is in {parameter.unit}; wanted {wanted}"
                line = subject.source.mark(("parameters", each.name, "unit")).line
                yield subject.problem("wrong-unit", each.place, text, f"its unit stands in line {line}")


def _wanted_unit(subject: Subject, use: Use, unit: str) -> str:
    """Say which unit a key wants, "" when this one fits."""
    keys = [each for each in use.place if isinstance(each, str)]
    key = keys[-2] if keys[-1] in ("at_least", "more_than", "at_most", "less_than") else keys[-1]
    if key in (*DURATION_KEYS, "length", "since_start", "within"):
        return "" if unit in DAYS_IN else _DURATION
    if key == "age":
        return "" if unit == "years" else "years"
    if key == "count":
        return "" if unit == "count" else "count"
    body = subject.draft.criteria[keys[1]].body
    in_multiples = isinstance(body, Find) and body.per_upper_limit is not None
    if key == "value" and in_multiples:
        return "" if unit == "times" else "times, since per_upper_limit counts multiples"
    return "a measure: score, count or a UCUM unit" if unit in (*DAYS_IN, "times") else ""


def bounds(subject: Subject) -> Iterator[RuleProblem]:
    """empty-bounds: no number fits, or every possible number does."""
    for name, criterion in subject.draft.criteria.items():
        body = criterion.body
        if isinstance(body, Find):
            for key in BOUNDS_KEYS:
                yield from _bounds(subject, ("criteria", name, key), getattr(body, key), None)
            yield from _implausible(subject, name, body)
        elif isinstance(body, Logic):
            yield from _bounds(subject, ("criteria", name, "count"), body.count, len(body.any))


def _bounds(subject: Subject, place: Place, given: Bounds | None, members: int | None) -> Iterator[RuleProblem]:
    limits = _limits(subject, given) if given and given != Bounds() else None  # none could be read: told elsewhere
    if limits is None:
        return
    low, low_open, high, high_open = limits
    key = place[-1]
    if key in ("age", "count"):  # whole numbers: an open limit is the next number
        low, low_open = (low + 1 if low_open else low), False
        high, high_open = (high - 1 if high_open else high), False
    floor = 0.0 if key in ("age", "count", "length") else float("-inf")
    ceiling = float("inf") if members is None else float(members)
    nothing = low > high or (low == high and (low_open or high_open)) or high < floor or low > ceiling
    if nothing:
        yield subject.at_key("empty-bounds", place, f"no number fits these bounds of '{key}'")
    elif (low < floor or (low == floor and not low_open)) and high >= ceiling:
        yield subject.at_key("empty-bounds", place, f"every number fits these bounds of '{key}'")


def _implausible(subject: Subject, name: str, body: Find) -> Iterator[RuleProblem]:
    """Say when `value` asks for numbers that `plausible` never lets be judged."""
    if body.value is None or body.plausible is None or body.per_upper_limit is not None:
        return
    asked, judged = _limits(subject, body.value), _limits(subject, body.plausible)
    if asked is None or judged is None:
        return
    low, high = max(asked[0], judged[0]), min(asked[2], judged[2])
    is_open = (asked[1] and asked[0] == low) or (asked[3] and asked[2] == high)
    is_open = is_open or (judged[1] and judged[0] == low) or (judged[3] and judged[2] == high)
    if low > high or (low == high and is_open):
        text = "no number that is plausible fits these bounds of 'value'"
        yield subject.at_key("empty-bounds", ("criteria", name, "value"), text)


def _limits(subject: Subject, given: Bounds) -> tuple[float, bool, float, bool] | None:
    """Give the lower limit and whether it is open, then the upper; None when a name or a unit is not comparable."""
    names = (given.at_least, given.more_than, given.at_most, given.less_than)
    known = [subject.draft.parameters.get(each) for each in names if each]
    if any(each is None for each in known):
        return None
    units = {each.unit for each in known if each}
    if len(units) > 1 and not units <= DAYS_IN.keys():
        return None
    mixed = len(units) > 1

    def number(name: str | None, absent: float) -> float:
        parameter: Parameter | None = subject.draft.parameters.get(name) if name else None
        if parameter is None:
            return absent
        return parameter.value * (DAYS_IN[parameter.unit] if mixed else 1)

    at_least, more_than, at_most, less_than = names
    low = max(number(at_least, float("-inf")), number(more_than, float("-inf")))
    high = min(number(at_most, float("inf")), number(less_than, float("inf")))
    low_open = more_than is not None and number(more_than, 0) == low
    high_open = less_than is not None and number(less_than, 0) == high
    return low, low_open, high, high_open


CHECKS = (use, value, unit, bounds)
NEEDED = (value, unit)
