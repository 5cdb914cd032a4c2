"""`cds-service rules explain`: golden text, JSON, and what it says of what it cannot explain."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli import main
from tests.http.small_rules import small_rules
from tests.unit.golden_text import as_written_down

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


def person(born: str | None = "2010-01-01") -> dict[str, Any]:
    patient = {"resourceType": "Patient", "id": "example-1", **({"birthDate": born} if born else {})}
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}


def explained(
    folder: Path, body: Any, capsys: pytest.CaptureFixture[str], *more: str, rule: str = "age-reminder"
) -> tuple[int, str, str]:
    file = folder.parent / "chart.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    arguments = ["rules", "explain", rule, "--bundle", str(file), "--today", "2026-03-01", "--folder", str(folder)]
    code = main([*arguments, *more])
    said = capsys.readouterr()
    return code, said.out.replace(str(folder.parent), "HERE"), said.err.replace(str(folder.parent), "HERE")


def test_a_rule_without_a_card_says_what_stopped_it_and_what_it_would_need(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = explained(folder, person(), capsys)
    assert code == 0
    assert out == (
        "rules: HERE/rules, release 2026.1.0\n"
        "HERE/chart.json: patient-view on 2026-03-01\n"
        "\n"
        'age-reminder 1.0.0 is silent: "The patient is at least 18 years old" (old_enough) does not hold.\n'
        "  for a card it would need:\n"
        '    old_enough holds: "The patient is at least 18 years old"; nearest: Patient/example-1 Patient,\n'
        "            not by age\n"
        "  all of:\n"
        "    NO      old_enough: The patient is at least 18 years old\n"
        "\n"
        "cards in this answer: none\n"
    )


def test_of_all_rules_one_sentence_each_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = explained(folder, person("1980-01-01"), capsys, rule="all")
    assert out.splitlines()[2:] == [
        "",
        "age-reminder 1.0.0 shows card adult (info): The patient is at least 18 years old.",
        "",
        "cards in this answer: age-reminder (info)",
    ]


def test_what_cannot_be_told_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = explained(folder, person(None), capsys, "--depth", "reason")
    assert "age-reminder 1.0.0 cannot tell" in out
    assert "(old_enough)" in out


def test_json_holds_the_trace_and_what_it_would_need(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = explained(folder, person(), capsys, "--format", "json")
    told = json.loads(out)
    assert (told["hook"], told["today"], told["release"], told["cards"]) == (
        "patient-view",
        "2026-03-01",
        "2026.1.0",
        [],
    )
    [rule] = told["rules"]
    assert (rule["state"], rule["stoppedBy"]) == ("silent", ["old_enough"])
    assert rule["needed"] == [{"criterion": "old_enough", "verdict": "YES", "depth": 0}]


def test_another_version_is_explained_in_place_of_the_active_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "age-reminder" / "1.0.0.yaml").read_text(encoding="utf-8")
    text = text.replace("version: 1.0.0", "version: 1.1.0").replace("value: 18", "value: 16")
    (folder / "age-reminder" / "1.1.0.yaml").write_text(text, encoding="utf-8")
    _, out, _ = explained(folder, person(), capsys, "--version", "1.1.0", "--depth", "reason")
    assert "age-reminder 1.1.0 shows card adult (info): The patient is at least 16 years old." in out


@pytest.mark.parametrize(
    ("rule", "more", "said"),
    [
        ("age-remindr", (), "no rule 'age-remindr' in release 2026.1.0; did you mean 'age-reminder'?"),
        ("age-reminder", ("--version", "9.0.0"), "age-reminder has no version 9.0.0; there are 1.0.0"),
        ("age-remindr", ("--version", "1.0.0"), "no rule 'age-remindr'; did you mean 'age-reminder'?"),
        ("age-reminder", ("--hook", "order-sign"), "HERE/chart.json: order-sign wants a draft order: "),
        ("age-reminder", ("--hook", "encounter-discharge", "--encounter", "e1"), "age-reminder does not run at "),
    ],
)
def test_what_there_is_not_is_named_with_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str], rule: str, more: tuple[str, ...], said: str
) -> None:
    code, out, err = explained(folder, person(), capsys, *more, rule=rule)
    assert (code, out) == (2, "")
    assert err.startswith(f"rules explain: {said}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "HERE/chart.json: wanted a FHIR Bundle"),
        ({"hook": "patient-view", "context": {}, "prefetch": {}}, "HERE/chart.json: context.patientId: "),
        ({"hook": "patient-view", "context": {}, "prefetch": 3}, "HERE/chart.json: hook must be a text"),
        ({"resourceType": "Bundle"}, "HERE/chart.json: wanted one Patient, found 0"),
    ],
)
def test_what_is_no_chart_is_told(folder: Path, capsys: pytest.CaptureFixture[str], body: Any, said: str) -> None:
    code, out, err = explained(folder, body, capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"rules explain: {said}")


def test_a_fixture_is_explained_on_its_own_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "explain", "mat-consideration", "--fixture", "declined-treatment", "--depth", "reason"]) == 0
    out = capsys.readouterr().out
    assert "patient-view/declined-treatment: patient-view on 2026-03-01" in out
    assert 'is silent: "Treatment was declined in the last 90 days" (declined) holds.' in out


@pytest.mark.parametrize("depth", ["full"])
def test_no_line_is_wider_than_100_columns(depth: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--fixture", "patient-view/no-counseling", "--depth", depth, "--folder", str(ROOT / "rules")]
    assert main(["rules", "explain", "all", *arguments]) == 0
    out = capsys.readouterr().out.replace(str(ROOT), "HERE")
    wide = [each for each in out.splitlines() if len(each) > 100]
    assert [each for each in wide if " " in each.strip()] == []  # a reference alone is not broken


def test_a_file_or_a_fixture_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "explain", "all", "--bundle", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err.endswith("none.json: No such file or directory\n")
    assert main(["rules", "explain", "all", "--fixture", "untreated-oud-icd"]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[" * 200_000])
def test_a_file_that_is_no_json_is_told(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(text, encoding="utf-8")
    assert main(["rules", "explain", "all", "--bundle", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"rules explain: {file}: is no JSON: ")


def test_json_is_as_written_down(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = explained(folder, person(), capsys, "--format", "json")
    as_written_down("rules-explain.json", re.sub(r'"digest": "[0-9a-f]+"', '"digest": "DIGEST"', out))
