"""The house rules that no reviewer should have to watch: who imports whom, what is pure, where codes and words live.

Every check is a function from text to findings. It is run over the tree, and over a small bad sample, so that a
check that can no longer fail is noticed.
"""

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cds_service"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400

# Which parts of the package each part may import. A part that is not listed here has no place in the house yet.
MAY_IMPORT: dict[str, set[str]] = {
    "core": {"core"},
    "fhir": {"fhir", "core"},
    "rulebook": {"rulebook", "fhir", "core"},
    "population": {"population", "rulebook", "fhir", "core"},
    "strict_json": {"core"},
    "protocol": {"core"},
    "shift": set(),
    "fixtures": {"shift"},
    "clients": {"clients", "trust", "strict_json", "config", "rulebook", "fhir", "core"},
    "schemas": {"clients", "rulebook"},
    "rights": set(),
    "unheard": set(),
    "trust": {"trust", "rights", "strict_json", "core"},
    "services": {"clients", "feedback", "protocol", "fhir", "core"},
    "explaining": {"services", "clients", "protocol", "rulebook", "fhir", "core"},
    "calling": {"calling", "trust", "rights", "config"},
    "doctor": {"doctor", "calling", "trust", "services", "fixtures", "config"},
    "records": {"services", "core"},
    "feedback": {"protocol", "core"},
    "feedback_report": {"feedback_report", "feedback", "rulebook", "core"},
    "config": {"core"},
    "seen": {"services", "feedback", "protocol", "core"},
    "faults": set(),
    "edges": {
        "edges",
        "services",
        "explaining",
        "records",
        "feedback",
        "feedback_report",
        "clients",
        "trust",
        "protocol",
        "strict_json",
        "config",
        "seen",
        "faults",
        "rights",
        "rulebook",
        "fhir",
        "core",
    },
}
MAY_IMPORT_ALL = {"wiring", "wiring_rules", "cli", "cli_rules", "replay"}
SHARED_EDGES = {"outbound", "store"}
PURE = {"core", "fhir"}
# What reaches a file, a clock, chance, the network, the machine or another thread.
IMPURE = {
    "asyncio", "builtins", "concurrent", "configparser", "ctypes", "email", "fileinput", "getpass", "glob", "http",
    "importlib", "inspect", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "pickle", "platform", "queue",
    "random", "sched", "secrets", "select", "selectors", "shelve", "shutil", "signal", "socket", "socketserver",
    "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "warnings", "zoneinfo",
}  # fmt: skip
PURE_PARTS_OF_IMPURE = {"urllib.parse"}
IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"}


def module_name(path: Path) -> str:
    """The dotted name of a module of the package, without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(name: str) -> str:
    """The part of the house that a dotted name stands in: "core" for cds_service.core.dates; "" for the package."""
    return [*name.split("."), ""][1]


def imports(source: str, module: str, *, package: bool = False) -> set[str]:
    """Every dotted name that `source` imports, wherever the import stands; relative ones made absolute."""
    found: set[str] = set()
    here = module.split(".") if package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            stem = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            found |= {f"{stem}.{alias.name}" for alias in node.names}
    return found


def wrong_imports(source: str, module: str) -> list[str]:
    """Imports that point against the one way: edges, rulebook, fhir, core."""
    part = part_of(module)
    if part == "" or part in MAY_IMPORT_ALL or part == "__main__":
        return []
    if part not in MAY_IMPORT:
        return [f"{module}: {part} has no place in the house; name it in MAY_IMPORT"]
    wrong = []
    for name in sorted(imports(source, module)):
        target = part_of(name)
        if not name.startswith("cds_service.") or target.startswith("__"):
            continue
        if target not in MAY_IMPORT[part]:
            wrong.append(f"{module} imports {name}")
        elif part == target == "edges":
            mine, other = module.split(".")[2:3], name.split(".")[2]
            if other not in {*mine, *SHARED_EDGES}:
                wrong.append(f"{module} imports {name}, another edge")
    return wrong


def impurities(source: str, module: str) -> list[str]:
    """What a pure module uses of the world: impure imports, other people's libraries, files, clocks, chance."""
    wrong = []
    libraries = {"fhir"} if part_of(module) == "fhir" else set()
    for name in sorted(imports(source, module)):
        root = name.split(".")[0]
        if root == "cds_service" or root in libraries or any(name.startswith(pure) for pure in PURE_PARTS_OF_IMPURE):
            continue
        if root in IMPURE or root not in sys.stdlib_module_names:
            wrong.append(f"{module} imports {name}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            wrong.append(f"{module}:{node.lineno} calls {node.func.id}")
        if isinstance(node, ast.Attribute) and _is_clock_or_chance(node):
            wrong.append(f"{module}:{node.lineno} uses {ast.unparse(node)}")
    return wrong


def _is_clock_or_chance(node: ast.Attribute) -> bool:
    if node.attr in {"now", "utcnow", "uuid1", "uuid4", "monotonic", "perf_counter"}:
        return True
    # `.today` is also the name of our argument; of a date class it is the clock.
    return node.attr == "today" and ast.unparse(node.value).split(".")[-1].lower() in {"date", "datetime"}


# --- clinical codes ---------------------------------------------------------------------------------------------

_LOOKS_LIKE_A_CODE = {
    "ICD-10": re.compile(r"[A-TV-Z]\d\d(\.\w{1,4})?"),
    "LOINC": re.compile(r"\d{3,5}-\d"),
    "SNOMED or RxNorm": re.compile(r"\d{6,}"),
}
_SHIPPED_SHAPE = re.compile(r"\d{4,}|(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9.-]+")


def shipped_codes() -> set[str]:
    """Every code of every value set under rules/ whose shape cannot be mistaken for a word or a small number."""
    codes: set[str] = set()
    for path in (ROOT / "rules" / "value-sets").rglob("*.json"):
        codes |= set(_codes_in(json.loads(path.read_text(encoding="utf-8"))))
    return {code for code in codes if _SHIPPED_SHAPE.fullmatch(code)}


def _codes_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("code"), str):
            yield value["code"]
        if "op" in value and isinstance(value.get("value"), str):  # compose.include.filter: is-a F11
            yield value["value"]
        for inner in value.values():
            yield from _codes_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _codes_in(inner)


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string literal that is no docstring, and of every whole number as text."""
    tree = ast.parse(source)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings.add(id(first.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            if isinstance(node.value, str):
                yield node.lineno, node.value
            elif type(node.value) is int and node.value >= 100_000:
                yield node.lineno, f"#{node.value}"


def clinical_codes(source: str, shipped: Iterable[str]) -> list[str]:
    """Literals that are a code of a shipped value set, or look like one of a code system.

    A literal counts whole ("F11.20"), after its system ("snomed|1234567"), or as a list of nothing but codes
    ("F11.10 F11.20"). Numbers count when they are shipped codes.
    """
    shipped = set(shipped)
    found = []
    for line, text in literals(source):
        if text.startswith("#") and text[1:].isdigit():
            if text[1:] in shipped:
                found.append(f"line {line}: {text[1:]} is in a value set")
            continue
        words = re.split(r"[\s,;]+", text.strip())
        tokens = [words[0].split("|")[-1]] if len(words) == 1 else words
        reasons = [_code_reason(token, shipped) for token in tokens]
        if all(reasons):
            found.append(f"line {line}: {text!r} {reasons[0]}")
    return found


def _code_reason(token: str, shipped: set[str]) -> str:
    if token in shipped:
        return "is in a value set"
    return next((f"looks like {name}" for name, shape in _LOOKS_LIKE_A_CODE.items() if shape.fullmatch(token)), "")


# --- over the tree ----------------------------------------------------------------------------------------------


def _named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=module_name(path)) for path in paths]


@pytest.mark.parametrize("path", _named(MODULES))
def test_imports_run_one_way(path: Path) -> None:
    assert wrong_imports(path.read_text(encoding="utf-8"), module_name(path)) == []


@pytest.mark.parametrize("path", _named([path for path in MODULES if part_of(module_name(path)) in PURE]))
def test_core_and_fhir_touch_nothing_of_the_world(path: Path) -> None:
    assert impurities(path.read_text(encoding="utf-8"), module_name(path)) == []


def test_a_module_holds_one_idea() -> None:
    lengths = {module_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_clinical_code_stands_in_python() -> None:
    shipped = shipped_codes()
    found = {
        module_name(path): codes
        for path in MODULES
        if (codes := clinical_codes(path.read_text(encoding="utf-8"), shipped))
    }
    assert found == {}


def test_value_sets_give_the_codes_to_look_for() -> None:
    files = list((ROOT / "rules" / "value-sets").rglob("*.json"))
    assert not files or len(shipped_codes()) > len(files)


# --- the checks can fail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source", "wanted"),
    [
        ("cds_service.core.card", "from cds_service.fhir import reader", ["cds_service.fhir.reader"]),
        ("cds_service.core.card", "def f():\n    import cds_service.edges.web", ["cds_service.edges.web"]),
        ("cds_service.fhir.reader", "from ..rulebook.lint import lint", ["cds_service.rulebook.lint.lint"]),
        ("cds_service.fhir.reader", "from .. import wiring", ["cds_service.wiring"]),
        ("cds_service.rulebook.lint", "from cds_service.edges.store import save", ["cds_service.edges.store.save"]),
        ("cds_service.services", "from cds_service.edges import web", ["cds_service.edges.web"]),
        ("cds_service.services", "from cds_service.rulebook import lint", ["cds_service.rulebook.lint"]),
        ("cds_service.edges.web", "from cds_service.edges import auth", ["cds_service.edges.auth, another edge"]),
    ],
)
def test_an_import_against_the_way_is_found(module: str, source: str, wanted: list[str]) -> None:
    assert wrong_imports(source, module) == [f"{module} imports {each}" for each in wanted]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cds_service.edges.web", "from cds_service.edges import outbound, store\nfrom cds_service.core import card"),
        ("cds_service.services", "from cds_service import __version__, protocol"),
        ("cds_service.wiring", "from cds_service.edges import web, auth"),
        ("cds_service.fhir.reader", "from .r4 import paths\nfrom ..core.facts import Chart"),
    ],
)
def test_an_import_along_the_way_is_no_finding(module: str, source: str) -> None:
    assert wrong_imports(source, module) == []


def test_a_part_without_a_place_is_found() -> None:
    assert wrong_imports("", "cds_service.helpers.dates") == [
        "cds_service.helpers.dates: helpers has no place in the house; name it in MAY_IMPORT"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import flask",
        "import requests",
        "import yaml",
        "from os import environ",
        "import logging",
        "import time",
        "from urllib.request import urlopen",
        "from datetime import date\nday = date.today()",
        "import datetime as dt\nday = dt.datetime.now(dt.timezone.utc)",
        "from datetime import datetime\nclock = datetime.utcnow",
        "import uuid\nname = uuid.uuid4()",
        "text = open('a').read()",
        "print('a')",
        "def f():\n    import sqlite3",
    ],
)
def test_what_touches_the_world_is_found(source: str) -> None:
    assert len(impurities(source, "cds_service.core.engine")) == 1


def test_a_day_that_is_handed_in_is_no_clock() -> None:
    source = "from urllib.parse import quote\ndef f(judgement, today):\n    return judgement.today - today"
    assert impurities(source, "cds_service.core.engine") == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("code = 'F11.20'", "looks like ICD-10"),
        ("code = 'F11'", "looks like ICD-10"),
        ("codes = 'F11.10 F11.20'.split()", "looks like ICD-10"),
        ("code = '44261-6'", "looks like LOINC"),
        ("code = 'snomed|191816009'", "looks like SNOMED or RxNorm"),
        ("def f():\n    '''Words.'''\n    return {'1819'}", "is in a value set"),
        ("code = 'J2315'", "is in a value set"),
        ("code = 1010600", "is in a value set"),
    ],
)
def test_a_clinical_code_is_found(source: str, reason: str) -> None:
    (finding,) = clinical_codes(source, {"1819", "J2315", "1010600"})
    assert finding.endswith(reason)


@pytest.mark.parametrize(
    "source",
    [
        "'''The module's words name F11.20.'''",
        "def f():\n    '''F11.20'''",
        "system = 'urn:oid:2.16.840.1.113883.6.90'",
        "text = 'F11.20 is one of the codes'",
        "text = '2026-03-01'",
        "port = 8000; far = 4_000_000; version = 'R4B'",
    ],
)
def test_what_is_no_clinical_code_is_let_be(source: str) -> None:
    assert clinical_codes(source, {"1819"}) == []


def test_codes_are_read_from_every_place_of_a_value_set() -> None:
    value_set = {
        "compose": {
            "include": [
                {"concept": [{"code": "1819"}]},
                {"filter": [{"property": "concept", "op": "is-a", "value": "F11.2"}]},
            ]
        },
        "expansion": {"contains": [{"code": "A", "contains": [{"code": "B"}]}]},
    }
    assert set(_codes_in(value_set)) == {"1819", "F11.2", "A", "B"}
