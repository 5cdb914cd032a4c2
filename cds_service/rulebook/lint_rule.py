"""Checks of a file as a whole: what is reached, attributes, evidence, review, and silence when it cannot tell."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from cds_service.core.facts import HOOKS, ORDER_HOOKS
from cds_service.core.rule import Definition, Find, Hook, Logic, Rule
from cds_service.rulebook.case import RULE_LISTS
from cds_service.rulebook.lint_subject import Owned, Subject, Use, card_uses, reached, resolve, row_facts
from cds_service.rulebook.lint_text import card_texts, placeholders
from cds_service.rulebook.reader_forms import SETTINGS
from cds_service.rulebook.source import Place, RuleProblem

# Source attributes of which it can be told from the keys of criteria whether they are read, and the key that does.
_READ_BY = {"sex": "sex", "date_of_birth": "age"}
_NEVER_READ = ("race", "ethnicity", "language", "sexual_orientation", "gender_identity")


def use(subject: Subject) -> Iterator[RuleProblem]:
    """unused-criterion: neither `when` nor a card of the rule leads to it. Those of definitions are for others."""
    rule = subject.draft
    if not isinstance(rule, Rule):
        return
    used = _led_to(subject, rule)
    for name in rule.criteria:
        if (rule.id, name) not in used:
            yield subject.at_key("unused-criterion", ("criteria", name), f"nothing leads to '{name}'")


def _led_to(subject: Subject, rule: Rule) -> Mapping[tuple[str, str], Owned]:
    """Give the criteria that `when` or a card leads to, by (file id, name)."""
    logic = rule.when.logic
    start = {*logic.all, *logic.any, *logic.none}
    start |= {each.name for each in card_uses(rule) if each.kind == "criterion"}
    start |= {inside.rpartition(".")[0] for _, text, _ in card_texts(rule) for inside in placeholders(text)}
    return reached(rule, tuple(start - {""}), subject.shelf)


def never_holds(subject: Subject) -> Iterator[RuleProblem]:
    """never-holds: one criterion stands in `all` and in `none` of one logic."""
    draft = subject.draft
    logics: list[tuple[Place, object]] = [(("criteria", name), each.body) for name, each in draft.criteria.items()]
    if isinstance(draft, Rule):
        logics.append((("when",), draft.when.logic))
    for place, logic in logics:
        if isinstance(logic, Logic):
            for number, name in enumerate(logic.none):
                if name in logic.all:
                    text = f"'{name}' stands in `all` as well, so this can never hold"
                    yield subject.problem("never-holds", (*place, "none", number), text, "leave it in one of them")


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
    names = (*rule.criteria, *(each.name for each in subject.uses if each.kind == "criterion"))
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
    """unsupported: each card, and every parameter or a criterion that uses it, need evidence."""
    draft = subject.draft
    supported = {name for each in draft.evidence for name in each.supports}
    if isinstance(draft, Rule) and draft.cards and "cards" not in supported:
        yield subject.at_key("unsupported", ("cards",), "no evidence supports the cards", "name `cards` in `supports`")
    elif isinstance(draft, Rule):
        yield from _baseless(subject, draft)
    users: dict[str, set[str]] = {}
    for each in subject.uses:
        if each.kind == "parameter":
            users.setdefault(each.name, set()).add(_user(each))
    for name in draft.parameters:
        if not supported & {name, *users.get(name, {"cards"})}:
            text = f"no evidence supports '{name}' or a criterion that uses it"
            yield subject.at_key("unsupported", ("parameters", name), text, "name it in `supports`")


def _baseless(subject: Subject, rule: Rule) -> Iterator[RuleProblem]:
    """Tell a card whose sources are there, and of which none supports the cards."""
    known = {each.id: "cards" in each.supports for each in rule.evidence}
    for number, card in enumerate(rule.cards):
        if card.source and all(each in known and not known[each] for each in card.source):
            text = f"no source of '{card.id}' supports the cards"
            hint = "name a source that does, or add `cards` to its `supports`"
            yield subject.problem("unsupported", ("cards", number, "source"), text, hint)


def idle_evidence(subject: Subject) -> Iterator[RuleProblem]:
    """unused-evidence: it supports the cards but none names it, or only criteria and parameters that nothing uses."""
    draft = subject.draft
    if isinstance(draft, Rule):
        working = {local for owner, local in _led_to(subject, draft) if owner == draft.id}
    else:
        working = set(draft.criteria)
    working |= {each.name for each in subject.uses if each.kind == "parameter"}
    for number, each in enumerate(draft.evidence):
        shown = isinstance(draft, Rule) and any(each.id in card.source for card in draft.cards)
        known = {*draft.criteria, *draft.parameters, "cards"}
        if each.supports and not shown and known.issuperset(each.supports) and working.isdisjoint(each.supports):
            text = f"nothing that is shown or used rests on '{each.id}'"
            hint = "name it in a card's `source`" if "cards" in each.supports else ""
            yield subject.problem("unused-evidence", ("evidence", number, "id"), text, hint)


def entries(subject: Subject) -> Iterator[RuleProblem]:
    """duplicate-entry: evidence, cards, and tests of one list, by what tells them apart."""
    lists: list[tuple[Place, str]] = [(("evidence",), "id"), (("cards",), "id")]
    for place, key in (*lists, *((("tests", name), "name") for name in RULE_LISTS)):
        listed = subject.source.node(place) if subject.source.has(place) else None
        seen: set[str] = set()
        for number, each in enumerate(listed.items if listed else ()):
            said = each.get(key)
            if said and said.text in seen:
                text = f"another entry of this list has the {key} '{said.text}' already"
                yield subject.problem("duplicate-entry", (*place, number, key), text, f"give each its own {key}")
            seen.add(said.text if said else "")


def moments(subject: Subject) -> Iterator[RuleProblem]:
    """hook-not-run, in a hook criterion: it could never hold there. Those of tests are told by lint_tests."""
    rule = subject.draft
    if not isinstance(rule, Rule) or not rule.hooks:
        return
    hint = f"it runs at {', '.join(rule.hooks)}"
    for name, criterion in rule.criteria.items():
        for number, hook in enumerate(criterion.body.hook if isinstance(criterion.body, Hook) else ()):
            if hook in HOOKS and hook not in rule.hooks:
                place = ("criteria", name, "hook", number)
                yield subject.problem("hook-not-run", place, f"the rule does not run at {hook}", hint)


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


def ahead(subject: Subject, today: date) -> Iterator[RuleProblem]:
    """review-ahead: of a day after the next, for somewhere it is tomorrow already. `released` may be planned."""
    day = (subject.draft.reviewed or {}).get("date", "")
    if day > (today + timedelta(days=1)).isoformat():
        text = f"the day of the review, {day}, is still to come"
        yield subject.problem("review-ahead", ("reviewed", "date"), text, "write null until it has been reviewed")


CHECKS = (use, never_holds, silence, settings, attributes, evidence, idle_evidence, entries, moments, review)
