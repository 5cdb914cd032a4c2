"""`cds-service clients check`: what is wrong with a clients file, or in words what each client may do."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cds_service.clients.client import ANONYMOUS_NAME, REFUSE, Client
from cds_service.clients.profiles import PROFILES, SANDBOX
from cds_service.clients.reader import ClientsFile, read_clients
from cds_service.clients.smart_apps import unknown_rules
from cds_service.core.plural import so_many
from cds_service.core.profile import ACTION_TYPES, Profile
from cds_service.core.restricted import IGNORE, USE, USE_NO_DETAIL, Part2
from cds_service.core.smart import SmartApp
from cds_service.fhir.versions import DIALECTS, R4
from cds_service.rulebook.lint_codes import WARNING
from cds_service.rulebook.source import RuleProblem

FINE, FINDINGS, USAGE, SETTINGS = 0, 1, 2, 3

_PART2 = {
    USE: "used, and named on cards",
    USE_NO_DETAIL: "used, and not named on cards",
    IGNORE: "count as not read",
}
SANDBOX_FINDING = (
    "the private key of the public CDS Hooks sandbox is known to everybody: whoever has it can call as this client",
    "keep it out of production",
)
AUDIENCE_FINDING = (
    "no `aud` of its tokens can be right",
    "give it an `audience`, or set CDS_PUBLIC_URL to the URL that clients call",
)
RULES_NOT_AT_HAND = "rules: none at hand (CDS_RULES), so those that smart_apps name were not looked for"


def findings(file: ClientsFile, public_url: str) -> list[RuleProblem]:
    """What should not be served where callers are checked. public_url: "" when none is set."""
    found = []
    for name, client in file.clients.by_name.items():
        if name == ANONYMOUS_NAME:
            continue
        if not public_url and not client.audience:
            found.append(_finding(file, name, "no-audience", *AUDIENCE_FINDING))
        if client.profile.name == SANDBOX.name:
            found.append(_finding(file, name, "sandbox-key", *SANDBOX_FINDING))
    return found


def _finding(file: ClientsFile, client: str, code: str, text: str, hint: str) -> RuleProblem:
    mark = file.source.key_mark(("clients", client))
    line = file.source.lines[mark.line - 1]
    return RuleProblem(file.source.file, mark.line, mark.column, code, text, WARNING, line, hint)


def described(client: Client, public_url: str) -> dict[str, str]:
    """Say what a client may do: a heading to a phrase, in the order they are read."""
    named = client.name != ANONYMOUS_NAME
    audience = [f"{public_url}/..., the URL that is called" if public_url else "", *client.audience]
    rate = client.rate
    told = {
        "known by": (f"iss {', '.join(client.issuers)}" if named else "nothing: whoever calls while CDS_AUTH=off"),
        "keys from": ", ".join([*([str(client.keys)] if client.keys else []), *client.jku]) if named else "",
        "audience": ", ".join(filter(None, audience)) if named else "",
        "tenants": (", ".join(client.tenants) or "any, or none") if named else "",
        "a token shown before": ("refused" if client.replay == REFUSE else "taken, and logged") if named else "",
        "FHIR servers": ", ".join(client.fhir_servers) or "none: only what comes with the call is read",
        "FHIR servers may be in": ", ".join(client.fhir_private),
        "time to fetch": f"{client.budget_ms} ms from the start of a call" if client.budget_ms else "",
        "FHIR version": client.fhir_version
        or (f"as {'its FHIR server states, else as ' if client.fhir_servers else ''}its calls show"),
        "what is no FHIR": "refused, after a look at every resource" if client.strict else "read as far as it goes",
        "today": f"the day in {client.timezone}" if client.timezone else "the day in CDS_TIMEZONE",
        "no source here": ", ".join(sorted(client.not_held)) or "nothing: every list is expected",
        "profile": _profile(DIALECTS[client.fhir_version or R4].fit(client.profile)),
        "SMART apps": "; ".join(_app(each) for each in client.smart_apps),
        "42 CFR Part 2 records": _part2(client.part2),
        "rate": f"{rate.per_second:g} calls a second, {rate.burst} at once, each worker by itself"
        if rate
        else "no limit",
        "comments of feedback": "stored" if client.keep_comments else "not stored",
        "explanations": "given, of what a chart holds, when it asks" if client.explain else "not given",
    }
    return {heading: text for heading, text in told.items() if text}


def _part2(policy: Part2) -> str:
    levels = "; R or V alone marks one" if policy.by_confidentiality else ""
    return f"{_PART2[policy.mode]}{levels}"


def _app(app: SmartApp) -> str:
    where = f"cards of {', '.join(app.rules)}" if app.rules else "every card"
    return f"'{app.label}', {app.url}, on {where}"


def _profile(profile: Profile) -> str:
    return "; ".join([profile.name, *_effects(profile)])


def _effects(profile: Profile) -> Iterator[str]:
    if profile.action_types != ACTION_TYPES:
        yield f"suggestions only {' and '.join(profile.action_types)}"
    if profile.creates is not None:
        yield f"drafts only of {', '.join(profile.creates)}"
    if profile.coded_only:
        yield "only drafts with a code"
    if not profile.declines:
        yield "no drafts that say what is not to be done"
    if profile.spellings:
        yield f"{len(profile.spellings)} code systems spelt its way in drafts"
    if profile.link_hosts is not None:
        yield f"links only to {', '.join(profile.link_hosts)}" if profile.link_hosts else "no links"
    if profile.smart_hosts is not None:
        yield f"SMART links only to {', '.join(profile.smart_hosts)}" if profile.smart_hosts else "no SMART links"
    if not profile.app_context:
        yield "no appContext on SMART links"
    if profile.detail_limit is not None:
        yield f"details cut to {profile.detail_limit} characters"
    if profile.intent != PROFILES["generic"].intent:
        yield f"drafts with intent {profile.intent}"
    for trigger, hook in profile.hook_by_trigger.items():
        yield f"patient-view with trigger {trigger} answered as {hook}"


def check_command(args: argparse.Namespace) -> int:
    """Print what is wrong with a clients file, or what each client may do.

    args: `file`; `public_url`, "" when none is set; `format`, "text" or "json"; `rules`, which loads the folder and the
    rule ids of the release, or gives None when there is none to be had.
    """
    path = Path(args.file)
    if not path.is_file():
        print(f"clients check: {args.file} is no file", file=sys.stderr)
        return SETTINGS
    file = read_clients(path)
    found = [] if file.problems else findings(file, args.public_url)
    named = any(app.rules for client in file.clients.by_name.values() for app in client.smart_apps)
    served = args.rules() if named else None  # loading a release takes its time
    if served is not None and not file.problems:
        found += unknown_rules(file.clients, file.source, served[1])
    if args.format == "json":
        told = _as_json(path, file, found, args.public_url)
        print(json.dumps({**told, "rules": str(served[0])} if served else told, indent=2))
    else:
        print(f"clients: {path}")
        if named:
            print(RULES_NOT_AT_HAND if served is None else f"rules: {served[0]}")
        for each in (*file.problems, *found):
            print(each)
        for client in () if file.problems else file.clients.by_name.values():
            print(f"\n{client.name}")
            for heading, text in described(client, args.public_url).items():
                print(f"  {heading}: {text}")
        print(
            f"\n{so_many(len(file.clients.by_name), 'client')}, {so_many(len(file.problems) + len(found), 'finding')}"
        )
    return FINDINGS if file.problems or found else FINE


def _as_json(path: Path, file: ClientsFile, found: list[RuleProblem], public_url: str) -> dict[str, Any]:
    told = {} if file.problems else {name: described(each, public_url) for name, each in file.clients.by_name.items()}
    findings = [
        {"line": each.line, "column": each.column, "code": each.code, "text": each.text, "hint": each.hint}
        for each in (*file.problems, *found)
    ]
    return {"file": str(path), "findings": findings, "clients": told}
