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
CASE_DATE = Named("a date", rf"{_PARTIAL}|today|\d+ {_UNITS} ago", "36 days ago", code="wrong-type", plain=True)
BIRTH_DATE = Named("a birth date", rf"{_PARTIAL}|\d+ {_UNITS} ago", "1990-05-05", code="wrong-type", plain=True)
SUPPLY = Named("a duration", rf"\d+ {_UNITS}", "30 days", code="wrong-type")
SEX = Word("a sex", SEXES)
UNAVAILABLE, UNREADABLE = "unavailable", "unreadable"

PATIENT = Form("the Patient of a test", (Key("birthDate", BIRTH_DATE), Key("sex", SEX), Key("status", STATUS)))
ROW = Form(
    "a row of a test",
    (
        Key("in", VALUE_SETS, False, "a code of each set"),
        Key("code", CODE, False, "one code, as system|code"),
        Key("text", LINE, False, "words without a code"),
        Key("status", STATUS),
        Key("clinicalStatus", Word("a clinical status", tuple(CLINICAL_STATUS))),
        Key("verificationStatus", Word("a verification status", tuple(VERIFICATION_STATUS))),
        Key("category", ListOf(CODE_WORD)),
        Key("start", CASE_DATE),
        Key("end", CASE_DATE),
        Key("supply", SUPPLY),
        Key("repeats", Number(whole=True, least=0, what="a whole number")),
        Key("value", Either((Number(), LINE))),
        Key("unit", LINE),
        Key("upper_limit", Number()),
        Key("answer", FILE_ID, False, "a value set, or `other` for a code in no set"),
        Key("reason", FILE_ID, False, "a value set, or `other` for a code in no set"),
    ),
)
_MARKER = Word("a marker", (UNAVAILABLE, UNREADABLE))
_ROWS = Either((Word("a marker", (UNAVAILABLE,)), ListOf(Either((ROW, _MARKER)))), "a list of rows, or `unavailable`")
_ONE = Either((Word("a marker", (UNAVAILABLE,)), PATIENT))
CHART = Form(
    "the chart of a test",
    (
        Key("today", DATE),
        Key("hook", Word("a hook", HOOKS)),
        *(Key(each, _ONE if each == "Patient" else _ROWS) for each in FACTS),
    ),
)

_NAMES = ListOf(CRITERION, least=1)
_CASE = (Key("name", LINE, True, "what the test shows"), Key("but", CHART))
_CARD = Key("card", FILE_ID)
_BECAUSE = Key("because", _NAMES)
_CHOICE = (_CARD, Key("indicator", Word("a level", LEVELS)), Key("suggests", ListOf(LINE)))
_OF = Key("of", _NAMES, True, "the criteria that have this verdict")
RULE_TESTS = Form(
    "`tests`",
    (
        Key("base", CHART),
        Key("must_fire", ListOf(Form("a test that must fire", (*_CASE, *_CHOICE)))),
        Key("must_not_fire", ListOf(Form("a test that must not fire", (*_CASE, _BECAUSE)))),
        Key("cannot_tell", ListOf(Form("a test that cannot tell", (*_CASE, _BECAUSE, *_CHOICE)))),
        # What only a line of a card looks at changes neither verdict nor card, so it is tested by name.
        *(Key(each, ListOf(Form("a test", (*_CASE, _OF)))) for each in ("must_hold", "must_not_hold")),
    ),
)
DEFINITION_TESTS = Form(
    "`tests`",
    (Key("base", CHART), *(Key(each, ListOf(Form("a test", (*_CASE, _OF)))) for each in DEFINITION_LISTS)),
)


def read_cases(tests: Value, definition: bool, reading: Reading) -> tuple[Case, ...]:
    """Build the tests from what was read under `tests`: whole keys of `but` replace those of `base`."""
    base = tests.get("base", {})
    cases = []
    for list_name in DEFINITION_LISTS if definition else RULE_LISTS:
        for number, each in enumerate(tests.get(list_name, ())):
            at = reading.source.mark(("tests", list_name, number))
            merged = {**base, **each.get("but", {})}
            if "today" not in merged or not (definition or "hook" in merged):
                absent = "today" if "today" not in merged else "hook"
                reading.note("missing-key", at, f"the test has no '{absent}'", "give it in `base`")
            cases.append(
                Case(
                    list_name=list_name,
                    name=each.get("name", ""),
                    today=merged.get("today", ""),
                    hook=merged.get("hook", HOOKS[0]),
                    facts={name: _rows(rows) for name, rows in merged.items() if name in FACTS},
                    card=each.get("card"),
                    indicator=each.get("indicator"),
                    suggests=each.get("suggests"),
                    because=each.get("because", ()),
                    of=each.get("of", ()),
                    line=at.line,
                )
            )
    return tuple(cases)


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
