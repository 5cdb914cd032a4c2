"""The stories in every FHIR version: the same cards as in R4, and suggestions in the version of the client."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import fhir.resources
import fhir.resources.R4B
import fhir.resources.STU3
import pytest
from pydantic import ValidationError

from cds_service.clients.client import ANONYMOUS
from cds_service.core.card import EVALUATION_EXTENSION
from cds_service.core.fitting import LEFT_OUT
from cds_service.fhir.r4 import READ_AS_ACTIVE
from cds_service.fixtures import find, names
from cds_service.protocol import read_call
from cds_service.services import answer
from tests.fhir_versions.convert import Json, Unsayable, converted, to_r5, to_stu3
from tests.http.fixture_days import rules

CONVERT: dict[str, Callable[[Json], Json]] = {"R4": dict, "R5": to_r5, "STU3": to_stu3}
MODELS: dict[str, Callable[[str], Any]] = {
    "R4": fhir.resources.R4B.get_fhir_model_class,
    "R5": fhir.resources.get_fhir_model_class,
    "STU3": fhir.resources.STU3.get_fhir_model_class,
}
OTHERS = ("R5", "STU3")
# What a version has no element for; the story is not told in it.
UNSAYABLE = {"STU3": {"patient-view/naloxone-declined": "an order not to give a medication"}, "R5": {}}
# Calls that hold nothing which R4 would write otherwise.
WITHOUT_MARK = {
    f"R5-patient-view/{story}"
    for story in (
        "adolescent-fifteen", "adolescent-sixteen", "buprenorphine-allergy", "heroin-test-no-diagnosis", "pregnant",
        "provisional-oud", "released-from-custody", "untreated-after-withdrawal",
    )
}  # fmt: skip
READ_SO = f", {READ_AS_ACTIVE}"  # R5 must say a clinicalStatus
# Stories whose resources break FHIR on purpose (tests/http/test_fixtures.py says which), and so they do converted.
BROKEN = ("long-ids-and-absolute-urls", "stu3-leftovers")


@cache
def request_in(name: str, version: str) -> Json:
    """The request of a fixture in a version."""
    return converted(dict(find(name).request), CONVERT[version])


@cache
def answered(name: str, version: str, registered: str) -> Json:
    """The body of the answer to a fixture in a version; registered: the version of the client's entry."""
    fixture = find(name)
    assert fixture.written_for is not None
    call = read_call(request_in(name, version), fixture.hook)
    client = replace(ANONYMOUS, fhir_version=registered)
    came = answer(call, rules(), fixture.written_for, client=client)
    return {"status": came.status, "cards": [], **came.body, "issues": [str(each) for each in came.issues]}


def told(body: Json, version: str = "") -> list[Any]:
    """What of an answer a clinician reads, and what it says that it could not tell; `version` has no words for less."""
    cards = [(each["summary"], each["indicator"], each["detail"].replace(READ_SO, "")) for each in body["cards"]]
    offered = [
        suggestion["label"]
        for card in body["cards"]
        for suggestion in card.get("suggestions", ())
        if version != "STU3" or not any(_is_declined_drug(each) for each in suggestion["actions"])
    ]
    evaluation = body.get("extension", {}).get(EVALUATION_EXTENSION, {})
    silent = {name: value for name, value in evaluation.items() if name != LEFT_OUT}
    return [body["status"], cards, offered, body["issues"], silent]


def _is_declined_drug(action: Json) -> bool:
    """Whether an action writes down that a drug is not to be given, for which STU3 has no element."""
    resource = action.get("resource", {})
    return resource.get("resourceType") == "MedicationRequest" and "doNotPerform" in resource


def drafts(body: Json) -> Iterator[Json]:
    for card in body["cards"]:
        for suggestion in card.get("suggestions", ()):
            yield from (each["resource"] for each in suggestion["actions"] if "resource" in each)


def resources(value: Any) -> Iterator[Json]:
    """Every resource of a request that is no Bundle; contained ones belong to the resource around them."""
    if isinstance(value, list):
        for each in value:
            yield from resources(each)
    elif isinstance(value, dict):
        if value.get("resourceType") not in (None, "Bundle"):
            yield value
        else:
            yield from resources(list(value.values()))


def faults(resource: Json, version: str) -> list[str]:
    """What the models of a version would refuse in a resource."""
    try:
        MODELS[version](resource["resourceType"]).model_validate(resource)
    except KeyError:
        return [f"{resource['resourceType']} is no type of {version}"]
    except ValidationError as refused:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in refused.errors()]
    return []


def cases(version: str) -> list[str]:
    return [name for name in names() if name not in UNSAYABLE[version]]


CASES = [pytest.param(name, version, id=f"{version}-{name}") for version in OTHERS for name in cases(version)]


@pytest.mark.parametrize(("name", "version"), [each for each in CASES if not each.id.endswith(BROKEN)])
def test_a_converted_call_is_of_its_version(name: str, version: str) -> None:
    request = request_in(name, version)
    found = {each.get("id"): faults(each, version) for each in resources([request["context"], request["prefetch"]])}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize(("name", "version"), CASES)
def test_a_story_gives_the_same_cards_in_every_version(name: str, version: str) -> None:
    was, now = answered(name, "R4", "R4"), answered(name, version, version)
    assert told(now) == told(was, version)


@pytest.mark.parametrize(("name", "version"), CASES)
def test_suggestions_are_written_in_the_version_of_the_client(name: str, version: str) -> None:
    found = list(drafts(answered(name, version, version)))
    assert {each["resourceType"]: faults(each, version) for each in found if faults(each, version)} == {}


@pytest.mark.parametrize(("name", "version"), [each for each in CASES if each.id not in WITHOUT_MARK])
def test_the_shape_of_a_call_tells_its_version(name: str, version: str) -> None:
    assert answered(name, version, "") == answered(name, version, version)


@pytest.mark.parametrize(("name", "version"), [each for each in CASES if each.id in WITHOUT_MARK])
def test_a_call_without_a_mark_is_answered_in_r4(name: str, version: str) -> None:
    body = answered(name, version, "")
    assert told(body) == told(answered(name, version, version))
    assert [fault for each in drafts(body) for fault in faults(each, "R4")] == []


@pytest.mark.parametrize("name", names())
def test_a_call_in_r4_looks_like_one(name: str) -> None:
    assert answered(name, "R4", "") == answered(name, "R4", "R4")


@pytest.mark.parametrize(("name", "version"), [(name, v) for v, found in UNSAYABLE.items() for name in found])
def test_what_is_left_out_of_a_version_cannot_be_said_in_it(name: str, version: str) -> None:
    with pytest.raises(Unsayable, match=UNSAYABLE[version][name]):
        request_in(name, version)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("version", OTHERS)
def test_r4_is_read_whole_by_a_client_of_another_version(name: str, version: str) -> None:
    assert told(answered(name, "R4", version)) == told(answered(name, "R4", "R4"), version)
