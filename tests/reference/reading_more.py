"""Reading more: charts in which something that was missing has been filled in.

Source of the list: docs/reference/rule-language.md, section 3, the Law.
"""

from dataclasses import replace

from hypothesis import strategies as st

from cds_service.core.dates import Span
from cds_service.core.facts import FACTS, Chart, Row
from tests.reference.charts import exact, near_days, rows
from tests.reference.pool import SOURCES, VALUE_SETS, concept


@st.composite
def day_within(draw, span: Span | None, today: int) -> Span | None:
    """One day a missing, broken or partial date could mean; an exact one stays."""
    if span is not None and span.exact:
        return span
    candidates = [each for each in near_days(today) if span is None or span.first <= each <= span.last]
    if span is not None and span.readable:
        candidates += [span.first, span.last, (span.first + span.last) // 2]
    return exact(draw(st.sampled_from(candidates)))


@st.composite
def read_row(draw, row: Row, today: int) -> Row | None:
    """The row as it turns out to be; None when what could not be read is no row at all."""
    if not row.readable:
        return draw(st.one_of(st.none(), rows(row.fact, row.reference, today)))
    changes: dict = {}
    undated = row.start is None and row.end is None and row.status == "taking"
    if row.fact not in ("draft-order", "Patient") and not undated and draw(st.booleans()):
        # A use that is over has begun before today, and a record without any date says so too.
        over = row.status in ("past", "stopped") and row.start is None and row.end is None
        changes["start"] = draw(day_within(Span(today - 1000, today - 1) if over else row.start, today))
        if row.end is not None:
            changes["end"] = changes["start"] if row.end == row.start else draw(day_within(row.end, today))
    if not row.concept.readable and row.fact != "Patient" and draw(st.booleans()):
        changes["concept"] = draw(
            st.sampled_from([concept("C1"), concept("C2"), concept("C9"), concept("", "green leaf")])
        )
    if row.status is None and FACTS[row.fact].statuses and draw(st.booleans()):
        changes["status"] = draw(st.sampled_from(FACTS[row.fact].statuses))
    if row.value is not None and row.value.unit is None and draw(st.booleans()):
        changes["value"] = replace(row.value, unit=draw(st.sampled_from(["{score}", "ms", "U/L"])))
    if row.fact == "Patient":
        changes["birth_date"] = draw(day_within(row.birth_date, today))
        if row.sex is None and draw(st.booleans()):  # a recorded `unknown` is an answer that a rule may list
            changes["sex"] = draw(st.sampled_from(["male", "female"]))
    return replace(row, **changes)


@st.composite
def read_charts(draw, chart: Chart, today: int) -> Chart:
    """A chart of which more has been read: rows completed, and lists that were not read now read."""
    found, unread = {}, {}
    for fact, held in chart.rows.items():
        if fact == "Patient":
            continue
        completed = [draw(read_row(each, today)) if draw(st.booleans()) else each for each in held]
        found[fact] = [each for each in completed if each is not None]
    for fact, held in chart.gaps.items():
        if draw(st.integers(0, 3)) == 0:
            unread[fact] = held
        for gap in held:
            if fact in unread and draw(st.booleans()):
                continue
            for number in range(draw(st.integers(0, 2))):
                new = draw(rows(fact, f"{fact}/new-{number}", today))
                if could_stand_in(new, gap.source, gap.before):
                    found.setdefault(fact, []).append(new)
    patient = draw(read_row(chart.patient, today))
    read = {fact: tuple(held) for fact, held in found.items()}
    return replace(chart, patient=patient, rows={**read, "Patient": (patient,)}, gaps=unread)


def could_stand_in(row: Row, source: str, before: int | None) -> bool:
    """Say whether a further row could come from that list: old enough, and of sets that stand in it."""
    if before is not None and (row.start is None or not row.readable or row.start.last >= before):
        return False
    if (
        before is not None
        and row.fact in ("Observation", "QuestionnaireResponse")
        and row.end is not None
        and row.end.last >= before
    ):
        return False
    if row.fact != "Observation" or source not in SOURCES["Observation"]:
        return True
    declared = [each for each in VALUE_SETS.values() if each.found_in and source not in each.found_in]
    codes = {code for each in declared for code in each.codes}
    return row.readable and row.concept.readable and not codes & set(row.concept.codings)
