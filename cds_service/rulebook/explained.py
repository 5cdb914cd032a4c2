"""Why rules speak or stay silent on one chart, as JSON: what `rules explain` and `POST /rules/{id}/explain` tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.core.decision import Decision, Outcome
from cds_service.core.explain import REASON, explain, trace
from cds_service.core.restricted import REDISCLOSURE_NOTICE, is_restricted
from cds_service.core.rule import Release

ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be explained: the call, and the day it is of."""

    name: str
    hook: str
    context: Mapping[str, Any]
    prefetch: Mapping[str, Any]
    today: date


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything decided on one chart. decisions: those asked for, in the order of the release."""

    asked: Asked
    release: Release
    outcome: Outcome
    decisions: tuple[Decision, ...]


def as_json(found: Explained, hide: bool = False) -> dict[str, Any]:
    """Give the explanation as JSON; `rules` holds a trace each (core.explain).

    hide: whether records labelled under 42 CFR Part 2 are not told of. `notice` is there when one was used.
    """
    asked, outcome = found.asked, found.outcome
    charts = [each.judgement.chart for each in found.decisions[:1]]  # one for all
    rows = [row for chart in charts for of_fact in ((chart.patient,), *chart.rows.values()) for row in of_fact]
    return {
        "chart": asked.name,
        "hook": asked.hook,
        "today": asked.today.isoformat(),
        "release": found.release.id,
        "digest": found.release.digest,
        "gate": outcome.gate,
        "cards": [each.edition.rule.id for each in outcome.shown],
        "unread": dict(outcome.unread),
        "rules": [{**trace(each, hide), "reason": explain(each, REASON, hide)} for each in found.decisions],
        **({"notice": REDISCLOSURE_NOTICE} if any(map(is_restricted, rows)) else {}),
    }
