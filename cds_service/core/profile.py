"""What a client's cards may hold: a profile, named after the EHR whose ways it captures.

Pure data and the words for it; `core.fitting` applies it. Source: vendors' public documentation of their
CDS Hooks clients (docs/reference/clients.md names what each profile rests on).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROPOSAL, ORDER = "proposal", "order"


@dataclass(frozen=True, slots=True)
class Profile:
    """How cards are fitted to one sort of client.

    action_types:    what an action may do ("create", "delete").
    creates:         resource types that a create may have; None = any.
    spellings:       code system as this project writes it -> the system a suggestion's coding is written with.
    links:           hosts that a link may go to; None = any. smart_links: whether a SMART link may be sent at all.
    detail_limit:    most characters of a card's detail; None = any.
    intent:          of drafts: PROPOSAL, or ORDER where a client takes nothing else.
    hook_by_trigger: value of the request's trigger extension -> the hook whose rules answer.
    """

    name: str = "generic"
    action_types: frozenset[str] = frozenset({"create", "delete"})
    creates: frozenset[str] | None = None
    spellings: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] | None = None
    smart_links: bool = True
    detail_limit: int | None = None
    intent: str = PROPOSAL
    hook_by_trigger: Mapping[str, str] = field(default_factory=dict)


GENERIC = Profile()
