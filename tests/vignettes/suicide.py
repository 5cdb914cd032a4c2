"""A signal of suicide risk comes before everything softer."""

from typing import Any

from tests.vignettes.build import (
    SNOMED,
    TERMINOLOGY,
    Resource,
    ago,
    coding,
    concept,
    observation,
    patient,
    problem,
    procedure,
    score,
    someone_else,
)
from tests.vignettes.charts import OUD, SETTLED, SPRAY, answer, form, panel
from tests.vignettes.vignette import (
    COUNSELING,
    FOLLOW_UP,
    OVERDOSE,
    POSITIVE,
    RECURRENT,
    SCREENING,
    SOCIAL,
    SUICIDE,
    Vignette,
)

VIEW = "patient-view"
CRITICAL = ((SUICIDE, "critical"),)
SOFTER = (FOLLOW_UP, SCREENING, COUNSELING, SOCIAL, POSITIVE, RECURRENT)
NOT_AT_ALL, SEVERAL = ("LA6568-5", "Not at all"), ("LA6569-3", "Several days")
MORE, NEARLY = ("LA6570-1", "More than half the days"), ("LA6571-9", "Nearly every day")
THOUGHTS = problem("R45.851", ago(5))


def _signal(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*SETTLED, *chart), wanted=CRITICAL, forbidden=SOFTER, says=("safety",))


def _none(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*SETTLED, *chart), forbidden=(SUICIDE,))


def _item9(on: str, **more: Any) -> Resource:
    return observation("44260-8", on, **{"category": "survey"} | more)


VIGNETTES = (
    # Item 9 of the PHQ-9, however it is sent.
    _signal("Item 9: 1, integer", "Any answer above none.", _item9(ago(10), valueInteger=1)),
    _signal("Item 9: 2, quantity", "Any answer above none.", score("44260-8", 2, ago(10))),
    _signal("Item 9: 3, text", "Any answer above none.", _item9(ago(10), valueString="3")),
    _signal("Item 9: several days, coded", "LOINC answer codes.", answer("44260-8", ago(10), SEVERAL)),
    _signal("Item 9: more than half the days, coded", "LOINC answer codes.", answer("44260-8", ago(10), MORE)),
    _signal("Item 9: nearly every day, coded", "LOINC answer codes.", answer("44260-8", ago(10), NEARLY)),
    _signal("Item 9 in the panel, integer", "The panel holds the answers.",
            panel("44249-1", ago(10), "44260-8", valueInteger=2)),
    _signal("Item 9 in the panel, coded", "The panel holds the answers.",
            panel("44249-1", ago(10), "44260-8", valueCodeableConcept=concept(coding("http://loinc.org", *SEVERAL)))),
    _signal("Item 9 in a questionnaire, coded", "Some servers store the form and no score.",
            form("44249-1", ago(10), "44260-8", {"valueCoding": coding("http://loinc.org", *MORE)})),
    _signal("Item 9 in a questionnaire, integer", "Some servers store the form and no score.",
            form("44249-1", ago(10), "44260-8", {"valueInteger": 1})),
    _signal("Item 9: 1, preliminary", "Do not wait for the final state.",
            _item9(ago(1), valueInteger=1, status="preliminary")),
    _signal("Item 9: 1, amended", "Amended is final.", _item9(ago(5), valueInteger=1, status="amended")),
    _signal("Item 9: 1, with a total of 5", "A low total does not undo the answer.", _item9(ago(5), valueInteger=1),
            score("44261-6", 5, ago(5))),
    _signal("Item 9: 2, with a total of 19", "One card: safety before the score.", _item9(ago(5), valueInteger=2),
            score("44261-6", 19, ago(5))),
    _signal("Item 9: 0 in summer, 2 now", "The latest counts.", _item9(ago(120), valueInteger=0),
            _item9(ago(5), valueInteger=2)),
    # Other signals.
    _signal("C-SSRS screener positive", "A positive screener.",
            observation("93373-9", ago(4), category="survey",
                        valueCodeableConcept=concept(coding(SNOMED, "10828004"), text="Positive"))),
    _signal("Suicidal thoughts by ICD-10-CM", "Recorded this week.", THOUGHTS),
    _signal("Suicidal thoughts by SNOMED CT", "Recorded this week.", problem("6471006", ago(5), system=SNOMED)),
    _signal("Suicidal thoughts of a visit, no clinical status", "Encounter diagnoses often carry no status.",
            problem("R45.851", ago(5), clinical=None, category="encounter-diagnosis")),
    _signal("Suicide plan by SNOMED CT", "Recorded this week.", problem("247650009", ago(3), system=SNOMED)),
    _signal("Suicide attempt a month ago", "Recent attempt.", problem("T14.91XA", ago(30))),
    _signal("Intentional opioid overdose six weeks ago", "Intent matters for ninety days.",
            problem("T40.2X2A", ago(42), clinical="resolved")),
    _signal("Intentional fentanyl overdose two weeks ago", "Intent matters for ninety days.",
            problem("T40.412A", ago(14), category="encounter-diagnosis", clinical=None)),
    _signal("Intentional methadone overdose by SNOMED CT", "Intent matters for ninety days.",
            problem("242831003", ago(30), system=SNOMED)),
    Vignette("Intentional overdose, not in treatment", VIEW, "Safety and treatment: both.",
             (OUD, SPRAY, problem("T40.1X2A", ago(20), clinical="resolved")),
             wanted=((SUICIDE, "critical"), (OVERDOSE, None)), forbidden=SOFTER),
    Vignette("Person aged 14, item 9 positive", VIEW, "From twelve.", (OUD, SPRAY, _item9(ago(3), valueInteger=2)),
             person=patient(born="2012-03-01"), wanted=CRITICAL, forbidden=SOFTER),
    # What it puts into second place.
    _signal("Suicidal thoughts, without a home, two forms positive", "Softer cards wait.", THOUGHTS,
            problem("Z59.02", ago(40)), score("70274-6", 18, ago(20)), score("102010-6", 5, ago(20))),
    Vignette("Suicidal thoughts, never screened, never counseled", VIEW, "Softer cards wait.",
             (*SETTLED[:2], SPRAY, THOUGHTS), wanted=CRITICAL, forbidden=SOFTER),
    Vignette("Suicidal thoughts after two stays for withdrawal", VIEW, "Softer cards wait.",
             (OUD, SPRAY, THOUGHTS, procedure(SNOMED, "386450006", ago(300)), procedure(SNOMED, "386450006", ago(90)),
              problem("G47.00", ago(40)), problem("R45.84", ago(30))), wanted=CRITICAL, forbidden=SOFTER),
    # No signal.
    _none("Item 9: 0, integer", "Not at all.", _item9(ago(10), valueInteger=0)),
    _none("Item 9: 0, quantity", "Not at all.", score("44260-8", 0, ago(10))),
    _none("Item 9: 0, text", "Not at all.", _item9(ago(10), valueString="0")),
    _none("Item 9: not at all, coded", "LOINC answer codes.", answer("44260-8", ago(10), NOT_AT_ALL)),
    _none("Item 9: not at all, in the panel", "The panel holds the answers.",
          panel("44249-1", ago(10), "44260-8", valueCodeableConcept=concept(coding("http://loinc.org", *NOT_AT_ALL)))),
    _none("Item 9: not at all, in a questionnaire", "Some servers store the form and no score.",
          form("44249-1", ago(10), "44260-8", {"valueCoding": coding("http://loinc.org", *NOT_AT_ALL)})),
    _none("Item 9: 2, cancelled", "Never counts.", _item9(ago(10), valueInteger=2, status="cancelled")),
    _none("Item 9: 2, entered in error", "Never counts.", _item9(ago(10), valueInteger=2, status="entered-in-error")),
    _none("Item 9 in a questionnaire in error", "Never counts.",
          form("44249-1", ago(10), "44260-8", {"valueInteger": 2}, status="entered-in-error")),
    _none("Item 9 declined", "No answer is no signal.", _item9(ago(10),
          dataAbsentReason=concept(coding(f"{TERMINOLOGY}/data-absent-reason", "asked-declined")))),
    _none("Item 9: 2 in summer, 0 now", "The latest counts.", _item9(ago(120), valueInteger=2),
          _item9(ago(5), valueInteger=0)),
    _none("Item 9: 2 fourteen months ago", "No recent signal.", _item9(ago(420), valueInteger=2)),
    _none("PHQ-9 total of 19, item 9 at 0", "A high total is no signal by itself.", score("44261-6", 19, ago(5)),
          _item9(ago(5), valueInteger=0)),
    _none("C-SSRS screener negative", "A negative screener.",
          observation("93373-9", ago(4), category="survey",
                      valueCodeableConcept=concept(coding(SNOMED, "260385009"), text="Negative"))),
    _none("Suicidal thoughts resolved last year", "Past.",
          problem("R45.851", ago(400), clinical="resolved", abatementDateTime=ago(380))),
    _none("Suicidal thoughts refuted", "Not present.", problem("R45.851", ago(5), verified="refuted")),
    _none("Suicidal thoughts entered in error", "Never counts.",
          problem("R45.851", ago(5), clinical=None, verified="entered-in-error")),
    _none("Accidental overdose", "No intent.", problem("T40.2X1A", ago(20), clinical="resolved")),
    _none("Intentional overdose seven months ago", "More than ninety days.",
          problem("T40.2X2A", ago(210), clinical="resolved")),
    _none("Depression alone", "A diagnosis is no signal.", problem("F33.1", ago(100))),
    Vignette("Suicidal thoughts 'active' since three years", VIEW, "A stale entry is no critical alarm.",
             (*SETTLED, problem("R45.851", ago(1100))), forbidden=(f"{SUICIDE}:critical",)),
    Vignette("Intentional overdose 'active' since two years", VIEW, "A stale entry is no critical alarm.",
             (*SETTLED, problem("T40.2X2A", ago(700))), forbidden=(f"{SUICIDE}:critical",)),
    Vignette("Suicidal thoughts of another person", VIEW, "Not this person's; the list may hold further rows.",
             (*SETTLED, someone_else(THOUGHTS)), undecided=(SUICIDE,)),
    Vignette("Item 9 of another person", VIEW, "Not this person's; the list may hold further rows.",
             (*SETTLED, someone_else(_item9(ago(10), valueInteger=3))), undecided=(SUICIDE,)),
    Vignette("Person who has died", VIEW, "No cards after death.", (*SETTLED, THOUGHTS),
             person=patient(deceasedDateTime=ago(2)), forbidden=(SUICIDE,)),
    Vignette("Surveys not sent, suicidal thoughts recorded", VIEW, "What is known is enough.",
             (OUD, SETTLED[1], THOUGHTS), unread=("surveys",), wanted=CRITICAL),
    Vignette("Surveys not sent", VIEW, "Whether an answer was a signal is unknown.", SETTLED[:4], unread=("surveys",),
             undecided=(SUICIDE,)),
)  # fmt: skip
