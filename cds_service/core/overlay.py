"""A site's overlay put on a release: the same rules with the site's numbers, words and codes.

The engine and the cards know nothing but the changed release; each edition remembers what was changed of it.
Source: docs/reference/rule-language.md, section 10 ("Site").
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from cds_service.core.compiling import members_of, parameters_of, value_sets_of
from cds_service.core.facts import Coding
from cds_service.core.mentions import criteria_of_cards
from cds_service.core.rule import Card, Criterion, Definition, Edition, Line, Link, Release, Rule
from cds_service.core.site import CodesChange, ParameterChange, Said, SiteChanges, SiteMark, WordingChange
from cds_service.core.value_set import ValueSet, holds

ACTIVE, TRIAL, DISABLED = "active", "trial", "disabled"
RUNS = (ACTIVE, TRIAL, DISABLED)
PARAMETERS, RULES, SIGNED_OFF, WORDING = "parameters", "rules", "signed_off", "wording"
VALUE_SETS, NEVER_WHEN, NOT_HELD, FEEDBACK = "value_sets", "never_when", "not_held", "feedback"
# What a site decides about feedback reports: a share in percent, and a count.
MOST_OVERRIDDEN, SMALL_COUNTS = "most_overridden", "small_counts"

Wording: TypeAlias = str | tuple[Line, ...] | tuple[Link, ...] | tuple[str, ...]
Key: TypeAlias = tuple[str, int]  # a definition by id and major
Home: TypeAlias = Rule | Definition  # the file that a criterion stands in
File = TypeVar("File", bound=Rule | Definition)


@dataclass(frozen=True, slots=True)
class Site:
    """What site.yaml says.

    parameters: by "rule-or-definition.name". wording: by "rule.card.key". codes: by id of the value set, normalised.
    runs:       ACTIVE, TRIAL or DISABLED by rule id. signed_off: the version by rule id.
    feedback:   by MOST_OVERRIDDEN or SMALL_COUNTS; changes no rule, feedback reports go by it.
    said:       who decided what and why, by section and name within it.
    """

    mark: SiteMark
    parameters: Mapping[str, float] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    signed_off: Mapping[str, str] = field(default_factory=dict)
    wording: Mapping[str, Wording] = field(default_factory=dict)
    codes: Mapping[str, tuple[Coding, ...]] = field(default_factory=dict)
    never_when: tuple[str, ...] = ()
    not_held: frozenset[str] = frozenset()
    feedback: Mapping[str, float] = field(default_factory=dict)
    said: Mapping[tuple[str, str], Said] = field(default_factory=dict)


def overlay(release: Release, site: Site) -> Release:
    """Give the release as the site wants it served.

    A name that leads nowhere changes nothing; rulebook.lint_site tells of it. A version that is on trial becomes active
    where the site says so and the release has no active version of the rule; it then stands last among ties.
    """
    was_active = {each.rule.id for each in release.active}
    editions: dict[str, list[Edition]] = {run: [] for run in RUNS}
    for shipped, editions_then in ((ACTIVE, release.active), (TRIAL, release.trial)):
        for each in editions_then:
            run = _run(each.rule.id, shipped, was_active, site)
            changed = _edition(each, site)
            if run != shipped:
                said = site.said[RULES, each.rule.id]
                changed = replace(changed, site=replace(changed.site, run=run, run_said=said))
            editions[run].append(changed)
    gate_definitions, gate_value_sets = _gate(release, site)
    known = gate_names(release)
    return replace(
        release,
        active=tuple(editions[ACTIVE]),
        trial=tuple(editions[TRIAL]),
        disabled=tuple(editions[DISABLED]),
        never_when=tuple(dict.fromkeys((*release.never_when, *(each for each in site.never_when if each in known)))),
        gate_definitions={key: with_parameters(each, site) for key, each in gate_definitions.items()},
        gate_value_sets={name: with_codes(each, site) for name, each in gate_value_sets.items()},
        site=site.mark,
        not_held=site.not_held,
    )


def _run(rule: str, shipped: str, was_active: set[str], site: Site) -> str:
    wanted = site.runs.get(rule, shipped)
    if wanted == ACTIVE and rule in was_active:  # a newer version on trial beside the active one stays there
        return shipped
    return wanted


# --- parts -----------------------------------------------------------------------------------------------------------


def with_parameters(file: File, site: Site) -> File:
    """Give a rule or definition with the site's numbers."""
    moved = {
        name: replace(each, value=site.parameters[f"{file.id}.{name}"])
        for name, each in file.parameters.items()
        if f"{file.id}.{name}" in site.parameters
    }
    return replace(file, parameters={**file.parameters, **moved}) if moved else file


def with_wording(rule: Rule, site: Site) -> Rule:
    """Give a rule whose cards speak the site's words, where they may."""
    return replace(rule, cards=tuple(_card(rule, each, site) for each in rule.cards))


def _card(rule: Rule, card: Card, site: Site) -> Card:
    said: dict[str, Any] = {
        key: site.wording[name]
        for key in card.site_may_change
        if (name := f"{rule.id}.{card.id}.{key}") in site.wording
    }
    return replace(card, **said)


def with_codes(value_set: ValueSet, site: Site) -> ValueSet:
    """Give a value set with the site's codes; the very same one when it holds them already."""
    added = _added(value_set, site)
    return replace(value_set, codes=value_set.codes | set(added)) if added else value_set


def _added(value_set: ValueSet, site: Site) -> tuple[Coding, ...]:
    return tuple(each for each in site.codes.get(value_set.id, ()) if not holds(value_set, each))


# --- editions --------------------------------------------------------------------------------------------------------


def _edition(edition: Edition, site: Site) -> Edition:
    rule = edition.rule
    return Edition(
        rule=with_wording(with_parameters(rule, site), site),
        definitions={key: with_parameters(each, site) for key, each in edition.definitions.items()},
        value_sets={name: with_codes(each, site) for name, each in edition.value_sets.items()},
        site=SiteChanges(
            parameters=tuple(_parameters(edition, site)),
            wording=tuple(_wording(rule, site)),
            codes=tuple(_codes(edition, site)),
            signed_off=site.said[SIGNED_OFF, rule.id] if site.signed_off.get(rule.id) == rule.version else None,
        ),
    )


def _parameters(edition: Edition, site: Site) -> Iterator[ParameterChange]:
    """Give the numbers that were moved: the rule's own, and of definitions those that the rule rests on."""
    used: dict[str, Home] = {f"{edition.rule.id}.{name}": edition.rule for name in edition.rule.parameters}
    for home, criterion in _reached(edition):
        used |= {f"{home.id}.{name}": home for name in parameters_of(criterion)}
    for full, value in site.parameters.items():
        if full in used:
            owner, _, name = full.rpartition(".")
            shipped = used[full].parameters[name]
            if shipped.value != value:
                yield ParameterChange(owner, name, shipped.value, value, shipped.unit, site.said[PARAMETERS, full])


def _wording(rule: Rule, site: Site) -> Iterator[WordingChange]:
    for card in rule.cards:
        for key in card.site_may_change:
            name = f"{rule.id}.{card.id}.{key}"
            if name in site.wording and site.wording[name] != getattr(card, key):
                yield WordingChange(card.id, key, site.said[WORDING, name])


def _codes(edition: Edition, site: Site) -> Iterator[CodesChange]:
    reached = {name for _, criterion in _reached(edition) for name in value_sets_of(criterion)}
    for name in site.codes:
        added = _added(edition.value_sets[name], site) if name in reached else ()
        if added:
            yield CodesChange(name, edition.value_sets[name].title, added, site.said[VALUE_SETS, name])


def _reached(edition: Edition) -> Iterator[tuple[Home, Criterion]]:
    """Give every criterion that the rule asks, with the file it stands in, each once."""
    rule, when = edition.rule, edition.rule.when.logic
    names = (*rule.criteria, *when.all, *when.any, *when.none, *sorted(criteria_of_cards(rule)))
    return _walk([(rule, name) for name in names], edition.definitions)


def _walk(waiting: list[tuple[Home, str]], definitions: Mapping[Key, Definition]) -> Iterator[tuple[Home, Criterion]]:
    seen: set[tuple[str, str, str]] = set()
    while waiting:
        home, name = waiting.pop(0)
        head, dot, tail = name.partition(".")
        if dot:
            home, name = definitions[head, next(each.major for each in home.uses if each.id == head)], tail
        if (home.id, home.version, name) not in seen:
            seen.add((home.id, home.version, name))
            criterion = home.criteria[name]
            yield home, criterion
            waiting += [(home, each) for each in members_of(criterion)]


# --- the gate --------------------------------------------------------------------------------------------------------


def gate_names(release: Release) -> frozenset[str]:
    """Name every criterion that `never_when` can ask for: of definitions that the gate or an active rule uses."""
    held = [*release.gate_definitions.values(), *(each for one in release.active for each in one.definitions.values())]
    return frozenset(f"{each.id}.{name}" for each in held for name in each.criteria)


def _gate(release: Release, site: Site) -> tuple[dict[Key, Definition], dict[str, ValueSet]]:
    """Give what the release's own gate is judged with, and what the site's criteria of `never_when` rest on besides."""
    definitions, value_sets = dict(release.gate_definitions), dict(release.gate_value_sets)
    for name in site.never_when:
        owner, _, local = name.partition(".")
        if any(id_ == owner and local in each.criteria for (id_, _), each in definitions.items()):
            continue
        found = [
            (key, edition)
            for edition in release.active
            for key, each in edition.definitions.items()
            if key[0] == owner and local in each.criteria
        ]
        if found:
            key, edition = max(found, key=lambda each: each[0])
            definitions |= _closure([key], edition.definitions)
            value_sets |= edition.value_sets
    return definitions, value_sets


def _closure(waiting: Iterable[Key], known: Mapping[Key, Definition]) -> dict[Key, Definition]:
    """Give definitions and those that they use."""
    found: dict[Key, Definition] = {}
    left = list(waiting)
    while left:
        key = left.pop()
        if key not in found:
            found[key] = known[key]
            left += [(each.id, each.major) for each in known[key].uses]
    return found
