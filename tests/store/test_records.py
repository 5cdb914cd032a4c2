"""Calls and decisions: whole rows, in batches, flushed at the end, dropped and counted when they cannot be kept."""

import json
import sqlite3
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cds_service.config import read_settings
from cds_service.core.decision import Judgement
from cds_service.core.engine import Hearing, compile_release
from cds_service.core.site import SiteMark
from cds_service.edges.store import writer
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.rows import decision_values
from cds_service.edges.store.source import RECORDS, Source
from cds_service.edges.store.store import Store
from cds_service.edges.store.tables import CALL, FEEDBACK, RULE_DECISION
from cds_service.edges.store.writer import Writer
from cds_service.fixtures import SAMPLE_CALLS, find
from cds_service.protocol import read_call
from cds_service.records import call_row
from cds_service.services import SERVICES, answer
from cds_service.wiring import open_service
from tests.http.fixture_days import RULES, rules
from tests.http.small_release import (
    ADULT_NOTE,
    ASTHMA_NOTE,
    HOOKS,
    TODAY,
    call,
    patient,
    release_of,
    version_of,
)
from tests.store.sample import AT, DECISION, Losses, call_of, eventually, item_of, rows_of, said, small_service


def sample() -> tuple[dict[str, Any], Any, str]:
    """A call that returns a card, the day its dates fit, and the service it is for."""
    fixture = find(SAMPLE_CALLS[0])
    service = next(each.id for each in SERVICES.values() if each.hook == fixture.hook)
    return dict(fixture.request), fixture.written_for, service


def test_a_call_names_the_site_file_that_was_on_the_release(store: Store, address: Address) -> None:
    body, day, service = sample()
    compiled = rules()
    read = read_call(body, body["hook"])
    answered = answer(read, compiled, day)
    for mark in (SiteMark("Example Hospital", "5" * 64), None):
        row = call_row(
            answered,
            at=AT,
            hook_instance=read.hook_instance,
            service=service,
            client="anonymous",
            release=replace(compiled.release, site=mark),
            ms=7.25,
        )
        store.remember(row)
    store.close()
    kept = rows_of(address, CALL)
    assert {each["site"] for each in kept} == {"5" * 64, None}
    assert {each["digest"] for each in kept} == {compiled.release.digest}


def test_a_call_of_a_fixture_is_kept_whole(store: Store, address: Address) -> None:
    body, day, service = sample()
    compiled = rules()
    release = compiled.release
    read = read_call(body, body["hook"])
    answered = answer(read, compiled, day)
    row = call_row(
        answered,
        at=AT,
        hook_instance=read.hook_instance,
        service=service,
        client="anonymous",
        release=release,
        ms=7.25,
    )
    assert [each.card_uuid for each in row.decisions if each.card_uuid]
    store.remember(row)
    store.close()
    (kept,) = rows_of(address, CALL)
    assert kept == {
        "id": kept["id"],
        "at": AT,
        "hook_instance": read.hook_instance,
        "service": service,
        "client": "anonymous",
        "release": release.id,
        "digest": release.digest,
        "site": None,
        "status": 200,
        "ms": 7.25,
        "unread": list(row.unread),
    }
    assert rows_of(address, RULE_DECISION) == decision_values(row, kept["id"])


def sentinels(value: Any) -> Any:
    """`value` with every text and name replaced by one that is improbable."""
    if isinstance(value, dict):
        return {
            name: "SENTINEL" if name in ("text", "family", "display") and isinstance(inner, str) else sentinels(inner)
            for name, inner in value.items()
        }
    return [sentinels(each) for each in value] if isinstance(value, list) else value


def test_nothing_of_the_chart_is_in_the_database_file(tmp_path: Path) -> None:
    body, day, service = sample()
    body = sentinels(json.loads(json.dumps(body).replace(body["context"]["patientId"], "SENTINEL-patient")))
    environ = {"CDS_AUTH": "off", "CDS_RULES": str(RULES), "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    opened = open_service(replace(read_settings(environ), today=day))
    answered = opened.app.test_client().post(f"/cds-services/{service}", json=body)
    opened.close()
    assert (answered.status_code, len(answered.json["cards"])) == (200, 1)
    written = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert body["hookInstance"].encode() in written
    assert answered.json["cards"][0]["uuid"].encode() in written
    told = codes_of(body["prefetch"])
    assert len(told) > 5
    assert [each for each in {"SENTINEL", *told} if each.encode() in written] == []


def codes_of(value: Any) -> set[str]:
    """Every reference and id, and every code that no word could be."""
    found: set[str] = set()
    if isinstance(value, dict):
        found |= {value[name] for name in ("reference", "id") if isinstance(value.get(name), str)}
        if "system" in value and isinstance(value.get("code"), str) and sum(map(str.isdigit, value["code"])) > 2:
            found.add(value["code"])
        for inner in value.values():
            found |= codes_of(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= codes_of(inner)
    return found


def test_a_request_that_was_not_judged_leaves_no_record(store: Store, address: Address) -> None:
    client = small_service(store)
    assert client.post("/cds-services/oud-patient-view", json={"hook": "patient-view"}).status_code == 400
    assert client.get("/cds-services").status_code == 200
    assert client.get("/cds-services/none").status_code == 405
    store.close()
    assert rows_of(address, CALL) == []


def test_a_call_that_is_answered_412_is_on_record_with_what_was_missing(store: Store, address: Address) -> None:
    answered = small_service(store).post("/cds-services/oud-patient-view", json={**call(), "prefetch": {}})
    store.close()
    (kept,) = rows_of(address, CALL)
    assert answered.status_code == kept["status"] == 412
    assert (kept["client"], kept["service"], kept["at"]) == ("anonymous", "oud-patient-view", AT)
    assert kept["unread"] == ["patient", "conditions"]
    assert 0 < kept["ms"] < 10_000
    assert rows_of(address, RULE_DECISION) == []


def test_rows_are_written_soon_and_in_batches(store: Store, address: Address) -> None:
    store.remember(call_of())
    eventually(lambda: rows_of(address, CALL))
    began = time.monotonic()
    for number in range(1, 1201):
        store.remember(call_of(number))
    assert time.monotonic() - began < 1
    eventually(lambda: len(rows_of(address, CALL)) == 1201)
    assert len(rows_of(address, RULE_DECISION)) == 2402


def test_a_row_is_on_record_within_200_ms_of_an_idle_writer(sqlite: Address, losses: Losses) -> None:
    written = threading.Event()

    class Telling(Source):
        def run(self, work: Any) -> Any:
            done = super().run(work)
            written.set()
            return done

    kept = Writer(Telling(sqlite, RECORDS, lambda address: None), losses, lambda: None)
    took = []
    for number in range(5):
        written.clear()
        began = time.monotonic()
        kept.add(call_of(number))
        assert written.wait(10)
        took.append(time.monotonic() - began)
    kept.close(5)
    assert min(took) < 0.2  # the others may have waited for a busy processor
    assert len(rows_of(sqlite, CALL)) == 5


def test_what_is_queued_is_written_at_the_end(address: Address, losses: Losses) -> None:
    store = Store(address, dropped=losses)
    for number in range(3000):
        store.remember(call_of(number))
    store.close()
    assert (len(rows_of(address, CALL)), losses.calls) == (3000, 0)


def test_calls_after_the_end_are_counted_as_dropped(store: Store, losses: Losses) -> None:
    store.close()
    store.remember(call_of())
    assert losses.calls == 1


def test_a_full_queue_drops_and_counts(tmp_path: Path, losses: Losses, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    nowhere = read_address(f"sqlite:///{tmp_path}/file/records.db")
    store = Store(nowhere, dropped=losses, queue_rows=10)
    began = time.monotonic()
    for number in range(1000):
        store.remember(call_of(number))
    took = time.monotonic() - began
    in_memory = 1000 - losses.calls
    assert 10 <= in_memory <= 10 + writer.BATCH_ROWS
    assert took < 0.5
    store._writer.close(0.3)
    assert losses.calls == 1000
    store.close()
    assert caplog.messages.count("records-queue-full") == 1


def test_how_much_was_dropped_is_told_when_the_database_is_back(
    sqlite: Address, losses: Losses, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(sqlite, dropped=losses, queue_rows=10)
    other = sqlite3.connect(str(sqlite.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(1000):
        store.remember(call_of(number))
    other.close()
    eventually(lambda: ("records-lost", "the queue was full") in said(caplog))
    store.close()
    (lost,) = [each for each in caplog.records if each.message == "records-lost"]
    assert (lost.__dict__["count"], lost.__dict__["why"]) == (losses.calls, "the queue was full")
    assert len(rows_of(sqlite, CALL)) == 1000 - losses.calls
    assert 0 < losses.calls < 1000


def test_what_waits_for_the_database_is_told_until_it_is_written(sqlite: Address, losses: Losses) -> None:
    told: list[tuple[int, float]] = []
    store = Store(sqlite, dropped=losses, waiting=lambda count, oldest_s: told.append((count, oldest_s)))
    other = sqlite3.connect(str(sqlite.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(700):  # more than one batch
        store.remember(call_of(number))
    eventually(lambda: len(told) > 1)
    other.close()
    eventually(lambda: told[-1] == (0, 0.0))
    store.close()
    (first, age), (later, older) = told[:2]
    assert (first, later) == (700, 700)
    assert 0 < age < older


def test_a_gauge_that_fails_keeps_no_record_back(
    sqlite: Address, losses: Losses, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(count: int, oldest_s: float) -> None:
        raise RuntimeError("SENTINEL")

    store = Store(sqlite, dropped=losses, waiting=broken)
    store.remember(call_of())
    store.close()
    assert len(rows_of(sqlite, CALL)) == 1
    assert [(each.message, each.__dict__["error"]) for each in caplog.records] == [
        ("records-waiting-not-shown", "RuntimeError")
    ]


def test_a_count_that_fails_fails_no_call(sqlite: Address, caplog: pytest.LogCaptureFixture) -> None:
    def broken(kind: str, count: int) -> None:
        raise RuntimeError("SENTINEL")

    store = Store(sqlite, dropped=broken, queue_rows=0)
    store.remember(call_of())
    store.close()
    assert ("records-loss-not-counted", "RuntimeError") in [
        (each.message, each.__dict__.get("error")) for each in caplog.records
    ]
    assert "SENTINEL" not in str([each.__dict__ for each in caplog.records])


def test_a_row_that_cannot_be_stored_is_dropped_and_the_others_kept(
    store: Store, address: Address, losses: Losses
) -> None:
    store.remember(call_of(1))
    store.remember(replace(call_of(2), at=datetime(2026, 3, 1)))
    store.remember(replace(call_of(3), decisions=5))  # type: ignore[arg-type]
    store.remember(call_of(4))
    store.close()
    assert sorted(each["hook_instance"][-1] for each in rows_of(address, CALL)) == ["1", "4"]
    assert losses.calls == 2


def test_text_that_a_database_cannot_hold_is_made_fit(store: Store, address: Address, losses: Losses) -> None:
    store.remember(replace(call_of(), hook_instance="a\x00b\ud800" + "c" * 300))
    store.close()
    (kept,) = rows_of(address, CALL)
    assert kept["hook_instance"] == ("a\ufffdb?" + "c" * 300)[:255]
    assert losses.calls == 0


def test_a_thread_that_ended_is_replaced(sqlite: Address, losses: Losses, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(sqlite, dropped=losses)
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    running = store._writer._thread
    store._writer._thread = ended  # as a fork would leave it
    store.remember(call_of())
    assert store._writer._thread.is_alive()
    store.close()
    running.join(5)
    assert "records-writer-renewed" in caplog.messages
    assert len(rows_of(sqlite, CALL)) == 1


def test_the_same_batch_sent_twice_is_there_once(address: Address) -> None:
    source = Source(address, RECORDS, lambda address: None)
    entries = [writer.entry_of(call_of())]
    for _ in range(2):
        source.run(lambda connection: writer.write(connection, entries))
    source.close()
    assert (len(rows_of(address, CALL)), len(rows_of(address, RULE_DECISION))) == (1, 2)


def test_moments_come_back_in_utc(store: Store, address: Address) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    store.remember(replace(call_of(decisions=(DECISION,)), at=AT.astimezone(east)))
    store.keep_feedback("example", "oud-patient-view", [item_of(outcome_timestamp=AT.astimezone(east))], comments=True)
    store.close()
    moments = [
        rows_of(address, CALL)[0]["at"],
        rows_of(address, RULE_DECISION)[0]["at"],
        rows_of(address, FEEDBACK)[0]["outcome_timestamp"],
    ]
    assert [(each, each.utcoffset().total_seconds()) for each in moments] == [(AT, 0)] * 3


# --- trials ----------------------------------------------------------------------------------------------------------


def decided(release: Any, body: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    """The decisions that are kept of a call: rule, version, whether on trial, state."""
    read = read_call(body, body["hook"])
    row = call_row(
        answer(read, compile_release(release), TODAY),
        at=AT,
        hook_instance=read.hook_instance,
        service="oud-patient-view",
        client="anonymous",
        release=release,
        ms=1.0,
    )
    return [(each.rule, each.version, each.trial, each.state) for each in row.decisions]


def child() -> dict[str, Any]:
    body = call()
    body["prefetch"]["patient"] = patient("2020-05-05")
    return body


def test_a_silent_version_is_kept_when_another_one_is_on_trial_beside_it() -> None:
    assert decided(release_of(ADULT_NOTE), child()) == []
    trial = version_of(ADULT_NOTE, "1.1.0")
    assert decided(release_of(ADULT_NOTE, ASTHMA_NOTE, trial=(trial,)), child()) == [
        ("adult-note", "1.0.0", False, "silent"),
        ("adult-note", "1.1.0", True, "silent"),
    ]


def test_no_version_is_kept_that_was_not_judged_at_the_hook() -> None:
    trial = version_of(ASTHMA_NOTE, "1.1.0", hooks=HOOKS)
    body = call("encounter-discharge")
    kept = decided(release_of(ASTHMA_NOTE, trial=(trial,)), body)
    assert kept == [("asthma-note", "1.1.0", True, "silent")]


def test_a_criterion_that_raises_loses_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    body = child()
    read = read_call(body, body["hook"])
    answered = answer(read, compile_release(release_of(ADULT_NOTE, trial=(version_of(ADULT_NOTE, "1.1.0"),))), TODAY)
    assert answered.outcome is not None

    def unknown_names(judgement: Judgement) -> Judgement:  # whatever is asked raises KeyError
        assert isinstance(judgement, Hearing)
        return replace(judgement, compiled=replace(judgement.compiled, places={}))

    broken = [replace(each, judgement=unknown_names(each.judgement)) for each in answered.outcome.decisions]
    answered = replace(answered, outcome=replace(answered.outcome, heard=tuple(broken)))
    row = call_row(answered, at=AT, hook_instance="x", service="s", client="c", release=release_of(ADULT_NOTE), ms=1.0)
    assert [(each.state, each.stopped_by, each.criteria) for each in row.decisions] == [("silent", (), {})] * 2
