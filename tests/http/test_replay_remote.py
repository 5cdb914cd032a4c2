"""`cds-service replay --url` at real deployments: tokens, services of other names, and what answers that is none."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cds_service.calling.wire import Heard, send
from cds_service.cli import main
from cds_service.fixtures import names
from cds_service.replay import FINDINGS, FINE, KEY_FILE, NO_ANSWER, USAGE
from tests.http.odd_servers import Asked, Said, certificate, html, passing_on, serving_oddly
from tests.running import ISSUER, checking, private_key, serving

STORY = "patient-view/untreated-oud-icd10"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "ehr.json"
    path.write_text(json.dumps(private_key("RS384")), encoding="utf-8")
    path.chmod(0o600)  # else others can read it, which is warned of
    return path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("guarded")
    with serving(folder, checking(folder, json.loads(key_file.read_text(encoding="utf-8")))) as url:
        yield url


@pytest.fixture
def token(guarded: str, key_file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    aud = f"{guarded}/cds-services/oud-patient-view"
    assert main(["token", "--key", str(key_file), "--iss", ISSUER, "--aud", aud]) == FINE
    return capsys.readouterr().out.strip()


def listing(*services: tuple[str, str]) -> Said:
    body = {"services": [{"hook": hook, "id": name, "description": "", "prefetch": {}} for hook, name in services]}
    return Said(200, json.dumps(body).encode(), {"content-type": "application/json"})


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_key_mints_a_token_for_each_call(guarded: str, key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--url", guarded, "--key", str(key_file), "--iss", ISSUER]) == FINE
    came = capsys.readouterr()
    lines = [line for line in came.out.splitlines() if " · " in line]
    assert len(lines) == len(names())
    assert [line for line in lines if " · 401 · " in line] == []
    assert came.err == ""


def test_a_token_is_taken_once(guarded: str, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = tmp_path / "token"
    held.write_text(f"{token}\n", encoding="utf-8")
    assert main(["replay", "no-oud", "--url", guarded, "--token-file", str(held)]) == FINE
    assert "· 200 ·" in capsys.readouterr().out
    assert main(["replay", "no-oud", "--url", guarded, "--token", token]) == FINDINGS
    came = capsys.readouterr()
    assert came.err.startswith("401: the service did not take the token\n  it is good once")
    assert token not in came.out + came.err


def test_a_token_is_read_from_standard_input(
    guarded: str, token: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Bearer {token}\n"))
    assert main(["replay", "no-oud", "--url", guarded, "--token", "-"]) == FINE
    assert "· 200 ·" in capsys.readouterr().out


def test_one_token_for_all_fixtures_is_told_to_be_a_replay(
    guarded: str, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--url", guarded, "--token", token]) == FINDINGS
    told = capsys.readouterr().err
    assert "401: a token is good for one call of one URL" in told
    assert "--key FILE --iss ISS mints one for each call" in told


def test_without_a_token_it_says_how_to_give_one(guarded: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--url", guarded]) == FINDINGS
    assert capsys.readouterr().err.startswith("401: the service wants a token\n  --token - reads one")


def test_a_key_that_is_not_the_clients(guarded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(private_key("ES384")), encoding="utf-8")
    assert main(["replay", "no-oud", "--url", guarded, "--key", str(other), "--iss", ISSUER]) == FINDINGS
    assert "401: the service did not take the tokens minted from --key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--token", "a b"], "--token: a token of up to 8192 visible characters"),
        (["--token", ""], "--token: a token of up to 8192 visible characters"),
        (["--token", "a\r\nX: y"], "--token: a token of up to 8192 visible characters"),
        (["--token-file", "absent"], "--token-file: absent: No such file or directory"),
        (["--key", "absent"], "--iss: needed with --key"),
        (["--iss", "x"], "--iss: belongs to --key"),
        (["--public-url", "https://cds.example.org"], "--public-url: belongs to --key"),
        (["--ca-file", "absent"], "--ca-file: absent: No such file or directory"),
    ],
)
def test_options_that_give_no_credential(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--url", "http://127.0.0.1:9", *options]) == USAGE
    assert capsys.readouterr().err.startswith(said)


def test_a_token_does_not_go_over_http_to_another_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--url", "http://cds.example.org", "--token", "abc"]) == USAGE
    assert "is not sent over http to another machine" in capsys.readouterr().err


def test_a_token_without_a_url_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--token", "abc"]) == USAGE
    assert capsys.readouterr().err == "--token: belongs to --url\n"


def test_a_key_file_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--url", "http://127.0.0.1:9", "--key", "absent", "--iss", ISSUER]
    assert main(["replay", "no-oud", *options]) == KEY_FILE
    assert capsys.readouterr().err.startswith("absent: cannot be read")


# --- answers of others -----------------------------------------------------------------------------------------------

SOURCE = {"label": "Theirs"}
CARD = {"summary": "Hello", "indicator": "info", "source": SOURCE}


def answering(status: int, body: object) -> Callable[[Asked], Said]:
    """A service that lists one for each hook, and answers each call so."""

    def theirs(asked: Asked) -> Said:
        if asked.method == "GET":
            return listing(("patient-view", "theirs"))
        return Said(status, json.dumps(body).encode(), {"content-type": "application/json"})

    return theirs


@pytest.mark.parametrize("options", [[], ["--html"]])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (412, {"issue": None}),
        (412, {"issue": [None, {"details": None, "expression": None}, {"expression": [1]}]}),
        (200, {"cards": [], "extension": {"org.oud-cds.evaluation": {"unread": [1], "undecided": None}}}),
        (200, {"cards": [], "extension": {"org.oud-cds.evaluation": {"unread": None, "undecided": [{}, 1]}}}),
        (200, {"cards": [{**CARD, "suggestions": None}]}),
        (200, {"cards": [{**CARD, "suggestions": [{"label": "Do nothing"}]}]}),
        (200, {"cards": [{**CARD, "suggestions": [{"label": "A", "actions": [{"type": "delete", "resource": "1"}]}]}]}),
        (200, {"cards": [{**CARD, "links": [{"label": "A"}], "overrideReasons": [1]}]}),
    ],
)
def test_whatever_json_another_service_answers_is_compared(
    status: int, body: object, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving_oddly(answering(status, body)) as url:
        assert main(["replay", STORY, "--url", url, *options]) == FINDINGS
    came = capsys.readouterr()
    assert "was expected" in came.out + came.err or "no list `cards`" in came.out + came.err


def test_what_a_terminal_would_obey_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "a\x1b[31m\x07\x9b2Jb"
    card = {"summary": odd, "indicator": odd, "source": {"label": odd}, "detail": f"{odd}\n\n- {odd}"}
    evaluation = {"unread": {odd: odd}, "undecided": [{"ruleId": odd}]}
    bodies = [
        (200, {"cards": [card], "extension": {"org.oud-cds.evaluation": evaluation}}),
        (412, {"issue": [{"details": {"text": odd}, "expression": [f"prefetch.{odd}"]}]}),
    ]
    for status, body in bodies:
        for options in ([], ["--html"], ["--json"]):
            with serving_oddly(answering(status, body)) as url:
                main(["replay", STORY, "--url", url, *options])
            came = capsys.readouterr()
            shown = came.err if "--html" in options else came.out + came.err
            assert "31m" in shown
            assert [each for each in shown if not each.isprintable() and each != "\n"] == []


def test_the_body_of_a_redirect_is_not_unpacked() -> None:
    body = gzip.compress(bytes(200_000_000), 1)
    said = Said(302, body, {"location": "http://127.0.0.1:1/", "content-encoding": "gzip"})
    with serving_oddly(lambda asked: said) as url:
        tracemalloc.start()
        came = send("GET", url, seconds=20)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert isinstance(came, Heard)
    assert (came.status, came.headers["location"]) == (302, "http://127.0.0.1:1/")
    assert most < 50_000_000


# --- services --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["", "/cds-services", "/cds-services/", "/cds-services/theirs"])
def test_the_service_of_the_hook_is_found_below_a_path(named: str) -> None:
    posted: list[str] = []

    def theirs(asked: Asked) -> Said:
        if asked.method == "GET":
            return listing(("order-sign", "other"), ("patient-view", "theirs"), ("patient-view", "more"))
        posted.append(asked.path)
        return Said(200, b'{"cards": []}', {"content-type": "application/json"})

    with serving_oddly(theirs) as url:
        main(["replay", "no-oud", "--url", f"{url}/base/path{named}"])
    assert posted == ["/base/path/cds-services/theirs"]


def test_an_answer_that_is_compressed_unasked_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    def zipped(asked: Asked) -> Said:
        plain = listing(("patient-view", "theirs")) if asked.method == "GET" else Said(200, b'{"cards": []}')
        return Said(200, gzip.compress(plain.body), {"content-type": "application/json", "content-encoding": "gzip"})

    with serving_oddly(zipped) as url:
        assert main(["replay", "no-oud", "--url", url]) == FINE


def test_our_own_service_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    posted: list[str] = []

    def both(asked: Asked) -> Said:
        posted.append(asked.path)
        return listing(("patient-view", "theirs"), ("patient-view", "oud-patient-view"))

    with serving_oddly(both) as url:
        main(["replay", "no-oud", "--url", url])
    assert posted == ["/cds-services", "/cds-services/oud-patient-view"]


def test_a_hook_that_no_service_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with serving_oddly(lambda _: listing(("order-sign", "theirs"))) as url:
        assert main(["replay", "no-oud", "--url", url]) == USAGE
        assert capsys.readouterr().err == f"{url}/cds-services: lists no service for patient-view\n"
        assert main(["replay", "--url", url]) == FINDINGS
    assert "lists no service for encounter-discharge, order-select, patient-view; " in capsys.readouterr().err


# --- no answer of a service ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (html(200), "status 200 with an HTML page, where JSON was wanted"),
        (html(502), "status 502 (text/html): a proxy answers and reaches no service behind it"),
        (Said(302, b"", {"location": "https://x.example/login?s=1"}), "a redirect to https://x.example/login, which"),
        (Said(200, b"ok", {"content-type": "text/plain"}), "status 200 with text/plain, which holds no JSON object"),
        (Said(404, b"{}", {"content-type": "application/json"}), "status 404 and no list of services"),
        (Said(0), "the connection was cut before the answer was whole"),
    ],
)
def test_what_is_no_service_has_words_and_a_code_of_its_own(
    said: Said, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving_oddly(lambda _: said) as url:
        assert main(["replay", "no-oud", "--url", url]) == NO_ANSWER
    told = capsys.readouterr().err
    assert told.startswith(f"{url}/cds-services: ")
    assert words in told
    assert "secret" not in told


def test_a_call_that_a_proxy_answers_is_no_answer(guarded: str, capsys: pytest.CaptureFixture[str]) -> None:
    proxy = passing_on(guarded, said=lambda asked, said: html(503) if asked.method == "POST" else said)
    with serving_oddly(proxy) as url:
        assert main(["replay", "no-oud", "--url", url]) == NO_ANSWER
    assert f"{url}/cds-services/oud-patient-view: status 503 (text/html)" in capsys.readouterr().err


def test_a_certificate_that_is_not_trusted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = certificate(tmp_path / "held.pem")
    with serving_oddly(lambda _: listing(("patient-view", "theirs")), held) as url:
        assert main(["replay", "no-oud", "--url", url]) == NO_ANSWER
        assert "signed by nobody that is trusted (self-signed)" in capsys.readouterr().err
        assert main(["replay", "no-oud", "--url", url, "--ca-file", str(held)]) == FINDINGS


def test_a_name_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--url", "https://nowhere.invalid"]) == NO_ANSWER
    assert "the name is not known" in capsys.readouterr().err


def test_a_url_that_is_none_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-oud", "--url", "cds.example.org"]) == USAGE
    assert capsys.readouterr().err == "--url: the URL does not begin with https:// or http://\n"
