"""A small rule, its definition and charts for the tests of cards: synthetic, and of no clinical meaning.

The rule: naltrexone is ordered (`order`) while an opioid is on record (`opioid`: medication list or urine test).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from cds_service.core.card import CallContext, render
from cds_service.core.dates import Span, parse_span
from cds_service.core.decision import Decision
from cds_service.core.engine import compile_edition, decide_edition
from cds_service.core.facts import Chart, Concept, Gap, Number, Row
from cds_service.core.rule import (
    Bounds,
    Card,
    Conditions,
    Create,
    Criterion,
    Definition,
    Edition,
    Evidence,
    Find,
    Line,
    Link,
    Logic,
    Parameter,
    Release,
    Rule,
    Suggestion,
    Uses,
    When,
)
from cds_service.core.value_set import Coding, Table, ValueSet
from cds_service.fhir.draft import draft

TODAY = date(2026, 3, 1)
SYSTEM = "http://example.org/codes"
CALL = CallContext(
    hook_instance="3f1d7d9e-0000-4000-8000-000000000001",
    hook="order-sign",
    patient_reference="Patient/p1",
    today=TODAY,
    encounter_reference="Encounter/e1",
    requester_reference="Practitioner/d1",
    part2_mode="use",
)
TITLES = {
    "naltrexone": "naltrexone",
    "opioid-drug": "opioid medicine",
    "urine-opiates": "urine opiate test",
    "positive": "positive",
    "negative": "negative",
    "alt": "alanine aminotransferase",
    "treatment": "medication treatment",
    "opioid-allergy": "allergy to opioids",
    "oud": "opioid use disorder",
}
VALUE_SETS = {
    name: ValueSet(name, "1", title, frozenset({Coding(SYSTEM, name.upper())}), phrases=(name.replace("-", " "),))
    for name, title in TITLES.items()
}
TABLE = Table(VALUE_SETS.values())


def concept(*sets: str, texts: Iterable[str] = ()) -> Concept:
    """A concept coded in each of these value sets."""
    return TABLE.concept([(SYSTEM, name.upper()) for name in sets], texts)


def span(text: str | None) -> Span | None:
    """A date as written, or none."""
    return parse_span(text) if text else None


def order(name: str = "naltrexone 380 mg", reference: str = "MedicationRequest/o1", **more: object) -> Row:
    """A draft order of naltrexone."""
    return replace(
        Row("draft-order", reference, concept("naltrexone"), name, "selected", start=span("2026-03-01")), **more
    )


def opioid(name: str = "oxycodone 5 mg tablet", start: str | None = "2026-02-01", **more: object) -> Row:
    """An opioid on the medication list; the caller says how it differs from an ended one."""
    base = Row("medication-use", "MedicationRequest/m1", concept("opioid-drug"), name, "past", start=span(start))
    return replace(base, **{"end": span("2026-02-19"), **more})


def urine(answer: str = "positive", start: str = "2026-02-24", **more: object) -> Row:
    """A urine test."""
    base = Row("Observation", "Observation/u1", concept("urine-opiates"), status="final", start=span(start))
    return replace(base, **{"end": span(start), "answers": (concept(answer),), "has_value": True, **more})


def alt(measured: float, start: str = "2026-02-20", **more: object) -> Row:
    """A liver enzyme."""
    number = Number(measured, measured, unit="U/L", text=str(measured))
    base = Row("Observation", "Observation/a1", concept("alt"), status="final", start=span(start), end=span(start))
    return replace(base, **{"value": number, "has_value": True, **more})


def condition(start: str | None = "2023-01-15", **more: object) -> Row:
    """A recorded opioid use disorder."""
    base = Row("Condition", "Condition/c1", concept("oud"), clinical_status="active", verification_status="confirmed")
    return replace(base, **{"start": span(start), **more})


def chart(*rows: Row, gaps: dict[str, tuple[Gap, ...]] | None = None, not_held: Iterable[str] = ()) -> Chart:
    """A chart of these rows; every list not named in `gaps` was read completely."""
    by_fact: dict[str, tuple[Row, ...]] = {}
    for row in rows:
        by_fact[row.fact] = (*by_fact.get(row.fact, ()), row)
    patient = Row("Patient", "Patient/p1", status="living", sex="female", birth_date=span("1990-05-05"))
    by_fact["Patient"] = (patient,)
    return Chart("order-sign", patient, by_fact, gaps or {}, not_held=frozenset(not_held))


def find(name: str, says: str, fact: str | tuple[str, ...], *codes: str, label: str | None = None, **keys: object):  # type: ignore[no-untyped-def]
    """A find criterion."""
    facts = (fact,) if isinstance(fact, str) else fact
    return Criterion(name, says, Find(facts, code_in=codes, **keys), label)  # type: ignore[arg-type]


def named(*criteria: Criterion) -> dict[str, Criterion]:
    """Criteria by name."""
    return {each.name: each for each in criteria}


DEFINITION = Definition(
    id="treatment-status",
    version="1.0.0",
    title="Treatment",
    purpose="Say whether treatment is current.",
    owner="Test",
    known_limits=("none",),
    evidence=(),
    uses=(),
    parameters={"grace": Parameter("grace", 30, "days", (7, 60), "Refills are late.")},
    criteria=named(
        find(
            "treated",
            "Treatment ran in the last {grace}",
            "medication-use",
            "treatment",
            status=("taking", "given", "past"),
            during_last="grace",
        )
    ),
)

RULE = Rule(
    id="naltrexone-with-opioids",
    version="1.2.0",
    title="Naltrexone ordered while opioids may be on board",
    purpose="Test",
    owner="Test",
    developer="Test",
    funding="none",
    released="2026-02-01",
    known_limits=("none",),
    hooks=("order-sign",),
    attributes={},
    evidence=(
        Evidence("label", "Example label, section 4", "https://example.org/label", "A", ("cards",)),
        Evidence("study", "Example study (2020)", "", "B", ("opioid",)),
    ),
    uses=(Uses("treatment-status", 1),),
    parameters={
        "days": Parameter("days", 14, "days", (7, 30), "Washout."),
        "one_day": Parameter("one_day", 1, "days", (1, 2), "Soon."),
        "limit": Parameter("limit", 40, "U/L", (30, 60), "Upper limit."),
        "times": Parameter("times", 5, "times", (3, 10), "Far above."),
        "two": Parameter("two", 2, "count", (1, 3), "Several."),
    },
    criteria=named(
        find("order", "Naltrexone is being ordered", "draft-order", "naltrexone"),
        find(
            "drug",
            "An opioid was taken in the last {days}",
            "medication-use",
            "opioid-drug",
            status=("taking", "past"),
            during_last="days",
        ),
        find(
            "test",
            "A urine test in the last {days} is positive",
            "Observation",
            "urine-opiates",
            label="urine test",
            during_last="days",
            answer_in=("positive",),
            answer_not_in=("negative",),
        ),
        Criterion("opioid", "An opioid may be in the body", Logic(any=("drug", "test"))),
        find("long", "An opioid is on record", "medication-use", "opioid-drug"),
        find(
            "liver",
            "The latest ALT is more than {times} the upper limit",
            "Observation",
            "alt",
            label="ALT",
            latest=True,
            value=Bounds(more_than="times"),
            per_upper_limit="limit",
        ),
        find("oud", "Opioid use disorder is recorded", "Condition", "oud", clinical_status=("active",)),
        find("allergy", "An allergy to opioids is recorded", "AllergyIntolerance", "opioid-allergy"),
        find("repeat", "At least {two} opioids are on record", "medication-use", "opioid-drug"),
    ),
    when=When(
        Logic(all=("order", "opioid"), none=("treatment-status.treated",)), "card_with_caveat", "card_with_caveat"
    ),
    cards=(
        Card(
            id="not-checked",
            conditions=Conditions(if_unknown=("opioid",)),
            summary="Opioid use could not be checked before {order.display}",
            indicator=(("warning", None),),
            detail=(Line("Ask about opioids in the last {days}."),),
            source=("label",),
            override_reasons=("data-incorrect",),
        ),
        Card(
            id="stop",
            summary="{order.display} with a recent opioid can cause withdrawal",
            indicator=(("critical", None),),
            detail=(
                Line("**Found.** {opioid.display}, last {opioid.date} ({opioid.days} ago)."),
                Line("Urine test {test.value}.", Conditions(if_=("test",))),
                Line("ALT {liver.value} on {liver.date}.", Conditions(if_=("liver",))),
            ),
            source=("label", "study"),
            override_reasons=("already-addressed", "data-incorrect"),
            links=(Link("Find treatment", "https://example.org/find", "absolute"),),
            suggestions=(
                Suggestion("Remove the order for {order.display}", recommended=True, delete="order"),
                Suggestion(
                    "Draft a urine test",
                    Conditions(unless=("allergy",)),
                    create=Create(
                        "ServiceRequest", "Urine opiate screen", ("http://loinc.org", "0-0"), within="one_day",
                        reason="opioid",
                    ),
                ),
            ),
        ),
    ),
)  # fmt: skip

EDITION = Edition(RULE, {("treatment-status", 1): DEFINITION}, VALUE_SETS)
RELEASE = Release(
    "2026.03.0",
    "ab" * 32,
    (EDITION,),
    override_reasons={"already-addressed": "Already addressed", "data-incorrect": "Data are incorrect"},
)


def decided(*rows: Row, rule: Rule = RULE, **of_chart: object) -> Decision:
    """What the rule says about a chart of these rows."""
    return decided_on(chart(*rows, **of_chart), rule)  # type: ignore[arg-type]


def decided_on(chart: Chart, rule: Rule = RULE) -> Decision:
    """What the rule says about this chart."""
    return decide_edition(compile_edition(replace(EDITION, rule=rule), TABLE), chart, TODAY)


UNREAD = {"medication-use": (Gap("medicationRequests", "not sent"),)}


def rendered(decision, **call):
    return render(decision, call=replace(CALL, **call), release=RELEASE, draft=draft)


def card(*rows, rule=RULE, **of_chart):
    return rendered(decided(*rows, rule=rule, **of_chart))


def with_card(**changes):
    """The rule with its second card changed."""
    return replace(RULE, cards=(RULE.cards[0], replace(RULE.cards[1], **changes)))


def blocks(shown):
    return shown["detail"].split("\n\n")
