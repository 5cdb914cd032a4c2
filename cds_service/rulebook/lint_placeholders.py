"""Checks of placeholders: they name something, are guarded, and leave the summary short enough."""

from collections.abc import Iterable, Iterator

from cds_service.core.facts import FACTS
from cds_service.core.rule import Conditions, Criterion, Logic, Rule
from cds_service.rulebook.lint_subject import Subject, is_fact, reached, resolve, row_facts
from cds_service.rulebook.lint_text import card_texts, mark_of, placeholders, without_placeholders
from cds_service.rulebook.source import Place, RuleProblem, nearest

SUMMARY_LIMIT = 140
PARTS = ("display", "date", "days", "value", "length", "count")
_OF_ROWS = ("date", "days", "value", "length")
# How long a placeholder is taken to be when it is filled. A display counts as one name, the longest it can be; where a
# card lists several, the service cuts the summary at a word.
_DRUG_NAME = "buprenorphine / naloxone"
_LONGEST = {"date": "2026-02-28", "days": "28 to 59 days", "value": "201 U/L", "length": "28 to 59 days", "count": "12"}


def named(subject: Subject) -> Iterator[RuleProblem]:
    """unknown-placeholder: in `says` a parameter; on a card a parameter, or a part of a criterion that can have it."""
    draft = subject.draft
    for name, criterion in draft.criteria.items():
        for inside in placeholders(criterion.says):
            if inside not in draft.parameters:
                yield _unknown(subject, ("criteria", name, "says"), inside, nearest(inside, draft.parameters))
    if isinstance(draft, Rule):
        for place, text, _ in card_texts(draft):
            for inside in placeholders(text):
                if inside not in draft.parameters:
                    yield from _part(subject, place, inside)
            rest = without_placeholders(text)
            brace = next((each for each in "{}" if each in rest), "")
            if brace:
                said = f"a {brace} that belongs to no placeholder would be printed"
                mark = mark_of(subject.source, place, brace * 2 if brace * 2 in text else brace)
                yield subject.source.problem("unknown-placeholder", mark, said, "write placeholders in single braces")


def _unknown(subject: Subject, place: Place, inside: str, hint: str) -> RuleProblem:
    mark = mark_of(subject.source, place, f"{{{inside}}}")
    return subject.source.problem("unknown-placeholder", mark, f"'{{{inside}}}' names nothing", hint)


def _part(subject: Subject, place: Place, inside: str) -> Iterator[RuleProblem]:
    draft = subject.draft
    name, dot, part = inside.rpartition(".")
    if _led_nowhere(subject, name):
        return
    if not dot or part not in PARTS or not resolve(draft, name, subject.shelf):
        known = [*draft.parameters, *(f"{each}.{one}" for each in draft.criteria for one in PARTS)]
        yield _unknown(subject, place, inside, nearest(inside, known) or f"parts of a criterion: {', '.join(PARTS)}")
        return
    facts = row_facts(draft, name, subject.shelf)
    if part in _OF_ROWS and not facts:
        yield _unknown(subject, place, inside, f"'{name}' never has rows")
    elif part == "value" and not any("value" in FACTS[each].keys for each in facts):
        yield _unknown(subject, place, inside, f"rows of '{name}' have no value")


def _led_nowhere(subject: Subject, name: str) -> bool:
    """Whether the definition that a criterion is of could not be had; that is told where the file uses it."""
    owner, dot, _ = name.partition(".")
    majors = [each.major for each in subject.draft.uses if each.id == owner]
    written = subject.source.has(("uses", owner))
    return bool(dot) and written and not any((owner, each) in subject.shelf.definitions for each in majors)


def guarded(subject: Subject) -> Iterator[RuleProblem]:
    """unguarded-placeholder: its criterion is in `when.all`, or in an `if` of its line or card, or in their `all`."""
    draft = subject.draft
    if not isinstance(draft, Rule):
        return
    for place, text, conditions in card_texts(draft):
        sure = _sure(subject, (*draft.when.logic.all, *(name for each in conditions for name in each.if_)))
        unsure = _keys(subject, (name for each in conditions for name in (*each.if_unknown, *each.unless)))
        for inside in placeholders(text):
            name, dot, part = inside.rpartition(".")
            owned = resolve(draft, name, subject.shelf) if dot and part in PARTS else None
            if owned is None:
                continue
            key = (owned[0].id, owned[1].name)
            if key not in sure or key in unsure:
                mark = mark_of(subject.source, place, f"{{{inside}}}")
                why = f"'{name}' is not sure to hold here"
                hint = f"write the line as {{if: {name}, text: ...}}, or put '{name}' in `when.all`"
                yield subject.source.problem("unguarded-placeholder", mark, f"'{{{inside}}}' may be empty: {why}", hint)


def _keys(subject: Subject, names: Iterable[str]) -> set[tuple[str, str]]:
    owned = [resolve(subject.draft, name, subject.shelf) for name in names]
    return {(each[0].id, each[1].name) for each in owned if each}


def _sure(subject: Subject, names: Iterable[str]) -> set[tuple[str, str]]:
    """Give the criteria that hold when all of the names do: themselves, and what their `all` lists."""
    sure: set[tuple[str, str]] = set()
    waiting = [owned for name in names if (owned := resolve(subject.draft, name, subject.shelf))]
    while waiting:
        owner, criterion = waiting.pop()
        if (owner.id, criterion.name) not in sure:
            sure.add((owner.id, criterion.name))
            if isinstance(criterion.body, Logic):
                below = (resolve(owner, name, subject.shelf) for name in criterion.body.all)
                waiting += [each for each in below if each]
    return sure


def sure_criteria(subject: Subject, conditions: Conditions) -> set[tuple[str, str]]:
    """Give the criteria that hold whenever the rule fires and the `if` of these conditions does."""
    everyone = subject.draft.when.logic.all if isinstance(subject.draft, Rule) else ()
    return _sure(subject, (*everyone, *conditions.if_))


def summaries(subject: Subject) -> Iterator[RuleProblem]:
    """summary-too-long: 140 characters or more with every placeholder at its longest."""
    if isinstance(subject.draft, Rule):
        for number, card in enumerate(subject.draft.cards):
            filled = card.summary
            for inside in placeholders(card.summary):
                filled = filled.replace(f"{{{inside}}}", _longest(subject, inside))
            if len(filled) >= SUMMARY_LIMIT:
                text = f"the summary can reach {len(filled)} characters; wanted fewer than {SUMMARY_LIMIT}"
                yield subject.problem("summary-too-long", ("cards", number, "summary"), text)


def _longest(subject: Subject, inside: str) -> str:
    parameter = subject.draft.parameters.get(inside)
    if parameter:
        return max((f"{each:g} {parameter.unit}" for each in (*parameter.range, parameter.value)), key=len)
    name, _, part = inside.rpartition(".")
    return max(_displays(subject, name), key=len) if part == "display" else _LONGEST.get(part, "")


def _displays(subject: Subject, name: str) -> set[str]:
    """Give the names that {c.display} can print: labels, titles of value sets, the name of a drug."""
    start = resolve(subject.draft, name, subject.shelf)
    if start and start[1].label and isinstance(start[1].body, Logic):
        return {start[1].label}
    found = {""}
    for _, criterion in reached(subject.draft, (name,), subject.shelf).values():
        found |= _own_displays(subject, criterion)
    return found


def _own_displays(subject: Subject, criterion: Criterion) -> set[str]:
    if criterion.label:
        return {criterion.label}
    facts = [each for each in getattr(criterion.body, "find", ()) if is_fact(each)]
    if {"medication-use", "draft-order"} & set(facts):
        return {_DRUG_NAME}
    sets = [subject.shelf.value_sets.get(each) for each in getattr(criterion.body, "code_in", ())]
    return {each.title for each in sets if each} if facts else set()


CHECKS = (named, guarded, summaries)
