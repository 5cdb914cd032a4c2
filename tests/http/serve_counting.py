"""Serve the small release as the service is served, for tests that renew, kill and count workers.

`python -m tests.http.serve_counting WORKERS` prints the port it was given once calls are answered. `GET /pid` tells
which worker answers; the master ends in order at SIGTERM.
"""

import dataclasses
import os
import sys

from flask import Blueprint

from cds_service.config import Settings
from cds_service.edges.logs import configure
from cds_service.edges.metrics import Metrics, metrics_page
from cds_service.edges.server import Opened, serve
from cds_service.wiring import serving
from tests.http.small_release import SMALL, app_of

pages = Blueprint("pages", __name__)


@pages.get("/pid")
def pid() -> str:
    return str(os.getpid())


def open_app() -> Opened:
    metrics = Metrics(SMALL)
    app = app_of(seen=metrics.seen, pages=(metrics_page(metrics), pages))
    return Opened(app, refused=metrics.refused_before_read)


def main(workers: int) -> None:
    configure("info")
    settings = Settings(auth="off", port=0, workers=workers)
    served = serving(settings, lambda port: print(f"port {port}", flush=True))
    serve(dataclasses.replace(served, threads=2), open_app)


if __name__ == "__main__":
    main(int(sys.argv[1]))
