"""The test report of rule and definition files: tests, small changes and verdicts, as text and as JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cds_service.core.rule import Edition, Rule
from cds_service.core.value_set import Table
from cds_service.rulebook.coverage import untested
from cds_service.rulebook.lint_subject import Subject
from cds_service.rulebook.rule_tests import DefinitionEdition, Ran, Tested, run_cases
from cds_service.rulebook.small_change_score import Score, score, score_line
from cds_service.rulebook.source import RuleProblem


@dataclass(frozen=True, slots=True)
class Report:
    """What testing one file gave. name: "mat-consideration 1.0.0"; untested: verdicts that no test reaches."""

    name: str
    file: str
    ran: Ran
    score: Score
    untested: tuple[RuleProblem, ...]

    @property
    def fine(self) -> bool:
        """Whether every test passes and no small change is missed."""
        return not (self.ran.failures or self.score.missed or self.score.broken)

    @property
    def tests(self) -> int:
        """How many tests the file has."""
        return len(self.ran.passing) + len(self.ran.failures)


def tested_of(subject: Subject) -> Tested:
    """Give a file with the definitions and value sets of its release; tests may use sets that no criterion names."""
    definitions = {key: file.draft for key, file in subject.shelf.definitions.items()}
    if isinstance(subject.draft, Rule):
        return Edition(subject.draft, definitions, subject.shelf.value_sets)
    return DefinitionEdition(subject.draft, definitions, subject.shelf.value_sets)


def report_of(subject: Subject, table: Table) -> Report:
    """Run every test of a file and make every small change.

    table: holds every value set of the subject's shelf.
    """
    tested = tested_of(subject)
    ran = run_cases(tested, subject.cases, table)
    return Report(
        name=f"{subject.draft.id} {subject.draft.version}",
        file=subject.source.file,
        ran=ran,
        score=score(tested, ran.passing, subject.source, table),
        untested=untested(tested, ran.passing, subject.source, table),
    )


def as_text(reports: Iterable[Report]) -> str:
    """Write failures, misses and warnings of each file, its score, and the total score as the last line."""
    reports = tuple(reports)
    lines: list[str] = []
    for each in reports:
        lines += [f"{each.file}:{failure.case.line}: {failure}" for failure in each.ran.failures]
        lines += [str(missed.problem) for missed in each.score.missed]
        lines += [f"{each.file}: the rule broke: {broken}" for broken in each.score.broken]
        lines += [str(problem) for problem in (*each.score.unneeded, *each.untested)]
        lines.append(f"{each.name}: tests passed: {len(each.ran.passing)} of {each.tests}")
        lines.append(f"{each.name}: {each.score}")
    lines.append(f"total: tests passed: {_sum(reports, 'passed')} of {_sum(reports, 'tests')}")
    lines.append(f"total: {score_line(_sum(reports, 'made'), _sum(reports, 'caught'), _sum(reports, 'exempt'))}")
    return "\n".join(lines)


def _sum(reports: Iterable[Report], what: str) -> int:
    return sum(_counts(each)[what] for each in reports)


def _counts(report: Report) -> dict[str, int]:
    return {
        "tests": report.tests,
        "passed": len(report.ran.passing),
        "made": report.score.made,
        "caught": report.score.caught,
        "exempt": report.score.exempt,
    }


def as_json(reports: Iterable[Report]) -> dict[str, Any]:
    """Give the same as plain data."""
    reports = tuple(reports)
    return {
        "fine": all(each.fine for each in reports),
        "total": {what: _sum(reports, what) for what in ("tests", "passed", "made", "caught", "exempt")},
        "files": [
            {
                "name": each.name,
                "file": each.file,
                **_counts(each),
                "failures": [
                    {
                        "list": failure.case.list_name,
                        "name": failure.case.name,
                        "line": failure.case.line,
                        "wanted": failure.wanted,
                        "got": failure.got,
                        "facts": list(failure.facts),
                    }
                    for failure in each.ran.failures
                ],
                "missed": [
                    {"change": missed.change.description, "line": missed.problem.line, "edited": missed.edited}
                    for missed in each.score.missed
                ],
                "broken": list(each.score.broken),
                "warnings": [
                    {"line": problem.line, "code": problem.code, "text": problem.text}
                    for problem in (*each.score.unneeded, *each.untested)
                ],
            }
            for each in reports
        ],
    }
