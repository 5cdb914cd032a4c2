"""`rules lint --format json|sarif`: the same findings as the text, as data, and the same exit codes."""

import json
import re
from pathlib import Path

import pytest

from cds_service import __version__
from cds_service.cli import main
from cds_service.rulebook.lint import Report, lint_report
from cds_service.rulebook.lint_codes import MEANINGS, severity_of
from cds_service.rulebook.lint_formats import as_json, as_sarif
from cds_service.rulebook.lint_page import read_examples
from cds_service.rulebook.source import RuleProblem
from tests.unit.golden_text import as_written_down
from tests.unit.rule_folder import changed_file, folder_of_files
from tests.unit.rule_texts import TODAY

RULE = "rules of a clinic/sample-rule/1.0.0.yaml"
EXAMPLES = read_examples()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, as seen from the one above it, with an error, a warning that is allowed, and a rule without review."""
    monkeypatch.chdir(tmp_path)
    folder = folder_of_files(Path("rules of a clinic"))
    rule = folder / "sample-rule/1.0.0.yaml"
    changed_file(rule, "during_last: recent_days", "during_last: recent_day")
    spare = "  spare: {value: 1, unit: days, range: [1, 2], why: None.}"
    allow = "  # lint: allow unused-parameter because a site reads it\n"
    changed_file(rule, "  recent_days: {", f"{spare}{allow}  recent_days: {{")
    review = "reviewed: {by: A board, date: 2026-01-02}\nreview_due: 2027-01-02"
    changed_file(folder / "other-rule/1.0.0.yaml", review, "reviewed: null")
    return folder


def line_of(text):
    """Give the number of the line of the rule that holds a text."""
    lines = Path(RULE).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_json_tells_every_finding_with_its_place(folder):
    told = as_json(lint_report(folder, TODAY), folder)
    error = line_of("during_last: recent_day")
    assert told == {
        "folder": "rules of a clinic",
        "errors": 1,
        "warnings": 0,
        "not_reviewed": ["rules of a clinic/other-rule/1.0.0.yaml"],
        "problems": [
            {
                "file": RULE,
                "line": error,
                "column": 18,
                "code": "unknown-parameter",
                "severity": "error",
                "text": "no parameter 'recent_day'",
                "hint": "did you mean 'recent_days'?",
                "source_line": "    during_last: recent_day",
            }
        ],
        "allowed": [
            {
                "file": RULE,
                "line": line_of("spare:"),
                "column": 3,
                "code": "unused-parameter",
                "severity": "warning",
                "text": "nothing uses 'spare'",
                "hint": "",
                "source_line": Path(RULE).read_text(encoding="utf-8").splitlines()[line_of("spare:") - 1],
            }
        ],
    }


def test_sarif_has_a_result_for_each_finding(folder):
    log = as_sarif(lint_report(folder, TODAY), Path.cwd(), EXAMPLES)
    (run,) = log["runs"]
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    results = [
        (each["ruleId"], each["level"], each["message"]["text"], each.get("suppressions", []))
        for each in run["results"]
    ]
    assert results == [
        ("not-reviewed", "note", "no clinician has reviewed this version yet", []),
        ("unknown-parameter", "error", "no parameter 'recent_day'\nHint: did you mean 'recent_days'?", []),
        ("unused-parameter", "warning", "nothing uses 'spare'", [{"kind": "inSource"}]),
    ]


def test_sarif_points_at_line_and_column_by_a_path_from_the_checkout(folder):
    log = as_sarif(lint_report(folder, TODAY), Path.cwd(), EXAMPLES)
    error = next(each for each in log["runs"][0]["results"] if each["level"] == "error")
    assert error["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "rules%20of%20a%20clinic/sample-rule/1.0.0.yaml"},
                "region": {
                    "startLine": line_of("during_last: recent_day"),
                    "startColumn": 18,
                    "snippet": {"text": "    during_last: recent_day"},
                },
            }
        }
    ]


def test_a_file_outside_of_the_checkout_is_named_whole(tmp_path):
    problem = RuleProblem(str(tmp_path / "a b.yaml"), 1, 1, "bad-yaml", "no")
    log = as_sarif(Report((problem,), ()), tmp_path / "checkout", EXAMPLES)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": (tmp_path / "a b.yaml").as_uri()},
        "region": {"startLine": 1, "startColumn": 1},
    }


def test_sarif_describes_every_code_with_its_level_and_its_help():
    driver = as_sarif(Report((), ()), Path("/"), EXAMPLES)["runs"][0]["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("cds-service rules lint", __version__)
    assert [each["id"] for each in driver["rules"]] == list(MEANINGS)
    for each in driver["rules"]:
        wanted = "note" if each["id"] == "not-reviewed" else severity_of(each["id"])
        assert each["defaultConfiguration"] == {"level": wanted}
        assert EXAMPLES[each["id"]]["why"] in each["help"]["text"]
        assert re.match(r"[A-Z].*\.$", each["shortDescription"]["text"])


def test_the_help_of_a_code_shows_the_wrong_piece_and_the_right_one():
    driver = as_sarif(Report((), ()), Path("/"), EXAMPLES)["runs"][0]["tool"]["driver"]
    told = next(each for each in driver["rules"] if each["id"] == "unknown-parameter")
    assert told["help"] == {
        "text": "The criterion names a number that the file does not have.\n\n"
        "Wrong:\nsince_start: {at_most: recent_day}\n\nRight:\nsince_start: {at_most: recent_days}",
        "markdown": "The criterion names a number that the file does not have.\n\n"
        "Wrong:\n\n```yaml\nsince_start: {at_most: recent_day}\n```\n\n"
        "Right:\n\n```yaml\nsince_start: {at_most: recent_days}\n```",
    }


def test_each_result_of_sarif_is_of_the_rule_that_it_indexes(folder):
    (run,) = as_sarif(lint_report(folder, TODAY), Path.cwd(), EXAMPLES)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_the_exit_code_does_not_depend_on_the_format(folder, form, capsys):
    assert main(["rules", "lint", "--folder", str(folder), "--format", form]) == 1
    changed_file(folder / "sample-rule/1.0.0.yaml", "during_last: recent_day", "during_last: recent_days")
    assert main(["rules", "lint", "--folder", str(folder), "--format", form]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_data_stands_alone_on_standard_output_also_when_a_lock_is_written(tmp_path, form, capsys):
    folder = folder_of_files(tmp_path)
    assert main(["rules", "lint", "--folder", str(folder), "--format", form, "--write-lock"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)
    assert printed.err == f"locked: {folder / 'release.lock.json'}\n"


def test_what_each_format_says_is_as_written_down(folder, capsys):
    for path in folder.rglob("*.yaml"):  # the command asks the clock
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("review_due: 2027-01-02", "review_due: 9999-01-02"), encoding="utf-8")
    for form in ("text", "json", "sarif"):
        main(["rules", "lint", "--folder", str(folder), "--format", form])
        out = capsys.readouterr().out
        if form == "sarif":  # its descriptions of the codes are those of the page of codes
            told = json.loads(out.replace(__version__, "VERSION"))
            told["runs"][0]["tool"]["driver"]["rules"] = []
            for each in told["runs"][0]["results"]:
                del each["ruleIndex"]
            out = json.dumps(told, indent=2) + "\n"
        as_written_down(f"rules-lint.{form}", out)
