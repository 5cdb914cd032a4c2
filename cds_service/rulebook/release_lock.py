"""The lock of a release: the sha256 of every file it names, so that a released file is never changed unseen.

release.lock.json keeps one entry for each release that was locked: {"releases": {id: {"digest", "files"}}}.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from cds_service.rulebook.files import write_whole

LOCK_FILE = "release.lock.json"


def file_digests(paths: Mapping[str, Path]) -> dict[str, str]:
    """Give the sha256 of each file, hexadecimal, by its name in the release. Raises OSError for one that is gone."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}


def digest_of(digests: Mapping[str, str]) -> str:
    """Give the digest of a release: sha256 over the sorted lines `sha256 path`."""
    lines = sorted(f"{digest} {name}\n" for name, digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_lock(folder: Path) -> dict[str, dict[str, str]]:
    """Give the locked digests: release -> file -> sha256. Empty when nothing is locked.

    Raises ValueError when the lock file is not the JSON it should be.
    """
    path = folder / LOCK_FILE
    if not path.is_file():
        return {}
    try:
        releases = json.loads(path.read_text(encoding="utf-8"))["releases"]
        return {
            str(name): {str(file): str(sha) for file, sha in each["files"].items()} for name, each in releases.items()
        }
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no release lock: {error}") from error


def digests_there(folder: Path, release: str) -> dict[str, str]:
    """Give the sha256 of the files that a folder's lock names for a release, as they stand; none if one is gone."""
    try:
        return file_digests({name: folder / name for name in read_lock(folder).get(release, {})})
    except (OSError, ValueError):
        return {}


def write_lock(folder: Path, release: str, paths: Mapping[str, Path]) -> Path:
    """Lock a release as its files stand now; entries of other releases stay as they are."""
    locked = {**read_lock(folder), release: file_digests(paths)}
    content = {
        "releases": {
            name: {"digest": digest_of(digests), "files": dict(sorted(digests.items()))}
            for name, digests in sorted(locked.items())
        }
    }
    path = folder / LOCK_FILE
    write_whole(path, json.dumps(content, indent=2) + "\n")
    return path


def changed_files(folder: Path, current: str) -> list[tuple[str, str]]:
    """Give (file, release) of every locked file that is gone or differs from its lock.

    current: the release that release.yaml names; older ones stand as releases/<id>.yaml.
    """
    changed = []
    for release, digests in read_lock(folder).items():
        for name, locked in digests.items():
            path = folder / name
            if name == "release.yaml" and release != current:
                path = folder / "releases" / f"{release}.yaml"
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != locked:
                changed.append((path.relative_to(folder).as_posix(), release))
    return changed
