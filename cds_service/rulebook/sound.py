"""What of a new release need not be looked at again, because the same was found sound in the one accepted before.

What lint says of a file follows from the file and from all that it may refer to: definitions, value sets, override
reasons, and the names of rules. Where none of that differs, nor the pins that a file is judged by, nor the software,
lint would say of an unchanged file what it said before. What stands between files is always looked at.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from cds_service.rulebook.release_file import RELEASE_FILE, Pins, ReleaseFile, read_release_file
from cds_service.rulebook.release_lock import read_lock


def sound_files(before: Path, folder: Path, files: Mapping[str, str]) -> frozenset[str]:
    """Name the rule and definition files of a release that lint would say of what it said in the one before.

    before: folder of a release that this very software accepted, with its lock; folder: that of the new one.
    files:  sha256 of each file of the new release, by name.
    """
    old, new = read_release_file(before / RELEASE_FILE), read_release_file(folder / RELEASE_FILE)
    try:
        then = read_lock(before).get(old.id, {})
        own = hashlib.sha256((before / RELEASE_FILE).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return frozenset()
    if new.problems or then.get(RELEASE_FILE) != own or _shared(old, then) != _shared(new, files):
        return frozenset()
    pins_then, pins_now = _pins(old), _pins(new)
    return frozenset(
        name for name, pins in pins_now.items() if pins_then.get(name) == pins and then.get(name) == files.get(name)
    )


def _shared(file: ReleaseFile, files: Mapping[str, str]) -> tuple[Mapping[str, str], frozenset[str]]:
    """Give all that a file may refer to: every file that is no rule, and the ids of the rules."""
    rules = {f"{each.id}/{each.version}.yaml" for each in file.entries}
    shared = {name: sha for name, sha in files.items() if name not in rules and name != RELEASE_FILE}
    return shared, frozenset(each.id for each in file.entries)


def _pins(file: ReleaseFile) -> Mapping[str, Pins]:
    """Give the pins that each file is judged by; the first place that names a file decides, as in lint."""
    found: dict[str, Pins] = {}
    for entry in file.entries:
        found.setdefault(f"{entry.id}/{entry.version}.yaml", entry.pins)
    for pins in (file.pins, *(entry.pins for entry in file.entries)):
        for (name, _), version in pins.definitions.items():
            found.setdefault(f"definitions/{name}/{version}.yaml", pins)
    return found
