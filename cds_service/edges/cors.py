"""Lets browser clients of listed origins read the answers of the CDS Hooks routes, errors included.

Off unless origins are listed. Nothing is allowed for others: no credentials (there are no cookies), no wildcard, and
never the origin `null`, which any sandboxed page and local file can claim.
Source: https://fetch.spec.whatwg.org/#http-cors-protocol; CDS Hooks 2.0, "Cross-Origin Resource Sharing".
"""

import logging
import re
from collections.abc import Sequence

from flask import Flask, Response, request

METHODS = ("GET", "POST", "OPTIONS")
REQUEST_HEADERS = ("Authorization", "Content-Type")
ANSWER_HEADERS = ("Retry-After", "WWW-Authenticate")  # what a page may read besides the few that are always readable
MAX_AGE_S = 600  # how long a browser may keep the answer to a preflight: a change of origins works within that time

_ROUTES = re.compile(r"/cds-services(/|\Z)")


def allow_origins(app: Flask, origins: Sequence[str]) -> None:
    """Answer pages of `origins` on /cds-services and below. Without origins nothing is added.

    origins: exact origins, as config.py checked them: scheme, host and port in small letters.
    """
    if not origins:
        return
    from flask_cors import CORS

    logging.getLogger("flask_cors").setLevel(logging.WARNING)  # at debug it writes paths and origins of requests
    CORS(
        app,
        resources={_ROUTES: {}},
        # A text with brackets, as an IPv6 address has, would be taken for a pattern of its own.
        origins=[re.compile(rf"{re.escape(each)}\Z") for each in origins],
        methods=list(METHODS),
        allow_headers=list(REQUEST_HEADERS),
        expose_headers=list(ANSWER_HEADERS),
        supports_credentials=False,
        max_age=MAX_AGE_S,
        always_send=False,
        vary_header=False,
    )

    @app.after_request
    def vary(answered: Response) -> Response:
        # Also for an origin that is not listed, or none: a cache must not hand that answer to a listed one.
        if _ROUTES.match(request.path):
            answered.vary.add("Origin")
        return answered
