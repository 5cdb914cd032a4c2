"""Records under 42 CFR Part 2: which rows are labelled, and what passes on to cards and drafts.

Labels are security label codes of a resource's meta.security, as core.facts.Row keeps them: upper case.
Source: 42 CFR 2.32 and 2.33; FHIR security labels, https://hl7.org/fhir/R4/security-labels.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.core.facts import Row

USE, USE_NO_DETAIL, IGNORE = "use", "use-no-detail", "ignore"

RESTRICTED_RECORD = "a restricted record"
REDISCLOSURE_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PART2: Mapping[str, tuple[str, str]] = {
    "42CFRPART2": (_ACT_CODE, "42CFRPart2"),
    # A consent directive of Part 2: only a record that moves under such a consent bears it, so it tells as much.
    "42CFRPART2CD": (_ACT_CODE, "42CFRPart2CD"),
    "ETH": (_ACT_CODE, "ETH"),
    "ETHUD": (_ACT_CODE, "ETHUD"),
    "OPIOIDUD": (_ACT_CODE, "OPIOIDUD"),
    "SUD": (_ACT_CODE, "SUD"),
    "NORDSCLCD": (_ACT_CODE, "NORDSCLCD"),
    "NORDSLCD": (_ACT_CODE, "NORDSLCD"),  # how NORDSCLCD was spelled before; software still writes it
}
# They mark records of other kinds too (HIV, psychiatry), so they count only where a site says that they stand for
# Part 2; beside a label that counts they always pass on.
_LEVELS: Mapping[str, tuple[str, str]] = {"R": (_CONFIDENTIALITY, "R"), "V": (_CONFIDENTIALITY, "V")}
_OBLIGATIONS: Mapping[str, tuple[str, str]] = {"NOAUTH": (_ACT_CODE, "NOAUTH")}
_PASSING_ON = {**_PART2, **_LEVELS, **_OBLIGATIONS}


@dataclass(frozen=True, slots=True)
class Part2:
    """What one client may do with records under Part 2.

    mode:               USE, USE_NO_DETAIL (used, never told of), IGNORE (as if not read).
    by_confidentiality: whether the confidentiality code R or V alone marks such a record.
    """

    mode: str = USE_NO_DETAIL
    by_confidentiality: bool = False

    @property
    def ignores(self) -> bool:
        """Whether labelled records count as not read."""
        return self.mode == IGNORE

    def restricts(self, labels: frozenset[str]) -> bool:
        """Say whether these labels mark a Part 2 record."""
        return bool(labels) and not (
            labels.isdisjoint(_PART2) and not (self.by_confidentiality and not labels.isdisjoint(_LEVELS))
        )

    def kept(self, labels: frozenset[str]) -> frozenset[str]:
        """Give the labels that a row bears: all of a Part 2 record, none of any other."""
        return labels if self.restricts(labels) else frozenset()


CAREFUL = Part2()  # for a client that says nothing


def is_restricted(row: Row) -> bool:
    """Say whether the row carries a label of a Part 2 record; which those are was settled when it was read."""
    return not (row.labels.isdisjoint(_PART2) and row.labels.isdisjoint(_LEVELS))


def restricting_labels(rows: Iterable[Row]) -> frozenset[str]:
    """Give the labels that pass on to a card or draft resting on `rows`: Part 2 codes, R and V, and obligations."""
    labels = {label for row in rows if is_restricted(row) for label in row.labels}
    return frozenset(labels & _PASSING_ON.keys())


def security_codings(labels: Iterable[str]) -> list[dict[str, str]]:
    """Give labels as FHIR codings, in a fixed order and the code system's own spelling."""
    known = [_PASSING_ON[each] for each in sorted(labels) if each in _PASSING_ON]
    return [{"system": system, "code": code} for system, code in known]
