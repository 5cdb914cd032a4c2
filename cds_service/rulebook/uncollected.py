"""Reading many files without the garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Put off the search for cycles while much is made that stays.

    Every few hundred new objects it would begin anew to look through what was read so far, and find nothing: a third
    of the time of reading a release. Reference counts go on as always, and a search that is due is made up for later.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
