"""What a site changes of a release, what it leaves alone, and what each rule version remembers of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.core.engine import compile_release
from cds_service.core.facts import Coding
from cds_service.core.overlay import ACTIVE, DISABLED, TRIAL, Site, overlay
from cds_service.core.rule import Edition, Line, Link, Parameter, Release
from cds_service.core.site import UNCHANGED, Said, SiteMark
from cds_service.core.site_words import (
    changed_line,
    changes_json,
    changes_words,
    signed_off_lines,
    site_extension,
    site_summary,
)
from cds_service.core.standing import on_trial_until_reviewed, unreviewed
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import load_release
from cds_service.rulebook.rule_description import describe
from cds_service.rulebook.site_file import read_site_text
from tests.unit.rule_folder import changed_file, folder_of_files
from tests.unit.rule_texts import DEFINITION
from tests.unit.site_texts import SAID, SITE, TODAY, loaded_folder, overlaid, site_folder

BY = Said("The group decided so.", "A. Example", "2026-02-20")
RULES = Path("rules")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_folder(tmp_path_factory.mktemp("rules"))


@pytest.fixture(scope="module")
def shipped(folder: Path) -> Release:
    release = loaded_folder(folder).release
    assert release is not None
    return release


@pytest.fixture(scope="module")
def here(folder: Path) -> Release:
    return overlaid(folder)


def edition(release: Release, rule: str) -> Edition:
    return next(each for each in (*release.active, *release.trial, *release.disabled) if each.rule.id == rule)


def site(*, said: tuple[tuple[str, str], ...] = (), **parts: object) -> Site:
    return Site(mark=SiteMark("Example Hospital", "d" * 64), said=dict.fromkeys(said, BY), **parts)  # type: ignore[arg-type]


# --- what is changed --------------------------------------------------------------------------------------------------


def test_a_parameter_of_a_rule_and_of_a_definition_has_the_value_of_the_site(here: Release) -> None:
    sample = edition(here, "sample-rule")
    assert sample.rule.parameters["recent_days"] == Parameter("recent_days", 60, "days", (30, 180), "A season.")
    assert sample.definitions["drug-status", 1].parameters["grace_days"].value == 14
    assert here.gate_definitions["drug-status", 1].parameters["grace_days"].value == 14


def test_nothing_else_of_a_rule_is_changed(here: Release, shipped: Release) -> None:
    was, now = edition(shipped, "sample-rule").rule, edition(here, "sample-rule").rule
    assert replace(now, parameters=was.parameters, cards=was.cards) == was
    assert now.cards[0] == was.cards[0]


def test_a_card_says_what_the_site_wrote(here: Release, shipped: Release) -> None:
    was, now = edition(shipped, "sample-rule").rule.cards[1], edition(here, "sample-rule").rule.cards[1]
    assert now.summary == "{lately.display}: ask the clinic"
    assert [each.text for each in now.detail] == ["Call the clinic.", "Mind the order."]
    assert now.detail[1].conditions.if_ == ("order",)
    assert now.links == (Link("The clinic", "https://example.org/c", "absolute"),)
    assert now.override_reasons == ("already-addressed",)
    assert (now.indicator, now.suggestions, now.source) == (was.indicator, was.suggestions, was.source)


def test_wording_that_may_not_be_changed_stays(shipped: Release) -> None:
    changed = overlay(shipped, site(wording={"sample-rule.treated.detail": (Line("Other words."),)}))
    assert edition(changed, "sample-rule").rule.cards == edition(shipped, "sample-rule").rule.cards
    assert edition(changed, "sample-rule").site == UNCHANGED


def test_local_codes_are_in_the_set_in_their_canonical_spelling(here: Release) -> None:
    codes = edition(here, "sample-rule").value_sets["problem-set"].codes
    assert codes == {
        Coding("http://snomed.info/sct", "222"),
        Coding("http://snomed.info/sct", "333"),
        Coding("urn:oid:1.2.3", "LOCAL-1"),
    }


def test_a_release_remembers_whose_overlay_is_on_it_and_keeps_its_digest(here: Release, shipped: Release) -> None:
    assert here.site == SiteMark("Example Hospital", read_site_text(SITE).site.mark.digest)
    assert (here.id, here.digest) == (shipped.id, shipped.digest)
    assert here.not_held == {"MedicationDispense"}


def test_a_disabled_rule_runs_neither_active_nor_on_trial(here: Release) -> None:
    assert [each.rule.id for each in here.active] == ["sample-rule"]
    assert (here.trial, [each.rule.id for each in here.disabled]) == ((), ["other-rule"])


def test_the_site_adds_to_the_gate_and_it_can_be_judged(here: Release) -> None:
    assert here.never_when == ("drug-status.on_drug", "drug-status.allergy")
    assert [name for name, _ in compile_release(here).gate] == ["drug-status.on_drug", "drug-status.allergy"]


def test_a_gate_of_a_definition_that_only_a_rule_uses_brings_its_value_sets(tmp_path: Path) -> None:
    folder = folder_of_files(tmp_path)
    changed_file(folder / "release.yaml", "never_when: [drug-status.on_drug]\n", "")
    here = overlaid(folder, f"site: A\nnever_when:\n  drug-status.on_drug: {{{SAID}}}\n")
    assert (here.never_when, set(here.gate_definitions)) == (("drug-status.on_drug",), {("drug-status", 1)})
    assert compile_release(here).gate[0][0] == "drug-status.on_drug"


@pytest.mark.parametrize(
    ("run", "active", "trial", "disabled"),
    [
        (TRIAL, ["other-rule"], ["sample-rule"], []),
        (DISABLED, ["other-rule"], [], ["sample-rule"]),
        (ACTIVE, ["other-rule", "sample-rule"], [], []),
    ],
)
def test_a_site_says_how_a_rule_runs(
    shipped: Release, run: str, active: list[str], trial: list[str], disabled: list[str]
) -> None:
    here = overlay(shipped, site(runs={"sample-rule": run}, said=(("rules", "sample-rule"),)))
    assert [[each.rule.id for each in part] for part in (here.active, here.trial, here.disabled)] == [
        active, trial, disabled,
    ]  # fmt: skip


def test_a_rule_that_is_only_on_trial_can_be_made_active(shipped: Release) -> None:
    on_trial = replace(shipped, active=shipped.active[:1], trial=shipped.active[1:])
    here = overlay(on_trial, site(runs={"sample-rule": ACTIVE}, said=(("rules", "sample-rule"),)))
    assert ([each.rule.id for each in here.active], here.trial) == (["other-rule", "sample-rule"], ())
    assert edition(here, "sample-rule").site.run == ACTIVE


def test_a_newer_version_on_trial_stays_on_trial_beside_the_active_one(shipped: Release) -> None:
    sample = edition(shipped, "sample-rule")
    newer = replace(sample, rule=replace(sample.rule, version="1.1.0"))
    here = overlay(replace(shipped, trial=(newer,)), site(runs={"sample-rule": ACTIVE}))
    assert [each.rule.version for each in here.trial] == ["1.1.0"]


# --- what is remembered -----------------------------------------------------------------------------------------------


def test_an_edition_remembers_every_change_with_who_decided_it(here: Release) -> None:
    sample = edition(here, "sample-rule")
    by = {"why": BY.why, "by": BY.by, "date": BY.date}
    assert changes_json(sample) == {
        "changed": [
            {"parameter": "sample-rule.recent_days", "shipped": 90, "value": 60, "unit": "days",
             "why": "Problems are settled sooner here.", "by": BY.by, "date": BY.date},
            {"parameter": "drug-status.grace_days", "shipped": 30, "value": 14, "unit": "days", **by},
            {"wording": "sample-rule.consider.summary", **by},
            {"wording": "sample-rule.consider.detail", **by},
            {"wording": "sample-rule.consider.links", **by},
            {"wording": "sample-rule.consider.override_reasons", **by},
            {"valueSet": "problem-set", "added": ["urn:oid:1.2.3|LOCAL-1", "http://snomed.info/sct|333"], **by},
        ],
        "signedOff": by,
    }  # fmt: skip
    assert changes_json(edition(here, "other-rule"))["run"] == {"run": "disabled", **by}


def test_a_number_of_a_definition_that_the_rule_does_not_rest_on_is_not_its_change(tmp_path: Path) -> None:
    folder = folder_of_files(tmp_path)
    more = "  week_days: {value: 7, unit: days, range: [7, 14], why: A week.}\n"
    text = DEFINITION.replace("criteria:\n", f"{more}criteria:\n").replace(
        "  on_drug:", "  apart: {says: A week ago, find: drug, during_last: week_days}\n  on_drug:"
    )
    (folder / "definitions/drug-status/1.2.0.yaml").write_text(text, encoding="utf-8")
    here = overlaid(folder, f"site: A\nparameters:\n  drug-status.week_days: {{value: 8, {SAID}}}\n")
    sample = edition(here, "sample-rule")
    assert (sample.definitions["drug-status", 1].parameters["week_days"].value, sample.site) == (8, UNCHANGED)


@pytest.mark.parametrize(
    "text",
    [
        f"site: A\nparameters:\n  sample-rule.recent_days: {{value: 90, {SAID}}}\n",
        f"site: A\nvalue_sets:\n  problem-set: {{add: snomed|222, {SAID}}}\n",
        f"site: A\nwording:\n  sample-rule.consider.override_reasons: {{value: other, {SAID}}}\n",
    ],
)
def test_what_is_as_shipped_is_no_change(folder: Path, shipped: Release, text: str) -> None:
    assert overlaid(folder, text).active == shipped.active


def test_a_line_says_what_was_changed_of_the_card_that_is_shown(here: Release) -> None:
    sample = edition(here, "sample-rule")
    assert changed_line([(sample, "treated")], here.site) == (
        "**Changed at this site (Example Hospital):** recent days: 60 days instead of 90 days; "
        "grace days: 14 days instead of 30 days; 2 codes of its own for problem set."
    )
    assert "its own words for summary, detail, links and 1 more" in changed_line([(sample, "consider")], here.site)
    assert changed_line([(sample, "treated")], None) == ""


def test_the_site_cannot_write_markdown_into_its_name(here: Release) -> None:
    line = changed_line([(edition(here, "sample-rule"), "treated")], SiteMark("[x](https://e.org) <b>", "d"))
    assert line.startswith("**Changed at this site (\\[x\\](https\\://e\\.org) &lt;b&gt;):** ")


def test_a_card_names_the_site_file_and_what_it_changed(here: Release) -> None:
    sample = edition(here, "sample-rule")
    extension = site_extension([(sample, "consider")], here.site)
    assert extension is not None
    assert here.site is not None
    assert (extension["site"], extension["digest"]) == ("Example Hospital", here.site.digest)
    assert extension["changed"][0] == {
        "parameter": "sample-rule.recent_days", "shipped": 90, "value": 60, "unit": "days",
    }  # fmt: skip
    assert extension["signedOff"] == {"sample-rule@1.0.0": {"by": BY.by, "date": BY.date}}
    assert site_extension([(replace(sample, site=UNCHANGED), "consider")], here.site) is None


def test_the_page_of_a_rule_shows_both_values(here: Release) -> None:
    page = describe(edition(here, "sample-rule"), "active", here)
    shown = {each["name"]: (each["words"], each.get("shippedWords")) for each in page["parameters"]}
    assert (shown["recent_days"], shown["minimum_age"]) == (("60 days", "90 days"), ("18 years", None))
    assert page["definitions"][0]["parameters"][0]["shipped"] == 30
    assert page["cards"][1]["changedKeys"] == ["summary", "detail", "links", "override_reasons"]
    assert [each.get("added") for each in page["valueSets"] if each["id"] == "problem-set"] == [
        ["urn:oid:1.2.3|LOCAL-1", "http://snomed.info/sct|333"]
    ]
    assert page["reviewStatus"] == (
        "reviewed by A board on 2026-01-02; signed off at this site by A. Example on 2026-02-20"
    )
    assert page["site"]["name"] == "Example Hospital"


def test_the_page_of_a_rule_that_the_site_left_alone_is_as_ever(shipped: Release) -> None:
    here = overlay(shipped, site())
    assert describe(here.active[0], "active", here) == describe(shipped.active[0], "active", shipped)


def test_start_up_says_in_one_line_what_the_site_does(here: Release) -> None:
    assert site_summary(here) == (
        "Example Hospital; 1 rule changed; 1 signed off; not run: other-rule; no source: MedicationDispense"
    )


def test_words_tell_of_every_card_when_none_is_shown(here: Release) -> None:
    assert "its own words for summary" in changes_words(edition(here, "sample-rule").site, None)[2]


# --- sign-off ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(shipped: Release) -> Release:
    """The release with rules that nobody has reviewed."""
    unread = tuple(replace(each, rule=replace(each.rule, reviewed=None)) for each in shipped.active)
    return replace(shipped, active=unread)


SIGNED = ("signed_off", "sample-rule")


def test_a_rule_that_is_signed_off_is_not_waiting_for_a_review(waiting: Release) -> None:
    here = overlay(waiting, site(signed_off={"sample-rule": "1.0.0"}, said=(SIGNED,)))
    assert unreviewed(here) == {"other-rule"}
    assert [each.rule.id for each in on_trial_until_reviewed(here).active] == ["sample-rule"]
    assert signed_off_lines([(edition(here, "sample-rule"), "treated")]) == [
        "Signed off at this site: sample-rule 1.0.0 by A. Example on 2026-02-20."
    ]


def test_a_sign_off_is_for_exactly_one_version(waiting: Release) -> None:
    here = overlay(waiting, site(signed_off={"sample-rule": "1.0.1"}, said=(SIGNED,)))
    assert unreviewed(here) == {"other-rule", "sample-rule"}
    assert edition(here, "sample-rule").site == UNCHANGED


# --- every number -----------------------------------------------------------------------------------------------------

SHIPPED = load_release(RULES)
NUMBERS = sorted(
    {
        (f"{file.draft.id}.{name}", parameter.range, parameter.unit)
        for file in (*SHIPPED.rules.values(), *SHIPPED.definitions.values())
        for name, parameter in file.draft.parameters.items()
    }
)
WHOLE_UNITS = ("days", "weeks", "months", "years", "count")


def codes_of(full: str, value: float) -> list[str]:
    text = f"site: A\nparameters:\n  {full}: {{value: {value:.4f}, {SAID}}}\n"
    return [each.code for each in site_problems(read_site_text(text), SHIPPED, RULES, TODAY)]


@settings(max_examples=40, deadline=None)
@given(number=st.sampled_from(NUMBERS), part=st.floats(0, 1))
def test_every_shipped_number_can_be_moved_inside_its_range_and_never_outside(
    number: tuple[str, tuple[float, float], str], part: float
) -> None:
    full, (least, most), unit = number
    value = least + part * (most - least)
    value = float(round(value)) if unit in WHOLE_UNITS else round(value, 4)
    said = codes_of(full, value)
    assert "site-not-allowed" not in said or _contradicts(full, value), said
    for outside in (least - 1, most + 1):
        if outside >= 0:
            assert codes_of(full, outside) == ["site-not-allowed"]


def _contradicts(full: str, value: float) -> bool:
    """Whether the value is refused only because it leaves a criterion without meaning."""
    text = f"site: A\nparameters:\n  {full}: {{value: {value:.4f}, {SAID}}}\n"
    return all("is no question" in each.text for each in site_problems(read_site_text(text), SHIPPED, RULES, TODAY))


@settings(max_examples=8, deadline=None)
@given(number=st.sampled_from(NUMBERS), part=st.sampled_from([0.0, 1.0]))
def test_a_number_at_the_end_of_its_range_can_be_served(
    number: tuple[str, tuple[float, float], str], part: float
) -> None:
    full, ends, _ = number
    value = ends[int(part)]
    assert SHIPPED.release is not None
    here = overlay(SHIPPED.release, site(parameters={full: value}, said=(("parameters", full),)))
    compile_release(here)
    owner, _, name = full.rpartition(".")
    values = {each.rule.parameters[name].value for each in here.active if each.rule.id == owner}
    values |= {
        each.parameters[name].value
        for one in here.active
        for each in one.definitions.values()
        if each.id == owner and name in each.parameters
    }
    assert values == {value}
