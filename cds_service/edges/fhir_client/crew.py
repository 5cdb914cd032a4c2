"""A few threads that fetch, for as long as the worker lives."""

import queue
import threading
from collections.abc import Callable


class Crew:
    """Threads that run what they are given, in order; a class because it holds them.

    They are daemons: one that hangs in the system's name resolver, which nothing can interrupt, keeps no worker from
    ending. They start with the first job, hence after the fork.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0

    def do(self, job: Callable[[], None]) -> None:
        """Have `job` run as soon as a thread is free. It must not raise."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            elif self._started < self._size:
                self._start()
        self._jobs.put(job)

    def _start(self) -> None:
        """Start a thread, if the system has one to give: else the job waits for those that there are."""
        try:
            threading.Thread(target=self._work, name="fhir-fetch", daemon=True).start()
        except RuntimeError:
            return
        self._started += 1

    def end(self) -> None:
        """Let every thread end after the jobs that are waiting."""
        with self._lock:
            for _ in range(self._started):
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            finally:
                del job  # it holds a token: not a moment longer than the call needs it
                with self._lock:
                    self._idle += 1
