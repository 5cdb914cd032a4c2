"""Which FHIR server may be read for a client, which URLs are its own, and which addresses it may stand at."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from cds_service.config import is_loopback

_PORTS = {"http": 80, "https": 443}
# A path that may lead elsewhere; servlets leave out what follows a semicolon ("..;a=b") before they walk it.
_STEPS_OUT = re.compile(r"(?i)(^|/)(\.|%2e){1,2}((;|%3b)[^/]*)?(/|$)|[\\\x00-\x20\x7f]|%2f|%5c")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Server:
    """A FHIR server that a client may have read.

    base:    its URL without a trailing slash, scheme and host in small letters, without the scheme's own port.
    private: networks that it may stand in although they are not public.
    """

    base: str
    private: tuple[Network, ...] = ()

    def may_reach(self, address: str) -> bool:
        """Whether a connection may go to `address`, one of those that the server's name leads to."""
        return may_reach(address, urlsplit(self.base).hostname or "", self.private)


def normal(url: str) -> str:
    """Give a base URL in the one form in which two are compared; "" when it is none that can be read."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not host or parts.username or parts.password or parts.query or parts.fragment:
        return ""
    if parts.scheme == "http" and not is_loopback(host):
        return ""
    path = parts.path.rstrip("/")
    if _STEPS_OUT.search(path):
        return ""
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}{'' if port in (None, _PORTS[parts.scheme]) else f':{port}'}{path}"


def allowed(url: str | None, bases: Iterable[str], private: Iterable[str]) -> Server | None:
    """Give the server that `url` names if it is one of `bases`; None for any other."""
    base = normal(url) if url else ""
    if not base or base not in {normal(each) for each in bases}:
        return None
    return Server(base, tuple(ipaddress.ip_network(each) for each in private))


def own_url(base: str, page: str, link: object) -> str:
    """Give the URL of the next page if it is below the base of the server that gave the page; "" if not.

    The token goes with it, so it goes to nobody else.
    """
    if not isinstance(link, str) or not link or link != link.strip():
        return ""
    try:
        parts = urlsplit(urljoin(page, link))
        root = normal(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return ""
    if not root or _STEPS_OUT.search(parts.path):
        return ""
    whole = f"{root}{parts.path}"
    if whole.rstrip("/") != base and not whole.startswith(f"{base}/"):
        return ""
    return f"{whole}?{parts.query}" if parts.query else whole


def may_reach(address: str, host: str, private: Iterable[Network]) -> bool:
    """Whether the name `host` of the clients file may lead to `address`.

    Public addresses may be reached; others only if they lie in `private`, if `host` is that very address, or if `host`
    is this machine. An IPv4 address inside an IPv6 one counts as well: both must do.
    """
    try:
        written = ipaddress.ip_address(address)
    except ValueError:
        return False
    networks = tuple(private)
    return all(_may(each, host, networks) for each in _meant(written))


def _meant(address: Address) -> list[Address]:
    """The address, or what is behind it: a mapped one is only the IPv4 address, a tunnel is both."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour:
        return [address, address.sixtofour]
    return [address, *(address.teredo or ())]


def _may(address: Address, host: str, private: tuple[Network, ...]) -> bool:
    if any(address in each for each in private):
        return True
    if address.is_global and not address.is_multicast and not address.is_reserved:
        return True
    if is_loopback(host) and address.is_loopback:
        return True
    try:
        return ipaddress.ip_address(host) == address
    except ValueError:
        return False
