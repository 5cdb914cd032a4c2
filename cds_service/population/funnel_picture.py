"""The funnel of a rule as a picture: a bar for each step, as wide as the patients left, with what cannot be told apart.

SVG by presentation attributes alone, as rule_picture draws: no script, no style sheet, no measured fonts.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup, escape

from cds_service.population.report_text import said

WIDTH, BAR, LINE, GAP = 760, 16, 17, 10
_NUMBERS = 110  # room for the number before a bar
_CHARACTERS = 78
_LEFT, _LEAVE, _CARDS, _UNCLEAR = "#2e7d4f", "#dfe5e8", "#1f5fa6", "#b26a00"


def funnel_picture(rule: Mapping[str, Any]) -> Markup:
    """Draw the funnel of one rule of a report (report.report_of) as SVG."""
    parts: list[Markup] = []
    top = 4
    for words, number, unclear, color in _bars(rule):
        for line in textwrap.wrap(words, _CHARACTERS, break_on_hyphens=False):
            parts.append(_text(line, _NUMBERS, top + 12, 'fill="#1a1a1a"'))
            top += LINE
        parts.append(_text(f"{number:,}", _NUMBERS - 10, top + 12, 'text-anchor="end" fill="#1a1a1a"'))
        parts += _bar(number, unclear, rule["asked"], top, color)
        top += BAR + GAP
    title = escape(f"How patients leave {rule['id']} {rule['version']}, step by step")
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-label="{title}" font-family="system-ui, sans-serif" font-size="13">\n<title>{title}</title>\n'
        "{body}\n</svg>"
    ).format(w=WIDTH, h=top, title=title, body=Markup("\n").join(parts))


def _bars(rule: Mapping[str, Any]) -> Iterator[tuple[str, int, int, str]]:
    """Give each bar: its words, its number, how many of them cannot be told at this step, its color."""
    yield "Asked", rule["asked"], 0, _LEFT
    for step in rule["steps"]:
        unclear = f" ({step['unclear']:,} cannot be told)" if step["unclear"] else ""
        yield f"{said(step)}{unclear}", step["left"], min(step["unclear"], step["left"]), _LEFT
    yield "Of them, the rule holds", rule["holds"], 0, _LEFT
    yield "Cards shown", rule["cards"]["shown"], 0, _CARDS


def _bar(number: int, unclear: int, of: int, top: int, color: str) -> list[Markup]:
    room = WIDTH - _NUMBERS - 4
    width, pale = (round(room * each / of, 1) if of else 0.0 for each in (number, unclear))
    bar = Markup('<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{color}"/>')
    return [
        bar.format(x=_NUMBERS, y=top, w=room, h=BAR, color=_LEAVE),
        bar.format(x=_NUMBERS, y=top, w=width, h=BAR, color=color),
        bar.format(x=round(_NUMBERS + width - pale, 1), y=top, w=pale, h=BAR, color=_UNCLEAR),
    ]


def _text(words: str, x: int, y: int, style: str) -> Markup:
    return Markup('<text x="{x}" y="{y}" {style}>{words}</text>').format(x=x, y=y, style=Markup(style), words=words)
