"""`cds-service doctor` at real servers: this service with callers checked and not, and what stands in front of it.

Each server that is wrong is wrong in one thing: the check that is about it says so, and no other does.
"""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from cds_service.calling.credential import NOBODY
from cds_service.calling.faults import Unheard
from cds_service.calling.target import read_target
from cds_service.cli import main
from cds_service.doctor.look import look
from cds_service.doctor.observed import Step
from cds_service.doctor.report import examine, exit_code
from cds_service.rulebook.release_lock import LOCK_FILE
from tests.http.odd_servers import Asked, Said, certificate, html, passing_on, serving_oddly, without
from tests.http.small_rules import FIRST, RULE, lock, small_rules, write_release, write_version
from tests.running import ISSUER, checking, free_port, private_key, serving

FINE, FINDINGS, USAGE, NO_ANSWER, KEY_FILE = 0, 1, 2, 6, 7
ORIGIN = "https://app.example.org"


@pytest.fixture(scope="module")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """This service, which checks nobody."""
    folder = tmp_path_factory.mktemp("open")
    with serving(folder, {"CDS_AUTH": "off", "CDS_CORS_ORIGINS": ORIGIN}) as url:
        yield url


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "ehr.json"
    path.write_text(json.dumps(private_key("ES384")), encoding="utf-8")
    path.chmod(0o600)  # else others can read it, which is warned of
    return path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Iterator[str]:
    """This service, which checks its callers and knows one, who has `key_file`."""
    folder = tmp_path_factory.mktemp("guarded")
    with serving(folder, checking(folder, json.loads(key_file.read_text(encoding="utf-8")))) as url:
        yield url


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, and give its exit code and what each check came to: check -> (state, found, to do)."""

    def run(url: str, *more: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
        capsys.readouterr()
        code = main(["doctor", "--url", url, "--format", "json", *more])
        came = capsys.readouterr()
        assert came.err == ""
        assert "secret" not in came.out
        told = json.loads(came.out)
        assert told["exit"] == code
        return code, {each["check"]: (each["state"], each["found"], each["toDo"]) for each in told["checks"]}

    return run


def signing(key_file: Path) -> list[str]:
    return ["--key", str(key_file), "--iss", ISSUER]


def bad(checks: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    """What is wrong or warned of: check -> state."""
    return {name: state for name, (state, _, _) in checks.items() if state in ("wrong", "warn")}


# --- all is well -----------------------------------------------------------------------------------------------------


def test_a_service_that_checks_nobody_is_fine_on_this_machine(doctor: Any, open_service: str) -> None:
    code, checks = doctor(open_service)
    assert (code, bad(checks)) == (FINE, {})
    assert checks["sample call"][:2] == ("ok", "oud-patient-view answers 200 with 1 card")
    assert [name for name, (state, _, _) in checks.items() if state == "not checked"] == ["token"]
    assert checks["gzip body"][1].startswith("status 415")
    assert checks["body size"][1] == "1.5 MB: status 200, as the sample call"


def test_a_service_that_checks_callers_is_fine_with_a_key(doctor: Any, guarded: str, key_file: Path) -> None:
    code, checks = doctor(f"{guarded}/cds-services/", *signing(key_file))
    assert (code, bad(checks)) == (FINE, {})
    assert [name for name, (state, _, _) in checks.items() if state == "not checked"] == []
    assert checks["token"][1] == "401 without it, and let in with it: the proxy passes Authorization on"
    assert checks["latency"][1].endswith("of 5 calls, connecting included")


def test_without_a_token_it_says_how_to_give_one(doctor: Any, guarded: str) -> None:
    code, checks = doctor(guarded)
    assert (code, bad(checks)) == (FINE, {})
    assert checks["asks for a token"][:2] == ("ok", "status 401 with WWW-Authenticate: Bearer")
    state, found, to_do = checks["sample call"]
    assert (state, found) == ("not checked", "status 401: the service checks its callers, and no token was given")
    assert to_do.startswith("--key FILE --iss ISS mints a token for each call")


def test_one_token_is_kept_for_the_sample_call(
    doctor: Any, guarded: str, key_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aud = f"{guarded}/cds-services/oud-patient-view"
    assert main(["token", *signing(key_file), "--aud", aud]) == FINE
    token = capsys.readouterr().out.strip()
    (tmp_path / "token").write_text(token, encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    code, checks = doctor(guarded, "--token-file", str(tmp_path / "token"))
    assert token not in str(checks)
    assert (code, bad(checks), checks["token"][0]) == (FINE, {}, "ok")
    assert checks["latency"][1].endswith("of one call, connecting included")


def test_the_text_has_a_line_for_each_check_and_counts(open_service: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--url", open_service, "--origin", ORIGIN]) == FINE
    lines = capsys.readouterr().out.splitlines()
    assert f"ok           url                 {open_service}" in lines
    assert "ok           cors                a page of the origin given may call" in lines
    assert lines[-1] == "19 ok, 1 not checked"


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_proxy_that_drops_authorization(doctor: Any, guarded: str, key_file: Path) -> None:
    proxy = passing_on(guarded, asked=lambda asked: without(asked, "authorization"))
    with serving_oddly(proxy) as url:
        code, checks = doctor(url, *signing(key_file), "--public-url", guarded)
    assert (code, bad(checks)) == (FINDINGS, {"token": "wrong"})
    assert checks["token"][1].startswith("status 401 with it as without it")
    assert "`token-missing` means that the proxy drops Authorization" in checks["token"][2]
    assert checks["sample call"][:2] == ("not checked", "status 401: the token was not taken; see `token`")


def test_a_public_url_that_is_not_what_clients_call(doctor: Any, tmp_path: Path, key_file: Path) -> None:
    settings = checking(tmp_path, json.loads(key_file.read_text(encoding="utf-8")))
    named = settings["CDS_PUBLIC_URL"].replace("http:", "https:")
    with serving(tmp_path, {**settings, "CDS_PUBLIC_URL": named}) as url:
        code, checks = doctor(url, *signing(key_file))
        assert (code, bad(checks)) == (FINDINGS, {"token": "wrong"})
        assert checks["token"][1] == f"taken only when it names {named} in place of {url}"
        assert checks["token"][2].startswith(f"set CDS_PUBLIC_URL={url} and start the service anew")
        code, checks = doctor(url, *signing(key_file), "--public-url", named)
        assert (code, bad(checks)) == (FINE, {})


def test_a_proxy_that_takes_a_path_off_which_the_public_url_lacks(doctor: Any, guarded: str, key_file: Path) -> None:
    def shorter(asked: Asked) -> Asked:
        return Asked(asked.method, asked.path.removeprefix("/cds"), asked.headers, asked.body)

    port = guarded.rpartition(":")[2]
    with serving_oddly(passing_on(guarded, asked=shorter)) as url:
        code, checks = doctor(f"{url}/cds", *signing(key_file), "--public-url", f"http://127.0.0.1:{port}/cds")
    assert (code, bad(checks)) == (FINDINGS, {"token": "wrong"})


def test_another_challenge_than_bearer(doctor: Any, guarded: str) -> None:
    basic = passing_on(guarded, said=lambda _, said: said.having(www_authenticate='Basic realm="x"'))
    with serving_oddly(basic) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINDINGS, {"asks for a token": "wrong"})
    assert checks["asks for a token"][1] == "status 401, and another way than Bearer is asked for"


def test_a_key_file_that_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--url", "http://127.0.0.1:9", "--key", str(tmp_path / "k"), "--iss", ISSUER]) == KEY_FILE
    assert "cannot be read" in capsys.readouterr().err


# --- a release that is not taken over --------------------------------------------------------------------------------


def test_a_release_that_arrives_piece_by_piece_is_warned_of_until_it_is_gone(doctor: Any, tmp_path: Path) -> None:
    folder, newer = small_rules(tmp_path / "rules"), small_rules(tmp_path / "newer")
    write_version(newer, "1.0.1", "A summary that goes on " + "and on " * 30)
    write_release(newer, "2026.1.1", "1.0.1")
    lock(newer)
    served = f"release {FIRST}, 1 rules active, 0 on trial"
    arrives = [
        ("release.yaml", "the release in its rules folder is not locked, and changes there are not served"),
        (LOCK_FILE, "the release in its rules folder waits, and what was served before stays"),
        (f"{RULE}/1.0.1.yaml", "the release in its rules folder was refused, and what was served before stays"),
    ]
    with serving(tmp_path, {"CDS_AUTH": "off", "CDS_RULES": str(folder)}) as url:

        def told(found: str) -> tuple[str, str, str]:
            """What the check came to, once it finds this: the service looks each second, and judges for some."""
            end = time.monotonic() + 60
            while (came := doctor(url))[1]["readyz"][1] != found and time.monotonic() < end:
                time.sleep(0.2)
            code, checks = came
            assert code == FINE
            assert set(bad(checks)) <= {"readyz"}
            return checks["readyz"]

        assert told(served) == ("ok", served, "")
        for name, meant in arrives:
            shutil.copyfile(newer / name, folder / name)
            state, found, to_do = told(f"{served}; {meant}")
            assert (state, found) == ("warn", f"{served}; {meant}")
            assert to_do.endswith("(docs/how-to/change-rules-while-serving.md)")
        shutil.copyfile(newer / "releases" / f"{FIRST}.yaml", folder / "release.yaml")
        assert told(served) == ("ok", served, "")


# --- what stands in front --------------------------------------------------------------------------------------------


def test_a_wrong_content_type(doctor: Any, open_service: str) -> None:
    def plain(asked: Asked, said: Said) -> Said:
        return said.having(content_type="text/plain") if asked.path == "/cds-services" else said

    with serving_oddly(passing_on(open_service, said=plain)) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINDINGS, {"discovery": "wrong"})
    assert checks["discovery"][1] == "status 200 with Content-Type text/plain; application/json is wanted"


def test_a_redirect_is_told_and_not_followed(doctor: Any) -> None:
    asked: list[str] = []

    def elsewhere(call: Asked) -> Said:
        asked.append(call.path)
        return Said(301, b"", {"location": "https://other.example.org/cds-services?key=secret"})

    with serving_oddly(elsewhere) as url:
        code, checks = doctor(url)
    assert code == FINDINGS
    assert checks["discovery"][:2] == (
        "wrong",
        "status 301: a redirect to https://other.example.org/cds-services, which is not followed",
    )
    assert checks["sample call"][0] == "not checked"
    assert asked == ["/cds-services", "/healthz", "/readyz"]


def test_an_html_page(doctor: Any) -> None:
    with serving_oddly(lambda _: html(200)) as url:
        code, checks = doctor(url)
    assert code == FINDINGS
    assert checks["discovery"][1] == "status 200 with an HTML page, where JSON was wanted"


def test_a_proxy_without_a_service_behind_it(doctor: Any) -> None:
    with serving_oddly(lambda _: html(502)) as url:
        code, checks = doctor(url)
    assert code == FINDINGS
    assert checks["discovery"][:2] == (
        "wrong",
        "status 502 (text/html): a proxy answers and reaches no service behind it",
    )
    assert checks["healthz"][0] == "wrong"


def test_a_proxy_that_does_not_take_its_path_off(doctor: Any, open_service: str) -> None:
    def outside(asked: Asked, said: Said) -> Said:
        return said if asked.path.startswith("/cds/") else html(404)

    with serving_oddly(passing_on(open_service, said=outside)) as url:
        code, checks = doctor(f"{url}/cds")
    assert code == FINDINGS
    assert checks["discovery"][:2] == (
        "wrong",
        "status 404 of the service itself: it was asked for another path than /cds-services",
    )
    assert checks["discovery"][2].startswith("let the proxy take /cds off before it passes a call on")


def test_a_path_that_is_not_served_while_the_root_is(doctor: Any, open_service: str) -> None:
    code, checks = doctor(f"{open_service}/cds")
    assert code == FINDINGS
    assert checks["discovery"][1] == f"status 404 here; {open_service}/cds-services answers 200"
    assert checks["discovery"][2].startswith(f"call {open_service}, or let the proxy serve /cds")


def test_nothing_at_the_path(doctor: Any) -> None:
    with serving_oddly(lambda _: html(404)) as url:
        code, checks = doctor(url)
    assert code == FINDINGS
    assert checks["discovery"][1] == "status 404, and not by the service: nothing is served at this path"


def test_a_slash_that_is_redirected(doctor: Any, open_service: str) -> None:
    def strict(asked: Asked, said: Said) -> Said:
        return Said(308, b"", {"location": "/cds-services"}) if asked.path.endswith("/") else said

    with serving_oddly(passing_on(open_service, said=strict)) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINE, {"trailing slash": "warn"})
    assert checks["trailing slash"][1] == "/cds-services/ answers 308 to /cds-services, and 200 without the slash"


@pytest.mark.parametrize(
    ("ahead_s", "state", "code"), [(120, "wrong", FINDINGS), (-3600, "wrong", FINDINGS), (6, "warn", FINE)]
)
def test_another_clock(doctor: Any, open_service: str, ahead_s: int, state: str, code: int) -> None:
    def dated(_: Asked, said: Said) -> Said:
        return said.having(date=formatdate(time.time() + ahead_s, usegmt=True))

    with serving_oddly(passing_on(open_service, said=dated)) as url:
        came, checks = doctor(url)
    assert (came, bad(checks)) == (code, {"clock": state})
    assert ("behind" if ahead_s < 0 else "ahead of") in checks["clock"][1]
    assert checks["clock"][1].endswith("tokens are taken up to 10 s apart")
    assert checks["clock"][2].startswith("set both clocks by NTP")


def test_a_limit_of_body_size_below_the_services(doctor: Any, open_service: str) -> None:
    def small(asked: Asked, said: Said) -> Said:
        return html(413) if len(asked.body) > 1_000_000 else said

    with serving_oddly(passing_on(open_service, said=small)) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINDINGS, {"body size": "wrong"})
    assert checks["body size"][1] == "1.5 MB: status 413, by the proxy and not by the service"
    assert "client_max_body_size" in checks["body size"][2]


def test_chunks_that_are_not_passed_on(doctor: Any, open_service: str) -> None:
    def lengths_only(asked: Asked, said: Said) -> Said:
        return html(411) if "transfer-encoding" in asked.headers else said

    with serving_oddly(passing_on(open_service, said=lengths_only)) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINE, {"chunked body": "warn"})
    assert checks["chunked body"][1] == "without Content-Length: status 411, and 200 else"


def test_answers_that_may_be_kept(doctor: Any, open_service: str) -> None:
    with serving_oddly(passing_on(open_service, said=lambda _, said: said.having(cache_control=""))) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINE, {"headers of answers": "warn"})
    assert checks["headers of answers"][1] == "missing: Cache-Control: no-store"


def test_answers_out_of_a_cache(doctor: Any, open_service: str) -> None:
    with serving_oddly(passing_on(open_service, said=lambda _, said: said.having(age="12"))) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINDINGS, {"headers of answers": "wrong"})


def test_a_proxy_that_shows_itself(doctor: Any, open_service: str) -> None:
    with serving_oddly(
        passing_on(open_service, said=lambda _, said: said.having(via="1.1 edge", server="nginx"))
    ) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINE, {})
    assert checks["proxies"][1].startswith("Via: 1.1 edge; Server: nginx")


def test_an_origin_that_is_not_listed(doctor: Any, open_service: str) -> None:
    code, checks = doctor(open_service, "--origin", "https://other.example.org")
    assert (code, bad(checks)) == (FINDINGS, {"cors": "wrong"})
    assert checks["cors"][2].startswith("add https://other.example.org to CDS_CORS_ORIGINS")


def test_cors_that_is_answered_twice(doctor: Any, open_service: str) -> None:
    def twice(_: Asked, said: Said) -> Said:
        return said.having(access_control_allow_origin=f"{ORIGIN}, *")

    with serving_oddly(passing_on(open_service, said=twice)) as url:
        code, checks = doctor(url, "--origin", ORIGIN)
    assert (code, bad(checks)) == (FINDINGS, {"cors": "wrong"})
    assert "stands twice" in checks["cors"][1]


def test_an_origin_that_is_none_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--url", "http://127.0.0.1:9", "--origin", "app.example.org/x"]) == USAGE
    assert capsys.readouterr().err.startswith("--origin: give scheme, host and port")


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ({}, "the certificate is signed by nobody that is trusted (self-signed)"),
        ({"days": -2, "began_days_ago": 30, "trusted": True}, "the certificate has expired"),
        ({"name": "other.example.org", "trusted": True}, "the certificate is not for this address"),
    ],
)
def test_a_certificate_that_is_not_trusted(doctor: Any, tmp_path: Path, made: dict[str, Any], found: str) -> None:
    trusted = made.pop("trusted", False)
    held = certificate(tmp_path / "held.pem", **made)
    asked: list[str] = []

    def remembered(call: Asked) -> Said:
        asked.append(call.path)
        return html(200)

    with serving_oddly(remembered, held) as url:
        code, checks = doctor(url, *(["--ca-file", str(held)] if trusted else []))
    assert code == FINDINGS
    assert checks["tls"][:2] == ("wrong", found)
    assert checks["discovery"][:2] == ("not checked", "the way there comes first")
    assert asked == []


@pytest.mark.parametrize(("days", "wanted"), [(200, {}), (3, {"tls": "warn"})])
def test_a_certificate_that_is_trusted(
    doctor: Any, open_service: str, tmp_path: Path, days: int, wanted: dict[str, str]
) -> None:
    held = certificate(tmp_path / "held.pem", days=days, began_days_ago=60)
    with serving_oddly(passing_on(open_service), held) as url:
        code, checks = doctor(url, "--ca-file", str(held))
    assert (code, bad(checks)) == (FINE, wanted)
    assert checks["tls"][1].startswith("TLSv1.3, a certificate for this name until ")


def test_http_where_tls_was_wanted(doctor: Any, open_service: str) -> None:
    code, checks = doctor(open_service.replace("http:", "https:"))
    assert (code, checks["tls"][:2]) == (
        FINDINGS,
        ("wrong", "what answers does not speak TLS: it looks like plain HTTP"),
    )


# --- nobody answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", ["cds.example.org", "ftp://cds.example.org", "https://me:secret@example.org", "http://"]
)
def test_a_url_that_is_none(doctor: Any, form: str) -> None:
    code, checks = doctor(form)
    assert (code, bad(checks)) == (FINDINGS, {"url": "wrong"})


def test_a_name_that_is_not_known(doctor: Any) -> None:
    code, checks = doctor("https://nowhere.invalid")
    assert (code, bad(checks)) == (NO_ANSWER, {"name": "wrong"})
    assert checks["name"][1] == "the name is not known"


def test_nothing_listens(doctor: Any) -> None:
    code, checks = doctor(f"http://127.0.0.1:{free_port()}")
    assert (code, bad(checks)) == (NO_ANSWER, {"connection": "wrong"})
    assert checks["connection"][1] == "nothing listens at this port (connection refused)"


def test_a_connection_that_is_cut(doctor: Any) -> None:
    with serving_oddly(lambda _: Said(0)) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (NO_ANSWER, {"discovery": "wrong"})
    assert checks["discovery"][1] == "the connection was cut before the answer was whole"


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        seen = look(read_target(f"http://127.0.0.1:{listener.getsockname()[1]}"), NOBODY, step_s=0.4)
        assert time.monotonic() - began < 3
    found = {each.check: each for each in examine(seen)}
    assert exit_code(seen, list(found.values())) == NO_ANSWER
    assert found["discovery"].found == "no whole answer came within 0.4 seconds"


def test_a_server_that_drips_is_left_in_time() -> None:
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        listener.accept()[0].close()  # that of `connection`
        held, _ = listener.accept()
        with held:
            held.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not over.wait(0.1):
                held.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripping = threading.Thread(target=drip, args=(listener,))
        dripping.start()
        try:
            began = time.monotonic()
            seen = look(read_target(f"http://127.0.0.1:{listener.getsockname()[1]}"), NOBODY, step_s=0.5)
            assert time.monotonic() - began < 3
        finally:
            over.set()
            dripping.join()
    answer = seen.answers[Step.DISCOVERY]
    assert isinstance(answer, Unheard)
    assert answer.kind == "timeout"


def test_a_slow_service_is_warned_of(doctor: Any, open_service: str) -> None:
    def slowly(asked: Asked, said: Said) -> Said:
        return Said(said.status, said.body, said.headers, 0.6 if asked.method == "POST" else 0)

    with serving_oddly(passing_on(open_service, said=slowly)) as url:
        code, checks = doctor(url)
    assert (code, bad(checks)) == (FINE, {"latency": "warn"})
    assert checks["latency"][1].endswith("of 5 calls, connecting included; a clinician waits for it")


def test_looking_ends_when_its_time_is_over(open_service: str) -> None:
    seen = look(read_target(open_service), NOBODY, all_s=0)
    found = {each.check: each for each in examine(seen)}
    assert found["time"].found.startswith("looking took too long")
