"""Words of charts that put a row in the shipped value sets beside opioid use disorder and its treatment, or do not."""

import pytest

from tests.unit.shipped_sets import RXNORM, SETS, TABLE, by_text, named

NALTREXONE = {"naltrexone-oral", "naltrexone-ingredient", "naltrexone-xr-injection"}
DRUGS = {
    "gabapentinoid", "muscle-relaxant", "z-drug", "barbiturate", "benzodiazepine", "qt-prolonging", "cyp3a4-inducer",
    "cyp3a4-inhibitor", "antidepressant", "antipsychotic", "maoi", "serotonergic-opioid", "opioid-antagonist-other",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Gabapentin 300 mg capsule", {"gabapentinoid"}),
        ("Lyrica 75 mg", {"gabapentinoid"}),
        ("no gabapentin", set()),
        ("off Neurontin since May", set()),
        ("allergic to pregabalin", set()),
        ("gabapentin 6% cream", set()),
        ("Soma 350 mg", {"muscle-relaxant"}),
        ("Somatuline", set()),
        ("tizanidine stopped", set()),
        ("Ambien CR 12.5 mg", {"z-drug"}),
        ("without zolpidem", set()),
        ("butalbital-acetaminophen-caffeine", {"barbiturate"}),
        ("Butisol 30 mg", {"barbiturate"}),
        ("Butrans 10 mcg/hr patch", set()),
        ("phenobarbital level", set()),
        ("Phenobarbital 64.8 mg", {"barbiturate", "cyp3a4-inducer"}),
        ("Zofran ODT 4 mg", {"qt-prolonging"}),
        ("Z-Pak", {"qt-prolonging"}),
        ("Haldol decanoate", {"qt-prolonging", "antipsychotic"}),
        ("ciprofloxacin 0.3% ophthalmic solution", set()),
        ("Ciprodex otic", set()),
        ("erythromycin eye ointment", set()),
        ("erythromycin 500 mg tablet", {"qt-prolonging", "cyp3a4-inhibitor"}),
        ("methadone 10 mg", set()),
        ("Paxlovid", {"cyp3a4-inhibitor"}),
        ("ketoconazole 2% shampoo", set()),
        ("rifampin 300 mg", {"cyp3a4-inducer"}),
        ("St. John's Wort", {"cyp3a4-inducer"}),
        ("Lamictal starter kit (for patients taking carbamazepine)", set()),
        ("bupropion XL 300 mg", {"antidepressant"}),
        ("naltrexone-bupropion", {"opioid-antagonist-other"}),
        ("bupropion SR (Zyban)", set()),
        ("lamotrigine 100 mg", set()),
        ("escitalopram 10 mg", {"antidepressant", "qt-prolonging"}),
        ("olanzapine-samidorphan", {"antipsychotic", "opioid-antagonist-other"}),
        ("Emsam 6 mg/24 hr patch", {"antidepressant", "maoi"}),
        ("rasagiline 1 mg", {"maoi"}),
        ("avoid MAO inhibitor", set()),
        ("Ultracet", {"serotonergic-opioid"}),
        ("oxycodone 5 mg", set()),
    ],
)
def test_a_medicine_beside_an_opioid_is_known_by_its_words(text, wanted):
    assert by_text(text) & DRUGS == wanted


QT, RAISES, LOWERS, MAOI = (
    "qt-prolonging-by-name", "cyp3a4-inhibitor-by-name", "cyp3a4-inducer-by-name", "maoi-by-name",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ondansetron 4 MG Oral Tablet", {QT}),
        ("ondansetron 4 MG Disintegrating Oral Tablet [Zofran]", {QT}),
        ("no ondansetron", set()),
        ("Ondansetron allergy", set()),
        ("ondansetron stopped", set()),
        ("avoid Zofran", set()),
        ("granisetron 1 MG Oral Tablet", set()),
        ("amiodarone hydrochloride 200 MG Oral Tablet [Pacerone]", {QT}),
        ("Amiodarone level", set()),
        ("dofetilide 0.5 MG Oral Capsule [Tikosyn]", {QT}),
        ("citalopram 20 MG Oral Tablet [Celexa]", {QT}),
        ("Celebrex 200 MG Oral Capsule", set()),
        ("chlorpromazine hydrochloride 25 MG Oral Tablet [Thorazine]", {QT}),
        ("Orap 2 MG Oral Tablet", {QT}),
        ("Orapred 15 MG Disintegrating Oral Tablet", set()),
        ("hydroxychloroquine sulfate 300 MG Oral Tablet [Sovuna]", {QT}),
        ("hydroxychloroquine eye exam", set()),
        ("pentamidine isethionate 300 MG Injection [Pentam]", {QT}),
        ("pentamidine isethionate 300 MG Inhalation Solution [Nebupent]", set()),
        ("moxifloxacin 5 MG/ML Ophthalmic Solution [Vigamox]", set()),
        ("ciprofloxacin 3 MG/ML / dexamethasone 1 MG/ML Otic Suspension", set()),
        ("methadone hydrochloride 10 MG Oral Tablet", set()),
        ("fluconazole 150 MG Oral Tablet [Diflucan]", {QT, RAISES}),
        ("clotrimazole 10 MG/ML Topical Cream", set()),
        ("ketoconazole 200 MG Oral Tablet", {RAISES}),
        ("ketoconazole 20 MG/ML Medicated Shampoo", set()),
        ("ketoconazole 20 MG/ML Topical Cream", set()),
        ("Nizoral A-D, ketoconazole 1%", set()),
        ("voriconazole 200 MG Oral Tablet [Vfend]", {RAISES}),
        ("voriconazole 10 MG/ML eye drops", set()),
        ("{20 (nirmatrelvir 150 MG Oral Tablet) / 10 (ritonavir 100 MG Oral Tablet) } Pack [Paxlovid]", {RAISES}),
        ("darunavir 800 MG Oral Tablet [Prezista]", {RAISES}),
        ("declined Paxlovid", set()),
        ("fluvastatin 20 MG Oral Capsule", set()),
        ("rifampin 300 MG Oral Capsule [Rimactane]", {LOWERS}),
        ("rifaximin 550 MG Oral Tablet", set()),
        ("phenytoin sodium 50 MG/ML Injectable Solution", {LOWERS}),
        ("phenytoin level", set()),
        ("pentobarbital sodium 390 MG/ML / phenytoin sodium 50 MG/ML Injectable Solution [Euthasol]", set()),
        ("bosentan 125 MG Oral Tablet [Tracleer]", {LOWERS}),
        ("ambrisentan 5 MG Oral Tablet", set()),
        (
            "efavirenz 400 MG / lamivudine 300 MG / tenofovir disoproxil fumarate 300 MG Oral Tablet [Symfi Lo]",
            {LOWERS},
        ),
        ("emtricitabine 200 MG / tenofovir alafenamide 25 MG Oral Tablet [Descovy]", set()),
        ("St. John's wort 300 MG Oral Capsule", {LOWERS}),
        ("Hypericum perforatum 30C homeopathic pellets", set()),
        ("linezolid 600 MG Oral Tablet [Zyvox]", {MAOI}),
        ("rasagiline 1 MG Oral Tablet [Azilect]", {MAOI}),
        ("methylene blue stain", set()),
        ("tedizolid 200 MG Oral Tablet", set()),
    ],
)
def test_a_product_code_that_no_set_lists_leaves_the_name_to_the_sets_of_names(text, wanted):
    found = TABLE.concept([(RXNORM, "999999999")], [text])
    assert found.by_code == 0
    assert {each for each in named(found.by_text) if each in {QT, RAISES, LOWERS, MAOI}} == wanted


@pytest.mark.parametrize("coded", ["qt-prolonging", "cyp3a4-inhibitor", "cyp3a4-inducer", "maoi"])
def test_a_set_of_names_keeps_to_the_medicines_and_title_of_its_coded_set(coded):
    names, listed = SETS[f"{coded}-by-name"], SETS[coded]
    added = {"zuplenz", "nuedexta", "sotylize", "sovuna", "sesquient"}  # brands alone
    assert not names.codes
    assert names.title == listed.title
    assert set(names.phrases) - set(listed.phrases) <= added


@pytest.mark.parametrize(
    "text",
    [
        "naltrexone 4.5mg capsule",
        "naltrexone HCl 4.5 mg",
        "naltrexone tablet 4.5 mg",
        "oral naltrexone 3mg",
        "naltrexone 2 mg, compounded",
        "naltrexone cream",
        "naloxone challenge, then naltrexone 50 mg tablet",
    ],
)
def test_low_dose_naltrexone_is_no_treatment_but_an_order_for_it_is_seen(text):
    found = by_text(text)
    assert found & (NALTREXONE | {"naltrexone-by-name", "naltrexone-xr-by-name"}) == set()
    assert "naltrexone-ordered-by-name" in found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("naltrexone 12.5 mg", {"naltrexone-ingredient"}),
        ("ReVia 50 mg", {"naltrexone-oral"}),
        ("naltrexone 50 mg tablet", {"naltrexone-oral"}),
    ],
)
def test_usual_doses_of_naltrexone_stay_treatment(text, wanted):
    assert by_text(text) & NALTREXONE == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("Lucemyra 0.18 mg", True), ("no Lucemyra", False), ("off lofexidine", False)]
)
def test_lofexidine_is_found_by_name_unless_it_is_not_taken(text, wanted):
    assert ("lofexidine" in by_text(text)) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Suboxone 8-2 film", True),
        ("buprenorphine 8 mg SL tablet", True),
        ("Sublocade 300 mg", False),
        ("Belbuca 150 mcg buccal film", False),
        ("no Suboxone", False),
        ("naloxone 4 mg nasal spray", False),
    ],
)
def test_buprenorphine_in_the_mouth_is_known_by_its_words(text, wanted):
    assert ("moud-transmucosal-buprenorphine" in by_text(text)) is wanted


OTHERS = {
    "acute-hepatitis", "chronic-viral-hepatitis", "cirrhosis-decompensated", "hepatic-failure", "alcohol-use-disorder",
    "sedative-use-disorder", "stimulant-use-disorder", "self-harm-nonsuicidal", "suicidality", "cardiac-qt-risk",
    "long-qt", "sleep-apnea", "copd-and-chronic-respiratory-failure", "respiratory-depression", "cancer-pain",
    "active-cancer", "chronic-pain", "sickle-cell", "medication-nonadherence", "legal-problems", "release-from-custody",
    "social-stressors",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hepatitis C, chronic", {"chronic-viral-hepatitis"}),
        ("Acute hepatitis C", {"acute-hepatitis"}),
        ("Hepatitis C", set()),
        ("Chronic hepatitis C, treated, SVR", set()),
        ("Hepatitis A vaccine", set()),
        ("Hepatitis B immune", set()),
        ("Alcohol-related hepatitis", {"acute-hepatitis"}),
        ("Cirrhosis with ascites", {"cirrhosis-decompensated"}),
        ("Cirrhosis without ascites", set()),
        ("Compensated cirrhosis", set()),
        ("Alcohol use disorder, severe", {"alcohol-use-disorder"}),
        ("Alcohol use disorder, in sustained remission", set()),
        ("Father with alcohol use disorder", set()),
        ("AUDIT", set()),
        ("Benzodiazepine use disorder", {"sedative-use-disorder"}),
        ("Benzodiazepine dependence, physical dependence only", set()),
        ("Methamphetamine use disorder, severe", {"stimulant-use-disorder"}),
        ("Cocaine use disorder in early remission", set()),
        ("Nonsuicidal self-injury", {"self-harm-nonsuicidal"}),
        ("CHF", {"cardiac-qt-risk"}),
        ("No heart failure", set()),
        ("Family history of cardiomyopathy", set()),
        ("OSA on CPAP", {"sleep-apnea"}),
        ("No sleep apnea", set()),
        ("COPD exacerbation", {"copd-and-chronic-respiratory-failure"}),
        ("Subcutaneous emphysema", set()),
        ("Acute on chronic respiratory failure", {"copd-and-chronic-respiratory-failure"}),
        ("Acute respiratory failure with hypoxia", {"respiratory-depression"}),
        ("Risk of respiratory depression", set()),
        ("Cancer-related pain", {"cancer-pain"}),
        ("Stage IV lung cancer", {"active-cancer"}),
        ("History of breast cancer", set()),
        ("Breast cancer screening", set()),
        ("Acute myeloid leukemia in remission", set()),
        ("Chronic low back pain", {"chronic-pain"}),
        ("Denies chronic pain", set()),
        ("Sickle cell disease", {"sickle-cell"}),
        ("Sickle cell trait", set()),
        ("Medication nonadherence", {"medication-nonadherence"}),
        ("Dietary nonadherence", set()),
        ("Currently incarcerated", {"legal-problems"}),
        ("Reincarceration of partner", set()),
        ("Released from jail last week", {"legal-problems", "release-from-custody"}),
        ("Son released from jail", set()),
        ("Food insecurity", {"social-stressors"}),
        ("No food insecurity", set()),
    ],
)
def test_a_finding_beside_opioid_use_disorder_is_known_by_its_words(text, wanted):
    assert by_text(text) & OTHERS == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("AUDIT-C total score", {"screen-audit-c"}),
        ("AUDIT-C question 1", set()),
        ("AUDIT total score", set()),
        ("DAST-10 score", {"screen-dast10"}),
        ("Opioid Risk Tool score", {"screen-ort"}),
        ("Bilirubin, total", {"lab-bilirubin"}),
        ("Bilirubin, direct", set()),
        ("12-lead ECG", {"ecg-procedure"}),
        ("EKG", {"ecg-procedure"}),
        ("ECG declined", set()),
        ("Echocardiogram", set()),
        ("Echo", set()),
        ("Holter monitor, ECG", set()),
        ("QTc interval", {"qtc-corrected"}),
        ("Basic metabolic panel", {"electrolytes"}),
        ("magnesium oxide 400 mg tablet", set()),
        ("potassium chloride", set()),
        ("Electrolytes, urine", set()),
    ],
)
def test_a_test_or_score_is_known_by_its_words(text, wanted):
    sets = {
        "screen-audit-c",
        "screen-dast10",
        "screen-ort",
        "lab-bilirubin",
        "ecg-procedure",
        "qtc-corrected",
        "electrolytes",
    }
    assert by_text(text) & sets == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Referral to social work", {"social-referral"}),
        ("Social services referral declined for now", {"social-referral"}),
        ("Referral to social worker", {"social-referral"}),
        ("Social work visit", {"social-referral"}),
        ("Visit with social worker", {"social-referral"}),
        ("Psychotherapy by clinical social worker", set()),
        ("Behavioral health social worker", set()),
        ("Social worker visit, no show", set()),
        ("Peer recovery support", {"psychosocial-referral"}),
        ("Referral to mental health counseling", {"mental-health-referral"}),
        ("Psychosocial services referral", set()),
        ("Psychosocial assessment", set()),
        ("Counseling referral", {"psychosocial-referral"}),
        ("Psychosocial treatment declined for now", {"psychosocial-referral"}),
        ("Referral to nutrition counseling", set()),
        ("Ambulatory referral to Psychiatry", {"mental-health-referral"}),
        ("Mental health referral declined for now", {"mental-health-referral"}),
        ("Referral to physical therapy", set()),
        ("Naloxone offered and declined", {"naloxone-declined"}),
        ("Naloxone 4 mg nasal spray", set()),
        ("Naloxone not declined", set()),
    ],
)
def test_an_offer_is_known_by_its_words_whether_taken_or_declined(text, wanted):
    sets = {"social-referral", "psychosocial-referral", "mental-health-referral", "naloxone-declined"}
    assert by_text(text) & sets == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("At risk", {"social-need-present"}),
        ("Not at risk", {"social-need-absent"}),
        ("Yes", {"social-need-present"}),
        ("No", {"social-need-absent"}),
        ("Often true", {"social-need-present"}),
        ("Never true", {"social-need-absent"}),
        ("Very hard", {"social-need-present"}),
        ("Not hard at all", {"social-need-absent"}),
        ("I do not have housing", {"social-need-present"}),
        ("I have housing", {"social-need-absent"}),
        ("I have a place to live today, but I am worried about losing it in the future", {"social-need-present"}),
        ("I do not have a steady place to live", {"social-need-present"}),
        ("No reliable transportation", {"social-need-present"}),
        ("I choose not to answer this question", set()),
        ("Unknown", set()),
    ],
)
def test_an_answer_of_a_social_risk_screen_is_in_one_list_or_in_none(text, wanted):
    assert by_text(text) & {"social-need-present", "social-need-absent"} == wanted
