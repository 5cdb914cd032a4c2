"""`smart_apps` of clients.yaml: reads them, and tells those that no card could ever have a link to."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from cds_service.clients.client import Clients
from cds_service.config import url_fault
from cds_service.core.profile import Profile
from cds_service.core.smart import SmartApp
from cds_service.rulebook.reader_values import Reading
from cds_service.rulebook.source import Place, RuleProblem, Source, nearest

SMART_APPS = "smart_apps"


def read_smart_apps(entry: Mapping[str, Any], profile: Profile, reading: Reading, place: Place) -> Iterator[SmartApp]:
    """Give the apps of a client's entry. One that its profile would take off every card is a mistake of the file."""
    for number, app in enumerate(entry.get(SMART_APPS, ())):
        if not {"label", "url"} <= app.keys():
            continue  # told already
        mark = reading.source.mark((*place, SMART_APPS, number, "url"))
        if fault := _launch_fault(app["url"]):
            reading.note("bad-name", mark, f"the URL {fault}")
        elif not profile.may_link(app["url"], smart=True):
            host = urlsplit(app["url"]).hostname
            text = f"SMART links of this client go only to hosts under 'links', and {host} is not there"
            reading.note("bad-name", mark, text, f"add {host} to 'links'")
        yield SmartApp(app["label"], app["url"], tuple(app.get("rules", ())))


def _launch_fault(url: str) -> str:
    """What is wrong with a launch URL, "" for nothing. It may have a query; a fragment would swallow `launch`."""
    start, _, query = url.partition("?")
    return url_fault(start) or ("has a fragment" if "#" in query else "")


def unknown_rules(clients: Clients, source: Source, rules: Collection[str]) -> list[RuleProblem]:
    """Tell the rules that apps are for and that are none of `rules`, the ids of a release."""
    return [
        source.problem(
            "unknown-rule",
            ("clients", name, SMART_APPS, number, "rules", place),
            f"no rule '{rule}' in this release",
            nearest(rule, rules),
        )
        for name, client in clients.by_name.items()
        for number, app in enumerate(client.smart_apps)
        for place, rule in enumerate(app.rules)
        if rule not in rules
    ]
