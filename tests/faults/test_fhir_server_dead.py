"""A client's FHIR server dies under load, in three ways: calls of others are answered as ever, and so are its own again
once the server is back, without a restart.
"""

import json
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from cds_service.edges.fhir_client.breaker import REST_S
from cds_service.fixtures import find
from cds_service.trust.signer import mint
from tests.faults.load import (
    SERVICE,
    UNTREATED,
    Told,
    figure,
    going_on,
    has_cards,
    median_ms,
    send,
    statuses,
    wait_until,
)
from tests.http.key_server import after, key_server, status
from tests.http.test_fhir_access_matrix import gives, issuer, reset
from tests.running import begin, checking, end, private_key

pytestmark = pytest.mark.slow

CALLERS = 6  # of the client whose server dies; there are eight threads
MOST_TIMES_SLOWER = 5  # a call that waited for the dead server would take 1.5 s, some hundred times as long
FOR_S = 5.0


@pytest.mark.parametrize("how", ["silent", "resets", "500"])
def test_other_clients_are_answered_as_ever(tmp_path: Path, how: str) -> None:
    key = private_key("ES384")
    imported = ECKey.import_key(key)
    person = find(UNTREATED).on(date.today())

    def right(handler: BaseHTTPRequestHandler) -> None:
        kind = handler.path.removeprefix("/fhir/").split("?")[0].split("/")[0]
        found = {"Patient": "patient", "Condition": "conditions"}.get(kind, "")
        gives(person["prefetch"].get(found) or {"resourceType": "Bundle", "type": "searchset"})(handler)

    with ExitStack() as now:
        fhir = now.enter_context(key_server())
        fhir.behaviour = right
        base = fhir.url.replace("/jwks.json", "/fhir")
        settings = checking(tmp_path, key) | {"CDS_WORKERS": "2", "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/r.db"}
        mine = {"issuers": [issuer("reading")], "keys": "keys.json", "fhir_servers": [base], "fhir_version": "R4"}
        clients = {"reading": mine, "other": {"issuers": [issuer("other")], "keys": "keys.json"}}
        (tmp_path / "clients.yaml").write_text(json.dumps({"clients": clients}), encoding="utf-8")
        process, url = begin(tmp_path, settings)
        now.callback(end, process)

        def called_by(client: str) -> Told:
            seconds = int(time.time())
            claims = {"iss": issuer(client), "aud": f"{url}{SERVICE}", "iat": seconds, "exp": seconds + 60}
            token = mint(imported, "ES384", {"kid": key["kid"]}, {**claims, "jti": str(uuid.uuid4())})
            sent: dict[str, Any] = {**person, "hookInstance": str(uuid.uuid4())}
            if client == "reading":
                del sent["prefetch"]
                leave = {"access_token": "SENTINEL", "token_type": "Bearer", "expires_in": 300, "scope": "x"}
                sent |= {"fhirServer": base, "fhirAuthorization": {**leave, "subject": "s"}}
            return send(url, SERVICE, json.dumps(sent).encode(), Authorization=f"Bearer {token}")

        def for_a_while(other: list[Told]) -> list[Told]:
            begun, until = len(other), time.monotonic() + FOR_S
            wait_until(lambda: time.monotonic() > until and len(other) > begun + 20, "calls of the other go on")
            return other[begun:]

        reading: Callable[[], Told] = lambda: called_by("reading")  # noqa: E731
        with (
            going_on(*[reading] * CALLERS, pause_s=0.05) as theirs,
            going_on(lambda: called_by("other"), pause_s=0.02) as other,
        ):
            wait_until(lambda: any(map(has_cards, list(theirs))), "what the server holds is read")
            alive = for_a_while(other)
            fhir.behaviour = {"silent": after(fhir.over, status(500)), "resets": reset, "500": status(500)}[how]
            moment = time.monotonic()
            dead = for_a_while(other)
            fhir.behaviour = right
            dead_until = time.monotonic()
            wait_until(lambda: has_cards(theirs[-1]), "the server is read again", 3 * REST_S)
            again_s = time.monotonic() - dead_until
    meanwhile = [each for each in theirs if moment < each.at < dead_until - 1]
    figure(
        f"FHIR server dead: {how}", calls_of_others=len(dead), median_ms_alive=round(median_ms(alive), 1),
        median_ms_dead=round(median_ms(dead), 1), longest_s=round(max(each.seconds for each in dead), 2),
        own_calls=statuses(meanwhile), own_longest_s=round(max(each.seconds for each in meanwhile), 2),
        read_again_after_s=round(again_s, 1),
    )  # fmt: skip
    assert statuses(other) == {200: len(other)}
    assert all(map(has_cards, other)), "answers of others are whole"
    assert median_ms(dead) < MOST_TIMES_SLOWER * max(median_ms(alive), 20.0), "and as soon as ever"
    assert statuses(theirs).keys() <= {200, 412}, "its own calls say what was not read"
