"""Random rule files: criteria of every kind and key, definitions by dotted names, cards with conditions."""

from dataclasses import dataclass

from hypothesis import strategies as st

from cds_service.core.facts import FACTS
from cds_service.core.rule import (
    Bounds,
    Card,
    Conditions,
    Criterion,
    Definition,
    Edition,
    Find,
    Hook,
    Line,
    Logic,
    Rule,
    Uses,
    When,
)  # fmt: skip
from tests.reference.pool import CODE_SETS, COUNT_NAMES, DURATION_NAMES, PARAMETERS, VALUE_SETS

POOLS = (
    ("medication-use",), ("medication-use",), ("medication-use",), ("Condition",), ("Condition",), ("Observation",),
    ("Observation",), ("Procedure",), ("Encounter",), ("this-encounter",), ("QuestionnaireResponse",),
    ("ServiceRequest",), ("AllergyIntolerance",), ("Patient",), ("draft-order",), ("medication-use", "Procedure"),
    ("Observation", "QuestionnaireResponse"), ("Condition", "Procedure"), ("medication-use", "draft-order"),
)  # fmt: skip
POLICIES = ("no_card", "card_with_caveat", "ask_fetch")
WHICH = {
    "code_in",
    "code_not_in",
    "status",
    "clinicalStatus",
    "verificationStatus",
    "category_not",
    "reason_in",
    "age",
    "sex",
}
VALUE = {"latest", "value", "per_upper_limit", "plausible", "answer_in", "answer_not_in"}
SPAN = {"covers", "stale_after", "merge_gaps", "length", "ending"}


@dataclass(frozen=True)
class Shape:
    """What later criteria must know of one: the facts of its rows (none: no rows), and if their days are settled."""

    name: str
    facts: frozenset[str]
    settled: bool = False
    judged: bool = False


def some(strategy, chance: int = 3):
    """Draw from the strategy once in `chance` times, else None."""
    return st.integers(1, chance).flatmap(lambda each: strategy if each == 1 else st.none())


def several(words, most: int = 2):
    """One or more different words."""
    return st.lists(st.sampled_from(sorted(words)), min_size=1, max_size=most, unique=True).map(tuple)


@st.composite
def bounds(draw, names) -> Bounds:
    """One or two limits; two leave room between them."""
    lower, upper = draw(st.sampled_from(["at_least", "more_than"])), draw(st.sampled_from(["at_most", "less_than"]))
    both = draw(st.integers(0, 4)) == 0
    kinds = [lower, upper] if both else [draw(st.sampled_from([lower, upper]))]
    if both and names == COUNT_NAMES:
        least = draw(st.integers(0, 1))
        return Bounds(**{lower: names[least], upper: names[least + 2]})
    if both:
        least = draw(st.integers(0, len(names) - 2))
        return Bounds(**{lower: names[least], upper: draw(st.sampled_from(names[least + 1 :]))})
    return Bounds(**{kinds[0]: draw(st.sampled_from(names))})


VALUE_BOUNDS = st.sampled_from([("score_5", "score_10"), ("ms_450", "ms_570"), ("units_60", "units_120")]).flatmap(
    bounds
)


@st.composite
def finds(draw, known: tuple[Shape, ...]) -> tuple[Find, frozenset[str], bool, bool]:
    """A find over facts or over earlier criteria, with keys that its rows can have."""
    with_rows = [each for each in known if each.facts]
    settled = judged = False
    if with_rows and draw(st.integers(0, 2)) == 0:
        pooled = draw(st.lists(st.sampled_from(with_rows), min_size=1, max_size=2, unique=True))
        names, facts = tuple(each.name for each in pooled), frozenset().union(*(each.facts for each in pooled))
        settled, judged = any(each.settled for each in pooled), any(each.judged for each in pooled)
    else:
        names = draw(st.sampled_from(POOLS))
        facts = frozenset(names)
    keys = frozenset.intersection(*(FACTS[each].keys for each in facts))
    if facts == {"medication-use", "draft-order"}:
        keys |= {"stale_after", "during_last"}
    if settled:
        keys -= WHICH | VALUE | SPAN | ({"length"} if draw(st.booleans()) else set())
    if judged:
        keys -= SPAN
    wanted = {each for each in sorted(keys) if draw(st.integers(0, 4)) == 0}
    if wanted & VALUE:
        wanted -= {"merge_gaps", "length", "ending"}
    more: dict = {}
    if "code_in" in keys and draw(st.integers(0, 3)) and not settled:
        more["code_in"] = draw(several(CODE_SETS))
    if "code_not_in" in wanted:
        more["code_not_in"] = draw(several(CODE_SETS, 1))
    if known and draw(st.integers(0, 6)) == 0:
        more["if_"] = (draw(st.sampled_from(known)).name,)
    if "status" in wanted:
        words = set().union(*(FACTS[each].statuses for each in facts))
        more["status"] = draw(several(words, 3))
    if "clinicalStatus" in wanted:
        more["clinical_status"] = draw(several({"active", "inactive", "remission", "resolved"}))
    if "verificationStatus" in wanted:
        more["verification_status"] = draw(several({"confirmed", "unconfirmed"}))
    if "category_not" in wanted:
        more["category_not"] = draw(several({"encounter-diagnosis", "inpatient"}, 1))
    if "reason_in" in wanted:
        more["reason_in"] = draw(several({"one", "worded"}))
    if "age" in wanted:
        more["age"] = draw(bounds(("age_18", "age_65")))
    if "sex" in wanted:
        more["sex"] = draw(several({"male", "female", "unknown"}))
    for key in ("covers", "stale_after", "merge_gaps"):
        if key in wanted:
            more[key] = draw(st.sampled_from(DURATION_NAMES))
    if "length" in wanted:
        more["length"] = draw(bounds(DURATION_NAMES))
    if "ending" in wanted:
        more["ending"] = True
    if "during_last" in wanted or ("during_last" in keys and draw(st.booleans())):
        more["during_last"] = draw(st.sampled_from(("today", *DURATION_NAMES)))
    if "since_start" in wanted:
        more["since_start"] = draw(bounds(DURATION_NAMES))
    if "started_since" in wanted:
        more["started_since"] = draw(st.sampled_from(["today", *(each.name for each in with_rows)]))
    if wanted & VALUE:
        _value_keys(draw, more, wanted)
    if draw(st.integers(0, 3)) == 0:
        more["count"] = draw(bounds(COUNT_NAMES))
    settled = settled or "merge_gaps" in more or "ending" in more
    return Find(names, **more), facts, settled, judged or bool(wanted & VALUE)


def _value_keys(draw, more: dict, wanted: set[str]) -> None:
    kind = draw(st.sampled_from(["value", "answer", "both", "fold"]))
    if kind in ("value", "both"):
        more["value"] = draw(VALUE_BOUNDS)
    if kind == "fold":
        more["value"], more["per_upper_limit"] = draw(bounds(("fold_2", "fold_3"))), "units_60"
    if kind in ("answer", "both"):
        more["answer_in"], more["answer_not_in"] = ("good",), ("bad",)
    if "plausible" in wanted and "value" in more:
        more["plausible"] = draw(VALUE_BOUNDS)
    more["latest"] = "latest" in wanted or draw(st.integers(0, 2)) == 0


@st.composite
def logics(draw, known: tuple[Shape, ...]) -> tuple[Logic, frozenset[str], bool, bool]:
    """A logic criterion over earlier ones."""
    members = st.lists(st.sampled_from(known), max_size=2, unique=True)
    parts = {part: draw(members) for part in ("all", "any", "none")}
    if not any(parts.values()):
        parts["any"] = [draw(st.sampled_from(known))]
    count = draw(bounds(COUNT_NAMES)) if parts["any"] and draw(st.integers(0, 2)) == 0 else None
    pooled = [*parts["all"], *parts["any"]]
    facts = frozenset().union(*(each.facts for each in pooled))
    names = {part: tuple(each.name for each in found) for part, found in parts.items()}
    return Logic(**names, count=count), facts, any(each.settled for each in pooled), any(each.judged for each in pooled)


@st.composite
def criteria(draw, prefix: str, outside: tuple[Shape, ...], least: int, most: int):
    """A few criteria, each free to look at earlier ones and at those outside."""
    found: dict[str, Criterion] = {}
    known = tuple(outside)
    for number in range(draw(st.integers(least, most))):
        name = f"{prefix}_{number}"
        kind = draw(st.sampled_from(["find"] * 5 + ["logic"] * 3 + ["hook"]))
        if kind == "hook" and number:
            body, facts, settled, judged = (
                Hook((draw(st.sampled_from(["patient-view", "order-sign"])),)),
                frozenset(),
                False,
                False,
            )
        elif kind == "logic" and known:
            body, facts, settled, judged = draw(logics(known))
        else:
            body, facts, settled, judged = draw(finds(known))
        found[name] = Criterion(name, name, body)
        known = (*known, Shape(name, facts, settled, judged))
    return found, known[len(outside) :]


def definition(id_: str, found: dict[str, Criterion], uses: tuple[Uses, ...] = ()) -> Definition:
    """Wrap criteria as a definition file."""
    return Definition(id_, "1.0.0", id_, id_, "nobody", ("none",), (), uses, PARAMETERS, found)


def outer(id_: str, shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Give criteria of a definition their dotted names."""
    return tuple(Shape(f"{id_}.{each.name}", each.facts, each.settled, each.judged) for each in shapes)


def rule(id_: str, found: dict[str, Criterion], when: When, cards: tuple[Card, ...], **more) -> Rule:
    """Wrap criteria as a rule file."""
    return Rule(
        id_, "1.0.0", id_, id_, "nobody", "nobody", "none", "2026-01-01", ("none",),
        more.pop("hooks", ("patient-view", "order-sign")), {}, (), more.pop("uses", ()), PARAMETERS, found,
        when, cards, **more,
    )  # fmt: skip


@st.composite
def conditions(draw, names: list[str]) -> Conditions:
    """Conditions of a card, often none."""
    pick = some(several(names, 1), 5)
    return Conditions(draw(pick) or (), draw(pick) or (), draw(pick) or ())


@st.composite
def cards(draw, names: list[str]) -> tuple[Card, ...]:
    """One to three cards; the last often without conditions."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        levels = draw(st.lists(st.sampled_from(["critical", "warning", "info"]), min_size=1, max_size=3, unique=True))
        levels.sort(key=["critical", "warning", "info"].index)
        mapping = tuple((level, draw(st.sampled_from(names)) if level != levels[-1] else None) for level in levels)
        found.append(Card(f"card-{number}", "text", mapping, (Line("text"),), ("source",), (), draw(conditions(names))))
    return tuple(found)


@st.composite
def editions(draw, id_: str = "rule", most: int = 5, with_cards: bool = False, **more) -> Edition:
    """A rule over two definitions, one of which uses the other."""
    deep, deep_shapes = draw(criteria("deep", (), 0, 2))
    broad, broad_shapes = draw(criteria("broad", outer("deep", deep_shapes), 0, 2))
    found, shapes = draw(criteria("own", (*outer("broad", broad_shapes), *outer("deep", deep_shapes)), 1, most))
    names = [each.name for each in shapes] + [each.name for each in outer("broad", broad_shapes)]
    logic = Logic((shapes[-1].name,))
    chosen: tuple[Card, ...] = ()
    if with_cards:
        parts = {
            part: draw(st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple))
            for part in ("all", "any", "none")
        }
        logic = Logic(**parts) if any(parts.values()) else logic
        chosen = draw(cards(names))
    when = When(logic, draw(st.sampled_from(POLICIES)), draw(st.sampled_from(POLICIES[:2])))
    uses = (Uses("broad", 1), Uses("deep", 1))
    definitions = {("broad", 1): definition("broad", broad, uses[1:]), ("deep", 1): definition("deep", deep)}
    return Edition(rule(id_, found, when, chosen, uses=uses, **more), definitions, VALUE_SETS)


def facts_of(edition: Edition) -> tuple[str, ...]:
    """Give the facts that the criteria of an edition look at."""
    files = (edition.rule, *edition.definitions.values())
    bodies = [each.body for file in files for each in file.criteria.values()]
    return tuple(sorted({name for body in bodies if isinstance(body, Find) for name in body.find if name in FACTS}))
