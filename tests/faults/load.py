"""Callers of a real service that go on while something is done to it, and what they were answered."""

import http.client
import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from cds_service.core.card import EVALUATION_EXTENSION
from cds_service.fixtures import find
from tests.http.test_metrics import samples

UNTREATED = "patient-view/untreated-oud-icd10"  # a person for whom there is a card
SERVICE = "/cds-services/oud-patient-view"
NO_ANSWER, NOT_LET_IN = 0, -1  # in place of a status: it broke off; nobody listened


@dataclass(frozen=True, slots=True)
class Told:
    """One answer. at: when it was sent, by time.monotonic(); body: of JSON, else None."""

    at: float
    seconds: float
    status: int
    body: Any = field(default=None, repr=False)
    retry_after: str = ""

    @property
    def end(self) -> float:
        return self.at + self.seconds


def send(url: str, path: str, body: bytes, timeout_s: float = 30.0, **headers: str) -> Told:
    """Post over a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    began = time.monotonic()
    try:
        try:
            connection.connect()
        except OSError:
            return Told(began, time.monotonic() - began, NOT_LET_IN)
        try:
            connection.request(
                "POST", path, body, {"Content-Type": "application/json", "Connection": "close", **headers}
            )
            came = connection.getresponse()
            content = came.read()
        except (OSError, http.client.HTTPException):
            return Told(began, time.monotonic() - began, NO_ANSWER)
        took = time.monotonic() - began
        return Told(began, took, came.status, json.loads(content), came.getheader("Retry-After", ""))
    finally:
        connection.close()


def body_of(name: str = UNTREATED) -> bytes:
    """A call about one of the made-up people, today; each with an instance of its own, so that each is a record."""
    return json.dumps({**find(name).on(date.today()), "hookInstance": str(uuid.uuid4())}).encode()


def ask(url: str) -> Told:
    """One call for which there is a card."""
    return send(url, SERVICE, body_of())


class Senders:
    """Sends feedback, each item about a card of its own; a class because it numbers them and holds what was promised.

    kept: cards whose feedback was acknowledged.
    """

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self._lock = threading.Lock()
        self._sent = 0

    def send(self, url: str) -> Told:
        with self._lock:
            self._sent += 1
            card = f"card-{self._sent}"
        item = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-03-01T09:30:00Z"}
        told = send(url, f"{SERVICE}/feedback", json.dumps({"feedback": [item]}).encode())
        if told.status == 200:
            self.kept.add(card)
        return told


@contextmanager
def going_on(*callers: Callable[[], Told], pause_s: float = 0.0) -> Iterator[list[Told]]:
    """Have each caller call again and again until the block is left, and give the answers as they come."""
    answers: list[Told] = []
    over = threading.Event()
    faults: list[BaseException] = []

    def go(call: Callable[[], Told]) -> None:
        try:
            while not over.is_set():
                answers.append(call())
                over.wait(pause_s)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=go, args=(each,)) for each in callers]
    for each in threads:
        each.start()
    try:
        yield answers
    finally:
        over.set()
        for each in threads:
            each.join()
    assert not faults, faults


def has_cards(told: Told) -> bool:
    """Whether it is a whole answer with a card, of one release."""
    if told.status != 200 or not told.body.get("cards"):
        return False
    release = told.body["extension"][EVALUATION_EXTENSION]["release"]
    return {each["extension"]["org.oud-cds.rule"]["release"] for each in told.body["cards"]} == {release}


def statuses(answers: Sequence[Told]) -> dict[int, int]:
    return dict(Counter(each.status for each in answers))


def median_ms(answers: Sequence[Told]) -> float:
    return 1000 * median(each.seconds for each in answers)


def wait_until(holds: Callable[[], Any], what: str, within_s: float = 60.0) -> float:
    """Wait until it holds, and give how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, what
        time.sleep(0.02)
    return time.monotonic() - began


def workers_of(master: int) -> list[int]:
    """Process ids of the workers; a worker has no child but while rules are judged."""
    try:
        return [int(each) for each in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
    except OSError:
        return []


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    """The lines of the log with this event."""
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    found = [json.loads(line) for line in lines if f'"{name}"' in line and line.endswith("}")]
    return [each for each in found if each["event"] == name]


def counted(url: str, name: str) -> float:
    """The sum of a series, of all workers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(samples(text).get(name, {}).values())


def figure(what: str, **measured: Any) -> None:
    """Print what was measured, beside how busy the machine was; `pytest -s` or -rP shows it."""
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in measured.items())
    print(f"\nfigure | {what} | {told} | load {os.getloadavg()[0]:.1f}")
