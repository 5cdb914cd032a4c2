"""What openapi.yaml promises, asked by schemathesis in this process: calls made from the contract, good and bad."""

import pytest
import schemathesis
import yaml
from flask import Blueprint, Flask, Response, jsonify
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from tests.real_rules import ROOT, real_app

EXAMPLES, EXAMPLES_SLOW = 10, 500
# What keeps to the contract may be refused all the same, for what no schema can say: 400 for the hook of another
# service or a selection that refers to no order, 404 for a rule that there is not, 412 for a patient who was not sent.
REFUSED_THOUGH_VALID = ["2xx", "400", "404", "412"]


def app() -> Flask:
    """The real rules, and the contract itself to read."""
    contract = Blueprint("contract", __name__)

    @contract.get("/openapi.json")
    def openapi() -> Response:
        whole = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
        whole["paths"].pop("/metrics", None)  # counts of the whole process: a route of its own, with its own tests
        return jsonify(whole)

    return real_app(contract)


CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "checks": {"positive_data_acceptance": {"expected-statuses": REFUSED_THOUGH_VALID}},
    }
)
SCHEMA = schemathesis.openapi.from_wsgi("/openapi.json", app(), config=CONFIG)
MADE_BY_CHANCE = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
}


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, **MADE_BY_CHANCE)
def test_the_service_keeps_to_its_contract(case: Case) -> None:
    case.call_and_validate()


def test_a_service_that_breaks_its_contract_is_found() -> None:
    broken = app()
    broken.view_functions["healthz"] = lambda: jsonify({"status": "perhaps"})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", broken, config=CONFIG)
    with pytest.raises(FailureGroup, match="Response violates schema"):
        schema["/healthz"]["GET"].Case().call_and_validate()


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES_SLOW, **MADE_BY_CHANCE)
def test_the_service_keeps_to_its_contract_in_depth(case: Case) -> None:
    case.call_and_validate()
