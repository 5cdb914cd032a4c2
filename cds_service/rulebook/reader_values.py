"""The one reader of values: a node and a shape in, a plain value out, and every problem noted on the way.

Plain values are text, numbers, True, False, None, tuples and dicts. Nothing is converted that its shape does not ask
for, so a word or number that YAML 1.1 would misread is told instead of read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import isfinite
from typing import Any, Final, TypeAlias

from cds_service.rulebook.reader_shapes import (
    NUMBER,
    BlockBy,
    BlockOf,
    Constant,
    Either,
    Form,
    Kinds,
    ListOf,
    Named,
    Number,
    Shape,
    Text,
    Word,
    said,
    sort_of,
    takes,
    wanted,
)
from cds_service.rulebook.source import Mark, Node, RuleProblem, Source, nearest
from cds_service.rulebook.yaml_faults import QUOTE

# What YAML 1.1 reads as something other than text. Dates are left out: here they are text, whoever reads them.
# Source: https://yaml.org/type/bool.html, int.html, float.html, null.html
_MISREAD = re.compile(
    r"~|null|Null|NULL|y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"
    r"|[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])*)"
    r"|[-+]?([0-9][0-9_]*(:[0-5]?[0-9])*)?\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)

Value: TypeAlias = Any  # text, number, bool, None, tuple or dict, as the shape says


class _Missing:
    """Stands for a value that could not be read; its problem is noted."""


MISSING: Final = _Missing()


@dataclass(slots=True)
class Reading:
    """A file being read and the problems found so far."""

    source: Source
    problems: list[RuleProblem] = field(default_factory=list)

    def note(self, code: str, mark: Mark, text: str, hint: str = "") -> None:
        """Add a problem."""
        self.problems.append(self.source.problem(code, mark, text, hint))


def read(shape: Shape, node: Node, reading: Reading) -> Value:
    """Read a node as a shape; MISSING when it cannot be, with the reason noted."""
    match shape:
        case Either(options=options):
            for each in options:
                if takes(each, node):
                    return read(each, node, reading)
            likely = [each for each in options if sort_of(each) == node.kind]
            return read(likely[0], node, reading) if len(likely) == 1 else _wrong(shape, node, reading)
        case ListOf():
            return _read_list(shape, node, reading)
        case BlockOf():
            return _read_block(shape, node, reading)
        case BlockBy():
            return _read_block_by(shape, node, reading)
        case Form():
            return _read_form(shape, node, reading)
        case Kinds():
            return _read_kind(shape, node, reading)
        case _:
            if node.kind != "scalar":
                return _wrong(shape, node, reading)
            return _read_scalar(shape, node, reading)


def _wrong(shape: Shape, node: Node, reading: Reading, hint: str = "") -> Value:
    hint = hint or _wrong_hint(shape, node, reading)
    reading.note("wrong-type", node.mark, f"{said(node)} stands here; wanted {wanted(shape)}", hint)
    return MISSING


def _wrong_hint(shape: Shape, node: Node, reading: Reading) -> str:
    """Say how what is wanted is written, where the sort of value is wrong."""
    if node.kind == "scalar" and node.plain and node.text == "":
        rest = reading.source.lines[node.mark.line - 1][node.mark.column - 1 :].lstrip()
        return "# begins a comment; quote text that begins with it" if rest.startswith("#") else ""
    if node.kind == "block" and sort_of(shape) != "block":
        return f"a list is written in brackets, as [a, b]; {QUOTE}"
    if isinstance(shape, Form) and shape.example:
        return f"it is written {shape.example}"
    return ""


def _respelt(text: str, pattern: str) -> str:
    """Give "did you mean 'x'?" for a name in another style of writing, or nothing."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s_-]+", " ", text).lower().strip()
    for each in (apart.replace(" ", "-"), apart.replace(" ", "_"), text.removeprefix("v")):
        if each != text and re.fullmatch(pattern, each):
            return f"did you mean '{each}'?"
    return ""


def _read_scalar(shape: Text | Named | Word | Number | Constant, node: Node, reading: Reading) -> Value:
    match shape:
        case Constant(word=word):
            if takes(shape, node):
                return {"true": True, "false": False, "null": None}[word]
            return _wrong(shape, node, reading, f"write {word} without quotes" if node.text == word else "")
        case Number():
            return _read_number(shape, node, reading)
        case Word(words=words):
            if node.text in words and not (node.plain and _MISREAD.fullmatch(node.text)):
                return node.text
            if not (node.plain and _MISREAD.fullmatch(node.text)):
                return _wrong(shape, node, reading, nearest(node.text, words))
        case Named(pattern=pattern, plain=plain, number_code=number_code, code=code, day=day):
            if number_code and re.match(r"[-+]?\.?[0-9]", node.text):
                text = f"the number {said(node)} stands here; wanted {wanted(shape)}"
                reading.note(number_code, node.mark, text, _number_hint(node.text, reading))
                return MISSING
            if node.plain and node.text == "":
                return _wrong(shape, node, reading)
            if re.fullmatch(pattern, node.text) and (plain or not (node.plain and _MISREAD.fullmatch(node.text))):
                fault = _day_fault(node.text) if day else ""
                if fault:
                    reading.note(code, node.mark, f"'{node.text}' is no day of the calendar", fault)
                return MISSING if fault else node.text
            if not (node.plain and _MISREAD.fullmatch(node.text)):
                hint = _respelt(node.text, pattern) if not day else "write the year, the month and the day: 2026-11-21"
                reading.note(code, node.mark, f"{said(node)} is not {wanted(shape)}", hint)
                return MISSING
        case Text():
            if "\n" in node.text:
                reading.note("wrong-type", node.mark, f"several lines stand here; wanted {wanted(shape)} on one line")
                return MISSING
            if node.text.strip() == "":
                return _wrong(shape, node, reading)
            if node.plain and re.fullmatch("[“”„«].*[“”»]", node.text):
                text = "these quotes are no quotes to YAML, so they would be printed"
                reading.note("yaml-surprise", node.mark, text, 'write straight quotes: "')
                return MISSING
            if not (node.plain and _MISREAD.fullmatch(node.text)):
                return node.text
    if node.text in ("", "null", "~"):
        return _wrong(shape, node, reading)
    hint = f'write "{node.text}"' if isinstance(shape, Text) else f"wanted {wanted(shape)}"
    reading.note("yaml-surprise", node.mark, f"YAML would not read {said(node)} as this text", hint)
    return MISSING


def _day_fault(written: str) -> str:
    """Say what keeps a date, whole or in part, from being in the calendar; "" for one that is, and for other words."""
    parts = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", written)
    if not parts:
        return ""
    year, month, day = int(parts[1]), int(parts[2] or 1), int(parts[3] or 1)
    if not 1 <= month <= 12:
        return "dates are written year-month-day; there are 12 months"
    try:
        date(year, month, day)
    except ValueError as fault:
        return str(fault)
    return ""


def _read_number(shape: Number, node: Node, reading: Reading) -> Value:
    if not node.plain or not NUMBER.fullmatch(node.text):
        if node.plain and re.fullmatch(r"[-+]?[0-9][0-9_.:eExXa-fA-F]*", node.text):
            text = f"YAML programs read {said(node)} in different ways"
            hint = f"wanted {shape.what}, such as 1" if shape.whole else "write a plain number such as 30 or 0.5"
            reading.note("yaml-surprise", node.mark, text, hint)
            return MISSING
        return _wrong(shape, node, reading, "write the number without quotes" if not node.plain else "")
    value = float(node.text)
    if not isfinite(value):
        reading.note("wrong-type", node.mark, f"the number has {len(node.text)} digits; wanted {wanted(shape)}")
        return MISSING
    fits = (not shape.whole or value.is_integer()) and (not shape.only or value in shape.only)
    if not fits or (shape.least is not None and value < shape.least):
        return _wrong(shape, node, reading)
    return int(value) if shape.whole else value


def _read_list(shape: ListOf, node: Node, reading: Reading) -> Value:
    if node.kind != "list":
        if shape.least > 1:
            return _wrong(shape, node, reading, "write it in brackets, as [1, 2]")
        if not takes(shape.item, node) and node.kind == "scalar" and node.plain and node.text == "":
            return _wrong(shape, node, reading)
        alone = read(shape.item, node, reading)
        return MISSING if alone is MISSING else (alone,)
    if len(node.items) < shape.least:
        found = f"{len(node.items)} of at least {shape.least} items" if node.items else "no items"
        reading.note("wrong-type", node.mark, f"the list has {found}", f"wanted {wanted(shape)}")
        return MISSING
    if shape.most is not None and len(node.items) > shape.most:
        reading.note("wrong-type", node.mark, f"the list has {len(node.items)} items; wanted at most {shape.most}")
    values = [read(shape.item, each, reading) for each in node.items]
    if isinstance(shape.item, Named | Word):
        _check_once(node, reading)
    return tuple(each for each in values if each is not MISSING)


def _check_once(node: Node, reading: Reading) -> None:
    """Note names that a list holds twice."""
    seen: set[str] = set()
    for each in node.items:
        if each.kind == "scalar" and each.text in seen:
            reading.note("duplicate-entry", each.mark, f"'{each.text}' stands in this list already", "leave it out")
        seen.add(each.text)


def _read_block(shape: BlockOf, node: Node, reading: Reading) -> Value:
    if node.kind != "block":
        return _wrong(shape, node, reading)
    found: dict[str, Value] = {}
    for key, value in node.entries:
        if read(shape.key, key, reading) is not MISSING:
            found[key.text] = read(shape.value, value, reading)
    return found


def _read_block_by(shape: BlockBy, node: Node, reading: Reading) -> Value:
    if node.kind != "block":
        return _wrong(shape, node, reading)
    found: dict[str, Value] = {}
    for key, value in node.entries:
        if read(shape.key, key, reading) is MISSING:
            continue
        part = key.text.rpartition(".")[2]
        if part in shape.values:
            found[key.text] = read(shape.values[part], value, reading)
        else:
            hint = nearest(part, shape.values) or f"the last part is one of {', '.join(shape.values)}"
            reading.note("unknown-key", key.mark, f"'{part}' of '{key.text}' is nothing that can stand here", hint)
    return found


def _read_form(form: Form, node: Node, reading: Reading) -> Value:
    if node.kind != "block":
        return _wrong(form, node, reading)
    keys = {each.name: each for each in form.keys}
    found: dict[str, Value] = {}
    for key, value in node.entries:
        if key.text not in keys:
            hint = nearest(key.text, keys) or _cut(key, value) or f"keys here: {', '.join(keys)}"
            reading.note("unknown-key", key.mark, f"{form.name} has no key '{key.text}'", hint)
            continue
        already = len(reading.problems)
        one = read(keys[key.text].shape, value, reading)
        _explain(reading, already, value.mark, keys[key.text].meaning)
        if one is not MISSING:
            found[key.text] = one
    check_keys(form, node, reading)
    return found


def _explain(reading: Reading, already: int, mark: Mark, meaning: str) -> None:
    """Give what a key means as the hint of problems of its value that have none."""
    for place, each in enumerate(reading.problems[already:], already):
        if not each.hint and (each.line, each.column) == (mark.line, mark.column) and meaning:
            reading.problems[place] = replace(each, hint=f"here belongs: {meaning}")


def _cut(key: Node, value: Node) -> str:
    """Say so when a key is likely the rest of a text or number that was cut at its comma."""
    if value.kind != "scalar" or value.text or not value.plain:
        return QUOTE if " " in key.text else ""
    return "decimals are written with a point, as 0.5" if key.text.isdigit() else QUOTE


def _read_kind(kinds: Kinds, node: Node, reading: Reading) -> Value:
    if node.kind != "block":
        return _wrong(kinds, node, reading)
    written = {key.text for key, _ in node.entries}
    there = [(marks, form) for marks, form in kinds.forms if not written.isdisjoint(marks)]
    if len(there) == 1:
        return _read_form(there[0][1], node, reading)
    second = next(
        (key.mark for key, _ in node.entries if there and _is_second(key.text, there[0][0], kinds)), node.mark
    )
    has = " and ".join(form.name for _, form in there) or "none of them"
    marks = ", ".join(mark for marks, _ in kinds.forms for mark in marks)
    text = f"{kinds.what} has keys of one kind ({marks}); here stands {has}"
    hint = "make two criteria of it, and join them with `all`" if there else ""
    reading.note("two-kinds", second, text, hint)
    return _read_form(there[0][1], node, Reading(reading.source)) if there else {}


def _is_second(key: str, first: tuple[str, ...], kinds: Kinds) -> bool:
    """Whether a key marks another kind than the first one."""
    return key not in first and any(key in marks for marks, _ in kinds.forms)


def _number_hint(number: str, reading: Reading) -> str:
    """Name the parameter that has this number, where there is just one."""
    parameters = reading.source.node(("parameters",)) if reading.source.has(("parameters",)) else None
    entries = parameters.entries if parameters else ()
    names = [name.text for name, each in entries if (value := each.get("value")) and value.text == number]
    return f"did you mean '{names[0]}'?" if len(names) == 1 else "give the number a name under `parameters`"


def check_keys(form: Form, node: Node, reading: Reading) -> None:
    """Note keys that are absent or out of order, and alternatives of which none or several stand."""
    written = [key.text for key, _ in node.entries]
    for each in form.keys:
        if each.required and each.name not in written:
            reading.note("missing-key", node.mark, f"{form.name} needs the key '{each.name}'", each.meaning)
    if form.ordered:
        _check_order([each.name for each in form.keys], node, reading)
    kinds = [each for each in form.one_of if each in written]
    if form.one_of and len(kinds) != 1:
        has = " and ".join(f"'{each}'" for each in kinds) or "none of them"
        reading.note("two-kinds", node.mark, f"{form.name} takes one of {', '.join(form.one_of)}; here stands {has}")
    if form.some_of and not any(each in written for each in form.some_of):
        reading.note("missing-key", node.mark, f"{form.name} needs one of {', '.join(form.some_of)}")


def _check_order(order: Sequence[str], node: Node, reading: Reading) -> None:
    furthest = -1
    for key, _ in node.entries:
        if key.text not in order:
            continue
        place = order.index(key.text)
        if place < furthest:
            text = f"'{key.text}' stands after '{order[furthest]}'"
            reading.note("misplaced-key", key.mark, text, f"'{key.text}' comes before '{order[furthest]}'")
        furthest = max(furthest, place)
