"""The options of `rules cohort` and `rules simulate`; nothing is loaded here but what reads a command line."""

import argparse
from typing import Any

from cds_service.core.facts import HOOKS
from cds_service.rulebook.arguments import a_day


def add_cohort(commands: Any) -> argparse.ArgumentParser:
    """Add `cohort` to the commands of `rules`."""
    cohort: argparse.ArgumentParser = commands.add_parser("cohort", help="write a synthetic cohort as Bulk Data NDJSON")
    cohort.add_argument("--patients", type=_count, required=True, help="how many people")
    cohort.add_argument("--seed", type=int, default=1, help="the same seed gives the same people; else 1")
    cohort.add_argument("--out", required=True, help="folder to write to, a file for each resource type")
    cohort.add_argument("--today", type=a_day, help="the day the records end, as 2026-03-01; else today")
    return cohort


def add_simulate(commands: Any) -> argparse.ArgumentParser:
    """Add `simulate` to the commands of `rules`."""
    simulate: argparse.ArgumentParser = commands.add_parser(
        "simulate", help="say what a release says of a whole cohort"
    )
    simulate.add_argument("--release", help="name of an older release")
    simulate.add_argument("--cohort", required=True, help="folder of Bulk Data NDJSON, or of Bundles")
    simulate.add_argument("--hook", choices=HOOKS, default="patient-view", help="the moment of every call")
    simulate.add_argument("--today", type=a_day, help="the day of every call, as 2026-03-01; else today")
    simulate.add_argument("--workers", type=_count, default=0, help="processes; else one for each core")
    simulate.add_argument("--format", choices=["text", "json", "html"], default="text")
    return simulate


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)
