"""Compile a release once, decide many charts.

Criteria that mean the same (same words, same numbers, same codes, same members) are compiled to one judge, so that
rules sharing a definition share its work. Order of a decision: docs/reference/rule-language.md, sections 6 and 7.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from cds_service.core import choice
from cds_service.core.criteria import judge_of, logic
from cds_service.core.dates import NO, UNKNOWN, YES
from cds_service.core.decision import (
    FAILED,
    FIRES,
    NOT_READ,
    SILENT,
    UNDECIDED,
    Decision,
    Doubt,
    Judgement,
    Outcome,
    Result,
)
from cds_service.core.facts import FACTS, Chart, Gap, Needs
from cds_service.core.mentions import criteria_of_cards, searched_facts
from cds_service.core.row_tests import Scope
from cds_service.core.rule import (
    Bounds,
    Criterion,
    Definition,
    Edition,
    Find,
    Logic,
    Parameter,
    Release,
    Rule,
    When,
)
from cds_service.core.sitting import Judge, Sitting
from cds_service.core.value_set import Table, ValueSet

WHEN = "when"


@dataclass(frozen=True, slots=True)
class Named:
    """A compiled criterion as one edition knows it: its words, its place among the judges, whom it looks at."""

    criterion: Criterion
    index: int
    members: tuple[str, ...]


class Judges:
    """All judges compiled so far, each different criterion once: a table that only grows while compiling."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.judges: list[Judge] = []
        self.finds: list[tuple[Find, int] | None] = []  # what each looks for, for Needs
        self.members: list[tuple[int, ...]] = []
        self._known: dict[Hashable, int] = {}

    def add(self, key: Hashable, judge: Judge, find: tuple[Find, int] | None, members: tuple[int, ...]) -> int:
        """Give the place of this judge; one with the same key is not added again."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.judges)
            self.judges.append(judge)
            self.finds.append(find)
            self.members.append(members)
        return known


@dataclass(frozen=True, slots=True)
class CompiledEdition:
    """An edition ready to be judged.

    places, criteria, members, searched: by name as the rule writes it, of every criterion it can reach: its place
    among the judges, what the file says, whom it looks at, which facts it is made of. `when` has a place too.
    """

    edition: Edition
    judges: Judges
    facts: frozenset[str]
    places: Mapping[str, int]
    criteria: Mapping[str, Criterion]
    members: Mapping[str, tuple[str, ...]]
    searched: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A release ready to decide."""

    release: Release
    table: Table
    judges: Judges
    active: tuple[CompiledEdition, ...]
    trial: tuple[CompiledEdition, ...]
    gate: tuple[tuple[str, int], ...]
    needs: Needs

    def facts_for(self, hook: str) -> frozenset[str]:
        """The facts that rules of this hook read; the Patient always."""
        editions = [each for each in (*self.active, *self.trial) if hook in each.edition.rule.hooks]
        gate = _facts_of(self.judges, [index for _, index in self.gate])
        return frozenset({"Patient"}).union(gate, *(each.facts for each in editions))


def compile_release(release: Release) -> Compiled:
    """Compile every edition of the release over one table of value sets."""
    editions = (*release.active, *release.trial)
    sets = {(each.id, each.version): each for edition in editions for each in edition.value_sets.values()}
    sets |= {(each.id, each.version): each for each in release.gate_value_sets.values()}
    table = Table(sets.values())
    judges = Judges(table)
    active = tuple(compile_edition(edition, table, judges) for edition in release.active)
    trial = tuple(compile_edition(edition, table, judges) for edition in release.trial)
    gate = tuple((name, _gate_index(name, release, judges)) for name in release.never_when)
    return Compiled(release, table, judges, active, trial, gate, _needs(judges))


def _gate_index(name: str, release: Release, judges: Judges) -> int:
    home, _, criterion = name.partition(".")
    major = next(number for (id_, number) in sorted(release.gate_definitions, reverse=True) if id_ == home)
    compiler = _Compiler(judges, release.gate_definitions, release.gate_value_sets)
    return compiler.index(release.gate_definitions[home, major], f"{home}.", criterion)


def compile_edition(edition: Edition, table: Table, judges: Judges | None = None) -> CompiledEdition:
    """Compile one rule with the definitions and value sets it is pinned to."""
    judges = judges if judges is not None else Judges(table)
    compiler = _Compiler(judges, edition.definitions, edition.value_sets)
    rule = edition.rule
    for name in rule.criteria:
        compiler.index(rule, "", name)
    when = compiler.synthetic(rule, rule.when.logic)
    for name in sorted(criteria_of_cards(rule)):
        compiler.index(rule, "", name)
    facts = _facts_of(judges, [each.index for each in compiler.names.values()])
    return _compiled(edition, compiler.names, when, judges, facts)


def _compiled(
    edition: Edition, names: Mapping[str, Named], when: int, judges: Judges, facts: frozenset[str]
) -> CompiledEdition:
    places = {name: each.index for name, each in names.items()} | {WHEN: when}
    criteria = {name: each.criterion for name, each in names.items()}
    members = {name: each.members for name, each in names.items()}
    searched = searched_facts(criteria, members)
    return CompiledEdition(edition, judges, facts, places, criteria, members, searched)


def compile_definition(
    definition: Definition,
    definitions: Mapping[tuple[str, int], Definition],
    value_sets: Mapping[str, ValueSet],
    table: Table,
    judges: Judges | None = None,
) -> Callable[[Chart, date], Judgement]:
    """Compile a definition by itself and give the function that judges a chart; names are the definition's own."""
    judges = judges if judges is not None else Judges(table)
    compiler = _Compiler(judges, definitions, value_sets)
    for name in definition.criteria:
        compiler.index(definition, "", name)
    edition = Edition(_alone(definition), definitions, value_sets)
    compiled = _compiled(edition, compiler.names, 0, judges, frozenset())
    return lambda chart, today: judge(compiled, chart, today)


def _alone(definition: Definition) -> Rule:
    """Stand a definition where a rule is expected; it never fires."""
    return Rule(
        id=definition.id, version=definition.version, title=definition.title, purpose=definition.purpose,
        owner=definition.owner, developer="", funding="", released="", known_limits=definition.known_limits, hooks=(),
        attributes={}, evidence=definition.evidence, uses=definition.uses, parameters=definition.parameters,
        criteria=definition.criteria, when=When(Logic(), "no_card", "no_card"), cards=(),
    )  # fmt: skip


class _Compiler:
    """Resolves names of one edition: local criteria, dotted ones of definitions, parameters, value sets."""

    def __init__(
        self, judges: Judges, definitions: Mapping[tuple[str, int], Definition], value_sets: Mapping[str, ValueSet]
    ) -> None:
        self.judges = judges
        self.definitions = definitions
        self.value_sets = value_sets
        self.names: dict[str, Named] = {}
        self._open: list[str] = []

    def index(self, home: Rule | Definition, prefix: str, name: str) -> int:
        """Compile criterion `name` as the file `home` writes it; `prefix` is how the edition knows that file."""
        head, dot, tail = name.partition(".")
        if dot:
            major = next(uses.major for uses in home.uses if uses.id == head)
            known_as = f"{head}."
            other = self.definitions[head, major]
            seen = self.names.get(f"{known_as}{tail}")
            if seen and seen.criterion is not other.criteria[tail]:
                known_as = f"{head}@{major}."  # two majors of one definition meet in this edition
            return self.index(other, known_as, tail)
        qualified = prefix + name
        known = self.names.get(qualified)
        if known:
            return known.index
        if qualified in self._open:
            raise ValueError(f"criterion {qualified!r} leads back to itself")
        self._open.append(qualified)
        criterion = home.criteria[name]
        scope = self._scope(home, prefix)
        members = tuple(_members(criterion))
        indexes = tuple(scope.index(member) for member in members)
        body = criterion.body
        mask = scope.mask(body.code_in) if isinstance(body, Find) else 0
        key = self._key(criterion, home.parameters, indexes, scope)
        judge = judge_of(
            criterion, scope, lambda id_: self.value_sets[id_].title, lambda id_: self.value_sets[id_].found_in
        )
        index = self.judges.add(key, judge, (body, mask) if isinstance(body, Find) else None, indexes)
        self._open.pop()
        self.names[qualified] = Named(criterion, index, tuple(self._known_as(home, prefix, each) for each in members))
        return index

    def _known_as(self, home: Rule | Definition, prefix: str, name: str) -> str:
        if "." not in name:
            return prefix + name
        head, _, tail = name.partition(".")
        major = next(uses.major for uses in home.uses if uses.id == head)
        plain = self.names.get(name)
        return (
            name
            if plain and plain.criterion is self.definitions[head, major].criteria[tail]
            else f"{head}@{major}.{tail}"
        )

    def synthetic(self, home: Rule, body: Logic) -> int:
        """Compile `when`, which has no name of its own."""
        scope = self._scope(home, "")
        indexes = tuple(scope.index(name) for name in (*body.all, *body.any, *body.none))
        key = (WHEN, body, indexes, tuple(scope.parameters[name].value for name in _bound_names(body.count)))
        return self.judges.add(key, logic(body, scope), None, indexes)

    def _scope(self, home: Rule | Definition, prefix: str) -> Scope:
        return Scope(
            home.parameters,
            lambda name: self.index(home, prefix, name),
            lambda id_: self.judges.table.bit(self.value_sets[id_]),
        )

    def _key(
        self, criterion: Criterion, parameters: Mapping[str, Parameter], indexes: tuple[int, ...], scope: Scope
    ) -> Hashable:
        body = criterion.body
        if not isinstance(body, Find):
            bounds = _bound_names(body.count) if isinstance(body, Logic) else ()
            return (criterion, indexes, tuple((parameters[name].value, parameters[name].unit) for name in bounds))
        names = [name for key in _DURATIONS if (name := getattr(body, key)) not in (None, "today")]
        names += [name for key in _BOUNDS for name in _bound_names(getattr(body, key))]
        numbers = tuple((name, parameters[name].value, parameters[name].unit) for name in names)
        sets = (*body.code_in, *body.code_not_in, *body.reason_in, *body.answer_in, *body.answer_not_in)
        return (criterion, indexes, numbers, tuple((name, scope.bit(name)) for name in sets))


_DURATIONS = ("covers", "stale_after", "merge_gaps", "during_last", "per_upper_limit")
_BOUNDS = ("age", "length", "since_start", "value", "plausible", "count")


def _bound_names(bounds: Bounds | None) -> tuple[str, ...]:
    if bounds is None:
        return ()
    return tuple(name for name in (bounds.at_least, bounds.more_than, bounds.at_most, bounds.less_than) if name)


def _members(criterion: Criterion) -> Iterable[str]:
    body = criterion.body
    if isinstance(body, Logic):
        yield from (*body.all, *body.any, *body.none)
    elif isinstance(body, Find):
        yield from (name for name in body.find if name not in FACTS)
        yield from body.if_
        if body.started_since not in (None, "today"):
            yield str(body.started_since)


def _facts_of(judges: Judges, indexes: Iterable[int]) -> frozenset[str]:
    facts: set[str] = set()
    seen: set[int] = set()
    waiting = list(indexes)
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        waiting += judges.members[index]
        looked_for = judges.finds[index]
        if looked_for:
            facts.update(name for name in looked_for[0].find if name in FACTS)
    return frozenset(facts)


def _needs(judges: Judges) -> Needs:
    sets: dict[str, int] = {}
    all_rows: set[str] = {"Patient", "this-encounter"}
    for looked_for in judges.finds:
        if looked_for is None:
            continue
        find, mask = looked_for
        for fact in find.find:
            if fact in FACTS and mask:
                sets[fact] = sets.get(fact, 0) | mask
            elif fact in FACTS:
                all_rows.add(fact)
    return Needs(sets, frozenset(all_rows))


# --- deciding --------------------------------------------------------------------------------------------------------


def judge(compiled: CompiledEdition, chart: Chart, today: date) -> Judgement:
    """Put one edition before one chart; nothing is judged before it is asked for."""
    sitting = Sitting(chart, today.toordinal(), compiled.judges.judges)
    return _judgement(compiled, sitting, cache(sitting.firmly))


def _judgement(compiled: CompiledEdition, sitting: Sitting, firmly: Callable[[], Sitting]) -> Judgement:
    places = compiled.places
    return Judgement(
        edition=compiled.edition,
        chart=sitting.chart,
        today=sitting.today,
        result=lambda name: sitting.result(places[name]),
        firm=lambda name: firmly().result(places[name]),
        criterion=compiled.criteria.__getitem__,
        members=compiled.members.__getitem__,
        searched=compiled.searched.__getitem__,
    )


def decide_edition(compiled: CompiledEdition, chart: Chart, today: date) -> Decision:
    """Decide one rule alone, as if it were the only one of the release."""
    return _decide(compiled, judge(compiled, chart, today))


def _decide(compiled: CompiledEdition, judgement: Judgement, trial: bool = False) -> Decision:
    edition = compiled.edition
    try:
        return _decided(edition, judgement, judgement.result(WHEN), trial)
    except Exception as error:  # one rule's fault must not silence the others; services.answer reports it
        return Decision(edition, FAILED, None, judgement, trial, error=type(error).__name__)


def _decided(edition: Edition, judgement: Judgement, result: Result, trial: bool) -> Decision:
    rule = edition.rule
    if result.verdict is NO:
        return Decision(edition, SILENT, NO, judgement, trial)
    if result.verdict is YES:
        card, indicator = choice.card_of(rule, judgement, caveat=False)
        return Decision(edition, FIRES if card else SILENT, YES, judgement, trial, card, indicator)
    unread = any(doubt.unread for doubt in result.doubts)
    policy = rule.when.unread if unread else rule.when.doubtful
    decision = Decision(edition, UNDECIDED, UNKNOWN, judgement, trial, doubts=result.doubts)
    if policy == "card_with_caveat":
        card, indicator = choice.card_of(rule, judgement, caveat=True)
        if card:
            return replace(decision, state=FIRES, card=card, indicator=indicator, caveat=result.doubts)
    if policy == "ask_fetch":
        return replace(decision, ask_fetch=_asked(result.doubts, judgement.chart))
    return decision


def _asked(doubts: Iterable[Doubt], chart: Chart) -> tuple[Gap, ...]:
    wanted = {doubt.about for doubt in doubts if doubt.kind == NOT_READ}
    gaps = (gap for of_fact in chart.gaps.values() for gap in of_fact if gap.source in wanted)
    return tuple({gap.source: gap for gap in gaps}.values())


def decide(compiled: Compiled, chart: Chart, today: date) -> Outcome:
    """Decide every rule of the release that runs at the chart's hook, then which cards are sent and in what order."""
    sitting = Sitting(chart, today.toordinal(), compiled.judges.judges)
    firmly = cache(sitting.firmly)  # most calls never ask
    unread = {gap.source: gap.why for gaps in chart.gaps.values() for gap in gaps}
    for name, index in compiled.gate:
        if sitting.result(index).verdict is YES:
            return Outcome((), (), gate=name, unread=unread)
    decisions = [
        _decide(each, _judgement(each, sitting, firmly), trial)
        for editions, trial in ((compiled.active, False), (compiled.trial, True))
        for each in editions
        if chart.hook in each.edition.rule.hooks
    ]
    return choice.outcome(decisions, chart.hook, unread)
