"""`cds-service rules simulate`: what a release of rules says of a whole cohort.

Exit codes: 0 simulated, 1 simulated but some lines could not be used, 2 no cohort, or no release to judge by.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from cds_service.core.overlay import overlay
from cds_service.core.rule import Release
from cds_service.core.site_words import site_summary
from cds_service.population.lines import NoCohort, size_of
from cds_service.population.progress import Progress
from cds_service.population.report import report_of
from cds_service.population.report_html import as_html
from cds_service.population.report_text import as_text
from cds_service.population.simulate import Simulated, simulate
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import load_release, unknown_release
from cds_service.rulebook.site_file import read_site
from cds_service.rulebook.source import RuleProblem

FINE, FINDINGS, USAGE = 0, 1, 2


def simulate_command(args: argparse.Namespace) -> int:
    """Judge a cohort and print the report.

    args: folder (rules), release (an older one by name), site (a file with what a site changes, or None), cohort, hook,
    today, workers (0 = one a core), format.
    """
    folder, cohort = Path(args.folder), Path(args.cohort)
    unknown = args.release and unknown_release(folder, args.release)
    if unknown:
        print(f"rules simulate: {unknown}", file=sys.stderr)
        return USAGE
    release, problems = _release(folder, args.release, args.site)
    if release is None:
        print("\n".join(str(each) for each in problems if each.severity == "error"), file=sys.stderr)
        return USAGE
    try:
        simulated = _watched(release, cohort, args)
    except NoCohort as problem:
        print(f"rules simulate: {problem}", file=sys.stderr)
        return USAGE
    except OSError as fault:
        print(f"rules simulate: {fault.filename or cohort}: {fault.strerror or fault}", file=sys.stderr)
        return USAGE
    report = report_of(simulated)
    if args.format == "json":
        print(json.dumps(report, indent=2, ensure_ascii=False))
    elif args.format == "html":
        print(as_html(report), end="")
    else:
        print(f"rules: {folder}, release {release.id}")
        if release.site:
            print(f"site: {args.site}: {site_summary(release)}")
        print("\n".join(as_text(report)))
    return FINDINGS if simulated.findings.total else FINE


def _release(folder: Path, name: str | None, site: str | None) -> tuple[Release | None, Sequence[RuleProblem]]:
    """Give the release, as the site changes it; None, and what is wrong, when it cannot be judged by."""
    loaded = load_release(folder, name)
    if loaded.release is None or site is None:
        return loaded.release, loaded.problems
    changed = read_site(Path(site))
    problems = site_problems(changed, loaded, folder, date.today())
    if any(each.severity == "error" for each in problems):
        return None, problems
    return overlay(loaded.release, changed.site), ()


def _watched(release: Release, cohort: Path, args: argparse.Namespace) -> Simulated:
    """Simulate with a bar for each step."""
    with Progress("step 1", size_of(cohort)) as sorting, Progress("step 2", 1) as judging:

        def part_done(done: int, parts: int) -> None:
            judging.whole = parts
            judging.add(done)

        return simulate(
            release, cohort, hook=args.hook, today=args.today, workers=args.workers, read=sorting.add,
            judged=part_done,
        )  # fmt: skip
