"""`cds-service rules diff`: golden text, JSON, page and exit codes, on a small rule and a small cohort."""

import json
from datetime import date
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli import main
from cds_service.population.compare import compare
from cds_service.rulebook.compare_people import (
    CHANGED,
    GAINED,
    LOST,
    NO_CARD,
    SAME,
    Compared,
    NotJudged,
    compare_record,
    two_editions,
)
from cds_service.rulebook.compare_report import cohort_json, cohort_text
from cds_service.rulebook.compare_tally import compare_cohort
from cds_service.rulebook.edition import edition_of
from cds_service.rulebook.release import load_release
from tests.http.small_rules import RULE, lock, small_rules, write_release
from tests.unit.golden_text import as_written_down
from tests.unit.rule_folder import changed_file

TODAY = date(2026, 3, 1)
# Born so that they are 17, 18, 20 and 40 years old; of the last nothing is known.
BORN = {"young": "2009-01-01", "eighteen": "2008-01-01", "twenty": "2006-01-01", "forty": "1986-01-01", "unborn": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


def new_version(folder: Path, version: str, *edits: tuple[str, str]) -> str:
    """Write a version of the rule with some pieces replaced; gives its name as the command takes it."""
    path = folder / RULE / f"{version}.yaml"
    path.write_text((folder / RULE / "1.0.0.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for old, new in (("version: 1.0.0", f"version: {version}"), *edits):
        changed_file(path, old, new)
    return f"{RULE}@{version}"


def person(name: str, born: str | None) -> dict[str, Any]:
    patient = {"resourceType": "Patient", "id": name, **({"birthDate": born} if born else {})}
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    people = tmp_path / "people"
    people.mkdir()
    for name, born in BORN.items():
        (people / f"{name}.json").write_text(json.dumps(person(name, born)), encoding="utf-8")
    return people


def said(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, str, str]:
    code = main(["rules", "diff", *arguments, "--today", "2026-03-01", "--folder", str(folder)])
    told = capsys.readouterr()
    here = str(folder.parent)
    return code, told.out.replace(here, "HERE"), told.err.replace(here, "HERE")


OLDER = ("minimum_age: {value: 18", "minimum_age: {value: 21")


def test_a_changed_number_is_told_with_its_step_and_whose_card_it_takes(
    folder: Path, cohort: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = new_version(folder, "1.1.0", OLDER, ("why: Adults only.", "why: By law."))
    code, out, _ = said(capsys, folder, f"{RULE}@1.0.0", after, "--cohort", str(cohort))
    assert code == 0
    assert out == (
        "rules: HERE/rules\n"
        "age-reminder 1.0.0 -> 1.1.0\n"
        "\n"
        "parameters\n"
        "  minor  minimum_age: 18 years becomes 21 years\n"
        '  patch  minimum_age: why: "Adults only." becomes "By law."\n'
        "\n"
        "least step: minor, because of parameters; 1.0.0 -> 1.1.0 is minor: enough\n"
        "\n"
        "on 5 people, as of 2026-03-01\n"
        "  age-reminder: cards 3 -> 1; unknown 1 -> 1\n"
        "    lost                    2  such as eighteen, twenty\n"
        "                            2  old_enough: YES becomes NO\n"
        "    reworded                1  such as forty\n"
    )


def test_a_version_that_takes_too_small_a_step_is_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = new_version(folder, "1.0.1", ("age: {at_least: minimum_age}", "age: {more_than: minimum_age}"))
    code, out, _ = said(capsys, folder, f"{RULE}@1.0.0", after)
    assert code == 1
    assert out.splitlines()[2:] == [
        "",
        "criteria",
        "  major  old_enough: age at_least minimum_age becomes more_than minimum_age",
        "",
        "least step: major, because of criteria; 1.0.0 -> 1.0.1 is only patch: make it 2.0.0",
    ]


def test_no_line_is_wider_than_100_columns(folder: Path, cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = new_version(folder, "1.0.1", ("why: Adults only.", f"why: {'Adults only as the law asks. ' * 9}"))
    _, out, _ = said(capsys, folder, f"{RULE}@1.0.0", after, "--cohort", str(cohort))
    assert max(map(len, out.splitlines())) <= 100


def test_the_same_is_given_as_json(folder: Path, cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = new_version(folder, "1.1.0", OLDER)
    _, out, _ = said(capsys, folder, f"{RULE}@1.0.0", after, "--cohort", str(cohort), "--format", "json")
    assert json.loads(out) == {
        "id": "age-reminder",
        "title": "Age reminder",
        "before": "1.0.0",
        "after": "1.1.0",
        "changes": [
            {"step": "minor", "part": "parameters", "name": "minimum_age", "text": "18 years becomes 21 years"}
        ],
        "leastStep": "minor",
        "leastVersion": "1.1.0",
        "step": "minor",
        "enough": True,
        "cohort": {
            "people": 5,
            "today": "2026-03-01",
            "notJudged": {},
            "leftOut": [],
            "rules": [
                {
                    "id": "age-reminder",
                    "calls": 5,
                    "cards": {"before": 3, "after": 1},
                    "gained": 0,
                    "lost": 2,
                    "changed": 0,
                    "reworded": 1,
                    "unknown": {"before": 1, "after": 1, "newly": 0, "noLonger": 0},
                    "failed": {"before": 0, "after": 0},
                    "changedParts": {"basis": 1},
                    "changedVariants": [],
                    "flipped": {"lost": {"old_enough: YES becomes NO": 2}, "reworded": {}},
                    "examples": {"lost": ["eighteen", "twenty"], "reworded": ["forty"]},
                }
            ],
        },
    }


class Tags(HTMLParser):
    """Collects the tags of a page, and what it would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href") or name.startswith("on")]


def test_the_page_has_a_picture_of_the_people_and_of_each_version_and_needs_nothing_else(
    folder: Path, cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = new_version(folder, "1.1.0", OLDER, ("summary: The patient is an adult", "summary: A <b>grown</b> person"))
    page = tmp_path / "diff.html"
    code, out, _ = said(capsys, folder, f"{RULE}@1.0.0", after, "--cohort", str(cohort), "--html", str(page))
    assert (code, out.splitlines()[-1]) == (0, "written: HERE/diff.html")
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.tags.count("svg") == 3
    assert (tags.outside, "script" in tags.tags, "b" in tags.tags) == ([], False, False)
    assert "A &lt;b&gt;grown&lt;/b&gt; person" in text
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((f"{RULE}@1.0.0", "2026.1.0"), "name two versions, as rule@1.0.0 rule@1.1.0, or two releases"),
        ((f"{RULE}@1.0.0", f"{RULE}@3.0.0"), "age-reminder has no version 3.0.0; there are 1.0.0"),
        (("age-remindr@1.0.0", f"{RULE}@1.0.0"), "no rule 'age-remindr'; did you mean 'age-reminder'?"),
        (("2026.1.0", "2026.1.9"), "no release '2026.1.9'; did you mean '2026.1.0'?"),
        ((f"{RULE}@1.0.0", f"{RULE}@1.0.0", "--cohort", "none"), "none: is no folder; a folder with NDJSON files or"),
    ],
)
def test_what_cannot_be_compared_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], wanted: str
) -> None:
    code, _, err = said(capsys, folder, *arguments)
    assert (code, err.startswith(f"rules diff: {wanted}")) == (2, True), err


def test_what_of_the_cohort_cannot_be_used_is_told_with_its_place_and_the_rest_is_compared(
    folder: Path, cohort: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cohort / "broken.json").write_text('{"resourceType":\n  Bundle}', encoding="utf-8")
    version, page = f"{RULE}@1.0.0", cohort.parent / "page.html"
    code, out, _ = said(capsys, folder, version, version, "--cohort", str(cohort), "--html", str(page))
    assert (code, out.splitlines()[-4:-1]) == (1, [
        "on 5 people, as of 2026-03-01",
        "  no difference: age-reminder (3 cards)",
        "  left out: 1 line that is not JSON: broken.json:2",
    ])  # fmt: skip
    assert "<p>left out: 1 line that is not JSON: broken.json:2</p>" in page.read_text(encoding="utf-8")
    code, out, _ = said(capsys, folder, version, version, "--cohort", str(cohort), "--format", "json")
    assert json.loads(out)["cohort"]["leftOut"] == [{"why": "is not JSON", "lines": 1, "first": ["broken.json:2"]}]


def test_one_process_and_several_compare_the_same(folder: Path, cohort: Path) -> None:
    for number in range(40):
        (cohort / f"more-{number}.json").write_text(json.dumps(person(f"p{number}", f"{1980 + number}-05-05")))
    editions = [edition_of(folder, each) for each in (f"{RULE}@1.0.0", new_version(folder, "1.1.0", OLDER))]
    release = load_release(folder).release
    assert release is not None
    sides = partial(two_editions, release, *editions)
    alone, spread = (compare(sides, cohort, TODAY, workers) for workers in (1, 2))
    assert list(cohort_text(alone)) == list(cohort_text(spread))
    assert (cohort_json(alone), alone.people) == (cohort_json(spread), 45)
    assert alone.tallies[RULE].examples["lost"] == ["eighteen", "p25", "p26", "p27", "twenty"]


def test_two_releases_are_compared_rule_by_rule(folder: Path, cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_version(folder, "1.1.0", OLDER)
    write_release(folder, "2026.2.0", "1.1.0")
    lock(folder)
    code, out, _ = said(capsys, folder, "2026.1.0", "2026.2.0", "--cohort", str(cohort))
    assert code == 0
    assert out == (
        "rules: HERE/rules\n"
        "release 2026.1.0 -> 2026.2.0\n"
        "\n"
        "rules\n"
        "  age-reminder 1.0.0 -> 1.1.0\n"
        "    parameters\n"
        "      minor  minimum_age: 18 years becomes 21 years\n"
        "    least step: minor, because of parameters; 1.0.0 -> 1.1.0 is minor: enough\n"
        "\n"
        "on 5 people, as of 2026-03-01\n"
        "  age-reminder: cards 3 -> 1; unknown 1 -> 1\n"
        "    lost                    2  such as eighteen, twenty\n"
        "                            2  old_enough: YES becomes NO\n"
        "    reworded                1  such as forty\n"
    )


# --- on people -------------------------------------------------------------------------------------------------------


def compared(folder: Path, *edits: tuple[str, str]) -> dict[str, Compared | NotJudged]:
    """What version 1.0.0 and an edited one say of each person."""
    after = edition_of(folder, new_version(folder, "2.0.0", *edits))
    release = load_release(folder).release
    assert release is not None
    two = two_editions(release, edition_of(folder, f"{RULE}@1.0.0"), after)
    found = {}
    for name, born in BORN.items():
        record = [each["resource"] for each in person(name, born)["entry"]]
        [found[name]] = compare_record(two, record, TODAY)
    return found


def test_the_same_rule_says_the_same_of_everybody(folder: Path) -> None:
    found = compared(folder)
    assert {name: getattr(each, "sort", "") for name, each in found.items()} == {
        "young": NO_CARD,
        "eighteen": SAME,
        "twenty": SAME,
        "forty": SAME,
        "unborn": NO_CARD,
    }
    unborn = found["unborn"]
    assert isinstance(unborn, Compared)
    assert (unborn.unknown, unborn.flipped) == ((True, True), ())


def test_a_card_gained_names_the_criterion_that_flipped(folder: Path) -> None:
    found = compared(folder, ("minimum_age: {value: 18", "minimum_age: {value: 17"))
    assert found["young"] == Compared(
        RULE, "young", "patient-view", GAINED, cards=("", "adult (info)"), flipped=("old_enough: NO becomes YES",)
    )


def test_a_criterion_that_is_new_is_named_when_it_stops_the_rule(folder: Path) -> None:
    found = compared(
        folder,
        ("criteria:\n", "criteria:\n  under: {says: Below the age, find: Patient, age: {less_than: minimum_age}}\n"),
        ("  all: old_enough\n", "  all: under\n"),
    )
    assert found["forty"] == Compared(
        RULE, "forty", "patient-view", LOST, cards=("adult (info)", ""), flipped=("under (new): NO",)
    )


def test_a_card_that_differs_says_in_what(folder: Path) -> None:
    found = compared(folder, ("indicator: info", "indicator: warning"), ("an adult, ind", "of age, ind"))
    assert found["forty"] == Compared(
        RULE,
        "forty",
        "patient-view",
        CHANGED,
        cards=("adult (info)", "adult (warning)"),
        parts=("indicator", "summary"),
    )


def test_a_card_in_place_of_not_knowing_is_gained_and_no_longer_unknown(folder: Path) -> None:
    found = compared(folder, ("if_unknown: no_card", "if_unknown: card_with_caveat"))
    unborn = found["unborn"]
    assert isinstance(unborn, Compared)
    assert (unborn.sort, unborn.unknown, unborn.cards) == (GAINED, (True, False), ("", "adult (info)"))


def test_a_rule_that_runs_at_more_moments_is_judged_at_each_and_says_where_it_cannot_be(folder: Path) -> None:
    after = edition_of(folder, new_version(folder, "2.0.0", ("[patient-view]", "[patient-view, encounter-discharge]")))
    release = load_release(folder).release
    assert release is not None
    two = two_editions(release, edition_of(folder, f"{RULE}@1.0.0"), after)
    patient = person("forty", "1986-01-01")["entry"][0]["resource"]
    stay = {
        "resourceType": "Encounter",
        "id": "stay",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/forty"},
    }
    cohort = compare_cohort(two, [[patient], [patient, stay]], TODAY)
    tally = cohort.tallies[RULE]
    assert (cohort.people, tally.before, tally.after, tally.sorts[GAINED]) == (2, 2, 3, 1)
    assert tally.reasons[GAINED] == {"only after: the rule runs at encounter-discharge": 1}
    assert cohort.skipped == {"encounter-discharge: encounter-discharge wants an Encounter with an id": 1}


def test_a_record_of_two_people_is_not_judged(folder: Path) -> None:
    release = load_release(folder).release
    assert release is not None
    one = edition_of(folder, f"{RULE}@1.0.0")
    two = two_editions(release, one, one)
    wrong = [{"resourceType": "Patient", "id": "a"}, {"resourceType": "Patient", "id": "b"}]
    assert list(compare_record(two, wrong, TODAY)) == [NotJudged("a", "patient-view", "wanted one Patient, found 2")]


def test_a_cohort_may_be_bulk_data(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bulk = tmp_path / "bulk"
    bulk.mkdir()
    people = [person(name, born)["entry"][0]["resource"] for name, born in BORN.items()]
    (bulk / "Patient.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in people), encoding="utf-8")
    _, out, _ = said(capsys, folder, f"{RULE}@1.0.0", new_version(folder, "1.1.0", OLDER), "--cohort", str(bulk))
    assert "on 5 people, as of 2026-03-01\n  age-reminder: cards 3 -> 1; unknown 1 -> 1\n" in out


def test_the_page_is_as_written_down(
    folder: Path, cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after, page = new_version(folder, "1.1.0", OLDER), tmp_path / "diff.html"
    said(capsys, folder, f"{RULE}@1.0.0", after, "--cohort", str(cohort), "--html", str(page))
    as_written_down("rules-diff.html", page.read_text(encoding="utf-8").replace(str(tmp_path), "HERE"))
