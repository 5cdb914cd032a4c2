"""Records under 42 CFR Part 2, in every call of the fixtures: nothing in them is told where they may not be told of.

Calls are sent with all their records labelled, with the Bundles labelled, and with every second record labelled, and a
word that occurs nowhere else planted into what is labelled.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.config import Settings
from cds_service.core.dates import YES
from cds_service.core.engine import decide
from cds_service.core.restricted import REDISCLOSURE_NOTICE, RESTRICTED_RECORD, Part2
from cds_service.fhir.reader import read_chart
from cds_service.fixtures import find, names
from cds_service.services import SERVICES
from cds_service.wiring import open_service, prepare_records
from tests.http.fixture_days import RULES, rules
from tests.http.sentinels import SENTINEL, planted_in

Json = dict[str, Any]
TODAY = date(2026, 3, 1)
SERVICE_OF = {each.hook: each.id for each in SERVICES.values()}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"}
MODES = ("use", "use-no-detail", "ignore")
HOW = ("every record", "every Bundle", "every second record")
EVERY_WAY = 5  # one in so many calls is labelled in every way, the others in the first
_NO_RECORD = (None, "Patient", "Bundle", "OperationOutcome")
_DAY = re.compile(r"\b\d{4}-\d\d(-\d\d)?\b")


def records(request: Json) -> list[Json]:
    """Every resource of a call that is no Patient and stands in no other one; changing it changes the call."""

    def within(value: Any) -> Iterator[Json]:
        if isinstance(value, list):
            for each in value:
                yield from within(each)
        elif isinstance(value, dict):
            if value.get("resourceType") in _NO_RECORD:
                for each in value.values():
                    yield from within(each)
            else:
                yield value

    lists = [value for key, value in request["prefetch"].items() if key != "patient"]
    return list(within([lists, request["context"].get("draftOrders")]))


def bundles(request: Json) -> list[Json]:
    lists = [value for key, value in request["prefetch"].items() if key != "patient"]
    found = [*lists, request["context"].get("draftOrders")]
    return [each for each in found if isinstance(each, dict) and each.get("resourceType") == "Bundle"]


def labelled(request: Json, how: str) -> tuple[Json, list[Json]]:
    """The call with labels, and the resources that bear one or stand in a Bundle that does."""
    body: Json = deepcopy(request)
    found = records(body)
    if how == "every second record":
        found = found[::2]
    for each in bundles(body) if how == "every Bundle" else found:
        each["meta"] = {**each.get("meta", {}), "security": [LABEL]}
    return body, found


def planted(request: Json, how: str) -> Json:
    body, found = labelled(request, how)
    ids = {f"{each['resourceType']}/{each['id']}" for each in found if "id" in each}
    for each in found:
        planted_in(each)
    return _renamed(body, ids)


def _renamed(value: Any, ids: set[str]) -> Any:
    """Point references at the planted ids."""
    if isinstance(value, dict):
        return {key: _renamed(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, ids) for each in value]
    tail = "/".join(value.rsplit("/", 2)[-2:]) if isinstance(value, str) else ""
    return value.replace(tail, tail.replace("/", f"/{SENTINEL}")) if tail in ids else value


def usable(name: str) -> Json | None:
    request = dict(find(name).request)
    return request if isinstance(request.get("prefetch"), dict) and request.get("hook") in SERVICE_OF else None


CALLS = [name for name in names() if usable(name)]


# --- nothing is told -------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What one mode told: answers by call and how it was labelled, and all that was written."""

    answers: dict[tuple[str, str], tuple[int, Json]]
    written: Mapping[str, str]


@pytest.fixture(scope="module")
def all_told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    return {mode: _answer_all(mode, tmp_path_factory.mktemp(mode)) for mode in MODES}


def _answer_all(mode: str, folder: Path) -> Told:
    clients = folder / "clients.yaml"
    clients.write_text(f"clients:\n  anonymous:\n    part2: {{mode: {mode}}}\n", encoding="utf-8")
    heard = Heard()
    root = logging.getLogger()
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    database = folder / "records.db"
    settings = Settings(
        auth="off", rules=RULES, today=TODAY, clients=clients, database_url=f"sqlite:///{database}", log_level="debug"
    )
    answers = {}
    try:
        prepare_records(settings)
        opened = open_service(settings)
        caller = opened.app.test_client()
        for number, name in enumerate(CALLS):
            request = usable(name)
            assert request is not None
            for how in HOW if number % EVERY_WAY == 0 else HOW[:1]:
                came = caller.post(f"/cds-services/{SERVICE_OF[request['hook']]}", json=planted(request, how))
                answers[name, how] = (came.status_code, came.json)
        metrics = caller.get("/metrics").text
        opened.close()
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
    kept = b"".join(each.read_bytes() for each in folder.iterdir() if each != clients)
    return Told(answers, {"log": "\n".join(heard.lines), "metrics": metrics, "records": kept.decode("latin-1")})


class Heard(logging.Handler):
    """Keeps every record of the log with all that hangs on it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {vars(record)!r}")


def holding(answers: Mapping[tuple[str, str], tuple[int, Json]], word: str) -> list[tuple[str, str]]:
    return [call for call, (_, body) in answers.items() if word.lower() in json.dumps(body).lower()]


def test_the_planted_word_is_told_where_records_may_be_told_of(all_told: dict[str, Told]) -> None:
    assert len(holding(all_told["use"].answers, SENTINEL)) > len(CALLS) / 3


@pytest.mark.parametrize("mode", ["use-no-detail", "ignore"])
def test_nothing_of_a_labelled_record_is_in_an_answer(all_told: dict[str, Told], mode: str) -> None:
    assert holding(all_told[mode].answers, SENTINEL) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", ["log", "metrics", "records"])
def test_nothing_of_a_labelled_record_is_written(all_told: dict[str, Told], mode: str, what: str) -> None:
    text = all_told[mode].written[what].lower()
    assert len(text) > 1000
    assert SENTINEL.lower() not in text


@pytest.mark.parametrize("mode", ["use-no-detail", "ignore"])
@pytest.mark.parametrize("how", ["every record", "every Bundle"])
def test_where_all_records_are_labelled_no_card_tells_a_date(all_told: dict[str, Told], mode: str, how: str) -> None:
    cards = [
        (name, card["summary"], found[0])
        for (name, labelled_how), (status, body) in all_told[mode].answers.items()
        if labelled_how == how and status == 200
        for card in body["cards"]
        for found in [_DAY.search(f"{card['summary']} {card['detail'].partition('**Sources**')[0]}")]
        if found
    ]
    assert cards == []


def test_where_all_records_are_labelled_every_card_that_used_one_says_so(all_told: dict[str, Told]) -> None:
    for mode in ("use", "use-no-detail"):
        cards = [
            card
            for (_, how), (status, body) in all_told[mode].answers.items()
            if how == "every record" and status == 200
            for card in body["cards"]
        ]
        assert len(cards) > 50
        unlike = [card["summary"] for card in cards if not _carries_labels(card)]
        assert unlike == []
        assert mode == "use" or any(RESTRICTED_RECORD in card["detail"] for card in cards)


def _carries_labels(card: Json) -> bool:
    drafts = [each["resource"] for one in card.get("suggestions", ()) for each in one["actions"] if "resource" in each]
    return (
        REDISCLOSURE_NOTICE in card["detail"]
        and card["extension"]["org.oud-cds.labels"] == [LABEL]
        and all(each["meta"]["security"] == [LABEL] for each in drafts)
    )


def test_no_card_of_a_client_that_ignores_them_has_a_label(all_told: dict[str, Told]) -> None:
    assert holding(all_told["ignore"].answers, "42CFR") == holding(all_told["ignore"].answers, RESTRICTED_RECORD) == []
    assert holding(all_told["ignore"].answers, "42 CFR") == []


# --- as if not read --------------------------------------------------------------------------------------------------


def decided(request: Json, part2: Part2) -> Any:
    chart = read_chart(
        hook=request["hook"],
        context=request["context"],
        prefetch=request["prefetch"],
        needs=rules().needs,
        table=rules().table,
        today=TODAY,
        part2=part2,
    )
    return chart, decide(rules(), chart, TODAY)


def emptied(resource: Json) -> None:
    """Leave of a resource what says whose it is and how it is labelled."""
    for name in resource.keys() - {"resourceType", "id", "meta", "subject", "patient"}:
        del resource[name]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("how", HOW)
def test_what_is_in_a_record_that_may_not_be_read_makes_no_difference(name: str, how: str) -> None:
    request = usable(name)
    assert request is not None
    whole, _ = labelled(request, how)
    bare, found = labelled(request, how)
    for each in found:
        emptied(each)
    charts = [decided(each, Part2("ignore"))[0] for each in (whole, bare)]
    assert charts[0].rows == charts[1].rows
    assert charts[0].gaps == charts[1].gaps


@pytest.mark.parametrize("name", CALLS)
def test_a_record_that_may_not_be_read_never_helps_a_rule_to_fire(name: str) -> None:
    request = usable(name)
    assert request is not None
    _, outcome = decided(request, Part2("use"))
    fires = {each.edition.rule.id for each in outcome.decisions if each.verdict is YES}
    helped = []
    for at in range(len(records(request))):
        body: Json = deepcopy(request)
        one = records(body)[at]
        one["meta"] = {**one.get("meta", {}), "security": [LABEL]}
        _, without = decided(body, Part2("ignore"))
        more = {each.edition.rule.id for each in without.decisions if each.verdict is YES} - fires
        helped += [(one["resourceType"], rule) for rule in more]
    assert helped == []
