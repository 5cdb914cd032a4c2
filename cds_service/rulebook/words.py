"""Person-first language: words to avoid in anything a person may read, and what to write instead.

A word counts at word boundaries and whatever its case. A part of an id or code does not count: in `oud-abuse` or
`abuse_deterrent` the hyphen or underscore shows that it is no prose. "Dependence" is left out, because only a reader
can tell physical dependence from the disorder.
Source: NIDA "Words Matter" and AAP 2022, https://nida.nih.gov/nidamed-medical-health-professionals
"""

import re
from collections.abc import Iterable

_PERSON = "person with a substance use disorder, or person who uses opioids"
_AVOID = (
    ("addicts?|junk(?:ie|ies)|abusers?|users?", _PERSON),
    ("alcoholics?|drunks?", "person with alcohol use disorder; alcohol-related"),
    ("addicted bab(?:y|ies)|drug bab(?:y|ies)", "newborn exposed to opioids"),
    ("abuse[sd]?|abusing", "use; for a prescription: misuse, used other than prescribed"),
    ("habits?|drug habits?", "substance use disorder"),
    ("clean|sober-as-judgement", "tested negative; in remission, not currently using"),
    ("dirty|failing a test|failed a test", "tested positive; unexpected result"),
    ("(?:opioid )?substitution(?: therapy)?|replacement therapy", "opioid agonist therapy; medication for OUD"),
    ("medication-assisted treatment", "medication for OUD (MOUD)"),
    ("relaps(?:e[sd]?|ing)", "return to use; recurrence of symptoms"),
    ("slips?|slipped|lapses?|lapsed", "return to use"),
    ("drug-seeking|manipulative", "describe the behavior; reports uncontrolled pain"),
    ("non-?complian(?:t|ce)|refuses|refused", "not taking as prescribed; declined"),
    ("failed treatments?|treatment failures?", "the treatment did not help"),
    ("detox(?:ification)?", "medically managed withdrawal"),
    ("frequent fl[iy]ers?|frequent users?", "person with repeated visits"),
    ("suffer(?:s|ing)? from|victims? of", "has, lives with"),
    ("commit(?:s|ted)? suicide|failed attempts?", "died by suicide; suicide attempt"),
    ("convicts?|felons?|inmates?", "person with legal involvement; person in custody"),
    ("the homeless|homeless (?:person|people|patients?)", "person experiencing homelessness"),
    ("mentally ill|schizophrenics?|borderlines?", "person with the condition"),
    ("(?:at-risk|hard-to-reach) populations?", "people who face barriers"),
    ("den(?:ies|ied) use", "reports no use"),
)
# The acronym is a word to avoid only in capitals.
_PATTERNS = (
    *((re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE), instead) for words, instead in _AVOID),
    (re.compile(r"(?<![\w-])MAT(?![\w-])"), "MOUD"),
)
_ANY = re.compile(rf"(?<![\w-])(?:{'|'.join(words for words, _ in _AVOID)}|(?-i:MAT))(?![\w-])", re.IGNORECASE)


def find_words(text: str, allowed: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Give each word to avoid as it is written, with what to use instead, in the order of the text.

    allowed: words that are taken here all the same, in lower case ("relapse" as the FHIR code).
    """
    if not _ANY.search(text):
        return []
    taken = frozenset(allowed)
    found = [
        (match.start(), match[0], instead)
        for pattern, instead in _PATTERNS
        for match in pattern.finditer(text)
        if match[0].lower() not in taken
    ]
    return [(word, instead) for _, word, instead in sorted(found)]
