"""Reading FHIR ValueSet files."""

import json

import pytest

from cds_service.core.facts import Coding
from cds_service.core.value_set import ICD_10_CM
from cds_service.rulebook.value_set_file import EXTENSION, read_value_set_file

SNOMED = "http://snomed.info/sct"


def ext(name, value):
    return {"url": EXTENSION + name, "valueCode" if name in ("found-in", "disjoint-from") else "valueString": value}


def body(**members):
    return {
        "resourceType": "ValueSet",
        "id": "some-set",
        "url": "https://oud-cds.example/fhir/ValueSet/some-set",
        "version": "1.0.0",
        "title": "Some set",
        "status": "draft",
        "compose": {"include": [{"system": SNOMED, "concept": [{"code": "75544000", "display": "Opioid dependence"}]}]},
    } | members


def read(tmp_path, content, folder="some-set", version="1.0.0"):
    path = tmp_path / folder / f"{version}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return read_value_set_file(path)


def problem(tmp_path, content):
    value_set, problems = read(tmp_path, content)
    assert value_set is None
    assert len(problems) == 1, [str(each) for each in problems]
    return problems[0]


def test_codes_subtrees_and_what_is_taken_out_are_read(tmp_path):
    compose = {
        "include": [
            {"system": ICD_10_CM, "filter": [{"property": "concept", "op": "is-a", "value": "F11.2"}]},
            {"system": ICD_10_CM, "concept": [{"code": "F1110", "display": "Official name"}]},
        ],
        "exclude": [
            {"system": ICD_10_CM, "concept": [{"code": "F11.21"}]},
            {"system": ICD_10_CM, "filter": [{"property": "concept", "op": "is-a", "value": "F11.28"}]},
        ],
    }
    value_set, problems = read(tmp_path, body(compose=compose))
    assert problems == ()
    assert value_set.codes == {Coding(ICD_10_CM, "F11.10")}
    assert value_set.subtrees == {Coding(ICD_10_CM, "F11.2")}
    assert value_set.not_codes == {Coding(ICD_10_CM, "F11.21")}
    assert value_set.not_subtrees == {Coding(ICD_10_CM, "F11.28")}
    assert value_set.displays == {Coding(ICD_10_CM, "F11.10"): "Official name"}


def test_extensions_give_phrases_lists_and_disjoint_sets(tmp_path):
    extension = [
        ext("phrase", "Opioid-Use Disorder"),
        ext("excluded-phrase", "R/O"),
        ext("found-in", "labs"),
        ext("disjoint-from", "other-set"),
        {"url": "http://hl7.org/fhir/StructureDefinition/valueset-author", "valueString": "ignored"},
    ]
    value_set, problems = read(tmp_path, body(extension=extension))
    assert problems == ()
    assert value_set.phrases == ("opioid use disorder",)
    assert value_set.not_phrases == ("r o",)
    assert value_set.found_in == {"labs"}
    assert value_set.disjoint_from == ("other-set",)


def test_an_expansion_is_read_with_its_children_and_decides_alone(tmp_path):
    expansion = {
        "total": 3,
        "contains": [
            {"abstract": True, "display": "Group", "contains": [{"system": SNOMED, "code": "5602001"}]},
            {"system": SNOMED, "code": "87132004", "display": "Opioid withdrawal"},
        ],
    }
    imported = {"include": [{"valueSet": ["http://example.org/other"]}]}
    value_set, problems = read(tmp_path, body(expansion=expansion, compose=imported))
    assert problems == ()
    assert value_set.codes == {Coding(SNOMED, "5602001"), Coding(SNOMED, "87132004")}


def test_a_set_of_phrases_alone_is_read(tmp_path):
    content = body(extension=[ext("phrase", "cows")])
    del content["compose"]
    value_set, problems = read(tmp_path, content)
    assert problems == ()
    assert value_set.codes == frozenset()
    assert value_set.phrases == ("cows",)


def include(**block):
    return body(compose={"include": [block]})


IS_A = {"property": "concept", "op": "is-a", "value": "F11.2"}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (body(id="other-set"), "bad-name", "wanted 'some-set'"),
        (body(version="1.0.1"), "bad-name", "wanted '1.0.0'"),
        (body(title=""), "wrong-type", "/title"),
        (body(resourceType="CodeSystem"), "wrong-type", "'CodeSystem'"),
        (body(surprise=1), "unknown-key", "/surprise"),
        (body(modifierExtension=[]), "unknown-key", "/modifierExtension"),
        (body(compose={"include": []}), "missing-key", "neither codes nor phrases"),
        (body(extension=[ext("phrase", "!?")]), "wrong-type", "letters or digits"),
        (body(extension=[ext("phraze", "x")]), "unknown-key", "phraze"),
        (body(extension=[ext("phrase", "a"), ext("excluded-phrase", "A")]), "two-kinds", "'a' is a phrase"),
        (body(extension=[ext("excluded-phrase", "a")]), "missing-key", "no phrase"),
        (body(extension=[ext("found-in", "vitals")]), "wrong-type", "wanted one of labs"),
        (body(expansion={"total": 9, "contains": [{"system": SNOMED, "code": "1"}]}), "wrong-type", "a page of 1"),
        (include(system=ICD_10_CM, filter=[IS_A | {"op": "descendent-of"}]), "wrong-type", "'descendent-of'"),
        (include(system=ICD_10_CM, filter=[IS_A | {"property": "parent"}]), "wrong-type", "'parent'"),
        (include(system=ICD_10_CM, filter=[IS_A | {"value": "F10-F19"}]), "wrong-type", "'F10-F19'"),
        (include(system=ICD_10_CM, filter=[IS_A, IS_A]), "two-kinds", "several filters"),
        (include(system=SNOMED, filter=[IS_A | {"value": "75544000"}]), "wrong-type", "only ICD-10-CM"),
        (include(system=SNOMED, filter=[IS_A], concept=[{"code": "1"}]), "two-kinds", "both codes and a filter"),
        (include(system=SNOMED, concept=[{"code": ""}, {"code": "1"}]), "wrong-type", "/compose/include/0/concept/0"),
        (include(concept=[{"code": "1"}]), "missing-key", "/compose/include/0/system"),
    ],
)
def test_what_would_change_the_meaning_is_refused_with_its_place(tmp_path, content, code, said):
    value_set, problems = read(tmp_path, content)
    assert value_set is None
    assert problems[0].code == code
    assert said in str(problems[0])
    assert problems[0].severity == "error"


def test_a_whole_code_system_is_refused(tmp_path):
    _, problems = read(tmp_path, include(system=SNOMED))
    assert problems[0].code == "two-kinds"
    assert "a whole code system" in problems[0].text


def test_an_import_of_another_value_set_is_refused(tmp_path):
    _, problems = read(tmp_path, include(system=SNOMED, concept=[{"code": "1"}], valueSet=["http://example.org/vs"]))
    assert [(each.code, "/compose/include/0/valueSet" in each.text) for each in problems] == [("unknown-key", True)]


def test_a_file_that_is_not_json_is_told_with_line_and_column(tmp_path):
    found = problem(tmp_path, '{\n  "resourceType": "ValueSet",\n  oops\n}')
    assert (found.code, found.line, found.column) == ("bad-yaml", 3, 3)


def test_a_key_written_twice_is_told(tmp_path):
    text = json.dumps(body(), indent=2).replace('"title"', '"version": "1.0.0",\n  "title"')
    assert problem(tmp_path, text).code == "duplicate-key"


def test_an_unreadable_file_is_told(tmp_path):
    value_set, problems = read_value_set_file(tmp_path / "some-set" / "1.0.0.json")
    assert value_set is None
    assert problems[0].code == "bad-yaml"


def test_all_problems_of_a_file_come_at_once(tmp_path):
    _, problems = read(tmp_path, body(id="x-y", version="2.0.0", surprise=1))
    assert [each.code for each in problems] == ["unknown-key", "bad-name", "bad-name"]


def test_a_problem_points_at_the_line_of_its_key(tmp_path):
    found = problem(tmp_path, body(surprise=1))
    assert '"surprise"' in found.source_line
