"""Single codes of the shipped value sets: in the set they belong to, and in none where they would mislead."""

import pytest

from cds_service.core.value_set import ICD_10_CM
from tests.unit.shipped_sets import HCPCS, LOINC, PCS, RXNORM, SNOMED, by_code


@pytest.mark.parametrize(
    ("system", "code", "inside", "outside"),
    [
        (ICD_10_CM, "F11.20", {"oud-dependence", "opioid-dependence-uncomplicated"}, {"oud-unambiguous"}),
        (ICD_10_CM, "F11.21", {"oud-remission"}, {"oud-dependence", "oud-unambiguous"}),
        (ICD_10_CM, "F11.11", {"oud-remission"}, {"oud-abuse", "oud-unambiguous"}),
        (ICD_10_CM, "F11.91", {"oud-remission"}, {"opioid-use-unspecified"}),
        (ICD_10_CM, "F11.90", {"opioid-use-unspecified"}, {"oud-dependence", "oud-abuse"}),
        (ICD_10_CM, "F11.23", {"oud-dependence", "opioid-withdrawal", "oud-unambiguous"}, {"opioid-intoxication"}),
        (SNOMED, "1081000119105", {"oud-dependence", "oud-on-agonist-therapy"}, {"oud-remission"}),
        (ICD_10_CM, "T40.1X1A", {"opioid-overdose"}, {"opioid-overdose-intentional", "overdose-unspecified"}),
        (ICD_10_CM, "T40.1X2A", {"opioid-overdose", "opioid-overdose-intentional"}, set()),
        (ICD_10_CM, "T40.1X1S", {"opioid-overdose-sequela"}, {"opioid-overdose"}),
        (ICD_10_CM, "T40.2X5A", set(), {"opioid-overdose"}),  # adverse effect
        (ICD_10_CM, "T40.2X6A", set(), {"opioid-overdose"}),  # underdosing
        (SNOMED, "1149222004", {"overdose-unspecified"}, {"opioid-overdose"}),
        (RXNORM, "863850", {"opioid-full-agonist", "naltrexone-in-abuse-deterrent-opioids"}, {"naltrexone-oral"}),
        (RXNORM, "1551468", {"opioid-antagonist-other"}, {"naltrexone-oral", "naltrexone-ingredient"}),
        (RXNORM, "904871", {"buprenorphine-pain"}, {"buprenorphine-ambiguous", "buprenorphine-mono-sl-oud"}),
        (RXNORM, "203840", {"buprenorphine-pain"}, {"buprenorphine-xr-injection-oud"}),
        (RXNORM, "1010604", {"buprenorphine-naloxone-oud"}, {"opioid-overdose-reversal", "naloxone-take-home"}),
        (RXNORM, "2639029", {"buprenorphine-weekly-oud", "buprenorphine-xr-injection-oud"}, set()),
        (RXNORM, "2639041", {"buprenorphine-xr-injection-oud"}, {"buprenorphine-weekly-oud"}),
        (RXNORM, "864706", {"methadone"}, {"methadone-oud-only-forms", "opioid-full-agonist"}),
        (HCPCS, "G2067", {"otp-moud-bundle", "moud-methadone-service"}, {"otp-service-without-drug"}),
        (HCPCS, "G2074", {"otp-service-without-drug"}, {"otp-moud-bundle", "moud-methadone-service"}),
        (HCPCS, "G2075", {"otp-service-without-drug"}, {"otp-moud-bundle", "moud-buprenorphine-service"}),
        (HCPCS, "G2215", set(), {"otp-moud-bundle", "otp-service-without-drug"}),
        (HCPCS, "G2071", set(), {"buprenorphine-implant-service", "moud-buprenorphine-service"}),
        (HCPCS, "J0577", {"buprenorphine-weekly-service"}, {"buprenorphine-xr-service", "moud-buprenorphine-service"}),
        (HCPCS, "S0109", set(), {"moud-methadone-service"}),
        (PCS, "HZ2ZZZZ", {"detox-procedure"}, {"opioid-withdrawal"}),
        (LOINC, "44261-6", {"screen-phq9"}, {"screen-phq2", "screen-phq9-item9"}),
        (LOINC, "44249-1", {"screen-depression-form"}, {"screen-phq9"}),
        (LOINC, "8636-3", {"qtc-corrected"}, set()),
        (LOINC, "19301-1", set(), {"uds-opiates"}),  # names a method, not a result
        (ICD_10_CM, "Z37.0", {"birth", "pregnancy-ended"}, {"pregnancy"}),
        (ICD_10_CM, "O99.325", {"postpartum-lactation"}, {"pregnancy"}),
        (ICD_10_CM, "Z91.51", {"suicidality-history"}, {"suicidality"}),
        (ICD_10_CM, "F33.42", set(), {"depression"}),  # in full remission
        # medicines
        (RXNORM, "310430", {"gabapentinoid"}, {"antidepressant"}),
        (RXNORM, "607020", {"gabapentinoid"}, {"muscle-relaxant"}),
        (RXNORM, "854873", {"z-drug"}, {"benzodiazepine", "barbiturate"}),
        (RXNORM, "197446", {"muscle-relaxant"}, {"opioid-full-agonist", "barbiturate"}),
        (RXNORM, "994226", {"muscle-relaxant", "opioid-full-agonist"}, {"barbiturate"}),  # carisoprodol with codeine
        (RXNORM, "8134", {"barbiturate", "cyp3a4-inducer"}, {"benzodiazepine"}),  # phenobarbital
        (RXNORM, "238153", {"barbiturate"}, {"opioid-full-agonist", "cyp3a4-inducer"}),  # butalbital without codeine
        (RXNORM, "993943", {"barbiturate", "opioid-full-agonist"}, set()),  # butalbital with codeine
        (RXNORM, "1100453", set(), {"barbiturate", "cyp3a4-inducer"}),  # Euthasol, for animals
        (RXNORM, "795778", set(), {"cyp3a4-inducer"}),  # lamotrigine, "for patients taking carbamazepine"
        (RXNORM, "9384", {"cyp3a4-inducer"}, {"cyp3a4-inhibitor"}),  # rifampin
        (RXNORM, "30125", set(), {"cyp3a4-inducer"}),  # modafinil, a weak inducer
        (RXNORM, "21212", {"cyp3a4-inhibitor", "qt-prolonging"}, {"cyp3a4-inducer"}),  # clarithromycin
        (RXNORM, "26225", {"qt-prolonging"}, {"methadone", "qt-prolonging-by-name"}),  # ondansetron
        (RXNORM, "576424", set(), {"qt-prolonging"}),  # Vigamox eye drops
        (RXNORM, "465397", set(), {"qt-prolonging"}),  # ciprofloxacin with dexamethasone, ear drops
        (RXNORM, "864706", {"methadone"}, {"qt-prolonging", "serotonergic-opioid"}),
        (RXNORM, "312940", {"antidepressant"}, {"maoi"}),  # sertraline
        (RXNORM, "198427", set(), {"antidepressant"}),  # lamotrigine
        (RXNORM, "1801289", set(), {"antidepressant"}),  # bupropion for quitting smoking
        (RXNORM, "1551468", {"opioid-antagonist-other"}, {"antidepressant"}),  # bupropion with naltrexone
        (RXNORM, "833135", set(), {"antidepressant"}),  # milnacipran
        (RXNORM, "1433217", {"antidepressant"}, set()),  # levomilnacipran
        (RXNORM, "312347", {"antidepressant", "maoi"}, {"serotonergic-opioid"}),  # phenelzine
        (RXNORM, "859193", {"maoi"}, {"antidepressant"}),  # selegiline tablets, for Parkinson disease
        (RXNORM, "312745", {"antipsychotic", "qt-prolonging"}, {"antidepressant"}),  # quetiapine
        (RXNORM, "2570392", {"antipsychotic", "opioid-antagonist-other"}, set()),  # olanzapine with samidorphan
        (RXNORM, "835603", {"serotonergic-opioid", "opioid-full-agonist"}, {"opioid-mixed-agonist-antagonist"}),
        (RXNORM, "1010604", {"moud-transmucosal-buprenorphine"}, {"buprenorphine-xr-injection-oud"}),
        (RXNORM, "904871", {"buprenorphine-pain"}, {"moud-transmucosal-buprenorphine"}),
        # liver
        (ICD_10_CM, "B17.10", {"acute-hepatitis"}, {"chronic-viral-hepatitis"}),
        (ICD_10_CM, "B18.2", {"chronic-viral-hepatitis"}, {"acute-hepatitis", "hepatic-failure"}),
        (
            ICD_10_CM,
            "B19.20",
            set(),
            {"acute-hepatitis", "chronic-viral-hepatitis"},
        ),  # neither acute nor chronic is said
        (ICD_10_CM, "K70.11", {"acute-hepatitis"}, {"cirrhosis-decompensated"}),
        (ICD_10_CM, "K75.9", set(), {"acute-hepatitis"}),
        (ICD_10_CM, "K70.31", {"cirrhosis-decompensated"}, {"hepatic-failure"}),
        (ICD_10_CM, "I85.01", {"cirrhosis-decompensated"}, set()),
        (ICD_10_CM, "I85.00", set(), {"cirrhosis-decompensated"}),  # varices that have not bled
        (ICD_10_CM, "K74.60", set(), {"cirrhosis-decompensated"}),
        (SNOMED, "146371000119104", {"hepatic-failure"}, {"chronic-viral-hepatitis"}),  # with hepatic coma
        # use of other substances
        (ICD_10_CM, "F10.20", {"alcohol-use-disorder"}, set()),
        (ICD_10_CM, "F10.21", set(), {"alcohol-use-disorder"}),
        (ICD_10_CM, "F10.11", set(), {"alcohol-use-disorder"}),
        (ICD_10_CM, "F10.99", set(), {"alcohol-use-disorder"}),  # use, not a disorder
        (SNOMED, "135311000119100", set(), {"alcohol-use-disorder"}),  # insomnia caused by alcohol
        (ICD_10_CM, "F13.20", {"sedative-use-disorder"}, {"alcohol-or-sedative-withdrawal"}),
        (ICD_10_CM, "F13.21", set(), {"sedative-use-disorder"}),
        (
            SNOMED,
            "703849002",
            {"alcohol-or-sedative-withdrawal"},
            {"sedative-use-disorder"},
        ),  # also after prescribed use
        (ICD_10_CM, "F14.20", {"stimulant-use-disorder"}, set()),
        (ICD_10_CM, "F15.11", set(), {"stimulant-use-disorder"}),
        (SNOMED, "27956007", set(), {"stimulant-use-disorder"}),  # intoxication alone
        (ICD_10_CM, "R45.88", {"self-harm-nonsuicidal"}, {"suicidality"}),
        (ICD_10_CM, "Z91.52", set(), {"self-harm-nonsuicidal"}),  # past history alone
        # heart, lung, pain, cancer
        (ICD_10_CM, "I50.22", {"cardiac-qt-risk"}, {"long-qt"}),
        (ICD_10_CM, "I47.21", {"long-qt"}, {"cardiac-qt-risk"}),
        (ICD_10_CM, "E87.6", {"cardiac-qt-risk"}, set()),
        (ICD_10_CM, "G47.33", {"sleep-apnea"}, set()),
        (ICD_10_CM, "G47.32", set(), {"sleep-apnea"}),  # breathing at high altitude
        (ICD_10_CM, "J44.1", {"copd-and-chronic-respiratory-failure"}, {"respiratory-depression"}),
        (ICD_10_CM, "J98.4", set(), {"copd-and-chronic-respiratory-failure"}),
        (SNOMED, "941201000000103", set(), {"copd-and-chronic-respiratory-failure"}),  # resolved
        (ICD_10_CM, "J96.01", {"respiratory-depression"}, {"copd-and-chronic-respiratory-failure"}),
        (ICD_10_CM, "J96.90", {"respiratory-depression"}, {"copd-and-chronic-respiratory-failure"}),
        (ICD_10_CM, "R06.89", set(), {"respiratory-depression"}),
        (ICD_10_CM, "G89.3", {"cancer-pain"}, {"active-cancer", "chronic-pain"}),
        (SNOMED, "788891004", set(), {"cancer-pain"}),  # after treatment for cancer
        (ICD_10_CM, "C34.90", {"active-cancer"}, set()),
        (ICD_10_CM, "C44.91", set(), {"active-cancer"}),  # skin cancer other than melanoma
        (ICD_10_CM, "C90.01", set(), {"active-cancer"}),  # in remission
        (ICD_10_CM, "D03.9", set(), {"active-cancer"}),  # in situ
        (ICD_10_CM, "Z85.3", set(), {"active-cancer"}),  # past history
        (ICD_10_CM, "G89.29", {"chronic-pain"}, {"cancer-pain"}),
        (ICD_10_CM, "D57.1", {"sickle-cell"}, set()),
        (ICD_10_CM, "D57.3", set(), {"sickle-cell"}),  # trait
        (SNOMED, "441482006", set(), {"sickle-cell"}),  # past history
        # adherence and social needs
        (ICD_10_CM, "Z91.148", {"medication-nonadherence"}, set()),
        (ICD_10_CM, "T40.3X6A", {"medication-nonadherence"}, {"opioid-overdose"}),
        (ICD_10_CM, "T40.3X6S", set(), {"medication-nonadherence"}),  # sequela
        (ICD_10_CM, "Z91.110", set(), {"medication-nonadherence"}),  # diet
        (ICD_10_CM, "Z91.199", set(), {"medication-nonadherence"}),  # other treatment than medication
        (ICD_10_CM, "Z65.1", {"legal-problems"}, {"release-from-custody"}),
        (ICD_10_CM, "Z65.2", {"legal-problems", "release-from-custody"}, {"social-stressors"}),
        (ICD_10_CM, "Z59.41", {"social-stressors"}, {"homelessness"}),
        (ICD_10_CM, "Z59.01", {"homelessness"}, {"social-stressors"}),
        (ICD_10_CM, "Z69.12", set(), {"social-stressors"}),  # about a perpetrator
        (ICD_10_CM, "Z62.810", set(), {"social-stressors"}),  # childhood history
        # screens and tests
        (LOINC, "75626-2", {"screen-audit-c"}, {"screen-dast10"}),
        (LOINC, "72109-2", set(), {"screen-audit-c"}),  # the panel
        (LOINC, "82667-7", {"screen-dast10"}, {"screen-audit-c"}),
        (LOINC, "82666-9", set(), {"screen-dast10"}),  # the panel
        (LOINC, "91392-1", {"screen-ort"}, set()),
        (LOINC, "91393-9", set(), {"screen-ort"}),  # the panel
        (LOINC, "1975-2", {"lab-bilirubin"}, {"lab-alt"}),
        (LOINC, "3390-2", {"uds-benzodiazepine"}, {"uds-opiates"}),
        (LOINC, "3385-2", set(), {"uds-benzodiazepine"}),  # names what was negative
        (LOINC, "53745-6", set(), {"uds-benzodiazepine"}),  # the panel
        (LOINC, "3397-7", {"uds-cocaine"}, {"uds-amphetamine"}),
        (LOINC, "59295-6", set(), {"uds-cocaine"}),  # levamisole
        (LOINC, "3779-6", {"uds-amphetamine"}, {"uds-cocaine"}),
        (LOINC, "19269-0", set(), {"uds-amphetamine"}),  # names a method
        (LOINC, "3808-3", set(), {"uds-amphetamine"}),  # methylphenidate
        (LOINC, "12478-4", set(), {"uds-amphetamine"}),  # levomethamphetamine, sold without prescription
        (LOINC, "101809-2", {"uds-xylazine"}, {"uds-fentanyl"}),
        # referrals
        (SNOMED, "60112009", {"psychosocial-referral", "counselling-psychosocial"}, {"mental-health-referral"}),
        (SNOMED, "390866009", {"mental-health-referral", "mental-health-assessment"}, {"psychosocial-referral"}),
        (SNOMED, "225337009", {"mental-health-assessment"}, {"mental-health-referral"}),  # an assessment, no referral
        (SNOMED, "308440001", {"social-referral"}, {"psychosocial-referral", "mental-health-referral"}),
        (SNOMED, "306226009", {"mental-health-referral"}, {"psychosocial-referral", "social-referral"}),
        (SNOMED, "81294000", {"psychosocial-referral"}, {"mental-health-referral", "social-referral"}),
        (SNOMED, "305922005", set(), {"mental-health-referral"}),  # referral by a counselor
    ],
)
def test_a_code_is_where_it_belongs_and_nowhere_it_would_mislead(system, code, inside, outside):
    found = by_code(system, code)
    assert inside <= found
    assert found & outside == set()


@pytest.mark.parametrize("code", ["70273-8", "8634-8"])  # PHQ-15, often listed as GAD-2; the uncorrected QT
def test_codes_that_are_often_mixed_up_are_in_no_set(code):
    assert by_code(LOINC, code) == set()
