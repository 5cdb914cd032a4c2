"""Value sets: which (system, code) and which words belong to a named set.

A ValueSet is a FHIR ValueSet file, read (rulebook.value_set_file). A Table looks a coding up once for every set of a
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
    # HL7's own systems; the hl7.org/fhir spellings are those of STU3.
    "urn:oid:2.16.840.1.113883.5.4": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://hl7.org/fhir/v3/ActCode": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "urn:oid:2.16.840.1.113883.5.83": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://hl7.org/fhir/v2/0078": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v2-0078": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
}
MEMO_LIMIT = 50_000  # codings remembered; a release lists about 10,000
MOST_SYSTEMS = 1_000  # spellings of other code systems remembered
MEMO_KEY_LIMIT = 200  # characters of system and code; longer ones are looked up each time
_WORD = re.compile(r"[^\W_]+")
# What becomes of each byte of an ASCII text: letters in lower case, digits as they are, a blank for anything else.
_ASCII_WORDS = bytes(ord(each.lower()) if each.isascii() and each.isalnum() else 32 for each in map(chr, range(256)))
_ICD_SHAPE = re.compile(r"[A-Z][0-9][0-9A-Z]\.?[0-9A-Z]{0,4}")

# What a text that goes on with a word says: the sets that phrases ending there put in, those that they take out, and
# what it says if it goes on with a further word.
Said = tuple[int, int, dict[str, "Said"]]

# A coding as sent: in its canonical spelling, the sets that hold it, the sets that list codes of its system.
Met = tuple[Coding, int, int]


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


def words(text: str) -> tuple[str, ...]:
    """Give the case-folded words of a text: runs of letters and digits, parted by everything else."""
    return tuple(_words(text))


def _words(text: str) -> list[str]:
    if text.isascii():  # nearly every text, and a table of bytes parts it several times as fast
        return text.encode().translate(_ASCII_WORDS).decode().split()
    return _WORD.findall(text.casefold())


def holds(value_set: ValueSet, coding: Coding) -> bool:
    """Say whether a normalised coding is in the set; being taken out wins."""
    above = {coding, *_above(coding)}
    if coding in value_set.not_codes or not above.isdisjoint(value_set.not_subtrees):
        return False
    return coding in value_set.codes or not above.isdisjoint(value_set.subtrees)


def overlap(one: ValueSet, other: ValueSet) -> frozenset[Coding]:
    """Give codings that both sets hold: listed codes and roots of subtrees, enough to prove that they are disjoint."""
    ours, its = one.codes | one.subtrees, other.codes | other.subtrees
    both = ours & its  # what one set alone lists, the other can hold as a part of a subtree only
    if other.subtrees:
        both |= ours
    if one.subtrees:
        both |= its
    return frozenset(each for each in both if holds(one, each) and holds(other, each))


def _above(coding: Coding) -> Iterable[Coding]:
    """Give the ICD-10-CM codes that the code lies below, itself included, in canonical spelling."""
    if coding.system == ICD_10_CM:
        bare = coding.code.replace(".", "")
        for length in range(3, min(len(bare), 7) + 1):
            yield Coding(ICD_10_CM, bare[:3] if length == 3 else f"{bare[:3]}.{bare[3:length]}")


class Table:
    """Every value set of a release, turned round: from a coding or a word to the sets it belongs to.

    Built once per release and shared by all threads. The only things that change are `met` and `elsewhere`, a plain
    dict and a plain set that are never iterated and stop growing; they hold codes and systems, never words of a chart.
    systems:      every code system that some set lists.
    with_phrases: mask of the sets that have phrases.
    met:          codings of those systems by (system, code) as sent, once looked up; never a blank one. Read only.
    elsewhere:    systems as sent of which no set lists a code, once met; never a blank one. Read only.
    """

    def __init__(self, value_sets: Iterable[ValueSet]) -> None:
        """Index the sets. Raises ValueError when two different sets carry the same id and version."""
        self._bits: dict[tuple[str, str], int] = {}
        self._sets: dict[tuple[str, str], ValueSet] = {}
        self._codes: dict[Coding, int] = {}
        self._subtrees: dict[Coding, int] = {}
        self._not_codes: dict[Coding, int] = {}
        self._not_subtrees: dict[Coding, int] = {}
        self._by_system: dict[str, int] = {}
        self.with_phrases = 0
        self._phrases: dict[str, Said] = {}  # by first word
        self.met: dict[tuple[str, str], Met] = {}
        self.elsewhere: set[str] = set()
        for each in value_sets:
            self._add(each)
        self.systems: frozenset[str] = frozenset(self._by_system)

    def _add(self, value_set: ValueSet) -> None:
        key = (value_set.id, value_set.version)
        if key in self._sets:
            if self._sets[key] != value_set:
                raise ValueError(f"two different value sets are called {value_set.id} {value_set.version}")
            return
        bit = 1 << len(self._bits)
        self._bits[key], self._sets[key] = bit, value_set
        for index, codings in (
            (self._codes, value_set.codes),
            (self._subtrees, value_set.subtrees),
            (self._not_codes, value_set.not_codes),
            (self._not_subtrees, value_set.not_subtrees),
        ):
            for coding in codings:
                index[coding] = index.get(coding, 0) | bit
        for system in value_set.systems:
            self._by_system[system] = self._by_system.get(system, 0) | bit
        for phrase in value_set.phrases:
            self.with_phrases |= bit
            self._index(words(phrase), bit, 0)
        for phrase in value_set.not_phrases:
            self._index(words(phrase), 0, bit)

    def _index(self, phrase: tuple[str, ...], inside: int, outside: int) -> None:
        following = self._phrases
        for at, word in enumerate(phrase, 1):
            before = following.get(word, (0, 0, {}))
            if at == len(phrase):
                before = (before[0] | inside, before[1] | outside, before[2])
            following[word] = before
            following = before[2]

    @property
    def size(self) -> int:
        """How many sets there are."""
        return len(self._bits)

    def bit(self, value_set: ValueSet) -> int:
        """Give the one-bit mask of the set with this id and version. Raises KeyError if the table has no such set."""
        return self._bits[value_set.id, value_set.version]

    def lookup(self, coding: Coding) -> int:
        """Give the mask of every set that holds a normalised coding."""
        inside, outside = self._codes.get(coding, 0), self._not_codes.get(coding, 0)
        if coding.system == ICD_10_CM:
            for root in _above(coding):
                inside |= self._subtrees.get(root, 0)
                outside |= self._not_subtrees.get(root, 0)
        return inside & ~outside

    def concept(
        self, codings: Iterable[tuple[str, str]], texts: Iterable[str], heard: dict[str, tuple[int, int]] | None = None
    ) -> Concept:
        """Build the concept of one CodeableConcept: its codings as sent, and its words (text and displays).

        Codings without a code and blank texts are left out; with nothing left the concept is unreadable.
        A set is in `by_text` only when no coding is of a system that it lists, one of its phrases stands in the words
        and none of its excluded phrases does. Phrases are looked for within each text, never across two.
        heard: what texts said before, which grows; a caller who keeps it keeps words of charts.
        """
        known: dict[Coding, None] = {}
        by_code, coded = 0, 0
        for system, code in codings:
            if code and not code.isspace():
                coding, mask, listed = self.met.get((system, code)) or self.meet(system, code)
                known[coding] = None
                by_code |= mask
                coded |= listed
        cut = {text[:TEXT_LIMIT]: None for text in texts if text and not text.isspace()}
        if not known and not cut:
            return UNREADABLE_CONCEPT
        wanted = self.with_phrases & ~coded
        by_text = self.spoken(cut, heard) & wanted if wanted else 0
        return Concept(tuple(known), tuple(cut), by_code, by_text)

    def meet(self, system: str, code: str) -> Met:
        """Look a coding up as it was sent, and remember it."""
        found = self.met.get((system, code))
        if found is None:
            coding = normalise(system, code)
            listed = self._by_system.get(coding.system, 0)
            found = (coding, self.lookup(coding), listed)
            if not coding.system or not coding.code or len(system) + len(code) >= MEMO_KEY_LIMIT:
                return found
            if listed and len(self.met) < MEMO_LIMIT:
                self.met[system, code] = found
            elif not listed and len(self.elsewhere) < MOST_SYSTEMS:
                self.elsewhere.add(system)
        return found

    def spoken(self, texts: Iterable[str], heard: dict[str, tuple[int, int]] | None = None) -> int:
        """Give the mask of the sets of which a phrase stands in one of the texts, and an excluded phrase in none."""
        inside, outside = 0, 0
        for text in texts:
            found = None if heard is None else heard.get(text)
            if found is None:
                found = self.phrases_in(text)
                if heard is not None:
                    heard[text] = found
            inside |= found[0]
            outside |= found[1]
        return inside & ~outside

    def phrases_in(self, text: str) -> tuple[int, int]:
        """Give the sets that phrases of a text put in, and those that they take out."""
        spoken = _words(text)
        if self._phrases.keys().isdisjoint(spoken):
            return 0, 0
        inside, outside = 0, 0
        for at, word in enumerate(spoken):
            said, last = self._phrases.get(word), at
            while said is not None:
                inside |= said[0]
                outside |= said[1]
                last += 1
                said = said[2].get(spoken[last]) if last < len(spoken) else None
        return inside, outside
