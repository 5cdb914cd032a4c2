"""Where a rules folder stands: what runs since when, what is on trial, which reviews are due, what is not released yet.

Pure over the release files and what was loaded; nothing here asks a clock or a database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.core.rule import Rule
from cds_service.rulebook.compare_report import wrapped
from cds_service.rulebook.reader import RuleFile
from cds_service.rulebook.release_file import ReleaseFile

WAITING, REVIEWED, DUE, OVERDUE = "not reviewed", "reviewed", "due", "overdue"
_DUE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule of the current release.

    active, trial: versions, "" for none. since, trial_since: the release since which that version has run without a
    break. seen: the day since which it stands in the records, "" when not known. review: of the active version (else
    the trial), WAITING, REVIEWED, DUE (within 60 days) or OVERDUE; review_due: its day or "".
    """

    rule: str
    active: str
    since: str
    trial: str
    trial_since: str
    review: str
    review_due: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The current release, its rules and the drafts.

    others: names of further releases. drafts: "id version" of rules and definitions of no release.
    """

    release: str
    locked: bool
    others: tuple[str, ...]
    rules: tuple[Standing, ...]
    drafts: tuple[str, ...]

    @property
    def overdue(self) -> tuple[str, ...]:
        """The rules whose review is overdue."""
        return tuple(each.rule for each in self.rules if each.review == OVERDUE)


def status_of(
    current: ReleaseFile,
    older: Sequence[ReleaseFile],
    rules: Mapping[tuple[str, str], RuleFile],
    others: Sequence[str],
    drafts: Sequence[str],
    locked: bool,
    today: date,
    seen: Mapping[tuple[str, str], str],
) -> Status:
    """Put the status together.

    older: those before the current one, from the lowest name to the highest. others: names of all but the current one.
    seen: first day in the records by (rule, version).
    """
    entries = {(each.id, each.trial): each.version for each in current.entries}
    standings = []
    for name in dict.fromkeys(each.id for each in current.entries):
        active, trial = entries.get((name, False), ""), entries.get((name, True), "")
        file = rules.get((name, active or trial))
        review, due = _review(file.draft, today) if file else (WAITING, "")
        standings.append(
            Standing(
                rule=name,
                active=active,
                since=_since(name, active, False, current, older),
                trial=trial,
                trial_since=_since(name, trial, True, current, older),
                review=review,
                review_due=due,
                seen=seen.get((name, active), ""),
            )
        )
    return Status(current.id, locked, tuple(others), tuple(standings), tuple(drafts))


def _since(name: str, version: str, trial: bool, current: ReleaseFile, older: Sequence[ReleaseFile]) -> str:
    if not version:
        return ""
    since = current.id
    for file in reversed(older):
        if not any((each.id, each.version, each.trial) == (name, version, trial) for each in file.entries):
            break
        since = file.id
    return since


def _review(rule: Rule, today: date) -> tuple[str, str]:
    due = rule.review_due or ""
    if not rule.reviewed:
        return WAITING, due
    try:
        left = (date.fromisoformat(due) - today).days
    except ValueError:
        return REVIEWED, due
    return (OVERDUE if left < 0 else DUE if left <= _DUE_DAYS else REVIEWED), due


def status_text(status: Status) -> list[str]:
    """Give the status as a table and lines below it."""
    lines = [
        f"release {status.release}: {'locked' if status.locked else 'not locked; nothing of it is served yet'}",
        *wrapped(f"other releases: {', '.join(status.others) or 'none'}"),
        "",
    ]
    with_seen = any(each.seen for each in status.rules)
    head = ["rule", "active", "since", "trial", "since", "review", *(["in records"] if with_seen else [])]
    rows = [
        [each.rule, each.active or "-", each.since or "-", each.trial or "-", each.trial_since or "-", _words(each)]
        + ([each.seen or "-"] if with_seen else [])
        for each in status.rules
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    if status.drafts:
        lines += ["", "not released:", *(f"  {each}" for each in status.drafts)]
    if status.overdue:
        lines += ["", *wrapped(f"review overdue: {', '.join(status.overdue)}")]
    return lines


def _words(each: Standing) -> str:
    if each.review == OVERDUE:
        return f"OVERDUE {each.review_due}"
    return f"due {each.review_due}" if each.review_due and each.review != WAITING else each.review


def status_json(status: Status) -> dict[str, Any]:
    """Give the status as JSON."""
    return {
        "release": status.release,
        "locked": status.locked,
        "otherReleases": list(status.others),
        "rules": [
            {
                "id": each.rule,
                "active": each.active or None,
                "activeSince": each.since or None,
                "trial": each.trial or None,
                "trialSince": each.trial_since or None,
                "review": each.review,
                "reviewDue": each.review_due or None,
                "firstInRecords": each.seen or None,
            }
            for each in status.rules
        ],
        "drafts": list(status.drafts),
        "overdue": list(status.overdue),
    }
