"""The tutorials and the README are true: their commands are run, and what they show is what comes.

A ```console block holds commands ("$ ...") and their output; a ```diff block whose first line names a file is an edit.
Both are done in order, in a folder with the rules and a `.venv` that leads to this code. A line "..." stands for any
lines; days, times, ids, line numbers and how many tests there are may differ.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cds_service.cli import SAMPLES

ROOT = Path(__file__).parent.parent
TUTORIALS = ROOT / "docs" / "tutorial"
PAGES = (
    TUTORIALS / "change-one-number.md",
    TUTORIALS / "first-call.md",
    ROOT / "docs" / "how-to" / "read-an-answer.md",
    ROOT / "docs" / "how-to" / "read-an-explanation.md",
    ROOT / "docs" / "how-to" / "simulate-a-change.md",
    ROOT / "README.md",
)
ANY = "..."

# Does what the pages ask of curl, for machines without it.
_CURL = """
import sys, requests
options, url = sys.argv[1:-1], sys.argv[-1]
if "-d" in options:
    body = open(options[options.index("-d") + 1].removeprefix("@"), "rb").read()
    print(requests.post(url, body, headers={"Content-Type": "application/json"}, timeout=30).text)
else:
    print(requests.get(url, timeout=30).text)
"""

_BLOCK = re.compile(r"(?ms)^```(console|diff)\n(.*?)^```$")
_LOOSE = [
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "DAY"),
    (re.compile(r"\b\d+ ms\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{64}\b"), ANY),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r" \(entries looked at.*"), ""),
    (re.compile(r"\.yaml:\d+(:\d+)?:"), ".yaml:LINE:"),
    (re.compile(r"\b\d+ (allowed|not reviewed yet)"), r"N \1"),
    (re.compile(r"median [\d.]+, highest [\d.]+ \([a-z-]+\)"), "GRADES"),
    (re.compile(r"\b(\d+) of \1\b"), "ALL"),
    (re.compile(r"\b\d+ of \d+\b"), "SOME"),
]


@dataclass(frozen=True, slots=True)
class Step:
    """A command with its output, or an edit: (file, what stands there, what shall)."""

    command: str = ""
    output: tuple[str, ...] = ()
    edits: tuple[tuple[str, str, str], ...] = ()


def steps(page: str) -> Iterator[Step]:
    """Give the commands and edits of a page, in order."""
    for sort, text in _BLOCK.findall(page):
        if sort == "diff":
            yield Step(edits=tuple(_edits(text.splitlines())))
            continue
        for part in re.split(r"(?m)^\$ ", text)[1:]:
            command, *output = part.rstrip("\n").split("\n")
            yield Step(command, tuple(output))


def _edits(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    file, old, new = lines[0].removeprefix("--- "), "", ""
    for line in [*lines[1:], "-"]:
        if line.startswith("-") and new:
            yield file, old, new
            old, new = "", ""
        old += f"{line[1:]}\n" if line.startswith("-") else ""
        new += f"{line[1:]}\n" if line.startswith("+") else ""


def loose(line: str) -> str:
    """A line without what differs from day to day."""
    for shape, word in _LOOSE:
        line = shape.sub(word, line)
    return line.rstrip()


def first_difference(wanted: tuple[str, ...], came: list[str]) -> str:
    """Compare output with what a page shows; "" when it is that, else the first line of the page that did not come."""
    at, skipping = 0, False
    for line in wanted:
        if line == ANY:
            skipping = True
            continue
        while skipping and at < len(came) and loose(came[at]) != loose(line):
            at += 1
        if at == len(came) or loose(came[at]) != loose(line):
            return f"{line!r} was wanted, {came[at]!r} came" if at < len(came) else f"{line!r} did not come"
        at, skipping = at + 1, False
    return "" if skipping or at == len(came) else f"{came[at]!r} came besides"


class Terminal:
    """A folder like that of the source, where the commands of a page are run; holds the server that a page starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: subprocess.Popen[str] | None = None
        self.port = ""
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("CDS_")}
        self.environment["PYTHONPATH"] = str(ROOT)
        self.environment["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
        shutil.copytree(ROOT / "rules", folder / "rules")
        self._program(".venv/bin/cds-service", f'#!/bin/sh\nexec "{sys.executable}" -m cds_service "$@"\n')
        self._program("bin/python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self._program("bin/curl", f"#!{sys.executable}\n{_CURL}")

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def run(self, command: str) -> list[str]:
        """Give the lines that a command prints, whatever its exit code."""
        if command == "make run":
            return self.serve()
        command = command.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        ran = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        return (ran.stdout + ran.stderr).splitlines()

    def serve(self) -> list[str]:
        """Start the service as `make run` does, on a free port; what `make` prints of installing is not here."""
        self.server = subprocess.Popen(
            [self.folder / ".venv/bin/cds-service", "serve"],
            cwd=self.folder,
            env={**self.environment, "CDS_AUTH": "off", "CDS_PORT": "0", "CDS_RULES": "rules", "CDS_WORKERS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.server.stdout is not None
        lines: list[str] = []
        while sum(line.lstrip().startswith("curl ") for line in lines) < len(SAMPLES):
            line = self.server.stdout.readline()
            assert line, lines
            lines.append(line.rstrip("\n"))
            self.port = next(iter(re.findall(r"^serving http://127\.0\.0\.1:(\d+)", line)), self.port)
        return lines

    def edit(self, file: str, old: str, new: str) -> None:
        """Change lines of a file as a reader of the page would."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} holds {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def close(self) -> None:
        """Stop the server, if one was started."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(timeout=30)
            if self.server.stdout:
                self.server.stdout.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_what_a_page_shows_is_what_comes(page: Path, terminal: Terminal) -> None:
    done = list(steps(page.read_text(encoding="utf-8")))
    assert done
    for step in done:
        for edit in step.edits:
            terminal.edit(*edit)
        if step.command:
            wanted = step.output
            if step.command == "make run":  # making .venv is another test's matter
                wanted = tuple(line for line in wanted if not line.startswith(("Making .venv", "Installing what")))
            came = terminal.run(step.command)
            assert first_difference(wanted, came) == "", f"{step.command}\n" + "\n".join(came)


def test_a_page_is_read_as_commands_and_edits() -> None:
    page = "```console\n$ one\na\n$ two\n```\n\n```diff\n--- f\n-x\n-y\n+z\n-p\n+q\n```\n"
    assert list(steps(page)) == [
        Step("one", ("a",)),
        Step("two", ()),
        Step(edits=(("f", "x\ny\n", "z\n"), ("f", "p\n", "q\n"))),
    ]


@pytest.mark.parametrize(
    ("wanted", "came", "told"),
    [
        (("a", "b"), ["a", "b"], ""),
        (("a", ANY, "d"), ["a", "b", "c", "d"], ""),
        (("on 2026-01-01 in 3 ms",), ["on 2027-12-31 in 40 ms"], ""),
        (("a", "b"), ["a", "c"], "'b' was wanted, 'c' came"),
        (("a", ANY, "d"), ["a", "b"], "'d' did not come"),
        (("a",), ["a", "b"], "'b' came besides"),
        (("a", ANY), ["a", "b"], ""),
    ],
)
def test_output_is_compared_line_by_line(wanted: tuple[str, ...], came: list[str], told: str) -> None:
    assert first_difference(wanted, came) == told
