"""Makes the forms of a rule's cards and sentences, once for a release: what no chart changes is set here.

Source: docs/reference/rule-language.md, section 7.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from cds_service.core.card_text import link, parameter_words, shortened, source_words
from cds_service.core.dates import Duration
from cds_service.core.form import Form, Offer, Printed, Spoken, Text, checks_of
from cds_service.core.rule import LEVELS, Card, Criterion, Edition, Evidence, Parameter, Rule, Suggestion

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_.-]*)\}")
_NOT_COUNTED = ("Patient", "draft-order", "this-encounter")


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
    searched: Mapping[str, tuple[str, ...]],
) -> Printed:
    """Print the forms of an edition.

    criteria: by name as the rule writes it, with the parameters of the file that each stands in.
    searched: the facts whose rows each could be made of.
    Raises KeyError for a parameter or a source that is not there; lint refuses such a rule.
    """
    spoken = {name: _spoken(criterion, own, searched[name]) for name, (criterion, own) in criteria.items()}
    return Printed(spoken, {card.id: _form(card, edition.rule, searched) for card in edition.rule.cards})


def _spoken(criterion: Criterion, parameters: Mapping[str, Parameter], searched: Iterable[str]) -> Spoken:
    looked_at = tuple((each, source_words(each)) for each in searched if each not in _NOT_COUNTED)
    return Spoken(text_of(criterion.says, parameters), parameters, looked_at)


def _form(card: Card, rule: Rule, searched: Mapping[str, tuple[str, ...]]) -> Form:
    when, conditions = rule.when.logic, card.conditions
    always = (*when.all, *when.any, *conditions.if_)
    at_level = {level: [name for each, name in card.indicator if each == level and name] for level in LEVELS}
    unwanted = dict.fromkeys((*when.none, *conditions.unless))
    known = {each.id: each for each in rule.evidence}
    return Form(
        card=card,
        name=f"{rule.id}@{rule.version}|{card.id}",
        version=f"{rule.id} {rule.version}",
        topics={level: topic_code(rule.id, level) for level in LEVELS},
        summary=text_of(card.summary, rule.parameters),
        held={level: tuple(dict.fromkeys((*always, *names))) for level, names in at_level.items()},
        unwanted=tuple((name, searched[name] == ("draft-order",)) for name in unwanted),
        detail=tuple((checks_of(line.conditions), text_of(line.text, rule.parameters)) for line in card.detail),
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
        checks=checks_of(suggestion.conditions),
        label=label if label.blanks else Text((shortened(label.words[0]),)),
        place=str(at),
        recommended=suggestion.recommended,
        create=create,
        within=within,
        delete=suggestion.delete,
    )
