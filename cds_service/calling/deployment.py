"""A deployment as `replay` uses it: which service takes a hook, a call of it, words for one that is not let in."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cds_service.calling.answers import no_service
from cds_service.calling.credential import NOBODY, Credential
from cds_service.calling.faults import Unheard
from cds_service.calling.target import DISCOVERY, Target
from cds_service.calling.wire import Heard, send

TIMEOUT_S = 30
NOT_LET_IN = (401, 403)


class NoAnswer(Exception):
    """No answer of a CDS service came from the URL; the text says what came, and what to do."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment to call. ca_file: certificates to trust in place of the usual; None = the usual."""

    target: Target
    credential: Credential = NOBODY
    ca_file: str | None = None
    timeout_s: float = TIMEOUT_S

    def post(self, service: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Call a service: status and JSON of the answer. Raises NoAnswer."""
        came = self._heard("POST", service_path(service), self.credential, json.dumps(body).encode())
        return came.status, came.value

    def service_of(self, own: Mapping[str, str]) -> Callable[[str], str | None]:
        """Give the function from a hook to the service that takes it, from the URL itself or from its discovery.

        own: hook to the id that this package gives its service; that one is taken if it is there, and if discovery
        cannot be read without a token of its own.
        Raises NoAnswer.
        """
        if self.target.service:
            return lambda hook: self.target.service
        # A token that was given is good for one URL, once: it is the call's.
        came = self._heard("GET", DISCOVERY, self.credential if self.credential.signer else NOBODY)
        if came.status in (*NOT_LET_IN, 429):
            return own.get
        listed = services_in(came.value)
        if came.status != 200 or listed is None:
            raise NoAnswer(
                f"{self.target.discovery}: status {came.status} and no list of services\n"
                "  give the URL before /cds-services; `cds-service doctor --url` says more"
            )
        return lambda hook: chosen(listed, hook, own.get(hook))

    def _heard(self, method: str, path: str, credential: Credential, body: bytes | None = None) -> Heard:
        url = f"{self.target.base}{path}"
        came = send(
            method, url, body=body, headers=credential.headers(url), seconds=self.timeout_s, ca_file=self.ca_file
        )
        if isinstance(came, Unheard):
            raise NoAnswer(f"{url}: {came}")
        if wrong := no_service(came):
            raise NoAnswer(f"{url}: {wrong[0]}\n  {wrong[1]}")
        return came


def service_path(service: str) -> str:
    """The path of a service below the base URL. Its id is what a server said, and stays one step of the path."""
    return f"{DISCOVERY}/{quote(service, safe='')}"


def services_in(value: Any) -> list[dict[str, Any]] | None:
    """The services of a discovery's JSON, each with `hook` and `id` as texts; None when it is no discovery."""
    services = value.get("services") if isinstance(value, dict) else None
    if not isinstance(services, list):
        return None
    for each in services:
        if not (isinstance(each, dict) and isinstance(each.get("hook"), str) and isinstance(each.get("id"), str)):
            return None
    return services


def chosen(services: Collection[Mapping[str, Any]], hook: str, own: str | None) -> str | None:
    """The id of the service that takes a hook: `own` if it is listed, else the first; None when there is none."""
    ids = [str(each["id"]) for each in services if each["hook"] == hook]
    return own if own in ids else next(iter(ids), None)


def not_let_in(statuses: Collection[int], credential: Credential) -> str:
    """Say why calls were not let in and what to do; "" when all were. statuses: of the answers, in order."""
    if 403 in statuses:
        return "403: the token is good, and its tenant may not call here\n  look at `tenants` of the client"
    if 401 not in statuses:
        return ""
    if credential.signer:
        return (
            "401: the service did not take the tokens minted from --key\n"
            "  its log says why in one word; usual are --iss (`issuers` of the client, letter by letter), the URL "
            "(CDS_PUBLIC_URL, else\n  --public-url), the key (--kid and `keys` of the client) and the clocks. "
            "`cds-service doctor --url` with the same options looks"
        )
    if not credential.token:
        return (
            "401: the service wants a token\n"
            "  --token - reads one from standard input, --token-file from a file; --key FILE --iss ISS mints one a call"
        )
    if len(statuses) > 1:
        return (
            "401: a token is good for one call of one URL, and one token was sent with every call: from the second on "
            "it is a replay\n  --key FILE --iss ISS mints one for each call; or name one fixture"
        )
    return (
        "401: the service did not take the token\n"
        "  it is good once, until its `exp`, for the URL in its `aud` alone: mint a new one with `cds-service token "
        "--aud` and the whole\n  URL of the service. The service's log says in one word what was wrong"
    )
