"""FHIR R4: which element of which resource a fact is read from, one function per resource type.

Rows, dates and status words: docs/reference/rule-language.md, section 2; paths: docs/reference/fhir-reading.md.
`reader` takes this module as its version: READERS, START, DRAFTS, entered_in_error, and what draft orders need.
Source: https://hl7.org/fhir/R4/resourcelist.html
"""

from collections.abc import Callable, Iterable, Mapping

from cds_service.core.dates import Span, unreadable_span
from cds_service.core.facts import FACTS, VERIFICATION_STATUS, Concept, Row
from cds_service.fhir.medication import USE, forbidden
from cds_service.fhir.r4_medication import (
    dispense_days,
    medication_administration,
    medication_dispense,
    medication_request,
    medication_statement,
    order_drug,
    request_days,
    request_status,
    statement_days,
)
from cds_service.fhir.r4_results import observation, observed, questionnaire_response
from cds_service.fhir.scope import Reader, Record, Scope
from cds_service.fhir.shapes import Resource, codes, flag, inside, objects, state, word
from cds_service.fhir.spelling import Spelling
from cds_service.fhir.when import Days, at_age, moment, period, span

CLINICAL = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved"})
VERIFICATION = frozenset().union(*VERIFICATION_STATUS.values())
OPEN_STATES = frozenset({"active", "recurrence", "relapse"})
READ_AS_ACTIVE = "clinicalStatus not recorded: read as active"
READ_AS_RESOLVED = "abatement is in the past: read as resolved"
MAY_BE_OVER = "abatement is recorded, its date is unclear"
READ_AS_CONFIRMED = "verificationStatus not recorded: read as confirmed"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ENTERED_IN_ERROR = "entered-in-error"
_IN_ERROR = frozenset({ENTERED_IN_ERROR})


def entered_in_error(resource: Resource) -> bool:
    """Whether the record says of itself that it should not exist."""
    status = resource.get("status")
    if isinstance(status, str) and len(status) >= len(ENTERED_IN_ERROR) and word(status) == ENTERED_IN_ERROR:
        return True
    verified = resource.get("verificationStatus")
    return verified is not None and state(verified, _IN_ERROR) is not None


def condition(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a Condition."""
    return _state_row("Condition", record, scope, (record[0].get("code"),))


def allergy_intolerance(record: Record, scope: Scope) -> Iterable[Row]:
    """Read an AllergyIntolerance by its code and the substances of its reactions."""
    substances = [each.get("substance") for each in objects(record[0].get("reaction"))]
    return _state_row("AllergyIntolerance", record, scope, (record[0].get("code"), *substances))


def _state_row(fact: str, record: Record, scope: Scope, coded: tuple[object, ...]) -> Iterable[Row]:
    concept = scope.wanted(fact, *coded)
    if concept is None:
        return ()
    resource, reference, labels = record
    clinical, notes = _clinical_status(resource, scope)
    verification: str | None = "confirmed"
    if resource.get("verificationStatus") is None:
        notes = (*notes, READ_AS_CONFIRMED)
    else:
        verification = state(resource["verificationStatus"], VERIFICATION)
    row = Row(
        fact=fact,
        reference=reference,
        concept=concept,
        clinical_status=clinical,
        verification_status=verification,
        categories=codes(resource.get("category")),
        start=onset(resource, scope.birth),
        notes=notes,
        labels=labels,
    )
    return (row,)


def _clinical_status(resource: Resource, scope: Scope) -> tuple[str | None, tuple[str, ...]]:
    """Give clinicalStatus and what was made of it: absent reads active, and active reads resolved once abated."""
    notes: tuple[str, ...] = ()
    status: str | None = "active"
    if resource.get("clinicalStatus") is None:
        notes = (READ_AS_ACTIVE,)
    else:
        status = state(resource["clinicalStatus"], CLINICAL)
    if status not in OPEN_STATES:
        return status, notes
    abated = abatement(resource, scope.birth)
    if abated is None or abated.first >= scope.today:
        return status, notes
    if abated.last < scope.today:
        return "resolved", (READ_AS_RESOLVED,)
    return None, (MAY_BE_OVER,)


def abatement(resource: Resource, birth: Span | None) -> Span | None:
    """Give the days on which the condition may have ended; None when no abatement is recorded."""
    said = resource.get("abatementBoolean")
    if said is not None:
        return Span(0, 0) if flag(said) else None if flag(said) is False else unreadable_span("")
    if resource.get("abatementAge") is not None:
        return at_age(resource["abatementAge"], birth)
    start, end = moment(resource, "abatement")
    return end or start


def onset(resource: Resource, birth: Span | None) -> Span | None:
    """Give the onset (date, period start, age + birth date), else recordedDate.

    An onset in words is no date: recordedDate stands for it, and without one it could be any day.
    """
    dated = resource.get("onsetDateTime") is not None or resource.get("onsetPeriod") is not None
    if resource.get("onsetAge") is not None and not dated:
        return at_age(resource["onsetAge"], birth)
    start, _ = moment(resource, "onset")
    if start is not None and dated:
        return start
    return span(resource.get("recordedDate")) or start


def procedure(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a Procedure."""
    return _event_row("Procedure", record, scope, ("code",), lambda it: performed(it, scope.birth))


def performed(resource: Resource, birth: Span | None) -> Days:
    """Give start and end of a Procedure: performed[x]."""
    if resource.get("performedAge") is not None:
        return at_age(resource["performedAge"], birth), None
    return moment(resource, "performed")


def service_request(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a ServiceRequest; doNotPerform stands for its status."""
    return _event_row("ServiceRequest", record, scope, ("code", "category"), ordered)


def ordered(resource: Resource) -> Days:
    """Give the start of a ServiceRequest: authoredOn."""
    return span(resource.get("authoredOn")), None


def care_plan(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a CarePlan by its category and its activities, those that are not to be done left out."""
    return _event_row("CarePlan", record, scope, ("category",), planned)


def planned(resource: Resource) -> Days:
    """Give start and end of a CarePlan: created, else the period's start; the period's end."""
    start, end = period(resource.get("period"))
    return span(resource.get("created")) or start, end


def _activities(resource: Resource) -> list[object]:
    found: list[object] = []
    for activity in objects(resource.get("activity")):
        if flag(inside(activity, "detail", "doNotPerform")) or inside(activity, "detail", "status") == "cancelled":
            continue
        found += [inside(activity, "detail", "code"), inside(activity, "reference", "display")]
    return found


def _event_row(
    fact: str, record: Record, scope: Scope, coded: tuple[str, ...], days: Callable[[Resource], Days]
) -> Iterable[Row]:
    resource, reference, labels = record
    more = _activities(resource) if fact == "CarePlan" else []
    concept = scope.wanted(fact, *[resource.get(name) for name in coded], *more)
    if concept is None:
        return ()
    start, end = days(resource)
    forbids = forbidden(resource) if fact == "ServiceRequest" else False
    reasons = (resource.get("reasonCode"), resource.get("statusReason"))
    references = resource.get("addresses") if fact == "CarePlan" else resource.get("reasonReference")
    status = "do-not-perform" if forbids else None if forbids is None else _status(fact, resource)
    goes_on = fact == "Procedure" and status in ("in-progress", None)  # a course of treatment that has not ended
    row = Row(
        fact=fact,
        reference=reference,
        concept=concept,
        status=status,
        categories=codes(resource.get("category")),
        reasons=scope.reasons(resource, reasons, references),
        start=start,
        end=end or (None if goes_on else start),
        labels=labels,
    )
    return (row,)


def encounter(record: Record, scope: Scope) -> Iterable[Row]:
    """Read an Encounter, once as Encounter and, if the call names it, once as this-encounter."""
    resource, reference, labels = record
    reasons = resource.get("reasonCode")
    left = inside(resource, "hospitalization", "dischargeDisposition")
    coded = (_encounter_class(resource), resource.get("type"), resource.get("serviceType"), reasons, left)
    this = bool(scope.stay) and resource.get("id") == scope.stay
    if not this and scope.can_spare("Encounter", coded):
        return ()
    concept = scope.concept(*coded)
    facts = [fact for fact in ("Encounter", *(["this-encounter"] if this else [])) if scope.take(fact, concept)]
    if not facts:
        return ()
    start, end = period(resource.get("period"))
    found = scope.reasons(resource, (reasons,), resource.get("reasonReference"))
    return [
        Row(
            fact=fact,
            reference=reference,
            concept=concept,
            status=_status(fact, resource),
            reasons=found,
            start=start,
            end=end or Span(scope.today, scope.today),
            labels=labels,
        )
        for fact in facts
    ]


def _encounter_class(resource: Resource) -> object:
    """Give Encounter.class; a Coding without a system is of the one code system that R4 binds the element to."""
    coding = resource.get("class")
    if isinstance(coding, dict) and coding.get("system") is None and coding.get("coding") is None:
        return {**coding, "system": ACT_CODE}
    return coding


def _status(fact: str, resource: Resource) -> str | None:
    status = word(resource.get("status"))
    return status if status in FACTS[fact].statuses else None


READERS: Mapping[str, Reader] = {
    "Condition": condition,
    "AllergyIntolerance": allergy_intolerance,
    "MedicationRequest": medication_request,
    "MedicationStatement": medication_statement,
    "MedicationDispense": medication_dispense,
    "MedicationAdministration": medication_administration,
    "Observation": observation,
    "QuestionnaireResponse": questionnaire_response,
    "Procedure": procedure,
    "Encounter": encounter,
    "ServiceRequest": service_request,
    "CarePlan": care_plan,
}

# Facts that the rows of a resource type belong to.
FACT: Mapping[str, str] = {kind: USE if kind in FACTS[USE].resources else kind for kind in READERS}

# The start that rows of a type have, for telling whether a page is sorted newest first.
START: Mapping[str, Callable[[Resource], Span | None]] = {
    "Condition": lambda resource: onset(resource, None),
    "AllergyIntolerance": lambda resource: onset(resource, None),
    "MedicationRequest": lambda resource: request_days(resource)[0],
    "MedicationStatement": lambda resource: statement_days(resource)[0],
    "MedicationDispense": lambda resource: dispense_days(resource)[0],
    "MedicationAdministration": lambda resource: moment(resource, "effective")[0],
    "Observation": lambda resource: observed(resource)[0],
    "QuestionnaireResponse": lambda resource: span(resource.get("authored")),
    "Procedure": lambda resource: moment(resource, "performed")[0],
    "Encounter": lambda resource: period(resource.get("period"))[0],
    "ServiceRequest": lambda resource: ordered(resource)[0],
    "CarePlan": lambda resource: planned(resource)[0],
}


def draft_concept(resource: Resource, scope: Scope) -> Concept:
    """Give what a draft order is for: the drug of a MedicationRequest, the code of a ServiceRequest."""
    if resource.get("resourceType") == "MedicationRequest":
        return order_drug(resource, scope)
    return scope.concept(resource.get("code"))


def draft_is_stopped(resource: Resource) -> bool:
    """Whether a draft takes an order back instead of placing one."""
    status = word(resource.get("status"))
    return bool(forbidden(resource)) or status in ("stopped", "cancelled", "revoked", ENTERED_IN_ERROR)


def can_be_renewed(resource: Resource) -> bool:
    """Whether a chart entry is an order that a draft can renew, and not itself a draft, a proposal or taken back."""
    kind = resource.get("resourceType")
    if kind == "MedicationRequest":
        return request_status(resource) not in ("planned", "not-taken", "do-not-perform")
    return word(resource.get("status")) not in ("draft", "revoked", "cancelled")


# What may stand in draftOrders beside the orders that are read: other kinds of order, what orders refer to, and what
# EHRs send along (forms, documents, history). Left out is what can order or hold a drug: medications taken or handed
# over, groups of requests, care plans, and types that FHIR R4 does not have.
BESIDE = frozenset(
    (
        *("Medication", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Organization", "Location"),
        *("Encounter", "Condition", "Observation", "Device", "Substance", "Specimen", "BodyStructure", "Coverage"),
        *("Provenance", "Task", "Appointment", "CommunicationRequest", "DeviceRequest", "NutritionOrder"),
        *("VisionPrescription", "SupplyRequest", "ImmunizationRecommendation", "Immunization", "Questionnaire"),
        *("QuestionnaireResponse", "DocumentReference", "DiagnosticReport", "ImagingStudy", "Media", "Binary"),
        *("AllergyIntolerance", "Procedure", "FamilyMemberHistory", "Goal", "CareTeam", "EpisodeOfCare", "Flag"),
        *("RiskAssessment", "ClinicalImpression", "DetectedIssue", "HealthcareService", "Endpoint", "Communication"),
        *("Claim", "CoverageEligibilityRequest", "CoverageEligibilityResponse", "Account", "Consent", "Group"),
    )
)
# Every resource is spelled as R4 has it, and is of the type that is asked for.
SPELLING: Spelling = {}
TYPES: Mapping[str, tuple[str, ...]] = {}
QUERIES: Mapping[str, str] = {}
# Types of draft orders that become rows, and where each names the order it renews.
DRAFTS: Mapping[str, tuple[str, ...]] = {
    "MedicationRequest": ("priorPrescription", "basedOn"),
    "ServiceRequest": ("replaces", "basedOn"),
}
