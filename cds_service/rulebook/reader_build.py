"""From the plain values of a file to the frozen dataclasses of core.rule.

Everything here takes gaps: a key that could not be read is left at its empty value, so that lint can look at the
rest of a file that has mistakes.
"""

from collections.abc import Mapping

from cds_service.core.rule import (
    LEVELS,
    Bounds,
    Card,
    Conditions,
    Create,
    Criterion,
    Definition,
    Evidence,
    Find,
    Hook,
    Line,
    Link,
    Logic,
    Parameter,
    Rule,
    Suggestion,
    Uses,
    When,
)
from cds_service.rulebook.reader_cases import split_code
from cds_service.rulebook.reader_forms import ATTRIBUTES, POLICIES
from cds_service.rulebook.reader_values import MISSING, Value

Plain = Mapping[str, Value]


def build_rule(plain: Plain) -> Rule:
    """Build a rule from the values of its file."""
    attributes = plain.get("attributes", {})
    return Rule(
        **_common(plain),
        developer=plain.get("developer", ""),
        funding=plain.get("funding", ""),
        released=plain.get("released", ""),
        hooks=plain.get("hooks", ()),
        settings=plain.get("settings", {}),
        attributes={each: attributes.get(each) or None for each in ATTRIBUTES},
        when=_when(plain.get("when", {})),
        cards=tuple(_card(each) for each in plain.get("cards", ())),
        yields_to=plain.get("yields_to", ()),
        merges_into=plain.get("merges_into", ()),
    )


def build_definition(plain: Plain) -> Definition:
    """Build a definition from the values of its file."""
    return Definition(**_common(plain))


def _common(plain: Plain) -> dict[str, Value]:
    return {
        "id": plain.get("id", ""),
        "version": plain.get("version", ""),
        "title": plain.get("title", ""),
        "purpose": plain.get("purpose", ""),
        "owner": plain.get("owner", ""),
        "known_limits": plain.get("known_limits", ()),
        "evidence": tuple(_evidence(each) for each in plain.get("evidence", ())),
        "uses": tuple(Uses(name, major) for name, major in plain.get("uses", {}).items() if major is not MISSING),
        "parameters": {name: _parameter(name, each) for name, each in plain.get("parameters", {}).items()},
        "criteria": {name: _criterion(name, each) for name, each in plain.get("criteria", {}).items()},
        "reviewed": plain.get("reviewed"),
        "review_due": plain.get("review_due"),
        "replaces": plain.get("replaces", ()),
    }


def _evidence(plain: Plain) -> Evidence:
    return Evidence(
        plain.get("id", ""),
        plain.get("cite", ""),
        plain.get("url", ""),
        plain.get("grade", ""),
        plain.get("supports", ()),
    )


def _parameter(name: str, plain: Value) -> Parameter:
    given: Plain = {} if plain is MISSING else plain
    limits = given.get("range", ())
    value = given.get("value", limits[0] if limits else 0.0)  # one that could not be read is within its range
    least, most = limits if len(limits) == 2 else (value, value)
    return Parameter(name, value, given.get("unit", ""), (least, most), given.get("why", ""))


def _bounds(plain: Plain | None) -> Bounds | None:
    return None if plain is None else Bounds(**plain)


def _criterion(name: str, plain: Value) -> Criterion:
    given: Plain = {} if plain is MISSING else plain
    body: Find | Logic | Hook
    if "find" in given:
        body = _find(given)
    elif "hook" in given:
        body = Hook(given["hook"])
    else:
        body = _logic(given)
    return Criterion(name, given.get("says", ""), body, given.get("label"))


def _logic(plain: Plain) -> Logic:
    return Logic(plain.get("all", ()), plain.get("any", ()), plain.get("none", ()), _bounds(plain.get("count")))


def _find(plain: Plain) -> Find:
    return Find(
        find=plain["find"],
        code_in=plain.get("code_in", ()),
        code_not_in=plain.get("code_not_in", ()),
        if_=plain.get("if", ()),
        status=plain.get("status", ()),
        clinical_status=plain.get("clinicalStatus", ()),
        verification_status=plain.get("verificationStatus", ()),
        category_not=plain.get("category_not", ()),
        reason_in=plain.get("reason_in", ()),
        age=_bounds(plain.get("age")),
        sex=plain.get("sex", ()),
        covers=plain.get("covers"),
        stale_after=plain.get("stale_after"),
        merge_gaps=plain.get("merge_gaps"),
        length=_bounds(plain.get("length")),
        ending=plain.get("ending", False),
        during_last=plain.get("during_last"),
        since_start=_bounds(plain.get("since_start")),
        started_since=plain.get("started_since"),
        latest=plain.get("latest", False),
        value=_bounds(plain.get("value")),
        per_upper_limit=plain.get("per_upper_limit"),
        plausible=_bounds(plain.get("plausible")),
        answer_in=plain.get("answer_in", ()),
        answer_not_in=plain.get("answer_not_in", ()),
        count=_bounds(plain.get("count")),
    )


def _when(plain: Plain) -> When:
    policy = plain.get("if_unknown", POLICIES[0])
    if isinstance(policy, str):
        return When(_logic(plain), policy, policy)
    return When(_logic(plain), policy.get("unread", POLICIES[0]), policy.get("doubtful", POLICIES[0]))


def _conditions(plain: Plain) -> Conditions:
    return Conditions(plain.get("if", ()), plain.get("unless", ()), plain.get("if_unknown", ()))


def _card(plain: Plain) -> Card:
    return Card(
        id=plain.get("id", ""),
        summary=plain.get("summary", ""),
        indicator=_indicator(plain.get("indicator", {})),
        detail=lines_of(plain.get("detail", ())),
        source=plain.get("source", ()),
        override_reasons=plain.get("override_reasons", ()),
        conditions=_conditions(plain),
        links=links_of(plain.get("links", ())),
        suggestions=tuple(_suggestion(each) for each in plain.get("suggestions", ())),
        site_may_change=plain.get("site_may_change", ()),
    )


def _indicator(plain: str | Plain) -> tuple[tuple[str, str | None], ...]:
    if isinstance(plain, str):
        return ((plain, None),)
    pairs = ((level, plain[level]) for level in reversed(LEVELS) if level in plain)
    return tuple((level, None if criterion == "otherwise" else criterion) for level, criterion in pairs)


def lines_of(plain: Value) -> tuple[Line, ...]:
    """Build the lines of a card's detail."""
    return tuple(_line(each) for each in plain)


def links_of(plain: Value) -> tuple[Link, ...]:
    """Build the links of a card."""
    return tuple(Link(each.get("label", ""), each.get("url", ""), each.get("type", "")) for each in plain)


def _line(plain: str | Plain) -> Line:
    return Line(plain) if isinstance(plain, str) else Line(plain.get("text", ""), _conditions(plain))


def _suggestion(plain: Plain) -> Suggestion:
    create = plain.get("create")
    return Suggestion(
        label=plain.get("label", ""),
        conditions=_conditions(plain),
        recommended=plain.get("recommended", False),
        create=None if create is None else _create(create),
        delete=plain.get("delete"),
    )


def _create(plain: Plain) -> Create:
    code, quantity = plain.get("code"), plain.get("quantity")
    return Create(
        resource_type=plain.get("resourceType", ""),
        text=plain.get("text", ""),
        code=split_code(code) if code else None,
        dosage=plain.get("dosage"),
        quantity=f"{quantity:g}" if isinstance(quantity, float) else quantity,
        within=plain.get("within"),
        do_not_perform=plain.get("do_not_perform", False),
        reason=plain.get("reason"),
    )
