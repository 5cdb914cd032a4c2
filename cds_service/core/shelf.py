"""The rows of a fact by value set: a criterion looks at those it may mean, however many others the chart has."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from cds_service.core.facts import Row

_UNREADABLE = -1  # the sets of a row whose code cannot be read: it may be in any of them


class Shelf:
    """Rows put together by the value sets they are in: a table made once, so that no criterion walks all of them."""

    __slots__ = ("by_set", "held", "places", "rows")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.places: dict[int, list[int]] = {}  # of the rows, by the mask of all value sets they are in
        for place, row in enumerate(rows):
            sets = sets_of(row)
            places = self.places.get(sets)
            if places is None:
                self.places[sets] = [place]
            else:
                places.append(place)
        masks = [sets for sets in self.places if sets != _UNREADABLE]
        self.held = reduce(or_, masks, 0)
        self.by_set: dict[int, list[int]] = {}  # those masks, by each value set that is in them
        for sets in masks:
            for bit in bits_of(sets):
                self.by_set.setdefault(bit, []).append(sets)

    def within(self, mask: int) -> Sequence[Row]:
        """The rows in one of the value sets of `mask`, and those whose code cannot be read, in their order."""
        masks = {sets for bit in bits_of(mask & self.held) for sets in self.by_set[bit]}
        if _UNREADABLE in self.places:
            masks.add(_UNREADABLE)
        found = [self.places[sets] for sets in masks]
        places = found[0] if len(found) == 1 else sorted(place for each in found for place in each)
        return [self.rows[place] for place in places]


def sets_of(row: Row) -> int:
    """The mask of the value sets a row could be in; all of them when its code cannot be read."""
    concept = row.concept
    return concept.by_code | concept.by_text if concept.readable and row.readable else _UNREADABLE


def bits_of(mask: int) -> Iterable[int]:
    """Each bit of a mask that is not negative, as a mask of its own, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit
