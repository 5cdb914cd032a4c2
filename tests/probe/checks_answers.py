"""Checks of what the service says: JSON, discovery, answers, extensions, versions (1xx, 2xx, 5xx, 9xx, 11xx)."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from tests.probe.charts import changed, good
from tests.probe.judge import NotApplicable, Probe, check, refused, taken, wanted
from tests.probe.wire import Heard

STANDARD_HOOKS = re.compile(r"[a-z]+(-[a-z]+)+|[a-z]+(\.[a-z0-9-]+)+\.[a-z-]+")
LONG_ID = "eP.r_o-b.e" + "x1" * 70
NEWER_THAN_2 = ("autolaunchable", "actionSelectionBehavior", "hookVersion")


def walk(value: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    """Every member and item inside `value`, with its place."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield f"{way}/{name}", inner
        yield from walk(inner, f"{way}/{name}")


def answers(probe: Probe) -> list[Heard]:
    """Every 200 of a CDS service that was heard."""
    called = {each.path for each in probe.services}
    return [each for each in probe.wire.heard if each.path in called and each.status == 200 and each.method == "POST"]


def cards(probe: Probe) -> list[dict[str, Any]]:
    found = [card for heard in answers(probe) for card in heard.value["cards"]]
    if not found:
        raise NotApplicable("the probe's charts brought no card")
    return found


def parts(probe: Probe, name: str) -> list[dict[str, Any]]:
    """Suggestions, links and so on of every card."""
    found = [each for card in cards(probe) for each in card.get(name, [])]
    if not found:
        raise NotApplicable(f"no card had {name}")
    return found


def actions(probe: Probe) -> list[dict[str, Any]]:
    found = [each for suggestion in parts(probe, "suggestions") for each in suggestion.get("actions", [])]
    if not found:
        raise NotApplicable("no suggestion had actions")
    return found


def all_of(found: list[Any], name: str, holds: Any) -> str:
    wrong = [each for each in found if not holds(each)]
    wanted(not wrong, f"{len(wrong)} of {len(found)} {name} are wrong, such as {str(wrong[:1])[:200]}")
    return f"{len(found)} {name} looked at"


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def url(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("https", "http") and bool(urlsplit(value).netloc)


# --- 1xx -------------------------------------------------------------------------------------------------------------


@check(101)
def everything_is_json(probe: Probe) -> str:
    spoken = [each for each in probe.wire.heard if each.text]
    return all_of(spoken, "answers", lambda each: each.parsed) + f", over {urlsplit(probe.wire.url).scheme}"


@check(102)
def resources_are_fhir_json(probe: Probe) -> str:
    found = [each["resource"] for each in actions(probe) if "resource" in each]
    return all_of(found, "resources", lambda each: isinstance(each, dict) and text(each.get("resourceType")))


@check(103)
def no_comments(probe: Probe) -> str:
    return everything_is_json(probe) + ", by a strict parser"


@check(104)
def nothing_is_null(probe: Probe) -> str:
    found = [(heard.path, way) for heard in probe.wire.heard for way, value in walk(heard.value) if value is None]
    wanted(not found, f"null at {found[:3]}")
    return f"{len(probe.wire.heard)} answers walked through"


@check(105, 106)
def nothing_is_empty(probe: Probe) -> str:
    found = [
        (heard.path, way)
        for heard in probe.wire.heard
        for way, value in walk(heard.value)
        if value in ("", [], {}) and way not in ("/cards", "/services")
    ]
    wanted(not found, f"empty at {found[:3]}")
    return f"{len(probe.wire.heard)} answers walked through"


@check(107)
def unknown_members_are_ignored(probe: Probe) -> str:
    def odd(body: dict[str, Any]) -> None:
        body["newMember"] = {"a": [1]}
        body["context"]["newField"] = "b"
        body["fhirServer"] = "https://ehr.example.org/fhir"
        body["fhirAuthorization"] = {**AUTHORIZATION, "newMember": 1}
        body["prefetch"]["newKey"] = {"resourceType": "Basic"}

    for service in probe.services:
        taken(probe.wire.post(service.path, changed(good(service), odd)), f"{service.id} with unknown members")
    return f"unknown members of request, context, authorization and prefetch at {len(probe.services)} services"


AUTHORIZATION = {
    "access_token": "zqPROBETOKENqz",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.read",
    "subject": "probe-client",
}


@check(108)
def ids_are_opaque(probe: Probe) -> str:
    for service in probe.services:

        def long(body: dict[str, Any]) -> None:
            body["context"].update(patientId=LONG_ID, userId=f"Practitioner/{LONG_ID}")
            if "encounterId" in body["context"]:
                body["context"]["encounterId"] = LONG_ID
            if isinstance(body["prefetch"].get("patient"), dict):
                body["prefetch"]["patient"]["id"] = LONG_ID

        taken(probe.wire.post(service.path, changed(good(service, full=False), long)), f"{service.id} with long ids")
    return f"ids of {len(LONG_ID)} characters with . _ - at {len(probe.services)} services"


# --- 2xx -------------------------------------------------------------------------------------------------------------


def entries(probe: Probe) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = probe.discovery.value["services"]
    if not found:
        raise NotApplicable("discovery lists no service")
    return found


@check(201)
def discovery_is_there(probe: Probe) -> str:
    for _ in range(3):
        taken(probe.wire.get("/cds-services"), "GET /cds-services")
    return "three GETs, three answers"


@check(202)
def discovery_is_a_list(probe: Probe) -> str:
    return f"200 with {len(probe.discovery.value['services'])} services"


@check(203)
def no_services(probe: Probe) -> str:
    entries(probe)
    raise NotApplicable("there are services")


@check(204)
def hooks(probe: Probe) -> str:
    return all_of(entries(probe), "hooks", lambda each: text(each.get("hook")))


@check(205)
def titles(probe: Probe) -> str:
    return all_of(entries(probe), "titles", lambda each: text(each.get("title")))


@check(206)
def descriptions(probe: Probe) -> str:
    return all_of(entries(probe), "descriptions", lambda each: text(each.get("description")))


@check(207)
def service_ids(probe: Probe) -> str:
    return all_of(entries(probe), "ids", lambda each: text(each.get("id")) and quote(each["id"], safe="") == each["id"])


@check(208)
def prefetch(probe: Probe) -> str:
    found = [each["prefetch"] for each in entries(probe) if "prefetch" in each]
    return all_of(found, "prefetches", lambda each: isinstance(each, dict) and all(map(text, each.values())))


@check(209)
def usage_requirements(probe: Probe) -> str:
    found = [each["usageRequirements"] for each in entries(probe) if "usageRequirements" in each]
    return all_of(found, "usageRequirements", text)


@check(210)
def version(probe: Probe) -> str:
    return all_of(entries(probe), "versions", lambda each: re.fullmatch(r"\d+\.\d+(\.\d+)?", each.get("version", "")))


@check(211)
def hook_version(probe: Probe) -> str:
    found = [each["hookVersion"] for each in entries(probe) if "hookVersion" in each]
    if not found:
        raise NotApplicable("no service gives hookVersion")
    return all_of(found, "hookVersions", text)


@check(212)
def one_id_for_several_hooks(probe: Probe) -> str:
    ids = [each["id"] for each in entries(probe)]
    if len(set(ids)) == len(ids):
        raise NotApplicable("each id has one hook")
    return "ids with several hooks: each was called by its hook"


@check(213)
def other_statuses(probe: Probe) -> str:
    refused(probe.wire.get("/cds-services-none"), "an unknown path", 404)
    return "an unknown path is 404"


@check(215)
def service_extensions(probe: Probe) -> str:
    found = [each["extension"] for each in entries(probe) if "extension" in each]
    if not found:
        raise NotApplicable("no service has an extension")
    return all_of(found, "extensions", lambda each: isinstance(each, dict))


# --- 5xx -------------------------------------------------------------------------------------------------------------


@check(501)
def cards_come(probe: Probe) -> str:
    for service in probe.services:
        heard = probe.wire.post(service.path, good(service))
        taken(heard, f"a good call of {service.id}")
        wanted(isinstance(heard.value.get("cards"), list), f"{service.id}: no array of cards")
    return f"{len(probe.services)} services called"


@check(502)
def nothing_to_say(probe: Probe) -> str:
    silent = 0
    for service in probe.services:
        heard = probe.wire.post(service.path, good(service, full=False))
        taken(heard, f"{service.id} with a chart that holds nothing")
        silent += heard.value["cards"] == []
    if not silent:
        raise NotApplicable("each service has a card even for a chart that holds nothing")
    return f"{silent} of {len(probe.services)} services answer 200 with cards: []"


@check(503, 508)
def system_actions(probe: Probe) -> str:
    found = [each.value["systemActions"] for each in answers(probe) if "systemActions" in each.value]
    wanted(not found, f"systemActions in {len(found)} answers, though nothing was agreed on")
    return f"none in {len(answers(probe))} answers"


@check(505, 506)
def errors_are_outcomes(probe: Probe) -> str:
    found = [each for each in probe.wire.heard if each.status >= 400 and each.method not in ("HEAD", "OPTIONS")]
    return all_of(found, "errors", is_outcome)


def is_outcome(heard: Heard) -> bool:
    value = heard.value
    return (
        isinstance(value, dict)
        and value.get("resourceType") == "OperationOutcome"
        and bool(value.get("issue"))
        and all(text(each.get("severity")) and text(each.get("code")) for each in value["issue"])
    )


@check(507)
def media_type(probe: Probe) -> str:
    types = ("application/json", "application/fhir+json")
    found = [each for each in probe.wire.heard if each.text]
    return all_of(found, "answers", lambda each: each.headers.get("Content-Type", "").split(";")[0] in types)


@check(509)
def extensions_of_answers(probe: Probe) -> str:
    found = [value for each in answers(probe) for way, value in walk(each.value) if way.endswith("/extension")]
    return all_of(found, "extensions", lambda each: isinstance(each, dict | list))


# --- 9xx, 11xx -------------------------------------------------------------------------------------------------------


def extension_objects(probe: Probe) -> list[Any]:
    """Every `extension` that is of CDS Hooks and not of a FHIR resource."""
    found = [
        value
        for heard in [probe.discovery, *answers(probe)]
        for way, value in walk(heard.value)
        if way.endswith("/extension") and "/resource/" not in way
    ]
    if not found:
        raise NotApplicable("no extension was heard")
    return found


@check(901)
def extensions_are_objects(probe: Probe) -> str:
    return all_of(extension_objects(probe), "extensions", lambda each: isinstance(each, dict))


@check(902)
def extension_names(probe: Probe) -> str:
    return all_of(extension_objects(probe), "extensions", lambda each: all("." in name for name in each))


@check(624, 644)
def newer_members(probe: Probe) -> str:
    found = [way for heard in answers(probe) for way, _ in walk(heard.value) if way.split("/")[-1] in NEWER_THAN_2]
    wanted(not found, f"members of 3.0 that a client may not know: {found[:3]}")
    return f"none in {len(answers(probe))} answers"


@check(1014)
def hook_names(probe: Probe) -> str:
    return all_of(entries(probe), "hooks", lambda each: STANDARD_HOOKS.fullmatch(each["hook"]))


@check(1104)
def speaks_2(probe: Probe) -> str:
    found = [each.get("version", "") for each in entries(probe)]
    wanted(set(found) <= {"2.0", "2.0.1"}, f"versions {found}")
    return f"version {found[0]}; {newer_members(probe)}"
