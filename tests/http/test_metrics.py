"""`GET /metrics`: what is counted, with which labels, and that no worker's counts are lost."""

import errno
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families

from cds_service.core.site import Said, SiteChanges
from cds_service.edges import metrics as counts
from cds_service.edges.held_folder import held_folder
from cds_service.edges.metrics import CONTENT_TYPE, FOLDER, ISSUE_TYPES, Metrics
from cds_service.feedback import FeedbackItem
from cds_service.fhir.prefetch import PREFETCH
from cds_service.seen import CALL_ROUTE, Seen
from cds_service.services import SERVICES, Answer, Failure
from tests.http.small_release import ADULT_NOTE, ASTHMA_NOTE, BROKEN_NOTE, SMALL, app_of, call, release_of, version_of
from tests.http.test_server import NO_HTTP, Running, refused

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "metrics.md"

Labels = frozenset[tuple[str, str]]


def samples(text: str | bytes) -> dict[str, dict[Labels, float]]:
    """Every sample that is not zero: its value by name and labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text if isinstance(text, str) else text.decode()):
        for each in family.samples:
            if each.value:
                found.setdefault(each.name, {})[frozenset(each.labels.items())] = each.value
    return found


def labelled(**labels: str) -> Labels:
    return frozenset(labels.items())


def test_calls_and_cards_are_counted_by_closed_labels() -> None:
    client = app_of(release_of(ADULT_NOTE, ASTHMA_NOTE, BROKEN_NOTE)).test_client()
    for hook in ("patient-view", "patient-view", "order-sign"):
        client.post(f"/cds-services/oud-{hook}", json=call(hook))
    without = call()
    del without["prefetch"]["conditions"]
    client.post("/cds-services/oud-patient-view", json=without)
    client.post("/cds-services/oud-patient-view", data=b"{", content_type="application/json")
    client.post("/cds-services/nobody", json=call())
    answered = client.get("/metrics")
    assert (answered.status_code, answered.content_type) == (200, CONTENT_TYPE)
    assert answered.headers["Cache-Control"] == "no-store"
    found = samples(answered.data)
    assert found["cds_calls_total"] == {
        labelled(service="oud-patient-view", status="200"): 3,
        labelled(service="oud-order-sign", status="200"): 1,
        labelled(service="oud-patient-view", status="400"): 1,
        labelled(service="", status="404"): 1,
    }
    assert found["cds_call_seconds_count"] == {
        labelled(service="oud-patient-view"): 4,
        labelled(service="oud-order-sign"): 1,
        labelled(service=""): 1,
    }
    assert found["cds_cards_total"] == {labelled(rule="adult-note", indicator="info"): 4}
    assert found["cds_unknown_total"] == {labelled(input="conditions"): 1}
    assert found["cds_refusals_total"] == {labelled(reason="structure"): 1, labelled(reason="not-found"): 1}
    assert found["cds_rule_failures_total"] == {labelled(rule="broken-note"): 4}
    assert found["cds_release_info"] == {labelled(release=SMALL.id, digest=SMALL.digest): 1}
    assert "cds_incidents_total" not in found


def test_an_answer_that_could_not_be_given_is_counted_with_what_it_lacked() -> None:
    client = app_of().test_client()
    client.post("/cds-services/oud-patient-view", json=call() | {"prefetch": {}})
    found = samples(client.get("/metrics").data)
    assert found["cds_unknown_total"] == {labelled(input="patient"): 1, labelled(input="conditions"): 1}
    assert found["cds_refusals_total"] == {labelled(reason="required"): 1}


def test_a_failure_is_an_incident_and_no_refusal() -> None:
    client = app_of(release_of(BROKEN_NOTE)).test_client()
    client.post("/cds-services/oud-patient-view", json=call())
    found = samples(client.get("/metrics").data)
    assert found["cds_incidents_total"] == {labelled(): 1}
    assert found["cds_calls_total"] == {labelled(service="oud-patient-view", status="500"): 1}
    assert "cds_refusals_total" not in found


def test_two_applications_of_one_process_count_apart() -> None:
    first, second = app_of().test_client(), app_of().test_client()
    first.post("/cds-services/oud-patient-view", json=call())
    assert "cds_calls_total" in samples(first.get("/metrics").data)
    assert "cds_calls_total" not in samples(second.get("/metrics").data)


def everything(metrics: Metrics) -> dict[str, dict[Labels, float]]:
    """All there is to count, also what no label has a value for."""
    for reason in (*sorted(ISSUE_TYPES), "token-expired", "PLANTED"):
        metrics.seen(Seen(SMALL, "", status=400, refused=reason))
        metrics.refused(reason)
        metrics.refused_before_read(400, reason)
    metrics.seen(Seen(SMALL, "", status=401, refused="PLANTED"))
    metrics.let_pass("PLANTED")
    metrics.keys_failed("PLANTED")
    answer = Answer(200, {"cards": []}, failures=(Failure("PLANTED", "1.0.0", "KeyError"),), missing=("PLANTED",))
    metrics.seen(Seen(SMALL, CALL_ROUTE, "oud-order-sign", "PLANTED", 200, answer=answer))
    metrics.seen(Seen(SMALL, "/PLANTED", status=500, refused="PLANTED"))
    metrics.dropped("calls", 7)
    metrics.dropped("PLANTED", 2)
    metrics.waiting(3, 1.5)
    for outcome in ("whole", "whole", "PLANTED"):
        metrics.fetched(outcome)
    for outcome in ("accepted", "PLANTED"):
        metrics.release_found(outcome)
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    items = tuple(
        FeedbackItem("PLANTED", outcome, now) for outcome in ("accepted", "accepted", "overridden", "PLANTED")
    )
    metrics.seen(Seen(SMALL, "/cds-services/<service_id>/feedback", "oud-order-sign", "PLANTED", 200, feedback=items))
    text = metrics.text().decode()
    assert "PLANTED" not in text
    return samples(text)


def test_no_value_outside_its_set_becomes_a_series() -> None:
    found = everything(Metrics(SMALL, reasons=("token-expired",), fetches=("whole",)))
    assert found["cds_fetches_total"] == {labelled(outcome="whole"): 2, labelled(outcome="other"): 1}
    reasons = {dict(labels)["reason"] for labels in found["cds_refusals_total"]}
    assert reasons == ISSUE_TYPES | {"token-expired", "other"}
    assert found["cds_rule_failures_total"] == {labelled(rule="other"): 1}
    assert found["cds_unknown_total"] == {labelled(input="other"): 1}
    assert found["cds_dropped_records_total"] == {labelled(kind="calls"): 7, labelled(kind="other"): 2}
    assert found["cds_feedback_total"] == {
        labelled(outcome="accepted"): 2,
        labelled(outcome="overridden"): 1,
        labelled(outcome="other"): 1,
    }
    assert found["cds_calls_total"] == {labelled(service="oud-order-sign", status="200"): 1}


@pytest.mark.parametrize(("status", "refused"), [(401, "login"), (403, "forbidden"), (429, "throttled")])
def test_why_a_caller_was_not_let_in_is_counted_once(status: int, refused: str) -> None:
    metrics = Metrics(SMALL, reasons=("token-expired",))
    metrics.seen(Seen(SMALL, CALL_ROUTE, status=status, refused=refused))
    metrics.refused("token-expired")
    assert samples(metrics.text())["cds_refusals_total"] == {labelled(reason="token-expired"): 1}


def test_a_token_that_was_let_pass_is_no_refusal() -> None:
    metrics = Metrics(SMALL, passing=("replay-unchecked",))
    metrics.let_pass("replay-unchecked")
    metrics.keys_failed("keys.json")
    found = samples(metrics.text())
    assert found["cds_tokens_let_pass_total"] == {labelled(reason="replay-unchecked"): 1}
    assert found.get("cds_refusals_total", {}) == {}
    assert list(found["cds_keys_failures_total"].values()) == [1]


def reviews(metrics: Metrics) -> tuple[float, dict[str, float]]:
    """How many rules nobody reviewed, and when each is due, those without a day left out."""
    found = samples(metrics.text())
    due = found.get("cds_rule_review_due_timestamp_seconds", {})
    return sum(found.get("cds_rules_unreviewed", {}).values()), {dict(each)["rule"]: due[each] for each in due}


def test_reviews_that_are_due_and_rules_without_one_are_shown_and_follow_the_release() -> None:
    day = 24 * 3600
    dated = version_of(ASTHMA_NOTE, "1.0.0", review_due="1970-01-02")
    beside = version_of(ASTHMA_NOTE, "1.1.0", review_due="1970-01-09", reviewed=None)
    on_trial_only = version_of(BROKEN_NOTE, "1.0.0", review_due="1970-01-03")
    metrics = Metrics(release_of(ADULT_NOTE, dated, trial=(on_trial_only, beside)))
    assert reviews(metrics) == (2, {"asthma-note": 2 * day})  # what was never reviewed cannot be overdue
    read = version_of(on_trial_only, "1.0.1", reviewed={"by": "example group", "date": "1970-01-01"})
    metrics.serve(release_of(ADULT_NOTE, dated, trial=(read, beside)))
    assert reviews(metrics) == (1, {"asthma-note": 2 * day, "broken-note": 3 * day})
    signed_off = replace(ADULT_NOTE, site=SiteChanges(signed_off=Said("Read.", "A clinician", "2026-01-02")))
    metrics.serve(release_of(signed_off, version_of(ASTHMA_NOTE, "1.2.0", review_due="1970-01-05")))
    assert reviews(metrics) == (0, {"asthma-note": 5 * day})


@pytest.mark.parametrize("path", ["/metrics/", "/metrics/x"])
def test_no_other_path_gives_the_counts(path: str) -> None:
    client = app_of().test_client()
    assert client.get("/metrics").status_code == 200
    assert client.get(path).status_code == 404


def test_what_is_known_beforehand_is_there_from_the_start() -> None:
    text = Metrics(SMALL).text().decode()
    for each in (
        *(f'cds_calls_total{{service="{service}",status="200"}} 0.0' for service in SERVICES),
        *(f'cds_unknown_total{{input="{key}"}} 0.0' for key in PREFETCH),
        'cds_cards_total{indicator="critical",rule="asthma-note"} 0.0',
        "cds_incidents_total 0.0",
    ):
        assert each in text, each


def test_every_series_has_its_entry_with_its_labels_and_no_other() -> None:
    written = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"(?m)^\| `(cds_\w+)` \|([^|\n]*)\|", PAGE.read_text(encoding="utf-8"))
    }
    metrics = Metrics(release_of(ADULT_NOTE, version_of(ASTHMA_NOTE, "1.0.0", review_due="2027-02-02")))
    everything(metrics)
    client = app_of(seen=metrics.seen).test_client()
    client.post("/cds-services/oud-patient-view", json=call())
    series: dict[str, set[str]] = {}
    for name, values in samples(metrics.text()).items():
        series.setdefault(re.sub(r"_(bucket|sum|count)$", "", name), set()).update(
            name for labels in values for name, _ in labels if name != "le"
        )
    assert series == written


def test_no_series_names_a_client() -> None:
    metrics = Metrics(SMALL)
    metrics.seen(Seen(SMALL, CALL_ROUTE, "oud-order-sign", "example-hospital", 200))
    assert "client" not in metrics.text().decode()
    assert "example-hospital" not in metrics.text().decode()


# --- several processes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counting:
    running: Running
    folder: Path

    @property
    def shared(self) -> Path:
        (found,) = (self.folder / "tmp").glob("cds-service-metrics-*")
        return found

    def calls(self) -> float:
        text = requests.get(f"{self.running.url}/metrics", timeout=10).text
        return sum(samples(text).get("cds_calls_total", {}).values())

    def call(self, times: int) -> None:
        for _ in range(times):  # each on a connection of its own, so that both workers get some
            url = f"{self.running.url}/cds-services/oud-patient-view"
            assert requests.post(url, json=call(), timeout=10).status_code == 200

    def pids(self, wanted: Callable[[set[int]], bool]) -> set[int]:
        """The workers that answer, once they are as wanted."""
        return until(lambda: self._pids(), wanted)

    def _pids(self) -> set[int]:
        found = set()
        for _ in range(20):
            try:
                found.add(int(requests.get(f"{self.running.url}/pid", timeout=10).text))
            except requests.ConnectionError:  # of a worker that was killed
                continue
        return found


def until(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `look` gives once it is as wanted; the last of it after 15 seconds."""
    end = time.monotonic() + 15
    while not wanted(found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    (tmp_path / "tmp").mkdir()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.http.serve_counting", "2"],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path / "tmp"), FOLDER: str(tmp_path / "of somebody else")},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("port "), (tmp_path / "log").read_text()
    try:
        yield Counting(Running(process, int(said.split()[1])), tmp_path)
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def test_counts_outlive_the_workers_that_made_them(counting: Counting) -> None:
    before = counting.pids(lambda pids: len(pids) == 2)
    assert len(before) == 2
    assert stat.S_IMODE(counting.shared.stat().st_mode) == 0o700
    counting.call(20)
    assert counting.calls() == 20
    for pid in before:  # one by one, as the system would
        os.kill(pid, signal.SIGKILL)
    after = counting.pids(lambda pids: len(pids) == 2 and not pids & before)
    assert not after & before
    counting.call(5)
    until(lambda: {each.name for each in counting.shared.iterdir()}, lambda names: not files_of(before, names))
    assert counting.calls() == 25
    names = {each.name for each in counting.shared.iterdir()}
    assert files_of(before, names) == set()
    assert {"counter_ended.db", "histogram_ended.db"} <= names
    for request in (NO_HTTP["a long path"][0], NO_HTTP["no HTTP at all"][0]):
        refused(counting.running, request)
    text = requests.get(f"{counting.running.url}/metrics", timeout=10).text
    found = samples(text)
    assert found["cds_call_seconds_count"] == {labelled(service="oud-patient-view"): 25}
    assert found["cds_refusals_total"] == {labelled(reason="too-long"): 1, labelled(reason="structure"): 1}
    assert found["cds_release_info"] == {labelled(release=SMALL.id, digest=SMALL.digest): 1}
    shared = counting.shared
    counting.running.process.terminate()
    assert counting.running.process.wait(timeout=20) == 0
    assert not shared.exists()
    assert "child-end-failed" not in (counting.folder / "log").read_text()


def files_of(pids: set[int], names: set[str]) -> set[str]:
    return {name for name in names for pid in pids if name.endswith(f"_{pid}.db")}


def test_a_folder_that_is_not_there_is_not_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "none"))
    assert samples(Metrics(SMALL).text())["cds_release_info"]
    assert FOLDER not in os.environ


def test_the_folder_is_new_private_and_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(FOLDER, "/somewhere/else")
    folder = held_folder("counts-")
    counts.share_counts(folder)
    assert Path(os.environ[FOLDER]) == folder
    assert (folder.parent, stat.S_IMODE(folder.stat().st_mode)) == (tmp_path, 0o700)
    assert [each.name for each in folder.iterdir()] == ["held"]
    counts.unshare_counts()
    assert not folder.exists()
    assert FOLDER not in os.environ


def test_counts_have_their_place_on_the_disk_before_any_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Filling a hole of a file by mmap ends the process when the disk is full; so there must be none."""
    shared_in(tmp_path, monkeypatch)
    counted_by(1, tmp_path, 2.0)
    counts.keep_counts_of(1)
    files = [f"{kind}_{os.getpid()}.db" for kind in counts.KINDS]
    for name in (*files, "counter_ended.db"):
        assert 512 * (tmp_path / name).stat().st_blocks >= counts.ROOM_BYTES, name


def test_a_worker_that_starts_on_a_full_disk_counts_for_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full(handle: int, begin: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    metrics = shared_in(tmp_path, monkeypatch)
    assert samples(metrics.text())["cds_release_info"]
    assert (FOLDER in os.environ, list(tmp_path.iterdir())) == (False, [])
    assert [each.message for each in caplog.records] == ["counts-not-shared"]


def counted_by(pid: int, folder: Path, value: float) -> None:
    file = MmapedDict(str(folder / f"counter_{pid}.db"))
    file.write_value(mmap_key("cds_incidents", "cds_incidents_total", [], [], "Faults"), value, 0.0)
    file.close()


def test_counts_of_a_worker_that_ended_are_added_to_those_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    metrics = shared_in(tmp_path, monkeypatch)
    for pid, value in ((1, 2.0), (2, 3.0), (1, 4.0), (3, 5.0)):  # a process id may come again
        counted_by(pid, tmp_path, value)
        if pid != 3:
            counts.keep_counts_of(pid)
        counts.keep_counts_of(99)  # one that never counted
    mine = {f"{kind}_{os.getpid()}.db" for kind in counts.KINDS}
    assert {each.name for each in tmp_path.iterdir()} - mine == {"counter_ended.db", "counter_3.db"}
    assert samples(metrics.text()) == {"cds_incidents_total": {labelled(): 14}}


def test_records_that_wait_are_those_of_all_workers_that_live_and_their_age_that_of_the_oldest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    metrics = shared_in(tmp_path, monkeypatch)
    names = {"livesum": "cds_records_waiting", "livemax": "cds_records_oldest_seconds"}
    for pid, values in ((1, (40.0, 3.0)), (2, (2.0, 9.0)), (3, (0.0, 0.0))):
        for (mode, name), value in zip(names.items(), values, strict=True):
            file = MmapedDict(str(tmp_path / f"gauge_{mode}_{pid}.db"))
            file.write_value(mmap_key(name, name, [], [], "As told"), value, 0.0)
            file.close()

    def told() -> list[float]:
        found = samples(metrics.text())
        return [found[name][labelled()] for name in names.values()]

    assert told() == [42, 9]
    counts.keep_counts_of(2)
    assert told() == [40, 3]


@pytest.mark.parametrize("content", [b"", (1000).to_bytes(4, "little") + bytes(100)], ids=["empty", "cut off"])
def test_a_file_that_a_worker_left_half_written_spoils_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    metrics = shared_in(tmp_path, monkeypatch)
    counted_by(1, tmp_path, 2.0)
    counts.keep_counts_of(1)
    (tmp_path / "counter_2.db").write_bytes(content)
    with pytest.raises((struct.error, RuntimeError)):
        counts.keep_counts_of(2)
    assert samples(metrics.text()) == {"cds_incidents_total": {labelled(): 2}}


def shared_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Metrics:
    """The counts of a server whose workers write to `folder`; this process writes none of them."""
    monkeypatch.setenv(FOLDER, str(folder))
    return Metrics(SMALL)
