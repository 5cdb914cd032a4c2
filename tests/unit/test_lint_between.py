"""Lint of a whole folder: allows, drafts, circles of rules, topics, disjoint sets, the lock, and the command."""

import argparse
import json
from dataclasses import replace

import pytest

from cds_service.core.value_set import Coding
from cds_service.rulebook import lint_between
from cds_service.rulebook.commands import FINDINGS, FINE, USAGE, last_line, lint_command
from cds_service.rulebook.lint import Report, lint, settle
from cds_service.rulebook.reader import read_rule_text
from cds_service.rulebook.source import parse_source
from tests.unit.rule_folder import RELEASE, changed_file, folder_of_files
from tests.unit.rule_texts import DEFINITION, RULE, SETS, TODAY, value_set


def rules(**others):
    """Build rules by id; the value is the text that replaces `yields_to: [other-rule]`."""
    return {
        name.replace("_", "-"): read_rule_text(RULE.replace("yields_to: [other-rule]", text), f"{name}.yaml")
        for name, text in others.items()
    }


def told(problems):
    """Give code and text of each problem."""
    return [(each.code, each.text) for each in problems]


def test_rules_that_yield_in_a_circle_are_told_once():
    found = list(
        lint_between.loops(rules(first="yields_to: [second]", second="yields_to: [third]", third="yields_to: [first]"))
    )
    assert told(found) == [("rule-loop", "the rules go in a circle: first -> second -> third -> first")]
    assert (found[0].file, found[0].source_line[found[0].column - 1 :]) == ("first.yaml", "second]")


def test_rules_that_merge_in_a_circle_are_told():
    found = lint_between.loops(rules(first="merges_into: [second]", second="merges_into: [first]"))
    assert [each.code for each in found] == ["rule-loop"]


def test_a_yield_one_way_and_a_merge_the_other_is_no_circle():
    assert list(lint_between.loops(rules(first="yields_to: [second]", second="merges_into: [first]"))) == []


def test_a_chain_of_yields_is_no_circle():
    assert (
        list(lint_between.loops(rules(first="yields_to: [second, third]", second="yields_to: [third]", third=""))) == []
    )


def test_ids_that_differ_only_in_hyphens_share_a_topic():
    found = list(lint_between.topics(rules(drug_check="", drugcheck="")))
    assert told(found) == [("duplicate-topic", "'drugcheck' and 'drug-check' have the same topic code")]


def test_rules_with_different_letters_have_different_topics():
    assert list(lint_between.topics(rules(drug_check="", drug_checks=""))) == []


def test_sets_declared_disjoint_that_share_a_code_are_told_with_the_code(tmp_path):
    path = tmp_path / "one.json"
    path.write_text('{\n  "not_with": "two"\n}\n')
    shared = Coding("http://snomed.info/sct", "222")
    sets = {"one": value_set("one", shared, disjoint_from=("two",)), "two": value_set("two", shared)}
    found = list(lint_between.sets(sets, {"one": path}))
    assert told(found) == [("sets-overlap", "'one' and 'two' are declared disjoint but share 222")]
    assert (found[0].line, found[0].column) == (2, 15)


def test_a_code_inside_a_subtree_of_the_other_set_is_shared(tmp_path):
    icd = "http://hl7.org/fhir/sid/icd-10-cm"
    one = value_set("one", Coding(icd, "Z99.11"), disjoint_from=("two",))
    two = replace(value_set("two"), subtrees=frozenset({Coding(icd, "Z99")}))
    found = lint_between.sets({"one": one, "two": two}, {"one": tmp_path / "one.json"})
    assert [each.code for each in found] == ["sets-overlap"]


def test_sets_that_share_nothing_are_disjoint(tmp_path):
    sets = {
        "one": value_set("one", Coding("a", "1"), disjoint_from=("two",)),
        "two": value_set("two", Coding("a", "2")),
    }
    assert list(lint_between.sets(sets, {"one": tmp_path / "one.json"})) == []


def test_a_set_declared_disjoint_from_none_that_exists_is_told(tmp_path):
    sets = {"one": value_set("one", disjoint_from=("too",)), "two": value_set("two")}
    found = lint_between.sets(sets, {"one": tmp_path / "one.json"})
    assert [each.code for each in found] == ["unknown-value-set"]


def settled(comment, code="unused-parameter"):
    """Settle one problem of the second line of a file whose second line ends in a comment."""
    source, _ = parse_source(f"a: 1\nb: 2  {comment}\n", "f.yaml")
    return settle([source.problem(code, ("b",), "text")], [source])


def test_a_warning_is_allowed_by_a_comment_on_its_line():
    report = settled("# lint: allow unused-parameter because a site reads it")
    assert (told(report.problems), told(report.allowed)) == ([], [("unused-parameter", "text")])


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("# lint: allow unused-criterion because x", "nothing on this line needs 'unused-criterion' to be allowed"),
        ("# lint: allow unused because x", "'unused' is no code of lint"),
        ("# lint: allow unused-parameter", "the comment is not of the form '# lint: allow <code> because <reason>'"),
        ("# lint: allow wrong-unit because x", "'wrong-unit' is an error; only warnings can be allowed"),
    ],
)
def test_a_comment_that_allows_nothing_is_itself_a_finding(comment, text):
    report = settled(comment)
    assert told(report.problems) == [("unused-parameter", "text"), ("unused-allow", text)]
    assert (report.problems[1].line, report.problems[1].column, report.problems[1].severity) == (2, 7, "warning")


def test_an_error_cannot_be_allowed():
    report = settled("# lint: allow wrong-unit because x", code="wrong-unit")
    assert [each.code for each in report.problems] == ["wrong-unit", "unused-allow"]


def test_a_comment_for_a_finding_of_rules_test_is_left_to_it():
    assert [each.code for each in settled("# lint: allow small-change-missed because x").problems] == [
        "unused-parameter"
    ]


def test_a_folder_of_sound_files_has_no_problem(tmp_path):
    assert [str(each) for each in lint(folder_of_files(tmp_path), TODAY)] == []


def test_a_released_file_with_a_fault_is_told_with_its_path(tmp_path):
    folder = folder_of_files(tmp_path)
    path = changed_file(folder / "sample-rule/1.0.0.yaml", "during_last: recent_days", "during_last: recent_day")
    assert [(each.file, each.code) for each in lint(folder, TODAY) if each.severity == "error"] == [
        (str(path), "unknown-parameter")
    ]


def test_a_file_that_no_release_names_is_judged_as_a_draft(tmp_path):
    folder = folder_of_files(tmp_path)
    draft = folder / "sample-rule/2.0.0.yaml"
    draft.write_text(RULE.replace("version: 1.0.0", "version: 2.0.0").replace("find: Patient", "find: Patients"))
    assert [(each.file, each.code) for each in lint(folder, TODAY)] == [(str(draft), "unknown-fact")]


def test_a_draft_may_name_value_sets_that_are_not_pinned_yet(tmp_path):
    folder = folder_of_files(tmp_path)
    draft = folder / "sample-rule/2.0.0.yaml"
    draft.write_text(
        RULE.replace("version: 1.0.0", "version: 2.0.0").replace("code_in: score-set", "code_in: spare-set")
    )
    assert [str(each) for each in lint(folder, TODAY)] == []


def test_a_draft_is_judged_by_the_pinned_value_set_not_by_a_newer_one(tmp_path):
    folder = folder_of_files(tmp_path)
    newer = (folder / "value-sets/drug-a/2026.1.0.json").read_text().replace('"111"', '"999"')
    (folder / "value-sets/drug-a/2026.2.0.json").write_text(newer.replace("2026.1.0", "2026.2.0"))
    draft = RULE.replace("version: 1.0.0", "version: 1.1.0").replace("rxnorm|111", "rxnorm|999")
    (folder / "sample-rule/1.1.0.yaml").write_text(draft)
    assert [each.code for each in lint(folder, TODAY)] == ["unknown-code"]


def test_a_draft_may_use_a_definition_that_is_a_draft_too(tmp_path):
    folder = folder_of_files(tmp_path)
    definition = DEFINITION.replace("version: 1.2.0", "version: 2.0.0").replace("allergy:", "drug_allergy:")
    (folder / "definitions/drug-status/2.0.0.yaml").write_text(definition)
    draft = RULE.replace("version: 1.0.0", "version: 2.0.0").replace("drug-status: 1", "drug-status: 2")
    (folder / "sample-rule/2.0.0.yaml").write_text(draft.replace("drug-status.allergy", "drug-status.drug_allergy"))
    assert [str(each) for each in lint(folder, TODAY)] == []


def test_files_of_an_older_release_are_left_alone(tmp_path):
    folder = folder_of_files(tmp_path)
    older = RULE.replace("version: 1.0.0", "version: 0.9.0").replace("code_in: score-set", "code_in: gone-set")
    (folder / "sample-rule/0.9.0.yaml").write_text(older)
    (folder / "releases").mkdir()
    old_release = RELEASE.replace("2026.1.0\nnever", "2025.1.0\nnever").replace(
        "rule: {active: 1.0.0}", "rule: {active: 0.9.0}"
    )
    (folder / "releases/2025.1.0.yaml").write_text(old_release)
    assert [str(each) for each in lint(folder, TODAY)] == []


def test_a_released_file_that_changed_after_it_was_locked_is_told(tmp_path):
    folder = folder_of_files(tmp_path)
    assert lint_command(argparse.Namespace(rules=str(folder), write_lock=True)) == FINE
    changed_file(folder / "sample-rule/1.0.0.yaml", "purpose: Show", "purpose: Tell")
    found = [(each.code, each.file) for each in lint(folder, TODAY)]
    assert found == [("changed-after-release", str(folder / "sample-rule/1.0.0.yaml"))]


def test_a_locked_file_that_is_gone_is_told(tmp_path):
    folder = folder_of_files(tmp_path)
    lint_command(argparse.Namespace(rules=str(folder), write_lock=True))
    (folder / "sample-rule/1.0.0.yaml").unlink()
    assert {each.code for each in lint(folder, TODAY)} >= {"unknown-rule", "changed-after-release"}


def test_a_lock_that_is_no_json_is_told(tmp_path):
    folder = folder_of_files(tmp_path)
    (folder / "release.lock.json").write_text("[]")
    assert [each.code for each in lint(folder, TODAY)] == ["bad-yaml"]


def test_the_command_prints_problems_and_counts_them(tmp_path, capsys):
    folder = folder_of_files(tmp_path)
    changed_file(folder / "sample-rule/1.0.0.yaml", "during_last: recent_days", "during_last: recent_day")
    assert lint_command(argparse.Namespace(rules=str(folder), write_lock=False)) == FINDINGS
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"rules: {folder}"
    assert printed[1].endswith("unknown-parameter: no parameter 'recent_day'")
    assert printed[-1] == "lint: 1 error, 0 warnings, 0 allowed"


def test_nothing_is_locked_while_there_are_errors(tmp_path):
    folder = folder_of_files(tmp_path)
    changed_file(folder / "sample-rule/1.0.0.yaml", "find: Patient", "find: Patients")
    lint_command(argparse.Namespace(rules=str(folder), write_lock=True))
    assert not (folder / "release.lock.json").exists()


def test_the_lock_holds_every_file_of_the_release(tmp_path):
    folder = folder_of_files(tmp_path)
    lint_command(argparse.Namespace(rules=str(folder), write_lock=True))
    locked = json.loads((folder / "release.lock.json").read_text())["releases"]["2026.1.0"]
    named = {"release.yaml", "override-reasons.yaml", "sample-rule/1.0.0.yaml", "other-rule/1.0.0.yaml"}
    sets = {f"value-sets/{each}/2026.1.0.json" for each in SETS}
    assert locked["files"].keys() == named | sets | {"definitions/drug-status/1.2.0.yaml"}


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path):
    assert lint_command(argparse.Namespace(rules=str(tmp_path / "none"), write_lock=False)) == USAGE


def test_rules_that_nobody_reviewed_are_only_counted(tmp_path, capsys):
    folder = folder_of_files(tmp_path)
    review = "reviewed: {by: A board, date: 2026-01-02}\nreview_due: 2027-01-02"
    changed_file(folder / "sample-rule/1.0.0.yaml", review, "reviewed: null")
    assert lint_command(argparse.Namespace(rules=str(folder), write_lock=False)) == FINE
    assert capsys.readouterr().out.splitlines()[2:] == ["lint: 0 errors, 0 warnings, 0 allowed; 1 not reviewed yet"]


def test_allowed_warnings_are_counted_in_the_last_line():
    source, _ = parse_source("a: 1\n", "f.yaml")
    allowed = (source.problem("unused-parameter", ("a",), "text"),)
    assert last_line(Report((), allowed)) == "lint: 0 errors, 0 warnings, 1 allowed"


def test_definitions_that_use_each_other_are_told_once_in_each(tmp_path):
    folder = folder_of_files(tmp_path)
    other = DEFINITION.replace("id: drug-status", "id: other-status").replace(
        "parameters:", "uses: {drug-status: 1}\nparameters:"
    )
    (folder / "definitions/other-status").mkdir()
    (folder / "definitions/other-status/1.2.0.yaml").write_text(other)
    changed_file(folder / "release.yaml", "{drug-status: 1.2.0}", "{drug-status: 1.2.0, other-status: 1.2.0}")
    assert lint(folder, TODAY) == ()
    changed_file(folder / "definitions/drug-status/1.2.0.yaml", "parameters:", "uses: {other-status: 1}\nparameters:")
    found = lint(folder, TODAY)
    assert told(found) == [
        ("definition-loop", "the definitions go in a circle: drug-status -> other-status -> drug-status"),
        ("definition-loop", "the definitions go in a circle: other-status -> drug-status -> other-status"),
    ]
    assert [each.source_line[each.column - 1 :] for each in found] == ["other-status: 1}", "drug-status: 1}"]


def test_a_lock_that_is_no_text_is_told(tmp_path):
    folder = folder_of_files(tmp_path)
    (folder / "release.lock.json").write_bytes(b"\xff\xfe")
    assert [each.code for each in lint(folder, TODAY)] == ["bad-yaml"]
