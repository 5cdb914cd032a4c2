"""One judge for each kind of criterion: find, logic, hook.

Here stands `find`; `logic` holds the others. The tests of single keys stand in `row_tests`, what spans do to rows in
`stretch`, numbers and answers in `measure`.
Source: docs/reference/rule-language.md, sections 3 to 5.
"""

from collections.abc import Callable, Iterable, Sequence
from math import inf

from cds_service.core import row_tests, time_tests
from cds_service.core.dates import BEGINNING, FOREVER, NO, UNKNOWN, YES, Span
from cds_service.core.decision import NOTHING, Dropped, Found, Near, Result
from cds_service.core.facts import FACTS, Gap, Row
from cds_service.core.logic import hook, logic
from cds_service.core.measure import AT_LEAST_ONE
from cds_service.core.pool import (
    at_its_end,
    counted,
    doubting,
    doubts_once,
    kinds_about,
    lasting,
    latest_of,
    rows_once,
    sure_first,
    surely_later,
    unordered,
    unread,
    unsure,
)
from cds_service.core.row_tests import FAILS, HOLDS, FoundTest, Scope
from cds_service.core.rule import Criterion, Find, Hook, Logic
from cds_service.core.sitting import Judge, Sitting
from cds_service.core.stretch import covered, lifetime, may_go_stale, merged
from cds_service.core.value_tests import value_test
from cds_service.core.wants import Want

NEAREST = 3  # dropped rows that a NO shows
EVENTS = ("Observation", "QuestionnaireResponse")
KEYS = (  # in the order in which rows are tested by them: one dropped by a later key came nearer
    "code_in", "code_not_in", "if", "status", "clinicalStatus", "verificationStatus", "category_not", "reason_in",
    "age", "sex", "length", "ending", "during_last", "since_start", "started_since", "value",
)  # fmt: skip
Dropping = list[Near]  # rows as they are dropped


def judge_of(
    criterion: Criterion, scope: Scope, titles: Callable[[str], str], sources: Callable[[str], frozenset[str]],
    wants: tuple[Want, ...],
) -> Judge:  # fmt: skip
    """Compile one criterion.

    titles:  value set id -> title, for cards. sources: value set id -> Observation lists its rows stand in.
    wants:   what it cannot do without (core.wants).
    """
    body = criterion.body
    if isinstance(body, Hook):
        return hook(body, wants)
    if isinstance(body, Logic):
        return logic(body, scope, wants)
    finder = _Finder(criterion, body, scope, titles, sources)
    return Judge(wants, finder.judge, finder.dropped)


class _Finder:
    """A compiled `find`: holds the names resolved once, so that judging only compares."""

    def __init__(
        self, criterion: Criterion, find: Find, scope: Scope, titles: Callable[[str], str],
        sources: Callable[[str], frozenset[str]],
    ) -> None:  # fmt: skip
        self.find = find
        self.scope = scope
        self.label = criterion.label
        self.facts = tuple(name for name in find.find if name in FACTS)
        self.criteria = tuple(scope.index(name) for name in find.find if name not in FACTS)
        self.conditions = tuple(scope.index(name) for name in find.if_)
        self.mask = scope.mask(find.code_in)
        self.titled = tuple((scope.bit(name), titles(name)) for name in find.code_in)
        found_in = [sources(name) for name in find.code_in]
        self.found_in = frozenset().union(*found_in) if found_in and all(found_in) else frozenset()
        self.which = [(key, test) for key, test in row_tests.tests_of(find, scope, self.facts) if key != "code_in"]
        self.which_found = [(key, row_tests.of_found(test)) for key, test in row_tests.tests_of(find, scope, ())]
        self.covers = scope.duration(find.covers) if find.covers else None
        self.stale_after = scope.duration(find.stale_after) if find.stale_after else None
        self.merge_gaps = scope.duration(find.merge_gaps) if find.merge_gaps else None
        self.length = time_tests.length(scope, find.length) if find.length else None
        self.window = None if find.during_last in (None, "today") else scope.duration(str(find.during_last))
        self.since = None if find.started_since in (None, "today") else scope.index(str(find.started_since))
        self.time_tests = self._time_tests()
        self.value_test = value_test(find, scope)
        self.limits = scope.limits(find.count) if find.count else AT_LEAST_ONE
        self.stretches = bool(  # whether a key says how long rows last
            self.covers or (self.stale_after and self.criteria) or self.merge_gaps or self.length or find.ending
        )
        self.without_rows = Result(self.limits.holds_count(0, 0))

    def _time_tests(self) -> list[tuple[str, FoundTest]]:
        find, tests = self.find, list[tuple[str, FoundTest]]()
        if find.during_last:
            tests.append(("during_last", time_tests.during_last(self.window)))
        if find.since_start:
            tests.append(("since_start", time_tests.since_start(self.scope, find.since_start)))
        if find.started_since:
            tests.append(("started_since", time_tests.started_since(self.since)))
        return tests

    def dropped(self, sitting: Sitting) -> Dropped:
        """What there was to look at, and the rows that came nearest."""
        near: Dropping = []
        self.judge(sitting, near)
        near.sort(key=lambda each: -KEYS.index(each.failed))
        return Dropped(sitting.looked_at(self.facts), tuple(near[:NEAREST]))

    def judge(self, sitting: Sitting, near: Dropping | None = None) -> Result:
        """Gather the rows and count them. near: takes up those that are dropped, for whoever asks."""
        for index in self.conditions:
            if sitting.verdict(index) is NO:
                return self.without_rows
        rows: Sequence[Found] = self._from_facts(sitting, near) if self.facts else ()
        if self.criteria:
            inner = self._from_criteria(sitting, near)
            rows = rows_once([*rows, *inner]) if rows and inner else rows or inner
        further = self._further(sitting) if sitting.chart.gaps else ()
        if not rows and not further:
            return self.without_rows
        if self.stretches:
            rows, further = self._stretched(rows, further, sitting, near)
            if self.merge_gaps and any(found.pinned for found in rows):  # no later key can drop what may be longer
                return self._decided(rows, self._adding(further, sitting))
        if self.time_tests:
            rows = self._tested(rows, self.time_tests, sitting, near)
        if further:
            further = self._adding(further, sitting)
        if self.value_test:
            if self.find.latest:
                return self._latest(rows, further, near, sitting)
            rows = self._tested(rows, [("value", self.value_test)], sitting, near)
        return self._decided(rows, further)

    def _stretched(
        self, rows: Sequence[Found], further: tuple[Gap, ...], sitting: Sitting, near: Dropping | None
    ) -> tuple[Sequence[Found], tuple[Gap, ...]]:
        """The rows with the spans that step "span" gives them, and what was not read."""
        if self.covers or (self.stale_after and self.criteria):
            rows = [self._spanned(found, sitting) for found in rows]
        if self.merge_gaps:
            further = _undated(further)
            rows = merged(rows, self.merge_gaps, further)
            if not all(found.sure for found in rows):
                return rows, further
        if self.length:
            rows = self._tested(rows, [("length", self.length)], sitting, near)
        if self.find.ending:
            rows = self._tested(rows, [("ending", time_tests.ended)], sitting, near)
            rows = [at_its_end(found, sitting.today) for found in rows]
            further = _undated(further)
        return rows, further

    def _from_facts(self, sitting: Sitting, near: Dropping | None) -> Sequence[Found]:
        rows: list[Found] = []
        mask = self.mask
        for fact in self.facts:
            if mask and not mask & sitting.present.get(fact, 0):
                continue
            for row in sitting.rows_within(fact, mask):
                concept = row.concept
                sets = (concept.by_code | concept.by_text) & mask
                if sets or not mask:
                    told = HOLDS
                elif concept.readable and row.readable:
                    continue
                else:
                    told = row_tests.unknown("row-unreadable", row)
                for key, test in self.which:
                    answer = test(row, sitting)
                    if answer is FAILS:
                        _note(near, key, row)
                        break
                    if answer is not HOLDS:
                        told = UNKNOWN, (*told[1], *answer[1])
                else:  # only now is anything built for it
                    start, end = lifetime(row, sitting.today, self.stale_after)
                    by_text = bool(sets) and not concept.by_code & mask
                    sure = told is HOLDS and not (by_text and sitting.firm)
                    why = doubts_once(told[1]) if told[1] else ()
                    own = kinds_about(row, why) if why else ()
                    rows.append(Found(row, sure, start, end, by_text, self._title(sets), self.label, own, 1, why))
        return rows

    def _further(self, sitting: Sitting) -> tuple[Gap, ...]:
        """What was not read of the facts and criteria looked at, as far as it may hold rows."""
        gaps = [gap for fact in self.facts for gap in sitting.chart.gaps.get(fact, ())]
        gaps += (gap for index in self.criteria for gap in sitting.result(index).further)
        return tuple(dict.fromkeys(gap for gap in gaps if self._listed(gap, sitting)))

    def _listed(self, gap: Gap, sitting: Sitting) -> bool:
        """Whether the value sets looked for stand in the list that was not read; a gap may name the whole fact."""
        if not self.found_in or gap.source in self.found_in or gap.source in FACTS:
            return True
        return all(gap.source != each.source for each in _gaps(sitting, ("Observation",)))

    def _title(self, sets: int) -> str:
        for bit, title in self.titled:
            if bit & sets:
                return title
        return ""

    def _from_criteria(self, sitting: Sitting, near: Dropping | None) -> Sequence[Found]:
        rows: Sequence[Found] = sitting.result(self.criteria[0]).rows
        if len(rows) > 1 or len(self.criteria) > 1:
            rows = sitting.pool(self.criteria)
        if self.mask or self.label:
            rows = [self._taken_over(found, sitting) for found in rows]
        if self.which_found:
            rows = self._tested(rows, self.which_found, sitting, near)
        return sure_first(rows) if len(rows) > 1 else rows

    def _taken_over(self, found: Found, sitting: Sitting) -> Found:
        mask, concept = self.mask, found.row.concept
        sets = (concept.by_code | concept.by_text) & mask
        by_text = found.by_text or (bool(sets) and not concept.by_code & mask)
        sure = found.sure and not (by_text and sitting.firm)
        label, title = self.label or found.label, self._title(sets) or found.value_set
        if (sure, by_text, label, title) == (found.sure, found.by_text, found.label, found.value_set):
            return found
        # `replace` takes twice as long, and most rows of a chart that speaks pass here.
        return Found(
            found.row, sure, found.start, found.end, by_text, title, label, found.doubts, found.merged, found.why,
            found.pinned, found.open,
        )  # fmt: skip

    def _spanned(self, found: Found, sitting: Sitting) -> Found:
        # A stretch that another criterion merged or turned into its ending stays as that criterion left it.
        if self.stale_after and self.criteria and found.merged == 1 and may_go_stale(found.row):
            start, end = lifetime(found.row, sitting.today, self.stale_after)
            if (start.first, start.last) == (found.start.first, found.start.last):
                found = lasting(found, found.start, end)
        return covered(found, self.covers) if self.covers else found

    def _tested(
        self, rows: Sequence[Found], tests: Sequence[tuple[str, FoundTest]], sitting: Sitting, near: Dropping | None
    ) -> Sequence[Found]:
        """The rows that no test drops, sure or doubtful."""
        kept: list[Found] = []
        for found in rows:
            if found.pinned:  # doubtful already, and no test can drop it
                kept.append(found)
                continue
            told = HOLDS
            for key, test in tests:
                answer = test(found, sitting)
                if answer is FAILS:
                    _note(near, key, found.row)
                    break
                if answer is not HOLDS:
                    told = UNKNOWN, (*told[1], *answer[1])
            else:
                kept.append(found if told is HOLDS else doubting(found, told[1]))
        return kept

    def _adding(self, further: tuple[Gap, ...], sitting: Sitting) -> tuple[Gap, ...]:
        """What was not read and may hold rows that pass the time keys."""
        return tuple(gap for gap in further if self._may_add(gap, sitting))

    def _may_add(self, gap: Gap, sitting: Sitting) -> bool:
        """Whether rows before `gap.before` could still pass the time keys."""
        reference = time_tests.reference_date(self.since, sitting) if self.find.started_since else None
        if self.find.started_since and reference is None:
            return False
        start = Span(BEGINNING, FOREVER if gap.before is None or self.find.ending else gap.before - 1)
        if self.find.since_start:
            first, last = time_tests.day_range(self.scope, self.find.since_start)(sitting.today)
            if time_tests.within(start, first, last) is NO:
                return False
        if gap.before is None:
            return True
        if reference is not None and not self.find.ending and start.last < reference[0].first:
            return False
        # A list of events that is whole back to a day is whole for every window inside it.
        if self.find.during_last and any(gap.source == each.source for each in _gaps(sitting, EVENTS)):
            opens = self.window.before(sitting.today) if self.window else sitting.today
            return opens < gap.before
        return True

    def _latest(
        self, rows: Sequence[Found], further: tuple[Gap, ...], near: Dropping | None, sitting: Sitting
    ) -> Result:
        """Judge the rows that could be the latest as one row."""
        assert self.value_test
        sure = [found for found in rows if found.sure]
        if further:
            newest = max((found.start.first for found in sure), default=None)
            further = tuple(gap for gap in further if newest is None or gap.before is None or gap.before > newest)
        candidates = rows
        if len(rows) > 1:
            candidates = [found for found in rows if not any(surely_later(other, found) for other in sure)]
        answers = [self.value_test(found, sitting) for found in candidates]
        told = {verdict for verdict, _ in answers}
        if not further and told <= {NO}:
            for found in candidates:
                _note(near, "value", found.row)
            return self.without_rows
        if not further and sure and told == {YES}:
            if self.limits.holds_count(1, 1) is not YES:
                return NOTHING
            # When it cannot be told which of several it is, none of them is sure by itself.
            only = next((found for found in candidates if found.sure and latest_of(found, candidates)), None)
            return Result(YES, (only,) if only else tuple(unordered(found) for found in candidates), count=1)
        judged = [doubting(found, why) for found, (_, why) in zip(candidates, answers, strict=True)]
        if len(told) > 1:
            judged = [unordered(found) for found in judged]
        if further:
            judged = [doubting(found, unread(further)) for found in judged]
        verdict = self.limits.holds_count(0, 1)
        if verdict is NO:
            return NOTHING
        if verdict is YES:
            return Result(YES, tuple(judged), further=further)
        return _undecided(judged, further)

    def _decided(self, rows: Sequence[Found], further: tuple[Gap, ...]) -> Result:
        """Count the rows that are there, from the sure ones to all that may be, against `count`."""
        if not rows and not further:
            return self.without_rows
        if self.limits is AT_LEAST_ONE:
            if len(rows) == 1 and rows[0].sure:
                return Result(YES, tuple(rows), (), further, 1)
            if True not in [found.sure for found in rows]:
                return _undecided(rows, further)
        sure, there = counted(rows)
        verdict = self.limits.holds_count(sure, inf if further else there)
        if verdict is YES:
            return Result(YES, sure_first(rows), (), further, sure)
        return _undecided(rows, further) if verdict is UNKNOWN else NOTHING


def _undecided(rows: Sequence[Found], further: tuple[Gap, ...]) -> Result:
    doubts = doubts_once([*[doubt for found in rows for doubt in found.why], *unread(further)])
    return Result(UNKNOWN, unsure(rows, doubts), doubts, further=further)


def _undated(further: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """The same lists, once a row of them no longer starts when it is written to: joined with others, or at its end."""
    return tuple(Gap(gap.source, gap.why) for gap in further) if further else ()


def _note(near: Dropping | None, key: str, row: Row) -> None:
    """Take down a row that a key drops, if anybody asks."""
    if near is not None:
        near.append(Near(row, key))


def _gaps(sitting: Sitting, facts: Iterable[str]) -> list[Gap]:
    return [gap for fact in facts for gap in sitting.chart.gaps.get(fact, ())]
