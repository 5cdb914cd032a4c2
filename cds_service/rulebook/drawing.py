"""What pages of reports share: the page itself, tables, and pictures with bars and intervals. Pure.

Pictures are SVG by presentation attributes alone, which show in any page and need no font measured; pages hold no
script and load nothing. Every word is escaped here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from cds_service.core.share import Share

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b2733; margin: 2rem auto; max-width: 60rem; padding: 0 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: .8rem 0; }
td, th { border: 1px solid #ccd4db; padding: .3rem .6rem; text-align: left; }
td.number, th.number { text-align: right; } .few { color: #b3261e; } svg { max-width: 100%; height: auto; }
""".strip()
# On a narrow screen a table or picture moves sideways inside its own box, and its words stay large enough to read.
_WIDE = ".wide { overflow-x: auto; } .wide svg { min-width: 40rem; }"
BLUE, GREY, GREEN, RED, PURPLE = "#1f5fa6", "#c4ccd2", "#2e7d4f", "#b3261e", "#7a5195"
ORANGE, SLATE = "#d98200", "#5b6770"
INK = "#1a1a1a"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDTH, _LABEL, _BAR, _STEP, _TOP = 760, 150, 500, 26, 30
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of parts, each as wide as its share of `whole`. parts: name, color, count."""

    name: str
    parts: tuple[tuple[str, str, int], ...]
    whole: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A share with its interval; two shares where it is told only to lie between them, None where it is not told."""

    name: str
    low: Share | None
    high: Share | None
    words: str


def page(title: str, parts: Iterable[str], style: str = STYLE) -> str:
    """Give a page that needs nothing else. parts: HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}\n{_WIDE}\n</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Give a table; the columns `numbers` are set to the right."""

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = (' class="number"' if place in numbers else "" for place in range(len(row)))
        return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return wide(f"<table>\n<tr>{cells('th', head)}</tr>\n{body}\n</table>")


def wide(part: str) -> str:
    """Give a part of a page a box that it may be wider than. part: HTML."""
    return f'<div class="wide">{part}</div>'


def text(words: str, x: int, y: int, more: str = "") -> str:
    """Give words at a place of a picture. more: further attributes, with a blank before each."""
    return f'<text x="{x}" y="{y}"{more} fill="{INK}">{escape(words)}</text>'


def picture(title: str, height: int, parts: Iterable[str], told: str = "", width: int = _WIDTH) -> str:
    """Give a picture. told: what it shows, in words, for whoever does not see it."""
    title, desc = escape(title), f"\n<desc>{escape(told)}</desc>" if told else ""
    drawn = "\n".join(parts)
    return wide(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{title}" {_FONT}>\n<title>{title}</title>{desc}\n{drawn}\n</svg>'
    )


def bars(title: str, rows: Sequence[Bar], told: str = "", label: int = _LABEL) -> str:
    """Draw bars of one width, each with its whole beside it, and what the colors mean. label: room for the names."""
    parts = [_legend({(name, color): None for row in rows for name, color, _ in row.parts}, label)]
    for number, row in enumerate(rows):
        top = _TOP + _STEP * number
        parts.append(text(row.name, 0, top + 15))
        parts += _bar(row, top, label)
        parts.append(text(f"{row.whole:,}", label + _BAR + 10, top + 15))
    return picture(title, _TOP + _STEP * len(rows), parts, told, _WIDTH - _LABEL + label)


def _legend(kinds: Iterable[tuple[str, str]], left: int) -> str:
    parts = []
    for name, color in kinds:
        parts.append(f'<rect x="{left}" y="2" width="12" height="12" fill="{color}"/>{text(name, left + 17, 13)}')
        left += 40 + 8 * len(name)
    return "".join(parts)


def _bar(row: Bar, top: int, label: int) -> Iterator[str]:
    left = float(label)
    for name, color, count in row.parts:
        width = _BAR * count / row.whole if row.whole else 0.0
        if count:
            told = escape(f"{name}: {count:,} of {row.whole:,}")
            yield (
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="18" fill="{color}"><title>{told}</title>'
                "</rect>"
            )
        left += width


def intervals(title: str, rows: Sequence[Mark], told: str, line: float | None = None, label: int = _LABEL) -> str:
    """Draw shares as dots with their intervals as lines, on a scale from 0 to 100 %, and a dashed line at `line`."""
    bottom = 8 + _STEP * len(rows)

    def at(share: float) -> float:
        return round(label + _BAR * share, 1)

    parts = []
    for x in (0.0, 0.5, 1.0):
        parts.append(f'<path d="M{at(x)} 4 V{bottom - 4}" stroke="{GREY}"/>')
        parts.append(text(f"{100 * x:.0f} %", round(at(x)), bottom + 12, ' text-anchor="middle" font-size="11"'))
    if line is not None:
        parts.append(f'<path d="M{at(line)} 0 V{bottom}" stroke="{RED}" stroke-dasharray="4 3"/>')
    for number, row in enumerate(rows):
        middle = 17 + _STEP * number
        parts.append(text(row.name, 0, middle + 5))
        if row.low is not None and row.high is not None:
            reach = f"M{at(row.low.low)} {middle} H{at(row.high.high)}"
            parts.append(
                f'<path d="{reach}" stroke="{BLUE}" stroke-width="2"><title>{escape(row.words)}</title></path>'
            )
            for share in dict.fromkeys((row.low.share, row.high.share)):
                parts.append(f'<circle cx="{at(share)}" cy="{middle}" r="4" fill="{BLUE}"/>')
        parts.append(text(row.words, label + _BAR + 10, middle + 5))
    return picture(title, bottom + 20, parts, told, _WIDTH - _LABEL + label + 120)
