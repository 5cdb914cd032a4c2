"""What checking who calls costs: the same calls with a fresh ES384 token each, and with authentication off."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from joserfc.jwk import ECKey

from bench.charts import NEITHER, SIZES, instances, requests
from bench.floor import OURS
from bench.load import OUR_SERVICE
from bench.rounds import Effort, Servers, by_turns, figures, ours, spread
from cds_service.trust.keys import CURVE, check_signature
from cds_service.trust.signer import Signer
from cds_service.trust.token import ES384, read_token

URL, ISSUER = "https://cds.example.org", "https://ehr.example.org"
SIZE = next(iter(SIZES))
_CLIENTS = f"clients:\n  ehr:\n    issuers: [{ISSUER}]\n    keys: keys.json\n"


def tokens(servers: Servers, effort: Effort, folder: Path) -> dict[str, Any]:
    """Measure both by turns; print what a token costs and give the figures. folder: for the clients file and keys."""
    key = ECKey.generate_key(CURVE)
    signer = Signer(key, ES384, ISSUER, {"kid": "bench"})

    def token() -> str:
        return f"Bearer {signer.token(f'{URL}{OUR_SERVICE}', time.time())}"

    calls = effort.calls[SIZE]
    checked = ours(servers.get("checked", _settings(folder, key)), calls)
    parties = {"off": ours(servers.get(OURS), calls), ES384: replace(checked, authorize=token)}
    people = requests(SIZE, NEITHER, effort.people)
    found = figures(by_turns(parties, people, instances("tokens"), effort))
    costs = [with_ - without for with_, without in zip(found[f"{ES384}_cpu_ms"], found["off_cpu_ms"], strict=True)]
    signature = [_signature_ms(token(), key) for _ in range(effort.people)]
    print(
        f"\nWho calls, on a chart of {SIZE} without opioids: an ES384 token a call, all different, beside CDS_AUTH=off."
    )
    print(
        "A token is read, its signature and its claims are checked, and it is kept in the database, to be good once.\n"
    )
    for name in parties:
        print(f"{name:14} {spread(found[f'{name}_cpu_ms']):>24} CPU ms {median(found[f'{name}_p50_ms']):9.2f} p50 ms")
    print(f"{'a token':14} {spread(costs):>24} CPU ms, of which the signature {median(signature):.2f}", flush=True)
    return {**found, "token_cpu_ms": costs, "signature_ms": signature}


def _settings(folder: Path, key: ECKey) -> Mapping[str, str]:
    """Write what lets in one client with this key, and nobody else. Cards show although nobody reviewed the rules."""
    public = {**key.as_dict(private=False), "kid": "bench", "alg": ES384, "use": "sig"}
    (folder / "keys.json").write_bytes(orjson.dumps({"keys": [public]}))
    (folder / "clients.yaml").write_text(_CLIENTS, encoding="utf-8")
    return {
        "CDS_AUTH": "required",
        "CDS_CLIENTS": str(folder / "clients.yaml"),
        "CDS_PUBLIC_URL": URL,
        "CDS_ALLOW_UNREVIEWED": "yes",
    }


def _signature_ms(authorization: str, key: ECKey) -> float:
    token = read_token(authorization)
    begun = time.thread_time()
    check_signature(token, key)
    return (time.thread_time() - begun) * 1000
