"""The form of clients.yaml, as tables: which keys, what each takes, and what it means.

The same machinery reads rule files (rulebook.reader_values). docs/reference/clients.md is held to these tables.
"""

from cds_service.clients.client import LOG, REFUSE
from cds_service.clients.profiles import PROFILES
from cds_service.config import LEAST_BUDGET_MS
from cds_service.core.profile import ORDER, PROPOSAL
from cds_service.core.restricted import IGNORE, USE, USE_NO_DETAIL
from cds_service.fhir.versions import DIALECTS
from cds_service.rulebook.reader_shapes import BlockOf, Constant, Either, Form, Key, ListOf, Named, Number, Text, Word

CLIENTS_FILE = "clients.yaml"
FHIR_VERSIONS = tuple(DIALECTS)

CLIENT_NAME = Named("a client's name in kebab-case", r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", "mercy-epic")
URL = Named("an https URL (http on this machine only)", r"https?://[^\s/?#]+[^\s]*", "https://ehr.example.org/jwks")
ISSUER = Named("the value of a token's `iss`", r"\S+", "https://ehr.example.org")
HOST = Named("a host", r"[a-z0-9.-]+", "www.example.org")
SYSTEM = Named("a code system's URI", r"[a-z]+:[^\s]+", "urn:oid:2.16.840.1.113883.6.88")
RESOURCE_TYPE = Named("a FHIR resource type", r"[A-Z][A-Za-z]+", "MedicationStatement")
ZONE = Named("an IANA time zone", r"[A-Za-z0-9_+/-]+", "America/New_York", plain=True)
FILE = Named("a file, from the folder of this one", r"\S(?:.*\S)?", "keys/mercy.json")
CIDR = Named("a network as CIDR", r"[0-9a-fA-F:.]+/[0-9]{1,3}", "10.20.0.0/16")
BUDGET = Number(whole=True, least=LEAST_BUDGET_MS, what=f"a whole number from {LEAST_BUDGET_MS}")
WORD = Text("one line of text")
LABEL = Named("a label of at most 60 characters", r"\S.{0,58}\S|\S", "Open the care plan", plain=True)
RULE_ID = Named("a rule's id", r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", "mat-consideration")
FLAG = Either((Constant("true"), Constant("false")), "true or false")

PART2 = Form(
    "a Part 2 policy",
    (
        Key("mode", Word("a mode", (USE, USE_NO_DETAIL, IGNORE)), True, "what records may do"),
        Key("by_confidentiality", FLAG, meaning="whether the confidentiality code R or V alone marks such a record"),
    ),
)
RATE = Form(
    "a rate",
    (
        Key("per_second", Number(least=0.01, what="a number from 0.01"), True, "calls a second that are refilled"),
        Key("burst", Number(whole=True, least=1, what="a whole number from 1"), True, "calls that may come at once"),
    ),
)
SMART_APP = Form(
    "a SMART app",
    (
        Key("label", LABEL, True, "the words of the link"),
        Key("url", URL, True, "its launch URL"),
        Key("rules", ListOf(RULE_ID, least=1), meaning="rules whose cards have the link; left out, every card"),
    ),
)
CLIENT = Form(
    "a client",
    (
        Key("issuers", ListOf(ISSUER, least=1), meaning="values of `iss` that are this client's"),
        Key("jku", ListOf(URL, least=1), meaning="JWK Set URLs that its tokens may name; keys are fetched from them"),
        Key("keys", FILE, meaning="file with its public keys, a JWK Set"),
        Key("audience", ListOf(WORD, least=1), meaning="values of `aud` that are taken besides the URL that is called"),
        Key("tenants", ListOf(WORD, least=1), meaning="values of `tenant` that are taken; left out, any or none"),
        Key("fhir_servers", ListOf(URL, least=1), meaning="base URLs of FHIR servers that may be read for it"),
        Key("fhir_private", ListOf(CIDR, least=1), meaning="networks that these servers may stand in, if not public"),
        Key("budget_ms", BUDGET, meaning="how long a call may go on fetching; left out, `CDS_BUDGET_MS`"),
        Key(
            "fhir_version",
            Word("a FHIR version", FHIR_VERSIONS),
            meaning="the version it speaks; left out, its calls show it",
        ),
        Key("strict", FLAG, meaning="whether a call that holds something which is no FHIR is refused"),
        Key("timezone", ZONE, meaning="whose calendar day is today; left out, that of `CDS_TIMEZONE`"),
        Key("not_held", ListOf(RESOURCE_TYPE, least=1), meaning="resource types that are no source at this site"),
        Key("profile", Word("a profile", tuple(PROFILES)), meaning="what its cards may hold"),
        Key(
            "links",
            ListOf(HOST, least=1),
            meaning="hosts that links (epic: SMART links) may go to, and no others",
        ),
        Key("smart_apps", ListOf(SMART_APP, least=1), meaning="SMART apps that its cards have a link to launch"),
        Key("spellings", BlockOf(SYSTEM, SYSTEM), meaning="how it writes code systems in drafts"),
        Key("intent", Word("an intent", (PROPOSAL, ORDER)), meaning="the intent of drafts"),
        Key("part2", PART2, meaning="what may be done with records under 42 CFR Part 2"),
        Key("replay", Word("what to do", (REFUSE, LOG)), meaning="what is done with a token that was shown before"),
        Key("rate", RATE, meaning="a limit of calls, for each worker by itself; left out, none"),
        Key("keep_comments", FLAG, meaning="whether free text of feedback is stored"),
        Key("explain", FLAG, meaning="whether it may ask why rules speak or stay silent on a chart"),
    ),
)
FORM = Form(
    "a clients file",
    (Key("clients", BlockOf(CLIENT_NAME, CLIENT, "a block of clients"), True, "who may call"),),
)
