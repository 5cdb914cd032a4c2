"""Which commits of a rules folder are accepted, and that what was accepted stays served whatever is edited."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from cds_service.edges import rule_store
from cds_service.edges.rule_store import RulesProblem, at_site, load_accepted, load_served
from cds_service.rulebook import kept as kept_releases
from cds_service.rulebook import lint
from cds_service.rulebook.kept import ACCEPTED, REFUSED, UNLOCKED, WAITING, look, read_standing, release_folder
from cds_service.rulebook.release import known_of, load_release
from cds_service.rulebook.release_lock import LOCK_FILE, digest_of, file_digests, read_lock, write_lock
from cds_service.rulebook.site_file import SiteFile, read_site_text
from cds_service.rulebook.software import PACKAGE
from tests.http.small_rules import FIRST, RULE, lock, next_release, small_rules, write_release, write_version
from tests.unit.site_texts import site_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "var" / "releases"


def test_a_locked_release_without_errors_is_accepted_and_kept(folder: Path, kept: Path) -> None:
    looked = look(folder, kept)
    assert (looked.outcome, looked.standing.release, looked.problems) == (ACCEPTED, FIRST, ())
    copy = release_folder(kept, looked.standing)
    assert load_release(copy).release == load_release(folder).release
    assert sorted(each.name for each in copy.rglob("*.yaml")) == ["1.0.0.yaml", "override-reasons.yaml", "release.yaml"]
    assert read_standing(kept, folder) == looked.standing


def test_what_is_edited_without_a_lock_is_not_looked_at(folder: Path, kept: Path) -> None:
    first = look(folder, kept).standing
    write_version(folder, "1.0.1", "Half")
    (folder / RULE / "1.0.1.yaml").write_text("half a file: [", encoding="utf-8")
    assert look(folder, kept) == kept_releases.Looked(ACCEPTED, first)


def test_a_release_that_is_not_locked_waits_and_the_one_before_stands(folder: Path, kept: Path) -> None:
    first = look(folder, kept).standing
    write_version(folder, "1.0.1", "Next")
    write_release(folder, "2026.1.1", "1.0.1")
    looked = look(folder, kept)
    assert (looked.outcome, looked.standing) == (UNLOCKED, first)
    assert looked.problems == (f"{folder / LOCK_FILE} has no release 2026.1.1",)


def test_a_lock_that_came_before_its_files_waits_for_them(folder: Path, kept: Path) -> None:
    first = look(folder, kept).standing
    next_release(folder, 1)
    file = folder / RULE / "1.0.1.yaml"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[:100], encoding="utf-8")
    looked = look(folder, kept)
    assert (looked.outcome, looked.standing) == (WAITING, first)
    assert looked.problems == (f"{folder / RULE / '1.0.1.yaml'} is not as {LOCK_FILE} says",)
    file.write_text(whole, encoding="utf-8")
    assert look(folder, kept).standing.release == "2026.1.1"


def test_a_release_with_an_error_is_refused_once_with_its_place_and_the_one_before_stands(
    folder: Path, kept: Path
) -> None:
    first = look(folder, kept).standing
    write_version(folder, "1.0.1", "A summary that goes on " + "and on " * 30)
    write_release(folder, "2026.1.1", "1.0.1")
    lock(folder)
    looked = look(folder, kept)
    assert (looked.outcome, looked.standing.digest) == (REFUSED, first.digest)
    assert looked.problems[0].startswith(f"{RULE}/1.0.1.yaml:27:26: summary-too-long")
    assert look(folder, kept) == looked, "it is not judged again while nothing changed"
    write_version(folder, "1.0.1", "Short")
    lock(folder)
    mended = look(folder, kept)
    assert (mended.outcome, mended.standing.release, mended.standing.problems) == (ACCEPTED, "2026.1.1", ())


def test_putting_an_older_release_back_is_one_file(folder: Path, kept: Path) -> None:
    first = look(folder, kept).standing
    next_release(folder, 1)
    assert look(folder, kept).standing.release == "2026.1.1"
    shutil.copyfile(folder / "releases" / f"{FIRST}.yaml", folder / "release.yaml")
    back = look(folder, kept)
    assert (back.outcome, back.standing.digest) == (ACCEPTED, first.digest)


@pytest.mark.parametrize("content", ["", "{", '{"releases": []}', '{"releases": {"2026.1.0": {"files": 3}}}'])
def test_half_a_lock_waits(folder: Path, kept: Path, content: str) -> None:
    first = look(folder, kept).standing
    (folder / LOCK_FILE).write_text(content, encoding="utf-8")
    looked = look(folder, kept)
    assert (looked.outcome, looked.standing) == (WAITING, first)
    assert "is no release lock" in looked.problems[0]


def test_a_lock_that_names_a_file_elsewhere_is_not_followed(folder: Path, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not a rule", encoding="utf-8")
    locked = json.loads((folder / LOCK_FILE).read_text(encoding="utf-8"))
    locked["releases"][FIRST]["files"]["../secret"] = "0" * 64
    (folder / LOCK_FILE).write_text(json.dumps(locked), encoding="utf-8")
    looked = look(folder, kept)
    assert looked.outcome == WAITING
    assert looked.problems[0].endswith("names a file outside the folder: ../secret")
    assert not list(kept.glob("*/secret"))


def test_of_many_releases_the_last_ten_are_kept(folder: Path, kept: Path) -> None:
    for number in range(1, 14):
        next_release(folder, number)
        assert look(folder, kept).outcome == ACCEPTED
    copies = [each for each in kept.iterdir() if len(each.name) == 64]
    assert len(copies) == kept_releases.RELEASES_KEPT
    assert release_folder(kept, read_standing(kept, folder)).is_dir()
    assert not list(kept.glob(".new-*"))


def test_a_folder_knows_nothing_of_what_was_accepted_of_another(folder: Path, kept: Path, tmp_path: Path) -> None:
    look(folder, kept)
    other = small_rules(tmp_path / "other")
    assert read_standing(kept, other).digest == ""


def test_a_start_over_a_half_edited_folder_serves_what_was_accepted(folder: Path, kept: Path) -> None:
    before = load_served(folder, kept, check=True)
    assert (before.accepted, before.instead) == (True, ())
    (folder / RULE / "1.0.0.yaml").write_text("half: [", encoding="utf-8")
    (folder / LOCK_FILE).write_text("{", encoding="utf-8")
    again = load_served(folder, kept, check=True)
    assert again.release == before.release
    assert again.accepted
    assert "is no release lock" in again.instead[0]
    assert load_served(folder, kept, check=False).release == before.release


def test_without_anything_accepted_a_broken_folder_is_not_served(folder: Path, kept: Path) -> None:
    (folder / RULE / "1.0.0.yaml").write_text("half: [", encoding="utf-8")
    with pytest.raises(RulesProblem, match=r"bad-yaml"):
        load_served(folder, kept, check=True)


def test_where_nothing_can_be_written_the_folder_is_served_and_that_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    served = load_served(folder, tmp_path / "file" / "releases", check=True)
    assert (served.accepted, served.release.id) == (False, FIRST)
    assert served.instead[0].endswith("releases are not kept, and a new one needs a restart")


def test_a_copy_that_was_changed_is_not_served(folder: Path, kept: Path) -> None:
    standing = look(folder, kept).standing
    file = release_folder(kept, standing) / RULE / "1.0.0.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("18", "17"), encoding="utf-8")
    with pytest.raises(RulesProblem, match="not those that were accepted"):
        load_accepted(kept, standing)


def test_what_this_version_accepted_is_not_asked_again_where_its_names_lead(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = look(folder, kept).standing
    asked: list[Path] = []
    real = kept_releases.load_release.__globals__["_unresolved"]
    monkeypatch.setitem(
        kept_releases.load_release.__globals__,
        "_unresolved",
        lambda loaded, there: asked.append(there) or real(loaded, there),
    )
    release = load_accepted(kept, standing).release
    assert asked == []
    assert load_accepted(kept, replace(standing, version="0.0.1")).release == release
    assert asked == [release_folder(kept, standing)], "another version may know of names that lead nowhere now"


def test_what_another_version_accepted_and_this_one_cannot_judge_is_not_served(folder: Path, kept: Path) -> None:
    standing = look(folder, kept).standing
    copy = release_folder(kept, standing)
    file = copy / RULE / "1.0.0.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("all: old_enough", "all: nobody"), encoding="utf-8")
    paths = {name: copy / name for name in read_lock(copy)[FIRST]}
    write_lock(copy, FIRST, paths)
    digest = digest_of(file_digests(paths))
    copy.rename(kept / digest)
    with pytest.raises(RulesProblem, match="not those that were accepted"):
        load_accepted(kept, replace(standing, digest=digest, version="0.0.1"))


def test_a_copy_that_changes_while_it_is_read_is_not_served(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = look(folder, kept).standing
    file = release_folder(kept, standing) / RULE / "1.0.0.yaml"
    real = rule_store.load_sound

    def edited_meanwhile(*given: Any) -> Any:
        file.write_text(f"{file.read_text(encoding='utf-8')}# more\n", encoding="utf-8")
        return real(*given)

    monkeypatch.setattr(rule_store, "load_sound", edited_meanwhile)
    with pytest.raises(RulesProblem, match="not those that were accepted"):
        load_accepted(kept, standing)


def test_a_copy_that_lost_its_lock_is_served_by_what_its_files_say(folder: Path, kept: Path) -> None:
    standing = look(folder, kept).standing
    (release_folder(kept, standing) / LOCK_FILE).unlink()
    assert load_accepted(kept, standing).release == load_release(folder).release


@pytest.fixture
def site_rules(tmp_path: Path) -> Path:
    folder = site_folder(tmp_path / "site-rules")
    write_lock(folder, "2026.1.0", load_release(folder).paths)
    return folder


def site_with(value: int) -> SiteFile:
    said = "{value: %d, why: So., by: A. Example, date: 2026-02-20}"
    return read_site_text(f"site: A\nparameters:\n  sample-rule.recent_days: {said % value}\n")


def test_a_release_that_the_site_file_does_not_fit_is_refused_and_what_was_accepted_stays(
    site_rules: Path, kept: Path
) -> None:
    site = site_with(60)
    first = look(site_rules, kept, site).standing
    text = (site_rules / "sample-rule/1.0.0.yaml").read_text(encoding="utf-8")
    newer = text.replace("version: 1.0.0", "version: 1.0.1").replace("range: [30, 180]", "range: [70, 180]")
    (site_rules / "sample-rule/1.0.1.yaml").write_text(newer, encoding="utf-8")
    release = site_rules / "release.yaml"
    changed = release.read_text(encoding="utf-8").replace(
        "sample-rule: {active: 1.0.0}", "sample-rule: {active: 1.0.1}"
    )
    release.write_text(changed.replace("release: 2026.1.0", "release: 2026.2.0"), encoding="utf-8")
    write_lock(site_rules, "2026.2.0", load_release(site_rules).paths)
    looked = look(site_rules, kept, site)
    assert looked.outcome == REFUSED
    assert "'recent_days' of sample-rule 1.0.1 may be 70 to 180, not 60" in looked.problems[0]
    served = load_served(site_rules, kept, check=False, site=site)
    assert (served.release.digest, served.release.id) == (first.digest, "2026.1.0")
    assert at_site(served.loaded, site_rules, site).site == site.site.mark
    assert look(site_rules, kept, site_with(80)).standing.release == "2026.2.0"  # another site file is asked anew
    assert read_standing(kept, site_rules, site).release == "2026.1.0"


def test_of_many_site_files_the_last_ten_stand_and_hold_their_releases(site_rules: Path, kept: Path) -> None:
    for value in range(60, 74):
        assert look(site_rules, kept, site_with(value)).outcome == ACCEPTED
    assert len(list((kept / "folders").glob("*.json"))) == kept_releases.STANDINGS_KEPT
    newest, oldest = (read_standing(kept, site_rules, site_with(each)).release for each in (73, 60))
    assert (newest, oldest) == ("2026.1.0", "")
    assert look(site_rules, kept, site_with(60)).outcome == ACCEPTED  # whoever still runs by it asks anew


def test_a_process_of_its_own_judges_by_the_site_file_it_is_handed(
    site_rules: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = site_with(20)
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(site.raw)))
    kept_releases.main(str(site_rules), str(kept), "site.yaml")
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], "site.yaml:3:36: site-not-allowed" in told["problems"][0]) == (REFUSED, True)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rule files that are read."""
    names: list[str] = []
    loading = kept_releases.load_release.__globals__
    real = loading["read_rule_file"]
    monkeypatch.setitem(loading, "read_rule_file", lambda path, tested: names.append(path.name) or real(path, tested))
    return names


def test_what_a_start_has_judged_it_does_not_read_again(folder: Path, kept: Path, read: list[str]) -> None:
    served = load_served(folder, kept, check=True)
    assert (served.accepted, read) == (True, ["1.0.0.yaml"])
    assert served.release == load_release(folder).release
    read.clear()
    assert load_served(folder, kept, check=True).release == served.release
    assert read == ["1.0.0.yaml"], "a restart judges nothing"


def test_files_that_are_known_are_not_read_again(folder: Path, kept: Path, read: list[str]) -> None:
    first = load_accepted(kept, look(folder, kept).standing)
    next_release(folder, 1)
    standing = look(folder, kept).standing
    read.clear()
    assert first.release is not None
    known = known_of(first.release, read_lock(kept / first.release.digest)[first.release.id])
    fresh = load_accepted(kept, standing, known)
    assert read == ["1.0.1.yaml"]
    read.clear()
    assert fresh.release is not None
    known = known_of(fresh.release, read_lock(kept / fresh.release.digest)[fresh.release.id])
    assert load_accepted(kept, standing, known).release == fresh.release
    assert read == []


def judged_anew(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Look at the folder, and give the files that lint looked at by themselves."""
    judged: set[str] = set()
    real = lint.lint_subject
    monkeypatch.setattr(
        lint, "lint_subject",
        lambda subject, today: judged.add("/".join(Path(subject.source.file).parts[-2:])) or real(subject, today),
    )  # fmt: skip
    assert look(folder, kept).outcome == ACCEPTED
    return judged


def test_only_what_changed_is_looked_at_again(site_rules: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judged_anew(site_rules, kept, monkeypatch)
    assert len(first) > 1
    renamed(site_rules, "2026.1.1")
    assert judged_anew(site_rules, kept, monkeypatch) == set()
    reasons = site_rules / "override-reasons.yaml"
    reasons.write_text(f"{reasons.read_text(encoding='utf-8')}# more\n", encoding="utf-8")
    renamed(site_rules, "2026.1.2")
    assert judged_anew(site_rules, kept, monkeypatch) == first, "any file may refer to a reason"


def test_another_software_looks_at_everything(site_rules: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judged_anew(site_rules, kept, monkeypatch)
    assert judged_anew(site_rules, kept, monkeypatch) == set()
    monkeypatch.setattr(kept_releases, "this_software", lambda: "another")
    assert judged_anew(site_rules, kept, monkeypatch) == first
    assert read_standing(kept, site_rules).version == "another"
    renamed(site_rules, "2026.1.1")
    monkeypatch.undo()
    assert judged_anew(site_rules, kept, monkeypatch) == first, "another accepted the release before"


def test_what_was_accepted_is_judged_again_by_other_code_of_the_same_version(
    folder: Path, kept: Path, tmp_path: Path
) -> None:
    first = look(folder, kept).standing
    package = tmp_path / "edited" / "cds_service"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    module = package / "rulebook" / "lint_placeholders.py"
    stricter = module.read_text(encoding="utf-8").replace("SUMMARY_LIMIT = 140", "SUMMARY_LIMIT = 5")
    module.write_text(stricter, encoding="utf-8")
    command = [sys.executable, "-m", "cds_service.rulebook.kept", str(folder), str(kept)]
    environ = {**os.environ, "PYTHONPATH": str(package.parent)}
    told = json.loads(subprocess.run(command, env=environ, cwd=tmp_path, check=True, capture_output=True).stdout)
    assert told["outcome"] == REFUSED
    assert [each.split(": ")[1] for each in told["problems"]] == ["summary-too-long"]
    assert read_standing(kept, folder).digest == first.digest, "what was accepted stays"
    assert look(folder, kept).outcome == ACCEPTED, "by the code that accepted it"


def test_a_changed_rule_alone_is_looked_at_and_refused_for_its_error(folder: Path, kept: Path) -> None:
    look(folder, kept)
    next_release(folder, 1)
    file = folder / RULE / "1.0.1.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("Number 1", '"Since {nothing.date}"'), encoding="utf-8")
    lock(folder)
    looked = look(folder, kept)
    assert (looked.outcome, [each.split(": ")[1] for each in looked.problems]) == (REFUSED, ["unknown-placeholder"])


def renamed(folder: Path, name: str) -> None:
    """Commit to a release of another name, with the files as they stand."""
    file = folder / "release.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(f"release: {name}" if "release:" in each else each for each in lines) + "\n", "utf-8")
    lock(folder)


@pytest.mark.parametrize("name", ["../rules/extra.txt", "{folder}/extra.txt", "../../outside.txt"])
def test_a_lock_that_names_files_by_ways_out_of_the_folder_waits_and_nothing_is_copied(
    name: str, folder: Path, kept: Path
) -> None:
    first = look(folder, kept).standing
    next_release(folder, 1)
    (folder / "extra.txt").write_text("x", encoding="utf-8")
    lock_file, name = folder / LOCK_FILE, name.format(folder=folder)
    locked = json.loads(lock_file.read_text(encoding="utf-8"))
    locked["releases"]["2026.1.1"]["files"][name] = hashlib.sha256(b"x").hexdigest()
    lock_file.write_text(json.dumps(locked), encoding="utf-8")
    before = sorted(kept.rglob("*"))
    looked = look(folder, kept)
    assert (looked.outcome, looked.standing) == (WAITING, first)
    assert looked.problems == (f"{lock_file} names a file outside the folder: {name}",)
    assert sorted(kept.rglob("*")) == before


def test_the_copy_of_a_process_that_was_killed_goes_with_the_next_release(folder: Path, kept: Path) -> None:
    look(folder, kept)
    (kept / ".new-killed").mkdir()
    (kept / ".new-killed" / "release.yaml").write_text("half", encoding="utf-8")
    next_release(folder, 1)
    assert look(folder, kept).outcome == ACCEPTED
    assert not list(kept.glob(".new-*"))
