"""Checks that every name leads somewhere: parameters, criteria, facts, value sets, definitions, sources, rules."""

from collections.abc import Iterator

from cds_service.core.facts import FACTS
from cds_service.core.rule import Rule
from cds_service.rulebook.lint_subject import Owned, Subject, Use, below, is_fact, resolve
from cds_service.rulebook.source import RuleProblem, nearest


def names(subject: Subject) -> Iterator[RuleProblem]:
    """unknown-parameter, unknown-criterion, unknown-fact, unknown-value-set; unpinned once for each value set."""
    unpinned: set[str] = set()
    for use in subject.uses:
        match use.kind:
            case "parameter":
                yield from _parameter(subject, use)
            case "value-set":
                if use.name not in unpinned:
                    yield from value_set(subject, use)
                if use.name in subject.shelf.other_sets:
                    unpinned.add(use.name)
            case "rows" if is_fact(use.name):
                if use.name not in FACTS:
                    hint = nearest(use.name, (*FACTS, *subject.draft.criteria)) or f"facts: {', '.join(FACTS)}"
                    yield subject.problem("unknown-fact", use.place, f"no fact '{use.name}'", hint)
            case _:
                yield from criterion(subject, use)


def _parameter(subject: Subject, use: Use) -> Iterator[RuleProblem]:
    known = subject.draft.parameters
    if use.name not in known:
        hint = nearest(use.name, known)
        yield subject.problem("unknown-parameter", use.place, f"no parameter '{use.name}'", hint)


def value_set(subject: Subject, use: Use) -> Iterator[RuleProblem]:
    """Say when a value set does not exist, or exists and is not in the release."""
    shelf = subject.shelf
    if use.name in shelf.set_ids:
        return
    if use.name in shelf.other_sets:
        text = f"the release does not pin the value set '{use.name}'"
        yield subject.problem("unpinned", use.place, text, "name its version under `value_sets` of release.yaml")
    else:
        hint = nearest(use.name, sorted(shelf.set_ids | shelf.other_sets)) or "value sets stand in value-sets/<id>"
        yield subject.problem("unknown-value-set", use.place, f"no value set '{use.name}'", hint)


def criterion(subject: Subject, use: Use) -> Iterator[RuleProblem]:
    """Say when a criterion does not exist; a definition that is missing as a whole is told at `uses`."""
    draft, shelf = subject.draft, subject.shelf
    if resolve(draft, use.name, shelf):
        return
    owner, dot, local = use.name.partition(".")
    if not dot:
        hint = nearest(use.name, (*draft.criteria, *(FACTS if use.kind == "rows" else ())))
        if not hint:
            dotted = [f"{each.id}.{use.name}" for each in draft.uses if resolve(draft, f"{each.id}.{use.name}", shelf)]
            hint = f"did you mean '{dotted[0]}'?" if dotted else ""
        yield subject.problem("unknown-criterion", use.place, f"no criterion '{use.name}'", hint)
        return
    majors = [each.major for each in draft.uses if each.id == owner]
    if not majors and subject.source.has(("uses", owner)):
        return  # its version could not be read, which is told
    if not majors:
        hint = nearest(owner, [each.id for each in draft.uses]) or f"name '{owner}' under `uses`"
        yield subject.problem("unknown-criterion", use.place, f"'{owner}' is not under `uses`", hint)
    elif (owner, majors[0]) in shelf.definitions:
        known = shelf.definitions[owner, majors[0]].draft.criteria
        text = f"'{owner}' {majors[0]} has no criterion '{local}'"
        yield subject.problem("unknown-criterion", use.place, text, nearest(local, known))


def definitions(subject: Subject) -> Iterator[RuleProblem]:
    """definition-version, unpinned."""
    shelf = subject.shelf
    for each in subject.draft.uses:
        place = ("uses", each.id)
        majors = sorted(major for name, major in shelf.definitions if name == each.id)
        if each.major in majors:
            continue
        if majors:
            listed = ", ".join(str(major) for major in majors)
            text = f"the release has no '{each.id}' {each.major}"
            yield subject.problem("definition-version", place, text, f"released: {listed}")
        elif each.id in shelf.definition_ids:
            text = f"the release does not pin the definition '{each.id}'"
            hint = "name its version under `definitions` of release.yaml"
            yield subject.at_key("unpinned", place, text, hint)
        else:
            hint = nearest(each.id, shelf.definition_ids)
            yield subject.at_key("definition-version", place, f"no definition '{each.id}'", hint)


def loops(subject: Subject) -> Iterator[RuleProblem]:
    """criterion-loop: each loop is told once, at the criterion of this file that closes it."""
    finished: set[tuple[str, str]] = set()
    for name in subject.draft.criteria:
        trail: list[tuple[str, str]] = []
        found = resolve(subject.draft, name, subject.shelf)
        loop = _loop(found, trail, finished, subject) if found else None
        if loop:
            here = next((local for owner, local in loop if owner == subject.draft.id), name)
            text = f"'{here}' leads back to itself: {' -> '.join(local for _, local in (*loop, loop[0]))}"
            yield subject.at_key("criterion-loop", ("criteria", here), text)


def _loop(
    owned: Owned, trail: list[tuple[str, str]], finished: set[tuple[str, str]], subject: Subject
) -> list[tuple[str, str]] | None:
    """Walk down from a criterion; give the first loop met, else mark all as finished."""
    key = (owned[0].id, owned[1].name)
    if key in trail:
        return trail[trail.index(key) :]
    if key in finished:
        return None
    trail.append(key)
    for _, each in below(owned, subject.shelf):
        loop = _loop(each, trail, finished, subject)
        if loop:
            finished.update(loop)
            return loop
    trail.pop()
    finished.add(key)
    return None


def definition_loops(subject: Subject) -> Iterator[RuleProblem]:
    """definition-loop: told at the definition of `uses` that leads back to this file."""
    if isinstance(subject.draft, Rule):
        return
    for each in subject.draft.uses:
        way = _way_back(subject, each.id, each.major)
        if way:
            text = f"the definitions go in a circle: {' -> '.join((subject.draft.id, *way))}"
            yield subject.at_key("definition-loop", ("uses", each.id), text, "ask the question in one of them only")


def _way_back(subject: Subject, name: str, major: int) -> tuple[str, ...]:
    """Give the ids on the shortest way from a definition back to the subject; empty when there is none."""
    ways: list[tuple[tuple[str, ...], tuple[str, int]]] = [((name,), (name, major))]
    seen = {(name, major)}
    while ways:
        way, here = ways.pop(0)
        if here[0] == subject.draft.id:
            return way
        file = subject.shelf.definitions.get(here)
        for each in file.draft.uses if file else ():
            if (each.id, each.major) not in seen:
                seen.add((each.id, each.major))
                ways.append(((*way, each.id), (each.id, each.major)))
    return ()


def sources(subject: Subject) -> Iterator[RuleProblem]:
    """unknown-evidence, unknown-reason, unknown-rule, and what evidence supports."""
    draft, shelf = subject.draft, subject.shelf
    known = {*draft.parameters, *draft.criteria} | ({"cards"} if isinstance(draft, Rule) else set())
    for number, evidence in enumerate(draft.evidence):
        for index, name in enumerate(evidence.supports):
            if name not in known:
                place = ("evidence", number, "supports", index)
                text = f"'{evidence.id}' supports '{name}', which is no criterion or parameter of this file"
                yield subject.problem("unknown-criterion", place, text, nearest(name, known))
    if not isinstance(draft, Rule):
        return
    ids = [each.id for each in draft.evidence]
    for number, card in enumerate(draft.cards):
        for index, name in enumerate(card.source):
            if name not in ids:
                text = f"no evidence '{name}'"
                yield subject.problem("unknown-evidence", ("cards", number, "source", index), text, nearest(name, ids))
        for index, name in enumerate(card.override_reasons):
            if name not in shelf.reasons:
                text = f"no override reason '{name}' in the shared list"
                place = ("cards", number, "override_reasons", index)
                hint = nearest(name, shelf.reasons) or f"the list has: {', '.join(sorted(shelf.reasons))}"
                yield subject.problem("unknown-reason", place, text, hint)
    for key, others in (("yields_to", draft.yields_to), ("merges_into", draft.merges_into)):
        for index, name in enumerate(others):
            if name not in shelf.rules:
                text = f"no rule '{name}' in the release"
                yield subject.problem("unknown-rule", (key, index), text, nearest(name, shelf.rules))


CHECKS = (names, definitions, loops, definition_loops, sources)
NEEDED = (names, definitions, loops, definition_loops)  # what a release cannot be judged without
