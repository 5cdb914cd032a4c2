"""Housing, food, money, the law: what makes treatment hard to keep, and nobody has been asked to help."""

from typing import Any

from tests.vignettes.build import (
    SNOMED,
    Resource,
    ago,
    coding,
    concept,
    patient,
    problem,
    request,
    score,
    someone_else,
)
from tests.vignettes.charts import HOSPICE, IN_TREATMENT, OUD, SCREENED, SETTLED, SPRAY, answer
from tests.vignettes.vignette import SCREENING, SOCIAL, SUICIDE, Vignette

VIEW = "patient-view"
INFO = ((SOCIAL, "info"),)
TRAUMA_SCREEN = score("102010-6", 0, ago(100))
CALM = (*SETTLED, TRAUMA_SCREEN)
SHELTER = problem("Z59.01", ago(40))
NO_HOUSING = ("LA30190-5", "I do not have housing")
NEVER = ("homeless person", "the homeless", "felon", "inmate", "non-compliant")


def _due(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*CALM, *chart), wanted=INFO, never=NEVER)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*CALM, *chart), forbidden=(SOCIAL,))


def _referral(days: int, **more: Any) -> Resource:
    made = request(SNOMED, "308440001", ago(days), **more)
    return made | {"code": concept(coding(SNOMED, "308440001"), text="Referral to social worker")}


VIGNETTES = (
    # A need is recorded.
    _due("Living in a shelter", "Recorded last month.", SHELTER),
    _due("Living outside", "Recorded last month.", problem("Z59.02", ago(30))),
    _due("Without a home, by SNOMED CT", "Many problem lists hold SNOMED CT only.",
         problem("32911000", ago(30), system=SNOMED)),
    _due("At risk of losing the home", "Housing is unstable.", problem("Z59.811", ago(30))),
    _due("Inadequate housing, as a health concern", "SDOH entries are often health concerns.",
         problem("Z59.10", ago(30), category="health-concern")),
    _due("Food insecurity of a visit, no clinical status", "Encounter diagnoses often carry no status.",
         problem("Z59.41", ago(20), clinical=None, category="encounter-diagnosis")),
    _due("No way to get to the clinic", "A barrier to treatment.", problem("Z59.82", ago(20))),
    _due("Out of work", "A barrier to treatment.", problem("Z56.0", ago(60))),
    _due("Released from custody last month", "The weeks of highest risk.", problem("Z65.2", ago(25))),
    _due("In custody until lately", "Legal involvement.", problem("Z65.1", ago(60))),
    _due("Legal circumstances", "Legal supervision needs support.", problem("Z65.3", ago(60))),
    _due("Separation", "A stressor at home.", problem("Z63.5", ago(60))),
    _due("PRAPARE: no housing", "A screening answer is a need.", answer("71802-3", ago(40), NO_HOUSING)),
    _due("PRAPARE: no housing, kept under social history", "EHRs file it so.",
         answer("71802-3", ago(40), NO_HOUSING, category="social-history")),
    Vignette("Shelter, OUD not treated", VIEW, "With or without treatment.",
             (OUD, SPRAY, *SCREENED, TRAUMA_SCREEN, SHELTER), wanted=INFO, never=NEVER),
    Vignette("Shelter, on Suboxone, no diagnosis coded", VIEW, "Treatment for OUD is enough.",
             (IN_TREATMENT, *CALM[2:], SHELTER), wanted=INFO, never=NEVER),
    Vignette("Shelter, OUD by SNOMED CT only", VIEW, "Many problem lists hold SNOMED CT only.",
             (problem("1336192000", ago(300), system=SNOMED), *CALM[1:], SHELTER), wanted=INFO, never=NEVER),
    _due("Shelter, social worker asked eight months ago", "Longer than ninety days.", SHELTER, _referral(240,
         status="completed")),
    _due("Shelter, referral revoked", "Nobody will help.", SHELTER, _referral(20, status="revoked")),
    _due("Shelter, referral entered in error", "Never counts.", SHELTER, _referral(20, status="entered-in-error")),
    # No need, or it is past.
    _silent("Nothing recorded", "No need known."),
    _silent("PRAPARE: has housing", "No need.", answer("71802-3", ago(40), ("LA30189-7", "I have housing"))),
    _silent("Food: never worried", "No need.", answer("88122-7", ago(40), ("LA28398-8", "Never true"))),
    _silent("PRAPARE: no housing, entered in error", "Never counts.",
            answer("71802-3", ago(40), NO_HOUSING, status="entered-in-error")),
    _silent("PRAPARE: no housing, two years ago", "Too long ago.", answer("71802-3", ago(700), NO_HOUSING)),
    _silent("PRAPARE: no housing in spring, housed now", "The latest answer counts.",
            answer("71802-3", ago(220), NO_HOUSING), answer("71802-3", ago(20), ("LA30189-7", "I have housing"))),
    _silent("Shelter, resolved", "Housed again.",
            problem("Z59.01", ago(400), clinical="resolved", abatementDateTime=ago(300))),
    _silent("Shelter, refuted", "Not so.", problem("Z59.01", ago(40), verified="refuted")),
    _silent("Shelter, entered in error", "Never counts.",
            problem("Z59.01", ago(40), clinical=None, verified="entered-in-error")),
    _silent("High blood pressure", "Not a social need.", problem("I10", ago(40))),
    # Help is on its way, or not about this person.
    _silent("Shelter, social worker asked last week", "Referred.", SHELTER, _referral(7)),
    _silent("Shelter, seen by the social worker last month", "Referred.", SHELTER, _referral(30, status="completed")),
    _silent("Shelter, help declined last month", "The decline is in the chart.", SHELTER,
            _referral(30, doNotPerform=True)),
    Vignette("Shelter, no OUD", VIEW, "Not about OUD.", (SHELTER, problem("I10", ago(400))), forbidden=(SOCIAL,)),
    Vignette("Shelter, OUD refuted", VIEW, "Not about OUD.",
             (SHELTER, problem("F11.20", ago(300), verified="refuted")), forbidden=(SOCIAL,)),
    Vignette("Shelter, alcohol use disorder only", VIEW, "Not about OUD.", (SHELTER, problem("F10.20", ago(300))),
             forbidden=(SOCIAL,)),
    Vignette("Shelter, suicidal thoughts", VIEW, "Safety first.", (*CALM, SHELTER, problem("R45.851", ago(4))),
             wanted=((SUICIDE, "critical"),), forbidden=(SOCIAL, SCREENING)),
    _silent("Hospice care", "End of life.", SHELTER, HOSPICE),
    Vignette("Person who has died", VIEW, "No cards after death.", (*CALM, SHELTER),
             person=patient(deceasedDateTime=ago(2)), forbidden=(SOCIAL,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (OUD, SHELTER), person=patient(born="2017-03-01"),
             forbidden=(SOCIAL,)),
    Vignette("Shelter of another person", VIEW, "Not this person's; the list may hold further rows.",
             (*CALM, someone_else(SHELTER)), undecided=(SOCIAL,)),
    Vignette("Conditions not sent", VIEW, "Whether a need is recorded is unknown.", (IN_TREATMENT, *CALM[2:]),
             unread=("conditions",), undecided=(SOCIAL,)),
)  # fmt: skip
