"""Rules and rows are found by what a chart holds, and exactly those that looking at each would find."""

from hypothesis import given
from hypothesis import strategies as st

from cds_service.core.agenda import agenda, bit_numbers
from cds_service.core.facts import NO_CONCEPT, UNREADABLE_CONCEPT, Concept, Row
from cds_service.core.shelf import Shelf, bits_of

masks = st.integers(0, 2**70 - 1)
few_bits = st.sets(st.integers(0, 9), max_size=4).map(lambda numbers: sum(1 << number for number in numbers))
wants = st.lists(few_bits.filter(bool), max_size=3)
concepts = st.one_of(st.just(UNREADABLE_CONCEPT), st.builds(Concept, by_code=few_bits, by_text=few_bits))


@given(st.lists(wants, max_size=12), few_bits)
def test_rules_are_possible_when_the_chart_holds_one_bit_of_each_want(of_rules, held):
    each_asked = [place for place, wanted in enumerate(of_rules) if all(want & held for want in wanted)]
    assert agenda(of_rules).possible(held) == each_asked


@given(st.lists(st.tuples(concepts, st.booleans()), max_size=12), few_bits)
def test_a_shelf_gives_the_rows_in_a_value_set_and_those_that_may_be_in_order(coded, mask):
    rows = [Row("Condition", str(at), concept, readable=readable) for at, (concept, readable) in enumerate(coded)]
    each_asked = [
        row
        for row in rows
        if not row.readable or not row.concept.readable or mask & (row.concept.by_code | row.concept.by_text)
    ]
    assert Shelf(rows).within(mask) == each_asked


def test_a_shelf_is_asked_for_nothing_but_the_rows_meant():
    rows = [Row("Condition", str(at), Concept(by_code=1 << at)) for at in range(100)]
    shelf = Shelf([*rows, Row("Condition", "none", NO_CONCEPT)])
    assert shelf.within(1 << 7) == [rows[7]]
    assert shelf.within(1 << 7 | 1 << 3 | 1 << 200) == [rows[3], rows[7]]
    assert shelf.within(1 << 200) == []


@given(masks)
def test_the_bits_of_a_mask_are_told_one_by_one(mask):
    numbers = list(bit_numbers(mask))
    assert numbers == sorted(numbers, reverse=True)
    assert sum(1 << number for number in numbers) == mask
    assert list(bits_of(mask)) == [1 << number for number in reversed(numbers)]
