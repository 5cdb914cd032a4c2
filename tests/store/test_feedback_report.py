"""What was done with cards, from the records of both databases: what is counted, and what the command says."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from cds_service.cli import DATABASE, FINE, SETTINGS, USAGE, main
from cds_service.core.card import OVERRIDE_SYSTEM
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.feedback_counts import counted_feedback, days_on_record, last_feedback
from cds_service.edges.store.purge import purge
from cds_service.edges.store.rows import feedback_values
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.source import OPERATOR, REPORT, open_engine
from cds_service.edges.store.tables import FEEDBACK
from cds_service.edges.store.writer import entry_of, insert_new, write
from cds_service.feedback import ACCEPTED, OVERRIDDEN, FeedbackItem, OverrideReason
from cds_service.feedback_report.counted import MERGED, OTHER, WROTE, Calls, Cards, Unknown
from cds_service.records import CallRow, DecisionRow
from tests.store.sample import DECISION, call_of

UTC = timezone.utc
MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULE, OTHER_RULE = "mat-consideration", "paws-follow-up"
LATER = OverrideReason("will-address-later", OVERRIDE_SYSTEM)
ADDRESSED = OverrideReason("already-addressed", OVERRIDE_SYSTEM)


class Records:
    """Calls and answers that are written at once; a class because it numbers them and holds a connection."""

    def __init__(self, address: Address) -> None:
        self._engine = open_engine(address, OPERATOR)
        self._entries: list[Any] = []
        self._items: list[dict[str, Any]] = []
        self._number = 0

    def card(self, *, days: float = 0, client: str = "example", **changes: Any) -> str:
        """Put a call with one card, and give the card's id. changes: of the decision."""
        self._number += 1
        uuid = changes.pop("card", f"3f0b5c1e-0000-5000-8000-{self._number:012d}")
        self.call(replace(DECISION, card_uuid=uuid, **changes), days=days, client=client)
        return uuid

    def call(self, *decisions: DecisionRow, days: float = 0, **changes: Any) -> None:
        self._number += 1
        row: CallRow = replace(call_of(self._number, decisions=decisions), at=MONDAY + timedelta(days=days))
        self._entries.append(entry_of(replace(row, **changes)))

    def say(
        self, card: str, outcome: str = OVERRIDDEN, *, days: float = 0, client: str = "example", **more: Any
    ) -> None:
        """Put an answer, `days` after Monday by the client's time and ours."""
        at = MONDAY + timedelta(days=days)
        suggestions = ("s",) if outcome == ACCEPTED else ()
        item = FeedbackItem(card, outcome, more.pop("said_at", at), suggestions, **more)
        self._items += feedback_values(client, "oud-patient-view", [item], at, comments=False)

    def keep(self) -> None:
        with self._engine.begin() as connection:
            write(connection, self._entries)
            insert_new(connection, FEEDBACK, self._items)
        self._entries, self._items = [], []
        self._engine.dispose()


@pytest.fixture
def records(address: Address) -> Records:
    return Records(address)


def counted(records: Records, address: Address, **chosen: Any) -> list[Any]:
    records.keep()
    engine = open_engine(address, REPORT)
    try:
        with engine.connect() as connection:
            return list(counted_feedback(connection, chosen.pop("zone", UTC), **chosen))
    finally:
        engine.dispose()


def cards(found: list[Any]) -> Counter[tuple[Any, ...]]:
    """Outcome, reasons and number of the cards that were written."""
    number: Counter[tuple[Any, ...]] = Counter()
    for each in found:
        if isinstance(each, Cards) and each.role == WROTE:
            number[each.outcome, *(code for _, code in each.reasons)] += each.cards
    return number


def unknown(found: list[Any]) -> int:
    return sum(each.items for each in found if isinstance(each, Unknown))


# --- what is counted -------------------------------------------------------------------------------------------------


def test_each_outcome_is_counted_apart(records: Records, address: Address) -> None:
    for _ in range(3):
        records.say(records.card(), ACCEPTED)
    for _ in range(2):
        records.say(records.card(), reasons=(LATER,))
    records.say(records.card(), reasons=(LATER, ADDRESSED))
    records.say(records.card(), reasons=(ADDRESSED, LATER))
    records.say(records.card())
    for _ in range(4):
        records.card()
    found = counted(records, address)
    assert cards(found) == {
        (ACCEPTED,): 3,
        (OVERRIDDEN, "will-address-later"): 2,
        (OVERRIDDEN, "already-addressed", "will-address-later"): 2,
        (OVERRIDDEN,): 1,
        ("",): 4,
    }
    assert found[0] == Calls(date(2026, 3, 2), "example", "oud-patient-view", "0" * 64, 12)
    first = next(each for each in found if isinstance(each, Cards))
    assert (first.rule, first.version, first.client, first.digest) == (RULE, "2.0.0", "example", "0" * 64)


def test_an_item_that_comes_twice_counts_once(records: Records, address: Address) -> None:
    card = records.card()
    for _ in range(2):
        records.say(card, reasons=(LATER,))
    found = counted(records, address)
    assert cards(found) == {(OVERRIDDEN, "will-address-later"): 1}
    assert sum(each.again for each in found if isinstance(each, Cards)) == 0


@pytest.mark.parametrize(
    ("first", "second", "apart", "counts"),
    [
        (OVERRIDDEN, ACCEPTED, 1, ACCEPTED),  # the clinician came back to it
        (ACCEPTED, OVERRIDDEN, 1, OVERRIDDEN),
        (OVERRIDDEN, ACCEPTED, 0, ACCEPTED),  # at one moment a suggestion was taken and the card put away
        (ACCEPTED, OVERRIDDEN, 0, ACCEPTED),
    ],
)
def test_of_several_answers_the_last_counts(
    first: str, second: str, apart: int, counts: str, records: Records, address: Address
) -> None:
    card = records.card()
    # They come in the other order, as batches do: the client's own time decides.
    records.say(card, second, days=3, said_at=MONDAY + timedelta(minutes=apart))
    records.say(card, first, days=4, said_at=MONDAY)
    found = counted(records, address)
    assert cards(found) == {(counts,): 1}
    assert sum(each.again for each in found if isinstance(each, Cards)) == 1


def test_an_answer_counts_whenever_it_came(records: Records, address: Address) -> None:
    records.say(records.card(days=0), days=40)
    first = date(2026, 3, 2)
    assert cards(counted(records, address, since=first, until=first)) == {(OVERRIDDEN,): 1}


def test_an_answer_about_an_earlier_card_does_not_count_with_the_day_it_came(
    records: Records, address: Address
) -> None:
    records.say(records.card(days=0), days=1)
    records.card(days=1)
    found = counted(records, address, since=date(2026, 3, 3))
    assert (cards(found), unknown(found)) == ({("",): 1}, 0)


def test_feedback_about_a_card_that_is_not_on_record_is_counted_apart(records: Records, address: Address) -> None:
    records.say("no-card-of-ours")
    records.say(records.card(), client="another")  # nobody speaks about another client's cards
    records.say("3f0b5c1e-0000-5000-8000-999999999999", days=9)
    found = counted(records, address)
    assert (cards(found), unknown(found)) == ({("",): 1}, 3)
    assert unknown(counted(records, address, until=date(2026, 3, 2))) == 2


def test_trial_decisions_are_no_cards(records: Records, address: Address) -> None:
    records.call(replace(DECISION, trial=True, card_uuid=None, withheld="trial"))
    found = counted(records, address)
    assert [each for each in found if isinstance(each, Cards)] == []


def test_a_card_counts_for_the_rule_that_wrote_it_and_others_are_told_apart(records: Records, address: Address) -> None:
    merged = replace(DECISION, rule=OTHER_RULE, withheld=f"merged into {RULE}")
    silent = replace(DECISION, rule="methadone-qt", state="undecided", card_uuid=None, indicator=None)
    records.call(DECISION, merged, silent)
    records.say(str(DECISION.card_uuid), ACCEPTED)
    found = [each for each in counted(records, address) if isinstance(each, Cards)]
    roles = {each.rule: (each.role, each.host, each.cards) for each in found}
    assert roles == {RULE: (WROTE, "", 1), OTHER_RULE: (MERGED, RULE, 1), "methadone-qt": (OTHER, "", 1)}


def test_a_call_that_was_sent_again_shows_its_card_once_on_the_first_day(records: Records, address: Address) -> None:
    card = records.card()
    records.card(card=card)
    records.card(card=card, days=1)
    records.card(card=card, client="another")  # another client's call may have the same id
    records.say(card)
    found = counted(records, address)
    shown = {(each.day.day, each.client, each.outcome): each.cards for each in found if isinstance(each, Cards)}
    assert shown == {(2, "example", OVERRIDDEN): 1, (2, "another", ""): 1}


def test_days_are_those_of_the_time_zone(records: Records, address: Address) -> None:
    records.card(days=0.75)  # 06:00 UTC on Tuesday
    assert [each.day for each in counted(records, address)] == [date(2026, 3, 3)] * 2
    assert {each.day for each in counted(records, address, zone=ZoneInfo("America/Los_Angeles"))} == {date(2026, 3, 2)}


def test_only_the_rule_asked_for_is_counted_and_every_call(records: Records, address: Address) -> None:
    records.card()
    records.card(rule=OTHER_RULE)
    found = counted(records, address, rule=OTHER_RULE)
    assert [each.rule for each in found if isinstance(each, Cards)] == [OTHER_RULE]
    assert [each.calls for each in found if isinstance(each, Calls)] == [2]


def test_feedback_about_purged_cards_is_about_cards_not_on_record(records: Records, address: Address) -> None:
    records.say(records.card(), days=5)
    records.card(days=6)
    records.keep()
    engine = open_engine(address, OPERATOR)
    purge(engine, MONDAY + timedelta(days=3), MONDAY)
    engine.dispose()
    found = counted(records, address)
    assert (cards(found), unknown(found)) == ({("",): 1}, 1)


def test_the_days_on_record_and_who_was_heard_last_are_told(records: Records, address: Address) -> None:
    records.say(records.card(), days=3)
    records.card(days=9, client="another")
    records.keep()
    engine = open_engine(address, REPORT)
    with engine.connect() as connection:
        assert days_on_record(connection, UTC) == (date(2026, 3, 2), date(2026, 3, 11))
        assert days_on_record(connection, UTC, until=date(2026, 3, 10)) == (date(2026, 3, 2), date(2026, 3, 2))
        assert days_on_record(connection, UTC, since=date(2026, 4, 1)) is None
        assert last_feedback(connection, UTC) == {"example": date(2026, 3, 5)}
    engine.dispose()


# --- the command -----------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "feedback_report"
SVG = "{http://www.w3.org/2000/svg}"
RULES = Path(__file__).parent.parent.parent / "rules"
SITE_FILE = """\
site: Example Hospital
feedback:
  most_overridden: {value: 80, why: The committee looks at it., by: A. Example, date: 2026-02-20}
"""


def five_weeks(records: Records) -> None:
    """Two clients, of which one is silent; two versions of a rule; one that annoys; and rules with few cards."""
    for week in range(5):
        days = 7 * week
        for number in range(60):
            version = "2.0.0" if week < 3 else "2.1.0"
            digest = f"{version[2]:0>64}"
            records.call(days=days, client="example" if number % 3 else "kiosk", digest=digest)
            card = uuid_of(week, number, 1)
            records.call(replace(DECISION, version=version, card_uuid=card), days=days, digest=digest)
            if number % 4 == 0:
                records.say(card, ACCEPTED, days=days)
            elif number % 4 == 1:
                records.say(card, days=days, reasons=(LATER,) if number % 8 == 1 else (ADDRESSED,))
            elif number % 20 == 2:
                records.say(card, days=days, reasons=(OverrideReason("=cmd", "https://example.org/reasons"),))
                records.say(card, ACCEPTED, days=days + 0.1)
        for number in range(24):
            card = uuid_of(week, number, 2)
            annoying = replace(DECISION, rule="naltrexone-with-opioids", version="1.0.0", card_uuid=card)
            merged = replace(
                DECISION,
                rule="social-risk",
                version="1.0.0",
                card_uuid=card,
                withheld="merged into naltrexone-with-opioids",
            )
            records.call(annoying, merged, days=days, digest=digest)
            records.say(card, ACCEPTED if (week, number) == (2, 3) else OVERRIDDEN, days=days, reasons=(LATER,))
        for number in range(30 if week < 2 else 0):
            quiet = replace(DECISION, rule="paws-follow-up", version="2.0.0", card_uuid=uuid_of(week, number, 3))
            records.call(quiet, days=days, client="kiosk", digest=digest)
        rare = replace(DECISION, rule="moud-in-pregnancy", version="1.0.0", card_uuid=uuid_of(week, 0, 4))
        records.call(rare, days=days, digest=digest)
    records.say("no-card-of-ours", days=1)


def uuid_of(*numbers: int) -> str:
    return f"3f0b5c1e-0000-5000-8000-{''.join(f'{each:04d}' for each in numbers)}"


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CDS_RULES", str(RULES))

    def choose(url: str) -> None:
        monkeypatch.setenv("CDS_DATABASE_URL", url)

    return choose


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(["feedback", "report", *arguments])
    except SystemExit as ended:
        code = int(str(ended.code))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def told(capsys: pytest.CaptureFixture[str], address: Address, *arguments: str) -> str:
    """What the command prints, without what differs from run to run."""
    code, out, problem = said(capsys, *arguments)
    assert (code, problem) == (FINE, "")
    return out.replace(address.shown, "DATABASE").replace(date.today().isoformat(), "TODAY")


@pytest.fixture(scope="module")
def five_weeks_kept(tmp_path_factory: pytest.TempPathFactory) -> Address:
    """A SQLite file that is only read."""
    address = read_address(f"sqlite:///{tmp_path_factory.mktemp('five-weeks')}/records.db")
    upgrade(address)
    records = Records(address)
    five_weeks(records)
    records.keep()
    return address


@pytest.mark.parametrize("form", ["text", "csv", "json", "html"])
def test_the_report_is_as_written_down(
    form: str, five_weeks_kept: Address, chosen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen(f"sqlite:///{five_weeks_kept.path}")
    (tmp_path / "site.yaml").write_text(SITE_FILE)
    out = told(capsys, five_weeks_kept, "--site", str(tmp_path / "site.yaml"), "--format", form)
    assert out == (GOLDEN / f"report.{form}").read_text(encoding="utf-8")
    assert form != "text" or max(map(len, out.splitlines())) <= 100


def test_the_report_is_the_same_from_postgresql(
    postgresql_url: str, chosen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = read_address(postgresql_url)
    upgrade(address)
    records = Records(address)
    five_weeks(records)
    records.keep()
    chosen(postgresql_url)
    (tmp_path / "site.yaml").write_text(SITE_FILE)
    out = told(capsys, address, "--site", str(tmp_path / "site.yaml"), "--format", "json")
    assert out == (GOLDEN / "report.json").read_text(encoding="utf-8")


def test_the_guide_shows_pieces_of_the_report() -> None:
    guide = (RULES.parent / "docs" / "how-to" / "read-the-feedback-report.md").read_text(encoding="utf-8")
    pieces = re.findall(r"(?s)```text\n(.*?)```", guide)
    report = (GOLDEN / "report.text").read_text(encoding="utf-8")
    assert [each for each in pieces if each not in report] == []
    assert len(pieces) == 2


def test_the_page_is_well_formed_and_its_pictures_say_what_they_show() -> None:
    page = (GOLDEN / "report.html").read_text(encoding="utf-8")
    ElementTree.fromstring(re.sub(r"<!DOCTYPE html>|<meta [^>]*>", "", page))
    pictures = [ElementTree.fromstring(each) for each in re.findall(r"(?s)<svg.*?</svg>", page)]
    assert len(pictures) == 7  # overrides of all, then the periods of four versions, and the overrides of two
    for each in pictures:
        title, desc = each[0], each[1]
        assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
        assert each.get("role") == "img"
        assert (title.text, bool(desc.text)) == (each.get("aria-label"), True)
    assert "naltrexone-with-opioids 1.0.0: 91.7 to 99.2 %." in (pictures[0][1].text or "")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_what_a_client_sends_as_a_code_is_no_formula_and_no_markup(
    sqlite: Address, sqlite_url: str, chosen: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Records(sqlite)
    for code in ("=cmd|calc", "<script>"):
        for _ in range(12):
            records.say(records.card(), reasons=(OverrideReason(code, ""),))
    records.keep()
    chosen(sqlite_url)
    cells = [line.split(",")[3] for line in told(capsys, sqlite, "--format", "csv").splitlines()]
    assert "'=cmd|calc" in cells
    assert "=cmd|calc" not in cells
    assert "<td>&lt;script&gt;</td>" in told(capsys, sqlite, "--format", "html")


def test_a_setting_holds_small_counts_back_or_tells_them(
    sqlite: Address, sqlite_url: str, chosen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Records(sqlite)
    for _ in range(7):
        records.say(records.card())
    records.keep()
    chosen(sqlite_url)
    site = tmp_path / "site.yaml"
    site.write_text(SITE_FILE.replace("most_overridden: {value: 80", "small_counts: {value: 5"))
    assert "cards shown: fewer than 11" in told(capsys, sqlite)
    assert "cards shown: 7, " in told(capsys, sqlite, "--site", str(site))
    assert "cards shown: fewer than 8" in told(capsys, sqlite, "--site", str(site), "--small-counts", "8")
    everything = told(capsys, sqlite, "--small-counts", "1")
    assert "cards shown: 7, " in everything
    assert "Small counts are told." in everything


def test_the_report_goes_to_a_file(
    sqlite: Address, sqlite_url: str, chosen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Records(sqlite)
    records.card()
    records.keep()
    chosen(sqlite_url)
    out = tmp_path / "report.json"
    assert said(capsys, "--format", "json", "--out", str(out)) == (FINE, f"written: {out}\n", "")
    assert json.loads(out.read_text())["versions"][0]["shown"] is None
    code, printed, problem = said(capsys, "--out", str(tmp_path / "not-there" / "report.txt"))
    assert (code, printed, "No such file" in problem) == (USAGE, "", True)


def test_without_a_call_the_report_says_so(
    sqlite: Address, sqlite_url: str, chosen: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen(sqlite_url)
    none = "no call is on record in these days"
    assert said(capsys) == (FINE, f"{sqlite.shown}\n{none}\n", "")
    assert json.loads(said(capsys, "--format", "json")[1])["notes"] == [none]
    assert none in said(capsys, "--format", "html")[1]
    assert len(said(capsys, "--format", "csv")[1].splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--since", "2026-02-30"), "'2026-02-30' is no day; write it as 2026-03-01"),
        (("--since", "20260301"), "'20260301' is no day; write it as 2026-03-01"),
        (("--until", "9999-12-31"), "9999-12-31 is not between 1900 and 2200"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "--since 2026-03-02 is after --until 2026-03-01"),
        (("--small-counts", "4"), "'4' is neither 1 nor a whole number from 5 to 1000"),
        (("--by", "day"), "invalid choice: 'day'"),
        (("--format", "pdf"), "invalid choice: 'pdf'"),
    ],
)
def test_what_cannot_be_asked_for_is_usage(
    arguments: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, told = said(capsys, *arguments)
    assert (code, out) == (USAGE, "")
    assert problem in told


def test_a_site_file_that_cannot_be_used_is_told(
    sqlite: Address, sqlite_url: str, chosen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen(sqlite_url)
    site = tmp_path / "site.yaml"
    site.write_text(SITE_FILE.replace("value: 80", "value: 120"))
    code, out, problem = said(capsys, "--site", str(site))
    assert (code, out) == (SETTINGS, "")
    assert f"{site}:3:28: site-not-allowed" in problem
    assert f"--site: {site} cannot be used" in problem


def test_a_database_without_the_tables_is_not_made(url: str, chosen: Any, capsys: pytest.CaptureFixture[str]) -> None:
    chosen(url)
    code, out, problem = said(capsys)
    assert (code, out) == (DATABASE, "")
    assert "run cds-service db upgrade" in problem
    path = read_address(url).path
    assert path is None or not path.exists()


def test_a_day_and_what_belongs_to_it_are_found_by_indexes(sqlite: Address) -> None:
    from cds_service.edges.store.feedback_counts import _calls, _cards, _unknown

    engine, day = open_engine(sqlite, REPORT), date(2026, 3, 2)
    steps = []
    for query in (_calls(day, UTC), _cards(day, UTC, RULE), _unknown(day, UTC)):
        compiled = query.compile(engine)
        with engine.connect() as connection:
            values = tuple(compiled.construct_params()[name] for name in compiled.positiontup or ())
            values = tuple(str(each) if isinstance(each, datetime) else each for each in values)
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
            steps += [each[3] for each in plan if each[3].startswith(("SEARCH", "SCAN"))]
    engine.dispose()
    whole = [each for each in steps if each.startswith("SCAN") and "subquery" not in each and "anon" not in each]
    assert whole == [], steps
    for index in (
        "call USING INDEX call_at (at>? AND at<?)",
        "feedback USING INDEX feedback_card (card=?)",
        "earlier USING INDEX rule_decision_card (card_uuid=?)",
        "feedback USING INDEX feedback_received_at (received_at>? AND received_at<?)",
    ):
        assert any(index in each for each in steps), "\n".join([index, *steps])
