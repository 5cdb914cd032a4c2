"""Records under 42 CFR Part 2: which rows are labelled, and charts, cards and drafts that respect it.

Labels are security label codes of a resource's meta.security, as core.facts.Row keeps them: upper case.
Source: 42 CFR 2.32 and 2.33; FHIR security labels, https://hl7.org/fhir/R4/security-labels.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cds_service.core.facts import Chart, Gap, Row

USE, USE_NO_DETAIL, IGNORE = "use", "use-no-detail", "ignore"

RESTRICTED_RECORD = "a restricted record"
REDISCLOSURE_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
PARTLY_READ = "partly read"  # says no more, so that a card does not reveal what was left out
OBSERVATION_LISTS = ("labs", "surveys", "socialHistory")  # prefetch keys that Observations come in

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
# Many systems mark Part 2 records with the confidentiality code alone, so R and V count as restricted too.
_PART2: Mapping[str, tuple[str, str]] = {
    "42CFRPART2": (_ACT_CODE, "42CFRPart2"),
    "42CFRPART2CD": (_ACT_CODE, "42CFRPart2CD"),
    "ETH": (_ACT_CODE, "ETH"),
    "ETHUD": (_ACT_CODE, "ETHUD"),
    "OPIOIDUD": (_ACT_CODE, "OPIOIDUD"),
    "SUD": (_ACT_CODE, "SUD"),
    "R": (_CONFIDENTIALITY, "R"),
    "V": (_CONFIDENTIALITY, "V"),
}
_OBLIGATIONS: Mapping[str, tuple[str, str]] = {
    "NORDSCLCD": (_ACT_CODE, "NORDSCLCD"),
    "NORDSLCD": (_ACT_CODE, "NORDSLCD"),
    "NOAUTH": (_ACT_CODE, "NOAUTH"),
}


def is_restricted(row: Row) -> bool:
    """Say whether the row carries a label of a Part 2 record."""
    return bool(row.labels) and any(label.upper() in _PART2 for label in row.labels)


def restricting_labels(rows: Iterable[Row]) -> frozenset[str]:
    """Give the labels that pass on to a card or draft resting on `rows`: Part 2 codes and their obligations."""
    labels = {label.upper() for row in rows if is_restricted(row) for label in row.labels}
    return frozenset(labels & (_PART2.keys() | _OBLIGATIONS.keys()))


def security_codings(labels: Iterable[str]) -> list[dict[str, str]]:
    """Give labels as FHIR codings, in a fixed order and the code system's own spelling."""
    known = {**_PART2, **_OBLIGATIONS}
    return [{"system": known[each][0], "code": known[each][1]} for each in sorted(labels) if each in known]


def without_restricted(chart: Chart) -> Chart:
    """Give the chart as if labelled rows had not been read: they are dropped and their lists are partly read.

    Never as if they were absent: a list they came in may hold further rows, so they can silence a rule and help none
    to fire. The Patient row stays: it is who the call is about, not a record of care.
    """
    rows, gaps, counts = dict(chart.rows), dict(chart.gaps), dict(chart.counts)
    for fact, all_rows in chart.rows.items():
        left_out = [row for row in all_rows if row.fact != "Patient" and is_restricted(row)]
        if not left_out:
            continue
        rows[fact] = tuple(row for row in all_rows if row not in left_out)
        sources = dict.fromkeys(source for row in left_out for source in _sources(row))
        gaps[fact] = (*gaps.get(fact, ()), *(Gap(source, PARTLY_READ) for source in sources))
        if fact in counts:
            counts[fact] -= len(left_out)
    return replace(chart, rows=rows, gaps=gaps, counts=counts)


def _sources(row: Row) -> tuple[str, ...]:
    """Name the prefetch keys that a row can have come in."""
    if row.fact == "Observation":
        # Which of its lists it came in is not known, and a rule may look into one of them only (found_in).
        return OBSERVATION_LISTS
    if row.fact == "draft-order":
        return ("draftOrders",)
    resource_type = row.reference.partition("/")[0] or row.fact
    if resource_type == "AllergyIntolerance":
        return ("allergies",)
    return (f"{resource_type[:1].lower()}{resource_type[1:]}s",)
