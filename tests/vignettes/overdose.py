"""After an opioid overdose: who is offered treatment, how strongly, and which codes are no overdose."""

from typing import Any

from tests.vignettes.build import (
    FAILED,
    HCPCS,
    ICD,
    METHADONE_TABLET,
    NALOXONE_AT_HOME,
    NALOXONE_SPRAY,
    NALOXONE_VIAL,
    NALTREXONE_INJECTION,
    SCREENED,
    SNOMED,
    STAY,
    SUBOXONE_FILM,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    drug,
    encounter,
    given,
    order,
    patient,
    problem,
    procedure,
    someone_else,
    statement,
    status_of,
    toxicology,
)
from tests.vignettes.vignette import BLAME, CONSIDER, MEDICATION_LISTS, NALOXONE, OVERDOSE, Vignette

VIEW, LEAVE = "patient-view", "encounter-discharge"
SUICIDE = "suicide-signal"
HERE: dict[str, Any] = {"encounter": {"reference": f"Encounter/{STAY}"}, "category": "encounter-diagnosis"}
HERE_GIVEN: dict[str, Any] = {"context": {"reference": f"Encounter/{STAY}"}}
OUD = problem("F11.10", ago(400))
VISIT = encounter(ago(0), kind="AMB")
EMERGENCY = encounter(ago(0), kind="EMER")
HEROIN = problem("T40.1X1A", ago(20), clinical="resolved", category="encounter-diagnosis")
TODAY_FENTANYL = problem("T40.411A", ago(0), **HERE)
TREATED = order(drug(SUBOXONE_FILM), ago(10), days=30)
NO_DISORDER_SAID = ("opioid use disorder is recorded", "has opioid use disorder")


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = (), never: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, VIEW, why, (*SCREENED, *chart), wanted=((OVERDOSE, "warning"),), forbidden=(CONSIDER,),
                    says=says, never=(*BLAME, *never))  # fmt: skip


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*SCREENED, *chart), forbidden=(OVERDOSE,))


def _critical(name: str, why: str, *chart: Resource, stay: Resource = EMERGENCY) -> Vignette:
    return Vignette(name, LEAVE, why, (stay, *chart), wanted=((OVERDOSE, "critical"),), forbidden=(CONSIDER, NALOXONE),
                    says=("naloxone",), never=BLAME)  # fmt: skip


def _not_critical(name: str, why: str, *chart: Resource, stay: Resource = EMERGENCY) -> Vignette:
    return Vignette(name, LEAVE, why, (stay, *chart), wanted=((OVERDOSE, "warning"),),
                    forbidden=(f"{OVERDOSE}:critical", CONSIDER), never=BLAME)  # fmt: skip


def _treated(name: str, why: str, *chart: Resource, hook: str = VIEW) -> Vignette:
    """Treatment goes on: nobody is told to start it."""
    return Vignette(name, hook, why, (*SCREENED, *chart), forbidden=(f"{OVERDOSE}:critical", CONSIDER),
                    never=("consider starting", "no medication treatment was found"))  # fmt: skip


VIGNETTES = (
    # Which record says so.
    _due("Heroin overdose 20 days ago by ICD-10-CM, OUD coded", "Untreated after an overdose.", OUD, HEROIN,
         says=("naloxone", "2026-10-27")),
    _due("Heroin overdose by SNOMED CT, no OUD coded", "Assess for OUD, do not assert it.",
         problem("295174006", ago(25), system=SNOMED, clinical="resolved"), says=("assess",), never=NO_DISORDER_SAID),
    _due("Fentanyl overdose 45 days ago, no OUD coded", "An overdose is a reason to assess.",
         problem("T40.411A", ago(45), clinical="resolved"), says=("assess",), never=NO_DISORDER_SAID),
    _due("Methadone overdose by SNOMED CT", "A methadone overdose is an opioid overdose.", OUD,
         problem("295163002", ago(30), system=SNOMED, clinical=None)),
    _due("Narcotic poisoning, not specified, seen again", "A follow-up of the poisoning two months ago.", OUD,
         problem("T40.601D", ago(60), clinical="active")),
    _due("Overdose ten months ago", "Risk stays high for the first year.", OUD,
         problem("T40.2X1A", ago(300), clinical="resolved")),
    _due("Overdose in October, day unknown", "Any day of that month is within the year.", OUD,
         problem("T40.1X1A", "2026-10", clinical="resolved")),
    _due("Overdose code without dot, under the OID", "EHRs send T401X1A.", OUD,
         problem("T401X1A", ago(20), system="urn:oid:2.16.840.1.113883.6.90", clinical=None, verified=None)),
    _due("Overdose as the reason of an emergency visit", "No diagnosis was entered; the visit says why.", OUD, VISIT,
         encounter(ago(14), ago(14), kind="EMER", id="ed1", reasonCode=[concept(coding(ICD, "T40.411A"))])),
    _due("Overdose of undetermined intent", "Intent does not change the offer.", OUD,
         problem("T40.2X4A", ago(33), clinical="resolved")),
    _due("Overdose, then buprenorphine was stopped", "Past treatment does not cover this day.", OUD,
         problem("T40.1X1A", ago(100), clinical="resolved"),
         order(drug(SUBOXONE_FILM), ago(300), days=30, status="stopped")),
    _due("Overdose, naloxone at home", "Naloxone alone is no treatment.", OUD, HEROIN, NALOXONE_AT_HOME),
    Vignette("Overdose, no naloxone on record", VIEW, "The naloxone line joins this card.", (OUD, HEROIN, *SCREENED),
             wanted=((OVERDOSE, "warning"),), forbidden=(NALOXONE, CONSIDER), says=("naloxone",)),
    Vignette("Overdose in words of the problem list", VIEW, "A local code beside the words.",
             (OUD, *SCREENED, problem("9911", ago(20)) | {"code": concept(coding("urn:local:problems", "9911"),
              text="Accidental heroin overdose")}), wanted=((OVERDOSE, None),)),
    Vignette("Unspecified poisoning with fentanyl in urine", VIEW, "The test says which drug.",
             (problem("T50.901A", ago(12), clinical="resolved"), toxicology("59673-4", ago(12)), *SCREENED),
             wanted=((OVERDOSE, None),)),
    Vignette("Unspecified poisoning, OUD coded", VIEW, "The diagnosis is the opioid evidence.",
             (OUD, problem("T50.901A", ago(12), clinical="resolved"), *SCREENED), wanted=((OVERDOSE, None),),
             forbidden=(CONSIDER,)),
    Vignette("Intentional overdose five days ago", VIEW, "Treatment and same-day safety assessment.",
             (OUD, problem("T40.2X2A", ago(5), clinical="resolved"), NALOXONE_AT_HOME, *SCREENED),
             wanted=((OVERDOSE, None), (SUICIDE, "critical")), forbidden=(CONSIDER,), never=("committed suicide",)),
    Vignette("Intentional overdose by SNOMED CT at discharge", LEAVE, "Nobody leaves without a safety assessment.",
             (EMERGENCY, OUD, problem("295182006", ago(0), system=SNOMED, **HERE)),
             wanted=((OVERDOSE, None), (SUICIDE, "critical"))),
    # Leaving after an overdose.
    _critical("Leaving hours after a fentanyl overdose, nothing to take home",
              "Neither treatment nor naloxone: the most dangerous door.", OUD, TODAY_FENTANYL),
    _critical("Leaving after an overdose, no OUD coded", "The overdose is enough.", TODAY_FENTANYL),
    _critical("Leaving after an overdose, naloxone vial given", "A rescue dose is not naloxone to take home.", OUD,
              TODAY_FENTANYL, given(drug(NALOXONE_VIAL), ago(0), **HERE_GIVEN)),
    _critical("Leaving after an overdose before the planned end", "The offer is still due.", OUD, TODAY_FENTANYL,
              stay=encounter(ago(0), kind="EMER", hospitalization={
                  "dischargeDisposition": status_of("discharge-disposition", "aadvice")})),
    _not_critical("Leaving after an overdose with naloxone spray", "Naloxone goes home; treatment is still missing.",
                  OUD, TODAY_FENTANYL, order(drug(NALOXONE_SPRAY), ago(0), category="discharge")),
    _not_critical("Leaving ten days after an overdose", "Later than three days: a warning.", OUD,
                  problem("T40.411A", ago(10), **HERE), stay=encounter(ago(10))),
    _not_critical("Leaving after surgery, overdose four months ago", "Within the year.", OUD,
                  problem("T40.1X1A", ago(120), clinical="resolved"), stay=encounter(ago(4))),
    Vignette("Leaving after an overdose that only the visit's reason tells", LEAVE, "The reason of the visit counts.",
             (encounter(ago(0), kind="EMER", reasonCode=[concept(coding(ICD, "T40.1X1A"))]), OUD),
             wanted=((OVERDOSE, None),), forbidden=(CONSIDER,)),
    _treated("Leaving after an overdose with Suboxone on the list", "Treatment goes home.", EMERGENCY, OUD,
             TODAY_FENTANYL, order(drug(SUBOXONE_FILM), ago(0), days=7, category="discharge"), hook=LEAVE),
    # In treatment.
    _treated("Overdose, on buprenorphine since", "Treatment was started after the overdose.", OUD, HEROIN, TREATED),
    _treated("Overdose, on methadone by claims", "In a program.", OUD, HEROIN, procedure(HCPCS, "G2067", ago(3))),
    _treated("Overdose, on methadone in words", "A program reports in words.", OUD, HEROIN,
             statement(concept(text="methadone 90 mg daily per OTP"), ago(90))),
    _treated("Overdose, XR-naltrexone 15 days ago", "Covered.", OUD, HEROIN,
             given(drug(NALTREXONE_INJECTION), ago(15))),
    _treated("Overdose, on methadone tablets with OUD coded", "With OUD coded it is treatment.", OUD, HEROIN,
             order(drug(METHADONE_TABLET), ago(10), days=28)),
    _treated("Overdose, Suboxone dispensed for a month", "A dispense is treatment.", OUD, HEROIN,
             dispense(drug(SUBOXONE_FILM), ago(8), days=28)),
    # No opioid overdose, or not now.
    _silent("Adverse effect of an opioid", "T40.2X5A: taken as prescribed.", problem("T40.2X5A", ago(5))),
    _silent("Adverse effect of fentanyl", "T40.415A: taken as prescribed.", problem("T40.415A", ago(5))),
    _silent("Underdosing of an opioid", "T40.2X6A: too little, not too much.", problem("T40.2X6A", ago(5))),
    _silent("Sequela of an overdose years ago", "Coded this month, happened three years ago.", OUD,
            problem("T40.1X1S", ago(1100), recordedDate=ago(20))),
    _silent("Overdose 14 months ago", "Beyond the year.", OUD, problem("T40.1X1A", ago(425), clinical="resolved")),
    _silent("Overdose in 2024", "Even its last day is beyond the year.", OUD,
            problem("T40.1X1A", "2024", clinical="resolved")),
    _silent("Overdose entered in error", "Never counts.", OUD,
            problem("T40.1X1A", ago(20), clinical=None, verified="entered-in-error")),
    _silent("Overdose refuted", "Not present.", OUD, problem("T40.1X1A", ago(20), verified="refuted")),
    _silent("Alcohol poisoning", "Another substance.", OUD, problem("T51.0X1A", ago(20))),
    _silent("Cocaine poisoning", "Another substance.", OUD, problem("T40.5X1A", ago(20))),
    _silent("Benzodiazepine poisoning", "Another substance.", problem("T42.4X1A", ago(20))),
    _silent("Unspecified poisoning, no opioid evidence", "It may have been anything.", problem("T50.901A", ago(12))),
    _silent("Intoxication without overdose", "F11.129 is no poisoning.", problem("F11.129", ago(12))),
    Vignette("Overdose of another person", VIEW, "Another person's event never counts.", (someone_else(HEROIN),),
             undecided=(OVERDOSE,)),
    Vignette("Toddler who swallowed a tablet", VIEW, "Treatment of OUD is not for a toddler.",
             (problem("T40.2X1A", ago(10)),), person=patient(born="2024-02-01"), forbidden=(OVERDOSE, CONSIDER)),
    Vignette("Person who died of the overdose", LEAVE, "No cards after death.", (EMERGENCY, OUD, TODAY_FENTANYL),
             person=patient(deceasedDateTime=ago(0)), forbidden=(OVERDOSE, SUICIDE, NALOXONE)),
    # Lists that did not come.
    Vignette("Conditions not sent, overdose not known", VIEW, "Without diagnoses nothing can be told.", (),
             unread=("conditions",), undecided=(OVERDOSE,)),
    Vignette("Conditions failed at discharge", LEAVE, "A failed list is not an empty one.", (EMERGENCY,),
             replaced={"conditions": FAILED}, undecided=(OVERDOSE,)),
    Vignette("Leaving after an overdose, no medication list sent", LEAVE, "Treatment and naloxone may be in place.",
             (EMERGENCY, OUD, TODAY_FENTANYL), unread=MEDICATION_LISTS, forbidden=(f"{OVERDOSE}:critical",),
             undecided=(CONSIDER,), never=("no medication treatment was found", "no naloxone was found")),
)  # fmt: skip
