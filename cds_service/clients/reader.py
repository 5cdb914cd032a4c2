"""Reads clients.yaml: every client, and every problem of the file at once, as rule files have theirs."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.clients.client import ANONYMOUS_NAME, Client, Clients, Rate
from cds_service.clients.forms import CLIENTS_FILE, FORM
from cds_service.clients.profiles import PROFILES
from cds_service.clients.smart_apps import read_smart_apps
from cds_service.config import MOST_BUDGET_MS, url_fault
from cds_service.core.problem import RequestProblem
from cds_service.core.profile import GENERIC, Profile
from cds_service.core.restricted import CAREFUL, Part2
from cds_service.fhir.prefetch import ALWAYS_HELD
from cds_service.rulebook.reader_values import MISSING, Reading, read
from cds_service.rulebook.source import Place, RuleProblem, Source, parse_source, read_source
from cds_service.strict_json import parse_json

# Keys about a caller who is known: `anonymous` is whoever calls while nobody is checked.
_KNOWN_BY = ("issuers", "jku", "keys", "audience", "tenants", "replay", "rate")


@dataclass(frozen=True, slots=True)
class ClientsFile:
    """A clients file as read. With problems in it no client may be served."""

    clients: Clients
    problems: tuple[RuleProblem, ...]
    source: Source


def read_clients(path: Path) -> ClientsFile:
    """Read a clients file; key files are looked for beside it."""
    return _clients(*read_source(path), path.parent)


def read_clients_text(text: str, folder: Path = Path()) -> ClientsFile:
    """Read clients from text; key files are looked for in `folder`."""
    return _clients(*parse_source(text, CLIENTS_FILE), folder)


def _clients(source: Source, problems: tuple[RuleProblem, ...], folder: Path) -> ClientsFile:
    reading = Reading(source, list(problems))
    plain = read(FORM, source.root, reading) if source.root else {}
    entries = {} if plain is MISSING else plain.get("clients", {})
    found = {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if entry is not MISSING:
            found[name] = _client(name, entry, reading, folder)
    _check_shared(found, reading)
    ordered = sorted(reading.problems, key=lambda each: (each.line, each.column))
    return ClientsFile(Clients(found), tuple(ordered), source)


def _client(name: str, entry: Mapping[str, Any], reading: Reading, folder: Path) -> Client:
    place: Place = ("clients", name)
    _check_known_by(name, entry, reading, place)
    for key in ("jku", "fhir_servers"):
        for number, url in enumerate(entry.get(key, ())):
            if fault := url_fault(url):
                reading.note("bad-name", reading.source.mark((*place, key, number)), f"the URL {fault}")
    for number, each in enumerate(entry.get("fhir_private", ())):
        if fault := _network_fault(each):
            reading.note("bad-name", reading.source.mark((*place, "fhir_private", number)), fault)
    if entry.get("budget_ms", 0) > MOST_BUDGET_MS:
        text = f"{entry['budget_ms']} milliseconds are more than anybody waits for"
        reading.note("wrong-type", reading.source.mark((*place, "budget_ms")), text, f"at most {MOST_BUDGET_MS}")
    for number, each in enumerate(entry.get("not_held", ())):
        if each in ALWAYS_HELD:
            text = f"{each} is always a source: without it nothing can be told"
            reading.note("wrong-type", reading.source.mark((*place, "not_held", number)), text)
    rate, profile = entry.get("rate"), _profile(entry)
    return Client(
        name=name,
        issuers=tuple(entry.get("issuers", ())),
        jku=tuple(entry.get("jku", ())),
        keys=_keys(entry, reading, place, folder),
        audience=tuple(entry.get("audience", ())),
        tenants=tuple(entry.get("tenants", ())),
        fhir_servers=tuple(entry.get("fhir_servers", ())),
        fhir_private=tuple(entry.get("fhir_private", ())),
        budget_ms=entry.get("budget_ms"),
        fhir_version=entry.get("fhir_version", Client(name).fhir_version),
        strict=entry.get("strict", False),
        timezone=_zone(entry, reading, place),
        not_held=frozenset(entry.get("not_held", ())),
        profile=profile,
        part2=_part2(entry.get("part2", {})),
        replay=entry.get("replay", Client(name).replay),
        rate=Rate(rate["per_second"], rate["burst"]) if rate and len(rate) == len(("per_second", "burst")) else None,
        keep_comments=entry.get("keep_comments", False),
        explain=entry.get("explain", False),
        smart_apps=tuple(read_smart_apps(entry, profile, reading, place)),
    )


def _check_known_by(name: str, entry: Mapping[str, Any], reading: Reading, place: Place) -> None:
    """Whoever is checked has an issuer and keys; `anonymous` is not checked and has neither."""
    at = reading.source.key_mark(place)
    if name == ANONYMOUS_NAME:
        for key in _KNOWN_BY:
            if key in entry:
                text = f"'{key}' is about a caller who is known, and {ANONYMOUS_NAME} is never asked"
                reading.note("wrong-type", reading.source.key_mark((*place, key)), text, "leave it out")
        return
    written = reading.source.node(place)
    has = {each.text for each, _ in written.entries} if written else set()
    if "issuers" not in has:
        reading.note("missing-key", at, f"client '{name}' needs the key 'issuers'", "values of `iss` that are its own")
    if not has & {"jku", "keys"}:
        reading.note("missing-key", at, f"client '{name}' needs 'keys' or 'jku'", "its tokens are verified by them")


def _check_shared(found: Mapping[str, Client], reading: Reading) -> None:
    """No issuer belongs to two clients: a token must lead to one."""
    owner: dict[str, str] = {}
    for name, client in found.items():
        for number, issuer in enumerate(client.issuers):
            if issuer in owner:
                text = f"this issuer belongs to '{owner[issuer]}' already"
                reading.note("duplicate-key", reading.source.mark(("clients", name, "issuers", number)), text)
            owner.setdefault(issuer, name)


def _network_fault(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as fault:
        hint = "bits are set behind the mask" if "host bits" in str(fault) else "10.20.0.0/16 is one"
        return f"'{text}' is no network; {hint}"
    return ""


def _keys(entry: Mapping[str, Any], reading: Reading, place: Place, folder: Path) -> Path | None:
    if "keys" not in entry:
        return None
    path: Path = folder / entry["keys"]
    for fault in _file_faults(path):
        reading.note("wrong-type", reading.source.mark((*place, "keys")), f"'{entry['keys']}' {fault}")
    return path


def _file_faults(path: Path) -> Iterator[str]:
    """Why no token, or not every one, could be verified by a key file; no key material is repeated."""
    from cds_service.trust.keys import KeyProblem, read_key_set  # with cryptography, which few files need

    try:
        keys = read_key_set(parse_json(path.read_bytes()))
    except OSError as fault:
        yield f"cannot be read: {fault.strerror}"
    except RequestProblem as problem:
        yield f"is no JSON file: {problem.issues[0].text.replace('the body', 'it')}"
    except KeyProblem as problem:
        yield str(problem)
    else:
        if not keys.keys and not keys.unfit:
            yield "holds no key"
        for place, why in keys.unfit.items():
            yield f"holds a key, number {place + 1}, that cannot be used: {why}"


def _part2(block: Mapping[str, Any]) -> Part2:
    return Part2(block.get("mode", CAREFUL.mode), block.get("by_confidentiality", CAREFUL.by_confidentiality))


def _zone(entry: Mapping[str, Any], reading: Reading, place: Place) -> tzinfo | None:
    if "timezone" not in entry:
        return None
    try:
        return ZoneInfo(entry["timezone"])
    except (KeyError, OSError, ValueError):
        mark = reading.source.mark((*place, "timezone"))
        reading.note("bad-name", mark, f"'{entry['timezone']}' is no time zone", "such as America/New_York")
        return None


def _profile(entry: Mapping[str, Any]) -> Profile:
    profile = PROFILES[entry.get("profile", GENERIC.name)]
    if "links" in entry and profile.smart_hosts is not None:
        profile = replace(profile, smart_hosts=tuple(entry["links"]))
    elif "links" in entry:
        profile = replace(profile, link_hosts=tuple(entry["links"]))
    if "spellings" in entry:
        own = {system: written for system, written in entry["spellings"].items() if written is not MISSING}
        profile = replace(profile, spellings={**profile.spellings, **own})
    if "intent" in entry:
        profile = replace(profile, intent=entry["intent"])
    return profile
