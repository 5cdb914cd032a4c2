"""Whether a concept is in a value set, read off the codings and words themselves, never off prepared masks."""

import re

from cds_service.core.facts import Concept
from cds_service.core.value_set import ICD_10_CM, ValueSet

BY_CODE, BY_TEXT = "by code", "by its text"


def way_in(concept: Concept, value_set: ValueSet) -> str:
    """Say how a concept is in a set: BY_CODE, BY_TEXT, or "" when it is not."""
    for coding in concept.codings:
        out = coding in value_set.not_codes or _below(coding, value_set.not_subtrees)
        if not out and (coding in value_set.codes or _below(coding, value_set.subtrees)):
            return BY_CODE
    if any(coding.system in value_set.systems for coding in concept.codings):
        return ""
    said = [_plain(text) for text in concept.texts]
    if any(_plain(phrase) in text for phrase in value_set.not_phrases for text in said):
        return ""
    return BY_TEXT if any(_plain(phrase) in text for phrase in value_set.phrases for text in said) else ""


def _below(coding, roots) -> bool:
    code = coding.code.replace(".", "")
    return coding.system == ICD_10_CM and any(code.startswith(root.code.replace(".", "")) for root in roots)


def _plain(text: str) -> str:
    return " " + " ".join(re.findall(r"[^\W_]+", text.casefold())) + " "


def way_in_any(concept: Concept, value_sets: list[ValueSet]) -> str:
    """Say how a concept is in at least one of the sets; a code outweighs words."""
    ways = {way_in(concept, each) for each in value_sets}
    return BY_CODE if BY_CODE in ways else BY_TEXT if BY_TEXT in ways else ""


def nothing_to_read(concept: Concept) -> bool:
    """Say whether a concept has neither code nor text that could be read."""
    return not concept.readable or not (concept.codings or concept.texts)
