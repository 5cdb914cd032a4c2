"""People who are in treatment are never told to consider it, whatever the record holds the treatment in."""

from tests.vignettes.build import (
    BRIXADI_WEEKLY,
    HCPCS,
    ICD_PROCEDURE,
    IMPLANT,
    METHADONE_DISPERSIBLE,
    METHADONE_TABLET,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    NDC,
    PERSON,
    RXNORM,
    SNOMED,
    STAY,
    SUBLOCADE,
    SUBOXONE_FILM,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    drug,
    encounter,
    given,
    order,
    problem,
    procedure,
    statement,
)
from tests.vignettes.vignette import CONSIDER, DISCHARGE, Vignette

VIEW = "patient-view"
OUD = problem("F11.10", ago(400))
FILM = drug(SUBOXONE_FILM)
LOCAL = "urn:oid:1.2.36.1.2001.1003.0.9"


def _silent(name: str, why: str, *chart: Resource, hook: str = VIEW) -> Vignette:
    return Vignette(name, hook, why, (OUD, *chart), forbidden=(CONSIDER, DISCHARGE))


def _asked(name: str, why: str, *chart: Resource) -> Vignette:
    """Whether treatment runs cannot be told: ask, but do not say that none was found."""
    return Vignette(name, VIEW, why, (OUD, *chart), wanted=((CONSIDER, "info"),), says=("check whether",),
                    never=("no medication treatment was found", "consider offering"))  # fmt: skip


def _due(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, *chart), wanted=((CONSIDER, "info"),))


def _contained(medication: Resource) -> Resource:
    return {"contained": [{"resourceType": "Medication", "id": "m1", **medication}],
            "medicationCodeableConcept": None, "medicationReference": {"reference": "#m1"}}  # fmt: skip


def _medication(medication_id: str, **members: Resource) -> Resource:
    return {"resourceType": "Medication", "id": medication_id, **members}


VIGNETTES = (
    # Which resource.
    _silent("Treated: MedicationRequest", "An open prescription.", order(FILM, ago(20), days=30)),
    _silent("Treated: MedicationRequest without supply", "Active and a hundred days old.", order(FILM, ago(100))),
    _silent("Treated: prescription with refills", "Thirty days with five refills, written in July.",
            order(FILM, ago(130), days=30, refills=5)),
    _silent("Treated: reported medication", "US Core sends home medication as a reported request.",
            order(FILM, ago(60), intent="plan", reportedBoolean=True)),
    _silent("Treated: MedicationStatement", "Taken as reported.", statement(FILM, ago(300))),
    _silent("Treated: MedicationDispense", "Dispensed last week for four weeks.", dispense(FILM, ago(7), days=28)),
    _silent("Treated: MedicationAdministration today", "Given on the ward.",
            given(FILM, ago(0), context={"reference": f"Encounter/{STAY}"}), encounter(ago(2))),
    _asked("Treated: status of the request missing", "A missing status must not read as untreated.",
           order(FILM, ago(10), status=None)),
    _asked("Treated: statement without status", "A missing status must not read as untreated.",
           statement(FILM, ago(10), status=None)),
    _asked("Treated: status unknown", "An unknown status must not read as untreated.",
           order(FILM, ago(10), status="unknown")),
    _asked("Treated: dispensed in an unknown month", "A partial date must not read as untreated.",
           dispense(FILM, "2026", days=28)),
    _silent("Treated: statement with a single day", "Asserted two months ago, still active.",
            statement(FILM, ago(60), effectivePeriod=None, effectiveDateTime=ago(60))),
    _silent("Treated: original order", "A plan, an original order: all are orders.",
            order(FILM, ago(20), days=30, intent="original-order")),
    _silent("Treated: instance order", "A plan, an original order: all are orders.",
            order(FILM, ago(20), days=30, intent="instance-order")),
    _silent("Treated: paused", "A pause is not a stop.", order(FILM, ago(20), days=30, status="on-hold")),
    _silent("Treated: stopped in one list, taken in another", "The newer list decides for treatment.",
            order(FILM, ago(90), days=30, status="stopped"), statement(FILM, ago(30))),
    _silent("Treated: supply ended two weeks ago", "Refills are picked up late.", order(FILM, ago(44), days=30)),
    _due("Suboxone cancelled", "Never taken.", order(FILM, ago(10), days=30, status="cancelled")),
    _asked("Treated: administration without status", "A missing status must not read as untreated.",
           given(drug(NALTREXONE_INJECTION), ago(10), status=None)),
    _asked("Treated: claim without status", "A missing status must not read as untreated.",
           procedure(HCPCS, "J2315", ago(10), status=None)),
    _asked("Treated: claim without a date", "A missing date must not read as untreated.",
           procedure(HCPCS, "J2315", None)),
    _silent("Treated: a drug in the shape of R5", "The version in which the treatment is written makes no difference.",
            order({}, ago(10), medicationCodeableConcept=None, medication={"concept": FILM})),
    _asked("Treated: a drug without code or words", "A drug that cannot be read may be the treatment.",
           order({}, ago(10), medicationCodeableConcept=None, medicationReference={"reference": "Medication/gone"})),
    # Which code.
    _silent("Treated: RxNorm with a trailing slash", "Spellings of systems differ.",
            order(concept(coding(RXNORM + "/", "1010604")), ago(20), days=30)),
    _silent("Treated: RxNorm by https", "Spellings of systems differ.",
            order(concept(coding(RXNORM.replace("http:", "https:"), "1010604")), ago(20), days=30)),
    _silent("Treated: HCPCS by OID", "Spellings of systems differ.",
            procedure("urn:oid:2.16.840.1.113883.6.285", "h0020", ago(7))),
    _silent("Treated: branded product", "RxNorm SBD.", order(concept(coding(RXNORM, "1010606")), ago(20), days=30)),
    _silent("Treated: both ingredients", "RxNorm multiple ingredients.",
            order(concept(coding(RXNORM, "352364")), ago(20), days=30)),
    _silent("Treated: buprenorphine, ingredient only, OUD coded", "With OUD coded it is read as treatment.",
            order(concept(coding(RXNORM, "1819")), ago(20), days=30)),
    _silent("Treated: RxNorm by OID", "EHRs send OIDs.",
            order(concept(coding("urn:oid:2.16.840.1.113883.6.88", " 1010604 ")), ago(20), days=30)),
    _silent("Treated: NDC and text", "A dispense often holds an NDC and words.",
            dispense(concept(coding(NDC, "12496-1208-03"), text="buprenorphine-naloxone 8-2 mg SL film"), ago(5),
                     days=14)),
    _silent("Treated: local code and text", "A local code decides nothing; the words do.",
            order(concept(coding(LOCAL, "88231", "SUBOXONE 8-2 MG FILM"), text="SUBOXONE 8-2 MG FILM"), ago(20),
                  days=30)),
    _silent("Treated: display of a local code only", "Some EHRs fill display and no text.",
            order(concept(coding(LOCAL, "88231", "Suboxone 8-2 mg film")), ago(20), days=30)),
    _silent("Treated: text, from elsewhere", "Opioid treatment programs report in words.",
            statement(concept(text="Suboxone 8-2 film (OTP)"), ago(90))),
    _silent("Treated: methadone by text from an OTP", "Opioid treatment programs report in words.",
            statement(concept(text="methadone 90 mg daily per OTP"), ago(90))),
    _silent("Treated: Vivitrol by text", "Given elsewhere, reported in words.",
            statement(concept(text="Vivitrol monthly per CMHC"), ago(90))),
    _silent("Treated: Sublocade by text", "Given elsewhere, reported in words.",
            statement(concept(text="Sublocade 300 mg monthly"), ago(60))),
    _silent("Treated: Zubsolv by text", "A brand in words.",
            order(concept(text="ZUBSOLV 5.7-1.4 MG SL TAB"), ago(20), days=30)),
    _silent("Treated: contained Medication", "The drug stands in a contained Medication.",
            order({}, ago(20), days=30, **_contained({"code": FILM}))),
    _silent("Treated: contained Medication with ingredients", "The code is empty, the ingredients are filled.",
            order({}, ago(20), days=30, **_contained({"ingredient": [
                {"itemCodeableConcept": concept(coding(RXNORM, "1819", "buprenorphine"))},
                {"itemCodeableConcept": concept(coding(RXNORM, "7242", "naloxone"))}]}))),
    _silent("Treated: Medication included in the Bundle", "The drug stands beside the request.",
            order({}, ago(20), days=30, medicationCodeableConcept=None,
                  medicationReference={"reference": "Medication/med9"}), _medication("med9", code=FILM)),
    _silent("Treated: reference that cannot be followed", "Only its display says what it is.",
            order({}, ago(20), days=30, medicationCodeableConcept=None,
                  medicationReference={"reference": "Medication/gone", "display": "Suboxone 8-2 mg sublingual film"})),
    _silent("Treated: subject as absolute URL", "The same person.",
            order(FILM, ago(20), days=30, subject={"reference": f"https://ehr.example.org/fhir/Patient/{PERSON}"})),
    _silent("Treated: subject with a version", "The same person.",
            order(FILM, ago(20), days=30, subject={"reference": f"Patient/{PERSON}/_history/7"})),
    _silent("Treated: methadone for two years, listed again last month", "Old, and still asserted.",
            statement(drug(METHADONE_DISPERSIBLE), ago(730)) | {"dateAsserted": ago(42)}),
    _silent("Treated: methadone concentrate by text", "A local code and words.",
            order(concept(coding(LOCAL, "5"), text="METHADONE HCL 10 MG/ML PO CONC"), ago(20), intent="plan")),
    _silent("Treated: buprenorphine tablets by text", "A local code and words.",
            order(concept(coding(LOCAL, "6"), text="buprenorphine HCl 8 mg SL tab"), ago(20), days=30)),
    _silent("Treated: weekly then monthly Brixadi by NDC and text", "The words name the brand.",
            given(concept(coding(NDC, "58284-0228-01"), text="Brixadi 96 mg/0.27 mL monthly"), ago(27))),
    # Which medication.
    _silent("Treated: methadone, form only for OUD", "40 mg dispersible tablets.",
            order(drug(METHADONE_DISPERSIBLE), ago(20), intent="plan", reportedBoolean=True)),
    _silent("Treated: methadone tablets, OUD coded", "With OUD coded it is read as treatment.",
            order(drug(METHADONE_TABLET), ago(20), days=30)),
    _silent("Treated: naltrexone tablets, OUD coded", "With OUD coded it is read as treatment.",
            order(drug(NALTREXONE_TABLET), ago(20), days=30)),
    # Depots and services.
    _silent("Treated: XR-naltrexone 20 days ago", "Within four weeks.", given(drug(NALTREXONE_INJECTION), ago(20))),
    _silent("Treated: XR-naltrexone 33 days ago", "Late only after 35 days.",
            given(drug(NALTREXONE_INJECTION), ago(33))),
    _due("XR-naltrexone 60 days ago", "The injection has worn off.", given(drug(NALTREXONE_INJECTION), ago(60))),
    _silent("Treated: Sublocade 38 days ago", "The depot is tolerated to 42 days.", given(drug(SUBLOCADE), ago(38))),
    _due("Sublocade 100 days ago", "No dose for three months.", given(drug(SUBLOCADE), ago(100))),
    _silent("Treated: weekly Brixadi 5 days ago", "Within the week.", given(drug(BRIXADI_WEEKLY), ago(5))),
    _due("Weekly Brixadi 60 days ago", "A weekly depot has worn off.", given(drug(BRIXADI_WEEKLY), ago(60))),
    _silent("Treated: implant 150 days ago", "Six months.", given(drug(IMPLANT), ago(150))),
    _silent("Treated: claim J2315", "A claim of XR-naltrexone.", procedure(HCPCS, "J2315", ago(20))),
    _silent("Treated: claim Q9991", "A claim of Sublocade.", procedure(HCPCS, "Q9991", ago(25))),
    _silent("Treated: claim G2067", "A weekly methadone bundle.", procedure(HCPCS, "G2067", ago(5))),
    _silent("Treated: claim H0020, https spelling", "Methadone service.",
            procedure(HCPCS.replace("http:", "https:"), "H0020", ago(7))),
    _silent("Treated: ICD-10-PCS", "Methadone maintenance as an inpatient procedure.",
            procedure(ICD_PROCEDURE, "HZ91ZZZ", ago(10))),
    _silent("Treated: SNOMED procedure", "Methadone therapy as a procedure.", procedure(SNOMED, "310653000", ago(10))),
    _silent("Treated: claim J0578", "A claim of monthly Brixadi.", procedure(HCPCS, "J0578", ago(25))),
    _silent("Treated: claim J0577", "A claim of weekly Brixadi.", procedure(HCPCS, "J0577", ago(5))),
    _silent("Treated: claim G2073", "A weekly naltrexone bundle.", procedure(HCPCS, "G2073", ago(5))),
    _silent("Treated: claim G2069", "A monthly injection bundle.", procedure(HCPCS, "G2069", ago(20))),
    _silent("Treated: methadone program under way", "A procedure in progress since last year.",
            procedure(SNOMED, "310653000", ago(0), status="in-progress", performedDateTime=None,
                      performedPeriod={"start": ago(400)})),
    _due("Weekly bundle without a drug", "G2074 has no drug in it: no proof of treatment.",
         procedure(HCPCS, "G2074", ago(5))),
    _due("Methadone claim a year ago", "An old claim.", procedure(HCPCS, "G2067", ago(365))),
    _due("Claim entered in error", "Never counts.", procedure(HCPCS, "J2315", ago(20), status="entered-in-error")),
    _due("Suboxone dispensed 200 days ago for 30 days", "The supply ended long ago.",
         dispense(FILM, ago(200), days=30)),
    _due("Administration not done", "Not given.", given(drug(NALTREXONE_INJECTION), ago(10), status="not-done")),
    # The diagnosis itself says so, and success.
    Vignette("Treated: diagnosis on agonist therapy", VIEW, "The code says that agonist treatment is under way.",
             (problem("1081000119105", ago(300), system=SNOMED),), forbidden=(CONSIDER,)),
    Vignette("Treated: agonist therapy beside plain dependence", VIEW, "One code says that treatment is under way.",
             (problem("F11.20", ago(900)), problem("1081000119105", ago(300), system=SNOMED)), forbidden=(CONSIDER,)),
    Vignette("Remission on treatment", VIEW, "Success needs no card.",
             (problem("F11.21", ago(500)), order(FILM, ago(20), days=30)), forbidden=(CONSIDER, DISCHARGE)),
    Vignette("Remission on treatment, discharged", "encounter-discharge", "Success needs no card.",
             (problem("F11.21", ago(500)), order(FILM, ago(20), days=30), encounter(ago(3))),
             forbidden=(CONSIDER, DISCHARGE)),
)  # fmt: skip
