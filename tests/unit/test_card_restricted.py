"""Records labelled under 42 CFR Part 2: left out, told without detail, or used, with the notice and labels."""

from dataclasses import replace

import pytest

from cds_service.core.card import render
from cds_service.core.dates import NO, UNKNOWN, YES
from cds_service.core.facts import Gap
from cds_service.core.restricted import (
    OBSERVATION_LISTS,
    REDISCLOSURE_NOTICE,
    is_restricted,
    restricting_labels,
    security_codings,
    without_restricted,
)
from cds_service.fhir.draft import draft
from cds_service.fhir.prefetch import PREFETCH
from tests.unit.card_world import CALL, RELEASE, alt, chart, condition, decided, opioid, order, urine

PART2 = frozenset({"42CFRPART2", "R", "NORDSCLCD", "TREAT"})


def card(*rows, mode):
    return render(decided(*rows), call=replace(CALL, part2_mode=mode), release=RELEASE, draft=draft)


@pytest.mark.parametrize("label", ["42CFRPART2", "42CFRPart2", "ETH", "SUD", "OPIOIDUD", "ETHUD", "R", "V"])
def test_a_part_2_label_restricts_a_row_in_any_spelling(label):
    assert is_restricted(opioid(labels=frozenset({label})))


@pytest.mark.parametrize("label", ["N", "L", "TREAT", "NORDSCLCD", "HIV"])
def test_other_labels_do_not_restrict_a_row(label):
    assert not is_restricted(opioid(labels=frozenset({label})))


def test_obligations_pass_on_with_the_labels_and_purposes_of_use_do_not():
    assert restricting_labels([opioid(labels=PART2)]) == {"42CFRPART2", "R", "NORDSCLCD"}


def test_labels_are_written_in_the_spelling_of_their_code_system():
    assert [each["code"] for each in security_codings({"42CFRPART2", "SUD", "R"})] == ["42CFRPart2", "R", "SUD"]


def test_a_dropped_row_leaves_its_list_partly_read():
    before = chart(opioid(labels=PART2), opioid("plain", reference="MedicationRequest/2"))
    after = without_restricted(before)
    assert [row.name for row in after.rows["medication-use"]] == ["plain"]
    assert after.gaps == {"medication-use": (Gap("medicationRequests", "partly read"),)}


def test_a_dropped_observation_leaves_every_list_of_observations_partly_read():
    after = without_restricted(chart(urine(labels=PART2)))
    assert {gap.source for gap in after.gaps["Observation"]} == set(OBSERVATION_LISTS)


def test_what_was_not_read_before_stays_unread():
    gap = Gap("medicationRequests", "further page")
    after = without_restricted(chart(opioid(labels=PART2), gaps={"medication-use": (gap,)}))
    assert after.gaps["medication-use"][0] == gap


def test_counts_do_not_tell_of_dropped_rows():
    before = replace(chart(opioid(labels=PART2)), counts={"medication-use": 5})
    assert without_restricted(before).counts == {"medication-use": 4}


def test_a_chart_without_labels_stays_as_it_is():
    assert without_restricted(chart(opioid())) == chart(opioid())


def test_dropping_makes_a_finding_unknown_and_never_absent():
    before = chart(order(), opioid(labels=PART2))
    assert decided(*before.rows["draft-order"], *before.rows["medication-use"]).judgement.result("drug").verdict is YES
    after = without_restricted(before)
    kept = decided(*after.rows["draft-order"], *after.rows["medication-use"], gaps=dict(after.gaps))
    assert kept.judgement.result("drug").verdict is UNKNOWN


def test_a_finding_that_needs_no_labelled_row_stays():
    after = without_restricted(chart(order(), opioid(), condition(labels=PART2)))
    rows = (*after.rows["draft-order"], *after.rows["medication-use"])
    assert decided(*rows, gaps=dict(after.gaps)).judgement.result("drug").verdict is YES
    assert decided(*rows, gaps=dict(after.gaps)).judgement.result("test").verdict is NO


def test_without_detail_a_labelled_row_is_a_restricted_record():
    detail = card(order(), opioid(labels=PART2), mode="use-no-detail")["detail"]
    assert "  - a restricted record" in detail
    assert "oxycodone" not in detail
    assert "2026-02-19" not in detail


def test_with_detail_a_labelled_row_is_told():
    assert (
        "oxycodone 5 mg tablet, 2026-02-01 to 2026-02-19" in card(order(), opioid(labels=PART2), mode="use")["detail"]
    )


def test_without_detail_no_labelled_drug_stands_anywhere_on_the_card():
    assert "oxycodone" not in str(card(order(), opioid(labels=PART2), mode="use-no-detail"))


@pytest.mark.parametrize("mode", ["use", "use-no-detail"])
def test_a_card_on_a_labelled_row_ends_with_the_notice_and_carries_the_labels(mode):
    shown = card(order(), opioid(labels=PART2), mode=mode)
    assert shown["detail"].endswith(REDISCLOSURE_NOTICE)
    assert [each["code"] for each in shown["extension"]["org.oud-cds.labels"]] == ["42CFRPart2", "NORDSCLCD", "R"]


@pytest.mark.parametrize("mode", ["use", "use-no-detail"])
def test_drafts_of_such_a_card_carry_the_labels(mode):
    created = card(order(), opioid(labels=PART2), mode=mode)["suggestions"][1]["actions"][0]["resource"]
    assert [each["code"] for each in created["meta"]["security"]] == ["42CFRPart2", "NORDSCLCD", "R"]


def test_without_detail_a_draft_does_not_point_at_the_labelled_record():
    created = card(order(), urine(labels=PART2), mode="use-no-detail")["suggestions"][1]["actions"][0]["resource"]
    assert "reasonReference" not in created
    assert "reasonCode" not in created


def test_a_labelled_row_behind_a_line_alone_counts_too():
    shown = card(order(), opioid(), alt(201, labels=PART2), mode="use")
    assert shown["detail"].endswith(REDISCLOSURE_NOTICE)


def test_a_labelled_row_that_nothing_rests_on_leaves_no_notice():
    shown = card(order(), opioid(), condition(labels=PART2), mode="use")
    assert REDISCLOSURE_NOTICE not in shown["detail"]
    assert "org.oud-cds.labels" not in shown["extension"]


def test_the_lists_of_observations_are_those_of_the_prefetch():
    assert set(OBSERVATION_LISTS) == {each.key for each in PREFETCH.values() if each.resource_type == "Observation"}


@pytest.mark.parametrize(
    "resource_type", sorted({each.resource_type for each in PREFETCH.values()} - {"Patient", "Observation"})
)
def test_a_dropped_row_is_told_under_its_prefetch_key(resource_type):
    row = replace(opioid(labels=PART2), reference=f"{resource_type}/1")
    (gap,) = without_restricted(chart(row)).gaps["medication-use"]
    assert PREFETCH[gap.source].resource_type == resource_type
