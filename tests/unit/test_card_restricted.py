"""Records labelled under 42 CFR Part 2: left out, told without detail, or used, with the notice and labels."""

from dataclasses import replace

import pytest

from cds_service.core.basis import reasons_words
from cds_service.core.card import render
from cds_service.core.decision import Doubt
from cds_service.core.placeholders import Voice
from cds_service.core.restricted import (
    REDISCLOSURE_NOTICE,
    Part2,
    is_restricted,
    restricting_labels,
    security_codings,
)
from cds_service.fhir.draft import draft
from tests.unit.card_world import CALL, RELEASE, alt, chart, condition, decided, decided_on, opioid, order, urine

PART2 = frozenset({"42CFRPART2", "R", "NORDSCLCD", "TREAT"})


def card(*rows, mode):
    return render(decided(*rows), call=replace(CALL, part2_mode=mode), release=RELEASE, draft=draft)


COUNTING = ["42CFRPART2", "42CFRPART2CD", "ETH", "ETHUD", "OPIOIDUD", "SUD", "NORDSCLCD", "NORDSLCD"]
LEVELS = ["R", "V"]
OTHERS = ["N", "L", "M", "U", "TREAT", "NOAUTH", "HIV", "PSY", "REDACTED"]


@pytest.mark.parametrize("label", COUNTING)
@pytest.mark.parametrize("by_confidentiality", [False, True])
def test_a_part_2_label_alone_marks_a_record(label, by_confidentiality):
    assert Part2("use", by_confidentiality).kept(frozenset({label, "HIV"})) == {label, "HIV"}
    assert is_restricted(opioid(labels=frozenset({label})))


@pytest.mark.parametrize("label", LEVELS)
def test_a_confidentiality_code_alone_marks_one_only_where_the_client_says_so(label):
    labels = frozenset({label, "HIV"})
    assert Part2("use").kept(labels) == frozenset()
    assert Part2("use", by_confidentiality=True).kept(labels) == labels


@pytest.mark.parametrize("label", OTHERS)
@pytest.mark.parametrize("by_confidentiality", [False, True])
def test_other_labels_mark_none(label, by_confidentiality):
    assert Part2("use", by_confidentiality).kept(frozenset({label})) == frozenset()
    assert not is_restricted(opioid(labels=frozenset({label})))


def test_obligations_pass_on_with_the_labels_and_purposes_of_use_do_not():
    assert restricting_labels([opioid(labels=PART2)]) == {"42CFRPART2", "R", "NORDSCLCD"}


def test_labels_are_written_in_the_spelling_of_their_code_system():
    assert [each["code"] for each in security_codings({"42CFRPART2", "SUD", "R"})] == ["42CFRPart2", "R", "SUD"]


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


def test_without_detail_a_labelled_draft_is_not_pointed_at_to_be_removed():
    draft_order = order(labels=PART2)
    told = {mode: card(draft_order, opioid(), mode=mode) for mode in ("use", "use-no-detail", "ignore")}
    removals = {
        mode: [each for one in shown["suggestions"] for each in one["actions"] if each["type"] == "delete"]
        for mode, shown in told.items()
    }
    assert [each["resourceId"] for each in removals["use"]] == ["MedicationRequest/o1"]
    assert removals["use-no-detail"] == removals["ignore"] == []
    assert "MedicationRequest/o1" not in str(told["use-no-detail"])


@pytest.mark.parametrize("mode", ["use", "use-no-detail", "ignore"])
def test_every_card_about_a_labelled_patient_has_the_notice(mode):
    before = chart(order(), opioid())
    labelled = replace(before, patient=replace(before.patient, labels=frozenset({"42CFRPART2"})))
    shown = render(decided_on(labelled), call=replace(CALL, part2_mode=mode), release=RELEASE, draft=draft)
    assert shown["detail"].endswith(REDISCLOSURE_NOTICE)
    assert [each["code"] for each in shown["extension"]["org.oud-cds.labels"]] == ["42CFRPart2"]


@pytest.mark.parametrize(("mode", "wanted"), [("use", "date not recorded"), ("use-no-detail", "a restricted record")])
def test_without_detail_not_even_what_is_in_doubt_about_a_labelled_row_is_told(mode, wanted):
    decision = decided(order(), opioid(start=None, end=None, labels=PART2))
    doubt = Doubt("date-missing", "MedicationRequest/m1")
    voice = Voice(decision.judgement, str, hide=mode != "use")
    assert reasons_words([doubt], voice) == [wanted]
    assert reasons_words([Doubt("not-read", "labs")], voice) == ["laboratory results not read"]
