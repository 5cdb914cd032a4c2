"""What simulating a cohort takes of one core: sorting by patient, reading records back, and judging them.

The floor reads each record back from its part and judges nothing: JSON and grouping alone. The cohort is that of
`cds-service rules cohort`, so the figures are of people of whom four in five have something to do with opioids.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cds_service.core.engine import Compiled
from cds_service.population.cohort import people
from cds_service.population.cohort_command import write_cohort
from cds_service.population.cohort_plan import read_plan
from cds_service.population.findings import Findings
from cds_service.population.judging import judge_for
from cds_service.population.partition import partition, records_of
from cds_service.population.simulate import judge_part

TODAY = date(2026, 3, 1)
SEED = 1
HOOK = "patient-view"


def population(compiled: Compiled, patients: int, rounds: int) -> dict[str, Any]:
    """Give microseconds of processor time a patient of each step, each time anew, for a cohort of `patients`."""
    taken: dict[str, list[float]] = {"write": [], "sort": [], "floor": [], "judge": []}

    def timed(step: str, do: Callable[[], Any]) -> Any:
        begun = time.process_time()
        given = do()
        taken[step].append((time.process_time() - begun) * 1e6 / patients)
        return given

    plan, judge = read_plan(compiled.release), judge_for(compiled, HOOK, TODAY)
    counts: Counter[Any] = Counter()
    resources = 0
    for _ in range(rounds):
        with TemporaryDirectory(prefix="bench-") as folder:
            cohort, into = Path(folder) / "cohort", Path(folder) / "parts"
            into.mkdir()
            written = timed("write", lambda: write_cohort(people(plan, patients, SEED, TODAY), cohort))  # noqa: B023
            got = timed("sort", lambda: partition(cohort, into))  # noqa: B023
            timed("floor", lambda: [sum(1 for _ in records_of(part, got.names, Findings())) for part in got.parts])  # noqa: B023
            done = timed("judge", lambda: [judge_part(judge, part, got.names) for part in got.parts])  # noqa: B023
            resources = sum(written.values())
            counts = sum((each.counts for each in done), Counter())
    if counts["people",] != patients or counts["judged",] != patients:
        raise ValueError(f"{counts['judged',]} of {patients} people were judged")
    return {"patients": patients, "resources": resources, "us": taken}
