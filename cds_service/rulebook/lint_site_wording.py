"""Checks of the words a site puts on cards: they may stand there, and are as good as a rule's own."""

from collections.abc import Iterator
from dataclasses import replace

from cds_service.core.overlay import WORDING, with_parameters, with_wording
from cds_service.core.rule import Card, Rule
from cds_service.rulebook import lint_names, lint_placeholders, lint_words
from cds_service.rulebook.lint_subject import Subject, uses_of
from cds_service.rulebook.site_file import SiteFile
from cds_service.rulebook.source import Mark, Node, Place, RuleProblem, nearest

_NOWHERE = Mark(0, 0)  # of what the site does not write, so what is found there is not the site's
_CHECKS = (*lint_placeholders.CHECKS, *lint_words.CHECKS, lint_names.sources)


def wording(file: SiteFile, subjects: tuple[Subject, ...]) -> Iterator[RuleProblem]:
    """unknown-rule, unknown-key, site-not-allowed, and what lint asks of a card's texts."""
    rules = [each for each in subjects if isinstance(each.draft, Rule)]
    for name in file.site.wording:
        yield from _allowed(file, name, [each.draft for each in rules if isinstance(each.draft, Rule)])
    for subject in rules:
        yield from _texts(file, subject)


def _allowed(file: SiteFile, name: str, rules: list[Rule]) -> Iterator[RuleProblem]:
    """Say why a part of a card may not be changed: no such rule, no such card, or not in its `site_may_change`."""
    owner, card_id, key = name.split(".")
    mark = file.source.key_mark((WORDING, name))
    versions = [each for each in rules if each.id == owner]
    cards = [card for each in versions for card in each.cards]
    if not versions:
        hint = nearest(owner, [each.id for each in rules])
        yield file.source.problem("unknown-rule", mark, f"no rule '{owner}' in the release", hint)
    elif card_id not in [each.id for each in cards]:
        ids = list(dict.fromkeys(each.id for each in cards))
        hint = nearest(card_id, ids) or f"its cards: {', '.join(ids)}"
        yield file.source.problem("unknown-key", mark, f"'{owner}' has no card '{card_id}'", hint)
    else:
        may = {each for card in cards if card.id == card_id for each in card.site_may_change}
        if key not in may:
            text = f"a site may not change the {key} of card '{card_id}'"
            hint = f"it may change: {', '.join(sorted(may))}" if may else "the card has no `site_may_change`"
            yield file.source.problem("site-not-allowed", mark, text, hint)


def _texts(file: SiteFile, subject: Subject) -> Iterator[RuleProblem]:
    """Look at the cards as the site has them, with the site's words standing where it wrote them."""
    rule = subject.draft
    if not isinstance(rule, Rule):
        return
    said = with_wording(with_parameters(rule, file.site), file.site)
    cards = tuple(card for card in said.cards if _written(file, rule, card))
    if not cards:
        return
    blocks = tuple(Node("block", _NOWHERE, entries=_written(file, rule, card)) for card in cards)
    root = Node("block", _NOWHERE, entries=((_key("cards"), Node("list", _NOWHERE, items=blocks)),))
    draft = replace(said, cards=cards)
    here = replace(subject, draft=draft, uses=tuple(uses_of(draft)), source=replace(file.source, root=root))
    for check in _CHECKS:
        for problem in check(here):
            if problem.line:
                yield problem


def _written(file: SiteFile, rule: Rule, card: Card) -> tuple[tuple[Node, Node], ...]:
    """Give what the site writes of a card: each key with the node of its value."""
    found = []
    for key in card.site_may_change:
        place: Place = (WORDING, f"{rule.id}.{card.id}.{key}", "value")
        node = file.source.node(place) if file.source.has(place) else None
        if node and place[1] in file.site.wording:
            found.append((_key(key), node))
    return tuple(found)


def _key(name: str) -> Node:
    return Node("scalar", _NOWHERE, name)
