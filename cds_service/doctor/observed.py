"""What was observed of a deployment, and what is said of it. Values only: `look` fills them, the checks judge them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum

from cds_service.calling.faults import Unheard
from cds_service.calling.target import Target
from cds_service.calling.wire import Answered, Heard


class State(StrEnum):
    """What a check comes to."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it; to_do is "" where nothing is to be done."""

    check: str
    state: State
    found: str
    to_do: str = ""


class Step(StrEnum):
    """What was asked of the deployment."""

    DISCOVERY = "discovery"  # without a token
    SIGNED_DISCOVERY = "signed discovery"  # with one that was minted for it
    SLASH = "discovery with a slash at the end"
    ROOT = "discovery without the path of the URL"
    HEALTH = "healthz"
    READY = "readyz"
    METRICS = "metrics"
    OPEN_CALL = "call without a token"
    CALL = "call"
    LARGE = "large call"
    GZIP = "compressed call"
    CHUNKED = "chunked call"
    PREFLIGHT = "preflight"


@dataclass(frozen=True, slots=True)
class Tls:
    """A TLS connection whose certificate is trusted and is for the name.

    version: as "TLSv1.3"; starts, ends: of the certificate, seconds since 1970.
    """

    version: str
    starts: float
    ends: float


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was observed. None, or a step that is not in `answers`, was not looked at.

    now:       when looking began, seconds since 1970.
    fault:     why the URL cannot be called, "" when it can.
    addresses: what the name leads to.
    connected: seconds until the connection stood.
    shown:     what the calls showed of the caller: "", "token" or "key".
    in_clear:  a token was given and not sent, because all can read it on the way.
    service:   id of the service that was called.
    seconds:   of each sample call that was answered with 200.
    taken_as:  another URL that tokens had to name to be taken, "" when none did.
    by_its_clock: the token was taken when it was dated by the deployment's own clock, and not by that of this machine.
    origin:    of the preflight; made_up: it was none that was given.
    out_of_time: looking ended because it took too long.
    """

    now: float
    fault: str = ""
    target: Target | None = None
    addresses: tuple[str, ...] | Unheard | None = None
    connected: float | Unheard | None = None
    tls: Tls | Unheard | None = None
    answers: Mapping[Step, Answered] = field(default_factory=dict)
    shown: str = ""
    in_clear: bool = False
    service: str = ""
    seconds: tuple[float, ...] = ()
    taken_as: str = ""
    by_its_clock: bool = False
    origin: str = ""
    made_up: bool = False
    out_of_time: bool = False

    def heard(self, step: Step) -> Heard | None:
        """The HTTP answer of a step, None where none came or it was not asked."""
        answer = self.answers.get(step)
        return answer if isinstance(answer, Heard) else None

    def status(self, step: Step) -> int:
        """The status of a step, 0 where no answer came."""
        heard = self.heard(step)
        return heard.status if heard else 0

    @property
    def is_answered(self) -> bool:
        """Whether anything spoke HTTP, or TLS."""
        return any(isinstance(each, Heard) for each in self.answers.values()) or (
            isinstance(self.tls, Unheard) and self.tls.kind == "tls"
        )


def clock_of(heard: Heard) -> float | None:
    """What the `Date` of an answer says, seconds since 1970, in the middle of its second; None when it says nothing."""
    try:
        return parsedate_to_datetime(heard.headers["date"]).timestamp() + 0.5
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
