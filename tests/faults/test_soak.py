"""Half of what the service can do, for SOAK_S (60) seconds: memory and files stay as they are.

The database grows by its records alone. An hour by SOAK_S=3600.
"""

import os
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import fmean, linear_regression, median

import pytest

from cds_service.edges.store.address import Address
from cds_service.edges.store.tables import CALL, FEEDBACK
from tests.faults.load import Senders, Told, ask, figure, going_on, has_cards, statuses, wait_until, workers_of
from tests.running import begin, end
from tests.store.sample import rows_of

pytestmark = pytest.mark.slow

SOAK_S = float(os.environ.get("SOAK_S", "60"))
CALLERS = 4
WARM_UP = 0.25  # of a worker's time; caches fill, and the first garbage is kept
LEAST_LOOKS = 12  # at a worker, after that
MOST_APART = 1.25  # the steady memory of any two workers, the first and the last of an hour among them
# A worker that leaked one FHIR resource of a call as Python objects would grow by more than 1,000 bytes a call.
MOST_BYTES_A_CALL = 300
Looks = list[tuple[float, float]]  # seconds, bytes
SLACK_BYTES = 2_000_000  # what an allocator may keep: it counts less the longer the test


def pss_bytes(pid: int) -> int:
    """Memory of a process, of what it shares its share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def files_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def after_warm_up(looks: Looks) -> Looks:
    """What was seen of a worker once its caches had filled."""
    first, last = looks[0][0], looks[-1][0]
    return [each for each in looks if each[0] >= first + WARM_UP * (last - first)]


def grown(looks: Looks) -> tuple[float, float]:
    """Give how many bytes a worker grew by, as a straight line through what was seen, and in how many seconds."""
    seconds = looks[-1][0] - looks[0][0]
    return linear_regression(*zip(*looks, strict=True)).slope * seconds, seconds


def ask_and_look(url: str) -> Told:
    """One call, of whose answer the body is looked at and let go: an hour of bodies would fill this process."""
    told = ask(url)
    assert has_cards(told), told
    return replace(told, body=None)


def test_memory_and_files_stay_flat_at_half_load(sqlite: Address, tmp_path: Path) -> None:
    senders = Senders()
    settings = {"CDS_AUTH": "off", "CDS_WORKERS": "2", "CDS_DATABASE_URL": f"sqlite:///{sqlite.path}"}
    process, url = begin(tmp_path, settings)
    try:
        began = time.monotonic()
        with going_on(*[lambda: ask_and_look(url)] * CALLERS) as most:
            wait_until(lambda: time.monotonic() - began > 5, "five seconds at full load")
        pause_s = fmean(each.seconds for each in most)  # as long as a call takes: half of the calls
        memory, files = defaultdict[int, list[tuple[float, float]]](list), defaultdict[int, list[int]](list)
        began, workers = time.monotonic(), workers_of(process.pid)
        callers = [lambda: ask_and_look(url)] * CALLERS
        with going_on(*callers, pause_s=pause_s) as answers, going_on(lambda: senders.send(url), pause_s=1.0) as posts:
            while (at := time.monotonic() - began) < SOAK_S:
                for pid in workers_of(process.pid):
                    memory[pid].append((at, pss_bytes(pid)))
                    files[pid].append(files_of(pid))
                time.sleep(min(5.0, SOAK_S / 60))
    finally:
        code = end(process)
    calls_s = len(answers) / SOAK_S
    # gunicorn renews a worker after some ten thousand requests: each is looked at for as long as it lived.
    seen = {pid: later for pid, looks in memory.items() if len(later := after_warm_up(looks)) >= LEAST_LOOKS}
    growth = {pid: grown(looks) for pid, looks in seen.items()}
    steady = {pid: median(each for _, each in looks) for pid, looks in seen.items()}
    calls_of_one_s = calls_s / len(workers)
    rows, items = rows_of(sqlite, CALL), rows_of(sqlite, FEEDBACK)
    assert sqlite.path is not None
    size = sqlite.path.stat().st_size
    figure(
        f"soak of {SOAK_S:g} s", full_load_calls_s=round(len(most) / 5, 1), half_load_calls_s=round(calls_s, 1),
        calls=len(answers), workers=f"{len(seen)} of {len(memory)} looked at",
        pss_mb=f"{min(steady.values()) / 1e6:.1f} to {max(steady.values()) / 1e6:.1f}",
        most_growth_bytes_a_call=round(max(bytes_ / seconds for bytes_, seconds in growth.values()) / calls_of_one_s),
        files=f"{min(map(min, files.values()))} to {max(map(max, files.values()))}",
        database_bytes_a_call=round(size / len(rows)),
    )  # fmt: skip
    assert code == 0
    assert statuses(posts) == {200: len(posts)}
    assert len(seen) >= len(workers)
    for pid, (bytes_, seconds) in growth.items():
        assert bytes_ < SLACK_BYTES + MOST_BYTES_A_CALL * calls_of_one_s * seconds, (pid, growth)
        third = len(files[pid]) // 3
        assert max(files[pid][-third:]) <= max(files[pid][:third]) + CALLERS, files[pid]
    assert max(steady.values()) < MOST_APART * min(steady.values()), steady
    assert (len(rows), len(items)) == (len(most) + len(answers), len(senders.kept))
