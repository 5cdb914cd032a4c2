"""A trial report as one HTML page that needs nothing else, with a picture for each pair of versions.

Pictures are SVG by presentation attributes alone, drawn here; the page has no script.
"""

from collections.abc import Callable, Iterator, Sequence
from html import escape

from cds_service.rulebook.trial_report import Part, Tally, Trial, TrialReport
from cds_service.rulebook.trial_words import (
    asides,
    few,
    notes_of,
    outcomes,
    part_columns,
    part_counts,
    part_name,
    rate_words,
    reasons,
    share_words,
    title_of,
)

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b2733; margin: 2rem auto; max-width: 60rem; padding: 0 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: .8rem 0; }
td, th { border: 1px solid #ccd4db; padding: .3rem .6rem; text-align: left; }
td.number, th.number { text-align: right; } .few { color: #b3261e; } svg { max-width: 100%; height: auto; }
""".strip()
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDTH, _LABEL, _BAR, _STEP, _TOP = 760, 150, 500, 26, 30
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'
_Kinds = tuple[tuple[str, str, Callable[[Tally], int]], ...]
_COMPARED: _Kinds = (
    ("both with a card", "#1f5fa6", lambda tally: tally.both_speak),
    ("both silent", "#c4ccd2", lambda tally: tally.both_silent),
    ("gained", "#2e7d4f", lambda tally: tally.gained),
    ("lost", "#b3261e", lambda tally: tally.lost),
    ("unknown", "#7a5195", lambda tally: tally.unknown),
)
_ALONE: _Kinds = (
    ("a card", "#1f5fa6", lambda tally: tally.trial_speaks),
    ("silent", "#c4ccd2", lambda tally: tally.trial_silent),
    ("unknown", "#7a5195", lambda tally: tally.unknown),
)


def report_page(report: TrialReport, database: str, zone: str) -> str:
    """Give the page. database: what may be printed of it; zone: whose days they are."""
    title = "Trial versions beside the active ones"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        + "\n".join(_parts(report, database, zone))
        + "\n</body>\n</html>\n"
    )


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
    active = "" if trial.active is None else f", active {rate_words(total.active_speaks, total)}"
    rates = f"Cards per 100 calls: on trial {rate_words(total.trial_speaks, total)}{active}."
    yield f"<p>Judged in {total.calls:,} {'call' if total.calls == 1 else 'calls'}.{warning} {escape(rates)}</p>"
    rows = [(name, f"{n:,}", share_words(total.of_calls(n)), words) for name, n, words in outcomes(trial)]
    yield _table(("", "calls", "share", ""), rows, numbers=(1,))
    yield from (f"<p>{escape(each.capitalize())}.</p>" for each in asides(trial))
    yield periods_picture(trial, by)
    for words, found in reasons(trial):
        yield _table((words.capitalize(), "calls"), [(names, f"{n:,}") for names, n in found], numbers=(1,))
    columns = part_columns(trial)
    for heading, parts in ((by, trial.periods), ("release", trial.releases)):
        yield _table((heading, *columns), [_row(each, trial) for each in parts], numbers=range(1, 1 + len(columns)))


def _row(part: Part, trial: Trial) -> tuple[str, ...]:
    return part_name(part), *(f"{count:,}" for count in part_counts(part.tally, trial))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = (' class="number"' if place in numbers else "" for place in range(len(row)))
        return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table>\n<tr>{cells('th', head)}</tr>\n{body}\n</table>"


def periods_picture(trial: Trial, by: str) -> str:
    """Draw one bar for each period, whose parts are shares of its calls, as an SVG text."""
    kinds = _ALONE if trial.active is None else _COMPARED
    height = _TOP + _STEP * len(trial.periods)
    title = escape(f"What came of the calls of each {by}: {title_of(trial)}")
    parts = [_legend(tuple((name, color) for name, color, _ in kinds))]
    for number, each in enumerate(trial.periods):
        top = _TOP + _STEP * number
        parts.append(_text(each.name, 0, top + 15))
        parts += _bar(each.tally, tuple((name, color, count(each.tally)) for name, color, count in kinds), top)
        parts.append(_text(f"{each.tally.calls:,}", _LABEL + _BAR + 10, top + 15))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img" aria-label="{title}" {_FONT}>\n<title>{title}</title>\n{chr(10).join(parts)}\n</svg>'
    )


def _legend(kinds: Sequence[tuple[str, str]]) -> str:
    parts, left = [], _LABEL
    for name, color in kinds:
        parts.append(f'<rect x="{left}" y="2" width="12" height="12" fill="{color}"/>{_text(name, left + 17, 13)}')
        left += 40 + 8 * len(name)
    return "".join(parts)


def _bar(tally: Tally, kinds: Sequence[tuple[str, str, int]], top: int) -> Iterator[str]:
    left = float(_LABEL)
    for name, color, count in kinds:
        width = _BAR * count / tally.calls
        if count:
            told = escape(f"{name}: {count:,} of {tally.calls:,}")
            yield (
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="18" fill="{color}"><title>{told}</title>'
                "</rect>"
            )
        left += width


def _text(words: str, x: int, y: int) -> str:
    return f'<text x="{x}" y="{y}" fill="#1a1a1a">{escape(words)}</text>'
