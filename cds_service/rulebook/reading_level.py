"""How hard a text is to read: the Flesch-Kincaid grade, as years of US schooling.

A rough measure, reported and never enforced: names of drugs and scales raise it, and clinicians know them. Syllables
are counted as groups of vowels, which is right for most English words and close for the others.
Source: Kincaid et al. 1975, Derivation of New Readability Formulas, https://apps.dtic.mil/sti/citations/ADA006655
"""

import re
from collections.abc import Iterable
from statistics import median

from cds_service.core.rule import Rule

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_SENTENCE_END = re.compile(r"[.!?:;]+(?:\s|$)")
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_VOWELS = re.compile(r"[aeiouy]+")
_APART = re.compile(r"(?<![tsc])i(?=[ao])")  # two vowels that are spoken apart, as in "opioid" and "associated"
_SILENT = re.compile(r"(?:[^laeiouy]e|[^aeiouytd]ed|es)$")


def grade(text: str) -> float:
    """Give the grade of a text of one sentence or more; 0.0 for a text without words."""
    words = _WORD.findall(text)
    if not words:
        return 0.0
    sentences = max(1, len(_SENTENCE_END.findall(text.strip() if text.strip()[-1:] in ".!?" else f"{text.strip()}.")))
    spoken = sum(syllables(word) for word in words)
    return round(0.39 * len(words) / sentences + 11.8 * spoken / len(words) - 15.59, 1)


def syllables(word: str) -> int:
    """Count the groups of vowels of a word, without a silent ending; at least 1."""
    word = word.lower()
    spoken = len(_VOWELS.findall(word)) + len(_APART.findall(word))
    return max(1, spoken - bool(_SILENT.search(word) and len(word) > 3))


def rule_grade(rule: Rule) -> float:
    """Give the grade of everything the cards of a rule may say, a placeholder read as one short word."""
    texts = [text for card in rule.cards for text in (card.summary, *(line.text for line in card.detail))]
    spoken = (_PLACEHOLDER.sub("it", text).replace("*", "").strip() for text in texts)
    return grade(" ".join(each if each.endswith((".", "!", "?")) else f"{each}." for each in spoken))


def reading_line(rules: Iterable[Rule]) -> str:
    """Say in one line how hard the cards of these rules are to read; empty without rules."""
    grades = sorted((rule_grade(each), each.id) for each in rules)
    if not grades:
        return ""
    hardest, name = grades[-1]
    middle = median(each for each, _ in grades)
    return f"reading level of cards (Flesch-Kincaid grade): median {middle:.1f}, highest {hardest:.1f} ({name})"
