"""Methadone and the QT interval: which evidence warns, which number counts, and what is no reading at all."""

from typing import Any

from tests.vignettes.build import (
    FAILED,
    HCPCS,
    IBUPROFEN,
    LOINC,
    METHADONE_DISPERSIBLE,
    METHADONE_TABLET,
    NALOXONE_AT_HOME,
    RXNORM,
    SCREENED,
    SNOMED,
    SUBOXONE_FILM,
    Resource,
    ago,
    coding,
    concept,
    contained,
    draft,
    drug,
    observation,
    order,
    patient,
    problem,
    procedure,
    someone_else,
    statement,
)
from tests.vignettes.vignette import BLAME, QT, Vignette

VIEW, SELECT, SIGN = "patient-view", "order-select", "order-sign"
OUD = problem("F11.10", ago(400))
PAIN = problem("G89.4", ago(900))
METHADONE = draft(drug(METHADONE_TABLET))
PLAIN = draft(drug(IBUPROFEN))
ON_METHADONE = order(drug(METHADONE_DISPERSIBLE), ago(15), days=28, intent="plan", reportedBoolean=True, id="met")
HALOPERIDOL = ("310672", "haloperidol 5 MG Oral Tablet")
CITALOPRAM = ("200371", "citalopram 20 MG Oral Tablet")
ESCITALOPRAM = ("349332", "escitalopram 10 MG Oral Tablet")
AZITHROMYCIN = ("308460", "azithromycin 250 MG Oral Tablet")
UCUM = "http://unitsofmeasure.org"
NEVER = (*BLAME, "stop methadone now", "methadone must not be given", "methadone is contraindicated")
NOT_CRITICAL = (f"{QT}:critical",)


def qtc(value: float, on: str, *, code: str = "8636-3", unit: str | None = "ms", **more: Any) -> Resource:
    """A corrected QT interval. unit None = a number without a unit."""
    quantity = {"value": value} | ({"unit": unit, "system": UCUM, "code": unit} if unit else {})
    return observation(code, on, **{"category": "laboratory", "valueQuantity": quantity} | more)


NORMAL = qtc(425, ago(40))
LONG = qtc(530, ago(30))


def _card(indicator: str | None, name: str, why: str, *chart: Resource, ordered: Resource = METHADONE,
          says: tuple[str, ...] = ()) -> Vignette:  # fmt: skip
    forbidden = NOT_CRITICAL if indicator == "warning" else ()
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (ordered,), wanted=((QT, indicator),),
                    forbidden=forbidden, says=says, never=NEVER)  # fmt: skip


def _not_critical(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (METHADONE,), forbidden=NOT_CRITICAL, never=NEVER)


def _silent(name: str, why: str, *chart: Resource, ordered: Resource = METHADONE) -> Vignette:
    return Vignette(name, SIGN, why, (NALOXONE_AT_HOME, *chart), (ordered,), forbidden=(QT,))


VIGNETTES = (
    # The number.
    _card("critical", "Methadone ordered, QTc 530 ms last month", "Above 500 ms.", OUD, LONG, says=("530",)),
    _card("critical", "Methadone ordered, QTc 0.53 s", "Some devices send seconds.", OUD, qtc(0.53, ago(30), unit="s")),
    _card("critical", "Methadone ordered, QTc by Fridericia 540 ms", "Another formula, the same limit.", OUD,
          qtc(540, ago(60), code="76634-5")),
    _card("critical", "Methadone ordered for pain, QTc by Bazett 525 ms", "Why it is ordered does not matter.", PAIN,
          qtc(525, ago(10), code="76635-2")),
    _card("critical", "Methadone dispersible ordered, QTc 530 ms", "Every methadone product.", OUD, LONG,
          ordered=draft(drug(METHADONE_DISPERSIBLE))),
    _card("critical", "Methadone in a contained Medication, QTc 530 ms", "The drug stands in the contained resource.",
          OUD, LONG, ordered=draft(None, **contained({"code": drug(METHADONE_TABLET)}))),
    _card("critical", "Methadone by ingredient, QTc 530 ms", "An ingredient code is enough.", OUD, LONG,
          ordered=draft(concept(coding(RXNORM, "6813", "methadone")))),
    _card("critical", "QTc 420 ms last year, 530 ms last month", "The last reading counts.", OUD, qtc(420, ago(300)),
          LONG),
    _card("warning", "Methadone ordered, QTc 475 ms", "Between 450 and 500 ms: caution.", OUD, qtc(475, ago(30)),
          says=("475",)),
    _card(None, "Methadone ordered in words, QTc 530 ms", "An order by text must not be overlooked.", OUD, LONG,
          ordered=draft(concept(text="methadone 10 mg/mL oral concentrate, 60 mg daily"))),
    Vignette("On methadone, QTc 530 ms, chart opened", VIEW, "Critical is for the order; here a warning.",
             (OUD, ON_METHADONE, LONG, NALOXONE_AT_HOME, *SCREENED), wanted=((QT, "warning"),),
             forbidden=NOT_CRITICAL, never=NEVER),
    Vignette("Methadone selected beside ibuprofen, QTc 530 ms", SELECT, "The chosen order.", (OUD, LONG),
             (PLAIN, METHADONE), (1,), wanted=((QT, "critical"),)),
    Vignette("Ibuprofen selected, methadone not", SELECT, "Only the selected orders are judged.", (OUD, LONG),
             (PLAIN, METHADONE), (0,), forbidden=(QT,)),
    # Diagnoses and other drugs.
    _card("warning", "Methadone ordered, long QT syndrome", "A diagnosis without a number.", OUD,
          problem("I45.81", ago(700)), NORMAL),
    _card("warning", "Methadone ordered, prolonged QT by SNOMED CT", "Many problem lists hold SNOMED CT only.", OUD,
          problem("111975006", ago(200), system=SNOMED), NORMAL),
    _card("warning", "Methadone ordered, torsades years ago", "It can return.", OUD, problem("I47.21", ago(900)),
          NORMAL),
    _card("warning", "Methadone ordered, haloperidol on the list", "Both lengthen QT.", OUD, NORMAL,
          order(drug(HALOPERIDOL), ago(10), days=30), says=("haloperidol",)),
    _card("warning", "Methadone ordered, escitalopram dispensed for months", "Both lengthen QT.", OUD, NORMAL,
          order(drug(ESCITALOPRAM), ago(60), days=30, refills=5)),
    _card("warning", "Citalopram ordered, on methadone", "The other way round.", OUD, NORMAL, ON_METHADONE,
          ordered=draft(drug(CITALOPRAM)), says=("methadone",)),
    _card("warning", "Azithromycin ordered, on methadone tablets", "A short course lengthens QT too.", PAIN, NORMAL,
          order(drug(METHADONE_TABLET), ago(10), days=30), ordered=draft(drug(AZITHROMYCIN))),
    _card(None, "Haloperidol ordered, methadone bundle this week", "A claim of methadone is methadone.", OUD, NORMAL,
          procedure(HCPCS, "G2067", ago(4)), ordered=draft(drug(HALOPERIDOL))),
    _card(None, "Haloperidol ordered, methadone in words", "A program reports in words.", OUD, NORMAL,
          statement(concept(text="methadone 90 mg daily per OTP"), ago(60)), ordered=draft(drug(HALOPERIDOL))),
    _card(None, "Methadone ordered, low potassium, no ECG", "A risk factor and no reading.", OUD,
          problem("E87.6", ago(5)), says=("ecg",)),
    _card(None, "Methadone ordered, heart failure, no ECG", "A risk factor and no reading.", OUD,
          problem("I50.22", ago(300)), says=("ecg",)),
    Vignette("Methadone and haloperidol ordered together", SIGN, "Both stand in the same order set.",
             (OUD, NORMAL, NALOXONE_AT_HOME), (METHADONE, draft(drug(HALOPERIDOL))), wanted=((QT, "warning"),),
             forbidden=NOT_CRITICAL),
    # What is no reading above 500 ms.
    _silent("Methadone ordered, QTc 425 ms", "Normal.", OUD, NORMAL),
    _silent("Methadone ordered, no ECG and no risk factor", "A missing ECG alone must not delay treatment.", OUD),
    _silent("Methadone ordered, raw QT 530 ms", "QT without correction is not comparable.", OUD,
            qtc(530, ago(30), code="8634-8")),
    Vignette("Methadone ordered, QTc 790 ms", SIGN, "Above 700 ms is suspect: check it, no more.",
             (OUD, qtc(790, ago(30))), (METHADONE,), forbidden=(f"{QT}:critical", f"{QT}:warning")),
    _not_critical("Methadone ordered, QTc 530 without a unit", "A number without a unit proves nothing.", OUD,
                  qtc(530, ago(30), unit=None)),
    _not_critical("Methadone ordered, QTc 530 ms three years ago", "Older than a year.", OUD, qtc(530, ago(1100))),
    _not_critical("QTc 530 ms last spring, 425 ms last month", "The last reading counts.", OUD, qtc(530, ago(200)),
                  NORMAL),
    _silent("QTc 530 ms entered in error", "Never counts.", OUD, NORMAL, qtc(530, ago(20), status="entered-in-error")),
    _silent("QTc 530 ms cancelled", "Never counts.", OUD, NORMAL, qtc(530, ago(20), status="cancelled")),
    _not_critical("QTc of another person", "Another person's reading raises no critical card.", OUD,
                  someone_else(LONG)),
    _silent("QTc of a panel, normal", "Panels hold their results as components.", OUD,
            observation("34534-8", ago(30), category="laboratory", component=[
                {"code": concept(coding(LOINC, "8636-3")),
                 "valueQuantity": {"value": 431, "unit": "ms", "system": UCUM, "code": "ms"}}])),
    # Another drug, another time, another eye.
    _silent("Suboxone ordered, QTc 530 ms", "Its effect on QT is small.", OUD, LONG,
            ordered=draft(drug(SUBOXONE_FILM))),
    _silent("Citalopram ordered, no methadone", "Not about methadone.", OUD, LONG, ordered=draft(drug(CITALOPRAM))),
    _silent("Citalopram ordered, methadone stopped last year", "Long past.", OUD, NORMAL,
            order(drug(METHADONE_TABLET), ago(420), days=30, status="stopped"), ordered=draft(drug(CITALOPRAM))),
    _silent("Methadone ordered, haloperidol stopped last year", "Long past.", OUD, NORMAL,
            order(drug(HALOPERIDOL), ago(420), days=30, status="stopped")),
    _silent("Methadone ordered, haloperidol entered in error", "Never counts.", OUD, NORMAL,
            order(drug(HALOPERIDOL), ago(10), days=30, status="entered-in-error")),
    _silent("Methadone ordered, moxifloxacin eye drops", "Eye drops do not lengthen QT.", OUD, NORMAL,
            order(concept(text="moxifloxacin 0.5 % ophthalmic solution (Vigamox)"), ago(3), days=7)),
    _silent("Methadone ordered, long QT refuted", "Not present.", OUD, NORMAL,
            problem("I45.81", ago(200), verified="refuted")),
    _silent("Methadone ordered, long QT entered in error", "Never counts.", OUD, NORMAL,
            problem("I45.81", ago(200), clinical=None, verified="entered-in-error")),
    _silent("Methadone being stopped, QTc 530 ms", "Stopping needs no warning.", OUD, LONG,
            ordered=draft(drug(METHADONE_TABLET), status="stopped")),
    Vignette("Person who has died", SIGN, "No cards after death.", (OUD, LONG), (METHADONE,),
             person=patient(deceasedDateTime=ago(1)), forbidden=(QT,)),
    # Lists that did not come.
    Vignette("Methadone ordered, laboratory list and conditions failed", SIGN, "QT risk could not be checked.",
             (NALOXONE_AT_HOME,), (METHADONE,), replaced={"labs": FAILED, "conditions": FAILED}, wanted=((QT, None),),
             forbidden=NOT_CRITICAL, says=("could not be checked",), never=NEVER),
    Vignette("Methadone ordered, medication requests failed, QTc 530 ms", SIGN, "What is known decides.",
             (OUD, LONG), (METHADONE,), replaced={"medicationRequests": FAILED}, wanted=((QT, "critical"),)),
)  # fmt: skip
