"""An opioid and a drug that slows breathing meet: for pain a warning, for treatment never a reason to withhold it."""

from tests.vignettes.build import (
    ALPRAZOLAM,
    BUTRANS,
    CARED_FOR,
    CLONAZEPAM,
    DIAZEPAM,
    FAILED,
    GABAPENTIN,
    HCPCS,
    HYDROCODONE,
    IBUPROFEN,
    LORAZEPAM,
    METHADONE_TABLET,
    MIDAZOLAM_INJECTION,
    NALOXONE_AT_HOME,
    NALOXONE_SPRAY,
    NALTREXONE_TABLET,
    OXYCODONE,
    RXNORM,
    SNOMED,
    STAY,
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
    someone_else,
    statement,
)
from tests.vignettes.vignette import BLAME, DEPRESSANT, MEDICATION_LISTS, NALOXONE, Vignette

VIEW, SELECT, SIGN = "patient-view", "order-select", "order-sign"
OUD = problem("F11.10", ago(400))
PAIN = problem("G89.4", ago(900))
ANXIOUS = problem("F41.1", ago(700))
FILM = drug(SUBOXONE_FILM)
ON_OXYCODONE = order(drug(OXYCODONE), ago(12), days=30)
ON_ALPRAZOLAM = order(drug(ALPRAZOLAM), ago(12), days=30)
ON_BUPRENORPHINE = order(FILM, ago(15), days=30)
PILL = draft(drug(OXYCODONE))
CALMING = draft(drug(LORAZEPAM))
PLAIN = draft(drug(IBUPROFEN))
ZOLPIDEM = ("854873", "zolpidem tartrate 10 MG Oral Tablet")
CARISOPRODOL = ("197446", "carisoprodol 350 MG Oral Tablet")
PHENOBARBITAL = ("198089", "phenobarbital 60 MG Oral Tablet")
PREGABALIN = ("483450", "pregabalin 75 MG Oral Capsule")
ABRUPT = ("stop the benzodiazepine today", "stop the opioid today", "discontinue immediately", "stop both at once")
WITHHOLDING = ("withhold buprenorphine until", "withhold methadone until", "until the benzodiazepine is stopped",
               "buprenorphine is contraindicated", "methadone is contraindicated")  # fmt: skip
NEVER = (*BLAME, *ABRUPT)
NOT_CRITICAL = (f"{DEPRESSANT}:critical",)


def _card(indicator: str | None, name: str, why: str, ordered: Resource, *chart: Resource,
          says: tuple[str, ...] = ()) -> Vignette:  # fmt: skip
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (ordered,), wanted=((DEPRESSANT, indicator),),
                    forbidden=NOT_CRITICAL, says=says, never=NEVER)  # fmt: skip


def _treatment(name: str, why: str, ordered: Resource, *chart: Resource) -> Vignette:
    """Treatment of OUD beside a benzodiazepine: the card says that treatment goes on (FDA 2017)."""
    return Vignette(name, SIGN, why, (OUD, NALOXONE_AT_HOME, *chart), (ordered,), wanted=((DEPRESSANT, None),),
                    forbidden=NOT_CRITICAL, says=("withhold",), never=(*NEVER, *WITHHOLDING))  # fmt: skip


def _silent(name: str, why: str, ordered: Resource, *chart: Resource) -> Vignette:
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (ordered,), forbidden=(DEPRESSANT,))


VIGNETTES = (
    # An opioid for pain and a benzodiazepine.
    _card("warning", "Oxycodone ordered, alprazolam on the list", "Boxed warning of both drugs.", PILL, ON_ALPRAZOLAM,
          ANXIOUS, says=("alprazolam",)),
    _card("warning", "Lorazepam ordered, oxycodone on the list", "The other way round.", CALMING, ON_OXYCODONE, PAIN,
          says=("oxycodone",)),
    _card("warning", "Hydrocodone ordered, clonazepam dispensed last week", "A dispense is evidence of use.",
          draft(drug(HYDROCODONE)), dispense(drug(CLONAZEPAM), ago(7), days=30)),
    _card("warning", "Oxycodone ordered, diazepam as a statement", "Taken as reported.", PILL,
          statement(drug(DIAZEPAM), ago(60))),
    _card("warning", "Oxycodone ordered, alprazolam by ingredient", "An ingredient code is enough.", PILL,
          order(concept(coding(RXNORM, "596", "alprazolam")), ago(10), days=30)),
    _card("warning", "Oxycodone in a contained Medication, alprazolam on the list",
          "The drug stands in the contained resource.", draft(None, **contained({"code": drug(OXYCODONE)})),
          ON_ALPRAZOLAM),
    Vignette("Oxycodone ordered for a person of 76 on alprazolam, with sleep apnea", SIGN, "Age and apnea add risk.",
             (ON_ALPRAZOLAM, problem("G47.33", ago(500)), NALOXONE_AT_HOME), (PILL,), person=patient(born="1950-03-09"),
             wanted=((DEPRESSANT, "warning"),), never=NEVER),
    _card(None, "Oxycodone ordered, Xanax in words", "Text must not be overlooked.", PILL,
          statement(concept(text="Xanax 1 mg as needed (outside psychiatrist)"), ago(40))),
    _card(None, "Percocet ordered in words, alprazolam on the list", "Text must not be overlooked.",
          draft(concept(text="Percocet 5-325 mg tablet")), ON_ALPRAZOLAM),
    _card(None, "Lorazepam ordered, Butrans patch on the list", "A buprenorphine patch is an opioid.", CALMING, PAIN,
          order(drug(BUTRANS), ago(10), days=28)),
    Vignette("Oxycodone ordered, alprazolam on the list, no naloxone", SIGN, "The naloxone line joins this card.",
             (ON_ALPRAZOLAM,), (PILL,), wanted=((DEPRESSANT, "warning"),), forbidden=(NALOXONE,), says=("naloxone",),
             never=NEVER),
    # Other drugs that slow breathing.
    _card(None, "Oxycodone ordered, zolpidem on the list", "A sleeping pill adds to it.", PILL,
          order(drug(ZOLPIDEM), ago(10), days=30), says=("zolpidem",)),
    _card(None, "Oxycodone ordered, gabapentin on the list", "FDA warning of 2019.", PILL,
          order(drug(GABAPENTIN), ago(10), days=30), says=("gabapentin",)),
    _card(None, "Pregabalin ordered, oxycodone on the list", "The other way round.", draft(drug(PREGABALIN)),
          ON_OXYCODONE),
    _card(None, "Oxycodone ordered, carisoprodol on the list", "A sedating muscle relaxant.", PILL,
          order(drug(CARISOPRODOL), ago(10), days=30)),
    _card(None, "Oxycodone ordered, phenobarbital on the list", "A barbiturate.", PILL,
          order(drug(PHENOBARBITAL), ago(10), days=30)),
    _card("warning", "Oxycodone ordered, alprazolam and gabapentin on the list", "Two classes beside the opioid.",
          PILL, ON_ALPRAZOLAM, order(drug(GABAPENTIN), ago(10), days=30)),
    _card("warning", "Zolpidem ordered, oxycodone and gabapentin on the list", "Two classes beside the opioid.",
          draft(drug(ZOLPIDEM)), ON_OXYCODONE, order(drug(GABAPENTIN), ago(10), days=30)),
    # Treatment of OUD and a benzodiazepine.
    _treatment("Lorazepam ordered, on Suboxone", "Careful management; treatment goes on.", CALMING, ON_BUPRENORPHINE),
    _treatment("Suboxone ordered, clonazepam on the list", "Do not withhold treatment.", draft(FILM),
               order(drug(CLONAZEPAM), ago(10), days=30)),
    _treatment("Diazepam ordered, methadone bundle this week", "Careful management; treatment goes on.",
               draft(drug(DIAZEPAM)), procedure(HCPCS, "G2067", ago(4))),
    _treatment("Methadone ordered for OUD, alprazolam on the list", "Do not withhold treatment.",
               draft(drug(METHADONE_TABLET)), ON_ALPRAZOLAM),
    Vignette("On Suboxone and clonazepam", VIEW, "Worth knowing; treatment goes on.",
             (OUD, ON_BUPRENORPHINE, order(drug(CLONAZEPAM), ago(10), days=30), NALOXONE_AT_HOME, *CARED_FOR),
             wanted=((DEPRESSANT, "info"),), says=("withhold",), never=(*NEVER, *WITHHOLDING)),
    # Seen on opening the chart.
    Vignette("On oxycodone and alprazolam", VIEW, "Worth knowing.", (PAIN, ON_OXYCODONE, ON_ALPRAZOLAM,
             NALOXONE_AT_HOME), wanted=((DEPRESSANT, "info"),), forbidden=(f"{DEPRESSANT}:warning", *NOT_CRITICAL),
             never=NEVER),
    Vignette("On oxycodone and alprazolam, no naloxone", VIEW, "The naloxone line joins this card.",
             (PAIN, ON_OXYCODONE, ON_ALPRAZOLAM), wanted=((DEPRESSANT, "info"),), forbidden=(NALOXONE,),
             says=("naloxone",)),
    Vignette("On oxycodone only", VIEW, "One drug is no pair.", (PAIN, ON_OXYCODONE), forbidden=(DEPRESSANT,)),
    Vignette("On alprazolam only", VIEW, "One drug is no pair.", (ANXIOUS, ON_ALPRAZOLAM), forbidden=(DEPRESSANT,)),
    Vignette("On oxycodone and alprazolam in hospice care", VIEW, "End of life.",
             (ON_OXYCODONE, ON_ALPRAZOLAM, problem("170935008", ago(20), system=SNOMED)), forbidden=(DEPRESSANT,)),
    # Which order is meant.
    Vignette("Oxycodone selected beside ibuprofen", SELECT, "The chosen order.", (ON_ALPRAZOLAM, NALOXONE_AT_HOME),
             (PLAIN, PILL), (1,), wanted=((DEPRESSANT, "warning"),)),
    Vignette("Ibuprofen selected, oxycodone not", SELECT, "Nothing on record makes a pair.",
             (ON_ALPRAZOLAM, NALOXONE_AT_HOME), (PLAIN, PILL), (0,), forbidden=(DEPRESSANT,)),
    _silent("Oxycodone ordered, nothing else", "One drug is no pair.", PILL),
    _silent("Lorazepam ordered, nothing else", "One drug is no pair.", CALMING, ANXIOUS),
    _silent("Alprazolam renewed", "The drug ordered is no pair with itself.",
            draft(drug(ALPRAZOLAM), priorPrescription={"reference": "MedicationRequest/alp"}),
            order(drug(ALPRAZOLAM), ago(28), days=30, id="alp")),
    _silent("Oxycodone renewed", "The drug ordered is no pair with itself.",
            draft(drug(OXYCODONE), priorPrescription={"reference": "MedicationRequest/oxy"}),
            order(drug(OXYCODONE), ago(28), days=30, id="oxy")),
    _silent("Oxycodone being stopped, alprazolam on the list", "Stopping makes no pair.",
            draft(drug(OXYCODONE), status="stopped"), ON_ALPRAZOLAM),
    _silent("Naloxone spray ordered, alprazolam on the list", "Rescue is welcome.", draft(drug(NALOXONE_SPRAY)),
            ON_ALPRAZOLAM),
    _silent("Naltrexone ordered, alprazolam on the list", "An antagonist does not slow breathing.",
            draft(drug(NALTREXONE_TABLET)), ON_ALPRAZOLAM, problem("F10.20", ago(200))),
    _silent("Loperamide ordered, alprazolam on the list", "No opioid effect beyond the gut.",
            draft(concept(coding(RXNORM, "6468", "loperamide"))), ON_ALPRAZOLAM),
    _silent("Oxycodone ordered, hydroxyzine on the list", "None of the classes meant.", PILL,
            order(concept(text="hydroxyzine 25 mg tablet"), ago(10), days=30)),
    _silent("Oxycodone ordered, sleep apnea only", "A risk, but no second drug.", PILL, problem("G47.33", ago(300))),
    # Never a pair.
    _silent("Oxycodone ordered after a colonoscopy with midazolam", "One dose in a procedure is no co-prescription.",
            PILL, given(drug(MIDAZOLAM_INJECTION), ago(1))),
    Vignette("Midazolam ordered for a procedure, oxycodone on the list", SIGN,
             "One dose in a procedure is no co-prescription.", (encounter(ago(0)), ON_OXYCODONE, NALOXONE_AT_HOME),
             (draft(drug(MIDAZOLAM_INJECTION), category="inpatient", encounter={"reference": f"Encounter/{STAY}"}),),
             forbidden=(DEPRESSANT,)),
    _silent("Lorazepam ordered in hospice care, oxycodone on the list", "End of life.", CALMING, ON_OXYCODONE,
            problem("170935008", ago(20), system=SNOMED)),
    _silent("Oxycodone ordered, alprazolam stopped half a year ago", "Long past.", PILL,
            order(drug(ALPRAZOLAM), ago(220), days=30, status="stopped")),
    _silent("Oxycodone ordered, alprazolam entered in error", "Never counts.", PILL,
            order(drug(ALPRAZOLAM), ago(10), days=30, status="entered-in-error")),
    _silent("Oxycodone ordered, alprazolam not taken", "The person does not take it.", PILL,
            statement(drug(ALPRAZOLAM), ago(10), status="not-taken")),
    _silent("Oxycodone ordered, lorazepam of a stay two months ago", "That order ended with that stay.", PILL,
            encounter(ago(70), ago(62), id="old"), encounter(ago(0), kind="AMB"),
            order(drug(LORAZEPAM), ago(69), category="inpatient", encounter={"reference": "Encounter/old"})),
    Vignette("Oxycodone ordered, alprazolam of another person", SIGN, "Another person's drug is not named.",
             (someone_else(ON_ALPRAZOLAM), NALOXONE_AT_HOME), (PILL,), forbidden=NOT_CRITICAL, never=("alprazolam",)),
    Vignette("Person who has died", SIGN, "No cards after death.", (ON_ALPRAZOLAM,), (PILL,),
             person=patient(deceasedDateTime=ago(1)), forbidden=(DEPRESSANT,)),
    # Lists that did not come.
    Vignette("Oxycodone ordered, no medication list sent", SIGN, "Silence at signing would read as clearance.", (PAIN,),
             (PILL,), unread=MEDICATION_LISTS, wanted=((DEPRESSANT, None),), forbidden=NOT_CRITICAL,
             says=("could not be checked",)),
    Vignette("Oxycodone ordered, dispenses failed, alprazolam on the list", SIGN, "What is known decides.",
             (ON_ALPRAZOLAM,), (PILL,), replaced={"medicationDispenses": FAILED}, wanted=((DEPRESSANT, None),),
             says=("alprazolam",), never=("no naloxone was found",)),
    Vignette("Medication requests failed on opening the chart", VIEW, "A failed list makes no card.", (PAIN,),
             replaced={"medicationRequests": FAILED}, forbidden=(NALOXONE,), undecided=(DEPRESSANT,)),
)  # fmt: skip
