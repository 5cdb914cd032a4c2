"""A decision explained: one sentence, its criteria, everything, and as JSON."""

from dataclasses import replace

import pytest

from cds_service.core.decision import FAILED
from cds_service.core.explain import DEPTHS, explain, trace
from cds_service.core.facts import Gap
from cds_service.core.rule import When
from cds_service.core.site import ParameterChange, Said, SiteChanges
from tests.unit.card_world import RULE, decided, opioid, order, span, urine

UNREAD = {"medication-use": (Gap("medicationRequests", "not sent"),)}
HEAD = "naltrexone-with-opioids 1.2.0"


def test_a_rule_that_fires_is_explained_by_what_holds():
    assert explain(decided(order(), opioid()), "reason") == (
        f"{HEAD} shows card stop (critical): Naltrexone is being ordered; An opioid may be in the body."
    )


def test_a_silent_rule_is_explained_by_what_does_not_hold():
    assert explain(decided(order()), "reason") == (
        f'{HEAD} is silent: "An opioid may be in the body" (opioid) does not hold.'
    )


def test_a_rule_stopped_by_what_must_not_be_says_that_it_holds():
    rule = replace(RULE, when=replace(RULE.when, logic=replace(RULE.when.logic, none=("oud", "drug"))))
    assert explain(decided(order(), opioid(), rule=rule), "reason") == (
        f'{HEAD} is silent: "An opioid was taken in the last 14 days" (drug) holds.'
    )


def test_a_rule_that_cannot_tell_names_what_and_why():
    rule = replace(RULE, when=When(RULE.when.logic, "no_card", "no_card"))
    assert explain(decided(order(), rule=rule, gaps=UNREAD), "reason") == (
        f'{HEAD} cannot tell "An opioid may be in the body" (opioid) and '
        '"Treatment ran in the last 30 days" (treatment-status.treated): medication orders not read.'
    )


def test_a_card_with_a_caveat_names_the_caveat():
    said = explain(decided(order(), gaps=UNREAD), "reason")
    assert said.startswith(f'{HEAD} shows card not-checked (warning) with a caveat, not known: "An opioid may be')


def test_a_card_that_is_not_sent_says_so():
    held_back = replace(decided(order(), opioid()), withheld="yields to another-rule")
    assert explain(held_back, "reason").endswith("; not sent on its own: yields to another-rule.")


def test_a_rule_that_failed_names_the_error():
    failed = replace(decided(order()), state=FAILED, error="KeyError")
    assert [explain(failed, depth) for depth in DEPTHS] == [f"{HEAD} could not be judged: KeyError."] * 3


def test_criteria_are_told_with_their_verdicts_and_members():
    assert explain(decided(order()), "criteria").splitlines()[1:] == [
        "  for a card it would need:",
        '    opioid holds, by one of: "An opioid may be in the body"',
        '      drug holds: "An opioid was taken in the last 14 days"',
        '      test holds: "A urine test in the last 14 days is positive"',
        "  all of:",
        "    YES     order: Naltrexone is being ordered",
        "    NO      opioid: An opioid may be in the body",
        "      NO      drug: An opioid was taken in the last 14 days",
        "      NO      test: A urine test in the last 14 days is positive",
        "  none of:",
        "    NO      treatment-status.treated: Treatment ran in the last 30 days",
    ]


@pytest.mark.parametrize(
    ("rows", "gaps", "line"),
    [
        ([opioid()], {}, "row MedicationRequest/m1: oxycodone 5 mg tablet, 2026-02-01 to 2026-02-19, ended"),
        ([urine("positive")], {}, "row Observation/u1: urine test positive, 2026-02-24"),
        ([opioid(end=span("2026-02-01"))], {}, "nearest MedicationRequest/m1: oxycodone 5 mg tablet, not by during_last"),  # noqa: E501
        ([opioid(end=span("2026-02-01"))], {}, "looked at 1 row"),
        ([opioid(end=span("2026-02"))], {}, "in doubt: date imprecise"),
        ([], UNREAD, "may hold more: medication orders (not sent)"),
    ],
)  # fmt: skip
def test_everything_is_told_at_full_depth(rows, gaps, line):
    assert line in [each.strip() for each in explain(decided(order(), *rows, gaps=gaps), "full").splitlines()]


def test_a_row_in_doubt_is_told_as_perhaps():
    said = explain(decided(order(), opioid(end=span("2026-02"))), "full")
    assert "perhaps MedicationRequest/m1: oxycodone 5 mg tablet, 2026-02-01 to 2026-02, ended, date imprecise" in said


SAID = Said("The group decided so.", "A. Example", "2026-02-20")


def test_what_the_site_changed_is_told_before_the_criteria():
    decision = decided(order(), opioid())
    change = ParameterChange("naltrexone-with-opioids", "washout_days", 14, 10, "days", SAID)
    edition = replace(decision.edition, site=SiteChanges(parameters=(change,)))
    here = replace(decision, edition=edition)
    assert (
        explain(here, "criteria").splitlines()[1] == "  changed at this site: washout days: 10 days instead of 14 days"
    )
    assert "changed at this site" not in explain(here, "reason")
    assert trace(here)["site"] == {
        "changed": [
            {"parameter": "naltrexone-with-opioids.washout_days", "shipped": 14, "value": 10, "unit": "days",
             "why": SAID.why, "by": SAID.by, "date": SAID.date}
        ]
    }  # fmt: skip
    assert "site" not in trace(decision)


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match="reason, criteria, full"):
        explain(decided(order()), "deep")


def test_a_trace_names_card_level_and_verdict():
    told = trace(decided(order(), opioid()))
    assert {key: value for key, value in told.items() if key != "criteria"} == {
        "ruleId": "naltrexone-with-opioids",
        "ruleVersion": "1.2.0",
        "state": "fires",
        "verdict": "YES",
        "card": "stop",
        "indicator": "critical",
    }


def test_a_trace_has_the_fact_that_decided():
    assert trace(decided(order(), opioid()))["criteria"]["drug"] == {
        "verdict": "YES",
        "says": "An opioid was taken in the last 14 days",
        "facts": [
            {
                "fact": "medication-use",
                "reference": "MedicationRequest/m1",
                "display": "oxycodone 5 mg tablet",
                "valueSet": "opioid medicine",
                "by": "code",
                "date": "2026-02-01",
                "end": "2026-02-19",
                "status": "past",
                "sure": True,
            }
        ],
        "count": 1,
    }


def test_a_trace_has_what_was_looked_at_and_the_nearest_row():
    assert trace(decided(order(), opioid(end=span("2026-02-01"))))["criteria"]["drug"] == {
        "verdict": "NO",
        "says": "An opioid was taken in the last 14 days",
        "lookedAt": 1,
        "nearest": [{"reference": "MedicationRequest/m1", "failed": "during_last"}],
    }


def test_a_trace_has_what_was_not_read():
    told = trace(decided(order(), gaps=UNREAD))
    assert told["stoppedBy"] == ["opioid", "treatment-status.treated"]
    assert told["criteria"]["drug"] == {
        "verdict": "UNKNOWN",
        "says": "An opioid was taken in the last 14 days",
        "doubts": [{"kind": "not-read", "about": "medicationRequests"}],
        "notRead": [{"source": "medicationRequests", "why": "not sent"}],
    }


def test_a_trace_of_a_failed_rule_asks_nothing_more():
    failed = replace(decided(order()), state=FAILED, error="KeyError")
    assert "criteria" not in trace(failed)
    assert trace(failed)["error"] == "KeyError"
