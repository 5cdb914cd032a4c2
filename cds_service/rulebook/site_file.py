"""The file `site.yaml`: what one site changes of the release it serves, and who decided it.

Read for its form here; rulebook.lint_site holds it against a release, core.overlay puts it on one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cds_service.core.facts import Coding
from cds_service.core.overlay import (
    FEEDBACK,
    NEVER_WHEN,
    NOT_HELD,
    PARAMETERS,
    RULES,
    SIGNED_OFF,
    VALUE_SETS,
    WORDING,
    Site,
    Wording,
)
from cds_service.core.site import Said, SiteMark
from cds_service.core.value_set import normalise
from cds_service.rulebook.reader_build import lines_of, links_of
from cds_service.rulebook.reader_cases import split_code
from cds_service.rulebook.reader_values import MISSING, Reading, Value, read
from cds_service.rulebook.site_forms import FORM
from cds_service.rulebook.source import RuleProblem, Source, parse_bytes, read_source

SITE_FILE = "site.yaml"
SECTIONS = (PARAMETERS, RULES, SIGNED_OFF, WORDING, VALUE_SETS, NEVER_WHEN, NOT_HELD, FEEDBACK)


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A site file as read. With problems in it nothing may be served; `site` holds what could be read all the same.

    raw: the file as it stood on the disk.
    """

    site: Site
    source: Source
    problems: tuple[RuleProblem, ...]
    raw: bytes = b""

    @property
    def digest(self) -> str:
        """The sha256 of the file, hexadecimal."""
        return self.site.mark.digest


def read_site(path: Path) -> SiteFile:
    """Read a site file; every problem of its form is in `problems`, also when there is no such file."""
    try:
        raw = path.read_bytes()
    except OSError:
        return _site_file(*read_source(path), b"")
    return read_site_bytes(raw, str(path))


def read_site_bytes(raw: bytes, file: str) -> SiteFile:
    """Read a site file that was read from the disk before; `file` is the name that problems carry."""
    return _site_file(*parse_bytes(raw, file), raw)


def read_site_text(text: str) -> SiteFile:
    """Read a site file from text."""
    return read_site_bytes(text.encode(), SITE_FILE)


def _site_file(source: Source, problems: tuple[RuleProblem, ...], raw: bytes) -> SiteFile:
    reading = Reading(source, list(problems))
    plain = read(FORM, source.root, reading) if source.root else {}
    plain = {} if plain is MISSING else plain
    said: dict[tuple[str, str], Said] = {}
    entries: dict[str, dict[str, Mapping[str, Value]]] = {each: {} for each in SECTIONS}
    for section in SECTIONS:
        block = plain.get(section, {})
        for name, entry in block.items() if block is not MISSING else ():
            if entry is not MISSING and _is_whole(section, entry):
                entries[section][name] = entry
                said[section, name] = Said(entry.get("why", ""), entry.get("by", ""), entry.get("date", ""))
    site = Site(
        mark=SiteMark(plain.get("site", ""), sha256(raw).hexdigest()),
        parameters={name: each["value"] for name, each in entries[PARAMETERS].items()},
        runs={name: each["run"] for name, each in entries[RULES].items()},
        signed_off={name: each["version"] for name, each in entries[SIGNED_OFF].items()},
        wording={name: _wording(name, each["value"]) for name, each in entries[WORDING].items()},
        codes={name: _codes(each["add"]) for name, each in entries[VALUE_SETS].items()},
        never_when=tuple(entries[NEVER_WHEN]),
        not_held=frozenset(entries[NOT_HELD]),
        feedback={name: each["value"] for name, each in entries[FEEDBACK].items()},
        said=said,
    )
    ordered = sorted(reading.problems, key=lambda each: (each.line, each.column))
    return SiteFile(site, source, tuple(ordered), raw)


_DECIDES = {
    PARAMETERS: "value", RULES: "run", SIGNED_OFF: "version", WORDING: "value", VALUE_SETS: "add", FEEDBACK: "value",
}  # fmt: skip


def _is_whole(section: str, entry: Mapping[str, Value]) -> bool:
    """Whether the entry holds what it decides; that it does not is told already."""
    return section not in _DECIDES or _DECIDES[section] in entry


def _wording(name: str, value: Value) -> Wording:
    match name.rpartition(".")[2]:
        case "detail":
            return lines_of(value)
        case "links":
            return links_of(value)
    written: Wording = value
    return written


def _codes(written: tuple[str, ...]) -> tuple[Coding, ...]:
    return tuple(normalise(*split_code(each)) for each in written)
