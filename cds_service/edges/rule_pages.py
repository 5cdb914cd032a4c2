"""The rules in service, to read: HTML for browsers, JSON for programs. Public; there is no patient data in it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from markupsafe import Markup

from cds_service.core.problem import Issue, RequestProblem
from cds_service.core.rule import Release
from cds_service.core.show import inline
from cds_service.rulebook.rule_description import describe
from cds_service.rulebook.rule_picture import picture

ACTIVE, TRIAL, DISABLED = "active", "trial", "disabled"


def rule_pages(release: Release) -> Blueprint:
    """Routes /rules, /rules/{id} and /rules/{id}/{version} of the rules that `release` serves."""
    pages = Blueprint("rules", __name__, template_folder="templates")
    described = {
        (each.rule.id, each.rule.version): describe(each, state, release)
        for state, editions in ((DISABLED, release.disabled), (TRIAL, release.trial), (ACTIVE, release.active))
        for each in editions
    }
    # Active wins.
    active = {each.rule.id: each.rule.version for each in (*release.disabled, *release.trial, *release.active)}
    site = {"site": {"name": release.site.name, "digest": release.site.digest}} if release.site else {}

    @pages.get("/rules")
    def rules() -> Response:
        order = [*release.active, *release.trial, *release.disabled]
        listed = [_headline(described[each.rule.id, each.rule.version]) for each in order]
        return _page("rules.html", {"release": release.id, "digest": release.digest, "rules": listed, **site})

    @pages.get("/rules/<rule_id>")
    def rule(rule_id: str) -> Response:
        return edition(rule_id, active.get(rule_id, ""))

    @pages.get("/rules/<rule_id>/<version>")
    def edition(rule_id: str, version: str) -> Response:
        if (rule_id, version) not in described:
            raise RequestProblem(
                404, Issue("not-found", "", f"no such rule in release {release.id}; /rules lists them")
            )
        content = described[rule_id, version]
        return _page("rule.html", content, picture=lambda: Markup(picture(content)))

    return pages


def _page(template: str, content: dict[str, Any], **more: Any) -> Response:
    answered = jsonify(content)
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        page = render_template(template, marked=lambda text: Markup(inline(text)), **content, **more)
        answered = Response(page, mimetype="text/html")
    answered.vary.add("Accept")
    return answered


def _headline(described: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "version", "state", "title", "purpose", "hooks", "reviewStatus", "url")
    return {name: described[name] for name in names}
