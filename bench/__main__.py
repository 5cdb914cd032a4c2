"""`python -m bench`: measure what a call costs, beside a floor that only opens the same door.

Worker processor time and the median time of a call at one connection, our service and the floor by turns, for charts
of three sizes and four stories; then what each step takes in process, and what a cohort takes. Results also go to
var/bench.json. Nothing here passes or fails on time; the run fails when an answer does not hold the cards that its
chart asks for.
docs/explanation/speed.md says how to read the figures.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench.charts import SIZES, STORIES, Request, instances, name_of, requests
from bench.floor import FLOOR, OURS
from bench.load import Round, Server, ServerProblem, play, running
from bench.population import population
from bench.steps import STEPS, answer_of, profile, steps
from cds_service.core.engine import Compiled, compile_release
from cds_service.edges.rule_store import RulesProblem, find_rules, load_rules

OUT = Path("var") / "bench.json"
RULE = "org.oud-cds.rule"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. calls: of one round, by size; a round is long enough for the clock of /proc to be fine."""

    people: int
    rounds: int
    calls: Mapping[str, int]
    warm_up: int
    in_process: int
    cohort: int


FULL = Effort(
    people=64, rounds=5, calls=dict(zip(SIZES, (384, 192, 64), strict=True)), warm_up=16, in_process=3, cohort=4000
)
QUICK = Effort(people=2, rounds=1, calls=dict.fromkeys(SIZES, 2), warm_up=1, in_process=1, cohort=20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; give 1 when an answer is not what its chart asks for or a server does not start, else 0."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure what a call costs.")
    parser.add_argument("--quick", action="store_true", help="a few calls of each kind, to see that everything works")
    parser.add_argument("--profile", action="store_true", help="only show which functions take the time, in process")
    parser.add_argument("--out", type=Path, default=OUT, help=f"file for the results; else {OUT}")
    args = parser.parse_args(arguments)
    effort = QUICK if args.quick else FULL
    try:
        chosen = os.environ.get("CDS_RULES")
        compiled = compile_release(load_rules(find_rules(Path(chosen) if chosen else None), check=False).release)
        gc.collect()
        gc.freeze()  # as the server does with what it loaded
        if args.profile:
            return _show_profile(compiled, effort)
        found = _measure(compiled, effort)
    except (ServerProblem, RulesProblem) as problem:
        print(problem, file=sys.stderr)
        return 1
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    print(f"\nwritten to {args.out}")
    return 0


def _show_profile(compiled: Compiled, effort: Effort) -> int:
    for size in SIZES:
        for story in STORIES:
            calls = requests(size, story, min(effort.people, 16))
            print(f"\n{size}, {story}\n{profile(compiled, calls, effort.in_process)}")
    return 0


def _measure(compiled: Compiled, effort: Effort) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.json"
        answers.write_bytes(orjson.dumps(_sample_answers(compiled)))
        with running("bench.floor", OURS, str(answers)) as ours, running("bench.floor", FLOOR, str(answers)) as floor:
            served = _by_turns(ours, floor, effort)
    return {"served": served, "in_process": _in_process(compiled, effort), "population": _population(compiled, effort)}


def _sample_answers(compiled: Compiled) -> dict[str, Any]:
    """Give for each kind of chart the answer that we give one such person: what the floor sends back."""
    names = instances("samples")
    return {
        name_of(size, story): answer_of(compiled, requests(size, story, 1)[0].body(next(names)))
        for size in SIZES
        for story in STORIES
    }


# --- served ----------------------------------------------------------------------------------------------------------


def _by_turns(ours: Server, floor: Server, effort: Effort) -> list[dict[str, Any]]:
    print(f"Served by gunicorn: {effort.rounds} rounds by turns; median (least to most).")
    print("CPU ms is worker processor time a call, p50 ms the median call at one connection; ratio is floor / ours.\n")
    print(
        f"{'chart':16} {'body':>8} {'ours CPU ms':>22} {'floor CPU ms':>22} {'ratio':>20} {'p50 ours':>9} {'floor':>7}"
    )
    found = []
    for size in SIZES:
        for story in STORIES:
            people = requests(size, story, effort.people)
            found.append(_compare(size, story, people, ours, floor, effort))
            print(_line(found[-1]), flush=True)
    return found


def _compare(
    size: str, story: str, people: Sequence[Request], ours: Server, floor: Server, effort: Effort
) -> dict[str, Any]:
    query, names = name_of(size, story), instances(f"{size} {story}")
    calls = effort.calls[size]
    wanted = [people[each % len(people)].rules for each in range(calls)]

    def once(server: Server, wanted: Sequence[tuple[str, ...]]) -> Round:
        bodies = [people[each % len(people)].body(next(names)) for each in range(len(wanted))]
        played, answers = play(server, query, bodies)
        check(answers, wanted)
        return played

    for _ in range(4):  # connections, so that every worker has its share
        for server in (ours, floor):
            once(server, wanted[: effort.warm_up])
    rounds = [(once(ours, wanted), once(floor, wanted)) for _ in range(effort.rounds)]
    return {
        "size": size,
        "story": story,
        "body_bytes": median(len(each.head) + 36 + len(each.tail) for each in people),
        "calls_a_round": calls,
        "ours_cpu_ms": [mine.cpu_ms for mine, _ in rounds],
        "floor_cpu_ms": [its.cpu_ms for _, its in rounds],
        "ratio": [its.cpu_ms / mine.cpu_ms if mine.cpu_ms else 0.0 for mine, its in rounds],
        "ours_p50_ms": [mine.p50_ms for mine, _ in rounds],
        "floor_p50_ms": [its.p50_ms for _, its in rounds],
    }


def check(answers: Sequence[bytes], wanted: Sequence[tuple[str, ...]]) -> None:
    """Raise ServerProblem unless each answer holds exactly the cards of the rules wanted, in order."""
    for answer, rules in zip(answers, wanted, strict=True):
        got = tuple(card["extension"][RULE]["ruleId"] for card in json.loads(answer)["cards"])
        if got != rules:
            raise ServerProblem(f"an answer holds the cards {list(got)}, wanted {list(rules)}")


def _line(found: Mapping[str, Any]) -> str:
    chart = f"{found['size']}, {found['story']}"
    ours, floor, ratio = (_spread(found[name]) for name in ("ours_cpu_ms", "floor_cpu_ms", "ratio"))
    p50 = f"{median(found['ours_p50_ms']):9.2f} {median(found['floor_p50_ms']):7.2f}"
    return f"{chart:18} {found['body_bytes'] / 1000:4.0f} kB {ours:>22} {floor:>22} {ratio:>20} {p50}"


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


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


def _population(compiled: Compiled, effort: Effort) -> dict[str, Any]:
    found = population(compiled, effort.cohort, effort.rounds)
    us = {step: median(each) for step, each in found["us"].items()}
    each = found["resources"] / found["patients"]
    print(f"\nA cohort of {found['patients']} people, {each:.1f} resources each, on one core; microseconds a person.\n")
    for step in us:
        print(f"{step:8} {_spread(found['us'][step]):>36}")
    ratio = [floor / judged for floor, judged in zip(found["us"]["floor"], found["us"]["judge"], strict=True)]
    print(f"ratio    {_spread(ratio):>36}  floor / judge: reading records back, over that and judging them")
    print(
        f"simulated {1e6 / (us['sort'] + us['judge']):8.0f} people a second of processor time, sort and judge together"
    )
    return {**found, "ratio": ratio}


if __name__ == "__main__":
    sys.exit(main())
