"""Releases that were judged when the service was installed, so that no first start has to judge them again.

A new container has accepted nothing yet (see `kept`), and to judge a release takes as long as all the rest of a start.
`cds-service rules accept`, run while an image is built, judges the release and notes that inside the package itself:
who can write there can change the code as well, so a note is worth what the code is. It holds for exactly these files
of rules and exactly this software (see `software`); whatever else comes is judged as ever.
"""

import json
from pathlib import Path

from cds_service.rulebook.files import write_whole
from cds_service.rulebook.software import PACKAGE, this_software

NOTES = PACKAGE / "_judged"  # a file for each release


def was_judged(digest: str, notes: Path = NOTES) -> bool:
    """Whether this very software found no error in a release. digest: of its files (release_lock.digest_of)."""
    try:
        told = json.loads(note_of(digest, notes).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("software") == this_software()


def note_judged(digest: str, release: str, notes: Path = NOTES) -> None:
    """Note that this software found no error in the files of this digest. Raises OSError."""
    notes.mkdir(exist_ok=True)
    write_whole(note_of(digest, notes), json.dumps({"release": release, "software": this_software()}) + "\n")


def note_of(digest: str, notes: Path = NOTES) -> Path:
    """Where the note about these files stands, if there is one."""
    return notes / f"{digest}.json"
