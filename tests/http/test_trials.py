"""Versions on trial, from the call to the report: judged beside the active ones, never shown, never in the way."""

from dataclasses import replace
from datetime import timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

from cds_service.core.engine import Compiled, compile_release
from cds_service.core.facts import Coding
from cds_service.core.value_set import ValueSet
from cds_service.edges.store.address import read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.source import REPORT, open_engine
from cds_service.edges.store.store import Store
from cds_service.edges.store.trials import counted_trials
from cds_service.edges.web import Door, Ports, create_app
from cds_service.rulebook.trial_report import Trial, trial_report
from cds_service.services import in_service
from cds_service.wiring import recorder
from tests.http.small_release import (
    ADULT_NOTE,
    ASTHMA_NOTE,
    BROKEN_NOTE,
    SNOMED,
    TODAY,
    bundle,
    call,
    release_of,
    version_of,
)
from tests.store.sample import AT, Losses

COUGH = ValueSet("asthma", "2.0.0", "Cough", frozenset({Coding(SNOMED, "49727002")}))


def with_cough() -> dict[str, Any]:
    body = call()
    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/example-1"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": SNOMED, "code": "49727002"}]},
    }
    body["prefetch"]["conditions"] = bundle(condition)
    return body


def raising(compiled: Compiled) -> Compiled:
    """The release with trials that raise when they are judged: what a sound rule file cannot bring about."""
    broken = (replace(each.edition, rule=replace(each.edition.rule, cards=(None,))) for each in compiled.trial)
    trial = tuple(replace(each, edition=edition) for each, edition in zip(compiled.trial, broken, strict=True))
    return replace(compiled, trial=trial)


def answered(compiled: Compiled, body: dict[str, Any], folder: Path) -> tuple[int, Any, tuple[Trial, ...]]:
    """Status and body of a call's answer, and what the report says of its trials."""
    address = read_address(f"sqlite:///{folder}/{uuid4()}.db")
    upgrade(address)
    store, now = Store(address, dropped=Losses()), in_service(compiled)
    ports = Ports(
        in_service=lambda: now,
        today=lambda client: TODAY,
        new_incident=lambda: "incident-1",
        seen=recorder(store.remember, now=lambda: AT),
    )
    came = create_app(ports, Door(1_000_000, 5.0)).test_client().post("/cds-services/oud-patient-view", json=body)
    store.close()
    engine = open_engine(address, REPORT)
    with engine.connect() as connection:
        report = trial_report(counted_trials(connection, timezone.utc))
    engine.dispose()
    return came.status_code, came.json, report.trials


def test_an_answer_is_the_same_with_and_without_a_trial(tmp_path: Path) -> None:
    without = release_of(ADULT_NOTE, ASTHMA_NOTE)
    trial = replace(without, trial=(version_of(ADULT_NOTE, "1.1.0"), version_of(ASTHMA_NOTE, "1.1.0")))
    before, after = (answered(compile_release(each), call(), tmp_path) for each in (without, trial))
    assert before[:2] == after[:2]
    assert before[0] == 200
    assert [(each.rule, each.version, each.active, each.total.agree) for each in after[2]] == [
        ("adult-note", "1.1.0", "1.0.0", 1),
        ("asthma-note", "1.1.0", "1.0.0", 1),
    ]
    assert before[2] == ()


def test_a_trial_that_raises_leaves_the_answer_alone_and_is_reported(tmp_path: Path) -> None:
    without = release_of(ADULT_NOTE, ASTHMA_NOTE)
    trial = replace(without, trial=(version_of(ADULT_NOTE, "1.1.0"),))
    before = answered(compile_release(without), call(), tmp_path)
    after = answered(raising(compile_release(trial)), call(), tmp_path)
    assert before[:2] == after[:2]
    assert len(after[1]["cards"]) == 1
    (found,) = after[2]
    assert (found.version, found.active, found.total.trial_unknown, found.total.failed) == ("1.1.0", "1.0.0", 1, 1)


def test_a_trial_whose_card_cannot_be_written_is_never_written(tmp_path: Path) -> None:
    trial = release_of(ADULT_NOTE, trial=(BROKEN_NOTE,))
    status, body, (found,) = answered(compile_release(trial), call(), tmp_path)
    assert (status, len(body["cards"])) == (200, 1)
    assert "failed" not in body["extension"]["org.oud-cds.evaluation"]
    assert (found.rule, found.active, found.total.trial_speaks) == ("broken-note", None, 1)


def test_a_trial_of_the_same_version_is_judged_by_its_own_value_sets(tmp_path: Path) -> None:
    trial = replace(ASTHMA_NOTE, value_sets={"asthma": COUGH})
    compiled = compile_release(release_of(ASTHMA_NOTE, trial=(trial,)))
    status, body, (found,) = answered(compiled, with_cough(), tmp_path)
    assert (status, body["cards"]) == (200, [])
    assert (found.version, found.active, found.total.gained) == ("1.0.0", "1.0.0", 1)
    assert found.total.because == {"gained": {("has_asthma",): 1}}


def test_the_active_version_keeps_its_own_value_sets(tmp_path: Path) -> None:
    active = replace(ASTHMA_NOTE, value_sets={"asthma": COUGH})
    release = release_of(active, trial=(version_of(ASTHMA_NOTE, "1.1.0"),))
    _, body, (found,) = answered(compile_release(release), with_cough(), tmp_path)
    assert [each["extension"]["org.oud-cds.rule"]["ruleVersion"] for each in body["cards"]] == ["1.0.0"]
    assert (found.total.lost, found.total.because) == (1, {"lost": {("has_asthma",): 1}})


def test_a_trial_that_cannot_tell_refuses_no_call(tmp_path: Path) -> None:
    body = {**call(), "prefetch": {"patient": call()["prefetch"]["patient"]}}
    release = release_of(ADULT_NOTE, trial=(ASTHMA_NOTE,))  # asks for conditions that are not there
    status, _, (found,) = answered(compile_release(release), body, tmp_path)
    assert status == 200
    assert (found.total.unknown, found.total.because) == (1, {"unknown": {("has_asthma",): 1}})
