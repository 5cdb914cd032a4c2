"""The options of `cds-service feedback report`; nothing is loaded here but what reads a command line."""

import argparse
from typing import Any

from cds_service.rulebook.arguments import a_day

MOST_LEAST_COUNT = 1000


def add_feedback(commands: Any) -> argparse.ArgumentParser:
    """Add `report` to the commands of `feedback`."""
    report: argparse.ArgumentParser = commands.add_parser(
        "report", help="say from the records what became of the cards of each rule version"
    )
    report.add_argument("--rule", metavar="ID", help="id of one rule; all if left out")
    report.add_argument("--since", type=a_day, metavar="DAY", help="first day, as 2026-03-01; else that of the records")
    report.add_argument("--until", type=a_day, metavar="DAY", help="last day; else that of the records")
    report.add_argument("--by", choices=["week", "month"], help="periods; else weeks up to half a year, then months")
    report.add_argument(
        "--small-counts", type=least_count, metavar="N", help="tell no count below N; 1 holds none back; else 11"
    )
    report.add_argument("--site", metavar="FILE", help="site file with the threshold of overrides; else CDS_SITE")
    report.add_argument("--folder", help="rules folder, for the words of reasons; else CDS_RULES, else the packaged")
    report.add_argument("--format", choices=["text", "csv", "json", "html"], default="text")
    report.add_argument("--out", metavar="FILE", help="file to write; else standard output")
    return report


def least_count(text: str) -> int:
    """Read the least count that is told: 1, or 5 to 1000, for of fewer a small count could at times be worked out."""
    fits = text == "1" or (text.isascii() and text.isdigit() and len(text) < 5 and 5 <= int(text) <= MOST_LEAST_COUNT)
    if not fits:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor a whole number from 5 to {MOST_LEAST_COUNT}")
    return int(text)
