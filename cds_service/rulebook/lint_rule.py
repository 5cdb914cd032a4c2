"""Checks of a file as a whole: what is reached, attributes, evidence, review, and silence when it cannot tell."""

from collections.abc import Iterator
from datetime import date

from cds_service.core.facts import ORDER_HOOKS
from cds_service.core.rule import Definition, Find, Logic, Rule
from cds_service.rulebook.lint_subject import Subject, Use, card_uses, reached, resolve, row_facts, uses_of
from cds_service.rulebook.lint_text import card_texts, placeholders
from cds_service.rulebook.reader_forms import SETTINGS
from cds_service.rulebook.source import RuleProblem

# Source attributes of which it can be told from the keys of criteria whether they are read, and the key that does.
_READ_BY = {"sex": "sex", "date_of_birth": "age"}
_NEVER_READ = ("race", "ethnicity", "language", "sexual_orientation", "gender_identity")


def use(subject: Subject) -> Iterator[RuleProblem]:
    """unused-criterion: neither `when` nor a card of the rule leads to it. Those of definitions are for others."""
    rule = subject.draft
    if not isinstance(rule, Rule):
        return
    logic = rule.when.logic
    start = {*logic.all, *logic.any, *logic.none}
    start |= {each.name for each in card_uses(rule) if each.kind == "criterion"}
    start |= {inside.rpartition(".")[0] for _, text, _ in card_texts(rule) for inside in placeholders(text)}
    used = reached(rule, tuple(start - {""}), subject.shelf)
    for name in rule.criteria:
        if (rule.id, name) not in used:
            yield subject.at_key("unused-criterion", ("criteria", name), f"nothing leads to '{name}'")


def silence(subject: Subject) -> Iterator[RuleProblem]:
    """silent-when-unknown: a draft order in `when.all`, itself or in an `all`, wants `card_with_caveat`."""
    rule = subject.draft
    if not isinstance(rule, Rule) or {rule.when.unread, rule.when.doubtful} == {"card_with_caveat"}:
        return
    order = next((name for name in rule.when.logic.all if _asks_for_order(subject, rule, name, set())), None)
    if order:
        text = f"'{order}' looks for an order: silence at signing would read as clearance"
        yield subject.problem("silent-when-unknown", ("when", "if_unknown"), text, "write if_unknown: card_with_caveat")


def _asks_for_order(subject: Subject, draft: Rule | Definition, name: str, seen: set[str]) -> bool:
    owned = resolve(draft, name, subject.shelf)
    if owned is None or name in seen:
        return False
    seen.add(name)
    if isinstance(owned[1].body, Logic):
        return any(_asks_for_order(subject, owned[0], each, seen) for each in owned[1].body.all)
    return isinstance(owned[1].body, Find) and "draft-order" in row_facts(draft, name, subject.shelf)


def settings(subject: Subject) -> Iterator[RuleProblem]:
    """settings-missing: an order in the clinic, in the hospital and around an operation are not the same."""
    rule = subject.draft
    if isinstance(rule, Rule) and set(ORDER_HOOKS) & set(rule.hooks) and not subject.source.has(("settings",)):
        text = "the rule runs at an order hook, but does not say what it does in each care setting"
        yield subject.at_key("settings-missing", ("hooks",), text, f"add `settings` with {', '.join(SETTINGS)}")


def attributes(subject: Subject) -> Iterator[RuleProblem]:
    """attribute-mismatch, as far as keys tell; `sdoh` and `health_status_assessments` are the author's word."""
    rule = subject.draft
    if not isinstance(rule, Rule):
        return
    names = (*rule.criteria, *(each.name for each in uses_of(rule) if each.kind == "criterion"))
    read = reached(rule, names, subject.shelf).values()
    for attribute, key in _READ_BY.items():
        place = ("attributes", attribute)
        readers = [criterion.name for _, criterion in read if getattr(criterion.body, key, None)]
        if readers and not rule.attributes.get(attribute):
            text = f"'{attribute}' is false, but '{readers[0]}' reads it"
            yield subject.problem("attribute-mismatch", place, text, "say in a phrase how it is used")
        elif rule.attributes.get(attribute) and not readers:
            yield subject.problem("attribute-mismatch", place, f"no criterion reads '{attribute}'", "write false")
    for attribute in _NEVER_READ:
        if rule.attributes.get(attribute):
            text = f"no key of the rule language reads '{attribute}'"
            yield subject.problem("attribute-mismatch", ("attributes", attribute), text, "write false")


def evidence(subject: Subject) -> Iterator[RuleProblem]:
    """unsupported: the cards, and every parameter or a criterion that uses it, need evidence."""
    draft = subject.draft
    supported = {name for each in draft.evidence for name in each.supports}
    if isinstance(draft, Rule) and draft.cards and "cards" not in supported:
        yield subject.at_key("unsupported", ("cards",), "no evidence supports the cards", "name `cards` in `supports`")
    users: dict[str, set[str]] = {}
    for each in uses_of(draft):
        if each.kind == "parameter":
            users.setdefault(each.name, set()).add(_user(each))
    for name in draft.parameters:
        if not supported & {name, *users.get(name, {"cards"})}:
            text = f"no evidence supports '{name}' or a criterion that uses it"
            yield subject.at_key("unsupported", ("parameters", name), text, "name it in `supports`")


def _user(use: Use) -> str:
    return str(use.place[1]) if use.place[0] == "criteria" else "cards"


def review(subject: Subject) -> Iterator[RuleProblem]:
    """not-reviewed, and a review without the day it is due again."""
    draft = subject.draft
    if draft.reviewed and not draft.review_due:
        text = "the file is reviewed, so 'review_due' is required"
        yield subject.at_key("missing-key", ("reviewed",), text)
    if isinstance(draft, Rule) and not draft.reviewed and subject.source.has(("reviewed",)):
        yield subject.at_key("not-reviewed", ("reviewed",), "no clinician has reviewed this version yet")


def overdue(subject: Subject, today: date) -> Iterator[RuleProblem]:
    """review-overdue."""
    due = subject.draft.review_due
    if due and due < today.isoformat():
        yield subject.problem("review-overdue", ("review_due",), f"the review was due on {due}")


CHECKS = (use, silence, settings, attributes, evidence, review)
