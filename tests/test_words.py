"""Person-first language in everything a person reads here: pages, messages, comments. Rule files have their own check.

What to avoid stands in `cds_service.rulebook.words`; code (fences, backticks, single words in Python) is no prose.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from cds_service.rulebook.words import find_words

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("cds_service/**/*.html")])
MODULES = sorted(path for path in ROOT.glob("cds_service/**/*.py") if path.name != "words.py")

# Of a program these words are said without blame: a request is refused. Of a person they are not said at all, and the
# check of rule files takes no such exception.
OF_A_PROGRAM = ("refused", "refuses")


def prose(page: str) -> str:
    """The text of a Markdown or HTML page without what stands as code in it."""
    page = re.sub(r"(?ms)^```.*?^```$", "", page)
    page = re.sub(r"(?s)<(style|script)\b.*?</\1>|<!--.*?-->|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]+>", " ", page)
    return re.sub(r"`[^`\n]*`", "", page)


def sentences(source: str) -> str:
    """The comments, docstrings and messages of a module: every comment, and every string with a space in it."""
    found = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip()
    ]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found.append(token.string)
    return re.sub(r"`[^`\n]*`|\"[^\"\n]*\"", "", "\n".join(found))


def _cases(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


@pytest.mark.parametrize("path", _cases(PAGES))
def test_a_page_speaks_of_people_first(path: Path) -> None:
    assert find_words(prose(path.read_text(encoding="utf-8")), OF_A_PROGRAM) == []


@pytest.mark.parametrize("path", _cases(MODULES))
def test_a_module_speaks_of_people_first(path: Path) -> None:
    assert find_words(sentences(path.read_text(encoding="utf-8")), OF_A_PROGRAM) == []


@pytest.mark.parametrize(
    "source",
    [
        "text = 'the patient is an addict'",
        "text = f'{name} is an addict'",
        "def f():\n    '''Say who is an addict.'''",
        "code = 1  # an addict",
    ],
)
def test_a_word_to_avoid_is_found_in_a_module(source: str) -> None:
    assert [word for word, _ in find_words(sentences(source), OF_A_PROGRAM)] == ["addict"]


@pytest.mark.parametrize(
    "source", ["code = 'relapse'", "names = {'abuse', 'clean'}", "'''The code `relapse` of FHIR.'''"]
)
def test_a_code_in_a_module_is_no_prose(source: str) -> None:
    assert find_words(sentences(source)) == []


def test_a_word_to_avoid_is_found_on_a_page_but_not_in_its_code() -> None:
    page = "# Users\n\nA junkie, `abuse`.\n\n```\nrelapse\n```\n<p class='clean'>dirty</p>\n"
    assert [word for word, _ in find_words(prose(page))] == ["Users", "junkie", "dirty"]
