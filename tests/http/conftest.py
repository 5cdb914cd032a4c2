"""What the HTTP tests share: the small release behind Flask's test client, and the contract to check answers by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from tests.http.small_release import app_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client() -> FlaskClient:
    return app_of().test_client()


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def faults_of(contract: dict[str, Any]) -> Callable[[Any, str], list[str]]:
    """Say in what an instance differs from a schema of openapi.yaml; an empty list when it does not."""

    def faults(instance: Any, schema: str) -> list[str]:
        whole = {"$ref": f"#/components/schemas/{schema}", "components": contract["components"]}
        validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
        return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(instance)]

    return faults
