"""Step "value" of `find`: numbers and answers."""

from cds_service.core.dates import UNKNOWN, YES
from cds_service.core.rule import Find
from tests.reference import values
from tests.reference.item import Item, Tested
from tests.reference.membership import BY_TEXT, way_in_any
from tests.reference.naming import Naming, Scope
from tests.reference.verdicts import (
    FAILED,
    PASSED,
    doubt,
    join,
)  # fmt: skip


class Measured(Naming):
    """Tests of a row's number or answer."""

    def _value(self, item: Item, body: Find, scope: Scope) -> Tested:
        asked = body.value or body.plausible or body.answer_in or body.answer_not_in
        if item.row is None or not asked:
            return PASSED
        if not item.row.readable:
            return doubt("row-unreadable", item)
        tests = [self._plausible(item, body, scope)] if body.plausible else []
        if tests and tests[0] != PASSED:
            return tests[0]  # what is not plausible is not judged at all
        if body.value and (item.row.value is not None or not body.answer_in):
            tests.append(self._number(item, body, scope))
        elif body.answer_in or body.answer_not_in:
            tests.append(self._answers_given(item, body))
        return join(tests)

    def _number(self, item: Item, body: Find, scope: Scope) -> Tested:
        number = item.row.value
        if number is None:
            return doubt("value-unreadable", item)
        bounds = values.limits(body.value, self._parameters(scope))
        numbers = values.range_of(number)
        if body.per_upper_limit:
            own, given = item.row.upper_limit, self._parameters(scope)[body.per_upper_limit]
            if own is not None:
                if own.low != own.high or own.low <= 0:
                    return doubt("value-unreadable", item)
                numbers = numbers.times(1 / values.exactly(own.low))
            else:
                into = values.factor(number.unit, given.unit)
                if into is None:
                    return doubt("unit-missing", item)
                numbers = numbers.times(into / values.exactly(given.value))
        else:
            into = {values.factor(number.unit, each.unit) for _, each in bounds}
            if None in into:
                return doubt("unit-missing", item)
            numbers = numbers.times(into.pop())
        verdict = values.range_inside(numbers, [(kind, values.exactly(each.value)) for kind, each in bounds])
        return doubt("value-unreadable", item) if verdict is UNKNOWN else Tested(verdict)

    def _plausible(self, item: Item, body: Find, scope: Scope) -> Tested:
        number = item.row.value
        if number is None:
            return PASSED
        bounds = values.limits(body.plausible, self._parameters(scope))
        into = {values.factor(number.unit, each.unit) for _, each in bounds}
        if None in into:
            return doubt("unit-missing", item)
        numbers = values.range_of(number).times(into.pop())
        inside = values.range_inside(numbers, [(kind, values.exactly(each.value)) for kind, each in bounds])
        return PASSED if inside is YES else doubt("implausible", item)

    def _answers_given(self, item: Item, body: Find) -> Tested:
        first = {way_in_any(each, self._sets(body.answer_in)) for each in item.row.answers} - {""}
        second = {way_in_any(each, self._sets(body.answer_not_in)) for each in item.row.answers} - {""}
        if bool(first) == bool(second):
            return doubt("answer-unlisted" if item.row.answers else "value-unreadable", item)
        if second:
            return FAILED
        return self._found(BY_TEXT if first == {BY_TEXT} else "by code", item)
