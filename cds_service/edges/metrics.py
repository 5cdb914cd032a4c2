"""Counts of what the service does, as Prometheus reads them at `GET /metrics`.

Every label has a closed set of values, so that no request can make a series of its own; docs/reference/metrics.md lists
them. No series names a client, so none tells what a client's people were shown.

With several worker processes each writes its counts to a file of a folder that they share, and whichever worker is
asked adds them up. prometheus_client looks for that folder when it is first imported: so the master makes it before
there is any worker (`share_counts`), and the library is imported here only then, or once series are made.
"""

import fcntl
import importlib
import logging
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from cds_service.core.card import RULE_EXTENSION
from cds_service.core.rule import Release
from cds_service.core.standing import reviews_due, waiting_for_review
from cds_service.feedback import ACCEPTED, OVERRIDDEN
from cds_service.fhir.prefetch import PREFETCH
from cds_service.seen import CALL_ROUTE, Seen
from cds_service.services import SERVICES, Answer

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge

PREFIX = "cds-service-metrics-"  # of the folder that workers share
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the environment variable that prometheus_client looks for
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KINDS = ("counter", "histogram", "gauge_livemax", "gauge_livesum")  # of each the library keeps a file for a worker
ROOM_BYTES = 256 * 1024  # of such a file, which is more than a thousand series
ENDED = "ended"  # stands for a process id in the name of the file that holds what ended workers counted
BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
INDICATORS = ("info", "warning", "critical")
OTHER = "other"
DROPPED = ("calls",)
RELEASE_OUTCOMES = ("accepted", "refused", "waiting", "unlocked")
# FHIR IssueType, http://hl7.org/fhir/R4/codesystem-issue-type.html
ISSUE_TYPES = frozenset({
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired",
    "forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found",
    "deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient",
    "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational",
})  # fmt: skip


_log = logging.getLogger("cds_service")
_TOLD_MORE_CLOSELY = (401, 403, 429)  # of who calls: `Metrics.refused` is told the reason


class _Family:
    """One counter with labels and its children, which cost more to look up in the library than to count with.

    known: the values each label may have; any other counts as OTHER. A label without known values takes what it gets.
    """

    def __init__(self, counter: "Counter", *known: Collection[str] | None) -> None:
        self._counter = counter
        self._known = known
        self._children: dict[tuple[str, ...], Any] = {}

    def begin(self, *values: str) -> None:
        """Show a series from the start, with nothing counted."""
        self._children[values] = self._counter.labels(*values)

    def add(self, *values: str, count: float = 1) -> None:
        child = self._children.get(values)
        if child is None:
            values = tuple(
                each if known is None or each in known else OTHER
                for each, known in zip(values, self._known, strict=True)
            )
            child = self._children.setdefault(values, self._counter.labels(*values))
        child.inc(count)


class Metrics:
    """The series of one application; a class because it holds them.

    reasons: what `refused` may be told, besides the FHIR IssueTypes. dropped, passing: what `dropped` and `let_pass`
    may be told.
    fetches: what `fetched` may be told.
    """

    def __init__(
        self,
        release: Release,
        reasons: Collection[str] = (),
        dropped: Collection[str] = DROPPED,
        passing: Collection[str] = (),
        fetches: Collection[str] = (),
    ) -> None:
        self._folder = _shared_folder()
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
        from prometheus_client import values as kinds

        if self._folder is None:  # the master, which this worker is forked from, may have imported it to share counts
            kinds.ValueClass = kinds.get_value_class()  # type: ignore[no-untyped-call]

        # When a series began is nothing anybody asks for; it would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()

        def counted(name: str, text: str, labels: str, *known: Collection[str] | None) -> _Family:
            return _Family(Counter(name, text, labels.split(), registry=registry), *known)

        def gauge(name: str, text: str, *labels: str, over_workers: str = "livemax") -> "Gauge":
            return Gauge(name, text, labels, registry=registry, multiprocess_mode=over_workers)  # type: ignore[arg-type]

        rules = self._rules = set[str]()
        inputs = (*PREFETCH, "draftOrders")
        self._calls = counted("cds_calls_total", "Calls, by service and HTTP status", "service status", None, None)
        self._cards = counted(
            "cds_cards_total", "Cards sent, by rule and indicator", "rule indicator", rules, INDICATORS
        )
        self._unknown = counted(
            "cds_unknown_total", "Calls in which this input was not read, by prefetch key", "input", inputs
        )
        self._refusals = counted(
            "cds_refusals_total", "Requests refused, by reason", "reason", ISSUE_TYPES | frozenset(reasons)
        )
        self._let_pass = counted(
            "cds_tokens_let_pass_total", "Tokens taken although not all could be told of them", "reason", passing
        )
        self._keys_failed = Counter("cds_keys_failures_total", "JWK Sets not read or read in part", registry=registry)
        self._dropped = counted("cds_dropped_records_total", "Records that could not be kept", "kind", dropped)
        self._fetches = counted(
            "cds_fetches_total", "Prefetch keys looked for at a FHIR server, by how it ended", "outcome", fetches
        )
        self._feedback = counted("cds_feedback_total", "Feedback kept", "outcome", (ACCEPTED, OVERRIDDEN))
        self._incidents = Counter("cds_incidents_total", "Requests in which the service failed", registry=registry)
        self._failures = counted("cds_rule_failures_total", "Rules that raised an error", "rule", rules)
        seconds = Histogram(
            "cds_call_seconds", "Time until the answer was ready", ["service"], buckets=BUCKETS_S, registry=registry
        )
        self._seconds = {each: seconds.labels(each) for each in (*SERVICES, "")}
        self._waiting = gauge(
            "cds_records_waiting", "Calls whose record is still to be written", over_workers="livesum"
        )
        self._oldest = gauge("cds_records_oldest_seconds", "Age of the oldest of them, when a worker last looked")
        self._releases = gauge("cds_release_info", "The release in service", "release", "digest")
        self._unreviewed = gauge("cds_rules_unreviewed", "Rules that no clinician has reviewed")
        self._reviews = gauge(
            "cds_rule_review_due_timestamp_seconds", "End of the day of a rule's next review; 0 = no day is set", "rule"
        )
        self._served: Release | None = None
        self._looked_at = counted(
            "cds_releases_total", "Releases that a worker found in the rules folder, by what became of them",
            "outcome", RELEASE_OUTCOMES,
        )  # fmt: skip
        # Show at zero what may be asked for before it has happened once.
        for service in SERVICES:
            self._calls.begin(service, "200")
        for family, values in (
            (self._unknown, inputs),
            (self._dropped, dropped),
            (self._let_pass, passing),
            (self._fetches, fetches),
            (self._looked_at, RELEASE_OUTCOMES),
        ):
            for value in values:
                family.begin(value)
        for outcome in (ACCEPTED, OVERRIDDEN):
            self._feedback.begin(outcome)
        self.serve(release)

    def serve(self, release: Release) -> None:
        """Show which release is in service from now on, and its rules with nothing counted."""
        self._rules.update(each.rule.id for each in (*release.active, *release.trial))
        for rule in sorted(self._rules):
            self._failures.begin(rule)
        for edition in release.active:
            for indicator in INDICATORS:
                self._cards.begin(edition.rule.id, indicator)
        if self._served is not None:
            self._releases.labels(self._served.id, self._served.digest).set(0)
        self._releases.labels(release.id, release.digest).set(1)
        self._unreviewed.set(len(waiting_for_review(release)))
        due = reviews_due(release)
        for rule in self._rules:  # those of earlier releases as well, which are due no more
            self._reviews.labels(rule).set(_end_of(due.get(rule)))
        self._served = release

    def release_found(self, outcome: str) -> None:
        """Count a release that was found in the rules folder: one of RELEASE_OUTCOMES."""
        self._looked_at.add(outcome)

    def seen(self, seen: Seen) -> None:
        """Count one request. Why a caller was not let in is told by `refused`, more closely than here."""
        if seen.status == 500:
            self._incidents.inc()
        elif seen.refused and seen.status not in _TOLD_MORE_CLOSELY:
            self._refusals.add(seen.refused)
        for item in seen.feedback:
            self._feedback.add(item.outcome)
        if seen.route != CALL_ROUTE:
            return
        self._calls.add(seen.service, str(seen.status))
        self._seconds[seen.service].observe(seen.seconds)
        if seen.answer is not None:
            self._answered(seen.answer)

    def _answered(self, answer: Answer) -> None:
        for key in answer.outcome.unread if answer.outcome else answer.missing:
            self._unknown.add(key)
        for card in answer.body.get("cards", ()):
            self._cards.add(card["extension"][RULE_EXTENSION]["ruleId"], card["indicator"])
        for failure in answer.failures:
            self._failures.add(failure.rule)

    def refused(self, reason: str) -> None:
        """Count a refusal whose reason is more than the answer says, such as that of a token."""
        self._refusals.add(reason)

    def let_pass(self, reason: str) -> None:
        """Count a token that was taken although not everything about it could be told."""
        self._let_pass.add(reason)

    def keys_failed(self, place: str) -> None:
        """Count a JWK Set that could not be read, or had keys that cannot be used."""
        self._keys_failed.inc()

    def refused_before_read(self, status: int, code: str) -> None:
        """Count a request that never reached the application. code: a FHIR IssueType."""
        if code == "exception":
            self._incidents.inc()
        else:
            self._refusals.add(code)

    def dropped(self, kind: str, count: int) -> None:
        """Count records that could not be kept."""
        self._dropped.add(kind, count=count)

    def waiting(self, count: int, oldest_s: float) -> None:
        """Show how many records are still to be written, and the age of the oldest."""
        self._waiting.set(count)
        self._oldest.set(oldest_s)

    def fetched(self, outcome: str) -> None:
        """Count how it ended to look for a prefetch key at a FHIR server."""
        self._fetches.add(outcome)

    def text(self) -> bytes:
        """Give all series in Prometheus's text format, those of every worker added up."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if self._folder is None:
            return generate_latest(self._registry)
        with _locked(self._folder, fcntl.LOCK_SH):
            every = CollectorRegistry()
            MultiProcessCollector(every, str(self._folder))  # type: ignore[no-untyped-call]
            return generate_latest(every)


def _end_of(day: date | None) -> float:
    """The end of a day in UTC, in seconds since 1970; 0 for none."""
    return datetime.combine(day + timedelta(days=1), time(), timezone.utc).timestamp() if day else 0


def metrics_page(metrics: Metrics) -> Blueprint:
    """Give the route `/metrics`."""
    page = Blueprint("metrics", __name__)

    @page.get("/metrics", strict_slashes=True)  # one path alone, so that a proxy can keep it inside
    def read_metrics() -> Response:
        return Response(metrics.text(), content_type=CONTENT_TYPE)

    return page


def share_counts(folder: Path) -> None:
    """Have workers share the folder; called in the master before there is any.

    It is new, and open to nobody else.
    """
    os.environ[FOLDER] = str(folder)
    importlib.import_module("prometheus_client")  # so that all workers have it from the one who forks them


def unshare_counts() -> None:
    """Remove the folder; called in the master when no worker is left."""
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def keep_counts_of(pid: int) -> None:
    """Add the counts of a worker that ended to those of all that ended before it; called in the master.

    Workers are renewed every some ten thousand requests: without this their files would fill the disk within months.
    Raises what reading a broken file raises; its counts are lost then, and the others are as they were.
    """
    from prometheus_client.multiprocess import mark_process_dead

    folder = Path(os.environ[FOLDER])
    with _locked(folder, fcntl.LOCK_EX):
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        for file in sorted(folder.glob(f"*_{pid}.db")):
            try:
                ended = file.with_name(f"{file.name.removesuffix(f'_{pid}.db')}_{ENDED}.db")
                _make_room(ended)
                _move(file, ended)
            finally:  # a file that cannot be read would spoil every later look at the counts
                file.unlink()


def _move(file: Path, ended: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    counted = [*MmapedDict.read_all_values_from_file(str(file))]  # type: ignore[no-untyped-call]
    kept = MmapedDict(str(ended))  # type: ignore[no-untyped-call]
    for key, value, _, _ in counted:
        kept.write_value(key, kept.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
    kept.close()  # type: ignore[no-untyped-call]


def _shared_folder() -> Path | None:
    """The folder that the master made. Without one, nothing may make the library look for it."""
    named = os.environ.get(FOLDER)
    if named and Path(named).is_dir():
        try:
            for each in KINDS:
                _make_room(Path(named) / f"{each}_{os.getpid()}.db")
        except OSError as fault:  # the disk is full: a worker that counts for itself is better than none
            _log.error("counts-not-shared", extra={"error": type(fault).__name__})
            for each in KINDS:
                (Path(named) / f"{each}_{os.getpid()}.db").unlink(missing_ok=True)
        else:
            return Path(named)
    os.environ.pop(FOLDER, None)
    return None


def _make_room(file: Path) -> None:
    """Make sure that a file of counts has its place on the disk. Raises OSError when there is none.

    The library writes to it by mmap, and makes it with holes: filling one on a full disk ends the process (SIGBUS).
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):  # not on every system
            os.posix_fallocate(handle, 0, ROOM_BYTES)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Keep reading all files and moving counts between them apart. A process that dies gives up its lock."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
