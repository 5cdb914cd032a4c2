"""Keeps one worker at the newest accepted release of the rules folder, without a restart and without a failed call.

Each second it compares the folder's commit with what was accepted. A new commit is judged in a process of its own, by
one worker of the node at a time; every worker then loads what was accepted beside the release in service, and changes
over by one assignment. A commit that is refused is told once, and what was in service stays.
"""

import fcntl
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cds_service.core.rule import Release
from cds_service.faults import places
from cds_service.rulebook.kept import (
    ACCEPTED,
    REFUSED,
    UNLOCKED,
    WAITING,
    Standing,
    commit_mark,
    committed,
    read_standing,
)
from cds_service.rulebook.site_file import SiteFile
from cds_service.rulebook.software import installed_software, this_software

EVERY_S, SELDOM_S = 1.0, 10.0  # seldom: after a look that failed
JUDGING_S = 120.0
OUTCOMES = (ACCEPTED, REFUSED, WAITING, UNLOCKED)
_ASKING = "asking"  # whoever holds the lock of this file has a commit judged

_log = logging.getLogger("cds_service")


class ReleaseWatch:
    """Looks at one rules folder; a class because it holds a thread and what it has told already.

    digest: of the release in service at the beginning.
    site:   the site file that a release must fit to be accepted here; None = none.
    load:   reads what was accepted. Raises when its files are not what was accepted.
    serve:  puts a release in service.
    found:  told what became of each new commit, one of OUTCOMES, each once a commit; ACCEPTED by each worker that
            took it over.
    """

    def __init__(
        self,
        folder: Path,
        kept: Path,
        digest: str,
        *,
        load: Callable[[Standing], Release],
        serve: Callable[[Release], None],
        found: Callable[[str], None] = lambda outcome: None,
        site: SiteFile | None = None,
    ) -> None:
        self._folder, self._kept, self._digest, self._site = folder, kept, digest, site
        self._load, self._serve, self._found = load, serve, found
        self._told = ("", "")  # what was last told of a commit: WAITING, UNLOCKED or REFUSED; and the commit
        self._failed = ""  # how the last look failed, "" for not at all
        self._newer: Mapping[str, Any] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="release-watch", daemon=True)

    def begin(self) -> None:
        """Start to look, in a thread; after the fork."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._over.set()

    def standing(self) -> Mapping[str, Any]:
        """What `/readyz` says: nothing while the folder's commit is served, else what became of that commit."""
        return {"folder": self._newer} if self._newer else {}

    def look(self) -> None:
        """Compare the folder with what was accepted, and take over what is new. Raises OSError, subprocess errors."""
        mark, standing = commit_mark(self._folder), read_standing(self._kept, self._folder, self._site)
        if mark not in (standing.mark, standing.refused):
            standing = self._judged(mark, standing)
        if standing.digest and standing.digest != self._digest:
            release = self._load(standing)
            self._serve(release)
            self._digest = release.digest
            self._found(ACCEPTED)
            _log.warning("release-taken-over", extra={"release": release.id, "digest": release.digest})
        if mark == standing.refused:
            self._tell(REFUSED, mark, standing.problems)
        elif mark == standing.mark:
            self._newer, self._told = {}, ("", "")

    def _judged(self, mark: str, standing: Standing) -> Standing:
        """Have a new commit judged, unless its files are not all there yet or another worker is at it.

        Nor where the software was changed since the service began: what judges would not be what serves.
        """
        try:
            files, problems = committed(self._folder)
        except ValueError as fault:  # half a lock: it is being written
            self._tell(WAITING, mark, (str(fault),))
            return standing
        if problems:
            self._tell(WAITING if files else UNLOCKED, mark, problems)
            return standing
        if installed_software() != this_software():
            self._tell(WAITING, mark, ("the software was changed since the service began: restart it",))
            return standing
        self._kept.mkdir(parents=True, exist_ok=True)
        with (self._kept / _ASKING).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return standing
            name = [self._site.source.file] if self._site else []
            subprocess.run(
                [sys.executable, "-m", "cds_service.rulebook.kept", str(self._folder), str(self._kept), *name],
                check=True, input=self._site.raw if self._site else b"", stdout=subprocess.DEVNULL, timeout=JUDGING_S,
            )  # fmt: skip
        return read_standing(self._kept, self._folder, self._site)

    def _tell(self, outcome: str, mark: str, problems: tuple[str, ...]) -> None:
        self._newer = {"outcome": outcome, "problems": len(problems)}
        if self._told == (outcome, mark):
            return
        self._told = (outcome, mark)
        self._found(outcome)
        level = logging.ERROR if outcome == REFUSED else logging.WARNING
        _log.log(
            level,
            "release-not-taken",
            extra={"rules": str(self._folder), "outcome": outcome, "problems": list(problems)},
        )

    def _watch(self) -> None:
        while not self._over.wait(SELDOM_S if self._failed else EVERY_S):
            self.look_again()

    def look_again(self) -> None:
        """Look, and log how that failed, once: the next look may fare better."""
        try:
            self.look()
            self._failed = ""
        except Exception as fault:
            error, where = type(fault).__name__, places(fault)
            if self._failed != f"{error} {where}":
                self._failed = f"{error} {where}"
                _log.error("release-look-failed", extra={"error": error, "places": where})
