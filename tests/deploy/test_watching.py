"""Alerts and dashboard ask in PromQL for series that the service has, and each alert has its entry."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from cds_service.edges.fhir_client.outcomes import OUTCOMES
from cds_service.edges.metrics import ISSUE_TYPES, Metrics
from cds_service.services import SERVICES
from cds_service.trust.reason import Reason
from tests.http.small_release import SMALL

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "cds-service.json").read_text(encoding="utf-8"))
ALERTS = [
    each
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for each in group["rules"]
]
OPERATE = (ROOT / "docs" / "how-to" / "operate.md").read_text(encoding="utf-8")
WATCH_PAGE = (ROOT / "docs" / "how-to" / "watch-the-service.md").read_text(encoding="utf-8")
LOGS_PAGE = (ROOT / "docs" / "reference" / "logs.md").read_text(encoding="utf-8")
METRICS_PAGE = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: apt-get install prometheus")

OF_PROMETHEUS = {"job", "instance"}  # labels that it gives every series
SCRAPED = {"up": set[str]()}  # what it makes of asking
# Values that a label cannot have anything beside; labels that are not here take any.
VALUES = {"service": {*SERVICES, ""}, "indicator": {"info", "warning", "critical"}}
OUTCOMES_OF = {
    "cds_releases_total": {"accepted", "refused", "waiting", "unlocked"},
    "cds_fetches_total": set(OUTCOMES),
    "cds_feedback_total": {"accepted", "overridden"},
}


def panels() -> Iterator[dict[str, Any]]:
    yield from (each for each in DASHBOARD["panels"] if each["type"] != "row")


def dashboard_queries() -> list[str]:
    """Every expression of the dashboard, with Grafana's variables filled in."""
    filled = [target["expr"] for panel in panels() for target in panel["targets"]]
    for name, value in (("$__rate_interval", "1m"), ("$job", "cds-service"), ("$instance", "a")):
        filled = [each.replace(name, value) for each in filled]
    return filled


def page_queries() -> list[str]:
    """Every expression of the table of the guide; one that begins with dots is the end of the one before."""
    rows = re.findall(r"(?m)^\| [^|]+ \| (`.+) \|$", WATCH_PAGE)
    return [each for row in rows for each in re.findall(r"`([^`]+)`", row) if not each.startswith("...")]


QUERIES = [*(each["expr"] for each in ALERTS), *dashboard_queries(), *page_queries()]


def selected(query: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """The series a query selects: name, and of each label matcher the label, and the value if it must be that."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(query), lambda each: found.append(each))
    for each in found:
        if isinstance(each, promql_parser.VectorSelector):
            equal = promql_parser.MatchOp.Equal
            yield each.name, [(m.name, m.value if m.op == equal else None) for m in each.matchers.matchers]


def grouped(query: str) -> set[str]:
    """The labels that a query groups by."""
    return {label.strip() for part in re.findall(r"\bby \(([^)]*)\)", query) for label in part.split(",")}


def labels() -> dict[str, set[str]]:
    """Every series as /metrics gives it, and its labels, as docs/reference/metrics.md has them."""
    rows = re.findall(r"(?m)^\| `(cds_\w+)` \| ([^|]*)\|", METRICS_PAGE)
    found = {name: set(re.findall(r"`(\w+)`", told)) for name, told in rows}
    return (
        found
        | {f"{name}_bucket": {*told, "le"} for name, told in found.items() if not name.endswith("_total")}
        | SCRAPED
    )


def problems(query: str) -> list[str]:
    """Series, labels and values of a query that the service does not have."""
    told, known = [], labels()
    names = set()
    for name, matchers in selected(query):
        names.add(name)
        if name not in known:
            told.append(f"no series {name}")
            continue
        for label, value in matchers:
            if label not in known[name] | OF_PROMETHEUS:
                told.append(f"{name} has no label {label}")
            allowed = OUTCOMES_OF.get(name, set()) if label == "outcome" else VALUES.get(label, set())
            if value is not None and allowed and value not in allowed:
                told.append(f"{label} of {name} is never {value}")
    reach = set().union(*(known.get(name, set()) for name in names), OF_PROMETHEUS)
    return told + [f"nothing has the label {label}" for label in sorted(grouped(query) - reach)]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_is_there(query: str) -> None:
    assert problems(query) == []


def test_the_expressions_of_the_guide_are_among_those_looked_at() -> None:
    assert len(page_queries()) > 10


@pytest.mark.parametrize("query", [each for each in QUERIES if "cds_release_info" in each])
def test_a_release_that_was_in_service_before_is_not_counted(query: str) -> None:
    assert re.search(r"cds_release_info(\{[^}]*\})? == 1", query), "a worker keeps it, as 0"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("rate(cds_calls[5m])", ["no series cds_calls"]),
        ("sum by (rule) (cds_calls_total)", ["nothing has the label rule"]),
        ('cds_calls_total{outcome="x"}', ["cds_calls_total has no label outcome"]),
        ('cds_releases_total{outcome="rejected"}', ["outcome of cds_releases_total is never rejected"]),
        (
            'cds_call_seconds_bucket{service="patient-view"}',
            ["service of cds_call_seconds_bucket is never patient-view"],
        ),
    ],
)
def test_what_is_not_there_is_found(query: str, wanted: list[str]) -> None:
    assert problems(query) == wanted


def entry(alert: str) -> str:
    """What the guide says of an alert."""
    return OPERATE.partition(f"### {alert}\n")[2].partition("\n### ")[0]


def test_reasons_and_outcomes_that_the_guide_names_are_those_of_the_service() -> None:
    look = entry("CdsCallsRefused").partition("**Do**")[0]
    reasons = set(re.findall(r"`([a-z-]+)`", look))
    assert len(reasons) > 5
    # Why a caller was not let in is counted by its reason, and not by the IssueType that the caller is told.
    assert reasons <= {*Reason} | ISSUE_TYPES - {"login", "forbidden", "throttled", "expired"}
    ends = set(re.findall(r"`([a-z-]+)`", entry("CdsFhirServerRests"))) - {"fhir-server-rests"}
    assert len(ends) > 3
    assert ends <= set(OUTCOMES)


def test_events_that_the_guides_ask_the_log_for_are_those_of_the_service() -> None:
    asked = set(re.findall(r'\.event == "([a-z-]+)"', OPERATE + WATCH_PAGE))
    assert len(asked) > 3
    assert asked <= set(re.findall(r"(?m)^\| `([a-z-]+)` \| ", LOGS_PAGE))


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        promql_parser.parse("rate(cds_calls_total)")


def test_the_series_of_the_reference_are_those_of_the_service() -> None:
    text = Metrics(SMALL, fetches=OUTCOMES).text().decode()
    served = set(re.findall(r"(?m)^# TYPE (\w+) ", text))
    assert {each for each in labels() if each.startswith("cds_") and not each.endswith("_bucket")} == served


def test_an_alert_says_how_grave_it_is_and_leads_to_its_entry() -> None:
    headings = set(re.findall(r"(?m)^### (\w+)$", OPERATE))
    for each in ALERTS:
        assert each["labels"]["severity"] in ("page", "ticket"), each["alert"]
        assert each["annotations"]["runbook"] == f"docs/how-to/operate.md#{each['alert'].lower()}"
        assert {"summary", "description"} <= set(each["annotations"]), each["alert"]
    assert {each["alert"] for each in ALERTS} == {each for each in headings if each.startswith("Cds")}


def test_every_alert_is_tested() -> None:
    tested = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    rules = [rule for each in tested for rule in each["alert_rule_test"]]
    for name in (each["alert"] for each in ALERTS):
        fires = {bool(rule.get("exp_alerts")) for rule in rules if rule["alertname"] == name}
        assert fires == {True, False}, name


@needs_promtool
@pytest.mark.parametrize("command", [["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]])
def test_promtool_finds_nothing(command: list[str]) -> None:
    ran = subprocess.run([str(PROMTOOL), *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_dashboard_can_be_drawn() -> None:
    ids = [each["id"] for each in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    text = json.dumps(DASHBOARD)
    assert set(re.findall(r"\$\{?([a-z]+)\b", text)) == variables
    taken: set[tuple[int, int]] = set()
    for each in DASHBOARD["panels"]:
        at = each["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, each["title"]
        assert not cells & taken, f"{each['title']} lies over another"
        taken |= cells
