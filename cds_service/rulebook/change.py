"""One change between two versions, the step it asks of a version number, and the words such changes are told in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from cds_service.core.rule import Bounds

NONE, PATCH, MINOR, MAJOR = "none", "patch", "minor", "major"
STEPS = (NONE, PATCH, MINOR, MAJOR)  # rising
# In the order in which a file has them.
PARTS = (
    "words",
    "hooks",
    "evidence",
    "uses",
    "parameters",
    "criteria",
    "when",
    "cards",
    "suggestions",
    "tests",
    "pins",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed.

    step: what it asks of the version: PATCH, MINOR or MAJOR. part: one of PARTS.
    name: which parameter, criterion, card, source, list of tests, pin; "" when the part has only one.
    text: what became of it, in words, such as "90 days becomes 30 days".
    """

    step: str
    part: str
    name: str
    text: str


def step_of(found: Iterable[Change]) -> str:
    """Give the highest step that the changes ask for; NONE without a change."""
    return max((each.step for each in found), key=STEPS.index, default=NONE)


def step_between(version: str, other: str) -> str:
    """Give the step between two versions, whichever is newer: the first part in which they differ."""
    for step, one, two in zip((MAJOR, MINOR, PATCH), version.split("."), other.split("."), strict=True):
        if int(one) != int(two):
            return step
    return NONE


def is_enough(version: str, other: str, needed: str) -> bool:
    """Whether the step between two versions is at least `needed`."""
    return STEPS.index(step_between(version, other)) >= STEPS.index(needed)


def least_version(version: str, step: str) -> str:
    """Give the lowest version that is a step above `version`: 1.2.3 and MINOR give 1.3.0."""
    major, minor, patch = (int(each) for each in version.split("."))
    after = {MAJOR: (major + 1, 0, 0), MINOR: (major, minor + 1, 0), PATCH: (major, minor, patch + 1)}
    return ".".join(str(each) for each in after.get(step, (major, minor, patch)))


def version_order(version: str) -> tuple[int, ...]:
    """Give what sorts versions; a part that is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


# --- words that changes are told in ----------------------------------------------------------------------------------


def becomes(old: object, new: object) -> str:
    """Say that one thing became another."""
    return f"{_said(old)} becomes {_said(new)}"


def gains(old: Sequence[str], new: Sequence[str]) -> str:
    """Say what a list gained and lost; "stands in another order" when it is only that, "" without a change."""
    more, less = [each for each in new if each not in old], [each for each in old if each not in new]
    said = [f"gains {', '.join(more)}" if more else "", f"loses {', '.join(less)}" if less else ""]
    return "; ".join(filter(None, said)) or ("" if tuple(old) == tuple(new) else "stands in another order")


def _said(value: object) -> str:
    match value:
        case None | () | "":
            return "nothing"
        case Bounds():
            parts = ((field.name, getattr(value, field.name)) for field in fields(value))
            return " ".join(f"{name} {limit}" for name, limit in parts if limit is not None)
        case tuple() | list():
            return ", ".join(map(str, value))
        case Mapping():
            return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)
