"""`cds-service rules release`: golden text of each command, and what stands in the folder afterwards."""

import json
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import pytest

from cds_service.cli import main
from cds_service.rulebook.files import alone
from cds_service.rulebook.kept import ACCEPTED, look
from cds_service.rulebook.release import load_release
from cds_service.rulebook.release_lock import changed_files
from tests.http.small_rules import RULE, lock, small_rules, write_version
from tests.unit.rule_folder import changed_file, folder_of_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small rules, with a review that is not due whenever this runs."""
    folder = small_rules(tmp_path / "rules")
    changed_file(folder / RULE / "1.0.0.yaml", "review_due: 2027-01-02", "review_due: 2099-01-02")
    lock(folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, str, str]:
    code = main(["rules", "release", *arguments, "--folder", str(folder)])
    told = capsys.readouterr()
    here = str(folder.parent)
    return code, told.out.replace(here, "HERE"), told.err.replace(here, "HERE")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_new_keeps_the_release_and_begins_another(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "release.yaml").read_bytes()
    code, out, _ = said(capsys, folder, "new", "2026.2.0")
    assert code == 0
    assert out == (
        "rules: HERE/rules\n"
        "kept:    HERE/rules/releases/2026.1.0.yaml\n"
        "written: HERE/rules/release.yaml, release 2026.2.0\n"
        "next:    cds-service rules release promote RULE@VERSION active|trial|off\n"
    )
    assert (folder / "releases/2026.1.0.yaml").read_bytes() == before
    assert load_release(folder).file.id == "2026.2.0"
    assert changed_files(folder, "2026.2.0") == []


def test_a_release_is_made_locked_taken_over_and_taken_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    first = look(folder, kept).standing.digest
    write_version(folder, "1.0.1", "Another summary")
    assert said(capsys, folder, "new", "2026.2.0")[0] == 0
    assert said(capsys, folder, "promote", f"{RULE}@1.0.1", "active") == (
        0,
        "rules: HERE/rules\n"
        "- age-reminder: {active: 1.0.0}\n"
        "+ age-reminder: {active: 1.0.1}\n"
        "next: cds-service rules release lock\n",
        "",
    )
    assert said(capsys, folder, "lock") == (
        0,
        "rules: HERE/rules\n"
        "lint: 0 errors, 0 warnings, 0 allowed\n"
        "tests passed: 3 of 3\n"
        "locked: HERE/rules/release.lock.json, release 2026.2.0\n",
        "",
    )
    taken = look(folder, kept)
    assert (taken.outcome, taken.standing.release) == (ACCEPTED, "2026.2.0")
    assert said(capsys, folder, "back", "2026.1.0") == (
        0,
        "rules: HERE/rules\n"
        "kept:    HERE/rules/releases/2026.2.0.yaml\n"
        "written: HERE/rules/release.yaml, release 2026.1.0\n"
        "it is in the lock: a running service takes it over within seconds\n",
        "",
    )
    again = look(folder, kept)
    assert (again.outcome, again.standing.digest) == (ACCEPTED, first)
    assert said(capsys, folder, "back", "2026.2.0")[0] == 0
    assert look(folder, kept).standing.digest == taken.standing.digest


def test_copying_the_older_file_over_release_yaml_goes_back_too(folder: Path, tmp_path: Path) -> None:
    first = look(folder, tmp_path / "kept").standing.digest
    write_version(folder, "1.0.1", "Another summary")
    main(["rules", "release", "new", "2026.2.0", "--folder", str(folder)])
    main(["rules", "release", "promote", f"{RULE}@1.0.1", "active", "--folder", str(folder)])
    lock(folder)
    assert look(folder, tmp_path / "kept").standing.digest != first
    (folder / "releases/2026.2.0.yaml").write_bytes((folder / "release.yaml").read_bytes())
    (folder / "release.yaml").write_bytes((folder / "releases/2026.1.0.yaml").read_bytes())
    assert look(folder, tmp_path / "kept").standing.digest == first


def test_promote_pins_what_the_version_reads_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of_files(tmp_path / "rules")
    draft = (
        (folder / "sample-rule/1.0.0.yaml").read_text(encoding="utf-8").replace("drug-status: 1}", "drug-status: 2}")
    )
    draft = draft.replace("version: 1.0.0", "version: 2.0.0").replace("code_in: score-set", "code_in: spare-set")
    (folder / "sample-rule/2.0.0.yaml").write_text(draft, encoding="utf-8")
    definition = (folder / "definitions/drug-status/1.2.0.yaml").read_text(encoding="utf-8")
    for version in ("2.0.0", "2.1.0"):
        text = definition.replace("version: 1.2.0", f"version: {version}")
        (folder / f"definitions/drug-status/{version}.yaml").write_text(text, encoding="utf-8")
    code, out, _ = said(capsys, folder, "promote", "sample-rule@2.0.0", "trial")
    assert (code, out) == (
        0,
        "rules: HERE/rules\n"
        "- sample-rule: {active: 1.0.0}\n"
        "- definitions: {drug-status: 1.2.0}\n"
        "- value_sets: {drug-a: 2026.1.0, problem-set: 2026.1.0, score-set: 2026.1.0, answer-yes: 2026.1.0,\n"
        "  answer-no: 2026.1.0}\n"
        "+ sample-rule: {active: 1.0.0, trial: 2.0.0}\n"
        "+ definitions: {drug-status: [1.2.0, 2.1.0]}\n"
        "+ value_sets: {drug-a: 2026.1.0, problem-set: 2026.1.0, score-set: 2026.1.0, answer-yes: 2026.1.0,\n"
        "  answer-no: 2026.1.0, spare-set: 2026.1.0}\n"
        "pinned, because sample-rule 2.0.0 reads them: definitions drug-status 2.1.0\n"
        "pinned, because sample-rule 2.0.0 reads them: value sets spare-set 2026.1.0\n"
        "next: cds-service rules release lock\n",
    )
    assert load_release(folder).problems == ()


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (("promote", f"{RULE}@1.0.1", "active"), 2,
         "rules release promote: release 2026.1.0 is locked; make a new one first: cds-service rules release new NAME"),
        (("new", "2026.1"), 2,
         "rules release new: '2026.1' is no name of a release; wanted three numbers such as 2026.12.0"),
        (("new", "2026.1.0"), 2, "rules release new: there is a release 2026.1.0 already; the next could be 2026.1.1"),
        (("back", "2026.0.0"), 2, "rules release back: no older release '2026.0.0'; there are none"),
        (("changelog",), 2,
         "rules release changelog: 2026.1.0 is the first release of HERE/rules; name another with --since"),
        (("changelog", "--since", "2026.1.1"), 2,
         "rules release changelog: no release '2026.1.1'; did you mean '2026.1.0'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, wanted: str
) -> None:
    before = files_of(folder)
    assert said(capsys, folder, *arguments)[::2] == (code, f"{wanted}\n")
    assert files_of(folder) == before


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (RULE, "'age-reminder' names no version; write it as age-reminder@1.1.0"),
        (f"{RULE}@1.0.9", "no version 1.0.9 of 'age-reminder'; there are 1.0.0"),
        ("age-remind@1.0.0", "no version 1.0.0 of 'age-remind'; did you mean 'age-reminder'?"),
    ],
)
def test_a_version_that_is_not_there_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], rule: str, wanted: str
) -> None:
    said(capsys, folder, "new", "2026.2.0")
    before = files_of(folder)
    assert said(capsys, folder, "promote", rule, "active")[::2] == (2, f"rules release promote: {wanted}\n")
    assert files_of(folder) == before


def test_a_release_file_with_a_fault_is_told_with_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed_file(folder / "release.yaml", "rules:", "rule:")
    code, _, err = said(capsys, folder, "new", "2026.2.0")
    assert (code, err.splitlines()[0]) == (
        2, "rules release new: HERE/rules/release.yaml:2:1: unknown-key: a release has no key 'rule'",
    )  # fmt: skip


def test_another_file_under_the_name_of_the_release_is_not_overwritten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "releases").mkdir()
    (folder / "releases/2026.1.0.yaml").write_text("release: 2026.1.0\n", encoding="utf-8")
    before = files_of(folder)
    code, _, err = said(capsys, folder, "new", "2026.2.0")
    assert (code, err) == (
        2,
        "rules release new: HERE/rules/releases/2026.1.0.yaml is another release of the same name; "
        "rename one of them\n",
    )
    assert files_of(folder) == before


def test_lock_writes_nothing_while_lint_finds_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, folder, "new", "2026.2.0")
    write_version(folder, "1.0.1", "Another summary")
    changed_file(folder / RULE / "1.0.1.yaml", "value: 18", "value: 19")
    said(capsys, folder, "promote", f"{RULE}@1.0.1", "active")
    before = files_of(folder)
    code, out, _ = said(capsys, folder, "lock")
    assert code == 1
    assert out.splitlines()[1].endswith(
        "1.0.1.yaml:4:10: version-too-small: 1.0.0 -> 1.0.1 is a patch step; parameters minimum_age changed, "
        "which is minor"
    )
    assert out.splitlines()[-1] == "not locked: lint found errors"
    assert files_of(folder) == before


def test_lock_writes_nothing_while_a_test_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, folder, "new", "2026.2.0")
    write_version(folder, "1.1.0", "Another summary")
    changed_file(folder / RULE / "1.1.0.yaml", "value: 18", "value: 19")
    said(capsys, folder, "promote", f"{RULE}@1.1.0", "active")
    before = files_of(folder)
    code, out, _ = said(capsys, folder, "lock")
    assert (code, out.splitlines()[-2:]) == (1, ["tests passed: 2 of 3", "not locked: tests fail"])
    assert "age-reminder/1.1.0.yaml:31: must_fire: 18 today" in out
    assert files_of(folder) == before


def test_back_refuses_a_release_that_would_not_be_served(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, folder, "new", "2026.2.0")
    changed_file(folder / RULE / "1.0.0.yaml", "find: Patient,", "find: Patients,")
    before = files_of(folder)
    code, out, _ = said(capsys, folder, "back", "2026.1.0")
    assert code == 1
    assert "unknown-fact: no fact 'Patients'" in out
    assert out.endswith("not written: a service would not take 2026.1.0, because lint finds errors in it\n")
    assert files_of(folder) == before


def test_status_tells_what_runs_since_when_and_what_is_not_released(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_version(folder, "1.0.1", "Another summary")
    write_version(folder, "1.0.2", "Yet another summary")
    said(capsys, folder, "new", "2026.2.0")
    said(capsys, folder, "promote", f"{RULE}@1.0.1", "trial")
    assert said(capsys, folder, "status") == (
        0,
        "rules: HERE/rules\n"
        "release 2026.2.0: not locked; nothing of it is served yet\n"
        "other releases: 2026.1.0\n"
        "\n"
        "rule          active  since     trial  since     review\n"
        "age-reminder  1.0.0   2026.1.0  1.0.1  2026.2.0  due 2099-01-02\n"
        "\n"
        "not released:\n"
        "  age-reminder 1.0.2\n",
        "",
    )


def test_status_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, folder, "status", "--format", "json")
    assert json.loads(out) == {
        "release": "2026.1.0",
        "locked": True,
        "otherReleases": [],
        "rules": [
            {
                "id": "age-reminder",
                "active": "1.0.0",
                "activeSince": "2026.1.0",
                "trial": None,
                "trialSince": None,
                "review": "reviewed",
                "reviewDue": "2099-01-02",
                "firstInRecords": None,
            }
        ],
        "drafts": [],
        "overdue": [],
    }


def test_a_review_that_is_overdue_is_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed_file(folder / RULE / "1.0.0.yaml", "review_due: 2099-01-02", "review_due: 2026-01-03")
    code, out, _ = said(capsys, folder, "status")
    assert (code, out.splitlines()[-1]) == (1, "review overdue: age-reminder")
    assert out.splitlines()[5].endswith("OVERDUE 2026-01-03")


def changed_release(folder: Path) -> None:
    write_version(folder, "1.1.0", "Another summary")
    changed_file(folder / RULE / "1.1.0.yaml", "value: 18", "value: 19")
    write_version(folder, "1.0.1", "On trial")
    for arguments in (
        ("new", "2026.2.0"),
        ("promote", f"{RULE}@1.1.0", "active"),
        ("promote", f"{RULE}@1.0.1", "trial"),
    ):
        main(["rules", "release", *arguments, "--folder", str(folder)])


def test_the_changelog_in_markdown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed_release(folder)
    capsys.readouterr()
    assert said(capsys, folder, "changelog", "--format", "markdown") == (
        0,
        "## Rules 2026.2.0\n"
        "\n"
        "Since 2026.1.0.\n"
        "\n"
        "### Changed rules\n"
        "\n"
        "- `age-reminder` 1.0.0 → 1.1.0 (minor)\n"
        "  - parameters: minimum_age: 18 years becomes 19 years\n"
        "  - and 1 change of words, evidence or tests\n"
        "\n"
        "### On trial\n"
        "\n"
        "- `age-reminder` 1.0.1 begins\n",
        "",
    )


def test_the_changelog_as_text_and_as_json_is_the_difference_of_the_releases(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed_release(folder)
    capsys.readouterr()
    _, text, _ = said(capsys, folder, "changelog", "--since", "2026.1.0", "--to", "2026.2.0")
    assert text.splitlines()[:4] == ["rules: HERE/rules", "release 2026.1.0 -> 2026.2.0", "", "rules"]
    found = json.loads(said(capsys, folder, "changelog", "--format", "json")[1])
    assert (found["before"], found["after"], found["enough"]) == ("2026.1.0", "2026.2.0", True)
    assert [(each["id"], each["after"]) for each in found["rules"]] == [("age-reminder", "1.1.0")]
    assert [(each["before"], each["after"]) for each in found["trials"]] == [(None, "1.0.1")]


def test_the_changelog_of_the_shipped_rules_tells_every_rule_and_takes_each_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(
        [
            "rules",
            "release",
            "changelog",
            "--since",
            "2026.11.0",
            "--to",
            "2026.11.1",
            "--format",
            "json",
            "--folder",
            "rules",
        ]
    )
    found = json.loads(capsys.readouterr().out)
    changed = {each["id"]: each["leastStep"] for each in found["rules"] if each["before"]}
    assert found["enough"]
    assert changed == dict.fromkeys(
        ["naltrexone-with-opioids", "discharge-after-withdrawal", "mat-consideration", "paws-follow-up",
         "mental-health-screening"], "major",
    )  # fmt: skip
    assert len(found["rules"]) == 27


def test_a_review_that_is_due_soon_is_told_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soon = (date.today() + timedelta(days=30)).isoformat()
    changed_file(folder / RULE / "1.0.0.yaml", "review_due: 2099-01-02", f"review_due: {soon}")
    code, out, _ = said(capsys, folder, "status", "--format", "json")
    [rule] = json.loads(out)["rules"]
    assert (code, rule["review"], rule["reviewDue"]) == (0, "due", soon)


def test_whoever_promotes_waits_for_another_who_does(folder: Path) -> None:
    write_version(folder, "1.1.0", "Another summary")
    before = (folder / "release.yaml").read_text(encoding="utf-8")
    assert main(["rules", "release", "new", "2026.2.0", "--folder", str(folder)]) == 0
    arguments = ["rules", "release", "promote", f"{RULE}@1.1.0", "trial", "--folder", str(folder)]
    second = Thread(target=main, args=(arguments,), daemon=True)
    with alone(folder):
        second.start()
        second.join(timeout=0.3)
        text = (folder / "release.yaml").read_text(encoding="utf-8")
        assert (second.is_alive(), "trial" in text, text == before) == (True, False, False)
    second.join(timeout=10)
    assert "trial: 1.1.0" in (folder / "release.yaml").read_text(encoding="utf-8")
