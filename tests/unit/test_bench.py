"""The bench measures what it says: charts that are made the same each time, and answers that are looked at."""

import json
import os
import re
import sys
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from bench.__main__ import SECTIONS, main
from bench.calls import healthchain_python
from bench.charts import PEOPLE, SIZES, STORIES, Request, instances, requests
from bench.floor import through_models
from bench.generated import FIRING, SHOWN, charts, write_release
from bench.load import ServerProblem, memory_mb, module, running
from bench.pages import PAGES, TABLES, with_figures
from bench.rounds import check
from bench.steps import STEPS, answer_of, steps
from cds_service.core.engine import Compiled, compile_release
from cds_service.rulebook.lint import report_of
from cds_service.rulebook.release import load_release

SMALL = next(iter(SIZES))
INSTANCE = UUID(int=7, version=4)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    loaded = load_release(Path("rules"))
    assert loaded.release, "\n".join(map(str, loaded.problems))
    return compile_release(loaded.release)


def resources(body: bytes) -> int:
    """How many resources a call brings, the Patient among them."""
    lists = json.loads(body)["prefetch"].values()
    return sum(len(each.get("entry", [])) if each["resourceType"] == "Bundle" else 1 for each in lists)


@pytest.mark.parametrize("story", STORIES)
def test_a_chart_is_the_same_each_time(story: str) -> None:
    assert requests(SMALL, story, 2) == requests(SMALL, story, 2)


def test_every_call_is_about_another_person() -> None:
    calls = [json.loads(each.body(INSTANCE)) for each in requests(SMALL, "3 cards")]
    assert len({call["context"]["patientId"] for call in calls}) == PEOPLE


def test_every_call_has_a_hook_instance_of_its_own() -> None:
    (request,) = requests(SMALL, "1 card", 1)
    bodies = [request.body(each) for each in islice(instances("a"), 100)]
    assert len({json.loads(body)["hookInstance"] for body in bodies}) == 100


@pytest.mark.parametrize(("size", "count"), SIZES.items())
def test_a_chart_holds_as_many_resources_as_its_size_says(size: str, count: int) -> None:
    (request,) = requests(size, "0 cards", 1)
    assert resources(request.body(INSTANCE)) == count


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("size", [SMALL, "100 kB"])
def test_a_chart_makes_the_rules_of_its_story_speak(compiled: Compiled, size: str, story: str) -> None:
    calls = requests(size, story, 4)
    answers = [json.dumps(answer_of(compiled, each.body(INSTANCE))).encode() for each in calls]
    check(answers, calls)


def test_no_shipped_rule_asks_for_every_row_of_a_list(compiled: Compiled) -> None:
    """Most rows of most charts are of no use to any rule; one criterion without `code_in` has all of them read."""
    assert compiled.needs.all_rows == {"Patient", "this-encounter", "draft-order"}


def test_a_chart_leaves_nothing_open(compiled: Compiled) -> None:
    (request,) = requests(SMALL, "1 card", 1)
    evaluation = answer_of(compiled, request.body(INSTANCE))["extension"]["org.oud-cds.evaluation"]
    assert not evaluation.get("unread")
    assert not evaluation.get("undecided")


def test_an_answer_with_other_cards_ends_the_run() -> None:
    with pytest.raises(ServerProblem, match=r"holds the cards \[\], wanted \['mat-consideration'\]"):
        check([b'{"cards": []}'], [Request(b"", b"", ("mat-consideration",))])


def test_a_server_that_does_not_start_is_told_of(tmp_path: Path) -> None:
    missing = str(tmp_path / "answers.json")
    with pytest.raises(ServerProblem, match="did not start"), running(module("bench.floor", "ours", missing)):
        pass


def test_each_step_is_timed(compiled: Compiled) -> None:
    taken = steps(compiled, requests(SMALL, "3 cards", 2), 1)
    assert tuple(taken) == STEPS
    assert min(taken.values()) > 0


def test_a_quick_run_measures_every_chart_and_writes_the_results(tmp_path: Path) -> None:
    out = tmp_path / "new" / "bench.json"
    assert main(["--quick", "--only", "calls", "steps", "cohort", "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    kinds = [[size, story] for size in SIZES for story in STORIES]
    assert [[each["size"], each["story"]] for each in found["served"]] == kinds
    assert [[each["size"], each["story"]] for each in found["in_process"]] == kinds
    assert all(each["ours_p50_ms"][0] > 0 and each["floor_p50_ms"][0] > 0 for each in found["served"])


@pytest.mark.parametrize("wrong", [["--docs", "--only", "calls"], ["--results", "bench.json"], ["--only", "nothing"]])
def test_options_that_do_not_go_together_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert wrong[0] in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_quick_run_of_every_section_has_results_for_every_table(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    assert main(["--quick", "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert len(found) == len(SECTIONS) + 1  # and the machine
    assert [row["size"] for row in found["capacity"]] == list(SIZES)
    assert set(found["start"]["memory"]["after 1 MB calls"]) == {"master", "worker 1"}
    assert min(times[0] for times in (row["s"] for row in found["start"]["starts"].values())) > 0
    assert [name for name, (_, write) in TABLES.items() if not write(found)] == []


# --- the other services ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_every_resource_of_a_chart_is_one_to_the_models_of_fhir(story: str) -> None:
    (request,) = requests(SMALL, story, 1)
    assert len(through_models()(json.loads(request.body(INSTANCE))["prefetch"])) == SIZES[SMALL]


def test_what_is_no_resource_to_the_models_is_told_of() -> None:
    with pytest.raises(ValidationError, match="birthDate"):
        through_models()({"patient": {"resourceType": "Patient", "birthDate": "yesterday"}})


@pytest.mark.parametrize(
    ("python", "why"),
    [
        ("", "not installed (HEALTHCHAIN_PYTHON names a Python that has it)"),
        ("/no/such/python", "not installed: /no/such/python: No such file or directory"),
        (sys.executable, f"not installed: {sys.executable}: ModuleNotFoundError: No module named 'healthchain'"),
    ],
)
def test_a_row_says_why_healthchain_is_not_in_it(monkeypatch: pytest.MonkeyPatch, python: str, why: str) -> None:
    monkeypatch.setenv("HEALTHCHAIN_PYTHON", python)
    assert healthchain_python() == ("", why)


# --- many rules -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("generated"), 14)


def test_lint_finds_nothing_in_a_generated_release(generated: Path) -> None:
    assert [str(each) for each in report_of(load_release(generated), generated).problems] == []


def test_ten_generated_rules_fire_and_the_others_on_record_are_stopped(generated: Path) -> None:
    release = load_release(generated).release
    assert release
    (request,) = charts(1, touched=13)
    answer = answer_of(compile_release(release), request.body(INSTANCE))
    check([json.dumps(answer).encode()], [request])
    withheld = answer["extension"]["org.oud-cds.evaluation"]["withheld"]
    assert len(answer["cards"]) == SHOWN
    assert [each["why"] for each in withheld] == ["over the limit"] * (FIRING - SHOWN)


# --- memory and the page --------------------------------------------------------------------------------------------


def test_memory_is_told_in_megabytes() -> None:
    before = memory_mb(os.getpid())
    more = bytearray(b"1") * 50_000_000
    after = memory_mb(os.getpid())
    assert 49 < after["rss"] - before["rss"] < 60
    assert 0 < after["pss"] <= after["rss"] <= after["peak"]
    del more


def tables_of(page: str) -> list[str]:
    return re.findall(r"(?m)^<!-- measured: (.+) -->$", page)


def test_every_table_stands_in_a_page_and_every_page_has_only_such_tables() -> None:
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    assert {name for page in pages for name in tables_of(page)} == set(TABLES)
    assert [page.count("<!-- end of measured -->") for page in pages] == [len(tables_of(page)) for page in pages]


def test_a_table_whose_section_was_not_run_stays_as_it_is() -> None:
    page = "<!-- measured: calls -->\nas it was\n<!-- end of measured -->\n"
    assert with_figures(page, {"machine": {}}) == page


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("capacity", ["| 7 kB | 3.00 | 3.00 | 167 | 167 |", "| 1 MB | 50.00 | 50.00 | 10 | 10 |"]),  # 500 / 3.00
        ("token", ["With `CDS_AUTH=required` an ES384 token adds 1.50 CPU ms to each call."]),
        ("load", ["| 7 kB | 600 | 1.80 | 600 | 1.00 | 9.0 | 20.0 | 300 | 3.0 | 6.0 |"]),
        ("memory", ["| worker 1 | 60 | 70 | 80 | 90 | 120 |"]),
        # 1.5 x (80 + 120), and 120 for each worker more, rounded up to fifties; (120 - 80) / 4 threads
        ("limits", ["| 1 | 300 MB |", "| 2 | 500 MB |", "A body of 1 MB in work took 10 MB of a worker."]),
        ("start", ["| cold, new folder | 4.00 (4.00–4.00) | 3.00 (3.00–3.00) | 30 |"]),
    ],
)
def test_a_table_is_written_between_its_comments(name: str, lines: list[str]) -> None:
    cpu_ms = {"7 kB": [2.0, 4.0, 3.0], "100 kB": [10.0], "1 MB": [50.0]}
    page = f"above\n<!-- measured: {name} -->\nold\n<!-- end of measured -->\nbelow\n"
    written = with_figures(page, results(cpu_ms)).splitlines()
    assert [line for line in lines if line not in written] == []
    assert (written[0], written[-1], "old" in written) == ("above", "below", False)


def results(ours_cpu_ms: dict[str, list[float]]) -> dict[str, Any]:
    """Results as a run writes them, as far as the tables above need them. ours_cpu_ms: by size, of every story."""
    small, large = {"pss": 60.0, "rss": 80.0, "peak": 80.0}, {"pss": 70.0, "rss": 90.0, "peak": 120.0}
    master = {"pss": 40.0, "rss": 80.0, "peak": 80.0}
    return {
        "machine": {},
        "served": [
            {"size": size, "story": story, "ours_cpu_ms": cpu}
            for size, cpu in ours_cpu_ms.items()
            for story in STORIES
        ],
        "tokens": {"token_cpu_ms": [1.5]},
        "start": {
            "starts": {"cold, new folder": {"s": [4.0], "cpu_s": [3.0], "read_mb": [30.0]}},
            "memory": {
                "after small calls": {"master": master, "worker 1": small},
                "after 1 MB calls": {"master": master, "worker 1": large},
            },
        },
        "capacity": [
            {"size": "7 kB", "per_second": 600.0, "busy_cores": 1.8, "cpu_ms": 3.0, "expected_per_second": 600.0,
             "ratio": 1.0, "p50_ms": 9.0, "p99_ms": 20.0, "half_per_second": 300.0, "half_p50_ms": 3.0,
             "half_p99_ms": 6.0}
        ],
    }  # fmt: skip
