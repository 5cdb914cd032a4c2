"""From a decision to the card an EHR shows: summary, detail, suggestions, source.

Pure: the same call gives the same card, ids included. Everything that depends on a FHIR version is left to `draft`.
Source: CDS Hooks 2.0, section "CDS Service Response"; docs/reference/rule-language.md, section 7.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Protocol

from cds_service.core.basis import (
    basis_of,
    caveat_lines,
    held_lines,
    no_source,
    not_found_lines,
    not_read,
    reasons_words,
    rows_behind,
)
from cds_service.core.card_id import name_uuid
from cds_service.core.card_text import SUMMARY_LIMIT, markdown, opened, plain, shortened
from cds_service.core.choice import holds
from cds_service.core.dates import YES, Duration
from cds_service.core.decision import FAILED, UNDECIDED, Decision, Found, Outcome
from cds_service.core.facts import Chart
from cds_service.core.form import Form, Offer
from cds_service.core.mentions import named
from cds_service.core.placeholders import Voice, display, fill, hidden, rows_of
from cds_service.core.record import record
from cds_service.core.restricted import (
    REDISCLOSURE_NOTICE,
    USE,
    USE_NO_DETAIL,
    restricting_labels,
    security_codings,
)
from cds_service.core.rule import LEVELS, Card, Create, Release, Rule
from cds_service.core.site import UNCHANGED
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


@record(frozen=True, slots=True)
class _Told:
    """A decision as a card tells of it: its form, a voice for what a client may show as text, and one for Markdown."""

    decision: Decision
    form: Form
    plain: Voice
    marked: Voice


def _told(decision: Decision, hide: bool) -> _Told:
    assert decision.card is not None
    judgement = decision.judgement
    in_text = Voice(judgement, plain, hide)
    in_detail = Voice(judgement, markdown, hide, heard=in_text.heard)
    return _Told(decision, judgement.printed.forms[decision.card.id], in_text, in_detail)


def render(decision: Decision, *, call: CallContext, release: Release, draft: Draft) -> Json:
    """Give the CDS Hooks card of a decision that shows one. No member is null or empty.

    Raises ValueError when the decision has no card.
    """
    if decision.card is None or decision.indicator is None:
        raise ValueError(f"rule {decision.edition.rule.id} shows no card here")
    card, labelled = decision.card, _bears_labels(decision.judgement.chart)
    hide = labelled and call.part2_mode != USE
    family = [_told(each, hide) for each in (decision, *decision.merged)]
    first = family[0]
    level = max((each.indicator or LEVELS[0] for each in (decision, *decision.merged)), key=LEVELS.index)
    labels, changed = _labels(family) if labelled else frozenset(), _changed(family)
    suggestions = [each for one in family for each in _suggestions(one, call, draft, labels)]
    rules = {"merged": [_named(each) for each in decision.merged]} if decision.merged else {}
    site = site_extension(changed, release.site)
    body: Json = {
        "uuid": name_uuid(f"{call.hook_instance}|{first.form.name}"),
        "summary": _summary(first),
        "indicator": level,
        "detail": _detail(family, call, release, labels, changed),
        "source": _source(first, level),
        "suggestions": suggestions,
        "selectionBehavior": "any" if suggestions else None,
        "overrideReasons": [
            {"code": code, "system": OVERRIDE_SYSTEM, "display": release.override_reasons[code]}
            for code in card.override_reasons
            if release.override_reasons.get(code)
        ],
        "links": _links(decision.edition.rule, card, call),
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
    voice = Voice(decision.judgement, plain, hide=call.part2_mode != USE)
    return {**_named(decision), "why": reasons_words(decision.doubts, voice)}


def _named(decision: Decision) -> Json:
    return {"ruleId": decision.edition.rule.id, "ruleVersion": decision.edition.rule.version}


def _changed(family: Sequence[_Told]) -> list[Shown]:
    """Name what the site decided something about."""
    shown = ((each.decision.edition, each.form.card.id) for each in family)
    return [(edition, card) for edition, card in shown if edition.site is not UNCHANGED]


def _summary(told: _Told) -> str:
    """Fill the summary; where it grows too long the names from the chart are shortened, never the rule's words."""
    voice, template = told.plain, told.form.summary
    text = fill(template, voice)
    for limit in _NAME_LIMITS:
        if len(text) <= SUMMARY_LIMIT:
            break
        text = fill(template, replace(voice, escape=partial(_short_name, voice.escape, limit)))
    return shortened(opened(text))


def _short_name(escape: Callable[[str], str], limit: int, name: str) -> str:
    return shortened(escape(name), limit)


# --- detail ----------------------------------------------------------------------------------------------------------


def _detail(
    family: Sequence[_Told], call: CallContext, release: Release, labels: frozenset[str], changed: Sequence[Shown]
) -> str:
    """Blocks of Markdown: what could not be told, what was found, not found, not read; guidance; sources."""
    first, *others = family
    decision, form, voice, verdict = first.decision, first.form, first.marked, first.decision.judgement.verdict
    basis = basis_of(decision, form)
    looked_at = (*basis.held, *basis.not_found, *basis.unclear)
    unread, without_source = not_read(looked_at, decision.judgement), no_source(looked_at, decision.judgement)
    blocks = [
        _block(COULD_NOT_BE_TOLD, [f"- {line}" for line in caveat_lines(decision, basis, voice)]),
        _block(WHY_SHOWN, held_lines(basis.held, voice)),
        _block(NOT_FOUND, not_found_lines(basis.not_found, voice)),
        f"{NOT_READ_HERE} {'; '.join(unread)}." if unread else "",
        f"{NO_SOURCE_HERE} {', '.join(without_source)}." if without_source else "",
        *[opened(fill(text, voice)) for conditions, text in form.detail if holds(conditions, verdict)],
        *[f"**Also:** {opened(fill(each.form.summary, each.marked))}" for each in others],
        _block(SOURCES, _cited(family)),
        f"{RULE_LINE}{' with '.join(each.form.version for each in family)}, release {release.id}.",
        *(site_blocks(changed, release.site) if changed else ()),
        NOT_REVIEWED if any(each.decision.edition.rule.id in call.unreviewed for each in family) else "",
        REDISCLOSURE_NOTICE if labels else "",
    ]
    return "\n\n".join(filter(None, blocks))


def _block(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, "", *lines]) if lines else ""


def _cited(family: Sequence[_Told]) -> list[str]:
    """Cite each source once, as the first that has it does."""
    lines: dict[str, str] = {}
    for told in reversed(family):
        lines = told.form.cited | {source: line for source, line in lines.items() if source not in told.form.cited}
    return list(lines.values())


def _source(told: _Told, level: str) -> Json:
    rule, source = told.decision.edition.rule, told.form.source
    topic = {"system": TOPIC_SYSTEM, "code": told.form.topics[level], "display": rule.title}
    return {"label": source.cite, **({"url": source.url} if source.url else {}), "topic": topic}


def _links(rule: Rule, card: Card, call: CallContext) -> list[Json]:
    links = [{"label": each.label, "url": each.url, "type": each.type} for each in card.links]
    if call.public_url:
        url = f"{call.public_url}/rules/{rule.id}/{rule.version}"
        links.append({"label": ABOUT_LABEL, "url": url, "type": "absolute"})
    return links


# --- suggestions -----------------------------------------------------------------------------------------------------


def _suggestions(told: _Told, call: CallContext, draft: Draft, labels: frozenset[str]) -> Iterator[Json]:
    """Give the suggestions whose conditions hold, one action each."""
    voice, verdict, name = told.plain, told.decision.judgement.verdict, f"{call.hook_instance}|{told.form.name}"
    reasons: dict[str | None, Reason | None] = {}  # most suggestions of a card name the same one
    for offer in told.form.offers:
        if not holds(offer.conditions, verdict):
            continue
        if offer.delete is not None:
            for found in _orders(offer.delete, voice):
                label = shortened(fill(offer.label, replace(voice, only={offer.delete: found})))
                action: Json = {"type": "delete", "description": label, "resourceId": found.row.reference}
                yield _suggestion(offer, f"{name}|{offer.place}|{found.row.reference}", label, action)
        elif offer.create is not None:
            label = shortened(fill(offer.label, voice)) if offer.label.blanks else offer.label.words[0]
            if offer.create.reason not in reasons:
                reasons[offer.create.reason] = _reason(offer.create.reason, voice)
            until = _after(offer.within, call.today) if offer.within else None
            resource = draft(offer.create, call, reason=reasons[offer.create.reason], until=until, labels=labels)
            action = {"type": "create", "description": label, "resource": resource}
            yield _suggestion(offer, f"{name}|{offer.place}", label, action)


def _suggestion(offer: Offer, name: str, label: str, action: Json) -> Json:
    return {"label": label, "uuid": name_uuid(name), "isRecommended": offer.recommended, "actions": [action]}


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
    rows = rows_of(name, voice)
    if not rows or any(hidden(each, voice) for each in rows):
        return None
    return Reason(rows[0].row.reference, partial(display, voice, name))


def _after(within: Duration, today: date) -> date:
    return date.fromordinal(within.after(today.toordinal()))


def _bears_labels(chart: Chart) -> bool:
    return bool(chart.patient.labels) or any(row.labels for rows in chart.rows.values() for row in rows)


def _labels(family: Sequence[_Told]) -> frozenset[str]:
    """Give the labels of every record that the card, its lines or its suggestions rest on: the highest mark counts.

    Where the Patient is labelled, that the person is one at all is protected, and so is every card.
    """
    chart = family[0].decision.judgement.chart
    return restricting_labels([chart.patient]).union(
        *(restricting_labels(rows_behind(_named_criteria(each), each.decision.judgement)) for each in family)
    )


def _named_criteria(told: _Told) -> Iterator[str]:
    """Name every criterion that the card rests on or speaks of, but for lines and suggestions that it does not show."""
    form, verdict = told.form, told.decision.judgement.verdict
    basis, texts = basis_of(told.decision, form), [form.summary]
    yield from (*basis.held, *basis.not_found, *basis.unclear)
    for conditions, text in form.detail:
        if holds(conditions, verdict):
            yield from named(conditions)
            texts.append(text)
    for each in form.offers:
        if holds(each.conditions, verdict):
            yield from named(each.conditions)
            yield from filter(None, (each.delete, each.create.reason if each.create else None))
            texts.append(each.label)
    yield from (name for text in texts for _, name in text.blanks)
