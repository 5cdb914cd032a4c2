"""site.yaml is refused with every problem at its line and column, and with a hint that helps."""

from datetime import timedelta
from pathlib import Path

import pytest

from cds_service.rulebook.lint import lint_report
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import load_release
from cds_service.rulebook.site_file import read_site, read_site_text
from cds_service.rulebook.value_set_file import EXTENSION
from tests.unit.rule_folder import changed_file
from tests.unit.site_texts import SAID, SITE, TODAY, loaded_folder, place_of, problems_of, site_folder

HEAD = "site: Example Hospital\n"


def section(name: str, *entries: str) -> str:
    """A site file with one section; each entry is `key: value` with SAID put into its braces."""
    lines = [f"  {each.replace('...', SAID)}" for each in entries]
    return "\n".join([f"site: Example Hospital\n{name}:", *lines, ""])


# Each: the file with » where the problem is, its code, a part of its text, a part of its hint.
WRONG = [
    # the form
    (
        f"»parameters: {{sample-rule.recent_days: {{value: 60, {SAID}}}}}\n",
        "missing-key",
        "needs the key 'site'",
        "name",
    ),
    (f"{HEAD}»paramters: {{}}\n", "unknown-key", "no key 'paramters'", "did you mean 'parameters'?"),
    (section("parameters", "sample-rule.recent_days: »{value: 60}"), "missing-key", "'why'", "why the site wants it"),
    (section("rules", "other-rule: »{run: trial, why: So., by: A. Example}"), "missing-key", "'date'", "the day"),
    (section("rules", "other-rule: »{run: trial, why: So., date: 2026-02-20}"), "missing-key", "'by'", "who decided"),
    (section("rules", "other-rule: {run: »off, ...}"), "yaml-surprise", "'off'", "active, trial, disabled"),
    (section("rules", "other-rule: {run: »paused, ...}"), "wrong-type", "'paused'", ""),
    (section("parameters", "sample-rule.recent_days: {value: »sixty, ...}"), "wrong-type", "'sixty'", ""),
    (section("parameters", 'sample-rule.recent_days: {value: »"60", ...}'), "wrong-type", "'60'", "without quotes"),
    (section("parameters", "»recent_days: {value: 60, ...}"), "bad-name", "'recent_days'", ""),
    (section("wording", "sample-rule.consider.»summary: {}").replace("»", ""), "missing-key", "'value'", ""),
    (section("wording", "»sample-rule.consider.sumary: {value: Text, ...}"), "unknown-key", "'sumary'", "'summary'?"),
    (
        section("wording", "»sample-rule.consider.indicator: {value: info, ...}"),
        "unknown-key",
        "'indicator'",
        "summary,",
    ),
    (
        section(
            "wording",
            "sample-rule.consider.links: {value: [{label: »on, url: 'https://a.example/', type: smart}], ...}",
        ),
        "yaml-surprise",
        "'on'",
        "",
    ),
    (section("value_sets", "problem-set: {add: [»LOCAL-1], ...}"), "bad-name", "'LOCAL-1'", ""),
    (
        section("rules", "other-rule: {run: trial, why: So., by: A. Example, date: »2026-02-30}"),
        "wrong-type",
        "calendar",
        "",
    ),
    # what it names
    (
        section("parameters", "»sample-rule.recent_day: {value: 60, ...}"),
        "unknown-parameter",
        "'sample-rule' has no parameter 'recent_day'",
        "did you mean 'recent_days'?",
    ),
    (
        section("parameters", "»drug-status.zzzz: {value: 60, ...}"),
        "unknown-parameter",
        "no parameter 'zzzz'",
        "its parameters: grace_days",
    ),
    (
        section("parameters", "»sample-rul.recent_days: {value: 60, ...}"),
        "unknown-parameter",
        "no rule or definition 'sample-rul'",
        "did you mean 'sample-rule.recent_days'?",
    ),
    (section("rules", "»other-rul: {run: trial, ...}"), "unknown-rule", "'other-rul'", "did you mean 'other-rule'?"),
    (section("signed_off", "»other-rul: {version: 1.0.0, ...}"), "unknown-rule", "'other-rul'", "'other-rule'?"),
    (
        section("wording", "»sample-rul.consider.summary: {value: Text, ...}"),
        "unknown-rule",
        "'sample-rul'",
        "'sample-rule'?",
    ),
    (
        section("wording", "»sample-rule.considered.summary: {value: Text, ...}"),
        "unknown-key",
        "no card 'considered'",
        "did you mean 'consider'?",
    ),
    (
        section("value_sets", "»problem-sets: {add: snomed|333, ...}"),
        "unknown-value-set",
        "'problem-sets'",
        "'problem-set'?",
    ),
    (
        section("never_when", "»drug-status.alergy: {...}"),
        "unknown-criterion",
        "'drug-status.alergy'",
        "'drug-status.allergy'?",
    ),
    (
        section("not_held", "»MedicationDispens: {...}"),
        "site-not-allowed",
        "'MedicationDispens'",
        "'MedicationDispense'?",
    ),
    (section("feedback", "»most_override: {value: 80, ...}"), "unknown-key", "'most_override'", "'most_overridden'?"),
    (section("feedback", "most_overridden: {value: »many, ...}"), "wrong-type", "'many'", ""),
    (
        section("feedback", "most_overridden: {value: »0.8, ...}"),
        "wrong-type",
        "'0.8' stands here; wanted a number of percent",
        "below 100",
    ),
    (section("feedback", "most_overridden: {value: »100, ...}"), "site-not-allowed", "below 100, not 100", "60 %"),
    (section("feedback", "small_counts: {value: »4, ...}"), "site-not-allowed", "5 to 1000, not 4", "holds none back"),
    (section("feedback", "small_counts: {value: »1001, ...}"), "site-not-allowed", "not 1001", ""),
    (
        section("feedback", "small_counts: {value: »11.5, ...}"),
        "wrong-type",
        "'11.5' stands here; wanted a whole number",
        "5 to 1000",
    ),
    # what it may not change
    (
        section("parameters", "sample-rule.recent_days: {value: »29, ...}"),
        "site-not-allowed",
        "'recent_days' of sample-rule 1.0.0 may be 30 to 180, not 29",
        "sample-rule/1.0.0.yaml:37",
    ),
    (section("parameters", "sample-rule.recent_days: {value: »181, ...}"), "site-not-allowed", "not 181", ""),
    (
        section("parameters", "drug-status.grace_days: {value: »61, ...}"),
        "site-not-allowed",
        "of drug-status 1.2.0",
        "",
    ),
    (
        section("parameters", "sample-rule.recent_days: {value: »60.5, ...}"),
        "wrong-type",
        "60.5 days: wanted a whole",
        "",
    ),
    (
        section("parameters", "sample-rule.score_limit: {value: »12, ...}", "sample-rule.score_most: {value: 9, ...}"),
        "site-not-allowed",
        "with score_limit 12, score_most 9 the criterion 'score_high' is no question",
        "",
    ),
    (
        section("wording", "»sample-rule.treated.summary: {value: Text, ...}"),
        "site-not-allowed",
        "may not change the summary of card 'treated'",
        "no `site_may_change`",
    ),
    (
        section("signed_off", "sample-rule: {version: »1.0.1, ...}"),
        "site-not-allowed",
        "sample-rule 1.0.1 is not in release 2026.1.0",
        "the release has 1.0.0",
    ),
    (
        section("rules", "unread-rule: {run: »active, ...}"),
        "site-not-allowed",
        "unread-rule 1.0.0 is neither reviewed in its file nor signed off here",
        "signed_off: {unread-rule: {version: 1.0.0",
    ),
    (section("not_held", "»Condition: {...}"), "site-not-allowed", "Condition is always a source", ""),
    (
        section("value_sets", "problem-set: {add: [snomed|333, »rxnorm|111], ...}"),
        "sets-overlap",
        "'problem-set' and 'drug-a' are declared disjoint, and 'drug-a' holds 111 too",
        "which of the two",
    ),
    (section("value_sets", "drug-a: {add: [»rxnorm|999], ...}"), "site-not-allowed", "'drug-a' takes 999 out", ""),
    # what it says
    (
        section("wording", f"sample-rule.consider.summary: {{value: »{'Long words. ' * 12}, ...}}"),
        "summary-too-long",
        "can reach 143 characters",
        "",
    ),
    (section("wording", "sample-rule.consider.summary: {value: Do it now»!, ...}"), "tone", "'!' shouts", ""),
    (
        section("wording", "sample-rule.consider.detail: {value: [Fine., A line for the »addict], ...}"),
        "person-first",
        "'addict' is a word to avoid",
        "person with",
    ),
    (
        section("wording", 'sample-rule.consider.detail: {value: ["Within »{recent_day}"], ...}'),
        "unknown-placeholder",
        "'{recent_day}'",
        "did you mean 'recent_days'?",
    ),
    (
        section("wording", 'sample-rule.consider.detail: {value: ["At »{order.date}"], ...}'),
        "unguarded-placeholder",
        "'{order.date}' may be empty",
        "{if: order",
    ),
    (
        section("wording", "sample-rule.consider.override_reasons: {value: [other, »others], ...}"),
        "unknown-reason",
        "'others'",
        "did you mean 'other'?",
    ),
    (
        section("rules", "other-rule: {run: trial, why: For the »abuser., by: A. Example, date: 2026-02-20}"),
        "person-first",
        "'abuser' is a word to avoid",
        "",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small release, with two sets that are declared disjoint, a code that is taken out, and an unreviewed rule."""
    folder = site_folder(tmp_path_factory.mktemp("rules"))
    extension = f'"extension": [{{"url": "{EXTENSION}disjoint-from", "valueCode": "drug-a"}}],'
    path = folder / "value-sets/problem-set/2026.1.0.json"
    changed_file(path, '"resourceType": "ValueSet",', f'"resourceType": "ValueSet", {extension}')
    exclude = '"exclude": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "concept": [{"code": "999"}]}],'
    changed_file(folder / "value-sets/drug-a/2026.1.0.json", '"compose": {', f'"compose": {{ {exclude}')
    text = (folder / "other-rule/1.0.0.yaml").read_text(encoding="utf-8")
    text = text.replace("id: other-rule", "id: unread-rule").replace(
        "reviewed: {by: A board, date: 2026-01-02}", "reviewed: null"
    )
    (folder / "unread-rule").mkdir()
    (folder / "unread-rule/1.0.0.yaml").write_text(text.replace("review_due: 2027-01-02\n", ""), encoding="utf-8")
    changed_file(folder / "release.yaml", "rules:\n", "rules:\n  unread-rule: {active: 1.0.0}\n")
    return folder


def test_a_sound_site_file_has_no_problem(folder: Path) -> None:
    assert [str(each) for each in problems_of(SITE, folder)] == []


@pytest.mark.parametrize(("text", "code", "words", "hint"), WRONG, ids=lambda each: None)
def test_a_wrong_site_file_is_told_at_its_place(folder: Path, text: str, code: str, words: str, hint: str) -> None:
    found = problems_of(text, folder)
    told = [each for each in found if each.code == code and words in each.text]
    assert told, [str(each) for each in found]
    assert hint in told[0].hint
    if "»" in text:
        assert (told[0].line, told[0].column) == place_of(text)
        assert len(found) == 1 or code == "missing-key", [str(each) for each in found]
    assert all(each.severity == "error" for each in found)


def test_all_problems_are_told_at_once(folder: Path) -> None:
    text = section("parameters", "sample-rule.recent_days: {value: 1, ...}", "sample-rule.nothing: {value: 1, ...}")
    text += "not_held:\n  Patient: {}\nrulez: {}\n"
    assert [each.code for each in problems_of(text, folder)] == [
        "site-not-allowed", "unknown-parameter", "site-not-allowed", *3 * ["missing-key"], "unknown-key",
    ]  # fmt: skip


@pytest.mark.parametrize(("days", "codes"), [(0, []), (1, []), (2, ["site-not-allowed"])])
def test_a_decision_of_a_day_that_has_begun_nowhere_is_refused(folder: Path, days: int, codes: list[str]) -> None:
    day = TODAY + timedelta(days=days)
    text = section("rules", f"other-rule: {{run: trial, why: So., by: A. Example, date: {day}}}")
    assert [each.code for each in problems_of(text, folder)] == codes


def test_an_unreviewed_rule_may_be_active_once_it_is_signed_off(folder: Path) -> None:
    text = section("rules", "unread-rule: {run: active, ...}") + section(
        "signed_off", "unread-rule: {version: 1.0.0, ...}"
    )
    assert problems_of(text.replace(HEAD, "", 1), folder) == []


def test_a_number_must_fit_every_version_that_has_it(tmp_path: Path) -> None:
    folder = site_folder(tmp_path)
    text = (folder / "sample-rule/1.0.0.yaml").read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0")
    (folder / "sample-rule/1.1.0.yaml").write_text(
        text.replace("range: [30, 180]", "range: [70, 180]"), encoding="utf-8"
    )
    changed_file(folder / "release.yaml", "sample-rule: {active: 1.0.0}", "sample-rule: {active: 1.0.0, trial: 1.1.0}")
    (found,) = problems_of(section("parameters", "sample-rule.recent_days: {value: 60, ...}"), folder)
    assert found.text == "'recent_days' of sample-rule 1.1.0 may be 70 to 180, not 60"


def test_a_file_that_is_not_there_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    (found,) = read_site(tmp_path / "site.yaml").problems
    assert (found.code, found.text) == ("bad-yaml", "the file cannot be read: No such file or directory")


@pytest.mark.parametrize("text", ["", "- a\n", "site", "site: [", "site: A\nparameters:\n", "\t", "a: &b 1\n"])
def test_what_is_no_site_file_is_a_problem_and_no_traceback(folder: Path, text: str) -> None:
    assert problems_of(text, folder)


def test_a_release_that_cannot_be_judged_leaves_the_form_to_be_checked(tmp_path: Path) -> None:
    folder = site_folder(tmp_path)
    changed_file(
        folder / "sample-rule/1.0.0.yaml", "all: [old_enough, lately, moment]", "all: [old_enough, late, moment]"
    )
    loaded = load_release(folder)
    assert loaded.release is None
    file = read_site_text(section("parameters", "sample-rule.nothing: {value: 1, ...}") + "more: 1\n")
    assert [each.code for each in site_problems(file, loaded, folder, TODAY)] == ["unknown-key"]


def test_lint_looks_at_a_site_file_beside_the_rules(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(section("parameters", "sample-rule.recent_days: {value: 29, ...}"), encoding="utf-8")
    found = [each for each in lint_report(folder, TODAY, path).problems if each.severity == "error"]
    assert [(each.file, each.code, each.line) for each in found] == [(str(path), "site-not-allowed", 3)]
    assert loaded_folder(folder).release is not None
