"""What the records say, counted: the groups that a report is made of, put together as they come. Pure.

A card counts for the rule version that wrote it, on the day it was first shown, and once however often it was answered.
The memory needed grows with versions, days and reasons, not with cards.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from cds_service.core.card import OVERRIDE_SYSTEM
from cds_service.feedback import ACCEPTED, OVERRIDDEN

NO_ANSWER, SILENT_CLIENT = "no answer", "silent client"
PARTS = (ACCEPTED, OVERRIDDEN, NO_ANSWER, SILENT_CLIENT)
WROTE, MERGED, OTHER = "wrote", "merged", "other"
MOST_REASONS = 200  # of one version; clients may send any code
MANY_REASONS = (("", "further reasons"),)

Reasons = tuple[tuple[str, str], ...]  # system and code of each; () = none was given


@dataclass(frozen=True, slots=True)
class Cards:
    """Decisions of one version on one day, all with the same outcome.

    service, digest: what answered, and by which release. client: who called.
    role:    WROTE the card; MERGED: its words stand on a card that another rule wrote; OTHER: it showed no card.
    outcome: ACCEPTED or OVERRIDDEN, as the last answer says; "" without an answer.
    reasons: of an override.
    host:    of MERGED, the rule that wrote the card.
    again:   cards of these with more than one answer on record.
    """

    day: date
    rule: str
    version: str
    client: str
    service: str
    digest: str
    role: str
    cards: int
    outcome: str = ""
    reasons: Reasons = ()
    again: int = 0
    host: str = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one day, whoever they were about and whatever was answered."""

    day: date
    client: str
    service: str
    digest: str
    calls: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Items of feedback received on one day about cards that are not on record for their client."""

    day: date
    items: int


@dataclass(slots=True)
class VersionCount:
    """What is counted of one version.

    spoke: services and digests in which it had something to do with a call. merged: by the rule that wrote the card.
    """

    parts: dict[date, Counter[str]] = field(default_factory=dict)
    reasons: Counter[Reasons] = field(default_factory=Counter)
    spoke: set[tuple[str, str]] = field(default_factory=set)
    merged: Counter[str] = field(default_factory=Counter)
    again: int = 0


@dataclass(slots=True)
class Count:
    """All that is counted."""

    versions: dict[tuple[str, str], VersionCount] = field(default_factory=dict)
    calls: dict[tuple[str, str], Counter[date]] = field(default_factory=dict)
    clients: Counter[str] = field(default_factory=Counter)
    unknown: int = 0


def count_of(
    groups: Iterable[Cards | Calls | Unknown], last_feedback: Mapping[str, date], offered: Collection[str] = ()
) -> Count:
    """Put groups together as they come.

    last_feedback: the day on which each client was last heard, over all that is on record. A client that is not in it
    never sent feedback, so that its silence about a card says nothing.
    offered: the codes of the reasons that cards offer. One of them without a system is taken for ours.
    """
    count = Count()
    for each in groups:
        match each:
            case Calls():
                count.calls.setdefault((each.service, each.digest), Counter())[each.day] += each.calls
                count.clients[each.client] += each.calls
            case Unknown():
                count.unknown += each.items
            case Cards():
                _add(count, each, each.client in last_feedback, offered)
    return count


def _add(count: Count, cards: Cards, heard: bool, offered: Collection[str]) -> None:
    version = count.versions.setdefault((cards.rule, cards.version), VersionCount())
    version.spoke.add((cards.service, cards.digest))
    if cards.role == MERGED:
        version.merged[cards.host] += cards.cards
    if cards.role != WROTE:
        return
    part = cards.outcome or (NO_ANSWER if heard else SILENT_CLIENT)
    version.parts.setdefault(cards.day, Counter())[part] += cards.cards
    version.again += cards.again
    if part == OVERRIDDEN:
        reasons = tuple(
            sorted({(system or (OVERRIDE_SYSTEM if code in offered else ""), code) for system, code in cards.reasons})
        )
        known = reasons in version.reasons or len(version.reasons) < MOST_REASONS
        version.reasons[reasons if known else MANY_REASONS] += cards.cards
