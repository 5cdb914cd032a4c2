"""What a version of a rule reads and a release does not pin yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cds_service.core.rule import Definition, Rule
from cds_service.rulebook.change import version_order
from cds_service.rulebook.lint_subject import uses_of
from cds_service.rulebook.reader import read_definition_file, read_rule_file
from cds_service.rulebook.release import definition_path, rule_path, value_set_path
from cds_service.rulebook.release_edit import NoEdit
from cds_service.rulebook.release_file import ReleaseFile
from cds_service.rulebook.source import nearest


@dataclass(frozen=True, slots=True)
class Missing:
    """Pins to add, as (id, version), the newest that there are; a definition may come with several majors."""

    definitions: tuple[tuple[str, str], ...] = ()
    value_sets: tuple[tuple[str, str], ...] = ()


def missing_pins(folder: Path, current: ReleaseFile, rule: str, version: str) -> Missing:
    """Give what the rule reads, itself and through definitions, that the release does not pin.

    Raises NoEdit when there is no such version, when a file has an error, and when nothing is there to be pinned.
    """
    draft = _rule(folder, rule, version)
    definitions = list(_definitions(folder, current, draft))
    drafts: list[Rule | Definition] = [draft, *(each for each, _ in definitions)]
    named = {use.name for each in drafts for use in uses_of(each) if use.kind == "value-set"}
    sets = []
    for name in sorted(named - current.pins.value_sets.keys()):
        above = value_set_path(folder, name, version).parent
        sets.append((name, _newest(above, "*.json", f"{rule} {version} reads the value set '{name}'")))
    return Missing(tuple((each.id, each.version) for each, is_new in definitions if is_new), tuple(sets))


def _rule(folder: Path, rule: str, version: str) -> Rule:
    path = rule_path(folder, rule, version)
    if not path.is_file():
        there = sorted((each.stem for each in path.parent.glob("*.yaml")), key=version_order)
        rules = sorted({each.parent.name for each in folder.glob("*/*.yaml")} - {"releases"})
        hint = f"there are {', '.join(there)}" if there else nearest(rule, rules) or f"wanted the file {path}"
        raise NoEdit(f"no version {version} of '{rule}'; {hint}")
    file = read_rule_file(path)
    if file.problems:
        raise NoEdit("\n".join(map(str, file.problems)))
    return file.draft


def _definitions(folder: Path, current: ReleaseFile, draft: Rule) -> Iterator[tuple[Definition, bool]]:
    """Give the definitions that a rule leads to, and whether the release does not pin them."""
    seen: set[tuple[str, int]] = set()
    waiting: list[Rule | Definition] = [draft]
    while waiting:
        by = waiting.pop()
        for use in by.uses:
            key = (use.id, use.major)
            if key in seen:
                continue
            seen.add(key)
            version = current.pins.definitions.get(key, "")
            above = definition_path(folder, use.id, version).parent
            found = version or _newest(
                above, f"{use.major}.*.yaml", f"{by.id} uses the definition '{use.id}' {use.major}"
            )
            file = read_definition_file(definition_path(folder, use.id, found))
            if file.problems:
                raise NoEdit("\n".join(map(str, file.problems)))
            waiting.append(file.draft)
            yield file.draft, not version


def _newest(folder: Path, names: str, reader: str) -> str:
    there = [each.name.removesuffix(each.suffix) for each in folder.glob(names)]
    if not there:
        raise NoEdit(f"{reader}, but there is no {folder / names}")
    return max(there, key=version_order)
