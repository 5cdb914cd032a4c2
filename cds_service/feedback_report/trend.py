"""Whether a share rises or falls from period to period, or only as chance would have it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from cds_service.core.share import Z_95, Share, share_of

LEAST_PERIODS = 3
LEAST_IN_PERIOD = 20  # below, a share of 50 % may be off by more than 20 points either way
RISES, FALLS, STEADY, TOO_LITTLE = "rises", "falls", "no-trend", "too-little-data"


@dataclass(frozen=True, slots=True)
class Trend:
    """says: RISES, FALLS, STEADY or TOO_LITTLE. shares: of each period, None of one without any."""

    says: str
    shares: tuple[Share | None, ...]


def trend_of(parts: Sequence[tuple[int, int]]) -> Trend:
    """Judge shares of periods in their order: `part` of `whole` each.

    Says RISES or FALLS where chance alone would show so much in fewer than 5 of 100 reports (two-sided). Needs
    LEAST_PERIODS periods of LEAST_IN_PERIOD; periods with less count as far as they go.
    Source: P. Armitage, Biometrics 11 (1955) 375, the test for linear trends in proportions; periods are numbered.
    """
    parts = [(min(part, whole), whole) for part, whole in parts]  # a purge may have taken calls before their cards
    shares = tuple(share_of(part, whole) for part, whole in parts)
    if sum(whole >= LEAST_IN_PERIOD for _, whole in parts) < LEAST_PERIODS:
        return Trend(TOO_LITTLE, shares)
    z = _z([(place, part, whole) for place, (part, whole) in enumerate(parts)])
    return Trend(RISES if z > Z_95 else FALLS if z < -Z_95 else STEADY, shares)


def _z(parts: Sequence[tuple[int, int, int]]) -> float:
    every = sum(whole for _, _, whole in parts)
    share = sum(part for _, part, _ in parts) / every
    middle = sum(place * whole for place, _, whole in parts) / every
    spread = share * (1 - share) * sum(whole * (place - middle) ** 2 for place, _, whole in parts)
    leaning = sum((place - middle) * (part - whole * share) for place, part, whole in parts)
    return leaning / sqrt(spread) if spread > 0 else 0.0
