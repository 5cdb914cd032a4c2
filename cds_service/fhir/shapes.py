"""Take what a FHIR element should hold out of what it does hold, whatever its shape.

A list may arrive as a single object and the other way round ("category" of Epic), text as a number, anything as null.
Nothing here raises: what has the wrong shape is not there, and the caller says what that means.
"""

from collections.abc import Sequence
from typing import Any

Resource = dict[str, Any]


def objects(value: Any) -> Sequence[Resource]:
    """Give the objects of a list; a single object stands for a list of one."""
    if isinstance(value, list):
        for each in value:
            if not isinstance(each, dict):
                return [each for each in value if isinstance(each, dict)]
        return value
    return (value,) if isinstance(value, dict) else ()


def inside(value: Any, *path: str) -> Any:
    """Follow member names into objects; None where the path ends early."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def word(value: Any) -> str:
    """Give a code as a lower-case word without surrounding blanks; "" when it is no text."""
    return value.strip().lower() if isinstance(value, str) else ""


def flag(value: Any) -> bool | None:
    """Read a boolean, also one written as text. Absent is False; None when something unreadable is written."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return {"true": True, "false": False}.get(word(value))


def codes(value: Any) -> tuple[str, ...]:
    """Give the lower-case codes of a CodeableConcept, of a list of them, of a Coding, or of a bare code."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (word(value),) if value.strip() else ()
    usual = _only_code(value)
    if usual:
        return (usual,)
    found: dict[str, None] = {}
    for each in objects(value):
        for coding in objects(each.get("coding")) or (each,):
            code = coding.get("code")
            if isinstance(code, str):
                found[code.strip().lower()] = None
    found.pop("", None)
    return tuple(found)


def _only_code(value: Any) -> str:
    """Give the code of a CodeableConcept, alone or alone in a list, that has one coding; "" for any other shape."""
    try:  # nearly every record says it in this way
        (concept,) = value if isinstance(value, list) else (value,)
        (coding,) = concept["coding"]
        return word(coding["code"])
    except (KeyError, TypeError, ValueError):
        return ""


def state(value: Any, known: frozenset[str]) -> str | None:
    """Read a status given as code (STU3) or CodeableConcept (R4): the first code, else text, that is `known`."""
    if isinstance(value, str):
        return word(value) if word(value) in known else None
    usual = _only_code(value)
    if usual in known:
        return usual
    for each in objects(value):
        for coding in objects(each.get("coding")) or (each,):
            if word(coding.get("code")) in known:
                return word(coding.get("code"))
    for each in objects(value):
        if word(each.get("text")) in known:
            return word(each.get("text"))
    return None


def extensions(resource: Any, *endings: str) -> list[Resource]:
    """Give the extensions whose url ends in one of `endings`, in the order of `endings`."""
    found = [each for each in objects(inside(resource, "extension")) if isinstance(each.get("url"), str)]
    return [each for ending in endings for each in found if each["url"].rstrip("/").endswith(ending)]


def tail(reference: str) -> str:
    """Give the `Type/id` a relative or absolute reference ends in, without version; "" when it has no such end."""
    head = reference.strip().split("/_history", 1)[0].split("?", 1)[0].rstrip("/")
    parts = head.rsplit("/", 2)[-2:]
    return "/".join(parts) if len(parts) == 2 and all(parts) and parts[0][:1].isupper() else ""
