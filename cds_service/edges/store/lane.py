"""Threads for work that must not hold its caller longer than it says, whatever the database does."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Job = tuple["Future[Any]", Callable[[], Any]]


class Lane:
    """A few threads, made at the first use; a class because it holds them.

    concurrent.futures has such a pool, but the interpreter waits for its threads at exit, and a thread that hangs in a
    connection would keep a worker from ending.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        self._started = False

    def run(self, work: Callable[[], T], timeout_s: float) -> T:
        """Give what `work` gives, or raise what it raises; TimeoutError after `timeout_s`.

        Work that has not begun by then never does; work that has begun ends unheard.
        """
        future = self.begin(work)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            if not future.cancel() and future.done():  # it was done while this thread waited for its turn
                return future.result()
            raise

    def begin(self, work: Callable[[], T]) -> "Future[T]":
        """Have `work` done without waiting for it."""
        if not self._started:
            with self._lock:
                if not self._started:
                    for each in self._threads:
                        each.start()
                    self._started = True
        future: Future[T] = Future()
        self._jobs.put((future, work))
        return future

    def close(self, within_s: float = 1.0) -> None:
        """Let the threads end after what they have begun. One that hangs is left behind and holds nobody."""
        until = time.monotonic() + within_s
        for _ in self._threads:
            self._jobs.put(None)
        for each in self._threads if self._started else ():
            each.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, work = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as fault:  # whoever waits is told; the thread lives on
                future.set_exception(fault)
