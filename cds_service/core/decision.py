"""What the engine answers: a result for every criterion, a decision for every rule.

RULE-LANGUAGE sections 4 and 6 (docs/reference/rule-language.md) say what each part means.
"""

from collections.abc import Callable, Mapping
from dataclasses import field

from cds_service.core.dates import NO, UNKNOWN, YES, Span, Verdict
from cds_service.core.facts import Chart, Gap, Row
from cds_service.core.record import record
from cds_service.core.rule import Card, Criterion, Edition

NOT_READ = "not-read"
DOUBTS = (
    NOT_READ, "row-unreadable", "date-missing", "date-imprecise", "end-missing", "status-missing", "value-unreadable",
    "unit-missing", "implausible", "answer-unlisted", "joining-unclear", "encounter-missing", "birth-date",
    "sex-missing",
)  # fmt: skip


@record(frozen=True, slots=True)
class Doubt:
    """Why something is UNKNOWN. kind is one of DOUBTS; about is a row's reference or a list's source."""

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

    rows:      YES: the sure rows first, then doubtful ones; UNKNOWN: only doubtful ones; NO: none.
    doubts:    why it is UNKNOWN; empty otherwise.
    looked_at: rows that were there to look at; nearest: of a NO, up to three dropped rows.
    further:   what was not read and may hold further rows of this criterion.
    count:     how many rows or members hold for sure.
    """

    verdict: Verdict
    rows: tuple[Found, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    looked_at: int = 0
    nearest: tuple[Near, ...] = ()
    further: tuple[Gap, ...] = ()
    count: int = 0


@record(frozen=True, slots=True)
class Judgement:
    """Every criterion an edition can reach, judged on one chart when asked for (and then remembered).

    Names are as the rule writes them: "declined", "opioid-status.on_moud"; what a definition uses of its own is
    qualified the same way ("opioid-status.oud_coded").
    result: name -> Result; firm: the same with every soft row taken as doubtful (section 3, firm evidence).
    criterion: name -> Criterion; members: name -> the qualified names it looks at, in order.
    searched: name -> the facts whose rows the criterion could be made of; what only conditions it is not among them.
    """

    edition: Edition
    chart: Chart
    today: int
    result: Callable[[str], Result]
    firm: Callable[[str], Result]
    criterion: Callable[[str], Criterion]
    members: Callable[[str], tuple[str, ...]]
    searched: Callable[[str], tuple[str, ...]]


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
        when, result = self.edition.rule.when.logic, self.judgement.result
        if self.verdict is UNKNOWN:
            return tuple(name for name in (*when.all, *when.any, *when.none) if result(name).verdict is UNKNOWN)
        if self.verdict is not NO:
            return ()
        stops = [name for name in when.all if result(name).verdict is NO]
        if all(result(name).verdict is NO for name in when.any):
            stops += when.any
        return (*stops, *(name for name in when.none if result(name).verdict is YES))


@record(frozen=True, slots=True)
class Outcome:
    """Everything decided for one call.

    shown:     decisions whose cards are sent, in order.
    decisions: every active and trial decision, shown or not, in release order.
    gate:      the `never_when` criterion that was YES, else "".
    unread:    what was not read, source -> why.
    """

    shown: tuple[Decision, ...]
    decisions: tuple[Decision, ...]
    gate: str = ""
    unread: Mapping[str, str] = field(default_factory=dict)
