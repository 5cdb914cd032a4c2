"""A feedback report: which numbers it tells, whom it names, and what it says of trends."""

import csv
import io
import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.core.card import OVERRIDE_SYSTEM
from cds_service.core.share import share_of
from cds_service.feedback import ACCEPTED, OVERRIDDEN
from cds_service.feedback_report.counted import (
    MANY_REASONS,
    MERGED,
    MOST_REASONS,
    NO_ANSWER,
    OTHER,
    PARTS,
    SILENT_CLIENT,
    WROTE,
    Calls,
    Cards,
    Unknown,
    count_of,
)
from cds_service.feedback_report.forms import COLUMNS, report_csv, report_json
from cds_service.feedback_report.page import report_page
from cds_service.feedback_report.report import (
    BELOW,
    MAY_PASS,
    NO_ANSWERS,
    NOT_TOLD,
    PASSES,
    Asked,
    Client,
    FeedbackReport,
    Version,
    answers_of,
    by_of,
    overrides_of,
    rate_of,
    report_of,
)
from cds_service.feedback_report.telling import Between, Group, is_small, told_together
from cds_service.feedback_report.trend import FALLS, RISES, STEADY, TOO_LITTLE, trend_of
from cds_service.feedback_report.words import report_lines

MONDAY = date(2026, 3, 2)
HEARD = {"epic": MONDAY}
RULE = "mat-consideration"


def cards(number: int, outcome: str = "", *, week: int = 0, **more: Any) -> Cards:
    given: dict[str, Any] = {
        "day": MONDAY + timedelta(days=7 * week), "rule": RULE, "version": "2.0.0", "client": "epic",
        "service": "oud-patient-view", "digest": "1", "role": WROTE,
    }  # fmt: skip
    return Cards(cards=number, outcome=outcome, **{**given, **more})


def calls(number: int, *, week: int = 0, client: str = "epic", digest: str = "1") -> Calls:
    return Calls(MONDAY + timedelta(days=7 * week), client, "oud-patient-view", digest, number)


def report(*groups: Cards | Calls | Unknown, **asked: Any) -> FeedbackReport:
    wanted = Asked(MONDAY, MONDAY + timedelta(days=34), date(2026, 4, 6), **asked)
    return report_of(count_of(groups, HEARD, ("already-addressed",)), wanted, HEARD)


def version(*groups: Cards | Calls | Unknown, **asked: Any) -> Version:
    (found,) = report(*groups, **asked).versions
    return found


# --- what counts -----------------------------------------------------------------------------------------------------


def test_silence_of_a_client_that_never_sent_feedback_is_told_apart() -> None:
    found = version(cards(20, ACCEPTED), cards(30), cards(40, client="kiosk"), calls(200), calls(90, client="kiosk"))
    assert {each.parts[0]: each.count for each in found.groups} == {
        ACCEPTED: 20,
        OVERRIDDEN: 0,
        NO_ANSWER: 30,
        SILENT_CLIENT: 40,
    }
    assert answers_of(found) == share_of(20, 50)


def test_clients_are_told_with_when_they_were_last_heard() -> None:
    found = report(calls(13), calls(90, client="kiosk", week=1))
    assert found.clients == (Client("epic", 13, "2026-03-02"), Client("kiosk", 90, None))


def test_few_calls_of_a_client_are_told_with_those_of_another() -> None:
    """A silent client has no more cards than calls: one call would tell of one card that nobody answered."""
    found = report(calls(90), calls(1, client="kiosk"))
    assert found.clients == (Client("epic", 91, "2026-03-02", ("kiosk",)), Client("kiosk", 91, None, ("epic",)))
    found = report(calls(6), calls(1, client="kiosk"))
    assert (found.calls, [each.calls for each in found.clients]) == (None, [None, None])


def test_cards_with_several_answers_are_told_of_versions_whose_answers_are_told() -> None:
    told = cards(40, ACCEPTED, again=20), cards(40, OVERRIDDEN)
    rare = cards(9, ACCEPTED, version="1.0.0", again=9)
    mixed = cards(13, OVERRIDDEN, rule="paws-follow-up", again=13), cards(1, rule="paws-follow-up")
    assert report(*told, rare, *mixed).again == 20


def test_calls_are_those_of_services_and_releases_in_which_the_version_spoke() -> None:
    found = report(
        cards(20),
        cards(5, role=OTHER, digest="2"),
        cards(20, version="2.1.0", digest="3"),
        calls(100),
        calls(50, digest="2"),
        calls(70, digest="3"),
        Calls(MONDAY, "epic", "oud-order-sign", "1", 1000),
    )
    assert [(each.version, each.calls) for each in found.versions] == [("2.0.0", 150), ("2.1.0", 70)]
    assert rate_of(found.versions[0]) == share_of(20, 150)


def test_a_rule_on_the_cards_of_others_is_told_and_counts_no_card() -> None:
    found = report(
        cards(30),
        cards(30, rule="paws-follow-up", role=MERGED, host=RULE),
        cards(3, rule="social-risk", role=MERGED, host=RULE),
    )
    assert [(each.rule, each.shown, each.merged) for each in found.versions] == [
        (RULE, 30, 0),
        ("paws-follow-up", 0, 30),
        ("social-risk", 0, None),
    ]
    assert found.shown == Between(30, 30)


def test_how_often_a_rule_stood_on_cards_of_a_rare_rule_is_not_told() -> None:
    """It could not stand there more often than they were shown."""
    found = report(cards(12), cards(10, version="2.1.0"), cards(22, rule="paws-follow-up", role=MERGED, host=RULE))
    assert [(each.rule, each.shown, each.merged) for each in found.versions] == [
        (RULE, 12, 0),
        (RULE, None, 0),
        ("paws-follow-up", 0, None),
    ]


def test_a_code_of_ours_without_a_system_is_ours_and_codes_are_no_end() -> None:
    ours = ((OVERRIDE_SYSTEM, "already-addressed"),)
    more = [cards(1, OVERRIDDEN, reasons=(("", f"code-{number}"),)) for number in range(MOST_REASONS + 20)]
    count = count_of(
        (cards(20, OVERRIDDEN, reasons=(("", "already-addressed"),)), *more), HEARD, ("already-addressed",)
    )
    reasons = count.versions[RULE, "2.0.0"].reasons
    assert (reasons[ours], reasons[MANY_REASONS], len(reasons)) == (20, 21, MOST_REASONS + 1)


def test_weeks_with_small_counts_are_told_with_the_next() -> None:
    numbers = (20, 3, 9, 30, 2)
    found = version(*(cards(number, week=week) for week, number in enumerate(numbers)), calls(100, week=0))
    assert [(each.name, each.shown) for each in found.rows] == [
        ("2026-03-02", 20),
        ("2026-03-09 to 2026-03-16", 12),
        ("2026-03-23 to 2026-03-30", 32),
    ]


def test_periods_are_weeks_up_to_half_a_year() -> None:
    assert by_of(date(2026, 1, 1), date(2026, 7, 2)) == "week"
    assert by_of(date(2026, 1, 1), date(2026, 7, 3)) == "month"


# --- whom it names ---------------------------------------------------------------------------------------------------


def standing(accepted: int, overridden: int, threshold: float = 60, others: int = 100) -> str:
    counts = {ACCEPTED: accepted, OVERRIDDEN: overridden, NO_ANSWER: others, SILENT_CLIENT: 0}
    groups = told_together(counts, 11, {ACCEPTED: OVERRIDDEN})
    return overrides_of(groups, 11, threshold).standing


def test_a_rule_passes_by_the_lower_end_of_its_interval() -> None:
    assert standing(30, 90) == PASSES  # 75 %, 66.6 to 81.9
    assert standing(30, 60) == MAY_PASS  # 66.7 %, 56.4 to 75.5
    assert standing(40, 50) == BELOW
    assert standing(0, 0) == NO_ANSWERS


def test_a_rule_that_nearly_nobody_accepts_passes_though_the_count_is_not_told() -> None:
    assert standing(3, 200, 90) == PASSES  # at least 193 of 203, from 91.2 % on
    assert standing(3, 200, 94) == MAY_PASS
    assert standing(200, 3) == BELOW
    assert standing(3, 12) == NOT_TOLD


def test_the_share_is_told_as_far_as_the_counts_are() -> None:
    found = overrides_of((Group((ACCEPTED, OVERRIDDEN), 203, ACCEPTED), Group((NO_ANSWER,), 9)), 11, None)
    assert (found.low, found.high, found.standing) == (share_of(193, 203), share_of(202, 203), "")
    found = overrides_of((Group((ACCEPTED,), 40), Group((OVERRIDDEN, NO_ANSWER), 64, NO_ANSWER)), 11, None)
    assert (found.low, found.high) == (share_of(54, 94), share_of(63, 103))


# --- trends ----------------------------------------------------------------------------------------------------------


def test_a_trend_is_told_beyond_chance_only() -> None:
    assert trend_of([(10, 100), (20, 100), (35, 100)]).says == RISES
    assert trend_of([(35, 100), (20, 100), (10, 100)]).says == FALLS
    assert trend_of([(20, 100), (25, 100), (22, 100)]).says == STEADY
    assert trend_of([(100, 100), (100, 100), (100, 100)]).says == STEADY


def test_a_trend_wants_three_periods_of_twenty() -> None:
    assert trend_of([(0, 20), (20, 20)]).says == TOO_LITTLE
    assert trend_of([(0, 20), (20, 20), (19, 19)]).says == TOO_LITTLE
    assert trend_of([(0, 20), (20, 20), (20, 20)]).says == RISES


def test_the_trend_is_that_of_armitages_example() -> None:
    """z of ten, twenty and thirty of a hundred by hand: 20 / sqrt(0.2 * 0.8 * 200) = 3.54."""
    from cds_service.feedback_report.trend import _z

    assert round(_z([(0, 10, 100), (1, 20, 100), (2, 30, 100)]), 2) == 3.54


# --- every report ----------------------------------------------------------------------------------------------------

few = st.integers(0, 14) | st.integers(0, 120)
groups = st.lists(
    st.builds(
        cards,
        few,
        st.sampled_from(["", ACCEPTED, OVERRIDDEN]),
        week=st.integers(0, 4),
        version=st.sampled_from(["1.0.0", "2.0.0", "3.0.0"]),
        client=st.sampled_from(["epic", "kiosk"]),
        role=st.sampled_from([WROTE, WROTE, WROTE, MERGED]),
        reasons=st.sampled_from([(), (("", "a"),), (("", "b"),), (("", "a"), ("", "b"))]),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(groups, st.sampled_from([1, 5, 11]))
def test_totals_add_up_and_no_small_count_is_told(some: list[Cards], least: int) -> None:
    found = report(*some, *(calls(500, week=week) for week in range(5)), least=least, threshold=60)
    truth: Counter[str] = Counter()
    for each in some:
        if each.role == WROTE:
            truth[each.version] += each.cards
    assert found.shown.low <= sum(truth.values()) <= found.shown.high
    for each in found.versions:
        assert each.shown == (None if is_small(truth[each.version], least) else truth[each.version])
        if not each.shown:
            continue
        assert sum(group.count for group in each.groups) == each.shown
        assert sum(row.shown for row in each.rows) == each.shown
        for place, group in enumerate(each.groups):
            assert sum(row.counts[place] for row in each.rows) == group.count
            assert not any(is_small(row.counts[place], least) for row in each.rows)
        overridden = each.part(OVERRIDDEN, least)
        reasons = sum(count for _, count in each.reasons)
        assert reasons + (each.frequent_reason or ((), 0))[1] <= overridden.low
        if each.other_reasons is not None:
            assert reasons + each.other_reasons == overridden.exact


@settings(max_examples=25, deadline=None)
@given(groups)
def test_every_form_tells_the_same_and_no_small_count(some: list[Cards]) -> None:
    found = report(*some, *(calls(500, week=week) for week in range(5)), threshold=60)
    told = report_json(found, "the records", {})
    json.dumps(told)
    by_version = {each["ruleVersion"]: each for each in told["versions"]}
    rows = list(csv.DictReader(io.StringIO(report_csv(found, {}))))
    assert set(rows[0]) == set(COLUMNS)
    assert not any(each["cards"] and is_small(int(each["cards"]), 11) for each in rows)
    for name, each in by_version.items():
        of_version = [row for row in rows if row["version"] == name and not row["period"]]
        shown = next(row for row in of_version if row["what"] == "shown")
        assert shown["cards"] == ("" if each["shown"] is None else str(each["shown"]))
        if each["shown"]:
            outcomes = {row["name"]: row["cards"] for row in of_version if row["what"] == "outcome"}
            exact = {part: each["outcomes"][part]["cards"] for part in PARTS}
            assert outcomes == {part: "" if count is None else str(count) for part, count in exact.items()}
    lines = list(report_lines(found, "the records", {}))
    assert max(map(len, lines)) <= 100
    page = report_page(found, "the records", {})
    assert page.count("<svg") == page.count("<desc>")
