"""One test per key of `find`: is this row one of those meant?

Here stand the tests of step "which", which look at the row alone; `time_tests` and `value_tests` hold the others, which
look at what was `Found` of it. A test also takes the `Sitting` and answers with a verdict and, for UNKNOWN, the doubts.
Each function builds the test of one key from what the rule file says; `tests_of` lists those that a criterion gives, in
the order of the reference (docs/reference/rule-language.md, section 5). The order never changes a row's verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from cds_service.core.dates import NO, UNKNOWN, YES, Duration, Span, Verdict, all_of, full_years
from cds_service.core.decision import Doubt, Found, Result
from cds_service.core.facts import CLINICAL_STATUS, FACTS, VERIFICATION_STATUS, Row
from cds_service.core.measure import Limits
from cds_service.core.pool import a_few
from cds_service.core.rule import Bounds, Find, Parameter

Answer = tuple[Verdict, tuple[Doubt, ...]]
HOLDS: Answer = (YES, ())  # a test that holds or fails answers with these themselves
FAILS: Answer = (NO, ())
SURE: Mapping[Verdict, Answer] = {YES: HOLDS, NO: FAILS}
# The days a criterion's date can be, whether it surely has one, and what leaves it open.
ReferenceDate = tuple[Span, bool, tuple[Doubt, ...]]


class Sitting(Protocol):
    """One chart on one day being judged (sitting.Sitting)."""

    today: int
    firm: bool
    dates: dict[int, ReferenceDate | None]  # by criterion, once asked for

    def verdict(self, index: int) -> Verdict: ...

    def doubts(self, index: int) -> tuple[Doubt, ...]: ...

    def result(self, index: int) -> Result: ...


Test = Callable[[Row, Sitting], Answer]
FoundTest = Callable[[Found, Sitting], Answer]


@dataclass(frozen=True, slots=True)
class Scope:
    """What names of one file mean: its parameters, and where its criteria and value sets stand.

    index: criterion name -> position among the compiled criteria. bit: value set id -> its bit in masks.
    """

    parameters: Mapping[str, Parameter]
    index: Callable[[str], int]
    bit: Callable[[str], int]

    def mask(self, names: Sequence[str]) -> int:
        """The bits of several value sets."""
        mask = 0
        for name in names:
            mask |= self.bit(name)
        return mask

    def duration(self, name: str) -> Duration:
        """A parameter as a duration."""
        parameter = self.parameters[name]
        return Duration(int(parameter.value), parameter.unit)

    def limits(self, bounds: Bounds) -> Limits:
        """Bounds as a range of numbers."""

        def value(name: str | None) -> float | None:
            return None if name is None else self.parameters[name].value

        low, over, high, under = map(value, (bounds.at_least, bounds.more_than, bounds.at_most, bounds.less_than))
        limits = Limits()
        if low is not None:
            limits = Limits(low, limits.high, False, limits.high_open)
        if over is not None and over >= limits.low:
            limits = Limits(over, limits.high, True, limits.high_open)
        if high is not None:
            limits = Limits(limits.low, high, limits.low_open, False)
        if under is not None and under <= limits.high:
            limits = Limits(limits.low, under, limits.low_open, True)
        return limits


def unknown(kind: str, row: Row) -> Answer:
    """UNKNOWN because of this row."""
    return UNKNOWN, (Doubt(kind if row.readable else "row-unreadable", row.reference),)


def of_found(test: Test) -> FoundTest:
    """The same test of a row that was found."""
    return lambda found, sitting: test(found.row, sitting)


def code_in(mask: int) -> Test:
    def test(row: Row, sitting: Sitting) -> Answer:
        concept = row.concept
        if (concept.by_code | concept.by_text) & mask:
            return HOLDS
        return FAILS if concept.readable and row.readable else unknown("row-unreadable", row)

    return test


def code_not_in(mask: int) -> Test:
    def test(row: Row, sitting: Sitting) -> Answer:
        concept = row.concept
        if (concept.by_code | concept.by_text) & mask:
            return FAILS
        return HOLDS if concept.readable and row.readable else unknown("row-unreadable", row)

    return test


def status(words: tuple[str, ...]) -> Test:
    wanted = frozenset(words)

    def test(row: Row, sitting: Sitting) -> Answer:
        usual = FACTS[row.fact].usual
        if not usual:  # the fact has no status words
            return HOLDS
        if row.status is None:
            return unknown(_missing(row), row)
        return HOLDS if row.status in (wanted or usual) else FAILS

    return test


def _missing(row: Row) -> str:
    return "status-missing" if row.readable else "row-unreadable"


def clinical_status(codes: tuple[str, ...]) -> Test:
    """The clinicalStatus is one of `codes` or a child of one."""
    return _state(attrgetter("clinical_status"), frozenset().union(*(CLINICAL_STATUS[code] for code in codes)))


def verification_status(codes: tuple[str, ...]) -> Test:
    """The verificationStatus is one of `codes` or a child of one."""
    return _state(attrgetter("verification_status"), frozenset().union(*(VERIFICATION_STATUS[code] for code in codes)))


def _state(state_of: Callable[[Row], str | None], wanted: frozenset[str]) -> Test:
    def test(row: Row, sitting: Sitting) -> Answer:
        state = state_of(row)
        if state is None:
            return unknown(_missing(row), row)
        return HOLDS if state in wanted else FAILS

    return test


def usual_verification(row: Row, sitting: Sitting) -> Answer:
    """Conditions and allergies count unless refuted, when the rule lists no verificationStatus."""
    if row.fact not in ("Condition", "AllergyIntolerance"):
        return HOLDS
    if row.verification_status is None:
        return unknown(_missing(row), row)
    return FAILS if row.verification_status == "refuted" else HOLDS


def usual_clinical(row: Row, sitting: Sitting) -> Answer:
    """Allergies count while active, when the rule lists no clinicalStatus."""
    if row.fact != "AllergyIntolerance":
        return HOLDS
    if row.clinical_status is None:
        return unknown(_missing(row), row)
    return HOLDS if row.clinical_status in CLINICAL_STATUS["active"] else FAILS


def category_not(codes: tuple[str, ...]) -> Test:
    listed = frozenset(codes)

    def test(row: Row, sitting: Sitting) -> Answer:
        if not row.readable:
            return unknown("row-unreadable", row)
        return FAILS if listed & set(row.categories) else HOLDS

    return test


def reason_in(mask: int) -> Test:
    def test(row: Row, sitting: Sitting) -> Answer:
        if not row.readable:
            return unknown("row-unreadable", row)
        if any(each.by_code & mask for each in row.reasons):
            return HOLDS
        if any(each.by_text & mask for each in row.reasons):
            return unknown("row-unreadable", row) if sitting.firm else HOLDS
        return FAILS if all(each.readable for each in row.reasons) else unknown("row-unreadable", row)

    return test


def holding(indexes: tuple[int, ...]) -> Test:
    """Key `if`: criteria that must hold for any row to count."""

    def test(row: Row, sitting: Sitting) -> Answer:
        verdict = all_of([sitting.verdict(index) for index in indexes])
        if verdict is not UNKNOWN:
            return SURE[verdict]
        return UNKNOWN, tuple(doubt for index in indexes for doubt in a_few(sitting.doubts(index)))

    return test


def age(limits: Limits) -> Test:
    def test(row: Row, sitting: Sitting) -> Answer:
        birth = row.birth_date
        if birth is None or not birth.readable:
            return unknown("birth-date", row)
        oldest = youngest = full_years(min(birth.first, sitting.today), sitting.today)
        if not birth.exact:
            youngest = full_years(min(birth.last, sitting.today), sitting.today)
        verdict = limits.holds_count(youngest, oldest)
        return unknown("birth-date", row) if verdict is UNKNOWN else SURE[verdict]

    return test


def sex(listed: tuple[str, ...]) -> Test:
    def test(row: Row, sitting: Sitting) -> Answer:
        recorded = row.sex
        if recorded in listed:
            return HOLDS
        return unknown("sex-missing", row) if recorded in (None, "unknown") else FAILS

    return test


def tests_of(find: Find, scope: Scope, facts: Sequence[str]) -> list[tuple[str, Test]]:
    """List the tests that come before spans, value and count.

    facts: the facts whose rows are tested, so that statuses not listed are the usual ones; none for rows of criteria.
    """
    states = [fact for fact in facts if fact in ("Condition", "AllergyIntolerance")]
    tests: list[tuple[str, Test]] = []
    if find.code_in:
        tests.append(("code_in", code_in(scope.mask(find.code_in))))
    if find.code_not_in:
        tests.append(("code_not_in", code_not_in(scope.mask(find.code_not_in))))
    if find.if_:
        tests.append(("if", holding(tuple(scope.index(name) for name in find.if_))))
    if find.status or any(FACTS[fact].usual for fact in facts):
        tests.append(("status", status(find.status)))
    if find.clinical_status:
        tests.append(("clinicalStatus", clinical_status(find.clinical_status)))
    elif "AllergyIntolerance" in states:
        tests.append(("clinicalStatus", usual_clinical))
    if find.verification_status:
        tests.append(("verificationStatus", verification_status(find.verification_status)))
    elif states:
        tests.append(("verificationStatus", usual_verification))
    if find.category_not:
        tests.append(("category_not", category_not(find.category_not)))
    if find.reason_in:
        tests.append(("reason_in", reason_in(scope.mask(find.reason_in))))
    if find.age:
        tests.append(("age", age(scope.limits(find.age))))
    if find.sex:
        tests.append(("sex", sex(find.sex)))
    return tests
