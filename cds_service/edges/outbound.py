"""What this service fetches: one deadline for the whole of it, a cap on its size, no redirect, TLS.

The timeout of an HTTP library is for each read: a server that sends a byte now and then holds the reader for as long
as it likes. Here every step (connection, handshake, headers, body) has what is left of one deadline. Resolving a name
is the exception: the operating system cannot be interrupted at it, so who must not wait waits with a bound of its own.

A name is resolved once for each connection, every address it has is judged, and the connection goes to an address that
was judged: a name server that gives another answer a moment later changes nothing.
"""

import io
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
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
_made: ContextVar[bool] = ContextVar("made", default=False)  # whether its connection was made for it

Resolve = Callable[..., Any]  # socket.getaddrinfo, or what stands in for it


class Unfetched(Exception):
    """Nothing was got; the text repeats nothing that was received.

    kind: "url", "address", "unreachable", "tls", "timeout", "redirect", "status", "encoding", "too-large" or
    "not-json". status: of the HTTP answer, 0 when it is not what was wrong.
    """

    def __init__(self, kind: str, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.kind = kind
        self.status = status


@dataclass(frozen=True, slots=True)
class Fetched:
    """A JSON value. max_age_s: how long it may be kept, if the server said so. size: of the body, in bytes."""

    value: object
    max_age_s: int | None = None
    size: int = field(default=0, compare=False)


Take = Callable[[int], bool]  # whether so many bytes more may be kept


@dataclass(frozen=True, slots=True)
class Way:
    """How a server is reached. may_reach: whether an address, as the resolver wrote it, may be connected to."""

    may_reach: Callable[[str], bool] = lambda address: True
    resolve: Resolve | None = None  # None = the operating system's


_ANY_WAY = Way()
_way: ContextVar[Way] = ContextVar("way", default=_ANY_WAY)


def take_all(size: int) -> bool:
    """Let any number of bytes be kept."""
    return True


def fetch_json(
    url: str,
    *,
    deadline_s: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    way: Way = _ANY_WAY,
    session: requests.Session | None = None,
    take: Take = take_all,
) -> Fetched:
    """GET one JSON document within `deadline_s` seconds and `max_bytes` bytes. Raises Unfetched.

    headers: beside those that are always sent. session: of `open_session`, whose connections are used again; always
    with the same `way`, since a connection that is there already is not judged anew. take: asked with the size of each
    part that came whether it may be kept, for what several answers may weigh together.
    """
    _check_url(url)
    mark, way_mark = _until.set(time.monotonic() + deadline_s), _way.set(way)
    try:
        with (
            nullcontext(session) if session else open_session() as used,
            _asked(used, url, deadline_s, headers or {}) as answered,
        ):
            _check_answer(answered)
            body = _body(answered, max_bytes, take)
            max_age = _MAX_AGE.search(answered.headers.get("Cache-Control", ""))
    except TimeoutError:
        raise _too_slow(deadline_s) from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as fault:  # ValueError: a URL of a strange form
        raise _unfetched(fault, deadline_s) from None
    finally:
        _until.reset(mark)
        _way.reset(way_mark)
    try:
        return Fetched(parse_json(body), int(max_age[1]) if max_age else None, len(body))
    except RequestProblem:
        raise Unfetched("not-json", "the answer is not strict JSON") from None


def _check_url(url: str) -> None:
    if url_fault(url.partition("?")[0]):  # what is asked for may stand in a query
        raise Unfetched("url", "an https URL is wanted; http on this machine only")


def open_session(connections: int = 1) -> requests.Session:
    """Give a session that keeps up to `connections` connections to a server, and of what passes over them nothing."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # a cookie of one call is not for the next
    session.trust_env = False  # no proxy and no password file of the environment
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(max_retries=0, pool_maxsize=connections))
    return session


def _asked(session: requests.Session, url: str, deadline_s: float, more: Mapping[str, str]) -> requests.Response:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "cds-service", **more}
    while True:
        _made.set(False)
        try:
            return session.get(url, headers=headers, timeout=deadline_s, stream=True, allow_redirects=False)
        except requests.ConnectionError:
            # A server may close a kept connection at any moment, also while a request is on its way: a GET is asked
            # again (RFC 9112, section 9.3.1), until it is by a connection of its own.
            if _made.get() or _left_unraised() <= 0:
                raise


def _check_answer(answered: requests.Response) -> None:
    if 300 <= answered.status_code < 400:
        raise Unfetched("redirect", f"status {answered.status_code}: a redirect is not followed")
    if answered.status_code != 200:
        raise Unfetched("status", f"status {answered.status_code}; 200 is wanted", answered.status_code)
    if answered.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Unfetched("encoding", "the answer is compressed, which was not asked for")


def _body(answered: requests.Response, max_bytes: int, take: Take) -> bytes:
    chunks, received = [], 0
    while chunk := answered.raw.read1(CHUNK_BYTES):  # what is there, without waiting for a chunk to be full
        received += len(chunk)
        if received > max_bytes:
            raise Unfetched("too-large", f"the answer is larger than {max_bytes} bytes")
        if not take(len(chunk)):
            raise Unfetched("too-large", "the answers together are larger than one call may fetch")
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
    """A connection to the first address of `host` that answers in time. Names are resolved here and nowhere else.

    Raises Unfetched when one of the addresses may not be reached: a name that leads to places of two kinds is not to
    be trusted with either.
    """
    _made.set(True)
    way = _way.get()
    found = (way.resolve or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM)
    if not all(way.may_reach(str(address[0])) for *_, address in found):
        raise Unfetched("address", "the name leads to an address that may not be called")
    fault: OSError = OSError("the name has no address")
    for at, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(_left_s() / (len(found) - at))  # one that is silent leaves time for the others
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
    """Requests' adapter with connections of ours, and without the headers that Requests would act on.

    Of a redirect it reads and unpacks the whole body, followed or not; cookies it parses, kept or not, in a time that
    grows with the square of their length.
    """

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        for name in ("Location", "Set-Cookie"):
            resp.headers.discard(name)
            del resp._original_response.msg[name]
        return super().build_response(req, resp)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
