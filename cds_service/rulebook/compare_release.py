"""What changed between two releases: rules that came and went, versions, trials, gate, definitions and value sets.

Pure over what was loaded. `rules diff` of two releases and the changelog are written from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cds_service.core.rule import Definition, Rule
from cds_service.rulebook.change import NONE, Change, gains, is_enough, step_between, step_of
from cds_service.rulebook.compare import changes, value_set_change
from cds_service.rulebook.reader import DefinitionFile, RuleFile
from cds_service.rulebook.release import Loaded
from cds_service.rulebook.release_file import ReleaseFile

File = TypeVar("File", RuleFile, DefinitionFile)


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule or definition, before and after; a version is "" where there is none. `changes` is empty then."""

    id: str
    title: str
    before: str
    after: str
    changes: tuple[Change, ...] = ()

    @property
    def needed(self) -> str:
        """The least step that the changes ask of the version."""
        return step_of(self.changes)

    @property
    def taken(self) -> str:
        """The step between the two versions; NONE when one of them is not there."""
        return step_between(self.before, self.after) if self.before and self.after else NONE

    @property
    def enough(self) -> bool:
        """Whether the step between the versions is at least what is needed."""
        return not (self.before and self.after) or is_enough(self.before, self.after, self.needed)


@dataclass(frozen=True, slots=True)
class ReleaseDifference:
    """Two releases by name, and what is other in the second.

    rules, trials, definitions: those that came, went or have another version. value_sets: id -> (before, after, how).
    gate: what `never_when` gained and lost; order: whether rules that both have stand in another order.
    """

    before: str
    after: str
    rules: tuple[Difference, ...]
    trials: tuple[Difference, ...]
    definitions: tuple[Difference, ...]
    value_sets: Mapping[str, tuple[str, str, str]]
    gate: str
    order: bool

    @property
    def enough(self) -> bool:
        """Whether every version takes the step that its change needs."""
        return all(each.enough for each in (*self.rules, *self.trials, *self.definitions))


def difference(
    old: RuleFile | DefinitionFile, new: RuleFile | DefinitionFile, more: Sequence[Change] = ()
) -> Difference:
    """Compare two versions of one file. more: changes outside the file, of its pins."""
    was, now = old.draft, new.draft
    found = (*changes(was, now, old.cases, new.cases), *more)
    return Difference(now.id, now.title, was.version, now.version, found)


def release_difference(before: Loaded, after: Loaded) -> ReleaseDifference:
    """Compare two releases that were read without error."""
    value_sets = {}
    olds, news = before.file.pins.value_sets, after.file.pins.value_sets
    for name in sorted(olds.keys() | news.keys()):
        was, now = olds.get(name, ""), news.get(name, "")
        if was != now:
            both = was and now and (before.value_sets[name, was], after.value_sets[name, now])
            value_sets[name] = (was, now, value_set_change(*both)[1] if both else "")
    orders = [[each.id for each in side.file.entries if not each.trial] for side in (before, after)]
    kept = [[name for name in order if all(name in other for other in orders)] for order in orders]
    return ReleaseDifference(
        before=before.file.id,
        after=after.file.id,
        rules=_differences(_served(before.file, False), _served(after.file, False), before.rules, after.rules),
        trials=_differences(_served(before.file, True), _served(after.file, True), before.rules, after.rules),
        definitions=_differences(_pinned(before.file), _pinned(after.file), before.definitions, after.definitions),
        value_sets=value_sets,
        gate=gains(before.file.never_when, after.file.never_when),
        order=kept[0] != kept[1],
    )


def _served(file: ReleaseFile, trial: bool) -> dict[str, str]:
    return {each.id: each.version for each in file.entries if each.trial is trial}


def _pinned(file: ReleaseFile) -> dict[str, str]:
    """Definitions by id; of several majors the newest is compared."""
    return {name: version for (name, _), version in sorted(file.pins.definitions.items())}


def _differences(
    olds: Mapping[str, str],
    news: Mapping[str, str],
    old_files: Mapping[tuple[str, str], File],
    new_files: Mapping[tuple[str, str], File],
) -> tuple[Difference, ...]:
    found = []
    for name in dict.fromkeys((*news, *olds)):
        was, now = olds.get(name, ""), news.get(name, "")
        if was == now:
            continue
        if was and now:
            found.append(difference(old_files[name, was], new_files[name, now]))
        else:
            draft: Rule | Definition = (new_files[name, now] if now else old_files[name, was]).draft
            found.append(Difference(name, draft.title, was, now))
    return tuple(found)
