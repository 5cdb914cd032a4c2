"""What is fuzzed, each with its oracle: the JSON door, the FHIR reader, the rule loader, tokens and key sets.

A target takes bytes and gives "" or what is wrong. It raises nothing itself: whatever escapes it is a fault as well.
"""

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cds_service.clients.reader import read_clients_text
from cds_service.core.engine import Compiled, compile_release, decide
from cds_service.core.facts import HOOKS
from cds_service.core.problem import RequestProblem
from cds_service.edges.logs import LineFormatter
from cds_service.edges.rule_store import load_rules
from cds_service.fhir.reader import read_chart
from cds_service.fhir.versions import dialect
from cds_service.rulebook.lint import lint_subject
from cds_service.rulebook.lint_subject import subject_of
from cds_service.rulebook.reader import read_definition_text, read_rule_text
from cds_service.rulebook.release import load_release, shelf_of
from cds_service.rulebook.release_file import read_release_text
from cds_service.rulebook.release_lock import LOCK_FILE, read_lock
from cds_service.rulebook.site_file import read_site_text
from cds_service.rulebook.source import RuleProblem
from cds_service.rulebook.value_set_file import read_value_set_file
from cds_service.strict_json import parse_json
from cds_service.trust.claims import LEEWAY_S, MOST_LIFE_S
from cds_service.trust.keys import KeyProblem, read_key_set
from cds_service.trust.token import ALGORITHMS
from tests.fuzz.__main__ import fault_of, in_process
from tests.fuzz.mutate import SENTINEL, Request
from tests.real_rules import ROOT, TODAY
from tests.unit.tokens import EC_KEY, EHR, ISSUER, NOW, OTHER, PATH, RSA_KEY, URL, Gate, b64, sign

Target = Callable[[bytes], str]
SEEDS = Path(__file__).parent / "seeds"
MARK = SENTINEL.encode()


def seeds(target: str) -> Mapping[str, bytes]:
    """The seeds of a target by the name of their file."""
    return {path.name: path.read_bytes() for path in sorted((SEEDS / target).iterdir())}


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """What the service writes to its log meanwhile, at its most talkative."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter())
    log = logging.getLogger("cds_service")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


# --- the JSON door ---------------------------------------------------------------------------------------------------

_send = cache(in_process)


def door(body: bytes) -> str:
    """Calls and feedback: 200, or 400 and 412 with an OperationOutcome; nothing of the body in errors or the log."""
    for path in ("/cds-services/oud-patient-view", "/cds-services/oud-order-sign",
                 "/cds-services/oud-patient-view/feedback"):  # fmt: skip
        sent = Request("POST", path, body, {"Content-Type": "application/json"})
        with listening() as log:
            status, answer = _send()(sent)
        if fault := fault_of(sent, status, answer):
            return f"{path}: {fault}"
        if status not in (200, 400, 412):
            return f"{path}: status {status}"
        if SENTINEL.lower() in log.getvalue().lower():
            return f"{path}: a value of the request is in the log"
    return ""


# --- the FHIR reader -------------------------------------------------------------------------------------------------


@cache
def _release() -> Compiled:
    return compile_release(load_rules(ROOT / "rules", check=False).release)


def reader(body: bytes) -> str:
    """Prefetch: a chart on which every rule can be judged, or the caller's fault in words of ours."""
    try:
        value = parse_json(body)
    except RequestProblem:
        return ""
    prefetch = value if isinstance(value, dict) else {"conditions": value}
    for hook in HOOKS:
        context = {"patientId": "p1", "encounterId": "e1", "draftOrders": prefetch.get("draftOrders")}
        try:
            chart = read_chart(
                hook=hook, context=context, prefetch=prefetch, needs=_release().needs, table=_release().table,
                today=TODAY, version=dialect("", "", context, prefetch).read,
            )  # fmt: skip
        except RequestProblem as problem:
            if SENTINEL in " ".join(f"{each.where} {each.text}" for each in problem.issues):
                return f"{hook}: a value is repeated"
            continue
        failed = [each for each in decide(_release(), chart, TODAY).decisions if each.error]
        if failed:
            return f"{hook}: a rule raised {failed[0].error}"
    return ""


# --- the rule loader -------------------------------------------------------------------------------------------------


@cache
def _shelf() -> Any:
    loaded = load_release(ROOT / "rules")
    return shelf_of(loaded, ROOT / "rules", loaded.file.pins)


def rules(body: bytes) -> str:
    """Rule, definition, release, site, clients, value-set and lock files: problems that point into the file."""
    text = body.decode("utf-8", "replace")
    found: list[RuleProblem] = []
    for read in (read_rule_text, read_definition_text):
        file = read(text)
        found += [*file.problems, *lint_subject(subject_of(file, _shelf()), TODAY)]
    for other in (read_release_text, read_site_text, read_clients_text):
        found += other(text).problems
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a-set" / "1.0.0.json"
        path.parent.mkdir()
        path.write_bytes(body)
        found += read_value_set_file(path)[1]
        (Path(folder) / LOCK_FILE).write_bytes(body)
        with suppress(ValueError):
            read_lock(Path(folder))
    lines = text.splitlines()
    for each in found:
        width = len(lines[each.line - 1]) if each.line <= len(lines) else 0
        if not (1 <= each.line <= len(lines) + 1 and 1 <= each.column <= width + 1):
            return f"{each.code} points outside the file: {each.line}:{each.column}"
        str(each)
    return ""


# --- tokens and keys -------------------------------------------------------------------------------------------------

_KEYS = {"ES384": EC_KEY, "RS384": RSA_KEY}


def token(body: bytes) -> str:
    """A description {"header", "claims"} is signed and shown, as good as it may be; anything else is shown as it is.

    It opens only if it is good by the short second opinion below; every refusal has the one answer.
    """
    text, good = _token_of(body)
    gate = Gate(EHR, OTHER)
    try:
        client = gate.identify(f"Bearer {text}", PATH)
    except RequestProblem as problem:
        if problem.status not in (401, 429) or SENTINEL in str([each.text for each in problem.issues]):
            return f"refused with {problem.status}"
        return "a good token is refused" if good else ""
    return "" if good and client is EHR else "a token is taken that is not good"


def _token_of(body: bytes) -> tuple[str, bool]:
    """The token, and whether it is good."""
    try:
        told = parse_json(body)
        head, claims = told["header"], told["claims"]  # type: ignore[index]
        written = [json.dumps(each).encode() for each in (head, claims)]
    except (RequestProblem, KeyError, TypeError, IndexError):
        return body.decode("latin-1"), False
    alg = head.get("alg") if isinstance(head, dict) else None
    key = _KEYS.get(alg) if isinstance(alg, str) else None
    signed = ".".join(b64(each) for each in written)
    signature = sign(alg, key, signed.encode()) if key is not None and isinstance(alg, str) else b"x"
    return f"{signed}.{b64(signature)}", key is not None and _good(head, claims)


def _good(head: Mapping[str, Any], claims: Any) -> bool:
    """A second opinion, in the fewest words."""
    if not isinstance(claims, dict) or claims.get("iss") != ISSUER or not isinstance(head.get("typ"), str):
        return False
    times = [claims.get(name) for name in ("iat", "exp")] + ([claims["nbf"]] if "nbf" in claims else [])
    if not all(type(each) in (int, float) for each in times):
        return False
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    texts = [each for value in claims.values() for each in (value if isinstance(value, list) else [value])]
    return (
        head["typ"].upper() == "JWT"
        and not {"cty", "crit", "b64"} & head.keys()
        and head.get("alg") in ALGORITHMS
        and head.get("kid") == {"ES384": "ec-1", "RS384": "rs+1/="}[head["alg"]]
        and ("jku" not in head or head["jku"] in EHR.jku)
        and isinstance(claims.get("jti"), str)
        and 0 < len(claims["jti"]) <= 256
        and all(isinstance(each, str) for each in audiences)
        and len(audiences) <= 20
        and bool(set(audiences) & {URL + PATH, *EHR.audience})
        and all(len(each) <= 1024 for each in texts if isinstance(each, str))
        and claims["exp"] + LEEWAY_S > NOW
        and all(each <= NOW + LEEWAY_S for each in (claims["iat"], claims.get("nbf", NOW)))
        and 0 < claims["exp"] - claims["iat"] <= MOST_LIFE_S
        and len(json.dumps(head)) <= 4096
        and len(json.dumps(claims)) <= 5000
    )


def keys(body: bytes) -> str:
    """A JWK Set: keys that are public and of the two kinds, or a refusal that repeats nothing of it."""
    try:
        found = read_key_set(parse_json(body))
    except RequestProblem:
        return ""
    except KeyProblem as problem:
        return "a value is repeated" if SENTINEL in str(problem) else ""
    if any(each.is_private for each in found.keys.values()):
        return "a private key is used"
    if any(SENTINEL in why for why in found.unfit.values()):
        return "a value is repeated"
    return "" if all(alg in ALGORITHMS for _, alg in found.keys) else "a key for another algorithm is used"


TARGETS: Mapping[str, Target] = {"door": door, "reader": reader, "rules": rules, "token": token, "keys": keys}


def warm() -> None:
    """Load what the targets stand on, which takes longer than any body may."""
    _send()
    _release()
    _shelf()
