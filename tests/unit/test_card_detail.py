"""Cards: what the detail says, and in which order."""

from dataclasses import replace

from cds_service.core.card import NOT_REVIEWED
from cds_service.core.facts import Gap
from cds_service.core.rule import Conditions, Line
from cds_service.core.show import pieces
from tests.unit.card_world import (
    RULE,
    TODAY,
    UNREAD,
    blocks,
    card,
    chart,
    concept,
    condition,
    decided,
    decided_on,
    opioid,
    order,
    rendered,
    span,
    with_card,
)


def test_a_card_shown_on_unknown_opens_with_what_could_not_be_told():
    assert blocks(card(order(), gaps=UNREAD))[:2] == [
        "**Could not be told**",
        "- An opioid may be in the body: medication orders not read\n"
        "- Treatment ran in the last 30 days: medication orders not read",
    ]


def test_a_doubtful_row_is_told_with_its_doubt():
    shown = card(order(), opioid(start="2026-01", end=span("2026-02")))
    assert "- An opioid may be in the body: oxycodone 5 mg tablet, 2026-01 to 2026-02, ended, date imprecise" in blocks(
        shown
    )


def test_a_list_that_was_not_read_is_named_with_its_reason():
    assert "**Not read:** medication orders (not sent)." in blocks(card(order(), gaps=UNREAD))


def test_a_list_that_could_hold_more_is_named_on_a_sure_card_too():
    assert "**Not read:** laboratory results (further page)." in blocks(
        card(order(), opioid(), gaps={"Observation": (Gap("labs", "further page"),)})
    )


def test_a_list_missing_in_part_and_in_whole_is_named_once():
    gaps = (Gap("labs", "further page", TODAY.toordinal()), Gap("labs", "error"))
    assert "**Not read:** laboratory results (error)." in blocks(card(order(), opioid(), gaps={"Observation": gaps}))


def test_a_list_that_no_criterion_of_the_card_reads_is_not_named():
    shown = card(order(), opioid(), gaps={"Procedure": (Gap("procedures", "not sent"),)})
    assert "Not read" not in shown["detail"]


def test_a_row_found_by_its_text_says_so():
    shown = card(order(), opioid(concept=concept(texts=["opioid drug"])), rule=with_card(indicator=(("info", None),)))
    assert "  - oxycodone 5 mg tablet, 2026-02-01 to 2026-02-19, ended, by its text" in shown["detail"]


def test_a_status_that_is_missing_is_told():
    shown = card(order(), opioid(status=None))
    assert "oxycodone 5 mg tablet, 2026-02-01 to 2026-02-19, status not recorded" in shown["detail"]


def test_a_drug_without_any_date_says_so():
    undated = opioid(start=None, end=None, status="taking")
    shown = card(order(), undated, rule=with_card(indicator=(("info", None),)))
    assert "  - oxycodone 5 mg tablet, date not recorded, listed as being taken" in shown["detail"]


def test_an_open_entry_runs_since_its_start():
    shown = card(order(), opioid(start="2026-02-25", end=None, status="taking"))
    assert "  - oxycodone 5 mg tablet, since 2026-02-25, listed as being taken" in shown["detail"]


def test_readings_of_the_chart_are_told():
    rule = with_card(conditions=Conditions(if_=("oud",)))
    row = condition(notes=("clinicalStatus not recorded: read as active",))
    shown = card(order(), opioid(), row, rule=rule)
    line = "  - opioid use disorder, 2023-01-15, active, clinicalStatus not recorded: read as active"
    assert line in shown["detail"]


def test_a_status_code_that_is_not_person_first_is_spoken_of_by_the_code_above_it():
    rule = with_card(conditions=Conditions(if_=("oud",)))
    shown = card(order(), opioid(), condition(clinical_status="relapse"), rule=rule)
    assert "  - opioid use disorder, 2023-01-15, active" in shown["detail"]


def test_only_three_rows_of_a_criterion_are_told():
    rows = [opioid(f"opioid {each}", reference=f"MedicationRequest/{each}") for each in range(5)]
    assert "  - and 2 more" in card(order(), *rows)["detail"]


def test_a_row_is_told_once_however_many_criteria_rest_on_it():
    rule = with_card(conditions=Conditions(if_=("drug", "long")))
    shown = card(order(), opioid(), rule=rule)["detail"]
    assert shown.count("  - oxycodone 5 mg tablet, ") == 1
    assert "- An opioid is on record (see above)\n\n" in shown


def test_entries_looked_at_are_counted_before_those_without_use_were_left_out():
    shown = rendered(decided_on(replace(chart(order(), opioid()), counts={"medication-use": 40})))
    assert "- Treatment ran in the last 30 days (entries looked at: medication list 40)" in shown["detail"]


def test_what_the_chart_wrote_cannot_make_markup():
    shown = card(order("<img src=x onerror=y> [z](http://w)"), opioid())
    assert "<" not in str(shown)
    linked = [each.url for line in shown["detail"].splitlines() for each in pieces(line) if each.url]
    assert linked == ["https://example.org/label"]


def test_a_line_is_left_out_when_its_condition_does_not_hold():
    assert "Urine test" not in card(order(), opioid())["detail"]


def test_a_line_for_what_is_unknown_stands_when_it_is():
    rule = with_card(detail=(Line("Allergies were not checked.", Conditions(if_unknown=("allergy",))),))
    gaps = {"AllergyIntolerance": (Gap("allergies", "error"),)}
    assert "Allergies were not checked." in blocks(card(order(), opioid(), rule=rule, gaps=gaps))


def test_conditions_of_the_card_are_part_of_its_basis():
    rule = with_card(conditions=Conditions(if_=("oud",), unless=("allergy",)))
    shown = card(order(), opioid(), condition(), rule=rule)
    assert "- Opioid use disorder is recorded\n  - opioid use disorder, 2023-01-15, active" in shown["detail"]
    assert "- An allergy to opioids is recorded" in shown["detail"].partition("not found**")[2]


def test_what_the_card_is_shown_for_not_knowing_is_told():
    rule = with_card(conditions=Conditions(if_unknown=("allergy",)), indicator=(("info", None),))
    gaps = {"AllergyIntolerance": (Gap("allergies", "error"),)}
    assert blocks(card(order(), opioid(), rule=rule, gaps=gaps))[:2] == [
        "**Could not be told**",
        "- An allergy to opioids is recorded: allergy list not read",
    ]


def test_the_criterion_that_set_the_level_is_part_of_the_basis():
    rule = with_card(indicator=(("critical", "oud"), ("warning", None)))
    assert "- Opioid use disorder is recorded" in card(order(), opioid(), condition(), rule=rule)["detail"]
    assert "- Opioid use disorder is recorded" not in card(order(), opioid(), rule=rule)["detail"]


def test_a_rule_that_was_not_reviewed_says_so_at_the_end():
    shown = rendered(decided(order(), opioid()), unreviewed=frozenset({RULE.id}))
    assert blocks(shown)[-1] == NOT_REVIEWED


def test_a_reviewed_rule_does_not():
    assert NOT_REVIEWED not in rendered(decided(order(), opioid()), unreviewed=frozenset({"another"}))["detail"]


def test_the_readable_rule_is_linked_where_it_can_be_read():
    link = rendered(decided(order(), opioid()), public_url="https://cds.example")["links"][-1]
    assert link == {
        "label": "About this rule",
        "url": "https://cds.example/rules/naltrexone-with-opioids/1.2.0",
        "type": "absolute",
    }
