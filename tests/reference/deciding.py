"""Rules and releases, decided as docs/reference/rule-language.md, section 6 says, on top of the reference evaluator."""

from dataclasses import dataclass, replace

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict, all_of
from cds_service.core.facts import Chart
from cds_service.core.rule import LEVELS, Card, Conditions, Edition, Release, Rule, Uses
from tests.reference.evaluator import Reference
from tests.reference.item import Doubts

CAP = 3  # cards of info and warning at patient-view


@dataclass(frozen=True)
class Decided:
    """What the reference says of one rule. card, indicator: None without a card."""

    rule: str
    verdict: Verdict
    card: str | None
    indicator: str | None
    stopped_by: tuple[str, ...]
    doubts: Doubts
    asks: bool
    caveat: bool


def decide_rule(edition: Edition, chart: Chart, today: int) -> Decided:
    """Decide one rule alone."""
    usual, firm = Reference(edition, chart, today), Reference(edition, chart, today, firm=True)
    when = edition.rule.when
    parts = usual.parts(when.logic, None)
    verdict = all_of(each for each, _ in parts)
    doubts = usual.logic_doubts(parts, None) if verdict is UNKNOWN else frozenset()
    policy = ""
    if verdict is UNKNOWN:
        policy = when.unread if any(kind == "not-read" for kind, _ in doubts) else when.doubtful
    stopped = _stopped(usual, edition.rule, verdict)
    card, level = None, None
    if verdict is YES or policy == "card_with_caveat":
        firmly = all_of(each for each, _ in firm.parts(when.logic, None)) is YES
        for each in edition.rule.cards:
            if _hold(usual, each.conditions):
                level = _level(usual, firm, each, firmly)
                if level:
                    card = each.id
                    break
    return Decided(edition.rule.id, verdict, card, level, stopped, doubts, policy == "ask_fetch",
                   verdict is UNKNOWN and card is not None)  # fmt: skip


def _hold(reference: Reference, conditions: Conditions) -> bool:
    return (
        all(reference.answer(each).verdict is YES for each in conditions.if_)
        and all(reference.answer(each).verdict is NO for each in conditions.unless)
        and all(reference.answer(each).verdict is UNKNOWN for each in conditions.if_unknown)
    )


def _level(usual: Reference, firm: Reference, card: Card, firmly: bool) -> str | None:
    """Give the highest level that holds; critical only on firm evidence."""
    for level, criterion in card.indicator:
        if criterion is not None and usual.answer(criterion).verdict is not YES:
            continue
        if level == "critical":
            stands = firmly and _hold(firm, card.conditions)
            if not stands or (criterion is not None and firm.answer(criterion).verdict is not YES):
                continue
        return level
    return None


def _stopped(reference: Reference, rule: Rule, verdict: Verdict) -> tuple[str, ...]:
    """Give the members of `when` that stop it; of an UNKNOWN those that are UNKNOWN in parts that are."""
    logic, members = rule.when.logic, []
    found = dict(zip((name for name in ("all", "any", "none") if getattr(logic, name)),
                     (each for each, _ in reference.parts(logic, None)), strict=True))  # fmt: skip
    for name, part in found.items():
        if part is not verdict or verdict is YES:
            continue
        stopping = {"all": (NO,), "any": (NO,), "none": (YES,)}[name] if verdict is NO else (UNKNOWN,)
        members += [each for each in getattr(logic, name) if reference.answer(each).verdict in stopping]
    return tuple(members)


@dataclass(frozen=True)
class Shown:
    """A card that is sent: whose it is, its level, and the rules merged into it."""

    rule: str
    level: str
    merged: tuple[str, ...] = ()


def gate(release: Release, chart: Chart, today: int) -> str:
    """Give the first criterion of `never_when` that is YES, else ""."""
    for name in release.never_when:
        definition = name.split(".")[0]
        uses = tuple(Uses(id_, major) for id_, major in release.gate_definitions if id_ == definition)
        host = replace(release.active[0].rule, uses=uses)
        edition = Edition(host, release.gate_definitions, release.gate_value_sets)
        if Reference(edition, chart, today).answer(name).verdict is YES:
            return name
    return ""


def decide_release(release: Release, chart: Chart, today: int) -> list[Shown]:
    """Give the cards that are sent, in order: yields, then merges, then order and cap."""
    if gate(release, chart, today):
        return []
    running = [each for each in release.active if chart.hook in each.rule.hooks]
    decided = {each.rule.id: decide_rule(each, chart, today) for each in running}
    return between(
        [each.rule for each in running],
        {id_: each.indicator for id_, each in decided.items() if each.card is not None and each.indicator},
        chart.hook,
    )


def between(rules: list[Rule], levels: dict[str, str], hook: str) -> list[Shown]:
    """Settle the cards of several rules. rules: in the order that breaks ties; levels: of those with a card."""
    by_id = {each.id: each for each in rules}

    def speaks(rule_id: str) -> bool:
        if rule_id not in levels:
            return False
        return not any(
            speaks(other) and LEVELS.index(levels[other]) >= LEVELS.index(levels[rule_id])
            for other in by_id[rule_id].yields_to
        )

    def host_of(rule_id: str) -> str | None:
        """Give the first rule it merges into that shows a card of its own."""
        hosts = [each for each in by_id[rule_id].merges_into if speaks(each) and host_of(each) is None]
        return hosts[0] if hosts else None

    speaking = [each.id for each in rules if speaks(each.id)]
    shown = []
    for rule_id in speaking:
        if host_of(rule_id) is not None:
            continue
        guests = tuple(each for each in speaking if host_of(each) == rule_id)
        highest = max((levels[each] for each in (rule_id, *guests)), key=LEVELS.index)
        shown.append(Shown(rule_id, highest, guests))
    shown.sort(key=lambda each: -LEVELS.index(each.level))
    critical = [each for each in shown if each.level == "critical"]
    lesser = [each for each in shown if each.level != "critical"]
    return critical + (lesser[:CAP] if hook == "patient-view" else lesser)
