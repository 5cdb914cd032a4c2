"""Counted decisions put together: which outcome is agreement, gain, loss or unknown, and in what words."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest

from cds_service.core.decision import FAILED, FIRES, SILENT, UNDECIDED
from cds_service.rulebook.trial_report import Counted, period_of, tally_of, trial_report
from cds_service.rulebook.trial_words import report_lines, title_of

DAY = date(2026, 3, 2)
STATES = (FIRES, SILENT, UNDECIDED, FAILED)


def of(state: str, active: str | None, calls: int = 1, **more: object) -> Counted:
    return replace(
        Counted(DAY, "rule", "1.1.0", None if active is None else "1.0.0", state, active, calls),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("active", "state", "wanted"),
    [
        (FIRES, FIRES, "both_speak"),
        (SILENT, SILENT, "both_silent"),
        (SILENT, FIRES, "gained"),
        (FIRES, SILENT, "lost"),
        (FIRES, UNDECIDED, "trial_unknown"),
        (SILENT, FAILED, "trial_unknown"),
        (UNDECIDED, FIRES, "active_unknown"),
        (FAILED, SILENT, "active_unknown"),
        (UNDECIDED, FAILED, "both_unknown"),
    ],
)
def test_each_pair_of_outcomes_counts_for_one_thing(active: str, state: str, wanted: str) -> None:
    tally = tally_of([of(state, active)])
    kinds = ("both_speak", "both_silent", "gained", "lost", "trial_unknown", "active_unknown", "both_unknown")
    assert [name for name in kinds if getattr(tally, name)] == [wanted]


def test_every_call_is_agreement_gain_loss_or_unknown() -> None:
    counted = [of(state, active, calls) for calls, (state, active) in enumerate(product(STATES, STATES), start=1)]
    tally = tally_of(counted)
    assert tally.agree + tally.gained + tally.lost + tally.unknown == tally.calls == sum(range(1, 17))
    assert tally.failed == sum(each.calls for each in counted if each.state == FAILED)
    assert tally.trial_speaks == sum(each.calls for each in counted if each.state == FIRES)
    assert tally.active_speaks == sum(each.calls for each in counted if each.active_state == FIRES)


def test_a_trial_alone_speaks_is_silent_or_cannot_tell() -> None:
    tally = tally_of([of(state, None, calls) for calls, state in enumerate(STATES, start=1)])
    assert (tally.trial_speaks, tally.trial_silent, tally.unknown, tally.calls) == (1, 2, 7, 10)
    assert (tally.agree, tally.gained, tally.lost) == (0, 0, 0)


def test_the_reason_of_a_difference_is_what_stopped_the_silent_version() -> None:
    tally = tally_of(
        [
            of(FIRES, SILENT, 2, active_stopped_by=("late",)),
            of(SILENT, FIRES, 3, stopped_by=("declined",)),
            of(SILENT, FIRES, 4, stopped_by=("adult", "declined")),
            of(UNDECIDED, FIRES, 5, stopped_by=("moud",)),
            of(FIRES, UNDECIDED, 6, active_stopped_by=("oud",)),
        ]
    )
    assert tally.because == {
        "gained": {("late",): 2},
        "lost": {("adult", "declined"): 4, ("declined",): 3},
        "unknown": {("oud",): 6, ("moud",): 5},
    }
    assert list(tally.because["lost"]) == [("adult", "declined"), ("declined",)]  # the most frequent first


@pytest.mark.parametrize(("by", "wanted"), [("day", "2026-01-01"), ("week", "2025-12-29"), ("month", "2026-01")])
def test_a_day_is_in_a_day_a_week_from_monday_and_a_month(by: str, wanted: str) -> None:
    assert period_of(date(2026, 1, 1), by) == wanted


def test_versions_periods_and_releases_are_told_apart() -> None:
    report = trial_report(
        [
            of(FIRES, FIRES, release="a", digest="1"),
            of(FIRES, FIRES, day=DAY + timedelta(days=1), release="a", digest="2"),
            of(FIRES, None, version="1.0.0", waiting=True),
            of(FIRES, FIRES, shown=False),
            of(FIRES, FIRES, day=DAY + timedelta(days=7), release="b", digest="3", site="4"),
        ]
    )
    assert [title_of(each) for each in report.trials] == [
        "rule: 1.0.0 on trial, the release's active version, not reviewed yet",
        "rule: 1.1.0 on trial beside 1.0.0 (not reviewed yet, so not shown either)",
        "rule: 1.1.0 on trial beside 1.0.0",
    ]
    compared = report.trials[2]
    assert [(each.name, each.tally.calls) for each in compared.periods] == [("2026-03-02", 2), ("2026-03-09", 1)]
    releases = [(each.name, each.digest, each.site) for each in compared.releases]
    assert releases == [("a", "1", ""), ("a", "2", ""), ("b", "3", "4")]
    assert any(each.startswith("  b 3 4 ") for each in report_lines(report, "DATABASE", "UTC"))
    assert (report.first, report.last) == (DAY, DAY + timedelta(days=7))


def test_lines_keep_within_100_columns_whatever_the_counts() -> None:
    names = tuple(f"a_criterion_with_a_long_name_{number}" for number in range(9))
    counted = [
        of(state, active, 1_000_000, stopped_by=names, active_stopped_by=names)
        for state, active in product(STATES, (*STATES, None))
    ]
    lines = list(report_lines(trial_report(counted, "month"), "DATABASE", "UTC"))
    assert max(map(len, lines)) <= 100
    assert sum("a_criterion_with_a_long_name_8" in each for each in lines) == 4  # gained, lost, unknown twice


def test_small_counts_are_told_of() -> None:
    def notes(calls: int) -> list[str]:
        lines = report_lines(trial_report([of(FIRES, FIRES, calls)]), "DATABASE", "UTC")
        return [each for each in lines if "fewer than" in each or each.startswith("Counts below")]

    assert len(notes(4)) == 2
    assert notes(50) == ["  judged in 50 calls; fewer than 100 calls: too few to decide by"]
    assert notes(100) == []


def test_calls_without_the_active_version_that_others_of_the_release_have_are_told_of() -> None:
    def notes(*counted: Counted) -> list[str]:
        return [each for each in report_lines(trial_report(counted), "D", "UTC") if "is told of twice" in each]

    beside, alone = of(FIRES, FIRES, 200, digest="a"), of(FIRES, None, 300, digest="a")
    assert notes(beside, alone) == [
        "rule 1.1.0 is told of twice: 300 calls have no record of the active version, though other calls"
    ]
    assert notes(beside, replace(alone, digest="b")) == []  # another release, which may have no active version
    assert notes(beside) == notes(alone) == notes(beside, replace(alone, version="1.2.0")) == []
