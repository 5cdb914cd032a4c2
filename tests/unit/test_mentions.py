"""What stands between braces in the words of a card."""

import pytest

from cds_service.core.mentions import Placeholder, placeholders


@pytest.mark.parametrize("field", ["display", "date", "days", "value", "length", "count"])
def test_a_field_of_a_criterion_is_named_after_the_last_dot(field: str) -> None:
    wanted = [Placeholder("state.found", field), Placeholder("own", field)]
    assert placeholders(f"since {{state.found.{field}}} or {{own.{field}}}") == wanted


def test_anything_else_between_braces_is_a_parameter() -> None:
    names = ["test_days", "state.found", "own.age"]
    assert placeholders("{test_days} {state.found} {own.age}") == [Placeholder(name, "") for name in names]


def test_braces_that_are_not_a_pair_hold_nothing() -> None:
    assert placeholders("{ } one} {two") == [Placeholder(" ", "")]
