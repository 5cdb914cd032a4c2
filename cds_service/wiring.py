"""The one place where parts are put together: ports are built here and handed in as arguments."""

import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from pathlib import Path

from flask import Flask

from cds_service.clients.client import Client
from cds_service.config import Settings
from cds_service.core.engine import compile_release
from cds_service.edges.cors import allow_origins
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import find_rules, load_rules
from cds_service.edges.server import Opened, Serving
from cds_service.edges.web import Door, Ports, create_app
from cds_service.services import Site

BODY_DEADLINE_S = 10.0


def clock(settings: Settings, now: Callable[[tzinfo], datetime] = datetime.now) -> Callable[[Client], date]:
    """Give the calendar day of `now` in the client's time zone, else in the chosen one; or the frozen day."""
    frozen, zone = settings.today, settings.timezone
    if frozen is not None:
        return lambda client: frozen
    return lambda client: now(client.timezone or zone).date()


def build_app(settings: Settings) -> Flask:
    """Build the WSGI application, for tools and tests; a server uses `open_service`, which can be closed."""
    app = open_service(settings).app
    assert isinstance(app, Flask)
    return app


def open_service(settings: Settings) -> Opened:
    """Load the rules and open all that one worker needs. The rules were linted before; see `check_rules`."""
    served = load_rules(find_rules(settings.rules), check=False)
    ports = Ports(
        compiled=compile_release(served.release),
        today=clock(settings),
        new_incident=lambda: uuid.uuid4().hex,
        site=Site(public_url=settings.public_url),
    )
    door = Door(max_bytes=settings.max_body_bytes, deadline_s=BODY_DEADLINE_S, monotonic=time.monotonic)
    app = create_app(ports, door, rule_pages(served.release))
    allow_origins(app, settings.cors_origins)
    return Opened(app)


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
