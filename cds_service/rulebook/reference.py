"""The generated parts of docs/reference/rule-language.md, written from the tables that reading and judging use.

Run as `python -m cds_service.rulebook.reference docs/reference/rule-language.md` after one of those tables has changed.
A part stands between `<!-- generated: NAME -->` and `<!-- end of generated -->`; all other text is written by hand.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cds_service.core.decision import DOUBTS
from cds_service.core.facts import CLINICAL_STATUS, FACTS, VERIFICATION_STATUS
from cds_service.rulebook.lint_codes import MEANINGS, severity_of
from cds_service.rulebook.reader_cases import DEFINITION_TESTS, PATIENT, ROW, RULE_TESTS
from cds_service.rulebook.reader_forms import (
    CARD,
    CODE_SYSTEMS,
    CREATE,
    EVIDENCE,
    FIND,
    LINK,
    PARAMETER_FORM,
    SUGGESTION,
    file_form,
)
from cds_service.rulebook.reader_shapes import (
    BlockBy,
    BlockOf,
    Constant,
    Either,
    Form,
    ListOf,
    Named,
    Shape,
    Word,
    wanted,
)
from cds_service.rulebook.release_file import FORM as RELEASE
from cds_service.rulebook.site_forms import ADDED, COUNT, DECISION, MOVED, PERCENT, RUN, SAID, SIGN_OFF, WORDING
from cds_service.rulebook.site_forms import FORM as SITE

_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def written(page: str) -> str:
    """Give the page with every generated part as it is now. Raises KeyError for a part that is not known."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", page)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in line)} |" for line in lines)


def _code(words: Iterable[str]) -> str:
    return " ".join(f"`{each}`" for each in words)


def _value(shape: Shape) -> str:
    """Say what a key takes, with everything that is written literally as code."""
    match shape:
        case Named(what=what, example=example):
            return f"{what}, such as `{example}`"
        case Word(words=words):
            return _code(words)
        case Constant(word=word):
            return f"`{word}`"
        case ListOf(item=item, least=least, most=most):
            return f"{most} of: {_value(item)}" if least == most else f"a list: {_value(item)}"
        case BlockOf(key=key, value=value):
            return f"a block: {_value(key)}: {_value(value)}"
        case BlockBy(key=key, values=values):
            return f"a block: {_value(key)}: {'; '.join(f'`{part}`: {wanted(each)}' for part, each in values.items())}"
        case Either(options=options, what=what):
            return what or ", or ".join(_value(each) for each in options)
        case _:
            return wanted(shape)


def _keys(form: Form) -> str:
    rows = ((f"`{key.name}`", "yes" if key.required else "", _value(key.shape), key.meaning) for key in form.keys)
    return _table(("key", "required", "value", "meaning"), rows)


def _file_keys() -> str:
    definition = {key.name: key for key in file_form(True, DEFINITION_TESTS).keys}

    def needed(required: bool) -> str:
        return "required" if required else "may stand"

    rows = []
    for key in file_form(False, RULE_TESTS).keys:
        other = definition.get(key.name)
        in_definition = needed(other.required) if other else "never"
        rows.append((f"`{key.name}`", needed(key.required), in_definition, _value(key.shape), key.meaning))
    return _table(("key", "in a rule", "in a definition", "value", "meaning"), rows)


def _facts() -> str:
    rows = []
    for kind in FACTS.values():
        words = " ".join(f"**`{each}`**" if each in kind.usual else f"`{each}`" for each in kind.statuses)
        rows.append((f"`{kind.name}`", ", ".join(kind.resources), words or "none"))
    return _table(("fact", "read from", "status words"), rows)


def _fact_keys() -> str:
    rows = []
    for key in FIND.keys:
        facts = [kind.name for kind in FACTS.values() if key.name in kind.keys]
        if facts:
            without = [name for name in FACTS if name not in facts]
            said = f"all but {_code(without)}" if len(without) < len(facts) else _code(facts)
            rows.append((f"`{key.name}`", said if without else "all"))
    return _table(("key", "facts that can have it"), rows)


def _children() -> str:
    both: tuple[tuple[str, Mapping[str, frozenset[str]]], ...] = (
        ("clinicalStatus", CLINICAL_STATUS),
        ("verificationStatus", VERIFICATION_STATUS),
    )
    rows = ((f"`{key}`", f"`{code}`", _code(sorted(held))) for key, codes in both for code, held in codes.items())
    return _table(("key", "listed code", "takes"), rows)


def _systems() -> str:
    return _table(("short name", "system"), ((f"`{name}`", f"`{system}`") for name, system in CODE_SYSTEMS.items()))


def _lint() -> str:
    rows = ((f"[`{code}`](lint.md#{code})", severity_of(code), meaning) for code, meaning in MEANINGS.items())
    return _table(("code", "severity", "meaning"), rows)


def _rows_of_tests() -> str:
    return f"{_keys(ROW)}\n\nThe Patient of a test:\n\n{_keys(PATIENT)}"


def _site_entries() -> str:
    forms = [("parameters", MOVED), ("rules", RUN), ("signed_off", SIGN_OFF), ("value_sets", ADDED)]
    forms += [(f"wording, {key}", form) for key, form in WORDING.items()]
    forms += [("feedback, most_overridden", PERCENT), ("feedback, small_counts", COUNT)]
    rows = []
    for section, form in forms:
        own = [key for key in form.keys if key not in SAID]
        rows += [(f"`{section}`", f"`{key.name}`", _value(key.shape), key.meaning) for key in own]
    return _table(("an entry of", "decides", "value", "meaning"), rows)


PARTS: Mapping[str, Callable[[], str]] = {
    "file-keys": _file_keys,
    "parameter": lambda: _keys(PARAMETER_FORM),
    "evidence": lambda: _keys(EVIDENCE),
    "facts": _facts,
    "fact-keys": _fact_keys,
    "children": _children,
    "doubts": lambda: _code(DOUBTS),
    "card": lambda: _keys(CARD),
    "suggestion": lambda: _keys(SUGGESTION),
    "create": lambda: _keys(CREATE),
    "link": lambda: _keys(LINK),
    "systems": _systems,
    "test-rows": _rows_of_tests,
    "release": lambda: _keys(RELEASE),
    "site": lambda: _keys(SITE),
    "site-said": lambda: _keys(DECISION),
    "site-entries": _site_entries,
    "lint": _lint,
}

if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
