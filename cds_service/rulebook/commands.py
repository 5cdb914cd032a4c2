"""Commands of `cds-service rules` that look at files. Exit codes: 0 fine, 1 findings, 2 usage."""

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

from cds_service.core.plural import so_many
from cds_service.rulebook.lint import NOT_REVIEWED, Report, lint_report
from cds_service.rulebook.lint_codes import ERROR, WARNING
from cds_service.rulebook.lint_formats import as_json, as_sarif
from cds_service.rulebook.lint_page import read_examples
from cds_service.rulebook.reading_level import reading_line
from cds_service.rulebook.release import load_release
from cds_service.rulebook.release_lock import write_lock

FINE, FINDINGS, USAGE = 0, 1, 2


def lint_command(args: argparse.Namespace) -> int:
    """Print every problem of a rules folder, how hard its cards are to read, and a last line that counts the problems.

    args: `rules`, the folder (None = CDS_RULES, else "rules"); `site`, a site file to check beside it (None = none);
    `write_lock`, to lock the release when nothing is wrong; `format`, "text", "json" or "sarif". With the last two,
    standard output holds the data alone.
    """
    folder = Path(getattr(args, "rules", None) or os.environ.get("CDS_RULES") or "rules")
    if not folder.is_dir():
        print(f"rules lint: {folder} is no folder", file=sys.stderr)
        return USAGE
    form = getattr(args, "format", None) or "text"
    site = getattr(args, "site", None)
    report = lint_report(folder, date.today(), Path(site) if site else None)
    locked = ""
    if getattr(args, "write_lock", False) and not report.count(ERROR):
        loaded = load_release(folder)
        try:
            locked = f"locked: {write_lock(folder, loaded.file.id, loaded.paths)}"
        except OSError as fault:
            print(f"rules lint: {fault.filename or folder}: {fault.strerror}", file=sys.stderr)
            return USAGE
    if form == "text":
        print(f"rules: {folder}")
        told = [f"site: {': '.join([site, *report.site[:1]])}"] if site else []
        told += [*report.site[1:], *(str(each) for each in report.problems if each.code != NOT_REVIEWED)]
        print("\n".join(filter(None, [*told, locked, reading_line(report.rules), last_line(report)])))
    else:
        data = as_json(report, folder) if form == "json" else as_sarif(report, Path.cwd(), read_examples())
        print(json.dumps(data, indent=2, ensure_ascii=False))
        if locked:
            print(locked, file=sys.stderr)
    return FINDINGS if report.count(ERROR) else FINE


def last_line(report: Report) -> str:
    """Count errors, warnings and allowed warnings; files that nobody has reviewed are counted apart."""
    waiting = sum(each.code == NOT_REVIEWED for each in report.problems)
    warnings = report.count(WARNING) - waiting
    counts = f"{so_many(report.count(ERROR), 'error')}, {so_many(warnings, 'warning')}"
    said = f"lint: {counts}, {len(report.allowed)} allowed"
    return f"{said}; {waiting} not reviewed yet" if waiting else said
