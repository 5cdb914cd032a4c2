"""Runs the inline tests of a rule or definition file and says what was wanted and what came.

RULE-LANGUAGE section 9 (docs/reference/rule-language.md) says when each list passes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from cds_service.core import choice
from cds_service.core.compiling import Judges
from cds_service.core.dates import NO, UNKNOWN, YES, Verdict, negate
from cds_service.core.decision import FAILED, Decision, Dropped, Judgement
from cds_service.core.engine import compile_definition, compile_edition, decide_edition, judge
from cds_service.core.facts import Chart
from cds_service.core.rule import Criterion, Definition, Edition, Logic, Rule
from cds_service.core.value_set import Table, ValueSet
from cds_service.rulebook.case import Case
from cds_service.rulebook.case_chart import Codebook, case_day, chart_of, codebook

_DEPTH = 3  # levels of criteria below a member of `when` that a failure shows
_WANTED_OF = {"must_hold": YES, "must_not_hold": NO, "cannot_tell": UNKNOWN}

Definitions = Mapping[tuple[str, int], Definition]


@dataclass(frozen=True, slots=True)
class DefinitionEdition:
    """A definition with the exact definitions and value sets it is judged by: to it what an Edition is to a rule."""

    definition: Definition
    definitions: Definitions
    value_sets: Mapping[str, ValueSet]


Tested = Edition | DefinitionEdition


@dataclass(frozen=True, slots=True)
class CompiledTest:
    """What can be asked of a rule or definition under test; a definition decides nothing."""

    judge: Callable[[Chart, date], Judgement]
    decide: Callable[[Chart, date], Decision] | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A test whose chart is built: what stays the same however often the rule is changed."""

    case: Case
    chart: Chart
    today: date


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a test does not pass.

    facts:  the criteria and rows that decided, one line each, the inner ones indented.
    broken: the rule could not be judged at all, which is never the test's doing.
    """

    case: Case
    wanted: str
    got: str
    facts: tuple[str, ...] = ()
    broken: bool = False

    def __str__(self) -> str:
        lines = [f"{self.case.list_name}: {self.case.name}", f"  wanted: {self.wanted}", f"  got:    {self.got}"]
        return "\n".join([*lines, *(f"    {each}" for each in self.facts)])


@dataclass(frozen=True, slots=True)
class Ran:
    """What running all tests of a file gave: the tests that pass, ready to be judged again, and the failures."""

    passing: tuple[Prepared, ...]
    failures: tuple[Failure, ...]


def subject_of(tested: Tested) -> Rule | Definition:
    """Give the rule or definition under test."""
    return tested.rule if isinstance(tested, Edition) else tested.definition


def with_subject(tested: Tested, subject: Rule | Definition) -> Tested:
    """Give the same edition with another rule or definition in it."""
    if isinstance(tested, Edition):
        assert isinstance(subject, Rule)
        return replace(tested, rule=subject)
    assert isinstance(subject, Definition)
    return replace(tested, definition=subject)


def compiled(tested: Tested, table: Table, judges: Judges | None = None) -> CompiledTest:
    """Compile a rule's edition or a definition.

    judges: what was compiled over the same table before, so that a small change compiles only what it touches.
    """
    if isinstance(tested, Edition):
        edition = compile_edition(tested, table, judges)
        return CompiledTest(partial(judge, edition), partial(decide_edition, edition))
    alone = compile_definition(tested.definition, tested.definitions, tested.value_sets, table, judges)
    return CompiledTest(alone, None)


def book_of(tested: Tested, table: Table) -> Codebook:
    """Build the codebook that the rows of a file's tests take their codes from."""
    return codebook(table, tested.value_sets, _criteria_of(tested))


def _criteria_of(tested: Tested) -> Iterator[Criterion]:
    """Give the file's own criteria and those of every definition it can reach."""
    subject = subject_of(tested)
    waiting: list[Rule | Definition] = [subject]
    seen: set[tuple[str, int]] = set()
    while waiting:
        here = waiting.pop()
        yield from here.criteria.values()
        for used in here.uses:
            key = (used.id, used.major)
            if key not in seen and key in tested.definitions:
                seen.add(key)
                waiting.append(tested.definitions[key])


def run_cases(tested: Tested, cases: Iterable[Case], table: Table) -> Ran:
    """Run every test of a file against its rule or definition."""
    edition, book = compiled(tested, table), book_of(tested, table)
    passing, failures = list[Prepared](), list[Failure]()
    for case in cases:
        try:
            ready = Prepared(case, chart_of(case, book), case_day(case))
        except ValueError as error:
            failures.append(Failure(case, "a chart can be built", str(error), broken=True))
            continue
        failure = failure_of(edition, ready, explain=True)
        if failure:
            failures.append(failure)
        else:
            passing.append(ready)
    return Ran(tuple(passing), tuple(failures))


def failure_of(edition: CompiledTest, ready: Prepared, explain: bool = False) -> Failure | None:
    """Judge one test; None when it passes.

    explain: also collect the deciding facts, which a run over many small changes has no use for.
    """
    if edition.decide is None or ready.case.of:
        return _definition_failure(edition.judge(ready.chart, ready.today), ready.case, explain)
    decision = edition.decide(ready.chart, ready.today)
    if decision.state == FAILED:
        return Failure(ready.case, _wanted(ready.case), f"the rule could not be judged: {decision.error}", broken=True)
    if _passes(decision, ready.case):
        return None
    facts: Iterable[str] = ()
    if explain:
        named = dict.fromkeys((*decision.stopped_by, *ready.case.because)) or decision.edition.rule.when.logic.all
        facts = _facts(decision.judgement, tuple(named))
    return Failure(ready.case, _wanted(ready.case), _got(decision, ready.case), tuple(facts))


def _definition_failure(judgement: Judgement, case: Case, explain: bool) -> Failure | None:
    wanted = _WANTED_OF[case.list_name]
    wrong = tuple(name for name in case.of if _verdict(judgement, name) is not wanted)
    if not wrong and case.of:
        return None
    got = ", ".join(f"{name} {_verdict(judgement, name)}" for name in wrong) or "no criterion in 'of'"
    facts = tuple(_facts(judgement, wrong)) if explain else ()
    return Failure(case, f"{', '.join(wrong or case.of)} {wanted}", got, facts)


def _passes(decision: Decision, case: Case) -> bool:
    card = decision.card.id if decision.card else None
    if case.list_name == "must_not_fire":
        return decision.verdict is NO and set(decision.stopped_by) == set(case.because)
    if case.indicator is not None and case.indicator != decision.indicator:
        return False
    if case.suggests is not None and case.suggests != suggested(decision):
        return False
    if case.list_name == "must_fire":
        return decision.verdict is YES and card is not None and case.card in (None, card)
    doubted = all(_verdict(decision.judgement, name) is UNKNOWN for name in case.because)
    return decision.verdict is UNKNOWN and doubted and card == case.card


def suggested(decision: Decision) -> tuple[str, ...]:
    """Give the labels of the suggestions on a decision's card, as written in the rule and in order."""
    if decision.card is None:
        return ()
    return tuple(
        each.label
        for each in decision.card.suggestions
        if choice.holds(each.conditions, decision.judgement.verdict)
        and (each.delete is None or any(found.sure for found in decision.judgement.result(each.delete).rows))
    )


def _wanted(case: Case) -> str:
    if case.list_name == "must_not_fire":
        return f"NO, stopped by {_listed(case.because) or '(because is missing)'}"
    extra = [f"card {case.card}"] if case.card else []
    extra += [f"indicator {case.indicator}"] if case.indicator else []
    extra += [f"suggestions {_quoted(case.suggests)}"] if case.suggests is not None else []
    if case.list_name == "must_fire":
        return ", ".join(["YES with a card", *extra])
    return ", ".join(["UNKNOWN", *(f"{name} UNKNOWN" for name in case.because), *(extra or ["no card"])])


def _got(decision: Decision, case: Case) -> str:
    said = [str(decision.verdict)]
    if decision.stopped_by:
        said.append(f"{'stopped by' if decision.verdict is NO else 'undecided'} {_listed(decision.stopped_by)}")
    if case.list_name == "cannot_tell":
        said += [f"{name} {_verdict(decision.judgement, name)}" for name in case.because]
    if decision.doubts:
        said.append("doubts " + _listed(dict.fromkeys(f"{each.kind} ({each.about})" for each in decision.doubts)))
    said.append(f"card {decision.card.id} ({decision.indicator})" if decision.card else "no card")
    if case.suggests is not None:
        said.append(f"suggestions {_quoted(suggested(decision))}")
    return ", ".join(said)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _quoted(labels: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{each}'" for each in labels) + "]"


def _facts(judgement: Judgement, names: Iterable[str], depth: int = 0) -> Iterator[str]:
    for name in names:
        verdict = _verdict(judgement, name)
        if verdict is None:
            yield f"{'  ' * depth}{name}: the rule does not look at it"
            continue
        yield f"{'  ' * depth}{name} {verdict}: {_of_result(name, judgement)}"
        if depth < _DEPTH:
            yield from _facts(judgement, _deciding(judgement, name, verdict), depth + 1)


def _verdict(judgement: Judgement, name: str) -> Verdict | None:
    """Give a criterion's verdict; None when the rule as it stands (or as changed) does not look at it."""
    try:
        return judgement.verdict(name)
    except KeyError:
        return None


def _deciding(judgement: Judgement, name: str, verdict: Verdict) -> tuple[str, ...]:
    """Give the members that settle a criterion's verdict."""
    body, members = judgement.criterion(name).body, judgement.members(name)
    if not isinstance(body, Logic) or body.count is not None:
        return members
    first_none = len(body.all) + len(body.any)
    positive, negative = members[:first_none], members[first_none:]
    settling = [each for each in positive if _verdict(judgement, each) is verdict]
    against = [each for each in negative if _verdict(judgement, each) is negate(verdict)]
    if verdict is not NO:
        return (*settling, *against)
    fails_any = all(each in settling for each in members[len(body.all) : first_none])
    stops = [each for each in settling if each in members[: len(body.all)] or fails_any]
    return (*stops, *against)


def _of_result(name: str, judgement: Judgement) -> str:
    result = judgement.result(name)
    dropped = judgement.dropped(name) if result.verdict is NO else Dropped()
    said = [
        f"{each.row.reference}{'' if each.sure else ' doubtful'}{' by its text' if each.by_text else ''}"
        for each in result.rows
    ]
    said += [f"{each.kind} ({each.about})" for each in result.doubts]
    said += [f"{each.row.reference} failed {each.failed}" for each in dropped.nearest]
    return ", ".join(dict.fromkeys(said)) or f"{dropped.looked_at} row{'s' * (dropped.looked_at != 1)} looked at"
