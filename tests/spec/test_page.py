"""The page that is written from the specification tables is up to date."""

from pathlib import Path

from tests.spec.page import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rule-language-examples.md"


def test_the_page_of_examples_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), f"run python -m tests.spec.page {PAGE.name}"
