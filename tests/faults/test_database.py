"""The database is locked, full, not to be written, restarted or gone, under load: calls are answered all the while.

Feedback is acknowledged or answered 503 with Retry-After, never lost; when the database is back all goes on without a
restart; and each call has its record or is counted as one that lost it. AWAY_S (4, and 60 by choice) is for how long.
"""

import ctypes
import itertools
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.tables import CALL, FEEDBACK
from tests.faults.load import (
    Senders,
    Told,
    ask,
    counted,
    events,
    figure,
    going_on,
    has_cards,
    median_ms,
    send,
    statuses,
    wait_until,
    workers_of,
)
from tests.http.small_release import call
from tests.http.small_rules import small_rules
from tests.running import begin, end
from tests.store.sample import rows_of

pytestmark = pytest.mark.slow

AWAY_S = float(os.environ.get("AWAY_S", "4"))
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # fcntl.h, linux/fs.h


@contextmanager
def locked(address: Address) -> Iterator[None]:
    other = sqlite3.connect(str(address.path), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.close()


@contextmanager
def full(address: Address) -> Iterator[None]:
    """Nothing more can be written to the disk, be it records, the log, temporary files or the counts."""
    assert address.path is not None
    filler = address.path.parent / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (65536, 1):
            try:
                while True:
                    out.write(b"x" * size)
            except OSError:
                continue
    yield
    filler.unlink()


@contextmanager
def read_only(address: Address) -> Iterator[None]:
    """The folder was put back from a copy, as happens, with rights that do not let the service write."""
    assert address.path is not None
    folder = address.path.parent
    other = folder.with_name("copy")
    other.mkdir()
    copy = read_address(f"sqlite:///{other}/{address.path.name}")
    upgrade(copy)
    assert copy.path is not None
    copy.path.chmod(0o444)
    other.chmod(0o555)
    exchange(folder, other)
    yield
    exchange(folder, other)


def exchange(one: Path, other: Path) -> None:
    """Let two folders change names at once: where there was none, the service would make one. Source: renameat2(2)."""
    library = ctypes.CDLL(None, use_errno=True)
    names = AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other)
    assert library.renameat2(*names, RENAME_EXCHANGE) == 0, os.strerror(ctypes.get_errno())


@contextmanager
def disk_of(folder: Path, megabytes: int) -> Iterator[None]:
    """A small disk at `folder`, which only root can have; skips where it cannot be had."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def held_to_its_promises(
    folder: Path, settings: dict[str, str], address: Address, trouble: Callable[[], Any], name: str, **how: Any
) -> None:
    """Serve, make the trouble for AWAY_S under load, end it, and see what became of every call and all feedback."""
    senders = Senders()
    given = {"CDS_AUTH": "off", "CDS_WORKERS": "2", "CDS_DATABASE_URL": address.url.render_as_string(False), **settings}
    given["CDS_DATABASE_URL"] = given["CDS_DATABASE_URL"].replace("postgresql+psycopg", "postgresql")
    process, url = begin(folder, given, **how)
    try:
        with (
            going_on(lambda: ask(url), pause_s=0.03) as calls,
            going_on(lambda: senders.send(url), pause_s=0.1) as posts,
        ):
            wait_until(lambda: len(calls) > 20 and senders.kept, "all goes well at first")
            with trouble():
                begun, posted = len(calls), len(posts)
                wait_until(lambda: calls[-1].at > calls[begun - 1].at + AWAY_S, "calls go on", 10 * AWAY_S)
                during, told = calls[begun:], posts[posted:]
            kept = len(senders.kept)
            again_s = wait_until(lambda: len(senders.kept) > kept + 3, "feedback is kept again without a restart")
            asked = len(calls)
            wait_until(lambda: len(calls) > asked + 10, "calls go on")
        lost = counted(url, "cds_dropped_records_total")
    finally:
        code = end(process)
    assert code == 0
    refused = [each for each in posts if each.status == 503]
    rows, items = rows_of(address, CALL), rows_of(address, FEEDBACK)
    ended_with = sum(each["count"] for each in events(folder, "records-lost") if "ended first" in each["why"])
    answered = [each for each in calls if each.status == 200]
    figure(
        name, away_s=AWAY_S, calls=len(calls), of_them_during=len(during), median_ms=round(median_ms(calls[:begun]), 1),
        median_ms_during=round(median_ms(during), 1), longest_s=round(max(each.seconds for each in calls), 2),
        feedback=statuses(posts), feedback_longest_s=round(max(each.seconds for each in posts), 2),
        back_s=round(again_s, 2), records=len(rows), lost_and_counted=int(lost + ended_with),
    )  # fmt: skip
    assert statuses(calls) == {200: len(calls)}, "every call is answered"
    assert all(map(has_cards, calls)), "with its cards"
    assert statuses(posts).keys() == {200, 503}, "feedback is acknowledged or to be sent again"
    assert all(int(each.retry_after) > 0 for each in refused)
    assert any(each.status == 503 for each in told)
    assert senders.kept <= {each["card"] for each in items}, "what was acknowledged is kept"
    assert len(rows) + lost + ended_with == len(answered), "each call has its record, or is counted as without"


def test_sqlite_locked(sqlite: Address, tmp_path: Path) -> None:
    held_to_its_promises(tmp_path, {}, sqlite, lambda: locked(sqlite), "SQLite locked by another")


def test_disk_full(tmp_path: Path) -> None:
    """All that the service writes is on the disk that is full: records, log, temporary files, counts."""
    with disk_of(tmp_path, 12):
        address = read_address(f"sqlite:///{tmp_path}/records.db")
        (tmp_path / "tmp").mkdir()
        upgrade(address)
        held_to_its_promises(tmp_path, {"TMPDIR": str(tmp_path / "tmp")}, address, lambda: full(address), "disk full")


def test_a_worker_that_is_killed_while_the_disk_is_full_is_renewed(tmp_path: Path) -> None:
    with disk_of(tmp_path, 12):
        address = read_address(f"sqlite:///{tmp_path}/records.db")
        (tmp_path / "tmp").mkdir()
        upgrade(address)
        settings = {"CDS_AUTH": "off", "CDS_DATABASE_URL": f"sqlite:///{address.path}", "TMPDIR": str(tmp_path / "tmp")}
        process, url = begin(tmp_path, settings)
        try:
            assert has_cards(ask(url))
            with full(address):
                (killed,) = workers_of(process.pid)
                os.kill(killed, signal.SIGKILL)
                back_s = wait_until(lambda: has_cards(ask(url)), "calls are answered again")
                assert [ask(url).status for _ in range(20)] == [200] * 20
                assert (process.poll(), killed in workers_of(process.pid)) == (None, False)
        finally:
            code = end(process)
    figure("worker killed while the disk is full", back_s=round(back_s, 2))
    assert code == 0


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    address = read_address(f"sqlite:///{folder}/records.db")
    upgrade(address)
    how = {"preexec_fn": without_rights_over_files} if os.getuid() == 0 else {}
    held_to_its_promises(tmp_path, {}, address, lambda: read_only(address), "SQLite file that cannot be written", **how)


def without_rights_over_files() -> None:
    """Let root's own processes keep to the rights of files, as those of anybody else do. Source: capabilities(7)."""
    assert ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0


def test_postgresql_gone(postgresql: Any, postgresql_url: str, tmp_path: Path) -> None:
    address = read_address(postgresql_url)
    upgrade(address)

    @contextmanager
    def gone() -> Iterator[None]:
        postgresql.stop()
        try:
            yield
        finally:
            postgresql.ensure_postgres_running()

    held_to_its_promises(tmp_path, {}, address, gone, f"PostgreSQL gone for {AWAY_S:g} s")


def test_postgresql_restarted(postgresql: Any, postgresql_url: str, tmp_path: Path) -> None:
    """A restart under load, too short for anybody to be told 503 for certain."""
    address = read_address(postgresql_url)
    upgrade(address)
    senders = Senders()
    process, url = begin(tmp_path, {"CDS_AUTH": "off", "CDS_WORKERS": "2", "CDS_DATABASE_URL": postgresql_url})
    with going_on(lambda: ask(url), lambda: senders.send(url), pause_s=0.03) as answers:
        for _ in range(3):
            kept = len(senders.kept)
            wait_until(lambda kept=kept: len(senders.kept) > kept + 10, "feedback is kept")
            postgresql.stop()
            postgresql.ensure_postgres_running()
    assert end(process) == 0
    calls = [each for each in answers if each.status == 200 and "cards" in each.body]
    rows = rows_of(address, CALL)
    figure("PostgreSQL restarted 3 times", answers=statuses(answers), acknowledged=len(senders.kept), records=len(rows))
    assert statuses(answers).keys() <= {200, 503}
    assert senders.kept <= {each["card"] for each in rows_of(address, FEEDBACK)}
    assert (len(rows), all(map(has_cards, calls))) == (len(calls), True)


def test_records_that_no_queue_can_hold_are_counted(sqlite: Address, tmp_path: Path) -> None:
    """The database stays away for longer than the queue of a worker reaches: 10,000 calls."""
    settings = {"CDS_AUTH": "off", "CDS_RULES": str(small_rules(tmp_path / "rules"))}
    process, url = begin(tmp_path, {**settings, "CDS_DATABASE_URL": f"sqlite:///{sqlite.path}"})
    numbers = itertools.count()

    def one() -> Told:
        sent = {**call(), "hookInstance": f"0f1e2d3c-4b5a-11f0-8977-{next(numbers):012d}"}
        return send(url, "/cds-services/oud-patient-view", json.dumps(sent).encode())

    try:
        with locked(sqlite), going_on(one, one) as answers:
            wait_until(lambda: counted(url, "cds_dropped_records_total") > 100, "the queue is full", 300)
        wait_until(lambda: len(rows_of(sqlite, CALL)) >= 10_000, "what is queued is written")
        lost = counted(url, "cds_dropped_records_total")
    finally:
        code = end(process)
    rows = len(rows_of(sqlite, CALL))
    figure("database away for longer than the queue reaches", calls=len(answers), records=rows, counted=int(lost))
    assert (code, statuses(answers)) == (0, {200: len(answers)})
    assert rows + lost == len(answers)
    assert sum(each["count"] for each in events(tmp_path, "records-lost")) == lost
    assert events(tmp_path, "records-queue-full")


def test_what_cannot_be_written_before_the_end_is_counted(sqlite: Address, tmp_path: Path) -> None:
    process, url = begin(tmp_path, {"CDS_AUTH": "off", "CDS_DATABASE_URL": f"sqlite:///{sqlite.path}"})
    with locked(sqlite):
        answers = [ask(url) for _ in range(25)]
        code = end(process)
    told = events(tmp_path, "records-lost")
    assert (code, statuses(answers)) == (0, {200: 25})
    assert len(rows_of(sqlite, CALL)) + sum(each["count"] for each in told) == 25
