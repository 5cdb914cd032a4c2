"""The criteria and parameters that a rule's cards speak of: in conditions, levels, suggestions and braces."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.core.rule import Conditions, Rule

FIELDS = ("display", "date", "days", "value", "length", "count")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What stands between braces: a parameter (`field` is empty) or a field of a criterion."""

    name: str
    field: str


def placeholders(text: str) -> list[Placeholder]:
    """List the placeholders of a text, in order: "{oud.date}" names criterion `oud`, "{test_days}" a parameter."""
    found = []
    for inner in _PLACEHOLDER.findall(text):
        name, dot, field = inner.rpartition(".")
        found.append(Placeholder(name, field) if dot and field in FIELDS else Placeholder(inner, ""))
    return found


def criteria_of_cards(rule: Rule) -> frozenset[str]:
    """Name every criterion that the cards of `rule` mention."""
    return frozenset(_mentions(rule))


def _mentions(rule: Rule) -> Iterator[str]:
    for card in rule.cards:
        yield from _named(card.conditions)
        yield from (criterion for _, criterion in card.indicator if criterion)
        texts = [card.summary]
        for line in card.detail:
            yield from _named(line.conditions)
            texts.append(line.text)
        for suggestion in card.suggestions:
            yield from _named(suggestion.conditions)
            texts.append(suggestion.label)
            if suggestion.delete:
                yield suggestion.delete
            if suggestion.create:
                texts += (text for text in (suggestion.create.text, suggestion.create.dosage) if text)
                if suggestion.create.reason:
                    yield suggestion.create.reason
        yield from (each.name for text in texts for each in placeholders(text) if each.field)


def _named(conditions: Conditions) -> tuple[str, ...]:
    return (*conditions.if_, *conditions.unless, *conditions.if_unknown)
