"""Mental-health screening beside opioid use disorder: one card, and only when a screen is missing."""

from tests.vignettes.build import (
    ICD,
    LOINC,
    PERSON,
    SNOMED,
    Resource,
    ago,
    coding,
    concept,
    drug,
    observation,
    order,
    patient,
    problem,
    procedure,
    score,
    toxicology,
)
from tests.vignettes.vignette import SCREENING, Vignette

VIEW = "patient-view"
OUD = problem("F11.20", ago(400))
DUE = ((SCREENING, "info"),)
PHQ9 = score("44261-6", 4, ago(100))
GAD7 = score("70274-6", 3, ago(100))
PTSD_SCREEN = score("102010-6", 1, ago(200))
HOMELESS = problem("Z59.00", ago(60))
SERTRALINE = order(drug(("312938", "sertraline 100 MG Oral Tablet")), ago(20), days=30, refills=3)


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, VIEW, why, chart, wanted=DUE, says=says)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, chart, forbidden=(SCREENING,))


VIGNETTES = (
    _due("OUD, never screened", "Depression and anxiety are common beside OUD.", OUD, says=("phq-9", "gad-7")),
    _due("In treatment, never screened", "Treatment does not replace screening.", OUD,
         order(drug(("1010604", "buprenorphine / naloxone film")), ago(20), days=30)),
    _due("Early remission, never screened", "Remission within two years.", problem("F11.21", ago(300))),
    _due("PHQ-9 only", "Anxiety is not screened.", OUD, PHQ9, says=("gad-7",)),
    _due("GAD-7 only", "Depression is not screened.", OUD, GAD7, says=("phq-9",)),
    _due("Screens too old", "More than a year.", OUD, score("44261-6", 4, ago(500)), score("70274-6", 3, ago(500))),
    _due("PHQ-9 entered in error", "Never counts.", OUD, score("44261-6", 4, ago(100), status="entered-in-error"),
         GAD7),
    _due("PHQ-9 cancelled", "Never counts.", OUD, score("44261-6", 4, ago(100), status="cancelled"), GAD7),
    _due("PHQ-9 only registered, no score", "Started, not answered.", OUD,
         observation("44261-6", ago(100), category="survey", status="registered"), GAD7),
    _due("Homeless, no PTSD screen", "Trauma is likely: screen for it.", OUD, PHQ9, GAD7, HOMELESS, says=("ptsd",)),
    _due("Screened before withdrawal management two months ago", "After withdrawal the old screens are too old.", OUD,
         procedure(SNOMED, "386450006", ago(60)), score("44261-6", 4, ago(200)), score("70274-6", 3, ago(200))),
    _due("Depression coded, no care found", "Not under care: a screen is due.", OUD, problem("F33.1", ago(200))),
    Vignette("Person aged 13 with OUD", VIEW, "From twelve, with the form for teens.", (OUD,),
             person=patient(born="2013-06-01"), wanted=DUE),
    _silent("Both screens within the year", "Nothing is missing.", OUD, PHQ9, GAD7),
    _silent("Screens as panels", "The panel codes count.", OUD,
            observation("44249-1", ago(100), category="survey", component=[
                {"code": concept(coding(LOINC, "44261-6")), "valueQuantity": {"value": 4}}]),
            observation("69737-5", ago(100), category="survey", component=[
                {"code": concept(coding(LOINC, "70274-6")), "valueQuantity": {"value": 3}}])),
    _silent("Scores as integer and as text", "EHRs send both.", OUD,
            observation("44261-6", ago(100), category="survey", valueInteger=4),
            observation("70274-6", ago(100), category="survey", valueString="3")),
    _silent("PHQ-9 as a questionnaire", "Some servers store the form and no score.", OUD, GAD7,
            {"resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed", "authored": ago(30),
             "questionnaire": "http://loinc.org/q/44249-1", "subject": {"reference": f"Patient/{PERSON}"},
             "item": [{"linkId": "/44261-6", "answer": [{"valueDecimal": 4}]}]}),
    _silent("Amended score", "Amended is final.", OUD, score("44261-6", 4, ago(100), status="amended"), GAD7),
    _silent("Screens with PTSD screen, homeless", "Nothing is missing.", OUD, PHQ9, GAD7, PTSD_SCREEN, HOMELESS),
    _silent("Depression under care", "Measured follow-up instead of screening.", OUD, problem("F33.1", ago(200)),
            SERTRALINE,
            procedure(SNOMED, "75516001", ago(20))),
    _silent("In acute withdrawal", "Scores are inflated: wait.", OUD, problem("F11.23", ago(3))),
    _silent("Screening declined last month", "Not again for a while.", OUD,
            observation("720834000", ago(30), category="survey") | {"code": concept(coding(SNOMED, "720834000"))}),
    _silent("Late remission", "More than two years.", problem("F11.21", ago(1000))),
    _silent("No OUD", "Not about this person.", problem("I10", ago(400), system=ICD)),
    _silent("Positive toxicology alone", "A test asserts no disorder.", toxicology("19295-5", ago(3))),
    _silent("Opioid use without a disorder", "F11.9x is use.", problem("F11.90", ago(40))),
    _silent("OUD refuted", "Not present.", problem("F11.20", ago(90), verified="refuted")),
    _silent("OUD entered in error", "Never counts.", problem("F11.20", ago(90), clinical=None,
            verified="entered-in-error")),
    _silent("Hospice care", "End of life.", OUD, problem("170935008", ago(20), system=SNOMED)),
    Vignette("Child aged 11", VIEW, "Below twelve.", (OUD,), person=patient(born="2015-06-01"), forbidden=(SCREENING,)),
    Vignette("Person who has died", VIEW, "No cards after death.", (OUD,), person=patient(deceasedBoolean=True),
             forbidden=(SCREENING,)),
    Vignette("Surveys not sent", VIEW, "None found says nothing when nobody looked.", (OUD,), unread=("surveys",),
             undecided=(SCREENING,)),
    Vignette("Conditions not sent", VIEW, "Without diagnoses nothing can be told.", (PHQ9,), unread=("conditions",),
             undecided=(SCREENING,)),
)  # fmt: skip
