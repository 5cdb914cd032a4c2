"""Patient stories against the shipped rules: the cards a clinician would want, and those that would harm."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.config import read_settings
from cds_service.wiring import build_app
from tests.vignettes import (
    across,
    adherence,
    assessment,
    counseling,
    discharge,
    discontinuation,
    follow_up,
    follow_up_more,
    methadone_heart,
    naloxone,
    naltrexone,
    naltrexone_evidence,
    naltrexone_liver,
    naltrexone_variants,
    opioid_on_naltrexone,
    opioid_with_depressant,
    opioid_with_treatment,
    overdose,
    positive_screens,
    pregnancy,
    recurrence,
    review_mess,
    review_mind,
    review_orders,
    review_treatment,
    screening,
    screening_more,
    second_charts,
    second_orders,
    social,
    suicide,
    treated,
    treatment,
)
from tests.vignettes.build import TODAY
from tests.vignettes.vignette import Vignette, call_of

RULES = Path(__file__).parents[2] / "rules"
TABLES = (
    treatment,
    treated,
    naltrexone,
    naltrexone_evidence,
    discharge,
    follow_up,
    screening,
    overdose,
    pregnancy,
    naltrexone_variants,
    opioid_on_naltrexone,
    opioid_with_treatment,
    opioid_with_depressant,
    methadone_heart,
    naltrexone_liver,
    naloxone,
    adherence,
    discontinuation,
    follow_up_more,
    screening_more,
    positive_screens,
    suicide,
    recurrence,
    counseling,
    social,
    assessment,
    across,
    review_orders,
    review_treatment,
    review_mind,
    review_mess,
    second_orders,
    second_charts,
)


def _named(table: ModuleType) -> Iterator[Vignette]:
    """Give the stories of one table, the table's name before theirs."""
    for each in table.VIGNETTES:
        yield replace(each, name=f"{table.__name__.rsplit('.', 1)[-1]}: {each.name}")


VIGNETTES = tuple(each for table in TABLES for each in _named(table))

# Stories that the service does not yet meet, each with what is at fault. A story that is met again must leave the list.
NOT_YET_MET: dict[str, str] = {}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    environ = {"CDS_AUTH": "off", "CDS_RULES": str(RULES), "CDS_TODAY": TODAY.isoformat()}
    return build_app(read_settings(environ)).test_client()


def _cases() -> list[Any]:
    return [
        pytest.param(
            each,
            id=each.name,
            marks=[pytest.mark.xfail(reason=NOT_YET_MET[each.name], strict=True)] if each.name in NOT_YET_MET else [],
        )
        for each in VIGNETTES
    ]


@pytest.mark.parametrize("vignette", _cases())
def test_the_person_gets_the_cards_a_clinician_would_want(client: FlaskClient, vignette: Vignette) -> None:
    response = client.post(f"/cds-services/oud-{vignette.hook}", json=call_of(vignette))
    assert faults(vignette, response.status_code, response.get_json()) == [], vignette.why


def test_every_vignette_has_a_name_of_its_own_and_wants_something() -> None:
    names = [each.name for each in VIGNETTES]
    assert sorted(set(names)) == sorted(names)
    assert not [each.name for each in VIGNETTES if not (each.wanted or each.forbidden or each.undecided)]
    assert set(NOT_YET_MET) <= set(names)


def faults(vignette: Vignette, status: int, body: dict[str, Any]) -> list[str]:
    """In what the answer differs from what the story wants; empty when it does not."""
    if status == 412 and vignette.undecided and not vignette.wanted:
        return []
    if status != 200:
        return [f"HTTP {status}: {body}"]
    cards = [(each["extension"]["org.oud-cds.rule"]["ruleId"], each["indicator"]) for each in body["cards"]]
    words = " ".join(f"{each['summary']} {each.get('detail', '')}" for each in body["cards"]).lower()
    undecided = str(body["extension"]["org.oud-cds.evaluation"].get("undecided", []))
    found = [f"missing {rule} {indicator or '(any)'}; shown: {cards}" for rule, indicator in vignette.wanted
             if not any(rule == got and indicator in (None, level) for got, level in cards)]  # fmt: skip
    found += [f"forbidden {each}; shown: {cards}" for each in vignette.forbidden
              if any(each in (rule, f"{rule}:{level}") for rule, level in cards)]  # fmt: skip
    found += [f"shown though it cannot be told: {each}" for each in vignette.undecided
              if any(each == rule for rule, _ in cards)]  # fmt: skip
    found += [f"not said to be undecided: {each}; undecided: {undecided}" for each in vignette.undecided
              if each not in undecided]  # fmt: skip
    found += [f"does not say {each!r}" for each in vignette.says if each.lower() not in words]
    found += [f"says {each!r}" for each in vignette.never if each.lower() in words]
    return found
