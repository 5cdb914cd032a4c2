"""Checks of cards: which can be reached, what stands in for `critical`, and what suggestions draft."""

from collections.abc import Iterator

from cds_service.core.rule import Card, Conditions, Logic, Rule
from cds_service.core.value_set import holds, normalise
from cds_service.rulebook.lint_placeholders import sure_criteria
from cds_service.rulebook.lint_subject import Subject, resolve, row_facts
from cds_service.rulebook.source import RuleProblem


def reach(subject: Subject) -> Iterator[RuleProblem]:
    """unreachable-card, no-default-card, critical-without-fallback, no-otherwise."""
    rule = subject.draft
    if not isinstance(rule, Rule):
        return
    for number, card in enumerate(rule.cards):
        earlier = [each for each in rule.cards[:number] if not _only_critical(each) and _wider(each, card)]
        if earlier:
            text = f"'{earlier[0].id}' is shown whenever '{card.id}' could be"
            yield subject.problem("unreachable-card", ("cards", number, "id"), text)
        later = [each for each in rule.cards[number + 1 :] if not _only_critical(each) and _wider(each, card)]
        if card.indicator and _only_critical(card) and not later:
            text = f"no later card is shown where '{card.id}' is passed over for lack of firm evidence"
            hint = "add a card with the same or fewer conditions below it, or an indicator mapping"
            yield subject.problem("critical-without-fallback", ("cards", number, "indicator"), text, hint)
        if card.indicator and card.indicator[-1][1] is not None:
            text = f"the indicator of '{card.id}' has no `otherwise`"
            hint = "write it at the lowest level, such as {warning: urgent, info: otherwise}"
            yield subject.problem("no-otherwise", ("cards", number, "indicator"), text, hint)
    if rule.cards and not any(_default(subject, each) for each in rule.cards) and not _covered(subject, rule):
        text = "the rule may fire where no card's conditions hold"
        hint = "let the last card stand without conditions"
        yield subject.at_key("no-default-card", ("cards",), text, hint)


def _only_critical(card: Card) -> bool:
    return {level for level, _ in card.indicator} == {"critical"}


def _wider(one: Card, other: Card) -> bool:
    """Whether the conditions of `one` hold wherever those of `other` do, as far as their names tell."""
    mine, its = one.conditions, other.conditions
    return (
        set(mine.if_) <= set(its.if_)
        and set(mine.unless) <= set(its.unless)
        and set(mine.if_unknown) <= set(its.if_unknown)
    )


def _default(subject: Subject, card: Card) -> bool:
    """Whether the card is shown whenever the rule fires and no earlier card is."""
    conditions = card.conditions
    if _only_critical(card) or conditions.unless or conditions.if_unknown:
        return False
    sure = sure_criteria(subject, Conditions())
    owned = [resolve(subject.draft, name, subject.shelf) for name in conditions.if_]
    return all(each is not None and (each[0].id, each[1].name) in sure for each in owned)


def _covered(subject: Subject, rule: Rule) -> bool:
    """Whether some `any` that must hold has a card for each member. On UNKNOWN no member need hold."""
    if "card_with_caveat" in (rule.when.unread, rule.when.doubtful):
        return False
    own = {
        each.conditions.if_[0]
        for each in rule.cards
        if each.conditions == Conditions((each.conditions.if_ or ("",))[:1])
    }
    groups = [rule.when.logic.any]
    for owner, name in sure_criteria(subject, Conditions()):
        body = rule.criteria[name].body if owner == rule.id and name in rule.criteria else None
        if isinstance(body, Logic) and not body.count:
            groups.append(body.any)
    return any(group and set(group) <= own for group in groups)


def suggestions(subject: Subject) -> Iterator[RuleProblem]:
    """unsafe-suggestion, unknown-code, and a `delete` that is no draft order."""
    rule = subject.draft
    if not isinstance(rule, Rule):
        return
    for number, card in enumerate(rule.cards):
        for index, suggestion in enumerate(card.suggestions):
            at = ("cards", number, "suggestions", index)
            if suggestion.delete and resolve(rule, suggestion.delete, subject.shelf):
                facts = row_facts(rule, suggestion.delete, subject.shelf)
                if facts != {"draft-order"}:
                    text = f"'{suggestion.delete}' does not find draft orders only"
                    yield subject.problem("wrong-type", (*at, "delete"), text)
            create = suggestion.create
            if create is None:
                continue
            facts_asked = [row_facts(rule, name, subject.shelf) for name in suggestion.conditions.unless]
            drug = create.resource_type == "MedicationRequest"
            known = all(
                resolve(rule, name, subject.shelf) for name in suggestion.conditions.unless
            )  # else told already
            asked = any("AllergyIntolerance" in each for each in facts_asked)
            if drug and known and not create.do_not_perform and not asked:
                text = f"'{suggestion.label}' drafts a drug without an `unless` on an allergy"
                yield subject.at_key("unsafe-suggestion", (*at, "create"), text)
            if drug and not create.code and not subject.source.has((*at, "create", "code")):
                text = "a MedicationRequest needs a 'code'; only a ServiceRequest may do without"
                yield subject.problem("missing-key", (*at, "create"), text)
            if create.code and not _known(subject, create.code):
                text = f"{create.code[1]} is in no value set of the release"
                yield subject.problem("unknown-code", (*at, "create", "code"), text)


def _known(subject: Subject, code: tuple[str, str]) -> bool:
    coding = normalise(*code)
    return any(holds(each, coding) for each in subject.shelf.value_sets.values())


CHECKS = (reach, suggestions)
