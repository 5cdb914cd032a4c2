"""Who is calling: `Authorization: Bearer <JWT>` to a client, or a refusal that says nothing of why.

The order matters: what costs little comes first, and nothing that a token says is believed before its signature was
checked. docs/explanation/trust.md tells what each step stops, and what is left.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from cds_service.clients.client import ANONYMOUS_NAME, LOG, Client, Clients
from cds_service.core.problem import Issue, RequestProblem
from cds_service.trust.claims import LEEWAY_S, check_claims
from cds_service.trust.keys import PublicKey, check_signature
from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import Token, read_token

WANTED = "a valid signed token of a known client is required"


@dataclass(frozen=True, slots=True)
class Trust:
    """What the gate is given.

    key_of:       the key that checks a token of a client. Raises Refused.
    wait_s, take: seconds until the client may call again; the second also counts a call when it may.
    holds:        whether this worker saw a token (client, digest, now).
    first_here:   remember a token in this worker (client, digest, end, now) and say whether it is new.
    first_seen:   the same for all workers and nodes; None = it could not be told.
    told:         why a token was not taken, or what else is worth counting; and the client's name, "" while unknown.
                  Must not raise.
    now:          seconds since 1970.
    """

    key_of: Callable[[Client, Token], PublicKey]
    wait_s: Callable[[Client], float]
    take: Callable[[Client], float]
    holds: Callable[[str, str, float], bool]
    first_here: Callable[[str, str, float, float], bool]
    first_seen: Callable[[str, str, datetime], bool | None]
    told: Callable[[Reason, str], None]
    now: Callable[[], float]


def gate(clients: Clients, public_url: str, trust: Trust) -> Callable[[str | None, str], Client]:
    """Give the function that tells who calls, from the Authorization header and the path that was called.

    public_url: what clients call this service by. A Host or X-Forwarded header is never asked: a caller writes those.
    The function raises RequestProblem: 401 no token that is taken, 403 the tenant may not call, 429 too many calls.
    """
    by_issuer = issuers(clients)

    def identify(authorization: str | None, path: str) -> Client:
        name = ""
        try:
            token = read_token(authorization)
            client = by_issuer.get(token.issuer)
            if client is None:
                raise Refused(Reason.ISSUER)
            name = client.name
            _check(token, client, f"{public_url}{path}" if public_url else "", trust)
        except Refused as refused:
            trust.told(refused.reason, name)
            raise _problem(refused) from None
        return client

    return identify


def issuers(clients: Clients) -> Mapping[str, Client]:
    """Each issuer's client. The entry `anonymous` is of calls that nobody checks: no token is its."""
    return {iss: each for each in clients.by_name.values() if each.name != ANONYMOUS_NAME for iss in each.issuers}


class _TooMany(Refused):
    def __init__(self, wait_s: float) -> None:
        super().__init__(Reason.RATE)
        self.wait_s = wait_s


def _check(token: Token, client: Client, called: str, trust: Trust) -> None:
    """Every check that needs the client, in order. Raises Refused."""
    if token.jku is not None and token.jku not in client.jku:
        raise Refused(Reason.KEY_URL)
    if wait_s := trust.wait_s(client):
        raise _TooMany(wait_s)  # before any cryptography; nothing is counted yet, for the token may be forged
    check_signature(token, trust.key_of(client, token))
    now = trust.now()
    check_claims(token, [*([called] if called else []), *client.audience], now)
    digest = hashlib.sha256(token.claims["jti"].encode("utf-8", "surrogatepass")).hexdigest()
    seen = trust.holds(client.name, digest, now)
    if seen and client.replay != LOG:
        raise Refused(Reason.REPLAY)  # not counted either: a token that was overheard must not use up the rate
    if wait_s := trust.take(client):
        raise _TooMany(wait_s)  # and the token is not remembered, so that it can be sent again
    if client.tenants and token.claims.get("tenant") not in client.tenants:
        raise Refused(Reason.TENANT)
    if not _first(token, client, digest, now, trust):
        if client.replay != LOG:
            raise Refused(Reason.REPLAY)
        trust.told(Reason.REPLAY_LOGGED, client.name)


def _first(token: Token, client: Client, digest: str, now: float, trust: Trust) -> bool:
    """Whether no worker saw this token before. What cannot be asked of the others is counted, and the call goes on."""
    ends = token.claims["exp"] + LEEWAY_S
    if not trust.first_here(client.name, digest, ends, now):
        return False
    anywhere = trust.first_seen(client.name, digest, datetime.fromtimestamp(ends, timezone.utc))
    if anywhere is None:
        trust.told(Reason.REPLAY_UNCHECKED, client.name)
    return anywhere is not False


def _problem(refused: Refused) -> RequestProblem:
    """The answer: the same for every fault of a token."""
    if isinstance(refused, _TooMany):
        wait = str(max(1, math.ceil(refused.wait_s)))
        return RequestProblem(429, Issue("throttled", "", "too many calls"), headers={"Retry-After": wait})
    if refused.reason is Reason.TENANT:
        return RequestProblem(403, Issue("forbidden", "", "not allowed"))
    issue = Issue("login", "Authorization", WANTED)
    return RequestProblem(401, issue, headers={"WWW-Authenticate": "Bearer"})
