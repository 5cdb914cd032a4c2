"""A YAML file as nodes that know their line and column, and problems that point at them.

Only a small part of YAML is taken: blocks, lists and scalars of one document. Anchors, aliases, tags, directives,
merge keys, tabs and further documents are refused, so a file says exactly what it seems to say, and no file can grow
when it is read. Scalars stay text as written; rulebook.reader_shapes decides what each must be.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from cds_service.core.record import record
from cds_service.rulebook.lint_codes import severity_of
from cds_service.rulebook.yaml_faults import before_parsing, escaped_fault, of_parsing

SIZE_LIMIT = 1_000_000  # characters of one file
DEPTH_LIMIT = 24  # blocks and lists inside each other
NODE_LIMIT = 20_000  # scalars, lists and blocks of one file: what looks at each pair of them must still end
FAULT_LIMIT = 100  # faults of YAML that are told of one file
LINE_SHOWN = 200  # signs of a line that a problem shows

_ALLOW = re.compile(r"(?:^|\s)#\s*lint:\s*allow\b(?P<rest>.*)$")
_ALLOWED = re.compile(r"\s+(?P<code>[a-z-]+)\s+because\s+(?P<reason>\S.*)")
Place = tuple[str | int, ...]


@record(frozen=True, slots=True)
class Mark:
    """A place in a file; both numbers count from 1."""

    line: int
    column: int


@record(frozen=True, slots=True)
class Node:
    """A scalar, a list or a block of keys, and where it begins.

    kind:  "scalar" (text, plain), "list" (items) or "block" (entries: key node, value node, as written).
    plain: a scalar without quotes, the only sort that YAML would convert.
    """

    kind: str
    mark: Mark
    text: str = ""
    plain: bool = False
    items: tuple["Node", ...] = ()
    entries: tuple[tuple["Node", "Node"], ...] = ()

    def get(self, key: str) -> "Node | None":
        """The value under a key of a block, None if there is none."""
        for name, value in self.entries:
            if name.text == key:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Allow:
    """A comment that accepts a warning on its line. `code` is empty when the comment is not of the wanted form."""

    code: str
    reason: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing wrong in a file. `str()` gives it as `file:line:column: code: text` with the line and a caret."""

    file: str
    line: int
    column: int
    code: str
    text: str
    severity: str = "error"
    source_line: str = ""
    hint: str = ""

    @property
    def _shown_from(self) -> int:
        return max(0, self.column - LINE_SHOWN // 2) if len(self.source_line) > LINE_SHOWN else 0

    @property
    def shown(self) -> str:
        """The source line; of a long one the part around the place."""
        return self.source_line[self._shown_from : self._shown_from + LINE_SHOWN]

    def __str__(self) -> str:
        said = [f"{self.file}:{self.line}:{self.column}: {self.code}: {self.text}"]
        if self.source_line:
            said += [f"  {self.shown}", " " * (self.column + 1 - self._shown_from) + "^"]
        if self.hint:
            said.append(f"  hint: {self.hint}")
        return "\n".join(said)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read. root is None when it is not YAML of the wanted sort; allows: comments by line."""

    file: str
    lines: tuple[str, ...]
    root: Node | None
    allows: Mapping[int, tuple[Allow, ...]] = field(default_factory=dict)

    def node(self, path: Place) -> Node | None:
        """The node at a path such as ("criteria", "oud", "code_in", 0), or the nearest one above that exists."""
        here = self.root
        for step in path:
            below = _below(here, step)
            if below is None:
                return here
            here = below
        return here

    def has(self, path: Place) -> bool:
        """Whether something stands at the path."""
        here = self.root
        for step in path:
            here = _below(here, step)
        return here is not None

    def mark(self, path: Place) -> Mark:
        """Where the value at the path begins, or the nearest one above that exists."""
        found = self.node(path)
        return found.mark if found else Mark(1, 1)

    def key_mark(self, path: Place) -> Mark:
        """Where the key at the end of the path is written; a list item is its own key."""
        above = self.node(path[:-1])
        if above is not None and self.has(path[:-1]):
            for name, _ in above.entries:
                if name.text == path[-1]:
                    return name.mark
        return self.mark(path)

    def problem(self, code: str, at: Mark | Place, text: str, hint: str = "") -> RuleProblem:
        """Build the problem at a mark, or at the value of a path."""
        mark = at if isinstance(at, Mark) else self.mark(at)
        line = self.lines[mark.line - 1] if mark.line <= len(self.lines) else ""
        return RuleProblem(self.file, mark.line, mark.column, code, text, severity_of(code), line, hint)


def _below(here: Node | None, step: str | int) -> Node | None:
    if here is None:
        return None
    if isinstance(step, str):
        return here.get(step)
    if here.kind != "list":  # a single item stands at 0 of the list it replaces
        return here if step == 0 else None
    return here.items[step] if step < len(here.items) else None


def nearest(word: str, names: Iterable[str]) -> str:
    """Give "did you mean 'x'?" for the closest name, or nothing."""
    known = list(names)
    found = [each for each in known if each.lower() == word.lower()]
    found = found or difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else ""


def read_source(path: Path) -> tuple[Source, tuple[RuleProblem, ...]]:
    """Read one YAML file; what is wrong with it as YAML is in the problems, and then the root is None."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        empty = Source(str(path), (), None)
        return empty, (empty.problem("bad-yaml", Mark(1, 1), f"the file cannot be read: {error.strerror}"),)
    return parse_bytes(raw, str(path))


def parse_bytes(raw: bytes, file: str) -> tuple[Source, tuple[RuleProblem, ...]]:
    """Read YAML as it stands on the disk; `file` is the name that problems carry."""
    try:
        return parse_source(raw.decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        mark = Mark(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        empty = Source(file, (), None)
        return empty, (empty.problem("bad-yaml", mark, "the file is not UTF-8 text", "save it as UTF-8"),)


def parse_source(text: str, file: str) -> tuple[Source, tuple[RuleProblem, ...]]:
    """Read YAML text; `file` is the name that problems carry."""
    lines = tuple(text.splitlines())
    bare = Source(file, lines, None)
    if len(text) > SIZE_LIMIT:
        return bare, (bare.problem("bad-yaml", Mark(1, 1), f"the file is longer than {SIZE_LIMIT} characters"),)
    at_once = tuple(
        bare.problem("bad-yaml", Mark(line, column), said, hint)
        for line, column, said, hint in islice(before_parsing(text, lines), FAULT_LIMIT)
    )
    if at_once:
        return bare, at_once
    composer = _Composer(bare)
    try:
        composer.compose(text)
    except yaml.MarkedYAMLError as error:
        line, column, said, hint = of_parsing(error, lines, composer.long_quote)
        composer.refuse(Mark(line, column), said, hint)
    except yaml.YAMLError as error:
        composer.refuse(Mark(1, 1), str(error).splitlines()[0])
    except _Enough:
        pass
    if composer.refused:
        return bare, tuple(composer.problems)
    if composer.root is None:
        return bare, (bare.problem("bad-yaml", Mark(1, 1), "the file is empty"),)
    inside = {line for first, last in composer.spans for line in range(first, last)}
    return Source(file, lines, composer.root, _allows(lines, inside)), tuple(composer.problems)


def _allows(lines: tuple[str, ...], inside: set[int]) -> dict[int, tuple[Allow, ...]]:
    """Collect `# lint: allow <code> because <reason>`, except from lines inside a scalar of several lines."""
    found: dict[int, tuple[Allow, ...]] = {}
    for number, line in enumerate(lines, 1):
        if "lint:" not in line:
            continue
        comment = _ALLOW.search(line)
        if comment and number not in inside:
            mark = Mark(number, line.index("#", comment.start()) + 1)
            said = _ALLOWED.fullmatch(comment["rest"].rstrip())
            allow = Allow(said["code"], said["reason"], mark) if said else Allow("", comment["rest"].strip(), mark)
            found[number] = (allow,)
    return found


class _Enough(Exception):
    """The file is beyond a limit, or FAULT_LIMIT faults are told: reading stops."""


# An event of the parser. The stubs let its marks be absent, which they never are.
_Event: TypeAlias = Any


def _mark(event: _Event) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


class _Composer:
    """Builds nodes from parser events with a stack of its own, so that depth is bounded before anything recurses."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self.problems: list[RuleProblem] = []
        self.refused = False
        self.faults = self.nodes = 0
        self.documents = 0
        self.spans: list[tuple[int, int]] = []  # lines of scalars that go over several, the last one left out
        self.open: list[tuple[str, Mark, list[Node]]] = []
        self.long_quote: tuple[int, int] | None = None  # where the last scalar begins, if quoted and over several lines

    def refuse(self, mark: Mark, text: str, hint: str = "") -> None:
        """Note something that makes the whole file unreadable."""
        self.refused = True
        self.problems.append(self.source.problem("bad-yaml", mark, text, hint))
        self.faults += 1
        if self.faults == FAULT_LIMIT:
            raise _Enough

    def compose(self, text: str) -> None:
        """Take up all that the parser finds. Raises yaml.YAMLError, _Enough."""
        next_event = yaml.CSafeLoader(text).get_event
        while True:
            event: _Event = next_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self.scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self.begin("block" if kind is yaml.MappingStartEvent else "list", event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.end()
            elif kind is yaml.AliasEvent:
                mark = _mark(event)
                self.refuse(mark, f"the alias '*{event.anchor}' is not used in rule files", "write the value out")
                self.add(Node("scalar", mark))
            elif kind is yaml.DocumentStartEvent:
                self.document(event)
            elif kind is yaml.StreamEndEvent:
                return

    def document(self, event: _Event) -> None:
        """Begin a document, the only one."""
        self.documents += 1
        if self.documents == 2:
            self.refuse(_mark(event), "a second document begins here", "one file, one document")
        if event.version or event.tags:
            self.refuse(_mark(event), "directives are not used in rule files")

    def scalar(self, event: _Event) -> None:
        """Add a scalar."""
        began, style = event.start_mark, event.style
        line, last = began.line + 1, event.end_mark.line + 1
        mark = Mark(line, began.column + 1)
        if event.anchor is not None or event.tag is not None:
            self.refuse_marks(event, mark)
        quoted = style in ("'", '"')
        if quoted and escaped_fault(event.value):
            self.refuse(mark, escaped_fault(event.value), "leave it out")
        self.long_quote = None
        if last > line:
            self.spans.append((line, last))
            self.long_quote = (line, mark.column) if quoted else None
        self.add(Node("scalar", mark, event.value, not style))

    def begin(self, kind: str, event: _Event) -> None:
        """Open a block or a list."""
        mark = _mark(event)
        if event.anchor is not None or event.tag is not None:
            self.refuse_marks(event, mark)
        self.open.append((kind, mark, []))
        if len(self.open) > DEPTH_LIMIT:
            self.refuse(mark, f"blocks and lists nest deeper than {DEPTH_LIMIT}")
            raise _Enough

    def end(self) -> None:
        """Close the block or list that was opened last."""
        kind, start, parts = self.open.pop()
        self.add(Node("list", start, items=tuple(parts)) if kind == "list" else self.block(start, parts))

    def refuse_marks(self, event: _Event, mark: Mark) -> None:
        """Refuse anchors and tags."""
        if event.anchor is not None:
            self.refuse(mark, f"the anchor '&{event.anchor}' is not used in rule files", "write the value out")
        if event.tag is not None:
            self.refuse(mark, f"the tag '{event.tag}' is not used in rule files", "leave it out")

    def block(self, began: Mark, parts: list[Node]) -> Node:
        """Pair keys with values; the first of two equal keys stays."""
        entries: dict[str, tuple[Node, Node]] = {}
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if key.kind != "scalar":
                self.refuse(key.mark, "a key must be one word", "quote text that begins with a brace or a bracket")
            elif key.plain and key.text == "<<":
                self.refuse(key.mark, "merge keys are not used in rule files", "write the keys out")
            elif key.text in entries:
                first = entries[key.text][0].mark.line
                text = f"'{key.text}' is written twice"
                self.problems.append(
                    self.source.problem("duplicate-key", key.mark, text, f"it stands in line {first} already")
                )
            else:
                entries[key.text] = (key, value)
        return Node("block", began, entries=tuple(entries.values()))

    def add(self, node: Node) -> None:
        """Put a finished node where it belongs."""
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            self.refuse(node.mark, f"the file holds more than {NODE_LIMIT} keys, values and items")
            raise _Enough
        if self.open:
            self.open[-1][2].append(node)
        elif self.root is None:
            self.root = node
