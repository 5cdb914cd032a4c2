"""Symptoms that persist after opioid withdrawal: when a follow-up is worth suggesting."""

from tests.vignettes.build import (
    ICD_PROCEDURE,
    SNOMED,
    STAY,
    SUBOXONE_FILM,
    Resource,
    ago,
    drug,
    encounter,
    order,
    patient,
    problem,
    procedure,
    score,
    someone_else,
)
from tests.vignettes.vignette import DISCHARGE, FOLLOW_UP, Vignette

VIEW = "patient-view"
WITHDRAWAL = problem("F11.23", ago(62), clinical="resolved", abatementDateTime=ago(55))
INSOMNIA = problem("G47.00", ago(40))
ANHEDONIA = problem("R45.84", ago(30))
IRRITABLE = problem("R45.4", ago(25))
NAUSEA = problem("R11.0", ago(25))
TIRED = problem("R53.83", ago(25))
NEVER = ("diagnosed with paws", "benzodiazepine is recommended")


def _due(name: str, why: str, *chart: Resource, hook: str = VIEW) -> Vignette:
    return Vignette(name, hook, why, chart, wanted=((FOLLOW_UP, "info"),), never=NEVER)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, chart, forbidden=(FOLLOW_UP,))


VIGNETTES = (
    _due("Sleep and mood, two months after withdrawal", "Two domains after the index.", WITHDRAWAL, INSOMNIA,
         ANHEDONIA),
    _due("Sleep and irritability after withdrawal management", "The procedure with OUD is the index.",
         problem("F11.20", ago(300)), procedure(SNOMED, "386450006", ago(70)), INSOMNIA, IRRITABLE),
    _due("Sleep and mood after remission was coded", "The turn to remission is the index.",
         problem("F11.21", ago(120)), INSOMNIA, ANHEDONIA),
    _due("Sleep and mood after treatment was stopped", "The end of treatment is the index.",
         problem("F11.20", ago(600)), order(drug(SUBOXONE_FILM), ago(150), days=60, status="completed"), INSOMNIA,
                 ANHEDONIA),
    _due("Sleep alone, but a PHQ-9 of 14", "One domain and a raised score.", WITHDRAWAL, INSOMNIA,
         score("44261-6", 14, ago(20))),
    _due("On treatment, sleep and mood persist", "Is the dose enough: worth a look.", WITHDRAWAL, INSOMNIA, ANHEDONIA,
         order(drug(SUBOXONE_FILM), ago(20), days=30)),
    _due("Partial dates", "Month is enough here.", problem("F11.23", "2026-07", clinical="resolved"),
         problem("G47.00", "2026-10"), problem("R45.84", "2026-10")),
    _due("Symptoms without statuses", "A missing status reads as current.", WITHDRAWAL,
         problem("G47.00", ago(40), clinical=None, verified=None),
                 problem("R45.84", ago(30), clinical=None, verified=None)),
    _due("At discharge of a later stay", "The moment to plan follow-up.", WITHDRAWAL, INSOMNIA, ANHEDONIA,
         encounter(ago(2)), hook="encounter-discharge"),
    _silent("Nausea and fatigue only", "Too unspecific.", WITHDRAWAL, NAUSEA, TIRED),
    _silent("Sleep alone", "One domain is not enough.", WITHDRAWAL, INSOMNIA),
    _silent("Two codes of one domain", "Distinct domains are meant.", WITHDRAWAL, INSOMNIA, problem("F51.01", ago(30))),
    _silent("Sleep, and a low PHQ-9", "Score below ten.", WITHDRAWAL, INSOMNIA, score("44261-6", 6, ago(20))),
    _silent("Symptoms from before the withdrawal", "Older than the index and unchanged.", WITHDRAWAL,
            problem("G47.00", ago(700)), problem("R45.84", ago(500))),
    _silent("Symptoms that resolved", "Past.", WITHDRAWAL,
            problem("G47.00", ago(40), clinical="resolved", abatementDateTime=ago(10)),
            problem("R45.84", ago(30), clinical="resolved", abatementDateTime=ago(10))),
    _silent("Symptoms entered in error", "Never count.", WITHDRAWAL,
            problem("G47.00", ago(40), clinical=None, verified="entered-in-error"),
            problem("R45.84", ago(30), clinical=None, verified="entered-in-error")),
    _silent("Symptoms refuted", "Not present.", WITHDRAWAL, INSOMNIA, problem("R45.84", ago(30), verified="refuted")),
    Vignette("Symptoms of another person", VIEW, "Never count; the list may lack rows of this person.",
             (WITHDRAWAL, someone_else(INSOMNIA), someone_else(ANHEDONIA)), undecided=(FOLLOW_UP,)),
    _silent("Withdrawal again last week", "Still acute.", WITHDRAWAL, INSOMNIA, ANHEDONIA, problem("F11.23", ago(6))),
    Vignette("Stable on treatment, remission newly coded", VIEW, "No withdrawal took place: none may be told.",
             (problem("F11.21", ago(90)), order(drug(SUBOXONE_FILM), ago(20), days=30),
              order(drug(SUBOXONE_FILM), ago(400), days=30, refills=11), INSOMNIA, IRRITABLE),
             forbidden=(DISCHARGE,), never=("recorded after opioid withdrawal", "recorded since opioid withdrawal")),
    _silent("Withdrawal ten days ago", "Still acute.", problem("F11.23", ago(10)), problem("G47.00", ago(5)),
            problem("R45.84", ago(5))),
    _silent("Withdrawal three years ago", "Too long ago.", problem("F11.23", ago(1100), clinical="resolved"), INSOMNIA,
            ANHEDONIA),
    _silent("Withdrawal refuted", "No index.", problem("F11.23", ago(62), verified="refuted"), INSOMNIA, ANHEDONIA),
    _silent("No withdrawal at all", "Sleep and mood alone are not this.", INSOMNIA, ANHEDONIA),
    _silent("Alcohol withdrawal only", "No opioid evidence: the procedure names no substance.",
            problem("F10.230", ago(62), clinical="resolved"), procedure(ICD_PROCEDURE, "HZ2ZZZZ", ago(61)), INSOMNIA,
                    ANHEDONIA),
    _silent("Suicidal thoughts recorded", "Safety comes first.", WITHDRAWAL, INSOMNIA, ANHEDONIA,
            problem("R45.851", ago(3))),
    _silent("Psychosis", "Needs another look first.", WITHDRAWAL, INSOMNIA, ANHEDONIA, problem("F20.0", ago(200))),
    _silent("Pregnant: sleep and nausea", "Nausea is explained; one domain is left.", WITHDRAWAL, INSOMNIA, NAUSEA,
            problem("Z33.1", ago(60))),
    _silent("Hospice care", "End of life.", WITHDRAWAL, INSOMNIA, ANHEDONIA,
            problem("170935008", ago(20), system=SNOMED)),
    Vignette("Person who has died", VIEW, "No cards after death.", (WITHDRAWAL, INSOMNIA, ANHEDONIA),
             person=patient(deceasedDateTime=ago(2)), forbidden=(FOLLOW_UP,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (WITHDRAWAL, INSOMNIA, ANHEDONIA),
             person=patient(born="2017-03-01"), forbidden=(FOLLOW_UP,)),
    Vignette("Conditions not sent", VIEW, "Without diagnoses nothing can be told.", (), unread=("conditions",),
             undecided=(FOLLOW_UP,)),
    Vignette("Leaving after withdrawal, sleepless", "encounter-discharge", "Acute: the offer of treatment comes first.",
             (encounter(ago(5)), problem("F11.23", ago(4), encounter={"reference": f"Encounter/{STAY}"}),
              problem("G47.00", ago(3)), problem("R45.84", ago(3))),
             wanted=((DISCHARGE, "warning"),), forbidden=(FOLLOW_UP,)),
)  # fmt: skip
