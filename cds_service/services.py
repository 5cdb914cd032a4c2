"""The CDS services: what discovery says of them, and the order of steps in which one answers a call.

Which rules a service runs follows from the rules' `hooks`; this module knows no rule. Everything that touches the
world is an argument.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from cds_service.clients.client import ANONYMOUS, Client
from cds_service.core.card import EVALUATION_EXTENSION, CallContext, Draft, answer_body, call_context, render
from cds_service.core.decision import FAILED, UNDECIDED, Outcome
from cds_service.core.engine import Compiled, decide
from cds_service.core.fitting import fitted, hook_by_trigger
from cds_service.core.plural import so_many
from cds_service.core.problem import Issue, RequestProblem
from cds_service.core.rule import Release
from cds_service.core.smart import with_smart_apps
from cds_service.feedback import FeedbackItem, read_feedback
from cds_service.fhir.bundle import NOT_FETCHED, NOT_SENT
from cds_service.fhir.lacking import Filled
from cds_service.fhir.prefetch import PATIENT, PREFETCH
from cds_service.fhir.reader import read_chart
from cds_service.fhir.strict import Structure, faults
from cds_service.fhir.versions import Dialect, dialect
from cds_service.protocol import SPEC_VERSION, HookCall, operation_outcome


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS service: an id, its hook, and the words for the moment it runs at."""

    id: str
    hook: str
    moment: str


SERVICES: Mapping[str, Service] = {
    each.id: each
    for each in (
        Service("oud-patient-view", "patient-view", "when a chart is opened"),
        Service("oud-order-select", "order-select", "while orders are chosen"),
        Service("oud-order-sign", "order-sign", "when orders are signed"),
        Service("oud-encounter-discharge", "encounter-discharge", "when a person leaves the hospital"),
    )
}


class FhirClient(Protocol):
    """Port: fetches what the client did not send, for one call, which it knows the client and the start of."""

    def fill(self, call: HookCall, keys: Collection[str]) -> Filled:
        """Give values for prefetch keys of `keys`, and the server's FHIR version if that is known.

        Only for a key that was not sent, not read by the client, or sent as a page with a link to the next.
        """


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that raised, for the log. error: class of the exception, never its text."""

    rule: str
    version: str
    error: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call comes to.

    status:   200; 412 when the patient, or a list that a rule requires, was not read and no card came of it; 500 when
              a rule raised and no card remains.
    body:     of a 200; else empty.
    issues:   of a 412.
    failures: the rules that raised on the way.
    outcome:  what was decided; None when the patient was not sent, and then `missing` names the prefetch keys.
    """

    status: int
    body: dict[str, Any]
    issues: tuple[Issue, ...] = ()
    failures: tuple[Failure, ...] = ()
    outcome: Outcome | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """What one deployment adds to every answer.

    public_url: where the rules can be read, without a trailing slash; "" gives no link.
    unreviewed: ids of rules whose cards must say that no clinician has reviewed them.
    """

    public_url: str = ""
    unreviewed: frozenset[str] = frozenset()


def no_models(version: str, resource: Mapping[str, Any]) -> Iterator[Issue]:
    """Stand for a port that is not there: it raises LookupError."""
    raise LookupError("a client is strict and no models were opened")  # never an answer as if all had been checked


@dataclass(frozen=True, slots=True)
class InService:
    """A release as it is served. One call takes one of these, from its beginning to its end.

    discovery: the body of discovery.
    """

    compiled: Compiled
    site: Site
    discovery: dict[str, Any]

    @property
    def release(self) -> Release:
        """The release that answers."""
        return self.compiled.release


def in_service(compiled: Compiled, site: Site = Site()) -> InService:
    """Make a release ready to be served."""
    return InService(compiled, site, discover(compiled))


def discover(compiled: Compiled) -> dict[str, Any]:
    """Give the body of discovery: every service with the prefetch its rules need."""
    return {"services": [_describe(each, compiled) for each in SERVICES.values()]}


def prefetch_keys(compiled: Compiled, hook: str) -> tuple[str, ...]:
    """The prefetch keys that the rules of `hook` read, `patient` always among them."""
    return tuple(key for key, entry in PREFETCH.items() if compiled.facts[hook].intersection(entry.facts))


def _describe(service: Service, compiled: Compiled) -> dict[str, Any]:
    titles = [each.rule.title for each in compiled.release.active if service.hook in each.rule.hooks]
    rules = f" Rules: {'; '.join(titles)}." if titles else " No rule of this release runs here."
    return {
        "hook": service.hook,
        "id": service.id,
        "title": f"Opioid use disorder, {service.moment}",
        "description": f"Guidance for opioid use disorder {service.moment}.{rules}",
        "usageRequirements": (
            "Send every prefetch key. A key left out counts as not read, and what rests on it cannot be told; null or "
            "an empty Bundle counts as none on record."
        ),
        "version": SPEC_VERSION,
        "prefetch": {key: PREFETCH[key].query for key in prefetch_keys(compiled, service.hook)},
    }


@dataclass(frozen=True, slots=True)
class Judged:
    """A call that was judged, before anything is said of it.

    hook:    the moment, after the client's profile named it.
    spoken:  the FHIR version it was read in.
    outcome: what was decided.
    """

    hook: str
    spoken: Dialect
    outcome: Outcome


class PatientNotSent(Exception):
    """A call without the Patient, which could not be fetched either. missing: every key that was neither.

    issues: one for each of them, for an answer of 412.
    """

    def __init__(self, missing: Sequence[str], filled: Filled) -> None:
        super().__init__()
        self.missing = tuple(missing)
        self.issues = tuple(_not_sent(key, filled) for key in missing)


def judge_call(
    call: HookCall,
    compiled: Compiled,
    today: date,
    *,
    client: Client = ANONYMOUS,
    fhir_client: FhirClient | None = None,
    structure: Structure = no_models,
) -> Judged:
    """Read the chart of one call as the client may have it read, fetching what is lacking, and decide every rule.

    today:     the day in the client's time zone.
    structure: tells what is wrong with a resource; asked for strict clients alone.
    Raises PatientNotSent, and RequestProblem: 412 when the Patient was sent and cannot be taken: another's, or
    unreadable; 422 when the client is strict and something that came is no FHIR.
    """
    hook = hook_by_trigger(call.hook, call.extension, client.profile)
    keys = prefetch_keys(compiled, hook)
    filled = fhir_client.fill(call, keys) if fhir_client else Filled()
    prefetch = {**call.prefetch, **filled.values}
    if PATIENT not in prefetch:
        raise PatientNotSent([key for key in keys if key not in prefetch], filled)
    spoken = dialect(client.fhir_version, filled.version, call.context, prefetch)
    if client.strict:
        found = faults(spoken.version, prefetch, call.context, structure, filled.values)
        if found:
            raise RequestProblem(422, *found)
    chart = read_chart(
        hook=hook,
        context=call.context,
        prefetch=prefetch,
        needs=compiled.needs,
        table=compiled.table,
        today=today,
        not_held=client.not_held | compiled.release.not_held,
        version=spoken.read,
        part2=client.part2,
        not_fetched=filled.failed,
    )
    outcome = decide(compiled, chart, today)
    return Judged(hook, spoken, _asked_for(outcome, keys) if outcome.unread else outcome)


def answer(
    call: HookCall,
    compiled: Compiled,
    today: date,
    *,
    client: Client = ANONYMOUS,
    site: Site = Site(),
    fhir_client: FhirClient | None = None,
    structure: Structure = no_models,
) -> Answer:
    """Answer one call: chart, decisions, cards, fitted to the client.

    Takes and raises what `judge_call` does; a Patient that was not sent gives an Answer of 412.
    """
    try:
        judged = judge_call(call, compiled, today, client=client, fhir_client=fhir_client, structure=structure)
    except PatientNotSent as without:
        return Answer(412, {}, issues=without.issues, missing=without.missing)
    hook, spoken, outcome = judged.hook, judged.spoken, judged.outcome
    profile = spoken.fit(client.profile)
    context = call_context(
        hook=hook,
        hook_instance=call.hook_instance,
        context=call.context,
        today=today,
        part2_mode=client.part2.mode,
        intent=profile.intent,
        public_url=site.public_url,
        unreviewed=site.unreviewed,
    )
    try:
        body = answer_body(outcome, call=context, release=compiled.release, draft=spoken.draft)
    except Exception:  # one card that cannot be written must not silence the others
        outcome = _without_unwritable(outcome, context, compiled.release, spoken.draft)
        body = answer_body(outcome, call=context, release=compiled.release, draft=spoken.draft)
    failures = tuple(_failures(outcome))
    if not outcome.shown:
        unread = _required_and_unread(outcome)
        if unread:
            return Answer(412, {}, unread, failures, outcome)
        if any(each.state == FAILED and not each.trial for each in outcome.heard):
            return Answer(500, {}, (), failures, outcome)
    body = with_smart_apps(body, client.smart_apps, hook=call.hook, hook_instance=call.hook_instance)
    return Answer(200, fitted(_without_empty(body), profile), (), failures, outcome)


def feedback(body: object, keep: Callable[[Sequence[FeedbackItem]], None]) -> dict[str, Any]:
    """Keep the good items of a batch and give the OperationOutcome that names the others.

    keep: makes items durable before it returns, and raises when it cannot.
    Raises RequestProblem 400 when something was wrong and nothing could be kept.
    """
    items, issues = read_feedback(body)
    if issues and not items:
        raise RequestProblem(400, *issues)
    if items:
        keep(items)
    return operation_outcome(*issues, done=f"{so_many(len(items), 'item')} of feedback kept")


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the evaluation has nothing to say of.

    No member is `{}` or `[]` but `cards`: CDS Hooks 2.0, "Null and empty JSON elements".
    """
    evaluation = {name: value for name, value in body["extension"][EVALUATION_EXTENSION].items() if value}
    return {**body, "extension": {**body["extension"], EVALUATION_EXTENSION: evaluation}}


def _not_sent(key: str, filled: Filled) -> Issue:
    why = NOT_FETCHED if key in filled.failed else NOT_SENT
    return Issue("required", _place(key), f"was {why}; discovery says what to send")


def _asked_for(outcome: Outcome, keys: Collection[str]) -> Outcome:
    """Leave out of `unread` the prefetch keys that this service does not ask for."""
    unread = {source: why for source, why in outcome.unread.items() if source in keys or source not in PREFETCH}
    return replace(outcome, unread=unread)


def _without_unwritable(outcome: Outcome, context: CallContext, release: Release, draft: Draft) -> Outcome:
    """Count every decision whose card cannot be written as failed."""
    shown, failed = [], {}
    for decision in outcome.shown:
        try:
            render(decision, call=context, release=release, draft=draft)
            shown.append(decision)
        except Exception as fault:
            failed[id(decision)] = replace(decision, state=FAILED, error=type(fault).__name__)
    heard = tuple(failed.get(id(each), each) for each in outcome.heard)
    return replace(outcome, shown=tuple(shown), heard=heard)


def _failures(outcome: Outcome) -> Iterator[Failure]:
    for each in outcome.heard:
        if each.state == FAILED:
            yield Failure(each.edition.rule.id, each.edition.rule.version, each.error)


def _required_and_unread(outcome: Outcome) -> tuple[Issue, ...]:
    """Name what was not read and an active rule requires."""
    wanted: dict[str, str] = {}
    for decision in outcome.heard:
        if decision.state == UNDECIDED and not decision.trial:
            wanted.update({gap.source: gap.why for gap in decision.ask_fetch})
    return tuple(
        Issue("incomplete", _place(source), f"was not read ({why}) and is required")
        for source, why in sorted(wanted.items())
    )


def _place(source: str) -> str:
    """Where in a request a list stands; draft orders come in the context."""
    return f"prefetch.{source}" if source in PREFETCH else f"context.{source}"
