"""Files written as a whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees all of the old or all of the new. Raises OSError of this path.

    The mode of a file that is there stays; a new one is readable by all, less the umask.
    """
    try:
        _write(path, text)
    except OSError as fault:  # of the file that was asked for, not of the one beside it
        raise type(fault)(fault.errno, fault.strerror, str(path)) from None


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
