"""From a decision to the card an EHR shows: summary, detail, suggestions, source.

Pure: the same call gives the same card, ids included. Everything that depends on a FHIR version is left to `draft`.
Source: CDS Hooks 2.0, section "CDS Service Response"; docs/reference/rule-language.md, section 7.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from typing import Any, Protocol

from cds_service.core.basis import (
    basis_of,
    caveat_lines,
    held_lines,
    no_source,
    not_found_line,
    not_read,
    reasons_words,
    rows_behind,
)
from cds_service.core.card_id import name_uuid
from cds_service.core.card_text import SUMMARY_LIMIT, link, markdown, opened, plain, shortened
from cds_service.core.choice import holds
from cds_service.core.dates import YES, Duration
from cds_service.core.decision import FAILED, UNDECIDED, Decision, Found, Outcome
from cds_service.core.mentions import named, placeholders
from cds_service.core.placeholders import Voice, display, fill, hidden, latest, parameter, speaking_rows
from cds_service.core.restricted import (
    REDISCLOSURE_NOTICE,
    USE,
    USE_NO_DETAIL,
    restricting_labels,
    security_codings,
)
from cds_service.core.rule import LEVELS, Card, Create, Evidence, Release, Rule, Suggestion
from cds_service.core.site_words import SITE_BLOCKS, SITE_EXTENSION, Shown, site_blocks, site_extension

TOPIC_SYSTEM = "https://oud-cds.org/fhir/CodeSystem/card-topic"
OVERRIDE_SYSTEM = "https://oud-cds.org/fhir/CodeSystem/override-reason"
RULE_EXTENSION = "org.oud-cds.rule"
LABELS_EXTENSION = "org.oud-cds.labels"
EVALUATION_EXTENSION = "org.oud-cds.evaluation"
NOT_REVIEWED = "Not yet reviewed by a clinician."
ABOUT_LABEL = "About this rule"
COULD_NOT_BE_TOLD, NOT_READ_HERE, NO_SOURCE_HERE = "**Could not be told**", "**Not read:**", "**No source here:**"
WHY_SHOWN, NOT_FOUND, SOURCES = "**Why you see this**", "**Looked for and not found**", "**Sources**"
RULE_LINE = "Rule "  # how the line begins that names rule and release
# How the blocks of a detail begin that no client may miss, however short it wants a card.
MUST_STAY = (
    COULD_NOT_BE_TOLD, NOT_READ_HERE, NO_SOURCE_HERE, *SITE_BLOCKS, NOT_REVIEWED, REDISCLOSURE_NOTICE,
)  # fmt: skip
_NAME_LIMITS = (48, 32, 20)  # characters of a name in a summary that would be too long otherwise
_MOST_REMOVALS = 20  # orders that one card offers to remove
REQUESTERS = ("Practitioner/", "PractitionerRole/")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a card needs to know of the call and of the client that made it.

    patient_reference, encounter_reference: relative references ("Patient/123").
    requester_reference: userId when it is a Practitioner or PractitionerRole.
    part2_mode:   "use", "use-no-detail" or "ignore" (core.restricted); with "ignore" no labelled row but the Patient
                  gets this far.
    intent:       of drafts: "proposal", or "order" where a client takes nothing else.
    public_url:   where the rules of this service can be read, without a trailing slash; "" gives no link.
    unreviewed:   ids of rules whose cards must end with NOT_REVIEWED.
    """

    hook_instance: str
    hook: str
    patient_reference: str
    today: date
    encounter_reference: str | None = None
    requester_reference: str | None = None
    part2_mode: str = USE_NO_DETAIL
    intent: str = "proposal"
    public_url: str = ""
    unreviewed: frozenset[str] = frozenset()


def call_context(
    *, hook: str, hook_instance: str, context: Mapping[str, Any], today: date, **profile: Any
) -> CallContext:
    """Build a CallContext from the `context` of a hook call; ids may come bare or as relative references.

    profile: further fields of CallContext, from the client's profile.
    """
    user, encounter = context.get("userId"), context.get("encounterId")
    return CallContext(
        hook_instance=hook_instance,
        hook=hook,
        patient_reference=_relative("Patient", context["patientId"]),
        today=today,
        encounter_reference=_relative("Encounter", encounter) if isinstance(encounter, str) and encounter else None,
        requester_reference=user if isinstance(user, str) and user.startswith(REQUESTERS) else None,
        **profile,
    )


def _relative(resource_type: str, id_: str) -> str:
    return id_ if id_.startswith(f"{resource_type}/") else f"{resource_type}/{id_}"


@dataclass(frozen=True, slots=True)
class Reason:
    """The row that a draft names as its reason. words: its name, for drafts that may not point at such a row."""

    reference: str
    words: Callable[[], str]


class Draft(Protocol):
    """Builds the resource of a `create` suggestion in the client's FHIR version (fhir/draft.py).

    until:  the last day on which it should be done, None when the rule does not say.
    labels: security labels that pass on to the draft.
    """

    def __call__(
        self, create: Create, call: CallContext, *, reason: Reason | None, until: date | None, labels: frozenset[str]
    ) -> Json: ...


def render(decision: Decision, *, call: CallContext, release: Release, draft: Draft) -> Json:
    """Give the CDS Hooks card of a decision that shows one. No member is null or empty.

    Raises ValueError when the decision has no card.
    """
    if decision.card is None or decision.indicator is None:
        raise ValueError(f"rule {decision.edition.rule.id} shows no card here")
    rule, card = decision.edition.rule, decision.card
    family = (decision, *decision.merged)
    level = max((each.indicator or LEVELS[0] for each in family), key=LEVELS.index)
    labels = _labels(family)
    suggestions = [each for one in family for each in _suggestions(one, call, draft, labels)]
    rules = {"merged": [_named(each) for each in decision.merged]} if decision.merged else {}
    site = site_extension(_shown(family), release.site)
    body: Json = {
        "uuid": _uuid(call, rule, card),
        "summary": _summary(decision, call),
        "indicator": level,
        "detail": _detail(decision, call, release, labels),
        "source": _source(decision, level),
        "suggestions": suggestions,
        "selectionBehavior": "any" if suggestions else None,
        "overrideReasons": [
            {"code": code, "system": OVERRIDE_SYSTEM, "display": release.override_reasons[code]}
            for code in card.override_reasons
            if release.override_reasons.get(code)
        ],
        "links": _links(rule, card, call),
        "extension": {
            RULE_EXTENSION: {**_named(decision), "release": release.id, "digest": release.digest, **rules},
            **({SITE_EXTENSION: site} if site else {}),
            **({LABELS_EXTENSION: security_codings(labels)} if labels else {}),
        },
    }
    return {key: value for key, value in body.items() if value}


def answer_body(outcome: Outcome, *, call: CallContext, release: Release, draft: Draft) -> Json:
    """Give the body of a 200 answer: the cards in order, and what was evaluated, without patient data."""
    active = [each for each in outcome.heard if not each.trial]
    evaluation: Json = {
        "release": release.id,
        "today": call.today.isoformat(),
        "unread": dict(outcome.unread),
        "undecided": [_undecided(each, call) for each in active if each.state == UNDECIDED],
        "failed": [_named(each) for each in active if each.state == FAILED],
        "withheld": [{**_named(each), "why": each.withheld} for each in active if each.withheld],
    }
    if outcome.gate:
        evaluation["gate"] = outcome.gate
    if release.site:
        evaluation["site"] = {"name": release.site.name, "digest": release.site.digest}
    cards = [render(each, call=call, release=release, draft=draft) for each in outcome.shown]
    return {"cards": cards, "extension": {EVALUATION_EXTENSION: evaluation}}


def _undecided(decision: Decision, call: CallContext) -> Json:
    return {**_named(decision), "why": reasons_words(decision.doubts, _voice(decision, call, in_detail=False))}


def topic_code(rule_id: str, level: str) -> str:
    """Give the topic of a rule's cards of one level, letters and digits only: "naltrexoneWithOpioidsCritical"."""
    first, *rest = rule_id.split("-")
    return first + "".join(each.capitalize() for each in (*rest, level))


def _uuid(call: CallContext, rule: Rule, card: Card, *more: str) -> str:
    return name_uuid("|".join([call.hook_instance, f"{rule.id}@{rule.version}", card.id, *more]))


def _named(decision: Decision) -> Json:
    return {"ruleId": decision.edition.rule.id, "ruleVersion": decision.edition.rule.version}


def _shown(family: tuple[Decision, ...]) -> list[Shown]:
    return [(each.edition, _card(each).id) for each in family]


def _card(decision: Decision) -> Card:
    assert decision.card is not None
    return decision.card


def _voice(decision: Decision, call: CallContext, *, in_detail: bool) -> Voice:
    return Voice(decision.judgement, markdown if in_detail else plain, hide=call.part2_mode != USE)


def _summary(decision: Decision, call: CallContext) -> str:
    """Fill the summary; where it grows too long the names from the chart are shortened, never the rule's words."""
    voice, template = _voice(decision, call, in_detail=False), _card(decision).summary
    text = fill(template, voice)
    for limit in _NAME_LIMITS:
        if len(text) <= SUMMARY_LIMIT:
            break
        text = fill(template, replace(voice, escape=partial(_short_name, voice.escape, limit)))
    return shortened(opened(text))


def _short_name(escape: Callable[[str], str], limit: int, name: str) -> str:
    return shortened(escape(name), limit)


# --- detail ----------------------------------------------------------------------------------------------------------


def _detail(decision: Decision, call: CallContext, release: Release, labels: frozenset[str]) -> str:
    """Blocks of Markdown: what could not be told, what was found, not found, not read; guidance; sources."""
    judgement, family = decision.judgement, (decision, *decision.merged)
    voice = _voice(decision, call, in_detail=True)
    basis = basis_of(decision)
    looked_at = (*basis.held, *basis.not_found, *basis.unclear)
    unread, without_source = not_read(looked_at, judgement), no_source(looked_at, judgement)
    blocks = [
        _block(COULD_NOT_BE_TOLD, [f"- {line}" for line in caveat_lines(decision, basis, voice)]),
        _block(WHY_SHOWN, held_lines(basis.held, voice)),
        _block(NOT_FOUND, [not_found_line(name, voice) for name in basis.not_found]),
        f"{NOT_READ_HERE} {'; '.join(unread)}." if unread else "",
        f"{NO_SOURCE_HERE} {', '.join(without_source)}." if without_source else "",
        *(
            opened(fill(line.text, voice))
            for line in _card(decision).detail
            if holds(line.conditions, judgement.verdict)
        ),
        *(
            f"**Also:** {opened(fill(_card(each).summary, _voice(each, call, in_detail=True)))}"
            for each in decision.merged
        ),
        _block(SOURCES, _cited(_evidence(decision))),
        f"{_versions(decision)}, release {release.id}.",
        *site_blocks(_shown(family), release.site),
        NOT_REVIEWED if any(each.edition.rule.id in call.unreviewed for each in family) else "",
        REDISCLOSURE_NOTICE if labels else "",
    ]
    return "\n\n".join(filter(None, blocks))


def _block(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, "", *lines]) if lines else ""


def _cited(evidence: Iterable[Evidence]) -> list[str]:
    """Cite each source once, with the grade under which it is named first."""
    lines: dict[str, str] = {}
    for each in evidence:
        grade = f" (grade {each.grade})" if each.grade else ""
        source = link(each.cite, each.url)
        lines.setdefault(source, f"- {source}{grade}")
    return list(lines.values())


def _versions(decision: Decision) -> str:
    rules = [each.edition.rule for each in (decision, *decision.merged)]
    return f"{RULE_LINE}{' with '.join(f'{each.id} {each.version}' for each in rules)}"


def _evidence(decision: Decision) -> Iterator[Evidence]:
    for each in (decision, *decision.merged):
        known = {evidence.id: evidence for evidence in each.edition.rule.evidence}
        yield from (known[name] for name in _card(each).source)


def _source(decision: Decision, level: str) -> Json:
    rule, first = decision.edition.rule, next(_evidence(decision))
    topic = {"system": TOPIC_SYSTEM, "code": topic_code(rule.id, level), "display": rule.title}
    return {"label": first.cite, **({"url": first.url} if first.url else {}), "topic": topic}


def _links(rule: Rule, card: Card, call: CallContext) -> list[Json]:
    links = [{"label": each.label, "url": each.url, "type": each.type} for each in card.links]
    if call.public_url:
        url = f"{call.public_url}/rules/{rule.id}/{rule.version}"
        links.append({"label": ABOUT_LABEL, "url": url, "type": "absolute"})
    return links


# --- suggestions -----------------------------------------------------------------------------------------------------


def _suggestions(decision: Decision, call: CallContext, draft: Draft, labels: frozenset[str]) -> Iterator[Json]:
    """Give the suggestions whose conditions hold, one action each."""
    voice, rule, card = _voice(decision, call, in_detail=False), decision.edition.rule, _card(decision)
    reason = cache(lambda name: _reason(name, voice))  # most suggestions of a card name the same one
    for position, each in enumerate(card.suggestions):
        if not holds(each.conditions, decision.judgement.verdict):
            continue
        if each.delete is not None:
            for found in _orders(each.delete, voice):
                label = shortened(fill(each.label, replace(voice, only={each.delete: found})))
                action: Json = {"type": "delete", "description": label, "resourceId": found.row.reference}
                uuid = _uuid(call, rule, card, str(position), found.row.reference)
                yield _suggestion(each, uuid, label, action)
        elif each.create is not None:
            label = shortened(fill(each.label, voice))
            resource = draft(
                each.create,
                call,
                reason=reason(each.create.reason),
                until=_until(each.create, decision, call),
                labels=labels,
            )
            action = {"type": "create", "description": label, "resource": resource}
            yield _suggestion(each, _uuid(call, rule, card, str(position)), label, action)


def _suggestion(suggestion: Suggestion, uuid: str, label: str, action: Json) -> Json:
    return {"label": label, "uuid": uuid, "isRecommended": suggestion.recommended, "actions": [action]}


def _orders(name: str, voice: Voice) -> list[Found]:
    """Give the sure drafts of a criterion that carry an id to remove them by, in the order they were placed.

    None that may not be told of: to remove it, it would have to be pointed at.
    """
    rows = [found for found in voice.judgement.result(name).rows if found.sure and found.row.fact == "draft-order"]
    rows = [found for found in rows if not hidden(found, voice)]
    return [found for found in rows if all(found.row.reference.partition("/"))][:_MOST_REMOVALS]


def _reason(name: str | None, voice: Voice) -> Reason | None:
    """Give the latest sure row of the criterion that is the reason; none where it may not be told of."""
    if name is None or voice.judgement.verdict(name) is not YES:
        return None
    rows = speaking_rows(voice.judgement.result(name))
    found = latest(voice, name)
    if found is None or any(hidden(each, voice) for each in rows):
        return None
    return Reason(found.row.reference, partial(display, voice, name))


def _until(create: Create, decision: Decision, call: CallContext) -> date | None:
    if create.within is None:
        return None
    within = parameter(decision.judgement, "", create.within)
    return date.fromordinal(Duration(int(within.value), within.unit).after(call.today.toordinal()))


def _labels(family: tuple[Decision, ...]) -> frozenset[str]:
    """Give the labels of every record that the card, its lines or its suggestions rest on: the highest mark counts.

    Where the Patient is labelled, that the person is one at all is protected, and so is every card.
    """
    chart = family[0].judgement.chart
    if not chart.patient.labels and not any(row.labels for rows in chart.rows.values() for row in rows):
        return frozenset()
    return restricting_labels([chart.patient]).union(
        *(restricting_labels(rows_behind(_named_criteria(each), each.judgement)) for each in family)
    )


def _named_criteria(decision: Decision) -> Iterator[str]:
    """Name every criterion that the card rests on or speaks of, but for lines and suggestions that it does not show."""
    basis, card, verdict = basis_of(decision), _card(decision), decision.judgement.verdict
    yield from (*basis.held, *basis.not_found, *basis.unclear)
    texts = [card.summary]
    for line in card.detail:
        if holds(line.conditions, verdict):
            yield from named(line.conditions)
            texts.append(line.text)
    for each in card.suggestions:
        if holds(each.conditions, verdict):
            yield from named(each.conditions)
            yield from filter(None, (each.delete, each.create.reason if each.create else None))
            texts.append(each.label)
    yield from (each.name for text in texts for each in placeholders(text) if each.field)
