"""A client: an EHR or another caller, how it is known, and what it may do. Pure data."""

from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from cds_service.core.profile import GENERIC, Profile
from cds_service.core.restricted import CAREFUL, Part2
from cds_service.core.smart import SmartApp

ANONYMOUS_NAME = "anonymous"
REFUSE, LOG = "refuse", "log"  # what is done about a replayed token


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket of one worker: calls a second that it fills with, and how many it holds."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Client:
    """One entry of clients.yaml.

    issuers:      values of `iss` that are this client's; no two clients share one.
    jku:          JWK Set URLs that a token may name and that keys are fetched from.
    keys:         file with a JWK Set exchanged out of band.
    audience:     values of `aud` that are taken besides the public URL that was called.
    tenants:      values of `tenant` that are taken; empty = any, also none.
    fhir_servers: base URLs of FHIR servers that may be read for this client.
    fhir_private: networks, as CIDR, that these servers may stand in although they are not public.
    budget_ms:    how long a call may go on fetching, from its start; None = CDS_BUDGET_MS.
    fhir_version: "R4", "R5" or "STU3"; "" = what its calls look like (fhir.versions).
    strict:       whether a call that holds something which is no FHIR is refused.
    timezone:     whose calendar day is today; None = CDS_TIMEZONE.
    not_held:     resource types that are no source at this site.
    part2:        what may be done with records under 42 CFR Part 2.
    replay:       REFUSE a token that was seen before, or LOG it.
    rate:         None = no limit.
    keep_comments: whether free text of feedback is stored.
    explain:      whether it may ask why rules speak or stay silent on a chart.
    smart_apps:   apps that its cards have a link to launch.
    """

    name: str
    issuers: tuple[str, ...] = ()
    jku: tuple[str, ...] = ()
    keys: Path | None = None
    audience: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    fhir_private: tuple[str, ...] = ()
    budget_ms: int | None = None
    fhir_version: str = ""
    strict: bool = False
    timezone: tzinfo | None = None
    not_held: frozenset[str] = frozenset()
    profile: Profile = GENERIC
    part2: Part2 = CAREFUL
    replay: str = REFUSE
    rate: Rate | None = None
    keep_comments: bool = False
    explain: bool = False
    smart_apps: tuple[SmartApp, ...] = ()


@dataclass(frozen=True, slots=True)
class Clients:
    """Every client by name. Without an entry of that name, `anonymous` has no FHIR access and the generic profile."""

    by_name: dict[str, Client] = field(default_factory=dict)

    @property
    def anonymous(self) -> Client:
        """Whoever calls while nobody is checked."""
        return self.by_name.get(ANONYMOUS_NAME, ANONYMOUS)


ANONYMOUS = Client(ANONYMOUS_NAME)
NO_CLIENTS = Clients()
