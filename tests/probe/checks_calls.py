"""Checks of what the service takes and refuses: prefetch, requests, contexts (3xx, 4xx, 10xx)."""

import gzip
import json
import re
import statistics
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from tests.probe.charts import REQUIRED, TOKENS, Service, bundle, changed, good, lists, outcome, with_lists
from tests.probe.checks_answers import AUTHORIZATION, entries
from tests.probe.judge import NotApplicable, Probe, check, refused, taken, wanted
from tests.probe.wire import Heard

FAST_S = 0.5
HUGE = 500_000_000
WRONG_TYPES: tuple[Any, ...] = (None, 7, True, [], {}, "", " ")
USERS = ("userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId")
Change = Callable[[dict[str, Any]], Any]


# --- 3xx: templates ---------------------------------------------------------------------------------------------------


def templates(probe: Probe) -> list[str]:
    found = [query for each in entries(probe) for query in each.get("prefetch", {}).values()]
    if not found:
        raise NotApplicable("no service asks for prefetch")
    return found


@check(301)
def token_form(probe: Probe) -> str:
    wrong = [each for each in templates(probe) if re.search(r"[{}]", re.sub(r"\{\{[^{}]+\}\}", "", each))]
    wanted(not wrong, f"braces that are no token: {wrong[:2]}")
    return f"{len(templates(probe))} templates"


@check(302, 303, 304, 305, 307)
def token_names(probe: Probe) -> str:
    known = {*(f"context.{each}" for each in TOKENS), *USERS}
    used = {name.strip() for each in templates(probe) for name in re.findall(r"\{\{([^{}]+)\}\}", each)}
    wanted(used <= known, f"tokens that not every client knows: {sorted(used - known)}")
    return f"tokens {', '.join(sorted(used))}"


@check(306)
def query_restrictions(probe: Probe) -> str:
    wrong = []
    for each in templates(probe):
        for name, value in parse_qsl(each.partition("?")[2], keep_blank_values=True):
            bare, _, modifier = name.partition(":")
            if modifier not in ("", "in") or bare in ("_include", "_revinclude", "_has") or "." in bare:
                wrong.append(f"{name}={value}")
    wanted(not wrong, f"queries that not every server answers: {wrong[:3]}")
    return f"{len(templates(probe))} templates"


# --- 3xx: what was read, and what was not -----------------------------------------------------------------------------


def told(heard: Heard) -> Any:
    """What an answer says, without the names of cards: they follow from the call."""
    return heard.status, json.dumps(heard.value, sort_keys=True)


def answers_to(probe: Probe, service: Service, values: list[Any]) -> list[Any]:
    """The answers to one call with each value for every search."""
    body = good(service, full=False)
    return [told(probe.wire.post(service.path, with_lists(service, body, value))) for value in values]


def with_searches(probe: Probe) -> list[Service]:
    found = [each for each in probe.services if lists(each)]
    if not found:
        raise NotApplicable("no service asks for a search")
    return found


@check(310)
def absent_is_not_empty(probe: Probe) -> str:
    for service in with_searches(probe):
        null, empty, bare, absent = answers_to(probe, service, [None, bundle(), {"resourceType": "Bundle"}, ...])
        wanted(null[0] == 200, f"{service.id} with null for every search: {null[0]}")
        wanted(null == empty == bare, f"{service.id}: null and an empty Bundle are answered differently")
        wanted(absent != null, f"{service.id}: a key left out is answered as if nothing were on record")
    return "null = empty Bundle = known to be none; a key left out is answered otherwise"


@check(311)
def outcomes_are_not_empty(probe: Probe) -> str:
    failed = outcome("error")
    inside = bundle(failed)
    nothing = bundle(total=0, entry=[{"resource": outcome("warning"), "search": {"mode": "outcome"}}])
    for service in with_searches(probe):
        null, alone, among, warned = answers_to(probe, service, [None, failed, inside, nothing])
        wanted(alone != null, f"{service.id}: an OperationOutcome is answered as none on record")
        wanted(among != null, f"{service.id}: an OperationOutcome in a Bundle is answered as none on record")
        wanted(max(alone[0], among[0], warned[0]) < 500, f"{service.id}: {alone[0]}, {among[0]}, {warned[0]}")
    return "an OperationOutcome of severity error, alone and in a Bundle, is not taken for none on record"


@check(312)
def a_page_is_not_the_whole(probe: Probe) -> str:
    page = bundle(link=[{"relation": "next", "url": "https://ehr.example.org/next"}])
    for service in with_searches(probe):
        null, first = answers_to(probe, service, [None, page])
        wanted(first != null, f"{service.id}: the first page of several is answered as the whole list")
    return "a Bundle with a next page is not taken for the whole list"


@check(314, 504)
def needed_data_is_missing(probe: Probe) -> str:
    for service in probe.services:
        for change in (lambda body: body.pop("prefetch"), lambda body: body["prefetch"].clear()):
            heard = probe.wire.post(service.path, changed(good(service), change))
            refused(heard, f"{service.id} without prefetch and FHIR server", 412)
    return f"412 without prefetch at {len(probe.services)} services"


# --- 4xx --------------------------------------------------------------------------------------------------------------


def each_refused(probe: Probe, changes: dict[str, Change], *statuses: int) -> str:
    for service in probe.services:
        for what, change in changes.items():
            refused(probe.wire.post(service.path, changed(good(service), change)), f"{service.id}: {what}", *statuses)
    return f"{', '.join(changes)}: refused at {len(probe.services)} services"


def each_taken(probe: Probe, changes: dict[str, Change]) -> str:
    for service in probe.services:
        for what, change in changes.items():
            taken(probe.wire.post(service.path, changed(good(service), change)), f"{service.id}: {what}")
    return f"{', '.join(changes)}: taken at {len(probe.services)} services"


def members(name: str, *values: Any) -> dict[str, Change]:
    """A top member left out, and set to each value."""
    found: dict[str, Change] = {f"no {name}": lambda body: body.pop(name)}
    for value in values:
        found[f"{name} {json.dumps(value)}"] = lambda body, value=value: body.update({name: value})
    return found


def authorized(**changes: Any) -> Change:
    """A call with a token; a change to Ellipsis leaves a member out."""
    whole = {name: value for name, value in {**AUTHORIZATION, **changes}.items() if value is not ...}
    return lambda body: body.update(fhirServer="https://ehr.example.org/fhir", fhirAuthorization=whole)


def labelled(name: str, value: Any) -> str:
    return f"no {name}" if value is ... else f"{name} {json.dumps(value)}"


@check(401)
def post_is_answered(probe: Probe) -> str:
    return each_taken(probe, {"a complete call": lambda body: None})


@check(402)
def hook_is_needed(probe: Probe) -> str:
    return each_refused(probe, members("hook", *WRONG_TYPES, "no-such-hook"))


@check(403)
def hook_instance_is_needed(probe: Probe) -> str:
    version_1 = {"a version-1 UUID": lambda body: body.update(hookInstance=str(uuid.uuid1()))}
    said = each_taken(probe, version_1)
    return f"{each_refused(probe, members('hookInstance', *WRONG_TYPES, '12345'))}; {said}"


@check(404)
def server_goes_with_the_token(probe: Probe) -> str:
    return each_refused(
        probe,
        {
            "a token without fhirServer": lambda body: body.update(fhirAuthorization=AUTHORIZATION),
            "fhirServer 7": lambda body: body.update(fhirServer=7),
            "fhirServer without scheme": lambda body: body.update(fhirServer="ehr.example.org"),
        },
    )


@check(405, 411)
def token_is_optional(probe: Probe) -> str:
    return each_taken(
        probe,
        {"fhirAuthorization": authorized(), "with its patient": authorized(patient="probe-1"), "none": lambda _: None},
    )


@check(406)
def access_token(probe: Probe) -> str:
    return each_refused(
        probe, {labelled("access_token", value): authorized(access_token=value) for value in (..., None, 7)}
    )


@check(407)
def token_type(probe: Probe) -> str:
    return each_refused(
        probe, {labelled("token_type", value): authorized(token_type=value) for value in (..., None, "Basic")}
    )


@check(408)
def expires_in(probe: Probe) -> str:
    return each_refused(
        probe, {labelled("expires_in", value): authorized(expires_in=value) for value in (..., None, "300")}
    )


@check(409)
def scope(probe: Probe) -> str:
    said = each_taken(probe, {"free-form scopes": authorized(scope="PATIENT.READ ORDER.SEARCH")})
    return (
        each_refused(probe, {labelled("scope", value): authorized(scope=value) for value in (..., None, 7)})
        + "; "
        + said
    )


@check(410)
def subject(probe: Probe) -> str:
    return each_refused(probe, {labelled("subject", value): authorized(subject=value) for value in (..., None, 7)})


@check(412)
def context_is_needed(probe: Probe) -> str:
    return each_refused(probe, members("context", None, 7, [], "text"))


@check(413)
def prefetch_is_optional(probe: Probe) -> str:
    said = each_refused(
        probe, {labelled("prefetch", value): lambda body, v=value: body.update(prefetch=v) for value in (7, [], "a")}
    )
    for service in probe.services:
        heard = probe.wire.post(service.path, changed(good(service), lambda body: body.pop("prefetch")))
        wanted(heard.status in (200, 412), f"{service.id} without prefetch: {heard.status}")
    return f"none: answered; {said}"


@check(414)
def extensions_do_no_harm(probe: Probe) -> str:
    values: tuple[Any, ...] = ({"org.example.probe": {"a": [1]}}, {}, [], None, "text")
    changes = {f"extension {json.dumps(each)}": lambda body, v=each: body.update(extension=v) for each in values}
    return each_taken(probe, changes)


@check(415)
def access_token_is_not_told(probe: Probe) -> str:
    heard = [each for each in probe.wire.heard if AUTHORIZATION["access_token"] in each.text]
    wanted(not heard, f"the access token is in {len(heard)} answers")
    return f"in none of {len(probe.wire.heard)} answers; where else it goes cannot be seen from here"


@check(418)
def fast(probe: Probe) -> str:
    took = [probe.wire.post(each.path, good(each)).seconds for each in probe.services for _ in range(10)]
    middle, worst = statistics.median(took), max(took)
    wanted(middle < FAST_S, f"half of {len(took)} calls took longer than {middle * 1000:.0f} ms")
    return f"{len(took)} calls: median {middle * 1000:.0f} ms, slowest {worst * 1000:.0f} ms"


@check(419)
def malformed_is_4xx(probe: Probe) -> str:
    service = probe.services[0]
    whole = json.dumps(good(service)).encode()
    bodies = {
        "nothing": b"",
        "no JSON": b"hook=patient-view",
        "half of it": whole[: len(whole) // 2],
        "an array": b"[]",
        "null": b"null",
        "text": b'"text"',
        "a comma too much": whole[:-1] + b",}",
        "NaN": whole[:-1] + b', "x": NaN}',
        "no UTF-8": whole[:-1] + b', "x": "\xff"}',
        "UTF-16": whole.decode().encode("utf-16"),
        "100,000 levels": whole[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "text behind it": whole + b"x",
    }
    for what, body in bodies.items():
        refused(probe.wire.send("POST", service.path, body), what, 400)
    refused(
        probe.wire.send("POST", service.path, whole, headers={"Content-Type": "text/plain"}), "text/plain", 400, 415
    )
    packed = {"Content-Encoding": "gzip"}
    refused(probe.wire.send("POST", service.path, gzip.compress(whole), headers=packed), "gzip", 400, 415)
    refused(probe.wire.post("/cds-services/no-such-service", good(service)), "an unknown service", 404)
    for method, path in (
        ("GET", service.path),
        ("PUT", service.path),
        ("DELETE", service.path),
        ("POST", "/cds-services"),
    ):
        refused(probe.wire.send(method, path), f"{method} {path}", 405)
    refused(probe.wire.announce(service.path, HUGE), f"{HUGE} bytes", 413)
    return f"{len(bodies)} broken bodies, wrong media type, gzip, unknown id, wrong methods, too large: each its 4xx"


@check(420)
def order_does_not_matter(probe: Probe) -> str:
    bodies = [(each.path, good(each)) for each in probe.services for _ in range(3)]
    alone = [told(probe.wire.post(*each)) for each in bodies]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda each: told(probe.wire.post(*each)), reversed(bodies)))
    wanted(alone == together[::-1], "calls sent together are answered otherwise than one by one")
    return f"{len(bodies)} calls one by one, then together and in reverse: the same answers"


# --- 10xx -------------------------------------------------------------------------------------------------------------


def context_faults(service: Service) -> Iterator[tuple[str, Change]]:
    for name in REQUIRED[service.hook]:
        yield f"no {name}", lambda body, name=name: body["context"].pop(name)
        for value in (None, 7, [], ""):
            yield f"{name} {json.dumps(value)}", lambda body, n=name, v=value: body["context"].update({n: v})


def context_of(hook: str) -> Callable[[Probe], str]:
    def look(probe: Probe) -> str:
        found = [each for each in probe.services if each.hook == hook]
        if not found:
            raise NotApplicable(f"no service for {hook}")
        for service in found:
            taken(probe.wire.post(service.path, good(service)), f"a complete context of {hook}")
            for what, change in context_faults(service):
                refused(probe.wire.post(service.path, changed(good(service), change)), f"{service.id}: {what}")
        return f"complete: taken; each of {', '.join(REQUIRED[hook])} missing, null and mistyped: refused"

    return look


for _number, _hook in (
    (1001, "patient-view"),
    (1002, "order-select"),
    (1003, "order-sign"),
    (1007, "encounter-discharge"),
):
    check(_number)(context_of(_hook))


@check(1015)
def new_context_fields(probe: Probe) -> str:
    return each_taken(probe, {"a new optional field": lambda body: body["context"].update(newField={"a": 1})})


@check(1016)
def incomplete_orders(probe: Probe) -> str:
    found = [each for each in probe.services if each.hook == "order-select"]
    if not found:
        raise NotApplicable("no service for order-select")

    def bare(body: dict[str, Any]) -> None:
        order = body["context"]["draftOrders"]["entry"][0]["resource"]
        del order["status"], order["intent"], order["medicationCodeableConcept"]

    for service in found:
        taken(probe.wire.post(service.path, changed(good(service), bare)), "an order without drug, status and intent")
    return "an order that is hardly begun is taken"


@check(1020)
def another_patient(probe: Probe) -> str:
    for service in probe.services:
        change: Change = lambda body: body["context"].update(patientId="somebody-else")  # noqa: E731
        refused(probe.wire.post(service.path, changed(good(service), change)), f"{service.id}: another patient's data")
    return "prefetch of another patient than the context names: refused"
