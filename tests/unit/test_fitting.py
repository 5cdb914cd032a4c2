"""Answers fitted to a profile: what may not be sent is left out and counted, and nothing that matters is lost."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.clients.client import Client
from cds_service.clients.profiles import CERNER, EPIC, PROFILES
from cds_service.config import Settings
from cds_service.core.engine import compile_release
from cds_service.core.fitting import SHORTENED, fitted, hook_by_trigger
from cds_service.core.profile import GENERIC, Profile
from cds_service.core.standing import on_trial_until_reviewed, unreviewed
from cds_service.edges.rule_store import load_rules
from cds_service.edges.web import Door, Ports, create_app
from cds_service.fixtures import find, names
from cds_service.services import SERVICES, in_service
from cds_service.wiring import build_app
from tests.http.conftest import contract, faults_of  # noqa: F401 - fixtures
from tests.http.small_release import ADULT_NOTE, ASTHMA_NOTE, release_of

RULES = Path(__file__).parents[2] / "rules"
TODAY = date(2026, 3, 1)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
EVALUATION = "org.oud-cds.evaluation"


def create(resource_type: str = "MedicationRequest") -> dict[str, Any]:
    code = {"coding": [{"system": RXNORM, "code": "x"}], "text": "words"}
    resource = {"resourceType": resource_type, "medicationCodeableConcept": code}
    return {"type": "create", "description": "Draft", "resource": resource}


def delete() -> dict[str, Any]:
    return {"type": "delete", "description": "Remove", "resourceId": "MedicationRequest/1"}


def link(url: str, type_: str = "absolute") -> dict[str, Any]:
    return {"label": "More", "url": url, "type": type_}


def card(*actions: dict[str, Any], links: tuple[dict[str, Any], ...] = (), detail: str = "Words.") -> dict[str, Any]:
    suggestions = [{"label": "Do", "uuid": str(n), "actions": [each]} for n, each in enumerate(actions)]
    parts = {"uuid": "0", "detail": detail, "suggestions": suggestions, "links": list(links)}
    behavior = {"selectionBehavior": "any"} if suggestions else {}
    return {name: value for name, value in {**parts, **behavior}.items() if value}


def body(*cards: dict[str, Any]) -> dict[str, Any]:
    return {"cards": list(cards), "extension": {EVALUATION: {"release": "1"}}}


def left_out(answer: dict[str, Any]) -> Any:
    return answer["extension"][EVALUATION].get("leftOut")


def test_a_client_that_takes_all_gets_the_very_same_body() -> None:
    sent = body(card(create(), delete()))
    assert fitted(sent, GENERIC) is sent
    assert fitted(body(), EPIC) == body()


@pytest.mark.parametrize(
    ("profile", "kept"),
    [
        (Profile(action_types=("create",)), ["create", "create"]),
        (Profile(action_types=("delete",)), ["delete"]),
        (Profile(creates=("ServiceRequest",)), ["create", "delete"]),
        (Profile(creates=()), ["delete"]),
        (Profile(creates=("ServiceRequest", "MedicationRequest")), ["create", "create", "delete"]),
    ],
)
def test_suggestions_that_may_not_be_made_are_left_out_and_counted(profile: Profile, kept: list[str]) -> None:
    sent = body(card(create(), create("ServiceRequest"), delete()))
    before = copy.deepcopy(sent)
    answer = fitted(sent, profile)
    assert [each["actions"][0]["type"] for each in answer["cards"][0]["suggestions"]] == kept
    assert left_out(answer) == ({"suggestions": 3 - len(kept)} if len(kept) < 3 else None)
    assert sent == before


def declined() -> dict[str, Any]:
    action = create()
    action["resource"]["doNotPerform"] = True
    return action


def in_words() -> dict[str, Any]:
    action = create("ServiceRequest")
    action["resource"] = {"resourceType": "ServiceRequest", "code": {"text": "words"}}
    return action


def test_what_is_not_to_be_done_is_never_offered_to_a_client_that_would_order_it() -> None:
    answer = fitted(body(card(create(), declined())), Profile(declines=False))
    (kept,) = answer["cards"][0]["suggestions"]
    assert "doNotPerform" not in kept["actions"][0]["resource"]
    assert left_out(answer) == {"suggestions": 1}
    assert not EPIC.declines


def test_a_draft_in_words_is_not_sent_to_a_client_that_finds_orders_by_code() -> None:
    answer = fitted(body(card(in_words(), delete(), create())), Profile(coded_only=True))
    assert [each["actions"][0]["type"] for each in answer["cards"][0]["suggestions"]] == ["delete", "create"]
    assert left_out(answer) == {"suggestions": 1}


def test_without_a_suggestion_there_is_no_selection_behavior() -> None:
    answer = fitted(body(card(create())), Profile(creates=()))
    assert answer["cards"] == [{"uuid": "0", "detail": "Words."}]
    assert left_out(answer) == {"suggestions": 1}


@pytest.mark.parametrize(
    ("profile", "kept"),
    [
        (Profile(link_hosts=("a.example.org",)), ["https://a.example.org/x", "https://a.example.org/launch"]),
        (Profile(link_hosts=()), []),
        (Profile(smart_hosts=()), ["https://a.example.org/x", "https://b.example.org/a.example.org"]),
        (
            Profile(link_hosts=("b.example.org",), smart_hosts=("a.example.org",)),
            ["https://b.example.org/a.example.org"],
        ),
    ],
)
def test_links_that_may_not_go_are_left_out_and_counted(profile: Profile, kept: list[str]) -> None:
    links = (
        link("https://a.example.org/x"),
        link("https://b.example.org/a.example.org"),
        link("https://a.example.org/launch", "smart"),
    )
    answer = fitted(body(card(links=links), card()), profile)
    assert [each["url"] for each in answer["cards"][0].get("links", [])] == kept
    assert left_out(answer) == {"links": 3 - len(kept)}


def test_what_is_left_out_of_several_cards_is_counted_together() -> None:
    answer = fitted(body(card(create(), links=(link("https://a.example.org"),)), card(create())), CERNER)
    assert left_out(answer) == {"links": 1}
    assert left_out(fitted(body(card(delete()), card(delete(), delete())), Profile(action_types=("create",)))) == {
        "suggestions": 3
    }


def test_codings_of_drafts_are_spelt_as_the_client_does() -> None:
    (fit,) = fitted(body(card(create())), EPIC)["cards"]
    resource = fit["suggestions"][0]["actions"][0]["resource"]
    assert resource["medicationCodeableConcept"] == {
        "coding": [{"system": "urn:oid:2.16.840.1.113883.6.88", "code": "x"}],
        "text": "words",
    }


# --- details ----------------------------------------------------------------------------------------------------------

BLOCKS = (
    "**Could not be told**\n\n- first doubt",
    "**Why you see this**\n\n- a finding\n- another finding",
    "**Looked for and not found**\n\n- treatment",
    "**Not read:** a list.",
    "**No source here:** another.",
    "Guidance in words.",
    "**Sources**\n\n- a guideline with a title that is longer than the note that it was left out",
    "Rule some-rule 1.0.0, release 1.",
    "Not yet reviewed by a clinician.",
    "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
)
DETAIL = "\n\n".join(BLOCKS)
ALWAYS = [0, 3, 4, 7, 8, 9]


def told(limit: int, detail: str = DETAIL) -> str:
    answer = fitted(body(card(detail=detail)), Profile(detail_limit=limit))
    text: str = answer["cards"][0]["detail"]
    assert left_out(answer) == ({"details": 1} if text != detail else None)
    return text


def test_a_detail_that_fits_stays_as_it_is() -> None:
    assert told(len(DETAIL)) == DETAIL


def test_what_a_site_changed_and_who_signed_off_stays_however_short_the_detail_shall_be() -> None:
    blocks = (
        "**Changed at this site (A):** x days: 1 day instead of 2 days.",
        "Signed off at this site: x 1.0.0 by B.",
    )
    text = told(1, "\n\n".join([*BLOCKS, *blocks]))
    assert [each for each in text.split("\n\n") if "this site" in each] == list(blocks)


def test_blocks_go_whole_and_sources_first() -> None:
    assert told(len(DETAIL) - 1) == "\n\n".join([each for n, each in enumerate(BLOCKS) if n != 6] + [SHORTENED])


def test_what_was_not_found_goes_after_the_sources_and_before_the_guidance() -> None:
    without_sources = len("\n\n".join([each for n, each in enumerate(BLOCKS) if n != 6] + [SHORTENED]))
    assert told(without_sources - 1) == "\n\n".join([BLOCKS[n] for n in (0, 1, 3, 4, 5, 7, 8, 9)] + [SHORTENED])


def test_what_was_not_read_the_rule_and_notices_stay_however_short_it_must_be() -> None:
    assert told(1) == "\n\n".join([BLOCKS[n] for n in ALWAYS] + [SHORTENED])


def test_the_first_block_stays() -> None:
    assert told(1, "\n\n".join(BLOCKS[1:])).startswith(BLOCKS[1])


# --- triggers ---------------------------------------------------------------------------------------------------------

TRIGGER = "com.epic.cdshooks.request.bpa-trigger-action"


@pytest.mark.parametrize(
    ("hook", "value", "wanted"),
    [
        ("patient-view", "27", "encounter-discharge"),
        ("patient-view", 27, "encounter-discharge"),
        ("patient-view", " 27 ", "encounter-discharge"),
        ("patient-view", "26", "patient-view"),
        ("patient-view", 27.5, "patient-view"),
        ("patient-view", True, "patient-view"),
        ("patient-view", None, "patient-view"),
        ("patient-view", ["27"], "patient-view"),
        ("patient-view", {"value": "27"}, "patient-view"),
        ("order-sign", "27", "order-sign"),
    ],
)
def test_a_trigger_stands_for_a_hook_at_patient_view_only(hook: str, value: Any, wanted: str) -> None:
    assert hook_by_trigger(hook, {TRIGGER: value}, EPIC) == wanted
    assert hook_by_trigger(hook, {TRIGGER: value}, GENERIC) == hook
    assert hook_by_trigger(hook, {}, EPIC) == hook


# --- the rules of this tree -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answered_for() -> Callable[[str], FlaskClient]:
    now = in_service(compile_release(load_rules(RULES, check=False).release))

    def make(profile: str) -> FlaskClient:
        client = Client("known", profile=PROFILES[profile])
        ports = Ports(
            in_service=lambda: now,
            today=lambda client: TODAY,
            new_incident=lambda: "incident",
            identify=lambda authorization, path: client,
        )
        return create_app(ports, Door(8_000_000, 5.0)).test_client()

    return make


@pytest.mark.parametrize("profile", [name for name, each in PROFILES.items() if not each.takes_all])
def test_every_fixture_is_answered_within_the_contract_for_every_profile(
    profile: str,
    answered_for: Callable[[str], FlaskClient],
    faults_of: Callable[[Any, str], list[str]],  # noqa: F811
) -> None:
    client, generic = answered_for(profile), answered_for("generic")
    for name in names():
        fixture = find(name)
        service = next((each.id for each in SERVICES.values() if each.hook == fixture.hook), "")
        path, call = f"/cds-services/{service}", fixture.on(TODAY)
        answer, whole = client.post(path, json=call), generic.post(path, json=call)
        assert answer.status_code == whole.status_code
        if answer.status_code != 200:
            continue
        assert answer.json is not None
        assert whole.json is not None
        assert faults_of(answer.json, "Answer") == [], name
        assert [each["summary"] for each in answer.json["cards"]] == [each["summary"] for each in whole.json["cards"]]


def test_a_discharge_that_comes_as_patient_view_is_answered_by_its_rules(
    answered_for: Callable[[str], FlaskClient],
) -> None:
    call = find("encounter-discharge/leaving-untreated").on(TODAY)
    wanted = answered_for("epic").post("/cds-services/oud-encounter-discharge", json=call).json
    call["hook"] = "patient-view"
    path = "/cds-services/oud-patient-view"
    plain = answered_for("generic").post(path, json=call).json
    triggered = {**call, "extension": {TRIGGER: "27"}}
    assert answered_for("epic").post(path, json=triggered).json == wanted
    assert wanted != plain
    assert answered_for("generic").post(path, json=triggered).json == plain


def test_a_triggered_discharge_without_an_encounter_is_answered(answered_for: Callable[[str], FlaskClient]) -> None:
    call = find("encounter-discharge/leaving-untreated").on(TODAY)
    call.update(hook="patient-view", extension={TRIGGER: "27"})
    del call["context"]["encounterId"]
    answer = answered_for("epic").post("/cds-services/oud-patient-view", json=call)
    assert answer.status_code == 200


# --- rules that no clinician has reviewed -----------------------------------------------------------------------------


def test_rules_without_a_review_run_on_trial() -> None:
    release = on_trial_until_reviewed(release_of(ADULT_NOTE, ASTHMA_NOTE))
    assert release.active == (ASTHMA_NOTE,)
    assert release.trial == (ADULT_NOTE,)
    assert unreviewed(release_of(ADULT_NOTE, ASTHMA_NOTE)) == {"adult-note"}


def test_a_release_that_was_reviewed_stays_as_it_is() -> None:
    release = release_of(ASTHMA_NOTE)
    assert on_trial_until_reviewed(release) is release


def test_a_version_on_trial_stays_beside_one_that_waits_for_review() -> None:
    newer = replace(ADULT_NOTE, rule=replace(ADULT_NOTE.rule, version="1.1.0"))
    release = on_trial_until_reviewed(release_of(ADULT_NOTE, trial=(newer,)))
    assert [each.rule.version for each in release.trial] == ["1.0.0", "1.1.0"]


@pytest.fixture
def required(tmp_path: Path) -> Settings:
    path = tmp_path / "clients.yaml"
    path.write_text("clients:\n  a: {issuers: i, jku: 'https://a.example.org'}\n", encoding="utf-8")
    return Settings(auth="required", rules=RULES, clients=path, public_url="https://cds.example.org")


def test_with_callers_checked_rule_pages_say_trial(required: Settings) -> None:
    listed = build_app(required).test_client().get("/rules").json
    assert listed is not None
    assert {(each["state"], each["reviewStatus"]) for each in listed["rules"]} == {
        ("trial", "not yet clinically reviewed")
    }


def test_allowed_rules_without_a_review_stay_active(required: Settings) -> None:
    listed = build_app(replace(required, allow_unreviewed=True)).test_client().get("/rules").json
    assert listed is not None
    assert {each["state"] for each in listed["rules"]} == {"active"}
