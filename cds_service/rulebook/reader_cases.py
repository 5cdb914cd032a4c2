"""Inline tests of a file: the forms of section 9 of the rule language, and the charts they merge to."""

from cds_service.core.dates import Duration
from cds_service.core.facts import CLINICAL_STATUS, FACTS, HOOKS, SEXES, VERIFICATION_STATUS
from cds_service.core.rule import LEVELS
from cds_service.rulebook.case import DEFINITION_LISTS, RULE_LISTS, Case, CaseRow
from cds_service.rulebook.reader_forms import (
    CODE,
    CODE_SYSTEMS,
    CODE_WORD,
    CRITERION,
    DATE,
    FILE_ID,
    LINE,
    STATUS,
    VALUE_SETS,
)
from cds_service.rulebook.reader_shapes import Either, Form, Key, ListOf, Named, Number, Word
from cds_service.rulebook.reader_values import Reading, Value

_PARTIAL = r"\d{4}(?:-\d{2}(?:-\d{2})?)?"
_UNITS = "(?:day|week|month|year)s?"
CASE_DATE = Named(
    "a date", rf"{_PARTIAL}|today|\d+ {_UNITS} ago", "36 days ago", code="wrong-type", plain=True, day=True
)
BIRTH_DATE = Named(
    "a birth date", rf"{_PARTIAL}|\d+ {_UNITS} ago", "1990-05-05", code="wrong-type", plain=True, day=True
)
SUPPLY = Named("a duration", rf"\d+ {_UNITS}", "30 days", code="wrong-type")
SEX = Word("a sex", SEXES)
UNAVAILABLE, UNREADABLE = "unavailable", "unreadable"

PATIENT = Form(
    "the Patient of a test",
    (
        Key("birthDate", BIRTH_DATE, False, "left out, it is not recorded"),
        Key("sex", SEX, False, "left out, it is not recorded"),
        Key("status", STATUS, False, "living if left out"),
    ),
)
ROW = Form(
    "a row of a test",
    (
        Key("in", VALUE_SETS, False, "a code of each set"),
        Key("code", CODE, False, "one code, as system|code"),
        Key("text", LINE, False, "words without a code"),
        Key("status", STATUS, False, "its status word; left out, the usual one of the fact"),
        Key("clinicalStatus", Word("a clinical status", tuple(CLINICAL_STATUS)), False, "active if left out"),
        Key(
            "verificationStatus",
            Word("a verification status", tuple(VERIFICATION_STATUS)),
            False,
            "confirmed if left out",
        ),
        Key("category", ListOf(CODE_WORD), False, "its categories, as FHIR codes"),
        Key("start", CASE_DATE, False, "when it began"),
        Key("end", CASE_DATE, False, "when it ended"),
        Key("supply", SUPPLY, False, "how long what was handed over lasts"),
        Key(
            "repeats",
            Number(whole=True, least=0, what="a whole number"),
            False,
            "how often the supply may be had again",
        ),
        Key("value", Either((Number(), LINE)), False, 'its number, or a number in words such as "> 150"'),
        Key("unit", LINE, False, "the unit of the value, as UCUM"),
        Key("upper_limit", Number(), False, "the upper limit that the report gives"),
        Key("answer", FILE_ID, False, "a value set, or `other` for a code in no set"),
        Key("reason", FILE_ID, False, "a value set, or `other` for a code in no set"),
    ),
)
_MARKER = Word("a marker", (UNAVAILABLE, UNREADABLE))
_ROWS = Either((Word("a marker", (UNAVAILABLE,)), ListOf(Either((ROW, _MARKER)))), "a list of rows, or `unavailable`")
_ONE = Either((Word("a marker", (UNAVAILABLE,)), PATIENT))


def _rows_key(fact: str) -> Key:
    return Key(fact, _ROWS, False, f"every row of {fact} on record; left out, the list is read and empty")


CHART = Form(
    "the chart of a test",
    (
        Key("today", DATE, False, "the day the test is judged at"),
        Key("hook", Word("a hook", HOOKS), False, "the moment"),
        *(Key(each, _ONE, False, "the patient") if each == "Patient" else _rows_key(each) for each in FACTS),
    ),
)

_NAMES = ListOf(CRITERION, least=1)
_CASE = (
    Key("name", LINE, True, "what the test shows"),
    Key("but", CHART, False, "what differs from `base`; whole keys are replaced"),
)
_BECAUSE = Key("because", _NAMES, False, "exactly the members of `when` that decide")
_CHOICE = (
    Key("card", FILE_ID, False, "the card that is shown"),
    Key("indicator", Word("a level", LEVELS), False, "the level of the card"),
    Key("suggests", ListOf(LINE), False, "the labels of all its suggestions, in order"),
)
_OF = Key("of", _NAMES, True, "the criteria that have this verdict")
_HELD = ListOf(Form("a test", (*_CASE, _OF)))
_HOLDS = {
    "must_hold": "the criteria in `of` are YES",
    "must_not_hold": "the criteria in `of` are NO",
    "cannot_tell": "the criteria in `of` are UNKNOWN",
}
_UNTOLD = Form("a test that cannot tell", (*_CASE, _BECAUSE, *_CHOICE))
_BASE = Key("base", CHART, False, "the chart that every test starts from")
RULE_TESTS = Form(
    "`tests`",
    (
        _BASE,
        Key("must_fire", ListOf(Form("a test that must fire", (*_CASE, *_CHOICE))), False, "a card is shown"),
        Key(
            "must_not_fire",
            ListOf(Form("a test that must not fire", (*_CASE, _BECAUSE))),
            False,
            "no card: `when` is NO",
        ),
        Key("cannot_tell", ListOf(_UNTOLD), False, "`when` is UNKNOWN"),
        # What only a line of a card looks at changes neither verdict nor card, so it is tested by name.
        *(Key(each, _HELD, False, _HOLDS[each]) for each in ("must_hold", "must_not_hold")),
    ),
)
DEFINITION_TESTS = Form(
    "`tests`",
    (_BASE, *(Key(each, _HELD, False, _HOLDS[each]) for each in DEFINITION_LISTS)),
)


def read_cases(tests: Value, definition: bool, reading: Reading) -> tuple[Case, ...]:
    """Build the tests from what was read under `tests`: whole keys of `but` replace those of `base`."""
    base = tests.get("base", {})
    base_facts = _facts(base)
    cases = []
    for list_name in DEFINITION_LISTS if definition else RULE_LISTS:
        for number, each in enumerate(tests.get(list_name, ())):
            at = reading.source.mark(("tests", list_name, number))
            but = each.get("but", {})
            merged = {**base, **but}
            absent = next((key for key in ("today", "hook")[: 1 + (not definition)] if key not in merged), "")
            if absent and not _is_written(absent, (list_name, number), reading):
                reading.note("missing-key", at, f"the test has no '{absent}'", "give it in `base`")
            cases.append(
                Case(
                    list_name=list_name,
                    name=each.get("name", ""),
                    today=merged.get("today", ""),
                    hook=merged.get("hook", HOOKS[0]),
                    facts=base_facts | _facts(but),
                    card=each.get("card"),
                    indicator=each.get("indicator"),
                    suggests=each.get("suggests"),
                    because=each.get("because", ()),
                    of=each.get("of", ()),
                    line=at.line,
                )
            )
    return tuple(cases)


def _is_written(key: str, test: tuple[str, int], reading: Reading) -> bool:
    """Whether a key stands in `base` or in the test; what is wrong with it is told already."""
    return any(reading.source.has(("tests", *where, key)) for where in (("base",), (*test, "but")))


def _facts(chart: dict[str, Value]) -> dict[str, tuple[CaseRow, ...] | None]:
    return {name: _rows(rows) for name, rows in chart.items() if name in FACTS}


def _rows(rows: Value) -> tuple[CaseRow, ...] | None:
    if rows == UNAVAILABLE:
        return None
    if isinstance(rows, dict):
        status, sex = rows.get("status"), rows.get("sex")
        return (CaseRow(status=status, sex=sex, birth_date=rows.get("birthDate")),)
    return tuple(CaseRow(part=each) if isinstance(each, str) else _row(each) for each in rows)


def _row(row: dict[str, Value]) -> CaseRow:
    code = row.get("code")
    return CaseRow(
        in_=row.get("in", ()),
        code=split_code(code) if code else None,
        text=row.get("text"),
        status=row.get("status"),
        clinical_status=row.get("clinicalStatus"),
        verification_status=row.get("verificationStatus"),
        category=row.get("category", ()),
        start=row.get("start"),
        end=row.get("end"),
        supply=_duration(row["supply"]) if "supply" in row else None,
        repeats=row.get("repeats", 0),
        value=row.get("value"),
        unit=row.get("unit"),
        upper_limit=row.get("upper_limit"),
        answer=row.get("answer"),
        reason=row.get("reason"),
    )


def split_code(written: str) -> tuple[str, str]:
    """Give (system URI, code) of `system|code`."""
    system, _, code = written.partition("|")
    return CODE_SYSTEMS.get(system, system), code


def _duration(written: str) -> Duration:
    count, unit = written.split()
    return Duration(int(count), unit if unit.endswith("s") else unit + "s")
