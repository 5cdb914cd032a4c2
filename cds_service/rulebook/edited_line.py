"""A line of a rule file as it would read after a small change, so that an author sees what no test notices."""

from cds_service.rulebook.source import Mark, Node, Place, Source

_CLOSING = {"[": "]", "{": "}"}


def edited_line(source: Source, key: Place, fragment: str) -> str:
    """Give the line of a key with the key and its value replaced by `fragment`; "" removes both.

    A value that goes over several lines cannot be shown in place: then the fragment stands alone.
    """
    mark = source.key_mark(key)
    line = source.lines[mark.line - 1] if mark.line <= len(source.lines) else ""
    node = source.node(key)
    end = _end(line, mark, node) if node is not None and source.has(key) else None
    if end is None:
        return fragment or f"(without '{key[-1]}')"
    before, after = line[: mark.column - 1], line[end:]
    if not fragment:
        if after.lstrip().startswith(","):
            after = after.lstrip()[1:].lstrip()
        else:
            before = before.rstrip().removesuffix(",")
    edited = (before + fragment + after).strip()
    return edited or f"(without '{key[-1]}')"


def _end(line: str, key: Mark, value: Node) -> int | None:
    """Give where the value ends in the line, None when it stands on another line or goes over several."""
    start = value.mark.column - 1
    if value.mark.line != key.line or start >= len(line):
        return None
    if value.kind != "scalar":
        return _closing(line, start) if line[start] in _CLOSING else None
    if value.plain:
        return start + len(value.text) if line.startswith(value.text, start) else None
    end = line.find(line[start], start + 1)
    return end + 1 if end > 0 else None


def _closing(line: str, start: int) -> int | None:
    """Give the place after the bracket that closes the one at `start`, quotes left aside."""
    wanted: list[str] = []
    quote = ""
    for place in range(start, len(line)):
        sign = line[place]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in _CLOSING:
            wanted.append(_CLOSING[sign])
        elif sign == wanted[-1]:
            wanted.pop()
            if not wanted:
                return place + 1
    return None
