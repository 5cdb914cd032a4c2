"""What a line of the log holds, and that every event has its entry in docs/reference/logs.md."""

import ast
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gunicorn
import pytest

from cds_service.core.site import SiteMark
from cds_service.edges.logs import GUNICORN_SAYS, LineFormatter, call_log
from cds_service.seen import CALL_ROUTE, Seen
from cds_service.services import Answer
from cds_service.wiring import all_of
from tests.http.log_lines import documented, line_of, told, undocumented
from tests.http.small_release import SMALL, app_of, call

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
# Lines that edges/logs.py makes of what others log; tests below make each of them.
OF_OTHERS = {
    "gunicorn": {"text", "error", "places"},
    "library": {"at", "error", "places"},
    "log-failed": set[str](),
}


def record(name: str, level: int, message: str, *args: Any, fault: BaseException | None = None, **extra: Any) -> Any:
    exc_info = (type(fault), fault, fault.__traceback__) if fault else None
    return logging.getLogger(name).makeRecord(name, level, "client.py", 7, message, args, exc_info, None, extra)


def raised(fault: BaseException) -> BaseException:
    try:
        raise fault
    except BaseException as caught:
        return caught


def events(source: str) -> Iterator[tuple[str, str, set[str]]]:
    """Event, method and fields of everything a module logs. Raises AssertionError for text instead of an event."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        if not ast.unparse(node.func.value).split(".")[-1].lower().endswith("log"):
            continue
        method, (*level, name) = node.func.attr, node.args
        assert len(level) == (method == "log"), f"line {node.lineno}: parameters belong into extra"
        assert isinstance(name, ast.Constant), f"line {node.lineno}: an event has a fixed name"
        fields: set[str] = set()
        for keyword in node.keywords:
            assert keyword.arg == "extra", f"line {node.lineno}: {keyword.arg}"
            assert isinstance(keyword.value, ast.Dict), f"line {node.lineno}: fields are written out"
            fields |= {str(each.value) for each in keyword.value.keys if isinstance(each, ast.Constant)}
        yield str(name.value), method, fields


def logged() -> dict[str, tuple[str, set[str]]]:
    return {
        name: (method, fields)
        for path in sorted((ROOT / "cds_service").rglob("*.py"))
        for name, method, fields in events(path.read_text(encoding="utf-8"))
    }


def test_every_event_of_the_code_has_its_entry_and_no_other() -> None:
    in_code = {name: fields for name, (_, fields) in logged().items()} | OF_OTHERS
    assert in_code == {name: set(entry.fields) for name, entry in documented().items()}


def test_an_event_has_the_level_of_its_entry() -> None:
    known = documented()
    wrong = [name for name, (method, _) in logged().items() if method != "log" and {method} != known[name].levels]
    assert wrong == []


def test_text_instead_of_an_event_is_found() -> None:
    assert list(events("_log.info('a-name', extra={'a': 1, 'b': 2})")) == [("a-name", "info", {"a", "b"})]
    for source in ("_log.error('rule %s', 7)", "_log.error(f'{a}')", "_log.info('a', extra=fields)", "_log.log(1, a)"):
        with pytest.raises(AssertionError):
            list(events(source))


def test_no_field_has_the_name_of_a_part_of_a_record() -> None:
    for name, (_, fields) in logged().items():
        logging.getLogger("cds_service").makeRecord("a", 10, "b", 1, name, (), None, None, dict.fromkeys(fields, 1))


def test_a_line_of_ours_has_time_level_event_and_fields_but_nothing_empty() -> None:
    line = line_of(record("cds_service", logging.INFO, "call", status=200, cards=0, refused="", client=None))
    assert datetime.fromisoformat(line.pop("time")).utcoffset() == timedelta(0)
    assert line.pop("pid") > 0
    assert line == {"level": "info", "logger": "cds_service", "event": "call", "status": 200, "cards": 0}


def test_an_exception_is_told_by_class_and_places() -> None:
    fault = raised(ValueError("SENTINEL"))
    line = line_of(record("cds_service.x", logging.ERROR, "incident", fault=fault))
    assert line["error"] == "ValueError"
    assert [each.split(":")[0] for each in line["places"]] == ["test_logs.py"]
    assert "SENTINEL" not in json.dumps(line)


class Quoting:
    def __repr__(self) -> str:
        return "SENTINEL"


@pytest.mark.parametrize("value", [Quoting(), {"a": Quoting()}, [Quoting()], ValueError("SENTINEL")])
def test_a_value_without_a_form_in_json_is_told_by_its_class(value: Any) -> None:
    line = LineFormatter().format(record("cds_service", logging.ERROR, "test-event", value=value))
    assert type(value).__name__ in line or "Quoting" in line
    assert "SENTINEL" not in line


def test_of_another_library_only_the_place_is_told() -> None:
    fault = raised(OSError("SENTINEL"))
    for each in (
        record("urllib3", logging.WARNING, "retrying %r after %s", fault, "SENTINEL", url="SENTINEL"),
        record("sqlalchemy", logging.ERROR, "SENTINEL", fault=fault),
    ):
        line = line_of(each)
        assert (line["event"], line["at"], line["error"]) == ("library", "client.py:7", "OSError")
        assert "SENTINEL" not in json.dumps(line)
        assert undocumented([line]) == []


def test_of_gunicorn_what_it_says_of_its_processes_is_told() -> None:
    line = line_of(record("gunicorn.error", logging.INFO, "Booting worker with pid: %s", 7))
    assert (line["event"], line["text"]) == ("gunicorn", "Booting worker with pid: 7")
    assert undocumented([line]) == []
    other = line_of(record("gunicorn.error", logging.ERROR, "Error handling request %s", "/SENTINEL"))
    assert other["event"] == "library"
    assert "SENTINEL" not in json.dumps(other)


def test_gunicorn_still_says_what_is_let_through() -> None:
    folder = Path(gunicorn.__file__).parent
    modules = ("arbiter.py", "workers/base.py", "workers/gthread.py")
    source = "".join((folder / each).read_text(encoding="utf-8") for each in modules)
    parts = {part for each in GUNICORN_SAYS for part in each.split("! ")}  # one is put together of two
    assert [part for part in sorted(parts) if part not in source] == []


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (Seen(SMALL, CALL_ROUTE, "oud-patient-view", "anonymous", 200, "", 0.0123), "INFO"),
        (Seen(SMALL, "/cds-services", status=401, refused="login"), "INFO"),
        (Seen(SMALL, "/healthz", status=200), "DEBUG"),
        (Seen(SMALL, "", status=404, refused="not-found"), "DEBUG"),
    ],
)
def test_calls_are_told_at_info_and_the_rest_at_debug(caplog: pytest.LogCaptureFixture, seen: Seen, level: str) -> None:
    with caplog.at_level(logging.DEBUG, logger="cds_service"):
        call_log()(seen)
    (line,) = told(caplog)
    assert (line["event"], line["level"]) == ("call", level.lower())
    assert undocumented([line]) == []


def test_a_call_is_told_with_its_outcome(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="cds_service"):
        app_of().test_client().post("/cds-services/oud-patient-view", json=call())
    (line,) = told(caplog)
    assert line.pop("ms") > 0
    assert {name: line[name] for name in documented()["call"].fields & line.keys()} == {
        "route": CALL_ROUTE,
        "service": "oud-patient-view",
        "client": "anonymous",
        "status": 200,
        "cards": 1,
        "hook_instance": call()["hookInstance"],
        "release": SMALL.digest[:12],
    }


def test_a_call_names_the_site_file_that_changed_the_rules(caplog: pytest.LogCaptureFixture) -> None:
    at_site = replace(SMALL, site=SiteMark("Example", "a1b2" * 16))
    with caplog.at_level(logging.INFO, logger="cds_service"):
        call_log()(Seen(at_site, CALL_ROUTE, service="oud-patient-view", status=200))
    [line] = told(caplog)
    assert line["site"] == "a1b2" * 3


def test_the_level_that_was_chosen_is_heeded(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="cds_service"):
        call_log()(Seen(SMALL, CALL_ROUTE, status=200, answer=Answer(200, {"cards": []})))
    assert told(caplog) == []


CONFIGURED = """
import logging, sys, threading, warnings
from cds_service.edges.logs import configure
configure(sys.argv[1])
log = logging.getLogger("cds_service")
log.debug("test-debug")
log.info("test-info")
logging.getLogger("gunicorn.error").info("Handling signal: %s", "hup")
logging.getLogger("gunicorn.error").debug("GET /SENTINEL")
logging.getLogger("urllib3").info("SENTINEL")
logging.getLogger("urllib3").warning("%d SENTINEL", "no number")
class Bad(logging.Filter):
    def filter(self, record):
        record.created = "SENTINEL"
        return True
log.addFilter(bad := Bad())
log.error("test-unwritable")
log.removeFilter(bad)
warnings.warn("SENTINEL", stacklevel=1)
thread = threading.Thread(target=int, args=("SENTINEL",), name="SENTINEL")
thread.start()
thread.join()
class Ending:
    def __del__(self):
        raise KeyError("SENTINEL")
Ending()
raise ValueError("SENTINEL")
"""


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("debug", ["test-debug", "test-info", "gunicorn"]),
        ("info", ["test-info", "gunicorn"]),
        ("warning", []),
    ],
)
def test_all_that_a_process_says_is_json_and_quotes_nothing(level: str, wanted: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CONFIGURED, level], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    lines = [json.loads(each) for each in ran.stderr.splitlines()]
    assert (ran.returncode, ran.stdout) == (1, "")
    uncaught = ["uncaught", "uncaught", "uncaught"]
    assert [each["event"] for each in lines] == [*wanted, "library", "log-failed", "python-warning", *uncaught]
    assert [each["error"] for each in lines[-3:]] == ["ValueError", "KeyError", "ValueError"]
    assert lines[-1]["places"][0].startswith("<string>:")
    assert "SENTINEL" not in ran.stderr


# --- telling more than one --------------------------------------------------------------------------------------------


def test_one_who_raises_does_not_keep_the_others_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Seen] = []

    def fails(seen: Seen) -> None:
        raise KeyError("SENTINEL")

    def fails_too(seen: Seen) -> None:
        raise OSError("SENTINEL")

    with pytest.raises(ExceptionGroup) as group:
        all_of(fails, heard.append, fails_too, heard.append)(seen := Seen(SMALL))
    assert heard == [seen, seen]
    assert [type(each) for each in group.value.exceptions] == [KeyError, OSError]


def test_a_call_is_answered_though_nobody_could_be_told(caplog: pytest.LogCaptureFixture) -> None:
    def fails(seen: Seen) -> None:
        raise KeyError("SENTINEL")

    app = app_of(seen=all_of(fails, fails))
    with caplog.at_level(logging.DEBUG):
        assert app.test_client().get("/healthz").status_code == 200
    lines = told(caplog)
    assert [(each["event"], each["error"]) for each in lines] == [("not-told", "KeyError")] * 2
    assert undocumented(lines) == []
    assert "SENTINEL" not in str(lines) + caplog.text


# --- processes that do not start, or whose end cannot be handled -----------------------------------------------------

FAILING = """
import os, signal, sys
from cds_service.edges.logs import configure
from cds_service.edges.rule_store import RulesProblem
from cds_service.edges.server import Opened, Serving, serve
from tests.http.small_release import app_of

how = sys.argv[1]

def open_app():
    if how == "own":
        raise RulesProblem("rules/release.yaml is gone")
    if how == "other":
        raise KeyError("SENTINEL")
    return Opened(app_of())

def on_child_end(pid):
    os.kill(os.getpid(), signal.SIGTERM)
    raise KeyError("SENTINEL")

def ready(port):  # runs in the worker, which dies once
    os.kill(os.getpid(), signal.SIGKILL)

configure("info")
serve(Serving("127.0.0.1", 0, 1, 1, "info", 5.0, ready, on_child_end, on_end=lambda: print("ended")), open_app)
"""


def failing(how: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, standard output and log of a server that fails so."""
    command = [sys.executable, "-c", FAILING, how]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "SENTINEL" not in ran.stderr
    return ran.returncode, ran.stdout, [json.loads(each) for each in ran.stderr.splitlines()]


@pytest.mark.parametrize(
    ("how", "error", "text"), [("own", "RulesProblem", "rules/release.yaml is gone"), ("other", "KeyError", None)]
)
def test_a_worker_that_cannot_start_says_why_in_a_line_and_ends_the_server(how: str, error: str, text: str) -> None:
    code, said, lines = failing(how)
    assert (code, said) == (3, "ended\n")
    (line,) = [each for each in lines if each["event"] == "worker-not-started"]
    assert (line["level"], line["error"], line.get("text")) == ("critical", error, text)
    assert undocumented(lines) == []


def test_the_master_outlives_an_end_that_cannot_be_handled() -> None:
    code, said, lines = failing("later")
    assert (code, said) == (0, "ended\n")
    found = [each["event"] for each in lines]
    assert found.count("child-end-failed") >= 1
    assert "Unhandled exception in main loop" not in [each.get("text") for each in lines]
    assert undocumented(lines) == []
