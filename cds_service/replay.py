"""`cds-service replay` and `cds-service fixture`: send a fixture with its dates moved to today, and show the answer.

Without --url the call goes through the same web application that is served, in this process. Exit codes: 0 as
expected, 1 something else came, 2 no such fixture or day, 6 the URL gave no answer.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid5

from cds_service.clients.client import ANONYMOUS
from cds_service.core.card import CARD_NAMESPACE, EVALUATION_EXTENSION, RULE_EXTENSION
from cds_service.core.show import as_page, as_text
from cds_service.fixtures import Fixture, FixtureProblem, find, names
from cds_service.services import SERVICES

# The two calls to begin with: no treatment on record, which brings a card, and treatment, which brings none.
SAMPLE_CALLS = ("patient-view/untreated-oud-icd10", "patient-view/on-buprenorphine-film")
FINE, FINDINGS, USAGE, NO_ANSWER = 0, 1, 2, 6
TIMEOUT_S = 30

Json = dict[str, Any]
Post = Callable[[str, Json], tuple[int, Any]]  # service id, body -> status, answer


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one fixture. answer: the body, JSON or text; differences: from what was expected."""

    fixture: Fixture
    status: int
    took_ms: float
    answer: Any
    differences: tuple[str, ...]

    @property
    def cards(self) -> list[Json]:
        """The cards of the answer, none where it has none."""
        return list(self.answer.get("cards", [])) if isinstance(self.answer, dict) else []


def write_request(name: str, today: date, path: Path) -> None:
    """Write the request body of a fixture, its dates moved to `today`. Raises FixtureProblem, OSError."""
    path.write_text(as_json(find(name).on(today)) + "\n", encoding="utf-8")


def as_json(value: Any) -> str:
    """Give JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


# --- commands --------------------------------------------------------------------------------------------------------


def main_fixture(args: argparse.Namespace) -> int:
    """List the fixtures, or write the request body of one."""
    try:
        if args.request is None:
            for name in names():
                print(f"{name}\n    {find(name).about}")
            return FINE
        text = as_json(find(args.request).on(_day(args.today)))
    except FixtureProblem as problem:
        print(problem, file=sys.stderr)
        return USAGE
    if not args.out:
        print(text)
        return FINE
    try:
        Path(args.out).write_text(text + "\n", encoding="utf-8")
    except OSError as fault:
        print(f"{args.out}: {fault.strerror or fault}", file=sys.stderr)
        return USAGE
    return FINE


def main_replay(args: argparse.Namespace) -> int:
    """Replay one fixture, or all of them, and show what came."""
    try:
        today = _day(args.today)
        fixtures = [find(args.request)] if args.request else [find(name) for name in names()]
        post = _over_http(args.url) if args.url else _in_process(today)
        results = [replay(each, today, post) for each in fixtures]
    except FixtureProblem as problem:
        print(problem, file=sys.stderr)
        return USAGE
    except NoAnswer as problem:
        print(problem, file=sys.stderr)
        return NO_ANSWER
    print("\n".join(_shown(results, args, alone=bool(args.request))))
    return FINDINGS if any(each.differences for each in results) else FINE


def _shown(results: list[Replayed], args: argparse.Namespace, *, alone: bool) -> Iterator[str]:
    if args.json:
        yield as_json(results[0].answer if alone else {each.fixture.name: each.answer for each in results})
    elif args.html:
        title = results[0].fixture.name if alone else "Fixtures"
        yield as_page([card for each in results for card in each.cards], title).rstrip()
    else:
        for each in results:
            yield from told(each, cards=alone)
    if args.json or args.html:
        for each in results:
            for line in each.differences:
                print(f"{each.fixture.name}: {line}", file=sys.stderr)


def _day(text: str | None) -> date:
    """The day asked for, else the service's own today. Raises FixtureProblem."""
    if text is None:
        from cds_service.wiring import clock

        return clock(_settings())(ANONYMOUS)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FixtureProblem(f"--today: {text!r} is no day; write it as 2026-03-01") from None


# --- replay ----------------------------------------------------------------------------------------------------------


def replay(fixture: Fixture, today: date, post: Post) -> Replayed:
    """Send a fixture as a call of `today` and compare the answer with what was expected."""
    service = next((each.id for each in SERVICES.values() if each.hook == fixture.hook), None)
    if service is None:
        raise FixtureProblem(f"{fixture.name}: hook {fixture.hook!r} is none of this service")
    body = fixture.on(today)
    began = time.perf_counter()
    status, answer = post(service, body)
    took_ms = (time.perf_counter() - began) * 1000
    return Replayed(fixture, status, took_ms, answer, tuple(differences(fixture, status, answer)))


class NoAnswer(Exception):
    """Nothing answers at the URL."""


def _over_http(url: str) -> Post:
    import requests

    base = url.rstrip("/").removesuffix("/cds-services")

    def post(service: str, body: Json) -> tuple[int, Any]:
        try:
            came = requests.post(f"{base}/cds-services/{service}", json=body, timeout=TIMEOUT_S)
        except requests.RequestException as fault:
            raise NoAnswer(f"{base}: no answer ({type(fault).__name__})") from None
        return came.status_code, _parsed(came.text)

    return post


def _in_process(today: date) -> Post:
    from cds_service.wiring import build_app

    client = build_app(replace(_settings(), today=today)).test_client()

    def post(service: str, body: Json) -> tuple[int, Any]:
        came = client.post(f"/cds-services/{service}", json=body)
        return came.status_code, _parsed(came.text)

    return post


def _settings() -> Any:
    """The settings of this machine; nothing is listened on, so what guards the listening does not apply."""
    from cds_service.config import read_settings

    return read_settings({**os.environ, "CDS_AUTH": "off", "CDS_HOST": "127.0.0.1"})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- compare ---------------------------------------------------------------------------------------------------------


def differences(fixture: Fixture, status: int, answer: Any) -> Iterator[str]:
    """Say in what an answer differs from what the fixture expects; nothing where nothing is expected."""
    wanted = fixture.expected
    if wanted is None:
        return
    if status != wanted["status"]:
        yield f"status {status}, {wanted['status']} was expected"
    body = answer if isinstance(answer, dict) else {}
    yield from _card_differences(fixture, wanted.get("cards", []), body.get("cards", []))
    evaluation = body.get("extension", {}).get(EVALUATION_EXTENSION, {})
    came = {
        "unread": sorted(evaluation.get("unread", _keys_at_fault(body) if status == 412 else ())),
        "undecided": sorted(each["ruleId"] for each in evaluation.get("undecided", [])),
    }
    for name, found in came.items():
        expected = sorted(wanted.get(name, []))
        if found != expected:
            yield f"{name}: {_listed(found)}; {_listed(expected)} was expected"


def _keys_at_fault(body: Json) -> Iterator[str]:
    """The prefetch keys that the OperationOutcome of a 412 names."""
    for issue in body.get("issue", []):
        for where in issue.get("expression", []):
            if where.startswith("prefetch."):
                yield where.removeprefix("prefetch.")


def _card_differences(fixture: Fixture, wanted: list[Json], came: list[Json]) -> Iterator[str]:
    rules = [each.get("extension", {}).get(RULE_EXTENSION, {}).get("ruleId", "?") for each in came]
    expected = [each["rule"] for each in wanted]
    if rules != expected:
        yield f"cards of {_listed(rules)}; {_listed(expected)} was expected"
        return
    for card, want in zip(came, wanted, strict=True):
        if card.get("uuid") != _uuid(fixture, card, want):
            yield f"{want['rule']}: card {want['card']} was expected, another of its cards came: {card.get('summary')}"
        labels = [each.get("label") for each in card.get("suggestions", [])]
        for name, found, expect in (
            ("indicator", card.get("indicator"), want["indicator"]),
            ("suggestions", labels, want["suggestions"]),
        ):
            if found != expect:
                yield f"{want['rule']}: {name} {_listed(found)}; {_listed(expect)} was expected"


def _uuid(fixture: Fixture, card: Mapping[str, Any], want: Mapping[str, Any]) -> str:
    """Give the uuid that the expected card has: it is made of the call, the rule version and the card's id."""
    version = card["extension"][RULE_EXTENSION]["ruleVersion"]
    instance = str(fixture.request["hookInstance"]).lower()
    return str(uuid5(CARD_NAMESPACE, f"{instance}|{want['rule']}@{version}|{want['card']}"))


def _listed(found: Any) -> str:
    if isinstance(found, list):
        return ", ".join(map(str, found)) or "none"
    return str(found)


# --- words -----------------------------------------------------------------------------------------------------------


def told(result: Replayed, *, cards: bool) -> Iterator[str]:
    """Give the lines that tell one result; cards: also the cards themselves, as a clinician would read them."""
    fixture = result.fixture
    yield f"{fixture.name} · {fixture.hook} · {result.status} · {result.took_ms:.0f} ms"
    if cards:
        yield fixture.about
        yield from (as_text(each) for each in result.cards)
        if result.status != 200:
            yield from _faults(result.answer)
        elif not result.cards:
            yield "No cards."
        yield from _evaluation(result.answer)
    if fixture.expected is None:
        if cards:
            yield "Nothing is written down to compare with."
    elif result.differences:
        yield "NOT AS EXPECTED"
        yield from (f"  {each}" for each in result.differences)
    elif cards:
        yield "As expected."


def _faults(answer: Any) -> Iterator[str]:
    issues = answer.get("issue", []) if isinstance(answer, dict) else []
    yield from (f"  {each.get('details', {}).get('text', each)}" for each in issues)


def _evaluation(answer: Any) -> Iterator[str]:
    found = answer.get("extension", {}).get(EVALUATION_EXTENSION, {}) if isinstance(answer, dict) else {}
    for source, why in found.get("unread", {}).items():
        yield f"Not read: {source} ({why})."
    for each in found.get("undecided", []):
        yield f"Undecided: {each['ruleId']}."
