"""Checks of find criteria: keys and status words that fit the facts, value keys, criteria without rows."""

from collections.abc import Iterator

from cds_service.core.facts import FACTS
from cds_service.core.rule import Find, Logic, Rule
from cds_service.rulebook.lint_subject import Subject, is_fact, resolve, row_facts
from cds_service.rulebook.source import Place, RuleProblem, nearest

_FIELDS = {
    "code_in": "code_in", "code_not_in": "code_not_in", "status": "status", "clinicalStatus": "clinical_status",
    "verificationStatus": "verification_status", "category_not": "category_not", "reason_in": "reason_in",
    "age": "age", "sex": "sex", "covers": "covers", "stale_after": "stale_after", "merge_gaps": "merge_gaps",
    "length": "length", "ending": "ending", "during_last": "during_last", "since_start": "since_start",
    "started_since": "started_since", "latest": "latest", "value": "value", "per_upper_limit": "per_upper_limit",
    "plausible": "plausible", "answer_in": "answer_in", "answer_not_in": "answer_not_in",
}  # fmt: skip
# A state has no end: in a pool with events these keys would silently mean something else for it.
_STATES = frozenset({"Condition", "AllergyIntolerance", "Patient"})
_NO_END = "a state has no end; `since_start` asks when it began, `clinicalStatus` how it is now"
_NEVER_FOR_STATES = frozenset({"covers", "stale_after", "merge_gaps", "length", "ending", "during_last"})


def _finds(subject: Subject) -> Iterator[tuple[str, Find]]:
    for name, criterion in subject.draft.criteria.items():
        if isinstance(criterion.body, Find):
            yield name, criterion.body


def _facts(subject: Subject, body: Find) -> list[str]:
    facts = {fact for name in body.find for fact in row_facts(subject.draft, name, subject.shelf)}
    return sorted(facts)


def keys(subject: Subject) -> Iterator[RuleProblem]:
    """key-not-for-fact: no pooled fact can have the key, or the key wants an end and a state is in the pool."""
    for name, body in _finds(subject):
        facts = _facts(subject, body)
        for key, field in _FIELDS.items():
            if not facts or not getattr(body, field):
                continue
            without = [each for each in facts if key not in FACTS[each].keys]
            states = [each for each in without if each in _STATES and key in _NEVER_FOR_STATES]
            if states or len(without) == len(facts):
                told = " and ".join(states or without)
                hint = (
                    _NO_END
                    if states
                    else f"facts that can: {', '.join(each for each in FACTS if key in FACTS[each].keys)}"
                )
                yield subject.at_key("key-not-for-fact", ("criteria", name, key), f"{told} cannot have '{key}'", hint)


def statuses(subject: Subject) -> Iterator[RuleProblem]:
    """unknown-status, status-misses-fact."""
    for name, body in _finds(subject):
        facts = [each for each in _facts(subject, body) if FACTS[each].statuses]
        if not body.status or not facts:
            continue
        words = {word for each in facts for word in FACTS[each].statuses}
        for index, word in enumerate(body.status):
            if word not in words:
                text = f"'{word}' is no status word of {' or '.join(facts)}"
                hint = nearest(word, words) or f"words: {', '.join(sorted(words))}"
                yield subject.problem("unknown-status", ("criteria", name, "status", index), text, hint)
        if words & set(body.status):
            for fact in facts:
                if not set(body.status) & set(FACTS[fact].statuses):
                    text = f"no status word of {fact} is listed, so none of its rows can pass"
                    hint = f"words of {fact}: {', '.join(FACTS[fact].statuses)}"
                    yield subject.problem("status-misses-fact", ("criteria", name, "status"), text, hint)


def values(subject: Subject) -> Iterator[RuleProblem]:
    """answers-in-pairs, latest-without-value, and keys that say nothing without `value`."""
    for name, body in _finds(subject):
        at = ("criteria", name)
        if bool(body.answer_in) != bool(body.answer_not_in):
            given, absent = ("answer_in", "answer_not_in") if body.answer_in else ("answer_not_in", "answer_in")
            yield subject.at_key("answers-in-pairs", (*at, given), f"'{given}' stands without '{absent}'")
        if body.latest and not (body.value or body.answer_in or body.answer_not_in):
            text = "'latest' stands without 'value' or answers: nothing judges the row"
            yield subject.at_key("latest-without-value", (*at, "latest"), text)
        for key in ("per_upper_limit", "plausible"):
            if getattr(body, key) and not body.value:
                yield subject.at_key("missing-key", (*at, key), f"'{key}' stands without 'value'")
    for name, criterion in subject.draft.criteria.items():
        if isinstance(criterion.body, Logic) and criterion.body.count and not criterion.body.any:
            place = ("criteria", name, "count")
            yield subject.at_key("missing-key", place, "'count' stands without 'any', whose members it counts")


def rows(subject: Subject) -> Iterator[RuleProblem]:
    """no-rows: `find` or `started_since` of a criterion that never has rows."""
    for name, body in _finds(subject):
        places: list[tuple[str, Place]] = [
            (each, ("criteria", name, "find", index)) for index, each in enumerate(body.find)
        ]
        if body.started_since and body.started_since != "today":
            places.append((body.started_since, ("criteria", name, "started_since")))
        for each, place in places:
            known = not is_fact(each) and resolve(subject.draft, each, subject.shelf)
            if known and not row_facts(subject.draft, each, subject.shelf):
                yield subject.problem("no-rows", place, f"'{each}' never has rows", "use it in `all` or `if`")


def order_hooks(subject: Subject) -> Iterator[RuleProblem]:
    """order-without-hook: orders are looked for at moments that bring none."""
    if isinstance(subject.draft, Rule) and not {"order-select", "order-sign"} & set(subject.draft.hooks):
        for name, body in _finds(subject):
            if "draft-order" in body.find:
                place = ("criteria", name, "find", body.find.index("draft-order"))
                text = "a draft order is looked for, but `hooks` has no order hook"
                yield subject.problem("order-without-hook", place, text, "add order-select or order-sign to `hooks`")


CHECKS = (keys, statuses, values, rows, order_hooks)
