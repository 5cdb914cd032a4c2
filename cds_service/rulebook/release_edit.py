"""Edits of release.yaml as text: only the lines that change are written anew, so comments and order stay.

Pure: text in, text out. What is written is read again before it is given, so no edit can leave a file that is broken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.rulebook.change import version_order
from cds_service.rulebook.release_file import RELEASE_FILE, read_release_text
from cds_service.rulebook.source import Node, Source, parse_source

ACTIVE, TRIAL, OFF = "active", "trial", "off"
_COMMENT = re.compile(r"\s+#.*$")
_SECTIONS = ("release", "never_when", "rules", "definitions", "value_sets")


class NoEdit(ValueError):
    """The edit cannot be made; the text says where, what was found and what is wanted."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A release file: its lines with their ends, and its nodes."""

    lines: list[str]
    source: Source
    root: Node


def renamed(text: str, name: str, file: str = RELEASE_FILE) -> str:
    """Give the text with another name of the release. Raises NoEdit."""
    held = _read(text, file)
    node = held.root.get("release")
    if node is None or node.kind != "scalar":
        raise NoEdit(f"{file}:1:1: there is no line `release: 2026.11.0`")
    at, column = node.mark.line - 1, node.mark.column - 1
    held.lines[at] = f"{held.lines[at][:column]}{held.lines[at][column:].replace(node.text, name, 1)}"
    return _checked("".join(held.lines), file)


def promoted(text: str, rule: str, version: str, run: str, file: str = RELEASE_FILE) -> str:
    """Give the text with a version of a rule active, on trial or off. Raises NoEdit.

    ACTIVE takes the place of the version that is active, and ends a trial of this version. TRIAL stands beside the
    active one. OFF takes this version out; the line goes when neither an active version nor a trial is left.
    A rule that is not there yet comes last.
    """
    held = _read(text, file)
    rules = held.root.get("rules")
    if rules is None or rules.kind != "block":
        raise NoEdit(f"{file}:1:1: there is no block `rules`")
    now = _versions(rules.get(rule))
    wanted = _wanted(now, rule, version, run)
    line = f"{rule}: {{{', '.join(f'{key}: {each}' for key, each in wanted.items())}}}"
    if rules.get(rule) is None:
        _insert(held, rules, line, file)
    else:
        _replace(held, rules, rule, line if wanted else "", file)
    return _checked("".join(held.lines), file)


def pinned(text: str, section: str, name: str, version: str, file: str = RELEASE_FILE) -> str:
    """Give the text with one more entry in `definitions` or `value_sets`, in its place by name. Raises NoEdit."""
    return _checked(_pinned(text, section, name, version, file), file)


def _versions(entry: Node | None) -> dict[str, str]:
    """What a rule's entry has: version by "active" and "trial". Raises NoEdit for a trial with pins of its own."""
    found = {}
    for key, node in entry.entries if entry else ():
        own = node.get("version")
        found[key.text] = own.text if own else node.text
        if node.kind == "block" and len(node.entries) > 1:
            found["own pins"] = ", ".join(each.text for each, _ in node.entries if each.text != "version")
    return found


def _wanted(now: Mapping[str, str], rule: str, version: str, run: str) -> dict[str, str]:
    if "own pins" in now:
        raise NoEdit(
            f"the trial of {rule} has {now['own pins']} of its own; move what it needs to the pins of the release, or "
            "end the trial by hand"
        )
    active, trial = now.get(ACTIVE), now.get(TRIAL)
    if run == ACTIVE:
        if version == active and trial != version:
            raise NoEdit(f"{rule} {version} is active already")
        active, trial = version, None if trial == version else trial
    elif run == TRIAL:
        if version == active:
            raise NoEdit(f"{rule} {version} is active already; to have it judged and not shown, take it `off` first")
        if version == trial:
            raise NoEdit(f"{rule} {version} is on trial already")
        trial = version
    else:
        if version not in (active, trial):
            there = ", ".join(f"{key} {each}" for key, each in now.items()) or "no version of it"
            raise NoEdit(f"{rule} {version} is neither active nor on trial; the release has {there}")
        active, trial = (None if each == version else each for each in (active, trial))
    return {key: each for key, each in ((ACTIVE, active), (TRIAL, trial)) if each}


# --- lines -----------------------------------------------------------------------------------------------------------


def _read(text: str, file: str) -> _Text:
    source, problems = parse_source(text, file)
    if source.root is None or source.root.kind != "block":
        raise NoEdit("\n".join(map(str, problems)) or f"{file}:1:1: is no block of keys")
    return _Text(text.splitlines(keepends=True), source, source.root)


def _checked(text: str, file: str) -> str:
    problems = read_release_text(text).problems
    if problems:
        raise NoEdit(f"{file} would have an error after the edit; nothing was written\n{problems[0]}")
    return text


def _own_lines(held: _Text, block: Node, file: str) -> None:
    """Raise NoEdit unless every entry of a block begins a line of its own."""
    for key, _ in block.entries:
        if held.lines[key.mark.line - 1][: key.mark.column - 1].strip():
            where = f"{file}:{key.mark.line}:{key.mark.column}"
            raise NoEdit(f"{where}: '{key.text}' does not stand on a line of its own; put each rule on one")


def _ends(held: _Text, block: Node, number: int) -> int:
    """Give the line after the last one of a block's entry; blank lines and comments below it are not of it."""
    entries = block.entries
    start = entries[number][0].mark.line
    if number + 1 < len(entries):
        end = entries[number + 1][0].mark.line - 1
    else:
        above = [key.mark.line - 1 for key, _ in held.root.entries if key.mark.line > start]
        end = min(above, default=len(held.lines))
    while end > start and (not held.lines[end - 1].strip() or held.lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _replace(held: _Text, block: Node, name: str, line: str, file: str) -> None:
    """Write one entry of a block anew, or take it out for ""; a comment at its first line stays."""
    _own_lines(held, block, file)
    number = next(at for at, (key, _) in enumerate(block.entries) if key.text == name)
    start, end = block.entries[number][0].mark.line - 1, _ends(held, block, number)
    if not line:
        if len(block.entries) == 1:
            raise NoEdit(f"{name} is the only rule of the release; a release without rules cannot be served")
        del held.lines[start:end]
        return
    comment = _COMMENT.search(held.lines[start].rstrip("\r\n"))
    indent = held.lines[start][: block.entries[number][0].mark.column - 1]
    held.lines[start:end] = [f"{indent}{line}{comment[0] if comment else ''}{_newline(held)}"]


def _insert(held: _Text, block: Node, line: str, file: str, before: str | None = None) -> None:
    """Write a new entry into a block, before a key or last."""
    _own_lines(held, block, file)
    indent = held.lines[block.entries[0][0].mark.line - 1][: block.entries[0][0].mark.column - 1]
    number = next((at for at, (key, _) in enumerate(block.entries) if key.text == before), None)
    if number is None:
        place = _ends(held, block, len(block.entries) - 1)
        if not held.lines[place - 1].endswith("\n"):
            held.lines[place - 1] += _newline(held)
    else:
        place = block.entries[number][0].mark.line - 1
    held.lines.insert(place, f"{indent}{line}{_newline(held)}")


def _newline(held: _Text) -> str:
    return "\r\n" if held.lines and held.lines[0].endswith("\r\n") else "\n"


def _pinned(text: str, section: str, name: str, version: str, file: str) -> str:
    held = _read(text, file)
    block = held.root.get(section)
    if block is None:
        later = _SECTIONS[_SECTIONS.index(section) + 1 :]
        before = next((key.text for key, _ in held.root.entries if key.text in later), None)
        _insert(held, held.root, f"{section}:{_newline(held)}  {name}: {version}", file, before)
        return "".join(held.lines)
    there = block.get(name)
    if there is not None:  # another major of a definition stands there already
        versions = [each.text for each in there.items] or [there.text]
        at, column = there.mark.line - 1, there.mark.column - 1
        said = f"[{', '.join(sorted((*versions, version), key=version_order))}]"
        old = f"[{', '.join(versions)}]" if there.items else there.text
        if not held.lines[at][column:].startswith(old):
            raise NoEdit(f"{file}:{at + 1}:{column + 1}: write the versions of '{name}' on one line, as {old}")
        held.lines[at] = f"{held.lines[at][:column]}{said}{held.lines[at][column + len(old) :]}"
        return "".join(held.lines)
    first = held.lines[block.mark.line - 1][block.mark.column - 1 : block.mark.column]
    if first == "{":
        return _in_braces(held, block, f"{name}: {version}")
    later_names = [key.text for key, _ in block.entries if key.text > name]
    _insert(held, block, f"{name}: {version}", file, min(later_names, default=None))
    return "".join(held.lines)


def _in_braces(held: _Text, block: Node, entry: str) -> str:
    """Write an entry last into a block in braces; names and versions hold no brace."""
    start = sum(map(len, held.lines[: block.mark.line - 1])) + block.mark.column - 1
    text = "".join(held.lines)
    end = text.index("}", start)
    inside = text[start + 1 : end].rstrip()
    return f"{text[: start + 1]}{inside}{', ' if block.entries else ''}{entry}{text[end:]}"
