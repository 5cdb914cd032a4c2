"""The threat model names only what is there: every module, and every test that is to show a control."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"


def missing(text: str) -> list[str]:
    """What a page names that is not there: `path` of code or tests, or `path::test`."""
    named = re.findall(r"`((?:cds_service|tests)/[\w./]+)(?:::(\w+))?`", text)
    return [f"{path}::{test}" if test else path for path, test in named if not is_there(ROOT / path, test)]


def is_there(path: Path, test: str) -> bool:
    if not test:
        return path.exists()
    if not path.is_file():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return test in {each.name for each in body if isinstance(each, ast.FunctionDef)}


def rows(text: str) -> list[list[str]]:
    """The rows of the tables of threats."""
    tables = re.findall(r"(?m)^\| threat \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for table in tables for line in table.splitlines()]


def test_every_module_and_test_that_the_threat_model_names_is_there() -> None:
    assert missing(PAGE.read_text(encoding="utf-8")) == []


def test_every_threat_names_what_stops_it_and_a_test_that_shows_it() -> None:
    found = rows(PAGE.read_text(encoding="utf-8"))
    assert len(found) > 30
    assert [row for row in found if len(row) != 3 or not all(row)] == []
    assert [row[0] for row in found if "`tests/" not in row[2] and row[2] != "by design"] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("`cds_service/edges/web.py` and `tests/test_threat_model.py::missing`", []),
        ("`cds_service/edges/none.py`", ["cds_service/edges/none.py"]),
        ("`tests/test_threat_model.py::test_none`", ["tests/test_threat_model.py::test_none"]),
        ("`tests/none.py::test_none`", ["tests/none.py::test_none"]),
    ],
)
def test_what_is_not_there_is_found(text: str, wanted: list[str]) -> None:
    assert missing(text) == wanted
