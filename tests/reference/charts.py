"""Random charts: few rows, days on and beside the boundaries of the parameters, everything that can be missing."""

from datetime import date

from hypothesis import strategies as st

from cds_service.core.dates import Span, parse_span, unreadable_span
from cds_service.core.facts import FACTS, UNREADABLE_CONCEPT, Chart, Gap, Number, Row
from tests.reference.pool import ANSWERS, CONCEPTS, DURATIONS, SOURCES, concept

TODAYS = tuple(date.fromisoformat(each) for each in ("2026-03-01", "2024-02-29", "2025-05-31", "2026-03-31"))
TIMED = ("Observation", "QuestionnaireResponse")


def exact(day: int) -> Span:
    """Give the span of one day, written as FHIR does."""
    return parse_span(date.fromordinal(day).isoformat())


def near_days(today: int) -> list[int]:
    """Give the days around today and around each parameter counted back from it."""
    marks = {each.before(today) for each in DURATIONS} | {DURATIONS[-2].before(DURATIONS[-3].before(today))}
    return sorted({mark + step for mark in marks for step in (-1, 0, 1)} | {today + 30, today - 200})


@st.composite
def spans(draw, today: int, absent: bool = True) -> Span | None:
    """A day near a boundary, its month or its year, a broken date, or none."""
    kind = draw(st.sampled_from(["day"] * 6 + ["month"] * 2 + ["year", "broken"] + ["none"] * 2 * absent))
    if kind == "none":
        return None
    if kind == "broken":
        return unreadable_span("soon")
    text = date.fromordinal(draw(st.sampled_from(near_days(today)))).isoformat()
    return parse_span({"day": text, "month": text[:7], "year": text[:4]}[kind])


@st.composite
def numbers(draw) -> Number:
    """A number on or beside a limit, or an open range, with a unit that fits, converts or does not."""
    unit, values = draw(st.sampled_from([
        (None, (4.0, 5.0, 6.0, 10.0)), ("{score}", (5.0, 11.0)), ("ms", (449.0, 450.0, 570.0)),
        ("s", (0.45, 0.57, 0.571)),
        ("U/L", (60.0, 119.5, 120.0, 180.0)), ("ukat/L", (1.0, 2.0, 2.01)), ("mg", (5.0, 60.0)),
    ]))  # fmt: skip
    value = draw(st.sampled_from(values))
    shape = draw(st.sampled_from(["exact"] * 4 + ["below", "above"]))
    if shape == "below":
        return Number(0.0, value, False, True, unit, f"<{value}")
    if shape == "above":
        return Number(value, float("inf"), True, False, unit, f">{value}")
    return Number(value, value, unit=unit, text=str(value))


@st.composite
def rows(draw, fact: str, name: str, today: int) -> Row:
    """One row of a fact as the FHIR reader could build it."""
    kind = FACTS[fact]
    if draw(st.integers(0, 11)) == 0:
        return Row(fact, name, UNREADABLE_CONCEPT, readable=False)
    start, end = draw(spans(today)), None
    if fact in ("Condition", "AllergyIntolerance"):
        return Row(
            fact, name, draw(st.sampled_from(CONCEPTS)), start=start,
            clinical_status=draw(st.sampled_from(["active", "active", "relapse", "remission", "resolved", "inactive"])),
            verification_status=draw(st.sampled_from(["confirmed", "confirmed", "provisional", "refuted"])),
            categories=draw(st.sampled_from([(), ("encounter-diagnosis",), ("problem-list-item",)])),
        )  # fmt: skip
    status = draw(st.sampled_from([*kind.usual, *kind.usual, *kind.statuses, None]))
    if fact == "draft-order":
        return Row(fact, name, draw(st.sampled_from(CONCEPTS)), status=status, start=exact(today), end=exact(today))
    over_by = listed_on = None
    if fact == "medication-use" and status in ("taking", "paused", "past", "stopped", None):
        end = draw(st.one_of(st.none(), spans(today)))
        if status in ("past", "stopped") and end is None:
            over_by = draw(st.sampled_from([None, *near_days(today)]))
        if status in ("taking", "paused") and end is None:
            listed_on = draw(st.sampled_from([None, None, *(day for day in near_days(today) if day <= today)]))
    elif fact == "Procedure" and status in ("in-progress", None):
        end = draw(st.one_of(st.none(), spans(today)))
    elif draw(st.integers(0, 2)) == 0 and fact not in TIMED:
        end = draw(spans(today, absent=False))
    else:
        end = start
    value, answers, upper = None, (), None
    if fact in TIMED:
        value = draw(st.one_of(st.none(), numbers()))
        answers = tuple(draw(st.lists(st.sampled_from(ANSWERS), max_size=2)))
        unit = value.unit if value else None
        upper = (
            draw(st.sampled_from([None, None, Number(60.0, 60.0, unit=unit), Number(2.0, 2.0, unit=unit)]))
            if value
            else None
        )
        if start and start.exact and start.readable and draw(st.booleans()):
            clock = draw(st.sampled_from(["T08:00:00Z", "T09:30:00+02:00"]))
            start = parse_span(start.text + clock)
            end = start
    return Row(
        fact, name, draw(st.sampled_from(CONCEPTS)), status=status, start=start, end=end, over_by=over_by,
        listed_on=listed_on,
        reasons=draw(st.sampled_from([(), (concept("C1"),), (concept("", "green leaf"),), (concept("C9"),)])),
        categories=draw(st.sampled_from([(), ("inpatient",)])),
        value=value, answers=answers, has_value=value is not None or bool(answers), upper_limit=upper,
    )  # fmt: skip


@st.composite
def patients(draw, today: int) -> Row:
    """The patient, born on or beside a birthday that matters, or with parts missing."""
    now = date.fromordinal(today)
    births = [f"{now.year - age}-{now.month:02}" for age in (18, 65)] + [str(now.year - 18), "1990-05-05", "2008-02-29"]
    births += [date.fromordinal(date(now.year - 18, now.month, min(now.day, 28)).toordinal() + step).isoformat()
               for step in (-1, 0, 1)]  # fmt: skip
    born = draw(st.sampled_from([None, *births]))
    return Row(
        "Patient", "Patient/p", status=draw(st.sampled_from(["living", "living", "deceased", "test", None])),
        birth_date=parse_span(born) if born else None, sex=draw(st.sampled_from(["male", "female", "unknown", None])),
    )  # fmt: skip


@st.composite
def gaps(draw, fact: str, today: int) -> Gap:
    """A list of the fact that was not read, wholly or before a day."""
    before = draw(st.sampled_from([None, None, *near_days(today)]))
    return Gap(draw(st.sampled_from(SOURCES[fact])), "not sent", before)


@st.composite
def charts(draw, today: int, facts: tuple[str, ...], most_rows: int = 3) -> Chart:
    """A chart with some rows and gaps of the given facts."""
    found, unread = {}, {}
    for fact in facts:
        if fact == "Patient":
            continue
        count = draw(st.integers(0, 1 if fact == "this-encounter" else most_rows))
        found[fact] = tuple(draw(rows(fact, f"{fact}/{number}", today)) for number in range(count))
        if fact in SOURCES and draw(st.integers(0, 3)) == 0:
            unread[fact] = (draw(gaps(fact, today)),)
    hook = draw(st.sampled_from(["patient-view", "order-sign"]))
    patient = draw(patients(today))
    return Chart(hook, patient, {**found, "Patient": (patient,)}, unread)
