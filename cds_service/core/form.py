"""What a rule prints, as forms: everything set that no chart changes, with blanks for what a chart says.

Pure data. `core.printing` makes it when a release is compiled; `core.placeholders` and `core.card` fill it in.
"""

from collections.abc import Mapping

from cds_service.core.dates import Duration
from cds_service.core.record import record
from cds_service.core.rule import Card, Conditions, Create, Evidence, Parameter


@record(frozen=True, slots=True)
class Text:
    """A text of a rule with its parameters filled in.

    words:  what stands before, between and after the blanks: one piece more than there are blanks.
    blanks: attribute and criterion: {oud.date} is ("date", "oud").
    """

    words: tuple[str, ...]
    blanks: tuple[tuple[str, str], ...] = ()


@record(frozen=True, slots=True)
class Spoken:
    """A criterion as it is spoken of.

    says:       its sentence. parameters: of the file that it stands in.
    bases:      criteria whose rows it takes up: `all` and `any` of logic, criteria in `find`.
    titles:     of the value sets that it looks for.
    looked_at:  facts whose entries are counted where it does not hold, and their words; see `searched` of a Judgement.
    """

    says: Text
    parameters: Mapping[str, Parameter]
    bases: tuple[str, ...]
    titles: tuple[str, ...]
    looked_at: tuple[tuple[str, str], ...]


@record(frozen=True, slots=True)
class Offer:
    """A suggestion.

    label:  one without blanks is no longer than a label may be.
    place:  its position among those of its card, which is part of its id.
    within: how long after the call its draft is to be done.
    """

    conditions: Conditions
    label: Text
    place: str
    recommended: bool
    create: Create | None = None
    within: Duration | None = None
    delete: str | None = None


@record(frozen=True, slots=True)
class Form:
    """One card of an edition.

    name:     what ids are made of besides the call: "mat-consideration@2.0.0|consider".
    version:  of the rule: "mat-consideration 2.0.0".
    topics:   by level, the topic of the card.
    held:     by level, the criteria that the card may rest on, each once, and whether it holds wherever `when` is YES.
    unwanted: criteria that the card needs to be NO, and whether each speaks of nothing but orders being placed.
    cited:    citations as lines, by what they cite, in order. source: the first of them.
    """

    card: Card
    name: str
    version: str
    topics: Mapping[str, str]
    summary: Text
    held: Mapping[str, tuple[tuple[str, bool], ...]]
    unwanted: tuple[tuple[str, bool], ...]
    detail: tuple[tuple[Conditions, Text], ...]
    cited: dict[str, str]
    source: Evidence
    offers: tuple[Offer, ...]


@record(frozen=True, slots=True)
class Printed:
    """All forms of an edition: its criteria by name, its cards by id."""

    spoken: Mapping[str, Spoken]
    forms: Mapping[str, Form]
