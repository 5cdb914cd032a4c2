"""`cds-service rules cohort`: write a synthetic cohort as Bulk Data, one NDJSON file a resource type.

Exit codes: 0 written, 2 the folder cannot be written to, or the release cannot be read.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from cds_service.core.plural import so_many
from cds_service.population.cohort import people
from cds_service.population.cohort_plan import PlanProblem, read_plan
from cds_service.population.progress import Progress
from cds_service.rulebook.release import load_release

FINE, USAGE = 0, 2
_BUFFER = 1 << 18


def write_cohort(records: Iterable[list[dict[str, Any]]], folder: Path) -> dict[str, int]:
    """Write records to `folder`/<type>.ndjson as they come, and count the resources of each type.

    A file has its name once all are whole; of a run that ends early none is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    try:
        _write(records, folder, counts)
        for kind in counts:
            _new(folder, kind).replace(folder / f"{kind}.ndjson")
    except BaseException:
        for kind in counts:
            _new(folder, kind).unlink(missing_ok=True)
        raise
    return counts


def _new(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.ndjson.new"


def _write(records: Iterable[list[dict[str, Any]]], folder: Path, counts: dict[str, int]) -> None:
    files: dict[str, BinaryIO] = {}
    with ExitStack() as stack:
        for record in records:
            for resource in record:
                kind = resource["resourceType"]
                if kind not in files:
                    counts[kind] = 0
                    files[kind] = stack.enter_context(_new(folder, kind).open("wb", buffering=_BUFFER))
                files[kind].write(orjson.dumps(resource, option=orjson.OPT_APPEND_NEWLINE))
                counts[kind] += 1


def cohort_command(args: argparse.Namespace) -> int:
    """Write a cohort. args: patients, seed, out (a folder without NDJSON files), today, folder (rules)."""
    out = Path(args.out)
    if out.is_dir() and any(out.glob("*.ndjson*")):
        print(f"rules cohort: {out} holds NDJSON files already; name another folder", file=sys.stderr)
        return USAGE
    loaded = load_release(Path(args.folder))
    if loaded.release is None:
        print("\n".join(str(each) for each in loaded.problems if each.severity == "error"), file=sys.stderr)
        return USAGE
    today: date = args.today
    begun = time.perf_counter()
    try:
        plan = read_plan(loaded.release)
        with Progress("people", args.patients) as progress:
            counts = write_cohort(progress.watch(people(plan, args.patients, args.seed, today)), out)
    except PlanProblem as problem:
        print(f"rules cohort: {problem}", file=sys.stderr)
        return USAGE
    except OSError as fault:
        print(f"rules cohort: {fault.filename or out}: {fault.strerror}", file=sys.stderr)
        return USAGE
    print(f"rules: {args.folder}, release {loaded.release.id}")
    print("\n".join(said(counts, args.patients, args.seed, today, out, time.perf_counter() - begun)))
    return FINE


def said(counts: dict[str, int], patients: int, seed: int, today: date, out: Path, took_s: float) -> list[str]:
    """Give what was written as lines. counts: resources by type."""
    whole = sum(counts.values())
    made = so_many(patients, "synthetic person", "synthetic people")
    lines = [
        f"cohort: {made} as of {today.isoformat()}, seed {seed}; none of them is real",
        f"written: {so_many(whole, 'resource')}, {whole / max(patients, 1):.1f} a person, in {took_s:.1f} s, to {out}",
    ]
    return [*lines, *(f"  {f'{kind}.ndjson':32} {counts[kind]:12,}" for kind in sorted(counts))]
