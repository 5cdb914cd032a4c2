"""Parts of charts that several tables share: a person whose care is in order, so that one thing stands out."""

from typing import Any

from tests.vignettes.build import (
    LOINC,
    NALOXONE_SPRAY,
    PERSON,
    SNOMED,
    SUBOXONE_FILM,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    drug,
    observation,
    order,
    problem,
    procedure,
    score,
)

FILM = drug(SUBOXONE_FILM)
OUD = problem("F11.20", ago(400))
IN_TREATMENT = order(FILM, ago(300), days=30, refills=11)
COUNSELED = procedure(SNOMED, "60112009", ago(20))
SPRAY = dispense(drug(NALOXONE_SPRAY), ago(100))
PHQ9 = score("44261-6", 4, ago(100))
GAD7 = score("70274-6", 3, ago(100))
SCREENED = (PHQ9, GAD7)
SETTLED = (OUD, IN_TREATMENT, COUNSELED, SPRAY, *SCREENED)
HOSPICE = problem("170935008", ago(20), system=SNOMED)
REFUSED: dict[str, Any] = {"status": "not-done", "statusReason": concept(coding(SNOMED, "105480006"))}


def answer(code: str, on: str, value: tuple[str, str], **more: Any) -> Resource:
    """One question of a form, answered with a LOINC answer code."""
    return observation(
        code, on, **{"category": "survey", "valueCodeableConcept": concept(coding(LOINC, *value))} | more
    )


def panel(code: str, on: str, item: str, **more: Any) -> Resource:
    """A form as one observation; `more` holds the value of its item, and what else differs."""
    value = {key: more.pop(key) for key in list(more) if key.startswith("value")}
    parts = [{"code": concept(coding(LOINC, item)), **value}]
    return observation(code, on, **{"category": "survey", "component": parts} | more)


def form(code: str, on: str, item: str, answered: Resource, *, status: str = "completed") -> Resource:
    """A QuestionnaireResponse with one item."""
    return {"resourceType": "QuestionnaireResponse", "id": f"form-{code}-{item}-{on}", "status": status, "authored": on,
            "questionnaire": f"http://loinc.org/q/{code}", "subject": {"reference": f"Patient/{PERSON}"},
            "item": [{"linkId": f"/{item}", "answer": [answered]}]}  # fmt: skip
