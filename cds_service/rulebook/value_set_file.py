"""FHIR ValueSet files (R4 JSON): what a release knows of codes and words.

`compose` may list codes, or name an ICD-10-CM subtree (`is-a`); `expansion` is what a terminology server has worked
out and then decides alone. Anything else that would change the meaning is refused, so a file never says more or less
than it seems to. Phrases and further facts about a set stand in extensions of EXTENSION.
Source: https://hl7.org/fhir/R4/valueset.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.core.facts import Coding
from cds_service.core.value_set import ICD_10_CM, ValueSet, normalise, words
from cds_service.rulebook.lint_codes import severity_of
from cds_service.rulebook.source import RuleProblem, nearest

# .example is a domain that nobody can own (RFC 2606): the extension needs a name, not a page.
EXTENSION = "https://oud-cds.example/fhir/StructureDefinition/"
EXTENSIONS = ("phrase", "excluded-phrase", "found-in", "disjoint-from")
PROBLEM_LIMIT = 100  # of one file
OBSERVATION_KEYS = ("labs", "surveys", "socialHistory")

# Members that say who, when and why, and change nothing in what the set holds; a few of them came with R5.
_ABOUT = {
    "resourceType", "id", "meta", "language", "text", "extension", "url", "identifier", "version", "name", "title",
    "status", "experimental", "date", "publisher", "contact", "description", "useContext", "jurisdiction", "immutable",
    "purpose", "copyright", "copyrightLabel", "approvalDate", "lastReviewDate", "effectivePeriod", "topic", "author",
    "editor", "reviewer", "endorser", "relatedArtifact",
}  # fmt: skip
_ALLOWED: Mapping[str, frozenset[str]] = {
    "ValueSet": frozenset(_ABOUT | {"compose", "expansion"}),
    "compose": frozenset({"id", "extension", "lockedDate", "inactive", "include", "exclude"}),
    "include": frozenset({"id", "extension", "system", "version", "concept", "filter"}),
    "concept": frozenset({"id", "extension", "code", "display", "designation"}),
    "filter": frozenset({"id", "extension", "property", "op", "value"}),
    "expansion": frozenset({"id", "extension", "identifier", "timestamp", "total", "offset", "parameter", "contains"}),
    "contains": frozenset(
        {"id", "extension", "system", "version", "abstract", "inactive", "code", "display", "designation", "contains"}
    ),
}
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ICD_ROOT = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


@dataclass(slots=True)
class _Reading:
    """What has been read of one file so far, and everything found wrong with it. text: the whole file."""

    file: str
    text: str
    codes: set[Coding] = field(default_factory=set)
    subtrees: set[Coding] = field(default_factory=set)
    not_codes: set[Coding] = field(default_factory=set)
    not_subtrees: set[Coding] = field(default_factory=set)
    displays: dict[Coding, str] = field(default_factory=dict)
    problems: list[RuleProblem] = field(default_factory=list)

    def wrong(self, code: str, pointer: str, text: str, hint: str = "", line: int = 0, column: int = 1) -> None:
        """Note a problem at a JSON pointer; without a line, at the line where its last key is first written.

        Beyond PROBLEM_LIMIT nothing is noted: each problem looks through the whole file.
        """
        if len(self.problems) >= PROBLEM_LIMIT:
            return
        lines = self.text.splitlines()
        if not line:
            key = next((part for part in reversed(pointer.split("/")) if part and not part.isdigit()), "")
            written = ((at, each.index(f'"{key}"') + 1) for at, each in enumerate(lines, 1) if f'"{key}"' in each)
            line, column = next(written, (1, 1)) if key else (1, 1)
        source_line = lines[line - 1] if line <= len(lines) else ""
        if pointer:
            text = f"{pointer}: {text}"
        self.problems.append(RuleProblem(self.file, line, column, code, text, severity_of(code), source_line, hint))


def read_value_set_file(path: Path) -> tuple[ValueSet | None, tuple[RuleProblem, ...]]:
    """Read value-sets/<id>/<version>.json; with an error among the problems there is no value set."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reading = _Reading(str(path), "")
        reading.wrong("bad-yaml", "", f"the file cannot be read: {type(fault).__name__}")
        return None, tuple(reading.problems)
    reading = _Reading(str(path), text)
    body = _parse(text, reading)
    if body is None:
        return None, tuple(reading.problems)
    value_set = _value_set(body, path, reading)
    return (None if reading.problems else value_set), tuple(reading.problems)


def _parse(text: str, reading: _Reading) -> dict[str, Any] | None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        block = dict(pairs)
        if len(block) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    reading.wrong("duplicate-key", f"/{key}", "this key is written twice in one object")
                seen.add(key)
        return block

    try:
        body = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as fault:
        before = text[: fault.pos].rstrip()
        if before.endswith(",") and text[fault.pos : fault.pos + 1] in ("]", "}"):
            line, column = _place(before[:-1])
            said, hint = "this is not JSON: a comma stands after the last entry", "leave the comma out"
            reading.wrong("bad-yaml", "", said, hint, line=line, column=column)
            return None
        hint = "keys and texts stand in double quotes, and entries are parted by commas"
        line, column = _place(text[: fault.pos])
        reading.wrong("bad-yaml", "", f"this is not JSON: {fault.msg}", hint, line=line, column=column)
        return None
    except RecursionError:
        reading.wrong("bad-yaml", "", "the JSON is nested too deep")
        return None
    except ValueError:  # of Python, which reads no integer of thousands of digits
        reading.wrong("bad-yaml", "", "the JSON holds a number of more digits than any code or count has")
        return None
    if not isinstance(body, dict) or body.get("resourceType") != "ValueSet":
        found = body.get("resourceType") if isinstance(body, dict) else type(body).__name__
        reading.wrong("wrong-type", "/resourceType", f"found {found!r}, wanted a FHIR 'ValueSet'")
        return None
    return body


def _place(before: str) -> tuple[int, int]:
    """Give line and column of what follows `before`; a line is what `splitlines` takes for one."""
    lines = f"{before}.".splitlines()
    return len(lines), len(lines[-1])


def _value_set(body: dict[str, Any], path: Path, reading: _Reading) -> ValueSet | None:
    _known("ValueSet", body, "", reading)
    said = {key: _text(body, key, reading) for key in ("id", "url", "version", "title")}
    if said["id"] and not _ID.fullmatch(said["id"]):
        reading.wrong("bad-name", "/id", f"found '{said['id']}', wanted kebab-case such as 'oud-dependence'")
    for key, wanted, where in (("id", path.parent.name, "its folder"), ("version", path.stem, "its file name")):
        if said[key] and said[key] != wanted:
            reading.wrong("bad-name", f"/{key}", f"found '{said[key]}', wanted '{wanted}', the name of {where}")
    extensions = _extensions(body, reading)
    if "expansion" in body:
        _read_expansion(body["expansion"], reading)
    elif "compose" in body:
        _read_compose(body["compose"], reading)
    if not (reading.codes or reading.subtrees or extensions["phrase"]):
        reading.wrong("missing-key", "/compose", "the set has neither codes nor phrases, so nothing can be in it")
    if reading.problems:
        return None
    return ValueSet(
        id=said["id"],
        version=said["version"],
        title=said["title"],
        codes=frozenset(reading.codes),
        subtrees=frozenset(reading.subtrees),
        not_codes=frozenset(reading.not_codes),
        not_subtrees=frozenset(reading.not_subtrees),
        phrases=extensions["phrase"],
        not_phrases=extensions["excluded-phrase"],
        found_in=frozenset(extensions["found-in"]),
        disjoint_from=extensions["disjoint-from"],
        displays=reading.displays,
    )


def _known(kind: str, block: Mapping[str, Any], pointer: str, reading: _Reading) -> None:
    """Refuse members that could change the meaning: unknown ones, and those that this reader does not follow."""
    if block.keys() <= _ALLOWED[kind]:
        return
    for key in block:
        if key.removeprefix("_") not in _ALLOWED[kind]:
            hint = nearest(key, _ALLOWED[kind])
            text = f"'{key}' is unknown here or would change what the set holds; wanted: list codes, or one is-a filter"
            reading.wrong("unknown-key", f"{pointer}/{key}", text, hint)


def _text(block: Mapping[str, Any], key: str, reading: _Reading, pointer: str = "") -> str:
    value = block.get(key)
    if isinstance(value, str) and value.strip():
        return value
    code = "wrong-type" if key in block else "missing-key"
    reading.wrong(code, f"{pointer}/{key}", f"found {type(value).__name__ if key in block else 'nothing'}, wanted text")
    return ""


def _blocks(value: Any, pointer: str, reading: _Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each object of a list with its pointer; a list that is none, or an item that is none, is a problem."""
    if not isinstance(value, list):
        reading.wrong("wrong-type", pointer, f"found {type(value).__name__}, wanted a list")
        return
    for at, each in enumerate(value):
        if isinstance(each, dict):
            yield f"{pointer}/{at}", each
        else:
            reading.wrong("wrong-type", f"{pointer}/{at}", f"found {type(each).__name__}, wanted an object")


def _extensions(body: Mapping[str, Any], reading: _Reading) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {name: [] for name in EXTENSIONS}
    for pointer, each in _blocks(body.get("extension", []), "/extension", reading):
        url = each.get("url")
        if not isinstance(url, str) or not url.startswith(EXTENSION):
            continue
        name = url.removeprefix(EXTENSION)
        if name not in found:
            reading.wrong("unknown-key", pointer, f"no extension '{name}'", nearest(name, EXTENSIONS))
            continue
        value = _text(each, "valueCode" if name in ("found-in", "disjoint-from") else "valueString", reading, pointer)
        if value:
            found[name].append(_extension_value(name, value, pointer, reading))
    both = sorted(set(found["phrase"]) & set(found["excluded-phrase"]))
    if both:
        reading.wrong("two-kinds", "/extension", f"'{both[0]}' is a phrase and an excluded phrase")
    if found["excluded-phrase"] and not found["phrase"]:
        reading.wrong("missing-key", "/extension", "there are excluded phrases, but no phrase to exclude them from")
    return {name: tuple(dict.fromkeys(each for each in values if each)) for name, values in found.items()}


def _extension_value(name: str, value: str, pointer: str, reading: _Reading) -> str:
    if name == "disjoint-from":
        return value
    if name == "found-in":
        if value not in OBSERVATION_KEYS:
            wanted = ", ".join(OBSERVATION_KEYS)
            reading.wrong("wrong-type", pointer, f"found '{value}', wanted one of {wanted}")
        return value
    phrase = " ".join(words(value))
    if not phrase:
        reading.wrong("wrong-type", pointer, f"found '{value}', wanted at least one word of letters or digits")
    return phrase


def _read_compose(compose: Any, reading: _Reading) -> None:
    if not isinstance(compose, dict):
        reading.wrong("wrong-type", "/compose", f"found {type(compose).__name__}, wanted an object")
        return
    _known("compose", compose, "/compose", reading)
    for key, codes, subtrees in (
        ("include", reading.codes, reading.subtrees),
        ("exclude", reading.not_codes, reading.not_subtrees),
    ):
        for pointer, block in _blocks(compose.get(key, []), f"/compose/{key}", reading):
            _read_include(block, pointer, codes, subtrees, reading)


def _read_include(
    block: dict[str, Any], pointer: str, codes: set[Coding], subtrees: set[Coding], reading: _Reading
) -> None:
    _known("include", block, pointer, reading)
    system = _text(block, "system", reading, pointer)
    has = [key for key in ("concept", "filter") if block.get(key)]
    if not system:
        return
    if len(has) != 1:
        text = "both codes and a filter" if has else "a whole code system"
        reading.wrong("two-kinds", pointer, f"found {text}, wanted `concept` or `filter`")
        return
    if has == ["filter"]:
        subtrees.update(_roots(block["filter"], system, f"{pointer}/filter", reading))
        return
    for at, each in _blocks(block["concept"], f"{pointer}/concept", reading):
        _known("concept", each, at, reading)
        _add(each, system, at, codes, reading)


def _roots(filters: Any, system: str, pointer: str, reading: _Reading) -> Iterable[Coding]:
    """Give the root of the one filter that is followed: ICD-10-CM, concept is-a, so that a code's prefixes tell."""
    blocks = list(_blocks(filters, pointer, reading))
    if len(blocks) > 1:
        reading.wrong("two-kinds", pointer, "several filters must all hold; wanted one filter in each include")
        return
    for at, each in blocks:
        _known("filter", each, at, reading)
        asked = (each.get("property"), each.get("op"))
        root = normalise(system, str(each.get("value", "")))
        if asked != ("concept", "is-a"):
            reading.wrong("wrong-type", at, f"found {asked[0]!r} {asked[1]!r}, wanted 'concept' 'is-a'")
        elif root.system != ICD_10_CM:
            text = f"found a subtree of {system}; only ICD-10-CM codes show their place, so list the codes"
            reading.wrong("wrong-type", at, text)
        elif not _ICD_ROOT.fullmatch(root.code):
            reading.wrong("wrong-type", at, f"found '{root.code}', wanted an ICD-10-CM category or code such as F11.2")
        else:
            yield root


def _add(block: Mapping[str, Any], system: str, pointer: str, codes: set[Coding], reading: _Reading) -> None:
    code = _text(block, "code", reading, pointer)
    if code:
        coding = normalise(system, code)
        codes.add(coding)
        if isinstance(block.get("display"), str):
            reading.displays[coding] = block["display"]


def _read_expansion(expansion: Any, reading: _Reading) -> None:
    """Read the codes a server worked out. A page of an expansion is refused: it is not the whole set."""
    if not isinstance(expansion, dict):
        reading.wrong("wrong-type", "/expansion", f"found {type(expansion).__name__}, wanted an object")
        return
    _known("expansion", expansion, "/expansion", reading)
    count = _read_contains(expansion.get("contains", []), "/expansion/contains", reading)
    total, offset = expansion.get("total"), expansion.get("offset")
    if (isinstance(total, int) and total > count) or offset:
        text = f"this is a page of {count} codes, {total} in all; wanted the whole expansion"
        reading.wrong("wrong-type", "/expansion/total", text)


def _read_contains(contains: Any, pointer: str, reading: _Reading) -> int:
    count = 0
    for at, each in _blocks(contains, pointer, reading):
        _known("contains", each, at, reading)
        count += 1
        # An abstract entry only groups those below it; it is never a code of a record.
        if each.get("abstract") is not True:
            system = _text(each, "system", reading, at)
            if system:
                _add(each, system, at, reading.codes, reading)
        if "contains" in each:
            count += _read_contains(each["contains"], f"{at}/contains", reading)
    return count
