"""What compiling a release settles: which rows are read, which criteria are one, which major a name means."""

from dataclasses import replace
from datetime import date

import pytest

from cds_service.core import engine, row_tests
from cds_service.core.criteria import KEYS
from cds_service.core.dates import NO, UNKNOWN, YES
from cds_service.core.facts import Chart, Gap, Row
from cds_service.core.rule import Bounds, Criterion, Edition, Find, Hook, Logic, Parameter, Release, Uses, When
from tests.reference.pool import PARAMETERS, TABLE, VALUE_SETS, concept
from tests.reference.rules import definition, rule
from tests.spec.table import Case, condition, drug, event, result_of

TODAY = date(2026, 3, 1)
LIVING = Row("Patient", "Patient/p", status="living")
NEVER = When(Logic(("asked",)), "no_card", "no_card")


def edition(id_: str = "rule", uses: tuple[Uses, ...] = (), definitions=None, hooks=("patient-view",), **bodies):
    """Give an edition with these criteria; `asked` is what its `when` asks for."""
    found = {name: Criterion(name, name, body) for name, body in bodies.items()}
    return Edition(rule(id_, found, NEVER, (), uses=uses, hooks=hooks), definitions or {}, VALUE_SETS)


def bits(compiled: engine.Compiled, *names: str) -> int:
    """Give the mask of value sets in a release's own table."""
    return sum(compiled.table.bit(VALUE_SETS[name]) for name in names)


def test_a_release_needs_the_sets_that_are_looked_for_and_every_row_where_none_is() -> None:
    one = edition("a", asked=Find(("medication-use", "Procedure"), code_in=("one",)))
    other = edition("b", asked=Find(("medication-use",), code_in=("two",)), beside=Find(("Condition",)))
    compiled = engine.compile_release(Release("2026.1.0", "0", (one,), (other,)))
    assert compiled.needs.sets == {"medication-use": bits(compiled, "one", "two"), "Procedure": bits(compiled, "one")}
    assert compiled.needs.all_rows == {"Patient", "this-encounter", "Condition"}


def test_a_hook_reads_the_facts_of_its_own_rules_and_of_what_these_look_at() -> None:
    inner = Find(("medication-use",), started_since="since", if_=("only",))
    one = edition("a", asked=Logic(any=("inner",)), inner=inner, since=Find(("Encounter",)), only=Find(("CarePlan",)))
    other = edition("b", hooks=("order-sign",), asked=Find(("Condition",)))
    gate = definition("gate", {"closed": Criterion("closed", "closed", Find(("Observation",)))})
    compiled = engine.compile_release(
        Release("2026.1.0", "0", (one,), (other,), ("gate.closed",), {("gate", 1): gate}, VALUE_SETS)
    )
    always = {"Patient", "Observation"}
    assert compiled.facts["patient-view"] == always | {"medication-use", "Encounter", "CarePlan"}
    assert compiled.facts["order-sign"] == always | {"Condition"}
    assert compiled.facts["order-select"] == always


def test_criteria_that_mean_the_same_are_compiled_once() -> None:
    body = Find(("medication-use",), code_in=("one",), length=Bounds(at_least="days_8"))
    release = Release("2026.1.0", "0", (edition("a", asked=body), edition("b", asked=body)))
    first, second = engine.compile_release(release).active
    assert first.places["asked"] == second.places["asked"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("days_8", Find(("medication-use",), length=Bounds(at_least="days_8"))),
        ("days_8", Find(("medication-use",), since_start=Bounds(less_than="days_8"))),
        ("days_8", Find(("medication-use",), covers="days_8")),
        ("days_8", Find(("medication-use",), stale_after="days_8")),
        ("days_8", Find(("medication-use",), merge_gaps="days_8")),
        ("days_8", Find(("medication-use",), during_last="days_8")),
        ("age_18", Find(("Patient",), age=Bounds(more_than="age_18"))),
        ("score_5", Find(("Observation",), value=Bounds(at_most="score_5"))),
        ("score_5", Find(("Observation",), value=Bounds("score_10"), plausible=Bounds("score_5"))),
        ("units_60", Find(("Observation",), value=Bounds("fold_2"), per_upper_limit="units_60")),
        ("times_1", Find(("Observation",), count=Bounds(at_least="times_1"))),
        ("times_1", Logic(any=("other",), count=Bounds(at_least="times_1"))),
    ],
)
def test_rules_with_other_numbers_never_share_a_criterion(name: str, body: Find | Logic) -> None:
    one, two = (edition(id_, asked=body, other=Find(("Condition",))) for id_ in "ab")
    moved = {**PARAMETERS, name: Parameter(name, 77, PARAMETERS[name].unit, (0, 99), "for a test")}
    object.__setattr__(two.rule, "parameters", moved)
    first, second = engine.compile_release(Release("2026.1.0", "0", (one, two))).active
    assert first.places["other"] == second.places["other"]
    assert first.places["asked"] != second.places["asked"]


@pytest.mark.parametrize("first", ["older", "newer"])
def test_a_name_means_the_major_that_its_own_file_uses(first: str) -> None:
    older = definition("state", {"found": Criterion("found", "old", Find(("Condition",)))})
    newer = definition("state", {"found": Criterion("found", "new", Find(("Procedure",)))})
    broad = definition(
        "broad", {"passed_on": Criterion("passed_on", "p", Logic(("state.found",)))}, (Uses("state", 1),)
    )
    bodies = {"older": Logic(("broad.passed_on",)), "newer": Logic(("state.found",))}
    order = sorted(bodies, key=lambda name: name != first)
    found = edition(
        uses=(Uses("broad", 1), Uses("state", 2)),
        definitions={("state", 1): older, ("state", 2): newer, ("broad", 1): broad},
        **{name: bodies[name] for name in order},
        asked=Logic(("older", "newer")),
    )
    procedure = event("Procedure")
    chart = Chart("patient-view", LIVING, {"Procedure": (procedure,), "Patient": (LIVING,)})
    judgement = engine.judge(engine.compile_edition(found, TABLE), chart, TODAY)
    assert (judgement.result("older").verdict, judgement.result("newer").verdict) == (NO, YES)
    assert judgement.result("state.found").verdict is YES  # as the rule's cards would ask
    assert judgement.members("newer") == ("state.found",)
    assert judgement.criterion(judgement.members("newer")[0]).says == "new"
    assert judgement.criterion(judgement.members("broad.passed_on")[0]).says == "old"


def test_the_only_row_that_can_be_the_latest_is_sure_by_itself() -> None:
    body = Find(("Observation",), latest=True, answer_in=("good",), answer_not_in=("bad",))
    early, late = (event(start=f"2026-02-0{day}", number=day, answers=(concept("G1"),)) for day in (1, 2))
    result = result_of(Case("", body, (early, late), YES))
    assert [(each.row.reference, each.sure) for each in result.rows] == [("Observation/2", True)]


def test_of_two_that_could_be_the_latest_none_is_sure_by_itself() -> None:
    body = Find(("Observation",), latest=True, answer_in=("good",), answer_not_in=("bad",))
    rows = tuple(event(number=number, answers=(concept("G1"),)) for number in (1, 2))
    result = result_of(Case("", body, rows, YES))
    assert (result.verdict, [each.sure for each in result.rows]) == (YES, [False, False])


def test_a_merged_stretch_is_the_latest_of_its_rows_with_the_days_of_all() -> None:
    rows = (drug("past", "2025-01-01", "2025-03-31"), drug("past", "2025-02-01", "2025-02-20", number=2))
    (found,) = result_of(Case("", Find(("medication-use",), merge_gaps="days_8"), rows, YES)).rows
    told = [date.fromordinal(day).isoformat() for day in (found.start.first, found.end.last)]
    assert (found.row.reference, found.merged, told) == ("MedicationRequest/2", 2, ["2025-01-01", "2025-03-31"])


def test_of_uses_that_may_start_on_one_day_the_one_that_may_start_later_speaks_for_a_stretch() -> None:
    rows = (drug("past", "2025-01-01", "2025-03-31"), drug("past", "2025-01", "2025-03-31", number=2))
    for each in (rows, rows[::-1]):
        (found,) = result_of(Case("", Find(("medication-use",), merge_gaps="days_8"), each, YES)).rows
        assert (found.row.reference, found.merged) == ("MedicationRequest/2", 2)


def test_a_row_is_titled_by_the_first_set_that_holds_it() -> None:
    found = [
        result_of(Case("", Find(("Condition",), code_in=("two", "one")), (condition(held=concept(code)),), YES)).rows[0]
        for code in ("C1", "C2", "C3")
    ]
    assert [each.value_set for each in found] == ["one", "two", "two"]


def test_a_row_that_two_criteria_find_stands_once() -> None:
    others = {"one": Find(("Condition",), code_in=("one",)), "two": Find(("Condition",), code_in=("two",))}
    rows = (condition(held=concept("C2")),)
    for body in (Logic(any=("one", "two")), Find(("one", "two"))):
        assert len(result_of(Case("", body, rows, YES, others=others)).rows) == 1


def test_rows_that_a_later_key_drops_came_nearer_in_whichever_order_they_stand() -> None:
    body = Find(("medication-use",), code_in=("one",), status=("taking", "past"), during_last="days_8")
    early = drug("planned", "2026-02-25", number=1)
    late = drug("past", "2025-01-01", "2025-03-31", number=2)
    compiled = engine.compile_edition(edition(asked=body), TABLE)
    for rows in ((early, late), (late, early)):
        dropped = engine.judge(compiled, Chart("patient-view", LIVING, {"medication-use": rows}), TODAY).dropped(
            "asked"
        )
        assert [(each.row, each.failed) for each in dropped.nearest] == [(late, "during_last"), (early, "status")]
        assert dropped.looked_at == 2


def test_every_key_that_can_drop_a_row_has_its_place() -> None:
    bounds = Bounds(at_least="days_8")
    body = Find(
        ("Condition", "AllergyIntolerance", "medication-use"), code_in=("one",), code_not_in=("two",), if_=("only",),
        status=("taking",), category_not=("inpatient",), reason_in=("one",), age=bounds, sex=("female",), length=bounds,
        ending=True, during_last="days_8", since_start=bounds, started_since="today", value=bounds,
    )  # fmt: skip
    scope = row_tests.Scope(PARAMETERS, {"only": 0}.__getitem__, lambda id_: TABLE.bit(VALUE_SETS[id_]))
    which = [key for key, _ in row_tests.tests_of(body, scope, body.find)]
    assert (*which, "length", "ending", "during_last", "since_start", "started_since", "value") == KEYS


# --- what a rule cannot do without -----------------------------------------------------------------------------------


def judged(compiled: engine.Compiled, chart: Chart) -> int:
    """How many criteria were judged to decide this chart."""
    counted: set[int] = set()

    def counting(place, judge):
        def noting(ask):
            def asked(sitting):
                counted.add(place)
                return ask(sitting)

            return asked

        return replace(judge, quick=noting(judge.quick), result=noting(judge.result))

    known = list(compiled.judges.judges)
    compiled.judges.judges[:] = [counting(place, each) for place, each in enumerate(known)]
    try:
        engine.decide(compiled, chart, TODAY)
    finally:
        compiled.judges.judges[:] = known
    return len(counted)


def test_a_rule_whose_sets_are_nowhere_judges_nothing() -> None:
    inner, also = Find(("Condition",), code_in=("one",)), Find(("Patient",))
    found = edition("a", asked=Logic(all=("inner", "also")), inner=inner, also=also)
    compiled = engine.compile_release(Release("2026.1.0", "0", (found,)))
    whole = Chart("patient-view", LIVING, {})
    assert judged(compiled, whole) == 0
    assert engine.decide(compiled, whole, TODAY).decisions[0].verdict is NO
    there = Chart("patient-view", LIVING, {"Condition": (condition(held=concept("C1")),)})
    assert judged(compiled, there) > 0
    assert engine.decide(compiled, there, TODAY).decisions[0].verdict is YES


def test_a_list_that_was_not_read_is_judged() -> None:
    found = edition("a", asked=Find(("Condition",), code_in=("one",)))
    compiled = engine.compile_release(Release("2026.1.0", "0", (found,)))
    unread = Chart("patient-view", LIVING, {}, {"Condition": (Gap("conditions", "not sent"),)})
    assert engine.decide(compiled, unread, TODAY).decisions[0].verdict is UNKNOWN


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (Logic(any=("one", "two")), 1),
        (Logic(any=("one", "whatever")), 0),
        (Logic(any=("one", "anything")), 1),
        (Logic(all=("one", "two")), 2),
        (Logic(none=("one",)), 0),
        (Logic(all=("one",), none=("two",)), 1),
        (Logic(any=("one", "two"), count=Bounds(at_most="times_1")), 0),
        (Find(("one", "two")), 1),
        (Find(("Condition", "one")), 1),
        (Find(("one", "two"), code_in=("worded",)), 2),
        (Find(("one",), if_=("two",)), 2),
        (Find(("Condition",), code_in=("one",), count=Bounds(at_most="times_1")), 0),
        (Find(("Condition",), code_in=("one",), count=Bounds(at_least="times_1")), 1),
        (Hook(("patient-view",)), 1),
    ],
)
def test_what_a_criterion_cannot_do_without(body: Find | Logic | Hook, wanted: int) -> None:
    one, two = Find(("Condition",), code_in=("one",)), Find(("Procedure",), code_in=("two",))
    found = edition("a", asked=body, one=one, two=two, anything=Find(("Patient",)), whatever=Logic())
    assert len(engine.compile_release(Release("2026.1.0", "0", (found,))).active[0].wants) == wanted


@pytest.mark.parametrize(
    ("body", "chart", "possible"),
    [
        (Find(("listed",), code_in=("two",)), {"Condition": (condition(held=concept("C1")),)}, False),
        (Find(("listed",), code_in=("two",)), {"Condition": (condition(held=concept("C2")),)}, True),
        (Find(("Condition",)), {}, False),
        (Find(("Condition",)), {"Condition": (condition(held=concept("C9")),)}, True),
        (Logic(all=("signing",)), {}, False),
        (Logic(any=("signing", "listed")), {"Condition": (condition(held=concept("C9")),)}, True),
    ],
)
def test_a_rule_is_left_aside_when_the_chart_holds_nothing_of_what_it_wants(body, chart, possible: bool) -> None:
    found = edition("a", asked=body, listed=Find(("Condition",)), signing=Hook(("order-sign",)))
    compiled = engine.compile_release(Release("2026.1.0", "0", (found,)))
    assert (judged(compiled, Chart("patient-view", LIVING, chart)) > 0) is possible
