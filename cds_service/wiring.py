"""The one place where parts are put together: ports are built here and handed in as arguments."""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path

from flask import Flask

from cds_service.clients.client import Client
from cds_service.config import Settings
from cds_service.core.engine import compile_release
from cds_service.core.rule import Release
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import find_rules, load_rules
from cds_service.edges.server import Opened, Serving
from cds_service.edges.store.address import read_address
from cds_service.edges.store.store import Store, utc_now
from cds_service.edges.web import Door, Ports, Seen, create_app
from cds_service.records import CallRow, call_row
from cds_service.services import Site

BODY_DEADLINE_S = 10.0


def clock(settings: Settings, now: Callable[[tzinfo], datetime] = datetime.now) -> Callable[[Client], date]:
    """Give the calendar day of `now` in the client's time zone, else in the chosen one; or the frozen day."""
    frozen, zone = settings.today, settings.timezone
    if frozen is not None:
        return lambda client: frozen
    return lambda client: now(client.timezone or zone).date()


def build_app(settings: Settings) -> Flask:
    """Build the WSGI application, for tools and tests, which keep no records; a server uses `open_service`."""
    app = open_service(replace(settings, database_url=None)).app
    assert isinstance(app, Flask)
    return app


def open_service(settings: Settings) -> Opened:
    """Load the rules and open all that one worker needs. The rules were linted before; see `check_rules`."""
    served = load_rules(find_rules(settings.rules), check=False)
    store = open_store(settings)
    ports = Ports(
        compiled=compile_release(served.release),
        today=clock(settings),
        new_incident=lambda: uuid.uuid4().hex,
        site=Site(public_url=settings.public_url),
        seen=recorder(store.remember, served.release) if store else _kept_nowhere,
    )
    door = Door(max_bytes=settings.max_body_bytes, deadline_s=BODY_DEADLINE_S, monotonic=time.monotonic)
    app = create_app(ports, door, rule_pages(served.release))
    return Opened(app, store.close) if store else Opened(app)


def open_store(settings: Settings) -> Store | None:
    """Open the records of one worker; None when none are kept."""
    if settings.database_url is None:
        return None
    return Store(read_address(settings.database_url), dropped=lambda kind, count: None)


def recorder(
    remember: Callable[[CallRow], None], release: Release, now: Callable[[], datetime] = utc_now
) -> Callable[[Seen], None]:
    """Give the function that keeps each request that was judged; a request that was refused leaves no record."""

    def record(seen: Seen) -> None:
        if seen.call is None or seen.answer is None:
            return
        row = call_row(
            seen.answer,
            at=now(),
            hook_instance=seen.call.hook_instance,
            service=seen.service,
            client=seen.client,
            release=release,
            ms=round(1000 * seen.seconds, 3),
        )
        remember(row)

    return record


def _kept_nowhere(seen: Seen) -> None:
    pass


def prepare_records(settings: Settings) -> str:
    """Make the database ready before workers start, and give a warning, or "". Raises SchemaProblem, SettingProblem."""
    if settings.database_url is None:
        return ""
    from cds_service.edges.store.start_up import prepare  # with Alembic, which only the master needs

    return prepare(read_address(settings.database_url))


def check_rules(settings: Settings) -> Path:
    """Lint the rules that would be served and give their folder. Raises RulesProblem."""
    return load_rules(find_rules(settings.rules), check=True).folder


def serving(settings: Settings, on_ready: Callable[[int], None]) -> Serving:
    """How the server is run with these settings."""
    return Serving(
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        threads=settings.threads,
        log_level=settings.log_level,
        deadline_s=BODY_DEADLINE_S,
        on_ready=on_ready,
    )
