"""Tells by the models of fhir.resources what is wrong with the structure of one resource.

The library takes half a second and tens of megabytes to import: it is imported when a worker opens, and only where a
client is held to the standard. Its own messages quote what was sent and are never passed on. What it takes although
FHIR's JSON does not (text for a number, null, an empty array, a Python name for an element), and what it tells only
once everything else is right (elements that are required), is read here off the same models.
Source: https://hl7.org/fhir/R4/json.html
"""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from cds_service.core.problem import Issue
from cds_service.fhir.bindings import ANY, REQUIRED
from cds_service.fhir.shapes import Resource
from cds_service.fhir.sniff import ELEMENTS
from cds_service.fhir.strict import below, without_others

if TYPE_CHECKING:
    from pydantic import BaseModel

MODULES = {"R4": "fhir.resources.R4B", "R5": "fhir.resources", "STU3": "fhir.resources.STU3"}
DEEPEST = 40  # elements inside elements: far more than any resource has, and less than the library can walk
MOST_OF_ONE = 200  # issues of one resource; with as many the library is not asked

_OBJECT, _RESOURCE = "an object", "a resource"
_TEXT, _FLAG, _WHOLE, _NUMBER = "a string", "true or false", "a whole number", "a number"
_LONG = "Integer64"  # R5: written as a string
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
# What FHIR's types look like, where their name alone does not say it.
_FORMS = {
    "Date": "a date: YYYY, YYYY-MM or YYYY-MM-DD",
    "DateTime": "a dateTime: YYYY, YYYY-MM, YYYY-MM-DD, or a day with time, seconds and time zone",
    "Instant": "an instant: a day with time, seconds and time zone",
    "Time": "a time: hh:mm:ss",
    "Id": "an id: 1 to 64 letters, digits, '-' and '.'",
    "Code": "a code: no blanks at its ends and no two in a row",
}
# Elements that other versions have: their names are the standard's, not the sender's, and may be told.
_ELSEWHERE = frozenset(name for elements in ELEMENTS.values() for name in elements)


@dataclass(frozen=True, slots=True)
class Slot:
    """What an element holds. kind: as JSON, in words. form: FHIR's type of a primitive. model: of an object."""

    kind: str
    many: bool
    form: str = ""
    model: "type[BaseModel] | None" = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The elements of a model by their JSON names; those required, and the choices of which one may be there."""

    slots: Mapping[str, Slot]
    required: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    needed: frozenset[str] = field(default_factory=frozenset)


class FhirModels:
    """The models of some versions; a class because it holds them. Opening it imports the library.

    Raises ImportError when it is not there.
    """

    def __init__(self, versions: Iterable[str]) -> None:
        self._find = {each: importlib.import_module(MODULES[each]).get_fhir_model_class for each in versions}
        from pydantic import ValidationError

        self._refused = ValidationError
        for version, find in self._find.items():  # no call shall wait for these imports
            for kind in REQUIRED[version].keys() - {ANY}:
                model = find(kind)
                _open(model, set())
                for _ in self.faults(version, {"resourceType": kind}):
                    pass

    def faults(self, version: str, resource: Resource) -> Iterator[Issue]:
        """Name what is wrong with the structure of a resource, but for the resources inside it."""
        model = self.model(version, resource.get("resourceType"))
        if model is None:
            yield Issue("structure", "resourceType", f"is no resource type of FHIR {version}")
            return
        told = list(islice(_misshapen(resource, model, "", 0, version), MOST_OF_ONE))
        yield from told
        if len(told) < MOST_OF_ONE and not any(each.code == "too-long" for each in told):
            yield from self._misformed(resource, model, [each.where for each in told])

    def model(self, version: str, kind: Any) -> "type[BaseModel] | None":
        """Give the model of a resource type; None for what is no such type, which any text may be.

        Raises LookupError for a version that was not opened.
        """
        find = self._find[version]
        if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
            return None
        try:
            model: type[BaseModel] = find(kind)
            return model if {"id", "meta"} <= shape_of(model).slots.keys() else None
        except (AttributeError, KeyError, ValueError):  # how the library says so
            return None

    def _misformed(self, resource: Resource, model: "type[BaseModel]", told: list[str]) -> Iterator[Issue]:
        """Name what the library refuses, but for what was told already."""
        try:
            model.model_validate(without_others(resource))
        except self._refused as refused:
            if refused.error_count() > MOST_OF_ONE:  # each would become an object of a kilobyte
                yield Issue("value", "", f"holds more than {MOST_OF_ONE} values that have not the form of their type")
                return
            for each in refused.errors(include_url=False, include_context=False, include_input=False):
                where, form = _place(each["loc"], model)
                if _is_new(where, form, told):
                    told.append(where)
                    yield Issue("value", where, _not_of(form))
        except KeyError:  # a resource of no type, in an element that is not looked into here
            if not told:
                yield Issue("structure", "", "holds a resource of no known type")


def _is_new(where: str, form: str, told: list[str]) -> bool:
    """Whether nothing was told of a place or of what it stands in; of an object, nor of anything in it."""
    if not form and any(known.startswith(where) for known in told):
        return False
    return not any(where == known or where.startswith((f"{known}.", f"{known}[")) for known in told)


def _not_of(form: str) -> str:
    if form in _FORMS:
        return f"is not {_FORMS[form]}"
    return f"is no {form[:1].lower()}{form[1:]} as FHIR has it" if form else "is not what FHIR allows there"


@cache
def shape_of(model: "type[BaseModel]") -> Shape:
    """Read off a model which elements it has."""
    slots, required, choices, needed = {}, [], dict[str, list[str]](), set()
    for name, info in model.model_fields.items():
        alias, more = info.alias or name, info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        if name == "fhir_comments":  # of DSTU2
            continue
        slots[alias] = _slot(info.annotation, info.metadata)
        choice = more.get("one_of_many")
        if isinstance(choice, str):
            choices.setdefault(choice, []).append(alias)
            if more.get("one_of_many_required"):
                needed.add(choice)
        elif info.is_required() or more.get("element_required"):
            required.append(alias)
    grouped = {choice: tuple(names) for choice, names in choices.items()}
    return Shape(slots, tuple(required), grouped, frozenset(needed))


def _slot(annotation: Any, metadata: Iterable[Any] = ()) -> Slot:
    many, form = False, next((type(each).__name__ for each in metadata), "")
    while get_origin(annotation) is not None:
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is list:
            many = True
        elif origin is Annotated:
            form = type(args[-1]).__name__
        elif origin is Union or len(args) > 1:
            args = tuple(each for each in args if each is not type(None))
        annotation = args[0]
    if args_of_union := [each for each in get_args(annotation) if each is not type(None)]:
        annotation = args_of_union[0]
    if hasattr(annotation, "get_model_klass"):
        model = annotation.get_model_klass()
        return Slot(_RESOURCE if model.__name__ == "Resource" else _OBJECT, many, "", model)
    kind = {"bool": _FLAG, "int": _WHOLE, "Decimal": _NUMBER}.get(annotation.__name__, _TEXT)
    return Slot(_TEXT if form == _LONG else kind, many, form)


def _open(model: "type[BaseModel]", seen: set[Any]) -> None:
    """Read off everything that a model leads to."""
    if model in seen:
        return
    seen.add(model)
    for slot in shape_of(model).slots.values():
        if slot.model is not None and slot.kind == _OBJECT:
            _open(slot.model, seen)


def _misshapen(value: Resource, model: "type[BaseModel]", where: str, depth: int, version: str) -> Iterator[Issue]:
    """Name what in an object has not the shape of its model, and what it lacks."""
    if depth > DEEPEST:
        yield Issue("too-long", where, "is nested too deeply")
        return
    shape = shape_of(model)
    for name, each in value.items():
        slot = shape.slots.get(name)
        if slot is None:
            if name != "resourceType" or depth:
                yield _unknown(name, where, version)
        elif each is None:
            yield Issue("structure", below(where, name), "must not be null; an element that says nothing is left out")
        elif slot.many and not isinstance(each, list):
            yield Issue("structure", below(where, name), f"must be an array, not {_kind(each)}")
        elif not slot.many:
            yield from _wrong(each, slot, below(where, name), depth, version)
        elif not each:
            yield Issue("structure", below(where, name), "must not be empty")
        else:
            # Values of primitives and what belongs to them stand in two lists; null keeps the places in step.
            may_be_null = slot.kind not in (_OBJECT, _RESOURCE) or name.startswith("_")
            for place, one in enumerate(each):
                if one is not None or not may_be_null:
                    yield from _wrong(one, slot, f"{below(where, name)}[{place}]", depth, version)
    for name in shape.required:
        if name not in value and f"_{name}" not in value:
            yield Issue("required", below(where, name), "is required")
    for choice, names in shape.choices.items():
        there = [name for name in names if name in value or f"_{name}" in value]
        if len(there) > 1:
            yield Issue("structure", below(where, there[1]), f"stands beside {there[0]}; only one of them may be there")
        elif not there and choice in shape.needed:
            yield Issue("required", below(where, choice), f"is required, as one of {', '.join(names)}")


def _wrong(value: Any, slot: Slot, where: str, depth: int, version: str) -> Iterator[Issue]:
    """Name what is wrong with one value of an element."""
    if not _is(slot.kind, value):
        found = "a number with a fraction" if slot.kind == _WHOLE and type(value) is float else _kind(value)
        yield Issue("structure", where, f"must be {slot.kind}, not {found}")
    elif value == "" or value == {}:
        yield Issue("structure", where, "must not be empty")
    elif slot.kind == _OBJECT and slot.model is not None:
        yield from _misshapen(value, slot.model, where, depth + 1, version)
    elif slot.form == "Id" and not _ID.fullmatch(value):
        yield Issue("value", where, f"is not {_FORMS['Id']}")


def _is(kind: str, value: Any) -> bool:
    if kind == _FLAG:
        return isinstance(value, bool)
    if kind in (_WHOLE, _NUMBER):
        return isinstance(value, int if kind == _WHOLE else int | float) and not isinstance(value, bool)
    return isinstance(value, str if kind == _TEXT else dict)


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    named = {bool: _FLAG, int: "a number", float: "a number", str: _TEXT, list: "an array"}
    return named.get(type(value), _OBJECT)


def _unknown(name: str, where: str, version: str) -> Issue:
    """An element that the version does not have there; its name is told if it is the standard's own."""
    if name in _ELSEWHERE:
        return Issue("structure", below(where, name), f"is no element of FHIR {version} here")
    return Issue("structure", where, f"holds an element that FHIR {version} does not have here")


def _place(loc: tuple[int | str, ...], model: "type[BaseModel]") -> tuple[str, str]:
    """Where the library found a fault and the type of what stands there, as far as the models know the names."""
    where, form, inner = "", "", model
    for part in loc:
        if isinstance(part, int):
            where = f"{where}[{part}]"
            continue
        slot = shape_of(inner).slots.get(part) if inner is not None else None
        if slot is None:
            break
        where, form, inner = below(where, part), slot.form, slot.model  # type: ignore[assignment]
    return where, form
