"""Compile criteria: names resolved, each different criterion once.

Criteria that mean the same (same words, same numbers, same codes, same members) become one judge, so that rules
sharing a definition share its work.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from cds_service.core.criteria import judge_of
from cds_service.core.facts import FACTS, Needs
from cds_service.core.logic import logic
from cds_service.core.row_tests import Scope
from cds_service.core.rule import Bounds, Criterion, Definition, Find, Logic, Parameter, Rule, Uses
from cds_service.core.sitting import Judge
from cds_service.core.value_set import Table, ValueSet
from cds_service.core.wants import Bits, Known, known_of

WHEN = "when"


@dataclass(frozen=True, slots=True)
class Named:
    """A compiled criterion as one edition knows it: its words, its place among the judges, whom it looks at.

    parameters: of the file that it stands in.
    """

    criterion: Criterion
    parameters: Mapping[str, Parameter]
    index: int
    members: tuple[str, ...]


class Judges:
    """All judges compiled so far, each different criterion once: a table that only grows while compiling."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.judges: list[Judge] = []
        self.finds: list[tuple[Find, int] | None] = []  # what each looks for, for Needs
        self.members: list[tuple[int, ...]] = []
        self.bits = Bits(table.size)
        self.known: list[Known] = []  # before any chart is
        self._places: dict[Hashable, int] = {}

    def place(self, key: Hashable) -> int | None:
        """Give the place of the judge with this key, if it was compiled already."""
        return self._places.get(key)

    def add(
        self, key: Hashable, judge: Judge, find: tuple[Find, int] | None, members: tuple[int, ...],
        known: Known,
    ) -> int:  # fmt: skip
        """Give a new judge its place."""
        place = self._places[key] = len(self.judges)
        self.judges.append(judge)
        self.finds.append(find)
        self.members.append(members)
        self.known.append(known)
        return place


class Compiler:
    """Resolves names of one edition: local criteria, dotted ones of definitions, parameters, value sets.

    A dotted name means the major that the rule itself uses; another major that a definition brings along is known as
    "id@major.name".
    """

    def __init__(
        self,
        judges: Judges,
        definitions: Mapping[tuple[str, int], Definition],
        value_sets: Mapping[str, ValueSet],
        uses: Iterable[Uses] = (),
    ) -> None:
        self.judges = judges
        self.majors = {each.id: each.major for each in uses}
        self.definitions = definitions
        self.value_sets = value_sets
        self.names: dict[str, Named] = {}
        self._open: list[str] = []

    def index(self, home: Rule | Definition, prefix: str, name: str) -> int:
        """Compile criterion `name` as the file `home` writes it; `prefix` is how the edition knows that file."""
        head, dot, tail = name.partition(".")
        if dot:
            prefix, other = self._used(home, head)
            return self.index(other, prefix, tail)
        qualified = prefix + name
        if qualified in self.names:
            return self.names[qualified].index
        if qualified in self._open:
            raise ValueError(f"criterion {qualified!r} leads back to itself")
        self._open.append(qualified)
        criterion = home.criteria[name]
        scope = self._scope(home, prefix)
        members = tuple(members_of(criterion))
        indexes = tuple(scope.index(member) for member in members)
        key = self._key(criterion, home.parameters, indexes, scope)
        index = self.judges.place(key)
        if index is None:
            index = self._add(key, criterion, indexes, scope)
        self._open.pop()
        known_as = tuple(self._known_as(home, prefix, each) for each in members)
        self.names[qualified] = Named(criterion, home.parameters, index, known_as)
        return index

    def _add(self, key: Hashable, criterion: Criterion, indexes: tuple[int, ...], scope: Scope) -> int:
        body = criterion.body
        known = known_of(body, scope, self.judges.known, self.judges.bits)
        judge = judge_of(
            criterion, scope, lambda id_: self.value_sets[id_].title, lambda id_: self.value_sets[id_].found_in,
            known.wants,
        )  # fmt: skip
        find = (body, scope.mask(body.code_in)) if isinstance(body, Find) else None
        return self.judges.add(key, judge, find, indexes, known)

    def _known_as(self, home: Rule | Definition, prefix: str, name: str) -> str:
        if "." not in name:
            return prefix + name
        head, _, tail = name.partition(".")
        return self._used(home, head)[0] + tail

    def _used(self, home: Rule | Definition, head: str) -> tuple[str, Definition]:
        """Give the definition that `home` means by `head`, and the prefix under which the edition knows it."""
        major = next(uses.major for uses in home.uses if uses.id == head)
        plain = self.majors.setdefault(head, major) == major
        return f"{head}." if plain else f"{head}@{major}.", self.definitions[head, major]

    def synthetic(self, home: Rule, body: Logic) -> int:
        """Compile `when`, which has no name of its own."""
        scope = self._scope(home, "")
        indexes = tuple(scope.index(name) for name in (*body.all, *body.any, *body.none))
        key = (WHEN, body, indexes, tuple(scope.parameters[name].value for name in _bound_names(body.count)))
        place = self.judges.place(key)
        if place is not None:
            return place
        known = known_of(body, scope, self.judges.known, self.judges.bits)
        return self.judges.add(key, logic(body, scope, known.wants), None, indexes, known)

    def _scope(self, home: Rule | Definition, prefix: str) -> Scope:
        return Scope(
            home.parameters,
            lambda name: self.index(home, prefix, name),
            lambda id_: self.judges.table.bit(self.value_sets[id_]),
        )

    def _key(
        self, criterion: Criterion, parameters: Mapping[str, Parameter], indexes: tuple[int, ...], scope: Scope
    ) -> Hashable:
        names = parameters_of(criterion)
        numbers = tuple((name, parameters[name].value, parameters[name].unit) for name in names)
        return (criterion, indexes, numbers, tuple((name, scope.bit(name)) for name in value_sets_of(criterion)))


_DURATIONS = ("covers", "stale_after", "merge_gaps", "during_last", "per_upper_limit")
_BOUNDS = ("age", "length", "since_start", "value", "plausible", "count")


def _bound_names(bounds: Bounds | None) -> tuple[str, ...]:
    if bounds is None:
        return ()
    return tuple(name for name in (bounds.at_least, bounds.more_than, bounds.at_most, bounds.less_than) if name)


def parameters_of(criterion: Criterion) -> tuple[str, ...]:
    """Name the parameters that decide a criterion, as its file calls them."""
    body = criterion.body
    if isinstance(body, Find):
        durations = [name for key in _DURATIONS if (name := getattr(body, key)) not in (None, "today")]
        return (*durations, *(name for key in _BOUNDS for name in _bound_names(getattr(body, key))))
    return _bound_names(body.count) if isinstance(body, Logic) else ()


def value_sets_of(criterion: Criterion) -> tuple[str, ...]:
    """Name the value sets that decide a criterion."""
    body = criterion.body
    if not isinstance(body, Find):
        return ()
    return (*body.code_in, *body.code_not_in, *body.reason_in, *body.answer_in, *body.answer_not_in)


def members_of(criterion: Criterion) -> Iterable[str]:
    """Name the criteria that one looks at, as its file calls them."""
    body = criterion.body
    if isinstance(body, Logic):
        yield from (*body.all, *body.any, *body.none)
    elif isinstance(body, Find):
        yield from (name for name in body.find if name not in FACTS)
        yield from body.if_
        if body.started_since not in (None, "today"):
            yield str(body.started_since)


def facts_of(judges: Judges, indexes: Iterable[int]) -> frozenset[str]:
    """Name the facts that these criteria, and those they look at, read."""
    facts: set[str] = set()
    seen: set[int] = set()
    waiting = list(indexes)
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        waiting += judges.members[index]
        looked_for = judges.finds[index]
        if looked_for:
            facts.update(name for name in looked_for[0].find if name in FACTS)
    return frozenset(facts)


def needs_of(judges: Judges) -> Needs:
    """Say which rows of a chart any of the criteria could use."""
    sets: dict[str, int] = {}
    all_rows: set[str] = {"Patient", "this-encounter"}
    for looked_for in judges.finds:
        if looked_for is None:
            continue
        find, mask = looked_for
        for fact in find.find:
            if fact in FACTS and mask:
                sets[fact] = sets.get(fact, 0) | mask
            elif fact in FACTS:
                all_rows.add(fact)
    return Needs(sets, frozenset(all_rows))
