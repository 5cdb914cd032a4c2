"""Give every bomb to whatever reads such a file or answer: `python -m tests.bombs.readers`, a process of its own.

Memory and processor time of the process are limited by the operating system, so that a bomb that works ends it instead
of the machine. Prints a line of JSON for each: reader, bomb, seconds of processor time, what came, how much was said.
"""

import contextlib
import io
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.calling.wire import Heard
from cds_service.cli import main
from cds_service.clients.reader import read_clients
from cds_service.core.problem import RequestProblem
from cds_service.core.show import as_page
from cds_service.fixtures import FixtureProblem, as_json, find
from cds_service.population.findings import Findings
from cds_service.population.lines import NoCohort
from cds_service.population.partition import records
from cds_service.replay import Replayed, cards_in, differences, told
from cds_service.rulebook.kept import committed
from cds_service.rulebook.reader import read_definition_file, read_rule_file
from cds_service.rulebook.release_file import RELEASE_FILE, read_release_file
from cds_service.rulebook.release_lock import LOCK_FILE
from cds_service.rulebook.site_file import read_site
from cds_service.rulebook.value_set_file import read_value_set_file
from cds_service.strict_json import parse_json
from cds_service.trust.keys import KeyProblem
from cds_service.trust.signer import read_private_key
from tests.bombs.bombs import GZIP, JSON, YAML
from tests.real_rules import real_app
from tests.unit.test_lint_page import sample_folder

MEMORY = 2 << 30  # bytes of address space
PROCESSOR_S = 300
Read = Callable[[Path, bytes], str]  # a folder to write to, the bomb -> what was said of it

CALL = (
    b'{"hook":"patient-view","hookInstance":"0f1e2d3c-4b5a-11f0-8977-123456789abc","context":{"userId":"Practitioner/1",'
    b'"patientId":"1"},"prefetch":{"patient":{"resourceType":"Patient","id":"1"},"conditions":%b}}'
)


def _problems(read: Callable[[Path], Any], name: str) -> Read:
    def problems(folder: Path, bomb: bytes) -> str:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bomb)
        found = read(path)
        return "\n".join(map(str, found[1] if isinstance(found, tuple) else found.problems))

    return problems


def _refusing(read: Callable[[Path], Any], name: str, *refusals: type[Exception]) -> Read:
    def refused(folder: Path, bomb: bytes) -> str:
        (folder / name).write_bytes(bomb)
        try:
            read(folder / name)
        except refusals as problem:
            return str(problem)
        return ""

    return refused


def _keys(folder: Path, bomb: bytes) -> str:
    (folder / "keys.json").write_bytes(bomb)
    text = "clients:\n  a:\n    issuers: [https://a.example]\n    keys: keys.json\n"
    (folder / "clients.yaml").write_text(text, encoding="utf-8")
    return "\n".join(map(str, read_clients(folder / "clients.yaml").problems))


def _lint(folder: Path, bomb: bytes) -> str:
    rules = folder / "rules"
    if not rules.exists():
        sample_folder(rules)
    path = rules / "age-reminder" / "1.0.0.yaml"
    before = path.read_bytes()
    path.write_bytes(bomb)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            assert main(["rules", "lint", "--folder", str(rules)]) == 1
    finally:
        path.write_bytes(before)
    return said.getvalue()


def _cohort(name: str) -> Read:
    def cohort(folder: Path, bomb: bytes) -> str:
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            (Path(inside) / name).write_bytes(bomb)
            findings = Findings()
            try:
                people = sum(1 for _ in records(Path(inside), findings))
            except (NoCohort, OSError) as problem:
                return str(problem)
            return f"{people} people, {findings.total} findings"

    return cohort


def _answer(folder: Path, bomb: bytes) -> str:
    """As `replay --url` shows what a server answered: as text, as JSON, as a page."""
    answer = Heard(200, {"content-type": "application/json"}, bomb).value
    fixture = find("patient-view/untreated-oud-icd10")
    came = Replayed(fixture, 200, 1.0, answer, tuple(differences(fixture, 200, answer)))
    said = [as_page(cards_in(answer) or [], "answer"), as_json(answer), *told(came, cards=True)]
    return "\n".join(said)


@cache
def _app() -> Any:
    return real_app().test_client()


def _door(folder: Path, bomb: bytes) -> str:
    said = []
    for path, body in (
        ("oud-patient-view", bomb),
        ("oud-patient-view", CALL % bomb),
        ("oud-patient-view/feedback", b'{"feedback":%b}' % bomb),
    ):
        came = _app().post(f"/cds-services/{path}", data=body, content_type="application/json")
        assert came.status_code in (200, 400, 412), came.status_code
        said.append(came.text)
    return "\n".join(said)


def readers() -> Iterable[tuple[str, Read, Any]]:
    """Every reader with the bombs that are for it."""
    for name, read in (
        ("rule", _problems(read_rule_file, "1.0.0.yaml")),
        ("definition", _problems(read_definition_file, "1.0.0.yaml")),
        ("release", _problems(read_release_file, RELEASE_FILE)),
        ("site", _problems(read_site, "site.yaml")),
        ("clients", _problems(read_clients, "clients.yaml")),
        ("lint", _lint),
    ):
        yield name, read, YAML
    for name, read in (
        ("value set", _problems(read_value_set_file, "set/1.0.0.json")),
        ("lock", _refusing(lambda path: committed(path.parent), LOCK_FILE, ValueError)),
        ("fixture", _refusing(lambda path: find(str(path)).on(date(2026, 3, 1)), "a.json", FixtureProblem)),
        ("keys", _keys),
        ("private key", _refusing(read_private_key, "key.json", KeyProblem)),
        ("fetched", _refusing(lambda path: parse_json(path.read_bytes()), "a.json", RequestProblem)),
        ("cohort of lines", _cohort("Patient.ndjson")),
        ("cohort of Bundles", _cohort("a.json")),
        ("answer", _answer),
        ("door", _door),
    ):
        yield name, read, JSON
    yield "packed cohort", _cohort("Patient.ndjson.gz"), GZIP


def run(chosen: Iterable[str]) -> None:
    wanted = set(chosen)
    for name, read, bombs in readers():
        for bomb, body in bombs.items() if not wanted or name in wanted else ():
            with tempfile.TemporaryDirectory() as folder:
                began = time.process_time()
                try:
                    said, fault = read(Path(folder), body), ""
                    said.encode()  # what cannot be printed is a fault too
                except Exception as raised:
                    said, fault = "", f"{type(raised).__name__}: {raised}"[:300]
                seconds = round(time.process_time() - began, 2)
            told = {"reader": name, "bomb": bomb, "seconds": seconds, "said": len(said), "fault": fault}
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    run(sys.argv[1:])
