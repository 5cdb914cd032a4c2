"""Step two: what a release says of one record, as numbers that can be added up.

Pure: a record in, numbers out. All numbers of a simulation stand in one Counter, so that those of two halves of a
cohort add up to those of the whole, in whatever order.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.decision import FAILED, FIRES, NOT_READ, Decision, Outcome
from cds_service.core.engine import Compiled, decide
from cds_service.core.facts import Chart, Row
from cds_service.core.measure import AT_LEAST_ONE, Limits
from cds_service.core.problem import RequestProblem
from cds_service.core.row_tests import Scope
from cds_service.core.rule import Edition
from cds_service.fhir.reader import read_chart
from cds_service.fhir.scope import Memo
from cds_service.fhir.shapes import Resource
from cds_service.fhir.versions import dialect
from cds_service.fhir.whole_record import RecordProblem, as_call

ALL, ANY, NONE = "all", "any", "none"
BANDS = (18, 25, 35, 45, 55, 65)  # years at which a band of the report begins
NO_AGE = "unknown"
FALLS = {ALL: NO, ANY: NO, NONE: YES}  # of a step of each kind, the verdict at which a patient leaves
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rule's `when`: a member of `all` or of `none`, or all members of `any` together."""

    kind: str
    names: tuple[str, ...]
    limits: Limits = AT_LEAST_ONE

    def verdict(self, ask: Callable[[str], Verdict]) -> Verdict:
        """Give the step's verdict; `ask` answers for its members."""
        if self.kind != ANY:
            return ask(self.names[0])
        verdicts = [ask(name) for name in self.names]
        return self.limits.holds_count(verdicts.count(YES), len(verdicts) - verdicts.count(NO))


def name_of(edition: Edition) -> str:
    """Name a version of a rule: "mat-consideration@2.0.0"."""
    return f"{edition.rule.id}@{edition.rule.version}"


def steps_of(edition: Edition) -> tuple[Step, ...]:
    """Give the steps of a rule's `when` in the order in which the engine asks."""
    logic = edition.rule.when.logic
    scope = Scope(edition.rule.parameters, lambda name: 0, lambda name: 0)
    some = [Step(ANY, logic.any, scope.limits(logic.count) if logic.count else AT_LEAST_ONE)] if logic.any else []
    return (*(Step(ALL, (name,)) for name in logic.all), *some, *(Step(NONE, (name,)) for name in logic.none))


@dataclass(frozen=True, slots=True)
class Funnel:
    """The steps of one edition, each with the verdict at which a patient leaves and the keys that count them."""

    name: str
    steps: tuple[tuple[Step, Verdict, Key, Key], ...]


def _funnel(edition: Edition) -> Funnel:
    name = name_of(edition)
    return Funnel(
        name,
        tuple(
            (step, FALLS[step.kind], ("leaves", name, str(at)), ("unclear", name, str(at)))
            for at, step in enumerate(steps_of(edition))
        ),
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """A release ready to judge records.

    funnels: of every edition, by the id of its object: what is counted of thousands must not be put together anew.
    memo:    codes and words that were looked up, kept from record to record.
    """

    compiled: Compiled
    hook: str
    today: date
    funnels: Mapping[int, Funnel]
    memo: Memo = field(default_factory=Memo)


def judge_for(compiled: Compiled, hook: str, today: date) -> Judge:
    """Make a release ready to judge records at one moment, as if all calls came on one day."""
    editions = (*compiled.active, *compiled.trial)
    return Judge(compiled, hook, today, {id(each.edition): _funnel(each.edition) for each in editions})


def chart_of(judge: Judge, record: Iterable[Resource]) -> Chart:
    """Read a whole record as the service reads a call.

    Raises RecordProblem when it can make no call of this hook, RequestProblem when its Patient cannot be read.
    """
    context, prefetch = as_call(record, judge.hook)
    compiled = judge.compiled
    judge.memo.shorten()
    version = dialect("", "", context, prefetch).read
    return read_chart(
        hook=judge.hook, context=context, prefetch=prefetch, needs=compiled.needs, table=compiled.table,
        today=judge.today, version=version, memo=judge.memo,
    )  # fmt: skip


def count_record(judge: Judge, record: Sequence[Resource], counts: Counter[Key]) -> Outcome | None:
    """Judge one patient's record and add what came of it to `counts`; the keys stand in `report`.

    None when there is nothing to judge at this hook.
    """
    counts["people",] += 1
    counts["encounters",] += sum(each.get("resourceType") == "Encounter" for each in record)
    try:
        chart = chart_of(judge, record)
    except RecordProblem:
        counts["not judged", "nothing on record to be judged at this moment"] += 1
        return None
    except RequestProblem:
        counts["not judged", "the Patient cannot be read"] += 1
        return None
    outcome = decide(judge.compiled, chart, judge.today)
    count_outcome(judge, chart, outcome, counts)
    return outcome


def count_outcome(judge: Judge, chart: Chart, outcome: Outcome, counts: Counter[Key]) -> None:
    """Add what was decided on one chart to `counts`."""
    band, sex = age_band(chart.patient, judge.today), chart.patient.sex or NO_AGE
    counts["judged",] += 1
    counts["age", band] += 1
    counts["sex", sex] += 1
    if outcome.gate:
        counts["gate", outcome.gate] += 1
        return
    for decision in outcome.decisions:
        _count_rule(judge.funnels, decision, counts)
    counts["cards a patient", str(len(outcome.shown))] += 1
    for decision in outcome.shown:
        name = name_of(decision.edition)
        counts["shown", name, str(decision.indicator)] += 1
        counts["shown by age", name, band] += 1
        counts["shown by sex", name, sex] += 1
    if outcome.shown:
        counts["any card by age", band] += 1
        counts["any card by sex", sex] += 1
    firing = sorted(name_of(each.edition) for each in outcome.heard if each.state == FIRES and not each.trial)
    for at, one in enumerate(firing):
        for other in firing[at + 1 :]:
            counts["both", one, other] += 1


def _count_rule(funnels: Mapping[int, Funnel], decision: Decision, counts: Counter[Key]) -> None:
    """Say at which step the patient leaves the funnel of one rule, or what comes at its end."""
    funnel = funnels[id(decision.edition)]
    name, ask = funnel.name, decision.judgement.verdict
    if decision.state == FAILED:
        counts["failed", name, decision.error] += 1
        return
    for step, falls, leaves, unclear in funnel.steps:
        verdict = step.verdict(ask)
        if verdict is falls:
            counts[leaves] += 1
            return
        if verdict is UNKNOWN:
            counts[unclear] += 1
    counts["holds" if decision.verdict is YES else "cannot tell", name] += 1
    for why in {(doubt.kind, doubt.about if doubt.kind == NOT_READ else "") for doubt in decision.doubts}:
        counts["why", name, *why] += 1
    if decision.state == FIRES:
        counts["card", name, "caveat" if decision.caveat else "sure"] += 1
        if decision.withheld:
            counts["withheld", name, decision.withheld] += 1


def age_band(patient: Row, today: date) -> str:
    """Give the band that a patient's age falls in ("25-34"), by the earliest day of a partial birth date."""
    born = patient.birth_date
    if born is None or not born.readable:
        return NO_AGE
    day = date.fromordinal(max(born.first, 1))
    years = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    return band_names(BANDS)[bisect(BANDS, years)]


@cache
def band_names(begins: tuple[int, ...]) -> tuple[str, ...]:
    """Name the bands that begin at these years, and the one before the first: "0-17", "18-24", "65 or more"."""
    firsts = (0, *begins)
    closed = [f"{first}-{then - 1}" for first, then in zip(firsts, begins, strict=False)]
    return (*closed, f"{begins[-1]} or more")
