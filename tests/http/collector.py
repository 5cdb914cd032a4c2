"""A collector of traces on this machine, which keeps what it is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(slots=True)
class Collected:
    """url: where to send to. bodies: what came, as it came."""

    url: str
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collected]:
    """Take what is sent to /v1/traces of 127.0.0.1."""
    collected = Collected("")

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()
            collected.bodies.append(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the standard library)
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        collected.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield collected
        finally:
            server.shutdown()
            serving.join()
