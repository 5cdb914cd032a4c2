"""The chart as the engine sees it: rows of facts, and what could not be read.

Section 2 of docs/reference/rule-language.md is the source of every word here. `cds_service.fhir`
builds a Chart; `cds_service.core.criteria` judges it. Nothing else needs to know FHIR.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.core.dates import Span
from cds_service.core.record import record

TEXT_LIMIT = 500  # characters of one text or display that are read; the rest is cut


@record(frozen=True, slots=True)
class Coding:
    """One code, its system and code already normalised (core.value_set.normalise)."""

    system: str
    code: str


@record(frozen=True, slots=True)
class Concept:
    """A coded thing: its codings, its words, and the value sets it is in.

    texts:    text and displays, each cut at TEXT_LIMIT; never printed, except a drug's name.
    by_code:  bit mask of the value sets (core.value_set.Table) that one of its codings is in.
    by_text:  bit mask of the value sets that only a phrase in its words puts it in.
    readable: False when there is no code and no text, or a drug reference leads nowhere.
    """

    codings: tuple[Coding, ...] = ()
    texts: tuple[str, ...] = ()
    by_code: int = 0
    by_text: int = 0
    readable: bool = True


UNREADABLE_CONCEPT = Concept(readable=False)
NO_CONCEPT = Concept()


@record(frozen=True, slots=True)
class Number:
    """A measured number: exactly `low` when both ends agree, else the open range that was reported ("<5").

    unit: UCUM code or unit text as sent; None when there is none.
    """

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False
    unit: str | None = None
    text: str = ""  # as written, for cards: "12", "<5"


@record(frozen=True, slots=True)
class Row:
    """One row of a fact: a resource, a component of one, or an answered item.

    status, clinical_status, verification_status: lower-case words of section 2; None = absent or unknown.
    start, end: None = absent. `end` None on a row of `taking` or `paused` means that it still runs.
    over_by:   for `past` and `stopped` rows without an end: the last day on which it can have ended (the record's own
               last change), an ordinal; None when nothing tells.
    listed_on: for `taking` and `paused` rows without an end: the last day, today at the latest, on which the record
               itself says that this was so, an ordinal; None when nothing tells.
    value:     a number; answers: what is not a number (coded value, interpretation, text, boolean as yes/no).
    has_value: a value of any kind was recorded, readable or not.
    upper_limit: the report's own upper reference limit, in the value's unit.
    notes:     readings to tell the clinician, such as "clinicalStatus not recorded: read as active".
    labels:    security label codes of what the row was read from, upper case; none unless they mark a Part 2 record.
    """

    fact: str
    reference: str
    concept: Concept = NO_CONCEPT
    name: str = ""  # for drugs: the name on the record, escaped only when printed
    status: str | None = None
    clinical_status: str | None = None
    verification_status: str | None = None
    categories: tuple[str, ...] = ()
    reasons: tuple[Concept, ...] = ()
    start: Span | None = None
    end: Span | None = None
    over_by: int | None = None
    listed_on: int | None = None
    value: Number | None = None
    answers: tuple[Concept, ...] = ()
    has_value: bool = False
    upper_limit: Number | None = None
    sex: str | None = None  # Patient: male, female, unknown; None = not recorded
    birth_date: Span | None = None  # Patient
    readable: bool = True  # False: nothing of the row could be read
    notes: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()


@record(frozen=True, slots=True)
class Gap:
    """A list, or a part of one, that was not read: it may hold further rows that start before `before`.

    source: the prefetch key or resource type, as a clinician-facing word list knows it ("medicationRequests").
    before: day ordinal; None = rows of any date may be missing.
    why:    "not sent", "error", "another patient's rows", "further page", "redacted", ...
    """

    source: str
    why: str
    before: int | None = None


@record(frozen=True, slots=True)
class Chart:
    """Everything known about one patient at one call.

    hook:     the moment, after the client profile named it ("patient-view").
    patient:  the Patient row.
    rows:     rows by fact name. Rows that no rule of the release could use may be left out; `counts` has all.
    gaps:     what was not read, by fact name; a fact without an entry was read completely.
    counts:   how many rows each fact had before rows without use were left out.
    not_held: resource types that are no source at this site; they read as empty and cards say so.
    dropped:  how many resources were left out, by reason ("another patient", "entered in error", ...).
    """

    hook: str
    patient: Row
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    gaps: Mapping[str, tuple[Gap, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    not_held: frozenset[str] = frozenset()
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactKind:
    """What a fact can have: the keys of `find` that make sense for it and its status words.

    resources: FHIR resource types its rows come from.
    statuses:  every status word; `usual` those taken unless the rule lists others.
    keys:      keys of `find` that a row of this fact can be tested by (besides find, if and count).
    """

    name: str
    resources: tuple[str, ...]
    statuses: tuple[str, ...]
    usual: tuple[str, ...]
    keys: frozenset[str]


_CODED = {"code_in", "code_not_in"}
_EVENT = {"length", "ending", "merge_gaps", "during_last", "since_start", "started_since"}
_VALUED = {"latest", "value", "per_upper_limit", "plausible", "answer_in", "answer_not_in"}
_STATE = {"clinicalStatus", "verificationStatus", "category_not", "merge_gaps", "since_start", "started_since"}

_ORDER_STATUSES = ("draft", "active", "on-hold", "revoked", "completed", "do-not-perform")
_ENCOUNTER_STATUSES = (
    "planned", "arrived", "triaged", "in-progress", "onleave", "on-hold", "discharged", "finished", "completed",
    "cancelled", "discontinued",
)  # fmt: skip
_ENCOUNTER_USUAL = tuple(word for word in _ENCOUNTER_STATUSES if word not in ("planned", "cancelled"))


def _kinds() -> dict[str, FactKind]:
    def kind(name: str, resources: str, statuses: tuple[str, ...], usual: tuple[str, ...], *keys: set[str]) -> FactKind:
        return FactKind(name, tuple(resources.split()), statuses, usual, frozenset().union(*keys))

    kinds = [
        kind("Condition", "Condition", (), (), _CODED, _STATE),
        kind(
            "Observation", "Observation",
            ("registered", "preliminary", "final", "amended", "corrected", "cancelled"),
            ("final", "amended", "corrected"),
            _CODED, _EVENT, _VALUED, {"status", "category_not"},
        ),
        kind(
            "QuestionnaireResponse", "QuestionnaireResponse",
            ("in-progress", "completed", "amended", "stopped"), ("completed", "amended"),
            _CODED, _EVENT, _VALUED, {"status"},
        ),
        kind(
            "Procedure", "Procedure",
            ("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed"), ("completed", "in-progress"),
            _CODED, _EVENT, {"status", "category_not", "reason_in", "covers"},
        ),
        kind(
            "Encounter", "Encounter", _ENCOUNTER_STATUSES, _ENCOUNTER_USUAL,
            _CODED, _EVENT, {"status", "reason_in"},
        ),
        kind(
            "this-encounter", "Encounter", _ENCOUNTER_STATUSES, _ENCOUNTER_USUAL,
            _CODED, _EVENT, {"status", "reason_in"},
        ),
        kind(
            "ServiceRequest", "ServiceRequest", _ORDER_STATUSES, ("active", "completed"),
            _CODED, _EVENT, {"status", "category_not", "reason_in"},
        ),
        kind(
            "CarePlan", "CarePlan", _ORDER_STATUSES, ("active", "completed"),
            _CODED, _EVENT, {"status", "category_not", "reason_in"},
        ),
        kind("AllergyIntolerance", "AllergyIntolerance", (), (), _CODED, _STATE),
        kind("Patient", "Patient", ("living", "deceased", "test"), ("living", "deceased", "test"),
             {"status", "age", "sex"}),
        kind(
            "medication-use",
            "MedicationRequest MedicationStatement MedicationDispense MedicationAdministration",
            ("taking", "given", "paused", "past", "stopped", "planned", "not-taken", "do-not-perform"),
            ("taking", "given", "paused", "past", "stopped"),
            _CODED, _EVENT, {"status", "category_not", "reason_in", "covers", "stale_after"},
        ),
        kind(
            "draft-order", "MedicationRequest ServiceRequest",
            ("selected", "renewing", "unselected", "stopping"), ("selected", "renewing"),
            _CODED, {"status", "category_not", "reason_in"},
        ),
    ]  # fmt: skip
    return {each.name: each for each in kinds}


FACTS: Mapping[str, FactKind] = _kinds()

# A listed code stands for its children in FHIR's code list.
# Source: https://hl7.org/fhir/R4/valueset-condition-clinical.html and valueset-condition-ver-status.html
CLINICAL_STATUS: Mapping[str, frozenset[str]] = {
    "active": frozenset({"active", "recurrence", "relapse"}),
    "recurrence": frozenset({"recurrence"}),
    "relapse": frozenset({"relapse"}),
    "inactive": frozenset({"inactive", "remission", "resolved"}),
    "remission": frozenset({"remission"}),
    "resolved": frozenset({"resolved"}),
}
VERIFICATION_STATUS: Mapping[str, frozenset[str]] = {
    "confirmed": frozenset({"confirmed"}),
    "unconfirmed": frozenset({"unconfirmed", "provisional", "differential"}),
    "provisional": frozenset({"provisional"}),
    "differential": frozenset({"differential"}),
    "refuted": frozenset({"refuted"}),
}
HOOKS = ("patient-view", "order-select", "order-sign", "encounter-discharge")
ORDER_HOOKS = ("order-select", "order-sign")
SEXES = ("male", "female", "unknown")


@dataclass(frozen=True, slots=True)
class Needs:
    """Which rows some rule of the release could use; the FHIR reader builds no others.

    sets:     by fact, the bit mask of value sets that criteria look for in its code.
    all_rows: facts of which every row is needed, whatever its code.
    """

    sets: Mapping[str, int]
    all_rows: frozenset[str]
