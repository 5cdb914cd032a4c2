"""docs/reference/conformance.md: what CDS Hooks asks of a service, and the tests that show it.

Run as `python -m tests.conformance.page docs/reference/conformance.md` after conformance.yaml beside it has changed.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.probe.__main__ import CHECKS

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "reference" / "conformance.yaml"
PAGE = DATA.with_suffix(".md")

_HEAD = """# Conformance

Written by `python -m tests.conformance.page docs/reference/conformance.md` from `conformance.yaml`; a test keeps
it true, and that each test it names is there.

What [CDS Hooks 2.0](https://cds-hooks.hl7.org/2.0/) and good practice ask of a service, in our own words; for the
exact words read the specification. The numbers are those that the black-box probe prints. It knows the protocol
and nothing of this code, and can be run against any service:

```
python -m tests.probe --url http://127.0.0.1:8000 --strict
python -m tests.probe --url https://cds.example.org --key private-key.json --iss https://ehr.example.org --strict
```

It prints one line a number and exits with 1 when something is not met: with `--strict` anything, else what the
specification says MUST. Without `--key` it sends no token, and what is about tokens is not applicable. With it, it also
sends tokens that must be refused, and feedback: on a service in use, that feedback is kept and counted. While no
clinician has reviewed the rules, a service that checks callers shows no card, and what is about cards cannot be
seen: set `CDS_ALLOW_UNREVIEWED=yes` there.

Strength: MUST, SHOULD and MAY are of the specification; a REC is good practice, a NOTE is nothing to keep to. Tests
stand in `tests/`; "probe" is a check in `tests/probe`.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One number. tests: node ids below tests/, without parameters. why: a key of `why` in the data, "" for none."""

    number: int
    strength: str
    words: str
    tests: tuple[str, ...]
    why: str


def entries(data: dict[str, Any]) -> list[Entry]:
    """Read the entries. Raises ValueError for one that is not of the form."""
    found = []
    for number, given in data["entries"].items():
        if not 3 <= len(given) <= 4:
            raise ValueError(f"{number}: strength, words, tests and perhaps why are wanted")
        strength, words, tests, why = [*given, ""][:4]
        found.append(Entry(number, strength, words, tuple(tests), why))
    return found


def read() -> dict[str, Any]:
    return dict(yaml.safe_load(DATA.read_text(encoding="utf-8")))


def page(data: dict[str, Any]) -> str:
    """Give the whole page."""
    lines = [_HEAD]
    for group, title in data["groups"].items():
        lines += [f"## {title}", "", "| | strength | what is asked | shown by, or why not |", "|---|---|---|---|"]
        lines += [_row(each, data["why"]) for each in entries(data) if each.number // 100 == group]
        lines.append("")
    return "\n".join(lines)


def _row(entry: Entry, why: dict[str, str]) -> str:
    shown = [f"`{each}`" for each in entry.tests]
    if entry.number in CHECKS:
        shown.append(f"probe `{CHECKS[entry.number].__name__}`")
    if entry.why:
        shown.append(f"*{why[entry.why]}*")
    return f"| {entry.number} | {entry.strength} | {entry.words} | {'<br>'.join(shown)} |"


def missing_tests(named: list[Entry], root: Path) -> Iterator[str]:
    """Tests that an entry names and that pytest would not collect."""
    known: dict[str, set[str]] = {}
    for entry in named:
        for test in entry.tests:
            file, _, name = test.partition("::")
            if file not in known:
                known[file] = collected(root / file)
            if name not in known[file]:
                yield f"{entry.number}: {test}"


def collected(path: Path) -> set[str]:
    """The test functions of a file, as pytest finds them."""
    if not path.is_file() or not path.name.startswith("test_"):
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(read()), encoding="utf-8")
