"""Give mutated seeds to the targets: `python -m tests.fuzz.run TARGET [--count N] [--first N] [--minutes M]`.

Prints a line of JSON. A body that brings a fault out is kept as .make/fuzz/TARGET/<sha256>: once it is mended, put that
file among tests/fuzz/seeds/TARGET under a name that says what it is.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fuzz.__main__ import FAULTS_SHOWN, HANG_S, alarm
from tests.fuzz.havoc import mutated
from tests.fuzz.targets import TARGETS, Target, seeds, warm
from tests.running import ROOT

KEPT = ROOT / ".make" / "fuzz"


def look(target: Target, body: bytes) -> str:
    """Say what is wrong with what a target does with a body, "" if nothing is."""
    try:
        with alarm(HANG_S):
            return target(body)
    except TimeoutError:
        return f"takes longer than {HANG_S} s"
    except Exception as raised:  # whatever escapes is a finding, not the end of the run
        where = raised.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
        return f"{type(raised).__name__} at {place}"


def calls_of(target: Target, body: bytes) -> int:
    """Count the functions that are called for a body: a measure of work that no other program can change."""
    count = 0

    def tell(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(tell)
    try:
        target(body)
    finally:
        sys.setprofile(None)
    return count


def run(name: str, first: int, count: int, until: float | None = None, kept: Path = KEPT) -> dict[str, Any]:
    """Give bodies `first` to `first + count - 1` to a target, or as many as there is time for.

    until: moment of time.monotonic() at which to stop. kept: where bodies that bring a fault out are written.
    """
    target, begin_with = TARGETS[name], list(seeds(name).values())
    warm()
    faults: list[str] = []
    number = first
    while number < first + count and (until is None or time.monotonic() < until):
        body = mutated(begin_with, number)
        if fault := look(target, body):
            faults.append(f"{number}: {fault} ({keep(kept / name, body)})")
        number += 1
    return {"target": name, "count": number - first, "faults": len(faults), "first_faults": faults[:FAULTS_SHOWN]}


def keep(folder: Path, body: bytes) -> str:
    """Write a body to a file of its own and give the name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(body).hexdigest()[:16]
    path.write_bytes(body)
    return path.name


def faults_of_seeds(name: str) -> Mapping[str, str]:
    """What is wrong with the seeds of a target, by file."""
    warm()
    found = {file: look(TARGETS[name], body) for file, body in seeds(name).items()}
    return {file: fault for file, fault in found.items() if fault}


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    options.add_argument("target", choices=TARGETS)
    options.add_argument("--count", type=int, default=10**12)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--minutes", type=float)
    args = options.parse_args(arguments)
    until = time.monotonic() + 60 * args.minutes if args.minutes else None
    print(json.dumps(run(args.target, args.first, args.count, until)))


if __name__ == "__main__":
    main()
