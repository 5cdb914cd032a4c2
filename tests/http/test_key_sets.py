"""Key sets from a real server and real files: kept, renewed, rotated, used on during an outage."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.clients.client import Client
from cds_service.edges.key_sets import MOST_BYTES, KeySets, Times
from cds_service.edges.outbound import fetch_json
from cds_service.trust.keys import PublicKey
from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import Token
from tests.http.key_server import Behaviour, KeyServer, after, body, dripping, key_server, status
from tests.unit.tokens import EC_KEY, OTHER_EC_KEY, RSA_KEY, jwk

FIRST, SECOND = jwk(EC_KEY, "first"), jwk(OTHER_EC_KEY, "second")
WAIT_S = 0.5


class Clock:
    """A clock that a test moves, and that runs on by itself, for waiting needs it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as held:
        held.gives({"keys": [FIRST]})
        yield held


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failed() -> list[str]:
    return []


@pytest.fixture
def sets(clock: Clock, failed: list[str]) -> KeySets:
    return KeySets(
        lambda url: fetch_json(url, deadline_s=WAIT_S, max_bytes=MOST_BYTES),
        monotonic=clock,
        times=Times(wait=WAIT_S),
        failed=failed.append,
    )


def token(kid: str, jku: str | None = None, alg: str = "ES384") -> Token:
    return Token("", alg, kid, jku, "", {})


def client_of(server: KeyServer, keys: Path | None = None) -> Client:
    return Client("ehr", jku=(server.url,), keys=keys)


def x_of(key: PublicKey) -> str:
    return str(key.as_dict(private=False)["x"])


def reason(sets: KeySets, client: Client, asked: Token) -> Reason:
    with pytest.raises(Refused) as caught:
        sets.key_of(client, asked)
    return caught.value.reason


def settled() -> None:
    """Wait for readings in the background to end."""
    for each in threading.enumerate():
        if each.name == "key-set":
            each.join(10)
            assert not each.is_alive()


# --- URLs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
def test_a_set_is_fetched_once_and_kept(sets: KeySets, server: KeyServer, named: bool) -> None:
    for _ in range(5):
        key = sets.key_of(client_of(server), token("first", server.url if named else None))
    assert x_of(key) == FIRST["x"]
    assert server.asked == 1


def test_a_new_key_is_found_by_reading_anew_at_once(sets: KeySets, server: KeyServer, clock: Clock) -> None:
    sets.key_of(client_of(server), token("first"))
    server.gives({"keys": [FIRST, SECOND]})
    clock.ahead = 61
    assert x_of(sets.key_of(client_of(server), token("second"))) == SECOND["x"]
    assert server.asked == 2


def test_made_up_key_ids_read_anew_at_most_once_a_minute(sets: KeySets, server: KeyServer, clock: Clock) -> None:
    client = client_of(server)
    for number in range(20):
        assert reason(sets, client, token(f"made-up-{number}")) is Reason.KEY_UNKNOWN
    assert server.asked == 1
    clock.ahead = 59
    assert reason(sets, client, token("made-up")) is Reason.KEY_UNKNOWN
    assert server.asked == 1
    clock.ahead = 60.5
    for number in range(20):
        assert reason(sets, client, token(f"made-up-{number}")) is Reason.KEY_UNKNOWN
    assert server.asked == 2


def test_an_old_set_is_renewed_in_the_background(sets: KeySets, server: KeyServer, clock: Clock) -> None:
    client = client_of(server)
    sets.key_of(client, token("first"))
    release = threading.Event()
    server.behaviour = after(release, body(json.dumps({"keys": [SECOND]}).encode()))
    clock.ahead = 601
    sets.key_of(client, token("first"))  # answered although the server is silent
    release.set()
    settled()
    assert server.asked == 2
    assert x_of(sets.key_of(client, token("second"))) == SECOND["x"]
    assert reason(sets, client, token("first")) is Reason.KEY_UNKNOWN  # withdrawn


@pytest.mark.parametrize(("header", "age"), [("max-age=1", 60), ("max-age=900", 900), ("max-age=999999", 3600)])
def test_the_servers_own_time_counts_within_bounds(
    sets: KeySets, server: KeyServer, clock: Clock, header: str, age: int
) -> None:
    server.gives({"keys": [FIRST]}, Cache_Control=header)
    sets.key_of(client_of(server), token("first"))
    clock.ahead = age - 5
    sets.key_of(client_of(server), token("first"))
    settled()
    assert server.asked == 1
    clock.ahead = age + 1
    sets.key_of(client_of(server), token("first"))
    settled()
    assert server.asked == 2


OUTAGES: dict[str, Behaviour] = {
    "status 500": status(500),
    "redirect": status(301, Location="http://127.0.0.1:1/"),
    "garbage": body(b"<html>"),
    "no set": body(b'{"error": "down"}'),
    "too large": body(b'{"keys": [' + b" " * MOST_BYTES + b"]}"),
    "hung up": lambda handler: handler.connection.close(),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
def test_a_set_is_used_on_for_a_day_while_its_url_is_down(
    sets: KeySets, server: KeyServer, clock: Clock, failed: list[str], outage: Behaviour
) -> None:
    client = client_of(server)
    sets.key_of(client, token("first"))
    server.behaviour = outage
    for ahead in (700, 3600, 23 * 3600):
        clock.ahead = ahead
        assert x_of(sets.key_of(client, token("first"))) == FIRST["x"]
        settled()
    assert (server.asked, failed) == (4, [server.url] * 3)
    clock.ahead = 24 * 3600 + 5
    assert reason(sets, client, token("first")) is Reason.KEYS_UNAVAILABLE
    server.gives({"keys": [FIRST]})
    clock.ahead += 61
    assert x_of(sets.key_of(client, token("first"))) == FIRST["x"]


def test_a_set_that_was_never_read_is_tried_every_ten_seconds(sets: KeySets, server: KeyServer, clock: Clock) -> None:
    server.behaviour = status(503)
    for ahead, asked in ((0, 1), (0, 1), (9, 1), (11, 2), (12, 2), (22, 3)):
        clock.ahead = ahead
        assert reason(sets, client_of(server), token("first")) is Reason.KEYS_UNAVAILABLE
        assert server.asked == asked
    server.gives({"keys": [FIRST]})
    clock.ahead = 33
    sets.key_of(client_of(server), token("first"))


def test_a_dripping_server_holds_a_call_no_longer_than_the_wait(sets: KeySets, server: KeyServer) -> None:
    server.behaviour = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", server.over)
    began = time.monotonic()
    assert reason(sets, client_of(server), token("first")) is Reason.KEYS_UNAVAILABLE
    assert time.monotonic() - began < WAIT_S + 1
    settled()


def test_many_calls_wait_for_one_fetch(sets: KeySets, server: KeyServer) -> None:
    client, asked, found = client_of(server), threading.Event(), []
    release = threading.Event()
    answer = after(release, body(json.dumps({"keys": [FIRST]}).encode()))

    def behave(handler: object) -> None:
        asked.set()
        answer(handler)  # type: ignore[arg-type]

    server.behaviour = behave
    slow = KeySets(lambda url: fetch_json(url, deadline_s=10, max_bytes=MOST_BYTES), times=Times(wait=10), waiting=20)
    threads = [
        threading.Thread(target=lambda: found.append(x_of(slow.key_of(client, token("first"))))) for _ in range(20)
    ]
    for each in threads:
        each.start()
    assert asked.wait(10)
    release.set()
    for each in threads:
        each.join(10)
    assert found == [FIRST["x"]] * 20
    assert server.asked == 1


def test_only_so_many_calls_wait_while_a_url_hangs(server: KeyServer) -> None:
    server.behaviour = after(server.over, status(200))
    sets = KeySets(
        lambda url: fetch_json(url, deadline_s=WAIT_S, max_bytes=MOST_BYTES), times=Times(wait=WAIT_S), waiting=1
    )
    took: list[float] = []

    def call() -> None:
        began = time.monotonic()
        assert reason(sets, client_of(server), token("first")) is Reason.KEYS_UNAVAILABLE
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=call) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(took) == 6
    assert sum(each > WAIT_S / 2 for each in took) == 1
    server.over.set()


def test_several_urls_that_hang_are_waited_for_together(server: KeyServer) -> None:
    server.behaviour = after(server.over, status(200))
    sets = KeySets(lambda url: fetch_json(url, deadline_s=WAIT_S, max_bytes=MOST_BYTES), times=Times(wait=WAIT_S))
    client = Client("ehr", jku=tuple(f"{server.url}?{number}".replace("?", "/") for number in range(3)))
    began = time.monotonic()
    assert reason(sets, client, token("first")) is Reason.KEYS_UNAVAILABLE
    assert time.monotonic() - began < 1.8 * WAIT_S
    server.over.set()


def test_sets_are_begun_to_be_read_before_anybody_calls(sets: KeySets, server: KeyServer) -> None:
    sets.begin([client_of(server)])
    settled()
    assert server.asked == 1
    assert x_of(sets.key_of(client_of(server), token("first"))) == FIRST["x"]
    assert server.asked == 1


def test_a_key_that_was_withdrawn_while_nobody_called_is_not_taken(
    sets: KeySets, server: KeyServer, clock: Clock
) -> None:
    client = client_of(server)
    sets.key_of(client, token("first"))
    server.gives({"keys": [SECOND]})
    clock.ahead = 23 * 3600
    assert reason(sets, client, token("first")) is Reason.KEY_UNKNOWN


def test_a_known_key_does_not_wait_for_a_fetch_that_an_unknown_one_began(
    sets: KeySets, server: KeyServer, clock: Clock
) -> None:
    client = client_of(server)
    sets.key_of(client, token("first"))
    asked = threading.Event()
    silent = after(server.over, status(200))

    def behave(handler: object) -> None:
        asked.set()
        silent(handler)  # type: ignore[arg-type]

    server.behaviour = behave
    clock.ahead = 61
    unknown = threading.Thread(target=lambda: reason(sets, client, token("made-up")))
    unknown.start()
    assert asked.wait(10)
    began = time.monotonic()
    sets.key_of(client, token("first"))
    assert time.monotonic() - began < WAIT_S / 2
    unknown.join(10)
    settled()


def test_good_keys_of_a_bad_set_are_used_and_the_others_logged_by_reason(
    sets: KeySets, server: KeyServer, failed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    private = {**SECOND, "d": "secret-number"}
    symmetric = {"kty": "oct", "kid": "third", "k": "secret-text"}
    server.gives({"keys": [private, FIRST, symmetric, "nonsense"]})
    with caplog.at_level(logging.WARNING, "cds_service"):
        assert x_of(sets.key_of(client_of(server), token("first"))) == FIRST["x"]
        settled()
    assert [(each.message, each.__dict__["keys"]) for each in caplog.records] == [("key-not-used", server.url)] * 3
    assert [(each.__dict__["number"], each.__dict__["why"]) for each in caplog.records] == [
        (1, "is a private key; only public keys are used"),
        (3, "kty is neither EC nor RSA"),
        (4, "is no object"),
    ]
    assert failed == [server.url]
    assert reason(sets, client_of(server), token("second")) is Reason.KEY_UNKNOWN
    assert reason(sets, client_of(server), token("third")) is Reason.KEY_UNKNOWN


def test_a_key_of_the_other_kind_does_not_fit(sets: KeySets, server: KeyServer) -> None:
    server.gives({"keys": [FIRST, jwk(RSA_KEY, "rsa")]})
    assert reason(sets, client_of(server), token("rsa", alg="ES384")) is Reason.KEY_UNFIT
    assert reason(sets, client_of(server), token("first", alg="RS384")) is Reason.KEY_UNFIT
    sets.key_of(client_of(server), token("rsa", alg="RS384"))


def test_a_fault_that_nobody_foresaw_leaves_no_call_waiting() -> None:
    def broken(url: str) -> object:
        raise ZeroDivisionError

    sets = KeySets(broken, times=Times(wait=10))  # type: ignore[arg-type]
    began = time.monotonic()
    client = Client("ehr", jku=("https://ehr.example.org/jwks.json",))
    assert reason(sets, client, token("first")) is Reason.KEYS_UNAVAILABLE
    assert time.monotonic() - began < 5


# --- files ------------------------------------------------------------------------------------------------------


def written(path: Path, *keys: object) -> Path:
    path.write_text(json.dumps({"keys": keys}), encoding="utf-8")
    return path


def test_a_key_comes_from_a_file_too(sets: KeySets, tmp_path: Path) -> None:
    client = Client("ehr", keys=written(tmp_path / "keys.json", FIRST))
    assert x_of(sets.key_of(client, token("first"))) == FIRST["x"]


def test_a_file_is_read_anew_after_a_minute(sets: KeySets, tmp_path: Path, clock: Clock) -> None:
    client = Client("ehr", keys=written(tmp_path / "keys.json", FIRST))
    sets.key_of(client, token("first"))
    written(tmp_path / "keys.json", SECOND)
    clock.ahead = 61
    assert x_of(sets.key_of(client, token("second"))) == SECOND["x"]
    assert reason(sets, client, token("first")) is Reason.KEY_UNKNOWN


@pytest.mark.parametrize("spoil", ["gone", "garbage", "large", "folder"])
def test_a_file_that_cannot_be_read_is_told_and_its_last_keys_used(
    sets: KeySets, tmp_path: Path, clock: Clock, failed: list[str], spoil: str
) -> None:
    path = written(tmp_path / "keys.json", FIRST)
    client = Client("ehr", keys=path)
    sets.key_of(client, token("first"))
    if spoil == "garbage":
        path.write_bytes(b"{")
    elif spoil == "large":
        path.write_bytes(b" " * (MOST_BYTES + 1))
    else:
        os.remove(path)
        if spoil == "folder":
            path.mkdir()
    clock.ahead = 61
    sets.key_of(client, token("first"))
    settled()
    assert failed == [str(path)]


def test_the_set_that_a_token_names_comes_before_the_file(sets: KeySets, server: KeyServer, tmp_path: Path) -> None:
    client = client_of(server, written(tmp_path / "keys.json", {**SECOND, "kid": "first"}, SECOND))
    assert x_of(sets.key_of(client, token("first", server.url))) == FIRST["x"]
    assert x_of(sets.key_of(client, token("first"))) == SECOND["x"]
    assert x_of(sets.key_of(client, token("second", server.url))) == SECOND["x"]


def test_without_a_name_every_set_of_the_client_is_looked_at(sets: KeySets, server: KeyServer, tmp_path: Path) -> None:
    client = client_of(server, written(tmp_path / "keys.json", SECOND))
    assert x_of(sets.key_of(client, token("first"))) == FIRST["x"]
    assert x_of(sets.key_of(client, token("second"))) == SECOND["x"]


def test_a_client_without_keys_has_none(sets: KeySets) -> None:
    assert reason(sets, Client("ehr"), token("first")) is Reason.KEY_UNKNOWN
