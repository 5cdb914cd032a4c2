"""A server on this machine that answers as a test says: by itself, or by passing calls on and changing what comes."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. status 0 cuts the connection; wait_s comes before it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0

    def having(self, **headers: str) -> "Said":
        """The same with other headers: `content_type="text/html"`; "" leaves one out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        whole = {**self.headers, **changed}
        return replace(self, headers={name: value for name, value in whole.items() if value})


Answering = Callable[[Asked], Said]


def html(status: int) -> Said:
    return Said(status, b"<html><title>secret of the proxy</title></html>", {"content-type": "text/html"})


@contextmanager
def serving_oddly(answer: Answering, certificate: Path | None = None) -> Iterator[str]:
    """Serve on a free port and give the base URL; over TLS with a certificate, a PEM file that holds its key too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def any_method(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = answer(Asked(self.command, self.path, headers, self._body(headers)))
            self.close_connection = True
            time.sleep(said.wait_s)
            if not said.status:
                return
            try:
                self.send_response_only(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(said.body)
            except OSError:  # whoever asked did not wait
                pass

        do_GET = do_POST = do_OPTIONS = any_method  # noqa: N815

        def _body(self, headers: Mapping[str, str]) -> bytes:
            if "chunked" not in headers.get("transfer-encoding", ""):
                return self.rfile.read(int(headers.get("content-length", 0)))
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None:  # a client that did not trust the certificate, for instance
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def passing_on(
    url: str,
    *,
    asked: Callable[[Asked], Asked] = lambda asked: asked,
    said: Callable[[Asked, Said], Said] = lambda asked, said: said,
) -> Answering:
    """A proxy of `url`. asked, said: what it makes of calls and of answers."""

    def answer(came: Asked) -> Said:
        passed = asked(came)
        headers = {name: value for name, value in passed.headers.items() if name not in {*HOP_BY_HOP, "host"}}
        with requests.Session() as session:
            session.trust_env = False
            got = session.request(
                passed.method, url + passed.path, data=passed.body, headers=headers, timeout=20, allow_redirects=False
            )
        kept = {name.lower(): value for name, value in got.headers.items() if name.lower() not in HOP_BY_HOP}
        return said(came, Said(got.status_code, got.content, kept))

    return answer


def without(asked: Asked, name: str) -> Asked:
    """The call without a header."""
    return replace(asked, headers={each: value for each, value in asked.headers.items() if each != name})


def certificate(path: Path, *, days: int = 365, began_days_ago: int = 1, name: str = "127.0.0.1") -> Path:
    """Write a self-signed certificate and its key. days: until it ends, negative when it has; name: or address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic")])
    now = datetime.now(timezone.utc)
    other = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=began_days_ago))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
