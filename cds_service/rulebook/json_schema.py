"""JSON Schema (2020-12) of a form, so that an editor completes, hovers and marks what the reader would refuse.

A schema is written from the same tables that reading uses (rulebook.reader_shapes). It cannot say everything: the order
of keys, keys that are written twice, and whether a name leads anywhere are told by `cds-service rules lint` alone.
Source: https://json-schema.org/draft/2020-12
"""

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cds_service.rulebook.reader_shapes import (
    BlockBy,
    BlockOf,
    Constant,
    Either,
    Form,
    Key,
    Kinds,
    ListOf,
    Named,
    Number,
    Shape,
    Text,
    Word,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BASE = "https://oud-cds.example/schemas/"  # names the schemas; .example is a domain that nobody can own (RFC 2606)

Schema: TypeAlias = dict[str, Any]

_LINE = r"^[^\n]*\S[^\n]*$"
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Defs:
    """What is written once under `$defs`, by name: the shape it stands for, and its schema."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)


def json_schema(form: Form, kind: str, title: str) -> Schema:
    """Give the schema of a whole file. kind: the name of the schema; title: what an editor calls it."""
    defs = _Defs()
    body = _form(form, defs)
    head: Schema = {"$schema": DIALECT, "$id": f"{BASE}{kind}.json", "title": title}
    body.pop("title")
    return {**head, **body, "$defs": {name: defs.schemas[name] for name in sorted(defs.schemas)}}


def _schema(shape: Shape, defs: _Defs) -> Schema:
    match shape:
        case Text(examples=examples):
            return {"type": "string", "pattern": _LINE, **({"examples": list(examples)} if examples else {})}
        case Word(words=words):
            return {"enum": list(words)}
        case Number():
            return _number(shape)
        case Constant(word=word):
            return {"const": _CONSTANTS[word]}
        case ListOf():
            return _list(shape, defs)
        case BlockOf(key=key, value=value, least=least):
            names = _schema(key, defs)
            block = {"type": "object", "propertyNames": names, "additionalProperties": _schema(value, defs)}
            return block | ({"minProperties": least} if least else {})
        case BlockBy(key=key, values=values):
            # The part of a name after its last dot says what stands under it.
            parts = {rf"\.{re.escape(part)}$": _schema(value, defs) for part, value in values.items()}
            names = _schema(key, defs)
            return {"type": "object", "propertyNames": names, "patternProperties": parts, "additionalProperties": False}
        case Either(options=options):
            if all(isinstance(each, Constant) for each in options):
                return {"enum": [_CONSTANTS[each.word] for each in options if isinstance(each, Constant)]}
            return {"anyOf": [_schema(each, defs) for each in options]}
        case Named() | Form() | Kinds():
            return _ref(shape, defs)


def _number(shape: Number) -> Schema:
    if shape.only:
        return {"enum": [int(each) if shape.whole else each for each in shape.only]}
    least = {} if shape.least is None else {"minimum": shape.least}
    return {"type": "integer" if shape.whole else "number", **least}


def _list(shape: ListOf, defs: _Defs) -> Schema:
    """One item may stand alone, unless more than one are wanted."""
    item = _schema(shape.item, defs)
    many: Schema = {"type": "array", "items": item}
    if isinstance(shape.item, Named | Word):
        many["uniqueItems"] = True
    if shape.least:
        many["minItems"] = shape.least
    if shape.most is not None:
        many["maxItems"] = shape.most
    return many if shape.least > 1 else {"anyOf": [item, many]}


def _ref(shape: Named | Form | Kinds, defs: _Defs) -> Schema:
    """Write a shape under `$defs`, once, and give the reference to it."""
    said = shape.name if isinstance(shape, Form) else shape.what
    plain = "-".join(re.findall(r"[a-z0-9]+", re.sub(r"^(a|an|the) |'s\b", "", said.lower())))
    name, number = plain, 1
    while defs.shapes.setdefault(name, shape) != shape:
        number += 1
        name = f"{plain}-{number}"
    if name not in defs.schemas:
        match shape:
            case Named():
                defs.schemas[name] = _named(shape)
            case Form():
                defs.schemas[name] = _form(shape, defs)
            case Kinds(what=what, forms=forms):
                defs.schemas[name] = {"title": what, "anyOf": [_ref(form, defs) for _, form in forms]}
    return {"$ref": f"#/$defs/{name}"}


def _named(shape: Named) -> Schema:
    # A plain scalar may look like a number to YAML, as the date 2024 does.
    sort: Schema = {"type": ["string", "integer"], "minimum": 0} if shape.plain else {"type": "string"}
    examples = list(dict.fromkeys(each for each in (shape.example, *shape.offered) if each))
    schema = {"description": shape.what, **sort, "pattern": f"^(?:{shape.pattern})$"}
    return {**schema, "examples": examples} if examples else schema


def _form(form: Form, defs: _Defs) -> Schema:
    schema: Schema = {
        "title": form.name,
        "type": "object",
        "properties": {key.name: _property(key, defs) for key in form.keys},
        "required": [key.name for key in form.keys if key.required],
        "additionalProperties": False,
    }
    if not schema["required"]:
        del schema["required"]
    if form.one_of:
        schema["oneOf"] = [{"required": [each]} for each in form.one_of]
    if form.some_of:
        schema["anyOf"] = [{"required": [each]} for each in form.some_of]
    return schema


def _property(key: Key, defs: _Defs) -> Schema:
    said = {"description": key.meaning} if key.meaning else {}
    return {**said, **_schema(key.shape, defs)}
