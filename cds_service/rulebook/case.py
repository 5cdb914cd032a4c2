"""Inline tests of rule and definition files, as frozen data (docs/reference/rule-language.md, section 9).

`rulebook.reader` builds them with `base` already merged under `but`; `rulebook.rule_tests` turns a Case into a Chart
and judges it.
"""

from collections.abc import Mapping

from cds_service.core.dates import Duration
from cds_service.core.record import record

RULE_LISTS = ("must_fire", "must_not_fire", "cannot_tell", "must_hold", "must_not_hold")
DEFINITION_LISTS = ("must_hold", "must_not_hold", "cannot_tell")


@record(frozen=True, slots=True)
class CaseRow:
    """One row of a test's chart. Dates are text as written: "2026-03-01", "2026-03", "today", "36 days ago".

    in_:       value sets a code of each of which the row carries; code: (system URI, code); text: words only.
    answer, reason: a value set id, or "other" for a code in no set.
    part:      "" for a row, "unavailable" for a part of the list that was not read, "unreadable" for a row
               of which nothing could be read.
    """

    part: str = ""
    in_: tuple[str, ...] = ()
    code: tuple[str, str] | None = None
    text: str | None = None
    status: str | None = None
    clinical_status: str | None = None
    verification_status: str | None = None
    category: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    supply: Duration | None = None
    repeats: int = 0
    value: float | str | None = None
    unit: str | None = None
    upper_limit: float | None = None
    answer: str | None = None
    reason: str | None = None
    birth_date: str | None = None  # Patient
    sex: str | None = None  # Patient


@record(frozen=True, slots=True)
class Case:
    """One inline test.

    list_name: one of RULE_LISTS or DEFINITION_LISTS.
    facts:     rows by fact name, "Patient" among them; None in place of rows = the list was not read.
    card, indicator, suggests, because, of: what is wanted; None or () = not given.
    line:      line of the test in its file, from 1.
    """

    list_name: str
    name: str
    today: str
    hook: str
    facts: Mapping[str, tuple[CaseRow, ...] | None]
    card: str | None = None
    indicator: str | None = None
    suggests: tuple[str, ...] | None = None
    because: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    line: int = 0
