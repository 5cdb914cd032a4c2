"""clients.yaml: what it says is read whole, and every mistake is told at its place."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from cds_service.cli import main
from cds_service.clients.check import RULES_NOT_AT_HAND
from cds_service.clients.client import ANONYMOUS, Client, Rate
from cds_service.clients.forms import CLIENT, FORM
from cds_service.clients.profiles import PROFILES
from cds_service.clients.reader import read_clients, read_clients_text
from cds_service.config import Settings
from cds_service.core.profile import Profile
from cds_service.core.restricted import Part2
from cds_service.core.smart import SmartApp
from cds_service.rulebook.reader_shapes import BlockOf
from cds_service.wiring import check

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "clients.md"
EXAMPLE = ROOT / "docs" / "reference" / "clients-example.yaml"


def public_key(**changes: Any) -> dict[str, Any]:
    key: dict[str, Any] = dict(ECKey.import_key(ec.generate_private_key(ec.SECP384R1()).public_key()).as_dict())
    return {"kid": "one", **key, **changes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public_key()]}), encoding="utf-8")
    return tmp_path


WHOLE = """\
clients:
  mercy:
    issuers: [https://mercy.example.org, mercy-test]
    jku: [https://mercy.example.org/jwks, "http://127.0.0.1:9000/jwks"]
    keys: keys.json
    audience: [https://old.example.org/cds-services/oud-order-sign]
    tenants: [north, south]
    fhir_servers: [https://mercy.example.org/fhir]
    fhir_private: [10.20.0.0/16, "fd00::/8"]
    budget_ms: 800
    fhir_version: STU3
    strict: true
    timezone: America/Chicago
    not_held: [MedicationStatement, MedicationDispense]
    profile: epic
    links: [cds.example.org]
    spellings: {http://loinc.org: "urn:oid:1.2.3"}
    intent: order
    part2: {mode: ignore, by_confidentiality: true}
    replay: log
    rate: {per_second: 0.5, burst: 4}
    keep_comments: true
    explain: true
    smart_apps:
      - {label: Open the care plan, url: "https://cds.example.org/launch?a=1", rules: [mat-consideration]}
      - {label: All, url: "https://cds.example.org/all"}
"""


def test_every_key_is_read(folder: Path) -> None:
    file = read_clients_text(WHOLE, folder)
    assert [str(each) for each in file.problems] == []
    epic = PROFILES["epic"]
    assert file.clients.by_name == {
        "mercy": Client(
            name="mercy",
            issuers=("https://mercy.example.org", "mercy-test"),
            jku=("https://mercy.example.org/jwks", "http://127.0.0.1:9000/jwks"),
            keys=folder / "keys.json",
            audience=("https://old.example.org/cds-services/oud-order-sign",),
            tenants=("north", "south"),
            fhir_servers=("https://mercy.example.org/fhir",),
            fhir_private=("10.20.0.0/16", "fd00::/8"),
            budget_ms=800,
            fhir_version="STU3",
            strict=True,
            timezone=ZoneInfo("America/Chicago"),
            not_held=frozenset({"MedicationStatement", "MedicationDispense"}),
            profile=Profile(
                name="epic",
                creates=epic.creates,
                coded_only=True,
                declines=False,
                spellings={**epic.spellings, "http://loinc.org": "urn:oid:1.2.3"},
                smart_hosts=("cds.example.org",),
                intent="order",
                trigger_extension=epic.trigger_extension,
                hook_by_trigger=epic.hook_by_trigger,
            ),
            part2=Part2("ignore", by_confidentiality=True),
            replay="log",
            rate=Rate(0.5, 4),
            keep_comments=True,
            explain=True,
            smart_apps=(
                SmartApp("Open the care plan", "https://cds.example.org/launch?a=1", ("mat-consideration",)),
                SmartApp("All", "https://cds.example.org/all"),
            ),
        )
    }


def test_the_whole_form_is_used_above() -> None:
    written = {line.split(":")[0].strip() for line in WHOLE.splitlines()[2:] if line[4] != " "}
    assert {each.name for each in CLIENT.keys} == written


def test_what_is_left_out_is_the_careful_choice() -> None:
    file = read_clients_text("clients:\n  a:\n    issuers: i\n    jku: https://a.example.org/jwks\n")
    assert file.problems == ()
    assert file.clients.by_name["a"] == Client("a", issuers=("i",), jku=("https://a.example.org/jwks",))


def test_without_an_entry_whoever_is_not_checked_has_no_fhir_access() -> None:
    clients = read_clients_text("clients:\n  a: {issuers: i, jku: 'https://a.example.org'}\n").clients
    assert clients.anonymous is ANONYMOUS
    assert (ANONYMOUS.fhir_servers, ANONYMOUS.profile.name, ANONYMOUS.part2) == ((), "generic", Part2("use-no-detail"))


def test_an_entry_for_whoever_is_not_checked_is_used() -> None:
    clients = read_clients_text("clients:\n  anonymous:\n    profile: cerner\n").clients
    assert clients.anonymous.profile is PROFILES["cerner"]


KNOWN = "issuers: [i], jku: ['https://a.example.org']"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "1:1: bad-yaml: the file is empty"),
        ("client: {}\n", "1:1: unknown-key: a clients file has no key 'client'"),
        ("clients: [a]\n", "1:10: wrong-type: a list stands here; wanted a block of clients"),
        ("clients:\n  Mercy: {}\n", "2:3: bad-name: 'Mercy' is not a client's name in kebab-case, such as mercy-epic"),
        ("clients:\n  a: {}\n", "2:3: missing-key: client 'a' needs the key 'issuers'"),
        ("clients:\n  a: {issuers: i}\n", "2:3: missing-key: client 'a' needs 'keys' or 'jku'"),
        (f"clients:\n  a: {{{KNOWN}, issuer: j}}\n", "2:53: unknown-key: a client has no key 'issuer'"),
        (f"clients:\n  a: {{{KNOWN}, issuers: j}}\n", "2:53: duplicate-key: 'issuers' is written twice"),
        (
            f"clients:\n  a: {{{KNOWN}}}\n  b: {{{KNOWN}}}\n",
            "3:17: duplicate-key: this issuer belongs to 'a' already",
        ),
        (
            "clients:\n  a: {issuers: i, jku: http://a.example.org}\n",
            "2:24: bad-name: the URL is not https; http is taken on this machine only",
        ),
        (
            "clients:\n  a: {issuers: i, jku: 'https://n:p@a.example.org'}\n",
            "2:24: bad-name: the URL holds a name or a password",
        ),
        (
            "clients:\n  a: {issuers: i, jku: 'https://a.example.org:x'}\n",
            "2:24: bad-name: the URL cannot be read",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, fhir_servers: http://fhir.example.org}}\n",
            "2:67: bad-name: the URL is not https; http is taken on this machine only",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, fhir_version: DSTU2}}\n",
            "2:67: wrong-type: 'DSTU2' stands here; wanted a FHIR version: R4, R5, STU3",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, fhir_private: 10.20.0.1/16}}\n",
            "2:67: bad-name: '10.20.0.1/16' is no network; bits are set behind the mask",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, fhir_private: 10.20.0.0/33}}\n",
            "2:67: bad-name: '10.20.0.0/33' is no network; 10.20.0.0/16 is one",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, fhir_private: 10.20.0.1}}\n",
            "2:67: bad-name: '10.20.0.1' is not a network as CIDR, such as 10.20.0.0/16",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, budget_ms: 49}}\n",
            "2:64: wrong-type: '49' stands here; wanted a whole number from 50",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, budget_ms: 20001}}\n",
            "2:64: wrong-type: 20001 milliseconds are more than anybody waits for",
        ),
        (f"clients:\n  a: {{{KNOWN}, timezone: Chicago}}\n", "2:63: bad-name: 'Chicago' is no time zone"),
        (
            f"clients:\n  a: {{{KNOWN}, timezone: ../x}}\n",
            "2:63: bad-name: '../x' is not an IANA time zone, such as America/New_York",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, not_held: Condition}}\n",
            "2:63: wrong-type: Condition is always a source: without it nothing can be told",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, not_held: medication}}\n",
            "2:63: bad-name: 'medication' is not a FHIR resource type, such as MedicationStatement",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, profile: epik}}\n",
            "2:62: wrong-type: 'epik' stands here; wanted a profile: generic, epic, cerner, sandbox",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, links: 'https://x.example.org'}}\n",
            "2:60: bad-name: 'https://x.example.org' is not a host, such as www.example.org",
        ),
        (f"clients:\n  a: {{{KNOWN}, part2: use}}\n", "2:60: wrong-type: 'use' stands here; wanted a Part 2 policy"),
        (f"clients:\n  a: {{{KNOWN}, part2: {{}}}}\n", "2:60: missing-key: a Part 2 policy needs the key 'mode'"),
        (
            f"clients:\n  a: {{{KNOWN}, part2: {{mode: hide}}}}\n",
            "2:67: wrong-type: 'hide' stands here; wanted a mode: use, use-no-detail, ignore",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, replay: allow}}\n",
            "2:61: wrong-type: 'allow' stands here; wanted what to do: refuse, log",
        ),
        (f"clients:\n  a: {{{KNOWN}, rate: 5}}\n", "2:59: wrong-type: '5' stands here; wanted a rate"),
        (f"clients:\n  a: {{{KNOWN}, rate: {{per_second: 5}}}}\n", "2:59: missing-key: a rate needs the key 'burst'"),
        (
            f"clients:\n  a: {{{KNOWN}, rate: {{per_second: 0, burst: 1}}}}\n",
            "2:72: wrong-type: '0' stands here; wanted a number from 0.01",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, keep_comments: yes}}\n",
            "2:68: wrong-type: 'yes' stands here; wanted true or false",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, spellings: {{loinc: x}}}}\n",
            "2:65: bad-name: 'loinc' is not a code system's URI, such as urn:oid:2.16.840.1.113883.6.88",
        ),
        (
            "clients:\n  a: {issuers: i, keys: none.json}\n",
            "2:25: wrong-type: 'none.json' cannot be read: No such file or directory",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, smart_apps: https://x.example.org}}\n",
            "2:65: wrong-type: 'https://x.example.org' stands here; wanted a SMART app",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, smart_apps: {{label: More}}}}\n",
            "2:65: missing-key: a SMART app needs the key 'url'",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, smart_apps: {{label: {'m' * 61}, url: 'https://x.example.org'}}}}\n",
            f"2:73: bad-name: '{'m' * 60}' is not a label of at most 60 characters, such as Open the care plan",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, smart_apps: {{label: More, url: 'http://x.example.org'}}}}\n",
            "2:84: bad-name: the URL is not https; http is taken on this machine only",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, smart_apps: {{label: More, url: 'https://x.example.org?a#b'}}}}\n",
            "2:84: bad-name: the URL has a fragment",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, profile: epic, smart_apps: {{label: More, url: 'https://x.example.org'}}}}\n",
            "2:99: bad-name: SMART links of this client go only to hosts under 'links', and x.example.org is not there",
        ),
        (
            f"clients:\n  a: {{{KNOWN}, links: a.b, smart_apps: {{label: A, url: 'https://x.example.org'}}}}\n",
            "2:93: bad-name: SMART links of this client go only to hosts under 'links', and x.example.org is not there",
        ),
        (
            "clients:\n  anonymous: {tenants: x}\n",
            "2:15: wrong-type: 'tenants' is about a caller who is known, and anonymous is never asked",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, wanted: str, folder: Path) -> None:
    file = read_clients_text(text, folder)
    told = str(file.problems[0]).splitlines()[0]
    assert told == f"clients.yaml:{wanted}"
    assert len({(each.line, each.column) for each in file.problems}) == 1


def test_every_mistake_of_a_file_is_told_at_once_and_in_order() -> None:
    text = "clients:\n  a:\n    issuers: i\n    jku: ftp:x\n    profil: epic\n    replay: no\n    rate: 5\n"
    assert [(each.line, each.code) for each in read_clients_text(text).problems] == [
        (4, "bad-name"), (5, "unknown-key"), (6, "yaml-surprise"), (7, "wrong-type"),
    ]  # fmt: skip


# --- keys -------------------------------------------------------------------------------------------------------------


PRIVATE = {"kid": "one", **ECKey.import_key(ec.generate_private_key(ec.SECP384R1())).as_dict(private=True)}
UNFIT = "holds a key, number {}, that cannot be used: {}"


def faults_of(text: str, folder: Path) -> list[str]:
    """What is told of a key file with this text, without the file's name."""
    (folder / "keys.json").write_text(text, encoding="utf-8")
    problems = read_clients_text("clients:\n  a: {issuers: i, keys: keys.json}\n", folder).problems
    assert {(each.line, each.column, each.code) for each in problems} <= {(2, 25, "wrong-type")}
    return [each.text.removeprefix("'keys.json' ") for each in problems]


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ([], ["holds no key"]),
        ([public_key(use="sig")], []),
        ([PRIVATE], [UNFIT.format(1, "is a private key; only public keys are used")]),
        ([public_key(), public_key()], [UNFIT.format(2, "another key of the set has the same kid")]),
        ([public_key(), {"kid": "two", "kty": "oct", "k": "AQAB"}], [UNFIT.format(2, "kty is neither EC nor RSA")]),
    ],
)
def test_keys_that_could_never_verify_a_token_are_told(keys: list[Any], wanted: list[str], tmp_path: Path) -> None:
    assert faults_of(json.dumps({"keys": keys}), tmp_path) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{", "is no JSON file: it is not valid JSON at line 1 column 1"),
        ('{"keys": [], "keys": []}', "is no JSON file: it has a duplicate key at line 1 column 21"),
        ("[]", 'is no JWK Set: an object with an array "keys" is wanted'),
    ],
)
def test_what_is_no_key_set_is_told(text: str, wanted: str, tmp_path: Path) -> None:
    assert faults_of(text, tmp_path) == [wanted]


def test_no_key_material_is_repeated(tmp_path: Path) -> None:
    (fault,) = faults_of(json.dumps({"keys": [PRIVATE]}), tmp_path)
    assert PRIVATE["d"] not in fault


# --- the command, the example and the page ----------------------------------------------------------------------------


def test_the_example_can_be_served() -> None:
    assert [str(each) for each in read_clients(EXAMPLE).problems] == []


def test_every_key_has_its_entry_and_no_other() -> None:
    rows = {line.split("`")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")}
    (clients,) = FORM.keys
    assert isinstance(clients.shape, BlockOf)
    assert {each.name for each in CLIENT.keys} <= rows
    assert rows - {each.name for each in CLIENT.keys} == set(PROFILES)


def checked(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(["clients", "check", str(path), *options])
    return code, capsys.readouterr().out.replace(str(path), "clients.yaml")


@pytest.fixture(autouse=True)
def no_public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDS_PUBLIC_URL", raising=False)
    monkeypatch.delenv("CDS_CLIENTS", raising=False)


def test_check_says_what_a_client_may_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "clients.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    code, told = checked(path, capsys)
    assert code == 0
    told = told.replace(str(ROOT / "rules"), "rules")
    assert (
        told
        == f"""\
clients: clients.yaml
rules: rules

mercy
  known by: iss https://mercy.example.org, mercy-test
  keys from: {folder / "keys.json"}, https://mercy.example.org/jwks, http://127.0.0.1:9000/jwks
  audience: https://old.example.org/cds-services/oud-order-sign
  tenants: north, south
  a token shown before: taken, and logged
  FHIR servers: https://mercy.example.org/fhir
  FHIR servers may be in: 10.20.0.0/16, fd00::/8
  time to fetch: 800 ms from the start of a call
  FHIR version: STU3
  what is no FHIR: refused, after a look at every resource
  today: the day in America/Chicago
  no source here: MedicationDispense, MedicationStatement
  profile: epic; drafts only of Condition, MedicationRequest, ProcedureRequest; only drafts with a code; \
no drafts that say what is not to be done; 4 code systems spelt its way in drafts; \
SMART links only to cds.example.org; drafts with intent order; \
patient-view with trigger 27 answered as encounter-discharge
  SMART apps: 'Open the care plan', https://cds.example.org/launch?a=1, on cards of mat-consideration; \
'All', https://cds.example.org/all, on every card
  42 CFR Part 2 records: count as not read; R or V alone marks one
  rate: 0.5 calls a second, 4 at once, each worker by itself
  comments of feedback: stored
  explanations: given, of what a chart holds, when it asks

1 client, 0 findings
"""
    )


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("", "as its calls show"),
        (", fhir_servers: 'https://a.example.org/fhir'", "as its FHIR server states, else as its calls show"),
        (", fhir_servers: 'https://a.example.org/fhir', fhir_version: R5", "R5"),
    ],
)
def test_check_says_where_the_fhir_version_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, wanted: str
) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(f"clients:\n  a: {{{KNOWN}{more}}}\n", encoding="utf-8")
    _, told = checked(path, capsys)
    assert f"\n  FHIR version: {wanted}\n" in told


def test_check_tells_problems_and_nothing_of_clients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text("clients:\n  a: {issuers: i, jku: 'https://a.example.org', profil: epic}\n", encoding="utf-8")
    code, told = checked(path, capsys)
    assert code == 1
    assert (
        told
        == """\
clients: clients.yaml
clients.yaml:2:49: unknown-key: a client has no key 'profil'
    a: {issuers: i, jku: 'https://a.example.org', profil: epic}
                                                  ^
  hint: did you mean 'profile'?

1 client, 1 finding
"""
    )


def test_check_finds_what_may_be_read_and_should_not_be_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text("clients:\n  a: {issuers: i, jku: 'https://a.example.org', profile: sandbox}\n", encoding="utf-8")
    code, told = checked(path, capsys)
    assert code == 1
    assert told.startswith("""\
clients: clients.yaml
clients.yaml:2:3: no-audience: no `aud` of its tokens can be right
    a: {issuers: i, jku: 'https://a.example.org', profile: sandbox}
    ^
  hint: give it an `audience`, or set CDS_PUBLIC_URL to the URL that clients call
clients.yaml:2:3: sandbox-key: the private key of the public CDS Hooks sandbox is known to everybody: whoever has it \
can call as this client
    a: {issuers: i, jku: 'https://a.example.org', profile: sandbox}
    ^
  hint: keep it out of production

a
  known by: iss i
""")
    assert told.endswith("\n1 client, 2 findings\n")
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    code, told = checked(path, capsys, "--format", "json")
    assert [(each["line"], each["code"]) for each in json.loads(told)["findings"]] == [(2, "sandbox-key")]


def test_the_command_in_the_head_of_the_example_finds_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = EXAMPLE.read_text(encoding="utf-8").splitlines()
    command = "cds-service clients check docs/reference/clients-example.yaml"
    assert f"`CDS_PUBLIC_URL=https://cds.example.org {command}`" in head[1]
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    code, told = checked(EXAMPLE, capsys)
    assert (code, told.splitlines()[-1]) == (0, "2 clients, 0 findings")


NAMES_A_RULE = """\
clients:
  a:
    issuers: i
    jku: https://a.example.org
    audience: here
    smart_apps:
      - {label: Every card, url: "https://x.example.org"}
      - {label: One rule, url: "https://x.example.org", rules: [naltrexone-liver, mat-consideratoin]}
"""


def test_a_rule_that_is_not_in_the_release_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_RULES", str(ROOT / "rules"))
    path = tmp_path / "clients.yaml"
    path.write_text(NAMES_A_RULE, encoding="utf-8")
    code, told = checked(path, capsys)
    assert (code, told.splitlines()[:2]) == (1, ["clients: clients.yaml", f"rules: {ROOT / 'rules'}"])
    assert told.splitlines()[2] == "clients.yaml:8:83: unknown-rule: no rule 'mat-consideratoin' in this release"
    assert "  hint: did you mean 'mat-consideration'?\n" in told
    code, told = checked(path, capsys, "--format", "json")
    assert (code, [each["code"] for each in json.loads(told)["findings"]]) == (1, ["unknown-rule"])


def test_without_a_release_at_hand_check_says_that_rules_were_not_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_RULES", str(tmp_path / "none"))
    path = tmp_path / "clients.yaml"
    path.write_text(NAMES_A_RULE, encoding="utf-8")
    code, told = checked(path, capsys)
    assert (code, told.splitlines()[1]) == (0, RULES_NOT_AT_HAND)


def test_a_rule_that_is_not_in_the_release_is_told_at_start_up_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(NAMES_A_RULE, encoding="utf-8")
    rules, told, *_ = check(Settings(rules=ROOT / "rules", clients=path), None)
    assert rules.startswith("rules: ")
    assert told.startswith(f"{path}:8:83: unknown-rule: no rule 'mat-consideratoin' in this release")
    path.write_text(NAMES_A_RULE.replace("consideratoin", "consideration"), encoding="utf-8")
    assert not any("unknown-rule" in each for each in check(Settings(rules=ROOT / "rules", clients=path), None))


def test_check_without_a_file_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clients", "check"]) == 2
    assert "name a file, or set CDS_CLIENTS" in capsys.readouterr().err
    assert main(["clients", "check", "no-such-file.yaml"]) == 3
    assert "no-such-file.yaml is no file" in capsys.readouterr().err
