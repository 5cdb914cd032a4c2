"""Discovery, health and the pages on which the rules in service can be read."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from cds_service.fhir.prefetch import PREFETCH
from tests.http.small_release import ADULT_NOTE, HOOKS, SERVICE_OF, app_of, release_of


def test_discovery_lists_one_service_for_each_hook(client: FlaskClient) -> None:
    answered = client.get("/cds-services")
    assert answered.json is not None
    assert {each["hook"]: each["id"] for each in answered.json["services"]} == SERVICE_OF


def test_discovery_keeps_to_the_contract(client: FlaskClient, faults_of: Callable[..., list[str]]) -> None:
    assert faults_of(client.get("/cds-services").json, "Discovery") == []


def test_a_service_asks_for_what_its_rules_read_and_no_more(client: FlaskClient) -> None:
    answered = client.get("/cds-services")
    assert answered.json is not None
    asked = {each["hook"]: sorted(each["prefetch"]) for each in answered.json["services"]}
    assert asked == {hook: ["conditions", "patient"] if hook == "patient-view" else ["patient"] for hook in HOOKS}


def test_prefetch_is_asked_for_by_the_templates_of_the_one_table(client: FlaskClient) -> None:
    answered = client.get("/cds-services")
    assert answered.json is not None
    for service in answered.json["services"]:
        assert service["prefetch"] == {key: PREFETCH[key].query for key in service["prefetch"]}


def test_discovery_names_the_rules_of_each_service(client: FlaskClient) -> None:
    answered = client.get("/cds-services")
    assert answered.json is not None
    described = {each["hook"]: each["description"] for each in answered.json["services"]}
    assert "Rules: Example adult-note; Example asthma-note." in described["patient-view"]
    assert "Rules: Example adult-note." in described["order-sign"]


def test_a_service_without_a_rule_is_still_discovered(faults_of: Callable[..., list[str]]) -> None:
    discovery = app_of(release_of()).test_client().get("/cds-services").json
    assert faults_of(discovery, "Discovery") == []
    assert [each["hook"] for each in discovery["services"]] == list(HOOKS)


def test_health_says_that_the_process_answers(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_readiness_names_the_release(client: FlaskClient, faults_of: Callable[..., list[str]]) -> None:
    answered = client.get("/readyz")
    assert answered.status_code == 200
    assert faults_of(answered.json, "Readiness") == []
    assert answered.json is not None
    assert (answered.json["release"], answered.json["rules"]) == ("2026.3.0", {"active": 2, "trial": 0})


@pytest.mark.parametrize("path", ["/cds-services/", "/rules/", "/healthz/"])
def test_a_slash_at_the_end_changes_nothing(client: FlaskClient, path: str) -> None:
    assert client.get(path).data == client.get(path.rstrip("/")).data


# --- rules ----------------------------------------------------------------------------------------------------------

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = ["/rules", "/rules/adult-note", "/rules/asthma-note/1.0.0"]


def test_the_rules_in_service_are_listed(client: FlaskClient, faults_of: Callable[..., list[str]]) -> None:
    answered = client.get("/rules").json
    assert faults_of(answered, "RuleList") == []
    assert answered is not None
    assert [(each["id"], each["reviewStatus"]) for each in answered["rules"]] == [
        ("adult-note", "not yet clinically reviewed"),
        ("asthma-note", "reviewed by example group on 2026-02-02"),
    ]


@pytest.mark.parametrize("path", PAGES[1:])
def test_a_rule_keeps_to_the_contract(client: FlaskClient, path: str, faults_of: Callable[..., list[str]]) -> None:
    assert faults_of(client.get(path).json, "Rule") == []


def test_criteria_are_sentences_with_their_numbers_filled_in(client: FlaskClient) -> None:
    answered = client.get("/rules/adult-note").json
    assert answered is not None
    assert answered["criteria"] == [
        {"name": "adult", "sentence": "The person is at least 18 years old", "looksAt": ["Patient"]}
    ]
    assert answered["when"]["all"] == ["The person is at least 18 years old"]


def test_lines_are_shown_with_what_conditions_them(client: FlaskClient) -> None:
    answered = client.get("/rules/adult-note").json
    assert answered is not None
    assert answered["cards"][0]["detail"] == [
        {"text": "An example line"},
        {"text": "A line for 18 years", "if": ["The person is at least 18 years old"]},
        {"text": "Never this line", "unless": ["The person is at least 18 years old"]},
    ]


def test_a_rule_shows_its_evidence_with_its_grade(client: FlaskClient) -> None:
    answered = client.get("/rules/adult-note").json
    assert answered is not None
    assert [(each["citation"], each["grade"]) for each in answered["evidence"]] == [
        ("An example, not a guideline", "C")
    ]


def test_the_13_source_attributes_stand_in_the_order_of_the_regulation(client: FlaskClient) -> None:
    answered = client.get("/rules/adult-note").json
    assert answered is not None
    assert [(each["number"], each["name"], each["value"]) for each in answered["sourceAttributes"]] == [
        (1, "Bibliographic citation of the intervention", "An example, not a guideline"),
        (2, "Developer of the intervention", "example developer"),
        (3, "Funding source of the technical implementation", "example funding"),
        (4, "Release and revision dates", "version 1.0.0 of 2026-01-01"),
        (5, "Use of race", "not used"),
        (6, "Use of ethnicity", "not used"),
        (7, "Use of language", "not used"),
        (8, "Use of sexual orientation", "not used"),
        (9, "Use of gender identity", "not used"),
        (10, "Use of sex", "not used"),
        (11, "Use of date of birth", "age limit"),
        (12, "Use of social determinants of health data", "not used"),
        (13, "Use of health status assessments data", "not used"),
    ]


def test_a_trial_is_readable_and_says_so() -> None:
    client = app_of(release_of(trial=(ADULT_NOTE,))).test_client()
    answered = client.get("/rules/adult-note").json
    assert answered is not None
    assert answered["state"] == "trial"


@pytest.mark.parametrize("path", PAGES)
def test_browsers_get_html_and_programs_json(client: FlaskClient, path: str) -> None:
    types = [client.get(path, headers=headers).mimetype for headers in (BROWSER, {"Accept": "*/*"}, {})]
    assert types == ["text/html", "application/json", "application/json"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_no_script_and_cannot_be_framed(client: FlaskClient, path: str) -> None:
    answered = client.get(path, headers=BROWSER)
    assert "<script" not in answered.text
    assert "frame-ancestors 'none'" in answered.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answered.headers["Content-Security-Policy"]


def test_a_page_shows_what_the_json_says(client: FlaskClient) -> None:
    page = client.get("/rules/adult-note", headers=BROWSER).text
    for words in (
        "Not yet clinically reviewed.",
        "The person is at least 18 years old",
        "Use of race",
        "An example card",
    ):
        assert words in page


def test_a_page_of_an_unknown_rule_is_an_operation_outcome(client: FlaskClient) -> None:
    answered = client.get("/rules/<b>", headers=BROWSER)
    assert (answered.status_code, answered.mimetype) == (404, "application/json")
    assert "<b>" not in answered.text
