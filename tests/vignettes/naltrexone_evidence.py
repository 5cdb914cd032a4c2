"""Naltrexone is ordered and an opioid is on record: critical only on dated evidence inside the wash-out window."""

from tests.vignettes.build import (
    BUTRANS,
    CODEINE_SYRUP,
    EMBEDA,
    HCPCS,
    IMPLANT,
    LOINC,
    METHADONE_TABLET,
    NALTREXONE_TABLET,
    OXYCODONE,
    OXYCODONE_ER,
    PERSON,
    RXNORM,
    SNOMED,
    SUBLOCADE,
    SUBOXONE_FILM,
    TROXYCA,
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
    problem,
    procedure,
    statement,
    toxicology,
)
from tests.vignettes.vignette import NALTREXONE, Vignette

TABLET = draft(drug(NALTREXONE_TABLET))
NEVER_CRITICAL = (f"{NALTREXONE}:critical",)


def _critical(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, "order-sign", why, chart, (TABLET,), wanted=((NALTREXONE, "critical"),), says=says)


def _warning(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, "order-sign", why, chart, (TABLET,), wanted=((NALTREXONE, "warning"),),
                    forbidden=NEVER_CRITICAL, says=says)  # fmt: skip


def _some_card(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, "order-sign", why, chart, (TABLET,), wanted=((NALTREXONE, None),))


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, "order-sign", why, chart, (TABLET,), forbidden=(NALTREXONE,))


VIGNETTES = (
    # Dated, and inside the window.
    _critical("Oxycodone authorised 3 days ago", "Authored inside the wash-out.", order(drug(OXYCODONE), ago(3)),
              says=("2026-11-13",)),
    _critical("Oxycodone supply ended 4 days ago", "The last tablet was four days ago.",
              order(drug(OXYCODONE), ago(14), days=10, status="completed")),
    _critical("Oxycodone given 2 days ago", "Given in hospital.", given(drug(OXYCODONE), ago(2))),
    _critical("Oxycodone taken, supply for two more weeks", "Dispensed ten days ago for 24 days.",
              dispense(drug(OXYCODONE), ago(10), days=24)),
    _critical("Long-acting oxycodone supply ended 11 days ago", "Long-acting opioids need fourteen days.",
              dispense(drug(OXYCODONE_ER), ago(21), days=10)),
    _critical("Methadone given 10 days ago", "Methadone needs fourteen days.", given(drug(METHADONE_TABLET), ago(10))),
    _critical("Buprenorphine supply ended 6 days ago", "Buprenorphine needs up to fourteen days.",
              dispense(drug(SUBOXONE_FILM), ago(20), days=14)),
    _critical("Sublocade 30 days ago", "A depot acts for weeks to months.", given(drug(SUBLOCADE), ago(30))),
    _critical("Butrans patches dispensed 5 days ago", "A buprenorphine patch is buprenorphine.",
              dispense(drug(BUTRANS), ago(5), days=28)),
    _critical("Embeda dispensed 4 days ago", "Morphine, whatever its naltrexone.",
              dispense(drug(EMBEDA), ago(4), days=30)),
    _critical("Troxyca dispensed 4 days ago", "Oxycodone, whatever its naltrexone.",
              dispense(drug(TROXYCA), ago(4), days=30)),
    _critical("Codeine syrup dispensed 2 days ago", "Cough medicine counts.",
              dispense(drug(CODEINE_SYRUP), ago(2), days=5)),
    _critical("Tramadol dispensed 4 days ago", "Tramadol is an opioid.",
              dispense(concept(coding(RXNORM, "2670390")), ago(4), days=5)),
    _critical("Opiates in urine 3 days ago", "A positive test inside seven days.", toxicology("19295-5", ago(3))),
    _critical("Fentanyl in urine 3 days ago", "A positive test inside seven days.", toxicology("59673-4", ago(3))),
    _critical("Methadone in urine 3 days ago", "A positive test inside seven days.", toxicology("19550-3", ago(3))),
    _warning("Opiates in urine, answer as text", "Text alone is never critical.",
              toxicology("19295-5", ago(3), valueCodeableConcept=None, valueString="POSITIVE")),
    _critical("Opiates in urine, answer as interpretation", "The interpretation is coded, the value a number.",
              toxicology("17384-9", ago(3), valueCodeableConcept=None, valueQuantity={"value": 820, "unit": "ng/mL"},
                         interpretation=[concept(coding(
                             "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "POS"))])),
    _critical("Opioid withdrawal diagnosed today", "Withdrawal today means opioids lately.", problem("F11.23", ago(0))),
    # Dated and inside, but the stories of interfaces.
    _critical("RxNorm by OID with spaces", "EHRs send OIDs and stray spaces.",
              dispense(concept(coding("urn:oid:2.16.840.1.113883.6.88", " 1049621 ")), ago(3), days=5)),
    _critical("Several codings, one of them RxNorm", "Any coding that fits counts.",
              dispense(concept(coding("urn:local", "77"), coding("http://hl7.org/fhir/sid/ndc", "00406-0552-01"),
                               coding(RXNORM, "1049621")), ago(3), days=5)),
    _critical("Subject as absolute URL", "The same person.",
              dispense(drug(OXYCODONE), ago(3), days=5,
                       subject={"reference": f"https://ehr.example.org/fhir/Patient/{PERSON}"})),
    _critical("Date with time and offset", "The day written in the dateTime counts.",
              dispense(drug(OXYCODONE), f"{ago(3)}T23:30:00-05:00", days=5)),
    _critical("Dispense reference to a request in the list", "The same prescription in two lists.",
              order(drug(OXYCODONE), ago(40), days=5, refills=1, id="oxy"),
              dispense(drug(OXYCODONE), ago(3), days=5,
                       authorizingPrescription=[{"reference": "MedicationRequest/oxy"}])),
    # Merely on the list.
    _warning("Oxycodone 'active' since eight months", "A stale entry: ask when it was last taken.",
             order(drug(OXYCODONE), ago(240)), says=("ask",)),
    _warning("Oxycodone 'active' without a date", "Nothing says when.", order(drug(OXYCODONE), None)),
    _warning("Oxycodone course of 3 days still 'active' after 20", "The entry was not closed.",
             order(drug(OXYCODONE), ago(20), days=3)),
    _warning("Long-acting oxycodone, supply ended 20 days ago, still 'active'", "The entry says that it is taken.",
             order(drug(OXYCODONE_ER), ago(50), days=30)),
    _warning("Oxycodone reported as taken since last year", "A statement without a last dose.",
             statement(drug(OXYCODONE), ago(400))),
    _warning("Oxycodone by text, dispensed 2 days ago", "Text alone is never critical.",
             dispense(concept(text="oxycodone 5 mg tablet"), ago(2), days=5)),
    _warning("Percocet by text and NDC, dispensed 2 days ago", "Text alone is never critical.",
             dispense(concept(coding("http://hl7.org/fhir/sid/ndc", "63481-0623-70"), text="Percocet 5-325 mg"),
                      ago(2), days=5)),
    _warning("Methadone reported by an OTP in words", "Text alone is never critical.",
             statement(concept(text="methadone 80 mg daily (OTP)"), ago(100))),
    _warning("Fentanyl in urine, presumptive, as text", "Text alone is never critical.",
             toxicology("59673-4", ago(2), valueCodeableConcept=None, valueString="Presumptive positive")),
    # Some card is due; which one is a matter of the dates.
    _some_card("Methadone bundle claimed 5 days ago", "A claim of methadone is evidence of methadone.",
               procedure(HCPCS, "G2067", ago(5))),
    _some_card("Buprenorphine implant 100 days ago", "The implant acts for six months.",
               given(drug(IMPLANT), ago(100))),
    _some_card("Sublocade claimed 40 days ago", "A depot acts for weeks to months.",
               procedure(HCPCS, "Q9991", ago(40))),
    _some_card("Fentanyl as a component of a panel", "Panels hold their results as components.",
               observation("12286-1", ago(2), category="laboratory", component=[
                   {"code": concept(coding(LOINC, "59673-4")),
                    "valueCodeableConcept": concept(coding(SNOMED, "10828004"), text="Positive")}])),
    _some_card("Fentanyl detected", "Detected is positive.",
               toxicology("59673-4", ago(2), valueCodeableConcept=concept(coding(SNOMED, "260373001"),
                          text="Detected"))),
    _some_card("Buprenorphine in urine 3 days ago", "Buprenorphine needs up to fourteen days.",
               toxicology("3414-0", ago(3))),
    _some_card("Oxycodone request of unknown status, 3 days ago", "An unknown status must not hide it.",
               order(drug(OXYCODONE), ago(3), status="unknown")),
    _some_card("Oxycodone dispensed this month, day unknown", "It could be inside the wash-out.",
               dispense(drug(OXYCODONE), "2026-11")),
    _some_card("Oxycodone request without status, 3 days ago", "A missing status must not hide it.",
               order(drug(OXYCODONE), ago(3), status=None)),
    _some_card("Oxycodone dispense without status, 3 days ago", "A missing status must not hide it.",
               dispense(drug(OXYCODONE), ago(3), days=5, status=None)),
    _some_card("Oxycodone stopped 2 days ago", "Stopped two days ago was taken until then.",
               order(drug(OXYCODONE), ago(30), status="stopped", statusReason=concept(text="switch"),
                     dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": {"start": ago(30), "end": ago(2)}}}}])),
    # Outside the window.
    _silent("Oxycodone dispensed in October, day unknown", "Even its last day is outside.",
            dispense(drug(OXYCODONE), "2026-10", days=1)),
    _silent("Oxycodone given 20 days ago", "Outside the wash-out.", given(drug(OXYCODONE), ago(20))),
    _silent("Oxycodone supply ended 12 days ago", "Short-acting: ten days.",
            dispense(drug(OXYCODONE), ago(17), days=5)),
    _silent("Methadone given 30 days ago", "Outside the wash-out.", given(drug(METHADONE_TABLET), ago(30))),
    _silent("Order of a stay that ended a month ago", "An inpatient order ends with the stay.",
            encounter(ago(41), ago(30), id="old"),
            order(drug(OXYCODONE), ago(40), category="inpatient", encounter={"reference": "Encounter/old"})),
    _silent("Withdrawal diagnosed three months ago, resolved", "Long past.",
            problem("F11.23", ago(90), clinical="resolved", abatementDateTime=ago(80))),
)  # fmt: skip
