"""One HTTP exchange with a deployment, bounded in time and size. No redirect is followed, no proxy or password file of
the environment is used: what is sent goes to the URL that was given and nowhere else.
"""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from cds_service.calling.faults import Unheard, unheard

MOST_BYTES = 4_000_000  # of an answer that is read
CHUNK_BYTES = 64 * 1024
JSON = "application/json"

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Heard:
    """An HTTP answer.

    headers: names in small letters.
    body:    its first MOST_BYTES.
    seconds: from the first byte sent, connecting included, to the last one read.
    at:      the middle between sending and the head of the answer by this machine's clock, seconds since 1970.
    head_s:  seconds to the head of the answer.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    at: float = 0.0
    head_s: float = 0.0

    @property
    def media_type(self) -> str:
        """The media type without parameters, in small letters; "" for none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def value(self) -> Any:
        """The JSON of the body; None where there is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


Answered = Heard | Unheard


def send(
    method: str,
    url: str,
    *,
    seconds: float,
    body: bytes | None = None,
    chunked: bool = False,
    headers: Mapping[str, str] | None = None,
    ca_file: str | None = None,
) -> Answered:
    """Send one request and give what came within `seconds`.

    chunked: send the body in chunks, without a Content-Length. ca_file: certificates to trust in place of the usual.
    """
    sent = {"Accept": JSON, "Accept-Encoding": "identity", "User-Agent": "cds-service", **(headers or {})}
    if body is not None:
        sent = {"Content-Type": JSON, **sent}
    data = _chunks(body) if chunked and body is not None else body
    try:
        return within(seconds, lambda: _exchange(method, url, data, sent, seconds, ca_file))
    except Exception as fault:  # libraries raise much; each is told in words
        return unheard(fault, seconds)


class _Session(requests.Session):
    """Requests' session, but for redirects: of one that is not to be followed it reads and unpacks the whole body."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def _exchange(
    method: str, url: str, data: Any, headers: Mapping[str, str], seconds: float, ca_file: str | None
) -> Heard:
    with _Session() as session:
        session.trust_env = False
        session.verify = ca_file or True
        wall, began = time.time(), time.monotonic()
        with session.request(
            method, url, data=data, headers=dict(headers), timeout=seconds, stream=True, allow_redirects=False
        ) as came:
            head_s = time.monotonic() - began
            body = b"".join(_read(came, began + seconds))
            names = {name.lower(): value for name, value in came.headers.items()}
            return Heard(came.status_code, names, body, time.monotonic() - began, wall + head_s / 2, head_s)


def _read(came: requests.Response, until: float) -> Iterator[bytes]:
    left = MOST_BYTES
    while left > 0 and (chunk := came.raw.read1(min(CHUNK_BYTES, left), decode_content=True)):
        if time.monotonic() > until:
            raise TimeoutError
        left -= len(chunk)
        yield chunk


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), CHUNK_BYTES):
        yield body[start : start + CHUNK_BYTES]


def within(seconds: float, work: Callable[[], Found]) -> Found:
    """Give what `work` gives, or raise what it raises. Raises TimeoutError when that takes longer than `seconds`.

    Resolving a name cannot be interrupted, and a library's timeout is for each read: so the work is left behind in a
    thread of its own, which does not keep the command alive.
    """
    done: queue.SimpleQueue[tuple[Found | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as fault:  # raised again below, in the thread that waits
            done.put((None, fault))

    threading.Thread(target=run, daemon=True).start()
    try:
        found, fault = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if fault is not None:
        raise fault
    return found  # type: ignore[return-value]
