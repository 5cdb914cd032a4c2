"""The claims of a token whose signature is good: whose it is, for whom, and when.

Source: RFC 7519 section 4.1, CDS Hooks 2.0 "JWT payload". Epic sends `nbf` five minutes before `iat` and `exp` fifteen
after it, which is within these limits.
"""

import math
from collections.abc import Collection
from typing import Any

from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry

from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import Token

LEEWAY_S = 10  # how far the clocks of client and service may be apart
MOST_LIFE_S = 20 * 60  # from `iat` to `exp`
MOST_TOKEN_ID = 256
MOST_AUDIENCES = 20
_TIMES = ("exp", "iat", "nbf")


def check_claims(token: Token, audiences: Collection[str], now: float) -> None:
    """Check every claim but `tenant`, and whether the token was seen before. Raises Refused.

    audiences: what `aud` may be, or hold: the public URL that was called and what else the client is known by.
    now:       seconds since 1970.
    """
    claims = dict(token.claims)
    _check_shapes(claims)
    if not audiences:
        raise Refused(Reason.AUDIENCE)  # the registry would take an empty list for "any"
    registry = JWTClaimsRegistry(
        now=math.floor(now),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": token.issuer},
        aud={"essential": True, "values": list(audiences)},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )
    try:
        registry.validate(claims)
    except MissingClaimError:
        raise Refused(Reason.CLAIM_MISSING) from None
    except ExpiredTokenError:
        raise Refused(Reason.EXPIRED) from None
    except ClaimError as fault:
        raise Refused(_REASONS.get(fault.claim, Reason.CLAIM_SHAPE)) from None
    if claims["exp"] + LEEWAY_S <= now:  # the registry rounds now down; a token is remembered until this very moment
        raise Refused(Reason.EXPIRED)
    if not 0 < claims["exp"] - claims["iat"] <= MOST_LIFE_S:
        raise Refused(Reason.LIFE)


_REASONS = {"aud": Reason.AUDIENCE, "iat": Reason.NOT_YET, "nbf": Reason.NOT_YET}


def _check_shapes(claims: dict[str, Any]) -> None:
    """Check what the registry takes more liberally. An absent or null claim is left to it."""
    for name in _TIMES:
        value = claims.get(name)
        if name in claims and value is None and name == "nbf":
            raise Refused(Reason.CLAIM_SHAPE)
        if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
            raise Refused(Reason.CLAIM_SHAPE)
    token_id, audience = claims.get("jti"), claims.get("aud")
    if token_id is not None and not (isinstance(token_id, str) and 0 < len(token_id) <= MOST_TOKEN_ID):
        raise Refused(Reason.CLAIM_SHAPE)
    if audience is not None and not isinstance(audience, str):
        if not isinstance(audience, list) or not all(isinstance(each, str) for each in audience):
            raise Refused(Reason.CLAIM_SHAPE)
        if len(audience) > MOST_AUDIENCES:
            raise Refused(Reason.CLAIM_SHAPE)
