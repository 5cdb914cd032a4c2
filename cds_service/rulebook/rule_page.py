"""The reference pages of the rules, written from the rule files: a page a rule with its flow picture, and an overview.

Run as `python -m cds_service.rulebook.rule_page RULES_FOLDER docs/reference/rules` after a rule, a definition or the
release has changed. The folder then holds README.md (the overview), <rule id>.md and <rule id>.svg, and nothing else.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cds_service.core.card_text import link
from cds_service.core.plural import so_many
from cds_service.core.rule import LEVELS, Edition, Release
from cds_service.rulebook.case import Case
from cds_service.rulebook.reading_level import rule_grade
from cds_service.rulebook.release import load_release
from cds_service.rulebook.rule_description import describe
from cds_service.rulebook.rule_picture import picture

_HOOKS = ("patient-view", "order-select", "order-sign", "encounter-discharge")
_LISTS = {
    "must_fire": "fires",
    "must_not_fire": "does not fire",
    "cannot_tell": "cannot tell",
    "must_hold": "holds",
    "must_not_hold": "does not hold",
}
_HEAD = """# Rules

Written by `python -m cds_service.rulebook.rule_page rules docs/reference/rules`; a test keeps these pages
true. Every person in a test is made up. No rule has been reviewed by a clinician unless its page says so.
"""


def pages(folder: Path) -> dict[str, str]:
    """Give every page and picture of the current release by file name. Raises ValueError for a faulty release."""
    loaded = load_release(folder)
    if loaded.release is None:
        raise ValueError("\n".join(str(problem) for problem in loaded.problems))
    release = loaded.release
    files = {"README.md": _overview(release)}
    for edition in release.active:
        described = describe(edition, "active", release)
        cases = loaded.rules[edition.rule.id, edition.rule.version].cases
        files[f"{edition.rule.id}.md"] = _page(edition, described, cases)
        files[f"{edition.rule.id}.svg"] = picture(described)
    return files


def _overview(release: Release) -> str:
    rows = []
    for edition in release.active:
        rule = edition.rule
        levels = {level for card in rule.cards for level, _ in card.indicator}
        said = ", ".join(each for each in reversed(LEVELS) if each in levels)
        moments = [said if hook in rule.hooks else "" for hook in _HOOKS]
        yields = ", ".join([*rule.yields_to, *(f"{each} (merges)" for each in rule.merges_into)])
        rows.append((f"[{rule.id}]({rule.id}.md)", rule.version, rule.title, *moments, yields))
    head = ("rule", "version", "title", *_HOOKS, "gives way to")
    return (
        f"{_HEAD}\nRelease {release.id}. A cell says which indicators the rule can show at that moment. "
        "Ties stand in this order.\n\n"
        f"{_table(head, rows)}\n"
    )


def _page(edition: Edition, described: Mapping[str, Any], cases: Sequence[Case]) -> str:
    rule = edition.rule
    parts = [
        f"# {rule.title}",
        f"`{rule.id}` version {rule.version}. {_sentence(described['reviewStatus'])} Owner: {rule.owner}. "
        f"Released {rule.released}. [All rules](README.md)",
        rule.purpose,
        f"![How {rule.id} comes to a card]({rule.id}.svg)",
        "## When it fires",
        *_logic(described["when"]),
        *_between(described),
        *_settings(described["careSettings"]),
        "## What it asks",
        _table(("criterion", "sentence"), ((f"`{each['name']}`", each["sentence"]) for each in described["criteria"])),
        "## What it says",
        "The first card whose conditions hold is shown. Words in braces are filled in from the chart.",
        *(line for card in described["cards"] for line in _card(card)),
        f"Reading level of the cards: Flesch-Kincaid grade {rule_grade(rule):.1f}.",
        "## Numbers",
        _parameters(described["parameters"]),
        "## Evidence",
        _evidence(described["evidence"]),
        "## Source attributes",
        _attributes(described["sourceAttributes"]),
        "## Known limits",
        _list(described["knownLimits"]),
        "## Built on",
        *_built_on(described),
        "## Tests",
        f"{so_many(len(cases), 'test stands', 'tests stand')} in the rule file; "
        f"`cds-service rules test {rule.id}` runs them.",
        _table(("wanted", "story", "how"), (_test(each) for each in cases)),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _logic(when: Mapping[str, Any]) -> Iterable[str]:
    for key, heading in (
        ("all", "All of these hold:"),
        ("any", "At least one of these holds:"),
        ("none", "None of these holds:"),
    ):
        if when[key]:
            yield f"{heading}\n\n{_list(when[key])}"
    words = {
        "no_card": "no card",
        "ask_fetch": "no card, and the list is asked for (status 412)",
        "card_with_caveat": "a card that opens with what could not be told",
    }
    yield f"When a list was not read: {words[when['ifUnread']]}. When a row is doubtful: {words[when['ifDoubtful']]}."


def _between(described: Mapping[str, Any]) -> Iterable[str]:
    if described["yieldsTo"]:
        others = ", ".join(described["yieldsTo"])
        yield f"It is silent when one of these shows a card that is at least as severe: {others}."
    if described["mergesInto"]:
        yield f"It joins the card of the first of these that shows one: {', '.join(described['mergesInto'])}."


def _settings(settings: Mapping[str, str]) -> Iterable[str]:
    if settings:
        yield "## By care setting"
        yield _table(("setting", "what the rule does"), settings.items())


def _card(card: Mapping[str, Any]) -> Iterable[str]:
    levels = "; ".join(
        each["level"]
        if each["when"] == "otherwise" and len(card["indicator"]) == 1
        else f"{each['level']}: {each['when']}"
        for each in card["indicator"]
    )
    yield f"### {card['id']}"
    yield f"> {card['summary']}"
    yield f"Indicator: {levels}."
    conditions = _conditions(card)
    if conditions:
        yield f"Shown {conditions}."
    yield _list(f"{each['text']}{_in_brackets(each)}" for each in card["detail"])
    if card["suggestions"]:
        offers = _list(f"{each['label']}{_in_brackets(each)}" for each in card["suggestions"])
        yield f"Suggestions:\n\n{offers}"


def _conditions(of: Mapping[str, Any]) -> str:
    said = [f"if: {each}" for each in of.get("if", ())]
    said += [f"if surely not: {each}" for each in of.get("unless", ())]
    said += [f"if it cannot be told: {each}" for each in of.get("ifUnknown", ())]
    return "; ".join(said)


def _in_brackets(of: Mapping[str, Any]) -> str:
    said = _conditions(of)
    return f" *({said})*" if said else ""


def _parameters(parameters: Sequence[Mapping[str, Any]]) -> str:
    if not parameters:
        return "None."
    rows = (
        (f"`{each['name']}`", each["words"], f"{each['range'][0]:g} to {each['range'][1]:g}", each["why"])
        for each in parameters
    )
    return _table(("name", "value", "a site may choose", "why"), rows)


def _evidence(evidence: Iterable[Mapping[str, Any]]) -> str:
    rows = (
        (
            link(each["citation"], each["url"]),
            each["grade"],
            ", ".join(each["supports"]),
        )
        for each in evidence
    )
    return _table(("source", "grade", "supports"), rows)


def _attributes(attributes: Iterable[Mapping[str, Any]]) -> str:
    rows = ((str(each["number"]), each["name"], each["value"]) for each in attributes)
    return _table(("", "attribute", "value"), rows)


def _built_on(described: Mapping[str, Any]) -> Iterable[str]:
    definitions = [f"{each['title']} (`{each['id']}` {each['version']})" for each in described["definitions"]]
    if definitions:
        yield f"Definitions: {'; '.join(definitions)}."
    sets = ", ".join(f"`{each['id']}`" for each in described["valueSets"])
    if sets:
        yield f"[Value sets](../value-sets.md): {sets}."


def _test(case: Case) -> tuple[str, str, str]:
    how = [f"card `{case.card}`" if case.card else "", case.indicator or ""]
    how += [f"because of {', '.join(f'`{each}`' for each in case.because)}" if case.because else ""]
    how += [", ".join(f"`{each}`" for each in case.of) if case.of else ""]
    return _LISTS[case.list_name], case.name, ", ".join(each for each in how if each)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in line)} |" for line in lines)


def write(folder: Path, to: Path) -> None:
    """Write every page of the release at `folder` into `to`, and remove pages of rules that are no longer there."""
    to.mkdir(parents=True, exist_ok=True)
    written = pages(folder)
    for path in to.iterdir():
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (to / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
