"""Hook calls for charts of synthetic people: three sizes, four stories, the same bytes each time.

A chart is a story that makes the rules speak or keep silent, and what fills most charts besides: laboratory results,
visits, prescriptions that no rule looks for. catalogue.json holds the codes.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

TODAY = date(2026, 3, 1)
HOOK = "patient-view"
SERVICE = "oud-patient-view"
PEOPLE = 64
SIZES: Mapping[str, int] = {"7 kB": 10, "100 kB": 150, "1 MB": 1_500}  # resources, the Patient among them
# Which rules a chart's story makes speak, in the order of the answer. Most people have neither disorder nor treatment.
NEITHER, TREATED, UNTREATED, AFTER_WITHDRAWAL = "0 cards", "0, treated", "1 card", "3 cards"
STORIES: Mapping[str, tuple[str, ...]] = {
    NEITHER: (),
    TREATED: (),
    UNTREATED: ("mat-consideration",),
    AFTER_WITHDRAWAL: ("mat-consideration", "paws-follow-up", "mental-health-screening"),
}
_INSTANCE = "00000000-0000-0000-0000-000000000000"
_CATALOGUE: Mapping[str, Any] = json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))

# What fills a chart: prefetch key and its share of the resources.
_SHARES = {
    "labs": 55, "encounters": 13, "medicationRequests": 10, "medicationDispenses": 7, "conditions": 5, "procedures": 4,
    "socialHistory": 3, "serviceRequests": 2, "allergies": 1,
}  # fmt: skip
_KEYS = (
    "conditions", "medicationRequests", "medicationStatements", "medicationDispenses", "medicationAdministrations",
    "allergies", "procedures", "encounters", "labs", "surveys", "socialHistory", "questionnaireResponses",
    "serviceRequests", "carePlans",
)  # fmt: skip

GENERATED = "https://oud-cds.example/generated"  # codes of generated rules, which mean nothing
_SYSTEMS = {
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "generated": GENERATED,
}
_CODE_SYSTEM = "http://terminology.hl7.org/CodeSystem/"
_UCUM = "http://unitsofmeasure.org"
_SYNTHETIC = {"system": "https://oud-cds.example/synthetic", "code": "synthetic", "display": "Not a real person"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """The body of one call, open where its hookInstance goes. rules: whose cards the answer must hold, in order."""

    head: bytes
    tail: bytes
    rules: tuple[str, ...]

    def body(self, instance: UUID) -> bytes:
        """Give the body as this call of its own."""
        return b"%b%b%b" % (self.head, str(instance).encode(), self.tail)


def requests(size: str, story: str, people: int = PEOPLE) -> list[Request]:
    """Make the calls of `people` different people with charts of one size and story."""
    return [_request(person, size, story) for person in range(people)]


def instances(seed: str) -> Iterator[UUID]:
    """Give one hookInstance after another, all different."""
    chance = random.Random(seed)
    while True:
        yield UUID(int=chance.getrandbits(128), version=4)


def _request(person: int, size: str, story: str) -> Request:
    name = f"{name_of(size, story)}-{person}"
    return request_of(f"{person} {size} {story}", name, SIZES[size], lambda chart: _tell(chart, story), STORIES[story])


def request_of(
    seed: str, name: str, resources: int, tell: Callable[["Chart"], None], rules: tuple[str, ...]
) -> Request:
    """Make the call of one person, whose chart has so many resources.

    name:  of the person, unlike all others'.
    tell:  writes down what decides; the rest of the chart is what no rule asks for.
    rules: whose cards the answer must hold, in order.
    """
    chart = Chart(random.Random(seed), f"synthetic-{name}")
    tell(chart)
    chart.fill(resources - 1)
    call = {
        "hook": HOOK,
        "hookInstance": _INSTANCE,
        "context": {"userId": "Practitioner/synthetic-clinician", "patientId": chart.patient_id},
        "prefetch": {"patient": chart.patient(), **{key: _bundle(chart.lists[key]) for key in _KEYS}},
    }
    head, _, tail = json.dumps(call, separators=(",", ":")).encode().partition(_INSTANCE.encode())
    return Request(head, tail, rules)


def name_of(size: str, story: str) -> str:
    """Name a kind of chart in a URL: "150-2" for the third story with 150 resources."""
    return f"{SIZES[size]}-{list(STORIES).index(story)}"


def _tell(chart: "Chart", story: str) -> None:
    """Write down what decides."""
    told = _CATALOGUE["story"]
    if story == AFTER_WITHDRAWAL:
        chart.condition(told["withdrawal"], 60)
        chart.condition(told["sleep"], 30)
        chart.condition(told["irritability"], 20)
    else:
        chart.score(told["phq9"], 40)
        chart.score(told["gad7"], 40)
    if story != NEITHER:
        chart.condition(told["use_disorder"], 700)
    if story == TREATED:
        chart.order(told["treatment"], 60)
        chart.order(told["naloxone"], 90)
        chart.procedure(told["counseling"], 30)


def _bundle(resources: list[Json]) -> Json:
    entries = [
        {
            "fullUrl": f"https://ehr.example/fhir/R4/{each['resourceType']}/{each['id']}",
            "resource": each,
            "search": {"mode": "match"},
        }
        for each in resources
    ]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return {**bundle, "entry": entries} if entries else bundle


class Chart:
    """A chart being written; a class because it counts what it numbers."""

    def __init__(self, chance: random.Random, patient_id: str) -> None:
        self.chance = chance
        self.patient_id = patient_id
        self.lists: dict[str, list[Json]] = {key: [] for key in _KEYS}
        self.written = 0
        self.subject = {"reference": f"Patient/{patient_id}"}

    def patient(self) -> Json:
        chance = self.chance
        return {
            "resourceType": "Patient",
            "id": self.patient_id,
            "meta": {"tag": [_SYNTHETIC]},
            "identifier": [{"system": "https://ehr.example/mrn", "value": self.patient_id}],
            "name": [{"use": "official", "family": "Synthetic", "given": ["Person"]}],
            "gender": chance.choice(["female", "male"]),
            "birthDate": _days_before(chance.randint(25 * 365, 60 * 365)),
        }

    def fill(self, resources: int) -> None:
        """Write down what no rule asks for until there are so many resources, each list newest first."""
        writers = {
            "labs": self._lab, "encounters": self._encounter, "medicationRequests": self._prescription,
            "medicationDispenses": self._dispense, "conditions": self._illness, "procedures": self._procedure,
            "socialHistory": self._social, "serviceRequests": self._referral, "allergies": self._allergy,
        }  # fmt: skip
        keys = list(_SHARES)
        ages = sorted(self.chance.randint(1, 3_000) for _ in range(max(0, resources - self.written)))
        for age in ages:
            writers[self.chance.choices(keys, list(_SHARES.values()))[0]](age)

    def _add(self, key: str, resource_type: str, body: Json, owner: str = "subject") -> None:
        self.written += 1
        self.lists[key].append(
            {"resourceType": resource_type, "id": f"{key}-{self.written}", **body, owner: self.subject}
        )

    def condition(self, entry: Json, age: int, active: bool = True) -> None:
        self._add("conditions", "Condition", {
            "clinicalStatus": _concept("condition-clinical", "active" if active else "resolved"),
            "verificationStatus": _concept("condition-ver-status", "confirmed"),
            "category": [_concept("condition-category", "problem-list-item")],
            "code": _coded(entry),
            "onsetDateTime": _days_before(age),
            "recordedDate": _days_before(age),
        })  # fmt: skip

    def score(self, entry: Json, age: int) -> None:
        value = {"value": self.chance.randint(0, 4), "unit": "{score}", "system": _UCUM, "code": "{score}"}
        self._observation("surveys", "survey", entry, age, {"valueQuantity": value})

    def order(self, entry: Json, age: int, status: str = "active") -> None:
        self._add("medicationRequests", "MedicationRequest", {
            "status": status,
            "intent": "order",
            "category": [_concept("medicationrequest-category", "community")],
            "medicationCodeableConcept": self._drug(entry),
            "authoredOn": _moment(age),
            "requester": {"reference": "Practitioner/synthetic-clinician"},
            "dosageInstruction": [{"text": "Take one a day", "timing": {"repeat": {"frequency": 1, "period": 1}}}],
            "dispenseRequest": {"numberOfRepeatsAllowed": 1,
                                "expectedSupplyDuration": {"value": 30, "unit": "days", "code": "d"}},
        })  # fmt: skip

    def _drug(self, entry: Json) -> Json:
        concept = _coded(entry)
        local = {"system": "urn:oid:2.999.1.7", "code": f"MED{self.chance.randint(1_000, 9_999)}"}
        concept["coding"].append(local)
        return concept

    def _prescription(self, age: int) -> None:
        self.order(self._any("drugs"), age, self.chance.choice(["active", "completed", "completed", "stopped"]))

    def _dispense(self, age: int) -> None:
        self._add("medicationDispenses", "MedicationDispense", {
            "status": "completed",
            "medicationCodeableConcept": self._drug(self._any("drugs")),
            "quantity": {"value": 30, "unit": "tablet"},
            "daysSupply": {"value": 30, "unit": "days", "code": "d"},
            "whenHandedOver": _moment(age),
        })  # fmt: skip

    def _illness(self, age: int) -> None:
        self.condition(self._any("conditions"), age, self.chance.random() < 0.5)

    def _lab(self, age: int) -> None:
        entry = self._any("labs")
        low, high, unit = entry["low"], entry["high"], entry["unit"]
        quantity = {"unit": unit, "system": _UCUM, "code": unit}
        value = round(self.chance.uniform(low * 0.8, high * 1.2), 1)
        self._observation("labs", "laboratory", entry, age, {
            "valueQuantity": {"value": value, **quantity},
            "referenceRange": [{"low": {"value": low, **quantity}, "high": {"value": high, **quantity}}],
        })  # fmt: skip

    def _social(self, age: int) -> None:
        entry = self._any("social")
        answer = _coded({"snomed": entry["snomed"], "words": entry["answer"]})
        question = {"loinc": entry["loinc"], "words": entry["words"]}
        self._observation("socialHistory", "social-history", question, age, {"valueCodeableConcept": answer})

    def _observation(self, key: str, category: str, entry: Json, age: int, value: Json) -> None:
        self._add(key, "Observation", {
            "status": "final",
            "category": [_concept("observation-category", category)],
            "code": _coded(entry),
            "effectiveDateTime": _moment(age),
            **value,
        })  # fmt: skip

    def _encounter(self, age: int) -> None:
        entry = self._any("encounters")
        self._add("encounters", "Encounter", {
            "status": "finished",
            "class": {"system": f"{_CODE_SYSTEM}v3-ActCode", "code": entry["class"]},
            "type": [_coded(entry)],
            "period": {"start": _moment(age), "end": _moment(age)},
            "participant": [{"individual": {"reference": "Practitioner/synthetic-clinician"}}],
            "reasonCode": [_coded(self._any("conditions"))],
        })  # fmt: skip

    def procedure(self, entry: Json, age: int) -> None:
        period = {"start": _moment(age), "end": _moment(age)}
        body = {"status": "completed", "code": _coded(entry), "performedPeriod": period}
        self._add("procedures", "Procedure", body)

    def _procedure(self, age: int) -> None:
        self.procedure(self._any("procedures"), age)

    def _referral(self, age: int) -> None:
        code = _coded(self._any("orders"))
        body = {"status": "completed", "intent": "order", "code": code, "authoredOn": _moment(age)}
        self._add("serviceRequests", "ServiceRequest", body)

    def _allergy(self, age: int) -> None:
        self._add("allergies", "AllergyIntolerance", {
            "clinicalStatus": _concept("allergyintolerance-clinical", "active"),
            "verificationStatus": _concept("allergyintolerance-verification", "confirmed"),
            "code": _coded(self._any("allergies")),
            "recordedDate": _days_before(age),
        }, owner="patient")  # fmt: skip

    def _any(self, kind: str) -> Json:
        return dict(self.chance.choice(_CATALOGUE[kind]))


def _coded(entry: Json) -> Json:
    words = entry["words"]
    found = [{"system": _SYSTEMS[name], "code": entry[name], "display": words} for name in _SYSTEMS if name in entry]
    return {"coding": found, "text": words}


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": _CODE_SYSTEM + system, "code": code}]}


def _days_before(days: int) -> str:
    return (TODAY - timedelta(days)).isoformat()


def _moment(days: int) -> str:
    return f"{_days_before(days)}T09:{days % 60:02}:00-05:00"
