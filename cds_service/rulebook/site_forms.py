"""The form of site.yaml, as tables: which keys, what each takes, and what it means.

docs/reference/rule-language.md, section 10 ("Site"), is written from these tables.
"""

from cds_service.core.overlay import MOST_OVERRIDDEN, RUNS, SMALL_COUNTS
from cds_service.rulebook.reader_forms import CARD, CHANGEABLE, CODE, CRITERION, DATE, FILE_ID, LINE, PARAMETER, VERSION
from cds_service.rulebook.reader_shapes import BlockBy, BlockOf, Form, Key, ListOf, Named, Number, Word

MOVED_NAME = Named(
    "a parameter as rule.name or definition.name",
    rf"{FILE_ID.pattern}\.{PARAMETER.pattern}",
    "mental-health-screening.screen_months",
)
WORDING_NAME = Named(
    "a part of a card as rule.card.key",
    rf"{FILE_ID.pattern}\.{FILE_ID.pattern}\.[a-z_]+",
    "mental-health-screening.screens.links",
)
RESOURCE_TYPE = Named("a FHIR resource type", r"[A-Z][A-Za-z]+", "MedicationDispense")

SAID = (
    Key("why", LINE, True, "why the site wants it"),
    Key("by", LINE, True, "who decided it"),
    Key("date", DATE, True, "the day it was decided"),
)
DECISION = Form("a decision of the site", SAID)
MOVED = Form("a moved parameter", (Key("value", Number(), True, "the number, inside the parameter's `range`"), *SAID))
RUN = Form(
    "how a rule runs", (Key("run", Word("a way to run", RUNS), True, "shown, recorded only, or not at all"), *SAID)
)
SIGN_OFF = Form("a sign-off", (Key("version", VERSION, True, "the one version that was reviewed"), *SAID))
ADDED = Form("added codes", (Key("add", ListOf(CODE, least=1), True, "codes of this site, as system|code"), *SAID))
PERCENT = Form(
    "a share that the site bears",
    (Key("value", Number(least=1, what="a number of percent"), True, "the share in percent, below 100"), *SAID),
)
COUNT = Form(
    "a least count",
    (Key("value", Number(whole=True, least=1, what="a whole number"), True, "1, or 5 to 1000"), *SAID),
)
FEEDBACK = Form(
    "a block of what feedback reports go by",
    (
        Key(MOST_OVERRIDDEN, PERCENT, False, "reports name the rules whose cards are overridden in more answers"),
        Key(SMALL_COUNTS, COUNT, False, "reports tell no count below; 1 holds none back"),
    ),
)
WORDING: dict[str, Form] = {
    key.name: Form(f"the site's {key.name}", (Key("value", key.shape, True, "what the card says instead"), *SAID))
    for key in CARD.keys
    if key.name in CHANGEABLE
}
FORM = Form(
    "a site file",
    (
        Key("site", LINE, True, "the name of the site; cards name it"),
        Key("parameters", BlockOf(MOVED_NAME, MOVED, "a block of parameters"), False, "numbers that are moved"),
        Key("rules", BlockOf(FILE_ID, RUN, "a block of rules"), False, "how rules run here"),
        Key("signed_off", BlockOf(FILE_ID, SIGN_OFF, "a block of rules"), False, "clinical sign-off of a version"),
        Key("wording", BlockBy(WORDING_NAME, WORDING, "a block of wordings"), False, "what `site_may_change` allows"),
        Key("value_sets", BlockOf(FILE_ID, ADDED, "a block of value sets"), False, "local codes"),
        Key("never_when", BlockOf(CRITERION, DECISION, "a block of criteria"), False, "added to the release's"),
        Key("not_held", BlockOf(RESOURCE_TYPE, DECISION, "a block of resource types"), False, "no source here"),
        Key("feedback", FEEDBACK, False, "what feedback reports go by"),
    ),
)
