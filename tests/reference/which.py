"""Steps "rows" and "which" of `find`: what a row is, never when."""

from cds_service.core.dates import BEGINNING, FOREVER, UNKNOWN, all_of, full_years
from cds_service.core.facts import CLINICAL_STATUS, FACTS, VERIFICATION_STATUS, Concept
from cds_service.core.rule import Find
from cds_service.core.value_set import ValueSet
from tests.reference import days, values
from tests.reference.item import NO_DOUBTS, Item, Tested
from tests.reference.membership import BY_TEXT, nothing_to_read, way_in_any
from tests.reference.naming import Naming, Scope
from tests.reference.verdicts import (
    FAILED,
    PASSED,
    doubt,
    join,
    join_any,
    listed,
    with_children,
)  # fmt: skip


class Which(Naming):
    """Tests of code, status, category, reason, age and sex."""

    def _which(self, item: Item, body: Find, scope: Scope) -> Tested:
        about_others = [self._if(body, scope)] if body.if_ else []
        if item.row is None:
            if item.fact == "Observation" and body.code_in and item.gap:
                sets = self._sets(body.code_in)
                if all(each.found_in and item.gap.source not in each.found_in for each in sets):
                    return FAILED
            return join([Tested(UNKNOWN), *about_others])
        if not item.row.readable:
            asked = any((body.code_in, body.code_not_in, body.status, body.clinical_status, body.verification_status,
                         body.category_not, body.reason_in, body.age, body.sex))  # fmt: skip
            unread = [doubt("row-unreadable", item)] if asked else []
            return join([*unread, *about_others])
        tests = [
            (body.code_in, self._code_in), (body.code_not_in, self._code_not_in), (body.status, self._status),
            (body.clinical_status, self._clinical), (body.verification_status, self._verification),
            (body.category_not, self._category_not), (body.reason_in, self._reason_in),
            (body.age, self._age), (body.sex, self._sex),
        ]  # fmt: skip
        return join([*(test(item, body, scope) for given, test in tests if given), *about_others])

    def _if(self, body: Find, scope: Scope) -> Tested:
        answers = [self.answer(each, scope) for each in body.if_]
        verdict = all_of(each.verdict for each in answers)
        doubts = frozenset().union(*(each.doubts for each in answers)) if verdict is UNKNOWN else NO_DOUBTS
        return Tested(verdict, doubts)

    def _found(self, way: str, item: Item) -> Tested:
        if not way:
            return FAILED
        return Tested(UNKNOWN, frozenset({("row-unreadable", item.about)})) if way == BY_TEXT and self.firm else PASSED

    def _code_in(self, item: Item, body: Find, scope: Scope) -> Tested:
        if nothing_to_read(item.row.concept):
            return doubt("row-unreadable", item)
        return self._found(way_in_any(item.row.concept, self._sets(body.code_in)), item)

    def _code_not_in(self, item: Item, body: Find, scope: Scope) -> Tested:
        if nothing_to_read(item.row.concept):
            return doubt("row-unreadable", item)
        return FAILED if way_in_any(item.row.concept, self._sets(body.code_not_in)) else PASSED

    def _status(self, item: Item, body: Find, scope: Scope) -> Tested:
        return listed(item, item.row.status, body.status)

    def _clinical(self, item: Item, body: Find, scope: Scope) -> Tested:
        return listed(item, item.row.clinical_status, with_children(body.clinical_status, CLINICAL_STATUS))

    def _verification(self, item: Item, body: Find, scope: Scope) -> Tested:
        return listed(item, item.row.verification_status, with_children(body.verification_status, VERIFICATION_STATUS))

    def _category_not(self, item: Item, body: Find, scope: Scope) -> Tested:
        return FAILED if set(item.row.categories) & set(body.category_not) else PASSED

    def _reason_in(self, item: Item, body: Find, scope: Scope) -> Tested:
        sets = self._sets(body.reason_in)
        return join_any([self._reason(each, sets, item) for each in item.row.reasons])

    def _reason(self, reason: Concept, sets: list[ValueSet], item: Item) -> Tested:
        return doubt("row-unreadable", item) if not reason.readable else self._found(way_in_any(reason, sets), item)

    def _age(self, item: Item, body: Find, scope: Scope) -> Tested:
        born = item.row.birth_date
        if born is None or born.first == BEGINNING or born.last == FOREVER:
            return doubt("birth-date", item)
        bounds = values.limits(body.age, self._parameters(scope))
        verdict = days.over_all(
            all(values.single_passes(full_years(day, self.today), kind, limit.value) for kind, limit in bounds)
            for day in range(born.first, born.last + 1)
        )
        return doubt("birth-date", item) if verdict is UNKNOWN else Tested(verdict)

    def _sex(self, item: Item, body: Find, scope: Scope) -> Tested:
        sex = item.row.sex
        if sex is not None and sex in body.sex:
            return PASSED
        return doubt("sex-missing", item) if sex in (None, "unknown") else FAILED

    def _usual(self, item: Item, body: Find, scope: Scope) -> Tested:
        """Ask what a row of a fact (not of a criterion) must be when the rule does not say."""
        kind = FACTS[item.fact]
        tests = []
        if kind.usual and not body.status:
            tests.append(lambda row: listed(item, row.status, kind.usual))
        if item.fact == "AllergyIntolerance" and not body.clinical_status:
            tests.append(lambda row: listed(item, row.clinical_status, CLINICAL_STATUS["active"]))
        if item.fact in ("Condition", "AllergyIntolerance") and not body.verification_status:
            tests.append(lambda row: doubt("status-missing", item) if row.verification_status is None
                         else FAILED if row.verification_status == "refuted" else PASSED)  # fmt: skip
        if not item.row.readable:
            return doubt("row-unreadable", item)
        return join([test(item.row) for test in tests])
