"""A rules folder on disk, with the sample rule and all that it refers to."""

import json
from pathlib import Path

from tests.unit.rule_texts import DEFINITION, RULE, SETS

_SECOND = RULE.replace("id: sample-rule", "id: other-rule").replace("yields_to: [other-rule]\n", "")
RELEASE = f"""\
release: 2026.1.0
never_when: [drug-status.on_drug]
rules:
  other-rule: {{active: 1.0.0}}
  sample-rule: {{active: 1.0.0}}
definitions: {{drug-status: 1.2.0}}
value_sets: {{{", ".join(f"{each}: 2026.1.0" for each in SETS)}}}
"""
REASONS = "other: Another reason\nalready-addressed: Already addressed\n"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def folder_of_files(folder: Path) -> Path:
    """Write a folder that lint has nothing to say about; gives the folder."""
    _write(folder / "release.yaml", RELEASE)
    _write(folder / "override-reasons.yaml", REASONS)
    _write(folder / "sample-rule/1.0.0.yaml", RULE)
    _write(folder / "other-rule/1.0.0.yaml", _SECOND)
    _write(folder / "definitions/drug-status/1.2.0.yaml", DEFINITION)
    for name in (*SETS, "spare-set"):
        _write(folder / f"value-sets/{name}/2026.1.0.json", _value_set(name))
    return folder


def changed_file(path: Path, old: str, new: str) -> Path:
    """Replace one part of a file; gives its path."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return _write(path, text.replace(old, new))


def _value_set(name: str) -> str:
    codes = SETS[name].codes if name in SETS else frozenset()
    include = [
        {"system": coding.system, "concept": [{"code": coding.code, "display": SETS[name].displays.get(coding, "x")}]}
        for coding in codes
    ] or [{"system": "http://example.org/codes", "concept": [{"code": name, "display": name}]}]
    return json.dumps(
        {
            "resourceType": "ValueSet",
            "id": name,
            "url": f"http://example.org/ValueSet/{name}",
            "version": "2026.1.0",
            "name": name.replace("-", "_"),
            "title": name.replace("-", " "),
            "status": "active",
            "compose": {"include": include},
        },
        indent=2,
    )
