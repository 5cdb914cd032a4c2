"""A service whose one client has a FHIR server on loopback, which can misbehave in every way."""

import json
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any

from flask.testing import FlaskClient

from cds_service.clients.client import Client
from cds_service.edges.fhir_client.fetching import FhirServers
from cds_service.edges.fhir_client.outcomes import OUTCOMES
from cds_service.fhir.lacking import Filled
from cds_service.protocol import read_call
from tests.http.key_server import Behaviour, KeyServer, body, status
from tests.http.small_release import SNOMED, app_of, call

TOKEN = "SENTINEL-token"
AMPLE_S = 5.0  # more than a busy machine needs
BUDGET_S = 0.4  # one that a test can wait for
GRACE_S = 0.05
ASTHMA = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "Patient/example-1"},
    "code": {"coding": [{"system": SNOMED, "code": "195967001"}]},
}


def base_of(server: KeyServer) -> str:
    return server.url.replace("/jwks.json", "/fhir")


def gives(value: Any) -> Behaviour:
    return body(json.dumps(value).encode())


def by_type(**behaviours: Behaviour) -> Behaviour:
    """Answer by the resource type that is asked for; 404 for any other."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        kind = handler.path.removeprefix("/fhir/").split("?")[0].split("/")[0]
        behaviours.get(kind, status(404))(handler)

    return answer


def about(server: KeyServer, *, fhir_server: str = "", **changes: Any) -> dict[str, Any]:
    """A call of patient-view without prefetch, with the leave to read `server`."""
    authorization = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "s"}
    sent = {**call(), "fhirServer": fhir_server or base_of(server), "fhirAuthorization": authorization, **changes}
    if "prefetch" not in changes:
        del sent["prefetch"]
    return sent


class World:
    """A service that reads one server; a class because tests look at the counts and may hold the clock.

    Its client is registered with a FHIR version, so that only lists are asked for, unless `client` says otherwise.
    """

    def __init__(self, server: KeyServer, *, threads: int = 4, budget_s: float = AMPLE_S, **more: Any) -> None:
        self.ends: Counter[str] = Counter()
        self.now = 0.0
        self.client = Client(
            "mercy", **{"fhir_version": "R4", "fhir_servers": (base_of(server),), **more.pop("client", {})}
        )
        self.servers = FhirServers(threads, budget_s, self._ended, long_clock=lambda: self.now, **more)
        app = app_of(fhir_client=lambda client, began: self.servers.of(self.client, began))
        self.http: FlaskClient = app.test_client()

    def _ended(self, outcome: str) -> None:
        assert outcome in OUTCOMES
        self.ends[outcome] += 1

    def answer(self, sent: dict[str, Any]) -> tuple[int, Any, float]:
        began = time.monotonic()
        answered = self.http.post("/cds-services/oud-patient-view", json=sent)
        return answered.status_code, answered.get_json(), time.monotonic() - began

    def filled(self, sent: dict[str, Any], *keys: str) -> Filled:
        access = self.servers.of(self.client, time.monotonic())
        assert access is not None
        return access.fill(read_call(sent, "patient-view"), keys)

    def fill(self, sent: dict[str, Any], *keys: str) -> dict[str, Any]:
        return dict(self.filled(sent, *keys).values)


def rules_of(answer: Any) -> list[str]:
    return sorted(each["extension"]["org.oud-cds.rule"]["ruleId"] for each in answer["cards"])


def named_in(answer: Any) -> list[str]:
    return sorted(each["expression"][0] for each in answer["issue"])


def texts_of(answer: Any) -> list[str]:
    return sorted(each["details"]["text"] for each in answer["issue"])


def unread(answer: Any) -> list[str]:
    return sorted(answer["extension"]["org.oud-cds.evaluation"].get("unread", {}))
