"""What holds for every tracked file: no package registry, no machine's path, lock files with hashes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NPM = ROOT / "tests" / "foreign"
LOCKS = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt")

# Written in two parts, so that this file holds none of them itself.
_REGISTRIES = re.compile(
    "|".join(
        re.escape(name + end)
        for name, end in [
            ("pypi", ".org"),
            ("python", "hosted.org"),
            ("npm", "js.org"),
            ("npm", "js.com"),
            ("registry.yarn", "pkg.com"),
            ("crates", ".io"),
            ("proxy.go", "lang.org"),
            ("--index", "-url"),
            ("--extra-index", "-url"),
            ("--find", "-links"),
        ]
    )
    + r"|https?://[^\s\"']+/simple\b"
)
# `make lock` tells pip-compile to leave these out, which names them.
_LEAVING_OUT = re.compile(r"--no-emit-(index-url|find-links)")
_MACHINE_PATH = re.compile(r"(?<![\w.}/])/(?:home/\w|Users/\w|root/|work/|opt/wheels|opt/pypi)|\b[A-Z]:\\\\?Users\b")


def tracked_files() -> list[Path]:
    """Every file that git tracks and that is still there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def foreign_places(text: str) -> list[str]:
    """Package registries and paths of somebody's machine that a text names, with their line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = _LEAVING_OUT.sub("", line)
        found += [f"{number}: {hit.group()}" for shape in (_REGISTRIES, _MACHINE_PATH) for hit in shape.finditer(line)]
    return found


def unlocked(text: str) -> list[str]:
    """Requirements of a lock file that are not pinned to one version with at least one sha256."""
    found = []
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    for entry in entries:
        first = entry.split()[0] if entry.split() else ""
        if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+-]+", first) or "--hash=sha256:" not in entry:
            found.append(first)
    return found


def pins(text: str) -> dict[str, str]:
    """Name and version of every pinned requirement."""
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", text))


def test_no_tracked_file_names_a_registry_or_a_machine() -> None:
    found = {}
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        if places := foreign_places(text):
            found[str(path.relative_to(ROOT))] = places
    assert found == {}


def test_git_names_the_files_to_look_at() -> None:
    assert ROOT / "pyproject.toml" in tracked_files()


@pytest.mark.parametrize(
    "line",
    [
        "--index" + "-url https://example.org/",
        "url = 'https://mirror.example.org/sim" + "ple/'",
        '"resolved": "https://registry.npm' + 'js.org/a"',
        "files.python" + "hosted.org",
        "path = '/ro" + "ot/project'",
        "cd /wo" + "rk/main",
        "/ho" + "me/someone/a.txt",
    ],
)
def test_a_registry_or_a_machine_is_found(line: str) -> None:
    assert len(foreign_places("first\n" + line)) == 1


@pytest.mark.parametrize(
    "line",
    ["https://example.org/work/a", "FHIR/Patient/root/1", "simple", "/srv/cds", "pip-compile --no-emit-index-url"],
)
def test_other_places_are_let_be(line: str) -> None:
    assert foreign_places(line) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_its_hash(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert pins(text)
    assert unlocked(text) == []


@pytest.mark.parametrize("entry", ["flask>=3 \\\n    --hash=sha256:ab", "flask==3.1.3", "-r other.txt", "./folder"])
def test_an_unpinned_requirement_is_found(entry: str) -> None:
    good = "click==8.5.1 \\\n    --hash=sha256:ab\n    # via flask\n"
    assert unlocked(good) == []
    assert unlocked(good + entry + "\n") == [entry.split()[0]]


def test_every_npm_package_is_pinned_with_its_hash_and_no_host() -> None:
    wanted = json.loads((NPM / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = json.loads((NPM / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages = {name.removeprefix("node_modules/"): each for name, each in lock.items() if name}
    assert (lock[""]["dependencies"], {name: packages[name]["version"] for name in wanted}) == (wanted, wanted)
    loose = [
        name for name, each in packages.items() if "resolved" in each or "sha512-" not in each.get("integrity", "")
    ]
    assert loose == []


def test_the_lock_files_agree() -> None:
    run, build, dev = (pins((ROOT / name).read_text(encoding="utf-8")) for name in LOCKS)
    assert run.items() <= dev.items()
    assert {name: dev[name] for name in build.keys() & dev.keys()} == {name: build[name] for name in build.keys() & dev}
