"""What a report tells on a terminal while it reads the records."""

import io
import sys
from dataclasses import dataclass
from datetime import date

import pytest

from cds_service.edges.store.reading import watched


@dataclass(frozen=True)
class Row:
    day: date


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ROWS = [Row(date(2026, 3, 1)), Row(date(2026, 3, 1)), Row(date(2026, 3, 2))]


def test_each_day_is_told_once_on_a_terminal_and_the_line_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(watched(iter(ROWS))) == ROWS
    assert terminal.getvalue() == f"\rread: 2026-03-01\rread: 2026-03-02\r{' ' * 20}\r"


def test_nothing_is_told_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(watched(iter(ROWS))) == ROWS
    assert capsys.readouterr() == ("", "")
