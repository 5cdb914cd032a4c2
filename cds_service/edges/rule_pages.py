"""The rules in service, to read: HTML for browsers, JSON for programs. Public; there is no patient data in it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from markupsafe import Markup
from werkzeug.routing import BaseConverter

from cds_service.core.problem import Issue, RequestProblem
from cds_service.core.rule import Edition, Release
from cds_service.core.show import inline
from cds_service.rulebook.rule_description import describe
from cds_service.rulebook.rule_picture import picture

ACTIVE, TRIAL, DISABLED = "active", "trial", "disabled"


class _Version(BaseConverter):
    """The version in a path, which begins with a digit, so that it is never taken for the name of something else."""

    regex = r"[0-9][^/]*"


def rule_pages(release_now: Callable[[], Release]) -> Blueprint:
    """Routes /rules, /rules/{id} and /rules/{id}/{version} of the rules in service when they are asked for."""
    pages = Blueprint("rules", __name__, template_folder="templates")
    pages.record_once(lambda state: state.app.url_map.converters.update(version=_Version))

    @pages.get("/rules")
    def rules() -> Response:
        release = release_now()
        listed = [
            _headline(describe(each, state, release)) for editions, state in _by_state(release) for each in editions
        ]
        site = {"site": {"name": release.site.name, "digest": release.site.digest}} if release.site else {}
        return _page("rules.html", {"release": release.id, "digest": release.digest, "rules": listed, **site})

    @pages.get("/rules/<rule_id>")
    def rule(rule_id: str) -> Response:
        return described(rule_id, None)

    @pages.get("/rules/<rule_id>/<version:version>")
    def edition(rule_id: str, version: str) -> Response:
        return described(rule_id, version)

    def described(rule_id: str, version: str | None) -> Response:
        release = release_now()
        found = next(
            (
                describe(each, state, release)
                for editions, state in _by_state(release)
                for each in editions
                if each.rule.id == rule_id and version in (None, each.rule.version)
            ),
            None,
        )
        if found is None:
            raise RequestProblem(
                404, Issue("not-found", "", f"no such rule in release {release.id}; /rules lists them")
            )
        return _page("rule.html", found, picture=lambda: Markup(picture(found)))

    return pages


def _by_state(release: Release) -> tuple[tuple[tuple[Edition, ...], str], ...]:
    """The editions of a release; active first."""
    return (release.active, ACTIVE), (release.trial, TRIAL), (release.disabled, DISABLED)


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
