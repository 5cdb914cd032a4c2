"""`python -m bench`: measure what a call costs, beside a floor that only opens the same door.

Sections, in the order they run:
calls     worker processor time and the median time of a call, ours and the floor by turns, three sizes and four stories
peers     beside both: everything read through the models of fhir.resources, and HealthChain, where it is there
steps     what each step of a call takes, in process
rules     a thousand generated rules against twenty
tokens    what an ES384 token a call costs
start     `cds-service serve` from its start to its first answer, and the memory of its processes
capacity  calls a second under load, beside what the CPU ms of a call say (with `calls`)
cohort    what simulating a cohort takes of a core

Results also go to var/bench.json. Nothing here passes or fails on time; the run fails when an answer does not hold the
cards that its chart asks for. docs/explanation/speed.md says how to read the figures.
"""

import argparse
import gc
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench.calls import calls, peers
from bench.capacity import capacity
from bench.charts import SIZES, STORIES, instances, name_of, requests
from bench.load import ServerProblem
from bench.pages import write_pages
from bench.population import population
from bench.rounds import FULL, QUICK, Effort, Servers, ratios, spread
from bench.scale import many_rules
from bench.start import rules_folder, start
from bench.steps import STEPS, answer_of, profile, steps
from bench.tokens import tokens
from cds_service.core.engine import Compiled, compile_release
from cds_service.edges.rule_store import RulesProblem, load_rules

OUT = Path("var") / "bench.json"
SECTIONS = ("calls", "peers", "steps", "rules", "tokens", "start", "capacity", "cohort")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; give 1 when an answer is not what its chart asks for or a server does not start, else 0."""
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure what a call costs.",
        epilog="HEALTHCHAIN_PYTHON names a Python that has HealthChain, which the section `peers` then measures too.",
    )
    parser.add_argument("--quick", action="store_true", help="a few calls of each kind, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, help=f"of each row; else {FULL.rounds}, with --quick {QUICK.rounds}")
    parser.add_argument("--profile", action="store_true", help="only show which functions take the time, in process")
    parser.add_argument("--out", type=Path, default=OUT, help=f"file for the results; else {OUT}")
    parser.add_argument("--docs", action="store_true", help="also write the figures into the documentation")
    parser.add_argument("--results", type=Path, help="measure nothing; with --docs: write those of an earlier run")
    args = parser.parse_args(arguments)
    if args.results and not args.docs:
        parser.error("--results: belongs to --docs")
    if args.only and args.docs:
        parser.error("--docs: takes a run of every section, so that the figures of a page are of one run")
    effort = QUICK if args.quick else FULL
    effort = replace(effort, rounds=args.rounds or effort.rounds)
    chosen = set(args.only or SECTIONS)
    if "capacity" in chosen:
        chosen.add("calls")
    try:
        if args.results:
            found = orjson.loads(args.results.read_bytes())
        else:
            compiled = compile_release(load_rules(rules_folder(), check=False).release)
            gc.collect()
            gc.freeze()  # as the server does with what it loaded
            if args.profile:
                return _show_profile(compiled, effort)
            found = _measure(compiled, effort, chosen)
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
            print(f"\nwritten to {args.out}")
        if args.docs:
            write_pages(found)
    except (ServerProblem, RulesProblem) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _show_profile(compiled: Compiled, effort: Effort) -> int:
    for size in SIZES:
        for story in STORIES:
            people = requests(size, story, min(effort.people, 16))
            print(f"\n{size}, {story}\n{profile(compiled, people, effort.in_process)}")
    return 0


def _measure(compiled: Compiled, effort: Effort, chosen: set[str]) -> dict[str, Any]:
    begun, load_before = time.monotonic(), os.getloadavg()[0]
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        answers = folder / "answers.json"
        answers.write_bytes(orjson.dumps(_sample_answers(compiled)))
        servers = Servers(stack, answers, effort.workers)
        sections = {
            "calls": ("served", lambda: calls(servers, effort)),
            "peers": ("peers", lambda: peers(servers, effort)),
            "steps": ("in_process", lambda: _in_process(compiled, effort)),
            "rules": ("rules", lambda: many_rules(servers, effort, folder)),
            "tokens": ("tokens", lambda: tokens(servers, effort, folder)),
            "start": ("start", lambda: start(effort)),
            "capacity": ("capacity", lambda: capacity(servers, effort, found["served"])),
            "cohort": ("population", lambda: _population(compiled, effort)),
        }
        for name, (key, section) in sections.items():
            if name in chosen:
                found[key] = section()
    seconds = time.monotonic() - begun
    print(f"\n{seconds / 60:.1f} minutes; load average {load_before:.1f} before, {os.getloadavg()[0]:.1f} after")
    machine = {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "release": compiled.release.id,
        "workers": effort.workers,
        "rounds": effort.rounds,
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "seconds": seconds,
    }
    return {"machine": machine, **found}


def _sample_answers(compiled: Compiled) -> dict[str, Any]:
    """Give for each kind of chart the answer that we give one such person: what the floor sends back."""
    names = instances("samples")
    return {
        name_of(size, story): answer_of(compiled, requests(size, story, 1)[0].body(next(names)))
        for size in SIZES
        for story in STORIES
    }


# --- in process ------------------------------------------------------------------------------------------------------


def _in_process(compiled: Compiled, effort: Effort) -> list[dict[str, Any]]:
    print("\nIn process: median microseconds of processor time of each step, and its share.\n")
    print(f"{'chart':18} " + " ".join(f"{step:>14}" for step in STEPS) + f" {'sum':>8}")
    found = []
    for size in SIZES:
        for story in STORIES:
            taken = steps(compiled, requests(size, story, min(effort.people, 16)), effort.in_process)
            whole = sum(taken.values())
            cells = " ".join(f"{taken[step]:8.0f} ({taken[step] / whole:3.0%})" for step in STEPS)
            print(f"{f'{size}, {story}':18} {cells} {whole:8.0f}", flush=True)
            found.append({"size": size, "story": story, "us": taken})
    return found


# --- a cohort --------------------------------------------------------------------------------------------------------


def _population(compiled: Compiled, effort: Effort) -> Mapping[str, Any]:
    found = population(compiled, effort.cohort, effort.rounds)
    us = {step: median(each) for step, each in found["us"].items()}
    each = found["resources"] / found["patients"]
    print(f"\nA cohort of {found['patients']} people, {each:.1f} resources each, on one core; microseconds a person.\n")
    for step in us:
        print(f"{step:8} {spread(found['us'][step]):>36}")
    ratio = ratios(found["us"]["floor"], found["us"]["judge"])
    print(f"ratio    {spread(ratio):>36}  floor / judge: reading records back, over that and judging them")
    print(
        f"simulated {1e6 / (us['sort'] + us['judge']):8.0f} people a second of processor time, sort and judge together"
    )
    return {**found, "ratio": ratio}


if __name__ == "__main__":
    sys.exit(main())
