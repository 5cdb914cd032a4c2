"""A site file for the small release of rule_folder, with cards that a site may change; all of it made up."""

from datetime import date
from pathlib import Path

from cds_service.core.overlay import overlay
from cds_service.core.rule import Release
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import Loaded, load_release
from cds_service.rulebook.site_file import read_site_text
from cds_service.rulebook.source import RuleProblem
from tests.unit.rule_folder import changed_file, folder_of_files
from tests.unit.rule_texts import HERE

TODAY = date(2026, 3, 1)
SAID = "why: The group decided so., by: A. Example, date: 2026-02-20"
# A second value so that numbers can contradict each other, and a card of which everything may be changed.
_WIDER = "score_most: {value: 27, unit: score, range: [9, 27], why: Highest score.}"
SITE = f"""\
site: Example Hospital
parameters:
  sample-rule.recent_days:
    value: 60
    why: Problems are settled sooner here.
    by: A. Example
    date: 2026-02-20
  drug-status.grace_days: {{value: 14, {SAID}}}
rules:
  other-rule: {{run: disabled, {SAID}}}
signed_off:
  sample-rule: {{version: 1.0.0, {SAID}}}
wording:
  sample-rule.consider.summary: {{value: "{{lately.display}}: ask the clinic", {SAID}}}
  sample-rule.consider.detail: {{value: [Call the clinic., {{if: order, text: Mind the order.}}], {SAID}}}
  sample-rule.consider.links: {{value: [{{label: The clinic, url: "https://example.org/c", type: absolute}}], {SAID}}}
  sample-rule.consider.override_reasons: {{value: already-addressed, {SAID}}}
value_sets:
  problem-set: {{add: ["urn:oid:1.2.3|LOCAL-1", snomed|333], {SAID}}}
never_when:
  drug-status.allergy: {{{SAID}}}
not_held:
  MedicationDispense: {{{SAID}}}
"""


def site_folder(folder: Path) -> Path:
    """Write the rules folder that SITE is for."""
    folder_of_files(folder)
    path = folder / "sample-rule/1.0.0.yaml"
    changed_file(path, "score_most: {value: 27, unit: score, range: [27, 27], why: Highest score.}", _WIDER)
    everything = (
        "    override_reasons: [other]\n    site_may_change: [summary, detail, links, override_reasons]\ntests:"
    )
    changed_file(path, "    override_reasons: [other]\ntests:", everything)
    return folder


def loaded_folder(folder: Path) -> Loaded:
    """Load a folder that is known to be sound."""
    loaded = load_release(folder)
    assert [str(each) for each in loaded.problems] == []
    return loaded


def overlaid(folder: Path, text: str = SITE) -> Release:
    """Put a site file without problems on the release of a folder."""
    loaded, file = loaded_folder(folder), read_site_text(text)
    assert [str(each) for each in site_problems(file, loaded, folder, TODAY)] == []
    assert loaded.release is not None
    return overlay(loaded.release, file.site)


def problems_of(text: str, folder: Path) -> list[RuleProblem]:
    """Give every problem of a site file; HERE is left out of the text."""
    return site_problems(read_site_text(text.replace(HERE, "")), loaded_folder(folder), folder, TODAY)


def place_of(text: str) -> tuple[int, int]:
    """Give line and column of HERE."""
    before = text[: text.index(HERE)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
