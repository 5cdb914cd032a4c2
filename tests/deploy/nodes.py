"""Nodes of the service that share nothing but PostgreSQL, each a process group of its own that can be ended whole."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cds_service.trust.signer import Signer, signer_of
from tests.running import ISSUER, ROOT, STOP_S, checking, free_port, private_key

PATIENT_VIEW = "/cds-services/oud-patient-view"
FEEDBACK = f"{PATIENT_VIEW}/feedback"


@dataclass(frozen=True, slots=True)
class Node:
    """One `cds-service serve`, with its workers."""

    process: "subprocess.Popen[str]"
    address: str  # host:port

    def kill(self) -> None:
        """As a machine that loses power: no process of it does anything more."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """As an operator does: calls under way are answered."""
        self.process.terminate()


@dataclass(frozen=True, slots=True)
class Client:
    """A client that signs a token for each call. base: what it calls the service by."""

    session: requests.Session
    signer: Signer
    base: str

    def post(self, path: str, body: Any) -> requests.Response:
        token = self.signer.token(self.base + path, time.time())
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.post(self.base + path, json=body, headers=headers, timeout=20)


def accepted(card: str) -> dict[str, Any]:
    """Feedback of one card."""
    suggestion = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, card))}
    when = "2026-03-01T12:00:00Z"
    return {
        "feedback": [
            {"card": card, "outcome": "accepted", "acceptedSuggestions": [suggestion], "outcomeTimestamp": when}
        ]
    }


def known_client(folder: Path) -> tuple[dict[str, str], Signer]:
    """Settings that let in one client, and what signs as it."""
    key = private_key("ES384")
    (folder / "ehr.json").write_text(json.dumps(key), encoding="utf-8")
    settings = checking(folder, key)
    return settings, signer_of(folder / "ehr.json", ISSUER)


@contextlib.contextmanager
def nodes(folder: Path, count: int, settings: dict[str, str]) -> Iterator[list[Node]]:
    """Run `count` nodes, one worker each; what is left of them is ended with the test."""
    started: list[Node] = []
    try:
        for number in range(count):
            place = folder / f"node-{number}"
            place.mkdir()
            started.append(_start(place, settings))
        for node in started:
            assert node.process.stdout is not None
            said = next((line for line in node.process.stdout if line.startswith("serving ")), "")
            assert said, "a node did not start"
        yield started
    finally:
        for node in started:
            with contextlib.suppress(ProcessLookupError):
                node.kill()
            node.process.communicate(timeout=STOP_S)


def _start(folder: Path, settings: dict[str, str]) -> Node:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    own = {"CDS_PORT": str(free_port()), "CDS_RULES": str(ROOT / "rules"), "CDS_WORKERS": "1", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service", "serve"],
            cwd=folder, env={**environ, **settings, **own}, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
    return Node(process, f"127.0.0.1:{own['CDS_PORT']}")
