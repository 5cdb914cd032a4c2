"""YAML files as nodes with places: what is refused, and how a problem is printed."""

import pytest

from cds_service.rulebook.source import (
    DEPTH_LIMIT,
    FAULT_LIMIT,
    LINE_SHOWN,
    NODE_LIMIT,
    SIZE_LIMIT,
    Allow,
    Mark,
    RuleProblem,
    nearest,
    parse_source,
    read_source,
)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: &x 1\n", 1, 4, "anchor '&x'"),
        ("a: 1\nb: *x\n", 2, 4, "alias '*x'"),
        ("a: !!str 1\n", 1, 4, "tag"),
        ("a: !thing {b: 1}\n", 1, 4, "tag"),
        ("a: &x [1]\n", 1, 4, "anchor"),
        ("a: 1\n--- \nb: 2\n", 2, 1, "second document"),
        ("%YAML 1.1\n---\na: 1\n", 1, 1, "directives"),
        ("a:\n  <<: {b: 1}\n", 2, 3, "merge keys"),
        ("a: 1\nb:\t2\n", 2, 3, "tab"),
        ("a:\n  - [1, {x: 2}, {y]\n", 2, 19, "expected"),
        ("{[1]: 2}\n", 1, 2, "a key must be one word"),
        ("a: {minimum_age: 1}}\n", 1, 20, "more stands after the closing }"),
        ("a: " + "[" * (DEPTH_LIMIT + 1), 1, 3 + DEPTH_LIMIT, "nest deeper"),
        ("a" * (SIZE_LIMIT + 1), 1, 1, "longer than"),
        ("", 1, 1, "empty"),
        ("# nothing\n", 1, 1, "empty"),
        ("a: \x00\n", 1, 4, "control characters"),
        ("a: 1\nb: x\x0cy\n", 2, 5, "control characters (U+000C)"),
        ("a: 1\nb:\u00a02\n", 2, 3, "no-break space"),
        ("a: 1\nb: 2\u200b\n", 2, 5, "zero-width space"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\n", 2, 1, "two versions were merged"),
    ],
)
def test_what_rule_files_do_without_is_refused_at_its_place(text, line, column, words):
    source, problems = parse_source(text, "f.yaml")
    assert source.root is None
    first = problems[0]
    assert (first.code, first.line, first.column) == ("bad-yaml", line, column)
    assert words in first.text


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("w: 1\na: [b, c\nd: 2\n", 2, 4, "close the block or list"),
        ("w: 1\na: {b: c\nd: 2\n", 2, 4, "close the block or list"),
        ("w: 1\na: 'b\nd: 2\n", 2, 4, "close the quote"),
        ("w: 1\na: 'b\nc: 'd'\ne: 1\n", 2, 4, "close the quote at the end of its text"),
        (
            "w: 1\na:\n    b: 1\n   c: 2\n",
            4,
            4,
            "keys and dashes of one block that begins in line 1 stand in one column: 1, the last of them in line 2",
        ),
        ("a:\n  - 1\n  b: 2\n", 3, 3, "keys and dashes of one block that begins in line 2 stand in one column"),
        ("a:\n  b: 1\n  c:2\nd: 3\n", 3, 3, "a key needs a colon and a space after it"),
        ("a:\n  b: 1\n    c: 2\n", 3, 5, "keys of one block stand in one column"),
        ("a: b: c\n", 1, 5, "quote text that holds a comma, a colon or a brace"),
        ("a: >= 18\n", 1, 5, "quote text that begins with > or |"),
        ("a: @b\n", 1, 4, "quote text that begins with a sign"),
    ],
)
def test_a_fault_of_yaml_says_where_it_began_and_what_to_do(text, line, column, hint):
    first = parse_source(text, "f.yaml")[1][0]
    assert (first.line, first.column) == (line, column)
    assert first.hint.startswith(hint)


def test_every_refused_thing_of_a_file_is_told_at_once():
    _, problems = parse_source("a: &x 1\nb: *x\nc: !t 2\n", "f.yaml")
    assert [each.line for each in problems] == [1, 2, 3]


def test_aliases_that_would_multiply_are_refused_before_anything_grows():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert parse_source(bomb, "f.yaml")[0].root is None


def test_a_file_that_nests_ten_thousand_deep_is_refused():
    assert parse_source("[" * 10_000, "f.yaml")[1][0].text.startswith("blocks and lists nest deeper")


def test_a_file_of_more_nodes_than_any_rule_has_is_refused():
    assert parse_source("a:\n" + "  - x\n" * (NODE_LIMIT - 3), "f.yaml")[1] == ()
    [told] = parse_source("a:\n" + "  - x\n" * NODE_LIMIT, "f.yaml")[1]
    assert told.text == f"the file holds more than {NODE_LIMIT} keys, values and items"


@pytest.mark.parametrize("text", ["a: [" + "*b, " * 50_000 + "]\n", "a: 1\nb:\t2\n" * 50_000])
def test_of_very_many_faults_the_first_are_told(text):
    assert len(parse_source(text, "f.yaml")[1]) == FAULT_LIMIT


def test_of_a_long_line_the_part_around_the_place_is_shown():
    line = "a" * 500 + "!" + "b" * 100_000
    said = str(RuleProblem("f.yaml", 1, 501, "bad-yaml", "text", source_line=line)).splitlines()
    assert len(said[1]) == LINE_SHOWN + 2
    assert said[1][said[2].index("^")] == "!"


def test_the_first_of_two_equal_keys_stays_and_the_second_is_told():
    source, problems = parse_source("a: 1\nb: 2\na: 3\n", "f.yaml")
    assert source.root.get("a").text == "1"
    assert [(each.code, each.line, each.column) for each in problems] == [("duplicate-key", 3, 1)]
    assert problems[0].hint == "it stands in line 1 already"


def test_scalars_stay_text_as_written():
    source, _ = parse_source("a: [NO, on, 0123, 1.10, 2026-03-01, ~, 1e3, 'q']", "f.yaml")
    items = source.root.get("a").items
    assert [each.text for each in items] == ["NO", "on", "0123", "1.10", "2026-03-01", "~", "1e3", "q"]
    assert [each.plain for each in items] == [True] * 7 + [False]


def test_every_key_and_value_knows_its_place():
    source, _ = parse_source("criteria:\n  oud:\n    find: Condition\n    code_in: [a-set, b-set]\n", "f.yaml")
    assert source.mark(("criteria", "oud", "code_in", 1)) == Mark(4, 22)
    assert source.key_mark(("criteria", "oud", "code_in")) == Mark(4, 5)
    assert source.mark(("criteria", "oud", "find")) == Mark(3, 11)


def test_a_single_item_stands_at_place_0_of_the_list_it_replaces():
    source, _ = parse_source("find: Condition\n", "f.yaml")
    assert source.mark(("find", 0)) == Mark(1, 7)
    assert source.has(("find", 0))


def test_a_place_that_does_not_exist_leads_to_the_nearest_one_above():
    source, _ = parse_source("criteria:\n  oud: {says: x}\n", "f.yaml")
    assert source.mark(("criteria", "oud", "during_last")) == Mark(2, 8)
    assert not source.has(("criteria", "oud", "during_last"))


def test_a_problem_is_printed_with_its_line_a_caret_and_a_hint():
    text = "criteria:\n  treated:\n    during_last: lookback_day\n"
    source, _ = parse_source(text, "rules/sample/1.2.0.yaml")
    place = ("criteria", "treated", "during_last")
    hint = nearest("lookback_day", ["lookback_days", "other"])
    printed = str(source.problem("unknown-parameter", place, "no parameter 'lookback_day'", hint))
    assert printed == (
        "rules/sample/1.2.0.yaml:3:18: unknown-parameter: no parameter 'lookback_day'\n"
        "      during_last: lookback_day\n"
        "                   ^\n"
        "  hint: did you mean 'lookback_days'?"
    )


def test_a_problem_without_line_or_hint_is_one_line():
    assert str(RuleProblem("f", 1, 2, "bad-yaml", "gone")) == "f:1:2: bad-yaml: gone"


def test_no_name_is_offered_when_none_is_near():
    assert nearest("zebra", ["lookback_days"]) == ""


def test_comments_that_allow_a_warning_are_collected_by_line():
    source, _ = parse_source("a: 1\nb: 2  # lint: allow unused-parameter because it is new\n", "f.yaml")
    assert source.allows == {2: (Allow("unused-parameter", "it is new", Mark(2, 7)),)}


def test_an_allow_without_a_reason_has_no_code():
    source, _ = parse_source("a: 1  # lint: allow unused-parameter\n", "f.yaml")
    assert [each.code for each in source.allows[1]] == [""]


def test_words_inside_a_folded_text_are_no_comment():
    source, _ = parse_source('a: "one\n  # lint: allow x because y\n  two"\n', "f.yaml")
    assert source.allows == {}


def test_a_file_that_is_not_there_is_a_problem_and_no_exception(tmp_path):
    source, problems = read_source(tmp_path / "none.yaml")
    assert (source.root, problems[0].code) == (None, "bad-yaml")


def test_a_byte_that_is_no_utf8_is_told_at_its_place(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    _, problems = read_source(path)
    assert [(each.code, each.line, each.column) for each in problems] == [("bad-yaml", 2, 4)]


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: two\r\n")
    source, problems = read_source(path)
    assert (problems, source.root.get("b").text) == ((), "two")


def test_a_place_after_the_last_item_leads_to_the_list():
    source, _ = parse_source("find: [a, b]\n", "f.yaml")
    assert source.mark(("find", 2)) == Mark(1, 7)
    assert not source.has(("find", 2))


def test_a_block_that_stands_alone_is_item_0_of_its_list():
    source, _ = parse_source("cards:\n  id: only\n", "f.yaml")
    assert source.mark(("cards", 0, "id")) == Mark(2, 7)
