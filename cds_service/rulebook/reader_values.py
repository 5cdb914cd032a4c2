"""The one reader of values: a node and a shape in, a plain value out, and every problem noted on the way.

Plain values are text, numbers, True, False, None, tuples and dicts. Nothing is converted that its shape does not ask
for, so a word or number that YAML 1.1 would misread is told instead of read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
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
    pattern_of,
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

_A_NUMBER = re.compile(r"[-+]?\.?[0-9]")
_TYPESET = re.compile("[“”„«].*[“”»]")
_CONSTANTS = {"true": True, "false": False, "null": None}

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
    return _READERS[type(shape)](shape, node, reading)


def _read_either(shape: Either, node: Node, reading: Reading) -> Value:
    for each in shape.options:
        if takes(each, node):
            return read(each, node, reading)
    likely = [each for each in shape.options if sort_of(each) == node.kind]
    return read(likely[0], node, reading) if len(likely) == 1 else _wrong(shape, node, reading)


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
        if each != text and pattern_of(pattern).fullmatch(each):
            return f"did you mean '{each}'?"
    return ""


def _read_constant(shape: Constant, node: Node, reading: Reading) -> Value:
    if takes(shape, node):
        return _CONSTANTS[shape.word]
    return _wrong(shape, node, reading, f"write {shape.word} without quotes" if node.text == shape.word else "")


def _read_word(shape: Word, node: Node, reading: Reading) -> Value:
    if node.kind == "scalar" and node.plain and _MISREAD.fullmatch(node.text):
        return _misread(shape, node, reading)
    if node.kind == "scalar" and node.text in shape.words:
        return node.text
    return _wrong(shape, node, reading, nearest(node.text, shape.words) if node.kind == "scalar" else "")


def _read_named(shape: Named, node: Node, reading: Reading) -> Value:
    text = node.text
    if node.kind != "scalar":
        return _wrong(shape, node, reading)
    if shape.number_code and _A_NUMBER.match(text):
        told = f"the number {said(node)} stands here; wanted {wanted(shape)}"
        reading.note(shape.number_code, node.mark, told, _number_hint(text, reading))
        return MISSING
    if node.plain and text == "":
        return _wrong(shape, node, reading)
    misread = node.plain and _MISREAD.fullmatch(text)
    if (shape.plain or not misread) and pattern_of(shape.pattern).fullmatch(text):
        fault = _day_fault(text) if shape.day else ""
        if fault:
            reading.note(shape.code, node.mark, f"'{text}' is no day of the calendar", fault)
        return MISSING if fault else text
    if misread:
        return _misread(shape, node, reading)
    hint = _respelt(text, shape.pattern) if not shape.day else "write the year, the month and the day: 2026-11-21"
    reading.note(shape.code, node.mark, f"{said(node)} is not {wanted(shape)}", hint)
    return MISSING


def _read_text(shape: Text, node: Node, reading: Reading) -> Value:
    text = node.text
    if node.kind != "scalar":
        return _wrong(shape, node, reading)
    if "\n" in text:
        reading.note("wrong-type", node.mark, f"several lines stand here; wanted {wanted(shape)} on one line")
        return MISSING
    if text.strip() == "":
        return _wrong(shape, node, reading)
    if node.plain and _TYPESET.fullmatch(text):
        told = "these quotes are no quotes to YAML, so they would be printed"
        reading.note("yaml-surprise", node.mark, told, 'write straight quotes: "')
        return MISSING
    return _misread(shape, node, reading) if node.plain and _MISREAD.fullmatch(text) else text


def _misread(shape: Text | Named | Word, node: Node, reading: Reading) -> Value:
    """Tell that YAML would take the word or number that stands here for something else."""
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
    if node.kind != "scalar":
        return _wrong(shape, node, reading)
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
    if len(node.entries) < shape.least:
        reading.note("wrong-type", node.mark, "the block is empty", f"wanted {wanted(shape)}")
        return MISSING
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
    keys = form.by_name
    found: dict[str, Value] = {}
    for key, value in node.entries:
        wanted_here = keys.get(key.text)
        if wanted_here is None:
            hint = nearest(key.text, keys) or _cut(key, value) or f"keys here: {', '.join(keys)}"
            reading.note("unknown-key", key.mark, f"{form.name} has no key '{key.text}'", hint)
            continue
        already = len(reading.problems)
        one = read(wanted_here.shape, value, reading)
        if len(reading.problems) > already:
            _explain(reading, already, value.mark, wanted_here.meaning)
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
    for name in form.required:
        if name not in written:
            reading.note("missing-key", node.mark, f"{form.name} needs the key '{name}'", form.by_name[name].meaning)
    if form.ordered:
        _check_order(list(form.by_name), node, reading)
    if form.one_of:
        kinds = [each for each in form.one_of if each in written]
        if len(kinds) != 1:
            has = " and ".join(f"'{each}'" for each in kinds) or "none of them"
            text = f"{form.name} takes one of {', '.join(form.one_of)}; here stands {has}"
            reading.note("two-kinds", node.mark, text)
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


_READERS: Final[Mapping[type, Callable[[Any, Node, Reading], Value]]] = {
    Text: _read_text,
    Named: _read_named,
    Word: _read_word,
    Number: _read_number,
    Constant: _read_constant,
    ListOf: _read_list,
    BlockOf: _read_block,
    BlockBy: _read_block_by,
    Form: _read_form,
    Either: _read_either,
    Kinds: _read_kind,
}
