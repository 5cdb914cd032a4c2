"""The least a service like this can cost: the same server, the same door, and an answer that was written before.

`python -m bench.floor ours|floor ANSWERS` serves on a free port of 127.0.0.1 and prints the port. The floor is our own
door with nothing behind it: it reads the body, checks JSON and envelope as strictly as we do, and gives one of the
ANSWERS instead of looking at the chart. Only ours logs, counts and keeps records.
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from bench.charts import HOOK, TODAY
from cds_service.config import Settings, read_settings
from cds_service.core.engine import compile_release
from cds_service.edges import logs
from cds_service.edges.rule_store import find_rules, load_rules
from cds_service.edges.server import Opened, serve
from cds_service.edges.web import Door, Ports, create_app, read_body
from cds_service.protocol import read_call
from cds_service.services import in_service
from cds_service.strict_json import parse_json
from cds_service.wiring import BODY_DEADLINE_S, clock, open_service, prepare_records, serving

OURS, FLOOR = "ours", "floor"


def floor_app(settings: Settings, answers: Mapping[bytes, Any]) -> Flask:
    """Build the door alone, without log, counts or records; each call gets the answer that its query names."""
    release = load_rules(find_rules(settings.rules), check=False).release
    door = Door(settings.max_body_bytes, BODY_DEADLINE_S)
    now = in_service(compile_release(release))
    app = create_app(Ports(lambda: now, clock(settings), new_incident=lambda: ""), door)

    def answer_as_written(service_id: str) -> Response:
        read_call(parse_json(read_body(request, door)), HOOK)
        return jsonify(answers[request.query_string])

    app.view_functions["cds_service"] = answer_as_written
    return app


def main(which: str, answers_file: str) -> None:
    """Serve `which` application until SIGTERM. Ours logs, counts and keeps records as `cds-service serve` does."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = {
            "CDS_AUTH": "off",
            "CDS_HOST": "127.0.0.1",
            "CDS_PORT": "0",
            "CDS_TODAY": TODAY.isoformat(),
            "CDS_DATABASE_URL": f"sqlite:///{folder}/records.db",
        }
        settings = read_settings({**os.environ, **chosen})
        logs.configure(settings.log_level)
        written = json.loads(Path(answers_file).read_text(encoding="utf-8"))
        answers = {name.encode(): body for name, body in written.items()}
        if which == OURS:
            prepare_records(settings)
        make = {
            OURS: lambda: open_service(settings, kept=None),
            FLOOR: lambda: Opened(floor_app(settings, answers)),
        }
        serve(serving(settings, lambda port: print(f"port {port}", flush=True)), make[which])


if __name__ == "__main__":
    main(*sys.argv[1:])
