"""Every card that the inline tests of the shipped rules show: what no card may lack or hold."""

import re
from pathlib import Path

import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

from cds_service.core.card import CallContext, render
from cds_service.core.decision import FIRES
from cds_service.core.engine import compile_edition, decide_edition
from cds_service.core.explain import DEPTHS, explain, trace
from cds_service.core.rule import Rule
from cds_service.core.show import as_text
from cds_service.core.value_set import Table
from cds_service.fhir.draft import draft
from cds_service.rulebook import rule_report
from cds_service.rulebook.case_chart import case_day, chart_of
from cds_service.rulebook.release import load_release, subjects_of
from cds_service.rulebook.rule_tests import book_of
from cds_service.rulebook.words import find_words

MODELS = {"MedicationRequest": MedicationRequest, "ServiceRequest": ServiceRequest}


@pytest.fixture(scope="module")
def shown():
    """Name, decision and card of each inline test that shows one."""
    loaded = load_release(Path("rules"))
    assert loaded.release, "\n".join(map(str, loaded.problems))
    subjects = [each for each in subjects_of(loaded, Path("rules")) if isinstance(each.draft, Rule)]
    table = Table(subjects[0].shelf.value_sets.values())
    found = []
    for subject in subjects:
        edition = rule_report.tested_of(subject)
        compiled, book = compile_edition(edition, table), book_of(edition, table)
        for case in subject.cases:
            decision = decide_edition(compiled, chart_of(case, book), case_day(case))
            if decision.state == FIRES:
                call = CallContext("a-hook-instance", case.hook, "Patient/1", case_day(case))
                card = render(decision, call=call, release=loaded.release, draft=draft)
                found.append((f"{edition.rule.id}: {case.name}", decision, card))
    return found


def created(card):
    """The resources that a card's suggestions create."""
    actions = [each["actions"][0] for each in card.get("suggestions", [])]
    return [each["resource"] for each in actions if each["type"] == "create"]


def is_valid(resource):
    try:
        MODELS[resource["resourceType"]].model_validate(resource)
    except ValidationError:
        return False
    return True


def test_every_shipped_rule_shows_a_card(shown):
    release = load_release(Path("rules")).release
    assert {each.rule.id for each in release.active} == {decision.edition.rule.id for _, decision, _ in shown}


def test_no_placeholder_is_left(shown):
    texts = [(name, [card["summary"], card["detail"], card.get("suggestions")]) for name, _, card in shown]
    assert [name for name, text in texts if re.search(r"\{[a-z]", str(text))] == []


def test_no_placeholder_stands_for_something_unknown(shown):
    # A guarded placeholder has a row; an unknown date is that of a row without one.
    assert [name for name, _, card in shown if "an unknown value" in card["detail"]] == []


def test_summaries_are_shorter_than_140_characters(shown):
    assert [name for name, _, card in shown if not 0 < len(card["summary"]) < 140] == []


def test_every_reason_to_override_has_its_words(shown):
    pairs = [(name, decision.card.override_reasons, card["overrideReasons"]) for name, decision, card in shown]
    assert [name for name, wanted, given in pairs if len(wanted) != len(given)] == []


def test_every_draft_is_valid_fhir(shown):
    assert [name for name, _, card in shown if not all(map(is_valid, created(card)))] == []


def test_the_basis_opens_the_detail(shown):
    openings = {True: "**Could not be told**", False: "**Why you see this**"}
    untold = [
        (name, bool(decision.caveat or decision.card.conditions.if_unknown), card) for name, decision, card in shown
    ]
    assert [name for name, unknown, card in untold if not card["detail"].startswith(openings[unknown])] == []


def test_cards_speak_of_people_first(shown):
    assert [
        (name, words) for name, _, card in shown if (words := find_words(f"{card['summary']} {card['detail']}"))
    ] == []


def test_cards_can_be_explained_at_every_depth(shown):
    assert [name for name, decision, _ in shown if not all(explain(decision, depth) for depth in DEPTHS)] == []
    assert [name for name, decision, _ in shown if not trace(decision)["criteria"]] == []


def test_cards_read_in_100_columns(shown):
    long = [(name, line) for name, _, card in shown for line in as_text(card).splitlines() if len(line) > 100]
    assert [(name, line) for name, line in long if "<http" not in line] == []


def test_suggestions_of_a_card_and_of_those_that_may_join_it_have_names_of_their_own():
    release = load_release(Path("rules")).release
    assert release is not None
    labels = {
        each.rule.id: {offer.label for card in each.rule.cards for offer in card.suggestions} for each in release.active
    }
    pairs = [(each.rule.id, host) for each in release.active for host in each.rule.merges_into]
    assert pairs
    assert [(guest, host, same) for guest, host in pairs if (same := labels[guest] & labels[host])] == []
    for each in release.active:
        for card in each.rule.cards:
            names = [offer.label for offer in card.suggestions]
            assert len(names) == len(set(names)), (each.rule.id, card.id)
