"""Which servers, URLs and addresses may be read, when a breaker opens, and what a call lacks; without a socket."""

from ipaddress import ip_network
from typing import Any

import pytest

from cds_service.edges.fhir_client.breaker import Breaker
from cds_service.edges.fhir_client.servers import Server, allowed, may_reach, normal, own_url
from cds_service.fhir.bundle import open_value
from cds_service.fhir.lacking import joined, lacking, query

BASE = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("HTTPS://EHR.Example.org:443/fhir/", BASE),
        ("https://ehr.example.org:8443/FHIR", "https://ehr.example.org:8443/FHIR"),
        ("https://ehr.example.org", "https://ehr.example.org"),
        ("http://127.0.0.1:80/fhir", "http://127.0.0.1/fhir"),
        ("https://[2001:DB8::1]/fhir", "https://[2001:db8::1]/fhir"),
        ("http://ehr.example.org/fhir", ""),
        ("https://name@ehr.example.org/fhir", ""),
        ("https://ehr.example.org/fhir?a=b", ""),
        ("https://ehr.example.org/a/../fhir", ""),
        ("https://ehr.example.org/a/%2E%2e/fhir", ""),
        ("https://ehr.example.org:x/fhir", ""),
        ("https://[", ""),
        ("ftp://ehr.example.org", ""),
    ],
)
def test_a_base_url_has_one_form(url: str, wanted: str) -> None:
    assert normal(url) == wanted


def test_only_a_listed_server_is_allowed() -> None:
    assert allowed(f"{BASE}/", [BASE.upper().replace("FHIR", "fhir")], ["10.0.0.0/8"]) == Server(
        BASE, (ip_network("10.0.0.0/8"),)
    )
    assert [allowed(each, [BASE], []) for each in (None, "", f"{BASE}/R4", "https://ehr.example.org", "x")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        (f"{BASE}?_getpages=a&b=c", f"{BASE}?_getpages=a&b=c"),
        (f"{BASE}/Condition?page=2", f"{BASE}/Condition?page=2"),
        ("https://EHR.example.org:443/fhir/x?y", f"{BASE}/x?y"),
        ("Condition?page=2", f"{BASE}/Condition?page=2"),
        (f"{BASE}2?page=2", ""),
        ("https://ehr.example.org.evil.example/fhir?page=2", ""),
        ("https://ehr.example.org@evil.example/fhir?page=2", ""),
        ("http://ehr.example.org/fhir?page=2", ""),
        ("//evil.example/fhir?page=2", ""),
        (f"{BASE}/../admin", ""),
        (f"{BASE}/..%2fadmin", ""),
        (f"{BASE}\\..\\admin", ""),
        (f" {BASE}", ""),
        ("https://[", ""),
        (None, ""),
    ],
)
def test_a_next_link_stays_below_the_base(link: Any, wanted: str) -> None:
    assert own_url(BASE, f"{BASE}/Condition?patient=1", link) == wanted


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "233.252.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1", "ff0e::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "no address", "",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_may_not_be_reached(address: str) -> None:
    assert not may_reach(address, "ehr.example.org", ())


def test_addresses_that_may_be_reached() -> None:
    ten = (ip_network("10.0.0.0/8"),)
    assert [may_reach(each, "ehr.example.org", ()) for each in ("8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8")] == [
        True
    ] * 3
    assert [may_reach(each, "ehr.example.org", ten) for each in ("10.1.2.3", "::ffff:10.1.2.3", "8.8.8.8")] == [
        True
    ] * 3
    assert [may_reach(each, "ehr.example.org", ten) for each in ("127.0.0.1", "192.168.1.1")] == [False] * 2
    assert [may_reach(each, "localhost", ()) for each in ("127.0.0.1", "::1", "10.0.0.1")] == [True, True, False]
    assert [may_reach(each, "10.0.0.1", ()) for each in ("10.0.0.1", "10.0.0.2")] == [True, False]


def test_a_breaker_opens_after_three_failures_within_half_a_minute() -> None:
    now, told = [0.0], []
    breaker = Breaker(lambda: now[0], lambda: told.append(now[0]))
    for moment in 0.0, 20.0, 31.0:  # the first is forgotten when the third comes
        now[0] = moment
        breaker.leave(breaker.enter(), failed=True)
    assert (breaker.enter(), told) == ("call", [])
    breaker.leave("call", failed=True)
    assert (breaker.enter(), told) == ("", [31.0])
    now[0] = 60.9
    assert breaker.enter() == ""


def test_one_probe_at_a_time_says_whether_the_breaker_closes() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(3):
        breaker.leave("call", failed=True)
    now[0] = 30.0
    assert [breaker.enter(), breaker.enter()] == ["probe", ""]
    breaker.leave("call", failed=False)  # one that began before is late, and closes nothing
    assert breaker.enter() == ""
    breaker.leave("probe", failed=True)
    assert breaker.enter() == ""
    now[0] = 60.0
    assert breaker.enter() == "probe"
    breaker.leave("probe", failed=False)
    assert [breaker.enter(), breaker.enter()] == ["call", "call"]


def page(*ids: str, following: bool = False, **more: Any) -> dict[str, Any]:
    links = {"link": [{"relation": "next", "url": f"{BASE}?page"}]} if following else {}
    rows = [{"resource": {"resourceType": "Condition", "id": each}} for each in ids]
    return {"resourceType": "Bundle", "entry": rows, **links, **more}


def test_what_a_call_lacks() -> None:
    error = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    withheld = page(meta={"security": [{"code": "REDACTED"}]})
    first = page("a", following=True)
    sent = {"conditions": None, "labs": error, "surveys": "<html>", "procedures": withheld, "allergies": first,
            "encounters": page("b"), "carePlans": page()}  # fmt: skip
    assert lacking(sent, [*sent, "patient"]) == {"labs": None, "surveys": None, "allergies": first, "patient": None}


@pytest.mark.parametrize(
    ("pages", "more"),
    [
        ([page("a", following=True, total=3), page("b", "c", total=3)], False),
        ([page("a", following=True, total=3), page("b")], True),
        ([page("a", following=True), page("b")], False),
        ([page("a", following=True), page("b", following=True)], True),
        ([page("a", following=True, total=3), page("b", "c", total="many")], True),
    ],
)
def test_pages_make_one_list_that_is_whole_or_cut(pages: list[Any], more: bool) -> None:
    opened = open_value(joined(pages))
    rows = [each[0]["id"] for each in opened.entries]
    assert (rows, opened.more, opened.whys) == ([row["resource"]["id"] for p in pages for row in p["entry"]], more, [])


def test_labels_of_a_page_stay_with_its_rows() -> None:
    opened = open_value(joined([page("a", following=True), page("b", meta={"security": [{"code": "ETH"}]})]))
    assert ["ETH" in labels for _, _, labels in opened.entries] == [False, True]


@pytest.mark.parametrize("patient_id", ["", ".", "..", "...", "x" * 1001])
def test_an_id_that_cannot_be_asked_for(patient_id: str) -> None:
    assert query("patient", patient_id) == ""
