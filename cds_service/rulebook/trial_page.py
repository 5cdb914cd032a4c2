"""A trial report as one HTML page that needs nothing else, with a picture for each pair of versions.

Pictures are SVG by presentation attributes alone; the page has no script.
"""

from collections.abc import Callable, Iterator
from html import escape

from cds_service.core.plural import so_many
from cds_service.core.share import rate_words, share_words
from cds_service.rulebook.drawing import BLUE, GREEN, GREY, PURPLE, RED, Bar, bars, page, table
from cds_service.rulebook.trial_report import Part, Tally, Trial, TrialReport
from cds_service.rulebook.trial_words import (
    asides,
    few,
    notes_of,
    outcomes,
    part_columns,
    part_counts,
    part_name,
    reasons,
    title_of,
)

_Kinds = tuple[tuple[str, str, Callable[[Tally], int]], ...]
_COMPARED: _Kinds = (
    ("both with a card", BLUE, lambda tally: tally.both_speak),
    ("both silent", GREY, lambda tally: tally.both_silent),
    ("gained", GREEN, lambda tally: tally.gained),
    ("lost", RED, lambda tally: tally.lost),
    ("unknown", PURPLE, lambda tally: tally.unknown),
)
_ALONE: _Kinds = (
    ("a card", BLUE, lambda tally: tally.trial_speaks),
    ("silent", GREY, lambda tally: tally.trial_silent),
    ("unknown", PURPLE, lambda tally: tally.unknown),
)


def report_page(report: TrialReport, database: str, zone: str) -> str:
    """Give the page. database: what may be printed of it; zone: whose days they are."""
    title = "Trial versions beside the active ones"
    return page(title, _parts(report, database, zone))


def _parts(report: TrialReport, database: str, zone: str) -> Iterator[str]:
    if report.first is None or report.last is None:
        yield f"<p>{escape(database)}: no decision of a trial version is on record in these days.</p>"
        return
    yield f"<p>{escape(database)}: decisions from {report.first} to {report.last}, days of {escape(zone)}.</p>"
    for trial in report.trials:
        yield from _trial(trial, report.by)
    for note in notes_of(report):
        yield f"<p><small>{escape(note)}</small></p>"


def _trial(trial: Trial, by: str) -> Iterator[str]:
    total = trial.total
    yield f"<h2>{escape(title_of(trial))}</h2>"
    many = few(total)
    warning = f' <b class="few">{escape(many.capitalize())}.</b>' if many else ""
    active = "" if trial.active is None else f", active {rate_words(total.of_calls(total.active_speaks))}"
    rates = f"Cards per 100 calls: on trial {rate_words(total.of_calls(total.trial_speaks))}{active}."
    yield f"<p>Judged in {so_many(total.calls, 'call')}.{warning} {escape(rates)}</p>"
    rows = [(name, f"{n:,}", share_words(total.of_calls(n)), words) for name, n, words in outcomes(trial)]
    yield table(("", "calls", "share", ""), rows, numbers=(1,))
    yield from (f"<p>{escape(each.capitalize())}.</p>" for each in asides(trial))
    yield periods_picture(trial, by)
    for words, found in reasons(trial):
        yield table((words.capitalize(), "calls"), [(names, f"{n:,}") for names, n in found], numbers=(1,))
    columns = part_columns(trial)
    for heading, parts in ((by, trial.periods), ("release", trial.releases)):
        yield table((heading, *columns), [_row(each, trial) for each in parts], numbers=range(1, 1 + len(columns)))


def _row(part: Part, trial: Trial) -> tuple[str, ...]:
    return part_name(part), *(f"{count:,}" for count in part_counts(part.tally, trial))


def periods_picture(trial: Trial, by: str) -> str:
    """Draw one bar for each period, whose parts are shares of its calls, as an SVG text."""
    kinds = _ALONE if trial.active is None else _COMPARED
    rows = [
        Bar(each.name, tuple((name, color, count(each.tally)) for name, color, count in kinds), each.tally.calls)
        for each in trial.periods
    ]
    return bars(f"What came of the calls of each {by}: {title_of(trial)}", rows)
