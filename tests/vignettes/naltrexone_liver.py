"""Naltrexone and the liver: acute hepatitis and failure warn; chronic hepatitis C and a mild rise do not."""

from typing import Any

from tests.vignettes.build import (
    EMBEDA,
    FAILED,
    HCPCS,
    IBUPROFEN,
    METHADONE_TABLET,
    NALOXONE_AT_HOME,
    NALOXONE_SPRAY,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    SCREENED,
    SNOMED,
    Resource,
    ago,
    concept,
    contained,
    draft,
    drug,
    given,
    observation,
    order,
    patient,
    problem,
    procedure,
    someone_else,
)
from tests.vignettes.vignette import BLAME, LIVER, Vignette

VIEW, SELECT, SIGN = "patient-view", "order-select", "order-sign"
OUD = problem("F11.10", ago(400))
ALCOHOL = problem("F10.20", ago(400))
TABLET = draft(drug(NALTREXONE_TABLET))
INJECTION = draft(drug(NALTREXONE_INJECTION))
PLAIN = draft(drug(IBUPROFEN))
ALT, AST = "1742-6", "1920-8"
UCUM = "http://unitsofmeasure.org"
NEVER = (*BLAME, "hepatitis c is a contraindication", "withhold naltrexone because of hepatitis c")
NO_WARNING = (f"{LIVER}:warning", f"{LIVER}:critical")


def enzyme(code: str, value: float, on: str, high: float | None = 40, unit: str = "U/L", **more: Any) -> Resource:
    """ALT or AST with the laboratory's upper limit; high None = the laboratory sent none."""
    limit = [{"high": {"value": high, "unit": unit, "system": UCUM, "code": unit}}] if high else None
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    return observation(code, on, **{"category": "laboratory", "valueQuantity": quantity, "referenceRange": limit}
                       | more)  # fmt: skip


NORMAL = enzyme(ALT, 24, ago(15))
ACUTE = problem("B16.9", ago(50))


def _warning(name: str, why: str, *chart: Resource, ordered: Resource = TABLET, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), wanted=((LIVER, "warning"),), forbidden=(f"{LIVER}:critical",),
                    says=says, never=NEVER)  # fmt: skip


def _no_warning(name: str, why: str, *chart: Resource, ordered: Resource = TABLET) -> Vignette:
    """No card, or one that only informs."""
    return Vignette(name, SIGN, why, chart, (ordered,), forbidden=NO_WARNING, never=NEVER)


def _silent(name: str, why: str, *chart: Resource, ordered: Resource = TABLET) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), forbidden=(LIVER,))


VIGNETTES = (
    # Acute hepatitis, failure, decompensation.
    _warning("Tablets ordered, acute hepatitis B", "Acute hepatitis seven weeks ago.", OUD, ACUTE, NORMAL),
    _warning("Injection ordered, acute hepatitis by SNOMED CT", "Many problem lists hold SNOMED CT only.", OUD, NORMAL,
             problem("37871000", ago(30), system=SNOMED), ordered=INJECTION),
    _warning("Tablets for alcohol use disorder, alcohol-related hepatitis", "Why it is ordered does not matter.",
             ALCOHOL, NORMAL, problem("K70.10", ago(20))),
    _warning("Tablets ordered, acute hepatitis C", "Acute is not chronic.", OUD, NORMAL,
             problem("235866006", ago(40), system=SNOMED)),
    _warning("Tablets ordered, hepatic failure", "Failure of the liver.", OUD, NORMAL, problem("K72.90", ago(60))),
    _warning("Injection ordered, hepatic encephalopathy", "Failure of the liver.", OUD, NORMAL,
             problem("K76.82", ago(25)), ordered=INJECTION),
    _warning("Tablets ordered, decompensated cirrhosis", "Decompensated.", ALCOHOL, NORMAL,
             problem("716203000", ago(200), system=SNOMED)),
    _warning("Hepatitis of an encounter without status", "Encounter diagnoses often carry no status.", OUD, NORMAL,
             problem("B15.9", ago(20), clinical=None, verified=None, category="encounter-diagnosis")),
    Vignette("Vivitrol ordered in words, hepatic failure", SIGN, "An order by text must not be overlooked.",
             (OUD, NORMAL, problem("K72.90", ago(60))), (draft(concept(text="Vivitrol 380 mg IM every 4 weeks")),),
             wanted=((LIVER, None),), never=NEVER),
    _warning("Naltrexone in a contained Medication, hepatic failure", "The drug stands in the contained resource.", OUD,
             NORMAL, problem("K72.90", ago(60)), ordered=draft(None, **contained({"code": drug(NALTREXONE_TABLET)}))),
    # Enzymes.
    _warning("ALT 280 U/L, upper limit 40", "Seven times the limit.", OUD, enzyme(ALT, 280, ago(15)), says=("280",)),
    _warning("AST 320 U/L, upper limit 35", "Nine times the limit.", OUD, enzyme(AST, 320, ago(15), high=35)),
    _warning("ALT 280 U/L, no upper limit sent", "Forty stands in for the limit.", OUD,
             enzyme(ALT, 280, ago(15), high=None)),
    _warning("ALT in microkatal, seven times the limit", "Units differ, the ratio does not.", OUD,
             enzyme(ALT, 5.25, ago(15), high=0.75, unit="ukat/L")),
    _warning("ALT normal last year, 300 U/L last week", "The last value counts.", OUD, enzyme(ALT, 30, ago(300)),
             enzyme(ALT, 300, ago(8))),
    _warning("ALT normal, AST 300 U/L", "Either enzyme is enough.", OUD, NORMAL, enzyme(AST, 300, ago(15))),
    Vignette("On XR-naltrexone, acute hepatitis B", VIEW, "Naltrexone runs while the liver is inflamed.",
             (OUD, ACUTE, NORMAL, given(drug(NALTREXONE_INJECTION), ago(14)), NALOXONE_AT_HOME, *SCREENED),
             wanted=((LIVER, "warning"),), never=NEVER),
    Vignette("Tablets selected beside ibuprofen, hepatic failure", SELECT, "The chosen order.",
             (OUD, NORMAL, problem("K72.90", ago(60))), (PLAIN, TABLET), (1,), wanted=((LIVER, "warning"),)),
    Vignette("Ibuprofen selected, naltrexone not", SELECT, "Only the selected orders are judged.",
             (OUD, NORMAL, problem("K72.90", ago(60))), (PLAIN, TABLET), (0,), forbidden=(LIVER,)),
    # Not a reason to withhold.
    _no_warning("Chronic hepatitis C, enzymes normal", "No reason against naltrexone.", OUD, NORMAL,
                problem("B18.2", ago(1500))),
    _no_warning("Chronic hepatitis C by SNOMED CT", "No reason against naltrexone.", OUD, NORMAL,
                problem("128302006", ago(1500), system=SNOMED)),
    _no_warning("Chronic hepatitis B", "No reason against naltrexone.", OUD, NORMAL, problem("B18.1", ago(1500))),
    _no_warning("Chronic hepatitis C, ALT twice the limit", "A mild rise.", OUD, enzyme(ALT, 82, ago(15)),
                problem("B18.2", ago(1500))),
    _no_warning("ALT 120 U/L, upper limit 40", "Three times is below five times.", OUD, enzyme(ALT, 120, ago(15))),
    _no_warning("ALT 230 U/L, upper limit 60", "The laboratory's own limit: below four times.", OUD,
                enzyme(ALT, 230, ago(15), high=60)),
    _no_warning("Cirrhosis, compensated", "Only decompensation warns.", OUD, NORMAL, problem("K74.60", ago(700))),
    _no_warning("Fatty liver", "No reason against naltrexone.", OUD, NORMAL, problem("K76.0", ago(700))),
    # Long past, or never.
    _no_warning("ALT 400 U/L half a year ago, none since", "Older than three months.", OUD, enzyme(ALT, 400, ago(180))),
    _no_warning("ALT 400 U/L two months ago, 35 U/L last week", "The last value counts.", OUD,
                enzyme(ALT, 400, ago(60)), enzyme(ALT, 35, ago(8))),
    _no_warning("Acute hepatitis a year ago, resolved", "Long past.", OUD, NORMAL,
                problem("B16.9", ago(400), clinical="resolved", abatementDateTime=ago(330))),
    _silent("Acute hepatitis refuted", "Not present.", OUD, NORMAL, problem("B16.9", ago(50), verified="refuted")),
    _silent("Hepatic failure entered in error", "Never counts.", OUD, NORMAL,
            problem("K72.90", ago(60), clinical=None, verified="entered-in-error")),
    _no_warning("ALT 400 U/L entered in error", "Never counts.", OUD, NORMAL,
                enzyme(ALT, 400, ago(8), status="entered-in-error")),
    _no_warning("ALT 400 U/L cancelled", "Never counts.", OUD, NORMAL, enzyme(ALT, 400, ago(8), status="cancelled")),
    _no_warning("Hepatic failure of another person", "Another person's diagnosis raises no such card.", OUD, NORMAL,
                someone_else(problem("K72.90", ago(60)))),
    _silent("Tablets ordered, enzymes normal", "Nothing to say.", OUD, NORMAL, enzyme(AST, 21, ago(15))),
    # The first order without a look at the liver.
    Vignette("First order, no liver tests on record", SIGN, "A baseline is worth having.", (OUD,), (TABLET,),
             wanted=((LIVER, "info"),), forbidden=NO_WARNING, never=NEVER),
    _silent("Tablets renewed, no liver tests on record", "Not the first order.", OUD,
            order(drug(NALTREXONE_TABLET), ago(26), days=30, id="ntx"),
            ordered=draft(drug(NALTREXONE_TABLET), priorPrescription={"reference": "MedicationRequest/ntx"})),
    _silent("Next injection ordered, no liver tests on record", "Not the first order.", OUD,
            procedure(HCPCS, "J2315", ago(28)), given(drug(NALTREXONE_INJECTION), ago(28)), ordered=INJECTION),
    # No naltrexone order.
    _silent("Ibuprofen ordered, hepatic failure", "Not about naltrexone.", OUD, problem("K72.90", ago(60)),
            ordered=PLAIN),
    _silent("Methadone ordered, hepatic failure", "Not about naltrexone.", OUD, problem("K72.90", ago(60)),
            ordered=draft(drug(METHADONE_TABLET))),
    _silent("Embeda ordered, hepatic failure", "Its naltrexone is sequestered.", problem("K72.90", ago(60)),
            ordered=draft(drug(EMBEDA))),
    _silent("Naloxone spray ordered, hepatic failure", "Rescue is welcome.", OUD, problem("K72.90", ago(60)),
            ordered=draft(drug(NALOXONE_SPRAY))),
    _silent("Naltrexone not to be given, hepatic failure", "doNotPerform orders nothing.", OUD,
            problem("K72.90", ago(60)), ordered=draft(drug(NALTREXONE_TABLET), doNotPerform=True)),
    Vignette("Hepatic failure, no naltrexone", VIEW, "Not about naltrexone.",
             (OUD, problem("K72.90", ago(60)), NALOXONE_AT_HOME, *SCREENED), forbidden=(LIVER,)),
    Vignette("Person who has died", SIGN, "No cards after death.", (OUD, ACUTE), (TABLET,),
             person=patient(deceasedDateTime=ago(1)), forbidden=(LIVER,)),
    # Lists that did not come.
    Vignette("Tablets ordered, laboratory list failed", SIGN, "The liver could not be checked.", (OUD,), (TABLET,),
             replaced={"labs": FAILED}, wanted=((LIVER, None),), forbidden=(f"{LIVER}:critical",),
             says=("could not be checked",), never=("no liver test was found", *NEVER)),
    Vignette("Tablets ordered, laboratory list failed, hepatic failure", SIGN, "What is known decides.",
             (OUD, problem("K72.90", ago(60))), (TABLET,), replaced={"labs": FAILED}, wanted=((LIVER, "warning"),)),
)  # fmt: skip
