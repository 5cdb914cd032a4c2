"""What a trial version would have changed: its decisions beside those of the active version, call by call. Pure.

Both versions were judged on the same charts at the same moments, so every difference is one of the versions. Compared
is what each rule says by itself (core.decision): whether an active card was then merged, yielded or over the limit is
counted apart, because a trial's card never gets that far.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from cds_service.core.decision import FAILED, FIRES, SILENT, UNDECIDED
from cds_service.core.share import Share, share_of

DAY, WEEK, MONTH = "day", "week", "month"
GAINED, LOST, UNKNOWN = "gained", "lost", "unknown"
FEW_CALLS = 100  # below, the intervals are wider than most differences one would act on
SMALL_COUNT = 5  # below, somebody who was there may know whom a count is about


@dataclass(frozen=True, slots=True)
class Counted:
    """Calls of one day in which a trial version was judged, all with the same outcome.

    version:   of the trial. active: the version of the same rule that was judged beside it; None = there was none.
    shown:     whether the active version's cards are shown; False while it waits for a review by a clinician.
    waiting:   this "trial" is itself such an active version, and another version is on trial beside it.
    state, active_state: FIRES, SILENT, UNDECIDED or FAILED; active_state is None without an active version.
    indicator, active_indicator: of the cards; None without one.
    release, digest, site: by what the calls were answered; site is the digest of the site file, "" without one.
    withheld:  whether the active card was merged, yielded to another rule or over the limit.
    stopped_by, active_stopped_by: the criteria that stop each version, or that it cannot tell; empty where both agree.
    """

    day: date
    rule: str
    version: str
    active: str | None
    state: str
    active_state: str | None
    calls: int
    release: str = ""
    digest: str = ""
    site: str = ""
    shown: bool = True
    waiting: bool = False
    indicator: str | None = None
    active_indicator: str | None = None
    withheld: bool = False
    stopped_by: tuple[str, ...] = ()
    active_stopped_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls counted by what came of them.

    both_speak, both_silent: they agree. gained: only the trial has a card; lost: only the active version has one.
    trial_unknown, active_unknown, both_unknown: which of them could not tell, or failed. Of a trial alone the members
    that need an active version stay 0, and `trial_speaks`, `trial_silent` and `trial_unknown` say it all.
    failed:      of the unknown, those in which the trial raised an error.
    other_level: of both_speak, those in which the cards differ in level.
    withheld:    of the cards of the active version, those that were not sent on their own.
    because:     GAINED, LOST or UNKNOWN -> the criteria that made the difference -> calls.
    """

    calls: int = 0
    both_speak: int = 0
    both_silent: int = 0
    gained: int = 0
    lost: int = 0
    trial_unknown: int = 0
    active_unknown: int = 0
    both_unknown: int = 0
    trial_speaks: int = 0
    trial_silent: int = 0
    active_speaks: int = 0
    failed: int = 0
    other_level: int = 0
    withheld: int = 0
    because: Mapping[str, Mapping[tuple[str, ...], int]] = field(default_factory=dict)

    @property
    def agree(self) -> int:
        """Calls in which both have a card, or both are silent."""
        return self.both_speak + self.both_silent

    @property
    def unknown(self) -> int:
        """Calls in which one of them, or both, could not tell."""
        return self.trial_unknown + self.active_unknown + self.both_unknown

    def of_calls(self, part: int) -> Share | None:
        """Give a count as a share of the calls."""
        return share_of(part, self.calls)


@dataclass(frozen=True, slots=True)
class Part:
    """The calls of one period, or answered by one release. digest, site: "" for a period."""

    name: str
    tally: Tally
    digest: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One version on trial and the active version beside it. `active` None: it was judged alone.

    shown, waiting: as in Counted.
    periods: in order, those without a call left out. releases: in the order in which they first answered.
    """

    rule: str
    version: str
    active: str | None
    shown: bool
    waiting: bool
    total: Tally
    periods: tuple[Part, ...]
    releases: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TrialReport:
    """Every trial that was judged in the days asked for. first, last: the days with such a call; None without any."""

    by: str
    first: date | None
    last: date | None
    trials: tuple[Trial, ...]


def period_of(day: date, by: str) -> str:
    """Name the period of a day: the day, the Monday of its week, or its month."""
    if by == MONTH:
        return f"{day:%Y-%m}"
    return (day - timedelta(days=day.weekday()) if by == WEEK else day).isoformat()


def trial_report(counted: Iterable[Counted], by: str = WEEK) -> TrialReport:
    """Put a report together. counted: in the order of days; by: DAY, WEEK or MONTH."""
    trials: dict[tuple[str, str, str, bool, bool], list[Counted]] = {}
    days: list[date] = []
    for each in counted:
        trials.setdefault((each.rule, each.version, each.active or "", each.shown, each.waiting), []).append(each)
        days.append(each.day)
    return TrialReport(
        by,
        min(days, default=None),
        max(days, default=None),
        tuple(_trial(trials[key], by) for key in sorted(trials)),
    )


def alone_too(report: TrialReport) -> tuple[Trial, ...]:
    """Give the trials told of alone whose release had an active version beside them in other calls.

    Records of earlier versions of the service have no silence of active versions: there such calls look like those of a
    trial without an active version, and what is told of both together leans to agreement and cards lost.
    """
    beside = {
        (each.rule, each.version, part.digest, part.site)
        for each in report.trials
        if each.active is not None
        for part in each.releases
    }
    return tuple(
        each
        for each in report.trials
        if each.active is None
        and not each.waiting
        and any((each.rule, each.version, part.digest, part.site) in beside for part in each.releases)
    )


def _trial(counted: list[Counted], by: str) -> Trial:
    first = counted[0]
    periods = _parts(counted, lambda each: (period_of(each.day, by), "", ""))
    releases = _parts(counted, lambda each: (each.release, each.digest, each.site))
    return Trial(
        first.rule, first.version, first.active, first.shown, first.waiting, tally_of(counted), periods, releases
    )


def _parts(counted: Iterable[Counted], key: Callable[[Counted], tuple[str, str, str]]) -> tuple[Part, ...]:
    parts: dict[tuple[str, str, str], list[Counted]] = {}
    for each in counted:
        parts.setdefault(key(each), []).append(each)
    return tuple(Part(name, tally_of(some), digest, site) for (name, digest, site), some in parts.items())


def tally_of(counted: Iterable[Counted]) -> Tally:
    """Add up calls of one pair of versions."""
    found: Counter[str] = Counter()
    because: dict[str, Counter[tuple[str, ...]]] = {}
    for each in counted:
        names, kind, stops = _outcome(each)
        for name in ("calls", *names):
            found[name] += each.calls
        if kind and stops:
            because.setdefault(kind, Counter())[stops] += each.calls
    # The most frequent first, then by name, so that the same records give the same report.
    ordered = {kind: dict(sorted(some.items(), key=lambda item: (-item[1], item[0]))) for kind, some in because.items()}
    return Tally(**found, because=ordered)


def _outcome(counted: Counted) -> tuple[list[str], str, tuple[str, ...]]:
    """Name what some calls count for, what kind of difference they are ("" for none) and which criteria made it."""
    state, active = counted.state, counted.active_state
    names = {FIRES: ["trial_speaks"], SILENT: ["trial_silent"], FAILED: ["failed"]}.get(state, [])
    if active == FIRES:
        names.append("active_speaks")
        if counted.withheld:
            names.append("withheld")
    trial_unclear, active_unclear = state in (UNDECIDED, FAILED), active in (UNDECIDED, FAILED)
    if trial_unclear or active_unclear:
        which = "both" if trial_unclear and active_unclear else "trial" if trial_unclear else "active"
        stops = counted.stopped_by if trial_unclear else counted.active_stopped_by
        return [*names, f"{which}_unknown"], UNKNOWN, stops
    if active is None:
        return names, "", ()
    if state == active == FIRES:
        other = counted.indicator != counted.active_indicator
        return [*names, "both_speak", *(["other_level"] if other else [])], "", ()
    if state == active:
        return [*names, "both_silent"], "", ()
    if state == FIRES:
        return [*names, "gained"], GAINED, counted.active_stopped_by
    return [*names, "lost"], LOST, counted.stopped_by
