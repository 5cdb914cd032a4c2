"""`cds-service rules accept`: judge, once, what a rules folder commits to, for whoever builds an image."""

import argparse
import sys
import tempfile
from pathlib import Path

from cds_service.rulebook.judged import NOTES, note_judged
from cds_service.rulebook.kept import ACCEPTED, REFUSED, look

FINE, FINDINGS, USAGE = 0, 1, 2


def accept_command(args: argparse.Namespace, notes: Path = NOTES) -> int:
    """Judge the release as a first start would, and note it in the package if that would accept it.

    args: folder. Exit codes: 0 noted, 1 lint finds errors, 2 it is not what its lock says, or cannot be noted.
    """
    folder = Path(args.folder)
    print(f"rules: {folder}")
    with tempfile.TemporaryDirectory(prefix="cds-service-") as kept:
        looked = look(folder, Path(kept), judged=lambda digest: False)
    if looked.outcome != ACCEPTED:
        print("\n".join(looked.problems), file=sys.stderr)
        told = {REFUSED: "lint finds errors"}.get(looked.outcome, "not locked; cds-service rules release lock")
        print(f"rules accept: {told}", file=sys.stderr)
        return FINDINGS if looked.outcome == REFUSED else USAGE
    try:
        note_judged(looked.standing.digest, looked.standing.release, notes)  # of the copy that was judged
    except OSError as fault:
        print(f"rules accept: {fault.filename}: {fault.strerror}", file=sys.stderr)
        print("  hint: run it as the account that installed the service, while an image is built", file=sys.stderr)
        return USAGE
    print(
        f"release {looked.standing.release} is judged: a first start with these files and this software need not do it"
    )
    return FINE
