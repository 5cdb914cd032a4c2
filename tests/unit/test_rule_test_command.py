"""`cds-service rules test` over a small rules folder: what it prints and its exit codes."""

import json
import sys
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cds_service.cli import main, parser
from cds_service.rulebook import test_command as command
from cds_service.rulebook.junit import as_junit
from cds_service.rulebook.source import RuleProblem
from tests.unit.golden_text import as_written_down
from tests.unit.sample_head import HEAD

RULE = (
    HEAD
    + """\
hooks: [patient-view]
attributes: {race: false, ethnicity: false, language: false, sexual_orientation: false, gender_identity: false,
             sex: false, date_of_birth: false, sdoh: false, health_status_assessments: false}
evidence:
  - {id: a, cite: A, url: "https://example.org/", grade: A, supports: [cards, disorder]}
uses: {home: 1}
criteria:
  disorder: {says: A disorder, find: home.recorded, clinicalStatus: active}
when:
  all: [disorder]
  if_unknown: no_card
cards:
  - id: offer
    summary: Offer
    indicator: info
    detail: [Offer treatment]
    source: a
    override_reasons: [other]
tests:
  base: {today: 2026-03-01, hook: patient-view, Condition: [{in: disorder}]}
  must_fire: [{name: recorded}]
  must_not_fire:
    - {name: resolved, but: {Condition: [{in: disorder, clinicalStatus: resolved}]}, because: disorder}
  cannot_tell: [{name: not read, but: {Condition: unavailable}, because: disorder}]
"""
)
HOME = """
schema: 1
id: home
version: 1.0.0
title: Home
purpose: Home
owner: Home
known_limits: [none]
evidence: [{id: a, cite: A, url: "https://example.org/", grade: A, supports: [recorded]}]
criteria:
  recorded: {says: A disorder, find: Condition, code_in: disorder, verificationStatus: confirmed}
tests:
  base: {today: 2026-03-01}
  must_hold: [{name: there, but: {Condition: [{in: disorder}]}, of: recorded}]
  must_not_hold: [{name: not there, of: recorded}]
  cannot_tell: [{name: not read, but: {Condition: unavailable}, of: recorded}]
"""
VALUE_SET = {
    "resourceType": "ValueSet",
    "id": "disorder",
    "url": "https://example.org/ValueSet/disorder",
    "version": "1.0.0",
    "name": "Disorder",
    "title": "a disorder",
    "status": "active",
    "compose": {"include": [{"system": "http://snomed.info/sct", "concept": [{"code": "100"}]}]},
}
GOLDEN = Path(__file__).parent / "golden" / "rules-test.junit.xml"
CHANGE = "small-change-missed"
RELEASE = """
release: 2026.11.0
rules: {sample: {active: 1.0.0}}
definitions: {home: 1.0.0}
value_sets: {disorder: 1.0.0}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A release of one rule, which no change slips past, and one definition, past which one does."""
    for name, text in (
        ("release.yaml", RELEASE),
        ("override-reasons.yaml", "other: Other\n"),
        ("sample/1.0.0.yaml", RULE),
        ("definitions/home/1.0.0.yaml", HOME),
        ("value-sets/disorder/1.0.0.json", json.dumps(VALUE_SET)),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    """Run the command as the command line would."""
    return command.test_command(parser().parse_args(["rules", "test", *arguments, "--folder", str(folder)]))


def test_a_rule_that_no_change_slips_past_ends_with_code_0(folder, capsys):
    assert run(folder, "sample") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "total: tests passed: 3 of 3", "total: small changes caught: 3 of 3",
    ]  # fmt: skip


def test_definitions_are_tested_too_and_a_missed_change_ends_with_code_1(folder, capsys):
    assert run(folder) == 1
    said = capsys.readouterr().out
    assert "small-change-missed: no test notices: recorded: without 'verificationStatus'" in said
    assert said.splitlines()[-1] == "total: small changes caught: 3 of 4"


def test_a_rule_can_be_named_with_its_version(folder):
    assert run(folder, "sample@1.0.0") == 0


def test_a_name_that_there_is_not_ends_with_code_2_and_the_nearest_name(folder, capsys):
    assert run(folder, "sampel") == 2
    assert capsys.readouterr().err == "no rule or definition 'sampel' in this release; did you mean 'sample'?\n"


def test_json_gives_the_same_numbers(folder, capsys):
    assert run(folder, "--format", "json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["total"] == {"tests": 6, "passed": 6, "made": 4, "caught": 3, "exempt": 0}


def test_a_file_with_an_error_is_not_tested_and_its_error_is_printed(folder, capsys):
    path = folder / "definitions" / "home" / "1.0.0.yaml"
    path.write_text(HOME.replace("code_in: disorder", "code_in: diorder"), encoding="utf-8")
    assert run(folder) == 1
    said = capsys.readouterr().out
    assert ("unknown-value-set" in said, said.splitlines()[-1]) == (True, "total: small changes caught: 0 of 0")


def test_a_draft_that_no_release_names_is_tested_when_it_is_named(folder, capsys):
    draft = folder / "sample" / "1.1.0.yaml"
    draft.write_text(RULE.replace("version: 1.0.0", "version: 1.1.0"), encoding="utf-8")
    assert run(folder, "sample@1.1.0") == 0
    assert "sample 1.1.0: tests passed: 3 of 3" in capsys.readouterr().out
    run(folder)
    assert "1.1.0" not in capsys.readouterr().out


def test_an_error_in_a_draft_that_is_named_is_told(folder, capsys):
    draft = folder / "sample" / "1.1.0.yaml"
    draft.write_text(RULE.replace("version: 1.0.0", "version: 1.1.0").replace("all: [disorder]", "all: [disordr]"))
    assert run(folder, "sample@1.1.0") == 1
    assert "unknown-criterion" in capsys.readouterr().out


def junit(folder, capsys, *arguments):
    """Run the command for a build server; gives its exit code and what it wrote."""
    code = run(folder, "--format", "junit", *arguments)
    return code, capsys.readouterr().out


def test_junit_tells_tests_a_missed_change_and_the_score(folder, capsys):
    code, written = junit(folder, capsys)
    assert (code, written.replace(str(folder), "FOLDER")) == (1, GOLDEN.read_text(encoding="utf-8"))


def test_junit_tells_a_test_that_fails_with_what_was_wanted_and_what_came(folder, capsys):
    path = folder / "sample" / "1.0.0.yaml"
    path.write_text(RULE.replace("clinicalStatus: resolved}]}", "clinicalStatus: active}]}"), encoding="utf-8")
    code, written = junit(folder, capsys, "sample")
    (failure,) = [each for each in ElementTree.fromstring(written).iter("failure") if each.get("type") != CHANGE]
    assert (code, failure.get("type")) == (1, "must_not_fire")
    assert failure.get("message") == "wanted NO, stopped by disorder; got YES, card offer (info)"
    assert failure.text.startswith("must_not_fire: resolved\n  wanted: NO, stopped by disorder\n")


def test_junit_tells_a_verdict_that_no_test_reaches_as_skipped(folder, capsys):
    path = folder / "sample" / "1.0.0.yaml"
    untold = "  cannot_tell: [{name: not read, but: {Condition: unavailable}, because: disorder}]\n"
    path.write_text(RULE.replace(untold, ""), encoding="utf-8")
    _, written = junit(folder, capsys, "sample")
    (suite,) = ElementTree.fromstring(written)
    (skipped,) = [each for each in suite if each.find("skipped") is not None]
    assert (skipped.get("classname"), skipped.get("name")) == (
        "sample 1.0.0.untested-verdict", "no test has 'disorder' UNKNOWN",
    )  # fmt: skip
    assert suite.get("skipped") == "1"


def test_junit_tells_the_errors_that_keep_a_file_from_being_tested(folder, capsys):
    path = folder / "definitions" / "home" / "1.0.0.yaml"
    path.write_text(HOME.replace("code_in: disorder", "code_in: diorder"), encoding="utf-8")
    code, written = junit(folder, capsys)
    (error,) = ElementTree.fromstring(written).iter("error")
    assert (code, error.get("type"), error.get("message")) == (1, "unknown-value-set", "no value set 'diorder'")
    assert ElementTree.fromstring(written).get("errors") == "1"


def test_junit_holds_only_what_xml_can_hold():
    problem = RuleProblem("a.yaml", 1, 1, "bad-yaml", "a bell \x07 and <tags> & \ud800")
    (suite,) = ElementTree.fromstring(as_junit([], [problem]))
    assert suite[0][0].get("message") == "a bell \ufffd and <tags> & \ufffd"


@pytest.mark.parametrize("form", ["text", "json"])
def test_text_and_json_are_as_written_down(form, folder, capsys):
    run(folder, "--format", form)
    as_written_down(f"rules-test.{form}", capsys.readouterr().out.replace(str(folder), "HERE"))


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stderr", "shown"), [(Terminal, True), (StringIO, False)])
def test_a_bar_is_shown_on_a_terminal_alone_and_is_gone_at_the_end(stderr, shown, folder, capsys, monkeypatch):
    screen = stderr()
    monkeypatch.setattr(sys, "stderr", screen)
    assert main(["rules", "test", "--folder", str(folder)]) == 1
    assert screen.getvalue().startswith("\rtests      [####") is shown
    assert screen.getvalue().endswith("\r\x1b[K") is shown
    assert "#" not in capsys.readouterr().out
