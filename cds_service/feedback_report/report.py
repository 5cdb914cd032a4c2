"""A feedback report: for each rule version what became of its cards, safe to share. Pure.

Everything here is made of numbers that may be told (feedback_report.telling), judgements included: whether a rule
passes the site's threshold, and whether it rises or falls, is decided by what the report itself shows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from cds_service.core.share import Share, share_of
from cds_service.feedback import ACCEPTED, OVERRIDDEN
from cds_service.feedback_report.counted import NO_ANSWER, PARTS, SILENT_CLIENT, Count, Reasons, VersionCount
from cds_service.feedback_report.telling import (
    LEAST,
    Between,
    Group,
    between,
    is_small,
    rows_together,
    told,
    told_apart,
    told_together,
    total_told,
)
from cds_service.feedback_report.trend import Trend, trend_of
from cds_service.rulebook.trial_report import MONTH, WEEK, period_of

SIBLINGS = {ACCEPTED: OVERRIDDEN, NO_ANSWER: SILENT_CLIENT}
MOST_DAYS_BY_WEEK = 183  # half a year: more weeks than that are more rows than one reads
PASSES, MAY_PASS, BELOW, NOT_TOLD, NO_ANSWERS = "passes", "may-pass", "below", "not-told", "no-answers"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for.

    first, last: days of the oldest and the newest call in the days asked for; None without any.
    as_of:     the day on which the records were read. zone: whose days they are. by: WEEK or MONTH.
    least:     the least count that is told, 0 apart; 1 holds none back.
    threshold: the share of overrides among answers, in percent, above which a rule is named; None names none.
    """

    first: date | None
    last: date | None
    as_of: date
    zone: str = "UTC"
    by: str = WEEK
    least: int = LEAST
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One period, or several told together: their names, the first and the last."""

    first: str
    last: str
    calls: int
    shown: int
    counts: tuple[int, ...]

    @property
    def name(self) -> str:
        """The period's name, or those of the first and the last."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Overrides:
    """The share of overrides among the answers, as far as it may be told.

    low, high: the least and the most that the told counts leave possible, each with its 95 % interval; the same where
               both counts are told. None where nothing may be told.
    standing:  PASSES where the lower end of the interval of `low` is above the threshold; MAY_PASS where that of `low`
               is not, but the share itself is; else BELOW. NOT_TOLD, NO_ANSWERS; "" without a threshold.
    vague:     whether there are answers of which the share may not be told.
    """

    low: Share | None
    high: Share | None
    standing: str
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """What became of the cards that one rule version wrote. With `shown` None nothing else is told.

    shown:   None is a small count. calls: those of the services and releases in which the version spoke.
    groups:  PARTS, those with small counts told together.
    reasons: of overrides, each card once, the most frequent first. frequent_reason: one more, of which only the least
             that it can be is told. other_reasons: cards with reasons that are not told apart; None = not told.
    merged:  cards of other rules that its words stood on; None = not told.
    rows:    periods in order. rates, overrides_trend: how cards per 100 calls and the share of overrides go.
    """

    rule: str
    version: str
    shown: int | None
    merged: int | None = None
    calls: int = 0
    groups: tuple[Group, ...] = ()
    reasons: tuple[tuple[Reasons, int], ...] = ()
    frequent_reason: tuple[Reasons, int] | None = None
    other_reasons: int | None = 0
    overrides: Overrides = Overrides(None, None, "")
    rows: tuple[Row, ...] = ()
    rates: Trend | None = None
    overrides_trend: Trend | None = None

    def share(self, count: int) -> Share | None:
        """Give a count as a share of the cards shown."""
        return share_of(count, self.shown or 0)

    def part(self, name: str, least: int) -> Between:
        """Say what is told of one of PARTS."""
        return between(self.groups, name, least)


@dataclass(frozen=True, slots=True)
class Client:
    """Who called.

    calls:      with those of `along`, where they are few; None where all calls together are few.
    last_heard: the period in which it was last heard; None = never, as far as is on record.
    """

    name: str
    calls: int | None
    last_heard: str | None
    along: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """The whole report.

    calls:   None is a small count, for no version has more cards than there are calls.
    shown:   cards of all versions; not exactly where the sum would give a small count away.
    again:   cards with more than one answer, of the versions whose answers are told; None is a small count.
    unknown: items about cards that are not on record; None is a small count.
    """

    asked: Asked
    calls: int | None
    shown: Between
    again: int | None
    unknown: int | None
    clients: tuple[Client, ...]
    versions: tuple[Version, ...]


def by_of(first: date, last: date) -> str:
    """Choose the period: weeks up to half a year, else months."""
    return WEEK if (last - first).days < MOST_DAYS_BY_WEEK else MONTH


def report_of(count: Count, asked: Asked, last_feedback: Mapping[str, date]) -> FeedbackReport:
    """Put a report together. last_feedback: as in count_of."""
    wrote = {key: each for key, each in count.versions.items() if each.parts or each.merged}
    shown = [_sum(each.parts.values()).get("", 0) for each in wrote.values()]
    versions = tuple(_version(*key, wrote[key], count, asked) for key in sorted(wrote))
    hidden = frozenset(each.rule for each in versions if each.shown is None)
    again = sum(wrote[each.rule, each.version].again for each in versions if answers_of(each) is not None)
    return FeedbackReport(
        asked,
        calls=told(sum(count.clients.values()), asked.least),
        shown=total_told(shown, asked.least),
        again=told(again, asked.least),
        unknown=told(count.unknown, asked.least),
        clients=tuple(_clients(count.clients, asked, last_feedback)),
        versions=tuple(
            replace(each, merged=_merged(wrote[each.rule, each.version], hidden, asked.least)) for each in versions
        ),
    )


def _clients(calls: Mapping[str, int], asked: Asked, last_feedback: Mapping[str, date]) -> Iterator[Client]:
    """Tell few calls of a client with those of others: a silent client has no more cards than calls."""
    few = is_small(sum(calls.values()), asked.least)
    groups = () if few else told_together(dict(sorted(calls.items())), asked.least)
    of_client = {name: each for each in groups for name in each.parts}
    for name in sorted(calls):
        heard = period_of(last_feedback[name], asked.by) if name in last_feedback else None
        along = () if few else tuple(each for each in of_client[name].parts if each != name)
        yield Client(name, None if few else of_client[name].count, heard, along)


def _merged(counted: VersionCount, hidden: frozenset[str], least: int) -> int | None:
    """Give the cards of other rules; None where that is a small count, or could say how often a rule is shown that is
    not told: no rule stands on more cards than its host has.
    """
    return None if hidden & counted.merged.keys() else told(counted.merged.total(), least)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up parts; their sum stands under ""."""
    total = dict.fromkeys(("", *PARTS), 0)
    for each in counts:
        for name, number in each.items():
            total[name] += number
            total[""] += number
    return total


def _version(rule: str, version: str, counted: VersionCount, count: Count, asked: Asked) -> Version:
    least = asked.least
    parts = _sum(counted.parts.values())
    shown = parts.pop("")
    if not shown or is_small(shown, least):
        return Version(rule, version, told(shown, least))
    groups = told_together(parts, least, SIBLINGS)
    apart = told_apart(dict(sorted(counted.reasons.items())), between(groups, OVERRIDDEN, least), least)
    rows = _rows(counted, groups, count, asked)
    return Version(
        rule,
        version,
        shown,
        calls=sum(each.calls for each in rows),
        groups=groups,
        reasons=tuple(apart.counts.items()),
        frequent_reason=apart.at_least,
        other_reasons=apart.others,
        overrides=overrides_of(groups, least, asked.threshold),
        rows=rows,
        rates=trend_of([(each.shown, each.calls) for each in rows]),
        overrides_trend=_overrides_trend(groups, rows),
    )


def _rows(counted: VersionCount, groups: Sequence[Group], count: Count, asked: Asked) -> tuple[Row, ...]:
    """Give the periods in which calls came that the version had to do with; those with small counts together."""
    days = {day for pair in counted.spoke for day in count.calls.get(pair, ())} | set(counted.parts)
    periods: dict[str, list[date]] = {}
    for day in sorted(days):
        periods.setdefault(period_of(day, asked.by), []).append(day)
    rows = []
    for name, some in periods.items():
        parts = _sum(counted.parts.get(day, {}) for day in some)
        calls = sum(count.calls[pair][day] for pair in counted.spoke & count.calls.keys() for day in some)
        rows.append(Row(name, name, calls, parts[""], tuple(sum(parts[part] for part in g.parts) for g in groups)))
    return rows_together(rows, asked.least, lambda row: row.counts, _joined)


def _joined(one: Row, two: Row) -> Row:
    counts = tuple(a + b for a, b in zip(one.counts, two.counts, strict=True))
    return Row(one.first, two.last, one.calls + two.calls, one.shown + two.shown, counts)


def overrides_of(groups: Sequence[Group], least: int, threshold: float | None) -> Overrides:
    """Say how large the share of overrides among answers is.

    A rule is named by the lower end of the 95 % interval, so that a few overrides of a new rule do not name it, and no
    least number of cards need be chosen besides.
    """
    accepted, overridden = (between(groups, each, least) for each in (ACCEPTED, OVERRIDDEN))
    vague = any(len(each.parts) > 2 and {ACCEPTED, OVERRIDDEN} & set(each.parts) for each in groups)
    together = next((each for each in groups if set(each.parts) == {ACCEPTED, OVERRIDDEN}), None)
    if vague or (together is not None and not together.small):
        return Overrides(None, None, NOT_TOLD if threshold is not None else "", vague=True)
    if together is not None:
        low, high = (share_of(each, together.count) for each in (overridden.low, overridden.high))
    else:
        low = share_of(overridden.low, overridden.low + accepted.high)
        high = share_of(overridden.high, overridden.high + accepted.low)
    return Overrides(low, high, _standing(low, high, threshold))


def _standing(low: Share | None, high: Share | None, threshold: float | None) -> str:
    if threshold is None:
        return ""
    if low is None or high is None:
        return NO_ANSWERS
    if low.low * 100 > threshold:
        return PASSES
    return MAY_PASS if high.share * 100 > threshold else BELOW


def _overrides_trend(groups: Sequence[Group], rows: Sequence[Row]) -> Trend | None:
    """Follow the share of overrides over the periods; None where it may not be told of each."""
    places = {each.parts[0]: place for place, each in enumerate(groups) if len(each.parts) == 1}
    if ACCEPTED not in places or OVERRIDDEN not in places:
        return None
    pairs = [(row.counts[places[OVERRIDDEN]], row.counts[places[ACCEPTED]]) for row in rows]
    return trend_of([(overridden, overridden + accepted) for overridden, accepted in pairs])


def answers_of(version: Version) -> Share | None:
    """Give the share of answered cards among those of clients that send feedback, where it may be told."""
    answered, asked = 0, version.shown or 0
    for group in version.groups:
        parts = set(group.parts)
        if parts & {ACCEPTED, OVERRIDDEN}:
            if parts & {NO_ANSWER, SILENT_CLIENT}:
                return None
            answered += group.count
        elif SILENT_CLIENT in parts:
            if NO_ANSWER in parts:
                return None
            asked -= group.count
    return share_of(answered, asked)


def rate_of(version: Version) -> Share | None:
    """Give cards shown as a share of calls."""
    return share_of(min(version.shown or 0, version.calls), version.calls)
