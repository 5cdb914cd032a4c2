"""Builders of the FHIR R4 resources that the vignettes are told with, as EHRs send them.

Every person here is invented. Days are counted back from TODAY: `ago(3)` is three days before it. A keyword argument
`more` overrides or adds members; a member given as None is left out.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

Resource = dict[str, Any]

TODAY = date(2026, 11, 16)
PERSON = "p1"
STAY = "stay1"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD_PROCEDURE = "http://www.cms.gov/Medicare/Coding/ICD10"
NDC = "http://hl7.org/fhir/sid/ndc"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

# Drugs by name, so that a story reads without a code book.
SUBOXONE_FILM = ("1010604", "buprenorphine 8 MG / naloxone 2 MG Sublingual Film")
OXYCODONE = ("1049621", "oxycodone hydrochloride 5 MG Oral Tablet")
OXYCODONE_ER = ("1049574", "12 HR oxycodone hydrochloride 30 MG Extended Release Oral Tablet")
METHADONE_TABLET = ("864706", "methadone hydrochloride 10 MG Oral Tablet")
METHADONE_DISPERSIBLE = ("864978", "methadone hydrochloride 40 MG Tablet for Oral Suspension")
NALTREXONE_TABLET = ("1483744", "naltrexone hydrochloride 50 MG Oral Tablet")
NALTREXONE_INJECTION = ("637213", "naltrexone 380 MG Injection")
CONTRAVE = ("1551468", "bupropion hydrochloride 90 MG / naltrexone hydrochloride 8 MG Extended Release Oral Tablet")
EMBEDA = ("863851", "Abuse-Deterrent morphine sulfate 30 MG / naltrexone hydrochloride 1.2 MG")
TROXYCA = ("1806701", "12 HR naltrexone hydrochloride 1.2 MG / oxycodone hydrochloride 10 MG Extended Release")
BUTRANS = ("1360440", "Buprenorphine 0.01 MG/HR Transdermal System [BuTrans]")
SUBLOCADE = ("1996189", "0.5 ML Buprenorphine 200 MG/ML Prefilled Syringe [Sublocade]")
BRIXADI_WEEKLY = ("2639021", "0.16 ML buprenorphine 50 MG/ML Prefilled Syringe")
IMPLANT = ("1797650", "buprenorphine 74.2 MG Drug Implant")
BELBUCA = ("1716067", "Buprenorphine 0.3 MG Buccal Film [Belbuca]")
HYDROCODONE = ("857002", "acetaminophen 325 MG / hydrocodone bitartrate 5 MG Oral Tablet")
TRAMADOL = ("835603", "tramadol hydrochloride 50 MG Oral Tablet")
FENTANYL_PATCH = ("245134", "72 HR fentanyl 0.025 MG/HR Transdermal System")
FENTANYL_INJECTION = ("1735003", "2 ML fentanyl 0.05 MG/ML Injection")
HYDROMORPHONE_INJECTION = ("1724276", "1 ML hydromorphone hydrochloride 2 MG/ML Injection")
BUTORPHANOL_SPRAY = ("886634", "butorphanol tartrate 1 MG/ACTUAT Metered Dose Nasal Spray")
NALBUPHINE_INJECTION = ("1866543", "1 ML nalbuphine hydrochloride 10 MG/ML Injection")
ALPRAZOLAM = ("197321", "alprazolam 1 MG Oral Tablet")
CLONAZEPAM = ("197528", "clonazepam 1 MG Oral Tablet")
DIAZEPAM = ("197591", "diazepam 5 MG Oral Tablet")
LORAZEPAM = ("197901", "lorazepam 1 MG Oral Tablet")
MIDAZOLAM_INJECTION = ("1666798", "2 ML midazolam 1 MG/ML Injection")
GABAPENTIN = ("310431", "gabapentin 300 MG Oral Capsule")
IBUPROFEN = ("197805", "ibuprofen 400 MG Oral Tablet")
NALOXONE_VIAL = ("1191222", "Naloxone Hydrochloride 0.4 MG/ML Injectable Solution")
NALOXONE_SPRAY = ("1725064", "Naloxone Hydrochloride 40 MG/ML Nasal Spray [Narcan]")
CODEINE_SYRUP = ("1114026", "codeine phosphate 1.6 MG/ML / guaifenesin 40 MG/ML Oral Solution")
CLONIDINE = ("1013930", "12 HR clonidine hydrochloride 0.1 MG Extended Release Oral Tablet")

_ids = count(1)


def ago(days: int) -> str:
    """The calendar day `days` before TODAY; negative = ahead."""
    return (TODAY - timedelta(days=days)).isoformat()


def coding(system: str, code: str, display: str | None = None) -> Resource:
    return _without_none({"system": system, "code": code, "display": display})


def concept(*codings: Resource, text: str | None = None) -> Resource:
    return _without_none({"coding": list(codings) or None, "text": text})


def drug(rxnorm: tuple[str, str]) -> Resource:
    return concept(coding(RXNORM, *rxnorm), text=rxnorm[1])


def status_of(system: str, code: str) -> Resource:
    return concept(coding(f"{TERMINOLOGY}/{system}", code))


def patient(born: str = "1988-05-02", **more: Any) -> Resource:
    return _resource("Patient", more, id=PERSON, gender="unknown", birthDate=born)


def problem(code: str, since: str | None, *, system: str = ICD, clinical: str | None = "active",
            verified: str | None = "confirmed", category: str = "problem-list-item",
                **more: Any) -> Resource:  # fmt: skip
    """A Condition recorded on `since`."""
    return _resource(
        "Condition", more, subject=_of(PERSON), code=concept(coding(system, code)), onsetDateTime=since,
        recordedDate=since, category=[status_of("condition-category", category)],
        clinicalStatus=clinical and status_of("condition-clinical", clinical),
        verificationStatus=verified and status_of("condition-ver-status", verified),
    )  # fmt: skip


def order(medication: Resource, authored: str | None, /, *, days: int | None = None, refills: int | None = None,
          status: str | None = "active", intent: str = "order", category: str = "outpatient",
          **more: Any) -> Resource:  # fmt: skip
    """A MedicationRequest. days: supply of one fill."""
    supply: dict[str, Any] = {"expectedSupplyDuration": {"value": days, "unit": "day", "code": "d"}} if days else {}
    if refills is not None:
        supply["numberOfRepeatsAllowed"] = refills
    return _resource(
        "MedicationRequest", more, subject=_of(PERSON), status=status, intent=intent, authoredOn=authored,
        medicationCodeableConcept=medication, dispenseRequest=supply or None,
        category=[status_of("medicationrequest-category", category)],
    )  # fmt: skip


def statement(medication: Resource, since: str | None, *, status: str | None = "active", **more: Any) -> Resource:
    return _resource(
        "MedicationStatement", more, subject=_of(PERSON), status=status, medicationCodeableConcept=medication,
        effectivePeriod=since and {"start": since}, dateAsserted=since,
    )  # fmt: skip


def dispense(medication: Resource, on: str | None, *, days: int | None = None, status: str | None = "completed",
             **more: Any) -> Resource:  # fmt: skip
    return _resource(
        "MedicationDispense", more, subject=_of(PERSON), status=status, medicationCodeableConcept=medication,
        whenHandedOver=on, daysSupply=days and {"value": days, "unit": "d"},
    )  # fmt: skip


def given(medication: Resource, on: str | None, *, status: str | None = "completed", **more: Any) -> Resource:
    return _resource(
        "MedicationAdministration", more, subject=_of(PERSON), status=status, effectiveDateTime=on,
        medicationCodeableConcept=medication,
    )  # fmt: skip


def procedure(system: str, code: str, on: str | None, *, status: str | None = "completed", **more: Any) -> Resource:
    return _resource(
        "Procedure", more, subject=_of(PERSON), status=status, code=concept(coding(system, code)), performedDateTime=on
    )


def encounter(start: str, end: str | None = None, *, kind: str = "IMP", status: str | None = None,
              **more: Any) -> Resource:  # fmt: skip
    return _resource(
        "Encounter", more, id=more.pop("id", STAY), subject=_of(PERSON),
        status=status or ("finished" if end else "in-progress"),
        **{"class": coding(f"{TERMINOLOGY}/v3-ActCode", kind)}, period=_without_none({"start": start, "end": end}),
    )  # fmt: skip


def observation(code: str, on: str, *, category: str, status: str = "final", **more: Any) -> Resource:
    return _resource(
        "Observation", more, subject=_of(PERSON), status=status, code=concept(coding(LOINC, code)),
        effectiveDateTime=on, category=[status_of("observation-category", category)],
    )  # fmt: skip


def score(code: str, points: int, on: str, **more: Any) -> Resource:
    return observation(code, on, **{"category": "survey", "valueQuantity": {"value": points, "unit": "{score}"}} | more)


def toxicology(code: str, on: str, found: str = "positive", **more: Any) -> Resource:
    """A urine test with a coded answer: SNOMED's positive or negative."""
    value = concept(coding(SNOMED, {"positive": "10828004", "negative": "260385009"}[found]), text=found.title())
    return observation(code, on, **{"category": "laboratory", "valueCodeableConcept": value} | more)


def request(system: str, code: str, on: str, *, status: str = "active", **more: Any) -> Resource:
    return _resource(
        "ServiceRequest", more, subject=_of(PERSON), status=status, intent="order", authoredOn=on,
        code=concept(coding(system, code)),
    )  # fmt: skip


def draft(medication: Resource | None, **more: Any) -> Resource:
    """A MedicationRequest as it stands in context.draftOrders."""
    plain = {"status": "draft", "authored": ago(0)} | {
        key: more.pop(key) for key in ("status", "authored") if key in more
    }
    made = order(medication or {}, plain["authored"], status=plain["status"], **more)
    return made if medication else {key: value for key, value in made.items() if key != "medicationCodeableConcept"}


def contained(medication: Resource) -> Resource:
    """The members of an order whose drug stands in a contained Medication."""
    return {"contained": [{"resourceType": "Medication", "id": "m1", **medication}],
            "medicationCodeableConcept": None, "medicationReference": {"reference": "#m1"}}  # fmt: skip


def further(*resources: Resource) -> Resource:
    """The first page of a list that has a second one."""
    link = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]
    return bundle(resources) | {"link": link}


def someone_else(resource: Resource) -> Resource:
    return resource | {"subject": _of("p2")}


def bundle(resources: Sequence[Resource], kind: str = "searchset") -> Resource:
    entries = [{"fullUrl": f"https://ehr.example.org/fhir/{each['resourceType']}/{each['id']}", "resource": each}
               for each in resources]  # fmt: skip
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


FAILED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "timeout", "diagnostics": "The list was not answered in time"}],
}


def _of(person: str) -> Resource:
    return {"reference": f"Patient/{person}"}


def _resource(resource_type: str, more: dict[str, Any], **members: Any) -> Resource:
    whole = {"resourceType": resource_type, "id": f"r{next(_ids)}", **members, **more}
    return _without_none(whole)


def _without_none(members: dict[str, Any]) -> Resource:
    return {name: value for name, value in members.items() if value is not None}


# What keeps cards away that a story is not about: naloxone at home, recent scores, counseling.
NALOXONE_AT_HOME = dispense(drug(NALOXONE_SPRAY), ago(60))
SCREENED = (score("44261-6", 4, ago(10)), score("70274-6", 3, ago(10)))
COUNSELED = procedure(HCPCS, "H0004", ago(20))
CARED_FOR = (*SCREENED, COUNSELED)
