"""A number of a rule from a first look to live and back, while the service answers: no call fails.

The window of mental-health-screening goes from 12 months to 6. The new version is compared on a synthetic cohort, runs
silently beside the old one, goes live and is taken back, all by the commands that an informaticist has.
PEOPLE (2,000) is how many people the cohort has.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.fixtures import find
from tests.running import ROOT, serving

PEOPLE = os.environ.get("PEOPLE", "2000")
RULE = "mental-health-screening"
OLD, NEW = "2.0.0", "2.1.0"
WORKERS, CALLERS = 2, 2
WAIT_S = 120
EDITS = (
    ("version: 2.0.0", "version: 2.1.0"),
    ("screen_months: {value: 12,", "screen_months: {value: 6,"),
    ("both screens 12 months and a day ago", "both screens 6 months and a day ago"),
    ("{in: screen-phq9, value: 3, start: 2025-02-28}, {in: screen-gad7, value: 3, start: 2025-02-28}",
     "{in: screen-phq9, value: 3, start: 2025-08-31}, {in: screen-gad7, value: 3, start: 2025-08-31}"),
    ("both screens twelve months ago", "both screens six months ago"),
    ("{in: screen-phq9, value: 3, start: 12 months ago}, {in: screen-gad7, value: 3, start: 12 months ago}",
     "{in: screen-phq9, value: 3, start: 6 months ago}, {in: screen-gad7, value: 3, start: 6 months ago}"),
    ("depression under care since 12 months", "depression under care since 6 months"),
    ("{in: mental-health-assessment, status: completed, start: 12 months ago}",
     "{in: mental-health-assessment, status: completed, start: 6 months ago}"),
    ("{in: mental-health-assessment, status: completed, start: 2025-02-28}",
     "{in: mental-health-assessment, status: completed, start: 2025-08-31}"),
)  # fmt: skip

Answers = list[tuple[str, str]]  # the release and its digest, of each call


class Informaticist:
    """Who runs commands in a folder; a class because every command needs the folder and its settings."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self.home = home
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
        self._environ |= {**settings, "PYTHONPATH": str(ROOT)}

    def rules(self, *arguments: str, code: int = 0) -> str:
        """Run `cds-service rules ...` and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "cds_service", "rules", *arguments],
            cwd=self.home, env=self._environ, capture_output=True, text=True, timeout=3000,
        )  # fmt: skip
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@contextmanager
def under_load(url: str) -> Iterator[Answers]:
    """Have callers ask about several people all the while. Fails if a call failed."""
    bodies = [json.dumps(find(name).on(date.today())) for name in ("never-screened", "untreated-oud-icd10", "no-oud")]
    answers: Answers = []
    over = threading.Event()

    def go() -> None:
        while not over.is_set():
            for body in bodies:
                answers.append(_ask(url, body))

    with ThreadPoolExecutor(CALLERS) as pool:
        going = [pool.submit(go) for _ in range(CALLERS)]
        try:
            yield answers
        finally:
            over.set()
        for each in going:
            each.result()


def _ask(url: str, body: str) -> tuple[str, str]:
    headers = {"Content-Type": "application/json"}
    answered = requests.post(f"{url}/cds-services/oud-patient-view", body, headers=headers, timeout=30)
    assert answered.status_code == 200, answered.text
    told: dict[str, Any] = answered.json()
    release = told["extension"]["org.oud-cds.evaluation"]["release"]
    rules = [each["extension"]["org.oud-cds.rule"] for each in told["cards"]]
    assert {each["release"] for each in rules} <= {release}, "an answer is whole"
    screening = [each["ruleVersion"] for each in rules if each["ruleId"] == RULE]
    return release, screening[0] if screening else ""


def until(holds: Callable[[], bool], what: str) -> float:
    """Wait until it holds, and give how many seconds that took; the machine may be busy."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < WAIT_S, what
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.slow
def test_a_number_goes_live_and_back_while_calls_are_answered(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    settings = {"CDS_AUTH": "off", "CDS_RULES": str(rules), "CDS_WORKERS": str(WORKERS)}
    settings["CDS_DATABASE_URL"] = f"sqlite:///{tmp_path}/records.db"
    her = Informaticist(tmp_path, settings)

    def taken_over() -> int:
        return (tmp_path / "log").read_text(encoding="utf-8").count('"release-taken-over"')

    with serving(tmp_path, settings) as url, under_load(url) as answers:
        text = (rules / RULE / f"{OLD}.yaml").read_text(encoding="utf-8")
        for old, new in EDITS:
            assert old in text, old
            text = text.replace(old, new)
        (rules / RULE / f"{NEW}.yaml").write_text(text, encoding="utf-8")
        assert "small changes caught: 150 of 150" in her.rules("test", f"{RULE}@{NEW}")

        her.rules("cohort", "--patients", PEOPLE, "--seed", "6", "--out", "cohort")
        said = her.rules("diff", f"{RULE}@{OLD}", f"{RULE}@{NEW}", "--cohort", "cohort")
        assert "minor  screen_months: 12 months becomes 6 months" in said
        assert "gained" in said
        print(said)

        seconds = {}
        her.rules("release", "new", "2027.1.0")
        her.rules("release", "promote", f"{RULE}@{NEW}", "trial")
        her.rules("release", "lock")
        seconds["trial"] = until(lambda: taken_over() == WORKERS, "the trial runs in every worker")
        begun = len(answers)
        until(lambda: len(answers) > begun + 60, "calls go on")
        assert {version for _, version in answers[begun + 10 :]} == {OLD, ""}, "a trial is never shown"
        time.sleep(2)  # records are written beside the calls
        report = her.rules("trial-report", "--rule", RULE)
        assert NEW in report
        print(report)

        her.rules("release", "new", "2027.1.1")
        her.rules("release", "promote", f"{RULE}@{NEW}", "active")
        her.rules("release", "lock")
        seconds["live"] = until(lambda: taken_over() == 2 * WORKERS, "the new version is live in every worker")
        begun = len(answers)
        until(lambda: len(answers) > begun + 60, "calls go on")
        assert {version for _, version in answers[begun + 10 :]} == {NEW, ""}

        her.rules("release", "back", "2026.11.1")
        seconds["back"] = until(lambda: taken_over() == 3 * WORKERS, "the first release is served again")
        begun = len(answers)
        until(lambda: len(answers) > begun + 60, "calls go on")
        assert set(answers[begun + 10 :]) == {("2026.11.1", OLD), ("2026.11.1", "")}
    print(f"{len(answers)} calls, all answered: {Counter(release for release, _ in answers)}")
    print(
        "seconds from the commit until every worker had it:", {name: round(each, 1) for name, each in seconds.items()}
    )
