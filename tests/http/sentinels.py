"""Plants a word that occurs nowhere into every place of a request that may hold something of a person or a secret.

Ids, references and full URLs are renamed alike, so that a planted chart is still one chart and the rules still speak.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

SENTINEL = "Zqxwv"
# What is read as words keeps its beginning, so that texts still decide what they decided.
_WORDS = re.compile(r"display|text|div|family|given|comment|note|description|reason|prefix|suffix|line|city|title|name")
_REFERENCES = {"id", "reference", "fullUrl", "patientId", "encounterId", "userId", "patient", "subject"}
_CODED = "coding"


def planted(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the word in ids, references, names, texts, displays, further codes, keys and tokens."""
    body = dict(_planted(request, ""))
    body["hook"], body["hookInstance"] = request["hook"], request["hookInstance"]
    body["fhirServer"] = f"https://{SENTINEL}.example/fhir"
    body["fhirAuthorization"] = {
        "access_token": f"{SENTINEL}-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": f"patient/*.read {SENTINEL}",
        "subject": f"{SENTINEL}-client",
        "patient": body["context"]["patientId"],
    }
    body["extension"] = {f"com.{SENTINEL}": {"name": SENTINEL}}
    body[f"{SENTINEL}Member"] = SENTINEL
    body["context"][f"{SENTINEL}Field"] = SENTINEL
    body["prefetch"][f"{SENTINEL}Key"] = {"resourceType": "Bundle", "id": SENTINEL}
    return body


def _planted(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        inner = {key: _planted(each, key) for key, each in value.items()}
        if _CODED in inner and isinstance(inner[_CODED], list):
            further = {"system": f"https://{SENTINEL}.example/codes", "code": SENTINEL, "display": SENTINEL}
            inner[_CODED] = [*inner[_CODED], further]
        return inner
    if isinstance(value, list):
        return [_planted(each, "reference" if name == "selections" else name) for each in value]
    if not isinstance(value, str):
        return value
    if name in _REFERENCES:
        return re.sub(r"([^/#]+)$", rf"{SENTINEL}\1", value)
    if name == "value":
        return f"{SENTINEL}{value}"
    return f"{value} {SENTINEL}" if _WORDS.fullmatch(name) else value


def planted_in(resource: dict[str, Any]) -> None:
    """Plant the word into one resource of a chart, in place; whose it is stays, so that it is still read."""
    kept = {name: resource[name] for name in ("subject", "patient", "meta") if name in resource}
    resource.update(_planted(resource, ""), **kept)


def overwritten(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the word in place of every string but hook and hookInstance, and the ids of the envelope."""

    def every(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: every(each) for key, each in value.items()}
        if isinstance(value, list):
            return [every(each) for each in value]
        return SENTINEL if isinstance(value, str) else value

    return {**every(request), "hook": request["hook"], "hookInstance": request["hookInstance"]}


def broken(body: dict[str, Any]) -> Iterator[Any]:
    """Bodies made of a planted one that are refused, each at another step: bytes, or what is to become JSON."""
    text = json.dumps(body)
    yield text[: len(text) // 2].encode()
    yield f'{text[:-1]}, "{SENTINEL}": 1, "{SENTINEL}": 2}}'.encode()
    yield f'{text[:-1]}, "{SENTINEL}": NaN}}'.encode()
    yield text.encode() + SENTINEL.encode()
    yield text.encode("utf-16")
    yield [body]
    yield {**body, "hook": SENTINEL}
    yield {**body, "hookInstance": SENTINEL}
    yield {**body, "context": SENTINEL}
    yield {**body, "context": {**body["context"], "patientId": f"Patient/{SENTINEL}"}}
    yield {**body, "context": {**body["context"], "patientId": f"{SENTINEL}-other"}}
    yield {**body, "context": {**body["context"], "userId": SENTINEL}}
    yield {**body, "fhirServer": SENTINEL}
    yield {**body, "fhirAuthorization": {"access_token": SENTINEL, "scope": 7}}
    yield {**body, "prefetch": SENTINEL}
    yield {**body, "prefetch": {}}
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": SENTINEL, "diagnostics": SENTINEL}],
    }
    yield {**body, "prefetch": {**body["prefetch"], "patient": outcome}}
    yield {**body, "prefetch": dict.fromkeys(body["prefetch"], outcome) | {"patient": SENTINEL}}
    patient = body["prefetch"].get("patient")
    yield {**body, "prefetch": {"patient": patient, "conditions": outcome}}
    for value in (SENTINEL, [SENTINEL], {SENTINEL: SENTINEL}, {"resourceType": SENTINEL, "entry": SENTINEL}):
        yield {**body, "prefetch": dict.fromkeys(body["prefetch"], value) | {"patient": patient}}
