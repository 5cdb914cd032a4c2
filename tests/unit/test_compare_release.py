"""What changed between two releases, beside their rules: trials, gate, order, definitions, value sets."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cds_service.cli import main
from cds_service.rulebook.changelog import changelog
from cds_service.rulebook.compare_page import bars, release_page
from cds_service.rulebook.compare_people import CHANGED, Compared
from cds_service.rulebook.compare_release import ReleaseDifference, release_difference
from cds_service.rulebook.compare_report import release_text
from cds_service.rulebook.compare_tally import Tally
from cds_service.rulebook.release import load_release
from tests.unit.rule_folder import RELEASE, changed_file, folder_of_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of_files(tmp_path)


def compared(folder: Path, *edits: tuple[str, str]) -> ReleaseDifference:
    """Compare the release of the folder with one in which some pieces are replaced."""
    (folder / "releases").mkdir()
    (folder / "releases/2026.1.0.yaml").write_text(RELEASE, encoding="utf-8")
    for old, new in (("release: 2026.1.0", "release: 2026.2.0"), *edits):
        changed_file(folder / "release.yaml", old, new)
    sides = [load_release(folder, name) for name in ("2026.1.0", "2026.2.0")]
    assert [str(each) for side in sides for each in side.problems] == []
    return release_difference(sides[0], sides[1])


def test_only_another_name_is_no_change(folder: Path) -> None:
    found = compared(folder)
    assert list(release_text(found)) == ["release 2026.1.0 -> 2026.2.0", "  nothing changed"]
    assert changelog(found) == "## Rules 2026.2.0\n\nSince 2026.1.0.\n\nNothing changed.\n"


def test_a_trial_the_gate_and_the_order_are_told(folder: Path) -> None:
    found = compared(
        folder,
        ("never_when: [drug-status.on_drug]", "never_when: [drug-status.allergy]"),
        ("  other-rule: {active: 1.0.0}\n  sample-rule: {active: 1.0.0}\n",
         "  sample-rule: {active: 1.0.0, trial: {version: 1.0.0, definitions: {drug-status: 1.2.0}}}\n"
             "  other-rule: {active: 1.0.0}\n"),
    )  # fmt: skip
    assert list(release_text(found)) == [
        "release 2026.1.0 -> 2026.2.0",
        "",
        "never_when gains drug-status.allergy; loses drug-status.on_drug",
        "",
        "on trial",
        "  sample-rule 1.0.0 is new: A sample",
        "",
        "rules stand in another order; it breaks ties",
    ]
    assert changelog(found).splitlines()[4:] == [
        "### On trial",
        "",
        "- `sample-rule` 1.0.0 begins",
        "",
        "### For every rule",
        "",
        "- `never_when` gains drug-status.allergy; loses drug-status.on_drug",
        "- rules stand in another order; it breaks ties",
    ]


def test_definitions_and_value_sets_are_told_by_version(folder: Path) -> None:
    definition = folder / "definitions/drug-status/1.2.1.yaml"
    definition.write_text((folder / "definitions/drug-status/1.2.0.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    changed_file(definition, "version: 1.2.0", "version: 1.2.1")
    changed_file(definition, "value: 30", "value: 45")
    newer = folder / "value-sets/drug-a/2026.2.0.json"
    text = (folder / "value-sets/drug-a/2026.1.0.json").read_text(encoding="utf-8")
    newer.write_text(text.replace("2026.1.0", "2026.2.0"), encoding="utf-8")
    found = compared(
        folder,
        ("drug-status: 1.2.0", "drug-status: 1.2.1"),
        ("value_sets: {drug-a: 2026.1.0", "value_sets: {spare-set: 2026.1.0, drug-a: 2026.2.0"),
    )
    assert not found.enough
    assert list(release_text(found))[1:] == [
        "",
        "definitions",
        "  drug-status 1.2.0 -> 1.2.1",
        "    parameters",
        "      minor  grace_days: 30 days becomes 45 days",
        "    least step: minor, because of parameters; 1.2.0 -> 1.2.1 is only patch: make it 1.3.0",
        "",
        "value sets",
        "  1 new: spare-set",
        "  drug-a 2026.1.0 -> 2026.2.0: the same codes",
    ]
    assert "drug-status 1.2.0 → 1.2.1" in release_page(found)


def test_a_rule_that_went_is_told(folder: Path) -> None:
    changed_file(folder / "sample-rule/1.0.0.yaml", "yields_to: [other-rule]\n", "")
    found = compared(folder, ("  other-rule: {active: 1.0.0}\n", ""))
    assert list(release_text(found))[2:] == ["rules", "  other-rule 1.0.0 is gone: A sample"]
    assert "### Rules that no longer run\n\n- `other-rule` 1.0.0: A sample\n" in changelog(found)


def test_the_picture_of_a_tally_is_well_formed_and_names_its_numbers() -> None:
    tally = Tally("a<b")
    tally.take(Compared("a<b", "p", "patient-view", CHANGED, cards=("one (info)", "one (info)"), parts=("text",)))
    picture = ElementTree.fromstring(bars(tally))
    words = [each.text for each in picture.iter() if each.tag.endswith("text")]
    assert words[:4] == ["cards before", "1", "cards after", "1"]
    assert words[words.index("changed") + 1] == "1"


def test_two_versions_of_a_definition_are_compared_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "definitions/drug-status/1.3.0.yaml"
    path.write_text((folder / "definitions/drug-status/1.2.0.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    changed_file(path, "version: 1.2.0", "version: 1.3.0")
    changed_file(path, "value: 30", "value: 45")
    names = ["drug-status@1.2.0", "drug-status@1.3.0"]
    page = folder / "page.html"
    assert main(["rules", "diff", *names, "--folder", str(folder), "--html", str(page)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "drug-status 1.2.0 -> 1.3.0",
        "",
        "parameters",
        "  minor  grace_days: 30 days becomes 45 days",
        "",
        "least step: minor, because of parameters; 1.2.0 -> 1.3.0 is minor: enough",
        f"written: {page}",
    ]
    assert "30 days becomes 45 days" in page.read_text(encoding="utf-8")
    for arguments, wanted in (
        ([names[0], "drug-status@9.0.0"], "drug-status has no version 9.0.0; there are 1.2.0, 1.3.0"),
        ([*names, "--cohort", "people"], "a definition alone shows no card; compare rules or releases on a cohort"),
    ):
        assert main(["rules", "diff", *arguments, "--folder", str(folder)]) == 2
        assert capsys.readouterr().err == f"rules diff: {wanted}\n"
