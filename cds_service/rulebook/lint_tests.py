"""Checks of the inline tests: names, status words, and stops that are named."""

from collections.abc import Iterator

from cds_service.core.facts import FACTS, HOOKS
from cds_service.core.rule import Rule
from cds_service.rulebook.case import DEFINITION_LISTS, RULE_LISTS
from cds_service.rulebook.lint_names import criterion, value_set
from cds_service.rulebook.lint_subject import Subject, Use
from cds_service.rulebook.source import Node, Place, RuleProblem, nearest

ABSENT = "unknown"  # a test row's status that is absent or cannot be told
OTHER = "other"  # an answer or reason that is in no value set


def _items(node: Node | None, place: Place) -> Iterator[tuple[Node, Place]]:
    """Give the items of a list with their places; a single item stands for a list of one."""
    if node is not None:
        for number, each in enumerate(node.items if node.kind == "list" else (node,)):
            yield each, (*place, number)


def stops(subject: Subject) -> Iterator[RuleProblem]:
    """test-without-because, and names in `because` and `of` that lead nowhere."""
    draft = subject.draft
    rule = draft if isinstance(draft, Rule) else None
    logic = rule.when.logic if rule else None
    members = {*logic.all, *logic.any, *logic.none} if logic else set()
    for list_name in RULE_LISTS if rule else DEFINITION_LISTS:
        for test, place in _items(subject.source.node(("tests", list_name)), ("tests", list_name)):
            if not subject.source.has(place):
                continue
            stopped = rule is not None and list_name in ("must_not_fire", "cannot_tell")
            if stopped and test.kind == "block" and not test.get("because"):
                text = "the test does not say what stops the rule, in 'because'"
                yield subject.problem("test-without-because", place, text)
            for key in ("because", "of"):
                for each, at in _items(test.get(key), (*place, key)):
                    found = list(criterion(subject, Use("criterion", each.text, at)))
                    yield from found
                    if not found and key == "because" and list_name == "must_not_fire" and each.text not in members:
                        text = f"'{each.text}' is no member of `when`, so it cannot stop the rule by itself"
                        hint = nearest(each.text, members) or f"members: {', '.join(sorted(members))}"
                        yield subject.problem("unknown-criterion", at, text, hint)


def charts(subject: Subject) -> Iterator[RuleProblem]:
    """unknown-value-set, unpinned and unknown-status in the rows of tests."""
    for chart, place in _charts(subject):
        for key, rows in chart.entries:
            fact = FACTS.get(key.text)
            if fact is None:
                continue
            for row, at in _items(rows, (*place, key.text)):
                yield from _row(subject, row, at, fact.name)


def cards(subject: Subject) -> Iterator[RuleProblem]:
    """unknown-card: a test waits for a card, or for a suggestion, that the rule does not have."""
    rule = subject.draft
    if not isinstance(rule, Rule) or not rule.cards:
        return
    ids = [each.id for each in rule.cards]
    labels = [suggestion.label for each in rule.cards for suggestion in each.suggestions]
    for list_name in RULE_LISTS:
        for test, place in _items(subject.source.node(("tests", list_name)), ("tests", list_name)):
            for each, at in _items(test.get("card"), (*place, "card")):
                if each.text not in ids:
                    hint = nearest(each.text, ids) or f"cards: {', '.join(ids)}"
                    yield subject.problem("unknown-card", at, f"the rule has no card '{each.text}'", hint)
            for each, at in _items(test.get("suggests"), (*place, "suggests")):
                if each.text not in labels:
                    text = f"no card of the rule suggests '{each.text}'"
                    yield subject.problem("unknown-card", at, text, nearest(each.text, labels))


def moments(subject: Subject) -> Iterator[RuleProblem]:
    """hook-not-run, in a chart: a test at a hook that the rule does not run at shows nothing."""
    hooks = subject.draft.hooks if isinstance(subject.draft, Rule) else ()
    for chart, place in _charts(subject):
        hook = chart.get("hook")
        if hooks and hook and hook.text in HOOKS and hook.text not in hooks:
            text = f"the rule does not run at {hook.text}"
            yield subject.problem("hook-not-run", (*place, "hook"), text, f"it runs at {', '.join(hooks)}")


def _row(subject: Subject, row: Node, at: Place, fact: str) -> Iterator[RuleProblem]:
    for key in ("in", "answer", "reason"):
        for each, where in _items(row.get(key), (*at, key)):
            if each.text != OTHER or key == "in":
                yield from value_set(subject, Use("value-set", each.text, where))
    status = row.get("status")
    words = FACTS[fact].statuses
    if status is not None and status.text not in (*words, ABSENT):
        hint = nearest(status.text, words) or (f"words: {', '.join(words)}" if words else "it has no `status`")
        text = f"'{status.text}' is no status word of {fact}"
        yield subject.problem("unknown-status", (*at, "status"), text, hint)


def _charts(subject: Subject) -> Iterator[tuple[Node, Place]]:
    """Give `base` and each `but`."""
    tests = subject.source.node(("tests",)) if subject.source.has(("tests",)) else None
    for key, value in tests.entries if tests else ():
        if key.text == "base":
            yield value, ("tests", "base")
            continue
        for test, place in _items(value, ("tests", key.text)):
            but = test.get("but")
            if but is not None:
                yield but, (*place, "but")


CHECKS = (stops, cards, charts, moments)
