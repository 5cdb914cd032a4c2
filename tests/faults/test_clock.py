"""The machine's clock is put forward and back by hours while calls are answered.

What measures a time goes by the monotonic clock. What says when something was, and whether a token is still good, has
to go by the machine's: a token minted by the same clock is taken before, between and after.
"""

import ast
import json
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from cds_service.edges.store.address import Address
from cds_service.edges.store.tables import CALL
from cds_service.trust.signer import mint
from tests.faults.load import (
    SERVICE,
    Told,
    body_of,
    events,
    figure,
    has_cards,
    send,
    statuses,
    wait_until,
)
from tests.http.small_release import call
from tests.http.small_rules import next_release, small_rules
from tests.running import ISSUER, ROOT, begin, checking, end, private_key
from tests.store.sample import rows_of

STEPS_S = (5 * 3600, -7 * 3600, 0)
SWAP_S = 180
# Where the machine's clock may be asked: to say when something was, or whether a token is still good.
WALL_CLOCK = {
    "cds_service/calling/credential.py": "tokens of a command",
    "cds_service/calling/wire.py": "what the doctor compares with the clock of a deployment",
    "cds_service/doctor/command.py": "the same",
    "cds_service/doctor/look.py": "the same",
    "cds_service/edges/store/store.py": "when a record was made",
    "cds_service/edges/tracing.py": "when a span ended, as OpenTelemetry wants it; its length is monotonic",
    "cds_service/trust/token_command.py": "tokens of a command",
    "cds_service/wiring.py": "the calendar day of a call, and whether a token is still good",
}


def wall_clocks(source: str) -> list[int]:
    """Lines that name the machine's clock; a calendar day measures no time."""
    names = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value).split(".")[-1], node.attr) in names
    ]


def test_the_machines_clock_is_asked_where_it_must_be_and_nowhere_else() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted((ROOT / "cds_service").rglob("*.py"))
        if (lines := wall_clocks(path.read_text(encoding="utf-8")))
    }
    assert {path: lines for path, lines in found.items() if path not in WALL_CLOCK} == {}
    assert WALL_CLOCK.keys() <= found.keys(), "a line of WALL_CLOCK has outlived what it stands for"


def test_a_clock_is_seen_where_it_is_asked() -> None:
    assert wall_clocks("import time, datetime\nx = time.time()\ny = datetime.datetime.now()\nz = time.monotonic()") == [
        2,
        3,
    ]


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long ahead(void) {
    long seconds = 0;
    FILE *file = fopen(getenv("CLOCK_FILE"), "r");
    if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
    return seconds;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec; now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}
"""


def clock_library(folder: Path) -> str:
    """Build what puts the clock of one process and leaves the monotonic one; skips where there is no compiler.

    libfaketime (0.9.10) is of no use here: with it every time.sleep() of Python 3.11 fails.
    """
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler to build the clock with (Debian: apt-get install gcc libc6-dev)")
    (folder / "clock.c").write_text(CLOCK)
    command = [compiler, "-shared", "-fPIC", "-o", str(folder / "clock.so"), str(folder / "clock.c"), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    return str(folder / "clock.so")


def stepped(folder: Path, by_s: int) -> None:
    """Put the clock of the service: it looks at this file each time that it is asked for the time."""
    new = folder / "clock.new"
    new.write_text(f"{by_s}\n")
    new.replace(folder / "clock")


@pytest.mark.slow
def test_calls_go_on_while_the_clock_is_put_forward_and_back(sqlite: Address, tmp_path: Path) -> None:
    library, key, rules = clock_library(tmp_path), private_key("ES384"), small_rules(tmp_path / "rules")
    stepped(tmp_path, 0)
    settings = checking(tmp_path, key)
    clients = (tmp_path / "clients.yaml").read_text() + "    rate: {per_second: 1000, burst: 5000}\n"
    (tmp_path / "clients.yaml").write_text(clients)
    settings |= {
        "CDS_DATABASE_URL": f"sqlite:///{sqlite.path}", "CDS_WORKERS": "2", "CDS_RULES": str(rules),
        "LD_PRELOAD": library, "CLOCK_FILE": str(tmp_path / "clock"),
    }  # fmt: skip
    process, url = begin(tmp_path, settings)
    imported, ahead_s = ECKey.import_key(key), [0]

    def token(path: str) -> str:
        now = int(time.time()) + ahead_s[0]
        claims = {"iss": ISSUER, "aud": f"{url}{path}", "iat": now, "exp": now + 120, "jti": str(uuid.uuid4())}
        return mint(imported, "ES384", {"kid": key["kid"]}, claims)

    def ask_once() -> Told:
        sent = json.dumps({**call(), "hookInstance": str(uuid.uuid4())}).encode()
        return send(url, SERVICE, sent, Authorization=f"Bearer {token(SERVICE)}")

    took: list[float] = []
    try:
        answers = [ask_once() for _ in range(20)]
        for number, by_s in enumerate(STEPS_S, 1):
            stepped(tmp_path, by_s)
            ahead_s[0] = by_s
            time.sleep(1.5)
            answers += [ask_once() for _ in range(20)]
            began = time.monotonic()
            name = next_release(rules, number)
            wait_until(
                lambda number=number: len(events(tmp_path, "release-taken-over")) == 2 * number,
                f"{name} is taken over",
                SWAP_S,
            )
            took.append(time.monotonic() - began)
            shown = token(SERVICE)
            twice = [send(url, SERVICE, body_of(), Authorization=f"Bearer {shown}").status for _ in range(2)]
            assert twice == [200, 401], "a token is good once, whatever the clock says"
    finally:
        began = time.monotonic()
        code = end(process, 40)
        ended_s = time.monotonic() - began
    logged = [each["ms"] for each in events(tmp_path, "call")]
    figure(
        "clock put by hours", steps_h=[each / 3600 for each in STEPS_S], answers=statuses(answers),
        longest_s=round(max(each.seconds for each in answers), 2), taken_over_s=[round(each, 1) for each in took],
        ended_s=round(ended_s, 1),
    )  # fmt: skip
    assert statuses(answers) == {200: len(answers)}
    assert all(map(has_cards, answers))
    assert code == 0
    assert all(0 <= each < 30_000 for each in logged), "the time of a call is no matter of the clock"
    at = [each["at"] for each in rows_of(sqlite, CALL)]
    assert (max(at) - min(at)).total_seconds() > 11 * 3600, "the clock was put for the service"
