"""Cards as a clinician would read them: as text of limited width, and as an HTML page that needs nothing else.

For terminals, documentation and tests; an EHR draws cards itself. Only the Markdown that core.card writes is known:
paragraphs, bullets, **bold**, [links](https://...), backslash escapes and entities.
"""

import html
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 100

Card = Mapping[str, Any]

_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|\*\*(?P<bold>(?:\\.|[^*])+)\*\*"
    r"|\[(?P<label>(?:\\.|[^\]\\])+)\]\((?P<url>[^)\s]+)\)"
)
_BULLET = re.compile(r"^(?P<indent> *)- (?P<text>.*)$")
_MARKS = {"critical": "!!", "warning": "!", "info": "i"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; bold, or a link when it has a url."""

    text: str
    bold: bool = False
    url: str = ""


def pieces(markdown: str) -> Iterator[Piece]:
    """Split one line of Markdown into runs, escapes and entities resolved."""
    position, plain = 0, ""
    for found in _INLINE.finditer(markdown):
        plain += html.unescape(markdown[position : found.start()])
        position = found.end()
        if found["escaped"]:
            plain += found["escaped"]
            continue
        if plain:
            yield Piece(plain)
            plain = ""
        if found["bold"]:
            yield Piece("".join(each.text for each in pieces(found["bold"])), bold=True)
        else:
            yield Piece("".join(each.text for each in pieces(found["label"])), url=found["url"])
    plain += html.unescape(markdown[position:])
    if plain:
        yield Piece(plain)


# --- text ------------------------------------------------------------------------------------------------------------


def as_text(card: Card, width: int = WIDTH) -> str:
    """Give a card as text whose lines have at most `width` characters (a longer word, such as a URL, stands alone)."""
    indicator = str(card["indicator"])
    head = f"[{_MARKS.get(indicator, '?')} {indicator}] {card['summary']}"
    source = card["source"]["label"]
    lines = ["=" * width, *_wrapped(head, width), *_wrapped(f"Source: {source}", width), "-" * width]
    lines += [line for raw in str(card.get("detail", "")).splitlines() for line in _detail_lines(raw, width)]
    for heading, entries in _sections(card):
        lines += ["", f"{heading}:"]
        lines += [line for entry in entries for line in _wrapped(entry, width, "  * ", "    ")]
    return "\n".join([*lines, "=" * width])


def _detail_lines(raw: str, width: int) -> list[str]:
    bullet = _BULLET.match(raw)
    text = "".join(f"{each.text} <{each.url}>" if each.url else each.text for each in pieces(_body(raw)))
    if bullet is None:
        return _wrapped(text, width) or [""]
    indent = bullet["indent"]
    return _wrapped(text, width, f"{indent}- ", f"{indent}  ")


def _body(raw: str) -> str:
    bullet = _BULLET.match(raw)
    return bullet["text"] if bullet else raw


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _sections(card: Card) -> list[tuple[str, list[str]]]:
    """What follows the detail: suggestions, links, reasons to override."""
    suggestions = [
        f"{each['label']}{' (recommended)' if each.get('isRecommended') else ''}: {_actions(each)}"
        for each in card.get("suggestions", [])
    ]
    links = [f"{each['label']} <{each['url']}>" for each in card.get("links", [])]
    reasons = [str(each["display"]) for each in card.get("overrideReasons", [])]
    sections = [("Suggestions", suggestions), ("Links", links), ("Reasons to override", reasons)]
    return [(heading, entries) for heading, entries in sections if entries]


def _actions(suggestion: Mapping[str, Any]) -> str:
    """Name the actions; a suggestion of another service may have none, and name a resource by its id alone."""
    named = []
    for each in suggestion.get("actions", ()):
        resource = each.get("resource")
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else resource
        named.append(f"{each.get('type')} {each.get('resourceId') or kind or ''}".rstrip())
    return ", ".join(named)


# --- HTML ------------------------------------------------------------------------------------------------------------

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; background: #eef1f4; color: #1b2733;
       margin: 2rem auto; max-width: 52rem; }
h1 { font-size: 1.1rem; font-weight: 600; }
article { background: #fff; border: 1px solid #ccd4db; border-left: 6px solid #5b7083; margin: 1rem 0;
          padding: .8rem 1.1rem; }
article.info { border-left-color: #2b6cb0; }
article.warning { border-left-color: #b7791f; }
article.critical { border-left-color: #b83232; }
h2 { font-size: 1.05rem; margin: 0; }
.level { text-transform: uppercase; font-size: .75rem; letter-spacing: .06em; }
.source { color: #51616f; margin: .1rem 0 .6rem; font-size: .88rem; }
ul { margin: .2rem 0 .6rem; padding-left: 1.3rem; }
.suggestion { display: inline-block; border: 1px solid #2b6cb0; border-radius: 4px; padding: .25rem .7rem;
              margin: .2rem .4rem .2rem 0; color: #2b6cb0; background: #f7fafd; }
.recommended { background: #2b6cb0; color: #fff; }
.reasons { color: #51616f; font-size: .88rem; }
""".strip()
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_page(cards: Sequence[Card], title: str = "Cards") -> str:
    """Give an HTML page that shows cards as an EHR would: no scripts, no outside resources, nothing can be pressed."""
    shown = "\n".join(_article(card) for card in cards) or "<p>No cards.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n<h1>{html.escape(title)}</h1>\n{shown}\n</body>\n</html>\n"
    )


def _article(card: Card) -> str:
    indicator = str(card["indicator"])
    level = indicator if indicator in _MARKS else "info"
    source = card["source"]
    parts = [
        f'<article class="{level}">',
        f'<span class="level">{html.escape(indicator)}</span>',
        f"<h2>{html.escape(str(card['summary']))}</h2>",
        f'<p class="source">{_anchor(str(source["label"]), str(source.get("url", "")))}</p>',
        *_blocks(str(card.get("detail", ""))),
        _suggestion_marks(card),
        "".join(f"<p>{_anchor(str(each['label']), str(each['url']))}</p>" for each in card.get("links", [])),
        _reasons(card),
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def _suggestion_marks(card: Card) -> str:
    marks = (
        f'<span class="suggestion{" recommended" if each.get("isRecommended") else ""}">'
        f"{html.escape(str(each['label']))}</span>"
        for each in card.get("suggestions", [])
    )
    joined = "".join(marks)
    return f"<p>{joined}</p>" if joined else ""


def _reasons(card: Card) -> str:
    words = "; ".join(html.escape(str(each["display"])) for each in card.get("overrideReasons", []))
    return f'<p class="reasons">Reasons to override: {words}</p>' if words else ""


def _blocks(detail: str) -> Iterator[str]:
    """Turn paragraphs and bullets into HTML; bullets of a deeper indent become a list inside the item above them."""
    depth = 0
    for raw in filter(str.strip, detail.splitlines()):
        bullet = _BULLET.match(raw)
        wanted = min(len(bullet["indent"]) // 2 + 1, depth + 1) if bullet else 0
        closing = "</li></ul>" * (depth - wanted) + ("</li>" if 0 < wanted <= depth else "")
        opening = "<ul>" if wanted > depth else ""
        if bullet:
            yield f"{closing}{opening}<li>{inline(bullet['text'])}"
        else:
            yield f"{closing}<p>{inline(raw)}</p>"
        depth = wanted
    if depth:
        yield "</li></ul>" * depth


def inline(markdown: str) -> str:
    """Give one line of a card's Markdown as HTML: bold words and links, everything else escaped."""
    return "".join(
        _anchor(each.text, each.url)
        if each.url
        else f"<strong>{html.escape(each.text)}</strong>"
        if each.bold
        else html.escape(each.text)
        for each in pieces(markdown)
    )


def _anchor(label: str, url: str) -> str:
    if not url.startswith(("https://", "http://")):
        return html.escape(label)
    return f'<a href="{html.escape(url)}" rel="noopener noreferrer">{html.escape(label)}</a>'
