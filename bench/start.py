"""`cds-service serve` itself: from its start to its first answer, and what memory its processes take."""

import os
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench import ROOT
from bench.charts import SIZES, STORIES, TODAY, UNTREATED, instances, requests
from bench.load import OUR_SERVICE, Server, ServerProblem, ask, cpu_ms, load, memory_mb, module, read_mb, running
from bench.rounds import Effort, check, spread
from cds_service.rulebook.judged import note_judged, note_of
from cds_service.rulebook.kept import committed
from cds_service.rulebook.release_file import RELEASE_FILE, read_release_file
from cds_service.rulebook.release_lock import digest_of

THREADS = 4  # of a worker
CONNECTIONS = 8  # as many as two workers have threads
WARM, COLD = "warm", "cold"
NEW, IMAGE, AGAIN = "new folder", "new in an image", "again"
MASTER = "master"
SMALL, LARGE = next(iter(SIZES)), list(SIZES)[-1]
_TRIES = 10


def start(effort: Effort) -> dict[str, Any]:
    """Start the service in each way, and look at the memory of its processes; print both and give the figures."""
    print(
        f"\nFrom `cds-service serve` ({effort.workers} workers) to the first 200 of a call, {effort.starts} times each."
    )
    print(
        "CPU s: of the master and all workers until then. new folder: nothing was kept there, so the rules are checked,"
    )
    print("accepted and copied, and the database is made; new in an image: so too, but the rules were judged when the")
    print(
        "image was built; again: a restart there. cold: their files were put out of the file cache before, but for what"
    )
    print("other processes hold open.\n")
    print(f"{'cache':6} {'folder':16} {'seconds':>22} {'CPU s':>22} {'MB from disk':>14}")
    found: dict[str, list[dict[str, float]]] = {
        f"{cache}, {where}": [] for cache in (COLD, WARM) for where in (NEW, IMAGE, AGAIN)
    }
    memory: dict[str, Any] = {}
    for again in range(effort.starts):
        for first, second in ((COLD, WARM), (WARM, COLD)):
            for new, judged in ((NEW, False), (IMAGE, True)):
                with tempfile.TemporaryDirectory(prefix="bench-") as folder, _judged_before(judged):
                    for cache, where in ((first, new), (second, AGAIN)):
                        if cache == COLD:
                            _forget_files()
                        with _service(Path(folder), effort.workers) as (server, taken):
                            found[f"{cache}, {where}"].append(taken)
                            if (again, cache, new, where) == (effort.starts - 1, COLD, IMAGE, AGAIN):  # the last of all
                                memory = _memory(server, effort)
    rows = {way: {name: [each[name] for each in taken] for name in taken[0]} for way, taken in found.items()}
    for way, row in rows.items():
        cache, where = way.split(", ")
        print(f"{cache:6} {where:16} {spread(row['s']):>22} {spread(row['cpu_s']):>22} {median(row['read_mb']):14.1f}")
    _print_memory(memory)
    return {"starts": rows, "memory": memory}


@contextmanager
def _service(folder: Path, workers: int) -> Iterator[tuple[Server, dict[str, float]]]:
    """Start the service, ask it once, and give it with what that took."""
    settings = {
        "CDS_AUTH": "off", "CDS_HOST": "127.0.0.1", "CDS_PORT": "0", "CDS_TODAY": TODAY.isoformat(),
        "CDS_WORKERS": str(workers), "CDS_THREADS": str(THREADS), "CDS_RULES": str(rules_folder()),
    }  # fmt: skip
    (request,) = requests(SMALL, UNTREATED, 1)
    body = request.body(next(instances(str(folder))))
    begun = time.perf_counter()
    with running(module("cds_service", "serve"), settings, ready="serving", folder=folder) as server:
        answer = ask(server, OUR_SERVICE, body)
        seconds = time.perf_counter() - begun
        cpu_s = server.cpu_ms() / 1000
        check([answer], [request])
        yield server, {"s": seconds, "cpu_s": cpu_s, "read_mb": sum(map(read_mb, {server.pid, *server.workers()}))}


@contextmanager
def _judged_before(judged: bool) -> Iterator[None]:
    """Let the rules be noted as judged, as in an image, or not; afterwards it is again as it was."""
    folder = rules_folder()
    digest = digest_of(committed(folder)[0])
    note = note_of(digest)
    before = note.read_bytes() if note.exists() else None
    try:
        note.unlink(missing_ok=True)
        if judged:
            note_judged(digest, read_release_file(folder / RELEASE_FILE).id)
        yield
    finally:
        note.unlink(missing_ok=True)
        if before is not None:
            note.write_bytes(before)


def rules_folder() -> Path:
    """Give the rules that are measured: those that CDS_RULES names, else those of this tree."""
    return Path(os.environ.get("CDS_RULES") or ROOT / "rules").resolve()


def _forget_files() -> None:
    """Put what a start reads out of the file cache of this machine: Python, its libraries, the service, the rules."""
    paths = sysconfig.get_paths()
    folders = {*(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")), str(ROOT / "cds_service")}
    os.sync()  # what is not written yet stays in the cache
    for folder in sorted({*folders, str(rules_folder())}):
        for path in Path(folder).rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


# --- memory ----------------------------------------------------------------------------------------------------------


def _memory(server: Server, effort: Effort) -> dict[str, Any]:
    """Give the memory in MB of the master and each worker: after small calls, and after large ones at once."""
    found = {}
    for moment, size in (("after small calls", SMALL), ("after 1 MB calls", LARGE)):
        people = [each for story in STORIES for each in requests(size, story, min(effort.people, 8))]
        names = instances(moment)
        asked = [people[each % len(people)] for each in range(effort.at_once[size])]
        for _ in range(_TRIES):  # until every worker had its share
            before = {pid: cpu_ms(pid) for pid in server.workers()}
            _, answers = load(server, OUR_SERVICE, [each.body(next(names)) for each in asked], CONNECTIONS)
            check(answers, asked)
            if all(cpu_ms(pid) > before[pid] for pid in server.workers()):
                break
        else:
            raise ServerProblem(f"a worker of {len(before)} got no call in {_TRIES} rounds of {len(asked)}")
        workers = {f"worker {number}": memory_mb(pid) for number, pid in enumerate(server.workers(), 1)}
        found[moment] = {MASTER: memory_mb(server.pid), **workers}
    return found


def _print_memory(memory: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    print(
        f"\nMemory in MB; calls over {CONNECTIONS} connections at once. Pss shares out what several processes have.\n"
    )
    print(f"{'':20} {'':10} {'Pss':>7} {'Rss':>7} {'most Rss':>9}")
    for moment, processes in memory.items():
        for name, each in processes.items():
            print(f"{moment:20} {name:10} {each['pss']:7.1f} {each['rss']:7.1f} {each['peak']:9.1f}", flush=True)
