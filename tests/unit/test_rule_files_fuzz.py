"""Shipped files with lines and signs changed by chance: lint points into the file, and no command ends in a traceback.

`make slow` makes more of them.
"""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.cli import main
from cds_service.clients.reader import read_clients_text
from cds_service.rulebook.lint import lint_subject
from cds_service.rulebook.lint_subject import subject_of
from cds_service.rulebook.reader import read_definition_text, read_rule_text
from cds_service.rulebook.release import load_release, subjects_of
from cds_service.rulebook.release_file import read_release_text
from cds_service.rulebook.site_file import read_site_text
from cds_service.rulebook.value_set_file import read_value_set_file
from tests.unit.test_lint_page import TODAY, sample_folder

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "rules"
LOADED = load_release(RULES)
SHELVES = {each.source.file: each.shelf for each in subjects_of(LOADED, RULES)}
FILES = sorted(SHELVES)
SIGNS = st.sampled_from(
    [*":,[]{}\"'#-|>&*!%@`\\ \n\t\u00a0\u201c0a~.?<", "\r\n", "- ", ": ", "\u2028", "\x07", "\ud800"]
)
EDIT = st.one_of(
    st.tuples(st.just("delete"), st.floats(0, 1), st.integers(1, 6)),
    st.tuples(st.just("double"), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just("swap"), st.floats(0, 1), st.integers(1, 30)),
    st.tuples(st.just("insert"), st.floats(0, 1), SIGNS),
    st.tuples(st.just("indent"), st.floats(0, 1), st.integers(-4, 4)),
    st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
)
EDITS = st.lists(EDIT, min_size=1, max_size=4)
QUICK = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(QUICK, max_examples=3000, derandomize=False)


def edited(text, edits):
    """Make the edits, one after the other; places are parts of the whole, so that they fit any file."""
    for kind, where, how in edits:
        lines = text.split("\n")
        row, sign = int(where * (len(lines) - 1)), int(where * max(len(text) - 1, 0))
        match kind:
            case "delete":
                del lines[row : row + how]
            case "double":
                lines.insert(int(how * len(lines)), lines[row])
            case "indent":
                lines[row] = " " * how + lines[row] if how > 0 else lines[row][-how:]
            case "swap":
                other = min(sign + how, len(text) - 1)
                signs = list(text)
                if signs:
                    signs[sign], signs[other] = signs[other], signs[sign]
                lines = "".join(signs).split("\n")
            case "insert":
                lines = (text[:sign] + how + text[sign:]).split("\n")
            case "cut":
                lines = text[:sign].split("\n")
        text = "\n".join(lines)
    return text


def assert_they_point_into(problems, text):
    """Every problem has a line of the file and a column of that line, or the place after its end."""
    lines = text.splitlines() or [""]
    for each in problems:
        assert 1 <= each.line <= len(lines) + 1, each
        width = len(lines[each.line - 1]) if each.line <= len(lines) else 0
        assert 1 <= each.column <= width + 1, each
        assert str(each)


def as_in_a_file(text):
    """The text as it can stand in a file: UTF-8 has no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def look_at_rule(file, edits):
    text = as_in_a_file(edited(Path(file).read_text(encoding="utf-8"), edits))
    definition = Path(file).parent.parent.name == "definitions"
    read = (read_definition_text if definition else read_rule_text)(text, file)
    assert_they_point_into([*read.problems, *lint_subject(subject_of(read, SHELVES[file]), TODAY)], text)


def look_at_others(edits):
    for read, path in (
        (read_release_text, RULES / "release.yaml"),
        (read_site_text, ROOT / "docs/reference/site-example.yaml"),
        (read_clients_text, ROOT / "docs/reference/clients-example.yaml"),
    ):
        text = as_in_a_file(edited(path.read_text(encoding="utf-8"), edits))
        assert_they_point_into(read(text).problems, text)


@QUICK
@given(file=st.sampled_from(FILES), edits=EDITS)
def test_lint_of_a_changed_rule_points_into_the_file(file, edits):
    look_at_rule(file, edits)


@QUICK
@given(edits=EDITS)
def test_other_changed_files_give_problems_that_point_into_them(edits):
    look_at_others(edits)


@pytest.mark.slow
@LONG
@given(file=st.sampled_from(FILES), edits=EDITS)
def test_lint_of_many_changed_rules_points_into_the_file(file, edits):
    look_at_rule(file, edits)


@pytest.mark.slow
@LONG
@given(edits=EDITS)
def test_many_other_changed_files_give_problems_that_point_into_them(edits):
    look_at_others(edits)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sample_folder(tmp_path_factory.mktemp("fuzz") / "rules")


SAMPLE_FILES = (
    "liver-test-due/1.0.0.yaml", "age-reminder/1.0.0.yaml", "definitions/treatment/1.0.0.yaml", "release.yaml",
    "override-reasons.yaml", "value-sets/clinic-positive/2026.1.0.json", "site.yaml",
)  # fmt: skip
CHART = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"resource": {"resourceType": "Patient", "id": "1"}}],
}


def run_every_command(folder, name, edits, capsys):
    """Change one file of the sample, run every command over it, and put it back."""
    path = folder / name
    before = path.read_bytes()
    chart = folder.parent / "chart.json"
    chart.write_text(json.dumps(CHART))
    try:
        path.write_bytes(edited(before.decode(), edits).encode("utf-8", "surrogatepass"))
        given = ["--folder", str(folder)]
        for command in (
            ["lint", "--format", "sarif", "--site", str(folder / "site.yaml"), *given],
            ["test", "--format", "junit", "age-reminder", "treatment", *given],
            ["explain", "all", "--bundle", str(chart), *given],
            ["explain", "age-reminder", "--version", "1.0.0", "--bundle", str(chart), *given],
        ):
            assert main(["rules", *command]) in (0, 1, 2), command
    finally:
        path.write_bytes(before)
        capsys.readouterr()


@settings(QUICK, max_examples=6)
@given(name=st.sampled_from(SAMPLE_FILES), edits=EDITS)
def test_no_command_ends_in_a_traceback(folder, name, edits, capsys):
    run_every_command(folder, name, edits, capsys)


@pytest.mark.slow
@settings(LONG, max_examples=600)
@given(name=st.sampled_from(SAMPLE_FILES), edits=EDITS)
def test_no_command_ends_in_a_traceback_over_many_changes(folder, name, edits, capsys):
    run_every_command(folder, name, edits, capsys)


@QUICK
@given(edits=EDITS)
def test_clients_check_never_ends_in_a_traceback(tmp_path_factory, folder, edits, monkeypatch, capsys):
    monkeypatch.setenv("CDS_RULES", str(folder))
    path = tmp_path_factory.mktemp("clients") / "clients.yaml"
    text = edited((ROOT / "docs/reference/clients-example.yaml").read_text(encoding="utf-8"), edits)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for form in ("text", "json"):
        assert main(["clients", "check", str(path), "--format", form]) in (0, 1)
    capsys.readouterr()


@QUICK
@given(edits=EDITS)
def test_a_changed_value_set_gives_problems_that_point_into_it(tmp_path_factory, edits):
    original = RULES / "value-sets/oud-remission/2026.11.0.json"
    path = tmp_path_factory.mktemp("sets") / "oud-remission" / original.name
    path.parent.mkdir()
    path.write_bytes(edited(original.read_text(encoding="utf-8"), edits).encode("utf-8", "surrogatepass"))
    _, problems = read_value_set_file(path)
    assert_they_point_into(problems, path.read_text(encoding="utf-8", errors="replace"))
