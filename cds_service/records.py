"""What is kept of a call: one row for it, and one for each rule that had something to do with it.

Pure. No patient or encounter id, no code, no text of the chart: `unread` names prefetch keys, criteria are named as
their rules name them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cds_service.core.card import RULE_EXTENSION
from cds_service.core.decision import SILENT, Decision
from cds_service.core.rule import Release
from cds_service.services import Answer


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One rule of one call: it fired, was on trial, could not tell, was withheld or failed.

    verdict:    of `when`: "YES", "NO", "UNKNOWN"; None if the rule raised.
    withheld:   "" or why its card was not sent on its own.
    stopped_by: the members of `when` that stop it, or that are UNKNOWN.
    card_uuid:  of the card it is on, also that of the rule it was merged into; None without one.
    criteria:   verdict by name, of the members of `when`.
    """

    rule: str
    version: str
    trial: bool
    state: str
    verdict: str | None
    indicator: str | None
    withheld: str
    stopped_by: tuple[str, ...]
    card_uuid: str | None
    criteria: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. at: UTC. site: digest of the site file that was on the release; None = as shipped.

    unread: prefetch keys. status: of the HTTP answer.
    """

    at: datetime
    hook_instance: str
    service: str
    client: str
    release: str
    digest: str
    status: int
    ms: float
    unread: tuple[str, ...]
    decisions: tuple[DecisionRow, ...]
    site: str | None = None


def call_row(
    answered: Answer, *, at: datetime, hook_instance: str, service: str, client: str, release: Release, ms: float
) -> CallRow:
    """Give the rows of one answered call."""
    outcome = answered.outcome
    return CallRow(
        at=at,
        hook_instance=hook_instance,
        service=service,
        client=client,
        release=release.id,
        digest=release.digest,
        status=answered.status,
        ms=ms,
        unread=tuple(sorted(outcome.unread)) if outcome else tuple(answered.missing),
        decisions=tuple(_rows(answered)) if outcome else (),
        site=release.site.digest if release.site else None,
    )


def _rows(answered: Answer) -> Iterator[DecisionRow]:
    assert answered.outcome is not None
    uuids = dict(_cards_of(answered.body))
    for each in answered.outcome.decisions:
        if each.state == SILENT and not each.trial:
            continue
        rule = each.edition.rule
        verdict = str(each.verdict) if each.verdict is not None else None
        yield DecisionRow(
            rule=rule.id,
            version=rule.version,
            trial=each.trial,
            state=each.state,
            verdict=verdict,
            indicator=each.indicator,
            withheld=each.withheld,
            stopped_by=each.stopped_by if verdict is not None else (),
            card_uuid=None if each.trial else uuids.get((rule.id, rule.version)),
            criteria=_criteria(each) if verdict is not None else {},
        )


def _cards_of(body: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    cards = body.get("cards", [])
    assert isinstance(cards, list)
    for card in cards:
        told = card["extension"][RULE_EXTENSION]
        for each in (told, *told.get("merged", ())):
            yield (each["ruleId"], each["ruleVersion"]), card["uuid"]


def _criteria(decision: Decision) -> dict[str, str]:
    when = decision.edition.rule.when.logic
    return {name: str(decision.judgement.result(name).verdict) for name in (*when.all, *when.any, *when.none)}
