"""What this service fetches: one deadline for the whole of it, a cap on its size, no redirect, TLS.

The timeout of an HTTP library is for each read: a server that sends a byte now and then holds the reader for as long
as it likes. Here every step (connection, handshake, headers, body) has what is left of one deadline. Resolving a name
is the exception: the operating system cannot be interrupted at it, so who must not wait waits with a bound of its own.
"""

import io
import os
import re
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from cds_service.config import url_fault
from cds_service.core.problem import RequestProblem
from cds_service.strict_json import parse_json

CHUNK_BYTES = 16 * 1024
_MAX_AGE = re.compile(r"(?i)(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")
_until: ContextVar[float] = ContextVar("until")  # of the fetch under way, on the monotonic clock


class Unfetched(Exception):
    """Nothing was got; the text repeats nothing that was received.

    kind: "url", "unreachable", "tls", "timeout", "redirect", "status", "encoding", "too-large" or "not-json".
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Fetched:
    """A JSON value. max_age_s: how long it may be kept, if the server said so."""

    value: object
    max_age_s: int | None = None


def fetch_json(url: str, *, deadline_s: float, max_bytes: int) -> Fetched:
    """GET one JSON document within `deadline_s` seconds and `max_bytes` bytes. Raises Unfetched."""
    _check_url(url)
    mark = _until.set(time.monotonic() + deadline_s)
    try:
        with _session() as session, _asked(session, url, deadline_s) as answered:
            _check_answer(answered)
            body = _body(answered, max_bytes)
            max_age = _MAX_AGE.search(answered.headers.get("Cache-Control", ""))
    except TimeoutError:
        raise _too_slow(deadline_s) from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as fault:  # ValueError: a URL of a strange form
        raise _unfetched(fault, deadline_s) from None
    finally:
        _until.reset(mark)
    try:
        return Fetched(parse_json(body), int(max_age[1]) if max_age else None)
    except RequestProblem:
        raise Unfetched("not-json", "the answer is not strict JSON") from None


def _check_url(url: str) -> None:
    if url_fault(url.partition("?")[0]):  # what is asked for may stand in a query
        raise Unfetched("url", "an https URL is wanted; http on this machine only")


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy and no password file of the environment
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(max_retries=0))
    return session


def _asked(session: requests.Session, url: str, deadline_s: float) -> requests.Response:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "cds-service"}
    return session.get(url, headers=headers, timeout=deadline_s, stream=True, allow_redirects=False)


def _check_answer(answered: requests.Response) -> None:
    if 300 <= answered.status_code < 400:
        raise Unfetched("redirect", f"status {answered.status_code}: a redirect is not followed")
    if answered.status_code != 200:
        raise Unfetched("status", f"status {answered.status_code}; 200 is wanted")
    if answered.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Unfetched("encoding", "the answer is compressed, which was not asked for")


def _body(answered: requests.Response, max_bytes: int) -> bytes:
    chunks, received = [], 0
    while chunk := answered.raw.read1(CHUNK_BYTES):  # what is there, without waiting for a chunk to be full
        received += len(chunk)
        if received > max_bytes:
            raise Unfetched("too-large", f"the answer is larger than {max_bytes} bytes")
        _left_s()
        chunks.append(chunk)
    return b"".join(chunks)


def _unfetched(fault: Exception, deadline_s: float) -> Unfetched:
    """The fault in words of ours: those of the library quote the URL, and what a server sent."""
    if isinstance(fault, requests.exceptions.SSLError):
        return Unfetched("tls", "the TLS connection failed, or the certificate is not trusted")
    if isinstance(fault, requests.Timeout) or _left_unraised() <= 0:
        return _too_slow(deadline_s)
    return Unfetched("unreachable", f"no answer could be read ({type(fault).__name__})")


def _too_slow(deadline_s: float) -> Unfetched:
    return Unfetched("timeout", f"no whole answer within {deadline_s:g} seconds")


def _left_unraised() -> float:
    return _until.get() - time.monotonic()


def _left_s() -> float:
    """Seconds that are left of the deadline. Raises TimeoutError when none are."""
    left = _left_unraised()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(host: str, port: int | None, options: Any) -> socket.socket:
    """A connection to the first address of `host` that answers in time. Names are resolved here and nowhere else."""
    fault: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(_left_s())
            sock.connect(address)
            sock.settimeout(_left_s())  # for a TLS handshake, which keeps to it as a whole
        except OSError as failed:
            sock.close()
            fault = failed
        else:
            return sock
    raise fault


class _TimedSocket:
    """A socket whose reads and writes share the deadline of the fetch; a class because a library wants a socket."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._io_refs = 0  # as in socket.socket: a file made of it keeps it open
        self._closed = False

    def recv_into(self, *args: Any) -> int:
        self._sock.settimeout(_left_s())
        return int(self._sock.recv_into(*args))

    def sendall(self, *args: Any) -> None:
        self._sock.settimeout(_left_s())
        self._sock.sendall(*args)

    def settimeout(self, _: float | None) -> None:
        """Leave it: the library would set the time of one read."""

    def makefile(self, *_: Any, **__: Any) -> Any:
        self._io_refs += 1
        return io.BufferedReader(socket.SocketIO(self, "rb"))  # type: ignore[arg-type]

    def _decref_socketios(self) -> None:
        self._io_refs -= 1
        if self._closed:
            self.close()

    def close(self) -> None:
        self._closed = True
        if self._io_refs <= 0:
            self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self._dns_host, self.port, self.socket_options)

    def connect(self) -> None:
        super().connect()
        self.sock = _TimedSocket(self.sock)


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self._dns_host, self.port, self.socket_options)

    def connect(self) -> None:
        super().connect()
        self.sock = _TimedSocket(self.sock)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    """Requests' adapter with connections of ours."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
