"""What stands in front of the service does to calls and answers: tokens, CORS, bodies, headers, what is kept inside."""

from cds_service.calling.answers import printable
from cds_service.calling.credential import NOT_IN_THE_CLEAR
from cds_service.calling.faults import CUT, Unheard
from cds_service.calling.wire import Heard
from cds_service.config import is_loopback
from cds_service.doctor.observed import Finding, Observed, State, Step
from cds_service.doctor.service import of_the_service

FIRST = "discovery comes first"
AS_SERVED = "cds-service"  # what our Server header says
LARGE = "1.5 MB"


def challenge(seen: Observed) -> Finding:
    """Whether a call without a token is told that one is wanted, as RFC 9110 section 11.6.1 asks."""
    answer = seen.heard(Step.OPEN_CALL) or seen.heard(Step.DISCOVERY)
    if answer is None:
        return Finding("asks for a token", State.NOT_CHECKED, FIRST)
    if answer.status == 200:
        return _open(seen)
    if answer.status != 401:
        return Finding("asks for a token", State.NOT_CHECKED, f"status {answer.status} comes first")
    scheme = answer.headers.get("www-authenticate", "")
    if scheme.lower().startswith("bearer"):
        return Finding("asks for a token", State.OK, "status 401 with WWW-Authenticate: Bearer")
    if not scheme:
        return Finding(
            "asks for a token",
            State.WARN,
            "status 401 without WWW-Authenticate",
            "let the proxy pass the header on; if the proxy said 401 itself, it checks callers before the service does",
        )
    return Finding(
        "asks for a token",
        State.WRONG,
        "status 401, and another way than Bearer is asked for",
        "something in front of the service checks callers its own way: let it pass Authorization and these paths on",
    )


def _open(seen: Observed) -> Finding:
    inside = seen.target is not None and is_loopback(seen.target.host)
    if inside:
        return Finding("asks for a token", State.OK, "no: calls are answered to everybody on this machine")
    return Finding(
        "asks for a token",
        State.WARN,
        "no: whoever reaches this URL is answered",
        "serve with CDS_AUTH=required (docs/how-to/authenticate-clients.md), unless the proxy checks callers "
        "itself, by certificate or address for instance",
    )


def token(seen: Observed) -> Finding:
    """Whether a token is taken: the proxy passes it on, it names the right URL, the clocks agree."""
    if seen.in_clear:
        return Finding("token", State.WRONG, "was given, and not sent", NOT_IN_THE_CLEAR)
    if not seen.shown:
        return Finding("token", State.NOT_CHECKED, "none was given", "--key FILE --iss ISS mints a token for each call")
    before, after = seen.status(Step.OPEN_CALL), seen.status(Step.CALL)
    if not before:
        return Finding("token", State.NOT_CHECKED, FIRST)
    if before != 401:
        return Finding("token", State.NOT_CHECKED, f"status {before} without a token: none is asked for")
    if seen.taken_as:
        base = seen.target.base if seen.target else ""
        return Finding(
            "token",
            State.WRONG,
            f"taken only when it names {seen.taken_as} in place of {base}",
            f"set CDS_PUBLIC_URL={base} and start the service anew: tokens name the URL that clients call. If clients "
            f"call {seen.taken_as}, check that, or give --public-url",
        )
    if seen.by_its_clock:
        return Finding(
            "token",
            State.WRONG,
            "taken only when it is dated by the deployment's own clock",
            "set the clocks by NTP: see `clock`",
        )
    if after == 401:
        return _not_taken(seen)
    if not after or after in (429, 502, 503, 504):
        return Finding("token", State.NOT_CHECKED, f"status {after or 'missing'}: see `sample call`")
    if after == 403:
        return Finding(
            "token", State.WRONG, "status 403: good, and its tenant may not call", "see the client's `tenants`"
        )
    return Finding("token", State.OK, "401 without it, and let in with it: the proxy passes Authorization on")


def _not_taken(seen: Observed) -> Finding:
    more = (
        "; it was tried under other names of this host and by the service's clock"
        if seen.shown == "key"
        else "; a token is good once, for the service's whole URL, until its `exp`: mint a new one"
    )
    return Finding(
        "token",
        State.WRONG,
        f"status 401 with it as without it{more}",
        "read the service's log, which has a word for each: `token-missing` means that the proxy drops Authorization; "
        "`issuer-unknown`, `key-unknown`, `audience`, `expired` and others stand in docs/explanation/trust.md",
    )


def cors(seen: Observed) -> Finding:
    """Whether a page of the origin may call, which only browser clients need."""
    answer = seen.answers.get(Step.PREFLIGHT)
    if answer is None:
        return Finding("cors", State.NOT_CHECKED, FIRST)
    if isinstance(answer, Unheard):
        return Finding("cors", State.WARN, f"preflight: {answer.found}", answer.to_do)
    allowed = answer.headers.get("access-control-allow-origin", "")
    if seen.made_up:
        return _any_origin(allowed, seen.origin)
    if "," in allowed:
        return Finding(
            "cors",
            State.WRONG,
            "Access-Control-Allow-Origin stands twice, which browsers take for none",
            "let either the proxy or the service (CDS_CORS_ORIGINS) answer CORS, not both",
        )
    if answer.status in (401, 403):
        return Finding(
            "cors",
            State.WRONG,
            f"preflight: status {answer.status}; a browser sends it without a token",
            "let the proxy pass OPTIONS on without asking who calls",
        )
    if allowed not in (seen.origin, "*"):
        return Finding(
            "cors",
            State.WRONG,
            "a page of the origin given may not call",
            f"add {seen.origin} to CDS_CORS_ORIGINS and start the service anew, and let the proxy pass OPTIONS on; "
            "a client that is no web page does not need it",
        )
    return _preflight(answer, allowed)


def _any_origin(allowed: str, origin: str) -> Finding:
    if allowed in ("*", origin):
        return Finding(
            "cors",
            State.WARN,
            "pages of any origin may call",
            "list the origins in CDS_CORS_ORIGINS, and take what the proxy adds off: the service never allows all",
        )
    return Finding("cors", State.OK, "a page of an unknown origin may not call; --origin checks one of yours")


def _preflight(answer: Heard, allowed: str) -> Finding:
    headers = {each.strip().lower() for each in answer.headers.get("access-control-allow-headers", "").split(",")}
    methods = {each.strip().upper() for each in answer.headers.get("access-control-allow-methods", "").split(",")}
    lacking = [each for each in ("authorization", "content-type") if each not in headers]
    lacking += [each for each in ("POST",) if each not in methods]
    if answer.status >= 300 or lacking:
        what = f"status {answer.status}" if answer.status >= 300 else f"not allowed: {', '.join(lacking)}"
        return Finding(
            "cors", State.WRONG, f"preflight: {what}", "let the proxy pass OPTIONS and the Access-Control headers on"
        )
    if allowed == "*":
        return Finding(
            "cors", State.WARN, "pages of any origin may call", "list the origins in CDS_CORS_ORIGINS instead"
        )
    return Finding("cors", State.OK, "a page of the origin given may call")


def body_size(seen: Observed) -> Finding:
    """Whether a body of 1.5 MB gets as far as the service: a long history with its lists is that large."""
    answer = seen.answers.get(Step.LARGE)
    if answer is None:
        return Finding("body size", State.NOT_CHECKED, "the sample call comes first")
    if isinstance(answer, Unheard):
        cut = "the connection was cut while it was sent" if answer.kind == CUT else answer.found
        return Finding(
            "body size",
            State.WRONG,
            f"{LARGE}: {cut}",
            "raise the proxy's limit of body size and time (nginx: client_max_body_size 8m)",
        )
    if answer.status == 413:
        if of_the_service(answer):
            return Finding(
                "body size",
                State.WARN,
                f"{LARGE} are more than the service itself takes",
                "raise CDS_MAX_BODY_MB: a long history with its lists is that large",
            )
        return Finding(
            "body size",
            State.WRONG,
            f"{LARGE}: status 413, by the proxy and not by the service",
            "let the proxy take what the service takes (CDS_MAX_BODY_MB, 8 MB unless set; nginx: client_max_body_size "
            "8m), else patients with a long history get no answer",
        )
    return _as_the_call("body size", answer, seen, LARGE)


def chunked(seen: Observed) -> Finding:
    """Whether a body in chunks, without a length, is passed on."""
    answer = seen.answers.get(Step.CHUNKED)
    if answer is None:
        return Finding("chunked body", State.NOT_CHECKED, "the sample call comes first")
    if isinstance(answer, Unheard):
        return Finding("chunked body", State.WARN, answer.found, _BUFFER)
    return _as_the_call("chunked body", answer, seen, "without Content-Length")


_BUFFER = "let the proxy buffer requests and pass them on with a length; some clients send no length"


def _as_the_call(check: str, answer: Heard, seen: Observed, what: str) -> Finding:
    """The answer to another form of the call: as good as the call's own, or a finding."""
    if answer.status == 401:
        return Finding(check, State.OK, f"{what}: got as far as the question for a token")
    if answer.status == seen.status(Step.CALL):
        return Finding(check, State.OK, f"{what}: status {answer.status}, as the sample call")
    return Finding(check, State.WARN, f"{what}: status {answer.status}, and {seen.status(Step.CALL)} else", _BUFFER)


def compressed(seen: Observed) -> Finding:
    """Whether a gzip body is told to be sent plain, as the service does, or is taken."""
    answer = seen.answers.get(Step.GZIP)
    if answer is None:
        return Finding("gzip body", State.NOT_CHECKED, "the sample call comes first")
    if isinstance(answer, Unheard):
        return Finding("gzip body", State.WARN, answer.found, "clients should send plain JSON")
    if answer.status == 401:
        return Finding("gzip body", State.NOT_CHECKED, "the token comes first")
    if answer.status == 415:
        return Finding("gzip body", State.OK, "status 415: clients are told to send plain JSON")
    if answer.status == 200:
        return Finding("gzip body", State.OK, "status 200: it is unpacked on the way")
    return Finding(
        "gzip body",
        State.WARN,
        f"status {answer.status}; the service itself says 415",
        "let the proxy pass Content-Encoding on, and let clients send plain JSON",
    )


def caching(seen: Observed) -> Finding:
    """Whether answers are kept out of caches and sniffing, as the service asks."""
    heard = [each for step in (Step.DISCOVERY, Step.CALL, Step.OPEN_CALL) if (each := seen.heard(step))]
    if not heard or Step.OPEN_CALL not in seen.answers:
        return Finding("headers of answers", State.NOT_CHECKED, FIRST)
    if any("age" in each.headers or each.headers.get("x-cache", "").lower().startswith("hit") for each in heard):
        return Finding(
            "headers of answers",
            State.WRONG,
            "an answer came from a cache (Age or X-Cache says so)",
            "keep /cds-services out of every cache: an answer is about one person at one moment",
        )
    lacking = [
        told
        for name, value, told in _WANTED
        if any(value not in each.headers.get(name, "").lower().replace(" ", "") for each in heard)
    ]
    if seen.target and seen.target.scheme == "https" and not is_loopback(seen.target.host):
        lacking += [] if "strict-transport-security" in heard[0].headers else ["Strict-Transport-Security"]
    if lacking:
        return Finding(
            "headers of answers",
            State.WARN,
            f"missing: {', '.join(lacking)}",
            "let the proxy pass the service's headers on, and add Strict-Transport-Security where it ends TLS "
            "(docs/how-to/run-behind-a-proxy.md)",
        )
    return Finding("headers of answers", State.OK, "Cache-Control: no-store and X-Content-Type-Options: nosniff arrive")


_WANTED = (
    ("cache-control", "no-store", "Cache-Control: no-store"),
    ("x-content-type-options", "nosniff", "X-Content-Type-Options: nosniff"),
)


def metrics(seen: Observed) -> Finding:
    """Whether /metrics is kept inside: it asks for no token."""
    answer = seen.answers.get(Step.METRICS)
    if answer is None:
        return Finding("metrics", State.NOT_CHECKED, FIRST)
    if isinstance(answer, Unheard) or answer.status != 200 or b"# HELP" not in answer.body:
        return Finding("metrics", State.OK, "/metrics cannot be read from here")
    if seen.target and is_loopback(seen.target.host):
        return Finding("metrics", State.OK, "/metrics can be read on this machine; look from outside as well")
    return Finding(
        "metrics",
        State.WARN,
        "/metrics can be read from here, without a token",
        "let the proxy keep it inside: it tells how often the service is called, and with which outcome",
    )


def between(seen: Observed) -> Finding:
    """What shows of proxies. Whether one buffers requests does not show."""
    answer = seen.heard(Step.DISCOVERY)
    if answer is None:
        return Finding("proxies", State.NOT_CHECKED, FIRST)
    server, via = (printable(answer.headers.get(name, ""), 80) for name in ("server", "via"))
    told = [f"Via: {via}" if via else "", f"Server: {server}" if server and server != AS_SERVED else ""]
    signs = "; ".join(filter(None, told))
    if signs:
        return Finding("proxies", State.OK, f"{signs}; whether requests are buffered cannot be seen from outside")
    return Finding("proxies", State.OK, "none shows itself")
