"""Looks at a deployment: the one module of `doctor` that talks. Each step takes 10 seconds at most, all of them 50.

Only fixtures are sent, of made-up people, and only to the URL that was given.
"""

import gzip
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from cds_service.calling.answers import no_service
from cds_service.calling.credential import NOBODY, Credential
from cds_service.calling.deployment import chosen, service_path, services_in
from cds_service.calling.faults import Unheard, unheard
from cds_service.calling.target import DISCOVERY, Target
from cds_service.calling.wire import Answered, Heard, send, within
from cds_service.doctor.observed import Observed, Step, Tls, clock_of
from cds_service.fixtures import SAMPLE_CALLS, find
from cds_service.services import SERVICES

STEP_S, ALL_S = 10.0, 50.0  # an abandoned step may add its own time once
SAMPLES = 5  # calls that are timed
LARGE_BYTES = 1_500_000
MADE_UP_ORIGIN = "https://doctor.invalid"
UNAUTHORIZED = 401


@dataclass(slots=True)
class Looking:
    """One look at a deployment; it keeps what it heard, and the time that is left."""

    target: Target
    credential: Credential
    ca_file: str | None
    until: float
    step_s: float = STEP_S
    answers: dict[Step, Answered] = field(default_factory=dict)
    out_of_time: bool = False

    def left_s(self) -> float:
        """Seconds that a step may take; 0 when there are none."""
        left = min(self.step_s, self.until - time.monotonic())
        if left <= 0:
            self.out_of_time = True
        return max(0.0, left)

    def ask(
        self,
        step: Step | None,
        path: str,
        credential: Credential = NOBODY,
        *,
        method: str = "GET",
        base: str | None = None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> Answered | None:
        """Ask for a path below the base URL and remember the answer; None when there is no time left."""
        url = f"{self.target.base if base is None else base}{path}"
        seconds = self.left_s()
        if not seconds:
            return None
        sent = {**credential.headers(url), **(headers or {})}
        came = send(method, url, seconds=seconds, headers=sent, ca_file=self.ca_file, **body)
        if step is not None:
            self.answers[step] = came
        return came


def look(
    target: Target,
    credential: Credential,
    *,
    origin: str | None = None,
    ca_file: str | None = None,
    step_s: float = STEP_S,
    all_s: float = ALL_S,
) -> Observed:
    """Look at a deployment and give what was observed.

    origin: of a browser client, for the preflight; None = a made-up one. step_s, all_s: seconds for a step, for all.
    """
    in_clear = bool(credential) and target.open_to_listeners
    if in_clear:
        credential = NOBODY
    at = Looking(target, credential, ca_file, time.monotonic() + all_s, step_s)
    seen = Observed(
        time.time(),
        target=target,
        shown="key" if credential.signer else "token" if credential.token else "",
        in_clear=in_clear,
        origin=origin or MADE_UP_ORIGIN,
        made_up=origin is None,
    )
    seen = replace(seen, **_way(at))
    blocked = any(isinstance(each, Unheard) for each in (seen.addresses, seen.connected, seen.tls))
    if not blocked:
        seen = replace(seen, **_service(at, seen.origin))
    return replace(seen, answers=at.answers, out_of_time=at.out_of_time)


# --- the way there ---------------------------------------------------------------------------------------------------


def _way(at: Looking) -> dict[str, Any]:
    """Resolve, connect, shake hands: what each came to, until one does not."""
    found: dict[str, Any] = {}
    target = at.target
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("addresses", lambda: _addresses(target)),
        ("connected", lambda: _connected(target, at.step_s)),
    ]
    if target.scheme == "https":
        steps.append(("tls", lambda: _handshake(target, at.step_s, at.ca_file)))
    for name, work in steps:
        try:
            found[name] = within(at.left_s(), work)
        except Exception as fault:  # told in words, whatever it is
            found[name] = unheard(fault, at.step_s)
            break
    return found


def _addresses(target: Target) -> tuple[str, ...]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _connected(target: Target, timeout_s: float) -> float:
    began = time.monotonic()
    with socket.create_connection((target.host, target.port), timeout=timeout_s):
        return time.monotonic() - began


def _handshake(target: Target, timeout_s: float, ca_file: str | None) -> Tls:
    context = ssl.create_default_context(cafile=ca_file or DEFAULT_CA_BUNDLE_PATH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((target.host, target.port), timeout=timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=target.host) as secured,
    ):
        names: Any = secured.getpeercert() or {}
        starts, ends = (float(ssl.cert_time_to_seconds(names[each])) for each in ("notBefore", "notAfter"))
        return Tls(secured.version() or "", starts, ends)


# --- the service -----------------------------------------------------------------------------------------------------


def _service(at: Looking, origin: str) -> dict[str, Any]:
    """Ask for discovery; when a CDS service answers, for all else."""
    first = at.ask(Step.DISCOVERY, DISCOVERY)
    if not isinstance(first, Heard):
        return {}
    at.ask(Step.HEALTH, "/healthz")
    at.ask(Step.READY, "/readyz")
    listed = first
    if first.status == UNAUTHORIZED and at.credential.signer:
        signed = at.ask(Step.SIGNED_DISCOVERY, DISCOVERY, at.credential)
        listed = signed if isinstance(signed, Heard) else first
    services = services_in(listed.value) if listed.status == 200 else None
    if no_service(first) or not (services or first.status == UNAUTHORIZED):
        if at.target.path:
            at.ask(Step.ROOT, DISCOVERY, base=at.target.root)
        return {}
    at.ask(Step.METRICS, "/metrics")
    at.ask(Step.SLASH, f"{DISCOVERY}/")
    own = next(each.id for each in SERVICES.values() if each.hook == _sample().hook)
    service = at.target.service or (chosen(services, _sample().hook, own) if services else own)
    if service is None:
        return {}
    return {"service": service, **_calls(at, service_path(service), origin)}


def _sample() -> Any:
    return find(SAMPLE_CALLS[0])


def _calls(at: Looking, path: str, origin: str) -> dict[str, Any]:
    """The sample call, and the same in other forms."""
    body = json.dumps(_sample().on(datetime.now(timezone.utc).date())).encode()
    found: dict[str, Any] = {}
    credential = NOBODY
    came = at.ask(Step.OPEN_CALL, path, method="POST", body=body)
    if isinstance(came, Heard) and came.status == UNAUTHORIZED and at.credential:
        credential = at.credential
        came = at.ask(Step.CALL, path, credential, method="POST", body=body)
        if isinstance(came, Heard) and came.status == UNAUTHORIZED and credential.signer:
            found, credential, came = _otherwise(at, path, body, came)
    elif came is not None:
        at.answers[Step.CALL] = came
    at.ask(
        Step.PREFLIGHT,
        path,
        method="OPTIONS",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    if credential.token:  # good once, and used
        credential = NOBODY
    at.ask(Step.LARGE, path, credential, method="POST", body=body.ljust(LARGE_BYTES))
    at.ask(Step.CHUNKED, path, credential, method="POST", body=body, chunked=True)
    zipped = {"Content-Encoding": "gzip"}
    at.ask(Step.GZIP, path, credential, method="POST", body=gzip.compress(body), headers=zipped)
    if isinstance(came, Heard) and came.status == 200:
        found["seconds"] = tuple(_timed(at, path, body, credential, came, again=not at.credential.token))
    return found


def _timed(
    at: Looking, path: str, body: bytes, credential: Credential, first: Heard, *, again: bool
) -> Iterator[float]:
    yield first.seconds
    for _ in range(SAMPLES - 1 if again else 0):
        came = at.ask(None, path, credential, method="POST", body=body)
        if isinstance(came, Heard) and came.status == 200:
            yield came.seconds


def _otherwise(at: Looking, path: str, body: bytes, came: Heard) -> tuple[dict[str, Any], Credential, Answered | None]:
    """Find out what a token would have to say to be taken: the URL it names, or when it was made.

    Gives what was found, the credential that is taken, and the answer to it.
    """
    tries: list[tuple[dict[str, Any], Credential]] = []
    if at.credential.public_url != at.target.base and at.credential.public_url:
        tries.append(({"taken_as": at.target.base}, at.credential.known_as(at.target.base)))
    tries += [({"taken_as": each}, at.credential.known_as(each)) for each in other_names(at.target)]
    if date := clock_of(came):
        ahead = date - came.at
        tries.append(({"by_its_clock": True}, replace(at.credential, clock=lambda: time.time() + ahead)))
    for found, credential in tries:
        again = at.ask(None, path, credential, method="POST", body=body)
        if isinstance(again, Heard) and again.status == 200:
            at.answers[Step.CALL] = again
            return found, credential, again
    return {}, at.credential, came


def other_names(target: Target) -> list[str]:
    """Other URLs that the service behind this one may think it is called by: another scheme, no port, no path."""
    parts = urlsplit(target.base)
    host = f"[{target.host}]" if ":" in target.host else target.host
    places = dict.fromkeys((parts.netloc, host))
    paths = dict.fromkeys((target.path, ""))
    found = [f"{scheme}://{place}{path}" for path, scheme, place in product(paths, ("https", "http"), places)]
    return [each for each in dict.fromkeys(found) if each != target.base]
