"""The one place where parts are put together: ports are built here and handed in as arguments."""

import logging
import os
import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, tzinfo

from flask import Flask

from cds_service.clients.client import NO_CLIENTS, Client, Clients
from cds_service.clients.reader import read_clients
from cds_service.config import AUTH_REQUIRED, SettingProblem, Settings
from cds_service.core.engine import compile_release
from cds_service.core.rule import Release
from cds_service.core.standing import on_trial_until_reviewed, unreviewed
from cds_service.edges import metrics as counts
from cds_service.edges import tracing
from cds_service.edges.auth import Trust, gate, issuers
from cds_service.edges.cors import allow_origins
from cds_service.edges.key_sets import KeySets
from cds_service.edges.logs import call_log
from cds_service.edges.rate import Buckets
from cds_service.edges.replay_memory import ReplayMemory
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import find_rules, load_rules
from cds_service.edges.server import Opened, Serving
from cds_service.edges.web import Door, Ports, create_app
from cds_service.seen import Seen
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
    """Build the WSGI application, for tools and tests; a server uses `open_service`, which can be closed."""
    app = open_service(settings).app
    assert isinstance(app, Flask)
    return app


def open_service(settings: Settings) -> Opened:
    """Load rules and clients and open all that one worker needs. Both were checked before; see `check`."""
    release, site = _standing(load_rules(find_rules(settings.rules), check=False).release, settings)
    clients = load_clients(settings)
    metrics = counts.Metrics(release, reasons=[each.value for each in Reason])
    traces = tracing.open_tracing(os.environ, release)

    def told(reason: Reason, client: str) -> None:
        metrics.refused(reason.value)
        _log.warning("token", extra={"reason": reason.value, "client": client or "unknown"})

    required = settings.auth == AUTH_REQUIRED
    ports = Ports(
        compiled=compile_release(release),
        today=clock(settings),
        new_incident=lambda: uuid.uuid4().hex,
        identify=identify_by_token(settings, clients, told=told)
        if required
        else lambda header, path: clients.anonymous,
        seen=all_of(call_log(release), metrics.seen, traces.seen),
        site=site,
    )
    door = Door(max_bytes=settings.max_body_bytes, deadline_s=BODY_DEADLINE_S, monotonic=time.monotonic)
    app = create_app(ports, door, rule_pages(release), counts.metrics_page(metrics))
    allow_origins(app, settings.cors_origins)
    return Opened(app, close=traces.close, refused=metrics.refused_before_read)


def all_of(*consumers: Callable[[Seen], None]) -> Callable[[Seen], None]:
    """Give one consumer that tells all of them; one that raises does not keep the others from being told.

    It raises an ExceptionGroup of what they raised.
    """

    def tell(seen: Seen) -> None:
        faults = []
        for each in consumers:
            try:
                each(seen)
            except Exception as fault:
                faults.append(fault)
        if faults:
            raise ExceptionGroup("not everyone could be told of a request", faults)

    return tell


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
    told: Told,
    first_seen: FirstSeen = lambda client, token_id, expires: None,
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
    """How the server is run with these settings. Its master makes what the workers share."""

    def start() -> None:
        counts.share_counts()
        tracing.warn_if_missing(os.environ)

    return Serving(
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        threads=settings.threads,
        log_level=settings.log_level,
        deadline_s=BODY_DEADLINE_S,
        on_ready=on_ready,
        on_child_end=counts.keep_counts_of,
        on_start=start,
        on_end=counts.unshare_counts,
    )
