"""Cards: the members CDS Hooks asks for, what the detail says and in which order, suggestions, merged cards."""

from dataclasses import replace
from datetime import date
from uuid import uuid5

import pytest

from cds_service.core.card import (
    CARD_NAMESPACE,
    NOT_REVIEWED,
    answer_body,
    call_context,
    name_uuid,
    render,
    topic_code,
)
from cds_service.core.decision import FAILED, FIRES, SILENT, UNDECIDED, Doubt, Outcome
from cds_service.core.facts import Gap
from cds_service.core.rule import Card, Conditions, Evidence, Line, Logic, Suggestion, When
from cds_service.core.show import pieces
from cds_service.fhir.draft import draft
from tests.unit.card_world import (
    CALL,
    RELEASE,
    RULE,
    TODAY,
    alt,
    concept,
    condition,
    decided,
    opioid,
    order,
    span,
    urine,
)

UNREAD = {"medication-use": (Gap("medicationRequests", "not sent"),)}


def rendered(decision, **call):
    return render(decision, call=replace(CALL, **call), release=RELEASE, draft=draft)


def card(*rows, rule=RULE, **of_chart):
    return rendered(decided(*rows, rule=rule, **of_chart))


def with_card(**changes):
    """The rule with its second card changed."""
    return replace(RULE, cards=(RULE.cards[0], replace(RULE.cards[1], **changes)))


def blocks(shown):
    return shown["detail"].split("\n\n")


def members(value):
    if isinstance(value, dict):
        for each in value.values():
            yield each
            yield from members(each)
    elif isinstance(value, list):
        for each in value:
            yield each
            yield from members(each)


GOLDEN_DETAIL = """\
**Why you see this**

- Naltrexone is being ordered
  - naltrexone 380 mg, being ordered
- An opioid may be in the body
  - urine test positive, 2026-02-24
  - oxycodone 5 mg tablet, 2026-02-01 to 2026-02-19, ended

**Looked for and not found**

- Treatment ran in the last 30 days (entries looked at: medication list 1)

**No source here:** reported medications.

**Found.** oxycodone 5 mg tablet and urine test, last 2026-02-24 (5 days ago).

Urine test positive.

ALT 201 U/L (5.03 times the upper limit) on 2026-02-20.

**Sources**

- [Example label, section 4](https://example.org/label) (grade A)
- Example study (2020) (grade B)

Rule naltrexone-with-opioids 1.2.0, release 2026.03.0."""

GOLDEN = {
    "uuid": "6e657772-b2b2-531c-a574-d7ece5654156",
    "summary": "Naltrexone 380 mg with a recent opioid can cause withdrawal",
    "indicator": "critical",
    "detail": GOLDEN_DETAIL,
    "source": {
        "label": "Example label, section 4",
        "url": "https://example.org/label",
        "topic": {
            "system": "https://oud-cds.org/fhir/CodeSystem/card-topic",
            "code": "naltrexoneWithOpioidsCritical",
            "display": "Naltrexone ordered while opioids may be on board",
        },
    },
    "suggestions": [
        {
            "label": "Remove the order for naltrexone 380 mg",
            "uuid": "6964a38d-1974-513e-a0a0-9dee8260d694",
            "isRecommended": True,
            "actions": [
                {
                    "type": "delete",
                    "description": "Remove the order for naltrexone 380 mg",
                    "resourceId": "MedicationRequest/o1",
                }
            ],
        },
        {
            "label": "Draft a urine test",
            "uuid": "1a6672f9-26cb-5a2d-ab89-dd509c5f9c17",
            "isRecommended": False,
            "actions": [
                {
                    "type": "create",
                    "description": "Draft a urine test",
                    "resource": {
                        "resourceType": "ServiceRequest",
                        "status": "draft",
                        "intent": "proposal",
                        "subject": {"reference": "Patient/p1"},
                        "encounter": {"reference": "Encounter/e1"},
                        "authoredOn": "2026-03-01",
                        "requester": {"reference": "Practitioner/d1"},
                        "code": {
                            "coding": [{"system": "http://loinc.org", "code": "0-0"}],
                            "text": "Urine opiate screen",
                        },
                        "occurrencePeriod": {"start": "2026-03-01", "end": "2026-03-02"},
                        "reasonReference": [{"reference": "Observation/u1"}],
                    },
                }
            ],
        },
    ],
    "selectionBehavior": "any",
    "overrideReasons": [
        {
            "code": "already-addressed",
            "system": "https://oud-cds.org/fhir/CodeSystem/override-reason",
            "display": "Already addressed",
        },
        {
            "code": "data-incorrect",
            "system": "https://oud-cds.org/fhir/CodeSystem/override-reason",
            "display": "Data are incorrect",
        },
    ],
    "links": [{"label": "Find treatment", "url": "https://example.org/find", "type": "absolute"}],
    "extension": {
        "org.oud-cds.rule": {
            "ruleId": "naltrexone-with-opioids",
            "ruleVersion": "1.2.0",
            "release": "2026.03.0",
            "digest": "ab" * 32,
        }
    },
}


def test_a_whole_card_is_as_it_should_be():
    assert card(order(), opioid(), urine(), alt(201), not_held=["MedicationStatement"]) == GOLDEN


@pytest.mark.parametrize(
    "shown",
    [card(order(), opioid()), card(order(), gaps=UNREAD), card(order(), opioid(name=""), urine())],
    ids=["found", "not read", "no name"],
)
def test_no_member_is_null_or_empty(shown):
    assert [each for each in members(shown) if each in (None, "", [], {})] == []


def test_the_same_call_gives_the_same_card():
    assert card(order(), opioid()) == card(order(), opioid())


@pytest.mark.parametrize("name", ["", "a|rule@1.0.0|card", *map(str, range(64))])
def test_an_id_is_the_uuid5_of_its_name(name):
    assert name_uuid(name) == str(uuid5(CARD_NAMESPACE, name))


def test_another_call_gives_other_ids():
    one, other = (rendered(decided(order(), opioid()), hook_instance=each) for each in ("a", "b"))
    ids = [{each["uuid"], *(suggestion["uuid"] for suggestion in each["suggestions"])} for each in (one, other)]
    assert len(ids[0]) == 3
    assert ids[0].isdisjoint(ids[1])


def test_another_version_of_the_rule_gives_another_id():
    newer = replace(RULE, version="1.3.0")
    assert card(order(), opioid(), rule=newer)["uuid"] != card(order(), opioid())["uuid"]


def test_a_topic_is_one_word_of_rule_and_level():
    assert topic_code("mat-consideration", "info") == "matConsiderationInfo"


def test_a_long_summary_is_cut_below_140_characters():
    shown = card(order("naltrexone " * 7), opioid(), rule=with_card(summary="{order.display} and {order.display}"))
    assert len(shown["summary"]) < 140
    assert shown["summary"].endswith("…")


def test_a_decision_without_a_card_cannot_be_rendered():
    with pytest.raises(ValueError, match="shows no card"):
        rendered(decided(order()))


# --- detail ----------------------------------------------------------------------------------------------------------


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
    decision = decided(order(), opioid())
    chart = replace(decision.judgement.chart, counts={"medication-use": 40})
    judgement = replace(decision.judgement, chart=chart)
    shown = rendered(replace(decision, judgement=judgement))
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


# --- suggestions -----------------------------------------------------------------------------------------------------


def test_each_order_to_remove_is_a_suggestion_that_names_it():
    rows = [order(), order("naltrexone 50 mg", "MedicationRequest/o2")]
    removing = [each for each in card(*rows, opioid())["suggestions"] if each["actions"][0]["type"] == "delete"]
    assert [(each["label"], each["actions"][0]["resourceId"]) for each in removing] == [
        ("Remove the order for naltrexone 380 mg", "MedicationRequest/o1"),
        ("Remove the order for naltrexone 50 mg", "MedicationRequest/o2"),
    ]
    assert len({each["uuid"] for each in removing}) == 2


def test_an_order_in_doubt_is_not_offered_for_removal():
    doubtful = order("naltrexone 50 mg", "MedicationRequest/o2", status=None)
    removing = [each["actions"][0].get("resourceId") for each in card(order(), doubtful, opioid())["suggestions"]]
    assert removing == ["MedicationRequest/o1", None]


def test_an_order_without_an_id_cannot_be_removed():
    shown = card(order(reference="MedicationRequest/"), opioid())
    assert [each["label"] for each in shown["suggestions"]] == ["Draft a urine test"]


def test_every_suggestion_has_one_action():
    assert {len(each["actions"]) for each in card(order(), opioid())["suggestions"]} == {1}


def test_a_suggestion_whose_unless_could_not_be_read_is_withheld():
    shown = card(order(), opioid(), gaps={"AllergyIntolerance": (Gap("allergies", "not sent"),)})
    assert [each["label"] for each in shown["suggestions"]] == ["Remove the order for naltrexone 380 mg"]


def test_a_card_without_suggestions_has_no_selection_behavior():
    shown = card(order(), gaps=UNREAD)
    assert "suggestions" not in shown
    assert "selectionBehavior" not in shown


def test_a_drug_as_the_reason_is_given_by_its_name():
    resource = card(order(), opioid())["suggestions"][1]["actions"][0]["resource"]
    assert resource["reasonCode"] == [{"text": "oxycodone 5 mg tablet"}]


# --- merged cards and the answer -------------------------------------------------------------------------------------


def guest():
    shown = Card(
        id="offer",
        summary="Consider an offer because of {drug.display}",
        indicator=(("warning", None),),
        detail=(Line("Left out when merged."),),
        source=("guest-source",),
        override_reasons=("data-incorrect",),
        suggestions=(Suggestion("Remove {order.display}", delete="order"),),
    )
    rule = replace(
        RULE,
        id="take-home",
        version="2.0.0",
        evidence=(Evidence("guest-source", "Guest guideline", "https://example.org/guest", "B", ("cards",)),),
        when=When(Logic(all=("drug",)), "no_card", "no_card"),
        cards=(shown,),
    )
    return decided(order(), opioid(), rule=rule)


def merged(host_level="info"):
    host = replace(decided(order(), opioid()), indicator=host_level)
    return rendered(replace(host, merged=(guest(),)))


def test_a_merged_card_gives_its_summary_as_the_last_line():
    shown = blocks(merged())
    assert shown[shown.index("**Sources**") - 1] == "**Also:** Consider an offer because of oxycodone 5 mg tablet"
    assert "Left out when merged." not in merged()["detail"]


def test_a_merged_card_gives_its_sources_and_version():
    assert "- [Guest guideline](https://example.org/guest) (grade B)" in merged()["detail"]
    assert "Rule naltrexone-with-opioids 1.2.0 with take-home 2.0.0, release 2026.03.0." in merged()["detail"]
    assert merged()["extension"]["org.oud-cds.rule"]["merged"] == [{"ruleId": "take-home", "ruleVersion": "2.0.0"}]


def test_a_merged_card_gives_its_suggestions():
    assert [each["label"] for each in merged()["suggestions"]] == [
        "Remove the order for naltrexone 380 mg",
        "Draft a urine test",
        "Remove naltrexone 380 mg",
    ]


@pytest.mark.parametrize(("host", "wanted"), [("info", "warning"), ("critical", "critical")])
def test_a_merged_card_raises_the_level_and_never_lowers_it(host, wanted):
    assert merged(host)["indicator"] == wanted
    assert merged(host)["source"]["topic"]["code"] == f"naltrexoneWithOpioids{wanted.capitalize()}"


def answered(*decisions, shown=(), **outcome):
    return answer_body(Outcome(shown, decisions, **outcome), call=CALL, release=RELEASE, draft=draft)


def test_an_answer_without_cards_still_says_what_was_evaluated():
    silent = decided(order())
    assert silent.state == SILENT
    assert answered(silent) == {
        "cards": [],
        "extension": {
            "org.oud-cds.evaluation": {
                "release": "2026.03.0",
                "today": "2026-03-01",
                "unread": {},
                "undecided": [],
                "failed": [],
                "withheld": [],
            }
        },
    }


def test_an_answer_names_rules_and_reasons_and_no_patient_data():
    base = decided(order(), opioid())
    assert base.state == FIRES
    doubts = (Doubt("not-read", "medicationRequests"), Doubt("end-missing", "MedicationRequest/m1"))
    body = answered(
        replace(base, withheld="over the limit"),
        replace(base, state=UNDECIDED, card=None, doubts=doubts),
        replace(base, state=FAILED, card=None, error="KeyError"),
        replace(base, trial=True, withheld="trial"),
        unread={"medicationRequests": "not sent"},
    )
    rule = {"ruleId": "naltrexone-with-opioids", "ruleVersion": "1.2.0"}
    assert body["extension"]["org.oud-cds.evaluation"] == {
        "release": "2026.03.0",
        "today": "2026-03-01",
        "unread": {"medicationRequests": "not sent"},
        "undecided": [{**rule, "why": ["medication orders not read", "end not recorded"]}],
        "failed": [rule],
        "withheld": [{**rule, "why": "over the limit"}],
    }


def test_an_answer_holds_the_shown_cards_in_order():
    one, other = decided(order(), opioid()), guest()
    body = answered(one, other, shown=(other, one))
    assert [each["extension"]["org.oud-cds.rule"]["ruleId"] for each in body["cards"]] == [
        "take-home",
        "naltrexone-with-opioids",
    ]


# --- the call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["p1", "Patient/p1"])
def test_a_call_names_the_patient_by_a_relative_reference(id_):
    call = call_context(hook="patient-view", hook_instance="i", context={"patientId": id_}, today=date(2026, 3, 1))
    assert call.patient_reference == "Patient/p1"


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("Practitioner/d1", "Practitioner/d1"),
        ("PractitionerRole/r1", "PractitionerRole/r1"),
        ("Patient/p1", None),
        (None, None),
    ],
)
def test_only_a_professional_can_be_the_requester(user, wanted):
    context = {"patientId": "p1", "userId": user, "encounterId": "e1"}
    call = call_context(hook="order-sign", hook_instance="i", context=context, today=date(2026, 3, 1))
    assert (call.requester_reference, call.encounter_reference) == (wanted, "Encounter/e1")
