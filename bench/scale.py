"""A thousand rules against twenty: the same charts, the same ten rules that fire, the same answer."""

import gc
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.charts import instances
from bench.floor import OURS
from bench.generated import FIRING, SHOWN, TOUCHED, charts, write_release
from bench.load import memory_mb
from bench.rounds import Effort, Servers, by_turns, figures, ours, ratios, spread
from bench.steps import STEPS, steps
from cds_service.core.engine import Compiled, compile_release
from cds_service.rulebook.release import load_release

FEW = 20


def many_rules(servers: Servers, effort: Effort, folder: Path) -> dict[str, Any]:
    """Measure both releases, served by turns and step by step in process; print both and give the figures.

    folder: where the throw-away releases are written.
    """
    people = charts(effort.people)
    releases = {f"rules_{count}": write_release(folder / str(count), count) for count in (FEW, effort.rules)}
    few, many = releases
    parties = {
        name: ours(servers.get(name, {"CDS_RULES": str(release)}, OURS), effort.calls["100 kB"])
        for name, release in releases.items()
    }
    found = figures(by_turns(parties, people, instances("many rules"), effort))
    times = ratios(found[f"{many}_cpu_ms"], found[f"{few}_cpu_ms"])
    memory = {name: max(memory_mb(pid)["rss"] for pid in party.server.workers()) for name, party in parties.items()}
    print(
        f"\n{effort.rules} generated rules against {FEW}, each with value sets of its own; log, counts and records on."
    )
    print(f"Same charts of 100 kB, same answers: {FIRING} rules fire in both, of which {SHOWN} are shown. The problems")
    print(
        f"of {TOUCHED} rules are on record; the twenty are the {FIRING} that fire and {FEW - FIRING} more of these.\n"
    )
    print(f"{'':14} {'CPU ms':>24} {'p50 ms':>9} {'worker Rss MB':>14}")
    for name in parties:
        cpu, p50 = spread(found[f"{name}_cpu_ms"]), median(found[f"{name}_p50_ms"])
        print(f"{name:14} {cpu:>24} {p50:9.2f} {memory[name]:14.0f}")
    print(f"{'times':14} {spread(times):>24}\n")
    in_process = {}
    for name, release in releases.items():
        in_process[name] = steps(_compiled(release), people[:16], effort.in_process)
    _print_steps(in_process, few, many)
    return {
        "rules": {few: FEW, many: effort.rules}, "firing": FIRING, "touched": TOUCHED, **found, "times": times,
        "worker_rss_mb": memory, "us": in_process,
    }  # fmt: skip


def _compiled(folder: Path) -> Compiled:
    loaded = load_release(folder)
    assert loaded.release is not None, "\n".join(map(str, loaded.problems))
    compiled = compile_release(loaded.release)
    gc.collect()
    gc.freeze()  # as the server does
    return compiled


def _print_steps(us: Mapping[str, Mapping[str, float]], few: str, many: str) -> None:
    print(f"{'us, in process':14} " + " ".join(f"{step:>9}" for step in STEPS) + f" {'sum':>9}")
    rows = {name: [*(each[step] for step in STEPS), sum(each.values())] for name, each in us.items()}
    for name, values in rows.items():
        print(f"{name:14} " + " ".join(f"{value:9.0f}" for value in values))
    print(f"{'times':14} " + " ".join(f"{value:9.2f}" for value in ratios(rows[many], rows[few])), flush=True)
