"""Servers as processes of their own, calls to them, and what the calls cost their workers.

The client's own work is not counted: it runs in another process, and only the workers' times and memory are read,
from /proc.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from threading import Lock, Thread

from bench import ROOT
from bench.charts import SERVICE

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
PATIENCE_S = 60
START_S = 600  # a thousand rules on a busy machine
READ_BYTES = 256 * 1024
OUR_SERVICE = f"/cds-services/{SERVICE}"


class ServerProblem(Exception):
    """A server did not start, or answered what it should not."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: the port it listens on, its process id, and what else it said when it was ready."""

    port: int
    pid: int
    said: tuple[str, ...] = ()

    def workers(self) -> list[int]:
        """Process ids of the workers: the children, or where there are none the process itself."""
        return [pid for pid, parent in _parents() if parent == self.pid] or [self.pid]

    def worker_cpu_ms(self) -> float:
        """Give the processor time that the workers that run now have used, in user and system mode."""
        return sum(cpu_ms(pid) for pid in self.workers())

    def cpu_ms(self) -> float:
        """Give the processor time of the process and all its children, those that ended among them."""
        children = [pid for pid in self.workers() if pid != self.pid]
        return cpu_ms(self.pid, with_ended=True) + sum(cpu_ms(pid) for pid in children)


@contextmanager
def running(
    command: Sequence[str], settings: Mapping[str, str] | None = None, *, ready: str = "port", folder: Path = ROOT
) -> Iterator[Server]:
    """Run a server until the block is left.

    command:  what is run; it prints a line that begins with the word `ready` and its port, or a URL that ends with it.
    settings: CDS_* variables. None of this process but CDS_RULES, which may be given too, is handed on.
    folder:   where it runs.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDS_") or name == "CDS_RULES"}
    environ["PYTHONPATH"] = str(ROOT)
    if "CDS_RULES" in environ:
        environ["CDS_RULES"] = str(Path(environ["CDS_RULES"]).resolve())
    # Pipes that nobody reads would stop the server in the end: what it prints goes to files.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log, tempfile.NamedTemporaryFile("w") as out:
        process = subprocess.Popen(
            list(command), cwd=folder, env={**environ, **(settings or {})}, stdout=out, stderr=log
        )
        try:
            said = _said(process, Path(out.name), ready)
            if not said:
                process.terminate()
                process.wait(timeout=PATIENCE_S)
                log.seek(0)
                raise ServerProblem(f"{' '.join(command[1:])} did not start:\n{log.read()}")
            yield Server(int(said[0].rpartition(":")[2]), process.pid, tuple(said[1:]))
        finally:
            process.terminate()
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def module(name: str, *arguments: str) -> list[str]:
    """Give the command that runs a module by this Python."""
    return [sys.executable, "-m", name, *arguments]


def _said(process: "subprocess.Popen[bytes]", out: Path, ready: str) -> list[str]:
    """Wait for the line that begins with `ready`; give its other words, none if the process ends before it."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        ended = process.poll() is not None
        for line in out.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.startswith(f"{ready} ") and line.endswith("\n"):
                return line.split()[1:]
        if ended:
            break
        time.sleep(0.005)
    return []


# --- calls -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Round:
    """One round of calls to one server: worker processor time a call, and each call's time from first to last byte."""

    cpu_ms: float
    times_ms: tuple[float, ...]

    @property
    def p50_ms(self) -> float:
        return median(self.times_ms)


@dataclass(frozen=True, slots=True)
class Load:
    """Calls by several connections at once: as a round, with the seconds all calls took and the busy processors."""

    played: Round
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.played.times_ms) / self.seconds

    @property
    def busy_cores(self) -> float:
        """How many processors the workers kept busy, on average."""
        return self.per_second * self.played.cpu_ms / 1000

    @property
    def p99_ms(self) -> float:
        times = self.played.times_ms
        return quantiles(times, n=100)[-1] if len(times) > 1 else times[0]


def play(
    server: Server, target: str, bodies: Sequence[bytes], authorizations: Sequence[str] = ()
) -> tuple[Round, list[bytes]]:
    """Send the bodies one after another over one connection; give the costs and the answers.

    target:         path and query.
    authorizations: the header of each call; none for none.
    Raises ServerProblem for any answer but a 200.
    """
    requests = requests_of(target, bodies, authorizations)
    times, answers = [], []
    with _connected(server) as connection, _steady(server):
        before = server.worker_cpu_ms()
        for request in requests:
            begun = time.perf_counter()
            answers.append(_asked(connection, request))
            times.append((time.perf_counter() - begun) * 1000)
        used = server.worker_cpu_ms() - before
    return Round(used / len(bodies), tuple(times)), answers


def ask(server: Server, target: str, body: bytes) -> bytes:
    """Send one call and give the answer. Raises ServerProblem for any but a 200."""
    with _connected(server) as connection:
        return _asked(connection, requests_of(target, [body])[0])


def load(
    server: Server, target: str, bodies: Sequence[bytes], connections: int, per_second: float | None = None
) -> tuple[Load, list[bytes]]:
    """Send the bodies over several connections at once, each its next as soon as it has an answer.

    per_second: how many calls begin a second, all connections together; None = as many as can be. A call's time then
                counts from when it should have begun, so that a wait for a free connection is in it.
    Raises ServerProblem for any answer but a 200.
    """
    waiting = iter(enumerate(requests_of(target, bodies)))
    times, answers = [0.0] * len(bodies), [b""] * len(bodies)
    faults: list[Exception] = []
    taking = Lock()

    def one_client() -> None:
        try:
            with _connected(server) as connection:
                while not faults:
                    with taking:
                        place, request = next(waiting, (-1, b""))
                    if place < 0:
                        return
                    due = begun + place / per_second if per_second else time.perf_counter()
                    time.sleep(max(0.0, due - time.perf_counter()))
                    answers[place] = _asked(connection, request)
                    times[place] = (time.perf_counter() - due) * 1000
        except Exception as fault:
            faults.append(fault)

    with _steady(server):
        before, begun = server.worker_cpu_ms(), time.perf_counter()
        clients = [Thread(target=one_client) for _ in range(connections)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        seconds, used = time.perf_counter() - begun, server.worker_cpu_ms() - before
    if faults:
        raise faults[0]
    return Load(Round(used / len(bodies), tuple(times)), seconds), answers


@contextmanager
def _connected(server: Server) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


@contextmanager
def _steady(server: Server) -> Iterator[None]:
    workers = server.workers()
    yield
    if server.workers() != workers:
        raise ServerProblem("a worker was renewed while it was measured")


def requests_of(target: str, bodies: Sequence[bytes], authorizations: Sequence[str] = ()) -> list[bytes]:
    """Write each call out as HTTP."""
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    heads = [f"{head}Authorization: {each}\r\n" for each in authorizations] or [head] * len(bodies)
    return [
        f"{each}Content-Length: {len(body)}\r\n\r\n".encode() + body for each, body in zip(heads, bodies, strict=True)
    ]


def _asked(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if lines[0].split()[1:2] != ["200"]:
        raise ServerProblem(f"{lines[0]}: {body[:500]!r}")
    length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(READ_BYTES)
    if not chunk:
        raise ServerProblem("the server closed the connection")
    return chunk


# --- what /proc tells ------------------------------------------------------------------------------------------------


def cpu_ms(pid: int, *, with_ended: bool = False) -> float:
    """Give the processor time of a process; 0 for one that is gone. with_ended: and of its children that ended."""
    fields = _stat(pid)
    return (
        TICK_MS * sum(map(int, fields[11 : 15 if with_ended else 13])) if fields else 0.0
    )  # utime, stime, cutime, ...


def memory_mb(pid: int) -> dict[str, float]:
    """Give a process's memory in MB: `rss` all it has, `pss` with what it shares divided, `peak` the most of rss."""
    rollup, status = (_kilobytes(Path(f"/proc/{pid}/{name}")) for name in ("smaps_rollup", "status"))
    return {"rss": rollup["Rss"] / 1000, "pss": rollup["Pss"] / 1000, "peak": status["VmHWM"] / 1000}


def read_mb(pid: int) -> float:
    """Give how many MB a process has had read from disk."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:")) / 1e6


def _kilobytes(path: Path) -> dict[str, float]:
    """Read a file of lines `Name: 12 kB`, where kB are of 1,024 bytes; give them in kB of 1,000."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1.024 for words in lines if words[2:] == ["kB"]}


def _parents() -> Iterator[tuple[int, int]]:
    """Give every process of this machine with its parent."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            yield int(folder.name), int(fields[1])


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat that follow the command's name; none for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []
