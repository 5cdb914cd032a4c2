"""Naloxone to take home: who lacks it, what counts as having it, and the card that it joins as a last line."""

from typing import Any

from tests.vignettes.build import (
    BUTRANS,
    CARED_FOR,
    CONTRAVE,
    FAILED,
    HCPCS,
    METHADONE_DISPERSIBLE,
    NALOXONE_SPRAY,
    NALOXONE_VIAL,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    NDC,
    OXYCODONE,
    RXNORM,
    SCREENED,
    SNOMED,
    STAY,
    SUBLOCADE,
    SUBOXONE_FILM,
    Resource,
    ago,
    coding,
    concept,
    contained,
    dispense,
    draft,
    drug,
    encounter,
    given,
    order,
    patient,
    problem,
    procedure,
    statement,
)
from tests.vignettes.vignette import BLAME, CONSIDER, DISCHARGE, MEDICATION_LISTS, NALOXONE, Vignette

VIEW, SIGN, LEAVE = "patient-view", "order-sign", "encounter-discharge"
ADHERENCE, DISCONTINUATION = "naltrexone-adherence", "moud-discontinuation"
HERE: dict[str, Any] = {"encounter": {"reference": f"Encounter/{STAY}"}}
OUD = problem("F11.10", ago(400))
FILM = drug(SUBOXONE_FILM)
TREATED = order(FILM, ago(15), days=30, refills=2, id="bup")
SPRAY = drug(NALOXONE_SPRAY)
IN_CARE = (OUD, TREATED, *CARED_FOR)


def _due(name: str, why: str, *chart: Resource, indicator: str | None = "info") -> Vignette:
    return Vignette(name, VIEW, why, chart, wanted=((NALOXONE, indicator),), says=("naloxone",), never=BLAME)


def _still_due(name: str, why: str, *chart: Resource) -> Vignette:
    """In treatment, cared for, and what is on record is no naloxone to take home."""
    return _due(name, why, *IN_CARE, *chart)


def _has_it(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*IN_CARE, *chart), forbidden=(NALOXONE,))


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, chart, forbidden=(NALOXONE,))


def _joins(name: str, hook: str, why: str, host: tuple[str, str | None], *chart: Resource) -> Vignette:
    """Another card is shown: naloxone is its last line, not a card beside it."""
    return Vignette(name, hook, why, chart, wanted=(host,), forbidden=(NALOXONE,), says=("naloxone",), never=BLAME)


VIGNETTES = (
    # Who lacks it.
    _due("On Suboxone, no naloxone", "Naloxone belongs to treatment.", *IN_CARE),
    _due("On methadone of a program, no naloxone", "Naloxone belongs to treatment.", OUD, *CARED_FOR,
         order(drug(METHADONE_DISPERSIBLE), ago(15), days=28, intent="plan", reportedBoolean=True)),
    _due("Methadone bundle this week, no naloxone", "A claim is treatment.", OUD, *CARED_FOR,
         procedure(HCPCS, "G2067", ago(4))),
    _due("On Sublocade, no naloxone", "Naloxone belongs to treatment.", OUD, *CARED_FOR,
         given(drug(SUBLOCADE), ago(14))),
    _due("Remission for half a year, no treatment", "Tolerance is low: naloxone is worth having.",
         problem("F11.21", ago(200)), *CARED_FOR),
    _due("Remission by SNOMED CT for half a year", "Many problem lists hold SNOMED CT only.",
         problem("191821007", ago(200), system=SNOMED), *CARED_FOR),
    _due("Overdose 17 months ago, no disorder coded", "Within two years of an overdose.",
         problem("T40.2X1A", ago(520), clinical="resolved"), indicator=None),
    _due("On Suboxone, released from prison two weeks ago", "The weeks after release are the most dangerous.", OUD,
         TREATED, problem("Z65.2", ago(14)), *CARED_FOR, indicator="warning"),
    Vignette("Suboxone ordered, no naloxone", SIGN, "The order begins treatment.", (OUD,), (draft(FILM),),
             wanted=((NALOXONE, None),), says=("naloxone",)),
    Vignette("Suboxone and naloxone ordered together", SIGN, "The order set carries it.", (OUD,),
             (draft(FILM), draft(SPRAY)), forbidden=(NALOXONE,)),
    Vignette("Leaving after cellulitis, on Suboxone, no naloxone", LEAVE, "Nobody leaves without it.",
             (encounter(ago(3)), OUD, order(FILM, ago(0), days=14, category="discharge"), TREATED, *CARED_FOR),
             wanted=((NALOXONE, "warning"),), forbidden=(CONSIDER, DISCHARGE), says=("naloxone",), never=BLAME),
    Vignette("Leaving on Suboxone with naloxone on the list", LEAVE, "It goes home.",
             (encounter(ago(3)), OUD, TREATED, order(SPRAY, ago(0), category="discharge"), *CARED_FOR),
             forbidden=(NALOXONE,)),
    # What is no naloxone to take home.
    _still_due("Naloxone vial given in the emergency department", "A rescue dose stays in the department.",
               given(drug(NALOXONE_VIAL), ago(40))),
    _still_due("Naloxone vial ordered on the ward", "A vial for the ward is nothing to take home.",
               order(drug(NALOXONE_VIAL), ago(40), category="inpatient", status="completed")),
    _still_due("Naloxone spray dispensed three years ago", "It has expired or is used.", dispense(SPRAY, ago(1100))),
    _still_due("Naloxone spray ordered in error", "Never counts.", order(SPRAY, ago(40), status="entered-in-error")),
    _still_due("Naloxone spray cancelled", "It was never filled.", order(SPRAY, ago(40), status="cancelled")),
    _still_due("Naloxone spray declined at the counter", "Nothing was handed over.",
               dispense(SPRAY, ago(40), status="declined")),
    _still_due("Naloxone spray not to be given", "doNotPerform orders nothing.",
               order(SPRAY, ago(40), doNotPerform=True)),
    # What counts as having it.
    _has_it("Spray dispensed last year", "Within two years.", dispense(SPRAY, ago(400))),
    _has_it("Spray prescribed in spring", "A prescription counts.", order(SPRAY, ago(220))),
    _has_it("Spray prescription completed", "It was filled.", order(SPRAY, ago(220), status="completed")),
    _has_it("Spray reported at home", "US Core sends home medication as a reported request.",
            order(SPRAY, ago(90), intent="plan", reportedBoolean=True)),
    _has_it("Generic spray as a statement", "Taken home from a program.",
            statement(concept(coding(RXNORM, "1725059")), ago(300))),
    _has_it("Kloxxado dispensed", "Another strength.", dispense(concept(coding(RXNORM, "2540709")), ago(200))),
    _has_it("Auto-injector dispensed", "Another device.", dispense(concept(coding(RXNORM, "1855732")), ago(300))),
    _has_it("Prefilled syringe dispensed", "Another device.", dispense(concept(coding(RXNORM, "1191250")), ago(300))),
    _has_it("Nalmefene spray dispensed", "Another antagonist to take home.",
            dispense(concept(coding(RXNORM, "2639721")), ago(100))),
    _has_it("Narcan bought over the counter, in words", "Free to buy since 2023.",
            statement(concept(text="Narcan 4 mg nasal spray (OTC)"), ago(120))),
    _has_it("Spray by NDC and text", "A dispense often holds an NDC and words.",
            dispense(concept(coding(NDC, "69547-0353-02"), text="naloxone 4 mg/0.1 mL nasal spray"), ago(120))),
    _has_it("Spray in a contained Medication", "The drug stands in the contained resource.",
            order({}, ago(120), **contained({"code": SPRAY}))),
    _has_it("Take-home naloxone claimed by a program", "G2215 says that it was handed out.",
            procedure(HCPCS, "G2215", ago(200))),
    # Nobody asks for it.
    _silent("No opioid on record", "Not about this person.", problem("I10", ago(900))),
    _silent("OUD refuted", "No disorder.", problem("F11.10", ago(90), verified="refuted")),
    _silent("OUD entered in error", "Never counts.",
            problem("F11.10", ago(90), clinical=None, verified="entered-in-error")),
    _silent("Remission three years ago", "Later than a year, no treatment.", problem("F11.21", ago(1100))),
    _silent("Overdose three years ago, nothing since", "Later than two years.",
            problem("T40.2X1A", ago(1100), clinical="resolved")),
    _silent("Adverse effect of an opioid", "T40.2X5A is no overdose.", problem("T40.2X5A", ago(60))),
    _silent("Naltrexone for alcohol use disorder", "No opioid disorder.", problem("F10.20", ago(200)),
            order(drug(NALTREXONE_TABLET), ago(10), days=30)),
    _silent("Contrave for weight", "No opioid disorder.", order(drug(CONTRAVE), ago(10), days=30)),
    _silent("Butrans patch alone", "A low dose, no depressant, no disorder.", problem("G89.4", ago(500)),
            order(drug(BUTRANS), ago(10), days=28)),
    _silent("Short course of oxycodone alone", "A low dose, no depressant, no disorder.",
            order(drug(OXYCODONE), ago(2), days=3)),
    Vignette("Person who has died", VIEW, "No cards after death.", IN_CARE,
             person=patient(deceasedDateTime=ago(1)), forbidden=(NALOXONE,)),
    # The card that it joins.
    _joins("Untreated OUD, no naloxone", VIEW, "One card for both.", (CONSIDER, "info"), OUD, *SCREENED),
    _joins("Leaving after opioid withdrawal, no naloxone", LEAVE, "One card for both.", (DISCHARGE, "warning"),
           encounter(ago(5)), problem("F11.23", ago(4), category="encounter-diagnosis", **HERE), *SCREENED),
    _joins("XR-naltrexone two months late, no naloxone", VIEW, "Tolerance is lost.", (ADHERENCE, "warning"), OUD,
           given(drug(NALTREXONE_INJECTION), ago(60)), *CARED_FOR),
    _joins("Suboxone ended after two months, no naloxone", VIEW, "Risk rises when treatment ends.",
           (DISCONTINUATION, "warning"), OUD, order(FILM, ago(100), days=60, status="completed"), *CARED_FOR),
    Vignette("Untreated OUD, naloxone at home", VIEW, "No card of its own beside the offer.",
             (OUD, dispense(SPRAY, ago(100)), *SCREENED), wanted=((CONSIDER, "info"),), forbidden=(NALOXONE,)),
    # Lists that did not come.
    Vignette("On Suboxone, dispenses failed", VIEW, "Naloxone may have been dispensed.", IN_CARE,
             replaced={"medicationDispenses": FAILED}, undecided=(NALOXONE,),
             never=("no naloxone was found", "no take-home naloxone was found")),
    Vignette("OUD, no medication list sent", VIEW, "Naloxone may be at home.", (OUD, *CARED_FOR),
             unread=MEDICATION_LISTS, forbidden=(f"{NALOXONE}:warning",), undecided=(CONSIDER,),
             never=("no naloxone was found", "no take-home naloxone was found")),
    Vignette("Conditions not sent", VIEW, "Without diagnoses nothing can be told.", CARED_FOR, unread=("conditions",),
             undecided=(NALOXONE,)),
)  # fmt: skip
