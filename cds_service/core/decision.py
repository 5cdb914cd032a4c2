"""What the engine answers: a result for every criterion, a decision for every rule.

RULE-LANGUAGE sections 4 and 6 (docs/reference/rule-language.md) say what each part means.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import NamedTuple, Protocol

from cds_service.core.dates import NO, UNKNOWN, YES, Span, Verdict
from cds_service.core.facts import Chart, Gap, Row
from cds_service.core.form import Printed
from cds_service.core.record import record
from cds_service.core.rule import Card, Criterion, Edition

NOT_READ = "not-read"
DOUBTS = (
    NOT_READ, "row-unreadable", "date-missing", "date-imprecise", "end-missing", "status-missing", "value-unreadable",
    "unit-missing", "implausible", "answer-unlisted", "joining-unclear", "encounter-missing", "birth-date",
    "sex-missing",
)  # fmt: skip


class Doubt(NamedTuple):
    """Why something is UNKNOWN. kind is one of DOUBTS; about is a row's reference or a list's source.

    A tuple, because a chart whose rows are all in doubt has them put together and compared by the ten thousand.
    """

    kind: str
    about: str

    @property
    def unread(self) -> bool:
        """Whether a list that was not read is the reason; any other doubt is `doubtful`."""
        return self.kind == NOT_READ


@record(frozen=True, slots=True)
class Found:
    """A row that a criterion rests on.

    row:     the chart's row; for merged rows (`merge_gaps`) the latest of them, `merged` counts how many it joins.
    start, end: the days it can have begun and ended; end None = still running, or a state without an end.
    by_text: found by words, not by a code. value_set: title of the set that found it ("" for none).
    label:   label of the criterion that found the row, else None.
    doubts:  what about the row itself is not sure, by kind; why: every reason, also of other rows and unread lists.
    pinned:  it may be part of a longer stretch that could not be joined, so no later key can drop it.
    open:    of merged rows: one of them runs only because nothing ended it.
    """

    row: Row
    sure: bool
    start: Span
    end: Span | None
    by_text: bool = False
    value_set: str = ""
    label: str | None = None
    doubts: tuple[str, ...] = ()
    merged: int = 1
    why: tuple[Doubt, ...] = ()
    pinned: bool = False
    open: bool = False


@record(frozen=True, slots=True)
class Near:
    """A row that was looked at and dropped, and the key of the first test it failed ("status")."""

    row: Row
    failed: str


@record(frozen=True, slots=True)
class Result:
    """A criterion's answer on one chart.

    rows:    YES: the sure rows first, then doubtful ones; UNKNOWN: only doubtful ones; NO: none.
    doubts:  why it is UNKNOWN; empty otherwise.
    further: what was not read and may hold further rows of this criterion.
    count:   how many rows or members hold for sure.
    """

    verdict: Verdict
    rows: tuple[Found, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    further: tuple[Gap, ...] = ()
    count: int = 0


NOTHING = Result(NO)


@record(frozen=True, slots=True)
class Dropped:
    """What a criterion that is NO had to look at: how many rows, and up to three that came nearest."""

    looked_at: int = 0
    nearest: tuple[Near, ...] = ()


class Judgement(Protocol):
    """Every criterion an edition can reach, judged on one chart when asked for (and then remembered).

    Names are as the rule writes them: "declined", "opioid-status.on_moud"; what a definition uses of its own is
    qualified the same way ("opioid-status.oud_coded").
    """

    @property
    def edition(self) -> Edition: ...

    @property
    def chart(self) -> Chart: ...

    @property
    def today(self) -> int: ...

    @property
    def printed(self) -> Printed:
        """Give the forms of the edition's cards and sentences."""

    def verdict(self, name: str) -> Verdict:
        """Give a criterion's verdict; it costs less than the rows it stands on."""

    def firm(self, name: str) -> Verdict:
        """Give its verdict with every soft row taken as doubtful (section 3, firm evidence)."""

    def result(self, name: str) -> Result:
        """Give a criterion's verdict with the rows and doubts it stands on."""

    def doubts(self, name: str) -> tuple[Doubt, ...]:
        """Say why a criterion is UNKNOWN, as its result does; empty for any other."""

    def dropped(self, name: str) -> Dropped:
        """Say what a criterion that is NO had to look at; worked out each time, for only explanations ask."""

    def criterion(self, name: str) -> Criterion:
        """Give what the file says."""

    def members(self, name: str) -> tuple[str, ...]:
        """Name the criteria it looks at, qualified and in order."""

    def searched(self, name: str) -> tuple[str, ...]:
        """Name the facts whose rows it could be made of; what only conditions it is not among them."""


FIRES, SILENT, UNDECIDED, FAILED = "fires", "silent", "undecided", "failed"


@record(frozen=True, slots=True)
class Decision:
    """What one edition of one rule says about one chart.

    state:      FIRES (a card, perhaps with a caveat), SILENT (NO), UNDECIDED (UNKNOWN and no card), FAILED (raised).
    verdict:    of `when`; None if the rule raised.
    card, indicator: the chosen variant and its level; None without a card.
    caveat:     doubts a card shown on UNKNOWN must open with.
    doubts:     why `when` is UNKNOWN.
    withheld:   "" or why a card is not sent on its own: "yields to x", "merged into x", "over the limit", "trial".
    merged:     decisions whose lines, suggestions and sources this card takes up.
    ask_fetch:  gaps that the rule requires to be filled.
    error:      the exception text class of a FAILED rule, for the log.
    """

    edition: Edition
    state: str
    verdict: Verdict | None
    judgement: Judgement
    trial: bool = False
    card: Card | None = None
    indicator: str | None = None
    caveat: tuple[Doubt, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    withheld: str = ""
    merged: tuple["Decision", ...] = ()
    ask_fetch: tuple[Gap, ...] = ()
    error: str = ""

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """Of a NO, exactly the members of `when` that stop it; of an UNKNOWN, those that are UNKNOWN.

        Told when asked: judging every member only to name it would be most of the work for a rule that is silent.
        """
        when, verdict = self.edition.rule.when.logic, self.judgement.verdict
        if self.verdict is UNKNOWN:
            return tuple(name for name in (*when.all, *when.any, *when.none) if verdict(name) is UNKNOWN)
        if self.verdict is not NO:
            return ()
        stops = [name for name in when.all if verdict(name) is NO]
        if all(verdict(name) is NO for name in when.any):
            stops += when.any
        return (*stops, *(name for name in when.none if verdict(name) is YES))


AllOf = Callable[[Iterable[Decision]], tuple[Decision, ...]]


@record(frozen=True, slots=True)
class Outcome:
    """Everything decided for one call.

    shown:  decisions whose cards are sent, in order.
    heard:  decisions of the rules of which the chart holds something, active and trial ones, shown or not, in release
            order. Every other rule is silent and NO: of hundreds of rules nearly all, so nothing is made for them.
    gate:   the `never_when` criterion that was YES, else "".
    unread: what was not read, source -> why.
    all_of: puts the decisions of the silent others between those heard; left out when there are no others.
    """

    shown: tuple[Decision, ...]
    heard: tuple[Decision, ...]
    gate: str = ""
    unread: Mapping[str, str] = field(default_factory=dict)
    all_of: AllOf = field(default=tuple, compare=False)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every active and trial decision, shown or not, in release order; made for whoever asks for silence too."""
        return self.all_of(self.heard)
