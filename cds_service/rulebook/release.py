"""A release put together from its files: editions of rules with exactly the definitions and value sets they read.

Layout of the folder: release.yaml, release.lock.json, releases/<release>.yaml (older ones), override-reasons.yaml,
<rule id>/<version>.yaml, definitions/<id>/<version>.yaml, value-sets/<id>/<version>.json.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from cds_service.core.compiling import value_sets_of
from cds_service.core.rule import Definition, Edition, Release, Rule
from cds_service.core.value_set import ValueSet
from cds_service.rulebook import lint_names, lint_parameters
from cds_service.rulebook.change import version_order
from cds_service.rulebook.lint_subject import Shelf, Subject, subject_of
from cds_service.rulebook.reader import DefinitionFile, RuleFile, read_definition_file, read_rule_file
from cds_service.rulebook.release_file import (
    REASONS_FILE,
    RELEASE_FILE,
    Entry,
    Pins,
    ReleaseFile,
    read_override_reasons,
    read_release_file,
)
from cds_service.rulebook.release_lock import digest_of, file_digests
from cds_service.rulebook.source import Place, RuleProblem, Source, nearest
from cds_service.rulebook.uncollected import uncollected
from cds_service.rulebook.value_set_file import read_value_set_file

Versioned = tuple[str, str]  # id, version


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release and everything it was read from.

    release:  None when a file has an error that keeps it from being judged; then `problems` says which.
    rules, definitions, value_sets: every file the release names, by (id, version).
    paths:    the same files and release.yaml, by their name in the digest ("mat-consideration/1.0.0.yaml").
    problems: errors of form, of names that lead nowhere, and of the release file; lint finds more.
    """

    release: Release | None
    file: ReleaseFile
    rules: Mapping[Versioned, RuleFile]
    definitions: Mapping[Versioned, DefinitionFile]
    value_sets: Mapping[Versioned, ValueSet]
    override_reasons: Mapping[str, str]
    paths: Mapping[str, Path]
    problems: tuple[RuleProblem, ...]


def rule_path(folder: Path, name: str, version: str) -> Path:
    """Where one version of a rule stands."""
    return folder / name / f"{version}.yaml"


def definition_path(folder: Path, name: str, version: str) -> Path:
    """Where one version of a definition stands."""
    return folder / "definitions" / name / f"{version}.yaml"


def value_set_path(folder: Path, name: str, version: str) -> Path:
    """Where one version of a value set stands."""
    return folder / "value-sets" / name / f"{version}.json"


def release_path(folder: Path, name: str | None) -> Path:
    """Where a release stands: release.yaml, or for another name releases/<name>.yaml."""
    current = folder / RELEASE_FILE
    if name is None or (current.exists() and read_release_file(current).id == name):
        return current
    return folder / "releases" / f"{name}.yaml"


def known_releases(folder: Path) -> list[str]:
    """Name every release of a folder, the lowest first: the current one, and those under releases/."""
    names = {each.stem for each in (folder / "releases").glob("*.yaml")}
    current = read_release_file(folder / RELEASE_FILE).id
    return sorted({*names, current} - {""}, key=version_order)


def unknown_release(folder: Path, name: str) -> str:
    """Say that a folder has no release of this name, with the nearest or all there are; "" when it has one."""
    known = known_releases(folder)
    near = nearest(name, known) or f"there are {', '.join(known) or 'none'}"
    if Path(name).is_dir():
        near = f"wanted a name; a release of another folder is had by --folder. Here {near}"
    return "" if name in known else f"no release '{name}'; {near}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that a release names, and where it names it. kind: "rule", "definition" or "value set"."""

    kind: str
    id: str
    version: str
    path: Path
    place: Place


_ABSENT = {"rule": "unknown-rule", "definition": "definition-version", "value set": "unknown-value-set"}


Known = Mapping[str, Rule | Definition | ValueSet]  # what a file of this sha256 says


def known_of(release: Release, files: Mapping[str, str]) -> Known:
    """Give what was read already, by the sha256 of its file. files: sha256 by name in the release."""
    editions = (*release.active, *release.trial)
    definitions = [release.gate_definitions, *(each.definitions for each in editions)]
    value_sets = [release.gate_value_sets, *(each.value_sets for each in editions)]
    found: dict[str, Rule | Definition | ValueSet] = {
        f"{each.rule.id}/{each.rule.version}.yaml": each.rule for each in editions
    }
    found |= {f"definitions/{one.id}/{one.version}.yaml": one for some in definitions for one in some.values()}
    found |= {f"value-sets/{one.id}/{one.version}.json": one for some in value_sets for one in some.values()}
    return {files[name]: each for name, each in found.items() if name in files}


def load_release(folder: Path, name: str | None = None, *, tested: frozenset[str] = frozenset()) -> Loaded:
    """Read a release with all its files. name: an older release ("2026.10.0"); None = the current one.

    tested: names of files that were found sound before: their tests are left out.

    Nothing is raised for a fault in a file: `Loaded.release` is then None and `Loaded.problems` tells everything.
    """
    with uncollected():
        return _load(folder, name, tested)


def load_sound(folder: Path, files: Mapping[str, str], known: Known = MappingProxyType({})) -> Loaded:
    """Read the current release of a folder, found sound before by this very software.

    Whether its names lead somewhere is not asked again, and tests are left out.
    files: sha256 of each file, by its name in the release, as it was found sound and as it stands there now.
    known: files that need not be read again. They have no lines to point at.
    """
    there = {folder / name: known[sha] for name, sha in files.items() if sha in known}
    with uncollected():
        return _load(folder, None, frozenset(files), there, sound=True)


def _load(
    folder: Path,
    name: str | None,
    tested: frozenset[str],
    known: Mapping[Path, Rule | Definition | ValueSet] = MappingProxyType({}),
    *,
    sound: bool = False,
) -> Loaded:
    path = release_path(folder, name)
    file = read_release_file(path)
    wanted = _wanted(file, folder)
    there = {kind: [each for each in wanted if each.kind == kind and each.path.is_file()] for kind in _ABSENT}
    reasons, reason_problems = read_override_reasons(folder / REASONS_FILE)

    def is_tested(path: Path) -> bool:
        return path.relative_to(folder).as_posix() in tested

    rules = {
        (each.id, each.version): _rule_file(each.path, known.get(each.path), is_tested(each.path))
        for each in there["rule"]
    }
    definitions = {
        (each.id, each.version): _definition_file(each.path, known.get(each.path), is_tested(each.path))
        for each in there["definition"]
    }
    sets = {(each.id, each.version): _value_set(each.path, known.get(each.path)) for each in there["value set"]}
    problems = [*file.problems, *reason_problems, *_absent(wanted, file, folder)]
    for rule in rules.values():
        problems += rule.problems
    for definition in definitions.values():
        problems += definition.problems
    for _, found in sets.values():
        problems += found
    loaded = Loaded(
        release=None,
        file=file,
        rules=rules,
        definitions=definitions,
        value_sets={key: value_set for key, (value_set, _) in sets.items() if value_set is not None},
        override_reasons=reasons,
        paths={
            RELEASE_FILE: path,
            REASONS_FILE: folder / REASONS_FILE,
            **{each.path.relative_to(folder).as_posix(): each.path for each in wanted},
        },
        problems=(),
    )
    problems += () if sound else _unresolved(loaded, folder)
    release = None if any(each.severity == "error" for each in problems) else _release(loaded)
    return replace(loaded, release=release, problems=tuple(dict.fromkeys(problems)))


_Read = Rule | Definition | ValueSet | None  # what a file is known to say


def _rule_file(path: Path, known: _Read, tested: bool) -> RuleFile:
    return RuleFile(known, (), _unseen(path), (), known) if isinstance(known, Rule) else read_rule_file(path, tested)


def _definition_file(path: Path, known: _Read, tested: bool) -> DefinitionFile:
    if isinstance(known, Definition):
        return DefinitionFile(known, (), _unseen(path), (), known)
    return read_definition_file(path, tested)


def _value_set(path: Path, known: _Read) -> tuple[ValueSet | None, tuple[RuleProblem, ...]]:
    return (known, ()) if isinstance(known, ValueSet) else read_value_set_file(path)


def _unseen(path: Path) -> Source:
    return Source(str(path), (), None)


def _wanted(file: ReleaseFile, folder: Path) -> tuple[Wanted, ...]:
    """List every file the release names, each once."""
    wanted = [
        Wanted("rule", each.id, each.version, rule_path(folder, each.id, each.version), each.place)
        for each in file.entries
    ]
    for pins, above in _all_pins(file):
        for (name, _), version in pins.definitions.items():
            place = (*above, "definitions", name)
            wanted.append(Wanted("definition", name, version, definition_path(folder, name, version), place))
        for name, version in pins.value_sets.items():
            place = (*above, "value_sets", name)
            wanted.append(Wanted("value set", name, version, value_set_path(folder, name, version), place))
    return tuple({each.path: each for each in reversed(wanted)}.values())[::-1]


def _absent(wanted: tuple[Wanted, ...], file: ReleaseFile, folder: Path) -> Iterable[RuleProblem]:
    for each in wanted:
        if not each.path.is_file():
            others = [other.stem for other in each.path.parent.glob(f"*{each.path.suffix}")]
            hint = nearest(each.version, others) or f"wanted the file {each.path.relative_to(folder).as_posix()}"
            text = f"no file for {each.kind} '{each.id}' {each.version}"
            yield file.source.problem(_ABSENT[each.kind], each.place, text, hint)


def _all_pins(file: ReleaseFile) -> list[tuple[Pins, Place]]:
    """Give the pins of the release and those that trials have of their own, with the place they stand at."""
    own = [(entry.pins, entry.place[:-1]) for entry in file.entries if entry.pins is not file.pins]
    return [(file.pins, ()), *own]


def shelf_of(loaded: Loaded, folder: Path, pins: Pins) -> Shelf:
    """Give what a file that is judged by these pins may refer to."""
    return Shelf(
        definitions={
            key: loaded.definitions[key[0], version]
            for key, version in pins.definitions.items()
            if (key[0], version) in loaded.definitions
        },
        value_sets={
            each: loaded.value_sets[each, version]
            for each, version in pins.value_sets.items()
            if (each, version) in loaded.value_sets
        },
        set_ids=frozenset(pins.value_sets),
        definition_ids=_folders(folder / "definitions"),
        other_sets=_folders(folder / "value-sets"),
        rules=_rule_names(loaded.file),
        reasons=frozenset(loaded.override_reasons),
    )


def _rule_names(file: ReleaseFile) -> frozenset[str]:
    """Give the rules that a release names, also those of which it says something that cannot be read."""
    written = file.source.node(("rules",)) if file.source.has(("rules",)) else None
    names = {key.text for key, _ in written.entries} if written else set()
    return frozenset(names | {entry.id for entry in file.entries})


def _folders(folder: Path) -> frozenset[str]:
    return frozenset(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else frozenset()


def subjects_of(loaded: Loaded, folder: Path) -> tuple[Subject, ...]:
    """Give every file of a release with what it may refer to: rules by their own pins, definitions likewise."""
    subjects: dict[str, Subject] = {}
    shelves: dict[int, Shelf] = {}
    for pins, _ in _all_pins(loaded.file):
        shelves[id(pins)] = shelf_of(loaded, folder, pins)
    for entry in loaded.file.entries:
        rule = loaded.rules.get((entry.id, entry.version))
        if rule:
            subjects.setdefault(rule.source.file, subject_of(rule, shelves[id(entry.pins)]))
    for pins, _ in _all_pins(loaded.file):
        for file in shelves[id(pins)].definitions.values():
            subjects.setdefault(file.source.file, subject_of(file, shelves[id(pins)]))
    return tuple(subjects.values())


def _unresolved(loaded: Loaded, folder: Path) -> Iterable[RuleProblem]:
    for subject in subjects_of(loaded, folder):
        for check in (*lint_names.NEEDED, *lint_parameters.NEEDED):
            yield from check(subject)
    shelf = shelf_of(loaded, folder, loaded.file.pins)
    for number, name in enumerate(loaded.file.never_when):
        owner, _, local = name.partition(".")
        files = [file for (each, _), file in shelf.definitions.items() if each == owner]
        known = [f"{owner}.{each}" for file in files for each in file.draft.criteria]
        if not any(local in file.draft.criteria for file in files):
            hint = nearest(name, known)
            yield loaded.file.source.problem(
                "unknown-criterion", ("never_when", number), f"no criterion '{name}'", hint
            )


def _release(loaded: Loaded) -> Release:
    """Put the release together; every file is known to be sound."""
    file = loaded.file
    gate: dict[tuple[str, int], Definition] = {}
    for name in file.never_when:
        owner, _, local = name.partition(".")
        major = max(
            major
            for each, major in file.pins.definitions
            if each == owner and local in loaded.definitions[each, file.pins.definitions[each, major]].draft.criteria
        )
        gate |= _closure([(owner, major)], file.pins, loaded)
    return Release(
        id=file.id,
        digest=digest_of(file_digests(loaded.paths)),
        active=tuple(_edition(each, loaded) for each in file.entries if not each.trial),
        trial=tuple(_edition(each, loaded) for each in file.entries if each.trial),
        never_when=file.never_when,
        gate_definitions=gate,
        gate_value_sets=_value_sets(gate.values(), file.pins, loaded),
        override_reasons=loaded.override_reasons,
    )


def _edition(entry: Entry, loaded: Loaded) -> Edition:
    rule = loaded.rules[entry.id, entry.version].draft
    definitions = _closure([(each.id, each.major) for each in rule.uses], entry.pins, loaded)
    return Edition(rule, definitions, _value_sets((rule, *definitions.values()), entry.pins, loaded))


def _closure(wanted: list[tuple[str, int]], pins: Pins, loaded: Loaded) -> dict[tuple[str, int], Definition]:
    """Give the definitions wanted and those that they use."""
    found: dict[tuple[str, int], Definition] = {}
    waiting = list(wanted)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found[key] = loaded.definitions[key[0], pins.definitions[key]].draft
            waiting += [(each.id, each.major) for each in found[key].uses]
    return dict(sorted(found.items()))


def _value_sets(files: Iterable[Rule | Definition], pins: Pins, loaded: Loaded) -> dict[str, ValueSet]:
    """Give the value sets that criteria of these files name."""
    named = {name for each in files for criterion in each.criteria.values() for name in value_sets_of(criterion)}
    return {each: loaded.value_sets[each, pins.value_sets[each]] for each in sorted(named)}
