"""Forms: what of a rule's texts and cards is set when it is compiled, and what is left open."""

from dataclasses import replace

import pytest

from cds_service.core.dates import Duration
from cds_service.core.engine import compile_edition
from cds_service.core.form import Text
from cds_service.core.printing import text_of
from cds_service.core.rule import Conditions
from tests.unit.card_world import EDITION, RULE, TABLE, alt, card, opioid, order, urine

PRINTED = compile_edition(EDITION, TABLE).printed()
STOP = PRINTED.forms["stop"]


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("", Text(("",))),
        ("No blank.", Text(("No blank.",))),
        ("{days} ago", Text(("14 days ago",))),
        ("Of {drug.date}", Text(("Of ", ""), (("date", "drug"),))),
        (
            "{drug.date}{days}{drug.days}, {times}",
            Text(("", "14 days", ", 5 times"), (("date", "drug"), ("days", "drug"))),
        ),
        ("{treatment-status.treated.display}", Text(("", ""), (("display", "treatment-status.treated"),))),
        ("{Not} a {placeholder here}", Text(("{Not} a {placeholder here}",))),
    ],
)
def test_parameters_are_filled_in_and_what_a_chart_says_is_left_blank(template: str, wanted: Text) -> None:
    assert text_of(template, RULE.parameters) == wanted


def test_a_parameter_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        text_of("{nowhere}", RULE.parameters)


def test_a_card_without_its_source_is_left_out_and_no_other() -> None:
    rule = replace(RULE, cards=(RULE.cards[0], replace(RULE.cards[1], source=("nowhere",))))
    printed = compile_edition(replace(EDITION, rule=rule), TABLE).printed()
    assert set(printed.forms) == {"not-checked"}
    assert set(printed.spoken) == set(PRINTED.spoken)


def test_a_sentence_of_a_definition_has_the_parameters_of_its_file() -> None:
    spoken = PRINTED.spoken["treatment-status.treated"]
    assert spoken.says == Text(("Treatment ran in the last 30 days",))
    assert set(spoken.parameters) == {"grace"}


def test_a_criterion_knows_what_it_takes_rows_from_and_which_entries_are_counted() -> None:
    assert PRINTED.spoken["opioid"].bases == ("drug", "test")
    assert PRINTED.spoken["opioid"].looked_at == (
        ("medication-use", "medication list"),
        ("Observation", "observations"),
    )
    assert PRINTED.spoken["order"].looked_at == ()  # orders being placed are no list on record


def test_a_card_knows_what_it_rests_on_and_what_always_holds() -> None:
    assert STOP.held["critical"] == (("order", True), ("opioid", True))
    assert STOP.unwanted == (("treatment-status.treated", False),)
    assert STOP.detail[1][0] == Conditions(if_=("test",))
    assert STOP.offers[1].conditions == Conditions(unless=("allergy",))
    assert STOP.offers[1].within == Duration(1, "days")


def test_a_card_that_is_changed_changes_no_other() -> None:
    rows = (order(), opioid(), urine(), alt(201))
    wanted, changed = card(*rows), card(*rows)
    _spoil(changed)
    assert card(*rows) == wanted != changed


def _spoil(value: object) -> None:
    """Empty every list and object within."""
    if isinstance(value, dict):
        for each in value.values():
            _spoil(each)
        value.clear()
    elif isinstance(value, list):
        for each in value:
            _spoil(each)
        value.clear()
