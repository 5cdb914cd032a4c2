"""The nginx of Debian with the configuration that is shipped: only paths, the port and the nodes are put in."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.http.odd_servers import certificate
from tests.running import free_port

CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light")
_NODE = re.compile(r"server cds-service:8000( .*)?;")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running nginx. folder: certificate and logs are there."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> str:
        """The certificate to trust."""
        return str(self.folder / "tls.crt")

    def serve_instead(self, nodes: Sequence[str]) -> None:
        """Write the configuration with other nodes, and reload it; returns when its workers have been renewed."""
        before = self._workers()
        text = placed(CONF.read_text(encoding="utf-8"), self.folder, self.port, nodes)
        (self.folder / "nginx.conf").write_text(text)
        os.kill(self._master(), signal.SIGHUP)
        until = time.monotonic() + 10
        while not self._workers() - before and time.monotonic() < until:
            time.sleep(0.05)

    def _master(self) -> int:
        return int((self.folder / "nginx.pid").read_text())

    def _workers(self) -> set[str]:
        return set(Path(f"/proc/{self._master()}/task/{self._master()}/children").read_text().split())

    def caller(self, address: str = "127.0.0.1") -> requests.Session:
        """A client that calls from `address`, which is of this machine: any of 127.0.0.0/8."""
        session = requests.Session()
        session.mount("https://", _From(address))
        session.verify = self.authority
        session.trust_env = False
        return session


class _From(HTTPAdapter):
    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__(pool_maxsize=1)

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **kwargs)  # type: ignore[arg-type]


def placed(text: str, folder: Path, port: int, nodes: Sequence[str]) -> str:
    """The shipped configuration with its paths in `folder`, on `port` of this machine, before `nodes`."""
    assert len(_NODE.findall(text)) == 1
    text = _NODE.sub(lambda hit: " ".join(f"server {node}{hit[1] or ''};" for node in nodes), text)
    for was, now in (
        ("/tmp/nginx", f"{folder}/nginx"),
        ("/etc/nginx/tls/", f"{folder}/"),
        ("error_log stderr ", f"error_log {folder}/error.log "),
        ("/dev/stdout", f"{folder}/access.log"),
        ("listen 8443 ", f"listen 127.0.0.1:{port} "),
    ):
        assert was in text, was
        text = text.replace(was, now)
    return text


@contextlib.contextmanager
def place(nodes: Sequence[str], port: int | None = None) -> Iterator[Proxy]:
    """A folder with all that nginx needs. Not in pytest's own: nginx's workers have an account of their own."""
    with tempfile.TemporaryDirectory(prefix="cds-nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = certificate(folder / "both.pem")
        for part in ("tls.crt", "tls.key"):
            shutil.copy(made, folder / part)
        port = port or free_port()
        (folder / "nginx.conf").write_text(placed(CONF.read_text(encoding="utf-8"), folder, port, nodes))
        yield Proxy(port, folder)


@contextlib.contextmanager
def proxying(nodes: Sequence[str], port: int | None = None) -> Iterator[Proxy]:
    """Run nginx before `nodes` (host:port) until the test is over, on `port` or a free one."""
    assert NGINX
    with place(nodes, port) as proxy:
        process = subprocess.Popen(
            [NGINX, "-e", str(proxy.folder / "error.log"), "-c", str(proxy.folder / "nginx.conf"), "-g", "daemon off;"]
        )
        try:
            _wait(proxy, process)
            yield proxy
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(proxy: Proxy, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", proxy.port), timeout=1):
            return
        assert process.poll() is None, (proxy.folder / "error.log").read_text()
        assert time.monotonic() < until, "nginx does not listen"
        time.sleep(0.05)
