"""version-too-small: each version is held against the nearest earlier one beside it."""

from pathlib import Path

import pytest

from cds_service.rulebook.lint import lint
from cds_service.rulebook.release import load_release
from cds_service.rulebook.release_lock import write_lock
from tests.unit.rule_folder import changed_file, folder_of_files

ROOT = Path(__file__).parent.parent.parent
MAJOR = ("find: Patient\n    age: {at_least", "find: Patient\n    age: {more_than")
MINOR = ("    value: 18", "    value: 19")
PATCH = ("why: Adults only.", "why: By law.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of_files(tmp_path)


def version(folder: Path, name: str, *edits: tuple[str, str], of: str = "1.0.0") -> Path:
    path = folder / f"sample-rule/{name}.yaml"
    path.write_text((folder / f"sample-rule/{of}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for old, new in ((f"version: {of}", f"version: {name}"), *edits):
        changed_file(path, old, new)
    return path


def too_small(folder: Path) -> list[str]:
    return [str(each).replace(f"{folder}/", "") for each in lint(folder) if each.code == "version-too-small"]


@pytest.mark.parametrize(
    ("name", "edit", "fine"),
    [
        ("1.0.1", PATCH, True),
        ("1.0.1", MINOR, False),
        ("1.1.0", MINOR, True),
        ("1.1.0", MAJOR, False),
        ("2.0.0", MAJOR, True),
        ("3.1.4", MAJOR, True),
    ],
)
def test_a_version_takes_at_least_the_step_of_its_change(
    folder: Path, name: str, edit: tuple[str, str], fine: bool
) -> None:
    version(folder, name, edit)
    assert (too_small(folder) == []) is fine


def test_the_finding_says_where_what_and_which_version_is_wanted(folder: Path) -> None:
    version(folder, "1.1.0", MAJOR, MINOR)
    assert too_small(folder) == [
        "sample-rule/1.1.0.yaml:3:10: version-too-small: 1.0.0 -> 1.1.0 is a minor step; criteria old_enough changed, "
        "which is major\n"
        "  version: 1.1.0\n"
        "           ^\n"
        "  hint: name it 2.0.0; `rules diff` shows every change"
    ]


def test_versions_are_put_in_order_by_number_and_compared_with_the_nearest(folder: Path) -> None:
    version(folder, "1.9.0", MINOR)
    version(folder, "1.10.0", PATCH, of="1.9.0")
    assert too_small(folder) == []
    version(folder, "1.10.1", ("    value: 19", "    value: 20"), of="1.10.0")
    assert [each.partition(" is")[0] for each in too_small(folder)] == [
        "sample-rule/1.10.1.yaml:3:10: version-too-small: 1.10.0 -> 1.10.1"
    ]


def test_definitions_are_looked_at_too(folder: Path) -> None:
    path = folder / "definitions/drug-status/1.2.1.yaml"
    path.write_text((folder / "definitions/drug-status/1.2.0.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    changed_file(path, "version: 1.2.0", "version: 1.2.1")
    changed_file(path, "value: 30", "value: 45")
    assert [each.partition(";")[0] for each in too_small(folder)] == [
        "definitions/drug-status/1.2.1.yaml:3:10: version-too-small: 1.2.0 -> 1.2.1 is a patch step"
    ]


def test_what_is_locked_is_left_as_it_is(folder: Path) -> None:
    version(folder, "1.0.1", MINOR)
    changed_file(folder / "release.yaml", "sample-rule: {active: 1.0.0}", "sample-rule: {active: 1.0.1}")
    assert len(too_small(folder)) == 1
    loaded = load_release(folder)
    write_lock(folder, loaded.file.id, loaded.paths)
    assert too_small(folder) == []


def test_a_file_with_errors_is_not_compared(folder: Path) -> None:
    version(folder, "1.0.1", MINOR, ("owner: Test group", "owners: Test group"))
    assert too_small(folder) == []


def test_every_shipped_version_takes_its_step_locked_or_not(tmp_path: Path) -> None:
    from cds_service.rulebook.lint_version import steps

    assert [str(each) for each in steps(ROOT / "rules", {})] == []
