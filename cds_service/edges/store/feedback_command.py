"""`cds-service feedback report`: what became of the cards, from the records."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cds_service.config import SettingProblem, Settings
from cds_service.core.overlay import MOST_OVERRIDDEN, SMALL_COUNTS
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.commands import DATABASE, FINE, db_settings
from cds_service.edges.store.faults import SchemaProblem, StoreUnavailable
from cds_service.edges.store.feedback_counts import counted_feedback, days_on_record, last_feedback
from cds_service.edges.store.reading import records_at, watched
from cds_service.feedback_report.counted import count_of
from cds_service.feedback_report.forms import report_csv, report_json
from cds_service.feedback_report.page import report_page
from cds_service.feedback_report.report import Asked, FeedbackReport, by_of, report_of
from cds_service.feedback_report.telling import LEAST
from cds_service.feedback_report.words import report_lines
from cds_service.rulebook.lint_site import feedback_problems
from cds_service.rulebook.release_file import REASONS_FILE, read_override_reasons
from cds_service.rulebook.site_file import read_site
from cds_service.rulebook.trial_report import WEEK

USAGE = 2


def feedback_report_command(args: argparse.Namespace) -> int:
    """Print the report, or write it to a file.

    Exit codes: 0 fine, 2 usage, 3 a setting or the site file cannot be used, 8 the database cannot be used or has
    another schema.
    args: rule, an id or None for all; since, until: days or None; today; by, small_counts, site, out: None for what is
    usual; folder: of the rules, whose words for reasons are told; format.
    """
    if args.since and args.until and args.since > args.until:
        print(f"feedback report: --since {args.since} is after --until {args.until}", file=sys.stderr)
        return USAGE
    settings = db_settings(of_site=True)
    wanted = _of_site(args, settings)
    words, _ = read_override_reasons(Path(args.folder) / REASONS_FILE)
    address = read_address(settings.database_url or "")
    try:
        found = _read(address, settings, args, wanted, words)
    except (SchemaProblem, StoreUnavailable) as problem:
        print(f"the database cannot be used: {problem}", file=sys.stderr)
        return DATABASE
    return _write(_shown(found, address, words, args.format), args.out)


def _of_site(args: argparse.Namespace, settings: Settings) -> Mapping[str, float]:
    """Give what the site file says of feedback reports. Raises SettingProblem."""
    path = Path(args.site) if args.site else settings.site
    if path is None:
        return {}
    file = read_site(path)
    problems = [*file.problems, *feedback_problems(file)]
    if problems:
        told = "\n".join(map(str, problems))
        raise SettingProblem(f"{told}\n{'--site' if args.site else 'CDS_SITE'}: {path} cannot be used")
    return file.site.feedback


def _read(
    address: Address,
    settings: Settings,
    args: argparse.Namespace,
    wanted: Mapping[str, float],
    words: Mapping[str, str],
) -> FeedbackReport:
    zone, days = settings.timezone, (args.since, args.until)
    with records_at(address) as connection:
        first, last = days_on_record(connection, zone, *days) or (None, None)
        asked = Asked(
            first,
            last,
            as_of=args.today,
            zone=str(zone),
            by=args.by or (by_of(first, last) if first and last else WEEK),
            least=args.small_counts or int(wanted.get(SMALL_COUNTS, LEAST)),
            threshold=wanted.get(MOST_OVERRIDDEN),
        )
        heard = last_feedback(connection, zone)
        counted = counted_feedback(connection, zone, *days, args.rule or "")
        return report_of(count_of(watched(counted), heard, words), asked, heard)


def _shown(report: FeedbackReport, address: Address, words: Mapping[str, str], form: str) -> str:
    match form:
        case "csv":
            return report_csv(report, words)
        case "json":
            return json.dumps(report_json(report, address.shown, words), indent=2) + "\n"
        case "html":
            return report_page(report, address.shown, words)
        case _:
            return "\n".join(report_lines(report, address.shown, words)) + "\n"


def _write(text: str, out: str | None) -> int:
    if out is None:
        print(text, end="")
        return FINE
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as fault:
        print(f"feedback report: --out {out}: {fault.strerror}", file=sys.stderr)
        return USAGE
    print(f"written: {out}")
    return FINE
