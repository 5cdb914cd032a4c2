"""Whether a request has arrived whole, told from its bytes: only so that no thread need wait for it.

Nothing here decides what a request says or whether it is well-formed: gunicorn reads the same bytes anew. Whatever
this cannot tell counts as whole, and is then refused there.
Source: RFC 9112, section 6 (message body length) and 7.1 (chunked).
"""

import re
from dataclasses import dataclass, field

HEAD_BYTES, LINE_BYTES = 64 * 1024, 16 * 1024  # of a longer head, or line of a chunk, gunicorn refuses what it has
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n")
_CODING, _CHUNKED = b"\r\ntransfer-encoding:", re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n")
_EXPECT = b"\r\nexpect:"
_SIZE = re.compile(rb"[ \t]*([0-9a-f]{1,12})[ \t]*(?:;.*)?", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class Arriving:
    """What came of one request; it grows, and remembers how far it was looked at.

    size:      bytes of the whole request, once it can be told, else 0.
    has_head:  whether all headers are there.
    expecting: the client waits for an interim answer before it sends the body, which only a thread gives.
    """

    data: bytearray = field(default_factory=bytearray)
    size: int = 0
    has_head: bool = False
    expecting: bool = False
    _seen: int = 0  # of the head: bytes without its end; of chunks: where the next one begins
    _chunked: bool = False

    def take(self, more: bytes) -> None:
        """Add what came."""
        self.data += more
        if not self.has_head:
            self._look_for_head()
        if self._chunked and not self.size:
            self._look_for_last_chunk()

    @property
    def whole(self) -> bool:
        """Whether nothing more need be waited for. What follows may belong to the next request."""
        return 0 < self.size <= len(self.data)

    @property
    def wanted(self) -> int:
        """How many bytes are known to be still on their way, 0 if that cannot be told."""
        return max(0, self.size - len(self.data))

    def _look_for_head(self) -> None:
        end = self.data.find(b"\r\n\r\n", max(0, self._seen - 3))
        if end < 0:
            self._seen = len(self.data)
            if self._seen > HEAD_BYTES:
                self.size = self._seen
            return
        self.has_head = True
        self._seen = end + 4
        head = bytes(self.data[: self._seen]).lower()
        length, coded = _LENGTH.search(head), _CODING in head
        self.expecting = _EXPECT in head
        self._chunked = coded and not length and _CHUNKED.search(head) is not None
        if not self._chunked:  # with both, or another coding, it is refused by its head
            self.size = self._seen + (int(length[1]) if length and not coded else 0)

    def _look_for_last_chunk(self) -> None:
        while (end := self.data.find(b"\r\n", self._seen)) >= 0:
            size = _SIZE.fullmatch(self.data, self._seen, end)
            if size is None:  # this is no chunk, and will be refused
                self.size = len(self.data)
                return
            length = int(size[1], 16)
            if length == 0:
                self._look_for_end_of_trailers(end)
                return
            self._seen = end + 2 + length + 2
        if len(self.data) - self._seen > LINE_BYTES:
            self.size = len(self.data)

    def _look_for_end_of_trailers(self, begin: int) -> None:
        """Trailers, of which there may be none, begin at the end of the line of the last chunk."""
        end = self.data.find(b"\r\n\r\n", begin)
        if end >= 0:
            self.size = end + 4
        elif len(self.data) - begin > HEAD_BYTES:
            self.size = len(self.data)
