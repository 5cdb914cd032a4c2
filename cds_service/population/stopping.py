"""A command over a cohort that is stopped leaves nothing behind: what it wrote for itself holds people's records."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNS = (signal.SIGTERM, signal.SIGHUP)  # told to end, and the terminal was closed; Ctrl-C raises by itself


@contextmanager
def tidily() -> Iterator[None]:
    """End by an exception where a signal would end the process at once, so that temporary folders go.

    To be entered by the main thread.
    """
    before = {each: signal.signal(each, _end) for each in _SIGNS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(sign: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + sign)


def left_to_the_first() -> None:
    """Let the first process alone hear Ctrl-C, which a terminal sends to all of them; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
