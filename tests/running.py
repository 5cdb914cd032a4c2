"""`cds-service serve` as a process of its own, on a free port of this machine, until the test is over."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

ROOT = Path(__file__).parents[1]
STOP_S = 20
ISSUER = "https://ehr.example.org"


def private_key(algorithm: str) -> dict[str, Any]:
    """A private JWK of its own, for ES384 or RS384."""
    made = ECKey.generate_key("P-384") if algorithm == "ES384" else RSAKey.generate_key(2048)
    return {**made.as_dict(private=True), "kid": f"{algorithm}-key", "alg": algorithm, "use": "sig"}


def checking(folder: Path, key: Mapping[str, Any]) -> dict[str, str]:
    """Settings that let in one client, ISSUER with `key`, and nobody else; its files are written to `folder`.

    Rules that nobody has reviewed show their cards: without them there would be little to look at.
    """
    public = {name: value for name, value in key.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
    (folder / "keys.json").write_text(json.dumps({"keys": [public]}), encoding="utf-8")
    lines = ["clients:", "  ehr:", f"    issuers: [{ISSUER}]", "    keys: keys.json", ""]
    (folder / "clients.yaml").write_text("\n".join(lines), encoding="utf-8")
    port = free_port()
    return {
        "CDS_AUTH": "required",
        "CDS_CLIENTS": str(folder / "clients.yaml"),
        "CDS_PORT": str(port),
        "CDS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CDS_ALLOW_UNREVIEWED": "yes",
    }


def free_port() -> int:
    """A port that nobody listens on. The public URL must be known before the service takes its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def begin(folder: Path, settings: Mapping[str, str], **how: Any) -> tuple["subprocess.Popen[str]", str]:
    """Begin to serve the rules of this tree, and give the master's process and the base URL once calls are answered.

    folder:   where it runs, and keeps what it writes; its log is added to the file `log` there.
    settings: CDS_* variables besides CDS_HOST, CDS_PORT and CDS_RULES, which may be given too; others as well.
    how:      for subprocess.Popen.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environ |= {"CDS_PORT": "0", "CDS_RULES": str(ROOT / "rules"), "CDS_WORKERS": "1", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service", "serve"],
            cwd=folder, env={**environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True, **how,
        )  # fmt: skip
    assert process.stdout is not None
    said = next((line for line in process.stdout if line.startswith("serving ")), "")
    if not said:
        end(process)
        raise AssertionError((folder / "log").read_text())
    return process, said.split()[1]


def end(process: "subprocess.Popen[str]", within_s: float = STOP_S) -> int:
    """Have the service end in order, or else at once, and give its exit code."""
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode


@contextmanager
def serving(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Serve, as `begin` says, until the block is left, and give the base URL. The log begins anew."""
    (folder / "log").write_text("")
    process, url = begin(folder, settings)
    try:
        yield url
    finally:
        end(process)
