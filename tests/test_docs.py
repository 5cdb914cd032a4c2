"""The documentation names only what is there: files it links to, headings it points at, make targets it promises."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.cli import parser
from cds_service.core.value_set import Table
from cds_service.rulebook import rule_report
from cds_service.rulebook.lint_subject import subject_of
from cds_service.rulebook.reader import read_rule_text
from cds_service.rulebook.release import load_release, subjects_of
from cds_service.rulebook.rule_tests import run_cases

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(?ms)^```.*?^```$")


def broken_links(text: str, page: Path) -> list[str]:
    """Relative links of a page that lead to no file, or to no heading of it; links to the web are not followed."""
    found = []
    for target in _LINK.findall(_FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = page.parent / name if name else page
        if not path.exists():
            found.append(target)
        elif heading and path.suffix == ".md":
            there = text if path == page else path.read_text(encoding="utf-8")
            if heading not in headings(there):
                found.append(target)
    return found


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as a forge makes them."""
    lines = re.findall(r"(?m)^#+ (.+)$", _FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}


def missing_targets(text: str, makefile: str) -> list[str]:
    """Make targets that a page writes as code and that the Makefile does not have."""
    have = set(re.findall(r"(?m)^([a-z]+):", makefile))
    named = set(re.findall(r"`make ([a-z]+)", text))
    for block in _FENCE.findall(text):
        named |= set(re.findall(r"(?m)^make ([a-z]+)", block))
    return sorted(named - have)


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_a_page_links_only_to_what_is_there(page: Path) -> None:
    assert broken_links(page.read_text(encoding="utf-8"), page) == []


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_a_page_names_only_make_targets_that_are_there(page: Path) -> None:
    assert missing_targets(page.read_text(encoding="utf-8"), (ROOT / "Makefile").read_text(encoding="utf-8")) == []


def test_every_decision_stands_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(_LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("0*.md")}


def test_every_page_of_the_documentation_stands_in_its_index() -> None:
    docs = ROOT / "docs"
    listed = {(docs / each).resolve() for each in _LINK.findall((docs / "index.md").read_text(encoding="utf-8"))}
    rules = docs / "reference" / "rules"
    listed |= {(rules / each).resolve() for each in _LINK.findall((rules / "README.md").read_text(encoding="utf-8"))}
    pages = {path for path in docs.glob("**/*.md") if path.parent.name != "decisions" and path.name != "index.md"}
    assert {str(path) for path in pages - listed} == set()


@pytest.mark.parametrize("page", ["docs/how-to/write-a-rule-test.md", "docs/reference/rule-language.md"])
def test_the_tests_that_a_page_shows_pass(page: str) -> None:
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"))
    first = next(number for number, block in enumerate(blocks) if block.startswith("tests:\n"))
    following = [block for block in blocks[first + 1 :] if re.match(r"  (must|cannot)_", block)]
    rules = ROOT / "rules"
    served = {each.draft.id: each for each in subjects_of(load_release(rules), rules)}["mat-consideration"]
    identity = "\n".join(served.source.lines).split("\ntests:\n")[0]
    file = read_rule_text(f"{identity}\n{''.join([blocks[first], *following])}", "rule.yaml")
    subject = subject_of(file, served.shelf)
    ran = run_cases(rule_report.tested_of(subject), subject.cases, Table(served.shelf.value_sets.values()))
    assert [str(each) for each in (*file.problems, *ran.failures)] == []
    assert len(ran.passing) >= 3


def test_the_piece_of_a_rule_in_the_readme_is_of_the_rule() -> None:
    piece = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"))[0]
    rule = (ROOT / "rules/mat-consideration/2.0.0.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in piece.splitlines() if line not in rule] == []


def commands(part: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, set[str]]]:
    """Every command that can be given, with its options."""
    below = [each for each in part._actions if isinstance(each, argparse._SubParsersAction)]
    for choice in below:
        for word, inner in choice.choices.items():
            yield from commands(inner, f"{name} {word}")
    if not below:
        yield name, {option for each in part._actions for option in each.option_strings} - {"-h", "--help"}


def test_every_command_and_option_has_its_entry_and_no_other() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    known = dict(commands(parser(), "cds-service"))
    assert set(re.findall(r"(?m)^\| `(cds-service [a-z -]+)` \|", page)) == set(known)
    told = {
        (f"cds-service {name}", option)
        for options, names in re.findall(r"(?m)^\| (`--[^|]+) \| ([^|]+) \|", page)
        for name in re.findall(r"`([a-z -]+)`", names)
        for option in re.findall(r"`(--[a-z-]+)`", options)
    }
    assert told == {(name, option) for name, options in known.items() for option in options}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    (tmp_path / "b.md").write_text("# One heading: here\n", encoding="utf-8")
    text = "# Top\n[a](b.md) [b](b.md#one-heading-here) [c](#top) [d](https://example.org/x)\n```\n[e](code.md)\n```\n"
    page.write_text(text, encoding="utf-8")
    assert broken_links(text, page) == []
    assert broken_links("[a](c.md) [b](b.md#other) [c](#none)", page) == ["c.md", "b.md#other", "#none"]


def test_a_target_that_is_missing_is_found() -> None:
    text = "`make run` and `make fly`\n\nmake sense of it\n\n```\nmake hay  # now\n```\n"
    assert missing_targets(text, "run: ## Serve\n") == ["fly", "hay"]
