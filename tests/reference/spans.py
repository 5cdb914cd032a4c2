"""Steps "span" and "time" of `find`: how long a row lasts, what it touches, when it starts."""

from dataclasses import replace

from cds_service.core.dates import NO, UNKNOWN, YES, Duration, Span, Verdict
from cds_service.core.decision import NOT_READ
from cds_service.core.rule import Find
from tests.reference import days
from tests.reference.item import NO_DOUBTS, Doubts, Item, Settled, Tested
from tests.reference.naming import Naming, Scope
from tests.reference.verdicts import (
    FAILED,
    PASSED,
    days_of,
    doubt,
    timed,
)  # fmt: skip

EVENTS = ("Observation", "QuestionnaireResponse")


class Spans(Naming):
    """Tests of days, on rows whose days may be partly known."""

    def _with_span_keys(self, item: Item, body: Find, scope: Scope) -> Item:
        """Take in `covers` (the longer of two) and `stale_after` (the last one given)."""
        if body.covers:
            new = self._duration(body.covers, scope)
            kept = item.covers
            item = replace(item, covers=kept if kept and kept.after(self.today) > new.after(self.today) else new)
        if body.stale_after:
            item = replace(item, stale=self._duration(body.stale_after, scope))
        return item

    def _merged(self, rows: list[Item], further: list[Item], gap: Duration) -> list[Item]:
        """Join rows when everything is certain; else leave every row apart, doubtful for good."""
        doubts = {(NOT_READ, each.about) for each in further} | {each for row in rows for each in row.doubts}
        groups = [[each] for each in rows]
        unclear = bool(further) or any(each.verdict is not YES or each.frozen for each in rows)
        if not unclear:
            joins = {
                (one, other): self._join(rows[one], rows[other], gap)
                for one in range(len(rows)) for other in range(one)
            }  # fmt: skip
            group_of = list(range(len(rows)))
            for (one, other), verdict in joins.items():
                if verdict is YES:
                    old, new = group_of[one], group_of[other]
                    group_of = [new if each == old else each for each in group_of]
            for (one, other), verdict in joins.items():
                if verdict is UNKNOWN and group_of[one] != group_of[other]:
                    unclear = True
                    doubts |= {("joining-unclear", rows[one].about), ("joining-unclear", rows[other].about)}
            groups = [
                [row for row, its in zip(rows, group_of, strict=True) if its == each] for each in sorted(set(group_of))
            ]
        if unclear:
            return [replace(each, verdict=UNKNOWN, frozen=True, doubts=each.doubts | doubts) for each in rows]
        return [self._one_of(group) for group in groups]

    def _join(self, one: Item, other: Item, gap: Duration) -> Verdict:
        """Say whether the later of two rows starts at most `gap` after the earlier ends.

        Asked of both: the earlier starts before the later ends in any case, unless a row ends before it starts.
        """
        first = set(days.pairs(one, self.today, (gap,), days_of(other, self.today)))
        second = set(days.pairs(other, self.today, (gap,), days_of(one, self.today)))
        return days.over_all(
            b_start <= gap.after(a_end) and a_start <= gap.after(b_end)
            for a_start, a_end in first for b_start, b_end in second
        )  # fmt: skip

    def _one_of(self, group: list[Item]) -> Item:
        if len(group) == 1:
            return group[0]
        latest = max(group, key=lambda each: (each.start.first, each.start.last))
        ends = [days_of(each, self.today)[2:] for each in group]
        settled = Settled(
            Span(min(each.start.first for each in group), min(each.start.last for each in group)),
            max(first for first, _ in ends), max(last for _, last in ends), same_day=False,
        )  # fmt: skip
        return replace(latest, settled=settled, merged=len(group), open=any(each.open for each in group))

    def _length(self, item: Item, body: Find, scope: Scope) -> Tested:
        if not body.length:
            return PASSED
        if self.firm and item.open:
            return doubt("end-missing", item)
        limits = self._durations(body.length, scope)
        tries = days.pairs(item, self.today, [each for _, each in limits])
        return timed(days.over_all(days.lasts(start, end, limits, self.today) for start, end in tries), item)

    def _ended(self, rows: list[Item]) -> list[Item]:
        """Keep rows that ended before today, or may have; their day is the day they ended."""
        kept = []
        for each in rows:
            verdict = days.over_all(end < self.today for _, end in days.pairs(each, self.today, ()))
            if verdict is NO and not each.frozen:
                continue
            first, last = days_of(each, self.today)[2:]
            settled = Settled(Span(min(first, self.today - 1), min(last, self.today - 1)), 0, 0, same_day=True)
            doubts = each.doubts if verdict is YES or each.frozen else each.doubts | days.time_doubts(each)
            kept.append(
                replace(
                    each, settled=settled, verdict=min(each.verdict, max(verdict, UNKNOWN)), doubts=doubts, open=False
                )
            )
        return kept

    def _during_last(self, item: Item, body: Find, scope: Scope) -> Tested:
        if not body.during_last:
            return PASSED
        today_only = body.during_last == "today"
        window = self.today if today_only else self._duration(body.during_last, scope).before(self.today)
        if item.row is None:
            before = item.gap.before if item.gap and item.dated else None
            whole = item.fact in EVENTS and before is not None and before <= window
            return FAILED if whole else Tested(UNKNOWN)
        dateless = item.row.start is None and item.row.end is None and item.settled is None
        if dateless and item.row.status == "taking" and item.fact == "medication-use":
            return doubt("end-missing", item) if self.firm else PASSED
        verdict = days.touches(item, window, self.today)
        if self.firm and item.open and verdict is YES and item.start.first < window:
            return doubt("end-missing", item)
        return timed(verdict, item)

    def _since_start(self, item: Item, body: Find, scope: Scope) -> Tested:
        if not body.since_start:
            return PASSED
        limits = self._durations(body.since_start, scope)
        edges = [each.before(self.today) for _, each in limits]
        verdict = days.over_all(
            days.started_within(day, limits, self.today)
            for day in days.some_days(item.start.first, item.start.last, [self.today, *edges])
        )
        if item.row is None:
            return FAILED if verdict is NO else Tested(UNKNOWN)
        return timed(verdict, item)

    def _started_since(self, item: Item, body: Find, scope: Scope) -> Tested:
        if not body.started_since:
            return PASSED
        if body.started_since == "today":
            first = last = self.today
            why: Doubts = NO_DOUBTS
        else:
            answer = self.answer(body.started_since, scope)
            why = answer.doubts | {each for row in answer.rows for each in row.doubts}
            why |= {(NOT_READ, each.about) for each in answer.further}
            sure = [each for each in answer.rows if each.verdict is YES]
            if not answer.rows and not answer.further:  # whatever it turns out to be, it has no date
                return FAILED
            if not sure:
                return Tested(UNKNOWN, why if item.row is None or item.start.exact else why | days.time_doubts(item))
            others = [each.start.last for each in (*answer.rows, *answer.further)]
            first = max(each.start.first for each in sure)
            last = max(first, *others)
            why |= {each for row in sure if not row.start.exact for each in days.time_doubts(row)}
        tries = days.some_days(item.start.first, item.start.last, [first, last])
        verdict = days.over_all(start >= since for start in tries for since in {first, last})
        if verdict is not UNKNOWN:
            return FAILED if verdict is NO else PASSED if item.row else Tested(UNKNOWN)
        imprecise = item.row is not None and not item.start.exact
        return Tested(UNKNOWN, why | (days.time_doubts(item) if imprecise else NO_DOUBTS))
