"""What is wrong with a file as YAML, in words for its author, and where it began rather than where a parser gave up."""

import re
from collections.abc import Iterator, Sequence

import yaml

QUOTE = "quote text that holds a comma, a colon or a brace"

Fault = tuple[int, int, str, str]  # line and column from 1, what is wrong, a hint

_CONFLICT = re.compile(r"(<{7}|={7}|>{7})( |$)")
# Signs that look like a space, or like nothing, and are no space to YAML. They come with pasted text.
_UNSEEN = {
    "\u00a0": "no-break space",
    "\u2007": "figure space",
    "\u202f": "narrow no-break space",
    "\u200b": "zero-width space",
    "\u2060": "word joiner",
    "\ufeff": "byte order mark",
}
# They turn around what is written between them, so that a file reads otherwise than it is (CVE-2021-42574).
_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_TURNING = re.compile(f"[{_TURNS}]")
# Without one of these, no line need be looked at. Each is looked for by itself: that takes a fortieth of one pattern.
_SUSPECT = ("\t", *_UNSEEN, *_TURNS, "<" * 7, "=" * 7, ">" * 7)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_A_KEY = re.compile(r"\s*(- +)?[\w.-]+")


def before_parsing(text: str, lines: Sequence[str]) -> Iterator[Fault]:
    """Give what can be told without parsing: tabs, signs that nobody sees, conflicts that were not resolved."""
    control = _CONTROL.search(text)
    if control:
        before = f"{text[: control.start()]}.".splitlines()  # a lone return begins a line too, as it does for YAML
        yield len(before), len(before[-1]), f"control characters (U+{ord(control[0]):04X}) are not text", "leave it out"
        return
    if not any(each in text for each in _SUSPECT):
        return
    for number, written in enumerate(lines, 1):
        if "\t" in written:
            yield number, written.index("\t") + 1, "a tab stands here", "use spaces"
        for sign, name in _UNSEEN.items():
            if sign in written:
                yield number, written.index(sign) + 1, f"a {name} stands here, which nobody sees", "write a plain space"
        turning = _TURNING.search(written)
        if turning:
            said = f"a sign that turns the direction of text (U+{ord(turning[0]):04X}) stands here"
            yield number, turning.start() + 1, f"{said}, which nobody sees", "leave it out"
        if _CONFLICT.match(written):
            yield number, 1, "two versions were merged and left side by side", "keep one of them, without these lines"


def escaped_fault(value: str) -> str:
    """Say what a quoted text holds by way of escapes that would not be taken as it is; "" for nothing."""
    found = _CONTROL.search(value) or _TURNING.search(value)
    return f"the text holds an escape for a control character (U+{ord(found[0]):04X})" if found else ""


def of_parsing(error: yaml.MarkedYAMLError, lines: Sequence[str], long_quote: tuple[int, int] | None) -> Fault:
    """Give what lies behind a complaint of the parser.

    long_quote: where the last quoted text begins that goes over several lines; it may have lost its end.
    """
    problem = str(error.problem or error.context or "not YAML")
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    began = error.context_mark
    opened = f" that begins in line {began.line + 1}" if began else ""
    if "end of stream" in problem and began:
        return began.line + 1, began.column + 1, "the quote that begins here is not closed", "close the quote"
    if long_quote and long_quote[0] < line:
        text = f"the quote that begins here is not closed before line {line}"
        return *long_quote, text, "close the quote at the end of its text"
    if "',' or" in problem:
        if began and began.line + 1 < line:
            text = f"what begins here is not closed: {problem.removeprefix('did not find ')} in line {line}"
            return began.line + 1, began.column + 1, text, f"close the block or list, and {QUOTE}"
        return line, column, problem, f"close the block or list{opened}, and {QUOTE}"
    if "expected ':'" in problem:
        return _no_colon(line, column, problem, lines, began)
    if "mapping values" in problem:
        return _second_colon(line, column, lines)
    before = lines[line - 1][: column - 1].rstrip() if line <= len(lines) else ""
    if "expected key" in problem and before.endswith(("}", "]", '"', "'")):
        text = f"more stands after the closing {before[-1]}"
        return line, column, text, "quote text that begins with a brace, a bracket or a quote"
    if "expected key" in problem or "indicator" in problem:
        return line, column, problem, f"{_columns(column, opened, began, line, lines)}; {QUOTE}"
    if "comment or line break" in problem:
        text = "a > or | begins a text of several lines, and more stands after it"
        return line, column, text, "quote text that begins with > or |; bounds are written {at_least: name}"
    if "cannot start any token" in problem:
        sign = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
        return line, column, f"text cannot begin with {sign}", "quote text that begins with a sign"
    return line, column, problem, QUOTE


def _no_colon(line: int, column: int, problem: str, lines: Sequence[str], began: yaml.Mark | None) -> Fault:
    hint = "a key needs a colon and a space after it"
    if began and began.line + 1 <= len(lines):
        written = lines[began.line].strip()
        return began.line + 1, began.column + 1, f"'{written[:60]}' is no key and value", hint
    return line, column, problem, hint


def _second_colon(line: int, column: int, lines: Sequence[str]) -> Fault:
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    if _A_KEY.fullmatch(before):
        start = len(before) - len(before.lstrip()) + 1
        return line, start, "the key stands deeper than the one above it", "keys of one block stand in one column"
    return line, column, "a second colon stands in one line", QUOTE


def _columns(column: int, opened: str, began: yaml.Mark | None, line: int, lines: Sequence[str]) -> str:
    """Say which lines should stand in one column: where the block begins, and where its last key or dash is."""
    hint = f"keys and dashes of one block{opened} stand in one column"
    if began is None or began.column + 1 == column:
        return hint
    above = (number for number in range(line - 1, began.line, -1) if _indent(lines[number - 1]) == began.column)
    last = next(above, None)
    there = f", the last of them in line {last}" if last and last != began.line + 1 else ""
    return f"{hint}: {began.column + 1}{there}, and here it is {column}"


def _indent(line: str) -> int:
    bare = line.lstrip(" ")
    return len(line) - len(bare) if bare and not bare.startswith("#") else -1
