"""Calls over one kept connection, and what they cost the server's workers in processor time.

The client's own work is not counted: it runs in another process, and only the workers' times are read, from /proc.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.charts import SERVICE

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
PATIENCE_S = 60
READ_BYTES = 256 * 1024


class ServerProblem(Exception):
    """A server did not start, or answered what it should not."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: the port it listens on and the process id of gunicorn's master."""

    port: int
    pid: int

    def workers(self) -> list[int]:
        """Process ids of the workers, the master's children."""
        return [pid for pid, parent in _parents() if parent == self.pid]

    def worker_cpu_ms(self) -> float:
        """Give the processor time that the workers that run now have used, in user and system mode."""
        return TICK_MS * sum(_ticks(pid) for pid in self.workers())


@contextmanager
def running(module: str, *arguments: str) -> Iterator[Server]:
    """Run `python -m module arguments`, which prints its port, until the block is left."""
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:  # a pipe that nobody reads would stop the server
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            said = process.stdout.readline().split()
            if said[:1] != ["port"]:
                process.terminate()
                process.communicate(timeout=PATIENCE_S)
                log.seek(0)
                raise ServerProblem(f"{' '.join(arguments)} did not start:\n{log.read()}")
            yield Server(int(said[1]), process.pid)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@dataclass(frozen=True, slots=True)
class Round:
    """One round of calls to one server: worker processor time a call, and each call's time from first to last byte."""

    cpu_ms: float
    times_ms: tuple[float, ...]

    @property
    def p50_ms(self) -> float:
        return median(self.times_ms)


def play(server: Server, query: str, bodies: Sequence[bytes]) -> tuple[Round, list[bytes]]:
    """Send the bodies one after another; give the costs and the answers. Raises ServerProblem for any but a 200."""
    requests = [_request(query, body) for body in bodies]
    times, answers = [], []
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        workers, before = server.workers(), server.worker_cpu_ms()
        for request in requests:
            begun = time.perf_counter()
            connection.sendall(request)
            answer = _answer(connection)
            times.append((time.perf_counter() - begun) * 1000)
            answers.append(answer)
        used = server.worker_cpu_ms() - before
        if server.workers() != workers:
            raise ServerProblem("a worker was renewed while it was measured")
    return Round(used / len(bodies), tuple(times)), answers


def _request(query: str, body: bytes) -> bytes:
    head = f"POST /cds-services/{SERVICE}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _answer(connection: socket.socket) -> bytes:
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


def _parents() -> Iterator[tuple[int, int]]:
    """Give every process of this machine with its parent."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            yield int(folder.name), int(fields[1])


def _ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0  # utime, stime


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat that follow the command's name; none for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []
