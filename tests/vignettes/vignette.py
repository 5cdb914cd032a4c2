"""What a vignette is, and the hook call it makes."""

from dataclasses import dataclass, field
from typing import Any

from tests.vignettes.build import PERSON, STAY, Resource, bundle, patient

CONSIDER = "mat-consideration"
FOLLOW_UP = "paws-follow-up"
SCREENING = "mental-health-screening"
NALTREXONE = "naltrexone-with-opioids"
DISCHARGE = "discharge-after-withdrawal"
OVERDOSE = "moud-after-overdose"
PREGNANCY = "moud-in-pregnancy"
BLOCKED = "opioid-on-naltrexone"
OPIOID = "opioid-with-moud-or-oud"
DEPRESSANT = "opioid-with-cns-depressant"
QT = "methadone-qt"
LIVER = "naltrexone-liver"
NALOXONE = "naloxone-take-home"
ADHERENCE = "naltrexone-adherence"
DISCONTINUATION = "moud-discontinuation"
POSITIVE = "positive-screen-follow-up"
SUICIDE = "suicide-signal"
RECURRENT = "recurrent-use-assessment"
COUNSELING = "psychosocial-offer"
SOCIAL = "social-risk"
ASSESSMENT = "oud-assessment"

# Words that blame, or that take the code's legacy title for a person's. None may stand on a card.
BLAME = (
    "addicted", "abuser", "substance abuse", "drug abuse", "opioid abuse", "drug-seeking", "drug seeking", "junkie",
    "non-compliant", "noncompliant", "failed treatment", "opioid substitution", "suffers from", "drug habit",
)  # fmt: skip

_KEY_OF_TYPE = {
    "Condition": "conditions",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "MedicationDispense": "medicationDispenses",
    "MedicationAdministration": "medicationAdministrations",
    "AllergyIntolerance": "allergies",
    "Procedure": "procedures",
    "Encounter": "encounters",
    "QuestionnaireResponse": "questionnaireResponses",
    "ServiceRequest": "serviceRequests",
    "CarePlan": "carePlans",
}
_KEY_OF_CATEGORY = {"laboratory": "labs", "survey": "surveys", "social-history": "socialHistory"}
LISTS = (*_KEY_OF_TYPE.values(), *_KEY_OF_CATEGORY.values())
MEDICATION_LISTS = tuple(key for key in LISTS if key.startswith("medication"))


@dataclass(frozen=True, slots=True)
class Vignette:
    """One person at one moment, and what a clinician would want to see then.

    chart:     resources of the prefetch, sorted into their lists; a Medication goes with the medication requests.
    drafts:    context.draftOrders.
    selected:  which drafts are selected at order-select, by place; None = all.
    unread:    prefetch keys left out of the call.
    replaced:  prefetch keys whose value is given whole (null, an OperationOutcome).
    wanted:    (rule, indicator) of each card that must be there; indicator None = any.
    forbidden: rules that must show no card; "rule:indicator" forbids that indicator only.
    undecided: rules that must show no card and must be said to be undecided, or the call refused with 412.
    says:      words that the wanted cards hold, in any case.
    never:     words that no card may hold, in any case.
    why:       the clinical reason.
    """

    name: str
    hook: str
    why: str
    chart: tuple[Resource, ...] = ()
    drafts: tuple[Resource, ...] = ()
    selected: tuple[int, ...] | None = None
    person: Resource = field(default_factory=patient)
    unread: tuple[str, ...] = ()
    replaced: dict[str, Any] = field(default_factory=dict)
    wanted: tuple[tuple[str, str | None], ...] = ()
    forbidden: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


def call_of(vignette: Vignette) -> dict[str, Any]:
    """The body of the CDS Hooks call."""
    context: dict[str, Any] = {"userId": "Practitioner/pr1", "patientId": PERSON}
    if any(each["resourceType"] == "Encounter" for each in vignette.chart) or vignette.hook == "encounter-discharge":
        context["encounterId"] = STAY
    if vignette.hook.startswith("order-"):
        context["draftOrders"] = bundle(vignette.drafts, "collection")
    if vignette.hook == "order-select":
        chosen = vignette.selected if vignette.selected is not None else range(len(vignette.drafts))
        picked = [vignette.drafts[place] for place in chosen]
        context["selections"] = [f"{each['resourceType']}/{each['id']}" for each in picked]
    return {
        "hook": vignette.hook,
        "hookInstance": "5b7c1f0e-2f3b-4a52-9d5e-0d6c3b1a9e77",
        "context": context,
        "prefetch": _prefetch(vignette),
    }


def _prefetch(vignette: Vignette) -> dict[str, Any]:
    lists: dict[str, list[Resource]] = {key: [] for key in LISTS}
    for resource in vignette.chart:
        lists[_key_of(resource)].append(resource)
    prefetch: dict[str, Any] = {"patient": vignette.person}
    prefetch |= {key: bundle(rows) for key, rows in lists.items()}
    prefetch |= vignette.replaced
    return {key: value for key, value in prefetch.items() if key not in vignette.unread}


def _key_of(resource: Resource) -> str:
    if resource["resourceType"] == "Observation":
        return _KEY_OF_CATEGORY[resource["category"][0]["coding"][0]["code"]]
    return _KEY_OF_TYPE.get(resource["resourceType"], "medicationRequests")
