"""The arguments of `cds-service rules diff` and `rules release`; what they do stands in the modules of each."""

import argparse
from collections.abc import Callable
from datetime import date
from typing import Any

Run = Callable[[argparse.Namespace], int]
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_FOLDER = "rules folder; else CDS_RULES, else the packaged one"


def a_day(text: str) -> date:
    """Read a day of the command line. Raises ArgumentTypeError, also for a year of which nobody has records."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # 20260301 and 2026-W09-7 are days too, but nobody means them
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2026-03-01")
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise argparse.ArgumentTypeError(f"{text} is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


def add_diff(commands: Any, run: Run) -> None:
    """Add `rules diff`."""
    diff = commands.add_parser("diff", help="say what changed between two versions of a rule, or two releases")
    diff.add_argument("before", help="rule@version, definition@version, or the name of a release")
    diff.add_argument("after", help="another version of the same, or another release")
    diff.add_argument("--cohort", metavar="DIR", help="folder of NDJSON, or of FHIR Bundles, one person each")
    diff.add_argument("--today", type=a_day, help="the day the cohort is judged at, as 2026-03-01; else today")
    diff.add_argument("--html", metavar="FILE", help="write a page with pictures too")
    diff.add_argument("--format", choices=["text", "json"], default="text")
    diff.add_argument("--folder", help=_FOLDER)
    diff.set_defaults(run=run)


def add_release(commands: Any, run: Run) -> None:
    """Add `rules release` and its commands."""
    release = commands.add_parser("release", help="make, change, lock and undo releases")
    actions = release.add_subparsers(title="commands", required=True, metavar="COMMAND")
    new = actions.add_parser("new", help="keep the current release, and begin one of another name")
    new.add_argument("name", help="such as 2026.12.0")
    promote = actions.add_parser("promote", help="make a version of a rule active, a trial, or take it out")
    promote.add_argument("rule", help="rule@version")
    promote.add_argument("run_as", choices=["active", "trial", "off"])
    back = actions.add_parser("back", help="serve an older release again")
    back.add_argument("name", help="name of an older release")
    status = actions.add_parser("status", help="what runs since when, trials, reviews due, drafts")
    actions.add_parser("lock", help="commit to the release when lint and tests find nothing")
    log = actions.add_parser("changelog", help="what changed since another release")
    log.add_argument("--since", metavar="NAME", help="the earlier release; else the one before")
    log.add_argument("--to", metavar="NAME", help="the later release; else the current one")
    log.add_argument("--format", choices=["text", "json", "markdown"], default="text")
    status.add_argument("--format", choices=["text", "json"], default="text")
    for name in ("lock", "back"):
        actions.choices[name].add_argument("--site", metavar="FILE", help="site file it must fit; else CDS_SITE")
    for name, each in actions.choices.items():
        each.add_argument("--folder", help=_FOLDER)
        each.set_defaults(run=run, action=name)
