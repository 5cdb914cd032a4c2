"""What changed between two versions of a rule or definition, and the least version step that says so.

Pure: versions in, changes out. The steps are those of docs/reference/rule-language.md, section 10: patch = words,
evidence, tests; minor = a parameter, a value-set release, a card or a suggestion; major = criteria, `when`, `hooks`,
`yields_to`, `merges_into`. A definition's new criterion is a minor step: no rule of before can name it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from cds_service.core.card_text import parameter_words
from cds_service.core.plural import so_many
from cds_service.core.rule import Criterion, Definition, Edition, Evidence, Find, Hook, Logic, Parameter, Rule
from cds_service.core.value_set import ValueSet
from cds_service.rulebook.case import Case
from cds_service.rulebook.change import MAJOR, MINOR, PARTS, PATCH, STEPS, Change, becomes, gains, step_of
from cds_service.rulebook.compare_cards import card_changes, test_changes
from cds_service.rulebook.lint_subject import uses_of

_KEYS = {"if_": "if", "clinical_status": "clinicalStatus", "verification_status": "verificationStatus"}
_LINES = ("title", "purpose", "owner", "developer", "funding", "released", "review_due")
_LISTS = ("known_limits", "replaces")


def changes(
    old: Rule | Definition, new: Rule | Definition, old_cases: Sequence[Case] = (), new_cases: Sequence[Case] = ()
) -> tuple[Change, ...]:
    """Give what changed from `old` to `new`, in the order of PARTS.

    Both are rules or both are definitions. Their tests are compared where they are given.
    """
    found = [*_words(old, new), *_evidence(old.evidence, new.evidence), *_uses(old, new)]
    found += [*_parameters(old.parameters, new.parameters), *_criteria(old, new)]
    if isinstance(old, Rule) and isinstance(new, Rule):
        found += [*_moments(old, new), *_when(old, new), *card_changes(old.cards, new.cards)]
    found += test_changes(old_cases, new_cases)
    return tuple(sorted(found, key=lambda each: PARTS.index(each.part)))


def pin_changes(old: Edition, new: Edition) -> tuple[Change, ...]:
    """Give what changed in the definitions and value sets that two versions of a rule read.

    A value set of another release with the same codes is a patch step. A definition of another version takes the step
    of its own change. What only one of the versions reads is no change of a pin: the criteria say it.
    """
    one, two = what_is_read(old), what_is_read(new)
    return (*_definition_pins(one, two), *_value_set_pins(one, two))


def what_is_read(edition: Edition) -> Edition:
    """Give an edition with no more definitions and value sets than its rule reads, itself and through definitions."""
    found: dict[tuple[str, int], Definition] = {}
    waiting = [(each.id, each.major) for each in edition.rule.uses]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found[key] = edition.definitions[key]
            waiting += [(each.id, each.major) for each in found[key].uses]
    drafts: list[Rule | Definition] = [edition.rule, *found.values()]
    named = {use.name for each in drafts for use in uses_of(each) if use.kind == "value-set"}
    sets = {name: each for name, each in edition.value_sets.items() if name in named}
    return Edition(edition.rule, dict(sorted(found.items())), sets)


# --- the parts -------------------------------------------------------------------------------------------------------


def _words(old: Rule | Definition, new: Rule | Definition) -> Iterator[Change]:
    for name in (each for each in _LINES if hasattr(old, each)):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield Change(PATCH, "words", name, becomes(was, now))
    if old.reviewed != new.reviewed:
        yield Change(PATCH, "words", "reviewed", becomes(old.reviewed, new.reviewed))
    for name in _LISTS:
        was, now = getattr(old, name), getattr(new, name)
        yield from (Change(PATCH, "words", name, f'new: "{each}"') for each in now if each not in was)
        yield from (Change(PATCH, "words", name, f'no longer: "{each}"') for each in was if each not in now)
        if was != now and set(was) == set(now):
            yield Change(PATCH, "words", name, "stands in another order")
    if isinstance(old, Rule) and isinstance(new, Rule):
        for name, blocks in (
            ("attributes", (old.attributes, new.attributes)),
            ("settings", (old.settings, new.settings)),
        ):
            for key in dict.fromkeys((*blocks[0], *blocks[1])):
                if blocks[0].get(key) != blocks[1].get(key):
                    text = becomes(blocks[0].get(key), blocks[1].get(key))
                    yield Change(PATCH, "words", f"{name}.{key}", text)


def _evidence(old: Sequence[Evidence], new: Sequence[Evidence]) -> Iterator[Change]:
    before, after = {each.id: each for each in old}, {each.id: each for each in new}
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            text = f"is new: {now.cite}" if now else f"is gone: {was.cite if was else ''}"
            yield Change(PATCH, "evidence", name, text)
        elif was != now:
            said = [f"{key} {becomes(getattr(was, key), getattr(now, key))}" for key in ("cite", "url", "grade")
                    if getattr(was, key) != getattr(now, key)]  # fmt: skip
            said += [f"supports {gains(was.supports, now.supports)}"] if was.supports != now.supports else []
            yield Change(PATCH, "evidence", name, "; ".join(said))


def _uses(old: Rule | Definition, new: Rule | Definition) -> Iterator[Change]:
    before, after = ([f"{each.id} {each.major}" for each in draft.uses] for draft in (old, new))
    text = gains(before, after)
    if text:
        yield Change(MAJOR if set(before) != set(after) else PATCH, "uses", "", text)


def _parameters(old: Mapping[str, Parameter], new: Mapping[str, Parameter]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        if was is None or now is None:
            text = f"is new: {parameter_words(now)}" if now else "is gone"
            yield Change(MINOR, "parameters", name, text)
            continue
        if (was.value, was.unit) != (now.value, now.unit):
            yield Change(MINOR, "parameters", name, becomes(parameter_words(was), parameter_words(now)))
        if was.range != now.range:
            text = f"range {_range(was)} becomes {_range(now)}"
            yield Change(MINOR, "parameters", name, text)
        if was.why != now.why:
            yield Change(PATCH, "parameters", name, f'why: "{was.why}" becomes "{now.why}"')


def _range(parameter: Parameter) -> str:
    least, most = parameter.range
    return f"{least:g} to {most:g}"


def _criteria(old: Rule | Definition, new: Rule | Definition) -> Iterator[Change]:
    added = MINOR if isinstance(new, Definition) else MAJOR
    for name in dict.fromkeys((*old.criteria, *new.criteria)):
        was, now = old.criteria.get(name), new.criteria.get(name)
        if was is None or now is None:
            text = f'is new: "{now.says}"' if now else f'is gone: "{was.says if was else ""}"'
            yield Change(added if now else MAJOR, "criteria", name, text)
            continue
        yield from _criterion(was, now)


def _criterion(was: Criterion, now: Criterion) -> Iterator[Change]:
    if type(was.body) is not type(now.body):
        yield Change(MAJOR, "criteria", now.name, f"{_kind(was)} becomes {_kind(now)}")
    else:
        for field in fields(was.body):
            key = _KEYS.get(field.name, field.name)
            before, after = getattr(was.body, field.name), getattr(now.body, field.name)
            if before != after:
                yield Change(_weight(before, after), "criteria", now.name, f"{key} {_key_words(before, after)}")
    if was.says != now.says:
        yield Change(PATCH, "criteria", now.name, f'says: "{was.says}" becomes "{now.says}"')
    if was.label != now.label:
        yield Change(PATCH, "criteria", now.name, f"label: {becomes(was.label, now.label)}")


def _key_words(before: Any, after: Any) -> str:
    if isinstance(before, tuple) and isinstance(after, tuple):
        return gains(before, after)
    if isinstance(before, bool):
        return "is asked for" if after else "is no longer asked for"
    return becomes(before, after)


def _weight(before: object, after: object) -> str:
    """The order of a list decides nothing."""
    same = isinstance(before, tuple) and isinstance(after, tuple) and set(before) == set(after)
    return PATCH if same else MAJOR


def _kind(criterion: Criterion) -> str:
    return {Find: "find", Logic: "logic", Hook: "hook"}[type(criterion.body)]


def _moments(old: Rule, new: Rule) -> Iterator[Change]:
    text = gains(old.hooks, new.hooks)
    if text:
        yield Change(_weight(old.hooks, new.hooks), "hooks", "", text)


def _when(old: Rule, new: Rule) -> Iterator[Change]:
    for key in ("all", "any", "none"):
        was, now = getattr(old.when.logic, key), getattr(new.when.logic, key)
        if was != now:
            yield Change(_weight(was, now), "when", key, gains(was, now))
    if old.when.logic.count != new.when.logic.count:
        yield Change(MAJOR, "when", "count", becomes(old.when.logic.count, new.when.logic.count))
    for key in ("unread", "doubtful"):
        was, now = getattr(old.when, key), getattr(new.when, key)
        if was != now:
            yield Change(MAJOR, "when", f"if_unknown.{key}", becomes(was, now))
    if old.yields_to != new.yields_to:
        yield Change(_weight(old.yields_to, new.yields_to), "when", "yields_to", gains(old.yields_to, new.yields_to))
    if old.merges_into != new.merges_into:  # the first that shows a card is taken, so their order counts
        yield Change(MAJOR, "when", "merges_into", gains(old.merges_into, new.merges_into))


# --- pins ------------------------------------------------------------------------------------------------------------


def _definition_pins(old: Edition, new: Edition) -> Iterator[Change]:
    for key in sorted(old.definitions.keys() & new.definitions.keys()):
        was, now = old.definitions[key], new.definitions[key]
        if was.version != now.version:
            step = max(step_of(changes(was, now)), PATCH, key=STEPS.index)
            yield Change(step, "pins", f"definition {was.id}", becomes(was.version, now.version))


def _value_set_pins(old: Edition, new: Edition) -> Iterator[Change]:
    for name in sorted(old.value_sets.keys() & new.value_sets.keys()):
        was, now = old.value_sets[name], new.value_sets[name]
        if was.version != now.version:
            step, how = value_set_change(was, now)
            yield Change(step, "pins", f"value set {name}", f"{becomes(was.version, now.version)}: {how}")


def value_set_change(was: ValueSet, now: ValueSet) -> tuple[str, str]:
    """Give the step that another release of a value set asks for, and in words how it differs."""
    more, less = len(now.codes - was.codes), len(was.codes - now.codes)
    same = _membership(was) == _membership(now)
    counted = [_codes(more, "new"), _codes(less, "gone")]
    how = ", ".join(filter(None, counted)) or ("the same codes" if same else "other words or subtrees")
    return PATCH if same else MINOR, how


def _codes(number: int, word: str) -> str:
    return f"{so_many(number, 'code')} {word}" if number else ""


def _membership(value_set: ValueSet) -> tuple[object, ...]:
    """Everything that decides whether a code or text is in the set."""
    about = ("id", "version", "title", "displays", "disjoint_from")
    return tuple(getattr(value_set, each.name) for each in fields(value_set) if each.name not in about)
