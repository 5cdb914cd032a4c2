"""An opioid is ordered for a person on buprenorphine or methadone, or with opioid use disorder (OUD)."""

from tests.vignettes.build import (
    BUTORPHANOL_SPRAY,
    BUTRANS,
    FAILED,
    FENTANYL_PATCH,
    HCPCS,
    HYDROCODONE,
    HYDROMORPHONE_INJECTION,
    IBUPROFEN,
    ICD,
    METHADONE_DISPERSIBLE,
    METHADONE_TABLET,
    NALBUPHINE_INJECTION,
    NALOXONE_AT_HOME,
    NALOXONE_SPRAY,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    OXYCODONE,
    RXNORM,
    SNOMED,
    STAY,
    SUBLOCADE,
    SUBOXONE_FILM,
    TRAMADOL,
    Resource,
    ago,
    coding,
    concept,
    contained,
    dispense,
    draft,
    drug,
    encounter,
    further,
    given,
    order,
    patient,
    problem,
    procedure,
    someone_else,
    statement,
)
from tests.vignettes.vignette import BLAME, MEDICATION_LISTS, NALOXONE, OPIOID, Vignette

SELECT, SIGN = "order-select", "order-sign"
OUD = problem("F11.10", ago(400))
PAIN = problem("G89.4", ago(900))
FILM = drug(SUBOXONE_FILM)
ON_BUPRENORPHINE = order(FILM, ago(15), days=30, id="bup")
ON_METHADONE = procedure(HCPCS, "G2067", ago(4))
PILL = draft(drug(OXYCODONE))
PLAIN = draft(drug(IBUPROFEN))
PENTAZOCINE = ("312289", "naloxone 0.5 MG / pentazocine 50 MG Oral Tablet")
NEVER = (*BLAME, "stop buprenorphine before", "discontinue buprenorphine before", "hold the buprenorphine",
         "stop methadone before", "discontinue methadone before", "hold the methadone")  # fmt: skip
NOT_CRITICAL = (f"{OPIOID}:critical",)


def _card(indicator: str | None, name: str, why: str, *chart: Resource, ordered: Resource = PILL,
          says: tuple[str, ...] = (), forbidden: tuple[str, ...] = ()) -> Vignette:  # fmt: skip
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (ordered,), wanted=((OPIOID, indicator),),
                    forbidden=forbidden, says=says, never=NEVER)  # fmt: skip


def _warning(name: str, why: str, *chart: Resource, ordered: Resource = PILL, says: tuple[str, ...] = ()) -> Vignette:
    return _card("warning", name, why, *chart, ordered=ordered, says=says, forbidden=NOT_CRITICAL)


def _silent(name: str, why: str, *chart: Resource, ordered: Resource = PILL) -> Vignette:
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (ordered,), forbidden=(OPIOID,))


VIGNETTES = (
    # On buprenorphine.
    _warning("Oxycodone ordered, on Suboxone", "Continue buprenorphine, treat the pain beside it.", OUD,
             ON_BUPRENORPHINE, says=("buprenorphine", "continue")),
    _warning("Hydrocodone ordered, Sublocade 20 days ago", "The depot acts for weeks.", OUD,
             given(drug(SUBLOCADE), ago(20)), ordered=draft(drug(HYDROCODONE)), says=("buprenorphine",)),
    _warning("Tramadol ordered, Suboxone dispensed last week", "Tramadol is an opioid.", OUD,
             dispense(FILM, ago(7), days=28), ordered=draft(drug(TRAMADOL))),
    _warning("Oxycodone ordered, Brixadi claimed", "A claim says that it was given.", OUD,
             procedure(HCPCS, "J0578", ago(15))),
    _warning("Oxycodone in a contained Medication, on Suboxone", "The drug stands in the contained resource.", OUD,
             ON_BUPRENORPHINE, ordered=draft(None, **contained({"code": drug(OXYCODONE)}))),
    _warning("Oxycodone ordered, on Suboxone, in remission", "Treatment runs, whatever the code says.",
             problem("F11.21", ago(500)), ON_BUPRENORPHINE, says=("buprenorphine",)),
    _card(None, "Oxycodone ordered, Suboxone by text", "A program reports in words.", OUD,
          statement(concept(text="Suboxone 8-2 film (OTP)"), ago(60)), forbidden=NOT_CRITICAL),
    _card(None, "Norco ordered in words, on Suboxone", "An order by text must not be overlooked.", OUD,
          ON_BUPRENORPHINE, ordered=draft(concept(text="Norco 5-325 mg tablet (hydrocodone-acetaminophen)")),
          forbidden=NOT_CRITICAL),
    Vignette("Hydromorphone in the recovery room, on Suboxone", SIGN, "Pain is treated; treatment goes on.",
             (encounter(ago(0)), OUD, ON_BUPRENORPHINE, NALOXONE_AT_HOME),
             (draft(drug(HYDROMORPHONE_INJECTION), category="inpatient",
                    encounter={"reference": f"Encounter/{STAY}"}),), forbidden=NOT_CRITICAL, never=NEVER),
    # On methadone.
    _warning("Oxycodone ordered, methadone bundle this week", "Continue methadone, treat the pain beside it.", OUD,
             ON_METHADONE, says=("methadone", "continue")),
    _warning("Oxycodone ordered, methadone tablets with OUD coded", "With OUD coded it is treatment.", OUD,
             order(drug(METHADONE_TABLET), ago(15), days=28), says=("methadone",)),
    _warning("Fentanyl patch ordered, methadone of a program", "Two long-acting opioids.", OUD,
             order(drug(METHADONE_DISPERSIBLE), ago(15), days=28, intent="plan", reportedBoolean=True),
             ordered=draft(drug(FENTANYL_PATCH))),
    # Naltrexone that no longer blocks leaves a person without tolerance.
    _warning("Oxycodone ordered for a fracture, XR-naltrexone 40 days ago", "A usual dose may stop breathing.", OUD,
             problem("S52.501A", ago(0), category="encounter-diagnosis"), given(drug(NALTREXONE_INJECTION), ago(40)),
             says=("naltrexone", "tolerance is lost")),
    _warning("Oxycodone ordered, XR-naltrexone 33 days ago", "The blockade wears off in these days.", OUD,
             given(drug(NALTREXONE_INJECTION), ago(33)), says=("tolerance is lost",)),
    # A mixed agonist precipitates withdrawal.
    _card("critical", "Butorphanol ordered, Suboxone dispensed last week", "It precipitates withdrawal.", OUD,
          dispense(FILM, ago(7), days=28), ordered=draft(drug(BUTORPHANOL_SPRAY)), says=("withdrawal",)),
    _card("critical", "Nalbuphine ordered, methadone given yesterday", "It precipitates withdrawal.", OUD,
          given(drug(METHADONE_TABLET), ago(1)), ordered=draft(drug(NALBUPHINE_INJECTION)), says=("withdrawal",)),
    _card("critical", "Pentazocine ordered, oxycodone for pain dispensed", "It does so without OUD too.",
          PAIN, dispense(drug(OXYCODONE), ago(5), days=30), ordered=draft(drug(PENTAZOCINE)), says=("withdrawal",)),
    _card(None, "Butorphanol ordered, Butrans patches dispensed", "A buprenorphine patch is an agonist.", PAIN,
          dispense(drug(BUTRANS), ago(5), days=28), ordered=draft(drug(BUTORPHANOL_SPRAY))),
    _card(None, "Butorphanol ordered, methadone in words", "Text must not be overlooked.", OUD,
          statement(concept(text="methadone 80 mg daily (OTP)"), ago(60)), ordered=draft(drug(BUTORPHANOL_SPRAY))),
    _silent("Butorphanol ordered, no agonist and no OUD", "Nothing to precipitate.", problem("G43.909", ago(300)),
            ordered=draft(drug(BUTORPHANOL_SPRAY))),
    _silent("Butorphanol renewed", "The drug ordered is not its own agonist.", problem("G43.909", ago(300)),
            order(drug(BUTORPHANOL_SPRAY), ago(20), days=30, id="but"),
            ordered=draft(drug(BUTORPHANOL_SPRAY), priorPrescription={"reference": "MedicationRequest/but"})),
    # OUD without treatment.
    _warning("Oxycodone ordered, OUD untreated", "Discuss, check the PDMP, offer treatment.", OUD, says=("naloxone",)),
    _warning("Oxycodone ordered, OUD by SNOMED CT only", "Many problem lists hold SNOMED CT only.",
             problem("1336192000", ago(90), system=SNOMED)),
    _warning("Oxycodone ordered, OUD of an encounter without status", "Encounter diagnoses often carry no status.",
             problem("F11.10", ago(40), clinical=None, verified=None, category="encounter-diagnosis")),
    _warning("Codeine ordered by ingredient, OUD untreated", "An ingredient code is enough.", OUD,
             ordered=draft(concept(coding(RXNORM, "2670", "codeine")))),
    Vignette("Oxycodone ordered, OUD untreated, no naloxone", SIGN, "The naloxone line joins this card.", (OUD,),
             (PILL,), wanted=((OPIOID, "warning"),), forbidden=(NALOXONE,), says=("naloxone",), never=NEVER),
    Vignette("Oxycodone ordered, on Suboxone, no naloxone", SIGN, "The naloxone line joins this card.",
             (OUD, ON_BUPRENORPHINE), (PILL,), wanted=((OPIOID, "warning"),), forbidden=(NALOXONE,),
             says=("naloxone",), never=NEVER),
    Vignette("Oxycodone selected beside ibuprofen, OUD untreated", SELECT, "The chosen order.", (OUD, NALOXONE_AT_HOME),
             (PLAIN, PILL), (1,), wanted=((OPIOID, "warning"),)),
    Vignette("Ibuprofen selected, oxycodone not", SELECT, "Only the selected orders are judged.",
             (OUD, NALOXONE_AT_HOME), (PLAIN, PILL), (0,), forbidden=(OPIOID,)),
    _card(None, "Oxycodone ordered, possible OUD", "A provisional diagnosis is for assessment.",
          problem("F11.10", ago(30), verified="provisional"), says=("possible",), forbidden=NOT_CRITICAL),
    _card("info", "Oxycodone ordered in remission", "A shared plan, the smallest quantity.",
          problem("F11.21", ago(500)), forbidden=(f"{OPIOID}:warning", *NOT_CRITICAL)),
    _card("info", "Oxycodone ordered in remission by status", "Clinical status remission.",
          problem("F11.20", ago(900), clinical="remission"), forbidden=(f"{OPIOID}:warning",)),
    _card("info", "Butrans ordered, OUD untreated", "Buprenorphine for pain is no full agonist.", OUD,
          ordered=draft(drug(BUTRANS)), forbidden=(f"{OPIOID}:warning", *NOT_CRITICAL)),
    _card("info", "Oxycodone ordered for cancer pain, OUD untreated", "Cancer pain is treated.", OUD,
          problem("C25.9", ago(120)), problem("G89.3", ago(90)), forbidden=(f"{OPIOID}:warning", *NOT_CRITICAL)),
    _card("info", "Oxycodone ordered in hospice care, OUD untreated", "End of life.", OUD,
          problem("170935008", ago(20), system=SNOMED), forbidden=(f"{OPIOID}:warning", *NOT_CRITICAL)),
    Vignette("Long-term oxycodone renewed, only F11.20 coded", SIGN, "F11.20 may be physical dependence only.",
             (problem("F11.20", ago(600)), problem("Z79.891", ago(600)), NALOXONE_AT_HOME,
              order(drug(OXYCODONE), ago(28), days=30, id="oxy"),
              order(drug(OXYCODONE), ago(150), days=30, refills=3, status="completed")),
             (draft(drug(OXYCODONE), priorPrescription={"reference": "MedicationRequest/oxy"}),),
             forbidden=(f"{OPIOID}:warning", *NOT_CRITICAL), never=("has opioid use disorder", *BLAME)),
    # Neither treatment nor a disorder.
    _silent("Oxycodone ordered, nothing on record", "An ordinary order."),
    _silent("Oxycodone ordered, Butrans for pain", "A pain patch is not treatment of OUD.", PAIN,
            order(drug(BUTRANS), ago(10), days=28)),
    _silent("Oxycodone ordered, methadone for pain", "Without OUD it is an analgesic.", PAIN,
            order(drug(METHADONE_TABLET), ago(10), days=30)),
    _silent("Oxycodone ordered, long-term therapy coded", "Taking a prescribed opioid is no disorder.", PAIN,
            problem("Z79.891", ago(400))),
    _silent("Oxycodone ordered, opioid use without a disorder", "F11.90 is use.", problem("F11.90", ago(60))),
    _silent("Oxycodone ordered, OUD refuted", "Not present.", problem("F11.10", ago(90), verified="refuted")),
    _silent("Oxycodone ordered, OUD entered in error", "Never counts.",
            problem("F11.10", ago(90), clinical=None, verified="entered-in-error")),
    _silent("Oxycodone ordered, Suboxone entered in error", "Never counts.",
            order(FILM, ago(15), days=30, status="entered-in-error")),
    _silent("Oxycodone ordered, naltrexone for alcohol use disorder", "Another rule speaks of the block.",
            problem("F10.20", ago(300)), order(drug(NALTREXONE_TABLET), ago(10), days=30)),
    Vignette("Oxycodone ordered, OUD of another person", SIGN, "It never counts; the list may lack a row.",
             (someone_else(OUD),), (PILL,), says=("could not be checked",), forbidden=(f"{OPIOID}:critical",)),
    # What is no opioid analgesic order.
    _silent("Suboxone renewed", "Treatment goes on.", OUD, ON_BUPRENORPHINE,
            ordered=draft(FILM, priorPrescription={"reference": "MedicationRequest/bup"})),
    _silent("Suboxone ordered for untreated OUD", "The order is the treatment.", OUD, ordered=draft(FILM)),
    _silent("Methadone dispersible tablets renewed", "Treatment goes on.", OUD,
            order(drug(METHADONE_DISPERSIBLE), ago(20), days=28, id="met"),
            ordered=draft(drug(METHADONE_DISPERSIBLE), reasonCode=[concept(coding(ICD, "F11.20"))],
                          priorPrescription={"reference": "MedicationRequest/met"})),
    _silent("Naloxone spray ordered, on Suboxone", "Rescue is welcome.", OUD, ON_BUPRENORPHINE,
            ordered=draft(drug(NALOXONE_SPRAY))),
    _silent("Ibuprofen ordered, on Suboxone", "A fitting choice.", OUD, ON_BUPRENORPHINE, ordered=PLAIN),
    _silent("Oxycodone being stopped, OUD untreated", "Stopping needs no warning.", OUD,
            ordered=draft(drug(OXYCODONE), status="stopped")),
    Vignette("Person who has died", SIGN, "No cards after death.", (OUD,), (PILL,),
             person=patient(deceasedDateTime=ago(1)), forbidden=(OPIOID,)),
    # Lists that did not come.
    Vignette("Oxycodone ordered, conditions failed", SIGN, "Silence at signing would read as clearance.",
             (NALOXONE_AT_HOME,), (PILL,), replaced={"conditions": FAILED}, wanted=((OPIOID, None),),
             forbidden=NOT_CRITICAL, says=("could not be checked",)),
    Vignette("Oxycodone ordered, OUD coded, no medication list sent", SIGN, "What is known decides; nothing is denied.",
             (OUD,), (PILL,), unread=MEDICATION_LISTS, wanted=((OPIOID, None),), forbidden=NOT_CRITICAL,
             never=("no medication treatment was found", "no naloxone was found", *NEVER)),
    Vignette("Oxycodone ordered, first page of conditions only", SIGN, "OUD may stand on the second page.",
             (NALOXONE_AT_HOME,), (PILL,), replaced={"conditions": further(problem("I10", ago(900)))},
             wanted=((OPIOID, None),), forbidden=NOT_CRITICAL),
)  # fmt: skip
