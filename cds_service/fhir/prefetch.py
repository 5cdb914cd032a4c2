"""The prefetch keys: what each is asked for, which resource type its list holds and which facts that list feeds.

Templates keep to what every client can do: `{{context.patientId}}` and constants, one type search a key, `_sort` and
`_count`. Source: CDS Hooks 2.0, "Prefetch Template" and "Prefetch query restrictions", https://cds-hooks.hl7.org/2.0/
"""

from collections.abc import Mapping
from dataclasses import dataclass

PATIENT = "patient"
ENCOUNTERS = "encounters"


@dataclass(frozen=True, slots=True)
class PrefetchKey:
    """One key of a service's `prefetch`.

    resource_type: what the list holds; rows of other types in it are read as their own fact.
    facts:         the facts that are not read when the list is not.
    query:         the template; newest first, so that a page that was cut is whole back to a day.
    """

    key: str
    resource_type: str
    facts: tuple[str, ...]
    query: str


def _keys() -> dict[str, PrefetchKey]:
    person = "{{context.patientId}}"

    def search(key: str, resource_type: str, facts: str, parameters: str) -> PrefetchKey:
        query = f"{resource_type}?patient={person}{parameters}"
        return PrefetchKey(key, resource_type, tuple(facts.split()), query)

    use = "medication-use"
    newest = "&_sort=-date&_count=200"
    keys = [
        PrefetchKey(PATIENT, "Patient", ("Patient",), f"Patient/{person}"),
        search("conditions", "Condition", "Condition", "&_count=500"),
        search("medicationRequests", "MedicationRequest", use, "&_sort=-authoredon&_count=300"),
        search("medicationStatements", "MedicationStatement", use, "&_sort=-effective&_count=200"),
        search("medicationDispenses", "MedicationDispense", use, "&_sort=-whenhandedover&_count=200"),
        search("medicationAdministrations", "MedicationAdministration", use, "&_sort=-effective-time&_count=300"),
        search("allergies", "AllergyIntolerance", "AllergyIntolerance", "&_count=200"),
        search("procedures", "Procedure", "Procedure", newest),
        search(ENCOUNTERS, "Encounter", "Encounter this-encounter", "&_sort=-date&_count=100"),
        search("labs", "Observation", "Observation", f"&category=laboratory{newest}"),
        search("surveys", "Observation", "Observation", f"&category=survey{newest}"),
        search("socialHistory", "Observation", "Observation", "&category=social-history&_sort=-date&_count=100"),
        search("questionnaireResponses", "QuestionnaireResponse", "QuestionnaireResponse",
               "&_sort=-authored&_count=100"),
        search("serviceRequests", "ServiceRequest", "ServiceRequest", "&_sort=-authored&_count=200"),
        search("carePlans", "CarePlan", "CarePlan", "&_count=100"),
    ]  # fmt: skip
    return {each.key: each for each in keys}


PREFETCH: Mapping[str, PrefetchKey] = _keys()


def keys_of(resource_type: str) -> tuple[str, ...]:
    """Give the keys whose lists hold resources of a type: three for Observation, none for Medication."""
    return tuple(each.key for each in PREFETCH.values() if each.resource_type == resource_type)


# No site may do without these lists: "nothing on record" would then be a guess (docs/reference/fhir-reading.md).
ALWAYS_HELD = frozenset({"Patient", "Condition", "MedicationRequest"})
