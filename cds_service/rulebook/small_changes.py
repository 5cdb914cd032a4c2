"""Every small change of a rule or definition that one of its inline tests must notice.

RULE-LANGUAGE section 9 (docs/reference/rule-language.md) lists the changes. Each is made to the frozen data, so
making and judging hundreds of them costs no reading of files.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from cds_service.core.rule import Bounds, Card, Conditions, Definition, Find, Hook, Logic, Rule, When
from cds_service.rulebook.source import Place

_SWAPS = {"at_least": "more_than", "more_than": "at_least", "at_most": "less_than", "less_than": "at_most"}
# Field of the dataclass -> key in the file, where the two differ.
_KEYS = {"if_": "if", "clinical_status": "clinicalStatus", "verification_status": "verificationStatus"}
_BOUNDS = ("age", "length", "since_start", "value", "plausible", "count")
_DURATIONS = ("covers", "stale_after", "merge_gaps", "during_last", "per_upper_limit")
_LISTS_OF_FIND = (
    "find", "code_in", "status", "clinical_status", "verification_status", "reason_in", "sex", "answer_in",
)  # fmt: skip
_DROPPED_FROM_FIND = (
    "code_not_in", "if_", "status", "clinical_status", "verification_status", "category_not", "reason_in", "covers",
    "stale_after", "merge_gaps", "length", "ending", "during_last", "since_start", "started_since", "latest",
    "per_upper_limit", "plausible", "count",
)  # fmt: skip
_EMPTY_FIND = Find(find=())

Listing = Find | Logic | Hook | Conditions


@dataclass(frozen=True, slots=True)
class Change:
    """One small change.

    description: "cows: 'value' takes more_than in place of at_least".
    place:       path in the file of the key or list item that is changed.
    key:         path of the key it stands under; the same as `place` unless an item of a list is dropped.
    fragment:    what the key then reads ("more_than: cows_mild"); empty when it is dropped.
    changed:     the rule or definition with the change made.
    """

    description: str
    place: Place
    key: Place
    fragment: str
    changed: Rule | Definition


@dataclass(frozen=True, slots=True)
class _Edit:
    """A change of one part of a file; `value` is the part as changed."""

    description: str
    below: Place  # path below the part, its last step the key or the item
    fragment: str
    value: Any
    item: bool = False


def small_changes(subject: Rule | Definition) -> Iterator[Change]:
    """Give every small change of the file's own parameters, criteria, `when` and cards, in the order of the file."""
    used = {name for each in subject.criteria.values() for name in _parameters_of(each.body)}
    for name in (each for each in subject.parameters if each in used):
        parameter = subject.parameters[name]
        for value in (parameter.value + 1, parameter.value - 1):
            moved = {**subject.parameters, name: replace(parameter, value=value)}
            place = ("parameters", name, "value")
            said = f"{name}: {parameter.value:g} becomes {value:g}"
            yield Change(said, place, place, f"value: {value:g}", replace(subject, parameters=moved))
    for name, criterion in subject.criteria.items():
        for edit in _of_body(criterion.body):
            body = replace(criterion, body=edit.value)
            yield _change(edit, name, ("criteria", name), replace(subject, criteria={**subject.criteria, name: body}))
    if isinstance(subject, Rule):
        yield from _of_when(subject)
        for number, card in enumerate(subject.cards):
            for edit in _of_card(card):
                cards = (*subject.cards[:number], edit.value, *subject.cards[number + 1 :])
                yield _change(edit, f"card {card.id}", ("cards", number), replace(subject, cards=cards))


def _change(edit: _Edit, name: str, above: Place, changed: Rule | Definition) -> Change:
    place = (*above, *edit.below)
    return Change(f"{name}: {edit.description}", place, place[:-1] if edit.item else place, edit.fragment, changed)


def _parameters_of(body: Find | Logic | Hook) -> set[str]:
    if isinstance(body, Hook):
        return set()
    blocks = [body.count] if isinstance(body, Logic) else [getattr(body, each) for each in _BOUNDS]
    named = {getattr(block, key) for block in blocks if block is not None for key in _SWAPS}
    if isinstance(body, Find):
        named |= {getattr(body, each) for each in _DURATIONS}
    return named - {None, "today"}


def _of_body(body: Find | Logic | Hook) -> Iterator[_Edit]:
    if isinstance(body, Hook):
        yield from _shorter(body, "hook")
        return
    if isinstance(body, Logic):
        for key in ("all", "any", "none"):
            yield from _shorter(body, key)
        yield from _swapped(body, "count")
        if body.count is not None:
            yield _dropped(body, "count", None)
        return
    for key in _LISTS_OF_FIND:
        yield from _shorter(body, key)
    for key in _BOUNDS:
        yield from _swapped(body, key)
    for key in _DROPPED_FROM_FIND:
        empty = getattr(_EMPTY_FIND, key)
        if getattr(body, key) != empty:
            yield _dropped(body, key, empty)


def _shorter(body: Listing, key: str, least: int = 2) -> Iterator[_Edit]:
    """Drop each item of a list that holds at least `least`."""
    items: tuple[str, ...] = getattr(body, key)
    written = _KEYS.get(key, key)
    if len(items) < least:
        return
    for number, item in enumerate(items):
        rest = (*items[:number], *items[number + 1 :])
        value = _with(body, key, rest)
        yield _Edit(f"'{written}' without {item}", (written, number), fragment_of(written, rest), value, True)


def _swapped(body: Find | Logic, key: str) -> Iterator[_Edit]:
    """Let the two bounds that differ only at the limit itself change places."""
    bounds: Bounds | None = getattr(body, key)
    if bounds is None:
        return
    for one, other in _SWAPS.items():
        limit = getattr(bounds, one)
        if limit is not None:
            moved = replace(bounds, **{one: None, other: limit})
            text = f"'{key}' takes {other} in place of {one}"
            yield _Edit(text, (key, one), f"{other}: {limit}", _with(body, key, moved))


def _dropped(body: Find | Logic, key: str, empty: object) -> _Edit:
    written = _KEYS.get(key, key)
    return _Edit(f"without '{written}'", (written,), "", _with(body, key, empty))


def _with(body: Any, key: str, value: Any) -> Any:
    changes: dict[str, Any] = {key: value}
    return replace(body, **changes)


def _of_when(rule: Rule) -> Iterator[Change]:
    for key in ("all", "any", "none"):
        for edit in _shorter(rule.when.logic, key, least=1):
            yield _change(edit, "when", ("when",), replace(rule, when=replace(rule.when, logic=edit.value)))
    if rule.when.unread == rule.when.doubtful:
        yield _other_policy(rule, ("unread", "doubtful"), ("when", "if_unknown"))
        return
    for sort in ("unread", "doubtful"):
        yield _other_policy(rule, (sort,), ("when", "if_unknown", sort))


def _other_policy(rule: Rule, sorts: tuple[str, ...], place: Place) -> Change:
    old = rule.when.unread if "unread" in sorts else rule.when.doubtful
    new = "no_card" if old == "card_with_caveat" else "card_with_caveat"
    when = When(
        rule.when.logic,
        unread=new if "unread" in sorts else rule.when.unread,
        doubtful=new if "doubtful" in sorts else rule.when.doubtful,
    )
    said = f"when: '{'.'.join(str(each) for each in place[1:])}' {old} becomes {new}"
    return Change(said, place, place, f"{place[-1]}: {new}", replace(rule, when=when))


def _of_card(card: Card) -> Iterator[_Edit]:
    for edit in _unconditioned(card.conditions):
        yield replace(edit, value=replace(card, conditions=edit.value))
    for number, (level, criterion) in enumerate(card.indicator):
        if criterion is not None:
            levels = (*card.indicator[:number], *card.indicator[number + 1 :])
            yield _Edit(f"'indicator' without {level}", ("indicator", level), "", replace(card, indicator=levels))
    for number, suggestion in enumerate(card.suggestions):
        for edit in _unconditioned(suggestion.conditions):
            changed = replace(suggestion, conditions=edit.value)
            suggestions = (*card.suggestions[:number], changed, *card.suggestions[number + 1 :])
            said = f"suggestion '{suggestion.label}': {edit.description}"
            below = ("suggestions", number, *edit.below)
            yield _Edit(said, below, edit.fragment, replace(card, suggestions=suggestions), edit.item)


def _unconditioned(conditions: Conditions) -> Iterator[_Edit]:
    for key in ("if_", "unless", "if_unknown"):
        yield from _shorter(conditions, key, least=1)


def fragment_of(key: str, items: tuple[str, ...]) -> str:
    """Write a key with its list the way a rule file does; nothing when the list is empty."""
    if not items:
        return ""
    return f"{key}: {items[0]}" if len(items) == 1 else f"{key}: [{', '.join(items)}]"
