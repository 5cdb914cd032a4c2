"""The texts of a file and the placeholders in them."""

import re
from collections.abc import Iterator

from cds_service.core.rule import Conditions, Rule
from cds_service.rulebook.source import Mark, Place, Source

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(text: str) -> list[str]:
    """Give what stands in braces, in order."""
    return _PLACEHOLDER.findall(text)


def without_placeholders(text: str) -> str:
    """Give what is left of a text without its placeholders."""
    return _PLACEHOLDER.sub("", text)


def card_texts(rule: Rule) -> Iterator[tuple[Place, str, tuple[Conditions, ...]]]:
    """Give each text of a card that is filled: its place, the text, and the conditions under which it is shown."""
    for number, card in enumerate(rule.cards):
        yield ("cards", number, "summary"), card.summary, (card.conditions,)
        for index, line in enumerate(card.detail):
            place: Place = ("cards", number, "detail", index, "text")
            yield place, line.text, (card.conditions, line.conditions)
        for index, suggestion in enumerate(card.suggestions):
            place = ("cards", number, "suggestions", index, "label")
            yield place, suggestion.label, (card.conditions, suggestion.conditions)


def mark_of(source: Source, place: Place, part: str) -> Mark:
    """Give where a part of the text at a place is written; the beginning of the text when it is folded or escaped."""
    start = source.mark(place)
    for line in range(start.line, min(start.line + 40, len(source.lines) + 1)):
        column = source.lines[line - 1].find(part, start.column - 1 if line == start.line else 0)
        if column >= 0:
            return Mark(line, column + 1)
    return start
