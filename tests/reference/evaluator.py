"""The reference evaluator: docs/reference/rule-language.md, sections 2 to 5, read as plainly as it can be coded.

Nothing is prepared and nothing is fast: every criterion walks through the steps of the table in section 5, and every
test is asked of every row. It shares only the data (rules, charts) and the calendar with the engine.
"""

from dataclasses import replace

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict, all_of, any_of, negate
from cds_service.core.decision import NOT_READ
from cds_service.core.facts import FACTS, Chart
from cds_service.core.rule import Bounds, Edition, Find, Hook, Logic
from tests.reference import days, values
from tests.reference.item import NO_DOUBTS, Answer, Doubts, Item, Tested
from tests.reference.measured import Measured
from tests.reference.naming import Scope
from tests.reference.spans import Spans
from tests.reference.verdicts import (
    identities,
    once,
    runs_on,
    surely_later,
)  # fmt: skip
from tests.reference.which import Which


class Reference(Which, Spans, Measured):
    """Answers of one edition on one chart, remembered."""

    def __init__(self, edition: Edition, chart: Chart, today: int, firm: bool = False) -> None:
        super().__init__(edition, chart, today, firm)
        self._answers: dict[tuple[Scope, str], Answer] = {}

    def answer(self, name: str, scope: Scope = None) -> Answer:
        """Answer a criterion by its name as written in `scope`."""
        own, where = self.locate(name, scope)
        if (where, own) not in self._answers:
            body = self._criteria(where)[own].body
            if isinstance(body, Hook):
                self._answers[where, own] = Answer(YES if self.chart.hook in body.hook else NO)
            elif isinstance(body, Logic):
                self._answers[where, own] = self.logic(body, where)
            else:
                self._answers[where, own] = self.find(body, where)
        return self._answers[where, own]

    def parts(self, body: Logic, scope: Scope) -> list[tuple[Verdict, tuple[str, ...]]]:
        """Give the verdict of each part that is written, with the members it looks at."""
        found = []
        if body.all:
            found.append((all_of(self.answer(each, scope).verdict for each in body.all), body.all))
        if body.any:
            holds = [self.answer(each, scope).verdict for each in body.any]
            if body.count:
                sure, most = holds.count(YES), len(holds) - holds.count(NO)
                found.append((self._counted(range(sure, most + 1), body.count, scope), body.any))
            else:
                found.append((any_of(holds), body.any))
        if body.none:
            found.append((negate(any_of(self.answer(each, scope).verdict for each in body.none)), body.none))
        return found

    def logic(self, body: Logic, scope: Scope) -> Answer:
        """Answer `all`, `any` and `none`, joined by AND."""
        parts = self.parts(body, scope)
        verdict = all_of(each for each, _ in parts)
        if verdict is NO:
            return Answer(NO)
        doubts = self.logic_doubts(parts, scope) if verdict is UNKNOWN else NO_DOUBTS
        rows: list[Item] = []
        further: list[Item] = []
        for member in (*body.all, *body.any):
            found = self.answer(member, scope)
            rows += found.rows
            further += found.further
        if verdict is UNKNOWN:
            rows = [replace(each, verdict=UNKNOWN, doubts=each.doubts | doubts) for each in rows]
        return Answer(verdict, once(rows), tuple(further), doubts)

    def logic_doubts(self, parts: list[tuple[Verdict, tuple[str, ...]]], scope: Scope) -> Doubts:
        """Give the doubts of the members that make an UNKNOWN part UNKNOWN."""
        doubts: Doubts = NO_DOUBTS
        for verdict, members in parts:
            if verdict is UNKNOWN:
                for each in members:
                    doubts |= self.answer(each, scope).doubts
        return doubts

    def find(self, body: Find, scope: Scope) -> Answer:
        """Walk through the steps of `find` in their order."""
        rows, further = self._pooled(body, scope)
        if any(self.answer(each, scope).verdict is NO for each in body.if_):
            rows, further = [], []
        rows, further = self._sift(self._which, rows, body, scope), self._sift(self._which, further, body, scope)
        rows = [self._with_span_keys(each, body, scope) for each in rows]
        if body.merge_gaps:
            rows = self._merged(rows, further, self._duration(body.merge_gaps, scope))
            further = [replace(each, dated=False) for each in further]
        rows = self._sift(self._length, rows, body, scope)
        if body.ending:
            rows, further = self._ended(rows), [replace(each, dated=False) for each in further]
        for test in (self._during_last, self._since_start, self._started_since):
            rows, further = self._sift(test, rows, body, scope), self._sift(test, further, body, scope)
        if body.latest:
            return self._latest(rows, further, body, scope)
        rows = self._sift(self._value, rows, body, scope)
        sure = identities(each for each in rows if each.verdict is YES)
        return self._answered(rows, further, body, scope, len(sure), len(identities(rows)))

    def _answered(
        self, rows: list[Item], further: list[Item], body: Find, scope: Scope, least: int, most: int
    ) -> Answer:
        """Count: `least` to `most` rows hold, and no upper end if further ones may."""
        beyond = 0 if body.latest or not further else most + 2 + sum(int(each.value) + 2 for _, each in values.limits(
            body.count, self._parameters(scope)))  # fmt: skip
        numbers = range(least, max(most, beyond) + 1)
        verdict = self._counted(numbers, body.count, scope)
        if verdict is NO:
            return Answer(NO, count=least)
        doubts: Doubts = frozenset((NOT_READ, each.about) for each in further)
        doubts |= {doubt for each in rows for doubt in each.doubts}
        if verdict is UNKNOWN:
            rows = [replace(each, verdict=UNKNOWN, doubts=each.doubts | doubts) for each in rows]
        return Answer(verdict, tuple(rows), tuple(further), doubts if verdict is UNKNOWN else NO_DOUBTS, least)

    def _counted(self, numbers: range, count: Bounds | None, scope: Scope) -> Verdict:
        if count is None:
            return days.over_all(each >= 1 for each in numbers)
        bounds = values.limits(count, self._parameters(scope))
        return days.over_all(
            all(values.single_passes(each, kind, limit.value) for kind, limit in bounds) for each in numbers
        )

    def _pooled(self, body: Find, scope: Scope) -> tuple[list[Item], list[Item]]:
        rows: list[Item] = []
        further: list[Item] = []
        for name in body.find:
            if name in FACTS:
                found = (self.chart.patient,) if name == "Patient" else self.chart.rows.get(name, ())
                asked = [Item(name, each, open=runs_on(name, each)) for each in found]
                rows += self._sift(self._usual, asked, body, scope)
                further += [Item(name, None, gap, UNKNOWN) for gap in self.chart.gaps.get(name, ())]
                continue
            answer = self.answer(name, scope)
            if answer.verdict is not NO:
                rows += answer.rows
                further += answer.further
        return list(once(rows)), further

    def _sift(self, test, items: list[Item], body: Find, scope: Scope) -> list[Item]:
        """Keep the items that do not fail, each with the least verdict so far and its doubts."""
        kept = []
        for each in items:
            tested = test(each, body, scope)
            if each.frozen:
                tested = Tested(UNKNOWN)
            if tested.verdict is not NO:
                kept.append(
                    replace(each, verdict=min(each.verdict, tested.verdict), doubts=each.doubts | tested.doubts)
                )
        return kept

    def _latest(self, rows: list[Item], further: list[Item], body: Find, scope: Scope) -> Answer:
        """Judge the rows that could be the latest; they count as one row."""
        candidates = [
            each for each in rows
            if not any(other.verdict is YES and surely_later(other, each) for other in rows)
        ]  # fmt: skip
        further = [
            each for each in further if not any(row.verdict is YES and surely_later(row, each) for row in rows)
        ]  # fmt: skip
        tested = [self._value(each, body, scope) for each in candidates]
        verdicts = {each.verdict for each in tested}
        if not candidates and not further:
            return self._answered([], [], body, scope, 0, 0)
        if verdicts == {NO} and not further and not any(each.frozen for each in candidates):
            return self._answered([], [], body, scope, 0, 0)
        holds = verdicts == {YES} and not further and any(each.verdict is YES for each in candidates)
        shown = []
        for each, test in zip(candidates, tested, strict=True):
            alone = all(other.identity == each.identity or surely_later(each, other) for other in rows)
            sure = holds and alone and each.verdict is YES
            doubts = each.doubts | test.doubts
            if not sure and not doubts and (holds or len(verdicts) > 1):  # it matters which of them is the latest
                doubts = doubts | days.time_doubts(each)
            doubts |= {(NOT_READ, gap.about) for gap in further}
            shown.append(replace(each, verdict=YES if sure else UNKNOWN, doubts=NO_DOUBTS if sure else doubts))
        return self._answered(shown, further, body, scope, 1 if holds else 0, 1)
