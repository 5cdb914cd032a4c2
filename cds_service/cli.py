"""`cds-service`: the commands, and what their exit codes mean.

0 fine · 1 findings (a check found something) · 2 usage · 3 a setting cannot be used · 4 the rules cannot be served ·
5 the address cannot be listened on · 6 a URL gave no answer · 7 a key file cannot be used · 8 the database cannot be
reached, or its schema is not this version's. Each command stands in the module of its subject and is imported when it
is called.
"""

import argparse
import errno
import gc
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from cds_service.cli_rules import add_rules, rules_folder
from cds_service.feedback_report.options import add_feedback
from cds_service.unheard import unheard_at_worst

FINE, FINDINGS, USAGE, SETTINGS, RULES, ADDRESS = range(6)
STOPPED = 130  # by Ctrl-C, as a shell counts it
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # what a file that takes the output answers
DATABASE = 8  # 6 is that of replay and doctor, 7 that of token too
LET_GO_S = 3.0
# What `serve` prints calls for, in the order of fixtures.SAMPLE_CALLS: what each shows, the file of its request body.
SAMPLES = (
    ("a call that returns a card", Path("var") / "sample-request.json"),
    ("the same for a person in treatment, who needs no card", Path("var") / "treated-request.json"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. Problems that have a code of their own go to standard error."""
    args = parser().parse_args(arguments)

    from cds_service.config import SettingProblem
    from cds_service.edges.rule_store import RulesProblem

    try:
        with unheard_at_worst():
            return int(args.run(args))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except OSError as fault:
        if fault.filename is not None or fault.errno not in _FULL:
            raise
        _write_no_more()
        print(f"standard output: {fault.strerror}", file=sys.stderr)
        return USAGE
    except SettingProblem as problem:
        print(problem, file=sys.stderr)
        return SETTINGS
    except RulesProblem as problem:
        print(problem, file=sys.stderr)
        return RULES


def _write_no_more() -> None:
    """What is left of the output must not be flushed to where it cannot go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="cds-service",
        description="CDS Hooks service for opioid use disorder.",
        epilog="Settings are CDS_* environment variables: docs/reference/settings.md. "
        "Exit codes: 0 fine, 1 findings, 2 usage, 3 setting, 4 rules, 5 address, 6 no answer, 7 key file, 8 database.",
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the CDS services over HTTP")
    serve.set_defaults(run=_serve)

    replay = commands.add_parser("replay", help="send a fixture, with its dates moved to today, and show the answer")
    replay.add_argument("request", nargs="?", help="name of a fixture, or a file; all fixtures if left out")
    replay.add_argument("--url", help="base URL of a running service; without it the answer is computed here")
    replay.add_argument("--today", help="the day its dates are moved to, as 2026-03-01; else today")
    form = replay.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    form.add_argument("--html", action="store_true", help="print the cards as an HTML page")
    _add_caller(replay)
    replay.set_defaults(run=_replay)

    doctor = commands.add_parser("doctor", help="look at a deployment, and say what is wrong and what to do")
    doctor.add_argument("--url", required=True, help="base URL of the deployment, as clients call it")
    doctor.add_argument("--origin", help="origin of a browser client to check CORS for, as https://app.example.org")
    doctor.add_argument("--format", choices=["text", "json"], default="text")
    _add_caller(doctor)
    doctor.set_defaults(run=_doctor)

    fixture = commands.add_parser("fixture", help="write a request fixture with its dates moved to a day")
    fixture.add_argument("request", nargs="?", help="name of a fixture, or a file; if left out, all are listed")
    fixture.add_argument("--today", help="the day its dates are moved to, as 2026-03-01; else today")
    fixture.add_argument("--out", help="file to write; else standard output")
    fixture.set_defaults(run=_fixture)

    clients = commands.add_parser("clients", help="check who may call")
    client_commands = clients.add_subparsers(title="commands", required=True, metavar="COMMAND")
    check = client_commands.add_parser("check", help="check a clients file, and say what each client may do")
    check.add_argument("file", nargs="?", help="clients file; else CDS_CLIENTS")
    check.add_argument("--format", choices=["text", "json"], default="text")
    check.set_defaults(run=_clients_check)

    token = commands.add_parser("token", help="mint a test token with a local private key, or make a key pair")
    what = token.add_mutually_exclusive_group(required=True)
    what.add_argument("--key", metavar="FILE", help="private key to sign with: a JWK or PEM file")
    what.add_argument("--new-key", metavar="FILE", help="make a key pair: the private JWK goes to FILE")
    token.add_argument("--iss", help="issuer: one of the client's `issuers`; needed with --key")
    token.add_argument("--aud", help="the URL that will be called, whole; needed with --key")
    token.add_argument("--alg", choices=["ES384", "RS384"], help="else the one that fits the key; ES384 for a new one")
    token.add_argument("--kid", help="key id; else that of the JWK, else its RFC 7638 thumbprint")
    token.add_argument("--jku", help="URL of the JWK Set to name in the token")
    token.add_argument("--tenant", help="tenant to name in the token")
    token.add_argument("--life", type=int, help="seconds until the token ends, 1 to 1200; else 300")
    token.set_defaults(run=_token)

    _add_db(commands.add_parser("db", help="the database of records: its schema, its size, its age"))

    feedback = commands.add_parser("feedback", help="what clinicians did with the cards")
    report = add_feedback(feedback.add_subparsers(title="commands", required=True, metavar="COMMAND"))
    report.set_defaults(run=_feedback_report)

    add_rules(commands.add_parser("rules", help="check, test, explain, compare and release rules"))
    return top


def _add_caller(command: argparse.ArgumentParser) -> None:
    """Options of a command that calls a deployment: who it calls as, and which certificates it trusts."""
    caller = command.add_argument_group("calling a deployment that checks its callers")
    what = caller.add_mutually_exclusive_group()
    what.add_argument("--token", help="token for one call; - reads it from standard input, which no process list shows")
    what.add_argument("--token-file", metavar="FILE", help="file that holds the token")
    what.add_argument("--key", metavar="FILE", help="private key to mint a token with for each call: a JWK or PEM file")
    caller.add_argument("--iss", help="issuer: one of the client's `issuers`; needed with --key")
    caller.add_argument("--alg", choices=["ES384", "RS384"], help="else the one that fits the key")
    caller.add_argument("--kid", help="key id; else that of the JWK, else its RFC 7638 thumbprint")
    caller.add_argument("--jku", help="URL of the JWK Set to name in the tokens")
    caller.add_argument("--tenant", help="tenant to name in the tokens")
    caller.add_argument("--public-url", metavar="URL", help="CDS_PUBLIC_URL, which tokens name, if --url is another")
    caller.add_argument("--ca-file", metavar="FILE", help="certificates to trust in place of the usual, PEM")


def _add_db(db: argparse.ArgumentParser) -> None:
    commands = db.add_subparsers(title="commands", required=True, metavar="COMMAND")
    upgrade = commands.add_parser("upgrade", help="bring the database to the schema of this version")
    upgrade.set_defaults(run=_db)
    status = commands.add_parser("status", help="say its schema, rows, ages and size; exit code 1 if not current")
    status.set_defaults(run=_db)
    purge = commands.add_parser("purge", help="delete what is older than CDS_RETENTION_DAYS")
    purge.add_argument("--days", type=_days, help="keep this many days instead")
    purge.add_argument("--dry-run", action="store_true", help="only count what would be deleted")
    purge.set_defaults(run=_db)
    for name, each in (("upgrade", upgrade), ("status", status), ("purge", purge)):
        each.set_defaults(action=name)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= 36500):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of days from 1 to 36500")
    return int(text)


def _db(args: argparse.Namespace) -> int:
    from cds_service.edges.store import commands

    run = {"upgrade": commands.upgrade_command, "status": commands.status_command, "purge": commands.purge_command}
    return run[args.action](args)


def _feedback_report(args: argparse.Namespace) -> int:
    from cds_service.edges.store.feedback_command import feedback_report_command

    args.folder, args.today = rules_folder(args.folder), date.today()
    return int(feedback_report_command(args))


def _serve(args: argparse.Namespace) -> int:
    from cds_service.rulebook.uncollected import uncollected

    with uncollected():
        ready = _ready_to_serve()
        if isinstance(ready, int):
            return ready
        gc.freeze()  # modules and rules stay for good: to look through them for cycles finds next to nothing
    ready()
    return FINE


def _ready_to_serve() -> Callable[[], None] | int:
    """Read and check all that a start needs, and give what serves until it is stopped, or an exit code."""
    from cds_service import wiring, wiring_rules
    from cds_service.clients.client import ANONYMOUS
    from cds_service.config import AUTH_OFF, read_settings
    from cds_service.edges import logs
    from cds_service.edges.server import serve
    from cds_service.edges.store.faults import SchemaProblem

    settings = read_settings(os.environ)
    fault = _cannot_listen(settings.host, settings.port)
    if fault:
        print(f"CDS_HOST, CDS_PORT: cannot listen on {settings.host}:{settings.port}: {fault}", file=sys.stderr)
        return ADDRESS
    site = wiring_rules.site_of(settings)
    rules, said = wiring.prepare(settings, site=site)
    for line in said:
        print(line, flush=True)
    try:
        warning = wiring.prepare_records(settings)
    except SchemaProblem as problem:
        print(problem, file=sys.stderr)
        return DATABASE
    if warning:
        print(warning, flush=True)  # standard error is the log's
    logs.configure(settings.log_level)

    def announce(port: int) -> None:
        # With auth required a call wants a token, which a line to copy could not hold.
        samples = sample_requests(wiring.clock(settings)(ANONYMOUS)) if settings.auth == AUTH_OFF else []
        print(welcome(settings.host, port, samples), flush=True)

    return lambda: serve(
        wiring.serving(settings, announce), lambda: wiring.open_service(settings, site=site, before=rules)
    )


def welcome(host: str, port: int, samples: Sequence[tuple[str, Path]]) -> str:
    """What is printed once calls are answered: the URL, and calls to copy.

    samples: what each call shows, and the file with its request body.
    """
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    url = f"http://{shown}:{port}"
    lines = [f"serving {url}", f"  services: {url}/cds-services", f"  rules:    {url}/rules"]
    for what, path in samples:
        lines += [
            f"  {what}:",
            f"  curl -s -H 'Content-Type: application/json' -d @{path} {url}/cds-services/oud-patient-view",
        ]
    return "\n".join(lines)


def sample_requests(today: date) -> list[tuple[str, Path]]:
    """Write the request bodies with today's dates under var/, and give those that could be written."""
    from cds_service.fixtures import SAMPLE_CALLS, FixtureProblem, write_request

    written = []
    for fixture, (what, path) in zip(SAMPLE_CALLS, SAMPLES, strict=True):
        try:
            path.parent.mkdir(exist_ok=True)
            write_request(fixture, today, path)
        except (FixtureProblem, OSError) as fault:  # serving goes on without it
            print(f"no sample call: {fault}", file=sys.stderr)
        else:
            written.append((what, path))
    return written


def _cannot_listen(host: str, port: int) -> str:
    """Why this address cannot be listened on, or "". Asked before gunicorn, which would retry for seconds.

    Workers whose master was killed let go of its port within a second: it is waited for, so that whoever starts the
    service anew at once need not try again.
    """
    until = time.monotonic() + LET_GO_S
    while (fault := _listening_fault(host, port)) and fault.errno == errno.EADDRINUSE and time.monotonic() < until:
        time.sleep(0.1)
    return (fault.strerror or str(fault)) if fault else ""


def _listening_fault(host: str, port: int) -> OSError | None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        return fault
    return None


def _replay(args: argparse.Namespace) -> int:
    from cds_service.replay import main_replay

    return int(main_replay(args))


def _doctor(args: argparse.Namespace) -> int:
    from cds_service.doctor.command import doctor_command

    return int(doctor_command(args))


def _fixture(args: argparse.Namespace) -> int:
    from cds_service.replay import main_fixture

    return int(main_fixture(args))


def _clients_check(args: argparse.Namespace) -> int:
    from cds_service.clients.check import check_command
    from cds_service.config import public_url_of

    args.file = args.file or os.environ.get("CDS_CLIENTS", "")
    if not args.file:
        print("clients check: name a file, or set CDS_CLIENTS", file=sys.stderr)
        return USAGE
    args.public_url = public_url_of(os.environ)
    args.rules = _rules_at_hand
    return int(check_command(args))


def _rules_at_hand() -> tuple[Path, frozenset[str]] | None:
    """The rules folder and the ids of the rules it serves; None where nothing can be served."""
    from cds_service.core.rule import rule_ids
    from cds_service.edges.rule_store import RulesProblem, load_rules

    try:
        served = load_rules(rules_folder(None), check=False)
    except RulesProblem:
        return None
    return served.folder, rule_ids(served.release)


def _token(args: argparse.Namespace) -> int:
    from cds_service.trust.token_command import token_command

    return int(token_command(args))


if __name__ == "__main__":
    sys.exit(main())
