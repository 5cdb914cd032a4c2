"""The tutorials, the guides and the README are true: their commands are run, and what they show is what comes.

A ```console block holds commands ("$ ...") and their output; a ```diff block whose first line names a file is an edit;
a block of another sort whose first line is "# " and a file below var/ is that file. They are done in order, in a folder
with the rules and a `.venv` that leads to this code. A line "..." stands for any lines; days, times, ids, line numbers
and how many tests there are may differ.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli import SAMPLES
from tests.running import free_port

ROOT = Path(__file__).parent.parent
TUTORIALS = ROOT / "docs" / "tutorial"
HOW_TO = ROOT / "docs" / "how-to"
PAGES = (
    TUTORIALS / "change-one-number.md",
    TUTORIALS / "first-call.md",
    TUTORIALS / "write-your-first-rule.md",
    HOW_TO / "connect-cerner.md",
    HOW_TO / "connect-epic.md",
    HOW_TO / "connect-sandbox.md",
    HOW_TO / "operate.md",
    HOW_TO / "read-an-answer.md",
    HOW_TO / "read-an-explanation.md",
    HOW_TO / "release-a-change.md",
    HOW_TO / "simulate-a-change.md",
    HOW_TO / "tune-a-parameter-at-your-site.md",
    HOW_TO / "try-a-version-silently.md",
    HOW_TO / "write-a-client.md",
    ROOT / "README.md",
)
# They take half a minute and more each, and have shorter neighbors that go the same ways: `make slow` follows them.
LONG = ("connect-cerner.md", "connect-epic.md", "operate.md", "release-a-change.md", "try-a-version-silently.md")
ANY = "..."

# Does what the pages ask of curl, for machines without it.
_CURL = """
import argparse, requests
options = argparse.ArgumentParser()
for flag in ("-s", "-i"):
    options.add_argument(flag, action="store_true")
for flag in ("-d", "-X", "-o", "-w"):
    options.add_argument(flag, default="")
options.add_argument("-H", action="append", default=[])
options.add_argument("url")
asked = options.parse_args()
body = open(asked.d[1:], "rb").read() if asked.d.startswith("@") else asked.d.encode() or None
headers = dict(each.split(": ", 1) for each in asked.H)
answer = requests.request(asked.X or ("POST" if body else "GET"), asked.url, data=body, headers=headers, timeout=30)
if asked.i:
    print(f"HTTP/1.1 {answer.status_code} {answer.reason}")
    print("".join(f"{name}: {value}\\n" for name, value in answer.headers.items()))
if not asked.o:
    print(answer.text)
print(asked.w.replace("%{http_code}", str(answer.status_code)).replace("\\\\n", "\\n"), end="")
"""

_BLOCK = re.compile(r"(?ms)^```([a-z]+)\n(.*?)^```$")
_FILE = re.compile(r"# (var/[a-z0-9_./-]+)\n")
_ASSIGNMENT = re.compile(r"([A-Z]+)=(\S+|\$\(.*\))")
_LOOSE = [
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "DAY"),
    (re.compile(r"\b\d+ ms\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{64}\b"), ANY),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r"^kid: \S+$"), "KID"),
    (re.compile(r" \(entries looked at.*"), ""),
    (re.compile(r"\.yaml:\d+(:\d+)?:"), ".yaml:LINE:"),
    (re.compile(r"\b\d+ (allowed|not reviewed yet)"), r"N \1"),
    (re.compile(r"median [\d.]+, highest [\d.]+ \([a-z-]+\)"), "GRADES"),
    (re.compile(r"\b(\d+) of \1\b"), "ALL"),
    (re.compile(r"\b\d+ of \d+\b"), "SOME"),
]


@dataclass(frozen=True, slots=True)
class Step:
    """A command with its output, an edit: (file, what stands there, what shall), or a file and its text."""

    command: str = ""
    output: tuple[str, ...] = ()
    edits: tuple[tuple[str, str, str], ...] = ()
    file: tuple[str, str] = ("", "")


def steps(page: str) -> Iterator[Step]:
    """Give the commands, edits and files of a page, in order."""
    for sort, text in _BLOCK.findall(page):
        if sort == "diff":
            yield Step(edits=tuple(_edits(text.splitlines())))
        elif sort == "console":
            for part in re.split(r"(?m)^\$ ", text)[1:]:
                command, *output = part.rstrip("\n").split("\n")
                yield Step(command, tuple(output))
        elif named := _FILE.match(text):
            # JSON has no comments: the line that names the file is not of it
            yield Step(file=(named[1], text[named.end() :] if named[1].endswith(".json") else text))


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
        (folder / "fhir_fixtures").symlink_to(ROOT / "fhir_fixtures")
        self._program(".venv/bin/cds-service", f'#!/bin/sh\nexec "{sys.executable}" -m cds_service "$@"\n')
        for python in ("bin/python3", ".venv/bin/python"):
            self._program(python, f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self._program("bin/curl", f"#!{sys.executable}\n{_CURL}")

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def run(self, command: str) -> list[str]:
        """Give the lines that a command prints, whatever its exit code; a variable that it sets is kept."""
        if command == "make run":
            command = "CDS_AUTH=off CDS_RULES=rules cds-service serve"
        if command.endswith("cds-service serve"):
            return self.serve(dict(each.split("=", 1) for each in shlex.split(command)[:-2]))
        command = command.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        if variable := _ASSIGNMENT.fullmatch(command):
            (self.environment[variable[1]],) = self.run(f'{command}; echo "${variable[1]}"')
            return []
        ran = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        return (ran.stdout + ran.stderr).splitlines()

    def serve(self, settings: dict[str, str]) -> list[str]:
        """Start the service, on a free port; what `make run` prints of installing is not here.

        A page starts it again once its reader has stopped it.
        """
        self.close()
        self.port = str(free_port())
        given = {name: value.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}") for name, value in settings.items()}
        self.server = subprocess.Popen(
            [self.folder / ".venv/bin/cds-service", "serve"],
            cwd=self.folder,
            env={**self.environment, **given, "CDS_PORT": self.port, "CDS_WORKERS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.server.stdout is not None
        lines: list[str] = []
        last, times = ("curl ", len(SAMPLES)) if given["CDS_AUTH"] == "off" else ("rules:    http", 1)
        while sum(line.lstrip().startswith(last) for line in lines) < times:
            line = self.server.stdout.readline()
            assert line, lines
            lines.append(line.rstrip("\n"))
        return lines

    def write(self, file: str, text: str) -> None:
        """Write a file as a reader of the page would."""
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port or 8000}")
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_text(text, encoding="utf-8")

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


def _param(page: Path) -> Any:
    return pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in LONG else [])


@pytest.mark.parametrize("page", [_param(page) for page in PAGES])
def test_what_a_page_shows_is_what_comes(page: Path, terminal: Terminal) -> None:
    done = list(steps(page.read_text(encoding="utf-8")))
    assert done
    for step in done:
        for edit in step.edits:
            terminal.edit(*edit)
        if step.file[0]:
            terminal.write(*step.file)
        if step.command:
            wanted = step.output
            if step.command == "make run":  # making .venv is another test's matter
                wanted = tuple(line for line in wanted if not line.startswith(("Making .venv", "Installing what")))
            came = terminal.run(step.command)
            assert first_difference(wanted, came) == "", f"{step.command}\n" + "\n".join(came)


def test_a_page_is_read_as_commands_edits_and_files() -> None:
    page = "```console\n$ one\na\n$ two\n```\n\n```diff\n--- f\n-x\n-y\n+z\n-p\n+q\n```\n"
    page += "```yaml\n# var/a.yaml\na: 1\n```\n```json\n{}\n```\n"
    assert list(steps(page)) == [
        Step("one", ("a",)),
        Step("two", ()),
        Step(edits=(("f", "x\ny\n", "z\n"), ("f", "p\n", "q\n"))),
        Step(file=("var/a.yaml", "# var/a.yaml\na: 1\n")),
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
