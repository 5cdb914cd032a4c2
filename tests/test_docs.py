"""The documentation names only what is there: files it links to, headings it points at, make targets it promises."""

import re
from pathlib import Path

import pytest

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
