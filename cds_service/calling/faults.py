"""Why nothing was heard, in words: what happened and what to do about it. A library's own words quote the URL."""

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions

NAME, REFUSED, UNREACHABLE, TIMEOUT, TLS, CUT, NOT_HTTP = (
    "name", "refused", "unreachable", "timeout", "tls", "cut", "not-http",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unheard:
    """No HTTP answer. kind: one of the words above; found: what happened; to_do: what to do about it."""

    kind: str
    found: str
    to_do: str

    def __str__(self) -> str:
        return f"{self.found}\n  {self.to_do}"


_CHAIN = (
    "let the server send the intermediate certificates with its own; if a CA of the site signed it, "
    "name that with --ca-file, and let the EHR trust it"
)
_SELF_SIGNED = (
    "the certificate is signed by nobody that is trusted (self-signed)",
    "get one from a CA that the EHR trusts; for a test, name the certificate itself with --ca-file",
)
# By the code of OpenSSL (X509_V_ERR_*): what was found, what to do.
_CERTIFICATE = {
    9: ("the certificate is not valid yet", "look at the clock of this machine, then at the certificate's first day"),
    10: ("the certificate has expired", "renew it, and let the server load the new one"),
    18: _SELF_SIGNED,
    19: _SELF_SIGNED,
    20: ("the certificate's issuer is not known here, or its chain is not sent whole", _CHAIN),
    21: ("the certificate's chain is not sent whole", _CHAIN),
    62: ("the certificate is for another name", "call the name that it is for, or get one for the name that is called"),
    64: (
        "the certificate is not for this address",
        "call the name that it is for: a certificate is seldom for a number",
    ),
}
_HANDSHAKE = {
    "WRONG_VERSION_NUMBER": (
        "what answers does not speak TLS: it looks like plain HTTP",
        "let the server speak TLS at this port, or call the port where it does",
    ),
    "UNSUPPORTED_PROTOCOL": ("TLS older than 1.2 is offered", "let the server offer TLS 1.2 and 1.3"),
    "TLSV1_ALERT_PROTOCOL_VERSION": ("TLS older than 1.2 is offered", "let the server offer TLS 1.2 and 1.3"),
}


_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)
_UNREACHABLE = Unheard(
    UNREACHABLE,
    "the address cannot be reached",
    "look at the network of this machine, at its way there (VPN) and at firewalls",
)


def unheard(fault: BaseException, seconds: float) -> Unheard:
    """Say why no answer came. seconds: how long was waited."""
    chain = list(_chain(fault))

    def holds(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    tls = next((each for each in chain if isinstance(each, ssl.SSLError)), None)
    if tls is not None and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls(tls)
    if holds(socket.gaierror, UnicodeError):
        return Unheard(NAME, "the name is not known", "look at its spelling, then at the name server of this machine")
    if holds(TimeoutError, requests.Timeout):
        return Unheard(
            TIMEOUT,
            f"no whole answer came within {seconds:g} seconds",
            "look whether the service runs and a firewall lets this machine in; then at the proxy's log",
        )
    if holds(ConnectionRefusedError):
        return Unheard(
            REFUSED,
            "nothing listens at this port (connection refused)",
            "look whether the service or its proxy runs, and at this address and port",
        )
    if any(isinstance(each, OSError) and each.errno in _NO_WAY for each in chain):
        return _UNREACHABLE
    if holds(http.client.BadStatusLine) and not holds(http.client.RemoteDisconnected):
        return Unheard(NOT_HTTP, "what answers does not speak HTTP", "look at the port, and at http or https")
    if holds(
        ConnectionResetError, BrokenPipeError, http.client.HTTPException, urllib3.exceptions.ProtocolError, ssl.SSLError
    ):
        return Unheard(
            CUT,
            "the connection was cut before the answer was whole",
            "look at the log of what stands in front of the service: a proxy, a balancer or a firewall cut it",
        )
    if holds(OSError):
        return _UNREACHABLE
    return Unheard(NOT_HTTP, f"the answer cannot be read ({type(fault).__name__})", "look at what answers at this URL")


def _tls(fault: ssl.SSLError) -> Unheard:
    if isinstance(fault, ssl.SSLCertVerificationError):
        other = ("the certificate is not trusted", _CHAIN)
        return Unheard(TLS, *_CERTIFICATE.get(fault.verify_code, other))
    other = ("the TLS handshake did not come about", "look at the TLS settings and the log of the server or proxy")
    return Unheard(TLS, *_HANDSHAKE.get(fault.reason or "", other))


def _chain(fault: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """A fault and all that it came of: libraries wrap what happened several times, each in its own way."""
    yield fault
    if depth < 8:
        for each in (fault.__cause__, fault.__context__, getattr(fault, "reason", None), *fault.args):
            if isinstance(each, BaseException):
                yield from _chain(each, depth + 1)
