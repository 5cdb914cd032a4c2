"""The options of `rules trial-report`; nothing is loaded here but what reads a command line."""

import argparse
from datetime import date
from typing import Any


def add_trial_report(commands: Any) -> argparse.ArgumentParser:
    """Add `trial-report` to the commands of `rules`."""
    report: argparse.ArgumentParser = commands.add_parser(
        "trial-report", help="say from the records what trial versions would have changed"
    )
    report.add_argument("--rule", metavar="ID", help="id of one rule; all if left out")
    report.add_argument("--since", type=_day, metavar="DAY", help="first day, as 2026-03-01; else that of the records")
    report.add_argument("--until", type=_day, metavar="DAY", help="last day; else that of the records")
    report.add_argument("--by", choices=["day", "week", "month"], default="week", help="periods; else week")
    report.add_argument("--format", choices=["text", "json", "html"], default="text")
    return report


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2026-03-01") from None
