"""An opioid is ordered for a person on naltrexone: it is blocked, and overcoming the block can be fatal."""

from tests.vignettes.build import (
    BUTORPHANOL_SPRAY,
    CODEINE_SYRUP,
    CONTRAVE,
    EMBEDA,
    FAILED,
    FENTANYL_PATCH,
    HCPCS,
    HYDROCODONE,
    IBUPROFEN,
    NALOXONE_SPRAY,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    NDC,
    OXYCODONE,
    RXNORM,
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
    given,
    order,
    patient,
    problem,
    procedure,
    someone_else,
    statement,
)
from tests.vignettes.vignette import BLAME, BLOCKED, MEDICATION_LISTS, Vignette

SELECT, SIGN = "order-select", "order-sign"
OUD = problem("F11.10", ago(400))
ALCOHOL = problem("F10.20", ago(300))
INJECTED = given(drug(NALTREXONE_INJECTION), ago(12))
DISPENSED = dispense(drug(NALTREXONE_TABLET), ago(10), days=30)
PILL = draft(drug(OXYCODONE))
PLAIN = draft(drug(IBUPROFEN))


def _due(name: str, why: str, *chart: Resource, ordered: Resource = PILL) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), wanted=((BLOCKED, "warning"),), says=("naltrexone",),
                    never=BLAME)  # fmt: skip


def _some_card(name: str, why: str, *chart: Resource, ordered: Resource = PILL) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), wanted=((BLOCKED, None),), never=BLAME)


def _silent(name: str, why: str, *chart: Resource, ordered: Resource = PILL) -> Vignette:
    return Vignette(name, SIGN, why, chart, (ordered,), forbidden=(BLOCKED,))


VIGNETTES = (
    # Where naltrexone is on record.
    _due("Oxycodone ordered 12 days after XR-naltrexone", "The injection blocks for a month.", OUD, INJECTED),
    _due("Oxycodone ordered, naltrexone tablets dispensed", "Tablets for another three weeks.", OUD, DISPENSED),
    _due("Oxycodone ordered, naltrexone on the medication list", "An open prescription.", OUD,
         order(drug(NALTREXONE_TABLET), ago(20), days=30, refills=2)),
    _due("Oxycodone ordered, naltrexone as a statement", "Taken as reported.", ALCOHOL,
         statement(drug(NALTREXONE_TABLET), ago(40))),
    _due("Oxycodone ordered, XR-naltrexone claimed", "A claim says that it was given.", OUD,
         procedure(HCPCS, "J2315", ago(15))),
    _due("Naltrexone for alcohol use disorder", "Why it is taken does not matter to the block.", ALCOHOL, DISPENSED),
    _due("Naltrexone in a contained Medication", "The drug stands in the contained resource.", OUD,
         order({}, ago(15), days=30, **contained({"code": drug(NALTREXONE_TABLET)}))),
    _due("Naltrexone as ingredient", "The route is unknown, the block is not.", ALCOHOL,
         order(concept(coding(RXNORM, "7243", "naltrexone")), ago(15), days=30)),
    _some_card("Vivitrol by text from elsewhere", "Given elsewhere, reported in words.", OUD,
               statement(concept(text="Vivitrol monthly per CMHC"), ago(20))),
    _some_card("Naltrexone by NDC and text", "A dispense often holds an NDC and words.", ALCOHOL,
               dispense(concept(coding(NDC, "16729-0081-01"), text="naltrexone 50 mg tablet"), ago(9), days=30)),
    _some_card("Contrave on the medication list", "Its naltrexone blocks just as well.",
               order(drug(CONTRAVE), ago(10), days=30)),
    # Which opioid is ordered.
    _due("Hydrocodone with acetaminophen ordered", "A combination holds an opioid.", OUD, INJECTED,
         ordered=draft(drug(HYDROCODONE))),
    _due("Tramadol ordered", "Tramadol is an opioid.", ALCOHOL, DISPENSED, ordered=draft(drug(TRAMADOL))),
    _due("Codeine cough syrup ordered", "Cough medicine counts.", ALCOHOL, DISPENSED,
         ordered=draft(drug(CODEINE_SYRUP))),
    _some_card("Fentanyl patch ordered", "A patch is no way around the block.", OUD, INJECTED,
               ordered=draft(drug(FENTANYL_PATCH))),
    _some_card("Embeda ordered", "Morphine, whatever its naltrexone.", OUD, INJECTED, ordered=draft(drug(EMBEDA))),
    _some_card("Butorphanol ordered", "A mixed agonist is blocked too.", OUD, INJECTED,
               ordered=draft(drug(BUTORPHANOL_SPRAY))),
    _some_card("Percocet ordered in words", "An order by text must not be overlooked.", OUD, INJECTED,
               ordered=draft(concept(text="Percocet 5-325 mg tablet"))),
    _some_card("Opioid of a reference that cannot be followed", "Only its display says what it is.", OUD, INJECTED,
               ordered=draft(None, medicationReference={"reference": "Medication/gone",
                                                        "display": "oxycodone 10 mg tablet"})),
    Vignette("Oxycodone selected beside ibuprofen", SELECT, "The chosen order.", (OUD, INJECTED), (PLAIN, PILL), (1,),
             wanted=((BLOCKED, "warning"),)),
    Vignette("Ibuprofen selected, oxycodone not", SELECT, "Only the selected orders are judged.", (OUD, INJECTED),
             (PLAIN, PILL), (0,), forbidden=(BLOCKED,)),
    # What is no opioid order.
    _silent("Naloxone spray ordered", "Rescue is welcome.", OUD, INJECTED, ordered=draft(drug(NALOXONE_SPRAY))),
    _silent("Ibuprofen ordered", "A fitting choice.", OUD, INJECTED, ordered=PLAIN),
    _silent("Loperamide ordered", "No opioid effect beyond the gut.", OUD, INJECTED,
            ordered=draft(concept(coding(RXNORM, "6468", "loperamide")))),
    _silent("Dextromethorphan ordered", "No opioid effect.", OUD, INJECTED,
            ordered=draft(concept(text="dextromethorphan-guaifenesin 20-200 mg/10 mL syrup"))),
    _silent("Naltrexone renewed", "Its own renewal is no opioid.", OUD,
            order(drug(NALTREXONE_TABLET), ago(25), days=30, id="ntx"),
            ordered=draft(drug(NALTREXONE_TABLET), priorPrescription={"reference": "MedicationRequest/ntx"})),
    _silent("Oxycodone being stopped", "Stopping needs no warning.", OUD, INJECTED,
            ordered=draft(drug(OXYCODONE), status="stopped")),
    _silent("Oxycodone not to be given", "doNotPerform orders nothing.", OUD, INJECTED,
            ordered=draft(drug(OXYCODONE), doNotPerform=True)),
    # What is no naltrexone.
    _silent("XR-naltrexone two months ago", "The block has worn off.", OUD, given(drug(NALTREXONE_INJECTION), ago(60))),
    _silent("Naltrexone tablets ran out three months ago", "Three days after the last tablet the block is over.", OUD,
            dispense(drug(NALTREXONE_TABLET), ago(120), days=30)),
    _silent("Naltrexone stopped half a year ago", "Long past.", OUD,
            order(drug(NALTREXONE_TABLET), ago(220), days=30, status="stopped")),
    _silent("Naltrexone entered in error", "Never counts.", OUD,
            order(drug(NALTREXONE_TABLET), ago(10), days=30, status="entered-in-error")),
    _silent("Naltrexone not taken", "The person does not take it.", OUD,
            statement(drug(NALTREXONE_TABLET), ago(10), status="not-taken")),
    _silent("XR-naltrexone not given", "The dose was withheld.", OUD,
            given(drug(NALTREXONE_INJECTION), ago(12), status="not-done")),
    _silent("XR-naltrexone claim entered in error", "Never counts.", OUD,
            procedure(HCPCS, "J2315", ago(15), status="entered-in-error")),
    _silent("Embeda on the medication list", "Its naltrexone is sequestered.", problem("G89.4", ago(500)),
            order(drug(EMBEDA), ago(10), days=30)),
    _silent("Methylnaltrexone on the medication list", "It does not reach the brain.", problem("G89.4", ago(500)),
            order(concept(text="methylnaltrexone 450 mg tablet (Relistor)"), ago(10), days=30)),
    _silent("Naloxone spray at home", "A rescue product does not block for days.",
            dispense(drug(NALOXONE_SPRAY), ago(10))),
    _silent("Suboxone on the medication list", "Its naloxone is no naltrexone.", OUD,
            order(drug(SUBOXONE_FILM), ago(10), days=30)),
    _silent("No naltrexone anywhere", "Every list was read."),
    Vignette("XR-naltrexone of another person", SIGN, "Another person's injection raises no claim of a block.",
             (someone_else(INJECTED),), (PILL,), forbidden=(f"{BLOCKED}:critical",), never=("380",)),
    Vignette("Person who has died", SIGN, "No cards after death.", (OUD, INJECTED), (PILL,),
             person=patient(deceasedDateTime=ago(1)), forbidden=(BLOCKED,)),
    # Lists that did not come.
    Vignette("Oxycodone ordered, no medication list sent", SIGN, "Silence at signing would read as clearance.", (OUD,),
             (PILL,), unread=MEDICATION_LISTS, wanted=((BLOCKED, None),), forbidden=(f"{BLOCKED}:critical",),
             says=("could not be checked",)),
    Vignette("Oxycodone ordered, administrations failed, tablets dispensed", SIGN, "What is known decides.",
             (ALCOHOL, DISPENSED), (PILL,), replaced={"medicationAdministrations": FAILED},
             wanted=((BLOCKED, "warning"),), says=("naltrexone",)),
    Vignette("Ibuprofen ordered, no medication list sent", SIGN, "No opioid is ordered: nothing to check.", (OUD,),
             (PLAIN,), unread=MEDICATION_LISTS, forbidden=(BLOCKED,)),
)  # fmt: skip
