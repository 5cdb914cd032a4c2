"""More charts of mental-health screening: which screens count, what makes them due again, and who is left alone."""

from tests.vignettes.build import (
    SNOMED,
    Resource,
    ago,
    bundle,
    coding,
    concept,
    drug,
    observation,
    order,
    patient,
    problem,
    procedure,
    score,
    someone_else,
)
from tests.vignettes.charts import COUNSELED, FILM, GAD7, OUD, PHQ9, SCREENED, SPRAY, form, panel
from tests.vignettes.vignette import RECURRENT, SCREENING, SUICIDE, Vignette

VIEW = "patient-view"
DUE = ((SCREENING, "info"),)
OLD = (score("44261-6", 4, ago(200)), score("70274-6", 3, ago(200)))
NEW = (score("44261-6", 4, ago(6)), score("70274-6", 3, ago(6)))
QUETIAPINE = order(drug(("312743", "quetiapine 100 MG Oral Tablet")), ago(20), days=30, refills=3)
STAY_FOR_WITHDRAWAL = procedure(SNOMED, "386450006", ago(60))


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, SPRAY, *chart), wanted=DUE, says=says)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, SPRAY, *chart), forbidden=(SCREENING,))


VIGNETTES = (
    # Due.
    Vignette("OUD by SNOMED CT only, never screened", VIEW, "Many problem lists hold SNOMED CT only.",
             (problem("1336192000", ago(300), system=SNOMED), SPRAY), wanted=DUE),
    Vignette("Mild OUD, never screened", VIEW, "Mild OUD is OUD.", (problem("F11.10", ago(300)), SPRAY), wanted=DUE),
    Vignette("Remission by status, never screened", VIEW, "Remission within two years.",
             (problem("F11.20", ago(300), clinical="remission"), SPRAY), wanted=DUE),
    _due("Suboxone started a month ago, screens older", "A new start is a reason to screen.", *OLD, COUNSELED,
         order(FILM, ago(30), days=30)),
    _due("Return to use two months ago, screens older", "A return to use is a reason to screen.", *OLD,
         problem("F11.20", ago(50), clinical="relapse")),
    _due("Born a baby six weeks ago, screens older", "After birth is a reason to screen.", *OLD,
         problem("Z39.2", ago(40), category="encounter-diagnosis", clinical=None)),
    _due("PHQ-9 preliminary", "Not final yet.", score("44261-6", 4, ago(3), status="preliminary"), GAD7,
         says=("phq-9",)),
    _due("GAD-7 entered in error", "Never counts.", PHQ9, score("70274-6", 3, ago(100), status="entered-in-error"),
         says=("gad-7",)),
    _due("PHQ-9 questionnaire in error", "Never counts.", GAD7,
         form("44249-1", ago(30), "44261-6", {"valueInteger": 4}, status="entered-in-error"), says=("phq-9",)),
    _due("PHQ-9 questionnaire not finished", "Started, not answered.", GAD7,
         form("44249-1", ago(30), "44261-6", {"valueInteger": 4}, status="in-progress"), says=("phq-9",)),
    _due("Abuse in childhood, no PTSD screen", "Trauma: screen for PTSD.", *SCREENED, problem("Z62.810", ago(200)),
         says=("ptsd",)),
    _due("Violence by a partner, no PTSD screen", "Trauma: screen for PTSD.", *SCREENED, problem("Z91.414", ago(200)),
         says=("ptsd",)),
    _due("War, no PTSD screen", "Trauma: screen for PTSD.", *SCREENED, problem("Z65.5", ago(200)), says=("ptsd",)),
    _due("Without a home, PTSD screen three years old", "Longer than two years.", *SCREENED,
         problem("32911000", ago(100), system=SNOMED), score("102010-6", 1, ago(1100)), says=("ptsd",)),
    _due("Screening declined a year ago", "A decline does not last for ever.",
         observation("720834000", ago(365), category="survey") | {"code": concept(coding(SNOMED, "720834000"))}),
    _due("Bipolar disorder refuted, never screened", "Refuted is no diagnosis.",
         problem("F31.9", ago(200), verified="refuted"), QUETIAPINE),
    Vignette("Person aged 64, never screened", VIEW, "At any age from twelve.", (OUD, SPRAY),
             person=patient(born="1962-02-01"), wanted=DUE),
    # Screened.
    _silent("PHQ-2 and GAD-7 within the year", "The short form counts.", score("55758-7", 1, ago(100)), GAD7),
    _silent("PHQ-9 in a panel, GAD-7 as a questionnaire", "Any shape counts.",
            panel("44249-1", ago(90), "44261-6", valueInteger=4),
            form("69737-5", ago(90), "70274-6", {"valueInteger": 3})),
    _silent("PHQ-9 corrected", "Corrected is final.", score("44261-6", 4, ago(100), status="corrected"), GAD7),
    _silent("Both screens as questionnaires, one amended", "Amended is final.",
            form("44249-1", ago(90), "44261-6", {"valueInteger": 4}, status="amended"),
            form("69737-5", ago(90), "70274-6", {"valueInteger": 3})),
    _silent("Suboxone started a month ago, screened since", "Screened after the start.", *NEW, COUNSELED,
            order(FILM, ago(30), days=30)),
    _silent("Withdrawal management two months ago, screened since", "Screened after it.", *NEW, STAY_FOR_WITHDRAWAL),
    _silent("Baby born six weeks ago, screened since", "Screened after it.", *NEW,
            problem("Z39.2", ago(40), category="encounter-diagnosis", clinical=None)),
    _silent("Abuse in childhood, PTSD screen last year", "Nothing is missing.", *SCREENED,
            problem("Z62.810", ago(200)), score("102010-6", 1, ago(300))),
    _silent("War long ago, PCL-5 last year", "The long form counts.", *SCREENED, problem("Z65.5", ago(200)),
            score("101698-9", 12, ago(300))),
    Vignette("Person aged 15, PHQ-9 for teens and GAD-7", VIEW, "The form for teens counts.",
             (OUD, SPRAY, score("89204-2", 4, ago(100)), GAD7), person=patient(born="2011-06-01"),
             forbidden=(SCREENING,)),
    # Not now, or another card.
    _silent("Bipolar disorder in psychiatric care", "Measured follow-up instead.", problem("F31.9", ago(400)),
            QUETIAPINE, procedure(SNOMED, "88848003", ago(25))),
    _silent("Opioid intoxication yesterday", "Scores would mislead: wait.", problem("F11.229", ago(1))),
    _silent("Opioid withdrawal by SNOMED CT this week", "Scores would mislead: wait.",
            problem("87132004", ago(3), system=SNOMED)),
    Vignette("Never screened, suicidal thoughts", VIEW, "Safety first.", (OUD, SPRAY, problem("R45.851", ago(3))),
             wanted=((SUICIDE, "critical"),), forbidden=(SCREENING,)),
    Vignette("Never screened, two stays for withdrawal", VIEW, "One card for both.",
             (OUD, SPRAY, STAY_FOR_WITHDRAWAL, procedure(SNOMED, "386450006", ago(300))),
             wanted=((RECURRENT, None),), forbidden=(SCREENING,)),
    Vignette("Alcohol use disorder only, never screened", VIEW, "Not about OUD.", (problem("F10.20", ago(300)),),
             forbidden=(SCREENING,)),
    Vignette("Dependence of another person", VIEW, "Not this person's; the list may hold further rows.",
             (someone_else(OUD),), undecided=(SCREENING,)),
    # What was not read.
    Vignette("PHQ-9 of another person", VIEW, "Not this person's; the list may hold further rows.",
             (OUD, SPRAY, GAD7, someone_else(PHQ9)), undecided=(SCREENING,)),
    Vignette("Surveys with a further page", VIEW, "The missing screens may stand there.", (OUD, SPRAY),
             replaced={"surveys": bundle([score("75626-2", 1, ago(10))])
                       | {"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}},
             undecided=(SCREENING,)),
    Vignette("Questionnaires not sent", VIEW, "The forms may stand there.", (OUD, SPRAY),
             unread=("questionnaireResponses",), undecided=(SCREENING,)),
    Vignette("Every list null", VIEW, "null is none on record.", (),
             replaced=dict.fromkeys(("conditions", "surveys", "questionnaireResponses")), forbidden=(SCREENING,)),
)  # fmt: skip
