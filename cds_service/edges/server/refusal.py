"""What is answered to bytes that are no request, before the web edge sees them.

gunicorn would quote them in an HTML page and in its log, names and tokens included; here they get an OperationOutcome
as any other error, and the log gets the kind of fault alone.
"""

import json
import logging
from http import HTTPStatus

from gunicorn.http import errors  # type: ignore[import-untyped]

from cds_service.core.problem import Issue
from cds_service.faults import places
from cds_service.protocol import operation_outcome

# By what gunicorn raises, the first that fits: status, FHIR IssueType and words.
_REFUSALS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (errors.LimitRequestLine, 414, "too-long", "the request line is too long"),
    (errors.LimitRequestHeaders, 431, "too-long", "the headers are too large or too many"),
    (errors.ExpectationFailed, 417, "not-supported", "Expect: only 100-continue can be met"),
    (errors.UnsupportedTransferCoding, 501, "not-supported", "Transfer-Encoding: only chunked can be read"),
    (errors.ParseException, 400, "structure", "the request is not well-formed HTTP"),
    (Exception, 500, "exception", "the service failed"),
)

_log = logging.getLogger("cds_service")


def refusal_of(fault: Exception) -> tuple[int, str, bytes]:
    """Log what was refused, and give the status, the FHIR IssueType and a whole HTTP response."""
    status, code, text = next((status, code, text) for kind, status, code, text in _REFUSALS if isinstance(fault, kind))
    level = logging.ERROR if status == HTTPStatus.INTERNAL_SERVER_ERROR else logging.WARNING
    where = places(fault) if level == logging.ERROR else None
    _log.log(
        level,
        "refused-before-read",
        extra={"error": type(fault).__name__, "status": status, "refused": code, "places": where},
    )
    return status, code, _response(status, Issue(code, "", text))


def _response(status: int, issue: Issue) -> bytes:
    """A whole HTTP response; the headers are those the web edge gives an error."""
    body = json.dumps(operation_outcome(issue))
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "X-Frame-Options: DENY",
        "Cross-Origin-Resource-Policy: same-origin",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Cache-Control: no-store",
    )
    return "\r\n".join([*lines, "", body]).encode("ascii")
