"""What changed between two versions, and the least step it asks for: one row for each sort of change."""

from dataclasses import replace

import pytest

from cds_service.core.facts import Coding
from cds_service.core.rule import Edition, Suggestion
from cds_service.core.value_set import ValueSet
from cds_service.rulebook.change import (
    MAJOR,
    MINOR,
    NONE,
    PATCH,
    Change,
    is_enough,
    least_version,
    step_between,
    step_of,
)
from cds_service.rulebook.compare import changes, pin_changes
from cds_service.rulebook.compare_release import difference
from cds_service.rulebook.reader import read_definition_text, read_rule_text
from tests.unit.rule_texts import DEFINITION, RULE, SETS


def compared(old: str, new: str) -> tuple[Change, ...]:
    """Compare the sample rule with itself, one piece replaced."""
    assert RULE.count(old) == 1, f"{old!r} stands {RULE.count(old)} times"
    files = [read_rule_text(text) for text in (RULE, RULE.replace(old, new))]
    assert [str(each) for file in files for each in file.problems] == []
    return changes(files[0].draft, files[1].draft, files[0].cases, files[1].cases)


ONE_CHANGE = [
    ("title: A sample", "title: An example", PATCH, "words", "title", "A sample becomes An example"),
    ("  - It is a sample.", "  - It is short.", PATCH, "words", "known_limits", 'new: "It is short."'),
    ("date_of_birth: age floor", "date_of_birth: age limit", PATCH, "words", "attributes.date_of_birth",
     "age floor becomes age limit"),
    ("unknown: acts}", "unknown: silent}", PATCH, "words", "settings.unknown", "acts becomes silent"),
    ("reviewed: {by: A board, date: 2026-01-02}", "reviewed: {by: A board, date: 2026-01-03}", PATCH, "words",
     "reviewed", "by A board, date 2026-01-02 becomes by A board, date 2026-01-03"),
    ("cite: A guide, url", "cite: Another guide, url", PATCH, "evidence", "guide",
     "cite A guide becomes Another guide"),
    ("score_high, lately]}", "score_high]}", PATCH, "evidence", "guide", "supports loses lately"),
    ("    value: 18", "    value: 19", MINOR, "parameters", "minimum_age", "18 years becomes 19 years"),
    ("range: [30, 180]", "range: [30, 90]", MINOR, "parameters", "recent_days", "range 30 to 180 becomes 30 to 90"),
    ("why: A season.", "why: A quarter.", PATCH, "parameters", "recent_days", 'why: "A season." becomes "A quarter."'),
    ("hooks: [patient-view, order-sign]", "hooks: [patient-view, order-select, order-sign]", MAJOR, "hooks", "",
     "gains order-select"),
    ("hooks: [patient-view, order-sign]", "hooks: [order-sign, patient-view]", PATCH, "hooks", "",
     "stands in another order"),
    ("says: The drug is being ordered", "says: The drug is ordered", PATCH, "criteria", "order",
     'says: "The drug is being ordered" becomes "The drug is ordered"'),
    ("label: score", "label: points", PATCH, "criteria", "score_high", "label: score becomes points"),
    ("status: [final, amended]", "status: final", MAJOR, "criteria", "score_high", "status loses amended"),
    ("status: [final, amended]", "status: [amended, final]", PATCH, "criteria", "score_high",
     "status stands in another order"),
    ("    latest: true\n", "", MAJOR, "criteria", "score_high", "latest is no longer asked for"),
    ("age: {at_least: minimum_age}", "age: {more_than: minimum_age}", MAJOR, "criteria", "old_enough",
     "age at_least minimum_age becomes more_than minimum_age"),
    ("    clinicalStatus: active\n", "    clinicalStatus: [active, inactive]\n", MAJOR, "criteria", "lately",
     "clinicalStatus gains inactive"),
    ("at_chart: {says: The chart is open, hook: [patient-view]}", "at_chart: {says: The chart is open, any: [order]}",
     MAJOR, "criteria", "at_chart", "hook becomes logic"),
    ("  none: [score_high]", "  none: [score_high, order]", MAJOR, "when", "none", "gains order"),
    ("  all: [old_enough, lately, moment]", "  all: [lately, old_enough, moment]", PATCH, "when", "all",
     "stands in another order"),
    ("yields_to: [other-rule]\n", "", MAJOR, "when", "yields_to", "loses other-rule"),
    ('summary: "{drug-status.current.display} is current"', 'summary: "{drug-status.current.display} is in use"', PATCH,
     "cards", "treated",
     'summary: "{drug-status.current.display} is current" becomes "{drug-status.current.display} is in use"'),
    ("indicator: {critical: order, info: otherwise}", "indicator: {warning: order, info: otherwise}", MINOR, "cards",
     "consider", "indicator: critical if order, else info becomes warning if order, else info"),
    ("    detail: Nothing to do.", "    detail: Nothing to be done.", PATCH, "cards", "treated",
     'line: "Nothing to do." becomes "Nothing to be done."'),
    ("    detail: Nothing to do.", "    detail: [Nothing to do., It can wait.]", MINOR, "cards", "treated",
     'line is new: "It can wait."'),
    ("    if: drug-status.on_drug\n    summary", "    if: drug-status.current\n    summary", MINOR, "cards", "treated",
     "if gains drug-status.current; loses drug-status.on_drug"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "step", "part", "name", "text"), ONE_CHANGE)
def test_a_change_has_its_step_and_its_words(old: str, new: str, step: str, part: str, name: str, text: str) -> None:
    assert Change(step, part, name, text) in compared(old, new)
    assert step_of(compared(old, new)) == step


def test_unread_and_doubtful_policies_are_told_apart() -> None:
    found = compared("if_unknown: no_card", "if_unknown: {unread: no_card, doubtful: card_with_caveat}")
    assert found == (Change(MAJOR, "when", "if_unknown.doubtful", "no_card becomes card_with_caveat"),)


def test_the_same_rule_has_no_change_and_needs_no_step() -> None:
    file = read_rule_text(RULE)
    found = difference(file, file)
    assert (found.changes, found.needed, found.enough) == ((), NONE, True)


def test_a_card_that_moves_up_is_a_minor_change() -> None:
    rule = read_rule_text(RULE).draft
    found = changes(rule, replace(rule, cards=rule.cards[::-1]))
    assert found == (Change(MINOR, "cards", "", "order: treated, consider becomes consider, treated"),)


def test_a_card_that_came_or_went_is_a_minor_change() -> None:
    rule = read_rule_text(RULE).draft
    first = rule.cards[0]
    assert changes(rule, replace(rule, cards=rule.cards[1:])) == (
        Change(MINOR, "cards", "treated", f'is gone: "{first.summary}"'),
    )
    assert changes(replace(rule, cards=rule.cards[1:]), rule) == (
        Change(MINOR, "cards", "treated", f'is new (info): "{first.summary}"'),
    )


def test_suggestions_are_told_by_their_label() -> None:
    rule = read_rule_text(RULE).draft
    number = next(number for number, card in enumerate(rule.cards) if card.suggestions)
    card = rule.cards[number]
    offer = card.suggestions[0]

    def with_offers(*offers: Suggestion) -> tuple[Change, ...]:
        other = replace(card, suggestions=offers)
        return changes(rule, replace(rule, cards=(*rule.cards[:number], other, *rule.cards[number + 1 :])))

    rest = card.suggestions[1:]
    assert with_offers(*rest) == (Change(MINOR, "suggestions", card.id, f'is gone: "{offer.label}"'),)
    renamed = replace(offer, label="Another label")
    assert with_offers(renamed, *rest) == (
        Change(PATCH, "suggestions", card.id, f'label: "{offer.label}" becomes "Another label"'),
    )
    other = replace(offer, recommended=not offer.recommended)
    assert [(each.step, each.part) for each in with_offers(other, *rest)] == [(MINOR, "suggestions")]


def test_tests_are_counted_by_list_and_their_lines_do_not_count() -> None:
    file = read_rule_text(RULE)
    cases = [replace(each, line=each.line + 7) for each in file.cases]
    assert changes(file.draft, file.draft, file.cases, cases) == ()
    fewer = changes(file.draft, file.draft, file.cases, file.cases[1:])
    gone = file.cases[0]
    assert fewer == (Change(PATCH, "tests", gone.list_name, f"1 gone ({gone.name})"),)


def test_a_new_criterion_of_a_definition_is_a_minor_step_and_a_changed_one_major() -> None:
    old = read_definition_text(DEFINITION).draft
    more = DEFINITION.replace("  on_drug:", "  other: {says: Another, find: Procedure}\n  on_drug:")
    assert [(each.step, each.name) for each in changes(old, read_definition_text(more).draft)] == [(MINOR, "other")]
    other = DEFINITION.replace("find: medication-use", "find: Procedure")
    assert step_of(changes(old, read_definition_text(other).draft)) == MAJOR
    assert step_of(changes(read_definition_text(more).draft, old)) == MAJOR


def edition(**sets: ValueSet) -> Edition:
    definition = read_definition_text(DEFINITION).draft
    return Edition(read_rule_text(RULE).draft, {("drug-status", 1): definition}, {**SETS, **sets})


def test_a_value_set_of_another_release_is_minor_only_when_what_it_holds_changed() -> None:
    was = SETS["drug-a"]
    renamed = replace(was, version="2026.9.0", title="Another title")
    assert pin_changes(edition(), edition(**{"drug-a": renamed})) == (
        Change(PATCH, "pins", "value set drug-a", f"{was.version} becomes 2026.9.0: the same codes"),
    )
    more = replace(renamed, codes=was.codes | {Coding("http://example.org", "1")})
    assert pin_changes(edition(), edition(**{"drug-a": more})) == (
        Change(MINOR, "pins", "value set drug-a", f"{was.version} becomes 2026.9.0: 1 code new"),
    )


def test_a_value_set_that_the_rule_does_not_read_is_no_change() -> None:
    spare = ValueSet("spare-set", "1.0.0", "spare", frozenset())
    before, after = edition(**{"spare-set": spare}), edition(**{"spare-set": replace(spare, version="2.0.0")})
    assert pin_changes(before, after) == ()


def test_a_definition_takes_the_step_of_its_own_change() -> None:
    was = edition()
    text = DEFINITION.replace("version: 1.2.0", "version: 1.3.0").replace("value: 30", "value: 45")
    now = replace(was, definitions={("drug-status", 1): read_definition_text(text).draft})
    assert pin_changes(was, now) == (Change(MINOR, "pins", "definition drug-status", "1.2.0 becomes 1.3.0"),)


@pytest.mark.parametrize(
    ("version", "other", "step"),
    [
        ("1.2.3", "1.2.3", NONE),
        ("1.2.3", "1.2.4", PATCH),
        ("1.2.3", "1.3.0", MINOR),
        ("1.9.0", "1.10.0", MINOR),
        ("1.2.3", "2.0.0", MAJOR),
        ("2.0.0", "1.2.3", MAJOR),
    ],
)
def test_a_step_is_the_first_part_in_which_versions_differ(version: str, other: str, step: str) -> None:
    assert step_between(version, other) == step


@pytest.mark.parametrize(("needed", "enough"), [(NONE, True), (PATCH, True), (MINOR, True), (MAJOR, False)])
def test_a_minor_step_is_enough_for_all_but_a_major_change(needed: str, enough: bool) -> None:
    assert is_enough("1.2.3", "1.3.0", needed) is enough


@pytest.mark.parametrize(("step", "version"), [(NONE, "1.2.3"), (PATCH, "1.2.4"), (MINOR, "1.3.0"), (MAJOR, "2.0.0")])
def test_the_least_version_is_one_step_above(step: str, version: str) -> None:
    assert least_version("1.2.3", step) == version
