"""A worker, or the master, is killed under load: no acknowledged feedback is lost, and calls are answered again soon.

KILLS (4) is how many times each is killed; a hundred take some five minutes.
"""

import os
import random
import signal
import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from cds_service.edges.store.address import Address
from cds_service.edges.store.tables import FEEDBACK
from tests.faults.load import (
    NO_ANSWER,
    NOT_LET_IN,
    Senders,
    Told,
    ask,
    figure,
    going_on,
    has_cards,
    statuses,
    wait_until,
    workers_of,
)
from tests.running import begin, end, free_port
from tests.store.sample import rows_of

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "4"))
WORKERS, CALLERS = 2, 4
BACK_S = 5.0


class Supervised:
    """A service that is started anew on its port whenever it ends; a class because it holds the process."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._folder = folder
        self._settings = {**settings, "CDS_PORT": str(free_port()), "CDS_WORKERS": str(WORKERS), "CDS_AUTH": "off"}
        self._over = threading.Event()
        self.starts = 0
        began = time.monotonic()
        self.process, self.url = self._start()
        self.start_s = time.monotonic() - began
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _start(self) -> tuple["subprocess.Popen[str]", str]:
        self.starts += 1
        return begin(self._folder, self._settings)

    def _watch(self) -> None:
        while not self._over.is_set():
            if self.process.poll() is not None:
                self.process.communicate()
                self.process, _ = self._start()
            time.sleep(0.05)

    def close(self) -> int:
        self._over.set()
        self._thread.join()
        return end(self.process)


def longest_silence(answers: list[Told], moment: float) -> float:
    """The longest time from `moment` on in which no call was answered, in seconds."""
    ends = [moment, *sorted(each.end for each in list(answers) if each.end > moment and has_cards(each))]
    return max(later - sooner for sooner, later in pairwise(ends))


def killed(service: Supervised, whom: str, which: int, answers: list[Told]) -> tuple[float, float]:
    """Kill a worker or the master, and give the moment and for how many seconds no call was answered.

    It waits until what can be killed next is there again.
    """
    workers, starts, moment = workers_of(service.process.pid), service.starts, time.monotonic()
    os.kill(workers[which] if whom == "worker" else service.process.pid, signal.SIGKILL)
    wait_until(lambda: service.starts == starts + (whom == "master"), "it is started anew")
    wait_until(lambda: len(workers_of(service.process.pid)) == WORKERS, "it has its workers again")
    asked = len(answers)
    wait_until(lambda: len(answers) > asked + 2 * CALLERS, "calls go on")
    return moment, longest_silence(answers, moment)


@pytest.mark.parametrize("whom", ["worker", "master"])
def test_no_acknowledged_feedback_is_lost_and_calls_are_answered_again(
    address: Address, url: str, tmp_path: Path, whom: str
) -> None:
    chance, senders, kills, silent = random.Random(7), Senders(), [], []
    service = Supervised(tmp_path, {"CDS_DATABASE_URL": url})
    try:
        asking, sending = (lambda: ask(service.url)), (lambda: senders.send(service.url))
        with going_on(asking, asking, sending, sending, pause_s=0.03) as answers:
            for number in range(KILLS):
                time.sleep(0.5 + chance.random())
                moment, seconds = killed(service, whom, number % WORKERS, answers)
                kills.append(moment)
                silent.append(seconds)
    finally:
        code = service.close()
    broken = [each for each in answers if each.status == NO_ANSWER]
    refused = [each for each in answers if each.status == NOT_LET_IN]
    figure(
        f"kill -9 of a {whom}, {'SQLite' if address.path else 'PostgreSQL'}", kills=KILLS, answers=len(answers),
        broke_off=len(broken), refused=len(refused), acknowledged=len(senders.kept),
        silent_s=f"{median(silent):.2f} (longest {max(silent):.2f})", start_s=round(service.start_s, 2),
    )  # fmt: skip
    kept = {each["card"] for each in rows_of(address, FEEDBACK)}
    assert senders.kept
    assert senders.kept <= kept, "what was acknowledged is kept"
    assert all(has_cards(each) or "cards" not in (each.body or {}) for each in answers if each.status == 200)
    assert len(broken) <= KILLS * CALLERS, "at most the calls under way break off"
    assert all(any(each.at - 0.5 <= moment <= each.end for moment in kills) for each in broken), "and no others"
    assert whom == "master" or not refused, "another worker lets callers in"
    assert set(statuses(answers)) <= {200, 503, NO_ANSWER, NOT_LET_IN}
    # A machine on which a start alone takes longer is too busy to tell.
    assert median(silent) < max(BACK_S, 2 * service.start_s)
    assert code == 0
