"""Opioid use or a positive test without a diagnosis: assess, and assert nothing."""

from tests.vignettes.build import (
    BUTRANS,
    CODEINE_SYRUP,
    METHADONE_TABLET,
    OXYCODONE,
    SNOMED,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    drug,
    given,
    observation,
    order,
    patient,
    problem,
    score,
    someone_else,
    toxicology,
)
from tests.vignettes.charts import FILM, HOSPICE, OUD, panel
from tests.vignettes.vignette import ASSESSMENT, CONSIDER, COUNSELING, SCREENING, Vignette

VIEW = "patient-view"
INFO = ((ASSESSMENT, "info"),)
NEVER = ("disorder is recorded", "no medication treatment was found", "has opioid use disorder")
USE = problem("F11.90", ago(40))
DAST_6 = score("82667-7", 6, ago(40))
OPIATES, FENTANYL, HEROIN = "19295-5", "59673-4", "19321-9"
OXYCODONE_TEST, METHADONE_TEST, BUPRENORPHINE_TEST = "19642-8", "19550-3", "3414-0"


def _due(name: str, why: str, *chart: Resource) -> Vignette:
    """A prompt to assess; no rule may go on as if the disorder were diagnosed."""
    return Vignette(name, VIEW, why, chart, wanted=INFO, forbidden=(CONSIDER, COUNSELING, SCREENING), never=NEVER)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, chart, forbidden=(ASSESSMENT,))


VIGNETTES = (
    # Use is recorded, a disorder is not.
    _due("Opioid use by ICD-10-CM", "F11.90 is use, not a disorder.", USE),
    _due("Opioid use with a sleep disorder", "F11.982 is use, not a disorder.", problem("F11.982", ago(40))),
    _due("Opioid use of a visit, no clinical status", "Encounter diagnoses often carry no status.",
         problem("F11.90", ago(40), clinical=None, category="encounter-diagnosis")),
    _due("Opioid misuse by SNOMED CT", "A finding, not a disorder.", problem("428819003", ago(40), system=SNOMED)),
    _due("Misuse of drugs, not named", "361055000 names no substance.", problem("361055000", ago(40), system=SNOMED)),
    _due("Substance use disorder, not named", "F19.20 names no substance.", problem("F19.20", ago(40))),
    _due("Dependent use of drugs by SNOMED CT, not named", "6525002 names no substance.",
         problem("6525002", ago(40), system=SNOMED)),
    # Tests.
    _due("Test positive for fentanyl", "Nothing prescribed explains it.", toxicology(FENTANYL, ago(5))),
    _due("Test positive for the heroin metabolite", "Nothing prescribed explains it.", toxicology(HEROIN, ago(5))),
    _due("Test positive for fentanyl, as a word", "Some laboratories send words.",
         observation(FENTANYL, ago(5), category="laboratory", valueString="Positive")),
    _due("Test positive for the heroin metabolite, on oxycodone", "Oxycodone does not explain it.",
         toxicology(HEROIN, ago(5)), order(drug(OXYCODONE), ago(20), days=30)),
    _due("Test positive for methadone, none prescribed", "Nothing prescribed explains it.",
         toxicology(METHADONE_TEST, ago(5)), problem("G89.4", ago(500))),
    # Questionnaires.
    _due("DAST-10 of 6", "Positive from 3.", DAST_6),
    _due("DAST-10 of 3", "Positive from 3.", score("82667-7", 3, ago(40))),
    _due("DAST-10 of 6 as an integer", "EHRs send it so.",
         observation("82667-7", ago(40), category="survey", valueInteger=6)),
    _due("DAST-10 of 6 as text", "EHRs send it so.", observation("82667-7", ago(40), category="survey",
         valueString="6")),
    _due("DAST-10 panel with the total as a component", "EHRs send it so.",
         panel("82666-9", ago(40), "82667-7", valueInteger=6)),
    _due("Opioid Risk Tool of 12", "High from 8.", score("91392-1", 12, ago(40))),
    _due("DAST-10 of 6, OUD refuted years ago", "A new answer.", DAST_6,
         problem("F11.20", ago(1500), verified="refuted")),
    # A diagnosis stands already.
    _silent("OUD and opioid use coded", "The diagnosis is clear.", OUD, USE),
    _silent("OUD and a positive test", "The diagnosis is clear.", OUD, toxicology(FENTANYL, ago(5))),
    _silent("OUD by SNOMED CT and a DAST-10 of 6", "The diagnosis is clear.",
            problem("1336192000", ago(300), system=SNOMED), DAST_6),
    _silent("OUD, mild, and a DAST-10 of 6", "The diagnosis is clear.", problem("F11.10", ago(300)), DAST_6),
    _silent("OUD on Suboxone, test positive for buprenorphine", "An expected result.", OUD,
            order(FILM, ago(20), days=30), toxicology(BUPRENORPHINE_TEST, ago(5))),
    # The result is explained, negative, or void.
    _silent("Test positive for oxycodone, prescribed", "An expected result.", toxicology(OXYCODONE_TEST, ago(5)),
            order(drug(OXYCODONE), ago(20), days=30)),
    _silent("Test positive for oxycodone, dispensed", "An expected result.", toxicology(OXYCODONE_TEST, ago(5)),
            dispense(drug(OXYCODONE), ago(9), days=14)),
    _silent("Test positive for methadone, prescribed for pain", "An expected result.",
            toxicology(METHADONE_TEST, ago(5)), order(drug(METHADONE_TABLET), ago(20), days=30)),
    _silent("Test positive for buprenorphine, on Butrans", "An expected result.",
            toxicology(BUPRENORPHINE_TEST, ago(5)), order(drug(BUTRANS), ago(10), days=28)),
    _silent("Test positive for opiates, on codeine syrup", "An expected result.", toxicology(OPIATES, ago(5)),
            order(drug(CODEINE_SYRUP), ago(8), days=10)),
    _silent("Test positive for fentanyl, given for a procedure the day before", "An expected result.",
            toxicology(FENTANYL, ago(5)), given(drug(("1735003", "2 ML fentanyl 0.05 MG/ML Injection")), ago(6))),
    _silent("Tests negative", "Nothing found.", toxicology(FENTANYL, ago(5), "negative"),
            toxicology(HEROIN, ago(5), "negative")),
    _silent("Positive test entered in error", "Never counts.", toxicology(FENTANYL, ago(5),
            status="entered-in-error")),
    _silent("Positive test cancelled", "Never counts.", toxicology(FENTANYL, ago(5), status="cancelled")),
    _silent("DAST-10 of 1", "Below 3.", score("82667-7", 1, ago(40))),
    _silent("DAST-10 of 6, preliminary", "Not final yet.", score("82667-7", 6, ago(2), status="preliminary")),
    _silent("DAST-10 of 6, cancelled", "Never counts.", score("82667-7", 6, ago(40), status="cancelled")),
    _silent("DAST-10 of 6, entered in error", "Never counts.", score("82667-7", 6, ago(40),
            status="entered-in-error")),
    _silent("DAST-10 of 6 in summer, 1 now", "A newer low score supersedes it.", score("82667-7", 6, ago(120)),
            score("82667-7", 1, ago(10))),
    _silent("Opioid Risk Tool of 2", "Low.", score("91392-1", 2, ago(40))),
    _silent("Opioid use refuted", "Not so.", problem("F11.90", ago(40), verified="refuted")),
    _silent("Opioid use entered in error", "Never counts.",
            problem("F11.90", ago(40), clinical=None, verified="entered-in-error")),
    _silent("Opioid use resolved years ago", "Past.",
            problem("F11.90", ago(1500), clinical="resolved", abatementDateTime=ago(1200))),
    # Something else.
    _silent("Long-term opioid for pain", "Taking a prescribed opioid is no sign by itself.",
            problem("Z79.891", ago(400)), order(drug(OXYCODONE), ago(20), days=30)),
    _silent("Alcohol use disorder only", "Another substance.", problem("F10.20", ago(40))),
    _silent("Cannabis use disorder only", "Another substance.", problem("F12.20", ago(40))),
    _silent("Cocaine use disorder only", "Another substance.", problem("F14.20", ago(40))),
    _silent("Family history", "Not this person.", problem("Z81.3", ago(40))),
    _silent("Adverse effect of an opioid", "T40.2X5A is a side effect.", problem("T40.2X5A", ago(40))),
    _silent("Hospice care", "End of life.", USE, HOSPICE),
    Vignette("Person who has died", VIEW, "No cards after death.", (USE,), person=patient(deceasedDateTime=ago(2)),
             forbidden=(ASSESSMENT,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (DAST_6,), person=patient(born="2017-03-01"),
             forbidden=(ASSESSMENT,)),
    # What was not read.
    Vignette("Opioid use of another person", VIEW, "Not this person's; the list may hold further rows.",
             (someone_else(USE),), undecided=(ASSESSMENT,)),
    Vignette("DAST-10 of another person", VIEW, "Not this person's; the list may hold further rows.",
             (someone_else(DAST_6),), undecided=(ASSESSMENT,)),
    Vignette("DAST-10 of 6, conditions not sent", VIEW, "The diagnosis may be coded.", (DAST_6,),
             unread=("conditions",), undecided=(ASSESSMENT,)),
    Vignette("Test positive for oxycodone, medication requests not sent", VIEW, "It may be prescribed.",
             (toxicology(OXYCODONE_TEST, ago(5)),), unread=("medicationRequests",), undecided=(ASSESSMENT,)),
    Vignette("Overdose of a drug not named", VIEW, "1149222004 names no drug: nothing is asserted.",
             (problem("1149222004", ago(30), system=SNOMED) | {"code": concept(coding(SNOMED, "1149222004",
              "Overdose"))},), forbidden=(CONSIDER,), never=NEVER),
)  # fmt: skip
