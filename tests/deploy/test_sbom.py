"""`make sbom`: what the service is made of, in the form of CycloneDX, complete and with its licences."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cds_service import __version__
from deploy import sbom
from tests.test_repository import foreign_places, pins

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
LOCK = sbom.LOCK.read_text(encoding="utf-8")
SMALL = "flask==3.1.3 \\\n    --hash=sha256:" + 64 * "a" + "\n"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sbom") / "new" / "sbom.cdx.json"
    assert sbom.main([str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def told(written: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return loaded


def test_it_is_cyclonedx(written: Path) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = written.read_text(encoding="utf-8")
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"purl"', '"perl"')) is not None


def test_it_holds_every_package_of_the_lock_with_all_its_hashes(told: dict[str, Any]) -> None:
    assert {each["name"]: each["version"] for each in told["components"]} == pins(LOCK)
    assert sum(len(each["hashes"]) for each in told["components"]) == LOCK.count("--hash=sha256:")
    assert {each["purl"] for each in told["components"]} == {f"pkg:pypi/{n}@{v}" for n, v in pins(LOCK).items()}


def test_every_package_states_its_licence(told: dict[str, Any]) -> None:
    assert [each["name"] for each in told["components"] if not each.get("licenses")] == []


def test_it_says_what_needs_what(told: dict[str, Any]) -> None:
    needed = {each["ref"].partition("@")[0]: each.get("dependsOn", []) for each in told["dependencies"]}
    assert told["metadata"]["component"]["version"] == __version__
    assert {each.partition("@")[0] for each in needed["cds-service"]} >= {"flask", "gunicorn", "psycopg"}
    assert [each.partition("@")[0] for each in needed["psycopg"]] == ["psycopg-binary", "typing-extensions"]
    reached, waiting = set(), ["cds-service"]
    while waiting:
        reached.add(name := waiting.pop())
        waiting += [each.partition("@")[0] for each in needed[name] if each.partition("@")[0] not in reached]
    assert reached == {*pins(LOCK), "cds-service"}


def test_it_names_no_registry_and_no_machine(written: Path) -> None:
    assert foreign_places(written.read_text(encoding="utf-8")) == []


def test_the_same_lock_gives_the_same_bill() -> None:
    first, again = (sbom.bill(SMALL, NOW) for _ in range(2))
    assert first.serial_number == again.serial_number != sbom.bill(SMALL + "\n", NOW).serial_number


def test_a_package_that_is_not_installed_here_is_there_without_a_licence() -> None:
    (only,) = sbom.bill("nowhere-to-be-found==1.0 \\\n    --hash=sha256:" + 64 * "a" + "\n", NOW).components
    assert (only.name, only.version, list(only.licenses)) == ("nowhere-to-be-found", "1.0", [])
