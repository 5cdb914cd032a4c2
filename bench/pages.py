"""Writes the figures of a run into the documentation, each table between two comments that name it.

    <!-- measured: calls -->
    ...
    <!-- end of measured -->

What stands between them is written anew from the results; a table whose section was not run stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from bench import ROOT
from bench.capacity import HALF, mixed_ms, quiet_ms
from bench.charts import SIZES
from bench.start import MASTER, THREADS
from bench.steps import STEPS

PAGES = (ROOT / "docs" / "explanation" / "speed.md", ROOT / "docs" / "reference" / "capacity.md")
SPARE = 1.5  # of a memory limit over the most that was seen
_BLOCK = re.compile(r"(?ms)^(<!-- measured: ([a-z-]+) -->\n).*?^(<!-- end of measured -->)$")

Row = Mapping[str, Any]


def with_figures(text: str, found: Mapping[str, Any]) -> str:
    """Give a page with its tables written anew. found: results of a run. Raises KeyError for a name of no table."""

    def renewed(block: re.Match[str]) -> str:
        section, write = TABLES[block[2]]
        return f"{block[1]}{write(found)}\n{block[3]}" if section in found else block[0]

    return _BLOCK.sub(renewed, text)


def write_pages(found: Mapping[str, Any]) -> None:
    """Write the figures into the pages of this repository."""
    for page in PAGES:
        page.write_text(with_figures(page.read_text(encoding="utf-8"), found), encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(map(str, cells))} |" for cells in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


def _spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _chart(row: Row) -> str:
    return f"{row['size']}, {row['story']}"


# --- the tables ------------------------------------------------------------------------------------------------------


def _machine(found: Mapping[str, Any]) -> str:
    machine = found["machine"]
    return (
        f"Python {machine['python']}, {machine['cores']} cores, release {machine['release']}, "
        f"{machine['rounds']} rounds, {machine['workers']} workers;\n"
        f"load average {machine['load_before']:.1f} before and {machine['load_after']:.1f} after. "
        "The bench itself makes about 2; more than that is other\n"
        "work, and makes every figure worse but the ratios. Log, counts and records are on in ours."
    )


def _calls(found: Mapping[str, Any]) -> str:
    head = ("chart", "ours, CPU ms", "floor, CPU ms", "floor / ours", "ours, p50 ms", "floor, p50 ms", "ours / floor")
    return _table(head, (
        (_chart(row), *(_spread(row[name]) for name in ("ours_cpu_ms", "floor_cpu_ms", "ratio")),
         *(f"{median(row[name]):.2f}" for name in ("ours_p50_ms", "floor_p50_ms")), _spread(row["p50_ratio"]))
        for row in found["served"]
    ))  # fmt: skip


def _peers(found: Mapping[str, Any]) -> str:
    rows = [
        (row["size"], name, _spread(row[f"{name}_cpu_ms"]), f"{median(row[f'{name}_p50_ms']):.2f}",
         _spread(row[f"{name}_times"]))
        for row in found["peers"]["rows"]
        for name in ("ours", "floor", "models", "healthchain")
        if f"{name}_cpu_ms" in row
    ]  # fmt: skip
    table = _table(("chart", "", "CPU ms", "p50 ms", "CPU, times ours"), rows)
    return f"{table}\n\nHealthChain: {found['peers']['healthchain']}."


def _steps(found: Mapping[str, Any]) -> str:
    def cells(us: Mapping[str, float]) -> list[str]:
        return [f"{us[step]:.0f} ({us[step] / sum(us.values()):.0%})" for step in STEPS]

    return _table(("chart", *STEPS), ((_chart(row), *cells(row["us"])) for row in found["in_process"]))


def _rules(found: Mapping[str, Any]) -> str:
    rules = found["rules"]
    served = _table(("rules", "CPU ms", "p50 ms", "worker, Rss MB"), (
        (count, _spread(rules[f"{name}_cpu_ms"]), f"{median(rules[f'{name}_p50_ms']):.2f}",
         f"{rules['worker_rss_mb'][name]:.0f}")
        for name, count in rules["rules"].items()
    ))  # fmt: skip
    us = rules["us"]
    few, many = (us[name] for name in rules["rules"])
    rows = [(count, *(f"{us[name][step]:.0f}" for step in STEPS)) for name, count in rules["rules"].items()]
    rows.append(("times", *(f"{many[step] / few[step]:.2f}" for step in STEPS)))
    steps = _table(("rules, microseconds in process", *STEPS), rows)
    return f"{served}\n\nTimes as much: {_spread(rules['times'])}.\n\n{steps}"


def _tokens(found: Mapping[str, Any]) -> str:
    tokens = found["tokens"]
    rows = [(name, _spread(tokens[f"{key}_cpu_ms"]), f"{median(tokens[f'{key}_p50_ms']):.2f}")
            for name, key in (("`CDS_AUTH=off`", "off"), ("an ES384 token a call", "ES384"))]  # fmt: skip
    cost, signature = _spread(tokens["token_cpu_ms"]), median(tokens["signature_ms"])
    rows.append((f"a token, of which its signature {signature:.2f}", cost, ""))
    return _table(("", "CPU ms", "p50 ms"), rows)


def _token(found: Mapping[str, Any]) -> str:
    cost = median(found["tokens"]["token_cpu_ms"])
    return f"With `CDS_AUTH=required` an ES384 token adds {cost:.2f} CPU ms to each call."


def _start(found: Mapping[str, Any]) -> str:
    return _table(("file cache, folder", "seconds", "CPU seconds", "MB from disk"), (
        (way, _spread(row["s"]), _spread(row["cpu_s"]), f"{median(row['read_mb']):.0f}")
        for way, row in found["start"]["starts"].items()
    ))  # fmt: skip


def _memory(found: Mapping[str, Any]) -> str:
    small, large = found["start"]["memory"].values()
    head = (
        "",
        "Pss MB, after small calls",
        "after 1 MB calls",
        "Rss MB, after small calls",
        "after 1 MB calls",
        "most",
    )
    return _table(head, (
        (name, *(f"{each[kind]:.0f}" for kind in ("pss", "rss") for each in (small[name], large[name])),
         f"{large[name]['peak']:.0f}")
        for name in large
    ))  # fmt: skip


def _capacity(found: Mapping[str, Any]) -> str:
    def row(size: str) -> tuple[str, ...]:
        cpu_ms = quiet_ms(found["served"], size), mixed_ms(found["served"], size)
        carried = (f"{1000 * HALF / each:.0f}" if each else "" for each in cpu_ms)
        return size, *(f"{each:.2f}" for each in cpu_ms), *carried

    head = ("chart", "CPU ms a call, quiet", "mixed", "calls a second and core at half load, quiet", "mixed")
    return _table(head, map(row, SIZES))


def _load(found: Mapping[str, Any]) -> str:
    head = ("chart", "calls/s", "cores busy", "expected calls/s", "measured / expected", "p50 ms", "p99 ms",
            "at half: calls/s", "p50 ms", "p99 ms")  # fmt: skip
    columns = (("per_second", 0), ("busy_cores", 2), ("expected_per_second", 0), ("ratio", 2), ("p50_ms", 1),
               ("p99_ms", 1), ("half_per_second", 0), ("half_p50_ms", 1), ("half_p99_ms", 1))  # fmt: skip
    return _table(head, (
        (row["size"], *(f"{row[name]:.{digits}f}" for name, digits in columns)) for row in found["capacity"]
    ))  # fmt: skip


def _limits(found: Mapping[str, Any]) -> str:
    small, large = found["start"]["memory"].values()
    workers = [name for name in large if name != MASTER]
    master, worker = large[MASTER]["peak"], max(large[name]["peak"] for name in workers)
    one_body = max(large[name]["peak"] - small[name]["rss"] for name in workers) / THREADS
    limits = ((count, f"{-(-SPARE * (master + count * worker) // 50) * 50:.0f} MB") for count in (1, 2, 4, 8))
    return (
        f"{_table(('workers', 'memory limit'), limits)}\n\nA body of 1 MB in work took {one_body:.0f} MB of a worker."
    )


def _cohort(found: Mapping[str, Any]) -> str:
    us = found["population"]["us"]
    told = {
        "making the person up (`rules cohort`)": us["write"],
        "step 1: sorting by patient": us["sort"],
        "floor: reading the record back": us["floor"],
        "step 2: reading back, chart, decisions, funnel": us["judge"],
    }
    rows = [(step, _spread(values, 0)) for step, values in told.items()]
    rows.append(("ratio, floor / step 2", _spread(found["population"]["ratio"])))
    a_second = 1e6 / (median(us["sort"]) + median(us["judge"]))
    table = _table(("step", "us a person"), rows)
    return f"{table}\n\nThat is {a_second:,.0f} people a second of processor time."


# By the name of a table: the section of the results it is made of, and what writes it.
TABLES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "machine": ("machine", _machine),
    "calls": ("served", _calls),
    "peers": ("peers", _peers),
    "steps": ("in_process", _steps),
    "rules": ("rules", _rules),
    "tokens": ("tokens", _tokens),
    "token": ("tokens", _token),
    "start": ("start", _start),
    "memory": ("start", _memory),
    "capacity": ("served", _capacity),
    "load": ("capacity", _load),
    "limits": ("start", _limits),
    "cohort": ("population", _cohort),
}
