"""The least a service like this can cost: the same server, the same door, and an answer that was written before.

`python -m bench.floor ours|floor ANSWERS` serves on a free port of 127.0.0.1 and prints the port. The floor is our own
application with one step taken out: it reads the body, checks JSON and envelope as strictly as we do, and gives one of
the ANSWERS instead of looking at the chart. Both log and count each call as the service does.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from bench.charts import HOOK, TODAY
from cds_service.config import Settings, read_settings
from cds_service.edges import logs
from cds_service.edges.server import Opened, serve
from cds_service.edges.web import Door, read_body
from cds_service.protocol import read_call
from cds_service.strict_json import parse_json
from cds_service.wiring import BODY_DEADLINE_S, build_app, open_service, serving

OURS, FLOOR = "ours", "floor"


def floor_app(settings: Settings, answers: Mapping[bytes, Any]) -> Flask:
    """Build our application, answering every call with the answer that its query names."""
    app = build_app(settings)
    door = Door(settings.max_body_bytes, BODY_DEADLINE_S)

    def answer_as_written(service_id: str) -> Response:
        read_call(parse_json(read_body(request, door)), HOOK)
        return jsonify(answers[request.query_string])

    app.view_functions["cds_service"] = answer_as_written
    return app


def main(which: str, answers_file: str) -> None:
    """Serve `which` application until SIGTERM."""
    frozen = {"CDS_AUTH": "off", "CDS_HOST": "127.0.0.1", "CDS_PORT": "0", "CDS_TODAY": TODAY.isoformat()}
    settings = read_settings({**os.environ, **frozen})
    logs.configure(settings.log_level)
    written = json.loads(Path(answers_file).read_text(encoding="utf-8"))
    answers = {name.encode(): body for name, body in written.items()}
    make = {OURS: lambda: open_service(settings), FLOOR: lambda: Opened(floor_app(settings, answers))}[which]
    serve(serving(settings, lambda port: print(f"port {port}", flush=True)), make)


if __name__ == "__main__":
    main(*sys.argv[1:])
