"""Moving dates, finding fixtures, and what `replay` and `fixture` print."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli import main
from cds_service.fixtures import SAMPLE_CALLS, Fixture, FixtureProblem, find, fixtures_folder, names, write_request
from cds_service.replay import (
    FINDINGS,
    FINE,
    NO_ANSWER,
    USAGE,
    replay,
    told,
)
from cds_service.shift import moved, places, shifted

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 1)
INSTANCE = "6f1c1c62-0d4b-4d3a-9c55-3f1f1d2f6c11"
CARD_UUID = "5e8f9d2a-9b0e-5a04-8a0b-0d8c5b7a1f00"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_RULES", str(ROOT / "rules"))
    monkeypatch.setenv("CDS_TODAY", "2026-03-01")


# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days", "wanted"),
    [
        ("2026-02-28", 1, "2026-03-01"),
        ("2028-02-28", 1, "2028-02-29"),
        ("2026-03-01", -1, "2026-02-28"),
        ("2026-02-28T23:30:00-05:00", 1, "2026-03-01T23:30:00-05:00"),  # the calendar date written in it
        ("2026-02-28T23:30:00.125Z", 400, "2027-04-04T23:30:00.125Z"),
        ("2026-02-28T23:30", 1, "2026-03-01T23:30"),
        ("2026-02", 14, "2026-02"),  # the middle of February is the 14th
        ("2026-02", 15, "2026-03"),
        ("2026-02", -14, "2026-01"),
        ("2026-12", 16, "2027-01"),
        ("2026", 182, "2026"),  # the middle of a year is 2 July
        ("2026", 183, "2027"),
        ("2026", -183, "2025"),
        ("2026-02-30", 1, "2026-02-30"),  # no day: left for the reader to stumble over
        ("2026-13", 1, "2026-13"),
        ("9999-12-31", 1, "9999-12-31"),  # stands for "never" and has no day after it
        ("0001-01-01", -1, "0001-01-01"),
    ],
)
def test_a_date_moves_by_whole_days(text: str, days: int, wanted: str) -> None:
    assert moved(text, days) == wanted


@pytest.mark.parametrize("text", ["2026-02-28", "2026-02", "2026", "2026-02-28T08:00:00Z"])
def test_a_move_by_no_days_changes_nothing(text: str) -> None:
    assert moved(text, 0) == text


@pytest.mark.parametrize(
    ("element", "text", "moves"),
    [
        ("birthDate", "1990", True),
        ("onsetDateTime", "2024", True),
        ("start", "2024-05", True),
        ("authoredOn", "2026-02-01", True),
        ("valueDateTime", "2026-08-01", True),
        ("unheardOf", "2026-02-01", True),  # a whole date is a date wherever it stands
        ("unheardOf", "1819", False),  # four digits are not
        ("code", "1819", False),
        ("id", "2026-02-01", False),
        ("url", "2026-02-01", False),
        ("reference", "2026-02-01", False),
        ("value", "2026-02-01", False),  # of an identifier
        ("text", "2026-02-01", False),
        ("onsetString", "since 2026-02-01", False),
    ],
)
def test_only_date_elements_move(element: str, text: str, moves: bool) -> None:
    assert (shifted({element: text}, 400)[element] != text) is moves


def test_dates_are_found_in_lists_and_depths() -> None:
    value = {"event": ["2026-01-01", "2026-01"], "period": [{"start": "2026-01-02"}], "id": "2026-01-03"}
    assert sorted(each.text for each in places(value)) == ["2026-01", "2026-01-01", "2026-01-02"]


def test_what_is_moved_is_a_copy() -> None:
    value = {"period": {"start": "2026-01-02"}}
    assert shifted(value, 1) == {"period": {"start": "2026-01-03"}}
    assert value == {"period": {"start": "2026-01-02"}}


# --- finding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["untreated-oud-icd10", "patient-view/untreated-oud-icd10"])
def test_a_fixture_is_found_by_its_story_alone_too(name: str) -> None:
    found = find(name)
    assert (found.name, found.hook, found.written_for) == ("patient-view/untreated-oud-icd10", "patient-view", DAY)


def test_a_story_of_two_hooks_asks_which_one() -> None:
    with pytest.raises(FixtureProblem) as refused:
        find("naltrexone-after-oxycodone")
    assert str(refused.value) == (
        "naltrexone-after-oxycodone: which one? "
        "order-select/naltrexone-after-oxycodone, order-sign/naltrexone-after-oxycodone"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("untreated-oud-icd", "hint: did you mean patient-view/untreated-oud-icd10?"),
        ("order-sing/naltrexone-opioid-free", "hint: did you mean order-sign/naltrexone-opioid-free?"),
        ("????", "hint: `cds-service fixture` lists them"),
    ],
)
def test_a_name_that_is_none_brings_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(FixtureProblem) as refused:
        find(name)
    assert str(refused.value).endswith(hint)


def test_a_request_body_alone_is_not_moved(tmp_path: Path) -> None:
    body = {"hook": "patient-view", "prefetch": {"patient": {"birthDate": "1990-05-05"}}}
    path = tmp_path / "call.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    found = find(str(path))
    assert (found.written_for, found.expected, found.on(date(2030, 1, 1))) == (None, None, body)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "is no JSON object"),
        ('{"request": {}}', "written_for"),
        ('{"about": "", "written_for": "soon", "request": {}, "expected": {}}', "written_for"),
        (
            '{"about": "", "written_for": "2026-03-01", "request": {}, "expected": {}, '
            '"for_clients": [{"client": {}}]}',
            "client and expected for each client: 'expected'",
        ),
    ],
)
def test_a_file_that_is_no_fixture_says_what_is_wanted(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FixtureProblem, match=said):
        find(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FixtureProblem, match=r"call\.json: No such file"):
        find(str(tmp_path / "call.json"))


def test_the_dates_of_a_fixture_fit_the_day_it_is_wanted_for() -> None:
    fixture = Fixture("a", "", DAY, {"context": {"on": "2026-02-27"}})
    assert fixture.on(date(2026, 3, 11)) == {"context": {"on": "2026-03-09"}}


def test_the_request_of_a_sample_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    write_request(SAMPLE_CALLS[0], date(2027, 3, 1), path)
    assert json.loads(path.read_text(encoding="utf-8")) == find(SAMPLE_CALLS[0]).on(date(2027, 3, 1))


# --- comparing -------------------------------------------------------------------------------------------------------


def fixture_expecting(**expected: Any) -> Fixture:
    request = {"hook": "patient-view", "hookInstance": INSTANCE, "context": {}}
    wanted = {"status": 200, "cards": [], "unread": [], "undecided": [], **expected}
    return Fixture("a", "A story.", DAY, request, wanted)


def answering(status: int, answer: Any) -> Callable[[str, dict[str, Any]], tuple[int, Any]]:
    return lambda service, body: (status, answer)


def evaluated(cards: list[Any] | None = None, **evaluation: Any) -> dict[str, Any]:
    return {"cards": cards or [], "extension": {"org.oud-cds.evaluation": evaluation}}


CARD = {
    "uuid": CARD_UUID,
    "summary": "Consider it.",
    "indicator": "info",
    "source": {"label": "A guideline"},
    "suggestions": [{"label": "Refer"}],
    "extension": {"org.oud-cds.rule": {"ruleId": "consider-it", "ruleVersion": "1.0.0"}},
}
WANTED = {"rule": "consider-it", "card": "consider", "indicator": "info", "suggestions": ["Refer"]}


def differences(fixture: Fixture, status: int, answer: Any) -> list[str]:
    return list(replay(fixture, DAY, answering(status, answer)).differences)


def test_another_status_is_a_difference() -> None:
    assert differences(fixture_expecting(), 500, "oops") == ["status 500, 200 was expected"]


def test_a_card_that_does_not_come_is_a_difference() -> None:
    fixture = fixture_expecting(cards=[WANTED])
    assert differences(fixture, 200, evaluated()) == ["cards of none; consider-it was expected"]


def test_another_card_level_or_suggestion_is_a_difference() -> None:
    fixture = fixture_expecting(cards=[{**WANTED, "indicator": "warning", "suggestions": []}])
    assert differences(fixture, 200, evaluated([CARD])) == [
        "consider-it: card consider was expected, another of its cards came: Consider it.",
        "consider-it: indicator info; warning was expected",
        "consider-it: suggestions Refer; none was expected",
    ]


@pytest.mark.parametrize(
    "answer", [{}, {"cards": None}, {"cards": "none"}, {"cards": [1]}, {"cards": [{}]}, [], "oops"]
)
def test_an_answer_without_cards_is_none(answer: Any) -> None:
    assert differences(fixture_expecting(), 200, answer) == [
        "the answer has no list `cards` of objects with `summary`, `indicator` and `source`"
    ]


@pytest.mark.parametrize("extension", [None, [], {"org.oud-cds.evaluation": None}, {"org.oud-cds.evaluation": "x"}])
def test_the_answer_of_another_service_is_compared_too(extension: Any) -> None:
    cards = [{"summary": "Other.", "indicator": "info", "source": {"label": "x"}, "extension": extension}]
    result = replay(fixture_expecting(), DAY, answering(200, {"cards": cards, "extension": extension}))
    assert result.differences == ("cards of ?; none was expected",)
    assert "NOT AS EXPECTED" in list(told(result, cards=True))


def test_what_is_unread_and_undecided_is_compared() -> None:
    answer = evaluated(unread={"labs": "error"}, undecided=[{"ruleId": "other"}])
    assert differences(fixture_expecting(), 200, answer) == [
        "unread: labs; none was expected",
        "undecided: other; none was expected",
    ]


def test_a_412_names_what_is_unread() -> None:
    answer = {"issue": [{"expression": ["prefetch.conditions"]}, {"expression": ["context"]}]}
    assert differences(fixture_expecting(status=412, unread=["conditions"]), 412, answer) == []


def test_a_hook_of_no_service_is_told() -> None:
    fixture = Fixture("a", "", DAY, {"hook": "problem-list-item-create"})
    with pytest.raises(FixtureProblem, match="hook 'problem-list-item-create' is none of this service"):
        replay(fixture, DAY, answering(200, {}))


def test_a_refusal_is_told_with_its_reasons() -> None:
    answer = {"issue": [{"details": {"text": "prefetch.patient: was not sent"}}]}
    first, *lines = told(replay(fixture_expecting(), DAY, answering(412, answer)), cards=True)
    assert first.startswith("a · patient-view · 412 · ")
    assert lines == [
        "A story.",
        "  prefetch.patient: was not sent",
        "NOT AS EXPECTED",
        "  status 412, 200 was expected",
    ]


def test_the_samples_show_a_card_and_none() -> None:
    offered, treated = (find(name).expected or {} for name in SAMPLE_CALLS)
    assert [card["rule"] for card in offered["cards"]] == ["mat-consideration"]
    assert treated["cards"] == []


# --- commands --------------------------------------------------------------------------------------------------------


def test_replay_shows_the_card_as_a_clinician_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "untreated-oud-icd10"]) == FINE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("patient-view/untreated-oud-icd10 · patient-view · 200 · ")
    assert lines[0].endswith(" ms")
    assert lines[1] == find("untreated-oud-icd10").about
    assert "Source: ASAM National Practice Guideline for OUD: 2020 Focused Update" in lines
    assert lines[-1] == "As expected."


def test_replay_moves_the_dates_to_the_day_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "untreated-oud-icd10", "--today", "2031-03-01", "--json"]) == FINE
    answer = json.loads(capsys.readouterr().out)
    assert answer["extension"]["org.oud-cds.evaluation"]["today"] == "2031-03-01"
    assert "2028-08-14" in answer["cards"][0]["detail"]  # 2023-08-15 and 1826 days


def test_replay_gives_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "order-sign/naltrexone-after-oxycodone", "--html"]) == FINE
    page = capsys.readouterr().out
    assert page.startswith("<!DOCTYPE html>")
    assert '<article class="critical">' in page


def test_replay_of_all_gives_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay"]) == FINE
    said = capsys.readouterr().out
    assert [name for name in names() if f"{name} · " not in said] == []
    assert "====" not in said


def test_replay_sends_a_fixture_as_each_client_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "restricted-level-alone"]) == FINE
    heads = [line.split(" · ") for line in capsys.readouterr().out.splitlines() if " · patient-view · " in line]
    assert [(name, status) for name, _, status, _ in heads] == [
        ("patient-view/restricted-level-alone", "200"),
        ("patient-view/restricted-level-alone (part2: mode ignore)", "200"),
        ("patient-view/restricted-level-alone (part2: mode use-no-detail, by_confidentiality true)", "200"),
        ("patient-view/restricted-level-alone (part2: mode ignore, by_confidentiality true)", "412"),
    ]


def test_the_labels_of_a_card_are_compared() -> None:
    labels = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}]
    card = {**CARD, "extension": {**CARD["extension"], "org.oud-cds.labels": labels}}
    assert "consider-it: labels SUD; none was expected" in differences(
        fixture_expecting(cards=[WANTED]), 200, evaluated([card])
    )
    assert "consider-it: labels none; SUD was expected" in differences(
        fixture_expecting(cards=[{**WANTED, "labels": ["SUD"]}]), 200, evaluated([CARD])
    )


def test_an_answer_that_was_not_expected_is_a_finding(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fixture = json.loads((fixtures_folder() / "requests" / "patient-view" / "no-oud.json").read_text(encoding="utf-8"))
    fixture["expected"]["status"] = 412
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(fixture), encoding="utf-8")
    assert main(["replay", str(path)]) == FINDINGS
    assert capsys.readouterr().out.splitlines()[-2:] == ["NOT AS EXPECTED", "  status 200, 412 was expected"]


def test_a_request_body_is_replayed_without_a_verdict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    write_request("no-oud", DAY, path)
    assert main(["replay", str(path)]) == FINE
    assert capsys.readouterr().out.splitlines()[-2:] == ["No cards.", "Nothing is written down to compare with."]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "untreated-oud-icd"], "did you mean patient-view/untreated-oud-icd10?"),
        (["fixture", "untreated-oud-icd"], "did you mean patient-view/untreated-oud-icd10?"),
        (["replay", "no-oud", "--today", "tomorrow"], "--today: 'tomorrow' is no day; write it as 2026-03-01"),
    ],
)
def test_a_name_or_day_that_is_none_is_usage(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    assert said in capsys.readouterr().err


def test_a_url_without_a_service_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--url", "http://127.0.0.1:9/cds-services/"]) == NO_ANSWER
    assert capsys.readouterr().err == (
        "http://127.0.0.1:9/cds-services: nothing listens at this port (connection refused)\n"
        "  look whether the service or its proxy runs, and at this address and port\n"
    )


def test_fixtures_are_listed_with_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fixture"]) == FINE
    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == list(names())
    assert lines[1::2] == [f"    {find(name).about}" for name in names()]


def test_a_fixture_is_written_for_a_day(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    assert main(["fixture", "no-oud", "--today", "2026-03-11", "--out", str(path)]) == FINE
    assert main(["fixture", "no-oud", "--today", "2026-03-11"]) == FINE
    written = path.read_text(encoding="utf-8")
    assert capsys.readouterr().out == written
    assert json.loads(written) == find("no-oud").on(date(2026, 3, 11))


def test_a_file_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["fixture", "no-oud", "--out", str(tmp_path / "absent" / "call.json")]) == USAGE
    assert "call.json: No such file or directory" in capsys.readouterr().err
