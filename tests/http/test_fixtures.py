"""The fixtures: valid FHIR that says it is synthetic, the right cards over HTTP, and the same cards on any day."""

import json
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient
from pydantic import ValidationError

from cds_service.config import Settings
from cds_service.fhir.prefetch import PREFETCH
from cds_service.fixtures import Fixture, find, fixtures_folder, names
from cds_service.replay import in_process, replay
from cds_service.services import SERVICES, prefetch_keys
from cds_service.shift import places
from cds_service.wiring import build_app
from tests.http import fixture_days
from tests.http.fixture_days import RULES, days_that_differ, rules, said

FOLDER = fixtures_folder()
STORIES = sorted(path.name for path in (FOLDER / "patients").iterdir())
DAYS = (*range(400), *range(700, 760))  # every day of a year, and those around 2028-02-29
SYNTHETIC = {"system": "https://oud-cds.example/synthetic", "code": "synthetic"}

# Stories whose resources break FHIR on purpose, and why.
BROKEN = {
    "long-ids-and-absolute-urls": "ids are longer than the 64 characters that FHIR allows, as some systems send them",
    "stu3-leftovers": "statuses are strings and a category is no array, as interfaces of an earlier version send them",
}
# Calls in which a list is not what the record holds, by prefetch key: that it could not be read is their story.
FAILED = {
    "patient-view/lists-not-read": {"medicationRequests", "medicationDispenses"},
    "patient-view/html-error-page": {"medicationRequests"},
    "patient-view/another-persons-row": {"medicationRequests"},
    "order-sign/naltrexone-medications-not-read": {"medicationRequests"},
    "order-sign/oxycodone-lists-not-read": {"medicationRequests", "medicationDispenses"},
}
# Calls whose story is a window too short to lie three days inside it, and why.
SHORT_WINDOWS = {
    "encounter-discharge/overdose-two-days-ago": "the highest level is kept for the 72 hours after an overdose",
    "encounter-discharge/intentional-overdose": "the highest level is kept for the 72 hours after an overdose",
    "order-sign/buprenorphine-cows-of-four": "a COWS score tells something for two days only",
}
# For each rule a call of a person who looks alike and for whom the rule is rightly silent.
NEAR_MISSES = {
    "suicide-signal": "patient-view/item-nine-not-at-all",
    "naltrexone-with-opioids": "order-sign/naltrexone-opioid-free",
    "opioid-with-moud-or-oud": "order-sign/hydrocodone-no-oud",
    "opioid-on-naltrexone": "order-sign/hydrocodone-long-after-naltrexone",
    "methadone-qt": "patient-view/methadone-citalopram-ecg-normal",
    "moud-after-overdose": "patient-view/opioid-adverse-effect",
    "moud-in-pregnancy": "patient-view/pregnant-on-buprenorphine",
    "discharge-after-withdrawal": "encounter-discharge/detox-with-buprenorphine",
    "naltrexone-adherence": "patient-view/naltrexone-to-buprenorphine",
    "moud-discontinuation": "order-sign/buprenorphine-film-to-injection",
    "opioid-with-cns-depressant": "order-sign/hydrocodone-after-lorazepam",
    "naltrexone-liver": "order-sign/naltrexone-hepatitis-c",
    "buprenorphine-liver": "order-sign/buprenorphine-hepatitis-c",
    "mat-consideration": "patient-view/on-buprenorphine-film",
    "positive-screen-follow-up": "patient-view/phq-nine-sixteen-referred",
    "naloxone-take-home": "patient-view/naloxone-declined",
    "paws-follow-up": "patient-view/insomnia-before-withdrawal",
    "recurrent-use-assessment": "patient-view/return-to-use-screened",
    "mental-health-screening": "patient-view/screening-declined",
    "oud-assessment": "patient-view/fentanyl-after-anesthesia",
    "social-risk": "patient-view/social-work-involved",
    "psychosocial-offer": "patient-view/counseling-declined",
    "buprenorphine-start": "order-sign/buprenorphine-hepatitis-c",
    "moud-interaction": "order-sign/rifampin-on-naltrexone",
    "lofexidine-qt": "order-sign/lofexidine-in-withdrawal",
    "serotonergic-opioid-with-maoi": "order-sign/hydrocodone-on-phenelzine",
    "buprenorphine-dental": "order-sign/buprenorphine-renewed",
}


def held(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def resources_of(story: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in held(FOLDER / "patients" / story / "bundle.json")["entry"]]


def drafts_of(fixture: Fixture) -> list[dict[str, Any]]:
    orders = fixture.request["context"].get("draftOrders", {})
    return [entry["resource"] for entry in orders.get("entry", [])]


def written_for(fixture: Fixture) -> date:
    assert fixture.written_for is not None
    return fixture.written_for


def faults(resource: dict[str, Any]) -> list[str]:
    """What FHIR R4 would refuse in a resource, the length of its id included."""
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"]):
        return ["id"]
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as refused:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in refused.errors()]
    return []


# --- people ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", [each for each in STORIES if each not in BROKEN])
def test_every_resource_of_a_person_is_valid_fhir(story: str) -> None:
    whole = held(FOLDER / "patients" / story / "bundle.json")
    assert {each["id"]: faults(each) for each in (whole, *resources_of(story)) if faults(each)} == {}


@pytest.mark.parametrize("story", BROKEN)
def test_what_is_listed_as_broken_is(story: str) -> None:
    assert any(faults(each) for each in resources_of(story))


@pytest.mark.parametrize("story", STORIES)
def test_every_person_says_why_it_is_there_and_that_it_is_synthetic(story: str) -> None:
    told = held(FOLDER / "patients" / story / "story.json")
    assert set(told) == {"story", "written_for", "synthetic"}
    assert told["story"]
    assert told["synthetic"] is True
    assert date.fromisoformat(told["written_for"])


@pytest.mark.parametrize("story", STORIES)
def test_every_resource_is_tagged_as_synthetic(story: str) -> None:
    bundle = held(FOLDER / "patients" / story / "bundle.json")
    untagged = [
        each["id"]
        for each in (bundle, *resources_of(story))
        if SYNTHETIC not in [{name: tag.get(name) for name in SYNTHETIC} for tag in each["meta"]["tag"]]
    ]
    assert untagged == []


@pytest.mark.parametrize("story", STORIES)
def test_nobody_bears_a_name_that_could_be_real(story: str) -> None:
    (patient,) = [each for each in resources_of(story) if each["resourceType"] == "Patient"]
    words = {word.capitalize() for word in story.split("-")}
    assert [name["family"] for name in patient["name"]] == ["Synthetic"]
    assert {given for name in patient["name"] for given in name["given"]} <= words


def test_ids_tell_the_resources_of_a_person_apart() -> None:
    for story in STORIES:
        found = [f"{each['resourceType']}/{each['id']}" for each in resources_of(story)]
        assert len(found) == len(set(found)), story


def test_every_person_is_in_a_call() -> None:
    used = {held(FOLDER / "requests" / f"{name}.json")["patient"] for name in names()}
    assert used == set(STORIES)


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_the_prefetch_is_what_the_record_holds(name: str) -> None:
    fixture = held(FOLDER / "requests" / f"{name}.json")
    record, sent = resources_of(fixture["patient"]), fixture["request"]["prefetch"]
    differing = []
    for key in PREFETCH.keys() - FAILED.get(name, set()):
        if key == "patient":
            same = sent[key] == record[0]
        else:
            same = _matches(sent[key]) == [each for each in record if _belongs(each, key)]
            same &= all(each in record for each in _included(sent[key]))
        if not same:
            differing.append(key)
    assert differing == []


def _entries(bundle: dict[str, Any] | None, mode: str) -> list[dict[str, Any]]:
    entries = (bundle or {}).get("entry", [])
    return [each["resource"] for each in entries if each["search"]["mode"] == mode]


def _matches(bundle: dict[str, Any] | None) -> list[dict[str, Any]]:
    return _entries(bundle, "match")


def _included(bundle: dict[str, Any] | None) -> list[dict[str, Any]]:
    return _entries(bundle, "include")


def _belongs(resource: dict[str, Any], key: str) -> bool:
    """Whether the search of a prefetch key finds a resource: by its type, and Observations by their category."""
    if resource["resourceType"] != PREFETCH[key].resource_type:
        return False
    category = re.search(r"category=([\w-]+)", PREFETCH[key].query)
    held_as = [coding["code"] for each in _listed(resource.get("category")) for coding in each.get("coding", [])]
    return category is None or category[1] in held_as


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@pytest.mark.parametrize("name", FAILED)
def test_a_list_that_failed_is_not_what_the_record_holds(name: str) -> None:
    fixture = held(FOLDER / "requests" / f"{name}.json")
    sent, record = fixture["request"]["prefetch"], resources_of(fixture["patient"])
    for key in FAILED[name]:
        value = sent.get(key)
        is_list = isinstance(value, dict) and value["resourceType"] == "Bundle"
        assert not is_list or _matches(value) != [each for each in record if _belongs(each, key)]


@pytest.mark.parametrize("name", names())
def test_a_call_sends_every_key_that_discovery_asks_for(name: str) -> None:
    fixture = find(name)
    asked = set(prefetch_keys(rules(), fixture.hook)) - FAILED.get(name, set())
    assert asked - set(fixture.request["prefetch"]) == set()


@pytest.mark.parametrize("name", names())
def test_a_call_keeps_the_contract(name: str, faults_of: Callable[[Any, str], list[str]]) -> None:
    assert faults_of(find(name).request, "HookCall") == []


@pytest.mark.parametrize("name", names())
def test_draft_orders_are_valid_and_tagged(name: str) -> None:
    drafts = drafts_of(find(name))
    assert {each["id"]: faults(each) for each in drafts if faults(each)} == {}
    assert [each["id"] for each in drafts if each["meta"]["tag"][0]["code"] != SYNTHETIC["code"]] == []


def test_no_two_calls_have_the_same_instance() -> None:
    instances = [find(name).request["hookInstance"] for name in names()]
    assert len(instances) == len(set(instances))


@pytest.mark.parametrize("name", names())
def test_no_day_stands_where_it_would_not_be_moved(name: str) -> None:
    request = find(name).request
    moving = {id(each.text) for each in places(request)}
    left = [text for text in _texts(request) if re.search(r"\b(19|20)\d\d-\d\d", text) and id(text) not in moving]
    assert left == []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def test_the_calls_span_hooks_and_rules() -> None:
    expected = [find(name).expected or {} for name in names()]
    shown = {card["rule"] for each in expected for card in each["cards"]}
    assert {find(name).hook for name in names()} == {each.hook for each in SERVICES.values()}
    assert shown == {each.rule.id for each in rules().release.active}


def test_each_rule_has_a_near_miss() -> None:
    assert set(NEAR_MISSES) == {each.rule.id for each in rules().release.active}


@pytest.mark.parametrize("rule", NEAR_MISSES)
def test_a_rule_is_silent_in_its_near_miss(rule: str) -> None:
    fixture = find(NEAR_MISSES[rule])
    expected = fixture.expected or {}
    assert fixture.hook in {hook for each in rules().release.active if each.rule.id == rule for hook in each.rule.hooks}
    assert expected["status"] == 200
    assert rule not in {card["rule"] for card in expected["cards"]} | set(expected["undecided"])


def test_naloxone_is_offered_alone_and_in_the_card_of_another_rule() -> None:
    offering = {
        card["rule"]
        for name in names()
        for card in (find(name).expected or {})["cards"]
        if "Naloxone: declined for now" in card["suggestions"]
    }
    assert {"naloxone-take-home", "mat-consideration", "moud-after-overdose", "opioid-with-moud-or-oud"} <= offering


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients() -> Callable[[date], FlaskClient]:
    known: dict[date, FlaskClient] = {}

    def client(today: date) -> FlaskClient:
        if today not in known:
            known[today] = build_app(Settings(auth="off", rules=RULES, today=today)).test_client()
        return known[today]

    return client


def posting(client: FlaskClient) -> Callable[[str, dict[str, Any]], tuple[int, Any]]:
    def post(service: str, body: dict[str, Any]) -> tuple[int, Any]:
        came = client.post(f"/cds-services/{service}", json=body)
        return came.status_code, came.json

    return post


@pytest.mark.parametrize("name", names())
def test_the_expected_cards_come_over_http(name: str, clients: Callable[[date], FlaskClient]) -> None:
    fixture = find(name)
    assert fixture.expected is not None
    result = replay(fixture, written_for(fixture), posting(clients(written_for(fixture))))
    assert list(result.differences) == []


@pytest.mark.parametrize("name", names())
def test_they_come_two_years_later_too(name: str, clients: Callable[[date], FlaskClient]) -> None:
    fixture, later = find(name), date(2028, 2, 29)
    assert list(replay(fixture, later, posting(clients(later))).differences) == []


VARIANTS = [pytest.param(one, id=one.name) for name in names() for one in find(name).variants]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("today", [date(2026, 3, 1), date(2028, 2, 29)])
def test_other_clients_are_answered_as_their_entry_says(
    variant: Fixture, today: date, as_client: Callable[[date], Callable[[Any], Any]]
) -> None:
    assert list(replay(variant, today, as_client(today)(variant.client)).differences) == []


@pytest.fixture(scope="module")
def as_client() -> Iterator[Callable[[date], Callable[[Any], Any]]]:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("CDS_RULES", str(RULES))
        yield cache(in_process)


def test_each_mode_of_part_2_is_shown() -> None:
    shown = [tuple(each.client["part2"].items()) for name in names() for each in find(name).variants]
    assert {
        (("mode", "use"),),
        (("mode", "ignore"),),
        (("mode", "use-no-detail"), ("by_confidentiality", True)),
        (("mode", "ignore"), ("by_confidentiality", True)),
    } <= set(shown)


def test_that_the_person_has_died_is_told_as_the_reason_for_no_cards(clients: Callable[[date], FlaskClient]) -> None:
    fixture = find("deceased")
    result = replay(fixture, written_for(fixture), posting(clients(written_for(fixture))))
    assert result.answer["extension"]["org.oud-cds.evaluation"]["gate"] == "patient-status.deceased"


def days_near_that_differ(name: str) -> dict[int, Any]:
    fixture = find(name)
    request, today = dict(fixture.request), written_for(fixture)
    wanted = said(request, today)
    other = {days: said(request, today + timedelta(days)) for days in (-3, -2, -1, 1, 2, 3)}
    return {days: each for days, each in other.items() if each != wanted}


@pytest.mark.parametrize("name", [each for each in names() if each not in SHORT_WINDOWS])
def test_no_fixture_lies_within_three_days_of_a_boundary(name: str) -> None:
    assert days_near_that_differ(name) == {}


@pytest.mark.parametrize("name", SHORT_WINDOWS)
def test_what_is_listed_as_a_short_window_is(name: str) -> None:
    assert days_near_that_differ(name) != {}


@pytest.fixture(scope="module")
def many_days() -> Iterator[dict[str, Future[list[Any]]]]:
    """What differs on these days, by fixture: worked out by as many processes as there are cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context) as workers:
        yield {name: workers.submit(days_that_differ, name, DAYS) for name in names()}


@pytest.mark.parametrize("name", names())
def test_the_same_is_said_on_every_day_of_a_year_and_around_a_leap_day(
    name: str, many_days: dict[str, Future[list[Any]]]
) -> None:
    assert many_days[name].result() == []


def test_a_fixture_that_says_something_else_on_some_day_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = find("on-naltrexone-injection")
    whole = json.dumps(dict(fixture.request))
    assert "2026-02-09T10:20:00-05:00" in whole
    to_the_month = json.loads(whole.replace("2026-02-09T10:20:00-05:00", "2026-02"))
    monkeypatch.setattr(fixture_days, "find", lambda name: Fixture(name, "", date(2026, 3, 1), to_the_month, {}))
    found = [day for day, *_ in days_that_differ("any", range(10))]
    assert found == ["2026-03-09", "2026-03-10"]  # 35 days after the first of February, and the day after


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_reference_lists_what_other_clients_are_answered() -> None:
    page = (RULES.parent / "docs" / "reference" / "fixtures.md").read_text(encoding="utf-8")
    missing = []
    for name in names():
        for each in find(name).variants:
            expected = each.expected or {}
            cards = ", ".join(f"{one['rule']}: {one['card']}" for one in expected["cards"])
            told = cards or ("no cards" if expected["status"] == 200 else str(expected["status"]))
            labels = sorted({label for one in expected["cards"] for label in one.get("labels", ())})
            entry = each.name.removeprefix(f"{name} (").removesuffix(")")
            row = f"| `{name}` | {entry} | {told} | {', '.join(labels) or 'none'} |"
            missing += [] if row in page else [row]
    assert missing == []


def test_the_reference_lists_every_call_with_its_line_and_cards() -> None:
    page = (RULES.parent / "docs" / "reference" / "fixtures.md").read_text(encoding="utf-8")
    missing = []
    for name in names():
        fixture = find(name)
        expected = fixture.expected or {}
        cards = "; ".join(f"{each['rule']}: {each['card']} ({each['indicator']})" for each in expected["cards"])
        told = cards or ("no cards" if expected["status"] == 200 else str(expected["status"]))
        if f"| `{name.partition('/')[2]}` | {fixture.about} | {told} |" not in page:
            missing.append(name)
    assert missing == []
