"""The page of lint codes is true: a wrong piece raises exactly its code, the right one in its place raises none."""

import json
import shutil
from datetime import date
from pathlib import Path
from textwrap import indent

import pytest
import yaml

from cds_service.core.value_set import Table
from cds_service.rulebook.lint import lint, lint_subject, settle
from cds_service.rulebook.lint_codes import MEANINGS
from cds_service.rulebook.lint_page import lint_page, read_examples
from cds_service.rulebook.lint_subject import Subject, subject_of
from cds_service.rulebook.reader import read_rule_text
from cds_service.rulebook.release import load_release, subjects_of
from cds_service.rulebook.rule_report import report_of
from cds_service.rulebook.site_file import SITE_FILE

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "tests" / "lint_sample"
MAIN = "liver-test-due/1.0.0.yaml"
TODAY = date(2026, 3, 1)
EXAMPLES = read_examples()
SHOWN = [code for code, example in EXAMPLES.items() if "wrong" in example]
IN_THE_RULE = [code for code in SHOWN if "file" not in EXAMPLES[code]]
IN_A_FOLDER = [code for code in SHOWN if "file" in EXAMPLES[code] and "told_by" not in EXAMPLES[code]]
BY_TESTS = [code for code in SHOWN if "told_by" in EXAMPLES[code]]


def sample_folder(folder):
    """Write the sample as a rules folder, with the shipped value sets it names.

    What those are disjoint from is left out: the sample has only some of them.
    """
    shutil.copytree(SAMPLE, folder)
    pins = yaml.safe_load((folder / "release.yaml").read_text(encoding="utf-8"))["value_sets"]
    for name, version in pins.items():
        path = folder / "value-sets" / name / f"{version}.json"
        if not path.exists():
            body = json.loads((ROOT / "rules/value-sets" / name / path.name).read_text(encoding="utf-8"))
            body["extension"] = [each for each in body["extension"] if not each["url"].endswith("/disjoint-from")]
            path.parent.mkdir()
            path.write_text(json.dumps(body), encoding="utf-8")
    return folder


def with_wrong(code):
    """Give a file of the sample with the wrong piece of a code where the right one stood, as whole lines."""
    example = EXAMPLES[code]
    text = (SAMPLE / example.get("file", MAIN)).read_text(encoding="utf-8")
    places = [
        spaces
        for spaces in (" " * width for width in range(12))
        if f"\n{text}".count("\n" + indent(example["right"], spaces)) == 1
    ]
    assert len(places) == 1, f"the right piece of {code} stands in no one place of the sample"
    return text.replace(indent(example["right"], places[0]), indent(example["wrong"], places[0]))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return sample_folder(tmp_path_factory.mktemp("lint") / "rules")


@pytest.fixture(scope="module")
def shelf(sample):
    return next(each.shelf for each in subjects_of(load_release(sample), sample) if each.draft.id == "liver-test-due")


@pytest.fixture
def changeable(tmp_path):
    return sample_folder(tmp_path / "rules")


def test_the_page_is_up_to_date():
    page = (ROOT / "docs/reference/lint.md").read_text(encoding="utf-8")
    assert page == lint_page(EXAMPLES)


def test_every_code_has_an_example_in_the_order_of_the_list():
    assert list(EXAMPLES) == list(MEANINGS)


def test_the_sample_with_every_right_piece_has_no_problem(sample):
    assert [str(each) for each in lint(sample, TODAY)] == []


def test_the_tests_of_the_small_sample_notice_everything(sample):
    report = small_report(sample)
    assert (report.fine, report.untested) == (True, ())


@pytest.mark.parametrize("code", IN_THE_RULE)
def test_a_wrong_piece_of_a_rule_raises_exactly_its_code(code, shelf):
    file = read_rule_text(with_wrong(code), MAIN)
    found = [*file.problems, *lint_subject(subject_of(file, shelf), TODAY)]
    wanted = {code, EXAMPLES[code].get("also", code)}
    assert {each.code for each in settle(found, [file.source]).problems} == wanted


@pytest.mark.parametrize("code", IN_A_FOLDER)
def test_a_wrong_piece_of_another_file_raises_exactly_its_code(code, changeable):
    (changeable / EXAMPLES[code]["file"]).write_text(with_wrong(code), encoding="utf-8")
    assert {each.code for each in lint(changeable, TODAY, changeable / SITE_FILE)} == {code}


@pytest.mark.parametrize("code", BY_TESTS)
def test_a_wrong_piece_of_tests_is_told_by_rules_test(code, changeable):
    (changeable / EXAMPLES[code]["file"]).write_text(with_wrong(code), encoding="utf-8")
    report = small_report(changeable)
    assert code in {each.code for each in (*report.untested, *(missed.problem for missed in report.score.missed))}


def test_codes_without_pieces_say_how_they_come_about():
    without = {code for code in EXAMPLES if "wrong" not in EXAMPLES[code]}
    assert without == {"changed-after-release", "version-too-small"}
    assert all(EXAMPLES[code]["instead"] for code in without)


def small_report(folder):
    """Test the smallest rule of the sample."""
    subjects: tuple[Subject, ...] = subjects_of(load_release(folder), folder)
    small = next(each for each in subjects if each.draft.id == "age-reminder")
    return report_of(small, Table(small.shelf.value_sets.values()))
