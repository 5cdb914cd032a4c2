"""Which card a rule shows, and which rules' cards are sent: variants, firm evidence, yields, merges, the limit.

Source: docs/reference/rule-language.md, sections 3 (firm evidence), 6 (between rules) and 7 (cards).
"""

from collections.abc import Callable, Mapping, Sequence

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.decision import FIRES, AllOf, Decision, Judgement, Outcome
from cds_service.core.record import replace
from cds_service.core.rule import LEVELS, Card, Conditions, Rule

CAPPED_HOOK = "patient-view"
CARD_LIMIT = 3  # info and warning cards at patient-view; critical ones are never withheld

Ask = Callable[[str], Verdict]


def holds(conditions: Conditions, ask: Ask) -> bool:
    """Whether all of `if` are YES, all of `unless` NO and all of `if_unknown` UNKNOWN."""
    for name in conditions.if_:
        if ask(name) is not YES:
            return False
    for name in conditions.unless:
        if ask(name) is not NO:
            return False
    for name in conditions.if_unknown:  # noqa: SIM110 - it reads as the others do
        if ask(name) is not UNKNOWN:
            return False
    return True


def card_of(rule: Rule, judgement: Judgement, caveat: bool) -> tuple[Card | None, str | None]:
    """Give the first card whose conditions hold, and its level; (None, None) when there is none.

    caveat: the rule is UNKNOWN; then nothing is critical.
    A critical level stands only when rule, card and level hold also with every soft row taken as doubtful.
    """
    for card in rule.cards:
        if not holds(card.conditions, judgement.verdict):
            continue
        for level, criterion in card.indicator:
            if criterion is not None and judgement.verdict(criterion) is not YES:
                continue
            if level == "critical" and (caveat or not _firm(card, criterion, judgement)):
                continue
            return card, level
    return None, None


def _firm(card: Card, criterion: str | None, judgement: Judgement) -> bool:
    return (
        judgement.firm("when") is YES
        and holds(card.conditions, judgement.firm)
        and (criterion is None or judgement.firm(criterion) is YES)
    )


def outcome(decisions: Sequence[Decision], hook: str, unread: Mapping[str, str], all_of: AllOf = tuple) -> Outcome:
    """Settle yields, then merges, then order and limit. Trials are recorded and touch nothing.

    decisions: of active rules, then of those on trial; one that is NO changes nothing and may be left out, for `all_of`
               to put between them.
    """
    settled = {each.edition.rule.id: each for each in decisions if not each.trial}
    speaking = {rule_id: each for rule_id, each in settled.items() if _shows(each)}
    if len(speaking) > 1:  # one alone has none to yield to, or to merge into
        speaking = _merged(_yielded(speaking))
        settled |= speaking
    cards = [each for each in speaking.values() if _shows(each)]
    cards.sort(key=lambda each: -_severity(each))  # stable: ties stay in release order
    shown, soft = [], 0
    for each in cards:
        soft += each.indicator != "critical"
        if hook == CAPPED_HOOK and each.indicator != "critical" and soft > CARD_LIMIT:
            settled[each.edition.rule.id] = replace(each, withheld="over the limit")
        else:
            shown.append(each)
    trials = (replace(each, withheld="trial") if each.state == FIRES else each for each in decisions if each.trial)
    return Outcome(tuple(shown), (*settled.values(), *trials), unread=unread, all_of=all_of)


def _shows(decision: Decision | None) -> bool:
    return decision is not None and decision.state == FIRES and not decision.withheld


def _severity(decision: Decision) -> int:
    return LEVELS.index(decision.indicator or "info")


def _yielded(decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """Silence each rule for which another one shows a card that is at least as severe. decisions: those with a card."""
    settled: dict[str, Decision] = {}

    def settle(rule_id: str) -> Decision | None:
        if rule_id in settled or rule_id not in decisions:
            return settled.get(rule_id)
        decision = settled[rule_id] = decisions[rule_id]
        for other_id in decision.edition.rule.yields_to:
            other = settle(other_id)
            if other and _shows(other) and _severity(other) >= _severity(decision):
                settled[rule_id] = replace(decision, withheld=f"yields to {other_id}")
                break
        return settled[rule_id]

    for rule_id in decisions:
        settle(rule_id)
    return {rule_id: settled[rule_id] for rule_id in decisions}


def _merged(decisions: dict[str, Decision]) -> dict[str, Decision]:
    """Move each card that merges into the first host that shows one of its own; what is moved itself hosts nobody."""
    hosts: dict[str, str | None] = {}

    def host_of(rule_id: str) -> str | None:
        if rule_id not in hosts:
            hosts[rule_id] = None
            wanted = decisions[rule_id].edition.rule.merges_into if _shows(decisions[rule_id]) else ()
            hosts[rule_id] = next((each for each in wanted if _shows(decisions.get(each)) and not host_of(each)), None)
        return hosts[rule_id]

    guests: dict[str, list[Decision]] = {}
    for rule_id, decision in list(decisions.items()):
        host = host_of(rule_id)
        if host:
            guests.setdefault(host, []).append(decision)
    for host, merged in guests.items():
        level = max((decisions[host], *merged), key=_severity).indicator
        decisions[host] = replace(decisions[host], merged=tuple(merged), indicator=level)
        for guest in merged:
            rule_id = guest.edition.rule.id
            decisions[rule_id] = replace(decisions[rule_id], withheld=f"merged into {host}")
    return decisions
