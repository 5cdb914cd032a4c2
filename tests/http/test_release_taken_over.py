"""A release is taken over by every worker while calls are answered: none fails, and each is of one release."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.http.small_release import call, patient
from tests.http.small_rules import FIRST, RULE, lock, next_release, small_rules, write_release, write_version
from tests.running import checking, private_key, serving

CALL = json.dumps({**call(), "prefetch": {"patient": patient()}})
HEADERS = {"Content-Type": "application/json"}
WORKERS = 2
WAIT_S = 60


def ask(url: str) -> tuple[str, str]:
    """Call once, over a connection of its own, and give the release and what its one card says."""
    answered = requests.post(f"{url}/cds-services/oud-patient-view", CALL, headers=HEADERS, timeout=30)
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    [card] = body["cards"]
    rule = card["extension"]["org.oud-cds.rule"]
    evaluation = body["extension"]["org.oud-cds.evaluation"]
    assert rule["release"] == evaluation["release"]
    number = rule["ruleVersion"].rpartition(".")[2]
    assert card["summary"] == (f"Number {number}" if number != "0" else "The patient is an adult")
    assert rule["release"] == f"2026.1.{number}"
    return rule["release"], rule["digest"]


def until(told: Callable[[], Any], what: str) -> None:
    """Wait until `told` is true; the machine may be busy."""
    end = time.monotonic() + WAIT_S
    while not told():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def events(log: Path, name: str) -> list[dict[str, Any]]:
    """The lines of the log with this event."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [each for each in lines if each["event"] == name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


@contextmanager
def under_load(url: str) -> Iterator[list[tuple[str, str]]]:
    """Have three callers ask all the while, and give what they were answered. Fails if a call failed."""
    answers: list[tuple[str, str]] = []
    over = threading.Event()

    def go() -> None:
        while not over.is_set():
            answers.append(ask(url))

    with ThreadPoolExecutor(3) as pool:
        going = [pool.submit(go) for _ in range(3)]
        try:
            yield answers
        finally:
            over.set()
        for each in going:
            each.result()


@pytest.mark.parametrize("swaps", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_releases_are_taken_over_and_put_back_under_load_by_every_worker(
    folder: Path, tmp_path: Path, swaps: int
) -> None:
    settings = {"CDS_AUTH": "off", "CDS_RULES": str(folder), "CDS_WORKERS": str(WORKERS)}
    log = tmp_path / "log"
    with serving(tmp_path, settings) as url, under_load(url) as answers:

        def served_by_all(name: str, times: int) -> None:
            taken = times * WORKERS
            until(lambda: len(events(log, "release-taken-over")) == taken, f"{name} is served by every worker")
            begun = len(answers)
            until(lambda: len(answers) > begun + 20, "calls go on")
            assert {release for release, _ in answers[begun + 10 :]} == {name}

        began = time.monotonic()
        for number in range(1, swaps):
            served_by_all(next_release(folder, number), number)
        (folder / "release.yaml").write_bytes((folder / "releases" / "2026.1.2.yaml").read_bytes())
        served_by_all("2026.1.2", swaps)
        took = time.monotonic() - began
        assert requests.get(f"{url}/rules", timeout=10, headers={"Accept": "application/json"}).json()["release"] == (
            "2026.1.2"
        )
        counted = requests.get(f"{url}/metrics", timeout=10).text
    served = dict(answers)
    print(f"\nfigure | {swaps} releases | calls {len(answers)}, all answered, of one release each | {took:.0f} s")
    assert len(set(answers)) == len(served) == swaps, "each release has one digest"
    assert f'cds_releases_total{{outcome="accepted"}} {swaps * WORKERS}.0' in counted
    assert f'cds_release_info{{digest="{served["2026.1.2"]}",release="2026.1.2"}} 1.0' in counted
    assert f'cds_release_info{{digest="{served["2026.1.3"]}",release="2026.1.3"}} 0.0' in counted


def test_a_bad_release_is_refused_and_told_and_the_good_one_stays(folder: Path, tmp_path: Path) -> None:
    settings = {"CDS_AUTH": "off", "CDS_RULES": str(folder), "CDS_WORKERS": "1"}
    log = tmp_path / "log"
    with serving(tmp_path, settings) as url:
        assert "folder" not in requests.get(f"{url}/readyz", timeout=10).json()
        write_version(folder, "1.0.1", "A summary that goes on " + "and on " * 30)
        write_release(folder, "2026.1.1", "1.0.1")

        def ready() -> dict[str, Any]:
            told: dict[str, Any] = requests.get(f"{url}/readyz", timeout=10).json()
            return told

        until(lambda: ready().get("folder") == {"outcome": "unlocked", "problems": 1}, "what is not locked is told")
        lock(folder)
        until(lambda: ready().get("folder") == {"outcome": "refused", "problems": 1}, "what is refused is told")
        assert (ready()["status"], ready()["release"]) == ("ready", FIRST)
        assert ask(url)[0] == FIRST
        unlocked, refused = events(log, "release-not-taken")
        assert (unlocked["outcome"], unlocked["level"]) == ("unlocked", "warning")
        assert (refused["outcome"], refused["level"]) == ("refused", "error")
        assert refused["problems"][0].startswith(f"{RULE}/1.0.1.yaml:27:26: summary-too-long")
        counted = requests.get(f"{url}/metrics", timeout=10).text
        assert 'cds_releases_total{outcome="refused"} 1.0' in counted
    # A start over this folder serves what was accepted, and says so.
    (folder / RULE / "1.0.0.yaml").write_text("half: [", encoding="utf-8")
    with serving(tmp_path, settings) as url:
        assert ask(url)[0] == FIRST
        until(lambda: ready().get("folder") == {"outcome": "refused", "problems": 1}, "a new worker tells it too")


def test_a_rule_that_nobody_reviewed_stays_on_trial_in_a_release_that_is_taken_over(
    folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    settings = {**checking(tmp_path, private_key("ES384")), "CDS_RULES": str(folder), "CDS_ALLOW_UNREVIEWED": "no"}
    with serving(tmp_path, settings) as url:

        def rules() -> list[tuple[str, str]]:
            told = requests.get(f"{url}/rules", timeout=10, headers={"Accept": "application/json"}).json()
            return [(each["version"], each["state"]) for each in told["rules"]]

        assert rules() == [("1.0.0", "active")]
        write_version(folder, "1.0.1", "Not reviewed")
        file = folder / RULE / "1.0.1.yaml"
        text = file.read_text(encoding="utf-8").replace("{by: Example board, date: 2026-01-02}", "null")
        file.write_text(text, encoding="utf-8")
        write_release(folder, "2026.1.1", "1.0.1")
        lock(folder)
        until(lambda: events(log, "release-taken-over"), "the release is taken over")
        assert rules() == [("1.0.1", "trial")]
        assert requests.get(f"{url}/readyz", timeout=10).json()["rules"] == {"active": 0, "trial": 1}
