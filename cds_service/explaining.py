"""Why rules speak or stay silent on the chart of a call: `POST /rules/{id}/explain`, for clients that may ask.

The chart is read, fetched and judged exactly as for a call (services.judge_call), and told of as `cds-service rules
explain --format json` does.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cds_service.clients.client import Client
from cds_service.core.engine import Compiled
from cds_service.core.problem import Issue, RequestProblem
from cds_service.core.restricted import USE
from cds_service.core.rule import rule_ids
from cds_service.fhir.strict import Structure
from cds_service.protocol import read_call
from cds_service.rulebook.explained import ALL, Asked, Explained, as_json
from cds_service.services import SERVICES, FhirClient, PatientNotSent, judge_call, no_models

_HOOKS = tuple(each.hook for each in SERVICES.values())


def check_may_ask(client: Client, rule: str, compiled: Compiled) -> None:
    """Refuse whoever may not ask, and a rule that is not there, before anything of the body is read.

    Raises RequestProblem: 403, 404.
    """
    if not client.explain:
        raise RequestProblem(403, Issue("forbidden", "", "explanations are not switched on for this client"))
    if rule != ALL and rule not in rule_ids(compiled.release):
        told = f"no such rule in release {compiled.release.id}; /rules lists them, and '{ALL}' is every rule"
        raise RequestProblem(404, Issue("not-found", "", told))


def explain_call(
    body: object,
    rule: str,
    compiled: Compiled,
    today: date,
    *,
    client: Client,
    fhir_client: FhirClient | None = None,
    structure: Structure = no_models,
) -> Mapping[str, Any]:
    """Explain what a rule, or ALL, decides of the call in `body`; of its active and its trial version.

    today: the day in the client's time zone. Records labelled under 42 CFR Part 2 are told of as on the client's cards.
    Raises RequestProblem: 400 for a call that is none, or at whose hook the rule does not run; 412 when the patient was
    not read; 422 as a call does.
    """
    call = read_call(body, _hook_of(body))
    try:
        judged = judge_call(call, compiled, today, client=client, fhir_client=fhir_client, structure=structure)
    except PatientNotSent as without:
        raise RequestProblem(412, *without.issues) from None
    outcome = judged.outcome
    decisions = tuple(each for each in outcome.decisions if rule in (ALL, each.edition.rule.id))
    if not decisions and not outcome.gate and rule != ALL:
        raise RequestProblem(400, Issue("value", "hook", f"the rule does not run at {judged.hook}"))
    asked = Asked(call.hook_instance, judged.hook, call.context, call.prefetch, today)
    return as_json(Explained(asked, compiled.release, outcome, decisions), hide=client.part2.mode != USE)


def _hook_of(body: object) -> str:
    """Give the hook that a call names; what is wrong with it otherwise is told with all other faults of the call."""
    hook = body.get("hook") if isinstance(body, dict) else None
    if isinstance(hook, str) and hook.strip() and hook not in _HOOKS:
        raise RequestProblem(400, Issue("value", "hook", f"is not one of {', '.join(_HOOKS)}"))
    return hook if isinstance(hook, str) and hook in _HOOKS else _HOOKS[0]
