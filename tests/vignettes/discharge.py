"""Leaving after medically managed withdrawal: who must not leave without an offer of treatment."""

from typing import Any

from tests.vignettes.build import (
    CLONIDINE,
    HCPCS,
    ICD_PROCEDURE,
    METHADONE_TABLET,
    NALOXONE_SPRAY,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    SNOMED,
    STAY,
    SUBLOCADE,
    SUBOXONE_FILM,
    Resource,
    ago,
    dispense,
    drug,
    encounter,
    given,
    order,
    patient,
    problem,
    procedure,
    statement,
    status_of,
)
from tests.vignettes.vignette import CONSIDER, DISCHARGE, FOLLOW_UP, MEDICATION_LISTS, Vignette

LEAVE, VIEW = "encounter-discharge", "patient-view"
HERE: dict[str, Any] = {"encounter": {"reference": f"Encounter/{STAY}"}}
HERE_GIVEN: dict[str, Any] = {"context": {"reference": f"Encounter/{STAY}"}}
STAYING = encounter(ago(5))
OUD = problem("F11.20", ago(300))
WITHDRAWAL = problem("F11.23", ago(4), category="encounter-diagnosis", **HERE)
MANAGED = procedure(SNOMED, "386450006", ago(3), **HERE)
UNSPECIFIC = procedure(ICD_PROCEDURE, "HZ2ZZZZ", ago(3), **HERE)
ALCOHOL = problem("F10.230", ago(4), category="encounter-diagnosis", **HERE)
FILM = drug(SUBOXONE_FILM)


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, LEAVE, why, (STAYING, *chart), wanted=((DISCHARGE, "warning"),),
                    forbidden=(CONSIDER, FOLLOW_UP), says=says)  # fmt: skip


def _silent(name: str, why: str, *chart: Resource, hook: str = LEAVE) -> Vignette:
    return Vignette(name, hook, why, (STAYING, *chart), forbidden=(DISCHARGE,))


VIGNETTES = (
    _due("Opioid withdrawal in this stay", "Withdrawal management alone is not treatment.", WITHDRAWAL, OUD),
    _due("Opioid withdrawal in this stay, no other diagnosis", "F11.23 is OUD and withdrawal in one code.", WITHDRAWAL),
    _due("Withdrawal management by SNOMED procedure", "Paired with the diagnosis.", MANAGED, OUD),
    _due("Withdrawal management by ICD-10-PCS", "Paired with the diagnosis.", UNSPECIFIC, OUD),
    _due("Withdrawal management by HCPCS", "Paired with the diagnosis.", procedure(HCPCS, "H0009", ago(3)), OUD),
    _due("Alcohol and opioid withdrawal together", "Stabilise first; the offer stands.", WITHDRAWAL, ALCOHOL, OUD),
    Vignette("Person leaves before the planned end", LEAVE, "The offer is still due.",
             (encounter(ago(5), hospitalization={"dischargeDisposition": status_of("discharge-disposition",
                 "aadvice")}),
              WITHDRAWAL, OUD), wanted=((DISCHARGE, "warning"),), forbidden=(CONSIDER,)),
    _due("Buprenorphine taper on the ward only",
         "An inpatient taper ends at the door: nothing is on the discharge list.",
         WITHDRAWAL, OUD,
         order(FILM, ago(4), category="inpatient", status="completed", **HERE),
         given(FILM, ago(4), **HERE_GIVEN), given(FILM, ago(3), **HERE_GIVEN), given(FILM, ago(2), **HERE_GIVEN)),
    _due("Suboxone long stopped", "Past treatment does not cover this discharge.", WITHDRAWAL, OUD,
         order(FILM, ago(400), days=30, status="stopped")),
    _due("Suboxone not taken", "Not taken is not treatment.", WITHDRAWAL, OUD,
         statement(FILM, ago(200), status="not-taken")),
    _due("Withdrawal without statuses", "A missing status reads as current.",
         problem("F11.23", ago(3), clinical=None, verified=None, category="encounter-diagnosis", **HERE)),
    Vignette("Three weeks after withdrawal management", VIEW, "The offer is still due a month later.",
             (OUD, procedure(SNOMED, "386450006", ago(20))), wanted=((DISCHARGE, None),), forbidden=(CONSIDER,)),
    Vignette("Two months after withdrawal management", VIEW, "Beyond thirty days the general card stands.",
             (OUD, procedure(SNOMED, "386450006", ago(60))), wanted=((CONSIDER, "info"),), forbidden=(DISCHARGE,)),
    Vignette("Discharge for another reason, withdrawal two months ago", LEAVE, "Not of this stay.",
             (STAYING, OUD, problem("F11.23", ago(60), clinical="resolved", abatementDateTime=ago(50))),
             wanted=((CONSIDER, None),), forbidden=(DISCHARGE,)),
    _silent("Suboxone on the discharge list", "Treatment goes home with the person.", WITHDRAWAL, OUD,
            order(FILM, ago(0), days=14, category="discharge")),
    _silent("XR-naltrexone given in this stay", "Covered for a month.", WITHDRAWAL, OUD,
            given(drug(NALTREXONE_INJECTION), ago(0), **HERE_GIVEN)),
    _silent("Methadone bundle claimed this week", "In a program.", WITHDRAWAL, OUD,
            procedure(HCPCS, "G2067", ago(5))),
    _silent("Suboxone from home, by text", "Reported in words.", WITHDRAWAL, OUD,
            statement({"text": "Suboxone 8-2 film BID"}, ago(100))),
    _silent("Two weeks of Suboxone handed over at the bedside", "The supply goes home.", WITHDRAWAL, OUD,
            dispense(FILM, ago(0), days=14)),
    _silent("Suboxone from home goes on", "The home prescription is open.", WITHDRAWAL, OUD,
            order(FILM, ago(40), days=28, refills=3), given(FILM, ago(2), **HERE_GIVEN)),
    _silent("Alcohol withdrawal only", "No opioid evidence: the procedure code names no substance.", ALCOHOL,
            UNSPECIFIC),
    _silent("Alcohol withdrawal and SNOMED detoxification", "No opioid evidence.", ALCOHOL, MANAGED),
    _silent("Sedative withdrawal only", "No opioid evidence.", problem("F13.230", ago(4), **HERE), UNSPECIFIC),
    _silent("Withdrawal management, no diagnosis at all", "No opioid evidence.", UNSPECIFIC),
    _silent("Withdrawal refuted", "Not present.",
            problem("F11.23", ago(4), verified="refuted", category="encounter-diagnosis", **HERE)),
    _silent("Withdrawal entered in error", "Never counts.",
            problem("F11.23", ago(4), clinical=None, verified="entered-in-error", **HERE)),
    _silent("Withdrawal management entered in error", "Never counts.", OUD,
            procedure(SNOMED, "386450006", ago(3), status="entered-in-error", **HERE)),
    _silent("Withdrawal management not done", "Not done.", OUD,
            procedure(SNOMED, "386450006", ago(3), status="not-done", **HERE)),
    _silent("Remission, discharged for surgery", "No withdrawal.", problem("F11.21", ago(300))),
    Vignette("Prescribed opioid withdrawn, no disorder", LEAVE, "F11.93 is use and withdrawal, no disorder: assess.",
             (STAYING, problem("F11.93", ago(4), **HERE), problem("G89.4", ago(900))), forbidden=(CONSIDER,),
             wanted=((DISCHARGE, None),), says=("assess",), never=("offer it now",)),
    _silent("Old withdrawal diagnosis, discharged for surgery", "Still 'active' on the problem list, two years old.",
            problem("F11.23", ago(700))),
    _silent("Hospice care", "End of life.", WITHDRAWAL, OUD, problem("170935008", ago(5), system=SNOMED)),
    Vignette("Person who died in this stay", LEAVE, "No cards after death.", (STAYING, WITHDRAWAL, OUD),
             person=patient(deceasedDateTime=ago(0)), forbidden=(DISCHARGE, CONSIDER)),
    _due("Naloxone given in the emergency department", "A rescue dose is no treatment.", WITHDRAWAL, OUD,
         given(drug(NALOXONE_SPRAY), ago(5), **HERE_GIVEN)),
    _due("Methadone for three days on the ward", "Emergency doses end at the door.", WITHDRAWAL, OUD,
         given(drug(METHADONE_TABLET), ago(4), **HERE_GIVEN), given(drug(METHADONE_TABLET), ago(3), **HERE_GIVEN)),
    _due("Clonidine and lofexidine on the ward", "Symptom relief is no treatment.", WITHDRAWAL, OUD,
         given(drug(CLONIDINE), ago(3), **HERE_GIVEN), given({"text": "Lucemyra 0.18 mg"}, ago(2), **HERE_GIVEN)),
    _due("Suboxone of another hospital stay", "That order ended with that stay.", WITHDRAWAL, OUD,
         encounter(ago(90), ago(80), id="old"),
         order(FILM, ago(89), category="inpatient", encounter={"reference": "Encounter/old"})),
    _silent("Naltrexone tablets on the discharge list", "Treatment goes home with the person.", WITHDRAWAL, OUD,
            order(drug(NALTREXONE_TABLET), ago(0), days=30, category="discharge")),
    _silent("Sublocade given in this stay", "Covered for a month.", WITHDRAWAL, OUD,
            given(drug(SUBLOCADE), ago(1), **HERE_GIVEN)),
    _silent("Suboxone planned after discharge", "A draft of the discharge list.", WITHDRAWAL, OUD,
            order(FILM, ago(0), status="draft", category="discharge")),
    Vignette("Maintained on the ward, dose today, nothing to take home", LEAVE,
             "No supply goes home; never 'untreated'.",
             (STAYING, WITHDRAWAL, OUD, given(FILM, ago(1), **HERE_GIVEN), given(FILM, ago(0), **HERE_GIVEN)),
             forbidden=(CONSIDER,)),
    Vignette("Person who died in this stay, by the disposition", LEAVE, "The death is known before the chart says so.",
             (encounter(ago(5), hospitalization={"dischargeDisposition": status_of("discharge-disposition", "exp")}),
              WITHDRAWAL, OUD), forbidden=(DISCHARGE, CONSIDER)),
    Vignette("Newborn coded with opioid withdrawal", LEAVE, "Newborn withdrawal is another matter.",
             (STAYING, problem("87132004", ago(3), system=SNOMED)), person=patient(born=ago(4)),
             forbidden=(DISCHARGE, CONSIDER, FOLLOW_UP)),
    Vignette("Child aged 9", LEAVE, "Below every labeled age.", (STAYING, WITHDRAWAL),
             person=patient(born="2017-03-01"),
             forbidden=(DISCHARGE, CONSIDER)),
    Vignette("Conditions not sent", LEAVE, "Without diagnoses nothing can be told.", (STAYING, MANAGED),
             unread=("conditions",), undecided=(DISCHARGE,)),
    Vignette("No medication list sent", LEAVE, "Whether treatment goes home is unknown.", (STAYING, WITHDRAWAL, OUD),
             unread=MEDICATION_LISTS, undecided=(CONSIDER,), never=("no medication treatment was found",)),
)  # fmt: skip
