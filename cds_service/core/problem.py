"""A fault of the caller's request, told without echoing patient data."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong: where ("context.patientId", "prefetch.conditions"), and in words what was found and wanted.

    code: a FHIR IssueType such as "required", "value", "structure", "not-found", "incomplete".
    """

    code: str
    where: str
    text: str


class RequestProblem(Exception):
    """Answered with `status` (4xx) and an OperationOutcome that lists every issue.

    headers: of the answer, such as Retry-After.
    """

    def __init__(self, status: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join(f"{each.where}: {each.text}" for each in issues))
        self.status = status
        self.issues = issues
        self.headers = dict(headers or {})
