"""The reference says of a partial date what it says of each of its days: all YES, none NO, some UNKNOWN."""

from dataclasses import replace

import pytest

from cds_service.core.dates import NO, UNKNOWN, YES
from cds_service.core.rule import Bounds, Find
from tests.reference.charts import exact
from tests.spec.table import Case, by_reference, drug

KEYS = {
    "during_last": {"during_last": "weeks_1"},
    "during_last with stale_after": {"during_last": "months_1", "stale_after": "days_8"},
    "during_last with covers": {"during_last": "today", "covers": "months_1"},
    "since_start": {"since_start": Bounds(at_least="weeks_1", at_most="days_40")},
    "more than since_start": {"since_start": Bounds(more_than="months_1")},
    "length": {"length": Bounds(at_least="days_8", less_than="days_40")},
    "length with stale_after": {"length": Bounds(at_least="days_40"), "stale_after": "months_1"},
    "started_since": {"started_since": "today"},
    "ending": {"ending": True},
}
ROWS = [
    drug(status, start, end)
    for status in ("taking", "given", "past")
    for start, end in (("2026-02", None), ("2026-01", "2026-02-10"), ("2026-03", "2026-03"), ("2025-12-20", "2026-02"))
]


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.status} {row.start.text} {row.end and row.end.text}")
def test_a_partial_date_stands_for_each_of_its_days(row, keys):
    worlds = [
        replace(row, start=exact(start), end=None if end is None else exact(end))
        for start in range(row.start.first, row.start.last + 1)
        for end in ([None] if row.end is None else range(row.end.first, row.end.last + 1))
    ]
    verdicts = {by_reference(Case("", Find(("medication-use",), **keys), (each,), YES))[0] for each in worlds}
    wanted = verdicts.pop() if len(verdicts) == 1 else UNKNOWN
    assert wanted in (YES, NO, UNKNOWN)
    assert by_reference(Case("", Find(("medication-use",), **keys), (row,), YES))[0] == wanted
