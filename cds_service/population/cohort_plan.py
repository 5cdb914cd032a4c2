"""What a synthetic cohort is made of: `cohort.yaml` read, its value sets resolved into codes of a release.

No code and no share stands here: docs/reference/cohort.md says what the parts of the file mean.
"""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from cds_service.core.rule import Release
from cds_service.core.value_set import ValueSet

PLAN = Path(__file__).with_name("cohort.yaml")
ABSENT = "absent"
LONGEST_DISPLAY = 160  # a code with a longer display is not drawn: no record writes such a text

T = TypeVar("T")


class PlanProblem(ValueError):
    """A cohort file that cannot be used with this release; the text says which part, and what is wanted."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """Things with their shares, to be drawn by a number from 0 to 1."""

    things: tuple[T, ...]
    upto: tuple[float, ...]

    def at(self, chance: float) -> T:
        """Give the thing that a number from 0 up to 1 falls on."""
        return self.things[bisect(self.upto, chance, 0, len(self.things) - 1)]


def choice_of(shares: Iterable[tuple[T, float]]) -> Choice[T]:
    """Make a Choice of things with their shares, which are relative to each other."""
    listed = [(thing, share) for thing, share in shares if share > 0]
    whole = sum(share for _, share in listed)
    return Choice(tuple(thing for thing, _ in listed), tuple(accumulate(share / whole for _, share in listed)))


@dataclass(frozen=True, slots=True)
class Code:
    """A code as FHIR writes it. old_system: another spelling of its system, "" when there is none."""

    system: str
    code: str
    display: str
    old_system: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a record may hold, as a template of a resource.

    types: resource types. texts: words for it without a code. days_ago: how long ago it began, from and to.
    supply_days, stay_days: how long it lasts, from and to; None = not told.
    not_of: the gender in whose records it is not written; "" for none.
    """

    name: str
    types: Choice[str]
    codes: Choice[Choice[Code]]
    texts: tuple[str, ...]
    days_ago: tuple[int, int]
    status: Choice[str]
    clinical: Choice[str]
    verification: Choice[str]
    category: Choice[str]
    supply_days: tuple[int, int] | None = None
    stay_days: tuple[int, int] | None = None
    value: Mapping[str, Any] | None = None
    answers: Choice[Choice[Code]] | None = None
    reason: str = ""
    not_of: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A cohort file with the codes of a release. stories: what each holds beside `everyone`, with its chance."""

    ages: Choice[tuple[int, int]]
    gender: Choice[str]
    birth_date: Choice[str]
    deceased: float
    test: float
    writing: Choice[str]
    dates: Choice[str]
    by_reference: float
    stories: Choice[tuple[tuple[Held, float], ...]]
    everyone: tuple[tuple[Held, float], ...]
    local_system: str
    held: Mapping[str, Held] = field(default_factory=dict)


def read_plan(release: Release, path: Path = PLAN) -> Plan:
    """Read a cohort file for a release. Raises PlanProblem."""
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    sets: dict[str, ValueSet] = {}
    for edition in release.active:
        sets.update(edition.value_sets)
    old = {systems[0]: systems[1] for systems in written["systems"].values()}
    systems = {name: spelled[0] for name, spelled in written["systems"].items()}
    held = {name: _held(name, each, sets, systems, old) for name, each in written["holds"].items()}
    patient = written["patient"]
    return Plan(
        ages=choice_of(((low, high), share) for low, high, share in patient["ages"]),
        gender=_shares(patient["gender"]),
        birth_date=_shares(patient["birth_date"]),
        deceased=patient["deceased"],
        test=patient["test"],
        writing=_shares(written["writing"]),
        dates=_shares(written["dates"]),
        by_reference=written["by_reference"],
        stories=choice_of((_chances(each["holds"], held), each["share"]) for each in written["stories"].values()),
        everyone=_chances(written["everyone"], held),
        local_system=systems["local"],
        held=held,
    )


def _chances(written: Mapping[str, float], held: Mapping[str, Held]) -> tuple[tuple[Held, float], ...]:
    unknown = [name for name in written if name not in held]
    if unknown:
        raise PlanProblem(f"`holds` has no {unknown[0]}")
    return tuple((held[name], chance) for name, chance in written.items())


def _shares(written: Mapping[str, float] | str | None) -> Choice[str]:
    if written is None:
        return choice_of([(ABSENT, 1.0)])
    return choice_of([(written, 1.0)] if isinstance(written, str) else written.items())


def _held(
    name: str, written: Mapping[str, Any], sets: Mapping[str, ValueSet], systems: Mapping[str, str],
    old: Mapping[str, str],
) -> Held:  # fmt: skip
    drawn = [(_of_set(name, id_, sets, old), share) for id_, share in written.get("sets", {}).items()]
    for each in written.get("codes", ()):
        system = systems[each["system"]]
        alone = Code(system, each["code"], each["display"], old.get(system, ""))
        drawn.append((choice_of([(alone, 1.0)]), each["share"]))
    answers = written.get("answers")
    return Held(
        name=name,
        types=_shares(written["type"]),
        codes=choice_of(drawn),
        texts=tuple(written.get("texts", ())),
        days_ago=_span(written["days_ago"]),
        status=_shares(written.get("status")),
        clinical=_shares(written.get("clinical")),
        verification=_shares(written.get("verification")),
        category=_shares(written.get("category")),
        supply_days=_span(written["supply_days"]) if "supply_days" in written else None,
        stay_days=_span(written["stay_days"]) if "stay_days" in written else None,
        value=written.get("value"),
        answers=choice_of((_of_set(name, id_, sets, old), share) for id_, share in answers.items())
        if answers
        else None,
        reason=written.get("reason", ""),
        not_of=written.get("not_of", ""),
    )


def _span(written: Sequence[int]) -> tuple[int, int]:
    first, last = written
    return first, last


def _of_set(name: str, id_: str, sets: Mapping[str, ValueSet], old: Mapping[str, str]) -> Choice[Code]:
    """Give the codes of a value set, each as likely as another, in an order that does not depend on the process."""
    if id_ not in sets:
        raise PlanProblem(f"{name}: the release has no value set {id_}")
    value_set = sets[id_]
    codes = sorted((each.system, each.code, value_set.displays.get(each, "")) for each in value_set.codes)
    listed = [Code(system, code, display, old.get(system, "")) for system, code, display in codes if display]
    listed = [each for each in listed if len(each.display) <= LONGEST_DISPLAY] or listed
    if not listed:
        raise PlanProblem(f"{name}: value set {id_} lists no code with a display")
    return choice_of((each, 1.0) for each in listed)
