"""Serve a route that keeps feedback, by the real server, so that its workers can be killed.

`python -m tests.store.serve_store DATABASE_URL [SECONDS]` prints the port; each worker waits so many seconds between
its fork and listening to signals. POST /keep/{card} acknowledges what is on the disk,
POST /later/{card} what is only queued: a test that cannot tell them apart would prove nothing. Both answer the worker's
process id.
"""

import os
import sys
import time
from datetime import datetime, timezone

from flask import Flask
from gunicorn import util

from cds_service.edges.server import Opened, Serving, serve
from cds_service.edges.store.address import read_address
from cds_service.edges.store.store import Store
from cds_service.feedback import ACCEPTED, FeedbackItem
from tests.store.sample import call_of


def main(url: str, wait_s: float = 0.0) -> None:
    seed = util.seed

    def slow_seed() -> None:  # the last of what gunicorn does in a worker before that
        time.sleep(wait_s)
        seed()

    util.seed = slow_seed

    def open_app() -> Opened:
        store = Store(read_address(url), dropped=lambda kind, count: None)
        app = Flask(__name__)

        @app.post("/keep/<card>")
        def keep(card: str) -> str:
            item = FeedbackItem(card, ACCEPTED, datetime(2026, 3, 1, tzinfo=timezone.utc), (card,))
            store.keep_feedback("example", "oud-patient-view", [item], comments=False)
            return str(os.getpid())

        @app.post("/later/<int:number>")
        def later(number: int) -> str:
            store.remember(call_of(number))
            return str(os.getpid())

        return Opened(app, store.close)

    serving = Serving(
        host="127.0.0.1",
        port=0,
        workers=1,
        threads=2,
        log_level="error",
        deadline_s=5.0,
        on_ready=lambda port: print(f"port {port}", flush=True),
    )
    serve(serving, open_app)


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
