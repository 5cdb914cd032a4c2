"""The steps of the Dockerfile, done in clean folders: there is no container engine here.

The build stage is followed as it stands, with its folders moved below one of the test's; what the last stage does to
the system (accounts, the base's own pip) is not done, only looked at. Then the image's command serves, and its health
check asks.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from tests.http.odd_servers import Asked, Said, serving_oddly
from tests.running import STOP_S, checking, free_port, private_key
from tests.test_dockerfile import DOCKERFILE, ROOT, Instruction, stages
from tests.test_repository import tracked_files

BUILD, IMAGE = stages(DOCKERFILE)
MOVED = ("/build", "/opt/cds", "/wheel", "/srv/cds")  # folders of the image that are made here, elsewhere


def words(stage: list[Instruction], name: str) -> list[str]:
    return [each.rest for each in stage if each.name == name]


def environment(stage: list[Instruction]) -> dict[str, str]:
    return dict(each.split("=", 1) for rest in words(stage, "ENV") for each in shlex.split(rest))


def health_check() -> list[str]:
    (rest,) = words(IMAGE, "HEALTHCHECK")
    command: list[str] = json.loads(rest[rest.index("CMD") + 3 :])
    return command


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (500, False)])
def test_the_health_check_tells_a_service_that_lives(status: int, healthy: bool) -> None:
    asked: list[str] = []

    def answer(came: Asked) -> Said:
        asked.append(came.path)
        return Said(status)

    with serving_oddly(answer) as url:
        _, *rest = health_check()
        port = {"CDS_PORT": url.rpartition(":")[2]}
        ran = subprocess.run([sys.executable, *rest], env={**os.environ, **port}, capture_output=True, check=False)
    assert (ran.returncode == 0, asked) == (healthy, ["/healthz"])


def test_nothing_in_the_image_can_install() -> None:
    (first, *_) = words(IMAGE, "RUN")
    assert first.startswith(
        "rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip*"
    )
    assert "python -m venv --without-pip /opt/cds" in words(BUILD, "RUN")


def moved(text: str, root: Path) -> str:
    """A step with the image's folders below `root`."""
    return re.sub("|".join(rf"(?<![\w.]){each}\b" for each in MOVED), lambda hit: f"{root}{hit[0]}", text)


def copy(rest: str, context: Path, here: Path) -> None:
    """A COPY from the build context. Source: https://docs.docker.com/reference/dockerfile/#copy"""
    *sources, target = rest.split()
    for source in sources:
        if (context / source).is_dir():
            shutil.copytree(context / source, here / target, dirs_exist_ok=True)
        else:
            shutil.copy(context / source, here / target)


def follow(stage: list[Instruction], context: Path, root: Path, environ: Mapping[str, str]) -> None:
    """Do the steps of a stage."""
    here = root
    for each in stage:
        if each.name == "WORKDIR":
            here = Path(moved(each.rest, root))
            here.mkdir(parents=True)
        elif each.name == "COPY":
            copy(each.rest, context, here)
        elif each.name == "RUN":
            done = subprocess.run(
                ["sh", "-e", "-c", moved(each.rest, root)],
                cwd=here,
                env=dict(environ),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{each.rest}\n{done.stderr}"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of the image, built from what git tracks and .dockerignore lets in."""
    root, context, base = (tmp_path_factory.mktemp(each) for each in ("image", "context", "base"))
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"]
    for path in tracked_files():
        name = path.relative_to(ROOT)
        if name.parts[0] in let_in:
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, context / name)
    subprocess.run([sys.executable, "-m", "venv", str(base / "python")], check=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "PYTHON"))}
    follow(BUILD, context, root, {**environ, **environment(BUILD), "PATH": f"{base}/python/bin:{os.environ['PATH']}"})
    return root


@pytest.mark.slow
def test_the_image_serves_and_is_healthy(image: Path, tmp_path: Path) -> None:
    bin_folder = image / "opt" / "cds" / "bin"
    assert not (bin_folder / "pip").exists()
    assert not list((image / "opt" / "cds" / "lib").glob("python3*/site-packages/pip"))
    settings = checking(tmp_path, private_key("ES384"))
    settings |= {"CDS_PORT": str(free_port())}
    of_image = environment(IMAGE)
    assert of_image["PATH"].startswith("/opt/cds/bin:")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "PYTHON"))},
        **of_image, **settings, "CDS_HOST": "127.0.0.1", "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }  # fmt: skip
    (command,) = words(IMAGE, "CMD")
    work = tmp_path / "srv"
    work.mkdir()
    with (tmp_path / "log").open("w") as log:
        served = subprocess.Popen(
            [str(bin_folder / json.loads(command)[0]), *json.loads(command)[1:]],
            cwd=work, env=environ, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    assert served.stdout is not None
    try:
        said = []
        for line in served.stdout:
            said.append(line)
            if line.startswith("serving "):
                break
        assert said[-1:] == [line for line in said if line.startswith("serving ")], (tmp_path / "log").read_text()
        python, *rest = health_check()
        checked = subprocess.run(
            [str(bin_folder / python), *rest], env=environ, capture_output=True, text=True, check=False
        )
        asked = requests.get(f"http://127.0.0.1:{settings['CDS_PORT']}/cds-services", timeout=10)
    finally:
        served.terminate()
        served.communicate(timeout=STOP_S)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert asked.status_code == 401  # it asks who is calling
    assert f"rules: {image}/opt/cds/lib/" in "".join(said)  # those of the package, for there is no clone
    assert {each.name for each in work.iterdir()} == {"var"}  # the one folder that it writes to
    # Its first start took what was judged while it was built.
    (note,) = (image / "opt" / "cds" / "lib").glob("python3*/site-packages/cds_service/_judged/*.json")
    assert (work / "var" / "releases" / note.stem / "release.yaml").is_file()
