"""The FHIR version of a client without one: its server is asked, once, and no call waits for it beyond its budget."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cds_service.config import Settings
from cds_service.edges.fhir_client.stated import AGAIN_S, KEPT_S, MOST_BYTES, Learnt, Stated
from cds_service.wiring import open_service
from tests.http.fhir_world import AMPLE_S, BUDGET_S, GRACE_S, World, about, base_of, gives, rules_of
from tests.http.key_server import Behaviour, KeyServer, after, body, dripping, key_server, status
from tests.http.small_release import bundle, patient

SENT = {"patient": patient(), "conditions": None}
EMPTY: Behaviour = gives(bundle())


class Server:
    """A FHIR server that states a version; a class because tests change what it does and read what it was asked.

    asked: path and query of each request, on arrival. metadata: what it does when asked for its version.
    """

    def __init__(self, held: KeyServer) -> None:
        self.held = held
        self.metadata: Behaviour = status(404)
        self.others: Behaviour = EMPTY
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        held.behaviour = self._answer

    def states(self, named: Any) -> None:
        self.metadata = gives({"resourceType": "CapabilityStatement", "fhirVersion": named})

    def asked(self, kind: str) -> list[str]:
        return [each for each in self.paths if each.split("?")[0] == kind]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.removeprefix("/fhir/")
        self.paths.append(path)
        if path.startswith("metadata"):
            self.tokens.append(handler.headers.get("Authorization"))
            self.metadata(handler)
        elif path.startswith("Patient/"):
            gives(patient())(handler)
        else:
            self.others(handler)


@pytest.fixture
def held() -> Iterator[KeyServer]:
    with key_server() as served:
        yield served


@pytest.fixture
def server(held: KeyServer) -> Server:
    return Server(held)


@pytest.fixture
def world(held: KeyServer) -> Iterator[World]:
    made = world_of(held)
    yield made
    made.servers.close()


@pytest.fixture
def hasty(held: KeyServer) -> Iterator[World]:
    """One whose budget a test can wait for."""
    made = world_of(held, budget_s=BUDGET_S)
    yield made
    made.servers.close()


def world_of(held: KeyServer, **more: Any) -> World:
    return World(held, **{**more, "client": {"fhir_version": "", **more.pop("client", {})}})


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within two seconds: for what is done beside calls."""
    until = time.monotonic() + 2
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


# --- learnt -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("named", "wanted"), [("3.0.2", "STU3"), ("4.0.1", "R4"), ("4.3.0", "R4"), ("5.0.0", "R5")])
def test_the_first_call_that_fetches_learns_the_version_and_the_server_is_asked_once(
    held: KeyServer, server: Server, world: World, named: str, wanted: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "cds_service")
    server.states(named)
    for _ in range(3):
        filled = world.filled(about(held), "patient", "conditions")
        assert (filled.version, filled.values.keys(), filled.failed) == (wanted, {"patient", "conditions"}, frozenset())
    assert server.asked("metadata") == ["metadata?_summary=true"]
    (line,) = caplog.records
    assert (line.getMessage(), line.__dict__["server"]) == ("fhir-server-version", base_of(held))
    assert (line.__dict__["fhir_version"], line.__dict__["why"]) == (wanted, "")


def test_no_token_goes_with_the_question(held: KeyServer, server: Server, world: World) -> None:
    server.states("5.0.0")
    assert world.filled(about(held), "conditions").version == "R5"
    assert server.tokens == [None]


def test_a_call_that_lacks_nothing_does_not_wait_and_the_next_one_knows(
    held: KeyServer, server: Server, world: World
) -> None:
    go = threading.Event()
    server.states("5.0.0")
    server.metadata = after(go, server.metadata)
    sent = about(held, prefetch=SENT)
    began = time.monotonic()
    first = world.filled(sent, *SENT)
    assert (first.version, first.values, time.monotonic() - began < AMPLE_S / 2) == ("", {}, True)
    assert world.filled(sent, *SENT).version == ""
    go.set()
    assert eventually(lambda: world.filled(sent, *SENT).version == "R5")
    assert server.paths == ["metadata?_summary=true"]


def test_a_call_beside_the_one_that_asks_does_not_wait(held: KeyServer, server: Server) -> None:
    world = world_of(held)
    go, arrived = threading.Event(), threading.Event()
    server.states("5.0.0")
    states = server.metadata

    def slow(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        after(go, states)(handler)

    server.metadata = slow
    told: list[str] = []
    first = threading.Thread(target=lambda: told.append(world.filled(about(held), "conditions").version))
    first.start()
    assert arrived.wait(5)
    beside = world.filled(about(held), "conditions")
    assert (beside.version, list(beside.values)) == ("", ["conditions"])
    go.set()
    first.join()
    assert (told, len(server.asked("metadata"))) == (["R5"], 1)
    world.servers.close()


# --- and used -----------------------------------------------------------------------------------------------------


def test_lists_are_asked_for_in_the_words_of_the_version_in_the_very_call_that_learns_it(
    held: KeyServer, server: Server, world: World
) -> None:
    server.states("3.0.1")
    order = {"resourceType": "ProcedureRequest", "id": "1", "subject": {"reference": "Patient/example-1"}}

    def orders(handler: BaseHTTPRequestHandler) -> None:
        (gives(bundle(order)) if "/ProcedureRequest" in handler.path else status(404))(handler)

    server.others = orders
    for _ in range(2):
        filled = world.filled(about(held), "serviceRequests")
        assert (filled.values, filled.failed) == ({"serviceRequests": bundle(order)}, frozenset())
    assert len(server.asked("ProcedureRequest")) == 2
    assert len(server.asked("ServiceRequest")) <= 1  # the first call may ask in R4's words before it knows
    assert world.ends == {"whole": 2}


@pytest.mark.parametrize("slow", ["first", "second"])
def test_what_was_asked_in_the_wrong_words_never_takes_the_place_of_what_was_asked_in_the_right(
    held: KeyServer, server: Server, slow: str
) -> None:
    world = world_of(held)
    server.states("5.0.0")
    right, wrong = threading.Event(), threading.Event()
    states = server.metadata
    server.metadata = after(wrong, states) if slow == "second" else states

    def doses(handler: BaseHTTPRequestHandler) -> None:
        if "/Condition" in handler.path:  # the call is still under way when both have come
            right.wait(AMPLE_S)
            wrong.wait(AMPLE_S / 5)  # not asked at all if the version was known before its turn came
            time.sleep(0.1)
            EMPTY(handler)
        elif "_sort=-date" in handler.path:
            gives(bundle({"resourceType": "MedicationAdministration", "id": "right"}))(handler)
            right.set()
        else:
            if slow == "first":
                right.wait(AMPLE_S)
                time.sleep(0.05)
            gives(bundle({"resourceType": "MedicationAdministration", "id": "wrong"}))(handler)
            wrong.set()

    server.others = doses
    filled = world.filled(about(held), "medicationAdministrations", "conditions")
    (entry,) = filled.values["medicationAdministrations"]["entry"]
    assert (entry["resource"]["id"], filled.version, world.ends) == ("right", "R5", {"whole": 2})
    world.servers.close()


@pytest.mark.parametrize(("registered", "sort"), [("R5", "date"), ("R4", "effective-time"), ("STU3", "effective-time")])
def test_a_registered_client_is_fetched_for_in_its_version_and_its_server_not_asked(
    held: KeyServer, server: Server, registered: str, sort: str
) -> None:
    server.states("5.0.0")
    world = world_of(held, client={"fhir_version": registered})
    filled = world.filled(about(held), "medicationAdministrations")
    world.filled(about(held, prefetch=SENT), *SENT)
    time.sleep(0.05)  # what is asked beside a call would come now
    assert (filled.version, list(filled.values)) == ("", ["medicationAdministrations"])
    assert server.paths == [f"MedicationAdministration?patient=example-1&_sort=-{sort}&_count=300"]
    world.servers.close()


def test_suggestions_go_out_in_the_version_that_the_server_states(held: KeyServer, tmp_path: Path) -> None:
    """Through the whole service: a chart without a mark, whose offer is written as the server has it."""
    server = Server(held)
    server.states("5.0.0")
    oud = {"coding": [{"system": "http://snomed.info/sct", "code": "75544000", "display": "Opioid dependence"}]}
    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/example-1"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": oud,
    }

    def lists(handler: BaseHTTPRequestHandler) -> None:
        (gives(bundle(condition)) if "/Condition" in handler.path else EMPTY)(handler)

    server.others = lists
    file = tmp_path / "clients.yaml"
    file.write_text(f"clients:\n  anonymous:\n    fhir_servers: {base_of(held)}\n", encoding="utf-8")
    opened = open_service(Settings(auth="off", clients=file, budget_ms=5000))
    answered = opened.app.test_client().post("/cds-services/oud-patient-view", json=about(held)).get_json()
    orders = [
        action["resource"]
        for card in answered["cards"]
        for suggestion in card.get("suggestions", ())
        for action in suggestion["actions"]
        if action["resource"]["resourceType"] == "ServiceRequest"
    ]
    assert [list(each["code"]) for each in orders] == [["concept"]] * len(orders) != []
    assert len(server.asked("metadata")) == 1
    opened.close()


# --- not learnt ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (status(401), "status"),
        (status(404), "status"),
        (status(500), "status"),
        (body(b"<html>SENTINEL</html>"), "not-json"),
        (body(b"[" + b" " * MOST_BYTES + b"]"), "too-large"),
        (gives({"resourceType": "OperationOutcome"}), "no-statement"),
        (gives({"resourceType": "CapabilityStatement"}), "no-statement"),
        (gives({"resourceType": "CapabilityStatement", "fhirVersion": "6.0.0"}), "other-version"),
        (lambda handler: handler.connection.close(), "unreachable"),
    ],
    ids=["401", "404", "500", "html", "huge", "outcome", "none", "r6", "closed"],
)
def test_a_server_that_does_not_tell_leaves_the_call_to_its_shape(
    held: KeyServer, server: Server, world: World, behaviour: Behaviour, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.metadata = behaviour
    caplog.set_level("INFO", "cds_service")
    code, answer, took = world.answer(about(held))
    assert (code, rules_of(answer), took < AMPLE_S / 2) == (200, ["adult-note"], True)
    world.answer(about(held))
    assert (len(server.asked("metadata")), world.ends) == (1, {"whole": 4})
    (line,) = [each for each in caplog.records if each.getMessage() == "fhir-server-version"]
    assert [line.__dict__[name] for name in ("server", "fhir_version", "why")] == [base_of(held), "", why]
    assert "SENTINEL" not in caplog.text


def test_a_redirect_is_not_followed(held: KeyServer, server: Server, world: World) -> None:
    with key_server() as elsewhere:
        elsewhere.gives({"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"})
        server.metadata = status(302, Location=elsewhere.url)
        assert world.filled(about(held), "conditions").version == ""
        assert elsewhere.asked == 0


def test_an_address_that_may_not_be_called_is_not(
    held: KeyServer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    caplog.set_level("INFO", "cds_service")
    server.states("5.0.0")
    named = base_of(held).replace("http://127.0.0.1", "https://ehr.example.org")
    world = world_of(held, client={"fhir_servers": (named,)}, resolve=resolve)
    assert world.filled(about(held, fhir_server=named), "conditions").version == ""
    (line,) = [each for each in caplog.records if each.getMessage() == "fhir-server-version"]
    assert (line.__dict__["why"], server.paths) == ("address", [])
    world.servers.close()


def test_a_resolver_that_hangs_holds_nobody_longer_than_the_budget(held: KeyServer, server: Server) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        held.over.wait(20)
        return []

    world = world_of(held, resolve=resolve, budget_s=BUDGET_S)
    for sent, most in (about(held, prefetch=SENT), BUDGET_S / 2), (about(held), BUDGET_S + GRACE_S):
        began = time.monotonic()
        assert world.filled(sent, *SENT).version == ""
        assert time.monotonic() - began < most
    world.servers.close()


@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_a_server_that_is_slow_to_tell_costs_one_call_its_budget_and_no_more(
    held: KeyServer, server: Server, hasty: World, how: str
) -> None:
    drip = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", held.over)
    server.metadata = after(held.over, status(500)) if how == "silent" else drip
    code, answer, took = hasty.answer(about(held))
    assert (code, rules_of(answer), BUDGET_S - 0.01 < took < BUDGET_S + GRACE_S) == (200, ["adult-note"], True)
    code, answer, took = hasty.answer(about(held))
    assert (code, rules_of(answer), took < BUDGET_S / 2) == (200, ["adult-note"], True)
    assert (len(server.asked("metadata")), hasty.ends) == (1, {"whole": 4})


def test_a_second_try_holds_up_no_call(held: KeyServer, server: Server, world: World) -> None:
    server.metadata = status(503)
    world.filled(about(held), "conditions")
    world.now = AGAIN_S
    server.metadata = after(held.over, status(500))
    began = time.monotonic()
    assert list(world.filled(about(held), "conditions").values) == ["conditions"]
    assert time.monotonic() - began < AMPLE_S / 2
    assert eventually(lambda: len(server.asked("metadata")) == 2)


def test_what_came_too_late_for_a_call_is_there_for_the_next(held: KeyServer, server: Server, hasty: World) -> None:
    go = threading.Event()
    server.states("5.0.0")
    server.metadata = after(go, server.metadata)
    assert hasty.filled(about(held), "conditions").version == ""
    go.set()
    assert eventually(lambda: hasty.filled(about(held), "conditions").version == "R5")
    assert len(server.asked("metadata")) == 1


def test_a_server_that_is_not_listed_is_not_asked(held: KeyServer, server: Server, world: World) -> None:
    server.states("5.0.0")
    other = base_of(held).replace("/fhir", "/other")
    for sent in (about(held, fhir_server=other, prefetch=SENT), about(held, fhir_server=other)):
        assert world.filled(sent, *SENT).version == ""
    unnamed = about(held, prefetch=SENT)
    del unnamed["fhirServer"], unnamed["fhirAuthorization"]
    assert world.filled(unnamed, *SENT).version == ""
    assert server.paths == []


def test_a_server_that_rests_is_not_asked(held: KeyServer, server: Server, world: World) -> None:
    server.metadata = server.others = status(503)
    for _ in range(3):
        world.filled(about(held), "conditions")
    assert len(server.asked("metadata")) == 1
    world.now = AGAIN_S
    server.states("5.0.0")
    world.filled(about(held, prefetch=SENT), *SENT)
    time.sleep(0.05)
    assert len(server.asked("metadata")) == 1
    server.others = EMPTY
    world.filled(about(held), "conditions")  # the probe: the server is well again
    assert eventually(lambda: world.filled(about(held, prefetch=SENT), *SENT).version == "R5")


# --- for how long -------------------------------------------------------------------------------------------------


def test_a_version_is_kept_a_day_and_a_failure_a_minute() -> None:
    now = [0.0]
    stated = Stated(lambda: now[0])

    def at(seconds: float) -> tuple[bool, str]:
        now[0] = seconds
        return stated.begin(), stated.version

    assert (stated.untried, at(0), at(0)) == (True, (True, ""), (False, ""))  # one request at a time
    stated.learn(Learnt(why="timeout"))
    assert (stated.untried, at(AGAIN_S - 1), at(AGAIN_S)) == (False, (False, ""), (True, ""))
    stated.learn(Learnt("R5", answered=True))
    assert (at(AGAIN_S + KEPT_S - 1), at(AGAIN_S + KEPT_S)) == ((False, "R5"), (True, "R5"))
    stated.learn(Learnt(why="status"))
    assert at(2 * AGAIN_S + KEPT_S) == (True, "R5")  # it goes on holding until the server states another
    stated.learn(Learnt(why="other-version", answered=True))
    assert stated.version == ""


def test_who_no_longer_waits_is_not_told() -> None:
    told: list[str] = []

    def one() -> None:
        told.append("one")

    for waits in (True, False):
        stated = Stated(lambda: 0.0)
        assert stated.begin(one)
        stated.forget(lambda: None)  # another call's end
        if not waits:
            stated.forget(one)
        stated.learn(Learnt("R4", answered=True))
        assert told == ["one"]
