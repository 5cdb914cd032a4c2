"""Work on the parts of a sorted cohort, in this process or spread over several.

Others are started anew (`spawn`), so nothing depends on what the caller holds open.
"""

import gc
import os
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from cds_service.population.lines import size_of
from cds_service.population.stopping import left_to_the_first

SMALL_BYTES = 2_000_000  # some 700 people
_SELDOM = 50_000  # new objects before garbage is looked for
T = TypeVar("T")


def workers_for(cohort: Path, wanted: int = 0) -> int:
    """How many processes: those wanted; else one a core, or one for a cohort that is done before others have started.

    Raises NoCohort.
    """
    return wanted or (len(os.sched_getaffinity(0)) if size_of(cohort) > SMALL_BYTES else 1)


def parts_for(workers: int) -> int:
    """How many parts there shall be at least, so that all processes end at about the same time."""
    return 1 if workers == 1 else 4 * workers


def over_parts(
    parts: tuple[Path, ...],
    work: Callable[[Path], T],
    ready: Callable[..., None],
    asked: tuple[Any, ...],
    workers: int,
    done: Callable[[int, int], None],
) -> Iterator[T]:
    """Give what `work` makes of each part, in the order of the parts.

    ready: makes a process ready for work, from what was `asked`; all of it can be pickled.
    done:  is told of each part: 1, and how many there are.
    """
    workers = min(workers, len(parts))
    if workers <= 1:
        ready(*asked)
        for part in parts:
            yield work(part)
            done(1, len(parts))
        return
    with get_context("spawn").Pool(workers, _begin, (ready, asked)) as pool:
        for each in pool.imap(work, parts):
            yield each
            done(1, len(parts))


def _begin(ready: Callable[..., None], asked: tuple[Any, ...]) -> None:
    left_to_the_first()
    ready(*asked)


def seldom_look_for_garbage() -> None:
    """What stands now is not looked through again, and what comes and goes is seldom a cycle."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_SELDOM)
