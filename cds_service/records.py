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
    """One rule of one call: it fired, was on trial or beside one, could not tell, was withheld or failed.

    verdict:    of `when`: "YES", "NO", "UNKNOWN"; None if the rule raised.
    withheld:   "" or why its card was not sent on its own.
    stopped_by: the members of `when` that stop it, or that are UNKNOWN.
    card_uuid:  of the card it is on, also that of the rule it was merged into; None without one.
    criteria:   verdict by name, of the members of `when`; empty when one of them raised.
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
        decisions=tuple(_rows(answered, release)) if outcome else (),
        site=release.site.digest if release.site else None,
    )


def _rows(answered: Answer, release: Release) -> Iterator[DecisionRow]:
    outcome = answered.outcome
    assert outcome is not None
    uuids = dict(_cards_of(answered.body))
    # Silence of a version that has a trial beside it is kept: only so do the records alone tell what a trial would have
    # changed, whatever release, site and clinicians' reviews were at the time.
    decisions = outcome.decisions if release.trial else outcome.heard
    beside = {each.edition.rule.id for each in decisions if each.trial}
    for each in decisions:
        rule = each.edition.rule
        if each.state == SILENT and not each.trial and rule.id not in beside:
            continue
        verdict = str(each.verdict) if each.verdict is not None else None
        stopped_by, criteria = _criteria(each)
        yield DecisionRow(
            rule=rule.id,
            version=rule.version,
            trial=each.trial,
            state=each.state,
            verdict=verdict,
            indicator=each.indicator,
            withheld=each.withheld,
            stopped_by=stopped_by,
            card_uuid=None if each.trial else uuids.get((rule.id, rule.version)),
            criteria=criteria,
        )


def _cards_of(body: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    cards = body.get("cards", [])
    assert isinstance(cards, list)
    for card in cards:
        told = card["extension"][RULE_EXTENSION]
        for each in (told, *told.get("merged", ())):
            yield (each["ruleId"], each["ruleVersion"]), card["uuid"]


def _criteria(decision: Decision) -> tuple[tuple[str, ...], dict[str, str]]:
    """Give what stops a decision, and the verdicts of its criteria; nothing where one of them raises.

    A silent rule was decided by the first criterion that stops it: the others are judged here for the first time.
    """
    when = decision.edition.rule.when.logic
    if decision.verdict is None:
        return (), {}
    try:
        verdicts = {name: str(decision.judgement.verdict(name)) for name in (*when.all, *when.any, *when.none)}
        return decision.stopped_by, verdicts
    except Exception:  # one rule's fault must not lose the record of a call
        return (), {}
