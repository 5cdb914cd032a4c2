"""What changed in cards, suggestions and tests of a rule. Words on a card are a patch step, all else a minor one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cds_service.core.rule import Card, Conditions, Line, Suggestion
from cds_service.rulebook.case import Case
from cds_service.rulebook.change import MINOR, PATCH, Change, becomes, gains

_NAMES_TOLD = 3  # tests named in a text


def card_changes(old: Sequence[Card], new: Sequence[Card]) -> Iterator[Change]:
    """Compare cards by their ids; their order counts, for the first that fits is shown."""
    before, after = {each.id: each for each in old}, {each.id: each for each in new}
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was and now:
            yield from _card(was, now)
        elif now:
            yield Change(MINOR, "cards", name, f'is new ({_levels(now)}): "{now.summary}"')
        elif was:
            yield Change(MINOR, "cards", name, f'is gone: "{was.summary}"')
    kept = [[each for each in cards if each in before and each in after] for cards in (before, after)]
    if kept[0] != kept[1]:
        yield Change(MINOR, "cards", "", f"order: {becomes(kept[0], kept[1])}")


def _card(was: Card, now: Card) -> Iterator[Change]:
    yield from _conditions("cards", now.id, was.conditions, now.conditions)
    if was.indicator != now.indicator:
        yield Change(MINOR, "cards", now.id, f"indicator: {becomes(_levels(was), _levels(now))}")
    if was.summary != now.summary:
        yield Change(PATCH, "cards", now.id, f'summary: "{was.summary}" becomes "{now.summary}"')
    yield from _lines(now.id, was.detail, now.detail)
    for key, step in (("source", PATCH), ("override_reasons", MINOR), ("site_may_change", MINOR)):
        text = gains(getattr(was, key), getattr(now, key))
        if text:
            yield Change(step, "cards", now.id, f"{key} {text}")
    if was.links != now.links:
        said = gains([each.label for each in was.links], [each.label for each in now.links]) or "lead elsewhere"
        yield Change(MINOR, "cards", now.id, f"links {said}")
    yield from _suggestions(now.id, was.suggestions, now.suggestions)


def _levels(card: Card) -> str:
    if len(card.indicator) == 1:
        return card.indicator[0][0]
    return ", ".join(f"{level} if {criterion}" if criterion else f"else {level}" for level, criterion in card.indicator)


def _conditions(part: str, name: str, was: Conditions, now: Conditions, of: str = "") -> Iterator[Change]:
    for key in ("if_", "unless", "if_unknown"):
        text = gains(getattr(was, key), getattr(now, key))
        if text:
            step = PATCH if set(getattr(was, key)) == set(getattr(now, key)) else MINOR
            yield Change(step, part, name, f"{of}{key.rstrip('_')} {text}")


def _lines(card: str, old: Sequence[Line], new: Sequence[Line]) -> Iterator[Change]:
    """A line that stands in for another under the same conditions is reworded; any other line is new or gone."""
    more, less = [each for each in new if each not in old], [each for each in old if each not in new]
    for line in less:
        heir = next((each for each in more if each.conditions == line.conditions), None)
        if heir:
            more.remove(heir)
            yield Change(PATCH, "cards", card, f'line: "{line.text}" becomes "{heir.text}"')
        else:
            yield Change(MINOR, "cards", card, f'line is gone: "{line.text}"')
    for line in more:
        yield Change(MINOR, "cards", card, f'line is new: "{line.text}"')
    if old != new and set(old) == set(new):
        yield Change(PATCH, "cards", card, "lines stand in another order")


def _suggestions(card: str, old: Sequence[Suggestion], new: Sequence[Suggestion]) -> Iterator[Change]:
    """Suggestions are the same by their label, else by all the rest."""
    before, after = {each.label: each for each in old}, {each.label: each for each in new}
    for label, now in after.items():
        if label in before:
            yield from _suggestion(card, before[label], now)
    less, more = [each for each in old if each.label not in after], [each for each in new if each.label not in before]
    for was in less:
        heir = next((each for each in more if replace(each, label=was.label) == was), None)
        if heir:
            more.remove(heir)
            yield Change(PATCH, "suggestions", card, f'label: "{was.label}" becomes "{heir.label}"')
        else:
            yield Change(MINOR, "suggestions", card, f'is gone: "{was.label}"')
    for now in more:
        yield Change(MINOR, "suggestions", card, f'is new: "{now.label}"')
    if old != new and set(old) == set(new):
        yield Change(MINOR, "suggestions", card, "stand in another order")


def _suggestion(card: str, was: Suggestion, now: Suggestion) -> Iterator[Change]:
    of = f'"{now.label}" '
    yield from _conditions("suggestions", card, was.conditions, now.conditions, of)
    if was.recommended != now.recommended:
        yield Change(
            MINOR, "suggestions", card, f"{of}is {'recommended now' if now.recommended else 'one of several now'}"
        )
    if (was.create, was.delete) != (now.create, now.delete):
        yield Change(MINOR, "suggestions", card, f"{of}drafts something else")


def test_changes(old: Sequence[Case], new: Sequence[Case]) -> Iterator[Change]:
    """Count tests that are new, gone or changed, list by list; the number of their line does not count."""
    for name in dict.fromkeys(each.list_name for each in (*old, *new)):
        before, after = (
            {each.name: replace(each, line=0) for each in cases if each.list_name == name} for cases in (old, new)
        )
        more, less = [each for each in after if each not in before], [each for each in before if each not in after]
        other = [each for each in after if each in before and before[each] != after[each]]
        said = [_counted(names, word) for names, word in ((more, "new"), (less, "gone"), (other, "changed")) if names]
        if said:
            yield Change(PATCH, "tests", name, "; ".join(said))


def _counted(names: Sequence[str], word: str) -> str:
    told = names[:_NAMES_TOLD]
    more = f" and {len(names) - len(told)} more" if len(names) > len(told) else ""
    return f"{len(names)} {word} ({', '.join(told)}{more})"
