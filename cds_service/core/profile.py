"""What a client's cards may hold: a profile, named after the EHR whose ways it captures.

Pure data; core.fitting applies it, clients.profiles holds the profiles that ship.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PROPOSAL, ORDER = "proposal", "order"
ACTION_TYPES = ("create", "delete")


@dataclass(frozen=True, slots=True)
class Profile:
    """How cards are fitted to one sort of client.

    action_types:  what an action may do.
    creates:       resource types that a create may have; None = any.
    coded_only:    whether a create needs a coding: a client that finds an order by its code can do nothing with words.
    declines:      whether `doNotPerform` of a draft is kept to. Where it is not, an offer to write down that something
                   is *not* to be done would order it, so such an offer is never sent.
    never_declined: resource types whose `doNotPerform` the client's FHIR version has no word for (fhir.versions).
    spellings:     code system as this project writes it -> the system that a suggestion's coding is written with.
    link_hosts:    hosts that a link may go to; None = any.
    smart_hosts:   hosts that a SMART link may go to, besides; None = any.
    app_context:   whether `appContext` of a SMART link reaches the app; where it does not, it is left out.
    detail_limit:  most characters of a card's detail; None = any.
    intent:        of drafts: PROPOSAL, or ORDER where a client takes nothing else.
    trigger_extension, hook_by_trigger: member of a patient-view request's extension, and by its value the hook whose
                   rules answer.
    """

    name: str = "generic"
    action_types: tuple[str, ...] = ACTION_TYPES
    creates: tuple[str, ...] | None = None
    coded_only: bool = False
    declines: bool = True
    never_declined: frozenset[str] = frozenset()
    spellings: Mapping[str, str] = field(default_factory=dict)
    link_hosts: tuple[str, ...] | None = None
    smart_hosts: tuple[str, ...] | None = None
    app_context: bool = True
    detail_limit: int | None = None
    intent: str = PROPOSAL
    trigger_extension: str = ""
    hook_by_trigger: Mapping[str, str] = field(default_factory=dict)

    def may_link(self, url: str, *, smart: bool) -> bool:
        """Whether a link may go to a URL; smart: it launches a SMART app."""
        host = urlsplit(url).hostname
        lists = (self.link_hosts, self.smart_hosts if smart else None)
        return all(hosts is None or host in hosts for hosts in lists)

    @property
    def takes_all(self) -> bool:
        """Whether any card fits as it is."""
        return (
            self.action_types == ACTION_TYPES
            and self.creates is None
            and not self.coded_only
            and self.declines
            and not self.never_declined
            and not self.spellings
            and self.link_hosts is None
            and self.smart_hosts is None
            and self.app_context
            and self.detail_limit is None
        )


GENERIC = Profile()
