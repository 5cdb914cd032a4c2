"""Checks by number of the checklist, and what they come to."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.probe.charts import Service
from tests.probe.wire import Heard, Wire

PASS, FAIL, NOT_APPLICABLE = "pass", "fail", "not-applicable"
ALWAYS_COUNT = ("MUST", "MUST NOT")


class Failed(Exception):
    """A requirement is not met; the text says what was sent, what came and what was wanted."""


class NotApplicable(Exception):
    """A requirement cannot be seen here; the text says why."""


@dataclass(slots=True)
class Probe:
    """One run. services: what discovery told, those with a hook the probe can call first; cards: every card heard."""

    wire: Wire
    services: list[Service]
    discovery: Heard


@dataclass(frozen=True, slots=True)
class Result:
    number: int
    strength: str
    verdict: str
    said: str

    def __str__(self) -> str:
        return f"{self.number} {self.verdict}: {self.strength}: {self.said}"


Check = Callable[[Probe], str]
CHECKS: dict[int, Check] = {}


def check(*numbers: int) -> Callable[[Check], Check]:
    """Register a check: it gives what was sent and found, or raises Failed or NotApplicable."""

    def register(function: Check) -> Check:
        for number in numbers:
            if number in CHECKS:
                raise ValueError(f"two checks of {number}")
            CHECKS[number] = function
        return function

    return register


def wanted(holds: object, said: str) -> None:
    if not holds:
        raise Failed(said)


def refused(heard: Heard, what: str, *statuses: int) -> None:
    """Hold an answer to be a 4xx, one of `statuses` if they are given."""
    good = heard.status in statuses if statuses else 400 <= heard.status < 500
    wanted(good, f"{what}: {heard.status}, wanted {' or '.join(map(str, statuses)) or '4xx'}")


def taken(heard: Heard, what: str) -> None:
    wanted(heard.status == 200, f"{what}: {heard.status}, wanted 200: {heard.text[:200]}")


def judge(probe: Probe, number: int, strength: str, elsewhere: str) -> Result:
    """Run the check of a number. elsewhere: why there is none, for a number without one."""
    if number not in CHECKS:
        return Result(number, strength, NOT_APPLICABLE, elsewhere)
    try:
        return Result(number, strength, PASS, CHECKS[number](probe))
    except NotApplicable as why:
        return Result(number, strength, NOT_APPLICABLE, str(why))
    except Failed as why:
        return Result(number, strength, FAIL, str(why))


def counts(result: Result, strict: bool) -> bool:
    """Whether a result is a failure of the run."""
    return result.verdict == FAIL and (strict or result.strength in ALWAYS_COUNT)
