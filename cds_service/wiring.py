"""The one place where parts are put together: ports are built here and handed in as arguments."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, tzinfo

from flask import Flask

from cds_service.clients.client import NO_CLIENTS, Client, Clients
from cds_service.clients.reader import read_clients
from cds_service.config import AUTH_REQUIRED, SettingProblem, Settings
from cds_service.core.engine import compile_release
from cds_service.core.rule import Release
from cds_service.core.standing import on_trial_until_reviewed, unreviewed
from cds_service.edges.auth import Trust, gate, issuers
from cds_service.edges.key_sets import KeySets
from cds_service.edges.rate import Buckets
from cds_service.edges.replay_memory import ReplayMemory
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import find_rules, load_rules
from cds_service.edges.server import Opened, Serving
from cds_service.edges.store.address import read_address
from cds_service.edges.store.store import Store, utc_now
from cds_service.edges.web import Door, Ports, Seen, create_app
from cds_service.records import CallRow, call_row
from cds_service.services import Site
from cds_service.trust.reason import Reason

BODY_DEADLINE_S = 10.0
FirstSeen = Callable[[str, str, datetime], bool | None]
Told = Callable[[Reason, str], None]

_log = logging.getLogger("cds_service")


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
    """Load rules and clients and open all that one worker needs. Both were checked before; see `check`."""
    release, site = _standing(load_rules(find_rules(settings.rules), check=False).release, settings)
    clients = load_clients(settings)
    required = settings.auth == AUTH_REQUIRED
    store = open_store(settings)
    first_seen = store.first_seen if store else _told_nowhere
    ports = Ports(
        compiled=compile_release(release),
        today=clock(settings),
        new_incident=lambda: uuid.uuid4().hex,
        identify=(
            identify_by_token(settings, clients, first_seen)
            if required
            else lambda authorization, path: clients.anonymous
        ),
        site=site,
        seen=recorder(store.remember, release) if store else _kept_nowhere,
    )
    door = Door(max_bytes=settings.max_body_bytes, deadline_s=BODY_DEADLINE_S, monotonic=time.monotonic)
    app = create_app(ports, door, rule_pages(release))
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


def _told_nowhere(client: str, token_id: str, expires: datetime) -> bool | None:
    return None


def prepare_records(settings: Settings) -> str:
    """Make the database ready before workers start, and give a warning, or "". Raises SchemaProblem, SettingProblem."""
    if settings.database_url is None:
        return ""
    from cds_service.edges.store.start_up import prepare  # with Alembic, which only the master needs

    return prepare(read_address(settings.database_url))


def check(settings: Settings) -> list[str]:
    """Check everything that would be served and give what is worth saying at start-up.

    Raises RulesProblem or SettingProblem.
    """
    served = load_rules(find_rules(settings.rules), check=True)
    load_clients(settings)
    said = [f"rules: {served.folder}"]
    waiting = unreviewed(served.release)
    if waiting and settings.auth == AUTH_REQUIRED:
        rules = f"{len(waiting)} of {len(served.release.active)} rules have been reviewed by no clinician"
        said.append(
            f"{rules}; their cards say so"
            if settings.allow_unreviewed
            else f"{rules}: they run on trial, recorded and never shown (CDS_ALLOW_UNREVIEWED=yes shows their cards)"
        )
    return said


def load_clients(settings: Settings) -> Clients:
    """Read the clients file. Raises SettingProblem with every problem of the file."""
    if settings.clients is None:
        return NO_CLIENTS
    file = read_clients(settings.clients)
    if file.problems:
        told = "\n".join(map(str, file.problems))
        raise SettingProblem(f"{told}\nCDS_CLIENTS: {len(file.problems)} problems in {settings.clients}")
    if settings.auth == AUTH_REQUIRED:
        check_audiences(settings, file.clients)
    return file.clients


def _standing(release: Release, settings: Settings) -> tuple[Release, Site]:
    """Where callers are real, rules that no clinician has reviewed show nothing, or say so on each card."""
    if settings.auth != AUTH_REQUIRED:
        return release, Site(public_url=settings.public_url)
    if settings.allow_unreviewed:
        return release, Site(public_url=settings.public_url, unreviewed=unreviewed(release))
    return on_trial_until_reviewed(release), Site(public_url=settings.public_url)


def identify_by_token(
    settings: Settings,
    clients: Clients,
    first_seen: FirstSeen = _told_nowhere,
    told: Told = lambda reason, client: _log.warning("token: %s, client: %s", reason.value, client or "unknown"),
) -> Callable[[str | None, str], Client]:
    """Give what tells the caller from its token. To be made in the worker: it starts threads.

    first_seen: of the store; without one, tokens are remembered in this worker only.
    told:       each refusal and each replay that was let pass, for log and metrics.
    """
    buckets = Buckets()
    memory = ReplayMemory(forgotten=lambda: told(Reason.REPLAY_FORGOTTEN, ""))
    trust = Trust(
        key_of=KeySets().key_of,
        wait_s=buckets.wait_s,
        take=buckets.take,
        holds=memory.holds,
        first_here=memory.first,
        first_seen=first_seen,
        told=told,
        now=time.time,
    )
    return gate(clients, settings.public_url, trust)


def check_audiences(settings: Settings, clients: Clients) -> None:
    """Raise SettingProblem if a client could send no token that is taken, because no `aud` would be right."""
    without = {each.name for each in issuers(clients).values() if not each.audience}
    if without and not settings.public_url:
        raise SettingProblem(
            f"CDS_PUBLIC_URL: is needed with CDS_AUTH=required, for a token must name the URL it is for: "
            f"{', '.join(sorted(without))} without `audience`\n"
            "  hint: give the URL that clients call this service by, such as https://cds.example.org"
        )


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
