"""Value sets: which (system, code) and which words belong to a named set.

A ValueSet is a FHIR ValueSet file, read (rulebook.reader). A Table looks a coding up once for every set of a
release and answers with a bit mask, so that asking "is it in oud-dependence" is one AND.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cds_service.core.facts import TEXT_LIMIT, UNREADABLE_CONCEPT, Coding, Concept

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"

# Spellings of code systems that EHRs send, and the FHIR canonical URI of each.
# Source: https://terminology.hl7.org/external_code_systems.html
SYSTEMS: Mapping[str, str] = {
    "urn:oid:2.16.840.1.113883.6.90": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10-pcs": "http://www.cms.gov/Medicare/Coding/ICD10",
    "urn:oid:2.16.840.1.113883.6.4": "http://www.cms.gov/Medicare/Coding/ICD10",
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.285": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "urn:oid:2.16.840.1.113883.6.69": "http://hl7.org/fhir/sid/ndc",
}
_ICD_SHAPE = re.compile(r"[A-Z][0-9][0-9A-Z]\.?[0-9A-Z]{0,4}")


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A named set of codes and phrases.

    codes:    normalised codings that are in.
    subtrees: normalised codings whose whole subtree is in (ICD-10-CM only: a code is below those it begins with).
    not_codes, not_subtrees: what is taken out again; being out wins.
    phrases, not_phrases: lower-case word sequences; used only when no coding of a system the set lists is there.
    found_in: Observation prefetch keys this set's rows stand in ("labs"); empty = any of them.
    disjoint_from: ids of sets that must share no code with this one.
    """

    id: str
    version: str
    title: str
    codes: frozenset[Coding]
    subtrees: frozenset[Coding] = frozenset()
    not_codes: frozenset[Coding] = frozenset()
    not_subtrees: frozenset[Coding] = frozenset()
    phrases: tuple[str, ...] = ()
    not_phrases: tuple[str, ...] = ()
    found_in: frozenset[str] = frozenset()
    disjoint_from: tuple[str, ...] = ()
    displays: Mapping[Coding, str] = field(default_factory=dict, compare=False)

    @property
    def systems(self) -> frozenset[str]:
        """The code systems the set lists codes of."""
        return frozenset(each.system for each in (*self.codes, *self.subtrees))


def normalise(system: str, code: str) -> Coding:
    """Give the coding in its canonical spelling.

    Systems: OIDs and http/https variants become the FHIR URI, a trailing slash goes. Codes are trimmed; ICD codes are
    upper-cased and get their dot back ("f1120" is F11.20).
    """
    system = system.strip().rstrip("/")
    if system.startswith("https://"):
        system = "http://" + system[8:]
    system = SYSTEMS.get(system.lower() if system[:4].lower() == "urn:" else system, system)
    code = code.strip()
    if system == ICD_10_CM:
        code = code.upper()
        if len(code) > 3 and "." not in code and _ICD_SHAPE.fullmatch(code):
            code = f"{code[:3]}.{code[3:]}"
    elif not code.isdigit():
        code = code.upper()
    return Coding(system, code)
