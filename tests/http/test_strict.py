"""Strict clients: what is no FHIR is refused with 422, place by place; fixtures are FHIR; others are untouched."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from cds_service.cli import main
from cds_service.clients.client import ANONYMOUS, Client
from cds_service.config import Settings
from cds_service.edges.fhir_models import FhirModels
from cds_service.edges.web import Seen
from cds_service.fhir.bindings import REQUIRED
from cds_service.fhir.strict import FETCHED, faults
from cds_service.fixtures import names
from cds_service.protocol import ISSUES_SHOWN
from cds_service.services import no_models
from cds_service.wiring import open_models
from tests.fhir_versions.test_stories import UNSAYABLE, request_in
from tests.fuzz.__main__ import in_process, run
from tests.http.key_server import KeyServer, key_server
from tests.http.small_release import SNOMED, app_of, bundle, call, patient
from tests.http.test_fhir_access import World, about, by_type, gives
from tests.real_rules import real_app
from tests.running import ROOT, serving

VERSIONS = tuple(REQUIRED)
STRICT = replace(ANONYMOUS, strict=True)
PATH = "/cds-services/oud-patient-view"
# Fixtures that break FHIR on purpose, why, and the first place that is named.
BROKEN = {
    "order-select/naltrexone-after-oxycodone": (
        "draft orders come as a Bundle without a type, as in the standard's own examples",
        "context.draftOrders.type",
    ),
    "order-select/naltrexone-not-selected": (
        "draft orders come as a Bundle without a type, as in the standard's own examples",
        "context.draftOrders.type",
    ),
    "patient-view/html-error-page": ("a list came as an HTML page", "prefetch.medicationRequests"),
    "patient-view/long-ids-and-absolute-urls": ("ids are longer than 64 characters", "prefetch.patient.id"),
    "patient-view/stu3-leftovers": (
        "statuses are strings and a category is no array",
        "prefetch.conditions.entry[0].resource.clinicalStatus",
    ),
}
# Converted to STU3, the statuses of the last one are right.
FIRST_IN = {("patient-view/stu3-leftovers", "STU3"): "prefetch.conditions.entry[0].resource.category"}


@cache
def models() -> FhirModels:
    return FhirModels(VERSIONS)


def strict_app(client: Client = STRICT, **ports: Any) -> FlaskClient:
    given = {"identify": lambda authorization, path: client, "structure": models().faults, **ports}
    return app_of(**given).test_client()


def condition(**elements: Any) -> dict[str, Any]:
    code = {"coding": [{"system": SNOMED, "code": "195967001"}]}
    return {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/example-1"}, "code": code} | (
        elements
    )


def with_conditions(*resources: dict[str, Any]) -> dict[str, Any]:
    body = call()
    body["prefetch"]["conditions"] = bundle(*resources)
    return body


def issues(answered: Any) -> list[tuple[str, str]]:
    return [(each["code"], each["expression"][0]) for each in answered.get_json()["issue"] if "expression" in each]


# --- fixtures --------------------------------------------------------------------------------------------------------

CASES = [(name, version) for version in VERSIONS for name in names() if name not in UNSAYABLE.get(version, ())]


def found(name: str, version: str) -> list[str]:
    request = request_in(name, version)
    return [each.where for each in faults(version, request["prefetch"], request["context"], models().faults)]


@pytest.mark.parametrize(("name", "version"), [each for each in CASES if each[0] not in BROKEN])
def test_a_fixture_is_fhir(name: str, version: str) -> None:
    assert found(name, version) == []


@pytest.mark.parametrize(("name", "version"), [each for each in CASES if each[0] in BROKEN])
def test_what_is_listed_as_broken_is_told(name: str, version: str) -> None:
    assert found(name, version)[0] == FIRST_IN.get((name, version), BROKEN[name][1])


# --- answers ---------------------------------------------------------------------------------------------------------


def test_a_good_call_is_answered_as_to_anybody() -> None:
    body = with_conditions(condition())
    assert strict_app().post(PATH, json=body).get_json() == app_of().test_client().post(PATH, json=body).get_json()


def test_a_call_that_is_no_fhir_is_refused_with_every_place(faults_of: Callable[[Any, str], list[str]]) -> None:
    seen: list[Seen] = []
    active = {"coding": [{"system": "http://hl7.org/fhir/condition-clinical", "code": "active"}]}
    body = with_conditions(condition(clinicalStatus=active), condition(recordedDate="2026-03-01T10:00"))
    answered = strict_app(seen=seen.append).post(PATH, json=body)
    assert answered.status_code == 422
    assert issues(answered) == [
        ("code-invalid", "prefetch.conditions.entry[0].resource.clinicalStatus"),
        ("value", "prefetch.conditions.entry[1].resource.recordedDate"),
    ]
    assert faults_of(answered.get_json(), "OperationOutcome") == []
    (told,) = seen
    assert (told.status, told.refused, told.answer) == (422, "code-invalid", None)  # so nothing is put on record


def test_a_long_list_is_cut_and_the_others_counted() -> None:
    body = with_conditions(*[condition(onsetDateTime="soon")] * (ISSUES_SHOWN + 5))
    told = strict_app().post(PATH, json=body).get_json()["issue"]
    assert len(told) == ISSUES_SHOWN + 1
    assert told[-1]["details"]["text"] == "and 5 more faults"


def test_a_list_that_could_not_be_read_is_fhir_and_says_what_it_says_to_anybody() -> None:
    body = call()
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    body["prefetch"]["conditions"] = outcome
    assert strict_app().post(PATH, json=body).status_code == app_of().test_client().post(PATH, json=body).status_code


def test_the_version_is_that_of_the_client() -> None:
    r5 = condition(clinicalStatus={"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    ]})  # fmt: skip
    stu3 = condition(clinicalStatus="active")
    told = {
        version: [
            strict_app(replace(STRICT, fhir_version=version)).post(PATH, json=with_conditions(each)).status_code
            for each in (condition(), r5, stu3)
        ]
        for version in VERSIONS
    }
    assert told == {"R4": [200, 200, 422], "R5": [422, 200, 422], "STU3": [200, 422, 200]}


def test_the_version_of_a_client_without_one_is_that_of_the_call() -> None:
    order = {
        "resourceType": "MedicationRequest", "status": "ended", "intent": "order",
        "subject": {"reference": "Patient/example-1"}, "medication": {"concept": {"text": "drug"}},
    }  # fmt: skip
    body = call()
    body["prefetch"]["medicationRequests"] = bundle(order)
    assert strict_app().post(PATH, json=body).status_code == 200
    del order["medication"]
    order["medicationCodeableConcept"] = {"text": "drug"}
    assert issues(strict_app().post(PATH, json=body)) == [
        ("code-invalid", "prefetch.medicationRequests.entry[0].resource.status")
    ]


def test_clients_of_one_service_do_not_touch_each_other() -> None:
    known = {"Bearer a": replace(STRICT, name="a"), "Bearer b": replace(ANONYMOUS, name="b")}
    client = app_of(identify=lambda token, path: known[str(token)], structure=models().faults).test_client()
    body = with_conditions(condition(clinicalStatus={"text": "active"}))
    for token, status in [("Bearer a", 422), ("Bearer b", 200)] * 3:
        assert client.post(PATH, json=body, headers={"Authorization": token}).status_code == status


def test_without_models_a_strict_client_is_never_answered_as_if_all_had_been_checked() -> None:
    assert strict_app(structure=no_models).post(PATH, json=call()).status_code == 500


# --- what is fetched -------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as held:
        yield held


@pytest.fixture
def world(server: KeyServer) -> Iterator[World]:
    made = World(server)
    yield made
    made.servers.close()


def test_what_was_fetched_is_held_to_fhir_too(server: KeyServer, world: World) -> None:
    wrong = condition(verificationStatus={"text": "sure"})
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(bundle(wrong)))
    client = strict_app(
        replace(world.client, strict=True), fhir_client=lambda client, began: world.servers.of(world.client, began)
    )
    answered = client.post(PATH, json=about(server))
    assert answered.status_code == 422
    assert issues(answered) == [("code-invalid", "prefetch.conditions.entry[0].resource.verificationStatus")]
    assert answered.get_json()["issue"][0]["details"]["text"].endswith(f"; {FETCHED}")


def test_a_list_of_several_pages_is_fhir(server: KeyServer, world: World) -> None:
    first = bundle(condition()) | {
        "link": [{"relation": "next", "url": f"{world.client.fhir_servers[0]}/Condition?p=2"}]
    }
    server.behaviour = by_type(Patient=gives(patient()), Condition=gives(bundle(condition(id="c2"))))
    sent = about(server, prefetch={"patient": patient(), "conditions": first})
    client = strict_app(
        replace(world.client, strict=True), fhir_client=lambda client, began: world.servers.of(world.client, began)
    )
    assert client.post(PATH, json=sent).status_code == 200
    assert world.ends["whole"] == 1


# --- the service -----------------------------------------------------------------------------------------------------


def clients_file(folder: Path, text: str) -> Path:
    path = folder / "clients.yaml"
    path.write_text(f"clients:\n{text}", encoding="utf-8")
    return path


def settings(folder: Path, text: str) -> Settings:
    return Settings(auth="off", rules=ROOT / "rules", clients=clients_file(folder, text))


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("  anonymous: {strict: true, fhir_version: STU3}\n", {"STU3"}),
        ("  anonymous: {strict: true}\n", {"R4", "R5", "STU3"}),
        ("  anonymous: {strict: false}\n", set()),
        ("  other: {issuers: i, jku: 'https://a.example.org/k', strict: true}\n", set()),  # nobody is asked who calls
    ],
)
def test_only_the_models_that_are_needed_are_opened(tmp_path: Path, text: str, versions: set[str]) -> None:
    structure = open_models(settings(tmp_path, text))
    opened = set()
    for version in VERSIONS:
        try:
            list(structure(version, patient()))
            opened.add(version)
        except LookupError:
            continue
    assert opened == versions


def test_the_library_is_imported_for_strict_clients_alone_and_before_the_first_call(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom cds_service.config import Settings\n"
        "from cds_service.wiring import open_service\n"
        f"open_service(Settings(auth='off', rules=Path({str(ROOT / 'rules')!r}), clients=Path(sys.argv[1])))\n"
        "print('fhir.resources' in sys.modules, 'fhir.resources.R4B.condition' in sys.modules)"
    )
    told = []
    for text in ("  anonymous: {strict: false}\n", "  anonymous: {strict: true, fhir_version: R4}\n"):
        path = clients_file(tmp_path, text)
        ran = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
        )
        told.append(ran.stdout.strip())
    assert told == ["False False", "True True"]


def test_mutated_requests_are_never_500_and_never_repeat_what_was_planted() -> None:
    app = real_app(identify=lambda authorization, path: STRICT, structure=models().faults)
    told = run(in_process(app), 300_000, 400)
    assert told["first_faults"] == []
    assert {"200", "400", "412", "422"} <= set(told["statuses"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("strict")
    path = clients_file(folder, "  anonymous: {strict: true}\n")
    with serving(folder, {"CDS_AUTH": "off", "CDS_CLIENTS": str(path)}) as url:
        yield url


def test_a_real_server_answers_and_refuses(served: str) -> None:
    good = requests.post(f"{served}{PATH}", json=with_conditions(condition()), timeout=30)
    assert good.status_code == 412  # FHIR, and lists that the rules of this tree ask for were not sent
    planted = "planted-value"
    wrong = with_conditions(
        condition(clinicalStatus={"coding": [{"system": planted, "code": planted}]}, **{planted: 1})
    )
    answered = requests.post(f"{served}{PATH}", json=wrong, timeout=30)
    assert answered.status_code == 422
    assert [each["expression"] for each in answered.json()["issue"]] == [
        ["prefetch.conditions.entry[0].resource"],
        ["prefetch.conditions.entry[0].resource.clinicalStatus"],
    ]
    assert planted not in answered.text
    counted = requests.get(f"{served}/metrics", timeout=30).text
    assert 'cds_calls_total{service="oud-patient-view",status="422"} 1.0' in counted
    assert 'cds_refusals_total{reason="structure"} 1.0' in counted


@pytest.mark.parametrize(
    ("name", "code"), [("patient-view/untreated-oud-icd10", 0), ("patient-view/stu3-leftovers", 1)]
)
def test_replay_is_held_to_it_over_http_and_in_process(
    served: str,
    name: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = clients_file(tmp_path, "  anonymous: {strict: true}\n")
    monkeypatch.setenv("CDS_CLIENTS", str(path))
    monkeypatch.setenv("CDS_RULES", str(ROOT / "rules"))
    for options in (["--url", served], []):
        assert main(["replay", name, *options]) == code
        told = capsys.readouterr().out
        assert ("status 422, 200 was expected" in told) is bool(code)
        if code:
            assert "  prefetch.conditions.entry[0].resource.clinicalStatus: must be an object, not a string\n" in told
            assert "unread" not in told


def test_the_page_of_the_answer_names_every_code_that_an_issue_has() -> None:
    page = (ROOT / "docs" / "how-to" / "read-an-answer.md").read_text(encoding="utf-8")
    section = page.partition("## 422")[2].partition("\n## ")[0]
    listed = {
        line.split("`")[1]
        for line in section.splitlines()
        if line.startswith("| `") and not line.startswith("| `code`")
    }
    assert listed == {"structure", "required", "value", "code-invalid", "too-long"}
