"""The release that a worker serves: made ready, changed over to the next, with what the site says of it."""

import gc
from dataclasses import dataclass
from pathlib import Path

from cds_service.config import AUTH_REQUIRED, Settings
from cds_service.core.engine import compile_release
from cds_service.core.rule import Release
from cds_service.core.standing import on_trial_until_reviewed, unreviewed
from cds_service.edges import metrics as counts
from cds_service.edges.release_watch import ReleaseWatch
from cds_service.edges.rule_store import (
    RulesProblem,
    Served,
    SiteProblem,
    at_site,
    find_rules,
    load_accepted,
    load_served,
    release_of,
)
from cds_service.rulebook.kept import Standing, read_standing
from cds_service.rulebook.release import known_of
from cds_service.rulebook.release_lock import read_lock
from cds_service.rulebook.site_file import SiteFile, read_site
from cds_service.rulebook.uncollected import uncollected
from cds_service.services import InService, Site, in_service


class InServiceNow:
    """What is in service; a class because it changes, by one assignment, while calls are answered."""

    def __init__(self, first: InService) -> None:
        self._now = first

    def __call__(self) -> InService:
        return self._now

    @property
    def release(self) -> Release:
        """The release in service."""
        return self._now.release

    def put(self, new: InService) -> None:
        """Serve `new` from the next request on; calls under way end by what they began with."""
        self._now = new


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is served at the start of a process, and whence it came."""

    served: Served
    ready: InService


def prepare_rules(
    settings: Settings, kept: Path | None, site: SiteFile | None, *, check: bool, before: Prepared | None = None
) -> Prepared:
    """Load what is to be served, and make it ready.

    check:  accept first what the folder commits to; for the master.
    before: what the master made ready. A worker, a fork of it, need not read that again, and shares its memory, unless
            another release was accepted since.
    Raises RulesProblem.
    """
    folder = find_rules(settings.rules)
    if before:
        digest = read_standing(kept, folder, site).digest if kept else ""
        if digest in ("", before.served.release.digest):
            return before
    with uncollected():
        served = load_served(folder, kept, check=check, site=site)
        return Prepared(served, made_ready(as_at_site(served, site), settings))


def watch(
    served: Served, kept: Path, settings: Settings, now: InServiceNow, metrics: counts.Metrics, site: SiteFile | None
) -> ReleaseWatch:
    """Give what changes a worker over to each newly accepted release, with what the site changes of it."""
    plain = served.release  # as its files say: what a next release need not read again

    def load(standing: Standing) -> Release:
        nonlocal plain
        files = read_lock(kept / plain.digest).get(plain.id, {})
        loaded = load_accepted(kept, standing, known_of(plain, files))
        release = at_site(loaded, served.folder, site)
        plain = release_of(loaded)
        return release

    def serve(release: Release) -> None:
        gc.unfreeze()  # what a worker keeps for good was frozen; the old release may go
        now.put(made_ready(release, settings))
        metrics.serve(now.release)
        gc.collect()
        gc.freeze()

    return ReleaseWatch(
        served.folder, kept, plain.digest, load=load, serve=serve, found=metrics.release_found, site=site
    )


def site_of(settings: Settings) -> SiteFile | None:
    """Read the site file that CDS_SITE names. The master hands it to its workers, so that all have the same."""
    return read_site(settings.site) if settings.site else None


def as_at_site(served: Served, site: SiteFile | None) -> Release:
    try:
        return at_site(served.loaded, served.folder, site)
    except SiteProblem as problem:
        raise RulesProblem(str(problem)) from None


def made_ready(release: Release, settings: Settings) -> InService:
    release, site = _standing_of(release, settings)
    return in_service(compile_release(release), site)


def _standing_of(release: Release, settings: Settings) -> tuple[Release, Site]:
    """Where callers are real, rules that no clinician has reviewed show nothing, or say so on each card."""
    if settings.auth != AUTH_REQUIRED:
        return release, Site(public_url=settings.public_url)
    if settings.allow_unreviewed:
        return release, Site(public_url=settings.public_url, unreviewed=unreviewed(release))
    return on_trial_until_reviewed(release), Site(public_url=settings.public_url)
