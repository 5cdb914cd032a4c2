"""The test of `find` keys about values: number, multiple of the upper limit, plausibility, answer.

Source: docs/reference/rule-language.md, section 5 (step "value").
"""

from cds_service.core.dates import UNKNOWN, YES, Verdict
from cds_service.core.decision import Found
from cds_service.core.measure import answered, converted, per_limit
from cds_service.core.row_tests import SURE, Answer, FoundTest, Scope, Sitting, unknown
from cds_service.core.rule import Bounds, Find


def value_test(find: Find, scope: Scope) -> FoundTest | None:
    """Judge a row's number by `value`, anything else by the answer lists; what no key can judge is UNKNOWN."""
    if not (find.value or find.answer_in or find.answer_not_in):
        return None
    bounds = find.value or Bounds()
    limits = scope.limits(bounds)
    unit = next((scope.parameters[name].unit for name in _names(bounds)), "score")
    upper = scope.parameters[find.per_upper_limit] if find.per_upper_limit else None
    plausible = scope.limits(find.plausible) if find.plausible else None
    plausible_unit = next((scope.parameters[name].unit for name in _names(find.plausible or Bounds())), unit)
    yes_mask, no_mask = scope.mask(find.answer_in), scope.mask(find.answer_not_in)

    def test(found: Found, sitting: Sitting) -> Answer:
        row = found.row
        if row.value is not None and find.value:
            number = row.value
            if plausible is not None:  # what is not plausible is not judged at all
                measured = converted(number, plausible_unit)
                if measured is None:
                    return unknown("unit-missing", row)
                if plausible.holds(measured) is not YES:
                    return unknown("implausible", row)
            judged = per_limit(number, row.upper_limit, upper.value, upper.unit) if upper else converted(number, unit)
            if judged is None:
                return unknown("unit-missing", row)
            verdict: Verdict = limits.holds(judged)
            return unknown("value-unreadable", row) if verdict is UNKNOWN else SURE[verdict]
        if row.answers and (yes_mask or no_mask):
            verdict = answered(row.answers, yes_mask, no_mask, sitting.firm)
            return unknown("answer-unlisted", row) if verdict is UNKNOWN else SURE[verdict]
        return unknown("row-unreadable" if not row.readable else "value-unreadable", row)

    return test


def _names(bounds: Bounds) -> tuple[str, ...]:
    given = (bounds.at_least, bounds.more_than, bounds.at_most, bounds.less_than)
    return tuple(name for name in given if name)
