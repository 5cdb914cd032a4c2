"""Serve the small release by the real server, for tests with real sockets, and log as the service does.

`python -m tests.http.serve_small DEADLINE_S` prints the port it was given once calls are answered.
"""

import logging
import sys
import threading
import time
import warnings

from flask import Blueprint, request

from cds_service.edges.logs import configure
from cds_service.edges.server import Opened, Serving, serve
from tests.http.small_release import app_of

slow = Blueprint("slow", __name__)


@slow.get("/slow")
def wait_a_second() -> str:
    time.sleep(1)
    return "done"


class Quoting(Warning):
    """A warning whose text quotes a request."""


@slow.post("/fault/<how>")
def fail(how: str) -> str:
    """Bring the text of the request to every place that a careless library would."""
    text = request.get_data(as_text=True)
    if how == "raise":
        try:
            raise KeyError(text)
        except KeyError as fault:
            raise ValueError(text) from fault
    if how == "thread":
        failing = threading.Thread(target=int, args=(text,), name=text)
        failing.start()
        failing.join()
    if how == "warning":
        warnings.warn(text, Quoting, stacklevel=1)
    if how == "library":
        logging.getLogger("urllib3.connectionpool").warning("retrying %s", text, extra={"url": text})
        logging.getLogger("sqlalchemy.engine").error(text)
    if how == "gunicorn":
        logging.getLogger("gunicorn.error").error("Error handling request %s", text)
        logging.getLogger("gunicorn.error").debug("GET %s", text)
    if how == "unwritable":
        logging.getLogger("cds_service").error("test-event", extra={"value": Unwritable(text)})
    return "done"


class Unwritable:
    """Something with a form that gives a request away."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def main(deadline_s: float) -> None:
    def open_app() -> Opened:
        app = app_of(max_bytes=8_000_000, deadline_s=deadline_s)
        app.register_blueprint(slow)
        return Opened(app)

    configure("debug")
    warnings.simplefilter("always")
    serving = Serving(
        host="127.0.0.1",
        port=0,
        workers=1,
        threads=2,
        log_level="debug",
        deadline_s=deadline_s,
        on_ready=lambda port: print(f"port {port}", flush=True),
    )
    serve(serving, open_app)


if __name__ == "__main__":
    main(float(sys.argv[1]))
