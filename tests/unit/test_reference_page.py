"""The page of the rule language is true where it can be checked: generated parts, keys of find, words of doubts."""

import re
from pathlib import Path

import yaml

from cds_service.rulebook.reader_forms import FIND
from cds_service.rulebook.reference import PARTS, written

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "rule-language.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_generated_parts_are_up_to_date():
    assert written(TEXT) == TEXT


def test_every_generated_part_stands_in_the_page_once():
    assert sorted(re.findall(r"<!-- generated: ([a-z-]+) -->", TEXT)) == sorted(PARTS)


def test_a_part_that_has_changed_is_written_anew():
    stale = TEXT.replace("`implausible`", "`improbable`", 1)
    assert stale != TEXT
    assert written(stale) == TEXT


def test_the_table_of_find_has_every_key_in_the_order_of_the_form():
    table = TEXT[TEXT.index("| step | key |") : TEXT.index("Which fact can have which key")]
    keys = re.findall(r"(?m)^\| [a-z]* ?\| `([A-Za-z_]+)`", table)
    assert keys == [key.name for key in FIND.keys if key.name not in ("says", "label")]


def test_every_yaml_block_of_the_page_can_be_read():
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```$", TEXT)
    assert len(blocks) >= 5
    for block in blocks:
        assert isinstance(yaml.safe_load(block), dict)
