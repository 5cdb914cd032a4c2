"""SIGTERM under load: calls under way are answered, who comes later is told so at once, what is queued is written."""

import os
import random
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cds_service.edges.server.serving import GRACE_S
from cds_service.edges.store.address import Address
from cds_service.edges.store.tables import CALL, FEEDBACK
from tests.faults.load import (
    NO_ANSWER,
    NOT_LET_IN,
    SERVICE,
    Senders,
    ask,
    body_of,
    events,
    figure,
    going_on,
    has_cards,
    statuses,
    wait_until,
)
from tests.running import begin
from tests.store.sample import rows_of

pytestmark = pytest.mark.slow

ENDS = int(os.environ.get("ENDS", "3"))
CALLERS = 6


@pytest.mark.parametrize("number", range(ENDS))
def test_a_service_that_is_ended_answers_what_it_took_and_writes_it(
    sqlite: Address, tmp_path: Path, number: int
) -> None:
    senders = Senders()
    settings = {"CDS_AUTH": "off", "CDS_WORKERS": "2", "CDS_DATABASE_URL": f"sqlite:///{sqlite.path}"}
    process, url = begin(tmp_path, settings)
    address = urlsplit(url).hostname, urlsplit(url).port
    body = body_of()
    head = (
        f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(address, timeout=30) as halfway, socket.create_connection(address) as silent:
        with going_on(*[lambda: ask(url)] * CALLERS, lambda: senders.send(url)) as answers:
            wait_until(lambda: len(answers) > 20, "calls are answered")
            halfway.sendall(head.encode() + body[:1000])
            time.sleep(0.3 + random.Random(number).random())
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            halfway.sendall(body[1000:])  # of a call that had begun before
            late = halfway.recv(65536)
            process.communicate(timeout=GRACE_S)
            took = time.monotonic() - began
            wait_until(lambda: answers[-1].status == NOT_LET_IN, "nobody listens any more")
        silent.settimeout(1)
        assert silent.recv(1) == b""
    calls = [each for each in answers if each.status == 200 and "cards" in each.body]
    rows, broken = rows_of(sqlite, CALL), [each for each in answers if each.status == NO_ANSWER]
    lost = sum(each["count"] for each in events(tmp_path, "records-lost"))
    figure(
        "SIGTERM under load", took_s=round(took, 2), answered=len(calls), after=sum(each.at > began for each in calls),
        broke_off=len(broken), refused=statuses(answers).get(NOT_LET_IN, 0), records=len(rows), lost_and_counted=lost,
    )  # fmt: skip
    assert process.returncode == 0
    assert late.startswith(b"HTTP/1.1 200 ")
    assert broken == [], "nobody who was let in goes without an answer"
    assert all(map(has_cards, calls))
    assert set(statuses(answers)) == {200, NOT_LET_IN}
    assert len(rows) + lost == len(calls) + 1, "each call has its record, or is counted as without"
    assert senders.kept == {each["card"] for each in rows_of(sqlite, FEEDBACK)}
