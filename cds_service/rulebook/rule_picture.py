"""The flow of a rule as a small picture: moments, what must hold, what stops it, and the cards in their order.

SVG by presentation attributes alone, so that it needs no script and no style sheet and shows in any page. The text is
set in a width counted in characters: no font is measured, and the lines leave room for wide letters.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, PADDING, LINE, GAP = 760, 12, 18, 26
_CHARACTERS = 92  # of a full-width line at this font size
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'
_MOMENTS = {
    "patient-view": "the chart is opened",
    "order-select": "orders are chosen",
    "order-sign": "orders are signed",
    "encounter-discharge": "the person leaves the hospital",
}
_LEVEL_COLORS = {"critical": "#b3261e", "warning": "#b26a00", "info": "#1f5fa6"}
_POLICIES = {
    "no_card": "no card",
    "ask_fetch": "no card; the list is asked for",
    "card_with_caveat": "a card that says so",
}


@dataclass(frozen=True, slots=True)
class _Box:
    """One box: a heading, lines under it, a color at its left edge, and what leaves it to the side."""

    heading: str
    lines: tuple[str, ...]
    color: str
    aside: str = ""
    is_card: bool = False

    @property
    def height(self) -> int:
        return 2 * PADDING + LINE * (1 + len(self.lines))


def picture(described: Mapping[str, Any]) -> str:
    """Draw a described rule (rule_description.describe) as an SVG text; every word is escaped."""
    boxes = list(_boxes(described))
    parts, top = [], 1
    for number, box in enumerate(boxes):
        parts.append(_drawn(box, top))
        top += box.height
        if number < len(boxes) - 1:
            parts.append(_arrow(top, "otherwise" if box.is_card else ""))
            top += GAP
    title = escape(f"How {described['id']} comes to a card")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 1}" width="{WIDTH}" height="{top + 1}" '
        f'role="img" aria-label="{title}" {_FONT}>\n<title>{title}</title>\n{chr(10).join(parts)}\n</svg>\n'
    )


def _boxes(described: Mapping[str, Any]) -> Iterable[_Box]:
    moments = " · ".join(_MOMENTS.get(each, each) for each in described["hooks"])
    when = described["when"]
    yield _Box("When", _wrapped([moments, _policies(when)]), "#5b6770")
    if when["all"]:
        yield _Box("All of these hold", _wrapped(when["all"], "• "), "#2e7d4f", "one does not: no card")
    if when["any"]:
        yield _Box("At least one of these holds", _wrapped(when["any"], "• "), "#2e7d4f", "none does: no card")
    if when["none"]:
        yield _Box("None of these holds", _wrapped(when["none"], "• "), "#8a3b3b", "one does: no card")
    for card in described["cards"]:
        levels = [each["level"] for each in card["indicator"]]
        wanted = [f"if: {each}" for each in card.get("if", ())]
        wanted += [f"if surely not: {each}" for each in card.get("unless", ())]
        wanted += [f"if it cannot be told: {each}" for each in card.get("ifUnknown", ())]
        heading = f"Card {card['id']} · {' or '.join(levels)}"
        yield _Box(heading, _wrapped([*wanted, f"“{card['summary']}”"]), _LEVEL_COLORS[levels[0]], is_card=True)


def _policies(when: Mapping[str, Any]) -> str:
    unread, doubtful = when["ifUnread"], when["ifDoubtful"]
    if unread == doubtful:
        return f"If what follows cannot be told: {_POLICIES[unread]}"
    return f"If a list was not read: {_POLICIES[unread]}. If a row is doubtful: {_POLICIES[doubtful]}"


def _wrapped(sentences: Sequence[str], mark: str = "") -> tuple[str, ...]:
    lines: list[str] = []
    for each in sentences:
        lines += textwrap.wrap(f"{mark}{each}", _CHARACTERS, subsequent_indent="  " if mark else "") or [""]
    return tuple(lines)


def _drawn(box: _Box, top: int) -> str:
    body = WIDTH - 2
    drawn = [
        f'<rect x="1" y="{top}" width="{body}" height="{box.height}" rx="6" fill="#f7f9fa" stroke="#c4ccd2"/>',
        f'<rect x="1" y="{top}" width="5" height="{box.height}" rx="2" fill="{box.color}"/>',
        _text(box.heading, 1 + PADDING + 4, top + PADDING + 11, 'font-weight="600" fill="#1a1a1a"'),
    ]
    if box.aside:
        place = top + PADDING + 11
        drawn.append(_text(box.aside, body - PADDING, place, 'text-anchor="end" font-size="12" fill="#595959"'))
    for number, line in enumerate(box.lines, start=1):
        indent = 8 if line.startswith("  ") else 0
        place = top + PADDING + 11 + LINE * number
        drawn.append(_text(line.strip(), 1 + PADDING + 4 + indent, place, 'fill="#1a1a1a"'))
    return "\n".join(drawn)


def _text(words: str, x: int, y: int, style: str) -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def _arrow(top: int, said: str) -> str:
    middle, tip = WIDTH // 2, top + GAP - 2
    words = _text(said, middle + 10, top + GAP // 2 + 4, 'font-size="12" fill="#595959"') if said else ""
    return words + (
        f'<path d="M{middle} {top + 2} V{tip - 6}" stroke="#5b6770" stroke-width="1.5" fill="none"/>'
        f'<path d="M{middle - 5} {tip - 7} L{middle} {tip} L{middle + 5} {tip - 7} Z" fill="#5b6770"/>'
    )
