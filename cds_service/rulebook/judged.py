"""Releases that were judged when the service was installed, so that no first start has to judge them again.

A new container has accepted nothing yet (see `kept`), and to judge a release takes as long as all the rest of a start.
`cds-service rules accept`, run while an image is built, judges the release and notes that inside the package itself:
who can write there can change the code as well, so a note is worth what the code is. It holds for exactly these files
of rules and exactly this code; whatever else comes is judged as ever.
"""

import hashlib
import json
from pathlib import Path

import cds_service
from cds_service.rulebook.files import write_whole

PACKAGE = Path(cds_service.__file__).parent
NOTES = PACKAGE / "_judged"  # a file for each release


def was_judged(digest: str, notes: Path = NOTES) -> bool:
    """Whether this very code found no error in a release. digest: of its files (release_lock.digest_of)."""
    try:
        told = json.loads(note_of(digest, notes).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("code") == code_digest()


def note_judged(digest: str, release: str, notes: Path = NOTES) -> None:
    """Note that this code found no error in the files of this digest. Raises OSError."""
    notes.mkdir(exist_ok=True)
    write_whole(note_of(digest, notes), json.dumps({"release": release, "code": code_digest()}) + "\n")


def note_of(digest: str, notes: Path = NOTES) -> Path:
    """Where the note about these files stands, if there is one."""
    return notes / f"{digest}.json"


def code_digest(package: Path = PACKAGE) -> str:
    """Give the sha256 over the modules of a package, names and contents."""
    modules = sorted((each.relative_to(package).as_posix(), each) for each in package.rglob("*.py"))
    told = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()} {name}\n" for name, path in modules)
    return hashlib.sha256(told.encode()).hexdigest()
