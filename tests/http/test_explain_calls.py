"""`POST /rules/{id}/explain`: for clients that may ask, with what a call would decide, and nothing of it is kept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.clients.client import ANONYMOUS, Client
from cds_service.clients.profiles import EPIC
from cds_service.config import Settings
from cds_service.core.restricted import REDISCLOSURE_NOTICE, RESTRICTED_RECORD, Part2
from cds_service.edges.store.address import read_address
from cds_service.edges.store.tables import CALL, RULE_DECISION
from cds_service.fhir.lacking import Filled
from cds_service.fixtures import find
from cds_service.rulebook.explain_command import asked_of, explained
from cds_service.rulebook.explained import as_json
from cds_service.wiring import open_service, prepare_records
from tests.http.fixture_days import RULES, rules
from tests.http.sentinels import SENTINEL
from tests.http.small_release import (
    ADULT_NOTE,
    ASTHMA_NOTE,
    SNOMED,
    TODAY,
    app_of,
    bundle,
    call,
    release_of,
    version_of,
)
from tests.http.test_part2 import CALLS, LABEL, Heard, planted, usable
from tests.store.sample import rows_of

ASKS = replace(ANONYMOUS, explain=True)


def caller(client: Client = ASKS, **more: Any) -> FlaskClient:
    """The small release, called by a client that may ask."""
    return app_of(
        more.pop("release", release_of(ADULT_NOTE, ASTHMA_NOTE)), identify=lambda *_: client, **more
    ).test_client()


def asked(rule: str = "all", body: Any = None, by: FlaskClient | None = None, **more: Any) -> Any:
    return (by or caller(**more)).post(f"/rules/{rule}/explain", json=call() if body is None else body)


def text_of(answered: Any) -> str:
    return str(answered.json["issue"][0]["details"]["text"])


# --- who may ask, and what -------------------------------------------------------------------------------------------


def test_nobody_may_ask_unless_it_is_switched_on() -> None:
    answered = asked(by=app_of().test_client())
    assert (answered.status_code, text_of(answered)) == (403, "explanations are not switched on for this client")


def test_who_may_not_ask_is_told_nothing_of_the_rules_and_the_body() -> None:
    by = app_of().test_client()
    answers = [by.post(f"/rules/{rule}/explain", data=b"[") for rule in ("adult-note", "no-such-rule")]
    assert [each.status_code for each in answers] == [403, 403]


def test_a_rule_that_is_not_there_is_not_found() -> None:
    answered = asked("no-such-rule", body=[])
    assert answered.status_code == 404
    assert text_of(answered).startswith("no such rule in release 2026.3.0")


def test_a_rule_that_does_not_run_at_the_hook_is_told() -> None:
    answered = asked("asthma-note", call("order-sign"))
    assert answered.status_code == 400
    assert answered.json["issue"][0]["expression"] == ["hook"]
    assert text_of(answered) == "hook: the rule does not run at order-sign"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"hook": "no-such-hook"}, "hook"),
        ({"hook": 7}, "hook"),
        ({"hook": None}, "hook"),
        ({"hookInstance": "x"}, "hookInstance"),
        ({"context": {"userId": "Practitioner/1"}}, "context.patientId"),
        ({"prefetch": []}, "prefetch"),
    ],
)
def test_what_is_no_call_is_refused_as_by_a_service(change: Mapping[str, Any], place: str) -> None:
    answered = asked(body={**call(), **change})
    assert answered.status_code == 400
    assert place in [each for issue in answered.json["issue"] for each in issue.get("expression", ())]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b'{"a": 1, "a": 2}', "content_type": "application/json"}, 400),
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": b"[]", "content_type": "application/json"}, 400),
        ({"data": b" " * 1_000_001, "content_type": "application/json"}, 413),
    ],
)
def test_the_door_is_that_of_a_call(sent: Mapping[str, Any], status: int) -> None:
    assert caller().post("/rules/all/explain", **sent).status_code == status


def test_only_post_asks() -> None:
    refused = caller().get("/rules/adult-note/explain")  # its path is not that of a version, which begins with a digit
    assert (refused.status_code, "GET" in refused.headers["Allow"]) == (405, False)
    assert caller().post("/rules/adult-note/1.0.0").status_code == 405


def test_the_patient_is_needed_as_for_a_call() -> None:
    answered = asked(body={**call(), "prefetch": {}})
    assert answered.status_code == 412
    assert [each["expression"] for each in answered.json["issue"]] == [["prefetch.patient"], ["prefetch.conditions"]]


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_list_that_was_not_read_is_explained_where_a_call_is_refused() -> None:
    body = {**call(), "prefetch": {"patient": call()["prefetch"]["patient"]}}
    by = caller(release=release_of(ASTHMA_NOTE))
    assert by.post("/cds-services/oud-patient-view", json=body).status_code == 412
    told = asked("asthma-note", body, by).json
    (rule,) = told["rules"]
    assert (rule["state"], rule["stoppedBy"]) == ("undecided", ["has_asthma"])
    assert rule["doubts"] == [{"kind": "not-read", "about": "conditions"}]
    assert told["unread"] == {"conditions": "not sent"}


def test_active_and_trial_version_are_both_explained() -> None:
    trial = version_of(ADULT_NOTE, "1.1.0")
    told = asked("adult-note", release=release_of(ADULT_NOTE, ASTHMA_NOTE, trial=(trial,))).json
    assert [(each["ruleVersion"], each.get("trial", False)) for each in told["rules"]] == [
        ("1.0.0", False),
        ("1.1.0", True),
    ]
    assert (told["cards"], told["release"], told["digest"]) == (["adult-note"], "2026.3.0", "0" * 64)


def test_the_day_is_that_of_the_client() -> None:
    days = {ASKS.name: date(2026, 1, 2)}
    assert asked(today=lambda client: days[client.name]).json["today"] == "2026-01-02"


def test_the_profile_of_the_client_names_the_moment() -> None:
    client = replace(ASKS, profile=EPIC)
    body = {**call(), "extension": {EPIC.trigger_extension: "27"}}
    body["context"]["encounterId"] = "stay-1"
    assert asked(body=body, client=client).json["hook"] == "encounter-discharge"


def test_what_is_lacking_is_fetched_as_for_a_call() -> None:
    asthma = {
        "resourceType": "Condition",
        "id": "fetched",
        "subject": {"reference": "Patient/example-1"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": SNOMED, "code": "195967001"}]},
    }

    class Fetching:
        def fill(self, call: Any, keys: Any) -> Filled:
            return Filled({"conditions": bundle(asthma)})

    body = {**call(), "prefetch": {"patient": call()["prefetch"]["patient"]}}
    told = asked("asthma-note", body, fhir_client=lambda client, began: Fetching()).json
    (fact,) = told["rules"][0]["criteria"]["has_asthma"]["facts"]
    assert (told["rules"][0]["state"], fact["reference"]) == ("fires", "Condition/fetched")


def test_an_explanation_is_never_kept_by_a_cache() -> None:
    assert asked().headers["Cache-Control"] == "no-store"


@pytest.fixture(scope="module")
def served() -> FlaskClient:
    opened = open_service(_settings(None), kept=None)
    return opened.app.test_client()


def _settings(folder: Path | None, **part2: str) -> Settings:
    if folder is None:
        return Settings(auth="off", rules=RULES, today=TODAY, clients=ROOT_CLIENTS)
    clients = folder / "clients.yaml"
    entry = {"explain": True, **({"part2": part2} if part2 else {})}
    clients.write_text(json.dumps({"clients": {"anonymous": entry}}), encoding="utf-8")
    return Settings(
        auth="off",
        rules=RULES,
        today=TODAY,
        clients=clients,
        database_url=f"sqlite:///{folder}/records.db",
        log_level="debug",
    )


ROOT_CLIENTS = Path(__file__).parent / "clients-explain.yaml"


@pytest.mark.parametrize("name", CALLS[::20])
def test_it_says_what_the_command_says(
    served: FlaskClient, name: str, faults_of: Callable[[Any, str], list[str]]
) -> None:
    body = find(name).on(TODAY)
    answered = asked("all", body, served)
    if answered.status_code != 200:
        assert served.post(f"/cds-services/oud-{body['hook']}", json=body).status_code == answered.status_code
        return
    wanted = as_json(explained(rules().release, asked_of(body, body["hookInstance"], TODAY)))
    assert answered.json == json.loads(json.dumps(wanted))
    assert faults_of(answered.json, "Explanation") == []


# --- nothing stays, and nothing restricted is told -------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], str]]:
    """By mode: the explanations of planted calls as text, and all that was written meanwhile."""
    return {mode: _told(mode, tmp_path_factory.mktemp(mode)) for mode in ("use", "use-no-detail", "ignore")}


def _told(mode: str, folder: Path) -> tuple[list[str], str]:
    import logging

    settings, heard, root = _settings(folder, mode=mode), Heard(), logging.getLogger()
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    try:
        prepare_records(settings)
        opened = open_service(settings, kept=None)
        by = opened.app.test_client()
        answers = []
        for name in CALLS[::4]:
            request = usable(name)
            assert request is not None
            answers.append(by.post("/rules/all/explain", json=planted(request, "every record")))
        metrics = by.get("/metrics").text
        opened.close()
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
    assert {each.status_code for each in answers} <= {200, 412}
    assert sum(each.status_code == 200 for each in answers) > len(answers) / 2
    address = read_address(settings.database_url or "")
    assert rows_of(address, CALL) == rows_of(address, RULE_DECISION) == []
    return [json.dumps(each.json) for each in answers], "\n".join([*heard.lines, metrics])


def test_the_planted_word_is_told_where_records_may_be_told_of(told: dict[str, tuple[list[str], str]]) -> None:
    answers, _ = told["use"]
    assert sum(SENTINEL in each for each in answers) > len(answers) / 3
    assert any(REDISCLOSURE_NOTICE in each for each in answers)


@pytest.mark.parametrize("mode", ["use-no-detail", "ignore"])
def test_nothing_of_a_labelled_record_is_explained(told: dict[str, tuple[list[str], str]], mode: str) -> None:
    answers, _ = told[mode]
    assert [each for each in answers if SENTINEL.lower() in each.lower()] == []
    assert any(RESTRICTED_RECORD in each for each in answers) == (mode == "use-no-detail")
    assert any(REDISCLOSURE_NOTICE in each for each in answers) == (mode == "use-no-detail")


@pytest.mark.parametrize("mode", ["use", "use-no-detail", "ignore"])
def test_nothing_of_a_call_that_is_explained_is_written(told: dict[str, tuple[list[str], str]], mode: str) -> None:
    _, written = told[mode]
    assert "/rules/<rule_id>/explain" in written
    assert SENTINEL.lower() not in written.lower()


def test_a_restricted_row_is_told_by_what_it_is_and_its_labels_alone() -> None:
    labelled = {
        "resourceType": "Condition",
        "id": "planted",
        "meta": {"security": [LABEL]},
        "subject": {"reference": "Patient/example-1"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "onsetDateTime": "2025-04-05",
        "code": {"coding": [{"system": SNOMED, "code": "195967001"}]},
    }
    body = call()
    body["prefetch"]["conditions"] = bundle(labelled)

    def facts(mode: str) -> list[dict[str, Any]]:
        told = asked("asthma-note", body, client=replace(ASKS, part2=Part2(mode))).json
        found: list[dict[str, Any]] = told["rules"][0]["criteria"]["has_asthma"].get("facts", [])
        return found

    assert facts("use-no-detail") == [
        {"fact": "Condition", "display": RESTRICTED_RECORD, "sure": True, "labels": ["42CFRPART2"]}
    ]
    assert facts("ignore") == []
    (whole,) = facts("use")
    assert (whole["reference"], whole["date"]) == ("Condition/planted", "2025-04-05")
