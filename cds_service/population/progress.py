"""A bar for work that takes long; on a terminal only, so that nothing of it lands in logs and pipes."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TextIO, TypeVar

T = TypeVar("T")
_WIDTH = 40
_PAUSE_S = 0.1


class Progress:
    """A bar on standard error. whole: how much there is to do; a class because it keeps when it last spoke."""

    def __init__(self, what: str, whole: int, out: TextIO | None = None) -> None:
        self.what = what
        self.whole = max(whole, 1)
        self.out = out or sys.stderr
        self.shown = self.out.isatty()
        self.done = 0
        self._spoke = 0.0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=self.out, flush=True)

    def add(self, done: int) -> None:
        """Note that so much more is done."""
        self.done += done
        if not self.shown or time.monotonic() - self._spoke < _PAUSE_S:
            return
        self._spoke = time.monotonic()
        full = min(_WIDTH, self.done * _WIDTH // self.whole)
        bar = "#" * full + "." * (_WIDTH - full)
        print(f"\r{self.what:10} [{bar}] {self.done / self.whole:4.0%}", end="", file=self.out, flush=True)

    def watch(self, things: Iterable[T]) -> Iterator[T]:
        """Pass things on, and note each."""
        for each in things:
            yield each
            self.add(1)


def watched(what: str, things: Sequence[T]) -> Iterator[T]:
    """Pass things on with a bar that grows with each, and is gone after the last."""
    with Progress(what, len(things)) as bar:
        yield from bar.watch(things)
