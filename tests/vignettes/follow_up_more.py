"""More charts of symptoms that persist after opioid withdrawal: other codes, scores, and what puts them aside."""

from tests.vignettes.build import (
    HCPCS,
    SNOMED,
    SUBLOCADE,
    Resource,
    ago,
    drug,
    given,
    observation,
    order,
    patient,
    problem,
    procedure,
    score,
    someone_else,
    statement,
)
from tests.vignettes.charts import COUNSELED, FILM, OUD, SPRAY, form
from tests.vignettes.vignette import CONSIDER, DISCHARGE, FOLLOW_UP, MEDICATION_LISTS, SUICIDE, Vignette

VIEW = "patient-view"
INFO = ((FOLLOW_UP, "info"),)
LOW = (score("44261-6", 4, ago(9)), score("70274-6", 3, ago(9)))
WITHDRAWAL = problem("F11.23", ago(62), clinical="resolved", abatementDateTime=ago(55))
INSOMNIA, ANHEDONIA = problem("G47.00", ago(40)), problem("R45.84", ago(30))
SYMPTOMS = (INSOMNIA, ANHEDONIA)
NEVER = ("diagnosed with paws", "paws syndrome", "zolpidem")


def _due(name: str, why: str, *chart: Resource, screens: tuple[Resource, ...] = LOW) -> Vignette:
    return Vignette(name, VIEW, why, (SPRAY, *screens, *chart), wanted=INFO, never=NEVER)


def _silent(name: str, why: str, *chart: Resource, screens: tuple[Resource, ...] = LOW) -> Vignette:
    return Vignette(name, VIEW, why, (SPRAY, *screens, *chart), forbidden=(FOLLOW_UP,))


VIGNETTES = (
    # Codes and domains.
    _due("All by SNOMED CT", "Many problem lists hold SNOMED CT only.",
         problem("87132004", ago(62), system=SNOMED, clinical="resolved", abatementDateTime=ago(55)),
         problem("193462001", ago(40), system=SNOMED), problem("28669007", ago(30), system=SNOMED)),
    _due("Mild OUD with withdrawal", "F11.13 is withdrawal too.",
         problem("F11.13", ago(62), clinical="resolved", abatementDateTime=ago(55)), *SYMPTOMS),
    _due("Concentration and stress", "Two domains.", WITHDRAWAL, problem("R41.840", ago(40)), problem("Z73.3",
         ago(30))),
    _due("Restless legs and sleep", "Two domains.", WITHDRAWAL, INSOMNIA, problem("32914008", ago(30),
         system=SNOMED)),
    _due("Low libido and low mood", "Two domains.", WITHDRAWAL, problem("R68.82", ago(40)), ANHEDONIA),
    _due("Sleep and fatigue", "Fatigue counts beside another domain.", WITHDRAWAL, INSOMNIA, problem("R53.83",
         ago(30))),
    _due("Adjustment disorder and irritability", "Two domains.", WITHDRAWAL, problem("F43.20", ago(40)),
         problem("R45.4", ago(30))),
    _due("Symptoms of visits, no statuses", "Encounter diagnoses often carry no status.", WITHDRAWAL,
         problem("G47.00", ago(40), clinical=None, category="encounter-diagnosis"),
         problem("R45.84", ago(30), clinical=None, category="encounter-diagnosis")),
    _due("Pregnant, sleep and low mood", "Pregnancy explains nausea and fatigue, not these.", WITHDRAWAL, *SYMPTOMS,
         problem("Z33.1", ago(50))),
    # Where it began.
    _due("After residential withdrawal management, by claim", "H0010 with OUD coded.", OUD,
         procedure(HCPCS, "H0010", ago(80)), *SYMPTOMS),
    _due("Withdrawal twenty-one months ago", "Within two years.",
         problem("F11.23", ago(640), clinical="resolved", abatementDateTime=ago(630)), *SYMPTOMS),
    _due("After Suboxone ended four months ago, as reported", "The end of treatment is the index.", OUD,
         statement(FILM, ago(400), status="completed", effectivePeriod={"start": ago(400), "end": ago(120)}),
         *SYMPTOMS),
    _due("After Sublocade, last dose five months ago", "The end of the depot is the index.", OUD,
         given(drug(SUBLOCADE), ago(188)), given(drug(SUBLOCADE), ago(160)), *SYMPTOMS),
    _due("Three weeks after withdrawal, in treatment", "Past the acute phase.",
         problem("F11.23", ago(24), clinical="resolved", abatementDateTime=ago(18)), order(FILM, ago(18), days=30),
         COUNSELED, problem("G47.00", ago(8)), problem("R45.84", ago(6)),
         screens=(score("44261-6", 4, ago(4)), score("70274-6", 3, ago(4)))),
    # One domain and a score.
    _due("Sleep and a GAD-7 of 14", "One domain and a raised score.", WITHDRAWAL, INSOMNIA,
         screens=(LOW[0], score("70274-6", 14, ago(9)))),
    _due("Sleep and a PHQ-9 of 14 as text", "EHRs send it so.", WITHDRAWAL, INSOMNIA,
         screens=(LOW[1], observation("44261-6", ago(9), category="survey", valueString="14"))),
    _due("Sleep and a PHQ-9 of 14 as a questionnaire", "Some servers store the form and no score.", WITHDRAWAL,
         INSOMNIA, screens=(LOW[1], form("44249-1", ago(9), "44261-6", {"valueInteger": 14}))),
    _silent("Sleep and a PHQ-9 of 14, preliminary", "Not final yet.", WITHDRAWAL, INSOMNIA,
            screens=(LOW[1], score("44261-6", 14, ago(3), status="preliminary"))),
    _silent("Sleep and a PHQ-9 of 14, cancelled", "Never counts.", WITHDRAWAL, INSOMNIA,
            screens=(LOW[1], score("44261-6", 14, ago(9), status="cancelled"))),
    _silent("Sleep and a PHQ-9 of 14, then 4", "A newer low score supersedes it.", WITHDRAWAL, INSOMNIA,
            score("44261-6", 14, ago(38))),
    # Not enough, or something else.
    _silent("Nausea and tiredness by SNOMED CT and ICD-10-CM", "Too unspecific.", WITHDRAWAL, problem("R11.0",
            ago(30)), problem("84229001", ago(30), system=SNOMED)),
    _silent("Nervousness and worries", "Two codes of one domain.", WITHDRAWAL, problem("R45.0", ago(30)),
            problem("R45.82", ago(25))),
    _silent("Symptoms inactive", "Past.", WITHDRAWAL, problem("G47.00", ago(40), clinical="inactive"),
            problem("R45.84", ago(30), clinical="inactive")),
    _silent("Withdrawal management not done", "No index.", OUD,
            procedure(SNOMED, "386450006", ago(70), status="not-done"), *SYMPTOMS),
    _silent("Withdrawal management entered in error", "No index.", OUD,
            procedure(SNOMED, "386450006", ago(70), status="entered-in-error"), *SYMPTOMS),
    _silent("Withdrawal management planned only", "No index.", OUD,
            procedure(SNOMED, "386450006", ago(70), status="preparation"), *SYMPTOMS),
    _silent("Sedative withdrawal", "Not an opioid.",
            problem("F13.230", ago(62), clinical="resolved", abatementDateTime=ago(55)), *SYMPTOMS),
    _silent("In treatment without a break", "No withdrawal, no end of treatment.", OUD, COUNSELED,
            order(FILM, ago(300), days=30, refills=11), *SYMPTOMS),
    Vignette("Three weeks after withdrawal, untreated", VIEW, "The offer of treatment comes first.",
             (OUD, SPRAY, *LOW, procedure(SNOMED, "386450006", ago(20)), problem("G47.00", ago(5)),
              problem("R45.84", ago(4))), wanted=((DISCHARGE, None),), forbidden=(FOLLOW_UP, CONSIDER)),
    Vignette("Item 9 positive", VIEW, "Safety first.",
             (SPRAY, *LOW, WITHDRAWAL, *SYMPTOMS, observation("44260-8", ago(9), category="survey", valueInteger=1)),
             wanted=((SUICIDE, "critical"),), forbidden=(FOLLOW_UP,)),
    _silent("Psychosis by SNOMED CT", "Needs another look first.", WITHDRAWAL, *SYMPTOMS,
            problem("58214004", ago(200), system=SNOMED)),
    # Not for this person, or not read.
    Vignette("Person who has died", VIEW, "No cards after death.", (WITHDRAWAL, *SYMPTOMS),
             person=patient(deceasedBoolean=True), forbidden=(FOLLOW_UP,)),
    Vignette("Withdrawal of another person", VIEW, "Not this person's; the list may hold further rows.",
             (SPRAY, *LOW, someone_else(WITHDRAWAL), *SYMPTOMS), undecided=(FOLLOW_UP,)),
    Vignette("Sleep alone, surveys not sent", VIEW, "A raised score may stand there.",
             (SPRAY, WITHDRAWAL, INSOMNIA), unread=("surveys",), undecided=(FOLLOW_UP,)),
    Vignette("OUD with symptoms, no medication list sent", VIEW, "Treatment may have ended.", (OUD, *LOW, *SYMPTOMS),
             unread=MEDICATION_LISTS, undecided=(FOLLOW_UP,)),
    Vignette("OUD with symptoms, procedures not sent", VIEW, "Withdrawal management may stand there.",
             (OUD, SPRAY, *LOW, *SYMPTOMS), unread=("procedures",), undecided=(FOLLOW_UP,)),
)  # fmt: skip
