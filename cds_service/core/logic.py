"""The judges of criteria that look at no row themselves: `all`, `any` and `none` of others, and hooks.

Source: docs/reference/rule-language.md, section 5 (logic, hook).
"""

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.decision import Doubt, Dropped, Result
from cds_service.core.measure import AT_LEAST_ONE
from cds_service.core.pool import doubts_once, pooled, unsure
from cds_service.core.row_tests import Scope
from cds_service.core.rule import Hook, Logic
from cds_service.core.sitting import Judge, Sitting
from cds_service.core.wants import Want

NONE_DROPPED = Dropped()


def hook(body: Hook, wants: tuple[Want, ...]) -> Judge:
    """Judge the moment of the call."""
    hooks = frozenset(body.hook)

    def verdict(sitting: Sitting) -> Verdict:
        return YES if sitting.chart.hook in hooks else NO

    return Judge(wants, lambda sitting: Result(verdict(sitting)), lambda _: NONE_DROPPED, verdict)


def logic(body: Logic, scope: Scope, wants: tuple[Want, ...]) -> Judge:
    """Judge `all`, `any` (with `count`) and `none` together by AND."""
    all_, any_, none = (tuple(scope.index(name) for name in names) for names in (body.all, body.any, body.none))
    members = (*all_, *any_)  # whose rows it takes up
    limits = scope.limits(body.count) if body.count else AT_LEAST_ONE

    def some(sitting: Sitting) -> Verdict:
        sure = perhaps = 0
        for index in any_:
            found = sitting.verdict(index)
            if found is YES:
                if limits is AT_LEAST_ONE:
                    return YES
                sure += 1
            elif found is UNKNOWN:
                perhaps += 1
        return limits.holds_count(sure, sure + perhaps)

    def verdict(sitting: Sitting) -> Verdict:
        told = YES  # a member that settles it as NO is the last one judged
        for index in all_:
            found = sitting.verdict(index)
            if found is NO:
                return NO
            if found is UNKNOWN:
                told = UNKNOWN
        if any_:
            found = some(sitting)
            if found is NO:
                return NO
            if found is UNKNOWN:
                told = UNKNOWN
        for index in none:
            found = sitting.verdict(index)
            if found is YES:
                return NO
            if found is UNKNOWN:
                told = UNKNOWN
        return told

    def doubts(sitting: Sitting) -> tuple[Doubt, ...]:
        open_ = (*all_, *(any_ if any_ and some(sitting) is UNKNOWN else ()), *none)
        return doubts_once([doubt for index in open_ for doubt in sitting.doubts(index)])

    def result(sitting: Sitting) -> Result:
        told = verdict(sitting)
        taken = [sitting.result(index) for index in members]
        rows = pooled(taken)
        gaps = sitting.chart.gaps
        further = tuple(dict.fromkeys(gap for each in taken for gap in each.further)) if gaps else ()
        if told is YES:
            return Result(YES, rows, (), further, [each.verdict for each in taken[len(all_) :]].count(YES))
        why = doubts(sitting)
        return Result(UNKNOWN, unsure(rows, why), why, further=further)

    return Judge(wants, result, lambda _: NONE_DROPPED, verdict, doubts)
