"""A site file over HTTP: cards come and go by the site's numbers and say so; sign-off, sources, pages, start-up."""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.cli import FINDINGS, FINE, RULES, main
from cds_service.config import Settings
from cds_service.core.card import EVALUATION_EXTENSION, RULE_EXTENSION
from cds_service.core.overlay import overlay
from cds_service.core.site_words import SITE_EXTENSION
from cds_service.edges.rule_store import SiteProblem, at_site
from cds_service.fixtures import find
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import Loaded, load_release
from cds_service.rulebook.site_file import read_site
from cds_service.wiring import build_app, check
from tests.real_rules import real_app
from tests.unit.site_texts import site_folder

ROOT = Path(__file__).parents[2]
SHIPPED_RULES = ROOT / "rules"
TODAY = date(2026, 11, 28)
SAID = "why: The group decided so., by: A. Example, date: 2026-11-20"
Json = dict[str, Any]


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], Path]:
    """Write a site file: `text` follows its name, and `...` in it stands for who decided and why."""

    def write(text: str) -> Path:
        path = tmp_path / "site.yaml"
        path.write_text(f"site: Example Hospital\n{text.replace('...', SAID)}", encoding="utf-8")
        return path

    return write


@cache
def loaded() -> Loaded:
    return load_release(SHIPPED_RULES)


def served(path: Path | None) -> FlaskClient:
    """The shipped rules with a site file that has no problem."""
    release = loaded().release
    assert release is not None
    if path is not None:
        file = read_site(path)
        assert [str(each) for each in site_problems(file, loaded(), SHIPPED_RULES, TODAY)] == []
        release = overlay(release, file.site)
    return real_app(release=release, today=TODAY).test_client()


@pytest.fixture(scope="module")
def shipped() -> FlaskClient:
    return served(None)


def answer(client: FlaskClient, fixture: str) -> Json:
    call = find(fixture).on(TODAY)
    answered = client.post(f"/cds-services/oud-{call['hook']}", json=call).json
    assert isinstance(answered, dict)
    return answered


def rules_of(answered: Json) -> list[str]:
    return [each["extension"][RULE_EXTENSION]["ruleId"] for each in answered["cards"]]


DECLINED = "parameters:\n  mat-consideration.declined_days: {value: 30, ...}\n"
STALE = "parameters:\n  opioid-status.stale_months: {value: 24, ...}\n"


def test_a_shorter_window_gives_a_card_that_says_so(
    shipped: FlaskClient, site: Callable[[str], Path], faults_of: Callable[[Any, str], list[str]]
) -> None:
    assert answer(shipped, "patient-view/declined-treatment")["cards"] == []
    answered = answer(served(site(DECLINED)), "patient-view/declined-treatment")
    (card,) = answered["cards"]
    mark = answered["extension"][EVALUATION_EXTENSION]["site"]
    assert mark["name"] == "Example Hospital"
    assert card["extension"][SITE_EXTENSION] == {
        "site": "Example Hospital",
        "digest": mark["digest"],
        "changed": [{"parameter": "mat-consideration.declined_days", "shipped": 90, "value": 30, "unit": "days"}],
    }
    line = "**Changed at this site (Example Hospital):** declined days: 30 days instead of 90 days."
    assert card["detail"].split("\n\n")[-1] == line
    assert "Treatment was declined in the last 30 days" in card["detail"]
    assert faults_of(answered, "Answer") == []


def test_a_longer_window_of_a_definition_takes_a_card_away(shipped: FlaskClient, site: Callable[[str], Path]) -> None:
    assert rules_of(answer(shipped, "patient-view/old-open-buprenorphine-order")) == ["mat-consideration"]
    answered = answer(served(site(STALE)), "patient-view/old-open-buprenorphine-order")
    assert rules_of(answered) == ["naloxone-take-home", "psychosocial-offer"]
    told = [each["extension"][SITE_EXTENSION]["changed"][0]["parameter"] for each in answered["cards"]]
    assert told == ["opioid-status.stale_months"] * 2


def test_a_card_of_a_rule_that_was_not_changed_says_nothing_of_the_site(site: Callable[[str], Path]) -> None:
    answered = answer(served(site(DECLINED)), "patient-view/never-screened")
    assert [SITE_EXTENSION in each["extension"] for each in answered["cards"]] == [False]
    assert "Changed at this site" not in answered["cards"][0]["detail"]
    assert answered["extension"][EVALUATION_EXTENSION]["site"]["name"] == "Example Hospital"


def test_without_a_site_file_nothing_says_site(shipped: FlaskClient, site: Callable[[str], Path]) -> None:
    answered = answer(shipped, "patient-view/never-screened")
    assert "site" not in answered["extension"][EVALUATION_EXTENSION]
    assert SITE_EXTENSION not in answered["cards"][0]["extension"]


def test_the_card_has_the_same_id_with_and_without_a_site_that_left_it_alone(site: Callable[[str], Path]) -> None:
    without, with_site = (
        answer(served(each), "patient-view/never-screened") for each in (None, site(DECLINED))
    )  # fmt: skip
    assert without["cards"] == with_site["cards"]


@pytest.mark.parametrize("run", ["trial", "disabled"])
def test_a_rule_can_be_taken_off(site: Callable[[str], Path], run: str) -> None:
    client = served(site(f"rules:\n  mental-health-screening: {{run: {run}, ...}}\n"))
    assert answer(client, "patient-view/never-screened")["cards"] == []
    listed = client.get("/rules").json
    assert listed is not None
    state = {each["id"]: each["state"] for each in listed["rules"]}["mental-health-screening"]
    assert state == run
    page = client.get("/rules/mental-health-screening").json
    assert page is not None
    assert page["site"]["run"] == {
        "run": run, "why": "The group decided so.", "by": "A. Example", "date": "2026-11-20",
    }  # fmt: skip


def test_a_source_that_the_site_does_not_have_makes_nothing_unknown(
    shipped: FlaskClient, site: Callable[[str], Path]
) -> None:
    fixture = "order-sign/oxycodone-lists-not-read"
    before = answer(shipped, fixture)["extension"][EVALUATION_EXTENSION]["unread"]
    after = answer(served(site("not_held:\n  MedicationDispense: {...}\n")), fixture)
    assert set(before) - set(after["extension"][EVALUATION_EXTENSION]["unread"]) == {"medicationDispenses"}


def test_no_rule_runs_where_the_gate_of_the_site_holds(site: Callable[[str], Path]) -> None:
    answered = answer(served(site("never_when:\n  opioid-status.on_moud: {...}\n")), "patient-view/never-screened")
    assert answered["cards"] == []
    assert answered["extension"][EVALUATION_EXTENSION]["gate"] == "opioid-status.on_moud"


def test_a_local_code_counts_as_one_of_the_set(shipped: FlaskClient, site: Callable[[str], Path]) -> None:
    call = find("patient-view/untreated-oud-icd10").on(TODAY)
    for each in call["prefetch"]["conditions"]["entry"]:
        each["resource"]["code"] = {"coding": [{"system": "urn:oid:1.2.3", "code": "OUD-1"}]}
    client = served(site('value_sets:\n  oud-dependence: {add: ["urn:oid:1.2.3|OUD-1"], ...}\n'))
    without = shipped.post("/cds-services/oud-patient-view", json=call).json
    with_code = client.post("/cds-services/oud-patient-view", json=call).json
    assert without is not None
    assert with_code is not None
    assert (without["cards"], rules_of(with_code)[0]) == ([], "mat-consideration")
    assert with_code["cards"][0]["extension"][SITE_EXTENSION]["changed"] == [
        {"valueSet": "oud-dependence", "added": ["urn:oid:1.2.3|OUD-1"]}
    ]
    assert "1 code of its own for" in with_code["cards"][0]["detail"]


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_pages_show_the_values_of_the_site_beside_the_shipped_ones(
    site: Callable[[str], Path], faults_of: Callable[[Any, str], list[str]]
) -> None:
    client = served(site(f"{DECLINED}signed_off:\n  mat-consideration: {{version: 2.0.0, ...}}\n"))
    listed, page = client.get("/rules").json, client.get("/rules/mat-consideration").json
    assert listed is not None
    assert page is not None
    assert listed["site"]["name"] == "Example Hospital"
    moved = next(each for each in page["parameters"] if each["name"] == "declined_days")
    assert (moved["value"], moved["shipped"], moved["shippedWords"]) == (30, 90, "90 days")
    assert page["site"]["changed"][0]["by"] == "A. Example"
    assert page["reviewStatus"] == "signed off at this site by A. Example on 2026-11-20"
    assert [faults_of(listed, "RuleList"), faults_of(page, "Rule")] == [[], []]
    html = client.get("/rules/mat-consideration", headers={"Accept": "text/html"}).text
    assert "(set by this site; shipped: 90 days)" in html
    assert "<code>mat-consideration.declined_days</code>: 30 days instead of 90 days." in html
    assert "Example Hospital" in client.get("/rules", headers={"Accept": "text/html"}).text


def test_readiness_names_the_site_file(site: Callable[[str], Path], faults_of: Callable[[Any, str], list[str]]) -> None:
    ready = served(site(DECLINED)).get("/readyz").json
    assert ready is not None
    assert ready["site"]["name"] == "Example Hospital"
    assert faults_of(ready, "Readiness") == []


# --- sign-off ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def required(tmp_path: Path, site: Callable[[str], Path]) -> Settings:
    clients = tmp_path / "clients.yaml"
    clients.write_text("clients:\n  a: {issuers: i, jku: 'https://a.example.org'}\n", encoding="utf-8")
    path = site("signed_off:\n  mental-health-screening: {version: 2.0.0, ...}\n")
    return Settings(
        auth="required", rules=SHIPPED_RULES, clients=clients, public_url="https://cds.example.org", site=path
    )


def test_with_callers_checked_only_what_is_signed_off_is_active(required: Settings) -> None:
    listed = build_app(required).test_client().get("/rules").json
    assert listed is not None
    states = {each["id"]: each["state"] for each in listed["rules"]}
    assert [rule for rule, state in states.items() if state == "active"] == ["mental-health-screening"]


def test_start_up_says_what_the_site_does_and_what_still_waits(required: Settings) -> None:
    said = check(required, None)
    assert said[1] == f"site: {required.site}: Example Hospital; 0 rules changed; 1 signed off"
    assert said[2].startswith("26 of 27 rules have been reviewed by no clinician")


def test_a_card_that_stands_by_sign_off_says_so(site: Callable[[str], Path]) -> None:
    client = served(site("signed_off:\n  mental-health-screening: {version: 2.0.0, ...}\n"))
    (card,) = answer(client, "patient-view/never-screened")["cards"]
    assert card["detail"].endswith(
        "Signed off at this site: mental-health-screening 2.0.0 by A. Example on 2026-11-20."
    )
    assert card["extension"][SITE_EXTENSION]["signedOff"] == {
        "mental-health-screening@2.0.0": {"by": "A. Example", "date": "2026-11-20"}
    }


def test_the_service_is_wired_to_the_site_file(site: Callable[[str], Path]) -> None:
    app = build_app(Settings(auth="off", rules=SHIPPED_RULES, today=TODAY, site=site(DECLINED)))
    assert rules_of(answer(app.test_client(), "patient-view/declined-treatment")) == ["mat-consideration"]


# --- start-up and lint ------------------------------------------------------------------------------------------------

WRONG = "parameters:\n  mat-consideration.declined_days: {value: 20, ...}\nrulez: {}\n"


def test_a_bad_site_file_is_refused_with_all_its_problems(site: Callable[[str], Path]) -> None:
    path = site(WRONG)
    with pytest.raises(SiteProblem) as told:
        at_site(loaded(), SHIPPED_RULES, read_site(path))
    said = str(told.value)
    assert f"{path}:3:44: site-not-allowed: 'declined_days' of mat-consideration 2.0.0 may be 30 to 180" in said
    assert f"{path}:4:1: unknown-key" in said
    assert said.splitlines()[-1] == f"CDS_SITE: 2 problems in {path}; nothing is served"


SMALL_WRONG = "parameters:\n  sample-rule.recent_days: {value: 20, ...}\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_folder(tmp_path_factory.mktemp("rules"))


def test_an_explanation_is_of_the_rules_as_the_site_has_them(
    small: Path, site: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = tmp_path / "chart.json"
    chart.write_text('{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]}')
    asked = ["rules", "explain", "sample-rule", "--folder", str(small), "--bundle", str(chart), "--site"]
    assert main([*asked, str(site(SMALL_WRONG.replace("20", "60")))]) == FINE
    said = capsys.readouterr().out
    assert "Example Hospital; 1 rule changed\n" in said
    assert "  changed at this site: recent days: 60 days instead of 90 days\n" in said
    assert main([*asked, str(site(SMALL_WRONG))]) == 2
    assert "site-not-allowed" in capsys.readouterr().err


def test_serve_does_not_start_with_a_bad_site_file(
    small: Path, site: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"CDS_AUTH": "off", "CDS_RULES": str(small), "CDS_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CDS_SITE", str(site(SMALL_WRONG)))
    assert main(["serve"]) == RULES
    assert "site-not-allowed" in capsys.readouterr().err


def test_lint_checks_a_site_file_that_is_named_or_set(
    small: Path, site: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site(SMALL_WRONG)
    assert main(["rules", "lint", "--folder", str(small), "--site", str(path)]) == FINDINGS
    monkeypatch.setenv("CDS_SITE", str(path))
    assert main(["rules", "lint", "--folder", str(small)]) == FINDINGS
    assert capsys.readouterr().out.count("site-not-allowed") == 2
    site(SMALL_WRONG.replace("20", "60"))
    assert main(["rules", "lint", "--folder", str(small)]) == FINE
    said = capsys.readouterr().out.splitlines()
    assert said[1] == f"site: {path}: Example Hospital; 1 rule changed"
    assert said[2] == "  sample-rule 1.0.0: recent days: 60 days instead of 90 days"


def test_the_example_of_the_documentation_can_be_served() -> None:
    client = served(ROOT / "docs" / "reference" / "site-example.yaml")
    answered = answer(client, "patient-view/declined-treatment")
    (card,) = answered["cards"]
    assert card["links"][0]["label"] == "Our bridge clinic"
    assert "Signed off at this site: mat-consideration 2.0.0 by A. Example, MD" in card["detail"]
    changed = card["extension"][SITE_EXTENSION]["changed"]
    assert [next(iter(each)) for each in changed] == ["parameter", "wording", "valueSet"]
