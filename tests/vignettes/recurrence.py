"""Repeated return to use, and nobody has looked for depression, PTSD or another reason."""

from tests.vignettes.build import (
    HCPCS,
    ICD_PROCEDURE,
    SNOMED,
    Resource,
    ago,
    order,
    patient,
    problem,
    procedure,
    request,
    score,
    someone_else,
    toxicology,
)
from tests.vignettes.charts import FILM, HOSPICE, OUD, SPRAY, form
from tests.vignettes.vignette import RECURRENT, SCREENING, SUICIDE, Vignette

VIEW = "patient-view"
ANY = ((RECURRENT, None),)
SPRING = procedure(SNOMED, "386450006", ago(300))
SUMMER = procedure(SNOMED, "386450006", ago(120))
TWICE = (SPRING, SUMMER)
HEROIN, FENTANYL, BUPRENORPHINE = "19321-9", "59673-4", "3414-0"


def _overdose(days: int, code: str = "T40.1X1A", **more: str) -> Resource:
    return problem(code, ago(days), clinical="resolved", abatementDateTime=ago(days - 2), **more)


def _due(name: str, why: str, *chart: Resource) -> Vignette:
    """One card, with the missing screens in it."""
    return Vignette(name, VIEW, why, (OUD, SPRAY, *chart), wanted=ANY, forbidden=(SCREENING,))


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, SPRAY, *chart), forbidden=(RECURRENT,))


VIGNETTES = (
    # Two signs, a month or more apart.
    _due("Two stays for withdrawal", "Half a year apart, never assessed.", *TWICE),
    _due("Two stays for withdrawal, by claim", "H0009 and H0014 with OUD coded.", procedure(HCPCS, "H0009", ago(400)),
         procedure(HCPCS, "H0014", ago(120))),
    _due("Two stays for withdrawal, by ICD-10-PCS", "HZ2ZZZZ with OUD coded.",
         procedure(ICD_PROCEDURE, "HZ2ZZZZ", ago(400)), procedure(ICD_PROCEDURE, "HZ2ZZZZ", ago(120))),
    _due("Overdose, then a stay for withdrawal", "Two different signs.", _overdose(500), SUMMER),
    _due("Two overdoses", "Both more than a year ago.", _overdose(650), _overdose(450, "T40.411A")),
    _due("Two overdoses by SNOMED CT", "Both more than a year ago.", _overdose(650, "295174006", system=SNOMED),
         _overdose(450, "242253008", system=SNOMED)),
    _due("Overdose and OUD in relapse status", "Two different signs.", _overdose(500),
         problem("F11.20", ago(60), clinical="relapse")),
    _due("Overdose and OUD in recurrence status", "Two different signs.", _overdose(500),
         problem("F11.20", ago(60), clinical="recurrence")),
    Vignette("Remission, then active again, then a stay for withdrawal", VIEW, "Two different signs.",
             (SPRAY, problem("F11.21", ago(600)), problem("F11.20", ago(300)), SUMMER), wanted=ANY,
             forbidden=(SCREENING,)),
    _due("Suboxone with two long gaps", "Restarted twice.", order(FILM, ago(600), days=30, status="completed"),
         order(FILM, ago(350), days=30, status="completed"), order(FILM, ago(20), days=30)),
    Vignette("Months of negative tests, then heroin, then a stay for withdrawal", VIEW, "Two different signs.",
             (problem("F11.20", ago(900)), SPRAY, toxicology(HEROIN, ago(420), "negative"),
              toxicology(HEROIN, ago(380), "negative"), toxicology(HEROIN, ago(320), "negative"),
              toxicology(HEROIN, ago(200)), SUMMER), wanted=ANY, forbidden=(SCREENING,)),
    _due("Two stays, PHQ-9 two and a half years ago", "The screen is too old.", *TWICE, score("44261-6", 3, ago(900))),
    _due("Two stays, PHQ-9 entered in error", "Never counts.", *TWICE,
         score("44261-6", 3, ago(200), status="entered-in-error")),
    _due("Two stays, PHQ-9 cancelled", "Never counts.", *TWICE, score("44261-6", 3, ago(200), status="cancelled")),
    _due("Two stays, depression refuted", "Refuted is no diagnosis.", *TWICE,
         problem("F33.1", ago(200), verified="refuted")),
    _due("Two stays, bipolar disorder entered in error", "Never counts.", *TWICE,
         problem("F31.9", ago(200), clinical=None, verified="entered-in-error")),
    _due("Two stays, referral to psychiatry revoked", "Nobody was seen.", *TWICE,
         request(SNOMED, "183524004", ago(200), status="revoked")),
    _due("Two stays, mental-health assessment not done", "Not done.", *TWICE,
         procedure(SNOMED, "410223002", ago(200), status="not-done")),
    # Only one, or none.
    _silent("One stay for withdrawal", "Once is not repeated.", SUMMER),
    _silent("Two records of one stay", "Ten days apart: one event.", SUMMER, procedure(HCPCS, "H0009", ago(110))),
    _silent("One overdose, coded twice", "The same day by ICD-10-CM and SNOMED CT, and a visit after.", _overdose(450),
            _overdose(450, "295174006", system=SNOMED), problem("T40.1X1D", ago(445), clinical="resolved")),
    _silent("Two stays, one of them three years ago", "Only one in two years.", procedure(SNOMED, "386450006",
            ago(1100)), SUMMER),
    _silent("A stay, and another not done", "Not done.", SUMMER,
            procedure(SNOMED, "386450006", ago(300), status="not-done")),
    _silent("A stay, and another entered in error", "Never counts.", SUMMER,
            procedure(SNOMED, "386450006", ago(300), status="entered-in-error")),
    _silent("A stay, and an overdose refuted", "Not so.", SUMMER, problem("T40.1X1A", ago(450), verified="refuted")),
    _silent("A stay, and an adverse effect of an opioid", "T40.2X5A is no overdose.", SUMMER,
            problem("T40.2X5A", ago(450), clinical="resolved")),
    _silent("A stay, and underdosing of an opioid", "T40.2X6A is no overdose.", SUMMER,
            problem("T40.2X6A", ago(450), clinical="resolved")),
    _silent("Suboxone renewed a week late, twice", "No gap worth the name.",
            order(FILM, ago(110), days=30, status="completed"), order(FILM, ago(73), days=30, status="completed"),
            order(FILM, ago(36), days=30)),
    _silent("On Suboxone, tests positive for buprenorphine", "Expected results.",
            order(FILM, ago(300), days=30, refills=11), toxicology(BUPRENORPHINE, ago(200)),
            toxicology(BUPRENORPHINE, ago(100))),
    _silent("On Suboxone, tests negative throughout", "In recovery.", order(FILM, ago(300), days=30, refills=11),
            toxicology(HEROIN, ago(200), "negative"), toxicology(FENTANYL, ago(100), "negative")),
    Vignette("Two stays for alcohol withdrawal, no OUD", VIEW, "No opioid evidence.",
             (problem("F10.20", ago(500)), *TWICE), forbidden=(RECURRENT,)),
    Vignette("Two stays, OUD refuted", VIEW, "No opioid evidence.",
             (problem("F11.20", ago(500), verified="refuted"), *TWICE), forbidden=(RECURRENT,)),
    # Somebody has looked.
    _silent("Two stays, PHQ-9 this year", "Screened.", *TWICE, score("44261-6", 6, ago(200))),
    _silent("Two stays, GAD-7 last year", "Screened.", *TWICE, score("70274-6", 6, ago(500))),
    _silent("Two stays, PHQ-9 as a questionnaire", "Screened.", *TWICE,
            form("44249-1", ago(200), "44261-6", {"valueInteger": 6})),
    _silent("Two stays, depression coded", "Known.", *TWICE, problem("F33.1", ago(400))),
    _silent("Two stays, bipolar disorder by SNOMED CT", "Known.", *TWICE, problem("13746004", ago(400),
            system=SNOMED)),
    _silent("Two stays, PTSD coded", "Known.", *TWICE, problem("F43.12", ago(400))),
    _silent("Two stays, generalized anxiety disorder coded", "Known.", *TWICE, problem("F41.1", ago(400))),
    _silent("Two stays, mental-health assessment since", "Assessed.", *TWICE, procedure(SNOMED, "410223002", ago(90))),
    _silent("Two stays, assessment billed", "H0031 is an assessment.", *TWICE, procedure(HCPCS, "H0031", ago(100))),
    _silent("Two stays, psychiatric follow-up", "In care.", *TWICE, procedure(SNOMED, "88848003", ago(60))),
    # Not for this person, or not read.
    Vignette("Two stays, suicidal thoughts", VIEW, "Safety first.", (OUD, SPRAY, *TWICE, problem("R45.851", ago(4))),
             wanted=((SUICIDE, "critical"),), forbidden=(RECURRENT, SCREENING)),
    _silent("Hospice care", "End of life.", *TWICE, HOSPICE),
    Vignette("Person who has died", VIEW, "No cards after death.", (OUD, *TWICE),
             person=patient(deceasedDateTime=ago(2)), forbidden=(RECURRENT,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (OUD, *TWICE), person=patient(born="2017-03-01"),
             forbidden=(RECURRENT,)),
    Vignette("A stay, and one of another person", VIEW, "Not this person's; the list may hold further rows.",
             (OUD, SPRAY, SUMMER, someone_else(SPRING)), undecided=(RECURRENT,)),
    Vignette("Two stays, surveys not sent", VIEW, "A screen may stand there.", (OUD, SPRAY, *TWICE),
             unread=("surveys",), undecided=(RECURRENT,)),
    Vignette("Procedures not sent", VIEW, "Stays for withdrawal may stand there.", (OUD, SPRAY, _overdose(450)),
             unread=("procedures",), undecided=(RECURRENT,)),
)  # fmt: skip
