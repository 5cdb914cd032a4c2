"""Seeds, and bodies made of them by chance, bring no fault out of any target.

`make slow` gives each target more: FUZZ_BODIES says how many, FUZZ_MINUTES instead for how long.
"""

import json
import os
import time
from pathlib import Path

import pytest

from tests.fuzz.havoc import mutated
from tests.fuzz.mutate import SENTINEL
from tests.fuzz.run import calls_of, faults_of_seeds, look, run
from tests.fuzz.targets import TARGETS, seeds, warm

BODIES = int(os.environ.get("FUZZ_BODIES", "20000"))
MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
FEW = {"door": 200, "reader": 100, "rules": 100, "token": 400, "keys": 400}
CALLS, CALLS_A_BYTE = 400_000, 400  # of functions: what a seed may take at the most; the costliest takes half of it


@pytest.mark.parametrize("target", TARGETS)
def test_no_seed_brings_a_fault_out(target: str) -> None:
    assert faults_of_seeds(target) == {}


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_made_of_the_seeds_brings_no_fault_out(target: str, tmp_path: Path) -> None:
    assert run(target, BODIES, FEW[target], kept=tmp_path)["first_faults"] == []  # none of those of the long run


@pytest.mark.parametrize("target", TARGETS)
def test_a_seed_takes_a_bounded_number_of_steps(target: str) -> None:
    warm()
    most = {name: CALLS + CALLS_A_BYTE * len(body) for name, body in seeds(target).items()}
    taken = {name: calls_of(TARGETS[target], body) for name, body in seeds(target).items()}
    assert {name: calls for name, calls in taken.items() if calls > most[name]} == {}


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_many_bodies_bring_no_fault_out(target: str) -> None:
    until = time.monotonic() + 60 * MINUTES if MINUTES else None
    found = run(target, 0, 10**9 if MINUTES else BODIES, until)
    print(json.dumps(found))
    assert found["first_faults"] == []


def test_a_body_is_the_same_in_every_run_and_carries_what_must_not_be_repeated() -> None:
    begin_with = list(seeds("door").values())
    bodies = [mutated(begin_with, each) for each in range(100)]
    assert bodies == [mutated(begin_with, each) for each in range(100)]
    assert any(SENTINEL.encode() in each for each in bodies)


def test_what_escapes_a_target_is_told_with_its_place_and_its_body_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(body: bytes) -> str:
        raise ZeroDivisionError

    monkeypatch.setitem(TARGETS, "keys", breaks)  # type: ignore[arg-type]
    found = run("keys", 0, 2, kept=tmp_path)
    assert found["faults"] == 2
    assert "ZeroDivisionError at test_targets.py" in found["first_faults"][0]
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_a_token_that_should_not_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    good = seeds("token")["good-es384.json"]
    monkeypatch.setattr("tests.fuzz.targets._good", lambda header, claims: False)
    assert look(TARGETS["token"], good) == "a token is taken that is not good"
    monkeypatch.setattr("tests.fuzz.targets._good", lambda header, claims: True)
    assert look(TARGETS["token"], seeds("token")["expired.json"]) == "a good token is refused"
