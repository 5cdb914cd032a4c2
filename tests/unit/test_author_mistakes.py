"""Mistakes that authors really make, each told at its line and column with a hint, and never as a traceback.

Every mistake is one small edit of a rules folder (tests/lint_sample) that has nothing wrong with it. » stands where the
caret is wanted.
"""

import json
import shutil
from pathlib import Path

import pytest

from cds_service.cli import main
from cds_service.rulebook.lint import lint
from tests.unit.test_lint_page import TODAY, sample_folder

RULE = "liver-test-due/1.0.0.yaml"
OTHER = "age-reminder/1.0.0.yaml"
TREATMENT = "definitions/treatment/1.0.0.yaml"
RELEASE = "release.yaml"
SITE = "site.yaml"
POSITIVE = "value-sets/clinic-positive/2026.1.0.json"
HERE = "»"

# What is wrong, the file, what is replaced, what by, the code, and what the hint must say.
MISTAKES = [
    # keys
    ("a key is misspelt", RULE, "purpose: Remind", "»purpos: Remind", "unknown-key", "did you mean 'purpose'?"),
    ("a key of a criterion is misspelt", RULE, "during_last: rec", "»during_lats: rec", "unknown-key", "during_last"),
    ("a key is in capitals", RULE, "owner: Example", "»Owner: Example", "unknown-key", "did you mean 'owner'?"),
    ("a key of tests is in the plural", RULE, "must_not_fire:", "»must_not_fires:", "unknown-key", "must_not_fire"),
    (
        "keys change places",
        RULE,
        "title: Liver test before naltrexone\npurpose: Remind of a liver test.",
        "purpose: Remind of a liver test.\n»title: Liver test before naltrexone",
        "misplaced-key",
        "before 'purpose'",
    ),
    (
        "a key is forgotten",
        RULE,
        "minimum_age: {value: 18, unit: years,",
        "minimum_age: »{value: 18,",
        "missing-key",
        "UCUM",
    ),
    (
        "a criterion is pasted twice",
        RULE,
        "  moment:\n",
        "  »at_chart: {says: Again, hook: patient-view}\n  moment:\n",
        "duplicate-key",
        "in line 77 already",
    ),
    ("cards stand in a definition", TREATMENT, "tests:\n", "»cards: []\ntests:\n", "unknown-key", "keys here: schema"),
    # layout
    (
        "a key stands too deep",
        RULE,
        "    code_in: lab-alt",
        "      »code_in: lab-alt",
        "bad-yaml",
        "stand in one column",
    ),
    ("a key stands not deep enough", RULE, "    code_in: lab-alt", "   »code_in: lab-alt", "bad-yaml", "here it is 4"),
    (
        "a criterion slips out of its block",
        RULE,
        "  urine_positive:\n    says: The latest urine test is positive\n"
        "    label: urine test\n    find: Observation\n    code_in: uds-opiates\n    latest: true\n"
        "    answer_in: clinic-positive\n    answer_not_in: clinic-negative\n  oud_lately:",
        "urine_positive:\n    says: The latest urine test is positive\n    label: urine test\n    find: Observation\n"
        "    code_in: uds-opiates\n    latest: true\n    answer_in: clinic-positive\n"
        "    answer_not_in: clinic-negative\n  »oud_lately:",
        "bad-yaml",
        "the last of them in line 58",
    ),
    ("a tab indents", RULE, "    code_in: lab-alt", "»\tcode_in: lab-alt", "bad-yaml", "use spaces"),
    (
        "no space follows the colon",
        RULE,
        "owner: Example group",
        "»owner:Example group",
        "bad-yaml",
        "a space after it",
    ),
    ("a bracket is not closed", RULE, "status: [final, amended]", "status: »[final, amended", "bad-yaml", "close the"),
    (
        "a brace is not closed",
        RULE,
        "value: {at_least: alt_limit}",
        "value: »{at_least: alt_limit",
        "bad-yaml",
        "close the",
    ),
    (
        "a quote is not closed",
        RULE,
        '"{treatment.current.display} is current"',
        '»"{treatment.current.display} is current',
        "bad-yaml",
        "close the quote",
    ),
    (
        "a block stands for a list",
        RULE,
        "status: [final, amended]",
        "status: »{final, amended}",
        "wrong-type",
        "[a, b]",
    ),
    (
        "a list stands for a block",
        RULE,
        "{at_least: minimum_age}",
        "»[at_least: minimum_age]",
        "wrong-type",
        "{at_least: name}",
    ),
    (
        "nothing stands after a key",
        RULE,
        "known_limits: [Tests kept as documents are not read.]",
        "known_limits:»",
        "wrong-type",
        "what it misses",
    ),
    # text
    ("a colon stands in a text", RULE, "purpose: Remind of", "purpose: Remind»: of", "bad-yaml", "quote text"),
    (
        "a comma stands in a one-line block",
        RULE,
        "why: Adults only.",
        "why: Adults, »only.",
        "unknown-key",
        "quote text",
    ),
    ("a comma makes a decimal", RULE, "value: 200, unit", "value: 200,»5, unit", "unknown-key", "with a point"),
    (
        "a text begins with a placeholder",
        RULE,
        'summary: "{treatment.current.display} is current"',
        "summary: {treatment.current.display} »is current",
        "bad-yaml",
        "begins with a brace",
    ),
    ("a text begins with a hash", RULE, "owner: Example group", "owner:» #1 group", "wrong-type", "# begins a comment"),
    ("a text begins with an at sign", RULE, "owner: Example group", "owner: »@group", "bad-yaml", "begins with a sign"),
    (
        "quotes come from a word processor",
        RULE,
        'summary: "{treatment.current.display} is current"',
        "summary: »“{treatment.current.display} is current”",
        "yaml-surprise",
        "straight quotes",
    ),
    (
        "a no-break space is pasted",
        RULE,
        "owner: Example group",
        "owner:»\u00a0Example group",
        "bad-yaml",
        "plain space",
    ),
    (
        "a merge conflict is left",
        RULE,
        "owner: Example group",
        "»<<<<<<< HEAD\nowner: Example group",
        "bad-yaml",
        "keep one",
    ),
    (
        "a placeholder has two braces",
        RULE,
        "over {minimum_age}",
        "over »{{minimum_age}}",
        "unknown-placeholder",
        "single braces",
    ),
    (
        "a placeholder is misspelt",
        RULE,
        "naltrexone: {oud_lately.display}",
        "naltrexone: »{oud_lately.dispaly}",
        "unknown-placeholder",
        "oud_lately.display",
    ),
    (
        "a summary is too long",
        RULE,
        '"Liver test before naltrexone: {oud_lately.display}"',
        '»"' + "A liver test is to be done and looked at before naltrexone. " * 3 + '{oud_lately.display}"',
        "summary-too-long",
        "",
    ),
    ("a word judges people", RULE, "label: opioid use disorder", "label: opioid »addict", "person-first", "person"),
    # words that YAML misreads, dates, versions, numbers
    ("NO stands for false", RULE, "race: false", "race: »NO", "yaml-surprise", 'write "NO"'),
    (
        "yes stands for true",
        RULE,
        "    latest: true\n    value",
        "    latest: »yes\n    value",
        "wrong-type",
        "latest row",
    ),
    (
        "true is quoted",
        RULE,
        "    latest: true\n    value",
        '    latest: »"true"\n    value',
        "wrong-type",
        "without quotes",
    ),
    ("a version has two parts", RULE, "version: 1.0.0", "version: »1.10", "yaml-surprise", "three parts"),
    ("a version begins with v", RULE, "version: 1.0.0", "version: »v1.0.0", "bad-name", "did you mean '1.0.0'?"),
    (
        "a date is written the German way",
        RULE,
        "released: 2026-01-01",
        "released: »01.01.2026",
        "wrong-type",
        "the year",
    ),
    (
        "a date is written the American way",
        RULE,
        "released: 2026-01-01",
        "released: »1/2/2026",
        "wrong-type",
        "the year",
    ),
    (
        "day and month change places",
        RULE,
        "today: 2026-03-01",
        "today: »2026-31-03",
        "wrong-type",
        "there are 12 months",
    ),
    ("a month has too many days", RULE, "released: 2026-01-01", "released: »2026-02-30", "wrong-type", "out of range"),
    ("a number is in words", RULE, "value: 18, unit", "value: »eighteen, unit", "wrong-type", "the number"),
    ("a number carries its unit", RULE, "value: 90, unit", "value: »90 days, unit", "wrong-type", "the number"),
    ("a number is quoted", RULE, "value: 18, unit", 'value: »"18", unit', "wrong-type", "without quotes"),
    ("a range is written with a dash", RULE, "range: [16, 21]", "range: »16-21", "wrong-type", "[1, 2]"),
    (
        "a range is the wrong way round",
        RULE,
        "range: [16, 21]",
        "range: »[21, 16]",
        "parameter-out-of-range",
        "[least, most]",
    ),
    ("a value leaves its range", RULE, "value: 18, unit", "value: »12, unit", "parameter-out-of-range", ""),
    ("a unit is in the singular", RULE, "value: 18, unit: years", "value: 18, unit: »year", "wrong-unit", "'years'"),
    (
        "a number stands in a criterion",
        RULE,
        "{at_least: minimum_age}",
        "{at_least: »18}",
        "number-not-parameter",
        "'minimum_age'",
    ),
    (
        "a comparison stands for bounds",
        RULE,
        "age: {at_least: minimum_age}",
        "age: >»= 18",
        "bad-yaml",
        "{at_least: name}",
    ),
    (
        "a parameter is used by nothing",
        RULE,
        "  alt_limit: {",
        "  »spare_days: {value: 5, unit: days, range: [1, 9], why: Spare.}\n  alt_limit: {",
        "unused-parameter",
        "",
    ),
    # names
    ("an id has underscores", RULE, "id: liver-test-due", "id: »liver_test_due", "bad-name", "'liver-test-due'"),
    ("a criterion has hyphens", RULE, "  at_chart: {says", "  »at-chart: {says", "bad-name", "'at_chart'"),
    ("a criterion is called on", RULE, "  at_chart: {says", '  »"on": {says', "bad-name", ""),
    (
        "a criterion is misspelt in when",
        RULE,
        "oud_lately, moment]",
        "»oud_latley, moment]",
        "unknown-criterion",
        "'oud_lately'",
    ),
    (
        "a criterion is misspelt in because",
        RULE,
        "because: old_enough",
        "because: »old_enuf",
        "unknown-criterion",
        "'old_enough'",
    ),
    (
        "because names what stops nothing",
        RULE,
        "because: old_enough",
        "because: »naltrexone",
        "unknown-criterion",
        "members: ",
    ),
    (
        "a definition's criterion lacks its dot",
        RULE,
        "if: treatment.in_tr",
        "if: »in_tr",
        "unknown-criterion",
        "'treatment.in_treatment'",
    ),
    (
        "a parameter is misspelt",
        RULE,
        "{at_most: recent_days}",
        "{at_most: »recent_day}",
        "unknown-parameter",
        "'recent_days'",
    ),
    ("a value set is misspelt", RULE, "code_in: lab-alt", "code_in: »lab-atl", "unknown-value-set", "'lab-alt'"),
    (
        "a value set is misspelt in a test",
        RULE,
        "{in: oud-dependence",
        "{in: »oud-dependance",
        "unknown-value-set",
        "'oud-dependence'",
    ),
    ("a fact is in the plural", RULE, "find: Condition\n", "find: »Conditions\n", "unknown-fact", "'Condition'"),
    ("a fact is in small letters", RULE, "find: Condition\n", "find: »condition\n", "unknown-criterion", "'Condition'"),
    ("a status is of another fact", RULE, "[final, amended]", "[final, »taking]", "unknown-status", "words: amended"),
    ("a hook is misspelt", RULE, "hooks: [patient-view,", "hooks: [»patient-veiw,", "wrong-type", "'patient-view'"),
    (
        "a test is at a hook that is not run",
        RULE,
        "    hook: patient-view\n",
        "    hook: »encounter-discharge\n",
        "hook-not-run",
        "it runs at",
    ),
    (
        "a source is misspelt",
        RULE,
        "source: guide\n    suggestions",
        "source: »giude\n    suggestions",
        "unknown-evidence",
        "'guide'",
    ),
    ("a level is in capitals", RULE, "indicator: info\n", "indicator: »Info\n", "wrong-type", "'info'"),
    ("a policy has a hyphen", RULE, "if_unknown: no_card", "if_unknown: »no-card", "wrong-type", "'no_card'"),
    (
        "a reason is in no list",
        RULE,
        "override_reasons: other",
        "override_reasons: »others",
        "unknown-reason",
        "'other'",
    ),
    ("a card is pasted with its id", RULE, "  - id: consider", "  - id: »treated", "duplicate-entry", "its own id"),
    ("a test waits for a misspelt card", RULE, "card: consider,", "card: »consder,", "unknown-card", "'consider'"),
    (
        "a marker is misspelt in a test",
        RULE,
        "{Condition: unavailable}",
        "{Condition: »unavailble}",
        "wrong-type",
        "'unavailable'",
    ),
    ("a code lacks its system", RULE, "code: rxnorm|1483744", "code: »1483744", "yaml-surprise", "system|code"),
    (
        "a code has a colon for the bar",
        RULE,
        "code: rxnorm|1483744",
        'code: »"rxnorm:1483744"',
        "bad-name",
        "system|code",
    ),
    # meaning
    (
        "a window is asked of a Condition",
        RULE,
        "since_start: {at_most: recent_days}",
        "»during_last: recent_days",
        "key-not-for-fact",
        "`since_start` asks when it began",
    ),
    (
        "two kinds stand in one criterion",
        RULE,
        "    any: [at_chart, nal",
        "    find: Condition\n    »any: [at_chart, nal",
        "two-kinds",
        "two criteria",
    ),
    (
        "a criterion leads to itself",
        RULE,
        "  moment:\n    says: The chart is open, or naltrexone is being ordered\n    any: [at_chart, naltrexone]",
        "  »moment:\n    says: The chart is open, or naltrexone is being ordered\n    any: [at_chart, moment]",
        "criterion-loop",
        "",
    ),
    (
        "a definition leads to itself",
        TREATMENT,
        "parameters:\n",
        "uses: {»treatment: 1}\nparameters:\n",
        "definition-loop",
        "one of them",
    ),
    ("a rule yields to itself", RULE, "yields_to: age-reminder", "yields_to: »liver-test-due", "rule-loop", ""),
    (
        "a major version is not released",
        RULE,
        "uses: {treatment: 1}",
        "uses: {treatment: »2}",
        "definition-version",
        "released: 1",
    ),
    (
        "a whole version stands for the major one",
        RULE,
        "{treatment: 1}",
        "{treatment: »1.0.0}",
        "yaml-surprise",
        "a major version, such as 1",
    ),
    # files
    (
        "a rule is copied with its old id",
        OTHER,
        "id: age-reminder",
        "id: »age-remind",
        "bad-name",
        "wanted 'age-reminder'",
    ),
    ("the version is not that of the file", RULE, "version: 1.0.0", "version: »1.1.0", "bad-name", "wanted '1.0.0'"),
    ("a second document begins", RULE, "cards:\n", "»---\ncards:\n", "bad-yaml", "one file, one document"),
    (
        "an anchor is used",
        RULE,
        "owner: Example group",
        "owner: »&who Example group",
        "bad-yaml",
        "write the value out",
    ),
    ("a merge key is used", RULE, "  at_chart: {", "  »<<: {says: x}\n  at_chart: {", "bad-yaml", "write the keys out"),
    (
        "a release names a version that is not there",
        RELEASE,
        "liver-test-due: {active: 1.0.0}",
        "liver-test-due: {active: »1.0.1}",
        "unknown-rule",
        "'1.0.0'",
    ),
    (
        "a release has two active versions",
        RELEASE,
        "liver-test-due: {active: 1.0.0}",
        "liver-test-due: {active: »[1.0.0, 1.1.0]}",
        "wrong-type",
        "whose cards are shown",
    ),
    (
        "a release names a rule twice",
        RELEASE,
        "  age-reminder: {",
        "  »liver-test-due: {active: 1.0.0}\n  age-reminder: {",
        "duplicate-key",
        "in line 4",
    ),
    (
        "a release gives a bare version",
        RELEASE,
        "liver-test-due: {active: 1.0.0}",
        "liver-test-due: »1.0.0",
        "wrong-type",
        "{active: 1.0.0}",
    ),
    (
        "a release names a set that is not there",
        RELEASE,
        "lab-alt: 2026.11.0",
        "lab-alt: »2026.12.0",
        "unknown-value-set",
        "2026.11.0",
    ),
    (
        "a release names a definition that is not there",
        RELEASE,
        "{treatment: 1.0.0}",
        "{treatment: »1.0.1}",
        "definition-version",
        "1.0.0",
    ),
    (
        "a gate is misspelt",
        RELEASE,
        "treatment.allergy",
        "»treatment.alergy",
        "unknown-criterion",
        "'treatment.allergy'",
    ),
    (
        "a rule is on trial beside itself",
        RELEASE,
        "liver-test-due: {active: 1.0.0}",
        "liver-test-due: {active: 1.0.0, trial: »1.0.0}",
        "duplicate-entry",
        "another version",
    ),
    # what is there and not seen, or seen and not there
    ("a number is endless", RULE, "value: 18, unit", f"value: »{'9' * 400}, unit", "wrong-type", ""),
    ("text is turned around", RULE, "owner: Example", "owner: »\u202eExample", "bad-yaml", "leave it out"),
    ("an escape obeys no reader", RULE, "owner: Example group", r'owner: »"\x1b[31mGroup"', "bad-yaml", "leave it out"),
    ("an escape turns text", RULE, "owner: Example group", r'owner: »"\u2067Group"', "bad-yaml", "leave it out"),
    ("an address is a script", RULE, '"https://example.org/"', '»"javascript:alert(1)"', "bad-name", ""),
    ("an address is a domain", RULE, '"https://example.org/"', "»example.org", "bad-name", ""),
    # bounds and units
    (
        "a bound is written twice",
        RULE,
        "age: {at_least: minimum_age}",
        "age: {at_least: minimum_age, »at_least: alt_limit}",
        "duplicate-key",
        "in line 47 already",
    ),
    (
        "an age is in days",
        RULE,
        "age: {at_least: minimum_age}",
        "age: {at_least: »recent_days}",
        "wrong-unit",
        "its unit stands in line 42",
    ),
    ("a range has three ends", RULE, "range: [16, 21]", "range: »[16, 18, 21]", "wrong-type", "[least, most]"),
    ("a range has no end", RULE, "range: [16, 21]", "range: [16, ».inf]", "wrong-type", ""),
    ("a number is hexadecimal", RULE, "value: 18, unit", "value: »0x12, unit", "yaml-surprise", "a plain number"),
    ("a number is below zero", RULE, "value: 18, unit", "value: »-18, unit", "parameter-out-of-range", ""),
    # lists and blocks
    (
        "a hook is named twice",
        RULE,
        "[patient-view, order-sign]",
        "[patient-view, order-sign, »patient-view]",
        "duplicate-entry",
        "leave it out",
    ),
    ("no hook is named", RULE, "hooks: [patient-view, order-sign]", "hooks: »[]", "wrong-type", "a hook: patient-view"),
    ("uses is a list", RULE, "uses: {treatment: 1}", "uses: »[treatment]", "wrong-type", "definitions, by id"),
    (
        "another major is used",
        RULE,
        "uses: {treatment: 1}",
        "uses: {treatment: »2}",
        "definition-version",
        "released: 1",
    ),
    (
        "an attribute is left out",
        RULE,
        "  race: false\n  ethnicity: false\n",
        "  »ethnicity: false\n",
        "missing-key",
        "false or a phrase",
    ),
    (
        "a place of care is made up",
        RULE,
        "  unknown: acts",
        "  unknown: acts\n  »home: acts",
        "unknown-key",
        "keys here",
    ),
    (
        "a sentence is empty",
        RULE,
        "says: The latest ALT is {alt_limit} or more",
        'says: »""',
        "wrong-type",
        "the sentence",
    ),
    ("nothing stands for nothing", RULE, "owner: Example group", "owner: »~", "wrong-type", "who answers for it"),
    ("a version leads elsewhere", RELEASE, "due: {active: 1.0.0}", "due: {active: »../x}", "bad-name", "whose cards"),
    ("a release is called by a word", RELEASE, "release: 2026.1.0", "release: »spring", "bad-name", "the name of"),
    # the site file
    (
        "a site moves what is not there",
        SITE,
        "liver-test-due.recent_days",
        "»liver-test-due.recent_day",
        "unknown-parameter",
        "did you mean 'recent_days'?",
    ),
    (
        "a site forgets whose number it is",
        SITE,
        "liver-test-due.recent_days",
        "»recent_days",
        "bad-name",
        "numbers that",
    ),
    ("a site writes a unit", SITE, "value: 60", "value: »60 days", "wrong-type", "inside the parameter's `range`"),
    ("a site writes half a day", SITE, "value: 60", "value: »60.5", "wrong-type", ""),
    (
        "a site gives no reason",
        SITE,
        "    value: 60\n    why: Results are settled sooner here.\n",
        "    »value: 60\n",
        "missing-key",
        "why the site",
    ),
    (
        "a site writes a date its way",
        SITE,
        "date: 2026-02-20",
        "date: »02/20/2026",
        "wrong-type",
        "the year, the month",
    ),
    (
        "a site decides in days to come",
        SITE,
        "date: 2026-02-20",
        "date: »2999-02-20",
        "site-not-allowed",
        "the day it was",
    ),
    (
        "a site turns a rule off by off",
        SITE,
        "parameters:\n",
        "rules:\n  age-reminder: {run: »off, why: a, by: b, date: 2026-01-01}\nparameters:\n",
        "yaml-surprise",
        "disabled",
    ),
    (
        "a site signs another version off",
        SITE,
        "parameters:\n",
        "signed_off:\n  age-reminder: {version: »2.0.0, why: a, by: b, date: 2026-01-01}\nparameters:\n",
        "site-not-allowed",
        "the release has 1.0.0",
    ),
    (
        "a site holds no patients",
        SITE,
        "parameters:\n",
        "not_held:\n  »Patient: {why: a, by: b, date: 2026-01-01}\nparameters:\n",
        "site-not-allowed",
        "",
    ),
    (
        "a site adds a code without its system",
        SITE,
        "parameters:\n",
        'value_sets:\n  lab-alt: {add: [»"1742-6"], why: a, by: b, date: 2026-01-01}\nparameters:\n',
        "bad-name",
        "",
    ),
    ("a value set loses a quote", POSITIVE, '"resourceType": ', "»resourceType: ", "bad-yaml", "double quotes"),
    (
        "a value set ends in a comma",
        POSITIVE,
        '"display": "positive"}',
        '"display": "positive"}»,',
        "bad-yaml",
        "leave the comma out",
    ),
    (
        "a value set is another resource",
        POSITIVE,
        '"resourceType": "ValueSet"',
        '»"resourceType": "CodeSystem"',
        "wrong-type",
        "",
    ),
    ("a value set has another id", POSITIVE, '"id": "clinic-positive"', '»"id": "clinic-postive"', "bad-name", ""),
]
# A file as a whole, the place and what is said.
WHOLE = [
    ("it is empty", b"", 1, 1, "the file is empty"),
    ("it holds comments only", b"# to be written\n", 1, 1, "the file is empty"),
    ("it is Latin-1", b"schema: 1\ntitle: caf\xe9\n", 2, 11, "not UTF-8"),
    ("it is UTF-16", "schema: 1\n".encode("utf-16"), 1, 1, "not UTF-8"),
    ("it nests too deep", b"a: " + b"[" * 60 + b"]" * 60, 1, 27, "nest deeper than"),
    ("it is a list", b"- a\n", 1, 1, "wanted a rule file"),
    ("it is a web page", b"<!DOCTYPE html>\n<html></html>\n", 1, 1, "wanted a rule file"),
    ("it is bytes", bytes(range(128)), 1, 1, "control characters"),
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return sample_folder(tmp_path_factory.mktemp("sound") / "rules")


@pytest.fixture
def folder(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "rules")
    return tmp_path / "rules"


def looked_at(folder, file):
    return lint(folder, TODAY, folder / SITE if file == SITE else None)


def seeded(path, old, new):
    """Make the mistake; gives the line and column of the mark."""
    text = path.read_text(encoding="utf-8")
    assert old in text, "the sample has no such piece"
    before = text[: text.index(old)] + new[: new.index(HERE)]
    path.write_text(text.replace(old, new.replace(HERE, ""), 1), encoding="utf-8")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_there_are_more_than_forty_mistakes_and_none_twice():
    names = [each[0] for each in (*MISTAKES, *WHOLE)]
    assert len(names) > 40
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "file", "old", "new", "code", "hint"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_mistake_is_told_at_its_place_with_a_hint_and_makes_few_findings(folder, name, file, old, new, code, hint):
    line, column = seeded(folder / file, old, new)
    whole = looked_at(folder, file)
    assert len(whole) <= 5
    found = [each for each in whole if each.file == str(folder / file)]
    told = {(each.code, each.line, each.column): each.hint for each in found}
    assert (code, line, column) in told, "\n".join(map(str, found))
    assert hint in told[code, line, column]


@pytest.mark.parametrize(("name", "raw", "line", "column", "text"), WHOLE, ids=[each[0] for each in WHOLE])
def test_a_file_that_is_no_rule_is_told(folder, name, raw, line, column, text):
    (folder / RULE).write_bytes(raw)
    first = next(each for each in lint(folder, TODAY) if each.file == str(folder / RULE))
    assert (first.line, first.column) == (line, column)
    assert text in first.text


@pytest.mark.parametrize("spell", [lambda raw: b"\xef\xbb\xbf" + raw, lambda raw: raw.replace(b"\n", b"\r\n")])
def test_a_byte_order_mark_and_the_line_ends_of_windows_are_no_mistake(folder, spell):
    path = folder / RULE
    path.write_bytes(spell(path.read_bytes()))
    assert lint(folder, TODAY) == ()


@pytest.mark.parametrize("lock", [b"", b"{", b"[]", b'{"releases": 1}', b"\xff", b'{"releases": {"2026.1.0": {}}}'])
def test_a_broken_lock_is_told(folder, lock, capsys):
    (folder / "release.lock.json").write_bytes(lock)
    assert [(each.code, Path(each.file).name) for each in lint(folder, TODAY)] == [("bad-yaml", "release.lock.json")]


def test_a_file_under_another_name_than_its_version_is_told(folder):
    shutil.copy(folder / RULE, folder / "liver-test-due/1.1.0.yaml")
    found = lint(folder, TODAY)
    assert [(each.code, each.line, each.column, each.hint) for each in found] == [("bad-name", 4, 10, "wanted '1.1.0'")]


@pytest.mark.parametrize(
    ("file", "raw"),
    [(RULE, b""), (RULE, b"\xff"), (RELEASE, b""), (RELEASE, b"rules: 1\n"), (POSITIVE, b"{"), (TREATMENT, b"a")],
)
@pytest.mark.parametrize(
    "command",
    [["lint"], ["lint", "--format", "sarif"], ["test"], ["test", "--format", "junit"], ["test", "liver-test-due"]],
)
def test_a_broken_file_ends_every_command_with_an_exit_code(folder, file, raw, command, capsys):
    (folder / file).write_bytes(raw)
    assert main(["rules", *command, "--folder", str(folder)]) in (1, 2)
    printed = capsys.readouterr()
    assert printed.out or printed.err


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff", b'{"resourceType": "Patient"}', b'{"hook": 1, "context": 2}']
)
def test_a_broken_chart_ends_explain_with_an_exit_code(folder, tmp_path, raw, capsys):
    (tmp_path / "chart.json").write_bytes(raw)
    code = main(["rules", "explain", "all", "--bundle", str(tmp_path / "chart.json"), "--folder", str(folder)])
    assert code == 2
    assert capsys.readouterr().err.startswith("rules explain: ")


def test_explain_over_broken_rules_tells_what_is_broken(folder, tmp_path, capsys):
    (tmp_path / "chart.json").write_text(json.dumps({"resourceType": "Bundle", "entry": []}))
    (folder / RULE).write_text("schema: 1\n")
    code = main(["rules", "explain", "all", "--bundle", str(tmp_path / "chart.json"), "--folder", str(folder)])
    assert code == 2
    assert f"{folder / RULE}:1:1: missing-key" in capsys.readouterr().err
