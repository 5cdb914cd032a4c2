"""HTTP: routes, the door a request body comes through, and what errors look like.

No answer is ever `{"cards": []}` because of a failure, and no error repeats a value of the request.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from flask import Blueprint, Flask, Request, Response, g, jsonify, request
from flask.json.provider import JSONProvider
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from cds_service.clients.client import ANONYMOUS, Client
from cds_service.core.problem import Issue, RequestProblem
from cds_service.explaining import check_may_ask, explain_call
from cds_service.faults import places
from cds_service.feedback import FeedbackItem, NotKept
from cds_service.fhir.strict import Structure
from cds_service.protocol import operation_outcome, read_call
from cds_service.seen import Seen
from cds_service.services import SERVICES, Answer, FhirClient, InService, Service, answer, feedback, no_models
from cds_service.strict_json import parse_json

CHUNK_BYTES = 64 * 1024
# Of an answer that is no page. It does nothing by itself; it counts if a browser is led to show one as a page.
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
RETRY_AFTER_S = 30  # for feedback that could not be kept
HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAY_BE_KEPT = "/rules"  # public pages; any other answer is about a person, a caller, or how things are now

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Door:
    """What a request body must keep to. monotonic: seconds of a clock that only goes forward."""

    max_bytes: int
    deadline_s: float
    monotonic: Callable[[], float] = time.monotonic


def _anyone(authorization: str | None, path: str) -> Client:
    return ANONYMOUS


def _told_nobody(seen: Seen) -> None:
    pass


def _nothing_to_say() -> Mapping[str, Any]:
    return {}


def _fetches_nothing(client: Client, began: float) -> FhirClient | None:
    return None


def _kept_nowhere(service_id: str, client: Client, items: Sequence[FeedbackItem]) -> None:
    raise NotKept


@dataclass(frozen=True, slots=True)
class Ports:
    """What the web edge is given.

    in_service:   the release to answer by, asked for once at the beginning of each request.
    today:        the calendar day now, for a client; new_incident: a name for an unexpected fault.
    identify:     from the Authorization header and the path called to the client. Raises RequestProblem 401, 403, 429.
    seen:         told of every request when its answer is ready; must be fast and is never allowed to fail a call.
    keep_feedback: makes items durable for a service and a client before it returns. Raises NotKept.
    structure:    what is wrong with the structure of a resource, for clients that are strict.
    standing:     what `/readyz` says besides, of a release that is not the one in the folder.
    fhir_client:  for a client and the start of its call by `monotonic`, what fetches for it; None when nothing may.
    """

    in_service: Callable[[], InService]
    today: Callable[[Client], date]
    new_incident: Callable[[], str]
    identify: Callable[[str | None, str], Client] = _anyone
    seen: Callable[[Seen], None] = _told_nobody
    keep_feedback: Callable[[str, Client, Sequence[FeedbackItem]], None] = _kept_nowhere
    fhir_client: Callable[[Client, float], FhirClient | None] = _fetches_nothing
    structure: Structure = no_models
    standing: Callable[[], Mapping[str, Any]] = _nothing_to_say
    monotonic: Callable[[], float] = time.monotonic


class RulesFailed(Exception):
    """A rule raised and no card remains: our fault, HTTP 500. What raised was logged as `rule-failed`."""


class _OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson; a class because Flask asks for one."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(orjson.dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")


def create_app(ports: Ports, door: Door, *pages: Blueprint) -> Flask:
    """Build the WSGI application; `pages` are further routes, such as the readable rules."""
    app = Flask("cds_service", static_folder=None)
    app.json = _OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    @app.before_request
    def begin() -> None:
        g.in_service = ports.in_service()
        g.seen = Seen(g.in_service.release, request.url_rule.rule if request.url_rule else "")
        g.began = ports.monotonic()

    def known() -> Client:
        """Who is calling, before anything of the body is read."""
        client = ports.identify(request.headers.get("Authorization"), request.path)
        g.seen.client = client.name
        return client

    def service_of(service_id: str) -> Service:
        if service_id not in SERVICES:
            raise RequestProblem(404, Issue("not-found", "", f"no such service; there are {', '.join(SERVICES)}"))
        g.seen.service = service_id
        return SERVICES[service_id]

    @app.get("/cds-services")
    def cds_services() -> Response:
        known()
        return jsonify(g.in_service.discovery)

    @app.post("/cds-services/<service_id>")
    def cds_service(service_id: str) -> Response:
        client = known()
        service = service_of(service_id)
        call = g.seen.call = read_call(parse_json(read_body(request, door)), service.hook)
        answered = answer(
            call,
            g.in_service.compiled,
            ports.today(client),
            client=client,
            site=g.in_service.site,
            fhir_client=ports.fhir_client(client, g.began),
            structure=ports.structure,
        )
        g.seen.answer = answered
        _log_failures(answered, service_id)
        if answered.status == 412:
            raise RequestProblem(412, *answered.issues)
        if answered.status == 500:
            raise RulesFailed
        return jsonify(answered.body)

    @app.post("/cds-services/<service_id>/feedback")
    def cds_feedback(service_id: str) -> Response:
        client = known()
        service_of(service_id)

        def keep(items: Sequence[FeedbackItem]) -> None:
            ports.keep_feedback(service_id, client, items)
            g.seen.feedback = tuple(items)

        return jsonify(feedback(parse_json(read_body(request, door)), keep))

    @app.post("/rules/<rule_id>/explain")
    def explain(rule_id: str) -> Response:
        # Nothing of the call is put into `seen`: an explanation leaves no record.
        client, compiled = known(), g.in_service.compiled
        check_may_ask(client, rule_id, compiled)
        told = explain_call(
            parse_json(read_body(request, door)),
            rule_id,
            compiled,
            ports.today(client),
            client=client,
            fhir_client=ports.fhir_client(client, g.began),
            structure=ports.structure,
        )
        return jsonify(told)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @app.get("/readyz")
    def readyz() -> Response:
        release = g.in_service.release
        return jsonify(
            {
                "status": "ready",
                "release": release.id,
                "digest": release.digest,
                "rules": {"active": len(release.active), "trial": len(release.trial)},
                **({"site": {"name": release.site.name, "digest": release.site.digest}} if release.site else {}),
                **ports.standing(),
            }
        )

    for each in pages:
        app.register_blueprint(each)
    _handle_errors(app, ports.new_incident)
    app.after_request(_protect)

    @app.after_request  # runs before _protect; both see the answer of an error handler too
    def tell(answered: Response) -> Response:
        seen: Seen = g.seen
        seen.status, seen.seconds = answered.status_code, ports.monotonic() - g.began
        try:
            ports.seen(seen)
        except* Exception as faults:  # what is told of a call must not fail it
            for fault in faults.exceptions:
                _log.error("not-told", extra={"error": type(fault).__name__, "places": places(fault)})
        return answered

    return app


def read_body(sent: Request, door: Door) -> bytes:
    """Read the body within the door's size and time.

    Raises RequestProblem: 415 media type or encoding, 413 size, 408 time, 400 a body that ended early or whose chunks
    cannot be told apart.
    """
    if sent.mimetype != "application/json":
        raise RequestProblem(415, Issue("not-supported", "Content-Type", "must be application/json"))
    if sent.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        raise RequestProblem(415, Issue("not-supported", "Content-Encoding", "must be left out; send plain JSON"))
    length = sent.content_length
    if length is not None and length > door.max_bytes:
        raise _too_large(door)
    if length is None and not sent.environ.get("wsgi.input_terminated"):
        length = 0  # neither a length nor chunks: there is no body (RFC 9112 section 6.3)
    until = door.monotonic() + door.deadline_s
    # The server's own stream: Flask's would turn a timeout into a plain "client disconnected".
    stream = sent.environ["wsgi.input"]
    chunks, received = [], 0
    while length is None or received < length:
        wanted = CHUNK_BYTES if length is None else min(CHUNK_BYTES, length - received)
        try:
            chunk = stream.read(wanted)
        except TimeoutError:
            raise _too_slow(door) from None
        except ParseException:  # of gunicorn, whose text quotes the body
            raise _malformed("the chunks of the body are not well-formed") from None
        except OSError:  # what came so far may be JSON by chance
            raise _cut_off(length) from None
        if door.monotonic() > until:
            raise _too_slow(door)
        if not chunk:
            break
        chunks.append(chunk)
        received += len(chunk)
        if received > door.max_bytes:
            raise _too_large(door)
    if length is not None and received < length:
        raise _cut_off(length)
    return b"".join(chunks)


def _malformed(text: str) -> RequestProblem:
    return RequestProblem(400, Issue("structure", "", text))


def _cut_off(length: int | None) -> RequestProblem:
    return _malformed(f"the body ended before its {'last chunk' if length is None else 'Content-Length'}")


def _too_large(door: Door) -> RequestProblem:
    return RequestProblem(413, Issue("too-long", "", f"the body is larger than {door.max_bytes} bytes"))


def _too_slow(door: Door) -> RequestProblem:
    return RequestProblem(408, Issue("timeout", "", f"the body did not arrive within {door.deadline_s:g} seconds"))


def _log_failures(answered: Answer, service_id: str) -> None:
    for each in answered.failures:
        _log.error(
            "rule-failed",
            extra={"service": service_id, "rule": each.rule, "version": each.version, "error": each.error},
        )


def _handle_errors(app: Flask, new_incident: Callable[[], str]) -> None:
    @app.errorhandler(RequestProblem)
    def refused(problem: RequestProblem) -> Response:
        return _outcome(problem.status, *problem.issues, headers=problem.headers)

    @app.errorhandler(HTTPException)
    def http_error(fault: HTTPException) -> Response:
        status = fault.code or 500
        headers = {name: value for name, value in fault.get_headers() if name == "Allow"}
        code, text = {
            404: ("not-found", "no such path; GET /cds-services lists the services, GET /rules the rules"),
            405: ("not-supported", f"this method is not allowed here; allowed: {headers.get('Allow', 'none')}"),
        }.get(status, ("processing", fault.name))
        return _outcome(status, Issue(code, "", text), headers=headers)

    @app.errorhandler(NotKept)
    def not_kept(fault: NotKept) -> Response:
        _log.error("feedback-not-kept", extra={"route": request.url_rule.rule if request.url_rule else ""})
        issue = Issue("transient", "", "feedback cannot be kept at the moment; send it again later")
        return _outcome(503, issue, headers={"Retry-After": str(RETRY_AFTER_S)})

    @app.errorhandler(RulesFailed)
    def rules_failed(fault: RulesFailed) -> Response:
        return _incident(new_incident(), fault, "a rule could not be evaluated and no other rule has a card")

    @app.errorhandler(Exception)
    def unexpected(fault: Exception) -> Response:
        return _incident(new_incident(), fault, "the service failed")


def _incident(incident: str, fault: Exception, text: str) -> Response:
    """Answer 500. The exception's own text and the values in its frames may hold patient data: neither is logged."""
    route = request.url_rule.rule if request.url_rule else ""
    _log.error(
        "incident",
        extra={"incident": incident, "route": route, "error": type(fault).__name__, "places": places(fault)},
    )
    return _outcome(500, Issue("exception", "", f"{text}; incident {incident}"))


def _outcome(status: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> Response:
    if "seen" in g:
        g.seen.refused = issues[0].code
    answered = jsonify(operation_outcome(*issues))
    answered.status_code = status
    answered.headers.update(headers or {})
    return answered


def _protect(answered: Response) -> Response:
    """Give every answer the headers that keep it from being kept, framed, sniffed or read by other sites.

    Strict-Transport-Security is left to whoever ends TLS: docs/how-to/run-behind-a-proxy.md.
    Source: OWASP REST Security Cheat Sheet, "Security Headers".
    """
    if request.method == "OPTIONS" and answered.status_code < 400:
        answered.headers.pop("Content-Type", None)  # there is no content
    answered.headers["X-Content-Type-Options"] = "nosniff"
    answered.headers["Referrer-Policy"] = "no-referrer"
    answered.headers["X-Frame-Options"] = "DENY"
    answered.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answered.headers["Content-Security-Policy"] = HTML_POLICY if answered.mimetype == "text/html" else DATA_POLICY
    is_page = request.method != "POST" and (request.path + "/").startswith(_MAY_BE_KEPT + "/")
    if answered.status_code >= 400 or not is_page:
        answered.headers["Cache-Control"] = "no-store"
    return answered
