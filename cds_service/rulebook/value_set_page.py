"""The page of value sets (docs/reference/value-sets.md), written from the files themselves.

Run as `python -m cds_service.rulebook.value_set_page RULES_FOLDER PAGE` after a value set has changed.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from cds_service.core.value_set import ValueSet
from cds_service.rulebook.value_set_file import read_value_set_file

_NAMES = {
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://www.cms.gov/Medicare/Coding/ICD10": "ICD-10-PCS",
    "http://snomed.info/sct": "SNOMED CT",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://loinc.org": "LOINC",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "HCPCS",
}
_HEAD = """# Value sets

Written by `python -m cds_service.rulebook.value_set_page rules docs/reference/value-sets.md`; a test keeps it true.
No set has been reviewed by a clinician or informaticist yet; each file says what it is for and what it lacks.

A set lists codes, ICD-10-CM subtrees and phrases. A row is in a set when one of its codings is. Phrases count only when
the row has no coding of a system that the set lists; then one phrase must stand in its words, and no excluded phrase.
Phrases are whole words: case, punctuation, hyphens and slashes make no difference. A set without codes is therefore
always asked by its words: such sets stand beside a coded one whose list is known to be short (`naltrexone-xr-by-name`).

| Id | Title on cards | Codes | Phrases | Found in | Disjoint from |
|---|---|---|---|---|---|
"""


def value_set_page(folder: Path) -> str:
    """Give the page for the newest version of every set under `folder`/value-sets. Raises ValueError for a bad file."""
    rows, notes = [], []
    for each in sorted((folder / "value-sets").iterdir()):
        path = max(each.glob("*.json"), key=lambda file: tuple(int(part) for part in file.stem.split(".")))
        value_set, problems = read_value_set_file(path)
        if value_set is None:
            raise ValueError("\n".join(str(problem) for problem in problems))
        rows.append(_row(value_set))
        body = json.loads(path.read_text(encoding="utf-8"))
        notes.append(f"- **{value_set.id}** {value_set.version}: {body['description']} {body['purpose']}")
    return _HEAD + "\n".join(rows) + "\n\n## What each is for\n\n" + "\n".join(notes) + "\n"


def _row(value_set: ValueSet) -> str:
    counted = Counter(_NAMES.get(each.system, "HL7") for each in value_set.codes)
    said = [f"{name} {counted[name]}" for name in sorted(counted)]
    if value_set.subtrees:
        said.append(f"ICD-10-CM subtrees {len(value_set.subtrees)}")
    if value_set.not_codes or value_set.not_subtrees:
        said.append(f"taken out {len(value_set.not_codes) + len(value_set.not_subtrees)}")
    cells = [
        f"`{value_set.id}`",
        value_set.title,
        ", ".join(said) or "none",
        str(len(value_set.phrases) or ""),
        ", ".join(sorted(value_set.found_in)),
        ", ".join(value_set.disjoint_from),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(value_set_page(Path(sys.argv[1])), encoding="utf-8")
