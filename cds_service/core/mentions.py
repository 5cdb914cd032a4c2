"""What is mentioned: criteria and parameters by cards (conditions, levels, suggestions, braces); facts by criteria."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds_service.core.facts import FACTS
from cds_service.core.rule import Conditions, Criterion, Find, Rule

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
        yield from named(card.conditions)
        yield from (criterion for _, criterion in card.indicator if criterion)
        texts = [card.summary]
        for line in card.detail:
            yield from named(line.conditions)
            texts.append(line.text)
        for suggestion in card.suggestions:
            yield from named(suggestion.conditions)
            texts.append(suggestion.label)
            if suggestion.delete:
                yield suggestion.delete
            if suggestion.create:
                texts += (text for text in (suggestion.create.text, suggestion.create.dosage) if text)
                if suggestion.create.reason:
                    yield suggestion.create.reason
        yield from (each.name for text in texts for each in placeholders(text) if each.field)


def named(conditions: Conditions) -> tuple[str, ...]:
    """Name the criteria of conditions, in the order they stand."""
    return (*conditions.if_, *conditions.unless, *conditions.if_unknown)


def searched_facts(
    criteria: Mapping[str, Criterion], members: Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    """Give for each criterion the facts whose rows it could be made of; what only conditions it (`if`) counts not.

    members: name -> the criteria it looks at: those in `find` first, then its conditions.
    """
    known: dict[str, tuple[str, ...]] = {}

    def searched(name: str) -> tuple[str, ...]:
        if name not in known:
            body, sources, facts = criteria[name].body, members[name], list[str]()
            if isinstance(body, Find):
                facts = [each for each in body.find if each in FACTS]
                sources = sources[: len(body.find) - len(facts)]
            known[name] = tuple(dict.fromkeys((*facts, *(fact for each in sources for fact in searched(each)))))
        return known[name]

    return {name: searched(name) for name in criteria}
