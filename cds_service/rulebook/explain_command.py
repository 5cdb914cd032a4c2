"""`cds-service rules explain`: why a rule, or every rule, speaks or stays silent on one chart.

The chart comes from a FHIR Bundle, from the body of a hook call or from a fixture, through the reader and the engine
of the service. Exit codes: 0 explained, 2 no such rule or no chart.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from cds_service.core.engine import compile_release, decide
from cds_service.core.explain import CRITERIA, REASON, explain
from cds_service.core.facts import Chart
from cds_service.core.overlay import overlay
from cds_service.core.problem import RequestProblem
from cds_service.core.rule import Edition, Release
from cds_service.core.site_words import site_summary
from cds_service.fhir.reader import read_chart
from cds_service.fhir.versions import dialect
from cds_service.fhir.whole_record import RecordProblem, as_call, resources_of
from cds_service.rulebook.edition import NoEdition, edition_of
from cds_service.rulebook.explained import ALL, Asked, Explained, as_json
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import load_release
from cds_service.rulebook.site_file import read_site
from cds_service.rulebook.source import nearest

FINE, USAGE = 0, 2
_WIDTH, _HANG = 100, 8  # columns; a verdict before a criterion takes eight


class NoChart(ValueError):
    """What was given cannot be read as a chart; the text says what was found and what is wanted."""


def asked_of(body: Any, name: str, today: date, hook: str = "", encounter: str = "") -> Asked:
    """Make a call of the body of a hook call, or of a FHIR Bundle that is a person's whole record.

    hook: for a Bundle, the moment to judge at; patient-view if not given. Raises NoChart.
    """
    if isinstance(body, dict) and "hook" in body and "context" in body:
        if hook and hook != body["hook"]:
            raise NoChart(f"{name}: is a call of {body['hook']}, not of {hook}")
        if not isinstance(body["hook"], str) or not isinstance(body.get("prefetch", {}), dict):
            raise NoChart(f"{name}: hook must be a text and prefetch an object")
        return Asked(name, body["hook"], body["context"], body.get("prefetch", {}), today)
    try:
        context, prefetch = as_call(resources_of(body), hook or "patient-view", encounter)
    except RecordProblem as problem:
        raise NoChart(f"{name}: {problem}") from None
    return Asked(name, hook or "patient-view", context, prefetch, today)


def explained(release: Release, asked: Asked, rule: str = ALL) -> Explained:
    """Judge a chart as the service does. rule: id of one rule, or ALL. Raises NoChart."""
    compiled = compile_release(release)
    spoken = dialect("", "", asked.context, asked.prefetch)
    try:
        chart: Chart = read_chart(
            hook=asked.hook,
            context=asked.context,
            prefetch=asked.prefetch,
            needs=compiled.needs,
            table=compiled.table,
            today=asked.today,
            not_held=release.not_held,
            version=spoken.read,
        )
    except RequestProblem as problem:
        said = "; ".join(f"{each.where}: {each.text}" if each.where else each.text for each in problem.issues)
        raise NoChart(f"{asked.name}: {said}") from None
    outcome = decide(compiled, chart, asked.today)
    chosen = tuple(each for each in outcome.decisions if rule in (ALL, each.edition.rule.id))
    return Explained(asked, release, outcome, chosen)


def with_edition(release: Release, edition: Edition) -> Release:
    """Give the release with this version of a rule in place of the active one, or beside all others."""
    there = any(each.rule.id == edition.rule.id for each in release.active)
    active = tuple(edition if each.rule.id == edition.rule.id else each for each in release.active)
    trial = tuple(each for each in release.trial if each.rule.id != edition.rule.id)
    return replace(release, active=active if there else (*active, edition), trial=trial)


def explain_command(args: argparse.Namespace) -> int:
    """Explain one rule or all on one chart.

    args: rule (id or "all"), version, folder, depth, format, hook, encounter; body and name, what the chart is made
    of; today, the day it is judged at; site, a file with what a site changes of the release (None = as shipped).
    """
    folder = Path(args.folder)
    loaded = load_release(folder)
    if loaded.release is None:
        errors = [each for each in loaded.problems if each.severity == "error"]
        print("\n".join(map(str, errors)), file=sys.stderr)
        return USAGE
    release = loaded.release
    site = read_site(Path(args.site)) if getattr(args, "site", None) else None
    problems = site_problems(site, loaded, folder, date.today()) if site else []
    if problems:
        print("\n".join(map(str, problems)), file=sys.stderr)
        return USAGE
    try:
        if args.version:
            release = with_edition(release, edition_of(folder, f"{args.rule}@{args.version}"))
        release = overlay(release, site.site) if site else release
        found = explained(release, asked_of(args.body, args.name, args.today, args.hook, args.encounter), args.rule)
        _check_rule(args.rule, found)
    except (NoEdition, NoChart) as problem:
        print(f"rules explain: {problem}", file=sys.stderr)
        return USAGE
    depth = args.depth or (REASON if args.rule == ALL else CRITERIA)
    if args.format == "json":
        print(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        print(f"rules: {folder}, release {release.id}")
        if release.site:
            print(f"site: {args.site}: {site_summary(release)}")
        head, *lines = "\n".join(as_text(found, depth)).split("\n")
        print("\n".join([head, *(part for line in lines for part in _narrow(line))]))
    return FINE


def _narrow(line: str) -> list[str]:
    """Break a line that is wider than a page; what follows stands deeper than any line that begins there."""
    deeper = " " * (len(line) - len(line.lstrip()) + _HANG)
    return textwrap.wrap(line, _WIDTH, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False) or [""]


def as_text(found: Explained, depth: str) -> Iterator[str]:
    """Give the explanation as lines: whose chart, each rule, and of all rules what is sent and what was not read."""
    asked, outcome = found.asked, found.outcome
    yield f"{asked.name}: {asked.hook} on {asked.today.isoformat()}"
    if outcome.gate:
        yield f"no rule is asked: {outcome.gate} holds (never_when)"
        return
    for each in found.decisions:
        yield ""
        yield explain(each, depth)
    yield ""
    cards = [f"{each.edition.rule.id} ({each.indicator})" for each in outcome.shown]
    yield f"cards in this answer: {', '.join(cards) or 'none'}"
    if outcome.unread:
        unread = [f"{source} ({why})" for source, why in sorted(outcome.unread.items())]
        yield f"not read: {', '.join(unread)}"


def _check_rule(rule: str, found: Explained) -> None:
    """Raise NoEdition for a rule that the release does not have, NoChart for one that does not run at this hook."""
    if rule == ALL or found.decisions or found.outcome.gate:
        return
    editions = (*found.release.active, *found.release.trial)
    there = [each.rule for each in editions if each.rule.id == rule]
    if not there:
        near = nearest(rule, sorted({each.rule.id for each in editions}))
        raise NoEdition(f"no rule '{rule}' in release {found.release.id}{near and '; '}{near}")
    raise NoChart(f"{rule} does not run at {found.asked.hook}; it runs at {', '.join(there[0].hooks)} (--hook)")
