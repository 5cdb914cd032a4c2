"""`cds-service doctor`. Exit codes: 0 fine (there may be warnings), 1 something is wrong, 2 usage, 6 nothing answered,
7 a key file cannot be used.
"""

import argparse
import json
import sys
import time

from cds_service.calling.credential import CredentialProblem, ca_file_of, credential_of
from cds_service.calling.target import TargetProblem, read_target
from cds_service.config import is_origin
from cds_service.doctor.look import look
from cds_service.doctor.observed import Observed
from cds_service.doctor.report import as_json, as_text, examine, exit_code
from cds_service.fixtures import FixtureProblem
from cds_service.trust.keys import KeyProblem

USAGE, KEY_FILE = 2, 7


class OriginProblem(ValueError):
    """An --origin that is none."""


def doctor_command(args: argparse.Namespace) -> int:
    """Look at the deployment at --url and print what was found.

    args: `url`, `origin`, `format`, and those of a caller (`calling.credential`).
    """
    try:
        seen = _observed(args)
    except (CredentialProblem, FixtureProblem, OriginProblem) as problem:
        print(problem, file=sys.stderr)
        return USAGE
    except KeyProblem as problem:
        print(problem, file=sys.stderr)
        return KEY_FILE
    found = examine(seen)
    code = exit_code(seen, found)
    if args.format == "json":
        # A URL that cannot be called may hold a password; it is not repeated.
        print(json.dumps(as_json(seen.target.base if seen.target else "", found, code), indent=2, ensure_ascii=False))
    else:
        print(as_text(found))
    return code


def _observed(args: argparse.Namespace) -> Observed:
    try:
        target = read_target(args.url)
    except TargetProblem as problem:
        return Observed(time.time(), fault=str(problem))
    if args.origin and not is_origin(args.origin):
        raise OriginProblem("--origin: give scheme, host and port in small letters, such as https://app.example.org")
    return look(target, credential_of(args, target), origin=args.origin, ca_file=ca_file_of(args))
