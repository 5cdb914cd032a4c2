"""Compile a release once, decide many charts.

Order of a decision: docs/reference/rule-language.md, sections 6 and 7.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial

from cds_service.core import choice
from cds_service.core.agenda import Agenda, agenda
from cds_service.core.compiling import WHEN, Compiler, Judges, Named, facts_of, needs_of
from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.decision import (
    FAILED,
    FIRES,
    NOT_READ,
    SILENT,
    UNDECIDED,
    Decision,
    Doubt,
    Dropped,
    Judgement,
    Outcome,
    Result,
)
from cds_service.core.facts import HOOKS, Chart, Gap, Needs
from cds_service.core.form import Printed
from cds_service.core.mentions import criteria_of_cards, searched_facts
from cds_service.core.printing import printed
from cds_service.core.record import record, replace
from cds_service.core.rule import (
    Criterion,
    Definition,
    Edition,
    Logic,
    Release,
    Rule,
    When,
)
from cds_service.core.sitting import Sitting
from cds_service.core.value_set import Table, ValueSet
from cds_service.core.wants import Want


@dataclass(frozen=True, slots=True)
class CompiledEdition:
    """An edition ready to be judged.

    places, criteria, members, searched: by name as the rule writes it, of every criterion it can reach: its place
    among the judges, what the file says, whom it looks at, which facts it is made of. `when` has a place too.
    printed: gives the forms of its cards and sentences, made when somebody first asks.
    wants: what `when` cannot do without (core.wants): a rule whose value sets are nowhere costs next to nothing.
    """

    edition: Edition
    judges: Judges
    facts: frozenset[str]
    places: Mapping[str, int]
    criteria: Mapping[str, Criterion]
    members: Mapping[str, tuple[str, ...]]
    searched: Mapping[str, tuple[str, ...]]
    printed: Callable[[], Printed]
    wants: tuple[Want, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A release ready to decide.

    facts:   by hook, what its rules read; the Patient always.
    running: by hook, the rules that run there, active ones first, and whether each is on trial.
    agendas: by hook, which of these a chart leaves possible. Both follow from `active` and `trial`.
    """

    release: Release
    table: Table
    judges: Judges
    active: tuple[CompiledEdition, ...]
    trial: tuple[CompiledEdition, ...]
    gate: tuple[tuple[str, int], ...]
    needs: Needs
    facts: Mapping[str, frozenset[str]]
    running: Mapping[str, tuple[tuple[CompiledEdition, bool], ...]] = field(init=False)
    agendas: Mapping[str, Agenda] = field(init=False)

    def __post_init__(self) -> None:
        rules = (*((each, False) for each in self.active), *((each, True) for each in self.trial))
        running = {hook: tuple(one for one in rules if hook in one[0].edition.rule.hooks) for hook in HOOKS}
        agendas = {hook: agenda(each.wants for each, _ in there) for hook, there in running.items()}
        object.__setattr__(self, "running", running)
        object.__setattr__(self, "agendas", agendas)


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
    always = facts_of(judges, [index for _, index in gate]) | {"Patient"}
    facts = {
        hook: always.union(*(each.facts for each in (*active, *trial) if hook in each.edition.rule.hooks))
        for hook in HOOKS
    }
    for each in (*active, *trial):
        each.printed()  # now, so that all workers have them from the one who forks them
    return Compiled(release, table, judges, active, trial, gate, needs_of(judges), facts)


def _gate_index(name: str, release: Release, judges: Judges) -> int:
    home, _, criterion = name.partition(".")
    having = {key for key, each in release.gate_definitions.items() if key[0] == home and criterion in each.criteria}
    major = max(having)[1]
    compiler = Compiler(judges, release.gate_definitions, release.gate_value_sets)
    return compiler.index(release.gate_definitions[home, major], f"{home}.", criterion)


def compile_edition(edition: Edition, table: Table, judges: Judges | None = None) -> CompiledEdition:
    """Compile one rule with the definitions and value sets it is pinned to."""
    judges = judges if judges is not None else Judges(table)
    compiler = Compiler(judges, edition.definitions, edition.value_sets, edition.rule.uses)
    rule = edition.rule
    for name in rule.criteria:
        compiler.index(rule, "", name)
    when = compiler.synthetic(rule, rule.when.logic)
    for name in sorted(criteria_of_cards(rule)):
        compiler.index(rule, "", name)
    facts = facts_of(judges, [each.index for each in compiler.names.values()])
    return _compiled(edition, compiler.names, when, judges, facts)


def _compiled(
    edition: Edition, names: Mapping[str, Named], when: int, judges: Judges, facts: frozenset[str]
) -> CompiledEdition:
    places = {name: each.index for name, each in names.items()} | {WHEN: when}
    criteria = {name: each.criterion for name, each in names.items()}
    members = {name: each.members for name, each in names.items()}
    searched = searched_facts(criteria, members)
    wants = judges.known[when].wants if facts else ()
    sentences = {name: (each.criterion, each.parameters) for name, each in names.items()}
    forms = cache(partial(printed, edition, sentences, members, searched))
    return CompiledEdition(edition, judges, facts, places, criteria, members, searched, forms, wants)


def compile_definition(
    definition: Definition,
    definitions: Mapping[tuple[str, int], Definition],
    value_sets: Mapping[str, ValueSet],
    table: Table,
    judges: Judges | None = None,
) -> Callable[[Chart, date], Judgement]:
    """Compile a definition by itself and give the function that judges a chart; names are the definition's own."""
    judges = judges if judges is not None else Judges(table)
    compiler = Compiler(judges, definitions, value_sets, definition.uses)
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


# --- deciding --------------------------------------------------------------------------------------------------------


@record(frozen=True, slots=True)
class Hearing:
    """One edition before one chart: what decision.Judgement promises. It gives the names, the sitting the answers."""

    compiled: CompiledEdition
    sitting: Sitting

    @property
    def edition(self) -> Edition:
        return self.compiled.edition

    @property
    def chart(self) -> Chart:
        return self.sitting.chart

    @property
    def today(self) -> int:
        return self.sitting.today

    @property
    def printed(self) -> Printed:
        return self.compiled.printed()

    def verdict(self, name: str) -> Verdict:
        return self.sitting.verdict(self.compiled.places[name])

    def firm(self, name: str) -> Verdict:
        return self.sitting.firmly().verdict(self.compiled.places[name])

    def result(self, name: str) -> Result:
        return self.sitting.result(self.compiled.places[name])

    def doubts(self, name: str) -> tuple[Doubt, ...]:
        return self.sitting.doubts(self.compiled.places[name])

    def dropped(self, name: str) -> Dropped:
        return self.sitting.judges[self.compiled.places[name]].dropped(self.sitting)

    def criterion(self, name: str) -> Criterion:
        return self.compiled.criteria[name]

    def members(self, name: str) -> tuple[str, ...]:
        return self.compiled.members[name]

    def searched(self, name: str) -> tuple[str, ...]:
        return self.compiled.searched[name]


def judge(compiled: CompiledEdition, chart: Chart, today: date) -> Judgement:
    """Put one edition before one chart; nothing is judged before it is asked for."""
    sitting = Sitting(chart, today.toordinal(), compiled.judges.judges, compiled.judges.bits)
    return Hearing(compiled, sitting)


def decide_edition(compiled: CompiledEdition, chart: Chart, today: date) -> Decision:
    """Decide one rule alone, as if it were the only one of the release."""
    return _decide(compiled, judge(compiled, chart, today))


def _decide(compiled: CompiledEdition, judgement: Judgement, trial: bool = False) -> Decision:
    edition = compiled.edition
    try:
        return _decided(edition, judgement, trial)
    except Exception as error:  # one rule's fault must not silence the others; services.answer reports it
        return Decision(edition, FAILED, None, judgement, trial, error=type(error).__name__)


def _decided(edition: Edition, judgement: Judgement, trial: bool) -> Decision:
    rule, verdict = edition.rule, judgement.verdict(WHEN)
    if verdict is NO:
        return Decision(edition, SILENT, NO, judgement, trial)
    if verdict is YES:
        card, indicator = choice.card_of(rule, judgement, caveat=False)
        return Decision(edition, FIRES if card else SILENT, YES, judgement, trial, card, indicator)
    doubts = judgement.doubts(WHEN)
    unread = bool(judgement.chart.gaps) and any(doubt.unread for doubt in doubts)
    policy = rule.when.unread if unread else rule.when.doubtful
    decision = Decision(edition, UNDECIDED, UNKNOWN, judgement, trial, doubts=doubts)
    if policy == "card_with_caveat":
        card, indicator = choice.card_of(rule, judgement, caveat=True)
        if card:
            return replace(decision, state=FIRES, card=card, indicator=indicator, caveat=doubts)
    if policy == "ask_fetch":
        return replace(decision, ask_fetch=_asked(doubts, judgement.chart))
    return decision


def _asked(doubts: Iterable[Doubt], chart: Chart) -> tuple[Gap, ...]:
    wanted = {doubt.about for doubt in doubts if doubt.kind == NOT_READ}
    gaps = (gap for of_fact in chart.gaps.values() for gap in of_fact if gap.source in wanted)
    return tuple({gap.source: gap for gap in gaps}.values())


def decide(compiled: Compiled, chart: Chart, today: date) -> Outcome:
    """Decide every rule of the release that runs at the chart's hook, then which cards are sent and in what order."""
    sitting = Sitting(chart, today.toordinal(), compiled.judges.judges, compiled.judges.bits)
    unread = {gap.source: gap.why for gaps in chart.gaps.values() for gap in gaps}
    for name, index in compiled.gate:
        if sitting.verdict(index) is YES:
            return Outcome((), (), gate=name, unread=unread)
    running = compiled.running[chart.hook]
    heard = [
        _decide(each, Hearing(each, sitting), trial)
        for each, trial in map(running.__getitem__, compiled.agendas[chart.hook].possible(sitting.held))
    ]

    def all_of(heard: Iterable[Decision]) -> tuple[Decision, ...]:
        known = {(each.edition.rule.id, each.trial): each for each in heard}
        return tuple(
            known.get((each.edition.rule.id, trial))
            or Decision(each.edition, SILENT, NO, Hearing(each, sitting), trial)
            for each, trial in running
        )

    return choice.outcome(heard, chart.hook, unread, all_of)
