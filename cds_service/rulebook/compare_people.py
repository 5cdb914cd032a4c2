"""What two versions, or two releases, say about the same people: cards gained, lost and changed, and what flipped.

Pure: a record in, plain data out, so that any reader of records can be put before it and the work be spread over
processes. A version is judged alone, with the gate of its release: what other rules would silence is not looked at. A
release is judged whole, as it is served.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cds_service.core.card import (
    NOT_FOUND,
    RULE_EXTENSION,
    RULE_LINE,
    SOURCES,
    WHY_SHOWN,
    CallContext,
    Draft,
    call_context,
    render,
)
from cds_service.core.dates import UNKNOWN, Verdict
from cds_service.core.decision import FAILED, FIRES, UNDECIDED, Decision, Outcome
from cds_service.core.engine import Compiled, compile_release, decide
from cds_service.core.facts import HOOKS
from cds_service.core.problem import RequestProblem
from cds_service.core.rule import Edition, Release
from cds_service.fhir.reader import read_chart
from cds_service.fhir.shapes import Resource
from cds_service.fhir.versions import dialect
from cds_service.fhir.whole_record import RecordProblem, as_call

GAINED, LOST, CHANGED, REWORDED, SAME, NO_CARD = "gained", "lost", "changed", "reworded", "same", "no card"
TURNS = (GAINED, LOST, CHANGED, REWORDED)
BASIS = "basis"  # the part of a card that says why it is shown, and its sources


@dataclass(frozen=True, slots=True)
class Two:
    """Two sides ready to be put before the same charts.

    before, after: two releases; or one and the same, whose active version is the first side and whose trial the second,
    so that a chart is read once and what both versions ask is judged once.
    rules: the ids compared; moments: hooks they run at.
    """

    before: Compiled
    after: Compiled
    rules: tuple[str, ...]
    moments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What two versions of one rule say of one person at one moment.

    sort:    GAINED, LOST, CHANGED, REWORDED (only the basis has other words), SAME (the same card) or NO_CARD.
    unknown: which of the two cannot tell: (before, after). failed: likewise, which could not be judged.
    cards:   the variants shown, "consider (info)" or "", before and after.
    parts:   of a changed card, which parts differ: "card", "indicator", "summary", "text", "basis", "suggestions", ...
    flipped: the deepest criteria that have another verdict, "declined: YES becomes NO"; those that only one of the
             versions has are told when they stop it: "declined (new): YES".
    """

    rule: str
    person: str
    hook: str
    sort: str
    unknown: tuple[bool, bool] = (False, False)
    failed: tuple[bool, bool] = (False, False)
    cards: tuple[str, str] = ("", "")
    parts: tuple[str, ...] = ()
    flipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A record, or one moment of it, that no call can be made of. why: in words, without anything of the record."""

    person: str
    hook: str
    why: str


def two_editions(release: Release, before: Edition, after: Edition) -> Two:
    """Put two versions of one rule side by side, each as if it were the only rule of the release."""
    both = compile_release(replace(release, active=(before,), trial=(after,)))
    moments = tuple(each for each in HOOKS if each in (*before.rule.hooks, *after.rule.hooks))
    return Two(both, both, (after.rule.id,), moments)


def two_releases(before: Release, after: Release) -> Two:
    """Put two releases side by side."""
    rules = [each.rule for each in (*after.active, *before.active)]
    moments = tuple(each for each in HOOKS if any(each in rule.hooks for rule in rules))
    return Two(
        compile_release(before), compile_release(after), tuple(dict.fromkeys(each.id for each in rules)), moments
    )


def compare_record(two: Two, record: Sequence[Resource], today: date) -> Iterator[Compared | NotJudged]:
    """Judge one person's record by both sides, at each moment that their rules run at.

    A record without a draft order is not judged at order hooks, nor one without a stay at discharge.
    """
    for hook in two.moments:
        person = next((str(each.get("id")) for each in record if each.get("resourceType") == "Patient"), "")
        try:
            context, prefetch = as_call(record, hook)
            yield from compare_call(two, hook, context, prefetch, today)
        except RecordProblem as problem:
            yield NotJudged(person, hook, str(problem))
        except RequestProblem as problem:
            yield NotJudged(person, hook, "; ".join(each.text for each in problem.issues))


def compare_call(
    two: Two, hook: str, context: Mapping[str, Any], prefetch: Mapping[str, Any], today: date
) -> Iterator[Compared]:
    """Judge one call by both sides. Raises RequestProblem for a call that cannot be read."""
    spoken = dialect("", "", context, prefetch)
    outcomes = []
    sides = (two.before,) if two.before is two.after else (two.before, two.after)
    for side in sides:
        chart = read_chart(
            hook=hook,
            context=context,
            prefetch=prefetch,
            needs=side.needs,
            table=side.table,
            today=today,
            not_held=side.release.not_held,
            version=spoken.read,
        )
        outcomes.append(decide(side, chart, today))
    call = call_context(hook=hook, hook_instance="compared", context=context, today=today)
    said = [
        {
            each.edition.rule.id: _Said(each, side.release, call, spoken.draft)
            for each in outcome.decisions
            if each.trial is (trial and len(sides) == 1)
        }
        for side, outcome, trial in ((sides[0], outcomes[0], False), (sides[-1], outcomes[-1], True))
    ]
    gates = _gates(outcomes[0], outcomes[-1])
    for rule in two.rules:
        before, after = said[0].get(rule), said[1].get(rule)
        if before or after or gates:
            yield _compared(rule, (context["patientId"], hook), before, after, gates)


@dataclass(frozen=True, slots=True)
class _Said:
    """A decision and what it takes to write its card."""

    decision: Decision
    release: Release
    call: CallContext
    draft: Draft

    @property
    def shows(self) -> bool:
        return self.decision.state == FIRES and not self.withheld

    @property
    def withheld(self) -> str:
        """Why the card is not sent; that a version is on trial is only how it is compared."""
        return "" if self.decision.trial else self.decision.withheld

    @property
    def variant(self) -> str:
        card = self.decision.card
        return f"{card.id} ({self.decision.indicator})" if card and self.shows else ""

    def card(self) -> dict[str, Any]:
        """The card as it would be sent, without what names version and release."""
        card = render(self.decision, call=self.call, release=self.release, draft=self.draft)
        text, basis = _blocks(card["detail"])
        offers = [
            {key: each[key] for key in ("label", "isRecommended", "actions") if key in each}
            for each in card.get("suggestions", ())
        ]
        named = card["extension"][RULE_EXTENSION]
        return {
            "card": self.decision.card.id if self.decision.card else "",
            "indicator": card["indicator"],
            "summary": card["summary"],
            "text": text,
            BASIS: basis,
            "suggestions": offers,
            "links": card.get("links", []),
            "reasons": card.get("overrideReasons", []),
            "merged": [each["ruleId"] for each in named.get("merged", ())],
        }


def _blocks(detail: str) -> tuple[list[str], list[str]]:
    """Part a card's detail: what it tells to do and what could not be told; and what it rests on.

    The line that names rule and release is in neither.
    """
    text: list[str] = []
    basis: list[str] = []
    heading = ""
    for each in detail.split("\n\n"):
        if heading or each in (WHY_SHOWN, NOT_FOUND, SOURCES):
            basis.append(each)
            heading = "" if heading else each
        elif not each.startswith(RULE_LINE):
            text.append(each)
    return text, basis


def _gates(before: Outcome, after: Outcome) -> tuple[str, ...]:
    if bool(before.gate) == bool(after.gate):
        return ()
    return (f"{before.gate or after.gate} (never_when): {'no longer' if before.gate else 'now'} stops every rule",)


def _compared(
    rule: str, where: tuple[str, str], before: _Said | None, after: _Said | None, gates: tuple[str, ...]
) -> Compared:
    shows = (before is not None and before.shows, after is not None and after.shows)
    sort = {(True, True): SAME, (True, False): LOST, (False, True): GAINED, (False, False): NO_CARD}[shows]
    parts: tuple[str, ...] = ()
    if before and after and sort == SAME:
        was, now = before.card(), after.card()
        parts = tuple(each for each in was if was[each] != now[each])
        sort = (REWORDED if parts == (BASIS,) else CHANGED) if parts else SAME
    both = (before, after)
    unknown = tuple(each is not None and each.decision.state == UNDECIDED for each in both)
    failed = tuple(each is not None and each.decision.state == FAILED for each in both)
    flips: tuple[str, ...] = ()
    if sort in TURNS or unknown[0] != unknown[1]:
        flips = gates or _why(before, after, where[1])
    return Compared(
        rule=rule,
        person=where[0],
        hook=where[1],
        sort=sort,
        unknown=(unknown[0], unknown[1]),
        failed=(failed[0], failed[1]),
        cards=(before.variant if before else "", after.variant if after else ""),
        parts=parts,
        flipped=flips,
    )


# --- what flipped ----------------------------------------------------------------------------------------------------


def _why(before: _Said | None, after: _Said | None, hook: str) -> tuple[str, ...]:
    if before is None or after is None:
        return (f"only {'after' if before is None else 'before'}: the rule runs at {hook}",)
    withheld = [f"{word}: {each.withheld}" for word, each in (("before", before), ("after", after)) if each.withheld]
    if withheld:
        return tuple(withheld)
    return tuple(dict.fromkeys(_flips(before.decision, after.decision)))


def _flips(before: Decision, after: Decision) -> Iterator[str]:
    """Name the deepest criteria whose verdict differs; then those of one version alone that stop it."""
    sides = [_reach(each) for each in (before, after)]
    shared = sides[0].keys() & sides[1].keys()
    differ = {name for name in shared if sides[0][name] is not sides[1][name]}
    for name in sides[1]:
        below = {*before.judgement.members(name), *after.judgement.members(name)} if name in shared else set()
        if name in differ and not _deeper(below, before, after, differ):
            yield f"{name}: {_word(sides[0][name])} becomes {_word(sides[1][name])}"
    for decision, word in ((before, "gone"), (after, "new")):
        for name in decision.stopped_by:
            if name not in shared:
                yield f"{name} ({word}): {_word(decision.judgement.verdict(name))}"


def _deeper(names: set[str], before: Decision, after: Decision, differ: set[str]) -> bool:
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in differ:
            return True
        if name not in seen:
            seen.add(name)
            waiting += [each for side in (before, after) for each in _members(side, name)]
    return False


def _reach(decision: Decision) -> dict[str, Verdict]:
    """Every criterion that `when` and the cards' conditions lead to, with its verdict."""
    rule = decision.edition.rule
    logic = rule.when.logic
    waiting = [*logic.all, *logic.any, *logic.none]
    for card in rule.cards:
        asked = [card.conditions, *(line.conditions for line in card.detail)]
        asked += [each.conditions for each in card.suggestions]
        waiting += [name for each in asked for name in (*each.if_, *each.unless, *each.if_unknown)]
        waiting += [name for _, name in card.indicator if name]
    found: dict[str, Verdict] = {}
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = decision.judgement.verdict(name)
            waiting += _members(decision, name)
    return found


def _members(decision: Decision, name: str) -> tuple[str, ...]:
    try:
        return decision.judgement.members(name)
    except KeyError:
        return ()


def _word(verdict: Verdict) -> str:
    return "cannot tell" if verdict is UNKNOWN else verdict.name
