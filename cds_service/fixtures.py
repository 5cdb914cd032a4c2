"""Finds, reads and writes out the request fixtures: calls of synthetic people, each with the day it was written for.

docs/reference/fixtures.md describes the files. A request fixture is named by hook and story, such as
"order-sign/naltrexone-after-oxycodone"; the story alone will do where only one hook has it, or patient-view has.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from cds_service.shift import shifted

# The two calls to begin with: no treatment on record, which brings a card, and treatment, which brings none.
SAMPLE_CALLS = ("patient-view/untreated-oud-icd10", "patient-view/on-buprenorphine-film")
_SOURCE_TREE = Path(__file__).resolve().parents[1] / "fhir_fixtures"
_FIRST_HOOK = "patient-view"
# What no terminal should obey, or can show: controls (json escapes those below) and halves of a pair.
_CONTROLS = {each: f"\\u{each:04x}" for each in (*range(0x7F, 0xA0), *range(0xD800, 0xE000))}


class FixtureProblem(LookupError):
    """A fixture that cannot be found or read; the text names it and the nearest one."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A call to replay.

    written_for: the day its dates fit; None for a bare request body, whose dates are not moved.
    expected:    status, cards, unread and undecided; None where nothing was written down.
    client:      what of clients.yaml the caller's entry holds; empty for a caller without an entry.
    variants:    the same call from callers with other entries.
    """

    name: str
    about: str
    written_for: date | None
    request: Mapping[str, Any]
    expected: Mapping[str, Any] | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple["Fixture", ...] = ()

    @property
    def hook(self) -> str:
        """The hook of the call, "" where the body names none."""
        hook = self.request.get("hook")
        return hook if isinstance(hook, str) else ""

    def on(self, today: date) -> dict[str, Any]:
        """Give the request body with its dates moved so that `written_for` becomes `today`. Raises FixtureProblem."""
        days = 0 if self.written_for is None else (today - self.written_for).days
        try:
            return dict(shifted(self.request, days))
        except RecursionError:
            raise FixtureProblem(f"{self.name}: is nested too deep") from None


def fixtures_folder() -> Path:
    """Give the folder of fixtures: the packaged one, else that of the source tree. Raises FixtureProblem."""
    packaged = Path(str(resources.files("cds_service"))) / "_data" / "fhir_fixtures"
    for folder in (packaged, _SOURCE_TREE):
        if folder.is_dir():
            return folder
    raise FixtureProblem("no fhir_fixtures folder, neither packaged nor beside the source")


def names() -> tuple[str, ...]:
    """Give the name of every request fixture, hook and story."""
    found = (fixtures_folder() / "requests").glob("*/*.json")
    return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in found))


def find(name: str) -> Fixture:
    """Read the fixture of a name, or the file of a path: a fixture, or a request body alone.

    Raises FixtureProblem with the nearest name.
    """
    if name.endswith(".json"):
        return read(Path(name), name)
    known = names()
    same = [each for each in known if name in (each, each.partition("/")[2])]
    first = [each for each in same if each.startswith(f"{_FIRST_HOOK}/")]
    if len(same) > 1 and not first:
        raise FixtureProblem(f"{name}: which one? {', '.join(same)}")
    if not same:
        raise FixtureProblem(f"{name}: no such fixture{_hint(name, known)}")
    chosen = (first or same)[0]
    return read(fixtures_folder() / "requests" / f"{chosen}.json", chosen)


def _hint(name: str, known: tuple[str, ...]) -> str:
    stories = {each.partition("/")[2]: each for each in reversed(known)} | {each: each for each in known}
    near = difflib.get_close_matches(name, stories, n=1, cutoff=0.5)
    return f"\n  hint: did you mean {stories[near[0]]}?" if near else "\n  hint: `cds-service fixture` lists them"


def read(path: Path, name: str) -> Fixture:
    """Read a fixture file, or a request body alone. Raises FixtureProblem."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise FixtureProblem(f"{path}: {fault.strerror or fault}") from None
    except (ValueError, RecursionError) as fault:  # UnicodeDecodeError is a ValueError too
        raise FixtureProblem(f"{path}: is no JSON: {fault}") from None
    if not isinstance(held, dict):
        raise FixtureProblem(f"{path}: is no JSON object")
    if "request" not in held:
        return Fixture(name, "a request body", None, held)
    try:
        about, day, request = held["about"], date.fromisoformat(held["written_for"]), held["request"]
        variants = tuple(
            Fixture(f"{name} ({_words(each['client'])})", about, day, request, each["expected"], each["client"])
            for each in held.get("for_clients", ())
        )
        return Fixture(name, about, day, request, held["expected"], variants=variants)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        wanted = "about, written_for (a day), request and expected are wanted, and client and expected for each client"
        raise FixtureProblem(f"{path}: {wanted}: {fault}") from None


def _words(client: Mapping[str, Any]) -> str:
    """Say an entry in few words: "part2: mode use, by_confidentiality true"."""
    blocks = (
        f"{key}: {', '.join(f'{name} {_plain(each)}' for name, each in value.items())}"
        if isinstance(value, dict)
        else f"{key}: {_plain(value)}"
        for key, value in client.items()
    )
    return "; ".join(blocks)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def write_request(name: str, today: date, path: Path) -> None:
    """Write the request body of a fixture, its dates moved to `today`. Raises FixtureProblem, OSError."""
    path.write_text(as_json(find(name).on(today)) + "\n", encoding="utf-8")


def as_json(value: Any) -> str:
    """Give JSON as people read it; characters that a terminal would obey are escaped."""
    return json.dumps(value, indent=2, ensure_ascii=False).translate(_CONTROLS)
