"""What lint looks at: one file, what it may refer to, and every reference it makes with its place.

A name without a dot is of the file itself; `opioid-status.on_moud` is of the definition that `uses` fixes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cds_service.core.compiling import members_of
from cds_service.core.facts import FACTS
from cds_service.core.rule import Bounds, Conditions, Criterion, Definition, Find, Hook, Logic, Rule
from cds_service.core.value_set import ValueSet
from cds_service.rulebook.case import Case
from cds_service.rulebook.reader import DefinitionFile, RuleFile
from cds_service.rulebook.source import Place, RuleProblem, Source

TODAY = "today"
SET_KEYS = ("code_in", "code_not_in", "reason_in", "answer_in", "answer_not_in")
DURATION_KEYS = ("covers", "stale_after", "merge_gaps", "during_last")
BOUNDS_KEYS = ("age", "length", "since_start", "value", "plausible", "count")
BOUND_NAMES = ("at_least", "more_than", "at_most", "less_than")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a file may refer to, and what there is besides.

    definitions: pinned, by (id, major). value_sets: pinned and read, by id. set_ids: pinned, read or not.
    definition_ids, other_sets: what stands in the folder, pinned or not.
    rules: ids of the release's rules. drafts: their files, for questions between rules; reasons: the shared list.
    """

    definitions: Mapping[tuple[str, int], DefinitionFile] = field(default_factory=dict)
    value_sets: Mapping[str, ValueSet] = field(default_factory=dict)
    set_ids: frozenset[str] = frozenset()
    definition_ids: frozenset[str] = frozenset()
    other_sets: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subject:
    """One file to look at. uses: see `uses_of`."""

    source: Source
    draft: Rule | Definition
    cases: tuple[Case, ...]
    shelf: Shelf
    uses: tuple["Use", ...]

    def problem(self, code: str, place: Place, text: str, hint: str = "") -> RuleProblem:
        """Build a problem at the value of a place."""
        return self.source.problem(code, place, text, hint)

    def at_key(self, code: str, place: Place, text: str, hint: str = "") -> RuleProblem:
        """Build a problem at the key of a place."""
        return self.source.problem(code, self.source.key_mark(place), text, hint)


@dataclass(frozen=True, slots=True)
class Use:
    """One name that a file writes. kind: "criterion", "rows", "parameter" or "value-set"."""

    kind: str
    name: str
    place: Place


def subject_of(file: RuleFile | DefinitionFile, shelf: Shelf) -> Subject:
    """Put a file and its shelf together."""
    return Subject(file.source, file.draft, file.cases, shelf, tuple(uses_of(file.draft)))


def uses_of(draft: Rule | Definition) -> Iterator[Use]:
    """Give every reference to criteria, parameters and value sets that decides something; texts and tests apart."""
    for name, criterion in draft.criteria.items():
        yield from criterion_uses(criterion, ("criteria", name))
    if isinstance(draft, Rule):
        yield from _logic_uses(draft.when.logic, ("when",))
        yield from card_uses(draft)


def criterion_uses(criterion: Criterion, at: Place) -> Iterator[Use]:
    """Give every reference of one criterion that stands at `at`."""
    match criterion.body:
        case Find() as body:
            yield from _find_uses(body, at)
        case Logic() as body:
            yield from _logic_uses(body, at)
        case Hook():
            pass


def _find_uses(body: Find, at: Place) -> Iterator[Use]:
    yield from _each("rows", body.find, (*at, "find"))
    for key in SET_KEYS:
        yield from _each("value-set", getattr(body, key), (*at, key))
    yield from _each("criterion", body.if_, (*at, "if"))
    for key in (*DURATION_KEYS, "per_upper_limit"):
        name = getattr(body, key)
        if name is not None and not (key == "during_last" and name == TODAY):
            yield Use("parameter", name, (*at, key))
    if body.started_since is not None and body.started_since != TODAY:
        yield Use("criterion", body.started_since, (*at, "started_since"))
    for key in BOUNDS_KEYS:
        yield from _bounds_uses(getattr(body, key), (*at, key))


def _logic_uses(body: Logic, at: Place) -> Iterator[Use]:
    for key in ("all", "any", "none"):
        yield from _each("criterion", getattr(body, key), (*at, key))
    yield from _bounds_uses(body.count, (*at, "count"))


def _bounds_uses(bounds: Bounds | None, at: Place) -> Iterator[Use]:
    for key in BOUND_NAMES:
        name = getattr(bounds, key, None)
        if name is not None:
            yield Use("parameter", name, (*at, key))


def condition_uses(conditions: Conditions, at: Place) -> Iterator[Use]:
    """Give the criteria that a card, line or suggestion asks for."""
    yield from _each("criterion", conditions.if_, (*at, "if"))
    yield from _each("criterion", conditions.unless, (*at, "unless"))
    yield from _each("criterion", conditions.if_unknown, (*at, "if_unknown"))


def card_uses(rule: Rule) -> Iterator[Use]:
    """Give the references of every card."""
    for number, card in enumerate(rule.cards):
        at: Place = ("cards", number)
        yield from condition_uses(card.conditions, at)
        for level, criterion in card.indicator:
            if criterion is not None:
                yield Use("criterion", criterion, (*at, "indicator", level))
        for index, line in enumerate(card.detail):
            yield from condition_uses(line.conditions, (*at, "detail", index))
        for index, suggestion in enumerate(card.suggestions):
            here = (*at, "suggestions", index)
            yield from condition_uses(suggestion.conditions, here)
            if suggestion.create and suggestion.create.within:
                yield Use("parameter", suggestion.create.within, (*here, "create", "within"))
            if suggestion.create and suggestion.create.reason:
                yield Use("criterion", suggestion.create.reason, (*here, "create", "reason"))
            if suggestion.delete:
                yield Use("criterion", suggestion.delete, (*here, "delete"))


def _each(kind: str, names: tuple[str, ...], at: Place) -> Iterator[Use]:
    for number, name in enumerate(names):
        yield Use(kind, name, (*at, number))


def is_fact(name: str) -> bool:
    """Whether a name in `find` is written as a fact: a capital letter or a hyphen, and no dot."""
    return name in FACTS or ("." not in name and (name[:1].isupper() or "-" in name))


Owned = tuple[Rule | Definition, Criterion]


def resolve(draft: Rule | Definition, name: str, shelf: Shelf) -> Owned | None:
    """Find a criterion by the name a file gives it, with the file it stands in."""
    if "." not in name:
        found = draft.criteria.get(name)
        return (draft, found) if found else None
    definition, _, local = name.partition(".")
    for each in draft.uses:
        file = shelf.definitions.get((definition, each.major)) if each.id == definition else None
        if file and local in file.draft.criteria:
            return file.draft, file.draft.criteria[local]
    return None


def below(owned: Owned, shelf: Shelf) -> Iterator[tuple[str, Owned]]:
    """Give the criteria that one criterion looks at, with the name it gives them."""
    draft, criterion = owned
    for name in members_of(criterion):
        found = resolve(draft, name, shelf)
        if found:
            yield name, found


def reached(draft: Rule | Definition, names: tuple[str, ...], shelf: Shelf) -> Mapping[tuple[str, str], Owned]:
    """Give every criterion that the names lead to, themselves included, by (file id, criterion name)."""
    found: dict[tuple[str, str], Owned] = {}
    waiting = [owned for name in names if (owned := resolve(draft, name, shelf))]
    while waiting:
        owned = waiting.pop()
        key = (owned[0].id, owned[1].name)
        if key not in found:
            found[key] = owned
            waiting.extend(each for _, each in below(owned, shelf))
    return found


def row_facts(draft: Rule | Definition, name: str, shelf: Shelf) -> frozenset[str]:
    """Give the facts whose rows a name in `find`, or a criterion, can carry; empty when it never has rows."""
    if is_fact(name):
        return frozenset({name} & FACTS.keys())
    facts: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(draft, name)]
    while waiting:
        here, wanted = waiting.pop()
        if is_fact(wanted):
            facts |= {wanted} & FACTS.keys()
            continue
        owned = resolve(here, wanted, shelf)
        if owned is None or (owned[0].id, owned[1].name) in seen:
            continue
        seen.add((owned[0].id, owned[1].name))
        match owned[1].body:
            case Find(find=names):
                waiting.extend((owned[0], each) for each in names)
            case Logic(all=everyone, any=anyone):
                waiting.extend((owned[0], each) for each in (*everyone, *anyone))
            case Hook():
                pass
    return frozenset(facts)


def reached_definitions(subject: Subject) -> tuple[DefinitionFile, ...]:
    """Give the definitions that a file uses, and those that they use."""
    found: dict[str, DefinitionFile] = {}
    waiting = [subject.draft.uses]
    while waiting:
        for used in waiting.pop():
            file = subject.shelf.definitions.get((used.id, used.major))
            if file and file.source.file not in found:
                found[file.source.file] = file
                waiting.append(file.draft.uses)
    return tuple(found.values())


def files_of(subject: Subject) -> set[str]:
    """Give the file and those of the definitions it reaches."""
    return {subject.source.file, *(each.source.file for each in reached_definitions(subject))}


def unread_sets(subject: Subject) -> set[str]:
    """Give the value sets that the file or a definition it reaches needs, and that are pinned but could not be read."""
    drafts = (subject.draft, *(each.draft for each in reached_definitions(subject)))
    named = {use.name for each in drafts for use in uses_of(each) if use.kind == "value-set"}
    return (named & subject.shelf.set_ids) - subject.shelf.value_sets.keys()
