"""Shapes: what a value in a rule file may be, as data.

The tables in rulebook.reader_forms are made of these shapes; reading (rulebook.reader_values), documentation and the
JSON Schema come from the same tables.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from cds_service.rulebook.source import Node

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Text:
    """Words on one line. examples: what an editor offers; anything else may stand too."""

    what: str = "text"
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Text of a certain form: a name, an id, a version, a date.

    number_code: the code when a number stands here ("number-not-parameter" where a parameter is wanted).
    plain:       whether a plain scalar that looks like a number is fine, as for the date 2024.
    offered:     what an editor offers besides the example; anything else of the form may stand too.
    day:         whether it is a date, whole or in part, that must be in the calendar.
    """

    what: str
    pattern: str
    example: str
    code: str = "bad-name"
    number_code: str = ""
    plain: bool = False
    offered: tuple[str, ...] = ()
    day: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One of a closed list of words."""

    what: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A plain number, whole or with decimals. `only`: the numbers taken, when not all are."""

    whole: bool = False
    only: tuple[float, ...] = ()
    least: float | None = None
    what: str = "a number"


@dataclass(frozen=True, slots=True)
class Constant:
    """One of the plain words `true`, `false`, `null`, standing for itself."""

    word: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; one item may stand alone."""

    item: "Shape"
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class BlockOf:
    """A block whose keys the author names. least: how many there are at least, 0 or 1."""

    key: Named
    value: "Shape"
    what: str = "a block of names"
    least: int = 0


@dataclass(frozen=True, slots=True)
class BlockBy:
    """A block whose keys the author names; what stands under a key follows from its part after the last dot."""

    key: Named
    values: Mapping[str, "Shape"]
    what: str = "a block of names"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a form: what it takes, where it is required, and what it means."""

    name: str
    shape: "Shape"
    required: bool = False
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A block with a fixed set of keys.

    ordered: whether the keys must stand in the order of the table.
    one_of:  keys of which exactly one must stand.
    some_of: keys of which at least one must stand.
    example: how it is written, for whoever wrote something else.
    by_name, required: its keys by their names, and the names of those that must stand; they follow from `keys`.
    """

    name: str
    keys: tuple[Key, ...]
    ordered: bool = False
    one_of: tuple[str, ...] = ()
    some_of: tuple[str, ...] = ()
    example: str = ""
    by_name: Mapping[str, Key] = field(init=False, repr=False, compare=False)
    required: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.keys})
        object.__setattr__(self, "required", tuple(each.name for each in self.keys if each.required))


@dataclass(frozen=True, slots=True)
class Either:
    """The first option whose sort of value is there."""

    options: tuple["Shape", ...]
    what: str = ""


@dataclass(frozen=True, slots=True)
class Kinds:
    """One of several forms, told apart by keys that only one of them has.

    forms: the keys that mark a form, and the form.
    """

    what: str
    forms: tuple[tuple[tuple[str, ...], Form], ...]


Shape: TypeAlias = Text | Named | Word | Number | Constant | ListOf | BlockOf | BlockBy | Form | Either | Kinds


@cache
def pattern_of(written: str) -> re.Pattern[str]:
    """Compile the pattern of a form of text, once."""
    return re.compile(written)


def said(node: Node) -> str:
    """Say what stands at a node, in words for the author."""
    if node.kind == "list":
        return "a list"
    if node.kind == "block":
        return "a block of keys"
    if node.plain and node.text == "":
        return "nothing"
    return f"'{node.text[:60]}'"


def wanted(shape: Shape) -> str:
    """Say what a shape takes, in words for the author."""
    match shape:
        case Named(what=what, example=example):
            return f"{what}, such as {example}" if example else what
        case Word(what=what, words=words):
            return f"{what}: {', '.join(words)}"
        case Text(what=what):
            return what
        case Number(only=only, what=what):
            return " or ".join(f"{each:g}" for each in only) if only else what
        case Constant(word=word):
            return f"`{word}`"
        case ListOf(item=item, least=least, most=most):
            return f"a list of{f' {most}' if most == least else ''}: {wanted(item)}"
        case BlockOf(what=what) | BlockBy(what=what):
            return what
        case Form(name=name):
            return name
        case Kinds(what=what):
            return what
        case Either(options=options, what=what):
            return what or " or ".join(wanted(each) for each in options)


def takes(shape: Shape, node: Node) -> bool:
    """Whether a shape takes this sort of node; what it says is judged when it is read."""
    return _TAKES[type(shape)](shape, node)


def _takes_words(shape: Text | Named, node: Node) -> bool:
    return node.kind == "scalar" and not (node.plain and node.text in ("", "null", "true", "false"))


def _takes_word(shape: Word, node: Node) -> bool:
    return node.kind == "scalar" and node.text in shape.words


def _takes_number(shape: Number, node: Node) -> bool:
    return node.kind == "scalar" and node.plain and bool(NUMBER.fullmatch(node.text))


def _takes_constant(shape: Constant, node: Node) -> bool:
    return node.kind == "scalar" and node.plain and node.text == shape.word


def _takes_list(shape: ListOf, node: Node) -> bool:
    return node.kind == "list" or takes(shape.item, node)


def _takes_block(shape: Shape, node: Node) -> bool:
    return node.kind == "block"


def _takes_either(shape: Either, node: Node) -> bool:
    return any(takes(each, node) for each in shape.options)


_TAKES: Mapping[type, Callable[[Any, Node], bool]] = {
    Text: _takes_words,
    Named: _takes_words,
    Word: _takes_word,
    Number: _takes_number,
    Constant: _takes_constant,
    ListOf: _takes_list,
    Either: _takes_either,
    **dict.fromkeys((BlockOf, BlockBy, Form, Kinds), _takes_block),
}


def sort_of(shape: Shape) -> str:
    """The sort of node a shape is written as."""
    match shape:
        case ListOf():
            return "list"
        case BlockOf() | BlockBy() | Form() | Kinds():
            return "block"
        case _:
            return "scalar"
