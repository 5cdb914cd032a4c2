"""The FHIR versions by name: how each is read and written, and which one a client speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cds_service.core.card import Draft
from cds_service.core.profile import Profile
from cds_service.fhir import r4, r5, stu3
from cds_service.fhir.draft import draft
from cds_service.fhir.draft_spelling import draft_r5, draft_stu3
from cds_service.fhir.sniff import sniff
from cds_service.fhir.version import Version

R4, R5, STU3 = "R4", "R5", "STU3"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a call is read as, and what its suggestions are written in.

    version: name of the version that suggestions are written in.
    never_declined: types of order that cannot say that something is *not* to be done.
    """

    version: str
    read: Version
    draft: Draft
    never_declined: frozenset[str] = frozenset()

    def fit(self, profile: Profile) -> Profile:
        """Give a client's profile with what its FHIR version cannot say."""
        return replace(profile, never_declined=self.never_declined) if self.never_declined else profile


DIALECTS: Mapping[str, Dialect] = {
    R4: Dialect(R4, r4, draft),
    R5: Dialect(R5, r5, draft_r5),
    STU3: Dialect(STU3, stu3, draft_stu3, frozenset({"MedicationRequest"})),
}


def dialect(stated: str, context: Any, prefetch: Any) -> Dialect:
    """Give the dialect of a call.

    stated: the version that the client is registered with, or that its server states; "" leaves it to the shape of
            what was sent. A chart with marks of several versions is read as all of them, and answered in R4.
    """
    if stated:
        return DIALECTS[stated]
    shape = sniff(context, prefetch)
    if shape.read == shape.write:
        return DIALECTS[shape.read]
    return replace(DIALECTS[shape.write], read=DIALECTS[shape.read].read)
