"""Naltrexone is ordered: further ways in which the order, the opioid, or a look-alike is written down."""

from tests.vignettes.build import (
    BELBUCA,
    FAILED,
    FENTANYL_INJECTION,
    FENTANYL_PATCH,
    HCPCS,
    HYDROCODONE,
    METHADONE_DISPERSIBLE,
    METHADONE_TABLET,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    NDC,
    OXYCODONE,
    PERSON,
    RXNORM,
    SNOMED,
    SUBLOCADE,
    TRAMADOL,
    Resource,
    ago,
    coding,
    concept,
    contained,
    dispense,
    draft,
    drug,
    further,
    given,
    order,
    problem,
    procedure,
    someone_else,
    statement,
    toxicology,
)
from tests.vignettes.vignette import BLAME, NALTREXONE, Vignette

SELECT, SIGN = "order-select", "order-sign"
TABLET = draft(drug(NALTREXONE_TABLET))
INJECTION = draft(drug(NALTREXONE_INJECTION))
DISPENSED = dispense(drug(OXYCODONE), ago(3), days=5)
VITAMIN = draft(concept(text="thiamine 100 mg tablet"))
METFORMIN = order(concept(coding(RXNORM, "6809", "metformin")), ago(90), days=30, refills=5)
NEVER_CRITICAL = (f"{NALTREXONE}:critical",)


def _critical(name: str, why: str, *chart: Resource, ordered: Resource = TABLET) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), wanted=((NALTREXONE, "critical"),), says=("withdrawal",),
                    never=BLAME)  # fmt: skip


def _some_card(name: str, why: str, *chart: Resource, ordered: Resource = TABLET) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), wanted=((NALTREXONE, None),), never=BLAME)


def _silent(name: str, why: str, *chart: Resource, ordered: Resource = TABLET) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), forbidden=(NALTREXONE,))


def _allergy(medication: Resource) -> Resource:
    return {"resourceType": "AllergyIntolerance", "id": "al1", "patient": {"reference": f"Patient/{PERSON}"},
            "code": medication, "recordedDate": ago(3)}  # fmt: skip


VIGNETTES = (
    # How naltrexone is ordered.
    _some_card("Vivitrol as the display of a reference", "Only its display says what it is.", DISPENSED,
               ordered=draft(None, medicationReference={"reference": "Medication/gone",
                                                        "display": "Vivitrol 380 mg intramuscular suspension"})),
    _some_card("Naltrexone by NDC and text", "Some systems order by NDC.", DISPENSED,
               ordered=draft(concept(coding(NDC, "65757-0300-01"), text="naltrexone ER 380 mg injection"))),
    _critical("Naltrexone as ingredient of a contained Medication", "The code is empty, the ingredient is filled.",
              DISPENSED, ordered=draft(None, **contained({"ingredient": [
                  {"itemCodeableConcept": concept(coding(RXNORM, "7243", "naltrexone"))}]}))),
    _critical("Naltrexone with local code and RxNorm", "Any coding that fits counts.", DISPENSED,
              ordered=draft(concept(coding("urn:local:drugs", "4412"), coding(RXNORM, "1483744")))),
    Vignette("Injection selected, methadone given 6 days ago", SELECT, "The chosen order, inside the wash-out.",
             (given(drug(METHADONE_TABLET), ago(6)),), (VITAMIN, INJECTION), (1,), wanted=((NALTREXONE, "critical"),)),
    Vignette("Vitamin selected, methadone given 6 days ago", SELECT, "Only the selected orders are judged.",
             (given(drug(METHADONE_TABLET), ago(6)),), (VITAMIN, INJECTION), (0,), forbidden=(NALTREXONE,)),
    _silent("Naloxegol ordered", "It does not reach the brain.", DISPENSED,
            ordered=draft(concept(text="naloxegol 25 mg tablet (Movantik)"))),
    _silent("Nalmefene nasal spray ordered", "A rescue product is no naltrexone.", DISPENSED,
            ordered=draft(concept(coding(RXNORM, "2639721", "nalmefene 27 MG/ML Nasal Spray")))),
    # Opioids not told of elsewhere.
    _critical("Hydrocodone and acetaminophen dispensed 4 days ago", "A combination holds an opioid.",
              dispense(drug(HYDROCODONE), ago(4), days=5)),
    _critical("Tapentadol dispensed 3 days ago", "Tapentadol is an opioid.",
              dispense(concept(coding(RXNORM, "825411")), ago(3), days=5)),
    _critical("Fentanyl patches dispensed last week", "Long-acting, and still worn.",
              dispense(drug(FENTANYL_PATCH), ago(7), days=15)),
    _critical("Fentanyl given yesterday for an endoscopy", "Given in a procedure, given all the same.",
              given(drug(FENTANYL_INJECTION), ago(1))),
    _critical("Belbuca dispensed last week", "A buprenorphine film for pain is buprenorphine.",
              dispense(drug(BELBUCA), ago(7), days=28)),
    _critical("Methadone dispersible tablets dispensed last week", "Methadone needs fourteen days.",
              dispense(drug(METHADONE_DISPERSIBLE), ago(7), days=7)),
    _critical("Oxycodone in urine 3 days ago", "A positive test inside seven days.", toxicology("10998-3", ago(3))),
    _critical("Opioid withdrawal by SNOMED CT today", "Withdrawal today means opioids lately.",
              problem("87132004", ago(0), system=SNOMED)),
    _some_card("Methadone service 3 days ago", "A claim of methadone is evidence of methadone.",
               procedure(HCPCS, "H0020", ago(3))),
    _some_card("Buprenorphine claim 4 days ago", "A claim of buprenorphine is evidence of it.",
               procedure(HCPCS, "J0574", ago(4))),
    _some_card("Sublocade two months ago", "A depot acts for weeks to months.", given(drug(SUBLOCADE), ago(60))),
    _some_card("Tramadol by text on the medication list", "Text must not be overlooked.",
               statement(concept(text="tramadol 50 mg q6h prn"), ago(30))),
    # What looks like an opioid, or is long past.
    _silent("Apomorphine on the medication list", "For Parkinson's disease; no opioid effect.",
            order(concept(text="apomorphine 30 mg/3 mL pen"), ago(10), days=30)),
    _silent("Dextromethorphan syrup", "No opioid effect.",
            order(concept(text="dextromethorphan-guaifenesin syrup"), ago(2), days=5)),
    _silent("Diphenoxylate with atropine", "Against diarrhea.",
            order(concept(text="diphenoxylate-atropine 2.5-0.025 mg tablet (Lomotil)"), ago(3), days=10)),
    _silent("Allergy to codeine recorded 3 days ago", "An allergy is no use.",
            _allergy(concept(coding(RXNORM, "2670")))),
    _silent("Oxycodone intended only", "A statement of intent is not taking it.",
            statement(drug(OXYCODONE), ago(3), status="intended")),
    _silent("Opiates in urine 'not detected'", "Negative is no evidence of use.",
            toxicology("19295-5", ago(2), valueCodeableConcept=None, valueString="Not detected")),
    _silent("Methadone supply ended 25 days ago", "Outside the wash-out.",
            dispense(drug(METHADONE_TABLET), ago(32), days=7)),
    _silent("Tramadol course ended four weeks ago", "Outside the wash-out.",
            order(drug(TRAMADOL), ago(35), days=7, status="completed")),
    _silent("Sublocade more than a year ago", "Outside every wash-out.", given(drug(SUBLOCADE), ago(420))),
    _silent("Next injection due, urine negative", "In treatment, as it should be.", problem("F11.10", ago(500)),
            given(drug(NALTREXONE_INJECTION), ago(28)), toxicology("19295-5", ago(0), "negative"), ordered=INJECTION),
    # Lists that came in part.
    Vignette("Laboratory list failed", SIGN, "A positive test may be missing.", (), (TABLET,),
             replaced={"labs": FAILED}, wanted=((NALTREXONE, "warning"),), forbidden=NEVER_CRITICAL,
             says=("could not be checked",)),
    Vignette("First page of the medication requests only", SIGN, "An opioid may stand on the second page.", (),
             (TABLET,), replaced={"medicationRequests": further(METFORMIN)}, wanted=((NALTREXONE, "warning"),),
             forbidden=NEVER_CRITICAL),
    Vignette("First page only, oxycodone on it", SIGN, "What is known decides.", (), (TABLET,),
             replaced={"medicationDispenses": further(DISPENSED)}, wanted=((NALTREXONE, "critical"),)),
    Vignette("Methadone of another person beside own vitamins", SIGN, "Another person's drug is not named.",
             (someone_else(given(drug(METHADONE_TABLET), ago(6))),), (INJECTION,), forbidden=NEVER_CRITICAL,
             never=("methadone 10 mg", "methadone hydrochloride")),
)  # fmt: skip
