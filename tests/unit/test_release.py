"""Releases: editions with exactly what they read, digests, older releases, and files or names that are absent."""

import hashlib
from pathlib import Path

import pytest

from cds_service.core.value_set import Table
from cds_service.rulebook import rule_report
from cds_service.rulebook.release import load_release, subjects_of
from cds_service.rulebook.release_file import Pins, read_release_text
from cds_service.rulebook.release_lock import changed_files, digest_of, read_lock, write_lock
from cds_service.rulebook.rule_tests import run_cases
from tests.unit.rule_folder import RELEASE, changed_file, folder_of_files
from tests.unit.rule_texts import DEFINITION, RULE

TRIAL = "  sample-rule: {active: 1.0.0}"


def told(loaded):
    """Give file name, code and text of each problem."""
    return [(each.file.rsplit("/", 1)[1], each.code, each.text) for each in loaded.problems]


def test_a_sound_folder_is_a_release_in_the_order_of_its_file(tmp_path):
    release = load_release(folder_of_files(tmp_path)).release
    assert (release.id, [each.rule.id for each in release.active]) == ("2026.1.0", ["other-rule", "sample-rule"])
    assert release.override_reasons == {"other": "Another reason", "already-addressed": "Already addressed"}


def test_an_edition_has_only_the_value_sets_and_definitions_that_it_reads(tmp_path):
    folder = folder_of_files(tmp_path)
    changed_file(folder / "release.yaml", "value_sets: {", "value_sets: {spare-set: 2026.1.0, ")
    edition = load_release(folder).release.active[1]
    assert set(edition.value_sets) == {"drug-a", "score-set", "answer-yes", "answer-no", "problem-set"}
    assert {key: each.version for key, each in edition.definitions.items()} == {("drug-status", 1): "1.2.0"}


def test_the_gate_has_the_definitions_and_value_sets_of_its_own(tmp_path):
    release = load_release(folder_of_files(tmp_path)).release
    assert (release.never_when, set(release.gate_definitions), set(release.gate_value_sets)) == (
        ("drug-status.on_drug",),
        {("drug-status", 1)},
        {"drug-a"},
    )


def test_a_trial_stands_beside_the_active_version(tmp_path):
    folder = folder_of_files(tmp_path)
    changed_file(folder / "release.yaml", TRIAL, "  sample-rule: {active: 1.0.0, trial: 1.1.0}")
    (folder / "sample-rule/1.1.0.yaml").write_text(RULE.replace("version: 1.0.0", "version: 1.1.0"))
    release = load_release(folder).release
    assert [each.rule.version for each in release.active] == ["1.0.0", "1.0.0"]
    assert [(each.rule.id, each.rule.version) for each in release.trial] == [("sample-rule", "1.1.0")]


def test_a_trial_may_pin_its_own_definition_and_leaves_the_active_one_alone(tmp_path):
    folder = folder_of_files(tmp_path)
    trial = "{version: 1.1.0, definitions: {drug-status: 1.3.0}}"
    changed_file(folder / "release.yaml", TRIAL, f"  sample-rule: {{active: 1.0.0, trial: {trial}}}")
    (folder / "sample-rule/1.1.0.yaml").write_text(RULE.replace("version: 1.0.0", "version: 1.1.0"))
    (folder / "definitions/drug-status/1.3.0.yaml").write_text(DEFINITION.replace("version: 1.2.0", "version: 1.3.0"))
    release = load_release(folder).release
    key = ("drug-status", 1)
    assert [each.definitions[key].version for each in release.active] == ["1.2.0", "1.2.0"]
    assert release.trial[0].definitions[key].version == "1.3.0"


def test_a_definition_that_another_uses_comes_along(tmp_path):
    folder = folder_of_files(tmp_path)
    base = DEFINITION.replace("id: drug-status", "id: base-status")
    (folder / "definitions/base-status").mkdir()
    (folder / "definitions/base-status/1.2.0.yaml").write_text(base)
    changed_file(folder / "release.yaml", "definitions: {", "definitions: {base-status: 1.2.0, ")
    path = folder / "definitions/drug-status/1.2.0.yaml"
    changed_file(path, "parameters:\n", "uses: {base-status: 1}\nparameters:\n")
    changed_file(path, "all: [current]", "all: [current, base-status.current]")
    assert set(load_release(folder).release.active[0].definitions) == {("base-status", 1), ("drug-status", 1)}


def test_the_digest_is_of_every_file_by_its_name(tmp_path):
    loaded = load_release(folder_of_files(tmp_path))
    lines = sorted(f"{hashlib.sha256(path.read_bytes()).hexdigest()} {name}\n" for name, path in loaded.paths.items())
    assert loaded.release.digest == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_digest_changes_with_any_file(tmp_path):
    folder = folder_of_files(tmp_path)
    before = load_release(folder).release.digest
    changed_file(folder / "override-reasons.yaml", "Another reason", "Some other reason")
    assert load_release(folder).release.digest != before


def test_a_release_in_the_archive_has_the_digest_it_had_when_it_was_current(tmp_path):
    folder = folder_of_files(tmp_path)
    before = load_release(folder).release
    (folder / "releases").mkdir()
    (folder / "releases/2026.1.0.yaml").write_text(RELEASE)
    changed_file(folder / "release.yaml", "release: 2026.1.0", "release: 2026.2.0")
    assert load_release(folder).release.id == "2026.2.0"
    assert load_release(folder, "2026.1.0").release == before


def test_the_current_release_is_found_by_its_name_too(tmp_path):
    assert load_release(folder_of_files(tmp_path), "2026.1.0").release.id == "2026.1.0"


def test_a_release_that_is_not_there_is_a_problem_and_no_exception(tmp_path):
    loaded = load_release(folder_of_files(tmp_path), "2025.1.0")
    assert loaded.release is None
    assert ("2025.1.0.yaml", "bad-yaml") in [each[:2] for each in told(loaded)]


FAULTS = [
    (
        "sample-rule: {active: 1.0.0}",
        "sample-rule: {active: 1.0.1}",
        "unknown-rule",
        "no file for rule 'sample-rule' 1.0.1",
    ),
    ("status: 1.2.0", "status: 1.2.1", "definition-version", "no file for definition 'drug-status' 1.2.1"),
    ("{drug-a: 2026.1.0", "{drug-a: 2026.2.0", "unknown-value-set", "no file for value set 'drug-a' 2026.2.0"),
    ("status.on_drug]", "status.on_drugs]", "unknown-criterion", "no criterion 'drug-status.on_drugs'"),
    ("[drug-status.on_drug]", "[on_drug]", "bad-name", "'on_drug' is not a criterion of a definition"),
    ("status: 1.2.0", "status: [1.2.0, 1.3.0]", "duplicate-key", "'drug-status' 1 is pinned twice: 1.2.0 and 1.3.0"),
    ("sample-rule: {active: 1.0.0}", "sample-rule: {}", "missing-key", "a released rule needs one of active, trial"),
    ("release: 2026.1.0", "release: 2026.1", "yaml-surprise", "YAML would not read '2026.1' as this text"),
]


@pytest.mark.parametrize(("old", "new", "code", "text"), FAULTS)
def test_a_fault_of_the_release_file_is_told(tmp_path, old, new, code, text):
    folder = folder_of_files(tmp_path)
    changed_file(folder / "release.yaml", old, new)
    loaded = load_release(folder)
    assert loaded.release is None
    assert ("release.yaml", code, text) in told(loaded)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("during_last: recent_days", "during_last: recent_day", "unknown-parameter"),
        ("none: [score_high]", "none: [score_hi]", "unknown-criterion"),
        ("code_in: score-set", "code_in: score-sets", "unknown-value-set"),
        ("code_in: score-set", "code_in: spare-set", "unpinned"),
        ("find: Condition", "find: Conditions", "unknown-fact"),
        ("uses: {drug-status: 1}", "uses: {drug-status: 2}", "definition-version"),
        ("any: [at_chart, order]", "any: [at_chart, moment]", "criterion-loop"),
        ("since_start: {at_most: recent_days}", "since_start: {at_most: score_limit}", "wrong-unit"),
        ("{value: 90, unit: days", "{value: 90.5, unit: days", "wrong-type"),
    ],
)
def test_a_rule_that_cannot_be_judged_keeps_the_release_from_loading(tmp_path, old, new, code):
    folder = folder_of_files(tmp_path)
    changed_file(folder / "sample-rule/1.0.0.yaml", old, new)
    loaded = load_release(folder)
    assert loaded.release is None
    assert ("1.0.0.yaml", code) in [each[:2] for each in told(loaded)]


def test_two_majors_of_a_definition_are_pinned_beside_each_other():
    file = read_release_text(
        "release: 2026.1.0\nrules: {a-rule: {active: 1.0.0}}\ndefinitions: {drug-status: [1.2.0, 2.0.0]}\n"
    )
    assert file.problems == ()
    assert file.pins == Pins({("drug-status", 1): "1.2.0", ("drug-status", 2): "2.0.0"}, {})


def test_a_release_of_nothing_is_told_with_its_line():
    (problem,) = read_release_text("release: 2026.1.0\nrules: {}\n").problems
    assert (problem.code, problem.line, problem.column) == ("wrong-type", 2, 8)
    assert (problem.text, problem.hint) == ("the block is empty", "wanted a block of rule ids, at least one")


def test_the_digest_does_not_depend_on_the_order_of_files():
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})


def test_a_lock_keeps_the_entries_of_other_releases(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a")
    write_lock(tmp_path, "1", {"a.yaml": path})
    write_lock(tmp_path, "2", {"a.yaml": path})
    assert set(read_lock(tmp_path)) == {"1", "2"}


def test_a_changed_file_is_told_for_each_release_that_locked_it(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a")
    write_lock(tmp_path, "1", {"a.yaml": path})
    path.write_text("b")
    assert changed_files(tmp_path, "1") == [("a.yaml", "1")]


def test_an_unlocked_folder_has_no_changed_files(tmp_path):
    assert changed_files(tmp_path, "1") == []


def test_an_older_release_of_the_project_can_still_be_loaded_and_decides_as_its_tests_say() -> None:
    folder = Path(__file__).parents[2] / "rules"
    for path in sorted((folder / "releases").glob("*.yaml")):
        loaded = load_release(folder, path.stem)
        assert loaded.release is not None, "\n".join(map(str, loaded.problems))
        assert loaded.release.id == path.stem
        table = Table(loaded.value_sets.values())
        for subject in subjects_of(loaded, folder):
            ran = run_cases(rule_report.tested_of(subject), subject.cases, table)
            assert [str(each) for each in ran.failures] == []
            assert len(ran.passing) > 30
