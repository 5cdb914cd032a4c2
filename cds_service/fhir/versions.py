"""The FHIR versions by name: how each is read, written and asked for, and which one a client speaks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cds_service.core.card import Draft
from cds_service.core.profile import Profile
from cds_service.fhir import r4, r5, stu3
from cds_service.fhir.draft import draft
from cds_service.fhir.draft_spelling import STU3_TYPES, draft_r5, draft_stu3
from cds_service.fhir.sniff import sniff
from cds_service.fhir.version import Version

R4, R5, STU3 = "R4", "R5", "STU3"
# Source: "FHIR Release (Version) History", https://hl7.org/fhir/history.html
_RELEASED = re.compile(r"(3\.0|4\.0|4\.3|5\.0)\.\d+")
_NAMES: Mapping[str, str] = {"3.0": STU3, "4.0": R4, "4.3": R4, "5.0": R5}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a call is read as, and what its suggestions are written in.

    version: name of the version that suggestions are written in.
    never_declined: types of order that cannot say that something is *not* to be done.
    types:          the types of drafts that it has in place of R4's.
    """

    version: str
    read: Version
    draft: Draft
    never_declined: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict)

    def fit(self, profile: Profile) -> Profile:
        """Give a client's profile, written in R4, with what its FHIR version says otherwise or cannot say."""
        if not self.never_declined and not self.types:
            return profile
        creates = profile.creates
        if creates is not None:
            creates = tuple(self.types.get(each, each) for each in creates)
        return replace(profile, never_declined=self.never_declined, creates=creates)


DIALECTS: Mapping[str, Dialect] = {
    R4: Dialect(R4, r4, draft),
    R5: Dialect(R5, r5, draft_r5),
    STU3: Dialect(STU3, stu3, draft_stu3, frozenset({"MedicationRequest"}), STU3_TYPES),
}


def dialect(registered: str, served: str, context: Any, prefetch: Any) -> Dialect:
    """Give the dialect of a call: what the client is registered with, else what its server states, else the shape.

    registered, served: a name of DIALECTS, or "" for none. What is registered always holds. What a server states holds
    unless marks in the call speak against it: what was sent is nearer than what a server once said of itself. A chart
    with marks of several versions is read as all of them, and answered in R4 unless the server states the other.
    """
    if registered:
        return DIALECTS[registered]
    shape = sniff(context, prefetch)
    if served and (served in shape.possible or served == shape.read):
        return DIALECTS[served]
    if shape.read == shape.write:
        return DIALECTS[shape.read]
    return replace(DIALECTS[shape.write], read=DIALECTS[shape.read].read)


def served_version(statement: object) -> str | None:
    """Give the version of FHIR that a server's CapabilityStatement names, as in DIALECTS.

    statement: what the server gave at `metadata`. "" when it names one that is not read here; None when it is no such
    statement, or names none.
    Source: https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.fhirVersion
    """
    if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
        return None
    named = statement.get("fhirVersion")
    if not isinstance(named, str):
        return None
    released = _RELEASED.fullmatch(named)
    return _NAMES[released[1]] if released else ""
