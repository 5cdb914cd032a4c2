"""A worker is killed right after it acknowledged feedback: nothing that was acknowledged is lost.

This proves that an acknowledged item has left the process for the database. It does not prove that the item survives a
power loss: that rests on SQLite's synchronous=FULL, or PostgreSQL's synchronous_commit and fsync, and on a disk that
tells the truth about its cache. `test_feedback_kept` proves that those are asked for.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cds_service.edges.store.address import Address
from cds_service.edges.store.tables import CALL, FEEDBACK
from tests import running
from tests.store.sample import eventually, rows_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(address: Address, url: str, tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    yield from serving(url, tmp_path)


@pytest.fixture
def sqlite_server(sqlite: Address, sqlite_url: str, tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    yield from serving(sqlite_url, tmp_path)


def serving(url: str, tmp_path: Path, wait_s: float = 0.0) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Base URL and process of a server with one worker."""
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.serve_store", url, str(wait_s)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("port "), (tmp_path / "log").read_text()
    yield f"http://127.0.0.1:{line.split()[1]}", process
    process.terminate()
    process.wait(timeout=20)
    process.stdout.close()


def acknowledged(url: str, within_s: float = 20.0) -> int:
    """Post until a worker acknowledges, and give its process id."""
    until = time.monotonic() + within_s
    while True:
        try:
            answered = requests.post(url, timeout=10)
        except requests.RequestException:  # the worker was killed and the next is not there yet
            answered = None
        if answered is not None and answered.status_code == 200:
            return int(answered.text)
        assert time.monotonic() < until, "no worker acknowledged in time"
        time.sleep(0.01)


def killed_after_each(base: str, posts: list[str]) -> set[int]:
    """Kill the worker that acknowledged as soon as it did, for each post; give the workers."""
    killed = set()
    for each in posts:
        worker = acknowledged(f"{base}/{each}")
        os.kill(worker, signal.SIGKILL)
        killed.add(worker)
    return killed


@pytest.mark.parametrize("posts", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_acknowledged_feedback_outlives_its_worker(
    server: tuple[str, "subprocess.Popen[str]"], address: Address, posts: int
) -> None:
    base, _ = server
    cards = [f"card-{number}" for number in range(posts)]
    killed = killed_after_each(base, [f"keep/{card}" for card in cards])
    assert len(killed) == posts
    assert sorted(each["card"] for each in rows_of(address, FEEDBACK)) == sorted(cards)


# --- the service itself, by its own route ----------------------------------------------------------------------------


def newest_worker(log: Path) -> int:
    """Process id of the worker that gunicorn started last, as its log says."""
    return int(re.findall(r"Booting worker with pid: (\d+)", log.read_text())[-1])


def feedback_acknowledged(base: str, card: str, within_s: float = 30.0) -> None:
    """Send feedback on a card until it is acknowledged."""
    item = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-03-01T09:30:00Z"}
    until = time.monotonic() + within_s
    while True:
        with contextlib.suppress(requests.RequestException):  # the worker was killed and the next is not there yet
            answered = requests.post(
                f"{base}/cds-services/oud-patient-view/feedback", json={"feedback": [item]}, timeout=10
            )
            if answered.status_code == 200:
                return
        assert time.monotonic() < until, "nothing was acknowledged in time"
        time.sleep(0.02)


@pytest.mark.parametrize("posts", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_feedback_that_the_service_acknowledged_outlives_its_worker(
    address: Address, url: str, tmp_path: Path, posts: int
) -> None:
    cards = [f"card-{number}" for number in range(posts)]
    with running.serving(tmp_path, {"CDS_AUTH": "off", "CDS_DATABASE_URL": url}) as base:
        killed = set()
        for card in cards:
            feedback_acknowledged(base, card)
            killed.add(worker := newest_worker(tmp_path / "log"))
            os.kill(worker, signal.SIGKILL)
    assert len(killed) == posts
    assert sorted(each["card"] for each in rows_of(address, FEEDBACK)) == sorted(cards)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_feedback_outlives_a_worker_that_ends_before_it_beside_another(
    address: Address, url: str, tmp_path: Path, end: signal.Signals
) -> None:
    cards = [f"card-{number}" for number in range(40)]
    with running.serving(tmp_path, {"CDS_AUTH": "off", "CDS_DATABASE_URL": url, "CDS_WORKERS": "2"}) as base:
        ended: set[int] = set()
        for number, card in enumerate(cards):
            feedback_acknowledged(base, card)
            if number in (10, 25):
                # The one that was started last, once there is another than the one that ended.
                eventually(lambda: newest_worker(tmp_path / "log") not in ended)
                ended.add(worker := newest_worker(tmp_path / "log"))
                os.kill(worker, end)
        assert len(ended) == 2
    assert sorted(each["card"] for each in rows_of(address, FEEDBACK)) == sorted(cards)


def test_a_queued_call_does_not_outlive_a_killed_worker(
    sqlite_server: tuple[str, "subprocess.Popen[str]"], sqlite: Address
) -> None:
    base, _ = sqlite_server
    killed_after_each(base, [f"later/{number}" for number in range(3)])
    assert len(rows_of(sqlite, CALL)) < 3


def test_a_server_that_is_stopped_while_it_renews_a_worker_stops_at_once(sqlite_url: str, tmp_path: Path) -> None:
    served = serving(sqlite_url, tmp_path, wait_s=1.0)
    base, process = next(served)
    os.kill(acknowledged(f"{base}/keep/card"), signal.SIGKILL)
    time.sleep(0.3)  # the next worker is there, and listens to no signal yet
    process.terminate()
    assert process.wait(timeout=15) == 0  # its time of grace is 30 s
    assert next(served, None) is None


def test_what_is_queued_is_written_when_the_server_stops(
    sqlite_server: tuple[str, "subprocess.Popen[str]"], sqlite: Address
) -> None:
    base, process = sqlite_server
    for number in range(20):
        acknowledged(f"{base}/later/{number}")
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert len(rows_of(sqlite, CALL)) == 20
