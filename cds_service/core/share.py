"""A share of a count, and how far chance may have moved it."""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054  # of the standard normal distribution: 95 % lie within


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`, as fractions of 1: the share itself, and the ends of its 95 % interval."""

    part: int
    whole: int
    share: float
    low: float
    high: float


def share_of(part: int, whole: int) -> Share | None:
    """Give a share with its Wilson score interval; None of nothing.

    Raises ValueError unless 0 <= part <= whole.
    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; it holds for small counts and for shares near 0 and 1.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no share")
    if not whole:
        return None
    share, square = part / whole, Z_95 * Z_95
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    reach = Z_95 * sqrt(share * (1 - share) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    low = 0.0 if part == 0 else max(0.0, middle - reach)
    high = 1.0 if part == whole else min(1.0, middle + reach)
    return Share(part, whole, share, low, high)


def share_words(share: Share | None) -> str:
    """Give a share in percent with its interval, as "12.5 % (8.1 to 18.7)"; "-" of nothing."""
    return f"{100 * share.share:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})" if share else "-"


def rate_words(share: Share | None) -> str:
    """Give so many of 100 with the interval, as "12.5 (8.1 to 18.7)"; "-" of nothing."""
    return f"{100 * share.share:.1f} ({100 * share.low:.1f} to {100 * share.high:.1f})" if share else "-"
