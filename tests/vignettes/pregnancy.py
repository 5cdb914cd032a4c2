"""Treatment of opioid use disorder in pregnancy: untreated, naltrexone ordered, treatment ended, or all well."""

from tests.vignettes.build import (
    BUTRANS,
    FAILED,
    HCPCS,
    ICD,
    METHADONE_DISPERSIBLE,
    METHADONE_TABLET,
    NALOXONE_AT_HOME,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    SCREENED,
    SNOMED,
    SUBOXONE_FILM,
    Resource,
    ago,
    coding,
    concept,
    contained,
    dispense,
    draft,
    drug,
    observation,
    order,
    patient,
    problem,
    procedure,
    someone_else,
    toxicology,
)
from tests.vignettes.vignette import BLAME, CONSIDER, NALOXONE, PREGNANCY, Vignette

VIEW, SELECT, SIGN = "patient-view", "order-select", "order-sign"
SHE = patient(born="1996-04-11", gender="female")
OUD = problem("F11.10", ago(400))
PREGNANT = problem("Z33.1", ago(60))
PREGNANCY_TEST = "2106-3"
FILM = drug(SUBOXONE_FILM)
MONO_TABLET = ("351265", "buprenorphine 8 MG Sublingual Tablet")
VITAMIN = draft(concept(text="prenatal vitamin tablet"))
TREATED = order(FILM, ago(15), days=30, id="bup")
CALM = (NALOXONE_AT_HOME, *SCREENED)
NEVER = (*BLAME, "addicted baby", "drug baby", "supervised withdrawal is recommended", "avoid buprenorphine/naloxone",
         "taper before delivery")  # fmt: skip


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = (), person: Resource = SHE) -> Vignette:
    return Vignette(name, VIEW, why, (*CALM, *chart), person=person, wanted=((PREGNANCY, "warning"),),
                    says=("pregnan", *says), never=NEVER)  # fmt: skip


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*CALM, *chart), person=SHE, forbidden=(PREGNANCY,))


def _order_due(name: str, why: str, drafts: tuple[Resource, ...], *chart: Resource, hook: str = SIGN,
               selected: tuple[int, ...] | None = None) -> Vignette:  # fmt: skip
    return Vignette(name, hook, why, (NALOXONE_AT_HOME, *chart), drafts, selected, person=SHE,
                    wanted=((PREGNANCY, "warning"),), says=("pregnan",), never=NEVER)  # fmt: skip


def _order_silent(name: str, why: str, drafts: tuple[Resource, ...], *chart: Resource, hook: str = SIGN,
                  selected: tuple[int, ...] | None = None) -> Vignette:  # fmt: skip
    return Vignette(name, hook, why, (NALOXONE_AT_HOME, *chart), drafts, selected, person=SHE, forbidden=(PREGNANCY,))


VIGNETTES = (
    # Pregnant and untreated.
    _due("Pregnant, OUD untreated", "Methadone or buprenorphine is recommended in pregnancy.", OUD, PREGNANT,
         says=("methadone", "buprenorphine")),
    _due("Pregnancy by SNOMED CT only", "Many problem lists hold SNOMED CT only.",
         problem("1336192000", ago(300), system=SNOMED), problem("72892002", ago(50), system=SNOMED)),
    _due("Supervision of pregnancy as an encounter diagnosis", "No clinical status, as encounter diagnoses are.", OUD,
         problem("Z34.92", ago(20), clinical=None, category="encounter-diagnosis")),
    _due("Drug use complicating pregnancy", "O99.32x says pregnancy.", OUD, problem("O99.322", ago(30))),
    _due("Positive pregnancy test three weeks ago", "Nobody has coded the pregnancy yet.", OUD,
         toxicology(PREGNANCY_TEST, ago(21))),
    _due("Expected date of delivery in February", "The date lies ahead: the pregnancy is current.", OUD,
         observation("11778-8", ago(100), category="laboratory", valueDateTime=ago(-90))),
    _due("Pregnant man", "Recorded pregnancy decides, not the recorded gender.", OUD, PREGNANT,
         person=patient(born="1994-01-20", gender="male")),
    _due("Pregnant person aged 18", "Young people are offered treatment too.", OUD, PREGNANT,
         person=patient(born="2008-03-03", gender="female")),
    _due("Pregnant, Suboxone stopped half a year ago", "Past treatment does not cover this pregnancy.", OUD, PREGNANT,
         order(FILM, ago(300), days=30, status="stopped")),
    _due("Pregnant, on a Butrans patch", "A pain patch is not treatment of OUD.", OUD, PREGNANT,
         order(drug(BUTRANS), ago(10), days=28)),
    _due("Pregnant again after a delivery two years ago", "The old delivery ended the old pregnancy.", OUD, PREGNANT,
         problem("Z39.2", ago(740))),
    Vignette("Pregnant, OUD untreated, no naloxone", VIEW, "The naloxone line joins this card.",
             (OUD, PREGNANT, *SCREENED), person=SHE, wanted=((PREGNANCY, "warning"),), forbidden=(NALOXONE,),
             says=("naloxone",), never=NEVER),
    # Naltrexone, or the end of treatment, is ordered.
    _order_due("Naltrexone injection ordered in pregnancy", "Agonist treatment is preferred.",
               (draft(drug(NALTREXONE_INJECTION)),), OUD, PREGNANT),
    _order_due("Naltrexone tablets ordered after a positive test", "The test is the pregnancy.",
               (draft(drug(NALTREXONE_TABLET)),), OUD, toxicology(PREGNANCY_TEST, ago(12))),
    _order_due("Naltrexone selected beside vitamins", "The chosen order.",
               (VITAMIN, draft(drug(NALTREXONE_TABLET))), OUD, PREGNANT, hook=SELECT, selected=(1,)),
    _order_due("Naltrexone in a contained Medication", "The drug stands in the contained resource.",
               (draft(None, **contained({"code": drug(NALTREXONE_INJECTION)})),), OUD, PREGNANT),
    Vignette("Vivitrol ordered in words in pregnancy", SIGN, "An order by text must not be overlooked.",
             (OUD, PREGNANT, NALOXONE_AT_HOME), (draft(concept(text="Vivitrol 380 mg IM monthly")),), person=SHE,
             wanted=((PREGNANCY, None),), never=NEVER),
    Vignette("Naltrexone ordered while buprenorphine runs", SIGN, "Leave a working treatment alone.",
             (OUD, PREGNANT, TREATED, NALOXONE_AT_HOME), (draft(drug(NALTREXONE_INJECTION)),), person=SHE,
             wanted=((PREGNANCY, None), ("naltrexone-with-opioids", None)), never=NEVER),
    _order_due("Buprenorphine stopped in pregnancy", "Ending treatment risks return to use.",
               (draft(FILM, id="bup", status="stopped"),), OUD, PREGNANT, TREATED),
    _order_due("Methadone cancelled in pregnancy", "Ending treatment risks return to use.",
               (draft(drug(METHADONE_DISPERSIBLE), id="met", status="cancelled"),), OUD, PREGNANT,
               order(drug(METHADONE_DISPERSIBLE), ago(15), days=28, id="met")),
    # In treatment, nothing is wrong.
    _silent("Pregnant, on buprenorphine/naloxone film", "The combination is fine in pregnancy.", OUD, PREGNANT,
            TREATED),
    _silent("Pregnant, on buprenorphine tablets", "In treatment.", OUD, PREGNANT,
            dispense(drug(MONO_TABLET), ago(8), days=28)),
    _silent("First trimester, methadone bundle this week", "In a program.", OUD, problem("Z34.01", ago(20)),
            procedure(HCPCS, "G2067", ago(4))),
    _silent("First trimester, methadone tablets, OUD coded", "In treatment.", OUD, problem("Z34.91", ago(15)),
            order(drug(METHADONE_TABLET), ago(15), days=28)),
    _order_silent("Suboxone ordered for a pregnant person with OUD", "The order is the remedy.", (draft(FILM),), OUD,
                  PREGNANT),
    _order_silent("Suboxone renewed in pregnancy", "Treatment goes on.",
                  (draft(FILM, priorPrescription={"reference": "MedicationRequest/bup"}),), OUD, PREGNANT, TREATED),
    _order_silent("Vitamins selected, naltrexone not", "Only the selected orders are judged.",
                  (VITAMIN, draft(drug(NALTREXONE_TABLET))), OUD, PREGNANT, TREATED, hook=SELECT, selected=(0,)),
    _order_silent("Vitamins signed, in treatment", "Nothing touches the treatment.", (VITAMIN,), OUD, PREGNANT,
                  TREATED),
    _order_silent("Naltrexone ordered, pregnancy long over", "Delivered last year.", (draft(drug(NALTREXONE_TABLET)),),
                  OUD, problem("Z33.1", ago(500)), problem("Z39.2", ago(330))),
    # Not pregnant now, or no disorder.
    _silent("Delivered two months ago", "The pregnancy has ended.", OUD, problem("Z34.83", ago(200)),
            problem("Z39.2", ago(60))),
    _silent("Pregnancy recorded a year ago, still 'active'", "Nobody is pregnant for a year.", OUD,
            problem("Z33.1", ago(360))),
    _silent("Pregnancy resolved", "The pregnancy has ended.", OUD,
            problem("Z33.1", ago(200), clinical="resolved", abatementDateTime=ago(90))),
    _silent("Pregnancy refuted", "Not pregnant.", OUD, problem("Z33.1", ago(30), verified="refuted")),
    _silent("Pregnancy entered in error", "Never counts.", OUD,
            problem("Z33.1", ago(30), clinical=None, verified="entered-in-error")),
    _silent("Pregnancy test negative", "Not pregnant.", OUD, toxicology(PREGNANCY_TEST, ago(12), "negative")),
    _silent("Pregnancy test positive a year ago", "Long past.", OUD, toxicology(PREGNANCY_TEST, ago(360))),
    Vignette("Pregnancy of another person", VIEW, "Another person's pregnancy never counts.",
             (*CALM, OUD, someone_else(PREGNANT)), person=SHE, undecided=(PREGNANCY,)),
    _silent("Pregnant, no OUD", "Not about this person.", PREGNANT),
    _silent("Pregnant, OUD refuted", "No disorder.", PREGNANT, problem("F11.10", ago(90), verified="refuted")),
    _silent("Pregnant, alcohol use disorder only", "Another disorder.", PREGNANT, problem("F10.20", ago(200))),
    _silent("OUD, not pregnant", "No pregnancy on record.", OUD),
    Vignette("Pregnant person who has died", VIEW, "No cards after death.", (OUD, PREGNANT),
             person=SHE | {"deceasedDateTime": ago(1)}, forbidden=(PREGNANCY,)),
    # Lists that did not come.
    Vignette("Conditions not sent", VIEW, "Neither OUD nor pregnancy can be told.", CALM, person=SHE,
             unread=("conditions",), undecided=(PREGNANCY,)),
    Vignette("Pregnant, every medication list failed", VIEW, "Treatment may be running: say nothing false.",
             (OUD, PREGNANT, *SCREENED), person=SHE,
             replaced=dict.fromkeys(("medicationRequests", "medicationStatements", "medicationDispenses",
                                     "medicationAdministrations"), FAILED),
             forbidden=(f"{PREGNANCY}:critical",), undecided=(CONSIDER,),
             never=("no medication treatment was found", *NEVER)),
    Vignette("Naltrexone ordered, conditions failed", SIGN, "Whether there is a pregnancy could not be checked.", (),
             (draft(drug(NALTREXONE_TABLET), reasonCode=[concept(coding(ICD, "F11.20"))]),), person=SHE,
             replaced={"conditions": FAILED}, wanted=((PREGNANCY, None),), forbidden=(f"{PREGNANCY}:critical",),
             says=("could not be checked",)),
)  # fmt: skip
