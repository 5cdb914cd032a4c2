"""Why a rule spoke or stayed silent: one sentence, its criteria, or everything; and the same as JSON.

For `rules explain`, over HTTP, and for messages of failing rule tests. Chart text is given as it is, on one line.
With `hide`, a record labelled under 42 CFR Part 2 is "a restricted record": no name, code, date, value, doubt or
reference, as on cards.
Source: docs/reference/rule-language.md, sections 4 and 6; docs/explanation/privacy.md.
"""

from collections.abc import Collection, Iterator
from typing import Any

from cds_service.core.basis import reasons_words, row_words, untold_rows
from cds_service.core.card_text import clean, date_words, gap_words, number_words
from cds_service.core.dates import NO, UNKNOWN, YES, Span, Verdict
from cds_service.core.decision import FAILED, FIRES, SILENT, Decision, Doubt, Found, Near, Result
from cds_service.core.placeholders import Voice, found_name, hidden, sentence
from cds_service.core.plural import so_many
from cds_service.core.record import record
from cds_service.core.restricted import RESTRICTED_RECORD, is_restricted
from cds_service.core.rule import Logic
from cds_service.core.site_words import changes_json, changes_words

REASON, CRITERIA, FULL = "reason", "criteria", "full"
DEPTHS = (REASON, CRITERIA, FULL)

Json = dict[str, Any]


def explain(decision: Decision, depth: str = CRITERIA, hide: bool = False) -> str:
    """Say in words what a rule decided and why.

    depth: "reason" gives one sentence; "criteria" adds the criteria of `when`, of the card and their members with
           their verdicts; "full" adds rows, doubts, the nearest dropped rows and what was not read.
    hide:  whether records labelled under 42 CFR Part 2 are not told of.
    Raises ValueError for another depth.
    """
    if depth not in DEPTHS:
        raise ValueError(f"depth is one of {', '.join(DEPTHS)}, not {depth!r}")
    voice = Voice(decision.judgement, clean, hide)
    lines = [_reason(decision, voice)]
    changed = changes_words(decision.edition.site, None)
    if changed and depth != REASON:
        lines.append(f"  changed at this site: {'; '.join(changed)}")
    if depth != REASON and decision.state != FAILED:
        wanting = [f"    {'  ' * each.depth}{_need_words(each, voice)}" for each in needed(decision)]
        lines += ["  for a card it would need:", *wanting] if wanting else []
        for heading, names in _parts(decision):
            lines += [f"  {heading}:", *_tree(names, decision, voice, depth == FULL)]
    return "\n".join(lines)


def trace(decision: Decision, hide: bool = False) -> Json:
    """Give a decision as JSON: state and why, then each criterion asked, in the order of `explain`.

    A criterion has verdict, says and, where there are any, facts (with FHIR reference and date), doubts, notRead,
    lookedAt and nearest. No member is null or empty. hide: as of `explain`; of a record that is not told of, `display`
    says so, and its labels stay.
    """
    rule, voice = decision.edition.rule, Voice(decision.judgement, clean, hide)
    untold = untold_rows(voice)
    body: Json = {
        "ruleId": rule.id,
        "ruleVersion": rule.version,
        "state": decision.state,
        "verdict": str(decision.verdict) if decision.verdict is not None else None,
        "trial": decision.trial or None,
        "card": decision.card.id if decision.card else None,
        "indicator": decision.indicator,
        "withheld": decision.withheld,
        "stoppedBy": list(decision.stopped_by),
        "doubts": [_doubt(each, untold) for each in decision.doubts],
        "error": decision.error,
        "site": changes_json(decision.edition) or None,
    }
    if decision.state != FAILED:
        names = [name for _, part in _parts(decision) for name, _ in _walk(part, decision)]
        body["criteria"] = {name: _criterion(name, voice, untold) for name in dict.fromkeys(names)}
        body["needed"] = [
            _given(
                {
                    "criterion": each.criterion,
                    "verdict": str(each.verdict),
                    "depth": each.depth,
                    "by": each.by if each.by != "all" else None,
                }
            )
            for each in needed(decision)
        ]
    return _given(body)


@record(frozen=True, slots=True)
class Need:
    """What would have to be otherwise for a card: a criterion, the verdict it would need, and how deep it stands.

    criterion: "" for the members of `when.any` together, of which one would do.
    by: what those below it have to do: "all" hold as said, "one of" them, or "enough of" them (a count).
    near:   of one that should hold, the rows that came nearest.
    """

    criterion: str
    verdict: Verdict
    depth: int
    by: str = "all"
    near: tuple[Near, ...] = ()


def needed(decision: Decision) -> tuple[Need, ...]:
    """Say what a rule without a card would have needed, down to the criteria that look at the chart.

    Empty for a rule with a card, for one that failed, and for one of which no card fits.
    """
    if decision.card is not None or decision.verdict is None:
        return ()
    when = decision.edition.rule.when.logic
    found: list[Need] = []
    stops = decision.stopped_by
    for name in stops:
        if name in when.all:
            found += _needs(name, YES, 0, decision)
        elif name in when.none:
            found += _needs(name, NO, 0, decision)
    if any(name in when.any for name in stops):
        found.append(Need("", YES, 0, "enough of" if when.count else "one of"))
        for name in when.any:
            found += _needs(name, YES, 1, decision)
    return tuple(found)


def _needs(name: str, wanted: Verdict, depth: int, decision: Decision) -> Iterator[Need]:
    judgement = decision.judgement
    verdict, body = judgement.verdict(name), judgement.criterion(name).body
    if not isinstance(body, Logic) or wanted is NO:
        near = judgement.dropped(name).nearest if wanted is YES and verdict is NO else ()
        yield Need(name, wanted, depth, near=near)
        return
    known_as = dict(zip((*body.all, *body.any, *body.none), judgement.members(name), strict=True))

    def lacking(names: tuple[str, ...], needed: Verdict) -> list[str]:
        full = [known_as[each] for each in names]
        return [each for each in full if judgement.verdict(each) is not needed]

    missing, unwanted = lacking(body.all, YES), lacking(body.none, NO)
    alternatives = lacking(body.any, YES)
    open_ = bool(alternatives) and (body.count is not None or len(alternatives) == len(body.any))
    by = "enough of" if body.count is not None else "one of"
    yield Need(name, wanted, depth, by if open_ and not (missing or unwanted) else "all")
    for each in missing:
        yield from _needs(each, YES, depth + 1, decision)
    for each in unwanted:
        yield from _needs(each, NO, depth + 1, decision)
    if open_ and not (missing or unwanted):
        for each in alternatives:
            yield from _needs(each, YES, depth + 1, decision)


# --- words -----------------------------------------------------------------------------------------------------------


def _reason(decision: Decision, voice: Voice) -> str:
    rule = decision.edition.rule
    head = f"{rule.id} {rule.version}"
    if decision.state == FAILED:
        return f"{head} could not be judged: {decision.error or 'an error was raised'}."
    if decision.state == FIRES and decision.card:
        card = f"{head} shows card {decision.card.id} ({decision.indicator})"
        caveat = (
            f" with a caveat, not known: {_unclear(decision, voice)}"
            if decision.caveat
            else f": {_held(decision, voice)}"
        )
        return f"{card}{caveat}{f'; not sent on its own: {decision.withheld}' if decision.withheld else ''}."
    if decision.state == SILENT and decision.verdict is YES:
        return f"{head} would fire, but none of its cards fits."
    if decision.state == SILENT:
        return f"{head} is silent: {'; '.join(_stops(decision, voice))}."
    return f"{head} cannot tell {_unclear(decision, voice)}."


def _need_words(need: Need, voice: Voice) -> str:
    if not need.criterion:
        return f"{need.by} these:"
    holds = "holds" if need.verdict is YES else "does not hold"
    below = f", by {need.by}" if need.by != "all" else ""
    words = f'{need.criterion} {holds}{below}: "{sentence(need.criterion, voice)}"'
    near = [_near_words(each, voice, " ") for each in need.near]
    return f"{words}; nearest: {'; '.join(near)}" if near else words


def _near_words(near: Near, voice: Voice, between: str) -> str:
    if voice.hide and is_restricted(near.row):
        return RESTRICTED_RECORD
    return f"{near.row.reference}{between}{clean(near.row.name) or near.row.fact}, not by {near.failed}"


def _stops(decision: Decision, voice: Voice) -> list[str]:
    when = decision.edition.rule.when.logic
    unwanted = [name for name in decision.stopped_by if name in when.none and name not in when.all]
    return [
        f'"{sentence(name, voice)}" ({name}) {"holds" if name in unwanted else "does not hold"}'
        for name in decision.stopped_by
    ] or ["a count of criteria is not reached"]


def _held(decision: Decision, voice: Voice) -> str:
    when, verdict = decision.edition.rule.when.logic, decision.judgement.verdict
    held = [sentence(name, voice) for name in (*when.all, *when.any) if verdict(name) is YES]
    return "; ".join(dict.fromkeys(held)) or "nothing speaks against it"


def _unclear(decision: Decision, voice: Voice) -> str:
    names = [f'"{sentence(name, voice)}" ({name})' for name in decision.stopped_by]
    because = "; ".join(reasons_words(decision.caveat or decision.doubts, voice))
    return f"{' and '.join(names) or 'a count of criteria'}{f': {because}' if because else ''}"


def _parts(decision: Decision) -> list[tuple[str, tuple[str, ...]]]:
    """The criteria that decide, under the word that says how."""
    when, card = decision.edition.rule.when.logic, decision.card
    parts = [("all of", when.all), ("any of", when.any), ("none of", when.none)]
    if card:
        conditions = card.conditions
        parts.append((f"card {card.id}", (*conditions.if_, *conditions.unless, *conditions.if_unknown)))
        parts.append((f"level {decision.indicator}", tuple(name for _, name in card.indicator if name is not None)))
    told: set[str] = set()
    own: list[tuple[str, tuple[str, ...]]] = []
    for heading, names in parts:
        own.append((heading, tuple(name for name in dict.fromkeys(names) if name not in told)))
        told.update(names)
    return [(heading, names) for heading, names in own if names]


def _walk(names: tuple[str, ...], decision: Decision) -> list[tuple[str, int]]:
    """Each criterion and those it looks at, with its depth; one that was met before is not opened again."""
    met: list[tuple[str, int]] = []
    opened: set[str] = set()

    def visit(name: str, depth: int) -> None:
        met.append((name, depth))
        if name not in opened:
            opened.add(name)
            for member in decision.judgement.members(name):
                visit(member, depth + 1)

    for name in names:
        visit(name, 0)
    return met


def _tree(names: tuple[str, ...], decision: Decision, voice: Voice, full: bool) -> list[str]:
    lines, told = [], set[str]()
    for name, depth in _walk(names, decision):
        indent = "    " + "  " * depth
        result = decision.judgement.result(name)
        lines.append(f"{indent}{result.verdict!s:<8}{name}: {sentence(name, voice)}")
        if full and name not in told:
            lines += [f"{indent}          {line}" for line in _details(name, result, voice)]
        told.add(name)
    return lines


def _details(name: str, result: Result, voice: Voice) -> list[str]:
    if isinstance(voice.judgement.criterion(name).body, Logic):
        return []  # its members say it
    lines = []
    for found in result.rows:
        reference = "" if hidden(found, voice) else f" {found.row.reference}"
        words = row_words(name, found, voice) or "this patient"
        lines.append(f"{'row' if found.sure else 'perhaps'}{reference}: {words}")
    doubts = reasons_words(result.doubts, voice)
    if doubts:
        lines.append(f"in doubt: {'; '.join(doubts)}")
    if result.verdict is NO:
        dropped = voice.judgement.dropped(name)
        lines.append(f"looked at {so_many(dropped.looked_at, 'row')}")
        lines += [f"nearest {_near_words(near, voice, ': ')}" for near in dropped.nearest]
    if result.further:
        lines.append(f"may hold more: {'; '.join(gap_words(result.further))}")
    return lines


# --- JSON ------------------------------------------------------------------------------------------------------------


def _criterion(name: str, voice: Voice, untold: Collection[str]) -> Json:
    result = voice.judgement.result(name)
    body: Json = {
        "verdict": str(result.verdict),
        "says": sentence(name, voice),
        "facts": [_untold(found) if hidden(found, voice) else _fact(found) for found in result.rows],
        "doubts": [_doubt(each, untold) for each in result.doubts],
        "notRead": [_given({"source": gap.source, "why": gap.why}) for gap in result.further],
        "members": list(voice.judgement.members(name)),
    }
    if result.verdict is NO:
        dropped = voice.judgement.dropped(name)
        body["lookedAt"] = dropped.looked_at
        body["nearest"] = [
            {"display": RESTRICTED_RECORD}
            if voice.hide and is_restricted(near.row)
            else {"reference": near.row.reference, "failed": near.failed}
            for near in dropped.nearest
        ]
    elif result.verdict is not UNKNOWN:
        body["count"] = result.count or None
    return _given(body)


def _untold(found: Found) -> Json:
    return {
        "fact": found.row.fact,
        "display": RESTRICTED_RECORD,
        "sure": found.sure,
        "labels": sorted(found.row.labels),
    }


def _fact(found: Found) -> Json:
    row = found.row
    return _given(
        {
            "fact": row.fact,
            "reference": row.reference,
            "display": clean(found_name(found)),
            "valueSet": found.value_set,
            "by": "text" if found.by_text else "code" if found.value_set else None,
            "date": _date(row.start),
            "end": _date(row.end),
            "status": row.status or row.clinical_status,
            "value": number_words(row.value) if row.value else None,
            "unit": clean(row.value.unit or "") if row.value else None,
            "sure": found.sure,
            "joined": found.merged if found.merged > 1 else None,
            "doubts": [each.partition(" ")[0] for each in found.doubts],
            "notes": list(row.notes),
            "labels": sorted(row.labels),
        }
    )


def _date(span: Span | None) -> str | None:
    return date_words(span) if span else None


def _doubt(doubt: Doubt, untold: Collection[str]) -> Json:
    return {"about": RESTRICTED_RECORD} if doubt.about in untold else {"kind": doubt.kind, "about": doubt.about}


def _given(body: Json) -> Json:
    """Drop what is null or empty; False and 0 say something and stay."""
    return {key: value for key, value in body.items() if value is not None and value != "" and value != []}
