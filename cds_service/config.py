"""Settings: CDS_* environment variables, read once and checked, into a frozen dataclass.

docs/reference/settings.md describes each of them. A variable that is unknown or badly written stops
start-up and is named: a setting that is silently ignored is worse than none.
"""

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timezone, tzinfo
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

MEGABYTE = 1_000_000
AUTH_REQUIRED, AUTH_OFF = "required", "off"
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")

AVAILABLE = (
    "CDS_HOST", "CDS_PORT", "CDS_AUTH", "CDS_RULES", "CDS_MAX_BODY_MB", "CDS_TIMEZONE", "CDS_ALLOW_OPEN",
    "CDS_LOG_LEVEL", "CDS_WORKERS", "CDS_THREADS", "CDS_TODAY", "CDS_PUBLIC_URL", "CDS_CLIENTS", "CDS_DATABASE_URL",
    "CDS_CORS_ORIGINS", "CDS_ALLOW_UNREVIEWED", "CDS_RETENTION_DAYS", "CDS_BUDGET_MS", "CDS_SITE",
)  # fmt: skip
DATABASE_URL = "sqlite:///var/cds-service.db"
KEPT = Path("var") / "releases"  # where accepted releases are kept, beside the records
RETENTION_DAYS = 90
BUDGET_MS, LEAST_BUDGET_MS, MOST_BUDGET_MS = 1500, 50, 20_000


_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class SettingProblem(Exception):
    """A setting that cannot be used; the text names the variable, what was found and what is wanted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose.

    auth:           "required" or "off"; with "off" every call is the client `anonymous`.
    rules:          rules folder that CDS_RULES names; None = the packaged one.
    site:           file with what the site changes of the rules; None = they are served as shipped.
    max_body_bytes: largest request body.
    timezone:       whose calendar day is today.
    today:          a frozen day for tests and demos; None = the clock's.
    public_url:     what clients call this service by, without a trailing slash; "" = none given.
    clients:        file that names the clients; None = none.
    database_url:   where records are kept; None keeps none, which no environment can choose (tests and tools do).
    cors_origins:   origins of browser clients that may read answers; empty = CORS is off.
    allow_unreviewed: with auth required, whether rules that no clinician has reviewed show cards.
    retention_days: how long records are kept.
    budget_ms:      how long a call may go on fetching from a FHIR server, from its start.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    auth: str = AUTH_REQUIRED
    rules: Path | None = None
    max_body_bytes: int = 8 * MEGABYTE
    timezone: tzinfo = timezone.utc
    log_level: str = "info"
    workers: int = 1
    threads: int = 4
    today: date | None = None
    public_url: str = ""
    clients: Path | None = None
    database_url: str | None = None
    cors_origins: tuple[str, ...] = ()
    allow_unreviewed: bool = False
    retention_days: int = RETENTION_DAYS
    budget_ms: int = BUDGET_MS
    site: Path | None = None


def read_settings(environ: Mapping[str, str], cores: int | None = None) -> Settings:
    """Read the CDS_* variables of `environ`; an empty value counts as not set.

    cores: processor cores, the default of CDS_WORKERS; None = those of this machine.
    Raises SettingProblem.
    """
    given = {name: value.strip() for name, value in environ.items() if name.startswith("CDS_") and value.strip()}
    _refuse_unknown(given)
    settings = Settings(
        host=given.get("CDS_HOST", "127.0.0.1"),
        port=_whole(given, "CDS_PORT", 8000, 0, 65535),
        auth=_one_of(given, "CDS_AUTH", (AUTH_REQUIRED, AUTH_OFF), AUTH_REQUIRED),
        rules=_folder(given, "CDS_RULES"),
        max_body_bytes=_whole(given, "CDS_MAX_BODY_MB", 8, 1, 256) * MEGABYTE,
        timezone=_timezone(given, "CDS_TIMEZONE"),
        log_level=_one_of(given, "CDS_LOG_LEVEL", LOG_LEVELS, "info"),
        workers=_whole(given, "CDS_WORKERS", cores or os.cpu_count() or 1, 1, 256),
        threads=_whole(given, "CDS_THREADS", 4, 1, 64),
        today=_day(given, "CDS_TODAY"),
        public_url=_url(given, "CDS_PUBLIC_URL"),
        clients=_file(given, "CDS_CLIENTS"),
        database_url=_database(given, "CDS_DATABASE_URL"),
        cors_origins=_origins(given, "CDS_CORS_ORIGINS"),
        allow_unreviewed=_one_of(given, "CDS_ALLOW_UNREVIEWED", ("yes", "no"), "no") == "yes",
        retention_days=_whole(given, "CDS_RETENTION_DAYS", RETENTION_DAYS, 1, 36500),
        budget_ms=_whole(given, "CDS_BUDGET_MS", BUDGET_MS, LEAST_BUDGET_MS, MOST_BUDGET_MS),
        site=_file(given, "CDS_SITE"),
    )
    _check_together(settings, allow_open=_one_of(given, "CDS_ALLOW_OPEN", ("yes", "no"), "no") == "yes")
    return settings


def public_url_of(environ: Mapping[str, str]) -> str:
    """Read CDS_PUBLIC_URL alone, for commands that serve nothing. Raises SettingProblem."""
    given = environ.get("CDS_PUBLIC_URL", "").strip()
    return _url({"CDS_PUBLIC_URL": given}, "CDS_PUBLIC_URL") if given else ""


def url_fault(text: str) -> str:
    """Say what is wrong with a URL of a service, "" for nothing; its text, which may hold a password, is not repeated.

    Taken is https, or http on this machine, with a host and perhaps a path, and nothing else.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port  # raises when it is no port
    except ValueError:
        return "cannot be read"
    if parts.username is not None or parts.password is not None:
        return "holds a name or a password"
    if parts.query or parts.fragment or "?" in text or "#" in text:
        return "has more than scheme, host and path"
    if not host or any(each <= " " for each in text):
        return "has no host, or a blank in it"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        return "is not https; http is taken on this machine only"
    return ""


def is_origin(text: str) -> bool:
    """Whether `text` is one origin, as browsers write it: scheme, host and port in small letters."""
    return _ORIGIN.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_together(settings: Settings, allow_open: bool) -> None:
    if settings.auth == AUTH_REQUIRED:
        if settings.today:
            raise SettingProblem("CDS_TODAY: a frozen day is for tests and demos; it is refused with CDS_AUTH=required")
        if settings.clients is None:
            raise SettingProblem(
                "CDS_CLIENTS: is needed with CDS_AUTH=required: the file that names who may call\n"
                "  hint: docs/reference/clients.md; CDS_AUTH=off serves every caller, on this machine only"
            )
        return
    if not allow_open and not is_loopback(settings.host):
        raise SettingProblem(
            f"CDS_HOST: {settings.host!r} can be reached from other machines and CDS_AUTH=off checks no caller\n"
            "  hint: use 127.0.0.1, or set CDS_ALLOW_OPEN=yes if a proxy in front checks callers"
        )


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in sorted(given):
        if name not in AVAILABLE:
            near = difflib.get_close_matches(name, AVAILABLE, n=1)
            hint = f"\n  hint: did you mean {near[0]}?" if near else f"\n  hint: settings are {', '.join(AVAILABLE)}"
            raise SettingProblem(f"{name}: no such setting{hint}")


def _whole(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    if name not in given:
        return default
    text = given[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise SettingProblem(f"{name}: {text!r} is not a whole number from {least} to {most}")
    return int(text)


def _one_of(given: Mapping[str, str], name: str, words: tuple[str, ...], default: str) -> str:
    value = given.get(name, default).lower()
    if value not in words:
        raise SettingProblem(f"{name}: {given[name]!r} is none of {', '.join(words)}")
    return value


def _folder(given: Mapping[str, str], name: str) -> Path | None:
    if name not in given:
        return None
    path = Path(given[name])
    if not path.is_dir():
        raise SettingProblem(f"{name}: {given[name]!r} is no folder")
    return path


def _timezone(given: Mapping[str, str], name: str) -> tzinfo:
    text = given.get(name, "UTC")
    if text.upper() == "UTC":  # a small container may have no time zone files at all
        return timezone.utc
    try:
        return ZoneInfo(text)
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        example = "an IANA name such as America/New_York"
        raise SettingProblem(f"{name}: {text!r} is no time zone; give {example}") from None


def _day(given: Mapping[str, str], name: str) -> date | None:
    if name not in given:
        return None
    try:
        return date.fromisoformat(given[name])
    except ValueError:
        raise SettingProblem(f"{name}: {given[name]!r} is no day; write it as 2026-03-01") from None


def _file(given: Mapping[str, str], name: str) -> Path | None:
    if name not in given:
        return None
    path = Path(given[name])
    if not path.is_file():
        raise SettingProblem(f"{name}: {given[name]!r} is no file")
    return path


def _url(given: Mapping[str, str], name: str) -> str:
    """A base URL without query."""
    if name not in given:
        return ""
    fault = url_fault(given[name])
    if fault:
        raise SettingProblem(f"{name}: the URL {fault}; give one such as https://cds.example.org")
    return given[name].rstrip("/")


def _origins(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Origins separated by commas or blanks, as browsers write them."""
    origins = tuple(dict.fromkeys(given.get(name, "").replace(",", " ").split()))
    for each in origins:
        if not is_origin(each):
            raise SettingProblem(
                f"{name}: {each!r} is no origin; give scheme, host and port such as https://app.example.org, in small "
                "letters, without a path; each origin is named, so * is none"
            )
    return origins


def _database(given: Mapping[str, str], name: str) -> str:
    url = given.get(name, DATABASE_URL)
    scheme = url.partition("://")[0]
    if scheme not in ("sqlite", "postgresql") or "://" not in url:
        raise SettingProblem(  # the URL may hold a password, so it is not repeated
            f"{name}: begins with neither sqlite:/// nor postgresql://; "
            f"give {DATABASE_URL} or postgresql://name:password@host/database"
        )
    return url
