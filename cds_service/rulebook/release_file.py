"""The file `release.yaml`: which version of what is served."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cds_service.rulebook.reader_forms import CRITERION, FILE_ID, LINE, VERSION
from cds_service.rulebook.reader_shapes import BlockOf, Either, Form, Key, ListOf, Named
from cds_service.rulebook.reader_values import MISSING, Reading, Value, read
from cds_service.rulebook.source import Mark, Place, RuleProblem, Source, parse_source, read_source

RELEASE_FILE = "release.yaml"
REASONS_FILE = "override-reasons.yaml"
SET_VERSION = Named("a version of three parts", r"\d+\.\d+\.\d+", "2026.11.0")

_VERSIONS = BlockOf(FILE_ID, ListOf(VERSION, least=1), "a block of definition ids and versions")
_SETS = BlockOf(FILE_ID, SET_VERSION, "a block of value-set ids and versions")
_TRIAL = Form(
    "a trial",
    (
        Key("version", VERSION, True, "the version on trial"),
        Key("definitions", _VERSIONS, False, "definitions that it reads in another version"),
        Key("value_sets", _SETS, False, "value sets that it reads in another version"),
    ),
)
_RULE = Form(
    "a released rule",
    (
        Key("active", VERSION, False, "the version whose cards are shown"),
        Key("trial", Either((VERSION, _TRIAL)), False, "the version that is recorded beside it and never shown"),
    ),
    some_of=("active", "trial"),
    example="{active: 1.0.0}",
)
FORM = Form(
    "a release",
    (
        Key("release", SET_VERSION, True, "the name of the release"),
        Key("never_when", ListOf(CRITERION), False, "criteria of definitions; where one holds, no rule runs"),
        Key(
            "rules",
            BlockOf(FILE_ID, _RULE, "a block of rule ids, at least one", least=1),
            True,
            "what runs; the order breaks ties",
        ),
        Key("definitions", _VERSIONS, False, "the versions served, one for each major"),
        Key("value_sets", _SETS, False, "the version served of each"),
    ),
)


@dataclass(frozen=True, slots=True)
class Pins:
    """Exact versions: definitions by (id, major), value sets by id."""

    definitions: Mapping[tuple[str, int], str] = field(default_factory=dict)
    value_sets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one rule that a release names, and the pins it is judged by."""

    id: str
    version: str
    trial: bool
    pins: Pins
    place: Place


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A release file as read."""

    id: str
    never_when: tuple[str, ...]
    entries: tuple[Entry, ...]
    pins: Pins
    source: Source
    problems: tuple[RuleProblem, ...]


def read_release_file(path: Path) -> ReleaseFile:
    """Read a release file; with errors in it, what could be read is given all the same."""
    return _release(*read_source(path))


def read_release_text(text: str) -> ReleaseFile:
    """Read a release from text."""
    return _release(*parse_source(text, RELEASE_FILE))


def read_override_reasons(path: Path) -> tuple[Mapping[str, str], tuple[RuleProblem, ...]]:
    """Read the shared list of override reasons: code to the words an EHR shows."""
    source, problems = read_source(path)
    reading = Reading(source, list(problems))
    plain = read(BlockOf(FILE_ID, LINE, "a block of codes"), source.root, reading) if source.root else {}
    reasons = {} if plain is MISSING else {code: text for code, text in plain.items() if text is not MISSING}
    return reasons, tuple(reading.problems)


def _release(source: Source, problems: tuple[RuleProblem, ...]) -> ReleaseFile:
    reading = Reading(source, list(problems))
    plain = read(FORM, source.root, reading) if source.root else {}
    plain = {} if plain is MISSING else plain
    pins = _pins(plain, ("definitions",), reading)
    entries: list[Entry] = []
    for name, rule in plain.get("rules", {}).items():
        if rule is not MISSING:
            entries += _entries(name, rule, pins, reading)
    never_when = plain.get("never_when", ())
    for number, criterion in enumerate(never_when):
        if "." not in criterion:
            text = f"'{criterion}' is not a criterion of a definition"
            reading.note("bad-name", source.mark(("never_when", number)), text, "such as patient-status.deceased")
    return ReleaseFile(plain.get("release", ""), never_when, tuple(entries), pins, source, tuple(reading.problems))


def _entries(name: str, rule: Mapping[str, Value], pins: Pins, reading: Reading) -> list[Entry]:
    entries = []
    if "active" in rule:
        entries.append(Entry(name, rule["active"], False, pins, ("rules", name, "active")))
    trial = rule.get("trial")
    if isinstance(trial, str):
        entries.append(Entry(name, trial, True, pins, ("rules", name, "trial")))
        if trial == rule.get("active"):
            mark = reading.source.mark(("rules", name, "trial"))
            text = f"'{name}' {trial} is on trial beside itself"
            reading.note("duplicate-entry", mark, text, "a trial is another version, or has pins of its own")
    elif trial and "version" in trial:
        place: Place = ("rules", name, "trial")
        own = _pins(trial, (*place, "definitions"), reading)
        merged = Pins({**pins.definitions, **own.definitions}, {**pins.value_sets, **own.value_sets})
        entries.append(Entry(name, trial["version"], True, merged, (*place, "version")))
    return entries


def _pins(plain: Mapping[str, Value], place: Place, reading: Reading) -> Pins:
    """Take the versions; two of one major are refused, because a rule could not say which it reads."""
    definitions: dict[tuple[str, int], str] = {}
    for name, versions in plain.get("definitions", {}).items():
        for number, version in enumerate(() if versions is MISSING else versions):
            major = int(version.split(".")[0])
            if (name, major) in definitions:
                mark: Mark = reading.source.mark((*place, name, number))
                text = f"'{name}' {major} is pinned twice: {definitions[name, major]} and {version}"
                reading.note("duplicate-key", mark, text, "one exact version per major")
            definitions.setdefault((name, major), version)
    value_sets = {name: each for name, each in plain.get("value_sets", {}).items() if each is not MISSING}
    return Pins(definitions, value_sets)
