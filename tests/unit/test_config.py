"""Settings stop start-up and name the variable, or they are what docs/reference/settings.md says."""

import re
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from cds_service.clients.client import ANONYMOUS
from cds_service.config import AVAILABLE, DATABASE_URL, SettingProblem, Settings, is_loopback, read_settings
from cds_service.wiring import clock

OFF = {"CDS_AUTH": "off"}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def refused(**variables: str) -> str:
    with pytest.raises(SettingProblem) as caught:
        read_settings({**OFF, **variables})
    return str(caught.value)


def test_without_any_variable_the_defaults_hold() -> None:
    assert read_settings(OFF, cores=2) == Settings(auth="off", workers=2, database_url=DATABASE_URL)


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = read_settings(
        {
            **OFF,
            "CDS_HOST": "::1",
            "CDS_PORT": "9000",
            "CDS_RULES": str(tmp_path),
            "CDS_MAX_BODY_MB": "2",
            "CDS_TIMEZONE": "America/New_York",
            "CDS_LOG_LEVEL": "Warning",
            "CDS_WORKERS": "3",
            "CDS_THREADS": "5",
            "CDS_TODAY": "2026-03-01",
        }
    )
    assert (settings.host, settings.port, settings.rules, settings.max_body_bytes) == ("::1", 9000, tmp_path, 2_000_000)
    assert (str(settings.timezone), settings.log_level) == ("America/New_York", "warning")
    assert (settings.workers, settings.threads, settings.today) == (3, 5, date(2026, 3, 1))


def test_other_programs_variables_are_not_ours() -> None:
    assert read_settings({**OFF, "PATH": "/bin", "XCDS_PORT": "x"}, cores=1) == Settings(
        auth="off", database_url=DATABASE_URL
    )


def test_an_empty_value_counts_as_not_set() -> None:
    assert read_settings({**OFF, "CDS_PORT": " ", "CDS_RULES": ""}, cores=1) == Settings(
        auth="off", database_url=DATABASE_URL
    )


def test_a_site_file_that_is_not_there_stops(tmp_path: Path) -> None:
    assert refused(CDS_SITE=str(tmp_path / "s")) == f"CDS_SITE: {str(tmp_path / 's')!r} is no file"
    (tmp_path / "s").write_text("", encoding="utf-8")
    assert read_settings({**OFF, "CDS_SITE": str(tmp_path / "s")}).site == tmp_path / "s"


def test_an_unknown_variable_stops_and_the_nearest_is_named() -> None:
    assert refused(CDS_PROT="1") == "CDS_PROT: no such setting\n  hint: did you mean CDS_PORT?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CDS_PORT", "http"),
        ("CDS_PORT", "65536"),
        ("CDS_PORT", "-1"),
        ("CDS_PORT", "८०"),
        ("CDS_MAX_BODY_MB", "0"),
        ("CDS_MAX_BODY_MB", "1.5"),
        ("CDS_WORKERS", "0"),
        ("CDS_THREADS", "65"),
        ("CDS_AUTH", "no"),
        ("CDS_ALLOW_OPEN", "true"),
        ("CDS_LOG_LEVEL", "loud"),
        ("CDS_RULES", "/no/such/folder"),
        ("CDS_TIMEZONE", "Middle/Earth"),
        ("CDS_TIMEZONE", "../../etc/hosts"),
        ("CDS_TODAY", "1 March"),
        ("CDS_TODAY", "2026-02-30"),
        ("CDS_CLIENTS", "no-such-file.yaml"),
        ("CDS_CORS_ORIGINS", "*"),
        ("CDS_CORS_ORIGINS", "https://app.example.org/"),
        ("CDS_CORS_ORIGINS", "app.example.org"),
        ("CDS_ALLOW_UNREVIEWED", "perhaps"),
        ("CDS_RETENTION_DAYS", "0"),
        ("CDS_BUDGET_MS", "49"),
    ],
)
def test_a_bad_value_stops_and_names_the_variable(name: str, value: str) -> None:
    problem = refused(**{name: value})
    assert problem.startswith(f"{name}: {value!r}")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://SENTINEL.example.org", "is not https; http is taken on this machine only"),
        ("SENTINEL", "has no host, or a blank in it"),
        ("https://", "has no host, or a blank in it"),
        ("https://cds.example.org/SENTINEL x", "has no host, or a blank in it"),
        ("https://cds.example.org:SENTINEL", "cannot be read"),
        ("https://SENTINEL@cds.example.org", "holds a name or a password"),
        ("https://:SENTINEL@cds.example.org", "holds a name or a password"),
        ("https://cds.example.org/?SENTINEL", "has more than scheme, host and path"),
        ("https://cds.example.org/#", "has more than scheme, host and path"),
    ],
)
def test_a_public_url_that_cannot_be_is_told_and_not_repeated(url: str, fault: str) -> None:
    told = refused(CDS_PUBLIC_URL=url)
    assert told == f"CDS_PUBLIC_URL: the URL {fault}; give one such as https://cds.example.org"


def test_a_database_that_cannot_be_is_named_without_its_url() -> None:
    problem = refused(CDS_DATABASE_URL="mysql://name:SENTINEL@db.example.org/cds")
    assert problem.startswith("CDS_DATABASE_URL: ")
    assert "SENTINEL" not in problem


def test_settings_of_the_edge_are_read() -> None:
    settings = read_settings(
        {
            **OFF,
            "CDS_PUBLIC_URL": "https://cds.example.org/oud/",
            "CDS_CORS_ORIGINS": "https://app.example.org, http://127.0.0.1:9000",
            "CDS_DATABASE_URL": "postgresql://cds@db.example.org/cds",
            "CDS_ALLOW_UNREVIEWED": "yes",
            "CDS_RETENTION_DAYS": "30",
            "CDS_BUDGET_MS": "800",
        }
    )
    assert (settings.public_url, settings.cors_origins) == (
        "https://cds.example.org/oud",
        ("https://app.example.org", "http://127.0.0.1:9000"),
    )
    assert settings.database_url == "postgresql://cds@db.example.org/cds"
    assert (settings.allow_unreviewed, settings.retention_days, settings.budget_ms) == (True, 30, 800)


def test_callers_cannot_be_checked_without_a_clients_file() -> None:
    assert refused(CDS_AUTH="required").startswith("CDS_CLIENTS: is needed with CDS_AUTH=required")


def test_checking_callers_is_the_default() -> None:
    with pytest.raises(SettingProblem, match=r"CDS_CLIENTS: is needed"):
        read_settings({})


def test_a_frozen_day_is_refused_where_callers_are_checked() -> None:
    assert refused(CDS_AUTH="required", CDS_TODAY="2026-03-01").startswith("CDS_TODAY: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "ehr.example.org"])
def test_without_checks_only_this_machine_is_served(host: str) -> None:
    assert refused(CDS_HOST=host).startswith(f"CDS_HOST: {host!r}")
    assert read_settings({**OFF, "CDS_HOST": host, "CDS_ALLOW_OPEN": "yes"}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_addresses_of_this_machine_are_known(host: str) -> None:
    assert is_loopback(host)


def test_every_setting_has_its_entry_and_no_other_is_described() -> None:
    described = set(re.findall(r"CDS_[A-Z_]+", PAGE.read_text(encoding="utf-8"))) - {"CDS_"}
    assert described == {*AVAILABLE}


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", date(2026, 3, 1)), ("Pacific/Kiritimati", date(2026, 3, 2)), ("utc", date(2026, 3, 1))]
)
def test_today_is_the_day_in_the_chosen_zone(zone: str, day: date) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    settings = read_settings({**OFF, "CDS_TIMEZONE": zone})
    assert clock(settings, now=lambda there: noon.astimezone(there))(ANONYMOUS) == day


def test_a_frozen_day_is_today() -> None:
    assert clock(Settings(today=date(2026, 3, 1), timezone=timezone.utc))(ANONYMOUS) == date(2026, 3, 1)
