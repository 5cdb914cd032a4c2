"""The guides for integrators say what the code says: queries, clients files, scopes, links, statuses, service ids.

That their commands run, and bring what they show, is tests/test_tutorials.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cds_service.clients.check import findings
from cds_service.clients.client import Client
from cds_service.clients.profiles import PROFILES
from cds_service.clients.reader import ClientsFile, read_clients_text
from cds_service.clients.smart_apps import unknown_rules
from cds_service.core.engine import compile_release
from cds_service.core.rule import Release, rule_ids
from cds_service.edges.rule_store import load_rules
from cds_service.fhir.prefetch import PREFETCH
from cds_service.services import SERVICES, discover

ROOT = Path(__file__).parent.parent
HOW_TO = ROOT / "docs" / "how-to"
GUIDES = ("connect-epic", "connect-cerner", "connect-sandbox", "write-a-client")
PUBLIC_URL = "https://cds.example.org"
NONE: frozenset[str] = frozenset()

_ROW = re.compile(r"(?m)^\| `(\w+)` \| `([A-Z][^`]*)` \| (.+) \|$")
_BLOCK = re.compile(r"(?ms)^```yaml\n(.*?)^```$")


def text_of(guide: str) -> str:
    return (HOW_TO / f"{guide}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def release() -> Release:
    return load_rules(ROOT / "rules", check=False).release


@pytest.fixture(scope="module")
def published(release: Release) -> dict[str, dict[str, str]]:
    """Service id: its prefetch, as discovery has it."""
    services = discover(compile_release(release))["services"]
    return {each["id"]: each["prefetch"] for each in services}


# --- queries to type in -----------------------------------------------------------------------------------------------


def typed_in(text: str, services: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """What somebody who follows the table of a guide types in for each service."""
    typed: dict[str, dict[str, str]] = {each: {} for each in services}
    for key, query, where in _ROW.findall(text):
        for service in services if where == "all" else re.findall(r"`([a-z-]+)`", where):
            typed[service][key] = query
    return typed


@pytest.mark.parametrize(
    ("guide", "services"),
    [
        ("connect-epic", ("oud-patient-view", "oud-order-select", "oud-order-sign")),
        ("connect-cerner", ("oud-patient-view",)),
        ("write-a-client", tuple(SERVICES)),
    ],
)
def test_the_queries_of_a_guide_are_those_of_discovery(
    guide: str, services: tuple[str, ...], published: dict[str, dict[str, str]]
) -> None:
    not_held = next(clients_of(guide)).not_held
    keys = [key for key, each in PREFETCH.items() if each.resource_type not in not_held]
    assert typed_in(text_of(guide), services) == {
        service: {key: published[service][key] for key in keys if key in published[service]} for service in services
    }


def test_a_discharge_that_comes_as_patient_view_needs_no_further_key(published: dict[str, dict[str, str]]) -> None:
    assert published["oud-encounter-discharge"].items() <= published["oud-patient-view"].items()


def test_the_scopes_to_ask_for_are_those_of_the_queries(published: dict[str, dict[str, str]]) -> None:
    scopes = re.findall(r"`patient/(\w+)\.read`", text_of("connect-cerner"))
    types = [PREFETCH[key].resource_type for key in published["oud-patient-view"]]
    assert scopes == list(dict.fromkeys(types))


# --- clients files ----------------------------------------------------------------------------------------------------


def files_of(guide: str, folder: Path) -> Iterator[ClientsFile]:
    """Every clients file that a guide shows; in place of a key file, which step 1 makes, stands a URL."""
    for block in _BLOCK.findall(text_of(guide)):
        yield read_clients_text(re.sub(r"keys: \S+", "jku: https://keys.example.org", block), folder)


def clients_of(guide: str) -> Iterator[Client]:
    for file in files_of(guide, Path()):
        yield from file.clients.by_name.values()


@pytest.mark.parametrize("guide", GUIDES)
def test_the_clients_files_of_a_guide_can_be_served(guide: str, tmp_path: Path, release: Release) -> None:
    files = list(files_of(guide, tmp_path))
    assert files
    for file in files:
        assert [str(each) for each in file.problems] == []
        assert file.clients.by_name
        assert [str(each) for each in unknown_rules(file.clients, file.source, rule_ids(release))] == []
        wanted = {"sandbox-key"} if "sandbox" in file.clients.by_name else NONE
        assert {each.code for each in findings(file, PUBLIC_URL)} == wanted


@pytest.mark.parametrize(("guide", "profile"), [("connect-epic", "epic"), ("connect-cerner", "cerner")])
def test_the_entry_for_a_site_is_that_of_the_stand_in_and_more(guide: str, profile: str) -> None:
    stand_in, site = clients_of(guide)
    assert {stand_in.profile.name, site.profile.name} == {profile}
    same = ("name", "issuers", "fhir_version", "timezone", "not_held")
    assert [getattr(stand_in, each) for each in same] == [getattr(site, each) for each in same]
    assert site.fhir_servers
    assert site.smart_apps


def test_links_to_be_registered_are_those_of_the_rules(release: Release) -> None:
    links = {link.url for each in release.active for card in each.rule.cards for link in card.links}
    stand_in, _ = clients_of("connect-cerner")
    hosts = {urlsplit(url).hostname for url in links} | {urlsplit(PUBLIC_URL).hostname}
    assert set(stand_in.profile.link_hosts or ()) == hosts
    (row,) = re.findall(r"(?m)^\| allowed links \| (.*) \|$", text_of("connect-cerner"))
    assert set(re.findall(r"`(https[^`]*)`", row)) == links | {PUBLIC_URL}


def test_the_trigger_of_a_guide_is_that_of_the_profile() -> None:
    epic = PROFILES["epic"]
    assert f'{{"{epic.trigger_extension}": "27"}}' in text_of("connect-epic")
    assert dict(epic.hook_by_trigger) == {"27": "encounter-discharge"}


# --- the rest ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    return loaded


def test_a_client_is_told_what_to_do_at_every_status(contract: dict[str, Any]) -> None:
    methods = [each for path, item in contract["paths"].items() if "/cds-services" in path for each in item.values()]
    wanted = {status for each in methods if "responses" in each for status in each["responses"]}
    assert set(re.findall(r"(?m)^\| (\d{3}) \|", text_of("write-a-client"))) == wanted


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_calls_every_hook_and_says_where_it_ends(guide: str) -> None:
    text = text_of(guide)
    called = set(re.findall(r"fixture ([a-z-]+)/", text))
    assert called == {each.hook for each in SERVICES.values()}
    steps = re.findall(r"(?m)^## (\d+)\. ", text)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    _, _, end = text.partition("## Where this guide ends\n")
    told = re.findall(r"(?m)^\| [^|]*?(\d+) \|", end)
    assert told
    assert max(map(int, told)) == len(steps)


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_names_only_services_that_are_there(guide: str) -> None:
    named = set(re.findall(r"\boud-[a-z]+-[a-z]+\b", text_of(guide)))
    assert named
    assert named <= set(SERVICES)
