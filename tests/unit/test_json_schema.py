"""The JSON Schemas of rules/schemas: what the code writes, valid themselves, true of every shipped file, and strict."""

import json
import random
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cds_service.cli import main
from cds_service.clients.reader import read_clients_text
from cds_service.rulebook.reader import read_definition_text, read_rule_text
from cds_service.rulebook.reader_shapes import BlockBy, BlockOf, Either, Form, Kinds, ListOf
from cds_service.rulebook.release_file import read_release_text
from cds_service.rulebook.site_file import read_site_text
from cds_service.rulebook.source import Node, parse_source
from cds_service.schemas import SCHEMAS, as_text, schema_of
from tests.unit.test_lint_robust import spoiled

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "rules"
COMMITTED = RULES / "schemas"
APART = {"definitions", "releases", "value-sets", "schemas"}
SAMPLE = ROOT / "tests" / "lint_sample"
FILES = {
    "rule": [each for folder in (RULES, SAMPLE) for each in folder.glob("*/*.yaml") if each.parent.name not in APART],
    "definition": [each for folder in (RULES, SAMPLE) for each in folder.glob("definitions/*/*.yaml")],
    "release": [RULES / "release.yaml", SAMPLE / "release.yaml", *RULES.glob("releases/*.yaml")],
    "site": [ROOT / "docs/reference/site-example.yaml", SAMPLE / "site.yaml"],
    "clients": [ROOT / "docs/reference/clients-example.yaml"],
}
EVERY_FILE = [(kind, path) for kind, paths in FILES.items() for path in sorted(paths)]
VALIDATORS = {kind: Draft202012Validator(schema_of(kind)) for kind in SCHEMAS}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PLAIN = {"true": True, "false": False, "null": None, "~": None, "": None}


def as_an_editor_reads(node: Node):
    """Give the value of a node by YAML 1.2 (core schema), as editors read it."""
    if node.kind == "list":
        return [as_an_editor_reads(each) for each in node.items]
    if node.kind == "block":
        return {key.text: as_an_editor_reads(value) for key, value in node.entries}
    if node.plain and node.text in _PLAIN:
        return _PLAIN[node.text]
    if node.plain and _NUMBER.fullmatch(node.text):
        return float(node.text) if re.search(r"[.eE]", node.text) else int(node.text)
    return node.text


def errors(kind, text):
    """Give the place and message of each complaint of a schema, the innermost ones of alternatives too."""
    source, problems = parse_source(text, "file.yaml")
    assert source.root, problems
    found = list(VALIDATORS[kind].iter_errors(as_an_editor_reads(source.root)))
    for each in found:  # grows while it is read
        found += each.context or ()
    return found


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_committed_schema_is_what_the_code_writes(kind):
    assert (COMMITTED / f"{kind}.json").read_text(encoding="utf-8") == as_text(schema_of(kind))


def test_no_other_schema_is_committed():
    assert {each.name for each in COMMITTED.iterdir()} == {f"{kind}.json" for kind in SCHEMAS}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schema_is_valid_by_its_own_dialect(kind):
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_reference_of_a_schema_leads_somewhere_and_everything_defined_is_used(kind):
    schema = schema_of(kind)
    named = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema)))
    assert named == schema["$defs"].keys()


@pytest.mark.parametrize(
    ("kind", "path"), [pytest.param(*each, id=str(each[1].relative_to(ROOT))) for each in EVERY_FILE]
)
def test_a_file_of_the_repository_is_valid(kind, path):
    assert [(each.json_path, each.message) for each in errors(kind, path.read_text(encoding="utf-8"))] == []


def test_there_are_files_of_every_sort():
    assert {kind for kind, paths in FILES.items() if paths} == set(SCHEMAS)


def keys_of(shape, seen):
    """Give (form, key) of every key of a form and of all that stands in it."""
    match shape:
        case Form(name=name, keys=keys) if name not in seen:
            seen.add(name)
            for key in keys:
                yield name, key
                yield from keys_of(key.shape, seen)
        case Either(options=options):
            for each in options:
                yield from keys_of(each, seen)
        case ListOf(item=item):
            yield from keys_of(item, seen)
        case BlockOf(value=value):
            yield from keys_of(value, seen)
        case BlockBy(values=values):
            for each in values.values():
                yield from keys_of(each, seen)
        case Kinds(forms=forms):
            for _, form in forms:
                yield from keys_of(form, seen)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_an_editor_has_words_for_every_key(kind):
    silent = [f"{form}: {key.name}" for form, key in keys_of(SCHEMAS[kind][0], set()) if not key.meaning]
    assert silent == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_example_of_a_name_is_of_its_form(kind):
    for name, each in schema_of(kind)["$defs"].items():
        for example in each.get("examples", ()):
            assert re.search(each["pattern"], example), (name, example)


RULE = (SAMPLE / "liver-test-due/1.0.0.yaml").read_text(encoding="utf-8")
DEFINITION = (SAMPLE / "definitions/treatment/1.0.0.yaml").read_text(encoding="utf-8")
RELEASE = (SAMPLE / "release.yaml").read_text(encoding="utf-8")
SITE = (ROOT / "docs/reference/site-example.yaml").read_text(encoding="utf-8")
CLIENTS = (ROOT / "docs/reference/clients-example.yaml").read_text(encoding="utf-8")
TEXTS = {"rule": RULE, "definition": DEFINITION, "release": RELEASE, "site": SITE, "clients": CLIENTS}
# Sort of file, what is replaced, what by, and where the schema must complain.
MISTAKES = [
    ("rule", "title: Liver test", "titel: Liver test", "$"),
    ("rule", "owner: Example group\n", "", "$"),
    ("rule", "schema: 1", "schema: 2", "$.schema"),
    ("rule", "id: liver-test-due", "id: liver_test_due", "$.id"),
    ("rule", "version: 1.0.0", "version: 1.10", "$.version"),
    ("rule", "version: 1.0.0", "version: v1.0.0", "$.version"),
    ("rule", "released: 2026-01-01", "released: January 2026", "$.released"),
    ("rule", "released: 2026-01-01", "released: 1.1.2026", "$.released"),
    ("rule", "hooks: [patient-view, order-sign]", "hooks: [patient-vew, order-sign]", "$.hooks"),
    ("rule", "hooks: [patient-view, order-sign]", "hooks: []", "$.hooks"),
    ("rule", "race: false", "race: 1", "$.attributes.race"),
    ("rule", "  race: false\n", "", "$.attributes"),
    ("rule", "value: 90, unit: days", "value: '90', unit: days", "$.parameters.recent_days.value"),
    ("rule", "range: [30, 180]", "range: [30]", "$.parameters.recent_days.range"),
    ("rule", "range: [30, 180]", "range: 30 to 180", "$.parameters.recent_days.range"),
    ("rule", "unit: days, range: [30, 180]", "units: days, range: [30, 180]", "$.parameters.recent_days"),
    ("rule", "grade: A", "grade: D", "$.evidence[0].grade"),
    ("rule", "code_in: oud-dependence", "code_in: OUD dependence", "$.criteria.oud_lately.code_in"),
    ("rule", "latest: true", "latest: yes", "$.criteria.liver_high.latest"),
    ("rule", "value: {at_least: alt_limit}", "value: {at_leats: alt_limit}", "$.criteria.liver_high.value"),
    ("rule", "hook: patient-view}", "hook: patient-view, any: old_enough}", "$.criteria.at_chart"),
    ("rule", "  at_chart: {says", "  AtChart: {says", "$.criteria"),
    ("rule", "if_unknown: no_card\n", "if_unknown: no card\n", "$.when.if_unknown"),
    ("rule", "label: Draft naltrexone\n", "lable: Draft naltrexone\n", "$.cards[1].suggestions[0]"),
    ("rule", "today: 2026-03-01", "today: 01/03/2026", "$.tests.base.today"),
    ("rule", "because: old_enough}", "becuase: old_enough}", "$.tests.must_not_fire[0]"),
    ("definition", "purpose:", "porpose:", "$"),
    ("definition", "\ntests:", "\ncards: []\ntests:", "$"),
    ("release", "liver-test-due: {active: 1.0.0}", "liver-test-due: 1.0.0", "$.rules['liver-test-due']"),
    ("release", "liver-test-due: {active: 1.0.0}", "liver-test-due: {activ: 1.0.0}", "$.rules['liver-test-due']"),
    ("release", "release: 2026.1.0", "release: 2026.1", "$.release"),
    ("release", "release: 2026.1.0\n", "", "$"),
    ("site", "    value: 30", "    value: thirty", "$.parameters['mat-consideration.declined_days'].value"),
    ("site", "declined_days:", "declined-days:", "$.parameters"),
    ("site", "run: disabled", "run: off", "$.rules['social-risk'].run"),
    ("site", "    by: A. Example, MD\n", "", "$.signed_off['mat-consideration']"),
    ("site", "consider.links:", "consider.link:", "$.wording"),
    ("site", "consider.links:", "consider.summary:", "$.wording['mat-consideration.consider.summary'].value"),
    ("clients", "profile: epic", "profile: Epic", "$.clients.mercy.profile"),
    ("clients", "per_second: 20", "per_second: fast", "$.clients.mercy.rate.per_second"),
    ("clients", "clients:\n", "client:\n", "$"),
]


@pytest.mark.parametrize(("kind", "old", "new", "where"), MISTAKES)
def test_a_mistake_is_refused_at_its_place(kind, old, new, where):
    assert old in TEXTS[kind], "the sample has no such piece"
    places = {each.json_path for each in errors(kind, TEXTS[kind].replace(old, new, 1))}
    assert where in places


READERS = {
    "rule": read_rule_text,
    "definition": read_definition_text,
    "release": read_release_text,
    "site": read_site_text,
    "clients": read_clients_text,
}


@pytest.mark.parametrize("seed", range(150))
@pytest.mark.parametrize("kind", ["rule", "definition", "release", "site"])
def test_what_the_reader_takes_the_schema_takes(kind, seed):
    """An editor must never mark as wrong what is right."""
    text = spoiled(TEXTS[kind], random.Random(seed))
    if not READERS[kind](text).problems:
        assert [(each.json_path, each.message) for each in errors(kind, text)] == []


def test_the_command_prints_one_schema(capsys):
    assert main(["rules", "schema", "release"]) == 0
    assert capsys.readouterr().out == as_text(schema_of("release"))


def test_the_command_without_a_sort_says_which_there_are(capsys):
    assert main(["rules", "schema"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(SCHEMAS)


def test_the_command_writes_all_into_a_folder(tmp_path, capsys):
    assert main(["rules", "schema", "--out", str(tmp_path / "new")]) == 0
    written = {each.name: each.read_text(encoding="utf-8") for each in (tmp_path / "new").iterdir()}
    assert written == {f"{kind}.json": as_text(schema_of(kind)) for kind in SCHEMAS}
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "new" / f"{kind}.json") for kind in SCHEMAS]


def test_a_folder_that_cannot_be_written_is_a_wrong_use(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["rules", "schema", "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("rules schema: ")


def test_a_sort_that_there_is_not_is_a_wrong_use():
    with pytest.raises(SystemExit) as ended:
        main(["rules", "schema", "rulez"])
    assert ended.value.code == 2


def test_the_map_that_the_page_shows_leads_each_schema_to_its_files():
    text = (ROOT / "docs/how-to/edit-rules-in-an-editor.md").read_text(encoding="utf-8")
    mapped = json.loads(re.findall(r"(?ms)^```json\n(.*?)^```$", text)[0])["yaml.schemas"]
    assert {ROOT / each for each in mapped} == set(COMMITTED.iterdir())
    for kind in ("rule", "definition", "release"):
        found = {each for each in ROOT.glob(mapped[f"rules/schemas/{kind}.json"]) if each.parent.name != "releases"}
        assert found == {each for each in FILES[kind] if RULES in each.parents and each.parent.name != "releases"}
