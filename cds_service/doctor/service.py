"""What answers: discovery, health, the sample call and its time, and whether the caller is let in."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from cds_service.calling.answers import is_json, location, no_service, printable
from cds_service.calling.credential import NOT_IN_THE_CLEAR
from cds_service.calling.deployment import services_in
from cds_service.calling.faults import Unheard
from cds_service.calling.target import DISCOVERY
from cds_service.calling.wire import Heard
from cds_service.doctor.observed import Finding, Observed, State, Step
from cds_service.services import SERVICES

SLOW_MS = 500
NOT_LET_IN = (401, 403)
CHANGING_RULES = "docs/how-to/change-rules-while-serving.md"
NOT_SERVED = {  # `folder.outcome` of /readyz: what that means, and what to do
    "refused": (
        "the release in its rules folder was refused, and what was served before stays",
        "the service's log (`release-not-taken`) has the first errors, `cds-service rules lint` on that folder all of "
        "them: go back with `cds-service rules release back`, and mend it in a new release, because what is locked is "
        f"not edited ({CHANGING_RULES})",
    ),
    "waiting": (
        "the release in its rules folder waits, and what was served before stays",
        "if it is being copied, look again in a minute; else the service's log (`release-not-taken`) says for what: "
        "copy the whole folder again, the lock last; put what was edited into a new release; restart a service whose "
        f"software was changed ({CHANGING_RULES})",
    ),
    "unlocked": (
        "the release in its rules folder is not locked, and changes there are not served",
        "finish it, then `cds-service rules release lock`; if it is locked elsewhere, copy release.lock.json too "
        f"({CHANGING_RULES})",
    ),
}


def discovery(seen: Observed) -> Finding:
    """Whether a CDS service lists its services at the URL."""
    answer = seen.answers.get(Step.DISCOVERY)
    if answer is None:
        return Finding("discovery", State.NOT_CHECKED, "the way there comes first")
    if isinstance(answer, Unheard):
        return Finding("discovery", State.WRONG, answer.found, answer.to_do)
    if answer.status == 404 or (no_service(answer) and seen.status(Step.ROOT) in (200, 401)):
        return _elsewhere(answer, seen)
    if wrong := no_service(answer):
        return Finding("discovery", State.WRONG, *wrong)
    if answer.status == 401:
        return _behind_a_token(seen)
    return _listed("discovery", answer)


def _behind_a_token(seen: Observed) -> Finding:
    signed = seen.heard(Step.SIGNED_DISCOVERY)
    if signed and signed.status == 200:
        return _listed("discovery", signed)
    if seen.shown == "key":
        return Finding(
            "discovery",
            State.NOT_CHECKED,
            f"status 401, and {signed.status if signed else 'no answer'} with a token",
            "see `token` below",
        )
    why = "a token that was given is good for one URL, the call's" if seen.shown else "a token is wanted"
    return Finding(
        "discovery",
        State.NOT_CHECKED,
        f"status 401: {why}",
        "give --key FILE --iss ISS, which mints a token for each call, to see the list of services",
    )


def _listed(check: str, answer: Heard) -> Finding:
    services = services_in(answer.value)
    if answer.status != 200 or services is None:
        return Finding(
            check,
            State.WRONG,
            f"status {answer.status} and no list of services with hook and id",
            "give the URL before /cds-services; if it is that, see what the service's log says",
        )
    if not is_json(answer):
        return Finding(
            check,
            State.WRONG,
            f"status 200 with Content-Type {printable(answer.media_type) or 'left out'}; application/json is wanted",
            "let the proxy pass Content-Type on as the service sends it: a client that is strict takes no other",
        )
    return _services(check, {str(each["id"]): each for each in services})


def _services(check: str, services: Mapping[str, Mapping[str, Any]]) -> Finding:
    missing = [each for each in SERVICES if each not in services]
    more = [each for each in services if each not in SERVICES]
    unfetched = [each for each, one in services.items() if not _has_prefetch(one)]
    if len(missing) == len(SERVICES):
        return Finding(
            check,
            State.WARN,
            f"status 200, JSON, {len(services)} services, and none of this package: {_some(more)}",
            "see whether this is the service you mean",
        )
    told = f"status 200, JSON, {len(services)} services"
    if missing or more:
        parts = [f"missing: {_some(missing)}" if missing else "", f"not known here: {_some(more)}" if more else ""]
        return Finding(
            check,
            State.WARN,
            f"{told}; {'; '.join(filter(None, parts))}",
            "see whether deployment and this command are of one version, and whether a gateway mixes services",
        )
    if unfetched:
        return Finding(
            check,
            State.WARN,
            f"{told}; without prefetch: {_some(unfetched)}",
            "see /readyz and the release: a service without a prefetch template has no rule that runs there",
        )
    counts = ", ".join(
        f"{printable(name, 60)} with {len(one['prefetch'])} prefetch keys" for name, one in services.items()
    )
    return Finding(check, State.OK, f"{told}: {counts}")


def _has_prefetch(service: Mapping[str, Any]) -> bool:
    prefetch = service.get("prefetch")
    return isinstance(prefetch, dict) and bool(prefetch) and all(isinstance(each, str) for each in prefetch.values())


def _some(names: list[str]) -> str:
    """Up to five names as they may be shown, and how many more there are."""
    shown = [printable(each, 60) for each in names[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _elsewhere(answer: Heard, seen: Observed) -> Finding:
    """Nothing of a CDS service is at this path: who said so, and whether it is at another."""
    target = seen.target
    if target and seen.status(Step.ROOT) in (200, 401):
        return Finding(
            "discovery",
            State.WRONG,
            f"status {answer.status} here; {target.root}{DISCOVERY} answers {seen.status(Step.ROOT)}",
            f"call {target.root}, or let the proxy serve {target.path} and take it off before it passes a call on",
        )
    if of_the_service(answer):
        return Finding(
            "discovery",
            State.WRONG,
            f"status {answer.status} of the service itself: it was asked for another path than {DISCOVERY}",
            f"let the proxy take {target.path if target and target.path else 'what it adds'} off before it passes a "
            "call on; CDS_PUBLIC_URL keeps it",
        )
    return Finding(
        "discovery",
        State.WRONG,
        f"status {answer.status}, and not by the service: nothing is served at this path",
        "correct the URL, or let the proxy serve it; if it is served below a path, the URL has that path",
    )


def of_the_service(answer: Heard) -> bool:
    """Whether an error is in the form that this service gives: an OperationOutcome in plain JSON."""
    value = answer.value
    return isinstance(value, dict) and value.get("resourceType") == "OperationOutcome"


def slash(seen: Observed) -> Finding:
    """Whether a slash at the end of discovery changes what comes: some clients add one."""
    with_it, without = seen.heard(Step.SLASH), seen.status(Step.DISCOVERY)
    if with_it is None:
        return Finding("trailing slash", State.NOT_CHECKED, "discovery comes first")
    if with_it.status == without:
        return Finding("trailing slash", State.OK, f"{DISCOVERY}/ answers as {DISCOVERY}")
    to = location(with_it)
    return Finding(
        "trailing slash",
        State.WARN,
        f"{DISCOVERY}/ answers {with_it.status}{f' to {to}' if to else ''}, and {without} without the slash",
        "write URLs without the slash in clients, or let the proxy pass both on",
    )


def health(seen: Observed) -> Finding:
    """Whether the process answers."""
    return _probe("healthz", seen, Step.HEALTH, "ok")


def ready(seen: Observed) -> Finding:
    """Whether a release of rules is loaded, and whether it is the one that the rules folder holds."""
    found = _probe("readyz", seen, Step.READY, "ready")
    heard = seen.heard(Step.READY)
    value = heard.value if heard else None
    if found.state is State.OK and isinstance(value, dict):
        rules = value.get("rules")
        rules = rules if isinstance(rules, dict) else {}
        said = (value.get("release"), rules.get("active"), rules.get("trial"))
        release, active, trial = (printable(str(each), 60) for each in said)
        told = f"release {release}, {active} rules active, {trial} on trial"
        if value.get("folder") is None:
            return Finding("readyz", State.OK, told)
        meant, to_do = _not_served(value["folder"])
        return Finding("readyz", State.WARN, f"{told}; {meant}", to_do)
    return found


def _not_served(folder: Any) -> tuple[str, str]:
    """Say what became of the release in the rules folder that is not served, and what to do."""
    outcome = str(folder.get("outcome") if isinstance(folder, dict) else folder)
    return NOT_SERVED.get(
        outcome,
        (
            f"its rules folder holds something else, and says of it: {printable(outcome, 60)}",
            f"the service's log (`release-not-taken`) says more ({CHANGING_RULES})",
        ),
    )


def _probe(check: str, seen: Observed, step: Step, word: str) -> Finding:
    answer = seen.answers.get(step)
    if answer is None:
        return Finding(check, State.NOT_CHECKED, "discovery comes first")
    if isinstance(answer, Unheard):
        return Finding(check, State.WARN, answer.found, answer.to_do)
    if isinstance(answer.value, dict) and answer.status == 200 and answer.value.get("status") == word:
        return Finding(check, State.OK, f"status 200, {word}")
    if answer.status in (401, 403, 404):
        return Finding(
            check,
            State.WARN,
            f"status {answer.status}: it cannot be read from here",
            f"nothing, if the proxy keeps /{check} inside; then let what watches the service ask it there",
        )
    return Finding(
        check,
        State.WRONG if answer.status >= 500 else State.WARN,
        f"status {answer.status} ({printable(answer.media_type) or 'no media type'}), not the service's own answer",
        "look at what answers at this path, and at the service's log",
    )


def call(seen: Observed) -> Finding:
    """Whether a call of a made-up person is answered with cards."""
    answer = seen.answers.get(Step.CALL) or seen.answers.get(Step.OPEN_CALL)
    if answer is None:
        listed = seen.status(Step.DISCOVERY) == 200 and not seen.service and not seen.out_of_time
        why = "the list has no service for patient-view" if listed else "discovery comes first"
        return Finding("sample call", State.NOT_CHECKED, why)
    if isinstance(answer, Unheard):
        return Finding("sample call", State.WRONG, answer.found, answer.to_do)
    if answer.status in (*NOT_LET_IN, 429):
        return _not_let_in(answer, seen)
    if wrong := no_service(answer):
        return Finding("sample call", State.WRONG, *wrong)
    cards = answer.value.get("cards")
    if answer.status != 200 or not isinstance(cards, list):
        by = "the service" if of_the_service(answer) else "something else"
        return Finding(
            "sample call",
            State.WRONG,
            f"{printable(seen.service)} answers {answer.status}, said by {by}",
            "`cds-service replay --url` with the same options shows the answer; the service's log has more",
        )
    told = f"{printable(seen.service)} answers 200 with {len(cards)} card{'' if len(cards) == 1 else 's'}"
    if cards or seen.service not in SERVICES:
        return Finding("sample call", State.OK, told)
    return Finding(
        "sample call",
        State.WARN,
        f"{told}, where one was expected",
        "if no clinician has reviewed the rules they run on trial and show nothing (CDS_ALLOW_UNREVIEWED); else "
        "`cds-service replay --url` says what differs",
    )


def _not_let_in(answer: Heard, seen: Observed) -> Finding:
    if answer.status == 429:
        return Finding(
            "sample call", State.WARN, "status 429: called too often", "wait a moment; the client's `rate` is used up"
        )
    if answer.status == 403:
        if seen.shown and seen.status(Step.OPEN_CALL) == 401:
            return Finding("sample call", State.NOT_CHECKED, "status 403: see `token`")
        return Finding(
            "sample call",
            State.WRONG,
            "status 403, and no token was asked for: something in front of the service forbids the call",
            "let the proxy or firewall pass POST to /cds-services/{id} on",
        )
    if seen.shown:
        return Finding("sample call", State.NOT_CHECKED, "status 401: the token was not taken; see `token`")
    if seen.in_clear:
        return Finding("sample call", State.NOT_CHECKED, "status 401, and the token was not sent", NOT_IN_THE_CLEAR)
    return Finding(
        "sample call",
        State.NOT_CHECKED,
        "status 401: the service checks its callers, and no token was given",
        "--key FILE --iss ISS mints a token for each call; --token - or --token-file takes one for this call",
    )


def latency(seen: Observed) -> Finding:
    """Whether an answer comes fast enough to sit in a clinician's way."""
    if not seen.seconds:
        return Finding("latency", State.NOT_CHECKED, "a sample call that is answered comes first")
    ms = median(seen.seconds) * 1000
    many = len(seen.seconds)
    told = f"{ms:.0f} ms in the middle of {many} calls" if many > 1 else f"{ms:.0f} ms, of one call"
    told = f"{told}, connecting included"
    if ms <= SLOW_MS:
        return Finding("latency", State.OK, told)
    return Finding(
        "latency",
        State.WARN,
        f"{told}; a clinician waits for it",
        "compare with the service's own time (cds_call_seconds in /metrics): the rest is network, TLS and proxies",
    )
