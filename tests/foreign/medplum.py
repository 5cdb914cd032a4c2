"""A FHIR server that was not written here: @medplum/fhir-router of package-lock.json, run by medplum.mjs.

It is installed once, into a folder that git does not track; `npm ci` checks each package against its hash, and no
script of a package is run.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.running import ROOT

HERE = Path(__file__).parent
INSTALLED = ROOT / ".make" / "foreign"
OURS = ("package.json", "package-lock.json", ".npmrc", "medplum.mjs")
INSTALL_S, START_S, STOP_S = 300, 60, 10
TOKEN = "SENTINEL-foreign-token"

Json = dict[str, Any]


class NotHere(Exception):
    """The server cannot be had on this machine; the text says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Medplum:
    """The server, at `root`."""

    root: str

    @property
    def whole(self) -> str:
        """Base URL of whole lists."""
        return f"{self.root}/fhir"

    @property
    def paged(self) -> str:
        """Base URL of pages of two rows, each with a link to the next."""
        return f"{self.root}/paged"

    @property
    def cut(self) -> str:
        """Base URL of the first two rows and the number of all, without a link."""
        return f"{self.root}/cut"

    @property
    def asked(self) -> list[Json]:
        """Each request that read something since `hold`, as `{"url", "authorization", "status"}`."""
        return list(requests.get(f"{self.root}/", timeout=10).json())

    def hold(self, resources: Iterable[Mapping[str, Any]]) -> None:
        """Store resources under their own ids, in place of all that was held; nothing has been asked since."""
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {TOKEN}"
            assert session.delete(f"{self.root}/", timeout=10).status_code == 200
            for each in resources:
                url = f"{self.whole}/{each['resourceType']}/{each['id']}"
                stored = session.put(url, json=each, timeout=10)
                assert (stored.status_code, stored.json()["id"]) == (200, each["id"])


def install() -> str:
    """Have the packages in INSTALLED and give the path of node. Raises NotHere."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotHere("node and npm are wanted, Node 20.19 or newer (Debian, Ubuntu: apt-get install nodejs npm)")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    there = INSTALLED / "node_modules"
    fresh = there.is_dir() and all(_same(name) for name in OURS[:3])
    for name in OURS:
        shutil.copyfile(HERE / name, INSTALLED / name)
    if not fresh:
        shutil.rmtree(there, ignore_errors=True)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--engine-strict"]
        try:
            ran = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            raise NotHere(f"npm ci took longer than {INSTALL_S} seconds") from None
        if ran.returncode != 0:
            shutil.rmtree(there, ignore_errors=True)
            raise NotHere(f"npm ci failed: {' '.join(ran.stderr.split())[:300]}")
    return node


def _same(name: str) -> bool:
    held = INSTALLED / name
    return held.is_file() and held.read_bytes() == (HERE / name).read_bytes()


def versions() -> dict[str, str]:
    """Name and version of each package that is installed."""
    files = [*INSTALLED.glob("node_modules/*/package.json"), *INSTALLED.glob("node_modules/@*/*/package.json")]
    read = [json.loads(each.read_text(encoding="utf-8")) for each in files]
    return {each["name"]: each["version"] for each in sorted(read, key=lambda each: str(each["name"]))}


@contextmanager
def running() -> Iterator[Medplum]:
    """Run the server on a free port of loopback until the block ends. Raises NotHere."""
    command = [install(), str(INSTALLED / "medplum.mjs"), TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        guard = threading.Timer(START_S, process.kill)
        guard.start()
        first = process.stdout.readline()
        guard.cancel()
        assert first, f"node ended with {process.wait(STOP_S)} before it answered"
        server = Medplum(f"http://127.0.0.1:{json.loads(first)['port']}")
        try:
            yield server
        finally:
            process.stdin.close()  # which ends it
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
