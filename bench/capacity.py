"""What a processor can carry: a table for operators, from the CPU ms of calls, and a load that tries its arithmetic."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.charts import NEITHER, SIZES, STORIES, Request, instances, requests
from bench.floor import OURS
from bench.load import OUR_SERVICE, Load, load
from bench.rounds import Effort, Servers, check
from bench.start import CONNECTIONS

HALF = 0.5  # of a processor; above it calls begin to wait for each other


def mixed_ms(served: Sequence[Mapping[str, Any]], size: str) -> float:
    """Give the CPU ms of a call of this size, over all four stories alike; each by its median round."""
    medians: list[float] = [median(row["ours_cpu_ms"]) for row in served if row["size"] == size]
    return sum(medians) / len(STORIES)


def quiet_ms(served: Sequence[Mapping[str, Any]], size: str) -> float:
    """Give the CPU ms of a call about a person whom no rule concerns."""
    rows = [row for row in served if (row["size"], row["story"]) == (size, NEITHER)]
    return float(median(rows[0]["ours_cpu_ms"]))


def capacity(servers: Servers, effort: Effort, served: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Load our service as hard as can be, then by half; print it beside the arithmetic and give the rows.

    served: rows of the section `calls`.
    """
    server = servers.get(OURS)
    print(f"\nUnder load: {CONNECTIONS} connections, {effort.workers} workers, all four stories alike;")
    print("log, counts and records are on.")
    print("The client takes its processor time from the same machine, so the workers do not have all of it. expected:")
    print("calls a second by the CPU ms of the first table, on as many processors as the workers kept busy.\n")
    print(
        f"{'chart':8} {'calls/s':>8} {'busy cores':>10} {'CPU ms':>8} {'expected':>9} {'ratio':>6}"
        f" {'p50 ms':>8} {'p99 ms':>8}   {'at half: calls/s':>16} {'p50 ms':>8} {'p99 ms':>8}"
    )
    rows = []
    for size in SIZES:
        people = [each for story in STORIES for each in requests(size, story, max(1, effort.people // len(STORIES)))]
        calls = effort.at_once[size]
        _loaded(server, people, calls // 4, f"warm {size}")
        full = _loaded(server, people, calls, f"full {size}")
        half = _loaded(server, people, calls // 2, f"half {size}", per_second=full.per_second * HALF)
        rows.append(_row(size, mixed_ms(served, size), full, half))
        print(_line(rows[-1]), flush=True)
    return rows


def _loaded(server: Any, people: Sequence[Request], calls: int, seed: str, per_second: float | None = None) -> Load:
    names = instances(seed)
    asked = [people[each % len(people)] for each in range(calls)]
    bodies = [each.body(next(names)) for each in asked]
    loaded, answers = load(server, OUR_SERVICE, bodies, CONNECTIONS, per_second)
    check(answers, asked)
    return loaded


def _row(size: str, cpu_ms: float, full: Load, half: Load) -> dict[str, Any]:
    expected = full.busy_cores * 1000 / cpu_ms if cpu_ms else 0.0
    return {
        "size": size,
        "per_second": full.per_second,
        "busy_cores": full.busy_cores,
        "cpu_ms": full.played.cpu_ms,
        "expected_per_second": expected,
        "ratio": full.per_second / expected if expected else 0.0,
        "p50_ms": full.played.p50_ms,
        "p99_ms": full.p99_ms,
        "half_per_second": half.per_second,
        "half_p50_ms": half.played.p50_ms,
        "half_p99_ms": half.p99_ms,
    }


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['size']:8} {row['per_second']:8.1f} {row['busy_cores']:10.2f} {row['cpu_ms']:8.2f}"
        f" {row['expected_per_second']:9.1f} {row['ratio']:6.2f} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f}  "
        f" {row['half_per_second']:16.1f} {row['half_p50_ms']:8.2f} {row['half_p99_ms']:8.2f}"
    )
