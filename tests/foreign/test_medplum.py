"""The stories by a FHIR server that was not written here: without prefetch the cards are the same as with all of it.

`make foreign` runs these; they are skipped, with the reason, where node, npm or the packages cannot be had. The call is
a real one: to `cds-service serve`, which asks the FHIR server over a socket with the token of the call.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.core.card import EVALUATION_EXTENSION
from cds_service.fixtures import Fixture, find, fixtures_folder, names
from cds_service.services import SERVICES
from cds_service.shift import shifted
from tests.foreign.medplum import TOKEN, Json, Medplum, NotHere, running, versions
from tests.running import serving

pytestmark = pytest.mark.foreign

TODAY = date(2026, 3, 1)
BUDGET_MS = 20_000  # the server reads each row by FHIRPath, in one thread: a fast answer is not its point
LISTED = "patient-view/untreated-oud-icd10"
# Calls whose story is a list that the EHR could not send. Read from the server all is whole, so the cards are those of
# the person's record.
HEALED = {
    "order-sign/naltrexone-medications-not-read",
    "order-sign/oxycodone-lists-not-read",
    "patient-view/html-error-page",
    "patient-view/lists-not-read",
}
# Stories that this server cannot tell, and why.
CANNOT = {
    "patient-view/another-persons-row": "a search by patient gives no row of another patient",
}
ANOTHER = "on-methadone-program"  # is held beside each person: the search has something to leave out


@dataclass(frozen=True, slots=True)
class Sides:
    """The two servers: `url` of ours, and theirs."""

    url: str
    theirs: Medplum

    def answer(self, fixture: Fixture, **changes: Any) -> tuple[int, Json]:
        """Send the call of a fixture with `changes`; one that is None is left out."""
        service = next(each.id for each in SERVICES.values() if each.hook == fixture.hook)
        sent = {key: value for key, value in {**fixture.on(TODAY), **changes}.items() if value is not None}
        came = requests.post(f"{self.url}/cds-services/{service}", json=sent, timeout=60)
        return came.status_code, came.json()

    def hold(self, fixture: Fixture) -> list[Json]:
        """Have the server hold the person of the call, and another one; gives the resources of the person."""
        person = record(person_of(fixture))
        self.theirs.hold([*person, *record(ANOTHER if person_of(fixture) != ANOTHER else "opioid-free")])
        return person


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    folder = tmp_path_factory.mktemp("foreign")
    try:
        with running() as theirs:
            print("\n", versions())
            servers = f"[{theirs.whole}, {theirs.paged}, {theirs.cut}]"
            file = folder / "clients.yaml"
            file.write_text(f"clients:\n  anonymous:\n    fhir_servers: {servers}\n    budget_ms: {BUDGET_MS}\n")
            settings = {"CDS_AUTH": "off", "CDS_CLIENTS": str(file), "CDS_TODAY": TODAY.isoformat()}
            with serving(folder, settings) as url:
                yield Sides(url, theirs)
    except NotHere as why:
        pytest.skip(str(why))


@cache
def record(story: str) -> list[Json]:
    """The resources of a person as a server holds them: what it holds itself it refers to by type and id alone."""
    folder = fixtures_folder() / "patients" / story
    written_for = date.fromisoformat(json.loads((folder / "story.json").read_text(encoding="utf-8"))["written_for"])
    text = (folder / "bundle.json").read_text(encoding="utf-8")
    typed = re.sub(r'"https://ehr\.example/fhir/R4/(\w+/[^"/]+)(/_history/\w+)?"', r'"\1"', text)
    bundle = shifted(json.loads(typed), (TODAY - written_for).days)
    return [entry["resource"] for entry in bundle["entry"]]


def person_of(fixture: Fixture) -> str:
    path = Path(fixtures_folder() / "requests" / f"{fixture.name}.json")
    return str(json.loads(path.read_text(encoding="utf-8"))["patient"])


def leave(base: str, token: str = TOKEN) -> Json:
    """What a call says so that the server at `base` may be read."""
    authorization = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "s"}
    return {"fhirServer": base, "fhirAuthorization": authorization}


def evaluation(answer: Json) -> Json:
    return dict(answer["extension"][EVALUATION_EXTENSION])


@pytest.mark.parametrize("name", [each for each in names() if each not in HEALED | CANNOT.keys()])
@pytest.mark.parametrize("base", ["whole", "paged"])
def test_without_prefetch_the_answer_is_that_of_full_prefetch(sides: Sides, name: str, base: str) -> None:
    fixture = find(name)
    sides.hold(fixture)
    wanted = sides.answer(fixture)
    assert sides.theirs.asked == []
    assert sides.answer(fixture, prefetch=None, **leave(getattr(sides.theirs, base))) == wanted
    asked = sides.theirs.asked
    assert {(each["authorization"], each["status"]) for each in asked} == {(f"Bearer {TOKEN}", 200)}
    assert any("_offset=" in each["url"] for each in asked) <= (base == "paged")


@pytest.mark.parametrize("name", sorted(HEALED))
def test_what_the_ehr_could_not_send_is_read_from_the_server(sides: Sides, name: str) -> None:
    fixture = find(name)
    sides.hold(fixture)
    alone = sides.answer(fixture)
    status, answer = sides.answer(fixture, **leave(sides.theirs.whole))
    assert alone[0] == 412 or evaluation(alone[1])["unread"]
    assert (status, "unread" in evaluation(answer), "undecided" in evaluation(answer)) == (200, False, False)
    assert (status, answer) == sides.answer(fixture, prefetch=None, **leave(sides.theirs.whole))


def test_only_what_is_missing_is_asked_for(sides: Sides) -> None:
    fixture = find(LISTED)
    sides.hold(fixture)
    wanted = sides.answer(fixture)
    prefetch = {key: value for key, value in fixture.on(TODAY)["prefetch"].items() if key not in ("labs", "patient")}
    assert sides.answer(fixture, prefetch=prefetch, **leave(sides.theirs.whole)) == wanted
    kinds = sorted(each["url"].removeprefix("/fhir/").split("?")[0].split("/")[0] for each in sides.theirs.asked)
    assert kinds == ["Observation", "Patient"]


def test_a_first_page_that_was_sent_is_completed(sides: Sides) -> None:
    fixture = find(LISTED)
    person = sides.hold(fixture)
    wanted = sides.answer(fixture)
    conditions = [each for each in person if each["resourceType"] == "Condition"]
    url = f"{sides.theirs.whole}/Condition?patient={person[0]['id']}&_offset=1"
    first = {
        "resourceType": "Bundle", "type": "searchset", "total": len(conditions),
        "link": [{"relation": "next", "url": url}], "entry": [{"resource": conditions[0]}],
    }  # fmt: skip
    prefetch = {**fixture.on(TODAY)["prefetch"], "conditions": first}
    assert sides.answer(fixture, prefetch=prefetch, **leave(sides.theirs.whole)) == wanted
    assert len(sides.theirs.asked) == 1


def test_rows_that_the_server_leaves_out_are_missed_by_its_total(sides: Sides) -> None:
    """Its own answer to a small _count has no link to the next page, only a total that is larger than what came."""
    fixture = find("patient-view/insomnia-after-withdrawal")
    person = sides.hold(fixture)
    assert len([each for each in person if each["resourceType"] == "Condition"]) > 2
    status, answer = sides.answer(fixture, prefetch=None, **leave(sides.theirs.cut))
    assert (status, [each["details"]["text"] for each in answer["issue"]]) == (
        412,
        ["prefetch.conditions: was not read (further page) and is required"],
    )


def test_a_patient_that_the_server_does_not_know_is_412(sides: Sides) -> None:
    fixture = find(LISTED)
    sides.theirs.hold(record(ANOTHER))
    status, answer = sides.answer(fixture, prefetch=None, **leave(sides.theirs.whole))
    assert (status, [each["expression"] for each in answer["issue"]]) == (412, [["prefetch.patient"]])
    assert {each["status"] for each in sides.theirs.asked if "/Patient/" in each["url"]} == {404}


def test_a_token_that_the_server_refuses_is_412(sides: Sides) -> None:
    fixture = find(LISTED)
    sides.hold(fixture)
    status, answer = sides.answer(fixture, prefetch=None, **leave(sides.theirs.whole, "another-token"))
    assert status == 412
    assert ["prefetch.patient"] in [each["expression"] for each in answer["issue"]]
    assert {(each["authorization"], each["status"]) for each in sides.theirs.asked} == {("Bearer another-token", 401)}


def test_without_a_token_nothing_is_asked(sides: Sides) -> None:
    fixture = find(LISTED)
    sides.hold(fixture)
    changes = {**leave(sides.theirs.whole), "fhirAuthorization": None}
    assert sides.answer(fixture, prefetch=None, **changes)[0] == 412
    assert sides.theirs.asked == []
