"""The options of `rules trial-report`; nothing is loaded here but what reads a command line."""

import argparse
from typing import Any

from cds_service.rulebook.arguments import a_day


def add_trial_report(commands: Any) -> argparse.ArgumentParser:
    """Add `trial-report` to the commands of `rules`."""
    report: argparse.ArgumentParser = commands.add_parser(
        "trial-report", help="say from the records what trial versions would have changed"
    )
    report.add_argument("--rule", metavar="ID", help="id of one rule; all if left out")
    report.add_argument("--since", type=a_day, metavar="DAY", help="first day, as 2026-03-01; else that of the records")
    report.add_argument("--until", type=a_day, metavar="DAY", help="last day; else that of the records")
    report.add_argument("--by", choices=["day", "week", "month"], default="week", help="periods; else week")
    report.add_argument("--format", choices=["text", "json", "html"], default="text")
    return report
