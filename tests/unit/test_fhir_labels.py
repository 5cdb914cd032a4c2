"""Security labels reach the rows that are read from what bears them, and a client that may not read them does not."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from cds_service.core.facts import Chart, Gap, Needs, Row
from cds_service.core.restricted import Part2
from cds_service.fhir import r4, r5, stu3
from cds_service.fhir.labels import labels_of
from cds_service.fhir.lacking import joined
from cds_service.fhir.prefetch import PREFETCH, keys_of
from tests.unit.fhir_calls import CODED, DRUG_CODE, KEY_OF, PATIENT, TABLE, bundle, read, resource

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LEVEL = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
PART2 = {"security": [{"system": ACT, "code": "42CFRPart2"}]}
ETH = {"security": [{"system": ACT, "code": "eth"}]}
IGNORE = Part2("ignore")
PARTLY = "partly read"
VERSIONS = {"R4": r4, "R5": r5, "STU3": stu3}
DRUG = {"resourceType": "Medication", "id": "m1", "code": DRUG_CODE}


def security(*labels: Any) -> dict[str, Any]:
    return {"meta": {"security": list(labels)}}


# --- which labels are read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["42CFRPart2", "42cfrpart2", " 42CFRPART2 "])
@pytest.mark.parametrize(
    "system", [ACT, "http://hl7.org/fhir/v3/ActCode", "urn:oid:2.16.840.1.113883.5.4", "", None, 7, "urn:of-a-site"]
)
def test_a_sensitivity_counts_in_any_spelling_and_system(code: str, system: Any) -> None:
    assert labels_of(security({"system": system, "code": code})) == {"42CFRPART2"}


@pytest.mark.parametrize(
    "system",
    [
        LEVEL,
        f"{LEVEL}|2.0.0",
        LEVEL.upper(),
        "http://hl7.org/fhir/v3/Confidentiality",
        "http://hl7.org/fhir/v3-Confidentiality/",
        "urn:oid:2.16.840.1.113883.5.25",
        None,
        "",
        " ",
        7,
    ],
)
def test_a_level_counts_in_its_own_system_or_without_one(system: Any) -> None:
    assert labels_of(security({"system": system, "code": "r"})) == {"R"}


@pytest.mark.parametrize("code", ["R", "v", "N"])
@pytest.mark.parametrize(
    "system", [ACT, "urn:of-a-site", "urn:oid:2.16.840.1.113883.5.1", "urn:no-confidentiality-at-all"]
)
def test_a_letter_of_another_system_is_no_level(code: str, system: str) -> None:
    assert labels_of(security({"system": system, "code": code}, {"code": "SUD"})) == {"SUD"}


@pytest.mark.parametrize(
    "meta",
    [
        {"security": {"code": "SUD"}},
        {"security": "SUD"},
        {"security": ["SUD"]},
        {"security": [["SUD"]]},
        {"security": [None, 7, {}, {"code": None}, {"code": 7}, {"display": "R"}, {"system": ACT}, {"code": "SUD"}]},
        {"security": [{"coding": [{"code": "SUD"}]}]},
        {"security": [{"coding": {"code": "SUD"}, "text": "R"}]},
        {"security": {"coding": [None, "SUD"]}},
        [{"security": [{"code": "SUD"}]}],
    ],
)
def test_no_label_that_can_be_read_is_lost(meta: Any) -> None:
    assert labels_of({"meta": meta}) == {"SUD"}


@pytest.mark.parametrize(
    "value",
    [
        None, 7, "SUD", [], {}, {"meta": None}, {"meta": 7}, {"meta": "SUD"}, {"meta": {}},
        {"meta": {"security": None}},
        {"meta": {"security": []}}, {"meta": {"security": 7}}, {"meta": {"security": [None]}}, {"contained": 7},
        {"meta": {"security": [{"code": " "}, {"code": {"code": "SUD"}}, ""]}}, {"meta": {"tag": [{"code": "SUD"}]}},
        {"contained": [None, 7, {"meta": {"security": False}}]},
    ],
)  # fmt: skip
def test_what_is_no_label_is_none(value: Any) -> None:
    assert labels_of(value) == frozenset()


def test_a_malformed_label_leaves_its_resource_readable() -> None:
    (row,) = rows({"conditions": bundle(resource("Condition", meta={"security": [7, {"code": None}, "SUD"]}))})
    assert row.labels == {"SUD"}


# --- where they stand ------------------------------------------------------------------------------------------------


def rows(lists: dict[str, Any], fact: str = "Condition", **given: Any) -> tuple[Row, ...]:
    return read(lists, **given).rows.get(fact, ())


def labels(lists: dict[str, Any], fact: str = "Condition", **given: Any) -> list[list[str]]:
    return [sorted(row.labels) for row in rows(lists, fact, **given)]


KINDS = sorted({each.resource_type for each in PREFETCH.values()} - {"Patient"})


def of_kind(kind: str, version: str, **elements: Any) -> dict[str, Any]:
    """A resource of a type as a version spells it."""
    found = resource(kind, **elements)
    if kind == "QuestionnaireResponse":
        found["item"] = [{"linkId": "1", "answer": [{"valueInteger": 1}]}]
    if version == "R5" and kind.startswith("Medication"):
        found["medication"] = {"concept": found.pop("medicationCodeableConcept")}
    if version == "STU3" and kind == "ServiceRequest":
        found["resourceType"] = "ProcedureRequest"
    return found


def fact_of(kind: str) -> str:
    return "medication-use" if kind.startswith("Medication") else kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_label_of_a_resource_reaches_its_row(kind: str, version: str) -> None:
    lists = {KEY_OF[kind]: bundle(of_kind(kind, version, meta=ETH))}
    assert labels(lists, fact_of(kind), version=VERSIONS[version]) == [["ETH"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_label_of_a_bundle_reaches_every_row_in_it(kind: str, version: str) -> None:
    one, two = (of_kind(kind, version, id=each) for each in ("1", "2"))
    lists = {KEY_OF[kind]: bundle({**one, "meta": ETH}, two, meta=PART2)}
    assert labels(lists, fact_of(kind), version=VERSIONS[version]) == [["42CFRPART2", "ETH"], ["42CFRPART2"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_label_of_a_contained_resource_reaches_the_row(kind: str, version: str) -> None:
    within = [{"resourceType": "Organization", "id": "o"}, {"resourceType": "Practitioner", "id": "p", "meta": ETH}]
    lists = {KEY_OF[kind]: bundle(of_kind(kind, version, contained=within))}
    assert labels(lists, fact_of(kind), version=VERSIONS[version]) == [["ETH"]]


def referring(version: str, reference: str, **elements: Any) -> dict[str, Any]:
    """An order whose drug is a reference, as a version spells it."""
    drug = {"reference": reference}
    how = {"medication": {"reference": drug}} if version == "R5" else {"medicationReference": drug}
    return resource("MedicationRequest", medicationCodeableConcept=None, **how, **elements)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_label_of_a_contained_medication_reaches_the_row(version: str) -> None:
    order = referring(version, "#m1", contained=[{**DRUG, "meta": PART2}])
    assert labels({"medicationRequests": bundle(order)}, "medication-use", version=VERSIONS[version]) == [
        ["42CFRPART2"]
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", ["resource", "Bundle"])
def test_the_label_of_a_medication_that_is_referred_to_reaches_the_row(version: str, place: str) -> None:
    other = resource("MedicationRequest", id="2", medicationCodeableConcept=DRUG_CODE)
    medications = bundle({**DRUG, "meta": PART2}) if place == "resource" else bundle(DRUG, meta=PART2)
    lists = {"medicationRequests": bundle(referring(version, "Medication/m1"), other), "medications": medications}
    assert labels(lists, "medication-use", version=VERSIONS[version]) == [["42CFRPART2"], []]


def test_the_label_of_a_reason_reaches_the_row() -> None:
    reason = resource("Condition", id="c1", meta=PART2)
    order = resource(
        "MedicationRequest", reasonReference=[{"reference": "https://ehr.example/Condition/c1/_history/2"}]
    )
    assert labels({"conditions": bundle(reason), "medicationRequests": bundle(order)}, "medication-use") == [
        ["42CFRPART2"]
    ]


def test_the_label_of_the_stay_reaches_the_order_that_it_ends() -> None:
    stay = resource("Encounter", id="e1", status="finished", meta=PART2)
    category = [{"coding": [{"code": "inpatient"}]}]
    order = resource("MedicationRequest", status="active", category=category, encounter={"reference": "Encounter/e1"})
    assert labels({"encounters": bundle(stay), "medicationRequests": bundle(order)}, "medication-use") == [
        ["42CFRPART2"]
    ]


def test_what_one_row_refers_to_leaves_the_next_one_alone() -> None:
    lists = {
        "medicationRequests": bundle(
            referring("R4", "#m1", contained=[{**DRUG, "meta": PART2}]), resource("MedicationRequest", id="2")
        )
    }
    assert labels(lists, "medication-use") == [["42CFRPART2"], []]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_label_of_a_bundle_reaches_the_bundles_inside_it(version: str) -> None:
    inner = bundle(resource("Condition", meta=ETH))
    assert labels({"conditions": bundle(inner, meta=PART2)}, version=VERSIONS[version]) == [["42CFRPART2", "ETH"]]
    assert labels({"conditions": bundle(bundle(inner), meta=PART2)}) == [["42CFRPART2", "ETH"]]


def test_each_page_has_its_own_label() -> None:
    pages = joined([bundle(resource("Condition")), bundle(resource("Condition", id="2"), meta=PART2)])
    assert labels({"conditions": pages}) == [[], ["42CFRPART2"]]


@pytest.mark.parametrize("labelled_first", [True, False])
def test_of_a_resource_that_came_twice_the_highest_mark_counts(labelled_first: bool) -> None:
    once = [
        resource("Condition", meta={**ETH, "lastUpdated": "2026-01-01"}),
        resource("Condition", meta={"lastUpdated": "2026-02-01"}),
    ]
    lists = {
        "conditions": bundle(*(once if labelled_first else once[::-1])),
        "more": bundle(resource("Condition"), meta=PART2),
    }
    assert labels(lists) == [["42CFRPART2", "ETH"]]


def test_each_answer_and_component_bears_the_label() -> None:
    parts = [{"code": CODED, "valueInteger": 1}, {"code": CODED, "valueInteger": 2}]
    lists = {
        "labs": bundle(resource("Observation", component=parts, contained=[{"resourceType": "Device", "meta": PART2}]))
    }
    assert labels(lists, "Observation") == [["42CFRPART2"]] * 3


def test_a_list_of_which_a_contained_part_was_masked_is_not_read_whole() -> None:
    order = referring("R4", "#m1", contained=[{**DRUG, **security({"code": "MASKED"})}])
    chart = read({"medicationRequests": bundle(order)})
    assert ("medication-use" in chart.rows, chart.gaps["medication-use"]) == (
        False,
        (Gap("medicationRequests", "redacted"),),
    )


# --- what does not count ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "by_confidentiality", "wanted"),
    [
        (["R"], False, []),
        (["V", "HIV"], False, []),
        (["R"], True, ["R"]),
        (["V", "HIV"], True, ["HIV", "V"]),
        (["N"], True, []),
        (["TREAT", "HIV"], True, []),
        (["R", "42CFRPart2", "NOAUTH"], False, ["42CFRPART2", "NOAUTH", "R"]),
        (["NORDSCLCD"], False, ["NORDSCLCD"]),
    ],
)
def test_a_row_bears_labels_only_if_one_counts(codes: list[str], by_confidentiality: bool, wanted: list[str]) -> None:
    lists = {"conditions": bundle(resource("Condition", **security(*({"code": each} for each in codes))))}
    assert labels(lists, part2=Part2("use", by_confidentiality)) == [wanted]


# --- the patient -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["use", "use-no-detail", "ignore"])
@pytest.mark.parametrize("sent", [{**PATIENT, "meta": PART2}, bundle(PATIENT, meta=PART2)])
def test_a_labelled_patient_is_read_whatever_the_mode(mode: str, sent: dict[str, Any]) -> None:
    chart = read({"patient": sent}, part2=Part2(mode))
    assert (chart.patient.labels, chart.patient.sex, chart.gaps) == ({"42CFRPART2"}, "female", {})


# --- draft orders ----------------------------------------------------------------------------------------------------


def drafts(*orders: Any, lists: dict[str, Any] | None = None, part2: Part2 = Part2(), **of_bundle: Any) -> Chart:
    context = {"patientId": "p1", "draftOrders": bundle(*orders, **of_bundle)}
    return read(lists or {}, hook="order-sign", context=context, part2=part2)


DRAFTED = [
    pytest.param((resource("MedicationRequest", meta=PART2),), {}, id="resource"),
    pytest.param((resource("MedicationRequest"),), {"meta": PART2}, id="Bundle"),
    pytest.param((referring("R4", "#m1", contained=[{**DRUG, "meta": PART2}]),), {}, id="contained"),
    pytest.param((referring("R4", "Medication/m1"), {**DRUG, "meta": PART2}), {}, id="beside"),
    pytest.param((bundle(resource("MedicationRequest")),), {"meta": PART2}, id="nested"),
]


@pytest.mark.parametrize(("orders", "of_bundle"), DRAFTED)
def test_a_draft_order_bears_its_labels(orders: Iterable[Any], of_bundle: dict[str, Any]) -> None:
    (row,) = drafts(*orders, **of_bundle).rows["draft-order"]
    assert (row.labels, row.status) == ({"42CFRPART2"}, "selected")


@pytest.mark.parametrize(("orders", "of_bundle"), DRAFTED)
def test_a_labelled_draft_order_that_may_not_be_read_leaves_the_orders_partly_read(
    orders: Iterable[Any], of_bundle: dict[str, Any]
) -> None:
    chart = drafts(*orders, part2=IGNORE, **of_bundle)
    assert ("draft-order" in chart.rows, chart.gaps["draft-order"]) == (False, (Gap("draftOrders", PARTLY),))


def test_a_draft_that_renews_a_labelled_order_bears_its_label_and_is_never_taken_for_a_new_one() -> None:
    on_record = {"medicationRequests": bundle(resource("MedicationRequest", id="9", status="active", meta=PART2))}
    renewal = resource("MedicationRequest", id="10", priorPrescription={"reference": "MedicationRequest/9"})
    (row,) = drafts(renewal, lists=on_record).rows["draft-order"]
    assert (row.status, row.labels) == ("renewing", {"42CFRPART2"})
    chart = drafts(renewal, lists=on_record, part2=IGNORE)
    assert ("draft-order" in chart.rows, chart.gaps["draft-order"]) == (False, (Gap("draftOrders", PARTLY),))


# --- as if not read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", ["resource", "Bundle", "contained"])
def test_a_labelled_resource_is_not_read_and_its_list_is_partly_read(kind: str, version: str, place: str) -> None:
    within = [{"resourceType": "Organization", "id": "o", "meta": PART2}]
    elements: dict[str, Any] = {"resource": {"meta": PART2}, "contained": {"contained": within}}.get(place, {})
    one = of_kind(kind, version, **elements)
    key, fact = KEY_OF[kind], fact_of(kind)
    chart = read(
        {key: bundle(one, **({"meta": PART2} if place == "Bundle" else {}))}, version=VERSIONS[version], part2=IGNORE
    )
    assert (fact in chart.rows, chart.gaps[fact], chart.counts.get(fact, 0)) == (False, (Gap(key, PARTLY),), 0)


def test_rows_beside_it_are_read() -> None:
    lists = {"conditions": bundle(resource("Condition", meta=PART2), resource("Condition", id="2"))}
    assert [row.reference for row in rows(lists, part2=IGNORE)] == ["Condition/2"]


@pytest.mark.parametrize("code", ["C1", "of-no-value-set"])
def test_whether_a_rule_could_have_used_it_makes_no_difference(code: str) -> None:
    needs = (
        Needs({"Condition": TABLE.mask(["state"])}, frozenset()) if hasattr(TABLE, "mask") else Needs({}, frozenset())
    )
    one = resource("Condition", code={"coding": [{"system": "http://snomed.info/sct", "code": code}]}, meta=PART2)
    chart = read({"conditions": bundle(one)}, needs=needs, part2=IGNORE)
    assert (chart.rows.get("Condition"), chart.gaps, chart.counts) == (
        None, {"Condition": (Gap("conditions", PARTLY),)}, {"Patient": 1},
    )  # fmt: skip


@pytest.mark.parametrize(
    "one",
    [
        resource("Condition", meta=PART2, verificationStatus={"coding": [{"code": "entered-in-error"}]}),
        resource("Condition", meta=PART2, subject={"reference": "Patient/other"}),
        resource("Condition", meta=PART2, subject=None),
        resource("Condition", meta=PART2, code=None),
    ],
)
def test_nor_does_anything_else_in_it(one: dict[str, Any]) -> None:
    chart = read({"conditions": bundle(one)}, part2=IGNORE)
    assert (chart.gaps, chart.dropped) == ({"Condition": (Gap("conditions", PARTLY),)}, {})


def test_a_labelled_bundle_without_entries_is_a_list_that_was_not_read() -> None:
    assert read({"conditions": bundle(meta=PART2)}, part2=IGNORE).gaps == {"Condition": (Gap("conditions", PARTLY),)}
    assert read({"conditions": bundle(meta=PART2)}, part2=Part2("use")).gaps == {}


def test_one_that_came_under_an_unexpected_key_is_missed_in_the_list_of_its_type() -> None:
    chart = read({"more": bundle(resource("Condition", meta=PART2))}, part2=IGNORE)
    assert (chart.rows.get("Condition"), chart.gaps["Condition"]) == (None, (Gap("conditions", PARTLY),))


@pytest.mark.parametrize("order", [("conditions", "more"), ("more", "conditions")])
def test_a_copy_without_the_label_is_not_read_either(order: tuple[str, str]) -> None:
    sent = {"conditions": bundle(resource("Condition")), "more": bundle(resource("Condition", meta=PART2))}
    chart = read({key: sent[key] for key in order}, part2=IGNORE)
    assert (chart.rows.get("Condition"), chart.gaps["Condition"]) == (None, (Gap("conditions", PARTLY),))


def test_a_resource_without_id_is_left_out_by_its_key() -> None:
    chart = read({"conditions": bundle(resource("Condition", id=None, meta=PART2))}, part2=IGNORE)
    assert (chart.rows.get("Condition"), chart.gaps["Condition"]) == (None, (Gap("conditions", PARTLY),))


def test_a_row_that_refers_to_a_labelled_resource_is_not_read() -> None:
    lists = {"medicationRequests": bundle(referring("R4", "Medication/m1"), {**DRUG, "meta": PART2})}
    chart = read(lists, part2=IGNORE)
    assert (chart.rows.get("medication-use"), chart.counts["medication-use"]) == (None, 0)
    assert chart.gaps == {"medication-use": (Gap("medicationRequests", PARTLY),)}


def test_the_encounter_of_the_call_is_not_read_either() -> None:
    stay = resource("Encounter", id="e1", status="in-progress", meta=PART2)
    context = {"patientId": "p1", "encounterId": "e1"}
    chart = read({"encounters": bundle(stay)}, context=context, part2=IGNORE)
    assert chart.gaps == dict.fromkeys(("Encounter", "this-encounter"), (Gap("encounters", PARTLY),))


def test_only_r_or_v_leaves_the_record_readable_unless_the_client_says_so() -> None:
    lists = {"conditions": bundle(resource("Condition", **security({"system": LEVEL, "code": "R"})))}
    assert len(rows(lists, part2=IGNORE)) == 1
    assert rows(lists, part2=Part2("ignore", by_confidentiality=True)) == ()


OTHERWISE_PARTLY_READ = [
    bundle(resource("Condition"), resource("Condition", id="2", subject={"reference": "Patient/other"})),
    bundle(resource("Condition"), resource("Condition", id="2", subject=None)),
    bundle(resource("Condition"), resource("Condition", id="2", **security({"code": "REDACTED"}))),
    bundle(resource("Condition"), meta={"security": [{"code": "SUBSETTED"}]}),
    bundle(resource("Condition"), None),
    bundle(resource("Condition"), total=9),
    bundle(resource("Observation")),
]


@pytest.mark.parametrize("value", OTHERWISE_PARTLY_READ)
def test_a_list_that_was_partly_read_for_another_reason_is_told_alike(value: dict[str, Any]) -> None:
    told = read({"conditions": value}).gaps["Condition"]
    assert all(gap.why != PARTLY for gap in told)
    assert read({"conditions": value}, part2=IGNORE).gaps["Condition"] == (Gap("conditions", PARTLY),)


@pytest.mark.parametrize("value", ["<html>", {"resourceType": "OperationOutcome"}])
def test_a_list_that_failed_to_load_is_told_as_ever(value: Any) -> None:
    assert read({"conditions": value}, part2=IGNORE).gaps == read({"conditions": value}).gaps


def test_the_day_from_which_a_page_is_whole_is_not_read_off_labelled_rows() -> None:
    old = resource("Condition", id="2", onsetDateTime="2025-01-01", meta=PART2)
    page = bundle(resource("Condition", onsetDateTime="2026-02-01"), old, total=9)
    told = {mode: read({"conditions": page}, part2=Part2(mode)).gaps["Condition"] for mode in ("use", "ignore")}
    assert [gap.before is None for gap in told["use"]] == [False]
    assert told["ignore"] == (Gap("conditions", PARTLY),)


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_has_its_list(kind: str) -> None:
    assert [PREFETCH[key].resource_type for key in keys_of(kind)] == [kind] * len(keys_of(kind)) != []


def test_a_chart_without_labels_reads_alike_in_every_mode() -> None:
    lists = {"conditions": bundle(resource("Condition")), "medicationRequests": bundle(resource("MedicationRequest"))}
    charts = [replace(read(lists, part2=Part2(mode)), dropped={}) for mode in ("use", "use-no-detail", "ignore")]
    assert charts[0] == charts[1] == charts[2]
