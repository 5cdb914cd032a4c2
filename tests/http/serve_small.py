"""Serve the small release by the real server, for tests with real sockets.

`python -m tests.http.serve_small DEADLINE_S` prints the port it was given once calls are answered.
"""

import sys
import time

from flask import Blueprint

from cds_service.edges.server import Opened, Serving, serve
from tests.http.small_release import app_of

slow = Blueprint("slow", __name__)


@slow.get("/slow")
def wait_a_second() -> str:
    time.sleep(1)
    return "done"


def main(deadline_s: float) -> None:
    def open_app() -> Opened:
        app = app_of(max_bytes=8_000_000, deadline_s=deadline_s)
        app.register_blueprint(slow)
        return Opened(app)

    serving = Serving(
        host="127.0.0.1",
        port=0,
        workers=1,
        threads=2,
        log_level="info",
        deadline_s=deadline_s,
        on_ready=lambda port: print(f"port {port}", flush=True),
    )
    serve(serving, open_app)


if __name__ == "__main__":
    main(float(sys.argv[1]))
