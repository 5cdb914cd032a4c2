"""Our service beside the floor, chart by chart; and beside services that do it another way."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.charts import HOOK, SERVICE, SIZES, STORIES, UNTREATED, Request, instances, name_of, requests
from bench.floor import FLOOR, MODELS, OURS
from bench.load import ServerProblem
from bench.rounds import Effort, Party, Servers, by_turns, figures, ours, ratios, spread

HEALTHCHAIN = "healthchain"
STATIC_CARD = {
    "summary": "A card that was written before",
    "indicator": "info",
    "detail": "It says the same of everybody.",
    "source": {"label": "Bench"},
}


def calls(servers: Servers, effort: Effort) -> list[dict[str, Any]]:
    """Measure every chart, ours and the floor by turns; print a table and give its rows."""
    print(f"Served by gunicorn: {effort.rounds} rounds by turns; median (least to most).")
    print("In ours the log, the counts and the records are on in every row; the floor has none of them.")
    print("CPU ms is worker processor time a call, p50 ms the median call at one connection.\n")
    print(
        f"{'chart':18} {'body':>7} {'ours CPU ms':>22} {'floor CPU ms':>22} {'floor / ours':>20}"
        f" {'p50 ours':>9} {'floor':>7} {'ours / floor':>20}"
    )
    found = []
    for size in SIZES:
        for story in STORIES:
            found.append(_one_chart(size, story, servers, effort))
            print(_line(found[-1]), flush=True)
    return found


def _one_chart(size: str, story: str, servers: Servers, effort: Effort) -> dict[str, Any]:
    people, query = requests(size, story, effort.people), name_of(size, story)
    parties = {
        "ours": ours(servers.get(OURS), effort.calls[size], query),
        "floor": ours(servers.get(FLOOR, which=FLOOR), effort.calls[size], query),
    }
    found = figures(by_turns(parties, people, instances(f"{size} {story}"), effort))
    return {
        **_chart(size, story, people),
        "calls_a_round": effort.calls[size],
        **found,
        "ratio": ratios(found["floor_cpu_ms"], found["ours_cpu_ms"]),
        "p50_ratio": ratios(found["ours_p50_ms"], found["floor_p50_ms"]),
    }


def _chart(size: str, story: str, people: Sequence[Request]) -> dict[str, Any]:
    return {"size": size, "story": story, "body_bytes": median(len(each.head) + 36 + len(each.tail) for each in people)}


def _line(found: Mapping[str, Any]) -> str:
    chart, body = f"{found['size']}, {found['story']}", f"{found['body_bytes'] / 1000:4.0f} kB"
    cpu = f"{spread(found['ours_cpu_ms']):>22} {spread(found['floor_cpu_ms']):>22} {spread(found['ratio']):>20}"
    p50 = f"{median(found['ours_p50_ms']):9.2f} {median(found['floor_p50_ms']):7.2f} {spread(found['p50_ratio']):>20}"
    return f"{chart:18} {body} {cpu} {p50}"


# --- others ----------------------------------------------------------------------------------------------------------


def peers(servers: Servers, effort: Effort) -> dict[str, Any]:
    """Measure others beside ours on the chart of one card; print a table and give its rows, and who took part."""
    python, why_not = healthchain_python()
    print("\nOthers beside ours by turns, on the chart of one card; log, counts and records are on in ours alone.")
    print("models: the floor, which has fhir.resources (R4B) check every resource before it gives the written answer.")
    print("HealthChain: one service with one static card on its own server (uvicorn); it judges nothing.\n")
    print(f"{'chart':8} {'':14} {'CPU ms':>24} {'p50 ms':>9}   {'CPU / ours':>24}")
    rows = []
    for size in SIZES:
        people, query = requests(size, UNTREATED, effort.people), name_of(size, UNTREATED)
        parties = {
            "ours": ours(servers.get(OURS), effort.calls[size], query),
            "floor": ours(servers.get(FLOOR, which=FLOOR), effort.calls[size], query),
            "models": ours(servers.get(MODELS, which=MODELS), effort.slow[size], query),
        }
        if python:
            parties[HEALTHCHAIN] = _healthchain(servers, python, effort.calls[size])
        found = figures(by_turns(parties, people, instances(f"peers {size}"), effort))
        times = {f"{name}_times": ratios(found[f"{name}_cpu_ms"], found["ours_cpu_ms"]) for name in parties}
        rows.append({**_chart(size, UNTREATED, people), **found, **times})
        for name in parties:
            cpu, p50 = spread(found[f"{name}_cpu_ms"]), median(found[f"{name}_p50_ms"])
            print(f"{size:8} {name:14} {cpu:>24} {p50:9.2f}   {spread(times[f'{name}_times']):>24}", flush=True)
        if not python:
            print(f"{size:8} {HEALTHCHAIN:14} {why_not}")
    said = servers.started[HEALTHCHAIN].said[0] if python else why_not
    print(f"\nHealthChain {said}")
    return {HEALTHCHAIN: said, "rows": rows}


def healthchain_python() -> tuple[str, str]:
    """Give the Python that has HealthChain; or "" and why there is none."""
    python = os.environ.get("HEALTHCHAIN_PYTHON", "")
    if not python:
        return "", "not installed (HEALTHCHAIN_PYTHON names a Python that has it)"
    try:
        done = subprocess.run([python, "-c", "import healthchain.gateway"], capture_output=True, text=True)
    except OSError as fault:
        return "", f"not installed: {python}: {fault.strerror}"
    if done.returncode:
        return "", f"not installed: {python}: {(done.stderr.splitlines() or ['it cannot be imported'])[-1]}"
    return python, ""


def _healthchain(servers: Servers, python: str, calls: int) -> Party:
    script = str(Path(__file__).with_name("healthchain_peer.py"))
    server = servers.run(HEALTHCHAIN, [python, script, HOOK, SERVICE, json.dumps(STATIC_CARD)])
    return Party(server, f"/cds/cds-services/{SERVICE}", calls, _check_static)


def _check_static(answers: Sequence[bytes], requests: Sequence[Request]) -> None:
    for answer in answers:
        if json.loads(answer) != {"cards": [STATIC_CARD]}:
            raise ServerProblem(f"HealthChain answered {answer[:300]!r}, wanted the static card")
