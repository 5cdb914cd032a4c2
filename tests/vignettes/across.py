"""What holds for every rule at once: treated is treated, void is void, and the graver card comes first."""

from typing import Any

from tests.vignettes.build import (
    HCPCS,
    IMPLANT,
    METHADONE_DISPERSIBLE,
    NALOXONE_SPRAY,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    NDC,
    OXYCODONE,
    RXNORM,
    SNOMED,
    STAY,
    SUBLOCADE,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    draft,
    drug,
    encounter,
    given,
    observation,
    order,
    patient,
    problem,
    procedure,
    score,
    someone_else,
    statement,
    toxicology,
)
from tests.vignettes.charts import COUNSELED, FILM, GAD7, HOSPICE, IN_TREATMENT, OUD, PHQ9, SCREENED, SETTLED, SPRAY
from tests.vignettes.vignette import (
    ADHERENCE,
    ASSESSMENT,
    CONSIDER,
    COUNSELING,
    DISCHARGE,
    DISCONTINUATION,
    FOLLOW_UP,
    LISTS,
    MEDICATION_LISTS,
    NALOXONE,
    NALTREXONE,
    OVERDOSE,
    POSITIVE,
    PREGNANCY,
    RECURRENT,
    SCREENING,
    SOCIAL,
    SUICIDE,
    Vignette,
)

VIEW, SIGN, LEAVE = "patient-view", "order-sign", "encounter-discharge"
SOFT = (FOLLOW_UP, SCREENING, POSITIVE, RECURRENT, COUNSELING, SOCIAL, ASSESSMENT)
TREATMENT = (CONSIDER, ADHERENCE, DISCONTINUATION, DISCHARGE)
EVERY = (*SOFT, *TREATMENT, OVERDOSE, PREGNANCY, SUICIDE, NALOXONE)
UNTREATED = ("no medication treatment was found", "no treatment was found", "consider starting", "consider offering")
LOCAL = "urn:oid:1.2.36.1.2001.1003.0.9"

# A film that was stopped, a stay for withdrawal, an overdose: each would raise a card if treatment were not seen.
ENDED = order(FILM, ago(70), days=30, status="stopped")
STAY_FOR_WITHDRAWAL = procedure(SNOMED, "386450006", ago(22))
POISONED = problem("T40.411A", ago(40), clinical="resolved", abatementDateTime=ago(39))
EXPECTING = problem("Z33.1", ago(60))
THOUGHTS = problem("R45.851", ago(4))


def _treated(name: str, why: str, *treatment: Resource) -> Vignette:
    return Vignette(f"Treated: {name}", VIEW, why,
                    (OUD, COUNSELED, SPRAY, *SCREENED, ENDED, STAY_FOR_WITHDRAWAL, POISONED, *treatment),
                    forbidden=TREATMENT, never=UNTREATED)  # fmt: skip


def _medication(**members: Any) -> Resource:
    """A request whose drug is a contained Medication."""
    return order({}, ago(20), days=30, contained=[{"resourceType": "Medication", "id": "m1", **members}],
                 medicationCodeableConcept=None, medicationReference={"reference": "#m1"})  # fmt: skip


def _ingredient(rxnorm: str, name: str) -> Resource:
    return {"itemCodeableConcept": concept(coding(RXNORM, rxnorm, name))}


def _everything(**how: Any) -> tuple[Resource, ...]:
    """A chart that would raise nearly every card; `how` makes each entry void."""
    codes = ("F11.20", "F11.90", "F11.23", "T40.2X2A", "R45.851", "Z33.1", "Z59.02", "G47.00", "R45.84")
    return tuple(problem(code, ago(20), **how) for code in codes)


def _records(status: str) -> tuple[Resource, ...]:
    """Medication, procedures, scores and tests, all of one status."""
    return (
        order(FILM, ago(60), days=14, status=status), statement(FILM, ago(50), status=status),
        given(drug(NALTREXONE_INJECTION), ago(60), status=status), dispense(FILM, ago(60), days=14, status=status),
        procedure(SNOMED, "386450006", ago(20), status=status),
        procedure(SNOMED, "386450006", ago(100), status=status),
        score("44261-6", 20, ago(10), status=status), score("44260-8", 3, ago(10), status=status),
        score("82667-7", 8, ago(10), status=status), toxicology("59673-4", ago(10), status=status),
        observation("71802-3", ago(10), category="survey", status=status,
                    valueCodeableConcept=concept(coding("http://loinc.org", "LA30190-5"))),
    )  # fmt: skip


VOID = _everything(clinical=None, verified="entered-in-error") + _records("entered-in-error")
REAL = (
    *_everything(), ENDED, given(drug(NALTREXONE_INJECTION), ago(60)), procedure(SNOMED, "386450006", ago(20)),
    procedure(SNOMED, "386450006", ago(100)), score("44261-6", 20, ago(10)), score("82667-7", 8, ago(10)),
    toxicology("59673-4", ago(10)),
)  # fmt: skip

VIGNETTES = (
    # A treated person is never told to consider treatment.
    _treated("open prescription", "MedicationRequest.", IN_TREATMENT),
    _treated("reported prescription", "US Core sends home medication as a reported request.",
             order(FILM, ago(50), intent="plan", reportedBoolean=True)),
    _treated("statement", "MedicationStatement.", statement(FILM, ago(30))),
    _treated("dispense", "MedicationDispense.", dispense(FILM, ago(6), days=28)),
    _treated("contained Medication", "The code is in the contained resource.",
             _medication(code=concept(coding(RXNORM, "1010604")))),
    _treated("contained Medication, ingredients only", "Some pharmacies fill ingredients and no code.",
             _medication(ingredient=[_ingredient("1819", "buprenorphine"), _ingredient("7242", "naloxone")])),
    _treated("contained Medication, text only", "The words are in the contained resource.",
             _medication(code=concept(text="Suboxone 8-2 mg SL film"))),
    _treated("brand", "RxNorm brand name.", order(concept(coding(RXNORM, "1431077", "Zubsolv")), ago(20), days=30)),
    _treated("dose-form group", "RxNorm dose-form group.", order(concept(coding(RXNORM, "1151359")), ago(20),
             days=30)),
    _treated("ingredient", "Buprenorphine with OUD coded.", order(concept(coding(RXNORM, "1819")), ago(20), days=30)),
    _treated("mono tablets", "Buprenorphine alone.", order(concept(coding(RXNORM, "351265")), ago(20), days=30)),
    _treated("NDC with words", "A dispense often holds an NDC and words.",
             dispense(concept(coding(NDC, "12496-1208-03"), text="buprenorphine-naloxone 8-2 mg SL film"), ago(5),
                      days=14)),
    _treated("local code with words", "A local code decides nothing; the words do.",
             order(concept(coding(LOCAL, "88231"), text="ZUBSOLV 5.7-1.4 MG SL TAB"), ago(20), days=30)),
    _treated("Sublocade by administration", "A depot.", given(drug(SUBLOCADE), ago(20))),
    _treated("Sublocade by claim", "Q9991.", procedure(HCPCS, "Q9991", ago(20))),
    _treated("Brixadi by claim", "J0578.", procedure(HCPCS, "J0578", ago(20))),
    _treated("implant", "Six months.", given(drug(IMPLANT), ago(100))),
    _treated("naltrexone injection", "A depot.", given(drug(NALTREXONE_INJECTION), ago(15))),
    _treated("naltrexone injection by claim", "J2315.", procedure(HCPCS, "J2315", ago(15))),
    _treated("Vivitrol in words", "Given elsewhere.",
             given(concept(text="Vivitrol monthly per CMHC"), ago(15))),
    _treated("naltrexone tablets", "With OUD coded.", order(drug(NALTREXONE_TABLET), ago(20), days=30)),
    _treated("methadone bundle", "G2067.", procedure(HCPCS, "G2067", ago(4))),
    _treated("methadone service", "H0020.", procedure(HCPCS, "H0020", ago(4))),
    _treated("methadone by SNOMED CT procedure", "A regime.", procedure(SNOMED, "310653000", ago(10))),
    _treated("dispersible methadone", "A form used for OUD only.",
             order(drug(METHADONE_DISPERSIBLE), ago(20), intent="plan", reportedBoolean=True)),
    _treated("methadone in words", "Reported by the program.",
             statement(concept(text="methadone 90 mg daily per OTP"), ago(30))),
    Vignette("Treated: diagnosis on agonist therapy", VIEW, "The code says that treatment is under way.",
             (problem("1081000119105", ago(300), system=SNOMED), SPRAY, *SCREENED, COUNSELED, POISONED),
             forbidden=(CONSIDER,),
             never=UNTREATED),
    Vignette("Treated and pregnant", VIEW, "In treatment, nothing wrong: no card.", (*SETTLED, EXPECTING),
             forbidden=(PREGNANCY, CONSIDER, DISCONTINUATION), never=UNTREATED),
    Vignette("Treated and pregnant, on Sublocade by claim", VIEW, "In treatment.",
             (OUD, COUNSELED, SPRAY, *SCREENED, EXPECTING, procedure(HCPCS, "Q9991", ago(20))), forbidden=(CONSIDER,),
             never=UNTREATED),
    Vignette("Remission on treatment", VIEW, "Success needs no card.",
             (problem("F11.21", ago(300)), IN_TREATMENT, COUNSELED, SPRAY, *SCREENED),
             forbidden=(*TREATMENT, PREGNANCY, OVERDOSE, ASSESSMENT)),
    Vignette("Remission on the naltrexone injection", VIEW, "Success needs no card.",
             (problem("F11.21", ago(300)), given(drug(NALTREXONE_INJECTION), ago(20)), COUNSELED, SPRAY, *SCREENED),
             forbidden=(*TREATMENT, PREGNANCY, OVERDOSE, ASSESSMENT)),
    Vignette("Care in order", VIEW, "Treated, screened, counseled, naloxone at home: nothing to say.", SETTLED,
             forbidden=EVERY),
    # What is void never counts.
    Vignette("Everything entered in error", VIEW, "Never counts.", VOID, forbidden=EVERY),
    Vignette("Every diagnosis refuted", VIEW, "None is present.", _everything(verified="refuted"), forbidden=EVERY),
    Vignette("Everything of another person", VIEW, "Not this person's; each list may hold further rows.",
             tuple(someone_else(each) for each in REAL), undecided=(CONSIDER, SCREENING, SUICIDE)),
    Vignette("Suboxone not taken", VIEW, "Neither treated nor stopped.",
             (OUD, SPRAY, *SCREENED, statement(FILM, ago(50), status="not-taken")), wanted=((CONSIDER, "info"),),
             forbidden=(COUNSELING, DISCONTINUATION)),
    Vignette("Suboxone not to be given", VIEW, "doNotPerform is the opposite of an order.",
             (OUD, SPRAY, *SCREENED, order(FILM, ago(50), days=14, doNotPerform=True)), wanted=((CONSIDER, "info"),),
             forbidden=(COUNSELING, DISCONTINUATION)),
    Vignette("Suboxone ended five months ago", VIEW, "Expired is not current.",
             (OUD, SPRAY, *SCREENED, order(FILM, ago(185), days=30, status="completed")),
             wanted=((CONSIDER, "info"),), forbidden=(COUNSELING, DISCONTINUATION)),
    Vignette("Suboxone stopped eight months ago, still 'taken' in an old statement", VIEW,
             "The statement has an end.", (OUD, SPRAY, *SCREENED, order(FILM, ago(260), days=30, status="stopped"),
             statement(FILM, ago(400), effectivePeriod={"start": ago(400), "end": ago(240)})),
             wanted=((CONSIDER, "info"),), forbidden=(COUNSELING, DISCONTINUATION)),
    Vignette("Naloxone spray entered in error", VIEW, "Nothing at home: one card, with the naloxone line in it.",
             (OUD, *SCREENED, dispense(drug(NALOXONE_SPRAY), ago(100), status="entered-in-error")),
             wanted=((CONSIDER, "info"),), forbidden=(NALOXONE,), says=("naloxone",)),
    # Who gets no card.
    Vignette("Hospice care, much on record", VIEW, "End of life.",
             (OUD, HOSPICE, problem("F11.90", ago(30)), problem("Z59.02", ago(30)), ENDED,
              given(drug(NALTREXONE_INJECTION), ago(60)), score("44261-6", 16, ago(20)), STAY_FOR_WITHDRAWAL),
             forbidden=(*SOFT, *TREATMENT)),
    Vignette("Person who has died, everything on record", VIEW, "No cards after death.", REAL,
             person=patient(deceasedDateTime=ago(1)), forbidden=EVERY),
    Vignette("Person who has died, at discharge", LEAVE, "No cards after death.", (encounter(ago(3)), *REAL),
             person=patient(deceasedBoolean=True), forbidden=EVERY),
    Vignette("Child aged 8", VIEW, "Below every floor.",
             (OUD, problem("Z59.02", ago(30)), ENDED, score("44261-6", 16, ago(20)), STAY_FOR_WITHDRAWAL),
             person=patient(born="2018-03-01"), forbidden=(*SOFT, *TREATMENT)),
    Vignette("Nobody with OUD", VIEW, "High blood pressure and a low score.",
             (problem("I10", ago(500)), PHQ9, GAD7), forbidden=EVERY),
    # What was not read is not absent.
    Vignette("Nothing sent but the person", VIEW, "Nothing can be told.", (), unread=LISTS,
             undecided=(CONSIDER, SCREENING, SUICIDE, ASSESSMENT)),
    Vignette("Person not sent", VIEW, "Without the person nothing can be told.", SETTLED, unread=("patient",),
             undecided=(CONSIDER,)),
    Vignette("Every list null", VIEW, "null is none on record.", (), replaced=dict.fromkeys(LISTS), forbidden=EVERY),
    Vignette("Conditions not sent, on Suboxone", VIEW, "The diagnoses are unknown.",
             (IN_TREATMENT, COUNSELED, SPRAY, *SCREENED), unread=("conditions",),
             undecided=(SUICIDE,)),
    Vignette("OUD, no medication list sent", VIEW, "No treatment found says nothing when nobody looked.",
             (OUD, *SCREENED), unread=MEDICATION_LISTS, undecided=(CONSIDER, COUNSELING, DISCONTINUATION, ADHERENCE),
             never=UNTREATED),
    # The graver card first.
    Vignette("Pregnant, OUD not treated", VIEW, "The card on pregnancy says it all.", (OUD, SPRAY, *SCREENED,
             EXPECTING), wanted=((PREGNANCY, "warning"),), forbidden=(CONSIDER,)),
    Vignette("Pregnant by O99.322, OUD by SNOMED CT", VIEW, "The card on pregnancy says it all.",
             (problem("1336192000", ago(300), system=SNOMED), SPRAY, *SCREENED, problem("O99.322", ago(40))),
             wanted=((PREGNANCY, "warning"),), forbidden=(CONSIDER,)),
    Vignette("Overdose five weeks ago, OUD not treated", VIEW, "The card on the overdose says it all.",
             (OUD, SPRAY, *SCREENED, POISONED), wanted=((OVERDOSE, "warning"),), forbidden=(CONSIDER,)),
    Vignette("Overdose five weeks ago, OUD not coded", VIEW, "An overdose is no diagnosis: assess.",
             (SPRAY, POISONED), wanted=((OVERDOSE, "warning"),), forbidden=(CONSIDER,), says=("assess",)),
    Vignette("Overdose by SNOMED CT, OUD not treated", VIEW, "The card on the overdose says it all.",
             (OUD, SPRAY, *SCREENED, problem("295174006", ago(40), system=SNOMED, clinical="resolved")),
             wanted=((OVERDOSE, "warning"),), forbidden=(CONSIDER,)),
    Vignette("Withdrawal three weeks ago, not treated", VIEW, "The card on withdrawal says it all.",
             (OUD, SPRAY, *SCREENED, STAY_FOR_WITHDRAWAL, problem("G47.00", ago(5)), problem("R45.84", ago(5))),
             wanted=((DISCHARGE, None),), forbidden=(CONSIDER, FOLLOW_UP)),
    Vignette("Suicidal thoughts, much else on record", VIEW, "Safety first; softer cards wait.",
             (*SETTLED, THOUGHTS, problem("Z59.02", ago(30)), score("44261-6", 19, ago(10)),
              procedure(SNOMED, "386450006", ago(200)), procedure(SNOMED, "386450006", ago(90)),
              problem("G47.00", ago(40)), problem("R45.84", ago(30))), wanted=((SUICIDE, "critical"),),
             forbidden=SOFT[:-1]),
    Vignette("Suicidal thoughts, overdose and no treatment", VIEW, "Safety and treatment: both.",
             (OUD, SPRAY, THOUGHTS, POISONED), wanted=((SUICIDE, "critical"), (OVERDOSE, "warning")),
             forbidden=(CONSIDER, *SOFT[:-1])),
    Vignette("Suicidal thoughts, pregnant and no treatment", VIEW, "Safety and treatment: both.",
             (OUD, SPRAY, THOUGHTS, EXPECTING), wanted=((SUICIDE, "critical"), (PREGNANCY, "warning")),
             forbidden=(CONSIDER, *SOFT[:-1])),
    # Nothing is asserted that the chart does not say, and nothing critical from stale entries.
    Vignette("Positive tests alone", VIEW, "A test asserts no disorder.",
             (toxicology("59673-4", ago(5)), toxicology("19321-9", ago(5))),
             forbidden=(*TREATMENT, OVERDOSE, COUNSELING, SCREENING, FOLLOW_UP, SOCIAL),
             never=("disorder is recorded", *UNTREATED)),
    Vignette("Alcohol use disorder on naltrexone, nothing else done", VIEW, "No opioid use disorder: left alone.",
             (problem("F10.20", ago(300)), order(drug(NALTREXONE_TABLET), ago(20), days=30)),
             forbidden=(*TREATMENT, COUNSELING, SCREENING, FOLLOW_UP, SOCIAL, ASSESSMENT, NALOXONE)),
    Vignette("Alcohol use disorder, naltrexone injection overdue", VIEW, "No opioid use disorder: left alone.",
             (problem("F10.20", ago(300)), given(drug(NALTREXONE_INJECTION), ago(70))),
             forbidden=(*TREATMENT, COUNSELING, SCREENING, FOLLOW_UP, SOCIAL, ASSESSMENT, NALOXONE)),
    Vignette("Everything 'active' since three years", VIEW, "Stale entries raise no alarm.",
             (OUD, problem("R45.851", ago(1100)), problem("T40.2X2A", ago(1100)),
              score("44260-8", 3, ago(1100)), order(FILM, ago(1100)), order(drug(OXYCODONE), ago(1100))),
             forbidden=(f"{SUICIDE}:critical", f"{OVERDOSE}:critical", f"{DISCONTINUATION}:critical")),
    Vignette("Naltrexone ordered, oxycodone 'active' since three years", SIGN, "Old enough to ask, not to alarm.",
             (OUD, order(drug(OXYCODONE), ago(1100))), (draft(drug(NALTREXONE_TABLET)),),
             forbidden=(f"{NALTREXONE}:critical",)),
    Vignette("Discharge, overdose two years ago 'active'", LEAVE, "An old entry is not this stay.",
             (encounter(ago(2), id=STAY), OUD, problem("T40.411A", ago(750))), forbidden=(f"{OVERDOSE}:critical",)),
)  # fmt: skip
