"""The page for operators: the results of a run as capacity, with what to give of workers and memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.capacity import HALF, mixed_ms, quiet_ms
from bench.charts import SIZES
from bench.start import CONNECTIONS, MASTER, THREADS

COMMAND = "python -m bench --capacity docs/reference/capacity.md"
SPARE = 1.5  # of a memory limit over the most that was seen
_TEMPLATE = Path(__file__).with_suffix(".md")

Row = Mapping[str, Any]


def capacity_page(found: Mapping[str, Any]) -> str:
    """Write the page. found: results with `machine`, `served`, `start` and `capacity`; `tokens` adds a line."""
    memory = found["start"]["memory"]
    master, worker, per_body = _most(memory)
    return _TEMPLATE.read_text(encoding="utf-8").format(
        **found["machine"],
        command=COMMAND,
        capacity_rows="\n".join(_capacity_row(found["served"], size) for size in SIZES),
        token=_token(found.get("tokens")),
        connections=CONNECTIONS,
        threads=THREADS,
        load_rows="\n".join(map(_load_row, found["capacity"])),
        memory_rows=_memory_rows(memory),
        master=master,
        worker=worker,
        per_body=per_body,
        limits=", ".join(_limit(workers, master, worker) for workers in (1, 2, 4)),
        start_rows="\n".join(_start_row(way, row) for way, row in found["start"]["starts"].items()),
    )


def _capacity_row(served: Sequence[Row], size: str) -> str:
    quiet, mixed = quiet_ms(served, size), mixed_ms(served, size)
    at_half = " | ".join(f"{1000 * HALF / each:.0f}" if each else "-" for each in (quiet, mixed))
    return f"| {size} | {quiet:.2f} | {mixed:.2f} | {at_half} |"


def _token(tokens: Row | None) -> str:
    if tokens is None:
        return ""
    cost = median(tokens["token_cpu_ms"])
    return f"\nWith `CDS_AUTH=required` an ES384 token adds {cost:.2f} CPU ms to each call.\n"


def _load_row(row: Row) -> str:
    return (
        f"| {row['size']} | {row['per_second']:.0f} | {row['busy_cores']:.2f} | {row['expected_per_second']:.0f}"
        f" | {row['ratio']:.2f} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['half_per_second']:.0f}"
        f" | {row['half_p50_ms']:.1f} | {row['half_p99_ms']:.1f} |"
    )


def _memory_rows(memory: Mapping[str, Mapping[str, Row]]) -> str:
    small, large = memory.values()
    return "\n".join(
        f"| {name} | {small[name]['pss']:.0f} | {each['pss']:.0f} | {each['peak']:.0f} |"
        for name, each in large.items()
    )


def _most(memory: Mapping[str, Mapping[str, Row]]) -> tuple[float, float, float]:
    """Give the most MB of the master and of a worker, and what one body more took of a worker."""
    small, large = memory.values()
    workers = [name for name in large if name != MASTER]
    worker = max(large[name]["peak"] for name in workers)
    growth = max(large[name]["peak"] - small[name]["rss"] for name in workers)
    return large[MASTER]["peak"], worker, growth / THREADS


def _limit(workers: int, master: float, worker: float) -> str:
    megabytes = SPARE * (master + workers * worker)
    return f"{-(-megabytes // 50) * 50:.0f} MB for {workers} worker{'s' if workers > 1 else ''}"


def _start_row(way: str, row: Row) -> str:
    cache, where = way.split(", ")
    return f"| {cache} | {where} | {median(row['s']):.1f} | {median(row['cpu_s']):.1f} |"
