"""Edits of release.yaml keep every line that they are not about."""

import pytest

from cds_service.rulebook.release_edit import ACTIVE, OFF, TRIAL, NoEdit, pinned, promoted, renamed

TEXT = """\
# What is served here.
release: 2026.1.0  # the first
never_when: [drug-status.on_drug]
rules:
  # critical ones first
  other-rule: {active: 1.0.0}  # agreed on Monday
  sample-rule: {active: 1.0.0, trial: 1.1.0}

  # to be retired
  third-rule:
    active: 1.0.0
    trial: 2.0.0
# pins
definitions: {drug-status: 1.2.0}
value_sets:
  drug-a: 2026.1.0
  score-set: 2026.1.0
"""


def lines_changed(text: str) -> tuple[list[str], list[str]]:
    """Lines that went and that came."""
    old, new = TEXT.splitlines(), text.splitlines()
    return [each for each in old if each not in new], [each for each in new if each not in old]


def test_a_new_name_changes_the_line_of_the_name_and_nothing_else() -> None:
    assert renamed(TEXT, "2026.2.0") == TEXT.replace("release: 2026.1.0  #", "release: 2026.2.0  #")


@pytest.mark.parametrize(
    ("rule", "version", "run", "went", "came"),
    [
        ("other-rule", "1.1.0", ACTIVE, "  other-rule: {active: 1.0.0}  # agreed on Monday",
         "  other-rule: {active: 1.1.0}  # agreed on Monday"),
        ("other-rule", "1.1.0", TRIAL, "  other-rule: {active: 1.0.0}  # agreed on Monday",
         "  other-rule: {active: 1.0.0, trial: 1.1.0}  # agreed on Monday"),
        ("sample-rule", "1.1.0", ACTIVE, "  sample-rule: {active: 1.0.0, trial: 1.1.0}",
         "  sample-rule: {active: 1.1.0}"),
        ("sample-rule", "1.2.0", ACTIVE, "  sample-rule: {active: 1.0.0, trial: 1.1.0}",
         "  sample-rule: {active: 1.2.0, trial: 1.1.0}"),
        ("sample-rule", "1.1.0", OFF, "  sample-rule: {active: 1.0.0, trial: 1.1.0}",
         "  sample-rule: {active: 1.0.0}"),
        ("sample-rule", "1.0.0", OFF, "  sample-rule: {active: 1.0.0, trial: 1.1.0}",
         "  sample-rule: {trial: 1.1.0}"),
    ],
)  # fmt: skip
def test_one_line_is_edited_and_its_comment_stays(rule: str, version: str, run: str, went: str, came: str) -> None:
    assert lines_changed(promoted(TEXT, rule, version, run)) == ([went], [came])


def test_an_entry_of_several_lines_becomes_one() -> None:
    text = promoted(TEXT, "third-rule", "2.0.0", ACTIVE)
    assert text == TEXT.replace(
        "  third-rule:\n    active: 1.0.0\n    trial: 2.0.0\n", "  third-rule: {active: 2.0.0}\n"
    )


def test_a_rule_that_has_no_version_left_goes_and_the_comments_around_it_stay() -> None:
    text = promoted(TEXT, "other-rule", "1.0.0", OFF)
    assert lines_changed(text) == (["  other-rule: {active: 1.0.0}  # agreed on Monday"], [])


def test_a_rule_that_was_not_there_comes_last() -> None:
    text = promoted(TEXT, "fourth-rule", "1.0.0", TRIAL)
    assert text == TEXT.replace("    trial: 2.0.0\n", "    trial: 2.0.0\n  fourth-rule: {trial: 1.0.0}\n")


def test_the_ends_of_lines_stay_as_they_are() -> None:
    text = promoted(TEXT.replace("\n", "\r\n"), "other-rule", "1.1.0", ACTIVE)
    assert text == promoted(TEXT, "other-rule", "1.1.0", ACTIVE).replace("\n", "\r\n")


def test_a_file_without_a_last_newline_is_edited_too() -> None:
    text = "release: 2026.1.0\nrules:\n  one: {active: 1.0.0}"
    assert promoted(text, "two", "1.0.0", ACTIVE) == f"{text}\n  two: {{active: 1.0.0}}\n"


@pytest.mark.parametrize(
    ("rule", "version", "run", "wanted"),
    [
        ("other-rule", "1.0.0", ACTIVE, "other-rule 1.0.0 is active already"),
        (
            "other-rule",
            "1.0.0",
            TRIAL,
            "other-rule 1.0.0 is active already; to have it judged and not shown, take it `off` first",
        ),
        ("sample-rule", "1.1.0", TRIAL, "sample-rule 1.1.0 is on trial already"),
        ("other-rule", "3.0.0", OFF, "other-rule 3.0.0 is neither active nor on trial; the release has active 1.0.0"),
        ("none", "3.0.0", OFF, "none 3.0.0 is neither active nor on trial; the release has no version of it"),
    ],
)
def test_what_changes_nothing_is_refused(rule: str, version: str, run: str, wanted: str) -> None:
    with pytest.raises(NoEdit) as told:
        promoted(TEXT, rule, version, run)
    assert str(told.value) == wanted


def test_a_trial_with_pins_of_its_own_is_left_to_the_author() -> None:
    own = "  sample-rule: {active: 1.0.0, trial: {version: 1.1.0, value_sets: {drug-a: 2026.2.0}}}"
    with pytest.raises(NoEdit, match="the trial of sample-rule has value_sets of its own"):
        promoted(TEXT.replace("  sample-rule: {active: 1.0.0, trial: 1.1.0}", own), "sample-rule", "1.1.0", ACTIVE)


def test_rules_that_share_a_line_are_told_with_their_place() -> None:
    text = "release: 2026.1.0\nrules: {one: {active: 1.0.0}, two: {active: 1.0.0}}\n"
    with pytest.raises(NoEdit, match=r"^release.yaml:2:9: 'one' does not stand on a line of its own"):
        promoted(text, "two", "1.1.0", ACTIVE)


def test_a_release_keeps_at_least_one_rule() -> None:
    with pytest.raises(NoEdit, match="one is the only rule of the release"):
        promoted("release: 2026.1.0\nrules:\n  one: {active: 1.0.0}\n", "one", "1.0.0", OFF)


def test_an_edit_that_would_break_the_file_is_refused() -> None:
    with pytest.raises(NoEdit, match="would have an error after the edit; nothing was written"):
        promoted(TEXT, "other-rule", "one", ACTIVE)


def test_a_pin_goes_to_its_place_by_name() -> None:
    assert pinned(TEXT, "value_sets", "other-set", "2026.1.0") == TEXT.replace(
        "  score-set", "  other-set: 2026.1.0\n  score-set"
    )
    assert pinned(TEXT, "value_sets", "zero-set", "2026.1.0") == f"{TEXT}  zero-set: 2026.1.0\n"


def test_a_pin_goes_into_a_block_in_braces() -> None:
    text = pinned(TEXT, "definitions", "care-setting", "1.0.0")
    assert lines_changed(text)[1] == ["definitions: {drug-status: 1.2.0, care-setting: 1.0.0}"]


def test_another_major_of_a_definition_stands_beside_the_first() -> None:
    text = pinned(TEXT, "definitions", "drug-status", "2.0.0")
    assert lines_changed(text)[1] == ["definitions: {drug-status: [1.2.0, 2.0.0]}"]
    again = pinned(text, "definitions", "drug-status", "3.0.0")
    assert lines_changed(again)[1] == ["definitions: {drug-status: [1.2.0, 2.0.0, 3.0.0]}"]


def test_pins_that_had_no_block_get_one_in_its_place() -> None:
    text = TEXT.replace("definitions: {drug-status: 1.2.0}\n", "")
    assert pinned(text, "definitions", "drug-status", "1.2.0") == TEXT.replace(
        "definitions: {drug-status: 1.2.0}", "definitions:\n  drug-status: 1.2.0"
    )
    bare = "release: 2026.1.0\nrules:\n  one: {active: 1.0.0}\n"
    assert pinned(bare, "value_sets", "drug-a", "2026.1.0") == f"{bare}value_sets:\n  drug-a: 2026.1.0\n"
