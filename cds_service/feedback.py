"""CDS Hooks feedback: what a clinician did with a card, read liberally and checked item by item.

Pure: values in, values out. Source: https://cds-hooks.hl7.org/2.0/ "Feedback".
"""

from dataclasses import dataclass
from datetime import datetime

ACCEPTED, OVERRIDDEN = "accepted", "overridden"


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """A coded reason; its display is not kept, because it is text that the client wrote."""

    code: str
    system: str


@dataclass(frozen=True, slots=True)
class FeedbackItem:
    """What was done with one card.

    card:      the card's uuid, or whatever id the client knows it by.
    outcome:   ACCEPTED or OVERRIDDEN. outcome_timestamp: UTC.
    accepted_suggestions: ids of the suggestions taken. reasons: coded reasons of an override.
    comment:   free text of an override, "" for none.
    """

    card: str
    outcome: str
    outcome_timestamp: datetime
    accepted_suggestions: tuple[str, ...] = ()
    reasons: tuple[OverrideReason, ...] = ()
    comment: str = ""
