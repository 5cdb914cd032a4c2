"""The service, and what it is measured against: the same server and door with less behind it.

`python -m bench.floor ours|floor|models ANSWERS` serves on a free port of 127.0.0.1 and prints the port. The floor is
our own door with nothing behind it: it reads the body, checks JSON and envelope as strictly as we do, and gives one of
the ANSWERS, which were written before, instead of looking at the chart. It is the least that a service like this can
cost. `models` is the floor of a service that reads charts through the models of fhir.resources: it has them check each
resource of the prefetch, and then gives the written answer too. Only ours logs, counts and keeps records.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
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

OURS, FLOOR, MODELS = "ours", "floor", "models"
Look = Callable[[Mapping[str, Any]], object]


def floor_app(settings: Settings, answers: Mapping[bytes, Any], look: Look = lambda prefetch: None) -> Flask:
    """Build the door alone, without log, counts or records; each call gets the answer that its query names.

    look: what is done with the prefetch of each call.
    """
    release = load_rules(find_rules(settings.rules), check=False).release
    door = Door(settings.max_body_bytes, BODY_DEADLINE_S)
    now = in_service(compile_release(release))
    app = create_app(Ports(lambda: now, clock(settings), new_incident=lambda: ""), door)

    def answer_as_written(service_id: str) -> Response:
        look(read_call(parse_json(read_body(request, door)), HOOK).prefetch)
        return jsonify(answers[request.query_string])

    app.view_functions["cds_service"] = answer_as_written
    return app


def through_models() -> Look:
    """Give what makes a model of FHIR R4B of every resource of a prefetch; it raises where a resource is no such."""
    from fhir.resources.R4B import get_fhir_model_class

    def look(prefetch: Mapping[str, Any]) -> list[object]:
        bundles = [value.get("entry", ()) for value in prefetch.values() if value["resourceType"] == "Bundle"]
        resources = [value for value in prefetch.values() if value["resourceType"] != "Bundle"]
        resources += [entry["resource"] for entries in bundles for entry in entries]
        return [get_fhir_model_class(each["resourceType"]).model_validate(each) for each in resources]

    return look


def main(which: str, answers_file: str) -> None:
    """Serve `which` application until SIGTERM. Ours logs, counts and keeps records as `cds-service serve` does."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = {
            "CDS_HOST": "127.0.0.1",
            "CDS_PORT": "0",
            "CDS_DATABASE_URL": f"sqlite:///{folder}/records.db",
        }
        # The day of the charts, which no environment may freeze where callers are checked.
        settings = replace(read_settings({"CDS_AUTH": "off", **os.environ, **chosen}), today=TODAY)
        logs.configure(settings.log_level)
        written = json.loads(Path(answers_file).read_text(encoding="utf-8"))
        answers = {name.encode(): body for name, body in written.items()}
        if which == OURS:
            prepare_records(settings)
        make = {
            OURS: lambda: open_service(settings, kept=None),
            FLOOR: lambda: Opened(floor_app(settings, answers)),
            MODELS: lambda: Opened(floor_app(settings, answers, through_models())),
        }
        serve(serving(settings, lambda port: print(f"port {port}", flush=True)), make[which])


if __name__ == "__main__":
    main(*sys.argv[1:])
