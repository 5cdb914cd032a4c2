"""The one place where parts are put together: ports are built here and handed in as arguments."""

import logging
import os
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from cds_service.clients.client import NO_CLIENTS, Client, Clients
from cds_service.clients.reader import read_clients
from cds_service.clients.smart_apps import unknown_rules
from cds_service.config import AUTH_REQUIRED, KEPT, SettingProblem, Settings
from cds_service.core.plural import so_many
from cds_service.core.rule import Release, rule_ids
from cds_service.core.site_words import site_summary
from cds_service.core.standing import unreviewed
from cds_service.edges import metrics as counts
from cds_service.edges import tracing
from cds_service.edges.cors import allow_origins
from cds_service.edges.fhir_client.outcomes import OUTCOMES
from cds_service.edges.fhir_models import FhirModels
from cds_service.edges.held_folder import held_folder
from cds_service.edges.logs import call_log
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import Served
from cds_service.edges.server import Opened, Serving
from cds_service.edges.store.address import read_address
from cds_service.edges.store.store import Store, utc_now
from cds_service.edges.web import Door, Ports, create_app
from cds_service.feedback import FeedbackItem, NotKept
from cds_service.fhir.strict import Structure
from cds_service.fhir.versions import DIALECTS
from cds_service.records import CallRow, call_row
from cds_service.rulebook.site_file import SiteFile
from cds_service.rulebook.source import RuleProblem
from cds_service.seen import Seen
from cds_service.services import no_models
from cds_service.trust.reason import PASSING, Reason
from cds_service.wiring_rules import InServiceNow, Prepared, as_at_site, prepare_rules, site_of, watch

if TYPE_CHECKING:
    from cds_service.edges.fhir_client.fetching import FhirServers

BODY_DEADLINE_S = 10.0

_log = logging.getLogger("cds_service")


def clock(settings: Settings, now: Callable[[tzinfo], datetime] = datetime.now) -> Callable[[Client], date]:
    """Give the calendar day of `now` in the client's time zone, else in the chosen one; or the frozen day."""
    frozen, zone = settings.today, settings.timezone
    if frozen is not None:
        return lambda client: frozen
    return lambda client: now(client.timezone or zone).date()


def build_app(settings: Settings) -> Flask:
    """Build the WSGI application, for tools and tests, which keep no records; a server uses `open_service`."""
    app = open_service(replace(settings, database_url=None), kept=None).app
    assert isinstance(app, Flask)
    return app


def open_service(
    settings: Settings, kept: Path | None = KEPT, site: SiteFile | None = None, before: Prepared | None = None
) -> Opened:
    """Load rules and clients and open all that one worker needs. Both were checked before; see `check`.

    kept:   where accepted releases are; None keeps none, and serves the folder as it is.
    site:   the site file as it was read; None = read what CDS_SITE names.
    before: what the master made ready.
    """
    site = site or site_of(settings)
    rules = prepare_rules(settings, kept, site, check=False, before=before)
    now = InServiceNow(rules.ready)
    metrics = counts.Metrics(
        now.release,
        reasons=[each.value for each in Reason if each not in PASSING],
        passing=[each.value for each in PASSING],
        fetches=OUTCOMES,
    )
    traces = tracing.open_tracing(os.environ)
    store = open_store(settings, metrics)
    fhir = open_fhir(settings, metrics.fetched)
    consumers = [call_log(), metrics.seen, traces.seen]
    if store:
        consumers.append(recorder(store.remember))
    watcher = watch(rules.served, kept, settings, now, metrics, site) if kept else None
    ports = Ports(
        in_service=now,
        today=clock(settings),
        new_incident=lambda: uuid.uuid4().hex,
        identify=who_calls(settings, store, metrics),
        seen=all_of(*consumers),
        keep_feedback=keeper(store),
        fhir_client=fhir.of if fhir else lambda client, began: None,
        structure=open_models(settings),
        standing=watcher.standing if watcher else dict,
    )
    door = Door(max_bytes=settings.max_body_bytes, deadline_s=BODY_DEADLINE_S, monotonic=time.monotonic)
    app = create_app(ports, door, rule_pages(lambda: now.release), counts.metrics_page(metrics))
    allow_origins(app, settings.cors_origins)

    if watcher:
        watcher.begin()

    def close() -> None:
        if watcher:
            watcher.close()
        if fhir:
            fhir.close()
        if store:
            store.close()
        traces.close()

    return Opened(app, close=close, refused=metrics.refused_before_read)


def open_fhir(settings: Settings, fetched: Callable[[str], None]) -> "FhirServers | None":
    """Open what fetches from FHIR servers in one worker; None when no client has one."""
    if not any(each.fhir_servers for each in load_clients(settings).by_name.values()):
        return None
    from cds_service.edges.fhir_client.fetching import FhirServers  # with an HTTP client

    return FhirServers(settings.threads, settings.budget_ms / 1000, fetched)


def open_models(settings: Settings) -> Structure:
    """Open the models of FHIR that the strict clients speak, for one worker; without such a client there are none."""
    clients = load_clients(settings)
    callers = clients.by_name.values() if settings.auth == AUTH_REQUIRED else (clients.anonymous,)
    strict = [each.fhir_version for each in callers if each.strict]
    if not strict:
        return no_models
    return FhirModels(DIALECTS if "" in strict else sorted({*strict})).faults  # "": its calls show the version


def open_store(settings: Settings, metrics: counts.Metrics) -> Store | None:
    """Open the records of one worker; None when none are kept."""
    if settings.database_url is None:
        return None
    return Store(read_address(settings.database_url), dropped=metrics.dropped, waiting=metrics.waiting)


def keeper(store: Store | None) -> Callable[[str, Client, Sequence[FeedbackItem]], None]:
    """Give the function that makes feedback durable. It raises NotKept, always so where no records are kept."""

    def keep(service_id: str, client: Client, items: Sequence[FeedbackItem]) -> None:
        if store is None:
            raise NotKept
        store.keep_feedback(client.name, service_id, items, comments=client.keep_comments)

    return keep


def recorder(remember: Callable[[CallRow], None], now: Callable[[], datetime] = utc_now) -> Callable[[Seen], None]:
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
            release=seen.release,
            ms=round(1000 * seen.seconds, 3),
        )
        remember(row)

    return record


def prepare_records(settings: Settings) -> str:
    """Make the database ready before workers start, and give a warning, or "". Raises SchemaProblem, SettingProblem."""
    if settings.database_url is None:
        return ""
    from cds_service.edges.store.start_up import prepare

    return prepare(read_address(settings.database_url))


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


def check(settings: Settings, kept: Path | None = KEPT, site: SiteFile | None = None) -> list[str]:
    """Check everything that would be served and give what is worth saying at start-up. Raises as `prepare` does."""
    return prepare(settings, kept, site)[1]


def prepare(settings: Settings, kept: Path | None = KEPT, site: SiteFile | None = None) -> tuple[Prepared, list[str]]:
    """Check everything that is to be served, and give it, with what is worth saying at start-up.

    site: the site file as it was read; None = read what CDS_SITE names.
    Raises RulesProblem or SettingProblem.
    """
    site = site or site_of(settings)
    rules = prepare_rules(settings, kept, site, check=True)
    return rules, [*_said(settings, rules.served, as_at_site(rules.served, site))]


def _said(settings: Settings, served: Served, release: Release) -> list[str]:
    load_clients(settings)
    said = [f"rules: {served.folder}", *map(str, idle_apps(settings, rule_ids(served.release)))]
    if served.accepted and served.instead:
        said += [*served.instead, f"the rules folder is not served: release {served.release.id}, accepted before, is"]
    elif served.instead:
        said += served.instead
    if release.site:
        said.append(f"site: {settings.site}: {site_summary(release)}")
    waiting = unreviewed(release)
    if waiting and settings.auth == AUTH_REQUIRED:
        rules = f"{len(waiting)} of {len(release.active)} rules have been reviewed by no clinician"
        said.append(
            f"{rules}; their cards say so"
            if settings.allow_unreviewed
            else f"{rules}: they run on trial, recorded and never shown (CDS_ALLOW_UNREVIEWED=yes shows their cards)"
        )
    return said


def idle_apps(settings: Settings, rules: Collection[str]) -> list[RuleProblem]:
    """Tell the rules that SMART apps are for and that the release, whose rule ids are `rules`, does not have.

    They stop nothing: a release without one of them may have been taken over, and a restart must go well.
    """
    if settings.clients is None:
        return []
    file = read_clients(settings.clients)
    return unknown_rules(file.clients, file.source, rules)


def load_clients(settings: Settings) -> Clients:
    """Read the clients file. Raises SettingProblem with every problem of the file."""
    if settings.clients is None:
        return NO_CLIENTS
    file = read_clients(settings.clients)
    if file.problems:
        told = "\n".join(map(str, file.problems))
        raise SettingProblem(f"{told}\nCDS_CLIENTS: {so_many(len(file.problems), 'problem')} in {settings.clients}")
    if settings.auth == AUTH_REQUIRED:
        check_audiences(settings, file.clients)
    return file.clients


def who_calls(settings: Settings, store: Store | None, metrics: counts.Metrics) -> Callable[[str | None, str], Client]:
    """Give what tells the caller from the Authorization header and the path. To be made in the worker.

    store: remembers tokens for all workers; without one, each remembers those it saw itself.
    """
    clients = load_clients(settings)
    if settings.auth != AUTH_REQUIRED:
        anonymous = clients.anonymous
        return lambda authorization, path: anonymous

    from cds_service.edges.auth import Trust, gate, issuers  # with cryptography and an HTTP client
    from cds_service.edges.key_sets import KeySets
    from cds_service.edges.rate import Buckets
    from cds_service.edges.replay_memory import ReplayMemory

    def told(reason: Reason, client: str) -> None:
        (metrics.let_pass if reason in PASSING else metrics.refused)(reason.value)
        if reason is not Reason.REPLAY_UNCHECKED:  # for every call while the database is away, which is logged once
            _log.warning("token", extra={"reason": reason.value, "client": client})

    key_sets = KeySets(failed=metrics.keys_failed, waiting=max(1, settings.threads // 2))
    key_sets.begin(issuers(clients).values())
    buckets = Buckets()
    memory = ReplayMemory(forgotten=lambda: told(Reason.REPLAY_FORGOTTEN, ""))
    trust = Trust(
        key_of=key_sets.key_of,
        wait_s=buckets.wait_s,
        take=buckets.take,
        holds=memory.holds,
        first_here=memory.first,
        first_seen=store.first_seen if store else lambda client, token_id, expires: None,
        told=told,
        now=time.time,
    )
    return gate(clients, settings.public_url, trust)


def check_audiences(settings: Settings, clients: Clients) -> None:
    """Raise SettingProblem if a client could send no token that is taken, because no `aud` would be right."""
    from cds_service.edges.auth import issuers

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
        counts.share_counts(held_folder(counts.PREFIX))
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
