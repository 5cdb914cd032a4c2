"""Reading a FHIR server: what comes is used, what does not is not read, and no call waits longer than its budget."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cds_service.config import Settings
from cds_service.edges.fhir_client.outcomes import OUTCOMES
from cds_service.edges.fhir_client.pages import MOST_BYTES, MOST_PAGES
from cds_service.fhir.prefetch import PREFETCH
from cds_service.protocol import FhirAuthorization, HookCall
from cds_service.wiring import open_fhir, open_service
from tests.http.fhir_world import (
    AMPLE_S,
    ASTHMA,
    BUDGET_S,
    GRACE_S,
    TOKEN,
    World,
    about,
    base_of,
    by_type,
    gives,
    named_in,
    rules_of,
    texts_of,
    unread,
)
from tests.http.key_server import Behaviour, KeyServer, after, body, dripping, key_server, status
from tests.http.small_release import bundle, call, patient


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as held:
        yield held


@pytest.fixture
def world(server: KeyServer) -> Iterator[World]:
    made = World(server)
    yield made
    made.servers.close()


@pytest.fixture
def hasty(server: KeyServer) -> Iterator[World]:
    """One whose budget a test can wait for."""
    made = World(server, budget_s=BUDGET_S)
    yield made
    made.servers.close()


# --- what comes ---------------------------------------------------------------------------------------------------


def test_a_call_without_prefetch_is_answered_from_the_server(server: KeyServer, world: World) -> None:
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(bundle(ASTHMA)))
    code, answer, _ = world.answer(about(server))
    assert (code, rules_of(answer), unread(answer)) == (200, ["adult-note", "asthma-note"], [])
    assert world.ends == {"whole": 2}


def test_the_token_goes_with_every_request_and_nothing_else_does(server: KeyServer, world: World) -> None:
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(bundle()))
    world.answer(about(server))
    assert [(each["Authorization"], each["Accept"]) for each in server.headers] == [
        (f"Bearer {TOKEN}", "application/fhir+json")
    ] * 2


def test_a_cookie_of_one_call_is_not_sent_with_the_next(server: KeyServer, world: World) -> None:
    server.behaviour = body(json.dumps(patient()).encode(), Set_Cookie="session=SENTINEL; Path=/")
    for _ in range(2):
        world.fill(about(server), "patient")
    assert ["Cookie" in each for each in server.headers] == [False, False]


def test_an_id_is_quoted_and_one_that_leads_elsewhere_is_not_asked_for(server: KeyServer, world: World) -> None:
    paths: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        paths.append(handler.path)
        gives(bundle())(handler)

    server.behaviour = answer
    for each in ("e.A_b-9" + "x" * 193, "a&b=c?d#%", "é", ".."):
        sent = about(server, context={"userId": "Practitioner/a", "patientId": each})
        world.fill(sent, "conditions")
    assert paths == [
        f"/fhir/Condition?patient=e.A_b-9{'x' * 193}&_count=500",
        "/fhir/Condition?patient=a%26b%3Dc%3Fd%23%25&_count=500",
        "/fhir/Condition?patient=%C3%A9&_count=500",
    ]
    assert world.ends == {"whole": 3, "url": 1}


def test_what_was_sent_is_not_asked_for_again(server: KeyServer, world: World) -> None:
    server.behaviour = by_type()
    sent = about(server, prefetch={"patient": patient(), "conditions": None})
    assert world.answer(sent)[0] == 200
    assert server.asked == 0


@pytest.mark.parametrize("value", ["<html></html>", {"resourceType": "OperationOutcome", "issue": []}])
def test_what_the_client_could_not_read_itself_is_asked_for(server: KeyServer, world: World, value: Any) -> None:
    server.behaviour = by_type(Condition=gives(bundle(ASTHMA)))
    code, answer, _ = world.answer(about(server, prefetch={"patient": patient(), "conditions": value}))
    assert (code, rules_of(answer)) == (200, ["adult-note", "asthma-note"])


def test_an_operation_outcome_is_handed_on(server: KeyServer, world: World) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(outcome))
    assert world.fill(about(server), "conditions") == {"conditions": outcome}
    code, answer, _ = world.answer(about(server))
    assert (code, unread(answer)) == (200, ["conditions"])


# --- pages --------------------------------------------------------------------------------------------------------


def pages_of(count: int, base: str, link: Callable[[int], str] | None = None, **last: Any) -> Behaviour:
    """Conditions on `count` pages, the asthma on the last; page 1 is the search."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        number = int(handler.path.split("page=")[1]) if "page=" in handler.path else 1
        row = ASTHMA if number == count else {**ASTHMA, "id": f"o{number}", "code": {"coding": [{"code": "x"}]}}
        page = {**bundle(row), "total": count, **(last if number == count else {})}
        if number < count:
            url = link(number + 1) if link else f"{base}?page={number + 1}"
            page["link"] = [{"relation": "self", "url": base}, {"relation": "next", "url": url}]
        gives(page)(handler)

    return answer


def test_pages_are_followed_to_the_last(server: KeyServer, world: World) -> None:
    server.behaviour = pages_of(3, base_of(server))
    sent = about(server, prefetch={"patient": patient()})
    code, answer, _ = world.answer(sent)
    assert (code, rules_of(answer), unread(answer)) == (200, ["adult-note", "asthma-note"], [])
    assert (server.asked, world.ends) == (3, {"whole": 1})


def test_a_first_page_that_was_sent_is_completed(server: KeyServer, world: World) -> None:
    server.behaviour = pages_of(3, base_of(server))
    first = {**bundle({**ASTHMA, "id": "o1", "code": {"text": "x"}}), "total": 3}
    first["link"] = [{"relation": "next", "url": f"{base_of(server)}/?page=2"}]
    code, answer, _ = world.answer(about(server, prefetch={"patient": patient(), "conditions": first}))
    assert (code, rules_of(answer), unread(answer)) == (200, ["adult-note", "asthma-note"], [])
    assert server.asked == 2


def test_pages_that_hold_less_than_the_total_are_a_list_that_was_cut(server: KeyServer, world: World) -> None:
    server.behaviour = pages_of(2, base_of(server), total=5)
    _, answer, _ = world.answer(about(server, prefetch={"patient": patient()}))
    assert unread(answer) == ["conditions"]


@pytest.mark.parametrize(
    "link",
    [
        lambda number: f"http://127.0.0.1:1/fhir?page={number}",
        lambda number: f"http://ehr.example.org/fhir?page={number}",
        lambda number: f"../admin?page={number}",
        lambda number: f"/fhirs?page={number}",
        lambda number: f"/fhir/%2e%2e/admin?page={number}",
        lambda number: f"/fhir/..;/admin?page={number}",
        lambda number: f"/fhir/..%3ba=b/admin?page={number}",
        lambda number: "",
        lambda number: 7,
    ],
    ids=["port", "host", "up", "beside", "hidden", "semicolon", "hidden semicolon", "empty", "number"],
)
def test_a_link_that_leads_elsewhere_is_not_followed(
    server: KeyServer, world: World, link: Callable[[int], str]
) -> None:
    server.behaviour = pages_of(2, base_of(server), link)
    code, answer, _ = world.answer(about(server, prefetch={"patient": patient()}))
    assert (code, rules_of(answer), unread(answer)) == (200, ["adult-note"], ["conditions"])
    assert (server.asked, world.ends) == (1, {"cut": 1})


def test_pages_without_end_stop_at_the_cap_and_the_list_is_cut(server: KeyServer) -> None:
    world = World(server, budget_s=5.0)
    server.behaviour = pages_of(10_000, base_of(server))
    _, answer, _ = world.answer(about(server, prefetch={"patient": patient()}))
    assert (unread(answer), server.asked, world.ends) == (["conditions"], MOST_PAGES, {"cut": 1})
    world.servers.close()


def test_a_page_that_leads_to_itself_is_read_once(server: KeyServer, world: World) -> None:
    server.behaviour = pages_of(9, base_of(server), lambda number: f"{base_of(server)}?page=2")
    _, answer, _ = world.answer(about(server, prefetch={"patient": patient()}))
    assert (unread(answer), server.asked) == (["conditions"], 2)


def test_pages_that_came_before_the_budget_ended_are_used(server: KeyServer, hasty: World) -> None:
    begin = pages_of(3, base_of(server))

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (after(server.over, status(500)) if "page=2" in handler.path else begin)(handler)

    server.behaviour = answer
    given = hasty.fill(about(server), "conditions")["conditions"]
    assert [each["resource"]["id"] for each in given["entry"]] == ["o1"]
    assert [each["relation"] for each in given["link"]] == ["self", "next"]


# --- what does not come ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "end"),
    [
        (status(401), "status"),
        (status(404), "status"),
        (status(500), "status"),
        (status(302, Location="https://ehr.example.org/"), "redirect"),
        (body(b"<html>SENTINEL</html>"), "not-json"),
        (body(b"null"), "not-fhir"),
        (body(b"[]"), "not-fhir"),
        (body(b"{}"), "not-fhir"),
        (gives(patient()), "not-fhir"),
        (gives({"resourceType": "Bundle", "type": "history"}), "not-fhir"),
        (body(b"[" + b" " * MOST_BYTES + b"]"), "too-large"),
        (lambda handler: handler.connection.close(), "unreachable"),
    ],
    ids=["401", "404", "500", "302", "html", "null", "array", "object", "other", "history", "huge", "closed"],
)
def test_a_list_that_could_not_be_had_is_not_read(
    server: KeyServer, world: World, behaviour: Behaviour, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.behaviour = by_type(Patient=gives(patient(birth_date="2020-01-01")), Condition=behaviour)
    code, answer, took = world.answer(about(server))
    assert (code, named_in(answer)) == (412, ["prefetch.conditions"])
    assert world.ends == {"whole": 1, end: 1}
    assert took < AMPLE_S / 2
    assert "SENTINEL" not in caplog.text


def test_all_lists_together_are_bounded(server: KeyServer) -> None:
    """Each may be large, but what they weigh together must be read, parsed and judged within the call's time."""
    padded = b'{"resourceType": "Bundle", "type": "searchset"' + b" " * (MOST_BYTES - 100) + b"}"
    server.behaviour = body(padded)
    world = World(server, budget_s=20)
    keys = ("conditions", "procedures", "encounters")
    given = world.fill(about(server), *keys)
    assert world.ends == {"whole": 2, "too-large": 1}
    assert len(given) == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, "not sent, and could not be fetched"),
        ({"fhir_server": "http://127.0.0.1:1/other"}, "not sent"),  # nobody tried: not the client's server
        ({"fhirAuthorization": {"access_token": "a b"}}, "not sent"),  # nor without a token
    ],
    ids=["tried", "not listed", "no token"],
)
def test_what_was_tried_in_vain_is_told_as_that_and_what_was_not_tried_as_not_sent(
    server: KeyServer, world: World, change: dict[str, Any], why: str
) -> None:
    """In the card's answer, in a 412 for a list, and in one for the Patient."""
    authorization = {**about(server)["fhirAuthorization"], **change.pop("fhirAuthorization", {})}
    change = {**change, "fhirAuthorization": authorization}
    _, answer, _ = world.answer(about(server, prefetch={"patient": patient()}, **change))
    assert answer["extension"]["org.oud-cds.evaluation"]["unread"] == {"conditions": why}
    _, answer, _ = world.answer(about(server, prefetch={"patient": patient(birth_date="2020-01-01")}, **change))
    assert texts_of(answer) == [f"prefetch.conditions: was not read ({why}) and is required"]
    _, answer, _ = world.answer(about(server, prefetch={"conditions": None}, **change))
    assert texts_of(answer) == [f"prefetch.patient: was {why}; discovery says what to send"]


@pytest.mark.parametrize("how", ["silent", "dripping body", "dripping headers"])
def test_a_server_that_is_too_slow_costs_the_budget_and_no_more(server: KeyServer, hasty: World, how: str) -> None:
    head = b"HTTP/1.1 200 OK\r\n" if how == "dripping headers" else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
    slow = after(server.over, status(500)) if how == "silent" else dripping(head, server.over)
    server.behaviour = by_type(Patient=gives(patient()), Condition=slow)
    code, answer, took = hasty.answer(about(server))
    assert (code, rules_of(answer), unread(answer)) == (200, ["adult-note"], ["conditions"])
    assert BUDGET_S - 0.01 < took < BUDGET_S + GRACE_S


def test_the_budget_of_the_client_goes_before_that_of_the_service(server: KeyServer) -> None:
    world = World(server, budget_s=10.0, client={"budget_ms": 200})
    server.behaviour = after(server.over, status(500))
    code, _, took = world.answer(about(server))
    assert (code, world.ends["whole"]) == (412, 0)
    assert 0.19 < took < 0.2 + GRACE_S
    world.servers.close()


def test_nobody_there_is_told_at_once(server: KeyServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dead = f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
    world = World(server, client={"fhir_servers": (dead,)})
    code, answer, took = world.answer(about(server, fhir_server=dead))
    assert (code, named_in(answer)) == (412, ["prefetch.conditions", "prefetch.patient"])
    assert (world.ends, took < BUDGET_S / 2) == ({"unreachable": 2}, True)
    world.servers.close()


def test_another_patients_data_is_never_used(server: KeyServer, world: World) -> None:
    other = {**ASTHMA, "subject": {"reference": "Patient/other"}}
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(bundle(other)))
    code, answer, _ = world.answer(about(server))
    assert (code, rules_of(answer), unread(answer)) == (200, ["adult-note"], ["conditions"])
    server.behaviour = by_type(Patient=gives({**patient(), "id": "other"}), Condition=gives(bundle(ASTHMA)))
    code, answer, _ = world.answer(about(server))
    assert (code, named_in(answer)) == (412, ["prefetch.patient"])


# --- what is not asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["/other", "/fhir/sub", "/fhir/../fhir", "/fhir?a=b"])
def test_a_server_that_is_not_listed_is_not_called(server: KeyServer, world: World, end: str) -> None:
    url = server.url.replace("/jwks.json", end)
    assert world.answer(about(server, fhir_server=url))[0] == 412
    assert (server.asked, world.ends) == (0, {"not-listed": 2})


def test_a_base_url_is_compared_in_one_form(server: KeyServer, world: World) -> None:
    server.behaviour = gives(bundle())
    assert world.fill(about(server, fhir_server=f"{base_of(server)}/"), "conditions")


@pytest.mark.parametrize("change", [{"access_token": "a\r\nX: b"}, {"access_token": "a b"}, {"expires_in": 0}])
def test_a_token_that_cannot_be_sent_is_not(server: KeyServer, world: World, change: dict[str, Any]) -> None:
    sent = about(server)
    sent["fhirAuthorization"] |= change
    assert world.answer(sent)[0] == 412
    assert (server.asked, world.ends) == (0, {"no-token": 2})


def test_without_a_token_nothing_is_asked(server: KeyServer, world: World) -> None:
    sent = about(server)
    del sent["fhirAuthorization"]
    assert world.answer(sent)[0] == 412
    assert (server.asked, world.ends) == (0, {"no-token": 2})


def test_a_name_that_changes_its_address_is_judged_each_time_and_called_where_it_was_judged(server: KeyServer) -> None:
    """DNS rebinding: what may be called stands at 127.0.0.2, where nobody is; then the name leads to 127.0.0.1."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    named = base_of(server).replace("http://127.0.0.1", "https://ehr.example.org")
    client = {"fhir_servers": (named,), "fhir_private": ("127.0.0.2/32",)}
    world = World(server, client=client, resolve=resolve)
    for end in "unreachable", "address":
        assert world.fill(about(server, fhir_server=named), "conditions") == {}
        assert world.ends.pop(end) == 1
    assert (asked, server.asked, world.ends) == (["ehr.example.org"] * 2, 0, {})
    world.servers.close()


def test_a_name_that_leads_to_a_public_and_a_private_address_is_not_called(server: KeyServer) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("127.0.0.1", "8.8.8.8")]

    named = base_of(server).replace("http://127.0.0.1", "https://ehr.example.org")
    for private, end in ((), "address"), (("127.0.0.0/8",), "tls"):  # 127.0.0.1 is called, and speaks no TLS
        world = World(server, budget_s=5.0, client={"fhir_servers": (named,), "fhir_private": private}, resolve=resolve)
        assert world.fill(about(server, fhir_server=named), "conditions") == {}
        assert world.ends == {end: 1}
        world.servers.close()


def test_a_resolver_that_hangs_holds_nobody_longer_than_the_budget(server: KeyServer) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        server.over.wait(20)
        return []

    world = World(server, budget_s=BUDGET_S, resolve=resolve)
    code, _, took = world.answer(about(server))
    assert (code, world.ends) == (412, {"late": 2})
    assert took < BUDGET_S + GRACE_S
    world.servers.close()


# --- other calls --------------------------------------------------------------------------------------------------


def test_calls_beyond_the_bulkhead_are_answered_at_once(server: KeyServer) -> None:
    world = World(server, threads=3, budget_s=2.0)
    arrived = threading.Semaphore(0)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        arrived.release()
        server.over.wait(20)

    server.behaviour = answer
    waiting = [threading.Thread(target=world.fill, args=(about(server), "conditions")) for _ in range(2)]
    for each in waiting:
        each.start()
    assert all(arrived.acquire(timeout=5) for _ in waiting)
    code, _, took = world.answer(about(server))
    assert (code, world.ends) == (412, {"busy": 2})
    assert took < 0.5
    code, _, took = world.answer(call())
    assert (code, took < 0.5) == (200, True)
    for each in waiting:
        each.join()
    world.servers.close()


def test_a_server_that_fails_is_left_alone_and_tried_again(
    server: KeyServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    server.behaviour = status(503)
    for _ in range(3):
        world.fill(about(server), "conditions")
    assert (server.asked, [each.getMessage() for each in caplog.records]) == (3, ["fhir-server-rests"])
    world.fill(about(server), "conditions")
    assert (server.asked, world.ends["resting"]) == (3, 1)
    world.now = 30.0  # the probe fails, and the breaker stays open
    world.fill(about(server), "conditions")
    world.fill(about(server), "conditions")
    assert (server.asked, world.ends["resting"]) == (4, 2)
    server.behaviour = gives(bundle())
    world.now = 60.0
    for _ in range(2):
        assert world.fill(about(server), "conditions") == {"conditions": bundle()}
    assert server.asked == 6


def test_a_server_that_refuses_is_not_left_alone(server: KeyServer, world: World) -> None:
    server.behaviour = status(401)
    for _ in range(5):
        world.fill(about(server), "conditions")
    assert (server.asked, world.ends) == (5, {"status": 5})


@pytest.mark.parametrize(
    "change",
    [
        {"context": {"userId": "Practitioner/a", "patientId": ".."}},
        {"prefetch": {"conditions": {**bundle(), "link": [{"relation": "next", "url": "https://elsewhere.org/"}]}}},
    ],
    ids=["id", "link"],
)
def test_a_call_that_asks_for_nothing_says_nothing_of_the_server(
    server: KeyServer, world: World, change: dict[str, Any]
) -> None:
    server.behaviour = gives(bundle())
    for _ in range(3):
        world.fill(about(server, **change), "conditions")
    assert world.fill(about(server), "conditions") == {"conditions": bundle()}
    assert server.asked == 1


def test_a_call_that_had_hardly_any_time_says_nothing_of_the_server(server: KeyServer, world: World) -> None:
    server.behaviour = after(server.over, status(500))
    hurried = World(server, client={"budget_ms": 50})
    for _ in range(4):
        hurried.fill(about(server), "conditions")
    assert (hurried.ends["resting"], server.asked) == (0, 4)
    hurried.servers.close()


def test_a_probe_that_tells_nothing_leaves_the_server_alone(server: KeyServer, world: World) -> None:
    server.behaviour = status(503)
    for _ in range(3):
        world.fill(about(server), "conditions")
    world.now = 30.0
    world.fill(about(server, context={"userId": "Practitioner/a", "patientId": ".."}), "conditions")
    for _ in range(2):  # the second probe fails
        world.fill(about(server), "conditions")
    assert (server.asked, world.ends["resting"]) == (4, 1)


def test_a_server_whose_name_hangs_takes_no_thread_from_another(server: KeyServer) -> None:
    def resolve(host: str, port: int, **more: Any) -> Any:
        if host == "127.0.0.2":
            server.over.wait(20)
        return socket.getaddrinfo(host, port, **more)

    hangs = base_of(server).replace("127.0.0.1", "127.0.0.2")
    world = World(
        server, threads=2, budget_s=BUDGET_S, client={"fhir_servers": (base_of(server), hangs)}, resolve=resolve
    )
    server.behaviour = lambda handler: gives(patient() if "/Patient/" in handler.path else bundle())(handler)
    world.fill(about(server, fhir_server=hangs), *PREFETCH)
    assert world.ends.pop("late") == len(PREFETCH)
    world.fill(about(server), "patient", "conditions")
    assert world.ends == {"whole": 2}
    world.servers.close()


def test_a_system_without_a_thread_to_give_costs_the_lists_and_not_the_call(
    server: KeyServer, hasty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert hasty.answer(about(server))[0] == 412
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(bundle()))
    assert hasty.answer(about(server))[0] == 200
    assert hasty.ends == {"late": 2, "whole": 2}


def test_a_token_is_not_printed() -> None:
    given = FhirAuthorization(TOKEN, 300, "", "")
    assert TOKEN not in repr(HookCall("patient-view", "", {}, {}, None, given))


# --- wired --------------------------------------------------------------------------------------------------------


def test_the_service_reads_the_servers_of_its_clients_file(server: KeyServer, tmp_path: Path) -> None:
    """With the rules in service: each key that discovery asks for is fetched, no more and no less."""
    server.behaviour = lambda handler: gives(patient() if "/Patient/" in handler.path else bundle())(handler)
    file = tmp_path / "clients.yaml"
    file.write_text(
        f"clients:\n  anonymous:\n    fhir_servers: {base_of(server)}\n    fhir_version: R4\n", encoding="utf-8"
    )
    opened = open_service(Settings(auth="off", clients=file, budget_ms=5000))
    http = opened.app.test_client()
    keys = http.get("/cds-services").get_json()["services"][0]["prefetch"]
    answered = http.post("/cds-services/oud-patient-view", json=about(server))
    assert (answered.status_code, unread(answered.get_json())) == (200, [])
    assert (server.asked, len(keys) > 10) == (len(keys), True)
    assert f'cds_fetches_total{{outcome="whole"}} {len(keys)}.0' in http.get("/metrics").text
    opened.close()


def test_without_servers_in_the_clients_file_nothing_is_opened() -> None:
    assert open_fhir(Settings(auth="off"), lambda outcome: None) is None


def test_connections_are_used_again(server: KeyServer) -> None:
    taken: list[int] = []

    class Kept(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            taken.append(1)
            super().setup()

        def do_GET(self) -> None:
            gives(bundle())(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as kept:
        thread = threading.Thread(target=kept.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        base = f"http://127.0.0.1:{kept.server_port}/fhir"
        world = World(server, client={"fhir_servers": (base,)})
        for _ in range(5):
            assert world.fill(about(server, fhir_server=base), "conditions") == {"conditions": bundle()}
        world.servers.close()
        kept.shutdown()
        thread.join()
    assert len(taken) == 1


def test_a_kept_connection_that_the_server_has_closed_is_no_fault(server: KeyServer) -> None:
    """It may be closed as the next request arrives, which no look at the connection beforehand can tell."""

    class Tired(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        answered = False

        def do_GET(self) -> None:
            if self.answered:
                self.close_connection = True
            else:
                self.answered = True
                gives(bundle())(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Tired) as tired:
        thread = threading.Thread(target=tired.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        base = f"http://127.0.0.1:{tired.server_port}/fhir"
        world = World(server, client={"fhir_servers": (base,)})
        given = [world.fill(about(server, fhir_server=base), "conditions") for _ in range(5)]
        world.servers.close()
        tired.shutdown()
        thread.join()
    assert (given, world.ends) == ([{"conditions": bundle()}] * 5, {"whole": 5})


def test_every_outcome_has_its_entry_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/fhir-access.md").read_text(encoding="utf-8")
    table = page.split("## What is counted")[1]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([a-z-]+)`", "".join(cells))) == sorted(OUTCOMES)
