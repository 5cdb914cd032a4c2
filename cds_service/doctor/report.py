"""All checks of an observed deployment, as text, as JSON, and as an exit code."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from cds_service.doctor import proxy, service, way
from cds_service.doctor.observed import Finding, Observed, State

FINE, FINDINGS, NO_ANSWER = 0, 1, 6
WIDTH = 110

CHECKS: tuple[Callable[[Observed], Finding], ...] = (
    way.url,
    way.name,
    way.connection,
    way.tls,
    service.discovery,
    service.slash,
    service.health,
    service.ready,
    way.clock,
    proxy.challenge,
    proxy.token,
    service.call,
    service.latency,
    proxy.body_size,
    proxy.chunked,
    proxy.compressed,
    proxy.cors,
    proxy.caching,
    proxy.metrics,
    proxy.between,
)


def examine(seen: Observed) -> list[Finding]:
    """Make every check, in the order in which one thing rests on another."""
    found = [check(seen) for check in CHECKS]
    if seen.out_of_time:
        found.append(
            Finding(
                "time",
                State.WRONG,
                "looking took too long, and what is not checked above was left out",
                "look at what was slow: a step that takes ten seconds is told as no answer",
            )
        )
    return found


def exit_code(seen: Observed, found: Sequence[Finding]) -> int:
    """0 fine, warnings among it; 1 something is wrong; 6 nothing answered."""
    if seen.target is not None and not seen.is_answered:
        return NO_ANSWER
    return FINDINGS if any(each.state is State.WRONG for each in found) else FINE


def as_text(found: Sequence[Finding]) -> str:
    """One line a check, with what to do below it, and a line that counts."""
    lines = []
    for each in found:
        lines += _wrapped(f"{each.state:<12} {each.check:<19} ", each.found)
        if each.to_do:
            lines += _wrapped(f"{'':<32} to do: ", each.to_do)
    lines += ["", ", ".join(f"{number} {state}" for state, number in counted(found).items() if number)]
    return "\n".join(lines)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def as_json(url: str, found: Sequence[Finding], code: int) -> dict[str, Any]:
    """The same for a machine: `url`, `exit`, `counts`, and `checks` with check, state, found and toDo."""
    return {
        "url": url,
        "exit": code,
        "counts": counted(found),
        "checks": [
            {"check": each.check, "state": each.state, "found": each.found, "toDo": each.to_do} for each in found
        ],
    }


def counted(found: Sequence[Finding]) -> dict[str, int]:
    """How many checks came to each state."""
    return {str(state): sum(each.state is state for each in found) for state in State}
