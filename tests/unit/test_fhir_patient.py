"""The Patient of the call: who it is, and what its row says."""

from typing import Any

import pytest

from cds_service.core.problem import RequestProblem
from tests.unit.fhir_calls import PATIENT, bundle, days, read

CORE = "http://hl7.org/fhir/us/core/StructureDefinition"


@pytest.mark.parametrize("context", [None, {}, [], {"patientId": None}, {"patientId": ""}, {"patientId": 7}])
def test_a_context_without_patient_id_is_the_callers_fault(context: Any) -> None:
    with pytest.raises(RequestProblem) as caught:
        read(context=context)
    assert (caught.value.status, caught.value.issues[0].where) == (400, "context.patientId")


@pytest.mark.parametrize(
    ("patient", "words"),
    [
        (None, "holds no Patient"),
        ([], "holds no Patient"),
        (bundle(), "holds no Patient"),
        ({"resourceType": "Practitioner", "id": "p1"}, "holds no Patient"),
        ("<html></html>", "no FHIR resource"),
        ({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}, "error"),
        ({**PATIENT, "id": "p2"}, "is another Patient"),
        ({**PATIENT, "id": None}, "is another Patient"),
        ({**PATIENT, "id": ["p1"]}, "is another Patient"),
    ],
)
def test_a_patient_that_cannot_be_told_is_answered_412_naming_the_key(patient: Any, words: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        read({"patient": patient})
    (issue,) = caught.value.issues
    assert (caught.value.status, issue.where) == (412, "prefetch.patient")
    assert words in issue.text
    assert "p2" not in str(caught.value)


@pytest.mark.parametrize("prefetch", [None, [], "x", {}, {"conditions": bundle()}])
def test_a_patient_that_was_not_sent_is_answered_412(prefetch: Any) -> None:
    from tests.unit.fhir_calls import EVERYTHING, TABLE, TODAY, read_chart

    with pytest.raises(RequestProblem) as caught:
        read_chart(hook="patient-view", context={"patientId": "p1"}, prefetch=prefetch, needs=EVERYTHING, table=TABLE,
                   today=TODAY)  # fmt: skip
    assert (caught.value.status, caught.value.issues[0].where) == (412, "prefetch.patient")


@pytest.mark.parametrize("patient", [PATIENT, bundle(PATIENT), [PATIENT], bundle({**PATIENT, "id": "p2"}, PATIENT)])
def test_the_patient_may_come_alone_or_in_a_list(patient: Any) -> None:
    assert read({"patient": patient}).patient.reference == "Patient/p1"


def test_a_patient_id_may_be_written_as_a_reference() -> None:
    assert read(context={"patientId": "Patient/p1"}).patient.reference == "Patient/p1"


@pytest.mark.parametrize(
    ("elements", "status"),
    [
        ({}, "living"),
        ({"deceasedBoolean": False}, "living"),
        ({"deceasedBoolean": True}, "deceased"),
        ({"deceasedBoolean": "true"}, "deceased"),
        ({"deceasedDateTime": "2025-11-02"}, "deceased"),
        ({"deceasedDateTime": "autumn"}, "deceased"),
        ({"deceasedBoolean": {}}, None),
        ({"meta": {"tag": [{"code": "HTEST"}]}}, "test"),
        ({"meta": {"tag": [{"code": "HTEST"}]}, "deceasedBoolean": True}, "deceased"),
        ({"meta": {"security": [{"code": "MASKED"}]}}, None),
    ],
)
def test_a_patient_is_living_deceased_or_a_test(elements: dict[str, Any], status: str | None) -> None:
    assert read({"patient": {**PATIENT, **elements}}).patient.status == status


@pytest.mark.parametrize(
    ("elements", "sex"),
    [
        ({"gender": "male"}, "male"),
        ({"gender": "FEMALE"}, "female"),
        ({"gender": "other"}, "unknown"),
        ({"gender": "unknown"}, "unknown"),
        ({"gender": 5}, "unknown"),
        ({"gender": None}, None),
        ({"extension": [{"url": f"{CORE}/us-core-birthsex", "valueCode": "F"}], "gender": "male"}, "female"),
        ({"extension": [{"url": f"{CORE}/us-core-birthsex", "valueCode": "UNK"}], "gender": "male"}, "unknown"),
        (
            {
                "extension": [
                    {"url": f"{CORE}/us-core-birthsex", "valueCode": "F"},
                    {"url": f"{CORE}/us-core-sex", "valueCode": "248153007"},
                ]
            },
            "male",
        ),
        ({"extension": [{"url": f"{CORE}/us-core-sex", "valueCoding": {"code": "x", "display": "Female"}}]}, "female"),
        ({"extension": [{"url": f"{CORE}/us-core-sex", "valueCode": "x"}], "gender": "male"}, "unknown"),
        ({"extension": "none", "gender": "male"}, "male"),
    ],
)
def test_sex_is_us_core_sex_or_birth_sex_or_gender(elements: dict[str, Any], sex: str | None) -> None:
    assert read({"patient": {**PATIENT, **elements}}).patient.sex == sex


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("1990-05-05", "1990-05-05"),
        ("1990", ("1990-01-01", "1990-12-31")),
        ("5/5/1990", "any day"),
        (1990, "any day"),
        (None, None),
    ],
)
def test_a_birth_date_is_as_exact_as_it_is_written(written: Any, wanted: Any) -> None:
    assert days(read({"patient": {**PATIENT, "birthDate": written}}).patient.birth_date) == wanted
