"""What is small to send and large, deep or odd to read is refused or read in bounded time and memory, by every reader.

A plain run gives it to two readers, and what once worked to the others; `make slow` gives all to all.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bombs.bombs import GZIP, JSON
from tests.bombs.readers import readers
from tests.running import ROOT

MOST_S = 20.0  # of processor time for one, on a busy machine; a run of all of them takes 40
MOST_SAID = 300_000  # characters about a file; an answer is shown whole, up to what is read of one
SHOWS_WHOLE = {"answer": 5_000_000}
FEW = ("lock", "keys")


def told(*chosen: str) -> list[dict[str, Any]]:
    """What came of each bomb, from a process whose memory and time are limited."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.bombs.readers", *chosen],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-2000:]
    return [json.loads(line) for line in process.stdout.splitlines()]


def worked(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        each
        for each in found
        if each["fault"] or each["seconds"] > MOST_S or each["said"] > SHOWS_WHOLE.get(each["reader"], MOST_SAID)
    ]


def test_no_bomb_works_on_lock_and_keys() -> None:
    found = told(*FEW)
    assert worked(found) == []
    assert len(found) == 2 * len(JSON)


@pytest.mark.slow
def test_no_bomb_works_on_anything_that_is_read() -> None:
    found = told()
    print(json.dumps(sorted(found, key=lambda each: -each["seconds"])[:5]))
    assert worked(found) == []
    assert len(found) == sum(len(bombs) for _, _, bombs in readers())
    assert {"lint", "door", "answer", "packed cohort"} <= {each["reader"] for each in found}
    assert len([each for each in found if each["reader"] == "packed cohort"]) == len(GZIP)


def test_a_bomb_that_works_is_found() -> None:
    good = {"reader": "lock", "bomb": "x", "seconds": 0.1, "said": 10, "fault": ""}
    bad = [{**good, "fault": "MemoryError: "}, {**good, "seconds": 21.0}, {**good, "said": 300_001}]
    assert worked([good, *bad]) == bad


# Each that once worked, and what is said of it now.
ONCE = [
    ("rule", "many aliases in a line", "the alias '*a' is not used"),
    ("rule", "many entries in a block", "more than 20000 keys, values and items"),
    ("value set", "a number too long for Python", "a number of more digits"),
    ("value set", "many keys, each twice", "/k48: this key is written twice"),
    ("value set", "many unknown members", "/compose/include/0/concept/48/kode"),
    ("lock", "lists in lists", "is no release lock"),
    ("fixture", "lists in lists", "is no JSON"),
    ("fixture", "groups in a value set", "is nested too deep"),
    ("answer", "a lone surrogate", "\\ud800"),
    ("cohort of Bundles", "objects in a resource", "0 people, 1 findings"),
    ("packed cohort", "half a file", "1 people, 911 findings"),
]


@pytest.mark.parametrize(("reader", "bomb", "said"), ONCE)
def test_what_once_worked_is_told_in_words(tmp_path: Path, reader: str, bomb: str, said: str) -> None:
    read, bombs = next((read, bombs) for name, read, bombs in readers() if name == reader)
    assert said in read(tmp_path, bombs[bomb])
