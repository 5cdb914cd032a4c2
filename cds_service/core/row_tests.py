"""One test per key of `find`: is this row one of those meant?

A test takes a `Found` row and the `Sitting` and answers with a verdict and, for UNKNOWN, the doubts. Each function here
builds the test of one key from what the rule file says; `tests_of` lists those that a criterion gives, in the order
of the reference (docs/reference/rule-language.md, section 5). The order never changes a row's verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cds_service.core.dates import FOREVER, NO, UNKNOWN, YES, Duration, Span, Verdict, all_of, full_years
from cds_service.core.decision import Doubt, Found, Result
from cds_service.core.facts import CLINICAL_STATUS, FACTS, VERIFICATION_STATUS
from cds_service.core.measure import Limits
from cds_service.core.rule import Bounds, Find, Parameter
from cds_service.core.stretch import is_open

Answer = tuple[Verdict, tuple[Doubt, ...]]
HOLDS: Answer = (YES, ())
FAILS: Answer = (NO, ())


class Sitting(Protocol):
    """One chart on one day being judged (criteria.Sitting)."""

    today: int
    firm: bool

    def result(self, index: int) -> Result: ...


Test = Callable[[Found, Sitting], Answer]


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


def unknown(kind: str, found: Found) -> Answer:
    """UNKNOWN because of this row."""
    return UNKNOWN, (Doubt(kind, found.row.reference),)


def within(span: Span, first: int, last: int) -> Verdict:
    """YES when every day of `span` lies from `first` to `last`, NO when none does."""
    if first <= span.first and span.last <= last:
        return YES
    return NO if span.last < first or span.first > last else UNKNOWN


def date_doubt(date: Span | None) -> str:
    """Name what is wrong with a date that leaves a test open."""
    if date is None:
        return "date-missing"
    return "date-imprecise" if date.readable else "row-unreadable"


# --- which -----------------------------------------------------------------------------------------------------------


def code_in(mask: int) -> Test:
    def test(found: Found, sitting: Sitting) -> Answer:
        concept = found.row.concept
        if (concept.by_code | concept.by_text) & mask:
            return HOLDS
        return FAILS if concept.readable else unknown("row-unreadable", found)

    return test


def code_not_in(mask: int) -> Test:
    def test(found: Found, sitting: Sitting) -> Answer:
        concept = found.row.concept
        if (concept.by_code | concept.by_text) & mask:
            return FAILS
        return HOLDS if concept.readable else unknown("row-unreadable", found)

    return test


def status(words: tuple[str, ...]) -> Test:
    wanted = frozenset(words)

    def test(found: Found, sitting: Sitting) -> Answer:
        usual = FACTS[found.row.fact].usual
        if not usual:  # the fact has no status words
            return HOLDS
        if found.row.status is None:
            return unknown("status-missing" if found.row.readable else "row-unreadable", found)
        return HOLDS if found.row.status in (wanted or usual) else FAILS

    return test


def clinical_status(codes: tuple[str, ...]) -> Test:
    wanted = frozenset().union(*(CLINICAL_STATUS[code] for code in codes))

    def test(found: Found, sitting: Sitting) -> Answer:
        if found.row.clinical_status is None:
            return unknown("row-unreadable", found)
        return HOLDS if found.row.clinical_status in wanted else FAILS

    return test


def verification_status(codes: tuple[str, ...]) -> Test:
    wanted = frozenset().union(*(VERIFICATION_STATUS[code] for code in codes))

    def test(found: Found, sitting: Sitting) -> Answer:
        if found.row.verification_status is None:
            return unknown("row-unreadable", found)
        return HOLDS if found.row.verification_status in wanted else FAILS

    return test


def usual_verification(found: Found, sitting: Sitting) -> Answer:
    """Conditions and allergies count unless refuted, when the rule lists no verificationStatus."""
    if found.row.fact not in ("Condition", "AllergyIntolerance"):
        return HOLDS
    if found.row.verification_status is None:
        return unknown("row-unreadable", found)
    return FAILS if found.row.verification_status == "refuted" else HOLDS


def usual_clinical(found: Found, sitting: Sitting) -> Answer:
    """Allergies count while active, when the rule lists no clinicalStatus."""
    if found.row.fact != "AllergyIntolerance":
        return HOLDS
    if found.row.clinical_status is None:
        return unknown("row-unreadable", found)
    return HOLDS if found.row.clinical_status in CLINICAL_STATUS["active"] else FAILS


def category_not(codes: tuple[str, ...]) -> Test:
    listed = frozenset(codes)

    def test(found: Found, sitting: Sitting) -> Answer:
        if not found.row.readable:
            return unknown("row-unreadable", found)
        return FAILS if listed & set(found.row.categories) else HOLDS

    return test


def reason_in(mask: int) -> Test:
    def test(found: Found, sitting: Sitting) -> Answer:
        if not found.row.readable:
            return unknown("row-unreadable", found)
        if any((each.by_code | each.by_text) & mask for each in found.row.reasons):
            return HOLDS
        return FAILS if all(each.readable for each in found.row.reasons) else unknown("row-unreadable", found)

    return test


def holding(indexes: tuple[int, ...]) -> Test:
    """Key `if`: criteria that must hold for any row to count."""

    def test(found: Found, sitting: Sitting) -> Answer:
        results = [sitting.result(index) for index in indexes]
        verdict = all_of(result.verdict for result in results)
        return verdict, tuple(doubt for result in results for doubt in result.doubts) if verdict is UNKNOWN else ()

    return test


def age(limits: Limits) -> Test:
    def test(found: Found, sitting: Sitting) -> Answer:
        birth = found.row.birth_date
        if birth is None or not birth.readable:
            return unknown("birth-date", found)
        youngest = full_years(min(birth.last, sitting.today), sitting.today)
        oldest = full_years(min(birth.first, sitting.today), sitting.today)
        verdict = limits.holds_count(youngest, oldest)
        return unknown("birth-date", found) if verdict is UNKNOWN else (verdict, ())

    return test


def sex(listed: tuple[str, ...]) -> Test:
    def test(found: Found, sitting: Sitting) -> Answer:
        recorded = found.row.sex or "unknown"
        if recorded in listed and found.row.readable:
            return HOLDS
        return unknown("sex-missing", found) if recorded == "unknown" else FAILS

    return test


# --- span and time ---------------------------------------------------------------------------------------------------


def length(scope: Scope, bounds: Bounds) -> Test:
    durations = {key: scope.duration(name) for key, name in _given(bounds)}

    def test(found: Found, sitting: Sitting) -> Answer:
        assert found.end is not None
        first, last = min(found.end.first, sitting.today), min(found.end.last, sitting.today)
        verdict = all_of(_lasts(key, duration, found.start, first, last) for key, duration in durations.items())
        if verdict is YES and sitting.firm and is_open(found):
            verdict = UNKNOWN
        return unknown(_span_doubt(found), found) if verdict is UNKNOWN else (verdict, ())

    return test


def _lasts(key: str, duration: Duration, start: Span, first: int, last: int) -> Verdict:
    earliest, latest = duration.after(start.first), duration.after(start.last)
    if key == "at_least":
        return YES if latest <= first else NO if earliest > last else UNKNOWN
    if key == "more_than":
        return YES if latest < first else NO if earliest >= last else UNKNOWN
    if key == "at_most":
        return YES if earliest >= last else NO if latest < first else UNKNOWN
    return YES if earliest > last else NO if latest <= first else UNKNOWN


def ended(found: Found, sitting: Sitting) -> Answer:
    """Key `ending`: it ended before today."""
    assert found.end is not None
    verdict = within(found.end, 0, sitting.today - 1)
    return unknown(_span_doubt(found), found) if verdict is UNKNOWN else (verdict, ())


def during_last(window: Duration | None) -> Test:
    """window: None for `today`."""

    def test(found: Found, sitting: Sitting) -> Answer:
        assert found.end is not None
        opens = window.before(sitting.today) if window else sitting.today
        begun, going = within(found.start, 0, sitting.today), within(found.end, opens, FOREVER)
        verdict = min(begun, going)
        # Firm evidence: that nobody closed an entry written before the window is no proof of use inside it.
        if (
            verdict is YES
            and sitting.firm
            and is_open(found)
            and (found.row.start is None or found.start.first < opens)
        ):
            verdict = UNKNOWN
        if verdict is not UNKNOWN:
            return verdict, ()
        return unknown(date_doubt(found.row.start) if going is YES else _span_doubt(found), found)

    return test


def _span_doubt(found: Found) -> str:
    """Name what leaves the end of a row open."""
    row = found.row
    if row.end is not None:
        return date_doubt(row.end) if not row.end.exact else date_doubt(row.start)
    if row.start is not None and not row.start.readable:
        return "row-unreadable"
    return "end-missing" if row.status is not None else "status-missing"


def since_start(scope: Scope, bounds: Bounds) -> Test:
    opens = day_range(scope, bounds)

    def test(found: Found, sitting: Sitting) -> Answer:
        first, last = opens(sitting.today)
        verdict = within(found.start, first, last)
        return unknown(_start_doubt(found), found) if verdict is UNKNOWN else (verdict, ())

    return test


def _start_doubt(found: Found) -> str:
    """Name what leaves the start open; after `ending` the start is the day it ended."""
    return date_doubt(found.row.start) if found.row.start is None or not found.row.start.exact else _span_doubt(found)


def day_range(scope: Scope, bounds: Bounds) -> Callable[[int], tuple[int, int]]:
    """Turn bounds on the time since a start into the first and last day it may have been, given today."""
    durations = {key: scope.duration(name) for key, name in _given(bounds)}

    def days(today: int) -> tuple[int, int]:
        first, last = 0, today
        for key, duration in durations.items():
            day = duration.before(today)
            if key == "at_least":
                last = min(last, day)
            elif key == "more_than":
                last = min(last, day - 1)
            elif key == "at_most":
                first = max(first, day)
            else:
                first = max(first, day + 1)
        return first, last

    return days


def _given(bounds: Bounds) -> list[tuple[str, str]]:
    keys = ("at_least", "more_than", "at_most", "less_than")
    return [(key, name) for key in keys if (name := getattr(bounds, key)) is not None]


def started_since(index: int | None) -> Test:
    """index: the criterion whose date is meant; None for `today`."""

    def test(found: Found, sitting: Sitting) -> Answer:
        reference = reference_date(index, sitting)
        if reference is None:
            return FAILS
        span, known, doubts = reference
        if found.start.last < span.first:
            return FAILS
        if known and found.start.first >= span.last:
            return HOLDS
        own = () if found.start.exact else (Doubt(_start_doubt(found), found.row.reference),)
        return UNKNOWN, (*own, *doubts)

    return test


def reference_date(index: int | None, sitting: Sitting) -> tuple[Span, bool, tuple[Doubt, ...]] | None:
    """Give a criterion's date as the days it can be, whether it surely has one, and what leaves it open.

    The date is the latest start among its sure rows; doubtful rows and unread lists can only make it later.
    None when it surely has no rows.
    """
    if index is None:
        return Span(sitting.today, sitting.today), True, ()
    result = sitting.result(index)
    if result.verdict is NO or not (result.rows or result.further):
        return None
    sure = [found.start for found in result.rows if found.sure]
    lasts = [found.start.last for found in result.rows]
    lasts += [FOREVER if gap.before is None else gap.before - 1 for gap in result.further]
    doubts = result.doubts or tuple(Doubt("not-read", gap.source) for gap in result.further)
    if result.verdict is YES and sure:
        return Span(max(span.first for span in sure), max(lasts)), True, doubts
    first = 0 if result.further else min(found.start.first for found in result.rows)
    return Span(first, max(lasts)), False, doubts


def tests_of(find: Find, scope: Scope, of_facts: bool) -> list[tuple[str, Test]]:
    """List the tests that come before spans, value and count.

    of_facts: the criterion looks at facts, so statuses it does not list are the usual ones.
    """
    tests: list[tuple[str, Test]] = []
    if find.code_in:
        tests.append(("code_in", code_in(scope.mask(find.code_in))))
    if find.code_not_in:
        tests.append(("code_not_in", code_not_in(scope.mask(find.code_not_in))))
    if find.if_:
        tests.append(("if", holding(tuple(scope.index(name) for name in find.if_))))
    if find.status or of_facts:
        tests.append(("status", status(find.status)))
    if find.clinical_status:
        tests.append(("clinicalStatus", clinical_status(find.clinical_status)))
    elif of_facts:
        tests.append(("clinicalStatus", usual_clinical))
    if find.verification_status:
        tests.append(("verificationStatus", verification_status(find.verification_status)))
    elif of_facts:
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
