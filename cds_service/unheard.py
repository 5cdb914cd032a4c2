"""Standard output whose reader may go away: a command then ends as it would have ended, with its own exit code.

`cds-service rules lint | head -1` closes the pipe after a line. A command that stopped there could not say by its exit
code what it found after it, and a check in CI would pass by it (with `pipefail`, as a shell in CI should have).
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Unheard(io.FileIO):
    """A file that takes everything after its reader has gone; a class because the library wants one to write to."""

    def write(self, some: Any) -> int:
        try:
            return super().write(some) or 0
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(some)


@contextmanager
def unheard_at_worst() -> Iterator[None]:
    """Let `print` go on without a reader until the block is left, and write what is left then.

    Raises OSError when it cannot be written for another reason, such as a full disk.
    """
    before = sys.stdout
    try:
        handle = before.fileno()
    except (AttributeError, OSError, ValueError):  # there is none, it is closed, or it is no file
        yield
        return
    out = io.TextIOWrapper(
        io.BufferedWriter(_Unheard(handle, "wb", closefd=False)),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.isatty(),
    )
    sys.stdout = out
    try:
        yield
        out.flush()
    finally:
        sys.stdout = before
