"""How many small changes of a file its inline tests notice, and which they miss.

The score is caught / made (docs/reference/rule-language.md, section 9). A change that no test can notice is accepted
by `# lint: allow small-change-missed because <reason>` on the line of the changed key.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.core.compiling import Judges
from cds_service.core.value_set import Table
from cds_service.rulebook.edited_line import edited_line
from cds_service.rulebook.rule_tests import Prepared, Tested, compiled, failure_of, subject_of, with_subject
from cds_service.rulebook.small_changes import Change, small_changes
from cds_service.rulebook.source import RuleProblem, Source

CODE = "small-change-missed"


@dataclass(frozen=True, slots=True)
class Missed:
    """A small change after which every test still passes. edited: the line of its key as it would read."""

    change: Change
    problem: RuleProblem
    edited: str


@dataclass(frozen=True, slots=True)
class Score:
    """made = caught + exempt + len(missed) + len(broken).

    exempt:   missed, and accepted by a comment on the line.
    unneeded: comments that accept a miss where there is none.
    broken:   changes after which the rule could not be judged: a fault of the service, and never counted as caught.
    """

    made: int
    caught: int
    exempt: int
    missed: tuple[Missed, ...]
    unneeded: tuple[RuleProblem, ...]
    broken: tuple[str, ...] = ()

    def __str__(self) -> str:
        return score_line(self.made, self.caught, self.exempt)


def score_line(made: int, caught: int, exempt: int) -> str:
    """Give "small changes caught: 118 of 120, 2 exempt"."""
    return f"small changes caught: {caught} of {made}" + (f", {exempt} exempt" if exempt else "")


def score(tested: Tested, passing: Iterable[Prepared], source: Source, table: Table) -> Score:
    """Make every small change and see whether one of the tests notices.

    passing: tests that pass on the unchanged file; one that fails anyhow would seem to catch everything.
    """
    order = list(passing)
    made, caught = 0, 0
    missed: list[Missed] = []
    broken: list[str] = []
    exempt: dict[int, int] = {
        line: 0 for line, allows in source.allows.items() if any(each.code == CODE for each in allows)
    }
    excused = 0
    judges = Judges(table)
    for change in small_changes(subject_of(tested)):
        made += 1
        verdict = _catches(tested, change, order, judges)
        if verdict == "caught":
            caught += 1
            continue
        if verdict:
            broken.append(f"{change.description}: {verdict}")
            continue
        line = source.key_mark(change.place).line
        accepting = next((each for each in (line, source.key_mark(change.key).line) if each in exempt), None)
        if accepting is None:
            missed.append(_missed(change, source))
        else:
            exempt[accepting] += 1
            excused += 1
    unneeded = tuple(
        source.problem(CODE, allow.mark, "every small change of this line is caught, so there is nothing to accept")
        for line, count in exempt.items()
        if not count
        for allow in source.allows[line]
    )
    return Score(made, caught, excused, tuple(missed), unneeded, tuple(broken))


def _missed(change: Change, source: Source) -> Missed:
    edited = edited_line(source, change.key, change.fragment)
    text, hint = f"no test notices: {change.description}", f"the line would read: {edited}"
    return Missed(change, source.problem(CODE, source.key_mark(change.place), text, hint), edited)


def _catches(tested: Tested, change: Change, order: list[Prepared], judges: Judges) -> str:
    """Give "caught", "" when every test still passes, or what broke.

    order: the tests; the one that notices goes to the front, since it is likely to notice the next change too.
    """
    edition = compiled(with_subject(tested, change.changed), judges.table, judges)
    for place, ready in enumerate(order):
        failure = failure_of(edition, ready)
        if failure:
            order.insert(0, order.pop(place))
            return failure.got if failure.broken else "caught"
    return ""
