"""The shipped value sets, the newest version of each, and which of them a code or words belong to."""

from pathlib import Path

from cds_service.core.value_set import Table
from cds_service.rulebook.value_set_file import read_value_set_file

RULES = Path(__file__).parents[2] / "rules"
FILES = sorted((RULES / "value-sets").glob("*/*.json"))
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
PCS = "http://www.cms.gov/Medicare/Coding/ICD10"

READ = {path: read_value_set_file(path) for path in FILES}
SETS = {value_set.id: value_set for value_set, _ in READ.values() if value_set}
TABLE = Table(SETS.values())


def named(mask):
    return {each.id for each in SETS.values() if mask & TABLE.bit(each)}


def by_code(system, code):
    return named(TABLE.concept([(system, code)], []).by_code)


def by_text(*texts):
    return named(TABLE.concept([], texts).by_text)
