"""Cards: the members CDS Hooks asks for, suggestions, merged cards."""

from dataclasses import replace
from datetime import date
from uuid import uuid5

import pytest

from cds_service.core.card import answer_body, call_context
from cds_service.core.card_id import CARD_NAMESPACE, name_uuid
from cds_service.core.decision import FAILED, FIRES, SILENT, UNDECIDED, Doubt, Outcome
from cds_service.core.facts import Gap
from cds_service.core.printing import topic_code
from cds_service.core.rule import Card, Evidence, Line, Logic, Suggestion, When
from cds_service.fhir.draft import draft
from tests.unit.card_world import (
    CALL,
    RELEASE,
    RULE,
    UNREAD,
    alt,
    blocks,
    card,
    decided,
    opioid,
    order,
    rendered,
    urine,
    with_card,
)


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
