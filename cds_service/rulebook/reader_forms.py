"""The forms of rule and definition files, as tables: which keys, in which order, what each takes.

docs/reference/rule-language.md says what they mean. The order of a table is the order of the keys in a file.
"""

from cds_service.core.facts import CLINICAL_STATUS, FACTS, HOOKS, SEXES, VERIFICATION_STATUS
from cds_service.core.rule import LEVELS
from cds_service.rulebook.reader_shapes import (
    BlockOf,
    Constant,
    Either,
    Form,
    Key,
    Kinds,
    ListOf,
    Named,
    Number,
    Text,
    Word,
)

_SNAKE = r"(?!(?:on|off|yes|no|true|false|null)$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*(?<=..)"
_KEBAB = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"

# Short names of code systems, as `system|code` is written in rule files.
CODE_SYSTEMS = {
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "hcpcs": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
}
ATTRIBUTES = (
    "race", "ethnicity", "language", "sexual_orientation", "gender_identity", "sex", "date_of_birth", "sdoh",
    "health_status_assessments",
)  # fmt: skip
SETTINGS = ("ambulatory", "emergency", "inpatient", "perioperative", "unknown")
BOUND_KEYS = ("at_least", "more_than", "at_most", "less_than")
POLICIES = ("no_card", "card_with_caveat", "ask_fetch")
CHANGEABLE = ("summary", "detail", "links", "override_reasons")
CREATED = ("MedicationRequest", "ServiceRequest")

LINE = Text("one line of text")
UNIT = Text("one line of text", ("years", "months", "weeks", "days", "score", "count", "times", "ms", "U/L"))
WEB_ADDRESS = Named("a web address", r"https?://\S+", "https://example.org/")
FILE_ID = Named("an id in kebab-case", _KEBAB, "opioid-status")
VERSION = Named("a version of three parts", r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", "1.0.0")
DATE = Named("a date", r"\d{4}-\d{2}-\d{2}", "2026-11-21", code="wrong-type", day=True)
NEW_PARAMETER = Named("a parameter name in snake_case", _SNAKE, "lookback_days")
NEW_CRITERION = Named("a criterion name in snake_case", _SNAKE, "on_moud")
PARAMETER = Named("the name of a parameter", _SNAKE, "lookback_days", number_code="number-not-parameter")
WINDOW = Named(
    "the name of a parameter, or `today`",
    _SNAKE,
    "lookback_days",
    number_code="number-not-parameter",
    offered=("today",),
)
CRITERION = Named("the name of a criterion", rf"(?:{_KEBAB}\.)?{_SNAKE}", "opioid-status.on_moud")
_ROWS_PATTERN = rf"[A-Z][A-Za-z]+|{_KEBAB}|(?:{_KEBAB}\.)?{_SNAKE}"
ROWS = Named("a fact or a criterion", _ROWS_PATTERN, "Condition", offered=tuple(FACTS))
_STATUS_WORDS = tuple(dict.fromkeys(word for fact in FACTS.values() for word in fact.statuses))
STATUS = Named("a status word", r"[a-z]+(?:-[a-z]+)*", "taking", offered=_STATUS_WORDS)
CODE_WORD = Named("a FHIR code", r"[A-Za-z][A-Za-z0-9-]*", "encounter-diagnosis")
SUPPORTED = Named("a criterion, a parameter or `cards`", _SNAKE, "cards")
CODE = Named("a code as system|code", rf"(?:{'|'.join(CODE_SYSTEMS)}|[a-z]+:[^|\s]+)\|[^|\s]+", "loinc|1234-x")
CRITERIA_LIST = ListOf(CRITERION, least=1)
VALUE_SETS = ListOf(FILE_ID, least=1)
FLAG = Constant("true")

_BOUND_MEANINGS = ("this number or more", "more than this number", "this number or less", "less than this number")
BOUNDS = Form(
    "a block of bounds",
    tuple(Key(each, PARAMETER, False, said) for each, said in zip(BOUND_KEYS, _BOUND_MEANINGS, strict=True)),
    some_of=BOUND_KEYS,
    example="{at_least: name}, with the name of a parameter",
)
REVIEW = Form("a review", (Key("by", LINE, True, "who reviewed it"), Key("date", DATE, True, "the day of the review")))
EVIDENCE = Form(
    "an evidence entry",
    (
        Key("id", FILE_ID, True, "the id that cards name in `source`"),
        Key("cite", LINE, True, "the citation"),
        Key("url", WEB_ADDRESS, True, "where it can be read"),
        Key("grade", Word("a grade", ("A", "B", "C")), True, "how strong it is"),
        Key("supports", ListOf(SUPPORTED, least=1), True, "the criteria, parameters or `cards` that rest on it"),
    ),
)
PARAMETER_FORM = Form(
    "a parameter",
    (
        Key("value", Number(), True, "the number"),
        Key("unit", UNIT, True, "years, months, weeks, days, score, count, times or a UCUM unit"),
        Key("range", ListOf(Number(), least=2, most=2), True, "[least, most] that a site may choose"),
        Key("why", LINE, True, "why this number"),
    ),
)

_SAID = (
    Key("says", LINE, True, "the sentence a clinician would speak"),
    Key("label", LINE, False, "the noun for cards"),
)
FIND = Form(
    "a find criterion",
    (
        *_SAID,
        Key("find", ListOf(ROWS, least=1), True, "facts or criteria, pooled"),
        Key("code_in", VALUE_SETS, False, "its code is in one of these value sets"),
        Key("code_not_in", VALUE_SETS, False, "its code is in none of these value sets"),
        Key("if", CRITERIA_LIST, False, "criteria that must all hold"),
        Key(
            "status",
            ListOf(STATUS, least=1),
            False,
            "its status is one of these words; left out, the usual ones of the fact",
        ),
        Key(
            "clinicalStatus",
            ListOf(Word("a clinical status", tuple(CLINICAL_STATUS)), least=1),
            False,
            "its clinical status is one of these, or a child of one",
        ),
        Key(
            "verificationStatus",
            ListOf(Word("a verification status", tuple(VERIFICATION_STATUS)), least=1),
            False,
            "how sure the record is: one of these, or a child of one",
        ),
        Key("category_not", ListOf(CODE_WORD, least=1), False, "none of its categories is one of these"),
        Key("reason_in", VALUE_SETS, False, "a reason for it is in one of these value sets"),
        Key("age", BOUNDS, False, "full years of the patient on the day"),
        Key("sex", ListOf(Word("a sex", SEXES), least=1), False, "the recorded sex is one of these"),
        Key("covers", PARAMETER, False, "how long a dose or a procedure acts, at least, from its start"),
        Key("stale_after", PARAMETER, False, "how long an entry without an end surely goes on"),
        Key("merge_gaps", PARAMETER, False, "rows that are this far apart at most become one stretch"),
        Key("length", BOUNDS, False, "how long it lasted, from its start to its end or to today"),
        Key("ending", FLAG, False, "it ended before today; from here on that day is its date"),
        Key("during_last", WINDOW, False, "it touches the window of this length that ends today, both ends counted"),
        Key("since_start", BOUNDS, False, "the time from its start to today"),
        Key(
            "started_since",
            Named("a criterion, or `today`", CRITERION.pattern, "oud_coded"),
            False,
            "it starts on the date of this criterion or later",
        ),
        Key("latest", FLAG, False, "only the latest row is judged by what follows"),
        Key("value", BOUNDS, False, "its number"),
        Key(
            "per_upper_limit",
            PARAMETER,
            False,
            "`value` counts multiples of the upper limit of the report, or of this one if it gives none",
        ),
        Key("plausible", BOUNDS, False, "a number outside is not judged"),
        Key("answer_in", VALUE_SETS, False, "its answer is in one of these value sets"),
        Key("answer_not_in", VALUE_SETS, False, "the answers that surely do not count; any other is UNKNOWN"),
        Key("count", BOUNDS, False, "how many rows there must be; left out, at least one"),
    ),
    ordered=True,
)
LOGIC = Form(
    "a logic criterion",
    (
        *_SAID,
        Key("all", CRITERIA_LIST, False, "all of these hold"),
        Key("any", CRITERIA_LIST, False, "at least one of these holds, or as many as `count` says"),
        Key("none", CRITERIA_LIST, False, "none of these holds"),
        Key("count", BOUNDS, False, "how many members of `any` must hold"),
    ),
    ordered=True,
    some_of=("all", "any", "none"),
)
HOOK = Form(
    "a hook criterion",
    (*_SAID, Key("hook", ListOf(Word("a hook", HOOKS), least=1), True, "it is one of these moments")),
    ordered=True,
)

ANY_CRITERION = Kinds("a criterion", ((("find",), FIND), (("all", "any", "none"), LOGIC), (("hook",), HOOK)))

POLICY = Word("a policy", POLICIES)
POLICIES_FORM = Form(
    "policies",
    (
        Key("unread", POLICY, True, "when a list was not read"),
        Key("doubtful", POLICY, True, "when rows leave it open"),
    ),
)
WHEN = Form(
    "`when`",
    (
        Key("all", CRITERIA_LIST, False, "all of these hold"),
        Key("any", CRITERIA_LIST, False, "at least one of these holds"),
        Key("none", CRITERIA_LIST, False, "none of these holds"),
        Key(
            "if_unknown",
            Either((POLICY, POLICIES_FORM)),
            True,
            "what happens when it cannot be told",
        ),
    ),
    ordered=True,
    some_of=("all", "any", "none"),
)
CONDITIONS = (
    Key("if", CRITERIA_LIST, False, "criteria that must all be YES"),
    Key("unless", CRITERIA_LIST, False, "criteria that must all be NO"),
    Key("if_unknown", CRITERIA_LIST, False, "criteria that must all be UNKNOWN"),
)
_LEVEL = Named("a criterion, or `otherwise`", CRITERION.pattern, "otherwise")
INDICATOR = Form(
    "an indicator mapping",
    tuple(Key(each, _LEVEL, False, "the criterion that makes it so, or `otherwise`") for each in reversed(LEVELS)),
    some_of=tuple(LEVELS),
)
CREATE = Form(
    "a draft",
    (
        Key("resourceType", Word("a resource", CREATED), True, "MedicationRequest or ServiceRequest"),
        Key("code", CODE, False, "system|code; a ServiceRequest may do without"),
        Key("text", LINE, True, "the words of the draft"),
        Key("dosage", LINE, False, "the dosage in words"),
        Key("quantity", Either((Number(least=0), LINE)), False, "how much, with or without a unit"),
        Key("within", PARAMETER, False, "a duration: until when it is to be done"),
        Key("do_not_perform", FLAG, False, "writes a decline: this is not to be done"),
        Key("reason", CRITERION, False, "whose row is the reason"),
    ),
)
SUGGESTION = Form(
    "a suggestion",
    (
        Key("label", LINE, True, "what the button says"),
        *CONDITIONS,
        Key("recommended", FLAG, False, "marks it as recommended"),
        Key("create", CREATE, False, "the draft"),
        Key("delete", CRITERION, False, "a draft-order criterion: each sure row makes one suggestion"),
    ),
    ordered=True,
    one_of=("create", "delete"),
)
LINK = Form(
    "a link",
    (
        Key("label", LINE, True, "what the link says"),
        Key("url", WEB_ADDRESS, True, "where it leads"),
        Key("type", Word("a link type", ("absolute", "smart")), True, "a web page, or a SMART app"),
    ),
)
DETAIL_LINE = Form("a line", (*CONDITIONS, Key("text", LINE, True, "what the line says")))
CARD = Form(
    "a card",
    (
        Key("id", FILE_ID, True, "names the variant in records and tests"),
        *CONDITIONS,
        Key("summary", LINE, True, "one sentence, under 140 characters"),
        Key("indicator", Either((Word("a level", LEVELS), INDICATOR)), True, "info, warning, critical, or a mapping"),
        Key("detail", ListOf(Either((LINE, DETAIL_LINE)), least=1), True, "the lines of the card"),
        Key("source", ListOf(FILE_ID, least=1), True, "evidence ids, the card's source first"),
        Key("links", ListOf(LINK), False, "pages or apps to open"),
        Key("suggestions", ListOf(SUGGESTION), False, "drafts that may be taken"),
        Key("override_reasons", ListOf(FILE_ID, least=1), True, "codes of the shared list"),
        Key("site_may_change", ListOf(Word("a key", CHANGEABLE), least=1), False, "what a site may replace"),
    ),
    ordered=True,
)
_ATTRIBUTE = Either((Constant("false"), Text("a phrase saying how it is used")))
ATTRIBUTES_FORM = Form("`attributes`", tuple(Key(each, _ATTRIBUTE, True, "false or a phrase") for each in ATTRIBUTES))
SETTINGS_FORM = Form("`settings`", tuple(Key(each, LINE, True, "what the rule does there") for each in SETTINGS))


def file_form(definition: bool, tests: Form | None) -> Form:
    """Give the form of a whole file, with the form of its tests; None for a file without them."""
    identity = (
        Key("schema", Number(whole=True, only=(1,)), True, "the version of this form: 1"),
        Key("id", FILE_ID, True, "the folder the file stands in"),
        Key("version", VERSION, True, "the name of the file"),
        Key("title", LINE, True, "the name people read"),
        Key("purpose", LINE, True, "what it is for, in one sentence"),
        Key("owner", LINE, True, "who answers for it"),
    )
    origin = (
        Key("developer", LINE, True, "source attribute 2: who wrote the rule"),
        Key("funding", LINE, True, "source attribute 3: who paid for it"),
        Key("released", DATE, True, "source attribute 4: the day of this version"),
    )
    review = (
        Key("reviewed", Either((Constant("null"), REVIEW)), not definition, "null, or by whom and when"),
        Key("review_due", DATE, False, "the day of the next review; required once reviewed"),
        Key("known_limits", ListOf(LINE, least=1), True, "what it misses"),
        Key("replaces", ListOf(FILE_ID), False, "ids of retired files that it stands for; not used yet"),
    )
    moments = (
        Key("hooks", ListOf(Word("a hook", HOOKS), least=1), True, "the moments it runs at"),
        Key("settings", SETTINGS_FORM, False, "what it does in each care setting; required with an order hook"),
        Key("attributes", ATTRIBUTES_FORM, True, "source attributes 5 to 13"),
    )
    body = (
        Key("evidence", ListOf(EVIDENCE, least=1), True, "source attribute 1"),
        Key("uses", BlockOf(FILE_ID, Number(whole=True, least=0, what="a major version")), False, "definitions, by id"),
        Key("parameters", BlockOf(NEW_PARAMETER, PARAMETER_FORM), False, "every number, by name"),
        Key("criteria", BlockOf(NEW_CRITERION, ANY_CRITERION), True, "every question, by name (section 5)"),
    )
    decision = (
        Key("when", WHEN, True, "when it fires (section 6)"),
        Key("yields_to", ListOf(FILE_ID), False, "rules that silence it (section 6)"),
        Key("merges_into", ListOf(FILE_ID), False, "rules whose card takes up its own (section 6)"),
        Key("cards", ListOf(CARD, least=1), True, "what it says (section 7)"),
    )
    last = (Key("tests", tests, True, "how it was tested (section 9)"),) if tests else ()
    keys = (
        (*identity, *review, *body, *last)
        if definition
        else (*identity, *origin, *review, *moments, *body, *decision, *last)
    )
    return Form("a definition file" if definition else "a rule file", keys, ordered=True)
