"""The one place where parts are put together: ports are built here and handed in as arguments."""

import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from pathlib import Path

from flask import Flask

from cds_service.config import Settings
from cds_service.core.engine import compile_release
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import find_rules, load_rules
from cds_service.edges.server import Serving
from cds_service.edges.web import Door, Ports, create_app

BODY_DEADLINE_S = 10.0


def clock(settings: Settings, now: Callable[[tzinfo], datetime] = datetime.now) -> Callable[[], date]:
    """Give the calendar day of `now` in the chosen time zone, or the frozen day."""
    frozen, zone = settings.today, settings.timezone
    if frozen is not None:
        return lambda: frozen
    return lambda: now(zone).date()


def build_app(settings: Settings) -> Flask:
    """Load the rules and build the WSGI application. The rules were linted before; see `check_rules`."""
    served = load_rules(find_rules(settings.rules), check=False)
    ports = Ports(
        compiled=compile_release(served.release),
        today=clock(settings),
        new_incident=lambda: uuid.uuid4().hex,
    )
    door = Door(max_bytes=settings.max_body_bytes, deadline_s=BODY_DEADLINE_S, monotonic=time.monotonic)
    return create_app(ports, door, rule_pages(served.release))


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
