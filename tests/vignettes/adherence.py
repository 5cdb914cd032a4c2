"""Naltrexone for opioid use disorder that is overdue or not taken: tolerance is lost, and nobody may notice."""

from tests.vignettes.build import (
    BRIXADI_WEEKLY,
    CONTRAVE,
    EMBEDA,
    HCPCS,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    SNOMED,
    SUBLOCADE,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    drug,
    given,
    order,
    patient,
    problem,
    procedure,
    someone_else,
    statement,
)
from tests.vignettes.charts import COUNSELED, FILM, HOSPICE, OUD, SCREENED, SPRAY
from tests.vignettes.vignette import (
    ADHERENCE,
    CONSIDER,
    COUNSELING,
    DISCONTINUATION,
    MEDICATION_LISTS,
    NALOXONE,
    Vignette,
)

VIEW = "patient-view"
CALM = (COUNSELED, SPRAY, *SCREENED)
WARNING = ((ADHERENCE, "warning"),)
TABLET, INJECTION = drug(NALTREXONE_TABLET), drug(NALTREXONE_INJECTION)
OVERDUE = given(INJECTION, ago(60))
AUD = problem("F10.20", ago(500))


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    """A warning; the general card on stopped treatment does not say the same again."""
    return Vignette(name, VIEW, why, (OUD, *CALM, *chart), wanted=WARNING, forbidden=(DISCONTINUATION,), says=says)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, *CALM, *chart), forbidden=(ADHERENCE,))


def _alcohol(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (AUD, *chart), forbidden=(ADHERENCE, DISCONTINUATION, COUNSELING, CONSIDER))


VIGNETTES = (
    # The monthly injection.
    _due("Injection 60 days ago, none since", "Cover ended weeks ago.", OVERDUE, says=("toleran",)),
    _due("Injection claimed 50 days ago", "A claim J2315 is a dose.", procedure(HCPCS, "J2315", ago(50))),
    _due("Vivitrol by text 45 days ago", "A local record in words.", given(concept(text="Vivitrol 380 mg IM"),
         ago(45))),
    _due("Three monthly injections, the last 55 days ago", "The last dose decides.", given(INJECTION, ago(111)),
         given(INJECTION, ago(83)), given(INJECTION, ago(55))),
    _due("Injection 60 days ago, a later one not given", "A dose not done covers nobody.", OVERDUE,
         given(INJECTION, ago(20), status="not-done")),
    _due("Injection 60 days ago, a later one entered in error", "Never counts.", OVERDUE,
         given(INJECTION, ago(20), status="entered-in-error")),
    Vignette("Injection 60 days ago, OUD by SNOMED CT only", VIEW, "Many problem lists hold SNOMED CT only.",
             (*CALM, problem("1336192000", ago(300), system=SNOMED), OVERDUE), wanted=WARNING,
             forbidden=(DISCONTINUATION,)),
    Vignette("Injection 60 days ago, OUD in words", VIEW, "A local code beside the words.",
             (*CALM, problem("4711", ago(300)) | {"code": concept(coding("urn:local:problems", "4711"),
              text="Opioid use disorder, severe")}, OVERDUE), wanted=WARNING),
    _due("Opioid and alcohol use disorder, injection 60 days ago", "Tolerance is lost, whatever else it treats.", AUD,
         OVERDUE),
    # Tablets.
    _due("Tablets ran out 45 days ago", "No supply since.", order(TABLET, ago(75), days=30)),
    Vignette("Tablets ran out two weeks ago", VIEW, "Past the week of grace; still no reason to offer anew.",
             (OUD, *CALM, order(TABLET, ago(45), days=30)), wanted=WARNING, forbidden=(CONSIDER, DISCONTINUATION)),
    _due("Tablets dispensed 50 days ago for 30", "Dispensed supply has ended.", dispense(TABLET, ago(50), days=30)),
    _due("Tablets stopped", "Stopped on purpose or not: tolerance is lost.",
         order(TABLET, ago(60), days=30, status="stopped")),
    _due("Tablets ordered, reported as not taken", "An open order is no intake.", order(TABLET, ago(40), days=90),
         statement(TABLET, ago(10), status="not-taken",
                   statusReason=[concept(text="Could not pay for the medication")])),
    _due("Tablets in supply, not taken as prescribed", "Z91.148 was recorded three weeks ago.",
         order(TABLET, ago(40), days=90), problem("Z91.148", ago(20))),
    _due("Tablets in supply, underdosing for lack of money", "Z91.120: a barrier that can be lifted.",
         order(TABLET, ago(40), days=90), problem("Z91.120", ago(12), category="encounter-diagnosis", clinical=None)),
    Vignette("Injection overdue, no naloxone at home", VIEW, "One card: the naloxone line comes with it.",
             (OUD, COUNSELED, *SCREENED, OVERDUE), wanted=WARNING, forbidden=(NALOXONE, DISCONTINUATION),
             says=("naloxone",)),
    # In good order.
    _silent("Injection 20 days ago", "On time.", given(INJECTION, ago(20))),
    _silent("Injection 31 days ago", "Late only after 35 days.", given(INJECTION, ago(31))),
    _silent("Injections 50 and 10 days ago", "The newer dose covers.", given(INJECTION, ago(50)),
            given(INJECTION, ago(10))),
    _silent("Injections 60 days ago by claim and 10 days ago in words", "Any record of a dose counts.",
            procedure(HCPCS, "J2315", ago(60)), given(concept(text="Vivitrol 380 mg"), ago(10))),
    _silent("Injection 50 days ago, the next ordered", "One is scheduled.", given(INJECTION, ago(50)),
            order(INJECTION, ago(4), days=28, dosageInstruction=[{"timing": {"event": [ago(-3)]}}])),
    _silent("Tablets with refills", "In supply.", order(TABLET, ago(130), days=30, refills=5)),
    _silent("Tablets ran out three days ago", "Refills are picked up late.", order(TABLET, ago(33), days=30)),
    _silent("Tablets stopped, and ordered anew", "The newer order is open.",
            order(TABLET, ago(60), days=30, status="stopped"), order(TABLET, ago(20), days=30, refills=3)),
    _silent("Tablets in supply, adherence problem long resolved", "It is over.", order(TABLET, ago(40), days=90),
            problem("Z91.148", ago(700), clinical="resolved", abatementDateTime=ago(500))),
    _silent("Tablets in supply, adherence problem refuted", "Not so.", order(TABLET, ago(40), days=90),
            problem("Z91.148", ago(20), verified="refuted")),
    # Changed to another treatment.
    _silent("Injection 60 days ago, now on Suboxone", "Switched.", OVERDUE, order(FILM, ago(15), days=30)),
    _silent("Injection 60 days ago, now on Sublocade", "Switched.", OVERDUE, given(drug(SUBLOCADE), ago(20))),
    _silent("Injection 60 days ago, now on weekly Brixadi", "Switched.", OVERDUE, given(drug(BRIXADI_WEEKLY), ago(3))),
    _silent("Injection 60 days ago, now in a methadone program", "Switched.", OVERDUE,
            procedure(HCPCS, "G2067", ago(4))),
    _silent("Tablets stopped, now on methadone from an OTP, in words", "Switched.",
            order(TABLET, ago(60), days=30, status="stopped"),
            statement(concept(text="methadone 90 mg daily per OTP"), ago(30))),
    # Not this treatment, or not now.
    _silent("Injection eight months ago", "More than half a year.", given(INJECTION, ago(250))),
    _silent("Tablets 'active' since three years", "A stale entry says nothing of the last half year.",
            order(TABLET, ago(1100))),
    _silent("Injection 60 days ago entered in error", "Never given.", given(INJECTION, ago(60),
            status="entered-in-error")),
    _silent("Tablets only proposed", "A proposal is no treatment.", order(TABLET, ago(60), days=30,
            intent="proposal")),
    _silent("Tablets not to be given", "doNotPerform is the opposite of an order.",
            order(TABLET, ago(60), days=30, doNotPerform=True)),
    _silent("Contrave ran out", "It treats weight.", order(drug(CONTRAVE), ago(75), days=30)),
    _silent("Embeda ran out", "It is an opioid; its naltrexone is sequestered.", order(drug(EMBEDA), ago(75),
            days=30)),
    _silent("Hospice care", "End of life.", OVERDUE, HOSPICE),
    _alcohol("Alcohol use disorder only, injection 60 days ago", "No opioid use disorder: left alone.", OVERDUE),
    _alcohol("Alcohol use disorder only, tablets ran out", "No opioid use disorder: left alone.",
             order(TABLET, ago(75), days=30)),
    _alcohol("Alcohol use disorder only, tablets taken", "No opioid use disorder: left alone.",
             order(TABLET, ago(10), days=30)),
    _alcohol("Alcohol use disorder, OUD refuted, injection 60 days ago", "What is refuted is not treated.", OVERDUE,
             problem("F11.20", ago(400), verified="refuted")),
    Vignette("Alcohol use disorder by SNOMED CT only, injection stopped", VIEW, "No opioid use disorder.",
             (problem("66590003", ago(500), system=SNOMED), OVERDUE, order(INJECTION, ago(60), status="stopped")),
             forbidden=(ADHERENCE, DISCONTINUATION, COUNSELING)),
    Vignette("Person who has died", VIEW, "No cards after death.", (OUD, OVERDUE),
             person=patient(deceasedDateTime=ago(2)), forbidden=(ADHERENCE,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (OUD, OVERDUE), person=patient(born="2017-03-01"),
             forbidden=(ADHERENCE,)),
    # What was not read.
    Vignette("Injection of another person", VIEW, "Not this person's; what else is missing is unknown.",
             (OUD, *CALM, someone_else(OVERDUE)), undecided=(ADHERENCE,)),
    Vignette("Injection claimed, administrations not sent", VIEW, "The next dose may stand there.",
             (OUD, *CALM, procedure(HCPCS, "J2315", ago(60))), unread=("medicationAdministrations",),
             undecided=(ADHERENCE,)),
    Vignette("No medication list sent", VIEW, "Whether naltrexone runs is unknown.", (OUD, COUNSELED, *SCREENED),
             unread=MEDICATION_LISTS, undecided=(ADHERENCE,)),
)  # fmt: skip
