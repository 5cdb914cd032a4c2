"""With callers checked, nothing of a token is written anywhere: not of a good one, not of one that was made to be told.

The real server at level debug; its log, its counts and every byte of its database are searched.
"""

import json
import time
from collections import Counter
from datetime import date
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from cds_service.fixtures import find
from tests.running import ISSUER, checking, private_key, serving

SENTINEL = "zq7improbable"
SERVICE = "/cds-services/oud-patient-view"


def bearer(key: dict[str, Any], url: str, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": url, "iat": now, "exp": now + 60, "jti": f"{SENTINEL}-{time.monotonic_ns()}"} | claims
    head = {"alg": "ES384", "typ": "JWT", "kid": key["kid"]} | (header or {})
    return {"Authorization": f"Bearer {jwt.encode(head, said, ECKey.import_key(key), algorithms=['ES384'])}"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Counter[int], list[str], dict[str, bytes]]:
    """Statuses, the tokens that were sent, and all that was written."""
    folder = tmp_path_factory.mktemp("callers")
    key = private_key("ES384")
    sent: list[str] = []
    statuses: Counter[int] = Counter()
    with serving(folder, {**checking(folder, key), "CDS_LOG_LEVEL": "debug", "CDS_WORKERS": "2"}) as base:
        url = base + SERVICE
        call = find("patient-view/untreated-oud-icd10").on(date.today())
        call["context"]["userId"] = f"Practitioner/{SENTINEL}"
        good = bearer(key, url)
        refused = [
            {"Authorization": f"Bearer {SENTINEL}.{SENTINEL}.{SENTINEL}"},
            {"Authorization": f"Basic {SENTINEL}"},
            good,  # once more
            bearer(key, url, {"kid": SENTINEL}),
            bearer(key, url, {"jku": f"https://{SENTINEL}.example.org/jwks"}),
            bearer(key, url, iss=SENTINEL),
            bearer(key, url, aud=SENTINEL),
            bearer(key, url, exp=1),
            bearer({**private_key("ES384"), "kid": key["kid"]}, url),
        ]
        for headers in (good, bearer(key, url, tenant=SENTINEL), *refused):
            sent.append(headers["Authorization"].split(" ")[1])
            statuses[requests.post(url, json=call, headers=headers, timeout=10).status_code] += 1
        item = {"card": "a", "outcome": "overridden", "outcomeTimestamp": "2026-03-01T09:30:00Z"}
        item |= {"overrideReason": {"userComment": SENTINEL, "reason": {"code": "b", "system": SENTINEL}}}
        feedback = f"{url}/feedback"
        answered = requests.post(feedback, json={"feedback": [item]}, headers=bearer(key, feedback), timeout=10)
        statuses[answered.status_code] += 1
        counts = requests.get(f"{base}/metrics", timeout=10).content
    written = {str(path): path.read_bytes() for path in (folder / "var").rglob("*") if path.is_file()}
    return statuses, sent, {**written, "log": (folder / "log").read_bytes(), "counts": counts}


def test_good_tokens_are_taken_and_the_others_refused(told: tuple[Counter[int], list[str], dict[str, bytes]]) -> None:
    statuses, _, written = told
    assert statuses == {200: 3, 401: 9}
    assert any(name.endswith(".db") for name in written)


def test_nothing_of_a_token_is_written(told: tuple[Counter[int], list[str], dict[str, bytes]]) -> None:
    _, sent, written = told
    parts = {part.encode() for token in sent for part in token.split(".") if len(part) > 20}
    found = [name for name, text in written.items() if SENTINEL.encode() in text or any(each in text for each in parts)]
    assert found == []


def test_each_refusal_is_told_by_its_reason(told: tuple[Counter[int], list[str], dict[str, bytes]]) -> None:
    _, _, written = told
    events = [json.loads(line) for line in written["log"].decode().splitlines()]
    reasons = Counter(each["reason"] for each in events if each["event"] == "token")
    assert reasons == {
        "token-malformed": 1, "token-missing": 1, "replay": 1, "key-unknown": 1, "key-url-not-listed": 1,
        "issuer-unknown": 1, "audience": 1, "expired": 1, "signature": 1,
    }  # fmt: skip
    for reason in reasons:
        assert f'cds_refusals_total{{reason="{reason}"}} 1.0' in written["counts"].decode()
