"""The Compose file: of the form that Compose takes, every name in it is there, and every container is shut in."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml
from sqlalchemy import make_url, text

from cds_service.config import read_settings
from cds_service.edges.store.address import read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.tables import CALL
from tests.store.conftest import postgresql  # noqa: F401
from tests.store.sample import rows_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "compose"
SETTINGS_PAGE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
GRACE_S = int(re.findall(r"a stopping server gives calls under\s+way (\d+) seconds", SETTINGS_PAGE)[0])
Compose = dict[str, Any]


def compose() -> Compose:
    loaded: Compose = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def refused(file: Compose) -> str:
    """What the form of Compose files has against a file, "" for nothing. Source: the Compose Specification."""
    try:
        compose_spec.PyCompose.from_json(json.dumps(file))
    except ValueError as fault:
        return str(fault)
    return ""


def problems(file: Compose) -> list[str]:
    """Names that lead nowhere, and containers that are not shut in."""
    found = []
    for name, each in file["services"].items():
        secrets = [item if isinstance(item, str) else item["source"] for item in each.get("secrets", [])]
        mounts = [item.split(":")[0] for item in each.get("volumes", [])]
        found += [f"{name}: no secret {item}" for item in secrets if item not in file["secrets"]]
        found += [f"{name}: no volume {item}" for item in mounts if item[0] != "." and item not in file["volumes"]]
        found += [f"{name}: no network {item}" for item in each["networks"] if item not in file["networks"]]
        found += [f"{name}: no service {item}" for item in each.get("depends_on", {}) if item not in file["services"]]
        if not each.get("read_only") or each.get("privileged"):
            found.append(f"{name}: its root can be written")
        if each.get("cap_drop") != ["ALL"] or each.get("cap_add"):
            found.append(f"{name}: it has capabilities")
        if "no-new-privileges:true" not in each.get("security_opt", []):
            found.append(f"{name}: it can get new privileges")
        if str(each.get("user", "0")).split(":")[0] in ("0", "root"):
            found.append(f"{name}: runs as root")
        if "healthcheck" not in each:
            found.append(f"{name}: no health check")
        if ":" not in each["image"] or each["image"].endswith(":latest"):
            found.append(f"{name}: an image without a version")
        for variable, value in each.get("environment", {}).items():
            if ("PASSWORD" in variable and not variable.endswith("_FILE")) or "@" in str(value):
                found.append(f"{name}: a secret in {variable}")
    return found


def test_it_is_a_compose_file_in_which_every_name_is_there() -> None:
    assert (refused(compose()), problems(compose())) == ("", [])


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda each: each.update(secrets=["nobody"]), ["proxy: no secret nobody"]),
        (lambda each: each.update(volumes=["nowhere:/x"]), ["proxy: no volume nowhere"]),
        (lambda each: each.update(networks=["none"]), ["proxy: no network none"]),
        (lambda each: each.update(depends_on={"nobody": {}}), ["proxy: no service nobody"]),
        (lambda each: each.update(read_only=False), ["proxy: its root can be written"]),
        (lambda each: each.update(cap_add=["NET_ADMIN"]), ["proxy: it has capabilities"]),
        (lambda each: each.update(security_opt=[]), ["proxy: it can get new privileges"]),
        (lambda each: each.pop("user"), ["proxy: runs as root"]),
        (lambda each: each.pop("healthcheck"), ["proxy: no health check"]),
        (lambda each: each.update(image="nginx"), ["proxy: an image without a version"]),
        (lambda each: each.update(environment={"PGPASSWORD": "x"}), ["proxy: a secret in PGPASSWORD"]),
        (lambda each: each.update(environment={"U": "postgresql://a:b@c/d"}), ["proxy: a secret in U"]),
    ],
)
def test_what_is_wrong_is_found(change: Callable[[Compose], Any], wanted: list[str]) -> None:
    changed = copy.deepcopy(compose())
    change(changed["services"]["proxy"])
    assert problems(changed) == wanted


def test_a_misspelt_key_is_refused() -> None:
    changed = compose()
    changed["services"]["proxy"]["read_onyl"] = True
    assert "read_onyl" in refused(changed)


def test_files_that_are_mounted_are_there_or_are_made_by_the_operator() -> None:
    made = {"./clients"}  # step 2 of docs/how-to/operate.md
    mounted = {each.split(":")[0] for item in compose()["services"].values() for each in item.get("volumes", [])}
    assert {each for each in mounted if each[0] == "." and not (FOLDER / each).exists()} == made
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/deploy/compose/clients", "/deploy/compose/secrets"} <= set(ignored)


def test_what_compose_wants_at_every_command_stands_in_a_file_that_it_reads() -> None:
    # Compose fills the file in before it does anything: without the variable not even `docker compose ps` works.
    wanted = set(re.findall(r"\$\{(\w+):\?", (FOLDER / "compose.yaml").read_text(encoding="utf-8")))
    guide = (ROOT / "docs" / "how-to" / "operate.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(?m)^ *echo (\w+)=\S+ >>? \.env$", guide))
    assert wanted <= told
    assert told <= set(re.findall(r"\$\{(\w+):", (FOLDER / "compose.yaml").read_text(encoding="utf-8")))
    assert re.findall(r"(?m)\w=\S+ docker compose", guide) == []
    assert "/deploy/compose/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_its_settings_are_settings_of_the_service(tmp_path: Path) -> None:
    given = {"CDS_PUBLIC_URL": "https://cds.example.org"}
    environ = {
        name: _filled_in(str(value), given)
        for name, value in compose()["services"]["cds-service"]["environment"].items()
    }
    (tmp_path / "clients.yaml").touch()
    settings = read_settings({**environ, "CDS_CLIENTS": str(tmp_path / "clients.yaml")})
    assert (settings.public_url, settings.retention_days) == ("https://cds.example.org", 90)
    assert environ["CDS_CLIENTS"].startswith("/etc/cds/")


def _filled_in(value: str, given: dict[str, str]) -> str:
    """A value with `${NAME:-default}` and `${NAME:?text}` filled in."""
    if not value.startswith("${"):
        return value
    name, _, rest = value[2:-1].partition(":")
    return given.get(name, rest[1:] if rest.startswith("-") else "")


def test_a_container_is_given_the_time_it_takes_to_stop() -> None:
    assert int(compose()["services"]["cds-service"]["stop_grace_period"].removesuffix("s")) > GRACE_S


def test_nobody_but_the_proxy_is_reached_from_outside() -> None:
    file = compose()
    assert {name: each["ports"] for name, each in file["services"].items() if "ports" in each} == {
        "proxy": ["443:8443"]
    }
    assert file["networks"]["records"] == {"internal": True}
    assert "records" not in file["services"]["proxy"]["networks"]


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def make_secrets(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = ["sh", str(FOLDER / "make-secrets.sh"), "cds.example.org", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_openssl
def test_secrets_are_made_once_and_differ(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    assert [make_secrets(each).returncode for each in folders] == [0, 0]
    named = {Path(each["file"]).name for each in compose()["secrets"].values()}
    for folder in folders:
        assert {each.name for each in folder.iterdir()} == named
        assert folder.stat().st_mode & 0o777 == 0o700
    passwords = {
        (folder / name).read_text() for folder in folders for name in ("postgres_password", "database_password")
    }
    assert {len(each) for each in passwords} == {48}
    assert len(passwords) == 4
    again = make_secrets(folders[0])
    assert (again.returncode, "already" in again.stderr) == (1, True)


@pytest.mark.slow
@needs_openssl
def test_the_service_gets_into_the_database_that_the_image_would_make(
    postgresql: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The script runs in psql as the image runs it; the service file that was made leads to what it made."""
    assert make_secrets(tmp_path / "secrets").returncode == 0
    script = (FOLDER / "init-database.sql").read_text(encoding="utf-8")
    postgresql.psql(script.replace("/run/secrets/", f"{tmp_path}/secrets/"))
    service = (tmp_path / "secrets" / "pg_service.conf").read_text(encoding="utf-8")
    host = make_url(postgresql.get_uri()).query["host"]
    made = tmp_path / "pg_service.conf"
    made.write_text(service.replace("host=database", f"host={host}"), encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(made))
    given = compose()["services"]["cds-service"]["environment"]
    address = read_address(given["CDS_DATABASE_URL"])
    assert address.shown == "PostgreSQL service cds"
    upgrade(address)
    assert rows_of(address, CALL) == []
    with open_engine(address, OPERATOR).connect() as connection:
        who = connection.execute(
            text("SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user")
        )
        assert who.one() == ("cds", "cds", False)
