"""What all sections share: how much is measured, servers that are started once, rounds of calls by turns.

Every answer is looked at: a wrong one ends the run.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import UUID

from bench.charts import SIZES, Request
from bench.floor import OURS
from bench.load import OUR_SERVICE, Round, Server, ServerProblem, module, play, running

RULE = "org.oud-cds.rule"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    people:   different charts of one kind.
    rounds:   of each row. calls: of one round, by size; long enough for the clock of /proc to be fine.
    slow:     calls of one round to a server that takes many times as long, by size.
    at_once:  calls by several connections at once, by size.
    rules:    of the large generated release.
    starts:   how often the service is started anew in each way.
    """

    people: int
    rounds: int
    calls: Mapping[str, int]
    slow: Mapping[str, int]
    at_once: Mapping[str, int]
    warm_up: int
    in_process: int
    cohort: int
    workers: int
    rules: int
    starts: int


def _by_size(*calls: int) -> Mapping[str, int]:
    return dict(zip(SIZES, calls, strict=True))


FULL = Effort(
    people=64, rounds=5, calls=_by_size(384, 192, 64), slow=_by_size(96, 32, 8), at_once=_by_size(3000, 1000, 200),
    warm_up=16, in_process=3, cohort=4000, workers=2, rules=1000, starts=3,
)  # fmt: skip
QUICK = Effort(
    people=2, rounds=1, calls=_by_size(2, 2, 2), slow=_by_size(1, 1, 1), at_once=_by_size(8, 8, 8),
    warm_up=1, in_process=1, cohort=20, workers=1, rules=24, starts=1,
)  # fmt: skip

Check = Callable[[Sequence[bytes], Sequence[Request]], None]


def check(answers: Sequence[bytes], requests: Sequence[Request]) -> None:
    """Raise ServerProblem unless each answer holds exactly the cards of the rules that its chart asks for, in order."""
    for answer, request in zip(answers, requests, strict=True):
        got = tuple(card["extension"][RULE]["ruleId"] for card in json.loads(answer)["cards"])
        if got != request.rules:
            raise ServerProblem(f"an answer holds the cards {list(got)}, wanted {list(request.rules)}")


@dataclass(slots=True)
class Servers:
    """Servers by name, each started when it is first asked for and stopped with the stack.

    A class because it holds them. answers: the file of what floors answer.
    """

    stack: ExitStack
    answers: Path
    workers: int
    started: dict[str, Server] = field(default_factory=dict)

    def get(self, name: str, settings: Mapping[str, str] | None = None, which: str = OURS) -> Server:
        """Give the server of this name; it is `which` of bench.floor, with these settings."""
        command = module("bench.floor", which, str(self.answers))
        return self.run(name, command, {"CDS_WORKERS": str(self.workers), **(settings or {})})

    def run(self, name: str, command: Sequence[str], settings: Mapping[str, str] | None = None) -> Server:
        """Give the server of this name; the command starts it."""
        if name not in self.started:
            self.started[name] = self.stack.enter_context(running(command, settings))
        return self.started[name]


@dataclass(frozen=True, slots=True)
class Party:
    """A server, as it takes part in a comparison.

    target:     path and query of its calls.
    calls:      of one round.
    check:      raises ServerProblem for a wrong answer.
    authorize:  gives the Authorization header of one more call; None = calls have none.
    """

    server: Server
    target: str
    calls: int
    check: Check = check
    authorize: Callable[[], str] | None = None

    def round(self, people: Sequence[Request], names: Iterator[UUID], calls: int | None = None) -> Round:
        """Play one round, its calls prepared before it is measured."""
        calls = calls or self.calls
        asked = [people[each % len(people)] for each in range(calls)]
        bodies = [each.body(next(names)) for each in asked]
        tokens = [self.authorize() for _ in asked] if self.authorize else []
        played, answers = play(self.server, self.target, bodies, tokens)
        self.check(answers, asked)
        return played


def ours(server: Server, calls: int, query: str = "") -> Party:
    """Give our service, or one with the same paths and answers, as a party. query: names the written answer."""
    return Party(server, f"{OUR_SERVICE}?{query}", calls)


def by_turns(
    parties: Mapping[str, Party], people: Sequence[Request], names: Iterator[UUID], effort: Effort
) -> dict[str, list[Round]]:
    """Let the parties play their rounds by turns, after a warm-up over several connections, to reach all workers."""
    for _ in range(2 * effort.workers):
        for party in parties.values():
            party.round(people, names, min(effort.warm_up, party.calls))
    played: dict[str, list[Round]] = {name: [] for name in parties}
    for _ in range(effort.rounds):
        for name, party in parties.items():
            played[name].append(party.round(people, names))
    return played


def figures(played: Mapping[str, Sequence[Round]]) -> dict[str, list[float]]:
    """Give CPU ms and p50 ms of each round by the names that the results have: `ours_cpu_ms`, `ours_p50_ms`."""
    cpu = {f"{name}_cpu_ms": [each.cpu_ms for each in rounds] for name, rounds in played.items()}
    return cpu | {f"{name}_p50_ms": [each.p50_ms for each in rounds] for name, rounds in played.items()}


def ratios(upper: Sequence[float], lower: Sequence[float]) -> list[float]:
    """Divide round by round; 0 where the clock was too coarse to tell."""
    return [above / below if below else 0.0 for above, below in zip(upper, lower, strict=True)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Write the median, and the least and the most."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
