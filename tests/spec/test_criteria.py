"""Every key of a criterion, said in sentences: docs/reference/rule-language.md, section 5.

Today is 1 March 2026. Sets: `one` holds C1 and C2, `two` C2 and C3, `worded` C4 and the words "green leaf".
"""

from dataclasses import replace

import pytest

from cds_service.core.dates import NO, UNKNOWN, YES
from cds_service.core.facts import UNREADABLE_CONCEPT, Gap, Number, Row
from cds_service.core.rule import Bounds, Find, Hook, Logic
from tests.reference.pool import concept
from tests.spec.table import Case, by_engine, by_reference, condition, drug, event

DRUG, LAB = ("medication-use",), ("Observation",)
MISSING, IMPRECISE, END = frozenset({"date-missing"}), frozenset({"date-imprecise"}), frozenset({"end-missing"})
UNREADABLE, STATUS, UNREAD = frozenset({"row-unreadable"}), frozenset({"status-missing"}), frozenset({"not-read"})
LAST_MONTH = Find(DRUG, during_last="months_1")
UNIT, VALUE = frozenset({"unit-missing"}), frozenset({"value-unreadable"})


def patient(**more) -> Row:
    """Give the patient row."""
    return Row("Patient", "Patient/p", **{"status": "living", **more})


def number(value: float, unit: str | None = None) -> Number:
    """Give a measured number."""
    return Number(value, value, unit=unit, text=str(value))


WHICH = [
    Case("a code of the set is found", Find(("Condition",), code_in=("one",)), (condition(),), YES),
    Case("a code of no set is not", Find(("Condition",), code_in=("two",)), (condition(),), NO),
    Case("words count where no coding decides", Find(("Condition",), code_in=("worded",)),
         (condition(held=concept("", "Green leaf")),), YES),
    Case("an excluded phrase takes them out", Find(("Condition",), code_in=("worded",)),
         (condition(held=concept("", "no green leaf")),), NO),
    Case("words do not count beside a coding of the set's system", Find(("Condition",), code_in=("worded",)),
         (condition(held=concept("C9", "green leaf")),), NO),
    Case("found by words is not firm", Find(("Condition",), code_in=("worded",)),
         (condition(held=concept("", "green leaf")),), UNKNOWN, UNREADABLE, firm=True),
    Case("words of a set that is not asked for leave a row firm", Find(("Condition",)),
         (condition(held=concept("", "green leaf")),), YES, firm=True),
    Case("nothing to read cannot be told", Find(("Condition",), code_in=("one",)),
         (condition(held=UNREADABLE_CONCEPT),), UNKNOWN, UNREADABLE),
    Case("a coded row of another criterion stays firm", Find(("other",)), (condition(),), YES, firm=True,
         others={"other": Find(("Condition",), code_in=("one",))}),
    Case("a row found by words by another criterion does not become firm", Find(("other",)),
         (condition(held=concept("", "green leaf")),), UNKNOWN, UNREADABLE, firm=True,
         others={"other": Find(("Condition",), code_in=("worded",))}),
    Case("nor does one that words alone put in the set asked for", Find(("other",), code_in=("worded",)),
         (condition(held=concept("", "green leaf")),), UNKNOWN, UNREADABLE, firm=True,
         others={"other": Find(("Condition",))}),
    Case("a code of the excluded set drops the row", Find(("Condition",), code_not_in=("one",)), (condition(),), NO),
    Case("nothing to read may be of the excluded set", Find(("Condition",), code_not_in=("one",)),
         (condition(held=UNREADABLE_CONCEPT),), UNKNOWN, UNREADABLE),
    Case("a row that cannot be read may be of any set", Find(("Condition",), code_in=("two",)),
         (condition(readable=False),), UNKNOWN, UNREADABLE),
    Case("refuted is never taken unless listed", Find(("Condition",)), (condition(verification_status="refuted"),), NO),
    Case("active stands for relapse", Find(("Condition",), clinical_status=("active",)),
         (condition(clinical_status="relapse"),), YES),
    Case("inactive stands for remission", Find(("Condition",), clinical_status=("inactive",)),
         (condition(clinical_status="remission"),), YES),
    Case("planned is not usually taken", Find(DRUG), (drug("planned"),), NO),
    Case("an absent status cannot be told", Find(DRUG), (drug(None),), UNKNOWN, STATUS),
    Case("a listed category drops the row", Find(("Condition",), category_not=("encounter-diagnosis",)),
         (condition(categories=("encounter-diagnosis",)),), NO),
    Case("no category says nothing", Find(("Condition",), category_not=("encounter-diagnosis",)), (condition(),), YES),
    Case("no reason is no reason of the set", Find(DRUG, reason_in=("one",)), (drug(),), NO),
    Case("a condition that does not hold drops all rows", Find(DRUG, if_=("other",)), (drug(),), NO,
         others={"other": Hook(("order-sign",))}),
    Case("eighteen on the birthday", Find(("Patient",), age=Bounds(at_least="age_18")),
         (patient(birth_date=condition("2008-03-01").start),), YES),
    Case("seventeen the day before", Find(("Patient",), age=Bounds(at_least="age_18")),
         (patient(birth_date=condition("2008-03-02").start),), NO),
    Case("a month of birth may decide nothing", Find(("Patient",), age=Bounds(at_least="age_18")),
         (patient(birth_date=condition("2008-03").start),), UNKNOWN, frozenset({"birth-date"})),
    Case("an unknown sex cannot be told", Find(("Patient",), sex=("female",)), (patient(sex="unknown"),), UNKNOWN,
         frozenset({"sex-missing"})),
    Case("an unknown sex passes where it is listed", Find(("Patient",), sex=("female", "unknown")),
         (patient(sex="unknown"),), YES),
]  # fmt: skip
SPAN = [
    Case("ended on the first day of the window", LAST_MONTH, (drug("past", "2025-06-01", "2026-02-01"),), YES),
    Case("ended the day before the window", LAST_MONTH, (drug("past", "2025-06-01", "2026-01-31"),), NO),
    Case("ended in a month that the window cuts", Find(DRUG, during_last="weeks_1"),
         (drug("past", "2025-06-01", "2026-02"),), UNKNOWN, IMPRECISE),
    Case("starts tomorrow", LAST_MONTH, (drug(start="2026-03-02"),), NO),
    Case("still taking", LAST_MONTH, (drug(start="2020-01-01"),), YES),
    Case("taking without any date is current", LAST_MONTH, (drug(),), YES),
    Case("paused without any date cannot be told", LAST_MONTH, (drug("paused"),), UNKNOWN, MISSING),
    Case("an old open entry is not firm", LAST_MONTH, (drug(start="2020-01-01"),), UNKNOWN, END, firm=True),
    Case("an open entry written in the window is", LAST_MONTH, (drug(start="2026-02-10"),), YES, firm=True),
    Case("surely goes on through stale_after", Find(DRUG, stale_after="months_12", during_last="today"),
         (drug(start="2025-03-01"),), YES),
    Case("then perhaps", Find(DRUG, stale_after="months_12", during_last="today"), (drug(start="2025-02-28"),),
         UNKNOWN, END),
    Case("a stretch that was merged does not go stale", Find(("other",), stale_after="days_8", during_last="today"),
         (drug(start="2025-01-01"), drug("past", "2024-06-01", "2024-12-31", number=2)), YES,
         others={"other": Find(DRUG, merge_gaps="days_8")}),
    Case("past without an end was over by then", Find(DRUG, stale_after="months_1", during_last="weeks_1"),
         (drug("past", "2026-01-01"),), NO),
    Case("past without an end ended on some day", LAST_MONTH, (drug("past", "2025-01-01"),), UNKNOWN, END),
    Case("past without any date was over before today", Find(DRUG, during_last="today"), (drug("past"),), NO),
    Case("rows of another criterion go stale too", Find(("other",), stale_after="months_12", during_last="today"),
         (drug(start="2025-02-28"),), UNKNOWN, END, others={"other": Find(DRUG)}),
    Case("a broken start leaves open when it ended", Find(DRUG, ending=True), (drug("past", "broken"),), UNKNOWN,
         UNREADABLE),
    Case("never before its start", LAST_MONTH, (drug("past", "2026-02-20", over_by=1),), YES),
    Case("a broken date is any day", LAST_MONTH, (drug("past", "broken", "broken"),), UNKNOWN, UNREADABLE),
    Case("a dose covers its last day", Find(DRUG, covers="months_1", during_last="today"),
         (drug("given", "2026-02-01", "2026-02-01"),), YES),
    Case("and not the next", Find(DRUG, covers="months_1", during_last="today"),
         (drug("given", "2026-01-31", "2026-01-31"),), NO),
    Case("what is not given is not covered", Find(DRUG, covers="months_3", during_last="today"),
         (drug("past", "2026-01-31", "2026-02-01"),), NO),
    Case("a procedure is covered too", Find(("Procedure",), covers="months_1", during_last="today"),
         (event("Procedure", "2026-02-01"),), YES),
    Case("ended yesterday", Find(DRUG, ending=True), (drug("past", "2025-06-01", "2026-02-28"),), YES),
    Case("ends today: still runs", Find(DRUG, ending=True), (drug("past", "2025-06-01", "2026-03-01"),), NO),
    Case("past without any date has ended", Find(DRUG, ending=True), (drug("past"),), YES),
    Case("from its end it is counted on", Find(DRUG, ending=True, since_start=Bounds(at_most="weeks_1")),
         (drug("past", "2025-06-01", "2026-02-25"),), YES),
    Case("long enough to the day", Find(DRUG, length=Bounds(at_least="months_1")),
         (drug("past", "2025-01-31", "2025-02-28"),), YES),
    Case("a day short", Find(DRUG, length=Bounds(at_least="months_1")), (drug("past", "2025-01-31", "2025-02-27"),),
         NO),
    Case("a running row lasts to today", Find(DRUG, length=Bounds(more_than="months_1")), (drug(start="2026-02-01"),),
         NO),
    Case("a gap of the given length joins", Find(DRUG, merge_gaps="days_8", length=Bounds(at_least="days_40")),
         (drug("past", "2025-01-01", "2025-01-31"), drug("past", "2025-02-08", "2025-02-20", number=2)), YES),
    Case("a day more does not", Find(DRUG, merge_gaps="days_8", length=Bounds(at_least="days_40")),
         (drug("past", "2025-01-01", "2025-01-31"), drug("past", "2025-02-09", "2025-02-20", number=2)), NO),
    Case("an unclear join leaves every row doubtful", Find(DRUG, merge_gaps="days_8"),
         (drug("past", "2025-01-01", "2025-01-31"), drug("past", "2025-02", "2025-03-20", number=2)), UNKNOWN,
         frozenset({"joining-unclear"})),
]  # fmt: skip
TIME = [
    Case("a month ago to the day", Find(("Condition",), since_start=Bounds(at_most="months_1")),
         (condition("2026-02-01"),), YES),
    Case("less than a month is later", Find(("Condition",), since_start=Bounds(less_than="months_1")),
         (condition("2026-02-01"),), NO),
    Case("at least a month", Find(("Condition",), since_start=Bounds(at_least="months_1")),
         (condition("2026-02-01"),), YES),
    Case("more than a month is earlier", Find(("Condition",), since_start=Bounds(more_than="months_1")),
         (condition("2026-02-01"),), NO),
    Case("tomorrow is no time ago", Find(("Condition",), since_start=Bounds(at_most="months_1")),
         (condition("2026-03-02"),), NO),
    Case("no start cannot be told", Find(("Condition",), since_start=Bounds(at_most="months_1")), (condition(None),),
         UNKNOWN, MISSING),
    Case("on the day itself counts", Find(("Condition",), started_since="other"), (condition("2026-02-01"),
         drug(start="2026-02-01")),
         YES, others={"other": Find(DRUG)}),
    Case("the day before does not", Find(("Condition",), started_since="other"), (condition("2026-01-31"),
         drug(start="2026-02-01")),
         NO, others={"other": Find(DRUG)}),
    Case("nothing starts since what never was", Find(("Condition",), started_since="other"), (condition(),), NO,
         others={"other": Find(DRUG)}),
    Case("since an unread list cannot be told", Find(("Condition",), started_since="other"), (condition(),), UNKNOWN,
         UNREAD,
         others={"other": Find(DRUG)}, gaps={"medication-use": (Gap("medicationRequests", "error"),)}),
    Case("since a date that is known to the month only", Find(("Condition",), started_since="other"),
         (condition("2026-02-10"), drug(start="2026-02")), UNKNOWN, IMPRECISE, others={"other": Find(DRUG)}),
    Case("what was not read can only be older than a list is whole", Find(("Condition",), started_since="other"),
         (condition("2026-02-10"), event(start="2026-02-10")), YES, others={"other": Find(LAB)},
         gaps={"Observation": (Gap("labs", "further page", drug(start="2026-02-11").start.first),)}),
    Case("and may be younger where it is whole from later on", Find(("Condition",), started_since="other"),
         (condition("2026-02-10"), event(start="2026-02-10")), UNKNOWN, others={"other": Find(LAB)},
         gaps={"Observation": (Gap("labs", "further page", drug(start="2026-02-12").start.first),)}),
]  # fmt: skip
FIVE = Find(LAB, value=Bounds(at_least="score_5"))
ANSWER = Find(LAB, answer_in=("good",), answer_not_in=("bad",))
VALUES = [
    Case("the limit itself counts", FIVE, (event(value=number(5)),), YES),
    Case("below it does not", FIVE, (event(value=number(4)),), NO),
    Case("an annotation is no unit", FIVE, (event(value=number(5, "{score}")),), YES),
    Case("another unit cannot be judged", FIVE, (event(value=number(5, "mg")),), UNKNOWN, UNIT),
    Case("no number cannot be judged", FIVE, (event(),), UNKNOWN, VALUE),
    Case("an open range may lie on both sides", FIVE, (event(value=Number(0, 6, high_open=True)),), UNKNOWN, VALUE),
    Case("an open range may lie on one side", FIVE, (event(value=Number(0, 5, high_open=True)),), NO),
    Case("seconds are milliseconds", Find(LAB, value=Bounds(at_least="ms_570")), (event(value=number(0.57, "s")),),
         YES),
    Case("two katals of a millionth are 120 units", Find(LAB, value=Bounds(more_than="units_120")),
         (event(value=number(2, "ukat/L")),), NO),
    Case("the report's own limit counts first", Find(LAB, value=Bounds(more_than="fold_3"), per_upper_limit="units_60"),
         (event(value=number(130, "U/L"), upper_limit=number(40, "U/L")),), YES),
    Case("else the given one", Find(LAB, value=Bounds(more_than="fold_2"), per_upper_limit="units_60"),
         (event(value=number(121, "U/L")),), YES),
    Case("an implausible number is not judged", replace(FIVE, plausible=Bounds(at_most="score_10")),
         (event(value=number(11)),), UNKNOWN, frozenset({"implausible"})),
    Case("a listed answer", ANSWER, (event(answers=(concept("G1"),)),), YES),
    Case("an answer of the other list", ANSWER, (event(answers=(concept("B1"),)),), NO),
    Case("an answer of both lists", ANSWER, (event(answers=(concept("G2"),)),), UNKNOWN,
         frozenset({"answer-unlisted"})),
    Case("an answer of neither", ANSWER, (event(answers=(concept("C9"),)),), UNKNOWN, frozenset({"answer-unlisted"})),
    Case("only the latest is judged", replace(FIVE, latest=True),
         (event(value=number(9)), event(start="2026-02-02", number=2, value=number(1))), NO),
    Case("two on one day that differ", replace(FIVE, latest=True),
         (event(value=number(9)), event(number=2, value=number(1))), UNKNOWN, frozenset({"date-imprecise"})),
    Case("clock times put them in order", replace(FIVE, latest=True),
         (event(start="2026-02-01T10:00:00Z", value=number(9)), event(start="2026-02-01T09:00:00Z", number=2,
         value=number(1))), YES),
    Case("one without a date may be later than one with a clock time", replace(FIVE, latest=True),
         (event(start="2026-02-01T10:00:00Z", value=number(9)), event(start=None, number=2, value=number(1))), UNKNOWN,
         frozenset({"date-imprecise"})),
]  # fmt: skip
MANY = [
    Case("at least two of two", Find(DRUG, count=Bounds(at_least="times_2")), (drug(), drug(number=2)), YES),
    Case("one sure and one doubtful", Find(DRUG, count=Bounds(at_least="times_2")), (drug(), drug(None, number=2)),
         UNKNOWN, STATUS),
    Case("an unread list has no upper end", Find(DRUG, count=Bounds(at_most="times_2")), (drug(),), UNKNOWN, UNREAD,
         gaps={"medication-use": (Gap("medicationRequests", "error"),)}),
    Case("one known row decides in spite of an unread list", Find(DRUG), (drug(),), YES,
         gaps={"medication-use": (Gap("medicationRequests", "error"),)}),
    Case("a list whole back to the window is whole", Find(LAB, during_last="months_1"), (), NO,
         gaps={"Observation": (Gap("labs", "further page", drug(start="2026-02-01").start.first),)}),
    Case("so is a list of questionnaires", Find(("QuestionnaireResponse",), during_last="months_1"), (), NO,
         gaps={"QuestionnaireResponse": (Gap("questionnaireResponses", "further page",
                                             drug(start="2026-02-01").start.first),)}),
    Case("and one that begins a day later is not", Find(LAB, during_last="months_1"), (), UNKNOWN, UNREAD,
         gaps={"Observation": (Gap("labs", "further page", drug(start="2026-02-02").start.first),)}),
    Case("a list that the set's rows never stand in", Find(LAB, code_in=("in-labs",)), (), NO,
         gaps={"Observation": (Gap("surveys", "error"),)}),
    Case("none of what is unknown", Logic(none=("other",)), (drug(None),), UNKNOWN, STATUS,
         others={"other": Find(DRUG)}),
    Case("any needs one", Logic(any=("other", "moment")), (drug(None),), YES,
         others={"other": Find(DRUG), "moment": Hook(("patient-view",))}),
    Case("all fail with one", Logic(all=("other", "moment")), (drug(None),), NO,
         others={"other": Find(DRUG), "moment": Hook(("order-sign",))}),
    Case("members that hold are counted", Logic(any=("other", "moment"), count=Bounds(at_least="times_2")), (drug(),),
         YES,
         others={"other": Find(DRUG), "moment": Hook(("patient-view",))}),
]  # fmt: skip
TABLES = {"which": WHICH, "span": SPAN, "time": TIME, "value": VALUES, "many": MANY}
CASES = [pytest.param(case, id=f"{name}: {case.sentence}") for name, cases in TABLES.items() for case in cases]


@pytest.mark.parametrize("case", CASES)
def test_the_reference_answers_as_the_table_says(case):
    assert by_reference(case)[0] == case.wanted
    assert by_reference(case)[1] >= case.doubts or case.firm


@pytest.mark.parametrize("case", CASES)
def test_the_engine_answers_as_the_table_says(case):
    assert by_engine(case)[0] == case.wanted
    assert by_engine(case)[1] >= case.doubts or case.firm
