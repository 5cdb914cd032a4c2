"""Moves every date of a JSON value by whole days, so that a fixture written for one day can be used on another.

Dates and dateTimes move by their calendar date and keep time and zone. A partial date moves by its middle day:
"2026-02" becomes the month in which the moved middle of February lies. What is no date element is left alone: ids,
references, URLs, codes and words keep the digits in them.
"""

import copy
import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

_WHOLE = re.compile(r"(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?")
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?")
# Elements whose text is never a date, even where it looks like one.
_NEVER = frozenset({
    "id", "fullUrl", "url", "reference", "system", "code", "version", "versionId", "value", "display", "text", "div",
    "linkId", "definition", "hookInstance", "fhirServer", "access_token", "patientId", "encounterId", "userId", "type",
    "about", "patient",
})  # fmt: skip
# FHIR elements that hold a date and are not named ...Date, ...DateTime or ...Instant. Only in these and those does a
# year alone count as a date; elsewhere "2024" may be any number.
_DATES = frozenset({
    "authored", "authoredOn", "birthDate", "created", "date", "dateAsserted", "dateRecorded", "dateWritten", "end",
    "event", "issued", "lastOccurrence", "lastUpdated", "recorded", "recordedDate", "start", "whenHandedOver",
    "whenPrepared",
})  # fmt: skip
_ENDINGS = ("Date", "DateTime", "Instant")


class Place(NamedTuple):
    """Where a date stands: `holder[key]`, a text."""

    holder: Any
    key: Any
    text: str


def places(value: Any) -> Iterator[Place]:
    """Find every date in a JSON value."""
    waiting: list[tuple[Any, Any, Any, str]] = [(None, None, value, "")]
    while waiting:
        holder, key, found, name = waiting.pop()
        if isinstance(found, dict):
            waiting += [(found, each, inner, each) for each, inner in found.items()]
        elif isinstance(found, list):
            waiting += [(found, at, inner, name) for at, inner in enumerate(found)]
        elif isinstance(found, str) and holder is not None and _is_date(name, found):
            yield Place(holder, key, found)


def _is_date(name: str, text: str) -> bool:
    if name in _NEVER:
        return False
    if _WHOLE.fullmatch(text):
        return True
    return (name in _DATES or name.endswith(_ENDINGS)) and _PARTIAL.fullmatch(text) is not None


def moved(text: str, days: int) -> str:
    """Move one date by whole days; a text that is no day of the calendar, or would leave it, stays as it is."""
    whole = _WHOLE.fullmatch(text)
    partial = _PARTIAL.fullmatch(text)
    try:
        if whole:
            return (date.fromisoformat(whole[1]) + timedelta(days)).isoformat() + (whole[2] or "")
        if partial:
            return (_middle(partial) + timedelta(days)).isoformat()[: len(text)]
    except (ValueError, OverflowError):
        pass
    return text


def _middle(partial: re.Match[str]) -> date:
    year, month = int(partial[1]), partial[2]
    if month is None:
        return date(year, 7, 2)
    return date(year, int(month), (monthrange(year, int(month))[1] + 1) // 2)


def shifted(value: Any, days: int) -> Any:
    """Give a copy of a JSON value with every date moved by whole days."""
    copied = copy.deepcopy(value)
    for holder, key, text in list(places(copied)):
        holder[key] = moved(text, days)
    return copied
