"""Why a token was not taken: a closed set of words for logs and metrics. No caller is ever told one."""

from enum import StrEnum


class Reason(StrEnum):
    """docs/explanation/trust.md says of each what it stops."""

    MISSING = "token-missing"
    TOO_LARGE = "token-too-large"
    MALFORMED = "token-malformed"
    TYPE = "token-type"
    ALGORITHM = "algorithm"
    CRITICAL = "critical-header"
    KEY_ID = "key-id"
    ISSUER = "issuer-unknown"
    KEY_URL = "key-url-not-listed"
    RATE = "rate"
    KEY_UNKNOWN = "key-unknown"
    KEY_UNFIT = "key-unfit"
    KEYS_UNAVAILABLE = "keys-unavailable"
    SIGNATURE = "signature"
    CLAIM_MISSING = "claim-missing"
    CLAIM_SHAPE = "claim-shape"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    LIFE = "life-too-long"
    AUDIENCE = "audience"
    TENANT = "tenant"
    REPLAY = "replay"
    # These three refuse nothing: the call goes on.
    REPLAY_LOGGED = "replay-logged"
    REPLAY_UNCHECKED = "replay-unchecked"
    REPLAY_FORGOTTEN = "replay-forgotten"


PASSING = (Reason.REPLAY_LOGGED, Reason.REPLAY_UNCHECKED, Reason.REPLAY_FORGOTTEN)


class Refused(Exception):
    """A token that is not taken."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason
