"""`cds-service serve` as a process of its own, on a free port of this machine, until the test is over."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
STOP_S = 20


@contextmanager
def serving(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Serve the rules of this tree and give the base URL.

    folder:   where it runs, and keeps what it writes; its log is the file `log` there.
    settings: CDS_* variables besides CDS_HOST, CDS_PORT and CDS_RULES, which may be given too.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environ |= {"CDS_PORT": "0", "CDS_RULES": str(ROOT / "rules"), "CDS_WORKERS": "1", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service", "serve"],
            cwd=folder, env={**environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        said = next((line for line in process.stdout if line.startswith("serving ")), "")
        assert said, (folder / "log").read_text()
        yield said.split()[1]
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
