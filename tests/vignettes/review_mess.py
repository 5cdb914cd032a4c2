"""Second reader: charts as EHRs really send them, told from the clinical and the protocol sources alone."""

from typing import Any

from tests.vignettes.build import (
    FAILED,
    IBUPROFEN,
    NALTREXONE_INJECTION,
    NDC,
    OXYCODONE,
    PERSON,
    RXNORM,
    SNOMED,
    SUBOXONE_FILM,
    Resource,
    ago,
    bundle,
    coding,
    concept,
    contained,
    dispense,
    draft,
    drug,
    encounter,
    further,
    given,
    observation,
    order,
    patient,
    problem,
    score,
    someone_else,
    statement,
    toxicology,
)
from tests.vignettes.charts import COUNSELED, FILM, IN_TREATMENT, OUD, SCREENED, SETTLED, SPRAY
from tests.vignettes.vignette import (
    BLOCKED,
    CONSIDER,
    DISCONTINUATION,
    LIVER,
    NALOXONE,
    NALTREXONE,
    OPIOID,
    OVERDOSE,
    POSITIVE,
    QT,
    SCREENING,
    SUICIDE,
    Vignette,
)

VIEW, SELECT, SIGN = "patient-view", "order-select", "order-sign"
OXY = drug(OXYCODONE)
NALTREXONE_XR = drug(NALTREXONE_INJECTION)
METHADONE = drug(("991147", "methadone hydrochloride 10 MG/ML Oral Solution"))
WELL = (COUNSELED, SPRAY, *SCREENED)
UNTREATED = (OUD, *WELL)
UCUM = "http://unitsofmeasure.org"
LOCAL = "urn:oid:1.2.840.114350.1.13.999.2.7.2.698288"
EHR = "https://ehr.example.org/fhir"
REPORTED: dict[str, Any] = {"reportedBoolean": True}
# Epic's way to say that a search found nothing.
NONE_FOUND = {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": "4101"}]}
NOTHING_FOUND = {
    "resourceType": "Bundle", "type": "searchset", "total": 0,
    "entry": [{"search": {"mode": "outcome"}, "resource": {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "processing", "details": NONE_FOUND}]}}],
}  # fmt: skip


def pointing(reference: Resource, days: int = 40, **more: Any) -> Resource:
    """An active order of a month, with refills, whose drug stands elsewhere."""
    return order(FILM, ago(days), days=30, refills=5, medicationCodeableConcept=None, medicationReference=reference,
                 **more)  # fmt: skip


def medication(identity: str, code: Resource) -> Resource:
    return {"resourceType": "Medication", "id": identity, "code": code}


def month(code: Resource, **more: Any) -> Resource:
    """An active order of a month, with refills, as reported by the person."""
    return order(code, ago(40), **{"days": 30, "refills": 5} | REPORTED | more)


def oud(code: str = "F11.20", system: str = "http://hl7.org/fhir/sid/icd-10-cm", **more: Any) -> Resource:
    """The diagnosis, with whole members overridden."""
    made = problem(code, ago(300), system=system) | more
    return {name: value for name, value in made.items() if value is not None}


def status(code: str, system: str = "http://terminology.hl7.org/CodeSystem/condition-ver-status") -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def qtc(value: float, **amount: Any) -> Resource:
    return observation("8636-3", ago(20), category="laboratory", valueQuantity={"value": value, **amount})


def labelled(code: str, *rows: Resource) -> Resource:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": code}
    return bundle(rows) | {"meta": {"security": [label]}}


VIGNETTES = (
    # The treatment is in the chart, in many shapes
    Vignette("home medication as a reported plan", VIEW, "US Core tells home medication so.",
             (*UNTREATED, month(FILM, intent="plan", category="community")), forbidden=(CONSIDER, DISCONTINUATION)),
    Vignette("the drug is an entry of the same list", VIEW, "A reference within the Bundle.",
             (*UNTREATED, pointing({"reference": "Medication/med1"}), medication("med1", FILM)),
             forbidden=(CONSIDER,)),
    Vignette("the drug is named by a whole address", VIEW, "An absolute reference to the same Bundle.",
             (*UNTREATED, pointing({"reference": f"{EHR}/Medication/med2"}), medication("med2", FILM)),
             forbidden=(CONSIDER,)),
    Vignette("the drug is contained", VIEW, "A contained Medication.",
             (*UNTREATED, month(FILM, **contained({"code": FILM}))), forbidden=(CONSIDER,)),
    Vignette("the drug is told by its ingredients", VIEW, "No code, two ingredients.",
             (*UNTREATED, month(FILM, **contained({"ingredient": [
                 {"itemCodeableConcept": concept(coding(RXNORM, "1819", "buprenorphine"))},
                 {"itemCodeableConcept": concept(coding(RXNORM, "7242", "naloxone"))}]}))), forbidden=(CONSIDER,)),
    Vignette("the reference leads nowhere, its words tell", VIEW, "The display is all there is.",
             (*UNTREATED, pointing({"reference": "Medication/gone", "display": "Suboxone 8 mg-2 mg sublingual film"})),
             forbidden=(CONSIDER,)),
    Vignette("the reference leads nowhere", VIEW, "It may be the treatment: no card may say that none was found.",
             (*UNTREATED, pointing({"reference": "Medication/gone"})), forbidden=(f"{CONSIDER}:warning",),
             never=("no medication treatment was found",)),
    Vignette("words only", VIEW, "What the clinic wrote after a call to the program.",
             (*UNTREATED, month(concept(text="Suboxone 8-2 film (OTP)"))), forbidden=(CONSIDER,)),
    Vignette("the monthly injection in words only", VIEW, "Given elsewhere, noted here.",
             (*UNTREATED, month(concept(text="Vivitrol monthly per CMHC"))), forbidden=(CONSIDER,)),
    Vignette("four codings, the known one last", VIEW, "Any coding that matches counts.",
             (*UNTREATED, month(concept(coding(LOCAL, "80931"), coding(NDC, "12496-1208-03"), coding(LOCAL, "62991"),
                                        coding(RXNORM, *SUBOXONE_FILM)))), forbidden=(CONSIDER,)),
    Vignette("a package code and words", VIEW, "The package code is not listed; the words are plain.",
             (*UNTREATED, month(concept(coding(NDC, "12496120803"), text="buprenorphine-naloxone 8-2 mg SL film"))),
             forbidden=(CONSIDER,)),
    Vignette("the code system by its number", VIEW, "The same system under another name.",
             (*UNTREATED, month(concept(coding("urn:oid:2.16.840.1.113883.6.88", "1010604")))),
             forbidden=(CONSIDER,)),
    Vignette("a status written large", VIEW, "ACTIVE is active.", (*UNTREATED, month(FILM, status="ACTIVE")),
             forbidden=(CONSIDER,)),
    Vignette("the category is no list", VIEW, "Some EHRs send one object in place of a list.",
             (*UNTREATED, month(FILM) | {"category": {"text": "Outpatient"}}), forbidden=(CONSIDER,)),
    Vignette("a statement of a later version", VIEW, "Recorded and taken as directed: treatment runs.",
             (*UNTREATED, {"resourceType": "MedicationStatement", "id": "later1", "status": "recorded",
                           "subject": {"reference": f"Patient/{PERSON}"}, "medication": {"concept": FILM},
                           "adherence": {"code": {"coding": [{"code": "taking"}]}}, "dateAsserted": ago(10)}),
             forbidden=(CONSIDER,)),
    # It looks like treatment and is none
    Vignette("an order not to give", VIEW, "Do not give is the reverse of treatment.",
             (*UNTREATED, month(FILM, doNotPerform=True)), wanted=((CONSIDER, None),)),
    Vignette("a proposal", VIEW, "Proposed is not prescribed.", (*UNTREATED, month(FILM, intent="proposal")),
             wanted=((CONSIDER, None),)),
    Vignette("a draft that was left behind", VIEW, "Never signed, never given.",
             (*UNTREATED, month(FILM, status="draft")), wanted=((CONSIDER, None),)),
    Vignette("an order entered in error, written large", VIEW, "The case of the letters must not revive it.",
             (*UNTREATED, month(FILM, status="Entered-In-Error")), wanted=((CONSIDER, None),)),
    Vignette("another person's treatment in the list", VIEW,
             "The row is not this person's, and the list may hold more: nothing can be said.",
             UNTREATED, replaced={"medicationRequests": bundle((someone_else(IN_TREATMENT),))},
             undecided=(CONSIDER,)),
    # The lists did not come as they should
    Vignette("there is a second page", VIEW, "The treatment may stand on it.", UNTREATED,
             replaced={"medicationRequests": further(order(drug(IBUPROFEN), ago(10), days=10))},
             undecided=(CONSIDER,)),
    Vignette("a page of HTML", VIEW, "An error page is no empty list.", UNTREATED,
             replaced={"medicationRequests": "<html><body>502 Bad Gateway</body></html>"}, undecided=(CONSIDER,)),
    Vignette("the list was redacted", VIEW, "What was withheld for privacy may be the treatment.", UNTREATED,
             replaced={"medicationRequests": labelled("REDACTED")}, undecided=(CONSIDER,)),
    Vignette("the list did not come at all", VIEW, "A missing key is not an empty list.", UNTREATED,
             unread=("medicationRequests",), undecided=(CONSIDER,)),
    Vignette("null is none on record", VIEW, "Null says that nothing is there.", UNTREATED,
             replaced={"medicationStatements": None, "medicationDispenses": None}, wanted=((CONSIDER, None),)),
    Vignette("the search found nothing and says so", VIEW, "A warning in an empty Bundle is no failure.", UNTREATED,
             replaced={"medicationRequests": NOTHING_FOUND, "medicationStatements": NOTHING_FOUND},
             wanted=((CONSIDER, None),)),
    Vignette("a failed list before the injection", SIGN, "Silence would read as clearance.", UNTREATED,
             (draft(NALTREXONE_XR),), replaced={"medicationRequests": FAILED}, wanted=((NALTREXONE, "warning"),),
             forbidden=(f"{NALTREXONE}:critical",)),
    Vignette("restricted rows may be used", VIEW, "A confidentiality label is no redaction.",
             (oud(meta={"security": [coding("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R")]}), *WELL),
             wanted=((CONSIDER, None),)),
    # The diagnosis, in many shapes
    Vignette("the dot was dropped", VIEW, "F1120 under the number of its system.",
             (oud("F1120", "urn:oid:2.16.840.1.113883.6.90"), *WELL), wanted=((CONSIDER, None),)),
    Vignette("the terminology by its number", VIEW, "The same system under another name.",
             (oud("1336192000", "urn:oid:2.16.840.1.113883.6.96"), *WELL), wanted=((CONSIDER, None),)),
    Vignette("statuses as plain words", VIEW, "An older version wrote codes, not concepts.",
             (oud(clinicalStatus="active", verificationStatus="confirmed"), *WELL), wanted=((CONSIDER, None),)),
    Vignette("refuted as a plain word", VIEW, "Ruled out in the older way is ruled out.",
             (oud(clinicalStatus=None, verificationStatus="refuted"), *WELL), forbidden=(CONSIDER, SCREENING)),
    Vignette("refuted in capitals", VIEW, "The case of the letters must not turn a no into a yes.",
             (oud(clinicalStatus=None, verificationStatus=status("Refuted")), *WELL), forbidden=(CONSIDER,)),
    Vignette("no statuses at all", VIEW, "Encounter diagnoses often come bare.",
             (problem("F11.10", ago(40), clinical=None, verified=None, category="encounter-diagnosis"), *WELL),
             wanted=((CONSIDER, None),)),
    Vignette("since the age of thirty", VIEW, "An onset told as an age is no date, and the disorder is active.",
             (oud(onsetDateTime=None, onsetAge={"value": 30, "unit": "a"}), *WELL), wanted=((CONSIDER, None),)),
    Vignette("in remission, marked active", VIEW, "The code of remission wins over the status.",
             (oud("F11.21"), *WELL), forbidden=(CONSIDER,)),
    Vignette("refuted once, confirmed later", VIEW, "The other entry stands on its own.",
             (oud(clinicalStatus=None, verificationStatus=status("refuted")), oud("F11.10"), *WELL),
             wanted=((CONSIDER, None),)),
    Vignette("another person's diagnosis", VIEW, "A row of someone else is never used.", (someone_else(OUD), *WELL),
             forbidden=(CONSIDER, SCREENING), undecided=(CONSIDER,)),
    Vignette("a diagnosis of nobody", VIEW, "A row without a subject is never used.", (oud(subject=None), *WELL),
             forbidden=(CONSIDER,), undecided=(CONSIDER,)),
    Vignette("the person by a whole address and a version", VIEW, "The same person.",
             (oud(subject={"reference": f"{EHR}/Patient/{PERSON}/_history/3"}), *WELL), wanted=((CONSIDER, None),)),
    Vignette("a very long identity", VIEW, "Identities of some EHRs are long and hold dots and underscores.",
             (oud(id="eJzT9.aX_" * 17), *WELL), wanted=((CONSIDER, None),)),
    Vignette("born in 1988", VIEW, "A year is enough to know an adult.", UNTREATED, person=patient("1988"),
             wanted=((CONSIDER, None),)),
    Vignette("an overdose this year", VIEW, "Any day of this year lies within twelve months.",
             (problem("T40.411A", "2026"), *WELL), wanted=((OVERDOSE, None),), forbidden=(CONSIDER,)),
    Vignette("an overdose in 2021", VIEW, "Any day of that year is long past.",
             (problem("T40.411A", "2021"), *WELL), forbidden=(OVERDOSE,)),
    Vignette("five conditions and a settled treatment", VIEW, "A full list must not stir up what is in order.",
             (*SETTLED, problem("B18.2", ago(900)), problem("F10.20", ago(700)), problem("J44.9", ago(500)),
              problem("G89.4", ago(800)), problem("E11.9", ago(600))),
             forbidden=(CONSIDER, DISCONTINUATION, OVERDOSE, NALOXONE, POSITIVE)),
    # Orders
    Vignette("the ordered drug is another entry of the drafts", SELECT, "The Medication comes beside the order.",
             (*UNTREATED, dispense(OXY, ago(4), days=10)),
             (draft(FILM, medicationCodeableConcept=None, medicationReference={"reference": "Medication/m77"}),
              medication("m77", NALTREXONE_XR)), selected=(0,), wanted=((NALTREXONE, "critical"),)),
    Vignette("the ordered drug is told by its ingredient", SIGN, "An ingredient is enough to know naltrexone.",
             (*UNTREATED, dispense(OXY, ago(4), days=10)),
             (draft(FILM, **contained({"ingredient": [
                 {"itemCodeableConcept": concept(coding(RXNORM, "7243", "Naltrexone"))}]})),),
             wanted=((NALTREXONE, None),)),
    Vignette("the opioid in words only", SIGN, "Words are worth a question, never an alarm.",
             (*UNTREATED, order(concept(text="oxycodone 5 mg as needed, from dentist"), ago(3), days=5, **REPORTED)),
             (draft(NALTREXONE_XR),), wanted=((NALTREXONE, None),), forbidden=(f"{NALTREXONE}:critical",)),
    Vignette("another person's opioid", SIGN, "Someone else's fill must raise no alarm here.",
             (*UNTREATED, someone_else(dispense(OXY, ago(3), days=10))), (draft(NALTREXONE_XR),),
             forbidden=(f"{NALTREXONE}:critical",)),
    Vignette("an inpatient order that nobody ended", SIGN, "The stay is over and so is its order.",
             (*UNTREATED, encounter(ago(70), ago(60), id="stay0"),
              order(OXY, ago(69), category="inpatient", encounter={"reference": "Encounter/stay0"})),
             (draft(NALTREXONE_XR),), forbidden=(f"{NALTREXONE}:critical", BLOCKED)),
    Vignette("a draft in words only", SIGN, "Nobody knows what it is; nobody may claim to.", (),
             (draft(concept(text="home remedy, see note")),),
             forbidden=tuple(f"{rule}:critical" for rule in (NALTREXONE, BLOCKED, OPIOID, QT, LIVER))),
    Vignette("another person's injection", SIGN, "It blocks nothing here.",
             (*UNTREATED, someone_else(given(NALTREXONE_XR, ago(10)))), (draft(OXY),),
             forbidden=(f"{BLOCKED}:critical",)),
    # Values
    Vignette("an interval without a unit", SIGN, "520 of what? No alarm on a guess.",
             (OUD, SPRAY, qtc(520)), (draft(METHADONE),), forbidden=(f"{QT}:critical",)),
    Vignette("an interval in a unit of pressure", SIGN, "The value is not an interval.",
             (OUD, SPRAY, qtc(520, unit="mmHg", system=UCUM, code="mm[Hg]")),
             (draft(METHADONE),), forbidden=(f"{QT}:critical",)),
    Vignette("an interval of 820", SIGN, "No heart does that; it is an error of typing.",
             (OUD, SPRAY, qtc(820, unit="ms", system=UCUM, code="ms")), (draft(METHADONE),),
             forbidden=(f"{QT}:critical",)),
    Vignette("the enzyme in microkatal", SIGN, "6 µkat/L is about nine times the limit given with it.",
             (OUD, SPRAY, observation(
                 "1742-6", ago(10), category="laboratory",
                 valueQuantity={"value": 6.0, "unit": "µkat/L", "system": UCUM, "code": "ukat/L"},
                 referenceRange=[{"high": {"value": 0.7, "unit": "µkat/L"}}])), (draft(NALTREXONE_XR),),
             wanted=((LIVER, "warning"),)),
    Vignette("a score written as text", VIEW, "17 in a string is 17.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY, SCREENED[1], observation(
                 "44261-6", ago(30), category="survey", valueString="17")), wanted=((POSITIVE, None),)),
    Vignette("a whole number as value", VIEW, "The panel's own type of value.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY, SCREENED[1], observation(
                 "44261-6", ago(30), category="survey", valueInteger=17, status="amended")),
             wanted=((POSITIVE, None),)),
    Vignette("the person did not want to answer", VIEW, "No value is no score.",
             (*SETTLED, observation("44260-8", ago(3), category="survey",
                                    dataAbsentReason=concept(coding("http://terminology.hl7.org/CodeSystem/"
                                                                    "data-absent-reason", "asked-declined")))),
             forbidden=(SUICIDE, POSITIVE)),
    Vignette("another person's answer on suicide", VIEW, "An alarm on the wrong person is an alarm missed elsewhere.",
             (*SETTLED, someone_else(score("44260-8", 3, ago(2)))), forbidden=(SUICIDE,),
             undecided=(SUICIDE,)),
    Vignette("another person's urine", SIGN, "Someone else's test must raise no alarm here.",
             (*UNTREATED, someone_else(toxicology("11235-9", ago(2)))), (draft(NALTREXONE_XR),),
             forbidden=(f"{NALTREXONE}:critical",)),
    Vignette("not taking it, as a statement says", VIEW, "A statement of not taken is no treatment.",
             (problem("1336192000", ago(100), system=SNOMED), *WELL, statement(FILM, ago(200), status="not-taken")),
             wanted=((CONSIDER, None),)),
)  # fmt: skip
