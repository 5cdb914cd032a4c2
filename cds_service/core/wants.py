"""What a criterion cannot do without, known before any chart is: most criteria of most charts are settled by it.

A want is a number. Each of its bits stands for something that a chart may hold: a row of a fact in a value set, a row
of a fact whatever its code, the hook of the call. A chart is such a number too (`Bits.held`). A criterion with a want
of which the chart holds no bit is NO, and nothing that it looks at needs to be judged. A list that was not read, or a
row whose code is not known, may be anything and holds every bit of its fact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from cds_service.core.facts import FACTS, HOOKS, Row
from cds_service.core.row_tests import Scope
from cds_service.core.rule import Find, Hook, Logic

Want = int

_PLACES = {name: place for place, name in enumerate((*FACTS, *HOOKS))}
_ANY_ROW = (1 << len(FACTS)) - 1  # the lowest bits: a row of a fact, whatever its code


@dataclass(frozen=True, slots=True)
class Bits:
    """Which bit stands for what. value_sets: how many the table has."""

    value_sets: int

    def of_rows(self, facts: Iterable[str], mask: int = 0) -> Want:
        """A row of these facts in one of these value sets; without a mask any row of them."""
        return sum(self._sets(fact, mask) if mask else 1 << _PLACES[fact] for fact in set(facts))

    def of_hooks(self, hooks: Iterable[str]) -> Want:
        """One of these hooks."""
        return sum(1 << _PLACES[hook] for hook in set(hooks))

    def held(self, hook: str, present: Mapping[str, int], unread: Iterable[str]) -> int:
        """What a chart may hold. present: by fact that has rows, their value sets. unread: facts not read whole."""
        held = 1 << _PLACES[hook]
        for fact, mask in {**present, **dict.fromkeys(unread, -1)}.items():
            held |= 1 << _PLACES[fact] | self._sets(fact, mask)
        return held

    def _sets(self, fact: str, mask: int) -> int:
        return (mask & (1 << self.value_sets) - 1) << len(_PLACES) + _PLACES[fact] * self.value_sets


def likelihood(want: Want) -> tuple[int, int]:
    """Order wants by how many charts hold one of their bits: any row of a fact is likelier than all its value sets."""
    return (want & _ANY_ROW).bit_count(), want.bit_count()


def present(rows: Iterable[Row]) -> int:
    """The value sets any row could be in; all of them when a row's code cannot be read."""
    mask = 0
    for row in rows:
        if not row.concept.readable or not row.readable:
            return -1
        mask |= row.concept.by_code | row.concept.by_text
    return mask


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a criterion before any chart is.

    wants: of each the chart must hold a bit, else the criterion is NO; () when nothing can be said before it is judged.
    facts: those whose rows it can be made of.
    """

    wants: tuple[Want, ...]
    facts: frozenset[str]


def known_of(body: Find | Logic | Hook, scope: Scope, known: Sequence[Known], bits: Bits) -> Known:
    """Say what is known of a criterion. known: the same of the criteria compiled so far, by place."""
    wants = wants_of(body, scope, known, bits)
    if isinstance(body, Hook):
        return Known(wants, frozenset())
    sources = body.find if isinstance(body, Find) else (*body.all, *body.any)
    facts = {name for name in sources if name in FACTS}
    facts = facts.union(*(known[scope.index(name)].facts for name in sources if name not in FACTS))
    if isinstance(body, Find) and wants and body.code_in:
        wants = tuple(dict.fromkeys((*wants, bits.of_rows(facts, scope.mask(body.code_in)))))
    return Known(wants, frozenset(facts))


def wants_of(body: Find | Logic | Hook, scope: Scope, known: Sequence[Known], bits: Bits) -> tuple[Want, ...]:
    """Give what a criterion cannot do without, whatever the codes of rows that it takes from other criteria.

    What is absent is NO only where `count` asks for a row.
    """
    if isinstance(body, Hook):
        return (bits.of_hooks(body.hook),)
    if body.count and scope.limits(body.count).low < 1:
        return ()
    one_of: list[Sequence[Want]]
    if isinstance(body, Logic):
        needed, one_of = body.all, [known[scope.index(name)].wants for name in body.any]
    else:
        needed, one_of = body.if_, [known[scope.index(name)].wants for name in body.find if name not in FACTS]
        facts = [name for name in body.find if name in FACTS]
        if facts:
            one_of.append((bits.of_rows(facts, scope.mask(body.code_in)),))
    wants = [want for name in needed for want in known[scope.index(name)].wants]
    if one_of and all(one_of):
        wants.append(reduce(or_, (min(each, key=likelihood) for each in one_of)))
    return tuple(dict.fromkeys(wants))
