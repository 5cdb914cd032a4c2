"""The way to a deployment: its URL, its name, the connection, TLS, and the clock at its end."""

from datetime import datetime, timezone

from cds_service.calling.faults import Unheard
from cds_service.config import is_loopback
from cds_service.doctor.observed import Finding, Observed, State, Step, clock_of
from cds_service.trust.claims import LEEWAY_S

DAY_S = 24 * 60 * 60
SOON_DAYS = 21
SOON_SHARE = 1 / 3  # of a certificate's life: those that are renewed every few days are not warned of for ever
NEAR_S = 2.0  # clocks that differ by less are as good as the same
TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")


def url(seen: Observed) -> Finding:
    """Whether the URL can be called."""
    if seen.target is None:
        return Finding(
            "url", State.WRONG, f"the URL {seen.fault}", "give scheme, host and perhaps a path: https://cds.example.org"
        )
    service = f", service {seen.target.service}" if seen.target.service else ""
    return Finding("url", State.OK, f"{seen.target.base}{service}")


def name(seen: Observed) -> Finding:
    """Whether the host's name leads to an address."""
    if isinstance(seen.addresses, Unheard):
        return Finding("name", State.WRONG, seen.addresses.found, seen.addresses.to_do)
    if not seen.addresses:
        return Finding("name", State.NOT_CHECKED, "the URL comes first")
    host = seen.target.host if seen.target else ""
    if seen.addresses == (host,):
        return Finding("name", State.OK, f"{host} is an address, which needs no name server")
    return Finding("name", State.OK, f"{host} is {', '.join(seen.addresses)}")


def connection(seen: Observed) -> Finding:
    """Whether something listens."""
    if isinstance(seen.connected, Unheard):
        return Finding("connection", State.WRONG, seen.connected.found, seen.connected.to_do)
    if seen.connected is None:
        return Finding("connection", State.NOT_CHECKED, "the name comes first")
    return Finding("connection", State.OK, f"stands after {seen.connected * 1000:.0f} ms")


def tls(seen: Observed) -> Finding:
    """Whether TLS is spoken where it must be, in a version of today, with a certificate that lasts."""
    target = seen.target
    if target and target.scheme == "http":
        if is_loopback(target.host):
            return Finding("tls", State.OK, "none is needed: only this machine can reach the service at this URL")
        return Finding(
            "tls",
            State.WRONG,
            "http to another machine: health data and tokens can be read on the way",
            "let a proxy end TLS (docs/how-to/run-behind-a-proxy.md) and call the https URL",
        )
    if isinstance(seen.tls, Unheard):
        return Finding("tls", State.WRONG, seen.tls.found, seen.tls.to_do)
    if seen.tls is None:
        return Finding("tls", State.NOT_CHECKED, "the connection comes first")
    return _certificate(seen.tls.version, seen.tls.starts, seen.tls.ends, seen.now)


def _certificate(version: str, starts: float, ends: float, now: float) -> Finding:
    left_days = (ends - now) / DAY_S
    told = f"{version}, a certificate for this name until {_day(ends)}"
    if version not in TLS_VERSIONS:
        return Finding("tls", State.WRONG, told, "let the server offer TLS 1.2 and 1.3 alone")
    if left_days < SOON_DAYS and (ends - now) < (ends - starts) * SOON_SHARE:
        return Finding(
            "tls",
            State.WARN,
            f"{told}, which is in {max(0, left_days):.0f} days",
            "renew it now, and look why that did not happen by itself",
        )
    return Finding("tls", State.OK, told)


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, timezone.utc).date().isoformat()


def clock(seen: Observed) -> Finding:
    """Whether the clocks of this machine and of what answers are near enough for tokens to be taken."""
    heard = seen.heard(Step.DISCOVERY)
    if heard is None:
        return Finding("clock", State.NOT_CHECKED, "discovery comes first")
    there = clock_of(heard)
    if there is None:
        return Finding(
            "clock",
            State.WARN,
            "the answer has no Date that can be read",
            "let the proxy pass the header on; meanwhile compare the clocks by hand",
        )
    ahead, doubt = there - heard.at, 0.5 + heard.head_s / 2
    told = f"what answers is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's clock"
    if abs(ahead) <= NEAR_S + doubt:
        return Finding("clock", State.OK, "the same as this machine's, within 2 s")
    to_do = "set both clocks by NTP, and see which of them is wrong; a proxy's clock may be another than the service's"
    if abs(ahead) - doubt > LEEWAY_S:
        return Finding("clock", State.WRONG, f"{told}; tokens are taken up to {LEEWAY_S} s apart", to_do)
    return Finding("clock", State.WARN, f"{told}; tokens are taken up to {LEEWAY_S} s apart", to_do)
