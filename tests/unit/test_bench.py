"""The bench measures what it says: charts that are made the same each time, and answers that are looked at."""

import json
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest

from bench.__main__ import check, main
from bench.charts import PEOPLE, SIZES, STORIES, instances, requests
from bench.load import ServerProblem, running
from bench.steps import STEPS, answer_of, steps
from cds_service.core.engine import Compiled, compile_release
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
    check(answers, [STORIES[story]] * len(calls))


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
        check([b'{"cards": []}'], [("mat-consideration",)])


def test_a_server_that_does_not_start_is_told_of(tmp_path: Path) -> None:
    missing = str(tmp_path / "answers.json")
    with pytest.raises(ServerProblem, match="did not start"), running("bench.floor", "ours", missing):
        pass


def test_each_step_is_timed(compiled: Compiled) -> None:
    taken = steps(compiled, requests(SMALL, "3 cards", 2), 1)
    assert tuple(taken) == STEPS
    assert min(taken.values()) > 0


def test_a_quick_run_measures_every_chart_and_writes_the_results(tmp_path: Path) -> None:
    out = tmp_path / "new" / "bench.json"
    assert main(["--quick", "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    kinds = [[size, story] for size in SIZES for story in STORIES]
    assert [[each["size"], each["story"]] for each in found["served"]] == kinds
    assert [[each["size"], each["story"]] for each in found["in_process"]] == kinds
    assert all(each["ours_p50_ms"][0] > 0 and each["floor_p50_ms"][0] > 0 for each in found["served"])
