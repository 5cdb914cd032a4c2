"""Checks of the words in a file: person-first language, a plain tone, and no display of a code in what is printed."""

import re
from collections.abc import Iterator

from cds_service.core.value_set import words
from cds_service.rulebook.lint_subject import Subject
from cds_service.rulebook.lint_text import mark_of
from cds_service.rulebook.source import Mark, Node, Place, RuleProblem, Source
from cds_service.rulebook.words import find_words

# Keys under which people read what stands there. Citations and text from a chart are quotations.
_READ = frozenset(
    {
        "title", "purpose", "owner", "developer", "funding", "known_limits", "attributes", "settings", "says", "label",
        "why", "summary", "detail", "text", "dosage", "name", "suggests",
    }
)  # fmt: skip
_BLOCKS = ("attributes", "settings")  # each key of theirs takes a phrase
_PRINTED = frozenset({"title", "says", "label", "summary", "detail"})
_TONE = re.compile(
    r"!|\b(?:guarantee[sd]?|risk-free|cure[sd]?|always works|never fails|completely safe)\b", re.IGNORECASE
)
_CATALOG = re.compile(r"[,;()\[\]]")  # marks of catalog wording, "heart failure, unspecified"
_SHORTEST, _LONG = 3, 5  # words of a display: shorter ones are ordinary phrases; a long one is no accident
_DRUG_SYSTEM = "rxnorm"  # the name of a drug may be printed


def person_first(subject: Subject) -> Iterator[RuleProblem]:
    """person-first: in texts, and in comments that have a line of their own."""
    yield from person_first_in(subject.source)


def person_first_in(source: Source) -> Iterator[RuleProblem]:
    """Look at a file by itself, whatever it is about."""
    for number, line in enumerate(source.lines, 1):
        for word, instead in find_words(line) if line.lstrip().startswith("#") else ():
            mark = Mark(number, line.index(word) + 1)
            yield source.problem("person-first", mark, f"'{word}' is a word to avoid", f"write: {instead}")
    for place, node in _texts(source.root, _READ):
        if place[0] == "tests" and place[-1] == "text":
            continue
        for word, instead in find_words(node.text):
            mark = mark_of(source, place, word)
            yield source.problem("person-first", mark, f"'{word}' is a word to avoid", f"write: {instead}")


def tone(subject: Subject) -> Iterator[RuleProblem]:
    """tone: guidance neither shouts nor promises."""
    yield from tone_in(subject.source)


def tone_in(source: Source) -> Iterator[RuleProblem]:
    """Look at a file by itself, whatever it is about."""
    for place, node in _texts(source.root, _READ, but="tests"):
        for found in _TONE.finditer(node.text):
            mark = mark_of(source, place, found[0])
            text = f"'{found[0]}' shouts" if found[0] == "!" else f"'{found[0]}' promises what nobody can know"
            yield source.problem("tone", mark, text, "say what is known, and how well")


def code_display(subject: Subject) -> Iterator[RuleProblem]:
    """code-display: a printed text holds the display of a code of a value set that the file names.

    Only catalog wording counts: a display of five words or more, or of three with a comma or bracket. A shorter one
    ("sleep apnea") is how people speak.
    """
    named = {each.name for each in subject.uses if each.kind == "value-set"}
    displays = {
        words(display): display
        for value_set in (subject.shelf.value_sets.get(each) for each in sorted(named))
        if value_set
        for coding, display in value_set.displays.items()
        if _DRUG_SYSTEM not in coding.system and _is_catalog_wording(display)
    }
    lengths: dict[str, set[int]] = {}  # first word of a display -> how many words such displays have
    for phrase in displays:
        lengths.setdefault(phrase[0], set()).add(len(phrase))
    for place, node in _texts(subject.source.root, _PRINTED, but="tests"):
        if place[0] not in ("criteria", "cards"):
            continue
        said = words(node.text)
        parts = {said[at : at + each] for at, word in enumerate(said) for each in lengths.get(word, ())}
        for phrase, display in displays.items() if not parts.isdisjoint(displays) else ():
            if phrase in parts:
                text = f"'{display}' is the display of a code"
                yield subject.problem("code-display", place, text, "say it in words of your own")


def _is_catalog_wording(display: str) -> bool:
    count = len(words(display))
    return count >= _LONG or (count >= _SHORTEST and bool(_CATALOG.search(display)))


def _texts(root: Node | None, keys: frozenset[str], but: str = "") -> Iterator[tuple[Place, Node]]:
    """Give every scalar that stands under one of the keys, at any depth of lists, with its place.

    but: a key of the file that is not looked into.
    """
    for key, value in root.entries if root else ():
        if key.text != but:
            yield from _below(value, (key.text,), key.text in keys, keys, key.text in _BLOCKS and key.text in keys)
    for number, each in enumerate(root.items if root else ()):
        yield from _below(each, (number,), False, keys, False)


def _below(node: Node, place: Place, read: bool, keys: frozenset[str], all_read: bool) -> Iterator[tuple[Place, Node]]:
    """Give the texts of one value. read: whether its key is one of those; all_read: whether each key inside is."""
    if node.kind == "scalar":
        if read:
            yield place, node
        return
    for key, value in node.entries:
        inside = all_read or key.text in keys
        if inside or value.kind != "scalar":
            yield from _below(value, (*place, key.text), inside, keys, all_read)
    for number, each in enumerate(node.items):
        if read or each.kind != "scalar":
            yield from _below(each, (*place, number), read, keys, all_read)


CHECKS = (person_first, tone, code_display)
