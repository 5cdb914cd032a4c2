"""The command line: exit codes, what `serve` prints, and how it refuses to start."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import requests
from markupsafe import escape

from cds_service.cli import ADDRESS, FINE, RULES, SAMPLES, SETTINGS, USAGE, main, parser, sample_requests, welcome
from cds_service.config import Settings
from cds_service.edges.rule_store import RulesProblem, find_rules, load_rules
from cds_service.wiring import build_app
from tests.http.small_rules import small_rules

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("CDS_")]:
        monkeypatch.delenv(name)


def usage(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_help_needs_no_other_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert usage(["--help"]) == 0
    said = capsys.readouterr().out
    assert [each for each in ("serve", "replay", "fixture", "rules") if f"    {each}" not in said] == []


@pytest.mark.parametrize("module", ["cds_service", "cds_service.cli"])
def test_both_modules_run_the_commands(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "rules"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: cds-service rules" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["rules"], ["serve", "--port", "1"]])
def test_a_wrong_command_line_is_usage(arguments: list[str]) -> None:
    assert usage(arguments) == USAGE


def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDS_AUTH", "off")
    monkeypatch.setenv("CDS_PORT", "http")
    assert main(["serve"]) == SETTINGS
    assert capsys.readouterr().err.startswith("CDS_PORT: 'http' is not")


def test_without_a_clients_file_nothing_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == SETTINGS
    assert "CDS_CLIENTS: is needed" in capsys.readouterr().err


def test_rules_with_errors_are_not_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "release.yaml").write_text("release: 2026.1.0\nrulez: {}\n", encoding="utf-8")
    monkeypatch.setenv("CDS_AUTH", "off")
    monkeypatch.setenv("CDS_RULES", str(tmp_path))
    assert main(["serve"]) == RULES
    said = capsys.readouterr().err
    assert "release.yaml:2:1: unknown-key" in said
    assert said.rstrip().endswith("nothing is served")


def test_an_empty_folder_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(RulesProblem, match="nothing is served"):
        load_rules(tmp_path, check=True)


def test_an_address_in_use_is_told_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name, value in {"CDS_AUTH": "off", "CDS_RULES": str(ROOT / "rules"), "CDS_PORT": str(port)}.items():
            monkeypatch.setenv(name, value)
        assert main(["serve"]) == ADDRESS
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_the_folder_that_is_named_comes_first(tmp_path: Path) -> None:
    assert find_rules(tmp_path) == tmp_path
    assert find_rules(None).name == "rules"


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_printed_url_can_be_opened(host: str, url: str) -> None:
    assert welcome(host, 8000, []).splitlines()[0] == f"serving {url}"


def test_each_printed_call_says_what_it_shows_and_posts_its_sample() -> None:
    said = welcome("127.0.0.1", 8000, SAMPLES).splitlines()
    for what, path in SAMPLES:
        call = said[said.index(f"  {what}:") + 1]
        assert call.endswith(f"-d @{path} http://127.0.0.1:8000/cds-services/oud-patient-view")


def test_the_printed_calls_bring_one_card_and_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = build_app(Settings(auth="off", rules=ROOT / "rules", today=date(2027, 3, 1))).test_client()
    shown = []
    for _, path in sample_requests(date(2027, 3, 1)):
        answer = app.post("/cds-services/oud-patient-view", data=path.read_bytes(), content_type="application/json")
        assert answer.json is not None
        shown.append([card["extension"]["org.oud-cds.rule"]["ruleId"] for card in answer.json["cards"]])
    assert shown == [["mat-consideration"], []]


def test_serving_goes_on_where_no_sample_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "var").write_text("a file where the folder would be", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert sample_requests(date(2027, 3, 1)) == []
    assert "no sample call" in capsys.readouterr().err


NOT_AT_A_RESTART = (
    "alembic", "cryptography", "fhir", "flask_cors", "joserfc", "opentelemetry", "psycopg", "requests",
    "sqlalchemy.dialects.postgresql", "cds_service.rulebook.lint", "cds_service.rulebook.lint_site",
    "cds_service.rulebook.compare", "cds_service.rulebook.rule_tests",
)  # fmt: skip


def test_a_restart_loads_nothing_that_only_other_deployments_first_starts_and_other_commands_need(
    tmp_path: Path,
) -> None:
    code = (
        "import os, sys; from datetime import date; from cds_service import cli, wiring\n"
        "from cds_service.config import read_settings\n"
        "settings = read_settings(os.environ)\n"
        "rules, _ = wiring.prepare(settings)\n"
        "wiring.prepare_records(settings)\n"
        "opened = wiring.open_service(settings, before=rules)\n"
        "assert len(cli.sample_requests(date(2027, 3, 1))) == 2\n"
        "print([each for each in sys.argv[1:] if each in sys.modules], flush=True)\n"
        "opened.close()"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CDS_AUTH": "off", "CDS_WORKERS": "1"}
    environment["CDS_RULES"] = str(small_rules(tmp_path / "rules"))

    def loaded() -> list[str]:
        run = subprocess.run(
            [sys.executable, "-c", code, *NOT_AT_A_RESTART],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert run.stderr == ""
        return list(ast.literal_eval(run.stdout))

    assert {"alembic", "cds_service.rulebook.lint"} <= {*loaded()}, "a first start makes the database and judges rules"
    assert loaded() == []


def test_a_reader_that_leaves_early_makes_no_fault() -> None:
    command = [sys.executable, "-m", "cds_service", "fixture", "untreated-oud-icd10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert (run.stderr.read(), run.wait(timeout=60)) == (b"", FINE)


def test_every_command_has_a_function() -> None:
    for arguments in (["serve"], ["replay", "a"], ["fixture", "a"], ["rules", "lint"], ["rules", "test", "a", "b"]):
        assert callable(parser().parse_args(arguments).run)


# --- the rules of this tree, served ---------------------------------------------------------------------------------


def test_the_rules_of_this_tree_are_served_and_readable() -> None:
    client = build_app(Settings(auth="off", rules=ROOT / "rules")).test_client()
    listed = client.get("/rules").json
    assert listed is not None
    assert listed["rules"]
    for each in listed["rules"]:
        page = client.get(each["url"], headers={"Accept": "text/html"})
        assert page.status_code == 200, each["url"]
        assert str(escape(each["title"])) in page.text


def test_serve_prints_a_call_that_returns_cards_and_stops_when_told(tmp_path: Path) -> None:
    environ = {**os.environ, "CDS_AUTH": "off", "CDS_PORT": "0", "CDS_RULES": str(ROOT / "rules"), "CDS_WORKERS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cds_service", "serve"],
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = [process.stdout.readline(), process.stdout.readline()]
        assert said[0] == f"rules: {ROOT / 'rules'}\n"
        found = re.fullmatch(r"serving (http://127\.0\.0\.1:\d+)\n", said[1])
        assert found, said
        assert requests.get(f"{found[1]}/readyz", timeout=5).json()["status"] == "ready"
        copied = [process.stdout.readline() for _ in range(4)][-1].split()
        sample = json.loads((tmp_path / copied[copied.index("-d") + 1].removeprefix("@")).read_text(encoding="utf-8"))
        assert requests.post(copied[-1], json=sample, timeout=5).json()["cards"]
    finally:
        process.terminate()
        code = process.wait(timeout=20)
        process.stdout.close()
    assert code == 0
