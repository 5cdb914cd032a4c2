"""When a request counts as whole: at its last byte and not before, however it is cut up."""

import pytest

from cds_service.edges.server.arriving import HEAD_BYTES, LINE_BYTES, Arriving

GET = b"GET /healthz HTTP/1.1\r\nHost: example\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: example\r\n"
WHOLE = {
    "no body": GET,
    "a body of no bytes": POST + b"Content-Length: 0\r\n\r\n",
    "a body": POST + b"Content-Length: 5\r\n\r\n{   }",
    "a name in capitals": POST + b"CONTENT-LENGTH:5\r\n\r\n{   }",
    "a body that looks like an end": POST + b"Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    "one chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nA;x=y\r\n0\r\n\r\n     \r\n1\r\n}\r\n0\r\n\r\n",
    "trailers": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-A: a\r\nX-B: b\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_request_is_whole_at_its_last_byte(name: str, step: int) -> None:
    request, arriving = WHOLE[name], Arriving()
    for begin in range(0, len(request), step):
        assert not arriving.whole, begin
        arriving.take(request[begin : begin + step])
    assert (arriving.whole, arriving.size) == (True, len(request))


@pytest.mark.parametrize("name", WHOLE)
def test_what_follows_is_not_taken_for_a_part_of_it(name: str) -> None:
    arriving = Arriving()
    arriving.take(WHOLE[name] + GET)
    assert (arriving.whole, arriving.size) == (True, len(WHOLE[name]))


def test_how_much_is_still_to_come_is_told_once_the_headers_are_there() -> None:
    arriving = Arriving()
    arriving.take(POST + b"Content-Length: 100\r\n\r")
    assert (arriving.has_head, arriving.wanted) == (False, 0)
    arriving.take(b"\n{")
    assert (arriving.has_head, arriving.wanted, arriving.whole) == (True, 99, False)


@pytest.mark.parametrize("expecting", [b"Expect: 100-continue", b"expect:other"])
def test_a_client_that_waits_for_leave_is_told_from_others(expecting: bytes) -> None:
    arriving = Arriving()
    arriving.take(POST + expecting + b"\r\nContent-Length: 2\r\n\r\n")
    assert (arriving.expecting, arriving.whole) == (True, False)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        POST + b"Content-Length: many\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * LINE_BYTES,
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-A: a\r\n" * (HEAD_BYTES // 8 + 1),
        b"GET /" + b"a" * HEAD_BYTES,
    ],
    ids=["no HTTP", "length and chunks", "other coding", "no number", "no size", "size", "trailers", "head"],
)
def test_what_cannot_be_told_is_not_waited_for(request_: bytes) -> None:
    arriving = Arriving()
    arriving.take(request_)
    assert arriving.whole
