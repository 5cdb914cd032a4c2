"""The URL of a deployment, taken apart."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cds_service.config import is_loopback, url_fault

DISCOVERY = "/cds-services"
_PORTS = {"http": 80, "https": 443}


class TargetProblem(ValueError):
    """A URL that cannot be called; the text says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment of a CDS Hooks service.

    base:    the URL before /cds-services, without a trailing slash, as it was given.
    path:    the path of `base`, "" for none.
    service: the id of the one service that the URL named, "" for none.
    """

    base: str
    scheme: str
    host: str
    port: int
    path: str
    service: str = ""

    @property
    def discovery(self) -> str:
        """The URL of discovery."""
        return f"{self.base}{DISCOVERY}"

    @property
    def root(self) -> str:
        """The URL without its path."""
        return self.base.removesuffix(self.path)

    @property
    def open_to_listeners(self) -> bool:
        """Whether what is sent can be read on its way: http, and not on this machine."""
        return self.scheme == "http" and not is_loopback(self.host)


def read_target(text: str) -> Target:
    """Read a URL: the base of a deployment, its discovery, or one of its services. Raises TargetProblem."""
    if not re.match(r"(?i)https?://", text):
        raise TargetProblem("does not begin with https:// or http://")
    fault = url_fault(re.sub(r"(?i)^http:", "https:", text))
    if fault:
        raise TargetProblem(fault)
    parts = urlsplit(text)
    before, _, service = parts.path.rstrip("/").partition(DISCOVERY)
    if service and not re.fullmatch(r"/[^/]+", service):
        raise TargetProblem("has more than one name after /cds-services; give the part before it")
    path = before.rstrip("/")
    base = f"{parts.scheme}://{parts.netloc}{path}"
    return Target(
        base=base,
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        path=path,
        service=service.lstrip("/"),
    )
