"""Optional traces: one OpenTelemetry span for each CDS call, sent in the background.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `otel` is installed; nothing of OpenTelemetry is imported
before that. A span holds service, HTTP status, release and the number of cards: no id, URL query or header.
"""

import importlib.util
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.seen import CALL_ROUTE, SERVICES_ROUTE, Seen

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

ENDPOINT, EXTRA = "OTEL_EXPORTER_OTLP_ENDPOINT", "otel"
NAME = "cds-service"
NEEDED = ("opentelemetry.sdk.trace.export", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
EXPORT_S = 3  # a collector that does not answer may hold up the end of a worker by this long

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Tracing:
    """What is told of a call, and what sends the rest when the worker ends."""

    seen: Callable[[Seen], None] = lambda seen: None
    close: Callable[[], None] = lambda: None


OFF = Tracing()


def warn_if_missing(environ: Mapping[str, str]) -> None:
    """Say at start-up that traces are asked for and cannot be made."""
    if environ.get(ENDPOINT) and not _installed():
        _log.warning("tracing-missing", extra={"variable": ENDPOINT, "extra": EXTRA})


def open_tracing(environ: Mapping[str, str]) -> Tracing:
    """Open tracing for one worker, after the fork: the thread that sends would not survive one."""
    if not environ.get(ENDPOINT) or not _installed():
        return OFF
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    sender = BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_S), export_timeout_millis=EXPORT_S * 1000)
    return tracing_through(sender)


def tracing_through(processor: "SpanProcessor") -> Tracing:
    """Give tracing whose spans go to `processor`. Nothing global is set, so libraries add no spans of their own."""
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind, Status, StatusCode

    provider = _provider()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer(NAME)

    def seen(told: Seen) -> None:
        if told.route != CALL_ROUTE:
            return
        end = time.time_ns()
        span = tracer.start_span(
            f"POST {SERVICES_ROUTE}/{told.service}" if told.service else f"POST {CALL_ROUTE}",
            context=Context(),
            kind=SpanKind.SERVER,
            start_time=end - round(told.seconds * 1e9),
            attributes={
                "cds.service": told.service,
                "cds.release": told.release.id,
                "cds.cards": len(told.answer.body.get("cards", ())) if told.answer else 0,
                "http.response.status_code": told.status,
            },
        )
        if told.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    return Tracing(seen, provider.shutdown)


def _provider() -> "TracerProvider":
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider

    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: NAME}))  # OTEL_SERVICE_NAME names another
    return TracerProvider(resource=resource, shutdown_on_exit=False)


def _installed() -> bool:
    try:
        return all(importlib.util.find_spec(each) for each in NEEDED)
    except (ImportError, ValueError):  # a part above it is missing
        return False
