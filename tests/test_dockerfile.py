"""What the Dockerfile promises, read from its text: sources exist, an unprivileged user, a health check, no secret."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SECRET_NAME = re.compile(r"(?i)\b\w*(passw(or)?d|secret|token|api_?key|private_?key|credential)\w*\s*[= ]")


class Instruction(NamedTuple):
    """One instruction: its name in capitals and the rest, with continued lines joined."""

    name: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile in order; comments and empty lines are left out."""
    kept = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(kept))
    parted = (line.strip().partition(" ") for line in joined.splitlines())
    return [Instruction(name.upper(), rest.strip()) for name, _, rest in parted]


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage; a stage begins with its FROM."""
    parted: list[list[Instruction]] = []
    for each in instructions(text):
        if each.name == "FROM" or not parted:
            parted.append([])
        parted[-1].append(each)
    return parted


def problems(text: str, root: Path) -> list[str]:
    """What is wrong with a Dockerfile whose build context is `root`."""
    found = []
    for each in instructions(text):
        if each.name == "FROM" and not re.search(r":[\w.-]*\d", each.rest):
            found.append(f"base without a version: {each.rest}")
        if each.name == "ADD":
            found.append(f"ADD: {each.rest}")
        if each.name == "COPY" and "--from=" not in each.rest:
            *sources, _ = [word for word in each.rest.split() if not word.startswith("--")]
            found += [f"no such source: {source}" for source in sources if not (root / source).exists()]
        if each.name in ("ENV", "ARG") and SECRET_NAME.search(each.rest + " "):
            found.append(f"secret: {each.rest}")
        if each.name == "RUN" and re.search(r"\b(curl|wget)\b|https?://", each.rest):
            found.append(f"download: {each.rest}")
        if each.name == "RUN" and re.search(r"pip install .*-r ", each.rest) and "--require-hashes" not in each.rest:
            found.append(f"packages without hashes: {each.rest}")
    last = stages(text)[-1]
    users = [each.rest for each in last if each.name == "USER"]
    if not users or users[-1].split(":")[0] in ("root", "0"):
        found.append("runs as root")
    if not any(each.name == "HEALTHCHECK" and each.rest.upper() != "NONE" for each in last):
        found.append("no health check")
    return found


GOOD = """
FROM python:3.11-slim
COPY a.txt ./
USER 10001
HEALTHCHECK CMD ["true"]
"""


def test_the_dockerfile_keeps_its_promises() -> None:
    assert problems(DOCKERFILE, ROOT) == []


def test_a_good_sample_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert problems(GOOD, tmp_path) == []


@pytest.mark.parametrize(
    ("good", "bad", "wanted"),
    [
        ("python:3.11-slim", "python", "base without a version: python"),
        ("python:3.11-slim", "python:latest", "base without a version: python:latest"),
        ("COPY a.txt ./", "COPY a.txt b.txt ./", "no such source: b.txt"),
        ("COPY a.txt ./", "ADD https://example.org/a.txt ./", "ADD: https://example.org/a.txt ./"),
        ("COPY a.txt ./", "RUN true && \\\n  curl -O x", "download: true && curl -O x"),
        ("COPY a.txt ./", "RUN pip install -r a.txt", "packages without hashes: pip install -r a.txt"),
        ("COPY a.txt ./", "ENV DB_PASSWORD=a", "secret: DB_PASSWORD=a"),
        ("COPY a.txt ./", "ARG TOKEN", "secret: TOKEN"),
        ("USER 10001", "USER root", "runs as root"),
        ("USER 10001", "USER 0:0", "runs as root"),
        ("USER 10001", "", "runs as root"),
        ('HEALTHCHECK CMD ["true"]', "HEALTHCHECK NONE", "no health check"),
    ],
)
def test_a_broken_promise_is_found(tmp_path: Path, good: str, bad: str, wanted: str) -> None:
    (tmp_path / "a.txt").touch()
    assert problems(GOOD.replace(good, bad), tmp_path) == [wanted]


def test_the_user_of_an_earlier_stage_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert problems(GOOD + 'FROM python:3.11\nHEALTHCHECK CMD ["true"]', tmp_path) == ["runs as root"]


def test_the_health_check_asks_healthz_with_python_that_compiles() -> None:
    (check,) = [each.rest for each in stages(DOCKERFILE)[-1] if each.name == "HEALTHCHECK"]
    python, option, source = json.loads(check[check.index("CMD") + 3 :])
    assert (python, option) == ("python", "-c")
    assert "/healthz" in source
    compile(source, "HEALTHCHECK", "exec")


def test_the_image_asks_every_caller_who_it_is() -> None:
    settings = " ".join(each.rest for each in stages(DOCKERFILE)[-1] if each.name == "ENV").split()
    assert {"CDS_AUTH=required", "CDS_HOST=0.0.0.0"} <= set(settings)
    assert not [each for each in settings if each.startswith("CDS_ALLOW_")]


def test_it_serves_with_the_command_of_the_package() -> None:
    last = stages(DOCKERFILE)[-1]
    assert [json.loads(each.rest) for each in last if each.name == "CMD"] == [["cds-service", "serve"]]


def test_the_build_context_holds_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    copied = {
        word
        for each in instructions(DOCKERFILE)
        if each.name == "COPY" and "--from=" not in each.rest
        for word in each.rest.split()[:-1]
    }
    assert {line[1:] for line in lines if line.startswith("!")} == copied
