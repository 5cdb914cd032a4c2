"""Fetching: one deadline for the whole, a cap, no redirect, TLS; against real sockets."""

import gzip
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.edges.outbound import Fetched, Unfetched, Way, fetch_json
from tests.http.key_server import Behaviour, KeyServer, after, body, dripping, key_server, status


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as held:
        yield held


def fetched(url: str, deadline_s: float = 5.0, max_bytes: int = 1000) -> Fetched:
    return fetch_json(url, deadline_s=deadline_s, max_bytes=max_bytes)


def fault(url: str, deadline_s: float = 5.0) -> tuple[str, str]:
    with pytest.raises(Unfetched) as caught:
        fetched(url, deadline_s)
    return caught.value.kind, str(caught.value)


def test_a_json_document_is_fetched_with_nothing_of_the_environment(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login someone password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.gives({"keys": []})
    assert fetched(server.url) == Fetched({"keys": []}, None)
    (sent,) = server.headers
    assert {name: sent[name] for name in sent if name not in ("Host", "Connection")} == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "cds-service",
    }


@pytest.mark.parametrize(
    ("header", "age"),
    [
        ("max-age=60", 60),
        ("public, Max-Age=300, immutable", 300),
        ("no-store", None),
        ("s-maxage=5", None),
        ("max-age=-1", None),
        ("max-age=99999999999999999999", None),
        ('private="max-age=5"', None),
    ],
)
def test_how_long_an_answer_may_be_kept(server: KeyServer, header: str, age: int | None) -> None:
    server.gives([], Cache_Control=header)
    assert fetched(server.url).max_age_s == age


@pytest.mark.parametrize(
    ("behaviour", "kind", "text"),
    [
        (status(500), "status", "status 500; 200 is wanted"),
        (status(204), "status", "status 204; 200 is wanted"),
        (status(302, Location="/other"), "redirect", "status 302: a redirect is not followed"),
        (status(307, Location="https://example.org/"), "redirect", "status 307: a redirect is not followed"),
        (body(b"<html>secret</html>"), "not-json", "the answer is not strict JSON"),
        (body(b'{"a": 1, "a": 2}'), "not-json", "the answer is not strict JSON"),
        (body(b""), "not-json", "the answer is not strict JSON"),
        (body(b"[" + b"1," * 1000 + b"1]"), "too-large", "the answer is larger than 1000 bytes"),
        (
            body(gzip.compress(b"[" + b" " * 100_000 + b"]"), Content_Encoding="gzip"),
            "encoding",
            "the answer is compressed, which was not asked for",
        ),
        (lambda handler: handler.connection.close(), "unreachable", "no answer could be read (ConnectionError)"),
        (
            lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,"),
            "unreachable",
            "no answer could be read (ProtocolError)",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) and "-" in each else None,
)
def test_what_cannot_be_used_is_told_in_words_of_ours(
    server: KeyServer, behaviour: Behaviour, kind: str, text: str
) -> None:
    server.behaviour = behaviour
    assert fault(server.url) == (kind, text)
    assert server.asked == 1


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e7\r\n",
    ],
    ids=["status line", "headers", "body", "chunk"],
)
def test_a_dripping_answer_ends_at_the_deadline(server: KeyServer, begin: bytes) -> None:
    server.behaviour = dripping(begin, server.over)
    began = time.monotonic()
    assert fault(server.url, deadline_s=0.4) == ("timeout", "no whole answer within 0.4 seconds")
    assert 0.39 < time.monotonic() - began < 1.5


def test_a_silent_server_ends_at_the_deadline(server: KeyServer) -> None:
    server.behaviour = after(server.over, status(200))
    assert fault(server.url, deadline_s=0.3)[0] == "timeout"


def test_a_tls_handshake_that_is_never_answered_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        began = time.monotonic()
        assert fault(f"https://127.0.0.1:{listening.getsockname()[1]}/", deadline_s=0.3)[0] == "timeout"
        assert time.monotonic() - began < 1.5


def test_nobody_there_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert fault(f"http://127.0.0.1:{port}/")[0] == "unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.example.org/jwks.json",
        "ftp://127.0.0.1/",
        "file:///etc/hostname",
        "https://",
        "https://[",
        "https://name:secret@ehr.example.org/",
        "//127.0.0.1/",
        "",
    ],
)
def test_a_url_that_is_not_safe_is_not_called(url: str) -> None:
    assert fault(url) == ("url", "an https URL is wanted; http on this machine only")


def _certificate(folder: Path, host: str = "localhost") -> Path:
    """A certificate for `host`, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_a_certificate_must_be_trusted_and_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    def serve(listening: socket.socket) -> None:
        for _ in range(3):
            sock, _ = listening.accept()
            with sock:
                try:
                    with context.wrap_socket(sock, server_side=True) as secure:
                        secure.recv(4096)
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
                except OSError:
                    pass  # the client does not trust it

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        untrusted = ("tls", "the TLS connection failed, or the certificate is not trusted")
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        assert fault(f"https://localhost:{port}/") == untrusted
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
        assert fetched(f"https://localhost:{port}/").value == []
        assert fault(f"https://127.0.0.1:{port}/") == untrusted
        thread.join()


def test_the_address_that_was_judged_is_called_by_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _certificate(tmp_path, "ehr.example.org")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    told: list[str | None] = []
    heads: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.sni_callback = lambda sock, name, _: told.append(name)

    def serve(listening: socket.socket) -> None:
        sock, _ = listening.accept()
        with context.wrap_socket(sock, server_side=True) as secure:
            heads.append(secure.recv(4096))
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    def resolve(host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://ehr.example.org:{listening.getsockname()[1]}/fhir"
        judged: list[str] = []
        with pytest.raises(Unfetched) as caught:
            fetch_json(url, deadline_s=5, max_bytes=100, way=Way(lambda address: bool(judged.append(address)), resolve))
        assert (caught.value.kind, judged) == ("address", ["127.0.0.1"])
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        assert fetch_json(url, deadline_s=5, max_bytes=100, way=Way(lambda address: True, resolve)).value == []
        thread.join()
    assert told == ["ehr.example.org"]
    assert url.split("/")[2].encode() in heads[0].split(b"Host: ")[1].splitlines()[0]


def test_no_fault_repeats_what_was_received_or_asked(server: KeyServer) -> None:
    server.behaviour = lambda handler: handler.wfile.write(b"secret nonsense\r\n\r\n")
    kind, text = fault(f"{server.url}?secret")
    assert kind == "unreachable"
    assert not re.search("secret|jwks", text)


@pytest.mark.parametrize("location", ["/other", "http://[::1"])
def test_the_body_of_a_redirect_is_neither_read_nor_unpacked(server: KeyServer, location: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))

    def answer(handler: BaseHTTPRequestHandler) -> None:
        status(302, Location=location, **{"Content-Encoding": "gzip", "Content-Length": str(len(bomb))})(handler)
        handler.wfile.write(bomb)

    server.behaviour = answer
    began = time.process_time()
    assert fault(server.url) == ("redirect", "status 302: a redirect is not followed")
    assert time.process_time() - began < 0.1


def test_cookies_are_not_even_parsed(server: KeyServer) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for _ in range(50):
            handler.send_header("Set-Cookie", "a=b; " * 13_000)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"[]")

    server.behaviour = answer
    began = time.process_time()
    assert fetched(server.url).value == []
    assert time.process_time() - began < 1


def test_an_address_that_is_silent_leaves_time_for_the_next(server: KeyServer) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, socket.socket() as first:
        first.connect(silent.getsockname())  # the only place in its queue: whoever comes now hears nothing
        here = int(server.url.split(":")[2].split("/")[0])
        ports = [silent.getsockname()[1], here]

        def resolve(host: str, port: int, **_: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in ports]

        server.gives([])
        assert fetch_json(server.url, deadline_s=0.6, max_bytes=100, way=Way(resolve=resolve)).value == []
        ports.reverse()
        server.behaviour = status(404)
        with pytest.raises(Unfetched, match="status 404"):
            fetch_json(server.url, deadline_s=0.6, max_bytes=100, way=Way(resolve=resolve))
