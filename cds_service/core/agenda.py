"""The rules that run at one hook, found by what the chart holds: those of which it holds nothing are never visited."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cds_service.core.wants import Want, likelihood


@dataclass(frozen=True, slots=True)
class Agenda:
    """Which rules a chart leaves possible. Rules are numbers here: their places in a sequence that the caller has.

    wants:   of each rule, what it cannot do without (core.wants).
    always:  the places of rules that have no want.
    by_bit:  places of the others, by number of each bit of their rarest want.
    watched: all these bits.
    """

    wants: tuple[Sequence[Want], ...]
    always: tuple[int, ...]
    by_bit: Mapping[int, tuple[int, ...]]
    watched: int

    def possible(self, held: int) -> list[int]:
        """The places, in order, of the rules of whose every want the chart holds a bit. held: wants.Bits.held."""
        places = set(self.always)
        for number in bit_numbers(held & self.watched):
            places.update(self.by_bit[number])
        return [place for place in sorted(places) if is_possible(self.wants[place], held)]


def agenda(wants: Iterable[Sequence[Want]]) -> Agenda:
    """Make the agenda of rules with these wants."""
    of_rules = tuple(wants)
    by_bit: dict[int, list[int]] = {}
    watched = 0
    for place, each in enumerate(of_rules):
        rarest = min(each, key=likelihood, default=0)
        watched |= rarest
        for number in bit_numbers(rarest):
            by_bit.setdefault(number, []).append(place)
    always = tuple(place for place, each in enumerate(of_rules) if not each)
    return Agenda(of_rules, always, {number: tuple(places) for number, places in by_bit.items()}, watched)


def is_possible(wants: Sequence[Want], held: int) -> bool:
    """Whether a chart that holds these bits holds one of each want; if not, the criterion that has the wants is NO."""
    for want in wants:  # noqa: SIM110 - a generator would take most of the time
        if not want & held:
            return False
    return True


def bit_numbers(mask: int) -> Iterator[int]:
    """The numbers of the bits of a mask, the highest first.

    By way of its digits, for what a chart may hold has tens of thousands of bits, and few are set: arithmetic on the
    whole number for each of them would cost more than all the rules it spares.
    """
    digits = f"{mask:b}"
    last = len(digits) - 1
    at = digits.find("1")
    while at >= 0:
        yield last - at
        at = digits.find("1", at + 1)
