"""A positive screen that nobody has acted on yet."""

from tests.vignettes.build import (
    HCPCS,
    LOINC,
    SNOMED,
    Resource,
    ago,
    coding,
    concept,
    drug,
    observation,
    order,
    patient,
    problem,
    procedure,
    request,
    score,
    someone_else,
)
from tests.vignettes.charts import COUNSELED, GAD7, HOSPICE, IN_TREATMENT, OUD, PHQ9, SETTLED, SPRAY, form, panel
from tests.vignettes.vignette import POSITIVE, SUICIDE, Vignette

VIEW = "patient-view"
WARNING = ((POSITIVE, "warning"),)
PHQ_16 = score("44261-6", 16, ago(30))
GAD_15 = score("70274-6", 15, ago(30))
SERTRALINE = drug(("312941", "sertraline 50 MG Oral Tablet"))


def _due(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*SETTLED, *chart), wanted=WARNING, forbidden=(SUICIDE,))


def _silent(name: str, why: str, *chart: Resource) -> Vignette:
    return Vignette(name, VIEW, why, (*SETTLED, *chart), forbidden=(POSITIVE,))


VIGNETTES = (
    # The score, however it is sent.
    _due("PHQ-9 of 16", "Moderately severe, nothing since.", PHQ_16),
    _due("PHQ-9 of 10", "The usual threshold.", score("44261-6", 10, ago(30))),
    _due("PHQ-9 of 16 as an integer", "EHRs send it so.",
         observation("44261-6", ago(30), category="survey", valueInteger=16)),
    _due("PHQ-9 of 16 as text", "EHRs send it so.", observation("44261-6", ago(30), category="survey",
         valueString="16")),
    _due("PHQ-9 panel with the total as a component", "EHRs send it so.",
         panel("44249-1", ago(30), "44261-6", valueInteger=16)),
    _due("PHQ-9 as a questionnaire", "Some servers store the form and no score.",
         form("44249-1", ago(30), "44261-6", {"valueDecimal": 16})),
    _due("PHQ-9 of 16, amended", "Amended is final.", score("44261-6", 16, ago(30), status="amended")),
    _due("PHQ-9 of 16, corrected", "Corrected is final.", score("44261-6", 16, ago(30), status="corrected")),
    Vignette("PHQ-9 of 16 five months ago", VIEW, "Within half a year.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY, GAD7, score("44261-6", 16, ago(150))), wanted=WARNING),
    _due("PHQ-2 of 5", "Positive from 3.", score("55758-7", 5, ago(30))),
    _due("GAD-7 of 15", "Positive from 10.", GAD_15),
    _due("GAD-7 panel with the total as a component", "EHRs send it so.",
         panel("69737-5", ago(30), "70274-6", valueQuantity={"value": 15, "unit": "{score}"})),
    _due("GAD-7 as a questionnaire", "Some servers store the form and no score.",
         form("69737-5", ago(30), "70274-6", {"valueInteger": 15})),
    _due("PC-PTSD-5 of 5", "Positive from 4.", score("102010-6", 5, ago(30))),
    _due("PCL-5 of 50", "Positive from 33.", score("101698-9", 50, ago(30))),
    _due("AUDIT-C of 9", "Alcohol beside treatment of OUD.", score("75626-2", 9, ago(30))),
    Vignette("PHQ-9 for teens of 16", VIEW, "The form for teens.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY, GAD7, score("89204-2", 16, ago(30))),
             person=patient(born="2009-12-01"), wanted=WARNING),
    # Something is there, but it answers nothing.
    _due("PHQ-9 low in summer, 16 now", "The latest counts.", score("44261-6", 3, ago(120)), PHQ_16),
    _due("PHQ-9 of 16, referred to psychiatry eight months before", "The referral is older than the score.", PHQ_16,
         request(SNOMED, "183524004", ago(240), status="completed")),
    _due("PHQ-9 of 16, referral revoked", "Nobody will be seen.", PHQ_16,
         request(SNOMED, "183524004", ago(20), status="revoked")),
    _due("PHQ-9 of 16, referral entered in error", "Never counts.", PHQ_16,
         request(SNOMED, "183524004", ago(20), status="entered-in-error")),
    _due("PHQ-9 of 16, assessment not done", "Not done.", PHQ_16,
         procedure(SNOMED, "410223002", ago(20), status="not-done")),
    _due("PHQ-9 of 16, depression refuted", "Refuted is no diagnosis.", PHQ_16,
         problem("F32.1", ago(20), verified="refuted")),
    _due("PHQ-9 of 16, depression entered in error", "Never counts.", PHQ_16,
         problem("F32.1", ago(20), clinical=None, verified="entered-in-error")),
    _due("PHQ-9 of 16, sertraline entered in error", "Never counts.", PHQ_16,
         order(SERTRALINE, ago(20), days=30, status="entered-in-error")),
    _due("PHQ-9 of 16, insomnia coded", "Insomnia does not explain the score.", PHQ_16, problem("G47.00", ago(20))),
    # Below the threshold, or no result.
    _silent("PHQ-9 of 9", "Below 10.", score("44261-6", 9, ago(30))),
    _silent("PHQ-9 of 4 in words", "Below 10.", observation("44261-6", ago(30), category="survey", valueString="4")),
    _silent("PHQ-2 of 2", "Below 3.", score("55758-7", 2, ago(30))),
    _silent("GAD-7 of 9", "Below 10.", score("70274-6", 9, ago(30))),
    _silent("PC-PTSD-5 of 1", "Below every threshold.", score("102010-6", 1, ago(30))),
    _silent("PCL-5 of 20", "Below 31.", score("101698-9", 20, ago(30))),
    _silent("AUDIT-C of 2", "Below every threshold.", score("75626-2", 2, ago(30))),
    _silent("PHQ-9 of 16, preliminary", "Not final yet.", score("44261-6", 16, ago(3), status="preliminary")),
    _silent("PHQ-9 of 16, cancelled", "Never counts.", score("44261-6", 16, ago(30), status="cancelled")),
    _silent("PHQ-9 of 16, entered in error", "Never counts.",
            score("44261-6", 16, ago(30), status="entered-in-error")),
    _silent("PHQ-9 registered, no score", "Started, not answered.",
            observation("44261-6", ago(30), category="survey", status="registered")),
    _silent("PHQ-9 questionnaire in error", "Never counts.",
            form("44249-1", ago(30), "44261-6", {"valueDecimal": 16}, status="entered-in-error")),
    _silent("PHQ-9 of 16 in summer, 4 now", "A newer low score supersedes it.", score("44261-6", 16, ago(120)),
            score("44261-6", 4, ago(20))),
    _silent("GAD-7 of 15 in summer, 3 now as a panel", "A newer low score supersedes it.", score("70274-6", 15,
            ago(120)), panel("69737-5", ago(20), "70274-6", valueInteger=3)),
    Vignette("PHQ-9 of 16 ten months ago", VIEW, "More than half a year.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY, GAD7, score("44261-6", 16, ago(300))), forbidden=(POSITIVE,)),
    # Somebody has acted.
    _silent("PHQ-9 of 16, depression coded", "Diagnosed.", PHQ_16, problem("F32.1", ago(25))),
    _silent("PHQ-9 of 16, depression by SNOMED CT", "Diagnosed.", PHQ_16,
            problem("36923009", ago(25), system=SNOMED)),
    _silent("PHQ-9 of 16, known recurrent depression", "Known before; care goes on.", PHQ_16,
            problem("F33.1", ago(900))),
    _silent("PHQ-9 of 16, sertraline started", "Treated since.", PHQ_16, order(SERTRALINE, ago(25), days=30,
            refills=2)),
    _silent("PHQ-9 of 16, referred to psychiatry", "Referred.", PHQ_16, request(SNOMED, "183524004", ago(25))),
    _silent("PHQ-9 of 16, referred to a psychologist", "Referred and seen.", PHQ_16,
            request(SNOMED, "308459004", ago(25), status="completed")),
    _silent("PHQ-9 of 16, assessed", "Assessed since.", PHQ_16, procedure(SNOMED, "410223002", ago(20))),
    _silent("PHQ-9 of 16, assessment billed", "H0031 is an assessment.", PHQ_16, procedure(HCPCS, "H0031", ago(20))),
    _silent("PHQ-9 of 16, psychiatric follow-up", "In care.", PHQ_16, procedure(SNOMED, "88848003", ago(10))),
    _silent("PHQ-9 of 16, referral declined", "The decline is in the chart.", PHQ_16,
            request(SNOMED, "183524004", ago(20), doNotPerform=True)),
    _silent("GAD-7 of 15, generalized anxiety disorder coded", "Diagnosed.", GAD_15, problem("F41.1", ago(25))),
    _silent("GAD-7 of 15, anxiety by SNOMED CT", "Diagnosed.", GAD_15, problem("21897009", ago(25), system=SNOMED)),
    _silent("PCL-5 of 50, PTSD coded", "Diagnosed.", score("101698-9", 50, ago(30)), problem("F43.12", ago(25))),
    _silent("AUDIT-C of 9, alcohol use disorder coded", "Diagnosed.", score("75626-2", 9, ago(30)),
            problem("F10.20", ago(200))),
    # Not for this person, or not read.
    _silent("Hospice care", "End of life.", PHQ_16, HOSPICE),
    Vignette("Person who has died", VIEW, "No cards after death.", (*SETTLED, PHQ_16),
             person=patient(deceasedDateTime=ago(2)), forbidden=(POSITIVE,)),
    Vignette("Child aged 9", VIEW, "Not meant for children.", (OUD, PHQ_16), person=patient(born="2017-03-01"),
             forbidden=(POSITIVE,)),
    Vignette("PHQ-9 of 16 of another person", VIEW, "Not this person's; the list may hold further rows.",
             (*SETTLED, someone_else(PHQ_16)), undecided=(POSITIVE,)),
    Vignette("Surveys not sent", VIEW, "Whether a screen was positive is unknown.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY), unread=("surveys",), undecided=(POSITIVE,)),
    Vignette("PHQ-9 without a value", VIEW, "Asked, and not answered.",
             (OUD, IN_TREATMENT, COUNSELED, SPRAY, PHQ9, GAD7,
              observation("44261-6", ago(20), category="survey", dataAbsentReason=concept(
                  coding("http://terminology.hl7.org/CodeSystem/data-absent-reason", "asked-declined")))),
             forbidden=(POSITIVE,)),
    Vignette("PHQ-15 of 16", VIEW, "70273-8 is the PHQ-15, often taken for the GAD-2.",
             (*SETTLED, score("70273-8", 16, ago(30)) | {"code": concept(coding(LOINC, "70273-8", "PHQ-15"))}),
             forbidden=(POSITIVE,)),
)  # fmt: skip
