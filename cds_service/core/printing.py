"""Makes the forms of a rule's cards and sentences, once for a release: what no chart changes is set here.

Source: docs/reference/rule-language.md, section 7.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TypeVar

from cds_service.core.card_text import link, parameter_words, shortened, source_words
from cds_service.core.dates import Duration
from cds_service.core.facts import FACTS
from cds_service.core.form import Form, Offer, Printed, Spoken, Text
from cds_service.core.rule import (
    LEVELS,
    Card,
    Criterion,
    Edition,
    Evidence,
    Find,
    Logic,
    Parameter,
    Rule,
    Suggestion,
)
from cds_service.core.value_set import ValueSet

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_.-]*)\}")
_NOT_COUNTED = ("Patient", "draft-order", "this-encounter")
Made = TypeVar("Made")


def text_of(template: str, parameters: Mapping[str, Parameter]) -> Text:
    """Cut a template into words and blanks, its parameters filled in.

    Raises KeyError for a name that is none of them; lint refuses such a rule (`unknown-placeholder`).
    """
    if "{" not in template:
        return Text((template,))
    words, blanks = [""], []
    for before, name, attribute in _parts(template):
        words[-1] += before
        if name:
            words.append("")
            blanks.append((attribute, name))
        elif attribute:
            words[-1] += parameter_words(parameters[attribute])
    return Text(tuple(words), tuple(blanks))


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[str, str, str], ...]:
    """Cut a template into pieces: words, then a criterion and attribute, or "" and a parameter; the last is words."""
    pieces = _PLACEHOLDER.split(template)  # words, a placeholder's inside, words, ...
    insides = [(name, attribute) for name, _, attribute in (each.rpartition(".") for each in pieces[1::2])]
    return tuple((words, *inside) for words, inside in zip(pieces[::2], [*insides, ("", "")], strict=True))


def printed(
    edition: Edition,
    criteria: Mapping[str, tuple[Criterion, Mapping[str, Parameter]]],
    members: Mapping[str, tuple[str, ...]],
    searched: Mapping[str, tuple[str, ...]],
) -> Printed:
    """Print the forms of an edition.

    criteria: by name as the rule writes it, with the parameters of the file that each stands in.
    members, searched: what a Judgement says of each: whom it looks at, which facts' rows it could be made of.
    What names a parameter or a source that is not there is left out. Lint refuses such a rule; if one is served all the
    same, whoever asks for that card or sentence gets a KeyError, and no other is silenced.
    """
    cards = {card.id: card for card in edition.rule.cards}
    return Printed(
        _made(criteria, lambda name: _spoken(*criteria[name], members[name], searched[name], edition.value_sets)),
        _made(cards, lambda name: _form(cards[name], edition.rule, searched)),
    )


def _made(names: Iterable[str], make: Callable[[str], Made]) -> dict[str, Made]:
    made: dict[str, Made] = {}
    for name in names:
        with suppress(LookupError):
            made[name] = make(name)
    return made


def _spoken(
    criterion: Criterion,
    parameters: Mapping[str, Parameter],
    members: tuple[str, ...],
    searched: Iterable[str],
    value_sets: Mapping[str, ValueSet],
) -> Spoken:
    body = criterion.body
    sources = body.find if isinstance(body, Find) else (*body.all, *body.any) if isinstance(body, Logic) else ()
    code_in = body.code_in if isinstance(body, Find) else ()
    return Spoken(
        says=text_of(criterion.says, parameters),
        parameters=parameters,
        bases=members[: sum(each not in FACTS for each in sources)],
        titles=tuple(value_sets[each].title for each in code_in if each in value_sets),
        looked_at=tuple((each, source_words(each)) for each in searched if each not in _NOT_COUNTED),
    )


def _form(card: Card, rule: Rule, searched: Mapping[str, tuple[str, ...]]) -> Form:
    when, conditions = rule.when.logic, card.conditions
    always = dict.fromkeys((*when.all, *conditions.if_))
    resting = (*when.all, *when.any, *conditions.if_)
    at_level = {level: [name for each, name in card.indicator if each == level and name] for level in LEVELS}
    unwanted = dict.fromkeys((*when.none, *conditions.unless))
    known = {each.id: each for each in rule.evidence}
    return Form(
        card=card,
        name=f"{rule.id}@{rule.version}|{card.id}",
        version=f"{rule.id} {rule.version}",
        topics={level: topic_code(rule.id, level) for level in LEVELS},
        summary=text_of(card.summary, rule.parameters),
        held={
            level: tuple((name, name in always) for name in dict.fromkeys((*resting, *names)))
            for level, names in at_level.items()
        },
        unwanted=tuple((name, searched[name] == ("draft-order",)) for name in unwanted),
        detail=tuple((line.conditions, text_of(line.text, rule.parameters)) for line in card.detail),
        cited=_cited(known[name] for name in card.source),
        source=known[card.source[0]],
        offers=tuple(_offer(at, each, rule) for at, each in enumerate(card.suggestions)),
    )


def topic_code(rule_id: str, level: str) -> str:
    """Give the topic of a rule's cards of one level, letters and digits only: "naltrexoneWithOpioidsCritical"."""
    first, *rest = rule_id.split("-")
    return first + "".join(each.capitalize() for each in (*rest, level))


def _cited(evidence: Iterable[Evidence]) -> dict[str, str]:
    """Cite each source once, with the grade under which it is named first."""
    lines: dict[str, str] = {}
    for each in evidence:
        grade = f" (grade {each.grade})" if each.grade else ""
        source = link(each.cite, each.url)
        lines.setdefault(source, f"- {source}{grade}")
    return lines


def _offer(at: int, suggestion: Suggestion, rule: Rule) -> Offer:
    label = text_of(suggestion.label, rule.parameters)
    create, within = suggestion.create, None
    if create is not None and create.within is not None:
        parameter = rule.parameters[create.within]
        within = Duration(int(parameter.value), parameter.unit)
    return Offer(
        conditions=suggestion.conditions,
        label=label if label.blanks else Text((shortened(label.words[0]),)),
        place=str(at),
        recommended=suggestion.recommended,
        create=create,
        within=within,
        delete=suggestion.delete,
    )
