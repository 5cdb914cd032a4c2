"""What a test reads of the log: the lines of records, and the events that docs/reference/logs.md tells of."""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cds_service.edges.logs import LineFormatter

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "logs.md"
OF_EVERY_LINE = {"time", "level", "logger", "pid", "event"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the page tells of it."""

    levels: frozenset[str]
    fields: frozenset[str]


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    return dict(json.loads(LineFormatter().format(record)))


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines that would have been written."""
    return [line_of(each) for each in caplog.records]


def documented() -> dict[str, Entry]:
    """Every event of docs/reference/logs.md with its levels and its own fields."""
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \|([^|\n]+)\|([^|\n]*)\|", PAGE.read_text(encoding="utf-8"))
    return {
        name: Entry(frozenset(re.findall(r"[a-z]+", levels)), frozenset(re.findall(r"`(\w+)`", fields)))
        for name, levels, fields in rows
    }


def undocumented(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of an event, of a level or with a field that the page does not know."""
    known = documented()
    return [
        line
        for line in lines
        if (entry := known.get(line["event"])) is None
        or line["level"] not in entry.levels
        or not line.keys() <= OF_EVERY_LINE | entry.fields
    ]
