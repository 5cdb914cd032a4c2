"""Counseling beside medication: offered, never required, and not where it is under way."""

from tests.vignettes.build import (
    BUTRANS,
    CONTRAVE,
    HCPCS,
    ICD_PROCEDURE,
    METHADONE_TABLET,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    RXNORM,
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
    request,
    someone_else,
    statement,
)
from tests.vignettes.charts import COUNSELED, FILM, HOSPICE, IN_TREATMENT, OUD, REFUSED, SCREENED, SPRAY
from tests.vignettes.vignette import COUNSELING, MEDICATION_LISTS, SUICIDE, Vignette

VIEW = "patient-view"
INFO = ((COUNSELING, "info"),)
CALM = (SPRAY, *SCREENED)
NEVER = ("must attend", "counseling is required", "required for medication", "only if the person attends")


def _due(name: str, why: str, *chart: Resource, says: tuple[str, ...] = ()) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, *CALM, *chart), wanted=INFO, says=says, never=NEVER)


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (OUD, *CALM, *chart), forbidden=(COUNSELING,))


VIGNETTES = (
    # In treatment, no counseling found.
    _due("On Suboxone", "Nothing offered in ninety days.", IN_TREATMENT, says=("offer",)),
    _due("On Suboxone since five days", "From the start on.", order(FILM, ago(5), days=14)),
    _due("On Suboxone, as reported", "A statement is treatment.", statement(FILM, ago(300))),
    _due("On Suboxone, as dispensed", "A dispense is treatment.", dispense(FILM, ago(7), days=28)),
    _due("On Suboxone, by text", "Words are treatment.", order(concept(text="Suboxone 8-2 mg film"), ago(20),
         days=30)),
    _due("On buprenorphine tablets", "Without naloxone it is treatment too.",
         order(concept(coding(RXNORM, "351265")), ago(20), days=30)),
    _due("On Sublocade", "A depot is treatment.", given(drug(SUBLOCADE), ago(20))),
    _due("On Sublocade, by claim", "A claim is treatment.", procedure(HCPCS, "Q9991", ago(20))),
    _due("On the naltrexone injection, OUD coded", "Naltrexone for OUD is treatment.",
         given(drug(NALTREXONE_INJECTION), ago(20))),
    _due("On methadone tablets, OUD coded", "With OUD coded it is treatment.",
         order(drug(METHADONE_TABLET), ago(20), days=30)),
    Vignette("On Suboxone, OUD by SNOMED CT only", VIEW, "Many problem lists hold SNOMED CT only.",
             (problem("1336192000", ago(300), system=SNOMED), *CALM, IN_TREATMENT), wanted=INFO, never=NEVER),
    _due("Counseling seven months ago", "Longer than ninety days.", IN_TREATMENT,
         procedure(SNOMED, "60112009", ago(210))),
    _due("Counseling entered in error", "Never counts.", IN_TREATMENT,
         procedure(SNOMED, "60112009", ago(20), status="entered-in-error")),
    _due("Counseling not done", "Not done, and not declined.", IN_TREATMENT,
         procedure(SNOMED, "60112009", ago(20), status="not-done")),
    _due("Counseling request revoked", "Nobody will be seen.", IN_TREATMENT,
         request(SNOMED, "313071005", ago(30), status="revoked")),
    _due("Counseling declined last year", "A decline does not last for ever.", IN_TREATMENT,
         request(SNOMED, "313071005", ago(330), doNotPerform=True)),
    _due("On Suboxone, cocaine use disorder as well", "Contingency management helps most here.", IN_TREATMENT,
         problem("F14.20", ago(200)), says=("contingency",)),
    # Under way, arranged or declined.
    _silent("Drug counseling three weeks ago", "Under way.", IN_TREATMENT, COUNSELED),
    _silent("Cognitive behavioral therapy two months ago", "Under way.", IN_TREATMENT,
            procedure(SNOMED, "228557008", ago(60))),
    _silent("Counseling billed, H0004", "Under way.", IN_TREATMENT, procedure(HCPCS, "H0004", ago(30))),
    _silent("Group counseling billed, https spelling", "Under way.", IN_TREATMENT,
            procedure(HCPCS.replace("http:", "https:"), "H0005", ago(30))),
    _silent("Intensive outpatient care billed, by OID", "Under way.", IN_TREATMENT,
            procedure("urn:oid:2.16.840.1.113883.6.285", "H0015", ago(30))),
    _silent("Counseling beside a weekly bundle, G2080", "Under way.", IN_TREATMENT,
            procedure(HCPCS, "G2080", ago(14))),
    _silent("Individual counseling by ICD-10-PCS", "Under way.", IN_TREATMENT,
            procedure(ICD_PROCEDURE, "HZ30ZZZ", ago(40))),
    _silent("Family therapy two months ago", "Under way.", IN_TREATMENT, procedure(SNOMED, "108313002", ago(60))),
    _silent("Psychotherapy since spring, in progress", "Under way.", IN_TREATMENT,
            procedure(SNOMED, "18512000", ago(0), status="in-progress", performedDateTime=None,
                      performedPeriod={"start": ago(200)})),
    _silent("Psychotherapy that ended last month", "Within ninety days.", IN_TREATMENT,
            procedure(SNOMED, "18512000", ago(0), performedDateTime=None,
                      performedPeriod={"start": ago(300), "end": ago(30)})),
    _silent("Counseling requested last week", "Arranged.", IN_TREATMENT, request(SNOMED, "313071005", ago(7))),
    _silent("Counseling declined last month, not done", "The decline is in the chart.", IN_TREATMENT,
            procedure(SNOMED, "60112009", ago(30), **REFUSED)),
    _silent("Counseling declined last month, by request", "The decline is in the chart.", IN_TREATMENT,
            request(SNOMED, "313071005", ago(30), doNotPerform=True)),
    # Not in treatment.
    _silent("OUD, no treatment", "Treatment comes first.",),
    _silent("Suboxone ended 200 days ago", "Not in treatment.", order(FILM, ago(230), days=30, status="completed")),
    _silent("Suboxone entered in error", "Never counts.", order(FILM, ago(20), days=30, status="entered-in-error")),
    _silent("Suboxone not taken", "Not taken is not treatment.", statement(FILM, ago(40), status="not-taken")),
    _silent("Suboxone only proposed", "A proposal is no treatment.", order(FILM, ago(10), intent="proposal")),
    _silent("Suboxone not to be given", "doNotPerform is the opposite of an order.",
            order(FILM, ago(10), doNotPerform=True)),
    _silent("Sublocade last given 130 days ago", "Worn off.", given(drug(SUBLOCADE), ago(130))),
    _silent("Weekly bundle without a drug", "G2074 is no proof of medication.", procedure(HCPCS, "G2074", ago(5))),
    _silent("Butrans patch", "A pain patch is not treatment of OUD.", order(drug(BUTRANS), ago(10), days=28)),
    _silent("Contrave", "It treats weight.", order(drug(CONTRAVE), ago(10), days=30)),
    Vignette("Methadone for pain, no OUD", VIEW, "Pain treatment.",
             (problem("G89.4", ago(900)), order(drug(METHADONE_TABLET), ago(10), days=30)), forbidden=(COUNSELING,)),
    Vignette("Naltrexone tablets for alcohol use disorder", VIEW, "No opioid use disorder: left alone.",
             (problem("F10.20", ago(300)), order(drug(NALTREXONE_TABLET), ago(10), days=30)),
             forbidden=(COUNSELING,)),
    Vignette("Naltrexone injection for alcohol use disorder", VIEW, "No opioid use disorder: left alone.",
             (problem("F10.20", ago(300)), given(drug(NALTREXONE_INJECTION), ago(10))), forbidden=(COUNSELING,)),
    # Not for this person, or not read.
    Vignette("On Suboxone, suicidal thoughts", VIEW, "Safety first.",
             (OUD, *CALM, IN_TREATMENT, problem("R45.851", ago(4))), wanted=((SUICIDE, "critical"),),
             forbidden=(COUNSELING,)),
    _silent("Hospice care", "End of life.", IN_TREATMENT, HOSPICE),
    Vignette("Person who has died", VIEW, "No cards after death.", (OUD, IN_TREATMENT),
             person=patient(deceasedDateTime=ago(2)), forbidden=(COUNSELING,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (OUD, IN_TREATMENT), person=patient(born="2017-03-01"),
             forbidden=(COUNSELING,)),
    Vignette("Counseling of another person", VIEW, "Not this person's; the list may hold further rows.",
             (OUD, *CALM, IN_TREATMENT, someone_else(COUNSELED)), undecided=(COUNSELING,)),
    Vignette("Suboxone of another person", VIEW, "Not this person's; the list may hold further rows.",
             (OUD, *CALM, someone_else(IN_TREATMENT)), undecided=(COUNSELING,)),
    Vignette("Procedures not sent", VIEW, "Counseling may stand there.", (OUD, *CALM, IN_TREATMENT),
             unread=("procedures",), undecided=(COUNSELING,)),
    Vignette("No medication list sent", VIEW, "Whether treatment runs is unknown.", (OUD, *SCREENED),
             unread=MEDICATION_LISTS, undecided=(COUNSELING,)),
)  # fmt: skip
