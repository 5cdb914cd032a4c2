"""Words for single things on a card: names, dates, lengths, numbers, statuses, sources; and escaping.

Everything a chart wrote passes `markdown` or `plain` before it is printed.
Source: docs/reference/rule-language.md, sections 4 and 7; GitHub Flavored Markdown, https://github.github.com/gfm/.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

from cds_service.core.dates import BEGINNING, Span
from cds_service.core.decision import NOT_READ, Doubt, Found
from cds_service.core.facts import CLINICAL_STATUS, Gap, Number
from cds_service.core.measure import UNITLESS
from cds_service.core.rule import Parameter

NAME_LIMIT = 80  # characters of one name from the chart that a card prints
SUMMARY_LIMIT = 139  # CDS Hooks: a summary is shorter than 140 characters
UNIT_LIMIT = 20
NAMES_SHOWN = 3

_LAST_DAY = date.max.toordinal()
_ALWAYS_ESCAPED = re.compile(r"([\\`*_{}\[\]#|~])")
_LINE_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
# GFM turns "www.example.com" and "http://..." into links without any brackets.
_AUTOLINK = re.compile(r"(?<=[A-Za-z])\.(?=[A-Za-z])|:(?=//)|@")
# Words with nothing in or between them that could mean anything to Markdown: most names, which need no escape.
_ORDINARY = re.compile(r"[A-Za-z][A-Za-z0-9(),;%'/-]*(?: [A-Za-z0-9(),;%'/-]+)*")
_PLAIN = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'", "\\": "/", "*": None})


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """Give chart text on one line, without control and invisible characters, cut at `limit` characters."""
    head = text[: 4 * limit]
    if not head.isprintable():
        head = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in head)
    line = " ".join(head.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def markdown(text: str) -> str:
    """Escape chart text for a card's detail: it shows as written and can make no link, tag, list or emphasis."""
    if len(text) <= NAME_LIMIT and _ORDINARY.fullmatch(text):
        return text
    line = _ALWAYS_ESCAPED.sub(r"\\\1", clean(text))
    line = _AUTOLINK.sub(lambda found: "\\" + found[0], line)
    line = _LINE_START.sub(lambda found: f"\\{found[0]}" if not found[0].isdigit() else found[0], line)
    line = re.sub(r"^(\d+)([.)])", r"\1\\\2", line)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(words: str, url: str) -> str:
    """Link words to an address, where there is one; brackets in it would end the link."""
    address = url.replace("(", "%28").replace(")", "%29")
    return f"[{words}]({address})" if address else words


def plain(text: str) -> str:
    """Make chart text fit for a summary or label, which a client may show as text, as Markdown or as HTML.

    No escape reads well in all three, so the few signs that could start a tag, a link or emphasis are replaced.
    """
    return clean(text).translate(_PLAIN).replace("://", ": //")


def shortened(text: str, limit: int = SUMMARY_LIMIT) -> str:
    """Cut `text` after a whole word so that it has at most `limit` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    head, space, _ = line[:limit].rpartition(" ")
    return (head if space else line[: limit - 1]).rstrip(" ,;:") + "…"


def opened(sentence: str) -> str:
    """Begin a sentence with a capital; a word that has capitals of its own ("oxyCODONE") stays as it is."""
    first = sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if first.islower() else sentence


def listed(names: Iterable[str], shown: int = NAMES_SHOWN) -> str:
    """Join names, each once: "a", "a and b", "a, b and c", "a, b, c and 2 more"."""
    each = [name for name in dict.fromkeys(names) if name]
    if len(each) > shown:
        return f"{', '.join(each[:shown])} and {len(each) - shown} more"
    return " and ".join([", ".join(each[:-1]), each[-1]] if len(each) > 1 else each)


def counted(count: int, unit: str = "days") -> str:
    """Say "1 day", "36 days"."""
    return f"{count} {unit[:-1] if count == 1 and unit.endswith('s') else unit}"


def parameter_words(parameter: Parameter) -> str:
    """Say a parameter with its unit."""
    return amount_words(parameter.value, parameter.unit)


def amount_words(value: float, unit: str) -> str:
    """Say a number with its unit: "90 days", "1 day", "5 times", "500 ms"; a score or a count is a bare number."""
    number = figure(value)
    if unit in UNITLESS:
        return f"{number} times" if unit == "times" else number
    if unit in ("days", "weeks", "months", "years"):
        return f"{number} {unit[:-1] if number == '1' else unit}"
    return f"{number} {unit}"


def figure(value: float) -> str:
    """Write a number without needless zeros: 90, 0.5, 5.03."""
    return str(int(value)) if value == int(value) else f"{value:.10g}"


def date_words(span: Span | None) -> str:
    """Write a date as exactly as it is known: "2026-02-20", "2026-02", "between 2026-02-03 and 2026-02-20"."""
    if span is None:
        return "an unknown date"
    if not span.readable:
        return "a date that cannot be read"
    if span.text:
        return span.text[:10]
    early, late = _day(span.first), _day(span.last)
    if early is None or late is None:
        if late is not None:
            return f"{late.isoformat()} or earlier"
        return f"{early.isoformat()} or later" if early is not None else "an unknown date"
    if early == late:
        return early.isoformat()
    if (early.month, early.day, late.month, late.day) == (1, 1, 12, 31) and early.year == late.year:
        return f"{early.year:04}"
    after = _day(span.last + 1)
    if early.day == 1 and (early.year, early.month) == (late.year, late.month) and after and after.day == 1:
        return early.isoformat()[:7]
    return f"between {early.isoformat()} and {late.isoformat()}"


def days_since(span: Span | None, today: int) -> str:
    """Say how many days lie between a date and today: "36 days", "28 to 59 days"."""
    if span is None or (_day(span.first) is None and _day(span.last) is None):
        return "an unknown number of days"
    least = max(0, today - span.last)
    if _day(span.first) is None:
        return f"at least {counted(least)}"
    return _range_of_days(least, max(0, today - span.first))


def length_words(found: Found, today: int) -> str:
    """Say how long a row lasted, to today if it still runs: "36 days", "28 to 59 days"."""
    end = found.end or Span(today, today)
    least = max(0, min(end.first, today) - found.start.last)
    if _day(found.start.first) is None:
        return f"at least {counted(least)}"
    return _range_of_days(least, max(0, min(end.last, today) - found.start.first))


def _range_of_days(least: int, most: int) -> str:
    return counted(least) if least == most else f"{least} to {counted(most)}"


def _day(ordinal: int) -> date | None:
    return date.fromordinal(ordinal) if BEGINNING < ordinal <= _LAST_DAY else None


def number_words(number: Number) -> str:
    """Say a number as reported: "12", "less than 5", "5 or less", "more than 150", "5 to 10"."""
    low, high = number.low, number.high
    if low == high:
        return figure(low)
    if math.isinf(high):
        return f"more than {figure(low)}" if number.low_open else f"{figure(low)} or more"
    if math.isinf(low):
        return f"less than {figure(high)}" if number.high_open else f"{figure(high)} or less"
    return f"{figure(low)} to {figure(high)}"


def unit_words(unit: str | None) -> str:
    """Give a unit as a clinician writes it; a UCUM annotation ("{score}") and the unit 1 say nothing."""
    text = clean(unit or "", UNIT_LIMIT)
    return "" if text == "1" or (text.startswith("{") and text.endswith("}")) else text


STATUS_WORDS = {
    "taking": "listed as being taken",
    "given": "given",
    "paused": "on hold",
    "past": "ended",
    "stopped": "stopped",
    "planned": "planned",
    "not-taken": "not taken",
    "selected": "being ordered",
    "renewing": "being renewed",
    "unselected": "in the order set, not selected",
    "stopping": "being stopped",
    "active": "active",
    "inactive": "inactive",
    "recurrence": "recurrence",
    "remission": "in remission",
    "resolved": "resolved",
    "provisional": "provisional",
    "differential": "one of several possible diagnoses",
    "unconfirmed": "not confirmed",
    "preliminary": "preliminary",
    "in-progress": "in progress",
    "on-hold": "on hold",
    "revoked": "revoked",
    "do-not-perform": "written as not to be done",
    "not-done": "not done",
}


def status_words(status: str | None) -> str:
    """Say a status word of the rule language; "" for those that go without saying, such as final."""
    if status is None or status in STATUS_WORDS:
        return STATUS_WORDS.get(status or "", "")
    # A clinicalStatus without words of its own is spoken of as the code above it in FHIR's code list.
    return next((STATUS_WORDS[above] for above, below in CLINICAL_STATUS.items() if status in below), "")


_DOUBT_WORDS = {
    "row-unreadable": "entry cannot be read",
    "date-missing": "date not recorded",
    "date-imprecise": "date imprecise",
    "end-missing": "end not recorded",
    "status-missing": "status not recorded",
    "value-unreadable": "value cannot be read",
    "unit-missing": "unit missing or not known",
    "implausible": "value not plausible",
    "answer-unlisted": "answer not understood",
    "joining-unclear": "unclear whether entries belong together",
    "encounter-missing": "this encounter is not known",
    "birth-date": "birth date missing or imprecise",
    "sex-missing": "sex not recorded",
}


def doubt_words(kind: str) -> str:
    """Say a doubt about a row (core.decision.DOUBTS)."""
    return _DOUBT_WORDS.get(kind, kind.replace("-", " "))


_MEDICATION_SOURCES = {
    "MedicationRequest": "medication orders",
    "MedicationStatement": "reported medications",
    "MedicationDispense": "dispensed medications",
    "MedicationAdministration": "medications given",
}
_SOURCE_WORDS = {
    **_MEDICATION_SOURCES,
    "medicationRequests": _MEDICATION_SOURCES["MedicationRequest"],
    "medicationStatements": _MEDICATION_SOURCES["MedicationStatement"],
    "medicationDispenses": _MEDICATION_SOURCES["MedicationDispense"],
    "medicationAdministrations": _MEDICATION_SOURCES["MedicationAdministration"],
    "medication-use": "medication list",
    "patient": "patient record",
    "Condition": "conditions",
    "Procedure": "procedures",
    "allergies": "allergy list",
    "AllergyIntolerance": "allergy list",
    "encounters": "visits",
    "Encounter": "visits",
    "this-encounter": "this visit",
    "labs": "laboratory results",
    "surveys": "questionnaire scores",
    "socialHistory": "social history",
    "Observation": "observations",
    "QuestionnaireResponse": "questionnaires",
    "questionnaireResponses": "questionnaires",
    "ServiceRequest": "service orders",
    "serviceRequests": "service orders",
    "CarePlan": "care plans",
    "draft-order": "the orders being placed",
    "draftOrders": "the orders being placed",
}


def source_words(source: str) -> str:
    """Name a list as a clinician knows it, from a prefetch key, a fact or a resource type."""
    if source in _SOURCE_WORDS:
        return _SOURCE_WORDS[source]
    # conditions, procedures, carePlans: the name itself is the word.
    return clean(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", source).replace("-", " ").lower())


def sources_words(sources: Iterable[str]) -> list[str]:
    """Name several lists, each once; the four lists of medications together are the medication list."""
    words = list(dict.fromkeys(source_words(each) for each in sources))
    medications = list(_MEDICATION_SOURCES.values())
    if set(medications) <= set(words):
        first = min(words.index(each) for each in medications)
        words[first] = _SOURCE_WORDS["medication-use"]
        words = [each for each in words if each not in medications]
    return list(dict.fromkeys(words))


def gap_words(gaps: Sequence[Gap]) -> list[str]:
    """Name what was not read and why: "laboratory results (further page, before 2025-11-21)"."""
    by_reason: dict[str, list[str]] = {}
    for gap in gaps:
        day = _day(gap.before) if gap.before is not None else None
        reason = ", ".join(part for part in (clean(gap.why), f"before {day.isoformat()}" if day else "") if part)
        by_reason.setdefault(reason, []).append(gap.source)
    return [
        f"{name} ({reason})" if reason else name
        for reason, sources in by_reason.items()
        for name in sources_words(sources)
    ]


def doubts_words(doubts: Sequence[Doubt]) -> list[str]:
    """Say doubts without naming rows, each once: "medication list not read", "date imprecise"."""
    unread = [f"{name} not read" for name in sources_words(each.about for each in doubts if each.kind == NOT_READ)]
    return [*unread, *dict.fromkeys(doubt_words(each.kind) for each in doubts if each.kind != NOT_READ)]
