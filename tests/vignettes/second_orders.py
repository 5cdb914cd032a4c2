"""A second look at orders and medicines: rare codes, and charts that differ by one fact from those with a card.

Most drugs are coded without a display here, so that only the code can be recognized.
"""

from typing import Any

from tests.vignettes.build import (
    CARED_FOR,
    CONTRAVE,
    HCPCS,
    IBUPROFEN,
    LORAZEPAM,
    MIDAZOLAM_INJECTION,
    NALOXONE_AT_HOME,
    NALOXONE_VIAL,
    NALTREXONE_INJECTION,
    NALTREXONE_TABLET,
    OXYCODONE,
    RXNORM,
    SNOMED,
    Resource,
    ago,
    coding,
    concept,
    dispense,
    draft,
    drug,
    given,
    observation,
    order,
    patient,
    problem,
    procedure,
    score,
    someone_else,
    statement,
    toxicology,
)
from tests.vignettes.charts import IN_TREATMENT, OUD
from tests.vignettes.vignette import (
    ADHERENCE,
    BLOCKED,
    CONSIDER,
    DEPRESSANT,
    DISCONTINUATION,
    LIVER,
    NALOXONE,
    NALTREXONE,
    OPIOID,
    PREGNANCY,
    QT,
    Vignette,
)

VIEW, SELECT, SIGN = "patient-view", "order-select", "order-sign"
CRITICAL, WARNING, INFO = "critical", "warning", "info"
QUIET = (*CARED_FOR, NALOXONE_AT_HOME)


def rx(code: str) -> Resource:
    """A drug by its RxNorm code alone."""
    return concept(coding(RXNORM, code))


def sct(code: str, since: str | None, **more: Any) -> Resource:
    return problem(code, since, system=SNOMED, **more)


def lab(code: str, on: str, value: float, unit: str = "U/L", high: float | None = None, **more: Any) -> Resource:
    limits = [{"high": {"value": high, "unit": unit}}] if high else None
    members = {"valueQuantity": {"value": value, "unit": unit, "code": unit}, "referenceRange": limits}
    return observation(code, on, **{"category": "laboratory"} | members | more)


def qtc(on: str, value: float, unit: str = "ms", code: str = "76634-5", **more: Any) -> Resource:
    return lab(code, on, value, unit, **more)


TABLET = (draft(drug(NALTREXONE_TABLET)),)
DEPOT = (draft(drug(NALTREXONE_INJECTION)),)
HYDROCODONE_10 = (draft(rx("856999")),)
TAPENTADOL = (draft(rx("854143")),)
METHADONE = (draft(rx("485090")),)

PREGNANT = (
    Vignette("pregnancy of twins and a mild disorder, no medicine", VIEW, "Agonist treatment is recommended",
             (sct("5602001", ago(200)), problem("O30.012", ago(70)), *QUIET),
             wanted=((PREGNANCY, WARNING),), forbidden=(CONSIDER,)),
    Vignette("pregnancy known by a test in urine", VIEW, "A positive test of this month is a current pregnancy",
             (sct("231479000", ago(200)), toxicology("2106-3", ago(20)), *QUIET),
             wanted=((PREGNANCY, WARNING),), forbidden=(CONSIDER,)),
    Vignette("pregnancy test negative", VIEW, "One word differs: the test is negative",
             (sct("231479000", ago(200)), toxicology("2106-3", ago(20), "negative"), *QUIET),
             wanted=((CONSIDER, INFO),), forbidden=(PREGNANCY,)),
    Vignette("naltrexone at ingredient level in pregnancy", SIGN, "Agonist treatment is preferred in pregnancy",
             (sct("191819002", ago(300)), sct("457811000124103", ago(60)), *QUIET), (draft(rx("7243")),),
             wanted=((PREGNANCY, WARNING),)),
    Vignette("pregnant and on buprenorphine alone", VIEW, "Treated as recommended; nothing is wrong",
             (OUD, problem("Z34.91", ago(60)), order(rx("351265"), ago(200), days=30, refills=11), *QUIET),
             forbidden=(PREGNANCY, CONSIDER, DISCONTINUATION)),
    Vignette("pregnancy of last year", VIEW, "A pregnancy recorded 400 days ago has ended, whatever its status says",
             (sct("75544000", ago(600)), problem("O09.91", ago(400)), *QUIET),
             wanted=((CONSIDER, INFO),), forbidden=(PREGNANCY,)),
    Vignette("pregnancy entered in error", VIEW, "An entry in error is no pregnancy",
             (sct("75544000", ago(300)),
              sct("72892002", ago(60), clinical=None, verified="entered-in-error"), *QUIET),
             wanted=((CONSIDER, INFO),), forbidden=(PREGNANCY,)),
    Vignette("pregnant without opioid use disorder, ibuprofen ordered", SIGN, "No disorder and no such medicine",
             (problem("O99.340", ago(60)), *QUIET), (draft(drug(IBUPROFEN)),), forbidden=(PREGNANCY, CONSIDER)),
)  # fmt: skip

NALTREXONE_WITH_OPIOIDS = (
    Vignette("depot after meperidine on the ward", SIGN, "Given two days ago: dated, inside the wash-out",
             (OUD, given(rx("861447"), ago(2)), *QUIET), DEPOT, wanted=((NALTREXONE, CRITICAL),)),
    Vignette("tablet after a rare methadone solution", SIGN, "Methadone two days ago needs up to 14 days of wash-out",
             (OUD, dispense(rx("864771"), ago(9), days=7), *QUIET), TABLET, wanted=((NALTREXONE, CRITICAL),)),
    Vignette("samidorphan after tramadol", SIGN, "Olanzapine/samidorphan is an antagonist and precipitates withdrawal",
             (dispense(rx("833711"), ago(4), days=7),), (draft(rx("2570402")),), wanted=((NALTREXONE, CRITICAL),)),
    Vignette("tablet after a codeine cough syrup", SIGN, "A cough syrup with codeine is an opioid",
             (OUD, dispense(rx("1042693"), ago(3), days=5), *QUIET), TABLET, wanted=((NALTREXONE, CRITICAL),)),
    Vignette("depot with fentanyl in the urine", SELECT, "A positive test of three days ago",
             (OUD, toxicology("59673-4", ago(3)), *QUIET), DEPOT, wanted=((NALTREXONE, CRITICAL),)),
    Vignette("depot, fentanyl negative", SELECT, "The same test, negative",
             (OUD, toxicology("59673-4", ago(3), "negative"), *QUIET), DEPOT, forbidden=(NALTREXONE,)),
    Vignette("tablet on the day of withdrawal", SIGN, "Withdrawal today means opioids are still on board",
             (OUD, sct("1142050005", ago(0)), *QUIET), TABLET, wanted=((NALTREXONE, None),)),
    Vignette("tablet two months after depot buprenorphine", SIGN, "Depot buprenorphine stays for weeks to months",
             (OUD, given(rx("1996190"), ago(60)), *QUIET), TABLET, wanted=((NALTREXONE, None),)),
    Vignette("an old authorization that still reads active", SIGN, "Active is not dated use: ask, do not alarm",
             (OUD, order(rx("1049727"), ago(200)), *QUIET), TABLET,
             wanted=((NALTREXONE, WARNING),), forbidden=("naltrexone-with-opioids:critical",)),
    Vignette("an opioid in words only", SIGN, "A match by words alone never gives the critical card",
             (OUD, statement(concept(text="Percocet now and then"), ago(2)), *QUIET), TABLET,
             forbidden=("naltrexone-with-opioids:critical",)),
    Vignette("an injection that was not given", SIGN, "Not done: no opioid went in",
             (OUD, given(rx("861447"), ago(2), status="not-done"), *QUIET), DEPOT, forbidden=(NALTREXONE,)),
    Vignette("an opioid of two months ago", SIGN, "Five days of supply, 60 days ago: washed out",
             (OUD, dispense(rx("856999"), ago(60), days=5), *QUIET), TABLET, forbidden=(NALTREXONE,)),
    Vignette("morphine with sequestered naltrexone is ordered", SIGN, "An opioid with a deterrent is no naltrexone",
             (dispense(rx("856999"), ago(3), days=7),), (draft(rx("863856")),), forbidden=(NALTREXONE,)),
    Vignette("only the second order is selected", SELECT, "The selection is ibuprofen; naltrexone is judged at its own",
             (OUD, given(rx("861447"), ago(2)), *QUIET), (*TABLET, draft(drug(IBUPROFEN))), (1,),
             forbidden=(NALTREXONE,)),
    Vignette("tablet, requests not read", SIGN, "Silence would read as clearance: say that it was not checked",
             (OUD, *QUIET), TABLET, unread=("medicationRequests",),
             wanted=((NALTREXONE, WARNING),), forbidden=("naltrexone-with-opioids:critical",)),
    Vignette("a supply of another person", SIGN, "Another person's opioid is none of this one; the list is in doubt",
             (OUD, someone_else(dispense(drug(OXYCODONE), ago(2), days=5)), *QUIET), TABLET,
             wanted=((NALTREXONE, WARNING),), forbidden=("naltrexone-with-opioids:critical",)),
)  # fmt: skip

OPIOID_ON_NALTREXONE = (
    Vignette("tapentadol ten days after the depot", SIGN, "The blockade holds about a month",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(10)), *QUIET), TAPENTADOL, wanted=((BLOCKED, None),)),
    Vignette("depot known by its claim", SIGN, "J2315 is the depot's claim",
             (OUD, procedure(HCPCS, "J2315", ago(14)), *QUIET), (draft(rx("1860157")),), wanted=((BLOCKED, None),)),
    Vignette("butorphanol while tablets are supplied", SIGN, "A mixed agonist is blocked as well",
             (OUD, dispense(drug(NALTREXONE_TABLET), ago(10), days=30), *QUIET), (draft(rx("886627")),),
             wanted=((BLOCKED, None),)),
    Vignette("tapentadol 70 days after the depot", SIGN, "The depot has worn off",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(70)), *QUIET), TAPENTADOL, forbidden=(BLOCKED,)),
    Vignette("tablets ended long ago", SIGN, "The last tablet was 70 days ago",
             (OUD, dispense(drug(NALTREXONE_TABLET), ago(100), days=30), *QUIET), TAPENTADOL, forbidden=(BLOCKED,)),
    Vignette("a rescue injector for someone on naltrexone", SIGN, "Naloxone is no opioid agonist",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(10)), *QUIET), (draft(rx("1495293")),),
             forbidden=(BLOCKED, OPIOID)),
    Vignette("oxycodone with a deterrent is no blockade", SIGN, "Sequestered naltrexone blocks nothing",
             (order(rx("1806734"), ago(10), days=30),), HYDROCODONE_10, forbidden=(BLOCKED,)),
    Vignette("naltrexone reported as not taken", SIGN, "Not taken: nothing is blocked",
             (OUD, statement(drug(NALTREXONE_TABLET), ago(40), status="not-taken"), *QUIET), TAPENTADOL,
             forbidden=(BLOCKED,)),
    Vignette("opioid ordered, requests not read", SIGN, "Naltrexone could not be looked for: say so",
             (OUD, *QUIET), TAPENTADOL, unread=("medicationRequests",), wanted=((BLOCKED, None),),
             forbidden=("opioid-on-naltrexone:critical",)),
)  # fmt: skip

OPIOID_IN_TREATMENT = (
    Vignette("meperidine for someone on a buccal film", SIGN, "A full agonist may be blunted; treatment continues",
             (OUD, order(rx("1544851"), ago(40), days=30, refills=3), *QUIET), (draft(rx("861447")),),
             wanted=((OPIOID, WARNING),)),
    Vignette("tapentadol for someone on dispersible methadone", SIGN, "Two opioids add up; the form is for OUD only",
             (order(rx("1990745"), ago(10), days=30), *QUIET), TAPENTADOL, wanted=((OPIOID, WARNING),)),
    Vignette("butorphanol for someone on methadone", SIGN, "A mixed agonist precipitates withdrawal",
             (OUD, dispense(rx("864834"), ago(3), days=14), *QUIET), (draft(rx("886622")),),
             wanted=((OPIOID, CRITICAL),)),
    Vignette("nalbuphine without any opioid", SIGN, "No agonist, no disorder: nothing to precipitate",
             QUIET, (draft(rx("1866542")),), forbidden=(OPIOID,)),
    Vignette("pentazocine, methadone in words only", SIGN, "Words alone never give the critical card",
             (OUD, statement(concept(text="methadone per clinic"), ago(3)), *QUIET), (draft(rx("250485")),),
             forbidden=("opioid-with-moud-or-oud:critical",)),
    Vignette("hydrocodone with an untreated disorder", SIGN, "Talk about risk, monitoring, naloxone and treatment",
             (sct("520841000124109", ago(300)), *QUIET), HYDROCODONE_10, wanted=((OPIOID, WARNING),)),
    Vignette("hydrocodone in remission", SIGN, "In remission: smallest quantity and a shared plan",
             (sct("191821007", ago(300)), *QUIET), HYDROCODONE_10,
             wanted=((OPIOID, INFO),), forbidden=("opioid-with-moud-or-oud:warning",)),
    Vignette("tapentadol for breakthrough pain of cancer", SIGN, "Pain of cancer is treated; a note is enough",
             (OUD, sct("879973007", ago(30)), *QUIET), TAPENTADOL,
             wanted=((OPIOID, INFO),), forbidden=("opioid-with-moud-or-oud:warning",)),
    Vignette("hydrocodone, disorder refuted", SIGN, "A refuted disorder is none",
             (sct("520841000124109", ago(300), verified="refuted"), *QUIET), HYDROCODONE_10, forbidden=(OPIOID,)),
    Vignette("the treatment itself is ordered", SIGN, "Buprenorphine/naloxone is the treatment, not an added opioid",
             (OUD, *QUIET), (draft(rx("1597575")),), forbidden=(OPIOID, NALTREXONE, CONSIDER)),
)  # fmt: skip

OPIOID_WITH_DEPRESSANT = (
    Vignette("hydrocodone with branded temazepam", SIGN, "Boxed warning: both depress breathing",
             (order(rx("208464"), ago(10), days=30),), HYDROCODONE_10, wanted=((DEPRESSANT, WARNING),)),
    Vignette("clobazam film with long-acting hydrocodone", SIGN, "The reverse order of the same two",
             (order(rx("1860497"), ago(10), days=30),), (draft(rx("2058253")),), wanted=((DEPRESSANT, WARNING),)),
    Vignette("lorazepam during treatment with buprenorphine", SIGN, "FDA 2017: treatment is not withheld",
             (OUD, IN_TREATMENT, *QUIET), (draft(drug(LORAZEPAM)),),
             wanted=((DEPRESSANT, None),), forbidden=("opioid-with-cns-depressant:critical",), says=("withh",)),
    Vignette("pregabalin and carisoprodol", SIGN, "Two kinds of depressants with an opioid",
             (order(rx("1994392"), ago(10), days=30), order(rx("197446"), ago(10), days=30)), HYDROCODONE_10,
             wanted=((DEPRESSANT, WARNING),)),
    Vignette("butalbital for headache", SIGN, "A barbiturate in a combination counts",
             (order(rx("2583731"), ago(10), days=30),), TAPENTADOL, wanted=((DEPRESSANT, None),)),
    Vignette("morphine with sequestered naltrexone and temazepam", SIGN, "It is a full agonist, deterrent or not",
             (order(rx("208464"), ago(10), days=30),), (draft(rx("863854")),), wanted=((DEPRESSANT, WARNING),)),
    Vignette("temazepam ended", SIGN, "The last capsule was three months ago",
             (order(rx("208464"), ago(110), days=10, status="completed"),), HYDROCODONE_10, forbidden=(DEPRESSANT,)),
    Vignette("temazepam not taken", SIGN, "On the list, but the person does not take it",
             (statement(rx("208464"), ago(20), status="not-taken"),), HYDROCODONE_10, forbidden=(DEPRESSANT,)),
    Vignette("midazolam for a procedure yesterday", SIGN, "One dose in a procedure is no second prescription",
             (given(drug(MIDAZOLAM_INJECTION), ago(1)),), HYDROCODONE_10, forbidden=(DEPRESSANT,)),
    Vignette("temazepam at the end of life", SIGN, "Comfort comes first",
             (order(rx("208464"), ago(10), days=30), sct("170935008", ago(20))), HYDROCODONE_10,
             forbidden=(DEPRESSANT,)),
    Vignette("temazepam alone", SIGN, "No opioid in the chart or the orders",
             QUIET, (draft(rx("208464")),), forbidden=(DEPRESSANT,)),
)  # fmt: skip

METHADONE_AND_HEART = (
    Vignette("methadone with a rare long QT type", SIGN, "A long QT syndrome of any type",
             (OUD, sct("1208881008", ago(900)), *QUIET), METHADONE, wanted=((QT, None),)),
    Vignette("methadone, corrected interval of 540", SIGN, "Above 500 ms a month ago",
             (OUD, qtc(ago(30), 540), *QUIET), METHADONE, wanted=((QT, CRITICAL),)),
    Vignette("methadone, interval given in seconds", SIGN, "0.54 s is 540 ms",
             (OUD, qtc(ago(30), 0.54, "s", "76635-2"), *QUIET), METHADONE, wanted=((QT, CRITICAL),)),
    Vignette("methadone with quetiapine", SIGN, "Quetiapine lengthens the interval too",
             (OUD, order(rx("721795"), ago(10), days=30), *QUIET), METHADONE, wanted=((QT, WARNING),)),
    Vignette("methadone with low magnesium", SIGN, "A low magnesium is a risk",
             (OUD, problem("E83.42", ago(10)), *QUIET), METHADONE, wanted=((QT, None),)),
    Vignette("erythromycin for someone on methadone", SIGN, "The second drug is the one ordered",
             (OUD, order(rx("864834"), ago(10), days=30), *QUIET), (draft(rx("197650")),), wanted=((QT, WARNING),)),
    Vignette("methadone, raw interval only", SIGN, "A raw interval cannot be held against limits of the corrected one",
             (OUD, qtc(ago(30), 540, code="8634-8"), *QUIET), METHADONE, forbidden=("methadone-qt:critical",)),
    Vignette("methadone, long interval of two years ago", SIGN, "Too old for the critical card",
             (OUD, qtc(ago(700), 540), *QUIET), METHADONE, forbidden=("methadone-qt:critical",)),
    Vignette("methadone, interval of 780", SIGN, "A value above 700 ms is suspect",
             (OUD, qtc(ago(30), 780), *QUIET), METHADONE, forbidden=("methadone-qt:critical",)),
    Vignette("methadone, long interval entered in error", SIGN, "An entry in error counts for nothing",
             (OUD, qtc(ago(30), 540, status="entered-in-error"), *QUIET), METHADONE,
             forbidden=("methadone-qt:critical",)),
    Vignette("methadone, interval of 420", SIGN, "Normal last month and no risk",
             (OUD, qtc(ago(30), 420), *QUIET), METHADONE, forbidden=(QT,)),
)  # fmt: skip

NALTREXONE_AND_LIVER = (
    Vignette("tablet in acute hepatitis E", SIGN, "Acute hepatitis of last month",
             (OUD, sct("235867002", ago(30)), *QUIET), TABLET, wanted=((LIVER, WARNING),)),
    Vignette("depot in chronic hepatic failure", SIGN, "The liver has failed",
             (OUD, sct("235886005", ago(100)), *QUIET), DEPOT, wanted=((LIVER, WARNING),)),
    Vignette("tablet in decompensated cirrhosis", SIGN, "Decompensated",
             (OUD, sct("716203000", ago(100)), *QUIET), TABLET, wanted=((LIVER, WARNING),)),
    Vignette("AST without a range", SIGN, "260 U/L is more than five times 40",
             (OUD, lab("88112-8", ago(20), 260), *QUIET), DEPOT, wanted=((LIVER, WARNING),)),
    Vignette("ALT within five times of its own limit", SIGN, "230 U/L is under five times 60, though over 200",
             (OUD, lab("1742-6", ago(20), 230, high=60), *QUIET), DEPOT, forbidden=("naltrexone-liver:warning",)),
    Vignette("ALT of half a year ago", SIGN, "Older than three months",
             (OUD, lab("1742-6", ago(180), 420, high=55), *QUIET), DEPOT, forbidden=("naltrexone-liver:warning",)),
    Vignette("early fibrosis", SIGN, "Early fibrosis is neither cirrhosis nor its failure",
             (OUD, problem("K74.01", ago(100)), lab("1742-6", ago(20), 40), *QUIET), TABLET,
             forbidden=("naltrexone-liver:warning",)),
    Vignette("chronic hepatitis C of genotype 1b", SIGN, "Common with OUD, and no reason to withhold",
             (OUD, sct("768288001", ago(500)), lab("1742-6", ago(20), 70, high=55), *QUIET), DEPOT,
             forbidden=("naltrexone-liver:warning",)),
)  # fmt: skip

NALTREXONE_GAPS = (
    Vignette("depot overdue by its claim", VIEW, "50 days since the dose: tolerance is lost",
             (OUD, procedure(HCPCS, "J2315", ago(50)), *QUIET), wanted=((ADHERENCE, WARNING),)),
    Vignette("tablets ran out", VIEW, "Supply ended 25 days ago",
             (OUD, dispense(drug(NALTREXONE_TABLET), ago(55), days=30), *QUIET), wanted=((ADHERENCE, WARNING),)),
    Vignette("tablets taken less than prescribed", VIEW, "Barriers to taking it as prescribed are recorded",
             (OUD, order(drug(NALTREXONE_TABLET), ago(20), days=30), problem("Z91.128", ago(10)), *QUIET),
             wanted=((ADHERENCE, WARNING),)),
    Vignette("depot overdue, no naloxone at home", VIEW, "Naloxone joins the card and has none of its own",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(50)), *CARED_FOR),
             wanted=((ADHERENCE, WARNING),), forbidden=(NALOXONE,), says=("naloxone",)),
    Vignette("depot of three weeks ago", VIEW, "The dose still covers",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(21)), *QUIET), forbidden=(ADHERENCE, CONSIDER)),
    Vignette("moved on to a buprenorphine tablet", VIEW, "Agonist treatment took over",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(60)), order(rx("1597568"), ago(20), days=30), *QUIET),
             forbidden=(ADHERENCE, CONSIDER)),
    Vignette("depot of ten months ago", VIEW, "Long over: no longer a gap but no treatment",
             (OUD, given(drug(NALTREXONE_INJECTION), ago(300)), *QUIET), forbidden=(ADHERENCE,)),
    Vignette("naltrexone/bupropion ran out", VIEW, "For weight: no treatment for OUD ended",
             (OUD, dispense(drug(CONTRAVE), ago(60), days=30), *QUIET), forbidden=(ADHERENCE, DISCONTINUATION)),
)  # fmt: skip

TREATMENT_ENDS = (
    Vignette("combination tablet stopped", VIEW, "Five months of treatment ended 45 days ago",
             (OUD, statement(rx("1010609"), ago(200), status="stopped",
                             effectivePeriod={"start": ago(200), "end": ago(45)}), *QUIET),
             wanted=((DISCONTINUATION, WARNING),)),
    Vignette("weekly methadone bundles ceased", VIEW, "The last bundle covered until seven weeks ago",
             (OUD, *(procedure(HCPCS, "G2067", ago(day)) for day in (81, 74, 67, 60)), *QUIET),
             wanted=((DISCONTINUATION, WARNING),)),
    Vignette("monthly depot ran out", VIEW, "75 days since the dose, well past its cover",
             (OUD, procedure(HCPCS, "Q9992", ago(103)), procedure(HCPCS, "Q9992", ago(75)), *QUIET),
             wanted=((DISCONTINUATION, WARNING),)),
    Vignette("monthly depot on time", VIEW, "20 days since the dose",
             (OUD, procedure(HCPCS, "Q9992", ago(48)), procedure(HCPCS, "Q9992", ago(20)), *QUIET),
             forbidden=(DISCONTINUATION, CONSIDER)),
    Vignette("tablet changed to depot", VIEW, "Another product of the same treatment",
             (OUD, statement(rx("1010609"), ago(200), status="stopped",
                             effectivePeriod={"start": ago(200), "end": ago(22)}),
              given(rx("1996184"), ago(20)), *QUIET), forbidden=(DISCONTINUATION, CONSIDER)),
    Vignette("moved to an opioid treatment program", VIEW, "Methadone given by the program: treatment goes on",
             (OUD, statement(rx("1010609"), ago(200), status="stopped",
                             effectivePeriod={"start": ago(200), "end": ago(12)}),
              procedure(HCPCS, "H0020", ago(2)), *QUIET), forbidden=(DISCONTINUATION, CONSIDER)),
    Vignette("treatment ended last winter", VIEW, "300 days ago: treatment is to be offered anew",
             (OUD, statement(rx("1010609"), ago(500), status="stopped",
                             effectivePeriod={"start": ago(500), "end": ago(300)}), *QUIET),
             wanted=((CONSIDER, INFO),), forbidden=(DISCONTINUATION,)),
    Vignette("in remission on treatment", VIEW, "Remission on treatment is success",
             (sct("191821007", ago(100)), IN_TREATMENT, *QUIET), forbidden=(DISCONTINUATION, CONSIDER)),
    Vignette("a person who has died", VIEW, "No cards after death",
             (OUD, procedure(HCPCS, "Q9992", ago(75)), *CARED_FOR), person=patient(deceasedDateTime=ago(5)),
             forbidden=(DISCONTINUATION, CONSIDER, NALOXONE)),
)  # fmt: skip

NALOXONE_AT_HAND = (
    Vignette("in remission, none at home", VIEW, "Remission of this year carries risk",
             (sct("191914006", ago(100)), *CARED_FOR), wanted=((NALOXONE, INFO),)),
    Vignette("only a vial given in the emergency department", VIEW, "A vial given there is not at home",
             (OUD, IN_TREATMENT, given(drug(NALOXONE_VIAL), ago(200)), *CARED_FOR), wanted=((NALOXONE, None),)),
    Vignette("spray of more than five years ago", VIEW, "Expired, too old to count on",
             (OUD, IN_TREATMENT, dispense(rx("2540703"), ago(2000)), *CARED_FOR), wanted=((NALOXONE, None),)),
    Vignette("dispensed in error", VIEW, "An entry in error is not at home",
             (OUD, IN_TREATMENT, dispense(rx("2540703"), ago(60), status="entered-in-error"), *CARED_FOR),
             wanted=((NALOXONE, None),)),
    Vignette("overdose 500 days ago", VIEW, "Within two years, no disorder recorded",
             (problem("T40.601A", ago(500)), *CARED_FOR), wanted=((NALOXONE, None),)),
    Vignette("auto-injector at home", VIEW, "An injector the person can hold counts",
             (OUD, IN_TREATMENT, order(rx("2596175"), ago(200)), *CARED_FOR), forbidden=(NALOXONE,)),
    Vignette("nalmefene spray at home", VIEW, "Another rescue medicine counts",
             (OUD, IN_TREATMENT, dispense(rx("2639721"), ago(300)), *CARED_FOR), forbidden=(NALOXONE,)),
    Vignette("joined to the offer of treatment", VIEW, "One card, and naloxone is its last line",
             (sct("426001001", ago(300)), *CARED_FOR), wanted=((CONSIDER, None),), forbidden=(NALOXONE,),
             says=("naloxone",)),
    Vignette("no opioid anywhere", VIEW, "No reason for naloxone",
             (problem("F10.20", ago(300)), score("44261-6", 3, ago(20))), forbidden=(NALOXONE, CONSIDER)),
)  # fmt: skip

VIGNETTES = (
    *PREGNANT, *NALTREXONE_WITH_OPIOIDS, *OPIOID_ON_NALTREXONE, *OPIOID_IN_TREATMENT, *OPIOID_WITH_DEPRESSANT,
    *METHADONE_AND_HEART, *NALTREXONE_AND_LIVER, *NALTREXONE_GAPS, *TREATMENT_ENDS, *NALOXONE_AT_HAND,
)  # fmt: skip
