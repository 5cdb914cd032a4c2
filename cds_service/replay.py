"""`cds-service replay` and `cds-service fixture`: send a fixture with its dates moved to today, and show the answer.

Without --url the call goes through the same web application that is served, in this process. Exit codes: 0 as
expected, 1 something else came, 2 no such fixture or day, 6 the URL gave no answer, 7 a key file cannot be used.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid5

from cds_service.calling.answers import printable
from cds_service.calling.credential import NOT_IN_THE_CLEAR, CredentialProblem, ca_file_of, credential_of
from cds_service.calling.deployment import Deployment, NoAnswer, not_let_in
from cds_service.calling.target import TargetProblem, read_target
from cds_service.clients.client import ANONYMOUS, ANONYMOUS_NAME
from cds_service.clients.forms import CLIENTS_FILE
from cds_service.core.card import EVALUATION_EXTENSION, LABELS_EXTENSION, RULE_EXTENSION
from cds_service.core.card_id import CARD_NAMESPACE
from cds_service.core.show import as_page, as_text
from cds_service.fixtures import Fixture, FixtureProblem, as_json, find, names
from cds_service.services import SERVICES
from cds_service.trust.keys import KeyProblem

FINE, FINDINGS, USAGE, NO_ANSWER, KEY_FILE = 0, 1, 2, 6, 7
# Halves of a pair, which UTF-8 cannot hold.
_HALVES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
OWN_SERVICES = {each.hook: each.id for each in SERVICES.values()}

Json = dict[str, Any]
_PARTS = (("suggestions", "label"), ("links", "label"), ("links", "url"), ("overrideReasons", "display"))
Post = Callable[[str, Json], tuple[int, Any]]  # service id, body -> status, answer
ServiceOf = Callable[[str], str | None]  # hook -> service id; None = no service takes it


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
        return cards_in(self.answer) or []


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
        deployment = _deployment(args)
        if deployment is None:
            post = in_process(today)
            results = [replay(each, today, post(each.client)) for one in fixtures for each in (one, *one.variants)]
        else:  # a running service has clients of its own
            results = _replay_at(deployment, fixtures, today)
    except (FixtureProblem, CredentialProblem) as problem:
        print(problem, file=sys.stderr)
        return USAGE
    except KeyProblem as problem:
        print(problem, file=sys.stderr)
        return KEY_FILE
    except NoAnswer as problem:
        print(problem, file=sys.stderr)
        return NO_ANSWER
    print("\n".join(_shown(results, args)))
    if deployment and (why := not_let_in([each.status for each in results], deployment.credential)):
        print(why, file=sys.stderr)
        return FINDINGS
    return FINDINGS if any(each.differences for each in results) else FINE


def _deployment(args: argparse.Namespace) -> Deployment | None:
    """The deployment to call, None without --url. Raises CredentialProblem, KeyProblem."""
    if args.url is None:
        given = [f"--{name.replace('_', '-')}" for name in ("token", "token_file", "key", "ca_file")
                 if getattr(args, name)]  # fmt: skip
        if given:
            raise CredentialProblem(f"{', '.join(given)}: belongs to --url")
        return None
    try:
        target = read_target(args.url)
    except TargetProblem as problem:
        raise CredentialProblem(f"--url: the URL {problem}") from None
    credential = credential_of(args, target)
    if credential and target.open_to_listeners:
        raise CredentialProblem(f"--url: {NOT_IN_THE_CLEAR}")
    return Deployment(target, credential, ca_file_of(args))


def _replay_at(deployment: Deployment, fixtures: list[Fixture], today: date) -> list[Replayed]:
    """Replay the fixtures that the deployment has a service for, and name on standard error the hooks it has none for.

    Raises NoAnswer, and FixtureProblem when it has none for any.
    """
    service_of = deployment.service_of(OWN_SERVICES)
    taken = [each for each in fixtures if service_of(each.hook)]
    without = sorted({each.hook for each in fixtures if not service_of(each.hook)})
    if without:
        told = f"{deployment.target.discovery}: lists no service for {_listed(without)}"
        if not taken:
            raise FixtureProblem(told)
        print(f"{told}; {len(fixtures) - len(taken)} fixtures are left out", file=sys.stderr)
    return [replay(each, today, deployment.post, service_of) for each in taken]


def _shown(results: list[Replayed], args: argparse.Namespace) -> Iterator[str]:
    alone = bool(args.request) and len(results) == 1
    if args.json:
        yield as_json(results[0].answer if alone else {each.fixture.name: each.answer for each in results})
    elif args.html:
        title = results[0].fixture.name if alone else "Fixtures"
        yield as_page([card for each in results for card in each.cards], title).rstrip().translate(_HALVES)
    else:
        for each in results:
            for text in told(each, cards=bool(args.request)):
                yield from (printable(line, None) for line in text.split("\n"))
    if args.json or args.html:
        for each in results:
            for line in each.differences:
                print(printable(f"{each.fixture.name}: {line}", None), file=sys.stderr)


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


def replay(fixture: Fixture, today: date, post: Post, service_of: ServiceOf = OWN_SERVICES.get) -> Replayed:
    """Send a fixture as a call of `today` and compare the answer with what was expected."""
    service = service_of(fixture.hook)
    if service is None:
        raise FixtureProblem(f"{fixture.name}: hook {fixture.hook!r} is none of this service")
    body = fixture.on(today)
    began = time.perf_counter()
    status, answer = post(service, body)
    took_ms = (time.perf_counter() - began) * 1000
    return Replayed(fixture, status, took_ms, answer, tuple(differences(fixture, status, answer)))


def in_process(today: date) -> Callable[[Mapping[str, Any]], Post]:
    """Give what answers in this process: for a caller's entry of clients.yaml, the function that posts as that caller.

    Without an entry the caller is `anonymous` of CDS_CLIENTS, if that is set.
    """
    from cds_service.wiring import build_app

    @cache
    def app(entry: str) -> Any:
        settings = replace(_settings(), today=today)
        if not entry:
            return build_app(settings)
        with TemporaryDirectory() as folder:
            file = Path(folder) / CLIENTS_FILE
            file.write_text(f'{{"clients": {{"{ANONYMOUS_NAME}": {entry}}}}}', encoding="utf-8")
            return build_app(replace(settings, clients=file))

    def as_client(client: Mapping[str, Any]) -> Post:
        caller = app(json.dumps(client) if client else "").test_client()

        def post(service: str, body: Json) -> tuple[int, Any]:
            came = caller.post(f"/cds-services/{service}", json=body)
            return came.status_code, _parsed(came.text)

        return post

    return as_client


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
    body, cards = _object(answer), cards_in(answer)
    if status == 200 and cards is None:
        yield "the answer has no list `cards` of objects with `summary`, `indicator` and `source`"
        return
    yield from _card_differences(fixture, wanted.get("cards", []), cards or [])
    evaluation = _object(_object(body.get("extension")).get(EVALUATION_EXTENSION))
    came = {
        "unread": sorted(_keys_at_fault(body) if status == 412 else _object(evaluation.get("unread"))),
        "undecided": _undecided(evaluation),
    }
    for name, found in came.items():
        expected = sorted(wanted.get(name, []))
        if found != expected:
            yield f"{name}: {_listed(found)}; {_listed(expected)} was expected"


def cards_in(answer: Any) -> list[Json] | None:
    """The cards of an answer; None when it has no list of them. It may be of another service than this one.

    A card has at least what CDS Hooks 2.0 requires of one: `summary`, `indicator`, and `source` with a `label`; the
    same goes for its suggestions, links and reasons to override.
    """
    cards = _object(answer).get("cards")
    return cards if isinstance(cards, list) and all(map(_is_card, cards)) else None


def _is_card(value: Any) -> bool:
    card = _object(value)
    return all(isinstance(each, str) for each in (
        card.get("summary"), card.get("indicator"), _object(card.get("source")).get("label"),
        *(_object(part).get(name) for parts, name in _PARTS for part in _each(card.get(parts, []))),
    ))  # fmt: skip


def _each(value: Any) -> list[Any]:
    """The elements of a list; of what is none, one that is no object."""
    return value if isinstance(value, list) else [value]


def _object(value: Any) -> Json:
    """A JSON object, empty where there is another thing."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    """The JSON objects of a list, none where there is another thing."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _undecided(evaluation: Json) -> list[str]:
    return sorted(str(each.get("ruleId")) for each in _objects(evaluation.get("undecided")))


def _keys_at_fault(body: Json) -> Iterator[str]:
    """The prefetch keys that the OperationOutcome of a 412 names."""
    for issue in _objects(body.get("issue")):
        for where in _each(issue.get("expression")):
            if isinstance(where, str) and where.startswith("prefetch."):
                yield where.removeprefix("prefetch.")


def _card_differences(fixture: Fixture, wanted: list[Json], came: list[Json]) -> Iterator[str]:
    rules = [_object(_object(each.get("extension")).get(RULE_EXTENSION)).get("ruleId", "?") for each in came]
    expected = [each["rule"] for each in wanted]
    if rules != expected:
        yield f"cards of {_listed(rules)}; {_listed(expected)} was expected"
        return
    for card, want in zip(came, wanted, strict=True):
        if card.get("uuid") != _uuid(fixture, card, want):
            yield f"{want['rule']}: card {want['card']} was expected, another of its cards came: {card.get('summary')}"
        labels = [each.get("label") for each in _objects(card.get("suggestions"))]
        for name, found, expect in (
            ("indicator", card.get("indicator"), want["indicator"]),
            ("suggestions", labels, want["suggestions"]),
            ("labels", _security(card), want.get("labels", [])),
        ):
            if found != expect:
                yield f"{want['rule']}: {name} {_listed(found)}; {_listed(expect)} was expected"


def _security(card: Json) -> list[str]:
    """The codes of the security labels that a card carries."""
    return [str(each.get("code")) for each in _objects(_object(card.get("extension")).get(LABELS_EXTENSION))]


def _uuid(fixture: Fixture, card: Mapping[str, Any], want: Mapping[str, Any]) -> str:
    """Give the uuid that the expected card has: it is made of the call, the rule version and the card's id."""
    version = _object(_object(card.get("extension")).get(RULE_EXTENSION)).get("ruleVersion")
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
    issues = _objects(_object(answer).get("issue"))
    yield from (f"  {_object(each.get('details')).get('text', each)}" for each in issues)


def _evaluation(answer: Any) -> Iterator[str]:
    found = _object(_object(_object(answer).get("extension")).get(EVALUATION_EXTENSION))
    for source, why in _object(found.get("unread")).items():
        yield f"Not read: {source} ({why})."
    for rule in _undecided(found):
        yield f"Undecided: {rule}."
