"""Releases that were accepted: copies that nobody edits, so that what is served never depends on a half-edited folder.

A rules folder commits to a release by its lock: release.lock.json holds the sha256 of every file that release.yaml
names. Only when all of them match, and lint finds no error in the copy, is the release accepted. Beside the records:

    var/releases/<digest>/           the files of one release, with a lock of their own
    var/releases/folders/<key>.json  of one rules folder: what was accepted last, and what was refused since

Where a site file changes the rules, a release must fit it too, and what stands is kept for folder and site file:
another site file asks anew.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cds_service.core.rule import Release
from cds_service.rulebook.judged import was_judged
from cds_service.rulebook.release import Known, known_of, load_release
from cds_service.rulebook.release_file import RELEASE_FILE, read_release_file
from cds_service.rulebook.release_lock import LOCK_FILE, digest_of, file_digests, read_lock, write_lock
from cds_service.rulebook.site_file import SiteFile, read_site_bytes
from cds_service.rulebook.software import this_software
from cds_service.rulebook.sound import sound_files
from cds_service.rulebook.source import RuleProblem

ACCEPTED, REFUSED, WAITING, UNLOCKED = "accepted", "refused", "waiting", "unlocked"
PROBLEMS_KEPT = 10
RELEASES_KEPT = 10
STANDINGS_KEPT = 10  # of one rules folder: each site file it was served with has one
_FOLDERS, _NEW = "folders", ".new-"
_BUSY = "lock"  # the file whose lock is held while one process of this machine accepts


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of one rules folder.

    digest, release: of what was accepted last; "" when nothing was.
    mark:            the commit it was accepted by (see `commit_mark`).
    version:         of the software that accepted it (software.this_software).
    refused:         the commit that was refused since, "" for none; problems: why, the first ten.
    """

    folder: str
    digest: str = ""
    release: str = ""
    mark: str = ""
    refused: str = ""
    problems: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at a rules folder.

    outcome:  ACCEPTED; REFUSED (an error); WAITING (a file is not as the lock says: it may still be written);
              UNLOCKED (the lock has no such release).
    problems: what is wrong, in words.
    known:    what the files of a release say that was judged by this look, by their sha256.
    """

    outcome: str
    standing: Standing
    problems: tuple[str, ...] = ()
    known: Known = field(default_factory=dict, compare=False, repr=False)


def commit_mark(folder: Path) -> str:
    """Give what changes when a folder commits to something else: a digest of its lock and of release.yaml.

    The software that judges is in it, because another one may find errors that this one does not.
    """
    parts = (this_software().encode(), _bytes(folder / LOCK_FILE), _bytes(folder / RELEASE_FILE))
    return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in parts)).hexdigest()


def read_standing(kept: Path, folder: Path, site: SiteFile | None = None) -> Standing:
    """Give what was accepted of a rules folder, with a site file where there is one, and what was refused since."""
    try:
        told = json.loads(_standing_file(kept, folder, site).read_text(encoding="utf-8"))
        standing = Standing(**{**told, "problems": tuple(told["problems"])})
    except (OSError, ValueError, TypeError, KeyError):
        return Standing(str(folder.resolve()))
    return standing if not standing.digest or release_folder(kept, standing).is_dir() else Standing(standing.folder)


def release_folder(kept: Path, standing: Standing) -> Path:
    """Where the files of an accepted release stand."""
    return kept / standing.digest


def look(folder: Path, kept: Path, site: SiteFile | None = None, judged: Callable[[str], bool] = was_judged) -> Looked:
    """Accept what the rules folder commits to, if it is whole and without error; one process at a time.

    site:   must fit it too.
    judged: whether the files of this digest were found to be without error when the service was installed.
    Raises OSError when nothing can be written to `kept`.
    """
    kept.mkdir(parents=True, exist_ok=True)
    with _alone(kept):
        standing, mark = read_standing(kept, folder, site), commit_mark(folder)
        if mark == standing.mark:
            return Looked(ACCEPTED, standing)
        if mark == standing.refused:
            return Looked(REFUSED, standing, standing.problems)
        try:
            files, problems = committed(folder)
        except ValueError as fault:
            return Looked(WAITING, standing, (str(fault),))
        if problems:
            return Looked(WAITING if files else UNLOCKED, standing, problems)
        return _taken(folder, kept, files, replace(standing, mark=mark), site, judged(digest_of(files)))


def _taken(
    folder: Path, kept: Path, files: dict[str, str], standing: Standing, site: SiteFile | None, judged: bool
) -> Looked:
    """Copy the files, look at the copy, and keep it if it is sound."""
    before = read_standing(kept, folder, site)
    digest, id_ = digest_of(files), read_release_file(folder / RELEASE_FILE).id
    for each in kept.glob(f"{_NEW}*"):  # of a process that was killed; only one at a time is at work here
        shutil.rmtree(each, ignore_errors=True)
    copy = Path(tempfile.mkdtemp(prefix=_NEW, dir=kept))
    try:
        for name in files:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy / name)
        if file_digests({name: copy / name for name in files}) != files:
            return Looked(WAITING, before, ("a file was changed while it was copied",))
        write_lock(copy, id_, {name: copy / name for name in files})
        sound = frozenset(files) if judged else _sound(kept, before, copy, files)
        release, errors = (None, []) if judged and site is None else _judge(copy, site, sound)
        if errors:
            told = tuple(str(replace(each, file=_named(each.file, copy))) for each in errors[:PROBLEMS_KEPT])
            refused = replace(before, refused=standing.mark, problems=told)
            _write(kept, folder, refused, site)
            return Looked(REFUSED, refused, told)
        target = kept / digest
        if not target.exists():
            copy.chmod(0o755)
            copy.rename(target)
        os.utime(target)
    except OSError as fault:
        if not fault.filename or not str(fault.filename).startswith(str(folder)):
            raise
        return Looked(WAITING, before, (f"{fault.filename}: {fault.strerror}",))
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    accepted = replace(standing, digest=digest, release=id_, refused="", problems=(), version=this_software())
    _write(kept, folder, accepted, site)
    _forget_old(kept)
    return Looked(ACCEPTED, accepted, known=known_of(release, files) if release else {})


def _sound(kept: Path, before: Standing, copy: Path, files: Mapping[str, str]) -> frozenset[str]:
    """Name the files that need not be judged again, because they were in what was accepted before."""
    return sound_files(release_folder(kept, before), copy, files) if before.version == this_software() else frozenset()


def _judge(copy: Path, site: SiteFile | None, sound: frozenset[str]) -> tuple[Release | None, list[RuleProblem]]:
    """Give a release and its errors, with those of a site file. sound: files that need not be judged by themselves."""
    from cds_service.rulebook.lint import report_of  # only what is new is looked at, and a restart finds nothing new

    loaded = load_release(copy, tested=sound)
    errors = [each for each in report_of(loaded, copy, None, site, sound).problems if each.severity == "error"]
    assert errors or loaded.release is not None, "what keeps a release from loading is an error"
    return loaded.release, errors


def committed(folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give the files that the lock names for the release of release.yaml, and which of them are not as it says.

    No files: the lock has no such release. Raises ValueError for a lock that is not the JSON it should be.
    """
    id_ = read_release_file(folder / RELEASE_FILE).id
    files = read_lock(folder).get(id_)
    if files is None:
        return {}, (f"{folder / LOCK_FILE} has no release {id_ or 'of that name'}",)
    other = []
    for name, sha in files.items():
        if _steps_out(name) or not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{folder / LOCK_FILE} names a file outside the folder: {name}")
        if hashlib.sha256(_bytes(folder / name)).hexdigest() != sha:
            other.append(f"{folder / name} is not as {LOCK_FILE} says")
    return files, tuple(other)


def _steps_out(name: str) -> bool:
    """Whether a name leads elsewhere: it names a file of the folder, and one of the copy that is made of it."""
    return Path(name).is_absolute() or ".." in Path(name).parts


def _named(file: str, copy: Path) -> str:
    """Name a file as in the rules folder: the copy is gone when the problem is read."""
    path = Path(file)
    return path.relative_to(copy).as_posix() if path.is_relative_to(copy) else file


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _standing_file(kept: Path, folder: Path, site: SiteFile | None) -> Path:
    key = f"{folder.resolve()}\n{site.digest}" if site else str(folder.resolve())
    return kept / _FOLDERS / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _write(kept: Path, folder: Path, standing: Standing, site: SiteFile | None) -> None:
    path = _standing_file(kept, folder, site)
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(asdict(standing), indent=2) + "\n", encoding="utf-8")
    new.replace(path)  # readers see the whole of one or the other


def _forget_old(kept: Path) -> None:
    """Remove the oldest copies beyond RELEASES_KEPT, but none that a folder stands by.

    Of a folder's standings the oldest beyond STANDINGS_KEPT go: each edit of a site file leaves one. A service that
    runs by one of them has the folder judged again.
    """
    needed = set()
    standings: dict[str, int] = {}
    for each in sorted((kept / _FOLDERS).glob("*.json"), key=lambda each: each.stat().st_mtime, reverse=True):
        try:
            told = json.loads(each.read_text(encoding="utf-8"))
            folder, digest = told["folder"], told["digest"]
        except (OSError, ValueError, TypeError, KeyError):
            return  # who stands by what cannot be told, so nothing goes
        standings[folder] = standings.get(folder, 0) + 1
        if standings[folder] > STANDINGS_KEPT:
            each.unlink(missing_ok=True)
        else:
            needed.add(digest)
    copies = [each for each in kept.iterdir() if each.is_dir() and each.name != _FOLDERS and each.name[0] != "."]
    copies.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in copies[RELEASES_KEPT:]:
        if each.name not in needed:
            shutil.rmtree(each, ignore_errors=True)


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Keep other processes of this machine from accepting meanwhile. One that dies gives up its lock."""
    with (kept / _BUSY).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(folder: str, kept: str, site: str = "") -> int:
    """Look once, from a process of its own: reading all rules must not slow the calls of a worker. Prints JSON.

    site: the name of a site file, which comes on standard input: the file may have been edited since it was read.
    """
    file = read_site_bytes(sys.stdin.buffer.read(), site) if site else None
    looked = look(Path(folder), Path(kept), file)
    print(json.dumps({"outcome": looked.outcome, "problems": list(looked.problems)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
