"""Logs: one JSON object a line on standard error, with nothing in it that a request brought.

Our own modules log by `logging.getLogger("cds_service")`: the message is the name of an event, its fields are `extra`.
docs/reference/logs.md lists them all. What others log is foreign text, which may quote a URL, a parameter or a token:
of gunicorn the messages listed here are told, of everything else only that there was a message, from which line of
which file. An exception is told by its class and its places, never by its text.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import orjson

from cds_service.faults import places
from cds_service.seen import SERVICES_ROUTE, Seen

OURS, GUNICORN = "cds_service", "gunicorn.error"
DIGEST_SHOWN = 12
# What gunicorn says of its processes. Their parameters are process ids, signals, addresses and names of classes.
GUNICORN_SAYS = frozenset(
    {
        "Autorestarting worker after current request.",
        "Booting worker with pid: %s",
        "Error handling request",
        "Exception in worker process",
        "Handling signal: %s",
        "Hang up: %s",
        "Listening at: %s (%s)",
        "Parent changed, shutting down: %s",
        "Reason: %s",
        "Shutting down: %s",
        "Socket error processing request.",
        "Starting gunicorn %s",
        "Unhandled exception in main loop",
        "Using worker: %s",
        "WORKER TIMEOUT (pid:%s)",
        "Worker (pid:%s) exited with code %s.",
        "Worker (pid:%s) was sent %s!",
        "Worker (pid:%s) was sent %s! Perhaps out of memory?",
        "Worker exiting (pid: %s)",
    }
)
# What every record has, and what other formatters leave on one; the rest of a record are the fields of our event.
_NO_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_log = logging.getLogger(OURS)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send everything that this process logs, warns of or does not catch to `stream`, else to standard error.

    level: of our own events and gunicorn's messages, as in CDS_LOG_LEVEL; others are told from warning on.
    """
    handler = _Lines(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    handler.addFilter(_is_told)
    root, chosen = logging.getLogger(), logging.getLevelName(level.upper())
    root.handlers[:] = [handler]
    root.setLevel(max(chosen, logging.WARNING))
    for name in (OURS, GUNICORN):
        logging.getLogger(name).setLevel(chosen)
    warnings.showwarning = _tell_warning
    sys.excepthook = _tell_uncaught
    sys.unraisablehook = lambda fault: _uncaught(fault.exc_value, fault.exc_type)
    threading.excepthook = lambda fault: _uncaught(fault.exc_value, fault.exc_type)


class LineFormatter(logging.Formatter):
    """Makes a line of a record; a class because logging asks for one. A message is put together only to be told."""

    def format(self, record: logging.LogRecord) -> str:
        return _json(_line(record))


def call_log() -> Callable[[Seen], None]:
    """Give the consumer that logs each request: at info what came to CDS Hooks, at debug the rest."""

    def tell(seen: Seen) -> None:
        level = logging.INFO if seen.route.startswith(SERVICES_ROUTE) else logging.DEBUG
        if not _log.isEnabledFor(level):
            return
        answered = seen.answer is not None and seen.status == 200
        _log.log(
            level,
            "call",
            extra={
                "route": seen.route,
                "service": seen.service,
                "client": seen.client,
                "status": seen.status,
                "refused": seen.refused,
                "ms": round(seen.seconds * 1000, 2),
                "cards": len(seen.answer.body["cards"]) if answered and seen.answer else None,
                "hook_instance": seen.call.hook_instance if seen.call else None,
                "release": seen.release.digest[:DIGEST_SHOWN] if seen.service else None,
                "site": seen.release.site.digest[:DIGEST_SHOWN] if seen.service and seen.release.site else None,
            },
        )

    return tell


class _Lines(logging.StreamHandler[TextIO]):
    """Writes the lines; a class because logging asks for one where a record cannot be written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Say which logger it was: logging's own way would print the record with its parameters."""
        try:
            self.stream.write(_json({"level": "error", "logger": record.name, "event": "log-failed"}) + self.terminator)
        except Exception:  # standard error itself is gone; there is nowhere left to say so
            return


def _is_told(record: logging.LogRecord) -> bool:
    return _is_ours(record.name) or record.levelno >= logging.WARNING or record.msg in GUNICORN_SAYS


def _is_ours(name: str) -> bool:
    return name == OURS or name.startswith(f"{OURS}.")


def _line(record: logging.LogRecord) -> dict[str, Any]:
    """What is told of one record, in the order of the line; what is None or "" is left out."""
    said, args = str(record.msg), record.args
    line = {
        "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "pid": record.process,
    }
    fault = _fault_of(record.exc_info, args)
    told = {"error": type(fault).__name__, "places": places(fault)} if fault else {}
    if _is_ours(record.name):
        line["event"] = said
        told |= {
            name: value
            for name, value in vars(record).items()
            if name not in _NO_FIELDS and name[0] != "_" and value not in (None, "")
        }
    elif record.name == GUNICORN and said in GUNICORN_SAYS:
        line["event"] = "gunicorn"
        told["text"] = said % args if args else said
    else:
        line["event"] = "library"
        told["at"] = f"{record.filename}:{record.lineno}"
    return line | told


def _fault_of(exc_info: Any, args: Any) -> BaseException | None:
    """The exception of a record, or the one among its parameters: libraries like to put it into the message."""
    if isinstance(exc_info, tuple) and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    given = args if isinstance(args, tuple) else ()
    return next((each for each in given if isinstance(each, BaseException)), None)


def _json(line: Any, **_: Any) -> str:
    """JSON on one line. What has no form in JSON is told by its class: its text could hold anything."""
    return orjson.dumps(line, default=lambda value: type(value).__name__, option=orjson.OPT_NON_STR_KEYS).decode()


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _log.warning("python-warning", extra={"category": category.__name__, "at": f"{Path(filename).name}:{lineno}"})


def _tell_uncaught(kind: type[BaseException], fault: BaseException, _: TracebackType | None) -> None:
    _uncaught(fault, kind)


def _uncaught(fault: BaseException | None, kind: type[BaseException]) -> None:
    _log.critical("uncaught", extra={"error": kind.__name__, "places": places(fault) if fault else []})
