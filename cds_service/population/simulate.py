"""Judge a cohort: sort it by patient, then judge the parts on all cores. A library function; the command prints."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from cds_service.core.engine import compile_release
from cds_service.core.rule import Release
from cds_service.population.findings import Findings
from cds_service.population.judging import Judge, Key, count_record, judge_for
from cds_service.population.partition import Partition, check_people, partition, records_of
from cds_service.population.spread import over_parts, parts_for, seldom_look_for_garbage, workers_for

Read = Callable[[int], None]
Judged = Callable[[int, int], None]


def _quietly(*_: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a cohort.

    counts:   judging.count_record says what is counted. findings: lines that could not be used.
    lines, aside: resources by type, and those about no patient.
    cpu_s:    processor time of step two, all workers together; the others are seconds by the clock.
    """

    release: Release
    hook: str
    today: date
    counts: Counter[Key]
    findings: Findings
    lines: Counter[str]
    aside: Counter[str]
    workers: int
    sorting_s: float
    judging_s: float
    sorting_cpu_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class PartCounts:
    """What came of one part."""

    counts: Counter[Key]
    findings: Findings
    cpu_s: float


def simulate(
    release: Release, cohort: Path, *, hook: str, today: date, workers: int = 0, read: Read = _quietly,
    judged: Judged = _quietly,
) -> Simulated:  # fmt: skip
    """Judge every patient of a cohort at one moment, as of one day.

    workers: processes; 0 is one for each core, or one alone for a cohort that is judged before others have started.
    read: is told how many bytes were sorted; judged: that one more of all parts is.
    Raises NoCohort, OSError.
    """
    workers = workers_for(cohort, workers)
    with TemporaryDirectory(prefix="cohort-") as folder:
        cpu = time.process_time()
        sorted_in = partition(cohort, Path(folder), least=parts_for(workers), read=read)
        check_people(sorted_in, cohort)
        sorting_cpu = time.process_time() - cpu
        begun = time.perf_counter()
        counts, findings, cpu = _judge(release, sorted_in, hook, today, workers, judged)
        judging = time.perf_counter() - begun
    findings.merge(sorted_in.findings)
    return Simulated(
        release, hook, today, counts, findings, sorted_in.lines, sorted_in.aside, workers, sorted_in.seconds,
        judging, sorting_cpu, cpu,
    )  # fmt: skip


def judge_part(judge: Judge, part: Path, names: tuple[str, ...]) -> PartCounts:
    """Judge the records of one part."""
    begun = time.process_time()
    counts, findings = Counter[Key](), Findings()
    for person in records_of(part, names, findings):
        count_record(judge, person.resources, counts)
    return PartCounts(counts, findings, time.process_time() - begun)


def _judge(
    release: Release, sorted_in: Partition, hook: str, today: date, workers: int, judged: Judged
) -> tuple[Counter[Key], Findings, float]:
    counts, findings, cpu_s = Counter[Key](), Findings(), 0.0
    asked = (release, hook, today, sorted_in.names)
    for each in over_parts(sorted_in.parts, _judge_one, _get_ready, asked, workers, judged):
        _add(counts, findings, each)
        cpu_s += each.cpu_s
    return counts, findings, cpu_s


def _add(counts: Counter[Key], findings: Findings, part: PartCounts) -> None:
    counts.update(part.counts)
    findings.merge(part.findings)


# A worker's own: the release is compiled once in each process.
_READY: list[tuple[Judge, tuple[str, ...]]] = []


def _get_ready(release: Release, hook: str, today: date, names: tuple[str, ...]) -> None:
    _READY[:] = [(judge_for(compile_release(release), hook, today), names)]
    seldom_look_for_garbage()


def _judge_one(part: Path) -> PartCounts:
    judge, names = _READY[0]
    return judge_part(judge, part, names)
