"""Trial versions beside active ones, from the records of both databases: what is counted, and what the command says."""

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.cli import DATABASE, FINE, USAGE, main
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.purge import purge
from cds_service.edges.store.source import OPERATOR, REPORT, open_engine
from cds_service.edges.store.store import Store
from cds_service.edges.store.trials import counted_trials
from cds_service.records import DecisionRow
from cds_service.rulebook.trial_report import Counted
from tests.http.small_rules import small_rules
from tests.store.sample import Losses, call_of
from tests.store.test_schema import run

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
UTC = timezone.utc
RULE, ACTIVE, TRIAL = "mental-health-screening", "2.0.0", "2.1.0"


def row(state: str, *, trial: bool = False, version: str = "", rule: str = RULE, **more: Any) -> DecisionRow:
    """A decision as records.call_row makes it."""
    verdict = {"fires": "YES", "silent": "NO", "undecided": "UNKNOWN"}.get(state)
    fires = state == "fires"
    stopped_by = more.pop("stopped_by", ())
    return DecisionRow(
        rule=rule,
        version=version or (TRIAL if trial else ACTIVE),
        trial=trial,
        state=state,
        verdict=verdict,
        indicator=more.pop("indicator", "info") if fires else None,
        withheld="trial" if trial and fires else more.pop("withheld", ""),
        stopped_by=stopped_by,
        card_uuid=None,
        criteria={},
    )


def pair(active: str, trial: str, **more: Any) -> tuple[DecisionRow, ...]:
    return (
        row(active, stopped_by=more.get("active_stopped_by", ()), withheld=more.get("withheld", "")),
        row(trial, trial=True, stopped_by=more.get("stopped_by", ()), indicator=more.get("indicator", "info")),
    )


@pytest.fixture
def keep(store: Store) -> Any:
    """Gives what keeps calls: a day after Monday, 2 March 2026, and the decisions of each of so many calls."""
    number = iter(range(1_000_000))

    def put(decisions: tuple[DecisionRow, ...], calls: int = 1, *, days: float = 0, **more: Any) -> None:
        for _ in range(calls):
            made = call_of(next(number), at=MONDAY, decisions=decisions)
            store.remember(replace(made, at=MONDAY + timedelta(days=days), **more))

    return put


def counted(address: Address, **chosen: Any) -> list[Counted]:
    engine = open_engine(address, REPORT)
    try:
        with engine.connect() as connection:
            return list(counted_trials(connection, chosen.pop("zone", UTC), **chosen))
    finally:
        engine.dispose()


def told(each: Counted) -> tuple[Any, ...]:
    return each.version, each.active, each.active_state, each.state, each.calls


# --- what is counted -------------------------------------------------------------------------------------------------


def test_each_pair_of_outcomes_is_counted_apart(store: Store, address: Address, keep: Any) -> None:
    keep(pair("fires", "fires"), 3)
    keep(pair("silent", "silent", stopped_by=("adult",), active_stopped_by=("adult",)), 4)
    keep(pair("fires", "silent", stopped_by=("screened",)), 2)
    keep(pair("silent", "fires", active_stopped_by=("screened", "declined")))
    keep(pair("undecided", "undecided", stopped_by=("moud",), active_stopped_by=("moud",)), 5)
    store.close()
    found = {(each.active_state, each.state): each for each in counted(address)}
    assert {states: each.calls for states, each in found.items()} == {
        ("fires", "fires"): 3,
        ("silent", "silent"): 4,
        ("fires", "silent"): 2,
        ("silent", "fires"): 1,
        ("undecided", "undecided"): 5,
    }
    first = found["fires", "silent"]
    assert (first.day, first.rule, first.version, first.active) == (date(2026, 3, 2), RULE, TRIAL, ACTIVE)
    assert (first.release, first.digest, first.shown, first.waiting) == ("2026.11.1", "0" * 64, True, False)
    assert (first.stopped_by, first.active_stopped_by) == (("screened",), ())
    assert found["silent", "fires"].active_stopped_by == ("screened", "declined")
    assert found["silent", "silent"].stopped_by == ()  # where both agree, the reason is no matter
    assert found["undecided", "undecided"].stopped_by == ("moud",)


def test_a_trial_alone_has_nothing_beside_it(store: Store, address: Address, keep: Any) -> None:
    keep((row("fires", rule="another"), row("silent", trial=True, rule="new", version="1.0.0")), 2)
    store.close()
    assert [told(each) for each in counted(address)] == [("1.0.0", None, None, "silent", 2)]


def test_a_version_that_waits_for_review_is_told_alone_and_compared_with(
    store: Store, address: Address, keep: Any
) -> None:
    keep((row("fires", trial=True, version=ACTIVE), row("silent", trial=True, stopped_by=("late",))))
    store.close()
    waiting, trial = sorted(counted(address), key=lambda each: each.version)
    assert (told(waiting), waiting.waiting) == ((ACTIVE, None, None, "fires", 1), True)
    assert (told(trial), trial.shown, trial.waiting) == ((TRIAL, ACTIVE, "fires", "silent", 1), False, False)
    assert trial.stopped_by == ("late",)


def test_one_version_with_other_value_sets_is_compared_with_itself(store: Store, address: Address, keep: Any) -> None:
    keep((row("silent"), row("fires", trial=True, version=ACTIVE)))
    store.close()
    assert [told(each) for each in counted(address)] == [(ACTIVE, ACTIVE, "silent", "fires", 1)]


def test_levels_and_withheld_cards_are_told(store: Store, address: Address, keep: Any) -> None:
    keep(pair("fires", "fires", indicator="warning", withheld="over the limit"))
    store.close()
    (found,) = counted(address)
    assert (found.active_indicator, found.indicator, found.withheld) == ("info", "warning", True)


def test_days_are_those_of_the_time_zone(store: Store, address: Address, keep: Any) -> None:
    keep(pair("fires", "fires"), days=0.75)  # 06:00 UTC on Tuesday
    store.close()
    assert [each.day for each in counted(address)] == [date(2026, 3, 3)]
    assert [each.day for each in counted(address, zone=ZoneInfo("America/Los_Angeles"))] == [date(2026, 3, 2)]


def test_only_the_days_and_the_rule_asked_for_are_counted(store: Store, address: Address, keep: Any) -> None:
    for days in (0, 1, 40):
        keep(pair("fires", "fires"), days=days)
    keep((row("silent", trial=True, rule="new"),), days=1)
    store.close()
    days = [each.day.isoformat() for each in counted(address, rule=RULE)]
    assert days == ["2026-03-02", "2026-03-03", "2026-04-11"]
    second = date(2026, 3, 3)
    assert [each.rule for each in counted(address, since=second, until=second)] == [RULE, "new"]
    assert counted(address, since=date(2026, 5, 1)) == counted(address, until=date(2026, 3, 1)) == []


def test_what_was_purged_is_not_counted(store: Store, address: Address, keep: Any) -> None:
    keep(pair("fires", "silent"), 3)
    keep(pair("fires", "fires"), 2, days=5)
    store.close()
    engine = open_engine(address, OPERATOR)
    purge(engine, MONDAY + timedelta(days=1), MONDAY + timedelta(days=1))
    engine.dispose()
    assert [told(each) for each in counted(address)] == [(TRIAL, ACTIVE, "fires", "fires", 2)]


def test_a_report_cannot_write(address: Address) -> None:
    engine = open_engine(address, REPORT)
    with engine.connect() as connection, pytest.raises(SQLAlchemyError, match=r"(?i)read-?only"):
        connection.execute(text("DELETE FROM rule_decision"))
    engine.dispose()


@pytest.mark.parametrize("rule", ["", RULE])
def test_a_day_is_found_by_its_index_and_the_version_beside_by_the_key(sqlite: Address, rule: str) -> None:
    from cds_service.edges.store.trials import _grouped

    engine = open_engine(sqlite, REPORT)
    query = _grouped(MONDAY.date(), UTC, rule).compile(engine)
    with engine.connect() as connection:
        values = tuple(query.construct_params()[name] for name in query.positiontup or ())
        values = tuple(str(each) if isinstance(each, datetime) else each for each in values)
        plan = [each[3] for each in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
    engine.dispose()
    assert any("USING INDEX rule_decision_at (at>? AND at<?)" in each for each in plan), plan
    assert any("SEARCH other USING INDEX sqlite_autoindex_rule_decision_1 (call_id=?)" in each for each in plan), plan


# --- the command -----------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "trial_report"


@pytest.fixture
def chosen(address: Address, url: str, monkeypatch: pytest.MonkeyPatch) -> Address:
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    return address


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(["rules", "trial-report", *arguments])
    except SystemExit as ended:
        code = int(str(ended.code))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def two_weeks(keep: Any) -> None:
    """A trial beside an active version over two releases, and a rule that was never reviewed."""
    for days, release in ((0, "2026.11.1"), (8, "2026.11.2")):
        more: dict[str, Any] = {"days": days, "release": release, "digest": f"{days:064d}"}
        keep(pair("fires", "fires"), 40, **more)
        keep(pair("fires", "fires", indicator="warning"), 3, **more)
        keep(pair("silent", "silent", stopped_by=("adult",), active_stopped_by=("adult",)), 70, **more)
        keep(pair("fires", "silent", stopped_by=("screened",), withheld="over the limit"), 6 + days, **more)
        keep(pair("silent", "fires", active_stopped_by=("declined", "screened")), 2, **more)
        keep(pair("silent", "undecided", stopped_by=("moud",), active_stopped_by=("adult",)), 4, **more)
        keep(pair("undecided", "failed", active_stopped_by=("moud",)), 1, **more)
    keep((row("fires", trial=True, rule="methadone-qt", version="1.0.0"),), 3)
    keep((row("silent", trial=True, rule="methadone-qt", version="1.0.0", stopped_by=("moud",)),), 9)
    keep((row("undecided", trial=True, rule="methadone-qt", version="1.0.0", stopped_by=("moud",)),), 1)


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_the_report_is_as_written_down(
    form: str, store: Store, chosen: Address, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    two_weeks(keep)
    store.close()
    code, out, problem = said(capsys, "--format", form)
    assert (code, problem) == (FINE, "")
    out = out.replace(chosen.shown, "DATABASE")
    assert max(map(len, out.splitlines())) <= 100 or form != "text"
    assert out == (GOLDEN / f"report.{form}").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_loads_nothing(
    store: Store, chosen: Address, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from xml.etree import ElementTree

    two_weeks(keep)
    store.close()
    _, out, _ = said(capsys, "--format", "html")
    pictures = re.findall(r"(?s)<svg.*?</svg>", out)
    assert len(pictures) == 2
    bars = [
        float(each.get("width", "0"))
        for each in ElementTree.fromstring(pictures[0]).iter("{http://www.w3.org/2000/svg}rect")
        if each.get("height") == "18"
    ]
    assert round(sum(bars)) == 2 * 500  # two weeks, each bar as wide as the others
    assert "<script" not in out
    assert "http" not in out.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_days_are_put_together_as_asked(
    store: Store, chosen: Address, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for days in (0, 6, 7, 30):
        keep(pair("fires", "fires"), days=days)
    store.close()
    named = {}
    for by in ("day", "week", "month"):
        told = json.loads(said(capsys, "--by", by, "--format", "json")[1])
        named[by] = [(each["period"], each["calls"]) for each in told["trials"][0]["periods"]]
    assert named == {
        "day": [("2026-03-02", 1), ("2026-03-08", 1), ("2026-03-09", 1), ("2026-04-01", 1)],
        "week": [("2026-03-02", 2), ("2026-03-09", 1), ("2026-03-30", 1)],
        "month": [("2026-03", 3), ("2026-04", 1)],
    }


def test_without_a_decision_the_report_says_so(chosen: Address, capsys: pytest.CaptureFixture[str]) -> None:
    none = "no decision of a trial version is on record in these days"
    assert said(capsys) == (FINE, f"{chosen.shown}\n{none}\n", "")
    assert json.loads(said(capsys, "--format", "json")[1])["trials"] == []
    assert none in said(capsys, "--format", "html")[1]


def test_a_rule_that_there_is_not_is_told_with_the_nearest(
    chosen: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDS_RULES", str(small_rules(tmp_path / "rules")))
    no = "in release 2026.1.0, and no trial of it on record"
    for name, near in (("age-remainder", "did you mean 'age-reminder'?"), ("nonsense", "there are age-reminder")):
        told = f"rules trial-report: no rule '{name}' {no}; {near}\n"
        assert said(capsys, "--rule", name) == (USAGE, "", told)
    assert said(capsys, "--rule", "age-reminder")[0] == FINE


def test_a_rule_that_only_the_records_know_is_reported(
    store: Store, chosen: Address, tmp_path: Path, keep: Any,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    keep(pair("fires", "silent"))
    store.close()
    monkeypatch.setenv("CDS_RULES", str(small_rules(tmp_path / "rules")))
    out = said(capsys)[1]
    (rule,) = {each["ruleId"] for each in json.loads(said(capsys, "--format", "json")[1])["trials"]}
    assert said(capsys, "--rule", rule) == (FINE, out, "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--since", "2026-02-30"), "'2026-02-30' is no day; write it as 2026-03-01"),
        (("--until", "yesterday"), "'yesterday' is no day; write it as 2026-03-01"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "--since 2026-03-02 is after --until 2026-03-01"),
        (("--by", "year"), "invalid choice: 'year'"),
    ],
)
def test_what_cannot_be_asked_for_is_usage(
    arguments: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, told = said(capsys, *arguments)
    assert (code, out) == (USAGE, "")
    assert problem in told


def test_a_database_without_the_tables_is_not_made(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    code, out, problem = said(capsys)
    assert (code, out) == (DATABASE, "")
    assert "its schema is not there yet" in problem
    assert "run cds-service db upgrade" in problem
    path = read_address(url).path
    assert path is None or not path.exists()


def test_a_schema_of_a_later_version_is_not_read(chosen: Address, capsys: pytest.CaptureFixture[str]) -> None:
    run(chosen, "UPDATE alembic_version SET version_num = '0999'")
    code, _, problem = said(capsys)
    assert code == DATABASE
    assert "revision 0999" in problem


def test_a_file_that_is_no_database_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "records.db").write_text("this is no database, and long enough to be looked at" * 40)
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{tmp_path}/records.db")
    code, _, problem = said(capsys)
    assert (code, "file is not a database" in problem) == (DATABASE, True)


def test_it_reads_while_the_service_writes(address: Address, losses: Losses) -> None:
    store = Store(address, dropped=losses)
    for number in range(500):
        store.remember(call_of(number, decisions=pair("fires", "silent")))
        if number % 100 == 0:
            counted(address)
    store.close()
    assert (sum(each.calls for each in counted(address)), losses.calls) == (500, 0)
