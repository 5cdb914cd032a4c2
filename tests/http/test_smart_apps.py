"""SMART apps of a client, from its file to the links of its cards."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.config import Settings
from cds_service.fixtures import find
from cds_service.wiring import build_app

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 1)
APPS = """\
    smart_apps:
      - {label: Open the care plan, url: https://apps.example.org/launch}
      - {label: Naloxone, url: https://apps.example.org/naloxone, rules: [naloxone-take-home]}
      - {label: Not here, url: https://apps.example.org/other, rules: [methadone-qt]}
"""


@pytest.fixture
def answer(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Answer the same call for the client `anonymous` with these lines in its entry."""

    def answered(entry: str) -> dict[str, Any]:
        path = tmp_path / "clients.yaml"
        path.write_text(f"clients:\n  anonymous:\n    timezone: Etc/UTC\n{entry}", encoding="utf-8")
        settings = Settings(auth="off", rules=ROOT / "rules", clients=path, today=TODAY)
        call = find("patient-view/untreated-oud-icd10").on(TODAY)
        return build_app(settings).test_client().post("/cds-services/oud-patient-view", json=call).json

    return answered


def smart(body: dict[str, Any]) -> list[dict[str, Any]]:
    (card,) = body["cards"]
    return [each for each in card["links"] if each["type"] == "smart"]


def test_a_card_launches_the_apps_of_its_rules(
    answer: Callable[[str], dict[str, Any]], faults_of: Callable[[Any, str], list[str]]
) -> None:
    body = answer(APPS)
    assert faults_of(body, "Answer") == []
    assert [(each["label"], each["url"]) for each in smart(body)] == [
        ("Open the care plan", "https://apps.example.org/launch"),
        ("Naloxone", "https://apps.example.org/naloxone"),  # its rule speaks in this card
    ]
    (card,) = body["cards"]
    rule = card["extension"]["org.oud-cds.rule"]
    call = find("patient-view/untreated-oud-icd10").request
    for link in smart(body):
        assert json.loads(link["appContext"]) == {
            "hook": "patient-view",
            "hookInstance": call["hookInstance"],
            "card": card["uuid"],
            "release": rule["release"],
            "ruleId": "mat-consideration",
            "ruleVersion": rule["ruleVersion"],
            "merged": rule["merged"],
        }
        assert call["context"]["patientId"] not in link["appContext"]


def test_without_the_key_the_card_is_the_same_but_for_its_links(answer: Callable[[str], dict[str, Any]]) -> None:
    plain, more = answer(""), answer(APPS)
    assert smart(plain) == []
    for card in more["cards"]:
        card["links"] = [each for each in card["links"] if each["type"] != "smart"]
    assert more == plain


def test_an_app_of_a_listed_host_stays_and_is_told_what_its_ehr_hands_on(
    answer: Callable[[str], dict[str, Any]],
) -> None:
    epic = smart(answer(f"    profile: epic\n    links: [apps.example.org]\n{APPS}"))
    cerner = smart(answer(f"    profile: cerner\n    links: [apps.example.org]\n{APPS}"))
    assert [each["label"] for each in epic] == [each["label"] for each in cerner] == ["Open the care plan", "Naloxone"]
    assert [set(each) for each in (*epic, *cerner)] == [
        *[{"label", "url", "type", "appContext"}] * 2,
        *[{"label", "url", "type"}] * 2,
    ]
