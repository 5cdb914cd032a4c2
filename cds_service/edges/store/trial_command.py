"""`cds-service rules trial-report`: what trial versions would have changed, from the records."""

import argparse
import json
import sys
from pathlib import Path

from cds_service.edges.store.address import read_address
from cds_service.edges.store.commands import DATABASE, FINE, db_settings
from cds_service.edges.store.faults import SchemaProblem, StoreUnavailable
from cds_service.edges.store.reading import records_at, watched
from cds_service.edges.store.trials import counted_trials
from cds_service.rulebook.release_file import RELEASE_FILE, read_release_file
from cds_service.rulebook.source import nearest
from cds_service.rulebook.trial_page import report_page
from cds_service.rulebook.trial_report import trial_report
from cds_service.rulebook.trial_words import report_json, report_lines

USAGE = 2


def trial_report_command(args: argparse.Namespace) -> int:
    """Print the report. Exit codes: 0 fine, 2 usage, 8 the database cannot be used or has another schema.

    args: rule, an id or None for all; since, until: days or None; by; format; folder: of the rules, whose release says
    which rules there are.
    """
    if args.since and args.until and args.since > args.until:
        print(f"rules trial-report: --since {args.since} is after --until {args.until}", file=sys.stderr)
        return USAGE
    settings = db_settings()
    address = read_address(settings.database_url or "")
    zone = settings.timezone
    try:
        with records_at(address) as connection:
            counted = counted_trials(connection, zone, args.since, args.until, args.rule or "")
            found = trial_report(watched(counted), args.by)
    except (SchemaProblem, StoreUnavailable) as problem:
        print(f"the database cannot be used: {problem}", file=sys.stderr)
        return DATABASE
    unknown = _unknown_rule(Path(args.folder), args.rule) if args.rule and not found.trials else ""
    if unknown:
        print(f"rules trial-report: {unknown}", file=sys.stderr)
        return USAGE
    if args.format == "json":
        print(json.dumps(report_json(found, address.shown, str(zone)), indent=2))
    elif args.format == "html":
        print(report_page(found, address.shown, str(zone)), end="")
    else:
        print("\n".join(report_lines(found, address.shown, str(zone))))
    return FINE


def _unknown_rule(folder: Path, rule: str) -> str:
    """Say that the release has no such rule, with the nearest; "" when it has, or cannot be read.

    Asked only when the records have no trial of it: they may know rules that a release no longer has.
    """
    release = read_release_file(folder / RELEASE_FILE)
    names = {each.id for each in release.entries}
    if rule in names or release.problems:
        return ""
    near = nearest(rule, sorted(names)) or f"there are {', '.join(sorted(names))}"
    return f"no rule '{rule}' in release {release.id}, and no trial of it on record; {near}"
