"""Put two sides before a cohort: sort it by patient, then compare on all cores, as `simulate` judges it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from cds_service.population.findings import Findings
from cds_service.population.lines import NoCohort, size_of
from cds_service.population.partition import check_people, partition, records_of
from cds_service.population.progress import Progress
from cds_service.population.spread import over_parts, parts_for, seldom_look_for_garbage, workers_for
from cds_service.rulebook.compare_people import Two
from cds_service.rulebook.compare_tally import Cohort, LeftOut, compare_cohort, joined
from cds_service.rulebook.diff_command import NoComparison

Part = tuple[Cohort, Findings]


def compare(sides: Callable[[], Two], cohort: Path, today: date, workers: int = 0) -> Cohort:
    """Compare both sides on every patient of a cohort, with a bar for each step on a terminal.

    sides:   puts both together; it is called in each process, so it can be pickled.
    workers: processes; 0 is one for each core, or one alone for a small cohort.
    Raises NoComparison without a cohort, OSError.
    """
    try:
        return _compare(sides, cohort, today, size_of(cohort), workers_for(cohort, workers))
    except NoCohort as problem:
        raise NoComparison(str(problem)) from None


def _compare(sides: Callable[[], Two], cohort: Path, today: date, size: int, workers: int) -> Cohort:
    findings, found = Findings(), list[Cohort]()
    with TemporaryDirectory(prefix="cohort-") as folder, Progress("step 1", size) as sorting:
        sorted_in = partition(cohort, Path(folder), least=parts_for(workers), read=sorting.add)
        check_people(sorted_in, cohort)
        findings.merge(sorted_in.findings)
        with Progress("step 2", len(sorted_in.parts)) as comparing:
            asked = (sides, today, sorted_in.names)
            parts = over_parts(
                sorted_in.parts, _compare_one, _get_ready, asked, workers, lambda done, _: comparing.add(done)
            )
            for part, rest in parts:
                found.append(part)
                findings.merge(rest)
    return joined(found, today, _left_out(findings))


def _left_out(findings: Findings) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(why, times, tuple(map(str, findings.first[why])))
        for why, times in sorted(findings.counts.items(), key=lambda each: (-each[1], each[0]))
    )


# A process's own: both sides are put together once in each.
_READY: list[tuple[Two, date, tuple[str, ...]]] = []


def _get_ready(sides: Callable[[], Two], today: date, names: tuple[str, ...]) -> None:
    _READY[:] = [(sides(), today, names)]
    seldom_look_for_garbage()


def _compare_one(part: Path) -> Part:
    two, today, names = _READY[0]
    findings = Findings()
    people = (each.resources for each in records_of(part, names, findings))
    return compare_cohort(two, people, today), findings
