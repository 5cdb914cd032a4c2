"""The page of conformance: each number of the checklist has its entry, and each test that it names is there."""

from pathlib import Path

import pytest

from tests.conformance.page import PAGE, ROOT, Entry, collected, entries, missing_tests, page, read
from tests.probe.__main__ import CHECKS
from tests.probe.numbers import STRENGTH

DATA = read()
ENTRIES = entries(DATA)


def test_the_page_is_up_to_date() -> None:
    wanted = "run python -m tests.conformance.page docs/reference/conformance.md"
    assert PAGE.read_text(encoding="utf-8") == page(DATA), wanted


def test_every_number_has_its_entry_with_its_strength() -> None:
    assert {each.number: each.strength for each in ENTRIES} == STRENGTH


def test_every_test_that_is_named_is_there() -> None:
    assert list(missing_tests(ENTRIES, ROOT / "tests")) == []


def test_every_entry_is_shown_or_says_why_not() -> None:
    assert [each.number for each in ENTRIES if not (each.tests or each.number in CHECKS or each.why)] == []


def test_a_reason_is_one_of_the_list() -> None:
    assert {each.why for each in ENTRIES} - {""} == set(DATA["why"])


def test_a_duty_of_the_service_is_not_put_off_on_others() -> None:
    """What must be and is not shown is the client's, the proxy's or the site's, or is about what is not used here."""
    others = {"client", "proxy", "site", "unused"}
    unshown = [each for each in ENTRIES if each.strength in ("MUST", "SHOULD") and not each.tests]
    assert [each.number for each in unshown if each.number not in CHECKS and each.why not in others] == []


def test_a_test_that_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_b(): ...\ndef helper(): ...\nclass T:\n    def test_c(self): ...\n")
    (tmp_path / "a.py").write_text("def test_d(): ...\n")
    named = Entry(1, "MUST", "", ("test_a.py::test_b", "test_a.py::test_c", "a.py::test_d", "none.py::test_e"), "")
    assert list(missing_tests([named], tmp_path)) == [f"1: {each}" for each in named.tests[1:]]
    assert collected(tmp_path / "test_a.py") == {"test_b"}


def test_an_entry_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="7: strength, words"):
        entries({"entries": {7: ["MUST", "words"]}})
