"""A folder for temporary files that lasts as long as a process and those forked from it.

Who is killed removes nothing, and a folder for temporary files may outlive the container that is started anew: on
Kubernetes it lies in memory, and counts. So each folder has a file whose lock says that somebody still works there,
and whoever makes the next folder removes those that nobody holds.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

HELD, _NEW = "held", "new"  # until the file is locked it has another name


def held_folder(prefix: str) -> Path:
    """Make a folder, new, empty but for its lock and open to nobody else; what killed processes left is removed.

    It is held as long as this process lives, or one that was forked from it. Raises OSError when there is no place for
    temporary files.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    for each in folder.parent.glob(f"{prefix}*"):
        with suppress(OSError):  # it is gone already, or cannot be locked: then it stays
            _remove_unless_held(each)
    with suppress(OSError):  # no locks here: nobody can tell when it may go, and nobody removes it
        handle = os.open(folder / _NEW, os.O_WRONLY | os.O_CREAT, 0o600)  # never closed
        fcntl.flock(handle, fcntl.LOCK_EX)
        (folder / _NEW).rename(folder / HELD)
    return folder


def _remove_unless_held(folder: Path) -> None:
    """Raises OSError for a folder that is held, or that has no lock."""
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
        return
    handle = os.open(folder / HELD, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
