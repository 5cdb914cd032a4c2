"""What each step of a call takes, measured in this process: parse, envelope, read, decide, render, write."""

import cProfile
import gc
import pstats
import time
from collections.abc import Callable, Sequence
from datetime import date
from statistics import median
from typing import Any

import orjson

from bench.charts import HOOK, TODAY, Request, instances
from cds_service.core.card import answer_body, call_context
from cds_service.core.engine import Compiled, decide
from cds_service.fhir.draft import draft
from cds_service.fhir.reader import read_chart
from cds_service.protocol import HookCall, read_call
from cds_service.services import answer
from cds_service.strict_json import parse_json

STEPS = ("parse", "envelope", "read", "decide", "render", "write")
SHOWN = 25  # functions of a profile


def answer_of(compiled: Compiled, body: bytes, today: date = TODAY) -> dict[str, Any]:
    """Answer one call in this process, as the service does."""
    return answer(read_call(parse_json(body), HOOK), compiled, today).body


def steps(compiled: Compiled, requests: Sequence[Request], rounds: int) -> dict[str, float]:
    """Give the median microseconds of processor time of each step over all requests."""
    names = instances("steps")
    taken: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(rounds):
        for request in requests:
            _one(compiled, request.body(next(names)), taken)
    return {step: median(each) for step, each in taken.items()}


def _one(compiled: Compiled, body: bytes, taken: dict[str, list[float]]) -> None:
    def timed(step: str, do: Callable[[], Any]) -> Any:
        begun = time.thread_time_ns()
        given = do()
        taken[step].append((time.thread_time_ns() - begun) / 1000)
        return given

    value = timed("parse", lambda: parse_json(body))
    call: HookCall = timed("envelope", lambda: read_call(value, HOOK))
    chart = timed("read", lambda: read_chart(
        hook=call.hook, context=call.context, prefetch=call.prefetch, needs=compiled.needs, table=compiled.table,
        today=TODAY,
    ))  # fmt: skip
    outcome = timed("decide", lambda: decide(compiled, chart, TODAY))
    context = call_context(hook=call.hook, hook_instance=call.hook_instance, context=call.context, today=TODAY)
    given = timed("render", lambda: answer_body(outcome, call=context, release=compiled.release, draft=draft))
    timed("write", lambda: orjson.dumps(given))


def profile(compiled: Compiled, requests: Sequence[Request], rounds: int) -> str:
    """Give the functions that take most of the time of whole answers, as a table."""
    names = instances("profile")
    bodies = [request.body(next(names)) for _ in range(rounds) for request in requests]
    gc.collect()
    watch = cProfile.Profile()
    watch.enable()
    for body in bodies:
        answer_of(compiled, body)
    watch.disable()
    return _table(pstats.Stats(watch), len(bodies))


def _table(stats: pstats.Stats, calls: int) -> str:
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:SHOWN]  # type: ignore[attr-defined]
    lines = [f"{'us/call':>9} {'with inner':>10} {'times':>7}  function"]
    for (path, line, name), (_, times, own, whole, _) in rows:
        place = f"{path.rsplit('/', 1)[-1]}:{line} {name}" if line else name
        lines.append(f"{own / calls * 1e6:9.1f} {whole / calls * 1e6:10.1f} {times / calls:7.1f}  {place}")
    return "\n".join(lines)
