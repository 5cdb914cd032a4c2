"""`cds-service rules`: the commands of whoever writes rules; what each does stands in the module of its subject."""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from cds_service.population import options
from cds_service.rulebook.arguments import a_day, add_diff, add_release
from cds_service.rulebook.trial_options import add_trial_report

FINE, USAGE = 0, 2
KINDS = ("rule", "definition", "release", "site", "clients")
HOOKS = ("patient-view", "order-select", "order-sign", "encounter-discharge")


def add_rules(rules: argparse.ArgumentParser) -> None:
    """Add the commands of `rules`."""
    rule_commands = rules.add_subparsers(title="commands", required=True, metavar="COMMAND")
    lint = rule_commands.add_parser("lint", help="check every rule file; exit code 1 if there are errors")
    lint.add_argument("--write-lock", action="store_true", help="lock the release's files when nothing is wrong")
    lint.add_argument("--format", choices=["text", "json", "sarif"], default="text")
    lint.set_defaults(run=_rules_lint)
    test = rule_commands.add_parser("test", help="run the inline tests of rules and the small changes they must catch")
    test.add_argument("rule", nargs="*", help="id or id@version of a rule or definition; all if left out")
    test.add_argument("--release", help="name of an older release")
    test.add_argument("--format", choices=["text", "json", "junit"], default="text")
    test.set_defaults(run=_rules_test)
    explain = rule_commands.add_parser("explain", help="say why a rule speaks or stays silent on one chart")
    explain.add_argument("rule", help="id or id@version of a rule, or all")
    chart = explain.add_mutually_exclusive_group(required=True)
    chart.add_argument("--bundle", metavar="FILE", help="a FHIR Bundle of one person's record, or the body of a call")
    chart.add_argument("--fixture", metavar="NAME", help="name of a request fixture, its dates as they are written")
    explain.add_argument("--version", help="another version of the rule, of an older release or a draft")
    explain.add_argument(
        "--today", type=a_day, help="the day it is judged at, as 2026-03-01; else today or the fixture's"
    )
    explain.add_argument("--hook", choices=HOOKS, help="the moment a Bundle is judged at; else patient-view")
    explain.add_argument("--encounter", default="", help="id of the stay; else the latest of the Bundle")
    explain.add_argument("--depth", choices=["reason", "criteria", "full"], help="else criteria; of all rules, reason")
    explain.add_argument("--format", choices=["text", "json"], default="text")
    explain.set_defaults(run=_rules_explain)
    report = add_trial_report(rule_commands)
    report.set_defaults(run=_rules_trial_report)
    schema = rule_commands.add_parser("schema", help="write the JSON Schemas of files, for editors")
    schema.add_argument("kind", nargs="?", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}; else all")
    schema.add_argument("--out", metavar="DIR", help="folder to write them to; else standard output")
    schema.set_defaults(run=_rules_schema)
    cohort, simulate = options.add_cohort(rule_commands), options.add_simulate(rule_commands)
    cohort.set_defaults(run=_rules_cohort)
    simulate.set_defaults(run=_rules_simulate)
    accept = rule_commands.add_parser("accept", help="judge the locked release once, while an image is built")
    accept.set_defaults(run=_rules_accept)
    for each in (lint, explain, simulate):
        each.add_argument("--site", metavar="FILE", help="site file to check, or to judge by; else CDS_SITE")
    for each in (lint, test, explain, cohort, simulate, accept):
        each.add_argument("--folder", help="rules folder; else CDS_RULES, else the packaged one")
    add_diff(rule_commands, _rules_diff)
    add_release(rule_commands, _rules_release)


def _rules_lint(args: argparse.Namespace) -> int:
    from cds_service.rulebook.commands import lint_command

    args.rules = str(rules_folder(args.folder))
    args.site = _site(args.site)
    return int(lint_command(args))


def _rules_test(args: argparse.Namespace) -> int:
    from cds_service.population.progress import watched
    from cds_service.rulebook.test_command import test_command

    args.watched = watched
    return _in_folder("test", args, test_command)


def _rules_explain(args: argparse.Namespace) -> int:
    import json

    from cds_service.fixtures import FixtureProblem, find
    from cds_service.rulebook.explain_command import explain_command
    from cds_service.rulebook.explained import ALL

    rule, at, version = args.rule.partition("@")
    if at and (not version or args.version):
        told = "--version names another one" if version else f"names no version; write it as {rule}@1.1.0"
        print(f"rules explain: '{args.rule}' {told}", file=sys.stderr)
        return USAGE
    args.rule, args.version = rule, version or args.version
    if args.version and rule == ALL:
        print("rules explain: --version is of one rule, not of all", file=sys.stderr)
        return USAGE
    try:
        if args.fixture:
            fixture = find(args.fixture)
            args.today = args.today or fixture.written_for or date.today()
            args.name, args.body = fixture.name, fixture.on(args.today)
        else:
            args.name, args.today = args.bundle, args.today or date.today()
            args.body = json.loads(Path(args.bundle).read_text(encoding="utf-8-sig"))
    except (FixtureProblem, OSError, ValueError, RecursionError) as fault:
        said = fault if args.fixture else f"{args.bundle}: {getattr(fault, 'strerror', None) or f'is no JSON: {fault}'}"
        print(f"rules explain: {said}", file=sys.stderr)
        return USAGE
    args.site = _site(args.site)
    return _in_folder("explain", args, explain_command)


def _rules_trial_report(args: argparse.Namespace) -> int:
    from cds_service.edges.store.trial_command import trial_report_command

    args.folder = str(rules_folder(None))
    return int(trial_report_command(args))


def _rules_schema(args: argparse.Namespace) -> int:
    from cds_service.schemas import schema_command

    return int(schema_command(args))


def _rules_cohort(args: argparse.Namespace) -> int:
    from cds_service.population.cohort_command import cohort_command
    from cds_service.population.stopping import tidily

    args.today = args.today or date.today()
    with tidily():
        return _in_folder("cohort", args, cohort_command)


def _rules_simulate(args: argparse.Namespace) -> int:
    from cds_service.population.simulate_command import simulate_command
    from cds_service.population.stopping import tidily

    args.site, args.today = _site(args.site), args.today or date.today()
    with tidily():
        return _in_folder("simulate", args, simulate_command)


def _rules_accept(args: argparse.Namespace) -> int:
    from cds_service.rulebook.accept_command import accept_command

    return _in_folder("accept", args, accept_command)


def _rules_diff(args: argparse.Namespace) -> int:
    from cds_service.population.compare import compare
    from cds_service.population.stopping import tidily
    from cds_service.rulebook.diff_command import diff_command

    args.today, args.compare = args.today or date.today(), compare
    with tidily():
        return _in_folder("diff", args, diff_command)


def _rules_release(args: argparse.Namespace) -> int:
    from cds_service.population.progress import watched
    from cds_service.rulebook.release_command import release_command

    args.watched = watched
    args.folder, args.today, args.seen = str(rules_folder(args.folder)), date.today(), {}
    args.site = _site(getattr(args, "site", None))
    database = os.environ.get("CDS_DATABASE_URL")
    if args.action == "status" and database:
        from cds_service.edges.store.faults import StoreUnavailable
        from cds_service.edges.store.first_decisions import first_decisions

        try:
            args.seen = first_decisions(database)
        except StoreUnavailable as problem:
            print(f"rules release status: not looked at: {problem}", file=sys.stderr)
    return int(release_command(args))


def _in_folder(name: str, args: argparse.Namespace, command: Callable[[argparse.Namespace], int]) -> int:
    """Run a command of `rules` on its folder, which must be one."""
    folder = rules_folder(args.folder)
    if not folder.is_dir():
        print(f"rules {name}: {folder}: is no folder; name one with --folder or CDS_RULES", file=sys.stderr)
        return USAGE
    args.folder = str(folder)
    return command(args)


def _site(given: str | None) -> str | None:
    return given or os.environ.get("CDS_SITE", "").strip() or None


def rules_folder(given: str | None) -> Path:
    from cds_service.edges.rule_store import find_rules

    named = given or os.environ.get("CDS_RULES")
    return find_rules(Path(named) if named else None)
