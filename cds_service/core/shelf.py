"""The rows of a fact by value set: a criterion looks at those it may mean, however many others the chart has."""

from collections.abc import Iterator, Sequence

from cds_service.core.facts import Row


class Shelf:
    """Rows by the value sets they are in: a table made once for a chart, so that no criterion walks all of them.

    by_set:     places of rows, in order, by the bit of each value set.
    held:       all these bits.
    unreadable: places of the rows whose code cannot be read: they may be in any value set.
    """

    __slots__ = ("by_set", "held", "rows", "unreadable")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.by_set: dict[int, list[int]] = {}
        self.held = 0
        self.unreadable: list[int] = []
        alike: dict[int, list[int]] = {}  # most rows are in the same value sets as some other
        for place, row in enumerate(rows):
            concept = row.concept
            if concept.readable and row.readable:
                alike.setdefault(concept.by_code | concept.by_text, []).append(place)
            else:
                self.unreadable.append(place)
        for sets, places in alike.items():
            self.held |= sets
            for bit in bits_of(sets):
                self.by_set.setdefault(bit, []).extend(places)
        for places in self.by_set.values():
            places.sort()

    def within(self, mask: int) -> Sequence[Row]:
        """The rows that are, or may be, in one of the value sets of `mask`, in their order."""
        hits = mask & self.held
        places = self.by_set.get(hits)  # of most masks a chart has one value set
        if places is None or self.unreadable:
            found = {*self.unreadable, *(place for bit in bits_of(hits) for place in self.by_set[bit])}
            places = sorted(found)
        return [self.rows[place] for place in places]


def bits_of(mask: int) -> Iterator[int]:
    """Each bit of a mask that is not negative, as a mask of its own, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit
