"""What the probe sends and hears over HTTP, and the tokens it signs."""

import http.client
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeyFlexible, RSAKey, import_key

TIMEOUT_S = 30
LIFE_S = 240
AUTO = "auto"  # sign a good token if there is a key
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer. value: its JSON; None where there is none (`parsed` says which)."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    text: str
    value: Any
    parsed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs tokens as one client. base: what the service is called by, to which a path is added for `aud`."""

    key: ECKey | RSAKey
    issuer: str
    base: str

    @property
    def algorithm(self) -> str:
        return str(self.key.get("alg") or ("ES384" if isinstance(self.key, ECKey) else "RS384"))

    def header(self, **changes: Any) -> dict[str, Any]:
        """The header of a good token; a change to None leaves a member out."""
        whole = {"alg": self.algorithm, "kid": self.key.get("kid") or self.key.kid, "typ": "JWT", **changes}
        return {name: value for name, value in whole.items() if value is not None}

    def claims(self, path: str, **changes: Any) -> dict[str, Any]:
        """The claims of a good token for a call of `path`; a change to None leaves a member out."""
        now = int(time.time())
        whole = {
            "iss": self.issuer,
            "aud": self.base + path,
            "iat": now,
            "exp": now + LIFE_S,
            "jti": uuid.uuid4().hex,
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, path: str, header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None) -> str:
        whole = self.header(**(header or {}))
        return jwt.encode(whole, self.claims(path, **(claims or {})), self.key, algorithms=[whole["alg"]])


def signer(key: Mapping[str, Any], issuer: str, base: str) -> Signer:
    found: KeyFlexible = import_key(dict(key))
    if not isinstance(found, ECKey | RSAKey):
        raise ValueError("the key must be a private EC or RSA key")
    return Signer(found, issuer, base)


@dataclass(slots=True)
class Wire:
    """The way to one service; it remembers every answer, so that all can be judged in the end."""

    url: str
    signer: Signer | None = None
    heard: list[Heard] = field(default_factory=list)

    def get(self, path: str, token: str | None = AUTO) -> Heard:
        return self.send("GET", path, token=token)

    def post(self, path: str, body: Any, token: str | None = AUTO) -> Heard:
        """Send a value as JSON."""
        return self.send("POST", path, json.dumps(body).encode(), token=token)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = AUTO,
        headers: Mapping[str, str] | None = None,
    ) -> Heard:
        sent = {"Content-Type": JSON} if body is not None else {}
        if token == AUTO:
            token = self.signer.token(path) if self.signer else None
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        began = time.monotonic()
        answered = requests.request(
            method, self.url + path, data=body, headers={**sent, **(headers or {})}, timeout=TIMEOUT_S,
            allow_redirects=False,
        )  # fmt: skip
        took = time.monotonic() - began
        return self._remember(method, path, answered.status_code, answered.headers, answered.text, took)

    def announce(self, path: str, length: int) -> Heard:
        """Post the head of a body of `length` bytes, and wait for what is said to that."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=TIMEOUT_S)
        connection.putrequest("POST", parts.path + path)
        for name, value in {"Content-Type": JSON, "Content-Length": str(length)}.items():
            connection.putheader(name, value)
        if self.signer:
            connection.putheader("Authorization", f"Bearer {self.signer.token(path)}")
        connection.endheaders()
        answered = connection.getresponse()
        text = answered.read().decode()
        connection.close()
        return self._remember("POST", path, answered.status, dict(answered.getheaders()), text, 0.0)

    def _remember(
        self, method: str, path: str, status: int, headers: Mapping[str, str], text: str, took: float
    ) -> Heard:
        heard = Heard(method, path, status, headers, text, *_value(text), took)
        self.heard.append(heard)
        return heard


def _value(text: str) -> tuple[Any, bool]:
    """Strict JSON: no NaN, no duplicate names."""
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_once), True
    except ValueError:
        return None, False


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)
