"""What reading one resource needs to know of the call: codes looked up once, references, the patient's birth date.

Every reader of a resource type is a function `(Record, Scope) -> Iterable[Row]`. It asks `wanted` first, so that rows
no rule could use are counted but never built; most rows of most charts are such, and cost one look at their codes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.core.dates import Span
from cds_service.core.facts import TEXT_LIMIT, UNREADABLE_CONCEPT, Concept, Needs, Row
from cds_service.core.value_set import Table
from cds_service.fhir.shapes import Resource, inside, objects, tail

MOST_REASONS = 50  # references to reasons that are followed
DEEPEST = 4  # lists inside lists that are looked through for codes
# Codings that say that there is no code.
# Source: https://terminology.hl7.org/CodeSystem-data-absent-reason.html and v3-NullFlavor
_NO_CODE = frozenset({
    "http://terminology.hl7.org/CodeSystem/data-absent-reason", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    "http://hl7.org/fhir/data-absent-reason", "http://hl7.org/fhir/v3/NullFlavor",
})  # fmt: skip


# A resource of this patient; its reference ("Condition/1", or key and place in its list when it has no id); its labels,
# those of what it contains and of its Bundles among them. A plain tuple, because a call makes a thousand of them.
Record = tuple[Resource, str, frozenset[str]]


MEMO_LIMIT = 20_000  # codes, and texts, that are remembered at most


@dataclass(frozen=True, slots=True)
class Memo:
    """What was looked up of codes and words. It holds words of charts: of one call, unless a caller keeps it longer.

    A memo fits one table of value sets and the needs of one release.
    """

    built: dict[tuple[str | None, str | None], tuple[Resource, Concept]] = field(default_factory=dict)
    heard: dict[str, tuple[int, int]] = field(default_factory=dict)
    spared: dict[str, dict[str, Resource]] = field(default_factory=dict)

    def shorten(self) -> None:
        """Forget what was looked up once there is much of it."""
        if len(self.built) > MEMO_LIMIT:
            self.built.clear()
        if len(self.heard) > MEMO_LIMIT:
            self.heard.clear()
        for spared in self.spared.values():
            if len(spared) > MEMO_LIMIT:
                spared.clear()


@dataclass(frozen=True, slots=True)
class Scope:
    """One call's reading. A cache of concepts, hence a class.

    today:   a day ordinal. birth: the patient's birth date.
    lookup:  resources by fullUrl and by `Type/id`, for references.
    stay:    id of the encounter of this call, or "".
    stays_whole: whether the list of encounters was read completely.
    marks:   labels of resources that have any, by the names they are referred to by.
    borrowed: labels of what the resource that is being read refers to.
    counts, dropped: of Chart; they, `borrowed` and the memo are the only parts that change.
    """

    table: Table
    needs: Needs
    today: int
    birth: Span | None
    lookup: Mapping[str, Resource]
    stay: str
    stays_whole: bool
    marks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    borrowed: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    memo: Memo = field(default_factory=Memo)

    def wanted(self, fact: str, *values: Any) -> Concept | None:
        """Count a row coded by these CodeableConcepts, Codings or texts, and give its concept.

        None when no rule could use the row: its code can be read, and is in no value set that a rule looks for.
        """
        if self.can_spare(fact, values):
            return None
        concept = self.concept(*values)
        return concept if self.take(fact, concept) else None

    def can_spare(self, fact: str, values: tuple[Any, ...], *, any_code_tells: bool = True) -> bool:
        """Say whether a row coded by these can be left out, and count it if so; quick, and never wrong when True.

        It can when each of them can be read and is in no value set that a rule looks for. False too when it would
        take the whole concept to tell. any_code_tells: a code of a system that no value set lists can be read.
        """
        if fact in self.needs.all_rows:
            return False
        spared = self.memo.spared.get(fact)
        if spared is None:
            spared = self.memo.spared[fact] = {}
        some = False
        for value in values:
            for each in value if type(value) is list else (value,):
                if each is None:
                    continue
                try:  # most charts say the same thing many times
                    codings = each.get("coding")
                    code = (codings[0] if codings else each).get("code")
                    known = each == spared.get(code)
                except (AttributeError, KeyError, TypeError):
                    return False
                if not known:
                    if not self._is_in_none_of(self.needs.sets.get(fact, 0), each, any_code_tells):
                        return False
                    spared[code] = each
                some = True
        if some:
            self.counts[fact] = self.counts.get(fact, 0) + 1
        return some

    def _is_in_none_of(self, sets: int, value: Resource, any_code_tells: bool) -> bool:
        """Say whether a CodeableConcept or Coding can be read and is in none of `sets`; builds no concept."""
        met, elsewhere = self.table.met, self.table.elsewhere
        codings = value.get("coding")
        if codings is None:
            codings = [value]
        elif type(codings) is not list:
            return False
        texts = [value.get("text")]
        read, listed = False, 0
        for coding in codings:
            if type(coding) is not dict:
                return False
            system, code = coding.get("system"), coding.get("code")
            if type(system) is not str or type(code) is not str or system in _NO_CODE:
                return False
            found = met.get((system, code))
            if found is None and system not in elsewhere:
                if not system.strip() or not code.strip():
                    return False
                found = self.table.meet(system, code)
            if found is not None and found[2]:
                if found[1] & sets:
                    return False
                listed |= found[2]
                read = True
            elif any_code_tells and code.strip():
                read = True
            texts.append(coding.get("display"))
        if not read and not any(isinstance(text, str) and text.strip() for text in texts):
            return False
        return self._are_silent(sets & self.table.with_phrases & ~listed, texts)

    def _are_silent(self, sets: int, texts: list[Any]) -> bool:
        """Say whether no phrase of these sets stands in the texts."""
        if not sets:
            return True
        for text in texts:
            if text:
                if not isinstance(text, str):
                    return False
                inside, outside = self._said_in(text[:TEXT_LIMIT])
                if inside & ~outside & sets:
                    return False
        return True

    def _said_in(self, text: str) -> tuple[int, int]:
        """Give what phrases say of a text, as `Table.phrases_in` does."""
        found = self.memo.heard.get(text)
        if found is None:
            found = self.memo.heard[text] = self.table.phrases_in(text)
        return found

    def concept(self, *values: Any) -> Concept:
        """Build the concept of CodeableConcepts, Codings or texts taken together."""
        if len(values) != 1 or not isinstance(values[0], dict):
            return self._build(values)
        value = values[0]
        try:  # most charts say the same thing many times
            codings = value.get("coding")
            said = codings[0].get("code") if codings else None, value.get("text")
            known = self.memo.built.get(said)
        except (AttributeError, KeyError, TypeError):
            return self._build(values)
        if known is not None and known[0] == value:
            return known[1]
        concept = self._build(values)
        self.memo.built[said] = (value, concept)
        return concept

    def _build(self, values: tuple[Any, ...]) -> Concept:
        codings: list[tuple[str, str]] = []
        texts: list[str] = []
        for value in values:
            _gather(value, codings, texts, 0)
        if not codings and not texts:
            return UNREADABLE_CONCEPT
        return self.table.concept(codings, texts, self.memo.heard)

    def take(self, fact: str, concept: Concept) -> bool:
        """Count a row, and say whether some rule could use it; one whose code is unreadable could be any."""
        self.counts[fact] = self.counts.get(fact, 0) + 1
        return (
            bool(self.needs.sets.get(fact, 0) & (concept.by_code | concept.by_text))
            or not concept.readable
            or fact in self.needs.all_rows
        )

    def drop(self, why: str) -> None:
        """Count a resource that is left out."""
        self.dropped[why] = self.dropped.get(why, 0) + 1

    def resolve(self, reference: Any, owner: Resource) -> Resource | None:
        """Find what a Reference points to: contained in `owner`, or anywhere in what was sent.

        What is read there brings its labels along.
        """
        written = inside(reference, "reference")
        if not isinstance(written, str) or not written.strip():
            return None
        written = written.strip()
        if written.startswith("#"):
            for each in objects(owner.get("contained")):
                if each.get("id") in (written[1:], written):
                    return each
            return None
        self.borrow(written, tail(written))
        return self.lookup.get(written) or self.lookup.get(tail(written))

    def borrow(self, *names: str) -> None:
        """Take over the labels of resources, because what is being read depends on them."""
        if self.marks:
            for name in names:
                self.borrowed.update(self.marks.get(name, ()))

    def reasons(self, owner: Resource, coded: tuple[Any, ...], references: Any) -> tuple[Concept, ...]:
        """Give the reasons of a resource: CodeableConcepts, and the code or display of what it refers to.

        An element without code and text is left out: an absent reason says nothing.
        """
        found = [self.concept(each) for value in coded if value is not None for each in _each(value)]
        for reference in objects(references)[:MOST_REASONS]:
            target = self.resolve(reference, owner)
            if target is not None and target.get("code") is not None:
                found.append(self.concept(target.get("code")))
            elif reference.get("display") is not None:
                found.append(self.concept(reference.get("display")))
        return tuple(each for each in found if each.readable)


Reader = Callable[[Record, Scope], Iterable[Row]]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _gather(value: Any, codings: list[tuple[str, str]], texts: list[str], depth: int) -> None:
    if isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, str) and text:
            texts.append(text)
        listed = value.get("coding")
        if listed is None:
            _take_coding(value, codings, texts)
            return
        for coding in listed if isinstance(listed, list) else (listed,):
            if isinstance(coding, dict):
                _take_coding(coding, codings, texts)
    elif isinstance(value, list):
        if depth < DEEPEST:
            for each in value:
                _gather(each, codings, texts, depth + 1)
    elif isinstance(value, str) and value:
        texts.append(value)


def _take_coding(coding: Resource, codings: list[tuple[str, str]], texts: list[str]) -> None:
    """Take a Coding. Without a system a code means nothing, but its display still speaks."""
    system, code, display = coding.get("system"), coding.get("code"), coding.get("display")
    if isinstance(system, str) and system in _NO_CODE:
        return
    if isinstance(system, str) and isinstance(code, str) and system.strip() and code.strip():
        codings.append((system, code))
    if isinstance(display, str) and display:
        texts.append(display)
