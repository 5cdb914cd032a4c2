"""docs/reference/rule-language-examples.md: the specification tables of tests/spec as a page to read.

Run as `python -m tests.spec.page docs/reference/rule-language-examples.md` after a table has changed.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path

from cds_service.core.dates import Span
from cds_service.core.facts import CLINICAL_STATUS, VERIFICATION_STATUS, Concept, Row
from cds_service.core.rule import Bounds, Find, Hook, Logic
from tests.spec.table import Case
from tests.spec.test_criteria import TABLES

_HEAD = """# The rule language by example

Written by `python -m tests.spec.page docs/reference/rule-language-examples.md` from the tables of `tests/spec`; a test
keeps it true. The same tables are asked of the engine and of a slow second reading of the
[rule language](rule-language.md).

Today is 1 March 2026. The value set `one` holds the made-up codes C1 and C2, `two` holds C2 and C3, `worded` holds C4
and the words "green leaf" but not "no green leaf"; `good` (G1, G2) and `bad` (B1, G2) are answers, and rows of
`in-labs` stand in the list `labs` only. Parameters are named for what they are: `months_1` is one month. A chart holds
what is shown and nothing else; every list that is not said to be unread was read. "Firm" asks for firm evidence.
"""
_STEPS = {
    "which": "Which rows",
    "span": "Spans and windows",
    "time": "Times since",
    "value": "Values and answers",
    "many": "How many, and logic",
}
_CODE_WORDS = re.compile(rf"\b({'|'.join([*CLINICAL_STATUS, *VERIFICATION_STATUS])})\b")
_KEYS = {"if_": "if", "clinical_status": "clinicalStatus", "verification_status": "verificationStatus"}


def page() -> str:
    """Give the whole page."""
    return "\n".join([_HEAD, *(_table(_STEPS.get(name, name), cases) for name, cases in TABLES.items())])


def _table(title: str, cases: list[Case]) -> str:
    lines = [f"## {title}", "", "| | criterion | chart | verdict |", "|---|---|---|---|"]
    for each in cases:
        sentence = _CODE_WORDS.sub(r"`\1`", each.sentence)
        verdict = ", ".join([str(each.wanted) + (" (firm)" if each.firm else ""), *sorted(each.doubts)])
        chart = "; ".join(_chart(each)) or "empty"
        lines.append(f"| {sentence} | {_asked(each)} | {chart} | {verdict} |")
    return "\n".join([*lines, ""])


def _asked(case: Case) -> str:
    others = [f"`{name}`: `{_body(body)}`" for name, body in case.others.items()]
    return "; ".join([f"`{_body(case.criterion)}`", *others])


def _body(body: Find | Logic | Hook) -> str:
    written = ((_KEYS.get(each.name, each.name), getattr(body, each.name)) for each in fields(body))
    return ", ".join(f"{key}: {_value(value)}" for key, value in written if value)


def _value(value: object) -> str:
    if isinstance(value, Bounds):
        given = ((each.name, getattr(value, each.name)) for each in fields(value))
        return "{" + ", ".join(f"{key}: {name}" for key, name in given if name) + "}"
    if isinstance(value, tuple):
        return str(value[0]) if len(value) == 1 else f"[{', '.join(value)}]"
    return "true" if value is True else str(value)


def _chart(case: Case) -> Iterator[str]:
    if case.hook != "patient-view":
        yield f"hook {case.hook}"
    for row in case.rows:
        yield ", ".join([row.fact, *_row(row)])
    for gaps in case.gaps.values():
        for gap in gaps:
            whole = "" if gap.before is None else f", whole from {date.fromordinal(gap.before)}"
            yield f"{gap.source} unread ({gap.why}){whole}"


def _row(row: Row) -> Iterator[str]:
    if row.fact == "Patient":
        yield f"born {_date(row.birth_date)}" if row.birth_date else f"sex {row.sex or 'not recorded'}"
        return
    yield _code(row.concept)
    state = row.clinical_status if row.fact in ("Condition", "AllergyIntolerance") else row.status
    verified = row.verification_status if row.verification_status != "confirmed" else None
    yield f"`{state}`" if state else "no status"
    yield from (f"`{each}`" for each in (verified, *row.categories) if each)
    if row.start or row.end:
        one_day = row.start == row.end or row.fact == "Condition"
        yield _date(row.start) if one_day else f"{_date(row.start)} to {_date(row.end)}"
    else:
        yield "no date"
    if row.over_by is not None:
        yield "last changed long ago"
    if row.listed_on is not None:
        yield f"listed on {date.fromordinal(row.listed_on)}"
    if row.value is not None:
        number = row.value
        amount = f"{number.low:g}" if number.low == number.high else f"below {number.high:g}"
        yield f"value {amount}{f' {number.unit}' if number.unit else ''}"
    if row.upper_limit is not None:
        yield f"upper limit {row.upper_limit.high:g} {row.upper_limit.unit}"
    for each in row.answers:
        yield f"answer {_code(each)}"


def _code(concept: Concept) -> str:
    said = [each.code for each in concept.codings] + [f'"{each}"' for each in concept.texts]
    return " ".join(said) or "no code"


def _date(span: Span | None) -> str:
    if span is None:
        return "open"
    return span.text if span.readable else "a broken date"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
