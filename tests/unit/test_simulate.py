"""A cohort judged: the numbers of a funnel, the same by one process and by several; cards as the service gives."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli import main
from cds_service.core.engine import Compiled, compile_release
from cds_service.fhir.whole_record import RecordProblem, as_call
from cds_service.population.cohort import people
from cds_service.population.cohort_command import write_cohort
from cds_service.population.cohort_plan import read_plan
from cds_service.population.findings import Findings
from cds_service.population.judging import Key, count_record, judge_for
from cds_service.population.report import SMALL_COUNTS, report_of
from cds_service.population.report_html import as_html
from cds_service.population.report_text import WIDTH, as_text
from cds_service.population.simulate import Simulated, simulate
from cds_service.protocol import read_call
from cds_service.rulebook.release import load_release
from cds_service.services import answer
from tests.http.small_rules import small_rules
from tests.unit.golden_text import as_written_down

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 1)
PEOPLE = 120
RULE = "org.oud-cds.rule"


@cache
def compiled() -> Compiled:
    release = load_release(ROOT / "rules").release
    assert release
    return compile_release(release)


@cache
def records() -> list[list[dict[str, Any]]]:
    return list(people(read_plan(compiled().release), PEOPLE, 5, TODAY))


def counted(some: Sequence[list[dict[str, Any]]], hook: str = "patient-view") -> Counter[Key]:
    counts, judge = Counter[Key](), judge_for(compiled(), hook, TODAY)
    for each in some:
        count_record(judge, each, counts)
    return counts


def reported(counts: Counter[Key], hook: str = "patient-view") -> dict[str, Any]:
    release = compiled().release
    return report_of(Simulated(release, hook, TODAY, counts, Findings(), Counter(), Counter(), 1, 0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge", "order-sign"])
def test_a_simulated_patient_has_the_cards_that_the_service_gives(hook: str) -> None:
    judge, cards = judge_for(compiled(), hook, TODAY), 0
    for record in records():
        outcome = count_record(judge, record, Counter())
        try:
            context, prefetch = as_call(record, hook)
        except RecordProblem:
            assert outcome is None
            continue
        call = {"hook": hook, "hookInstance": f"00000000-0000-4000-8000-{0:012}", "context": context}
        body = answer(read_call({**call, "prefetch": prefetch}, hook), compiled(), TODAY).body
        wanted = [each["extension"][RULE]["ruleId"] for each in body["cards"]] if "cards" in body else []
        assert outcome is not None
        assert [each.edition.rule.id for each in outcome.shown] == wanted
        cards += len(wanted)
    assert cards


def test_the_numbers_of_two_halves_add_up_to_those_of_the_whole() -> None:
    first, second = counted(records()[:50]), counted(records()[50:])
    assert first + second == counted(records()) == second + first


def test_one_process_and_several_count_the_same(tmp_path: Path) -> None:
    write_cohort(records(), tmp_path)
    release = compiled().release
    one, two = (simulate(release, tmp_path, hook="patient-view", today=TODAY, workers=each) for each in (1, 2))
    assert one.counts == two.counts == counted(records())
    assert one.lines == two.lines
    assert one.lines.total() == sum(map(len, records()))
    assert two.findings.total == 0


def test_a_funnel_only_narrows_and_ends_in_what_holds_or_cannot_be_told() -> None:
    report = reported(counted(records()))
    assert report["judged"] == PEOPLE
    assert {each["id"] for each in report["rules"]} | {each.split("@")[0] for each in report["notAskedHere"]} == {
        each.rule.id for each in compiled().release.active
    }
    for rule in report["rules"]:
        assert rule["asked"] == PEOPLE - sum(report["keptOut"].values())
        left = [rule["asked"], *(step["left"] for step in rule["steps"])]
        assert left == sorted(left, reverse=True)
        assert left[-1] == rule["holds"] + rule["cannotTell"]
        fired = rule["cards"]["withCaveat"] + rule["cards"]["withoutCaveat"]
        assert fired == rule["cards"]["shown"] + sum(rule["cards"]["withheld"].values())


def test_the_steps_of_a_funnel_say_why_each_person_leaves() -> None:
    def person(id_: str, *more: dict[str, Any], born: str = "1990-01-01") -> list[dict[str, Any]]:
        subject = {"reference": f"Patient/{id_}"}
        patient = {"resourceType": "Patient", "id": id_, "birthDate": born}
        return [patient, *({**each, "id": f"{id_}-{at}", "subject": subject} for at, each in enumerate(more))]

    oud = {
        "resourceType": "Condition",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "F11.20"}]},
    }
    treated = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": "2026-02-20",
        "medicationCodeableConcept": {"text": "Suboxone 8 mg-2 mg sublingual film"},
    }  # fmt: skip
    unclear = {**treated, "status": "no status of FHIR"}
    some = [person("a"), person("b", oud, born="2015-01-01"), person("c", oud), person("d", oud, treated)]
    counts = counted([*some, person("e", oud, unclear), person("f", oud, oud)])
    (rule,) = (each for each in reported(counts)["rules"] if each["id"] == "mat-consideration")
    steps = {step["names"][0]: (step["leave"], step["left"], step["unclear"]) for step in rule["steps"]}
    assert rule["asked"] == 6
    assert steps["old_enough"] == (1, 5, 0)
    assert steps["oud"] == (1, 4, 0)
    assert steps["opioid-status.on_moud"] == (1, 3, 1)
    assert (rule["holds"], rule["cannotTell"]) == (2, 1)
    assert rule["why"] == [{"kind": "status-missing", "patients": 1}]
    assert counts["both", "mat-consideration@2.0.0", "mental-health-screening@2.0.0"] == 3


def test_people_are_counted_by_age_and_sex() -> None:
    def patient(id_: str, **more: str) -> list[dict[str, Any]]:
        return [{"resourceType": "Patient", "id": id_, **more}]

    counts = counted([
        patient("a", birthDate="2008-03-02", gender="female"), patient("b", birthDate="2008-03-01", gender="male"),
        patient("c", birthDate="1961-03-01"), patient("d", birthDate="1901", gender="other"), patient("e"),
    ])  # fmt: skip
    assert {key[1]: number for key, number in counts.items() if key[0] == "age"} == {
        "0-17": 1, "18-24": 1, "65 or more": 2, "unknown": 1,
    }  # fmt: skip
    assert {key[1]: number for key, number in counts.items() if key[0] == "sex"} == {
        "female": 1, "male": 1, "unknown": 3,
    }  # fmt: skip


def test_the_text_is_no_wider_than_a_hundred_characters() -> None:
    lines = list(as_text(reported(counted(records()))))
    assert max(map(len, lines)) <= WIDTH
    assert not [line for line in lines if line != line.rstrip()]


def test_the_page_escapes_what_it_did_not_write() -> None:
    report = reported(counted(records()[:20]))
    report["rules"][0]["title"] = "<script>alert(1)</script>"
    report["leftOut"] = {"lines": 1, "reasons": [{"why": "is not JSON", "lines": 1, "first": ["<b>.ndjson:1"]}]}
    page = as_html(report)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;.ndjson:1" in page
    assert page.count("<svg ") == len(report["rules"])
    assert SMALL_COUNTS in page


# --- the command -------------------------------------------------------------------------------------------------


def cohort(folder: Path) -> Path:
    folder.mkdir()
    born = {"a": "1990-01-01", "b": "2015-01-01", "c": "2008", "d": "1950-05-05"}
    patients = [{"resourceType": "Patient", "id": each, "birthDate": born[each], "gender": "female"} for each in born]
    visit = {"resourceType": "Encounter", "id": "v", "status": "finished", "subject": {"reference": "Patient/a"}}
    other = {**visit, "id": "w", "subject": {"reference": "Patient/nobody"}}
    (folder / "Patient.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in patients), encoding="utf-8")
    (folder / "Encounter.ndjson").write_text(f"{json.dumps(visit)}\n{json.dumps(other)}\n{{\n", encoding="utf-8")
    return folder


GOLDEN = """\
rules: HERE/rules, release 2026.1.0
4 patients at patient-view, as if each call came on 2026-03-01
read: 6 resources of 2 types
step 1, sorted by patient: N s
step 2, judged: N s by 1 process, N s of processor time
left out: 1 line that is not JSON: Encounter.ndjson:3
left out: 1 line that is of a patient who is not in the cohort: Encounter.ndjson:2

cards: 2, 50.0 per 100 patients, 200.0 per 100 encounters on record (1)
patients by number of cards: 2 with 0, 2 with 1

   rule                                        holds  unclear    cards   /100 pat.   /100 enc.
 1 age-reminder@1.0.0                              2        1        2        50.0       200.0

age-reminder@1.0.0: Age reminder
          4  asked
          3  The patient is at least 18 years old (-1, 1 cannot be told)
          2  hold
          1  cannot be told (0 with a card that says so): birth-date 1
          2  cards: 2 info

By age, patients with a card of the rule per 100 patients of the band:

                                      0-17   18-24   35-44     65+
patients                                 1       1       1       1
any card                               0.0     0.0   100.0   100.0
age-reminder                           0.0     0.0   100.0   100.0

By sex, patients with a card of the rule per 100 patients:

                                    female
patients                                 4
any card                              50.0
age-reminder                          50.0

Counts are shown as they are, small ones too. With few patients behind a number, people may be
recognised by it: think before this report leaves the site.
"""


def simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    arguments = ["--cohort", str(cohort(tmp_path / "cohort")), "--folder", str(small_rules(tmp_path / "rules"))]
    code = main(["rules", "simulate", *arguments, "--today", "2026-03-01", "--workers", "1", *more])
    return code, capsys.readouterr().out.replace(str(tmp_path), "HERE")


def test_the_command_prints_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = simulated(tmp_path, capsys)
    assert re.sub(r"\d+\.\d s", "N s", out) == GOLDEN
    assert code == 1  # some lines could not be used


def test_the_report_is_one_json_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(simulated(tmp_path, capsys, "--format", "json")[1])
    assert report["leftOut"]["lines"] == 2
    assert [(each["id"], each["holds"]) for each in report["rules"]] == [("age-reminder", 2)]


def test_the_report_is_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = simulated(tmp_path, capsys, "--format", "html")[1]
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")


def test_without_a_cohort_the_command_says_what_it_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_rules(tmp_path / "rules")
    assert main(["rules", "simulate", "--cohort", str(tmp_path / "none"), "--folder", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said == f"rules simulate: {tmp_path}/none: is no folder; a folder with NDJSON files or Bundles is wanted\n"


def test_a_site_is_simulated_as_it_changes_the_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.yaml"
    change = "{value: 21, why: A test of ours., by: A test, date: 2026-02-20}"
    site.write_text(f"site: Example\nparameters:\n  age-reminder.minimum_age: {change}\n", encoding="utf-8")
    code, out = simulated(tmp_path, capsys, "--site", str(site))
    assert code == 1
    assert "site: HERE/site.yaml: Example; 1 rule changed\n" in out
    assert "  The patient is at least 21 years old (-2)\n" in out


def test_a_site_file_in_error_is_not_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("site: Example\nparameter: {}\n", encoding="utf-8")
    arguments = ["--cohort", str(cohort(tmp_path / "cohort")), "--folder", str(small_rules(tmp_path / "rules"))]
    assert main(["rules", "simulate", *arguments, "--site", str(site)]) == 2
    assert "unknown-key" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "html"])
def test_data_and_page_are_as_written_down(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = simulated(tmp_path, capsys, "--format", form)[1]
    told = re.sub(r'("(?:digest|\w*Seconds|\w*PerSecond\w*)": )[^,\n]+', r"\1null", out)
    as_written_down(f"rules-simulate.{form}", told)
