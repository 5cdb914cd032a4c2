"""Whatever stands in a file, reading and lint end in problems with places, never in an exception."""

import random
import re

import pytest

from cds_service.rulebook.lint import lint
from tests.unit.rule_folder import RELEASE, folder_of_files
from tests.unit.rule_texts import DEFINITION, RULE, TODAY, definition_problems, rule_problems

ODD = (
    "[]", "{}", "null", "true", "5", "''", "[a, b]", "{at_least: 3}", "unavailable", "x.y", "[[a]]", "{a: {b: c}}",
    "-1", "0.5", "today", "'{x}'",
)  # fmt: skip
_VALUE = re.compile(r"(?<=: )[^,{}\[\]\n]+|(?<=[\[ ])[a-z_-]+(?=[,\]])")


def spoiled(text, chance):
    """Take out, double or cut a line, or put something odd in the place of a value."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    kind = chance.randrange(6)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, chance.choice(lines))
    elif kind == 2:
        lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
    else:
        found = chance.choice(list(_VALUE.finditer(text)))
        return text[: found.start()] + chance.choice(ODD) + text[found.end() :]
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(60))
def test_a_spoiled_file_gives_problems_that_point_into_it(seed):
    chance = random.Random(seed)
    for text, problems_of in ((RULE, rule_problems), (DEFINITION, definition_problems)):
        spoilt = spoiled(spoiled(text, chance), chance)
        lines = spoilt.split("\n")
        for problem in problems_of(spoilt):
            assert str(problem).startswith(f"{problem.file}:{problem.line}:{problem.column}: {problem.code}: ")
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@pytest.mark.parametrize("seed", range(15))
def test_a_spoiled_release_file_gives_problems(tmp_path, seed):
    chance = random.Random(seed)
    folder = folder_of_files(tmp_path)
    (folder / "release.yaml").write_text(spoiled(spoiled(RELEASE, chance), chance))
    for problem in lint(folder, TODAY):
        assert str(problem)


def test_an_empty_folder_gives_problems(tmp_path):
    assert {each.code for each in lint(tmp_path, TODAY)} == {"bad-yaml"}
