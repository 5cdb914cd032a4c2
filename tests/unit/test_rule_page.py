"""The reference pages of the rules: true to the rule files, complete, and safe to show."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from cds_service.rulebook.reading_level import grade, reading_line, syllables
from cds_service.rulebook.release import load_release
from cds_service.rulebook.rule_page import pages, write
from cds_service.rulebook.rule_picture import picture

ROOT = Path(__file__).parent.parent.parent
RULES, DOCS = ROOT / "rules", ROOT / "docs" / "reference" / "rules"
PAGES = pages(RULES)


def test_the_pages_are_up_to_date():
    assert {path.name: path.read_text(encoding="utf-8") for path in DOCS.iterdir()} == PAGES


def test_every_rule_has_a_page_a_picture_and_a_row_of_the_overview():
    release = load_release(RULES).release
    assert release is not None
    ids = [each.rule.id for each in release.active]
    assert sorted(PAGES) == sorted(["README.md", *(f"{each}.md" for each in ids), *(f"{each}.svg" for each in ids)])
    assert [line.split("]")[0][3:] for line in PAGES["README.md"].splitlines() if line.startswith("| [")] == ids


@pytest.mark.parametrize("name", sorted(each for each in PAGES if each.endswith(".md") and each != "README.md"))
def test_a_page_tells_the_whole_rule(name: str):
    page = PAGES[name]
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ") and line != "## By care setting"]
    assert headings == [
        "When it fires", "What it asks", "What it says", "Numbers", "Evidence", "Source attributes", "Known limits",
        "Built on", "Tests",
    ]  # fmt: skip
    assert "ot yet clinically reviewed." in page
    assert page.count("\n| 13 | ") == 1


def test_the_overview_says_which_indicators_a_rule_shows_at_which_moment():
    row = next(line for line in PAGES["README.md"].splitlines() if line.startswith("| [naltrexone-with-opioids]"))
    assert [cell.strip() for cell in row.split("|")][4:8] == ["", "critical, warning", "critical, warning", ""]


def test_pages_of_rules_that_are_gone_are_removed(tmp_path: Path):
    (tmp_path / "old-rule.md").write_text("# Old\n", encoding="utf-8")
    write(RULES, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == PAGES.keys()


def test_pages_of_a_release_with_errors_are_not_written(tmp_path: Path):
    (tmp_path / "release.yaml").write_text("release: 2026.1.0\nrules: {gone: {active: 1.0.0}}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"no file for rule 'gone' 1\.0\.0"):
        pages(tmp_path)


# --- pictures --------------------------------------------------------------------------------------------------------

DESCRIBED = {
    "id": "sample",
    "hooks": ["patient-view"],
    "when": {
        "all": ["<b>Age</b> & more"], "any": [], "none": ["Gone"], "ifUnread": "ask_fetch", "ifDoubtful": "no_card",
    },
    "cards": [
        {
            "id": "first", "indicator": [{"level": "critical"}, {"level": "info"}], "summary": "Say this",
            "if": ["It holds"],
        },
        {"id": "second", "indicator": [{"level": "info"}], "summary": "Or that"},
    ],
}  # fmt: skip


def words_of(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_picture_shows_moment_conditions_and_cards_in_order():
    assert words_of(picture(DESCRIBED)) == [
        "When", "the chart is opened",
        "If a list was not read: no card; the list is asked for. If a row is doubtful: no card",
        "All of these hold", "one does not: no card", "• <b>Age</b> & more",
        "None of these holds", "one does: no card", "• Gone",
        "Card first · critical or info", "if: It holds", "“Say this”",
        "otherwise",
        "Card second · info", "“Or that”",
    ]  # fmt: skip


def test_a_picture_holds_no_markup_from_a_rule():
    assert "<b>" not in picture(DESCRIBED)


@pytest.mark.parametrize("name", sorted(each for each in PAGES if each.endswith(".svg")))
def test_no_line_of_a_picture_is_wider_than_the_picture(name: str):
    assert max(map(len, words_of(PAGES[name]))) <= 100


# --- reading level ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("a", 1),
        ("care", 1),
        ("table", 2),
        ("opioid", 3),
        ("medication", 4),
        ("stopped", 1),
        ("treated", 2),
        ("doses", 1),
    ],
)
def test_syllables_are_groups_of_vowels_without_a_silent_ending(word: str, wanted: int):
    assert syllables(word) == wanted


def test_longer_sentences_and_words_are_harder():
    easy, hard = "The dog ran home.", "Precipitated withdrawal is anticipated after administration of an antagonist."
    assert grade(easy) < 3 < 14 < grade(hard)
    assert grade("") == grade("12 34") == 0.0


def test_two_sentences_are_easier_than_one_long_one():
    assert grade("Ask first. Then wait a day.") < grade("Ask first then wait a day")


def test_the_line_names_the_hardest_rule():
    release = load_release(RULES).release
    assert release is not None
    line = reading_line(each.rule for each in release.active)
    assert line.startswith("reading level of cards (Flesch-Kincaid grade): median ")
    assert line.rsplit("(", 1)[1].rstrip(")") in {each.rule.id for each in release.active}
    assert reading_line([]) == ""
