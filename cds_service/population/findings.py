"""What could not be used of a cohort: how many lines for which reason, and where the first ones stand."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN = 10  # places that are named for each reason


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of an NDJSON file, or an entry of a Bundle, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class Findings:
    """Lines that were left out, by reason. counts has all of them, first the places of the first few.

    It only grows, and adding two of them does not depend on their order.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[Place]] = field(default_factory=dict)

    def add(self, why: str, place: Place) -> None:
        """Note a line."""
        self.counts[why] += 1
        self._keep(why, (place,))

    def merge(self, other: "Findings") -> None:
        """Take up what another part found."""
        self.counts.update(other.counts)
        for why, places in other.first.items():
            self._keep(why, places)

    def _keep(self, why: str, places: Iterable[Place]) -> None:
        known = self.first.setdefault(why, [])
        known.extend(places)
        known.sort()
        del known[SHOWN:]

    @property
    def total(self) -> int:
        """How many lines were left out."""
        return self.counts.total()
