"""The rules of this tree behind the web edge in this process, with feedback that is taken and forgotten."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask

from cds_service.clients.client import ANONYMOUS
from cds_service.core.engine import compile_release
from cds_service.core.rule import Release
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.rule_store import load_rules
from cds_service.edges.web import Door, Ports, create_app
from cds_service.services import in_service

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 3, 1)


def real_app(*pages: Blueprint, release: Release | None = None, today: date = TODAY, **more: Any) -> Flask:
    """The application on a frozen day; `pages` are further routes, `more` further ports.

    release: takes the place of the one in the tree.
    """
    release = release or load_rules(ROOT / "rules", check=False).release
    now = in_service(compile_release(release))
    given: dict[str, Any] = {
        "keep_feedback": lambda service, client, items: None,
        "identify": lambda authorization, path: replace(ANONYMOUS, explain=True),
        **more,
    }
    ports = Ports(in_service=lambda: now, today=lambda client: today, new_incident=lambda: "incident-1", **given)
    return create_app(ports, Door(8_000_000, 5.0), rule_pages(lambda: release), *pages)
