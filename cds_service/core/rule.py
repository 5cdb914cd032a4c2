"""Rules, definitions and releases as frozen data: what a rule file says, nothing about where it stood.

The form and its meaning: docs/reference/rule-language.md. `cds_service.rulebook.reader` builds these from files;
`cds_service.core.engine` compiles them. Names of keys are those of the file, in snake_case where Python needs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.core.site import UNCHANGED, SiteChanges, SiteMark
from cds_service.core.value_set import ValueSet

LEVELS = ("info", "warning", "critical")  # rising


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number with its unit. A site may move `value` inside `range`."""

    name: str
    value: float
    unit: str  # years months weeks days score count times, or UCUM such as ms, U/L
    range: tuple[float, float]
    why: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """One or two limits, each the name of a parameter of the same file."""

    at_least: str | None = None
    more_than: str | None = None
    at_most: str | None = None
    less_than: str | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """Rows of facts or criteria that pass every key given. Empty tuple or None = key not given.

    Names in `find` are facts (core.facts.FACTS) or criteria; other names are criteria, value sets or parameters.
    during_last and started_since also take the word "today".
    """

    find: tuple[str, ...]
    code_in: tuple[str, ...] = ()
    code_not_in: tuple[str, ...] = ()
    if_: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    clinical_status: tuple[str, ...] = ()
    verification_status: tuple[str, ...] = ()
    category_not: tuple[str, ...] = ()
    reason_in: tuple[str, ...] = ()
    age: Bounds | None = None
    sex: tuple[str, ...] = ()
    covers: str | None = None
    stale_after: str | None = None
    merge_gaps: str | None = None
    length: Bounds | None = None
    ending: bool = False
    during_last: str | None = None
    since_start: Bounds | None = None
    started_since: str | None = None
    latest: bool = False
    value: Bounds | None = None
    per_upper_limit: str | None = None
    plausible: Bounds | None = None
    answer_in: tuple[str, ...] = ()
    answer_not_in: tuple[str, ...] = ()
    count: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Logic:
    """`all`, `any` and `none` of criteria, together by AND; `count` bounds how many members of `any` hold."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    count: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """YES at one of these moments, else NO."""

    hook: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A named question, the sentence that asks it, and how it is answered."""

    name: str
    says: str
    body: Find | Logic | Hook
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A citation, how strong it is, and the criteria, parameters or `cards` that rest on it."""

    id: str
    cite: str
    url: str
    grade: str  # A, B, C
    supports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uses:
    """A definition file by id and major version."""

    id: str
    major: int


@dataclass(frozen=True, slots=True)
class When:
    """When the rule fires, and what happens when that cannot be told.

    unread, doubtful: "no_card", "card_with_caveat" or "ask_fetch", the policy for each sort of doubt.
    """

    logic: Logic
    unread: str
    doubtful: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """Criteria that must all be YES (`if_`), all NO (`unless`), all UNKNOWN (`if_unknown`)."""

    if_: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    if_unknown: tuple[str, ...] = ()


ALWAYS = Conditions()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a card's detail."""

    text: str
    conditions: Conditions = ALWAYS


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a card; type is "absolute" or "smart"."""

    label: str
    url: str
    type: str


@dataclass(frozen=True, slots=True)
class Create:
    """What a suggestion drafts: a MedicationRequest or a ServiceRequest.

    code: (system URI, code) or None. within: a parameter. reason: a criterion.
    """

    resource_type: str
    text: str
    code: tuple[str, str] | None = None
    dosage: str | None = None
    quantity: str | None = None
    within: str | None = None
    do_not_perform: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A draft the clinician may take: exactly one of `create` and `delete` (a draft-order criterion) is given."""

    label: str
    conditions: Conditions = ALWAYS
    recommended: bool = False
    create: Create | None = None
    delete: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One variant of what a rule says.

    indicator: (level, criterion) pairs from the highest level down; criterion None is `otherwise`.
    source:    evidence ids; the first is the card's source.
    """

    id: str
    summary: str
    indicator: tuple[tuple[str, str | None], ...]
    detail: tuple[Line, ...]
    source: tuple[str, ...]
    override_reasons: tuple[str, ...]
    conditions: Conditions = ALWAYS
    links: tuple[Link, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    site_may_change: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """Criteria that many rules share, with their own parameters and evidence."""

    id: str
    version: str
    title: str
    purpose: str
    owner: str
    known_limits: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    uses: tuple[Uses, ...]
    parameters: Mapping[str, Parameter]
    criteria: Mapping[str, Criterion]
    reviewed: Mapping[str, str] | None = None
    review_due: str | None = None
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule.

    attributes: source attributes 5 to 13 (45 CFR 170.315(b)(11)): None or a phrase.
    settings:   care setting to a phrase saying what the rule does there; empty when it runs at no order hook.
    """

    id: str
    version: str
    title: str
    purpose: str
    owner: str
    developer: str
    funding: str
    released: str
    known_limits: tuple[str, ...]
    hooks: tuple[str, ...]
    attributes: Mapping[str, str | None]
    evidence: tuple[Evidence, ...]
    uses: tuple[Uses, ...]
    parameters: Mapping[str, Parameter]
    criteria: Mapping[str, Criterion]
    when: When
    cards: tuple[Card, ...]
    yields_to: tuple[str, ...] = ()
    merges_into: tuple[str, ...] = ()
    reviewed: Mapping[str, str] | None = None
    review_due: str | None = None
    replaces: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edition:
    """A rule with the exact definitions and value sets it is judged by. Active and trial never share a half.

    definitions: by (id, major). value_sets: by id.
    site:        what a site changed of it; its changes are in the parts above already.
    """

    rule: Rule
    definitions: Mapping[tuple[str, int], Definition]
    value_sets: Mapping[str, ValueSet]
    site: SiteChanges = UNCHANGED


@dataclass(frozen=True, slots=True)
class Release:
    """What is served: the active editions in order of ties, trials beside them, and the gate.

    never_when: criteria of definitions ("patient-status.deceased"), judged with `gate`.
    digest:     sha256 over every file of the release, hexadecimal; a site's overlay does not change it.
    site:       whose overlay is on it; None = as shipped. disabled: editions that the site does not run.
    not_held:   resource types that are no source at the site.
    """

    id: str
    digest: str
    active: tuple[Edition, ...]
    trial: tuple[Edition, ...] = ()
    never_when: tuple[str, ...] = ()
    gate_definitions: Mapping[tuple[str, int], Definition] = field(default_factory=dict)
    gate_value_sets: Mapping[str, ValueSet] = field(default_factory=dict)
    override_reasons: Mapping[str, str] = field(default_factory=dict)  # code -> display
    site: SiteMark | None = None
    disabled: tuple[Edition, ...] = ()
    not_held: frozenset[str] = frozenset()


def rule_ids(release: Release) -> frozenset[str]:
    """Give the ids of the rules of a release, active or on trial."""
    return frozenset(each.rule.id for each in (*release.active, *release.trial))
