"""Shares and their Wilson intervals, against published figures."""

import pytest

from cds_service.core.share import rate_words, share_of, share_words


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # R. G. Newcombe, Stat. Med. 17 (1998) 857, table I, "Wilson score, no continuity correction".
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_the_literature(part: int, whole: int, low: float, high: float) -> None:
    found = share_of(part, whole)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.share == part / whole


def test_all_and_none_reach_the_end() -> None:
    all_, none = share_of(7, 7), share_of(0, 7)
    assert all_ is not None
    assert none is not None
    assert (all_.high, none.low) == (1.0, 0.0)
    assert all_.low == pytest.approx(1 - none.high)


def test_nothing_has_no_share() -> None:
    assert share_of(0, 0) is None


@pytest.mark.parametrize(("part", "whole"), [(-1, 5), (6, 5), (1, 0)])
def test_what_is_no_share_is_refused(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match=f"{part} of {whole} is no share"):
        share_of(part, whole)


def test_a_share_in_words_has_its_interval() -> None:
    assert share_words(share_of(81, 263)) == "30.8 % (25.5 to 36.6)"
    assert rate_words(share_of(81, 263)) == "30.8 (25.5 to 36.6)"
    assert (share_words(None), rate_words(None)) == ("-", "-")
