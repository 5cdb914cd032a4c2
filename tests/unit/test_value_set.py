"""Membership of codings and words in value sets."""

import string

import pytest

from cds_service.core import value_set
from cds_service.core.facts import TEXT_LIMIT, UNREADABLE_CONCEPT, Coding
from cds_service.core.value_set import ICD_10_CM, Table, ValueSet, holds, normalise, overlap, words

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD_10_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
NDC = "http://hl7.org/fhir/sid/ndc"

DISORDER = ValueSet(
    id="disorder",
    version="1.0.0",
    title="Disorder",
    codes=frozenset({Coding(SNOMED, "75544000")}),
    subtrees=frozenset({Coding(ICD_10_CM, "F11.2")}),
    not_codes=frozenset({Coding(ICD_10_CM, "F11.21")}),
    not_subtrees=frozenset({Coding(ICD_10_CM, "F11.28")}),
    phrases=("opioid use disorder", "oud"),
    not_phrases=("family history", "r o"),
)
DRUG = ValueSet(
    id="drug", version="1.0.0", title="Drug", codes=frozenset({Coding(RXNORM, "1010604")}), phrases=("suboxone",)
)
NAMED = ValueSet(id="named", version="1.0.0", title="Named", codes=frozenset(), phrases=("cows",))
TABLE = Table([DISORDER, DRUG, NAMED])


def sets_by_text(codings, *texts):
    found = TABLE.concept(codings, texts).by_text
    return {each.id for each in (DISORDER, DRUG, NAMED) if found & TABLE.bit(each)}


@pytest.mark.parametrize(
    ("system", "code", "wanted"),
    [
        (ICD_10_CM, "F11.20", Coding(ICD_10_CM, "F11.20")),
        (ICD_10_CM, "f112", Coding(ICD_10_CM, "F11.2")),
        ("urn:oid:2.16.840.1.113883.6.90", "f1120", Coding(ICD_10_CM, "F11.20")),
        ("https://hl7.org/fhir/sid/icd-10-cm/", " F11.20 ", Coding(ICD_10_CM, "F11.20")),
        (ICD_10_CM, "F11", Coding(ICD_10_CM, "F11")),
        (ICD_10_CM, "t401x1a", Coding(ICD_10_CM, "T40.1X1A")),
        ("URN:OID:2.16.840.1.113883.6.96", "75544000", Coding(SNOMED, "75544000")),
        ("https://snomed.info/sct", "75544000", Coding(SNOMED, "75544000")),
        (
            "http://hl7.org/fhir/sid/icd-10-pcs",
            "hz2zzzz",
            Coding("http://www.cms.gov/Medicare/Coding/ICD10", "HZ2ZZZZ"),
        ),
        (
            "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
            "g2067",
            Coding("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "G2067"),
        ),
        ("http://hl7.org/fhir/v3/ActCode", "IMP", Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMP")),
        (
            "http://hl7.org/fhir/v2/0078",
            "POS",
            Coding("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "POS"),
        ),
        ("http://loinc.org", "44261-6", Coding("http://loinc.org", "44261-6")),
    ],
)
def test_a_coding_is_brought_to_its_canonical_spelling(system, code, wanted):
    assert normalise(system, code) == wanted


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("F11.2", True),  # the root itself
        ("F11.20", True),
        ("F11.229", True),
        ("F11.21", False),  # taken out by code
        ("F11.281", False),  # taken out by subtree
        ("F11.28", False),
        ("F11.10", False),
        ("F11", False),  # above the root
        ("F12.20", False),
    ],
)
def test_a_subtree_holds_its_root_and_what_begins_with_it_but_being_out_wins(code, wanted):
    coding = Coding(ICD_10_CM, code)
    assert bool(TABLE.lookup(coding) & TABLE.bit(DISORDER)) is wanted
    assert holds(DISORDER, coding) is wanted


def test_a_listed_code_of_another_system_is_no_prefix():
    assert TABLE.lookup(Coding(SNOMED, "755440001")) == 0


def test_one_coding_in_the_set_is_enough_even_beside_one_taken_out():
    found = TABLE.concept([(ICD_10_CM, "F11.21"), (SNOMED, "75544000")], [])
    assert found.by_code == TABLE.bit(DISORDER)
    assert found.by_text == 0


def test_a_concept_keeps_its_codings_in_order_and_once():
    found = TABLE.concept([(RXNORM, "1010604"), (ICD_10_CM, "f1120"), (ICD_10_CM, "F11.20")], [])
    assert found.codings == (Coding(RXNORM, "1010604"), Coding(ICD_10_CM, "F11.20"))


def test_looking_a_coding_up_again_gives_the_same():
    first = TABLE.concept([(ICD_10_CM, "F1120")], [])
    assert TABLE.concept([(ICD_10_CM, "F1120")], []) == first


@pytest.mark.parametrize(("codings", "texts"), [([], []), ([], ["", "  "]), ([(SNOMED, "")], []), ([("", " ")], [" "])])
def test_without_code_and_words_nothing_can_be_read(codings, texts):
    assert TABLE.concept(codings, texts) == UNREADABLE_CONCEPT


def test_words_alone_are_readable():
    assert TABLE.concept([], ["something"]).readable


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Opioid use disorder", {"disorder"}),
        ("OPIOID-USE/DISORDER, severe", {"disorder"}),
        ("opioid use disorders", set()),  # another word
        ("cloud", set()),  # no word boundary
        ("OUD.", {"disorder"}),
        ("Suboxone® 8-2 film", {"drug"}),
        ("opioid use", set()),
        ("COWS", {"named"}),
        ("", set()),
    ],
)
def test_a_phrase_stands_on_word_boundaries_whatever_case_and_punctuation(text, wanted):
    assert sets_by_text([], text) == wanted


@pytest.mark.parametrize("texts", [("Family history of OUD",), ("OUD", "family history"), ("R/O opioid use disorder",)])
def test_an_excluded_phrase_anywhere_in_the_words_of_the_row_takes_its_set_out(texts):
    assert sets_by_text([], *texts) == set()


def test_an_excluded_phrase_takes_out_only_its_own_set():
    assert sets_by_text([], "family history noted; Suboxone") == {"drug"}


def test_a_phrase_does_not_run_across_two_texts():
    assert sets_by_text([], "opioid use", "disorder") == set()


@pytest.mark.parametrize(
    ("codings", "wanted"),
    [
        ([(ICD_10_CM, "Z00.00")], set()),  # a listed system decides, even with an unlisted code
        ([(SNOMED, "1")], set()),
        ([(NDC, "12345")], {"disorder"}),
        ([("urn:local", "X")], {"disorder"}),
        ([("urn:local", "X"), (SNOMED, "1")], set()),
    ],
)
def test_words_count_only_without_a_coding_of_a_system_that_the_set_lists(codings, wanted):
    assert sets_by_text(codings, "opioid use disorder") == wanted


def test_a_set_without_codes_is_always_asked_by_its_words():
    assert sets_by_text([(SNOMED, "1"), (ICD_10_CM, "Z00.00")], "COWS") == {"named"}


def test_words_after_the_limit_are_not_read():
    assert sets_by_text([], "x " * (TEXT_LIMIT // 2) + "suboxone") == set()
    assert all(len(text) <= TEXT_LIMIT for text in TABLE.concept([], ["y" * (TEXT_LIMIT + 1)]).texts)


def test_the_table_tells_every_system_that_some_set_lists():
    assert TABLE.systems == {SNOMED, ICD_10_CM, RXNORM}


def test_each_set_and_version_has_a_bit_of_its_own():
    newer = ValueSet(id="drug", version="2.0.0", title="Drug", codes=frozenset())
    table = Table([DISORDER, DRUG, DRUG, newer])
    bits = [table.bit(DISORDER), table.bit(DRUG), table.bit(newer)]
    assert all(bit.bit_count() == 1 for bit in bits)
    assert len(set(bits)) == 3


def test_two_sets_of_one_name_and_version_must_be_equal():
    other = ValueSet(id="drug", version="1.0.0", title="Drug", codes=frozenset())
    with pytest.raises(ValueError, match=r"drug 1\.0\.0"):
        Table([DRUG, other])


def test_a_set_that_the_table_was_not_built_with_has_no_bit():
    with pytest.raises(KeyError):
        Table([DRUG]).bit(NAMED)


def test_overlap_finds_a_code_that_lies_below_the_other_sets_subtree():
    below = ValueSet(id="below", version="1.0.0", title="Below", codes=frozenset({Coding(ICD_10_CM, "F11.23")}))
    out = ValueSet(id="out", version="1.0.0", title="Out", codes=frozenset({Coding(ICD_10_CM, "F11.21")}))
    assert overlap(DISORDER, below) == {Coding(ICD_10_CM, "F11.23")}
    assert overlap(DISORDER, out) == frozenset()


def test_words_are_folded_runs_of_letters_and_digits():
    assert words("Post-Acute_withdrawal (8/2mg)") == ("post", "acute", "withdrawal", "8", "2mg")


def test_words_of_plain_text_are_parted_as_those_of_any_other():
    plain = "".join(map(chr, range(128)))
    assert words(plain) == ("0123456789", string.ascii_lowercase, string.ascii_lowercase)
    assert words(plain + " \xc9") == (*words(plain), "\xe9")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("opioid", set()),
        ("opioid use", {"short"}),
        ("opioid use disorder", {"short", "long"}),
        ("opioid opioid use", {"short"}),
        ("use disorder", set()),
        ("opioid use, screening", set()),
    ],
)
def test_of_phrases_that_begin_alike_each_is_heard_as_far_as_the_text_goes(text, wanted):
    short = ValueSet("short", "1", "Short", frozenset(), phrases=("opioid use",), not_phrases=("opioid use screening",))
    long = ValueSet("long", "1", "Long", frozenset(), phrases=("opioid use disorder",))
    table = Table([long, short])
    heard = table.spoken([text])
    assert {each.id for each in (short, long) if heard & table.bit(each)} == wanted


def test_a_coding_is_remembered_as_it_was_sent_where_some_set_lists_its_system():
    table = Table([DISORDER])
    table.meet(" " + ICD_10_CM, "f1120")
    bit = table.bit(DISORDER)
    assert table.met == {(" " + ICD_10_CM, "f1120"): (Coding(ICD_10_CM, "F11.20"), bit, bit)}
    assert table.elsewhere == set()


def test_of_other_systems_only_the_spelling_is_remembered():
    table = Table([DISORDER])
    table.meet("http://example.org/local", "7")
    assert (table.met, table.elsewhere) == ({}, {"http://example.org/local"})


@pytest.mark.parametrize(
    ("system", "code"), [("", "F11.20"), ("/", "F11.20"), (ICD_10_CM, " "), (ICD_10_CM, "F" * 200), ("x" * 200, "7")]
)
def test_blank_and_very_long_codings_are_looked_up_each_time(system, code):
    table = Table([DISORDER])
    table.meet(system, code)
    assert (table.met, table.elsewhere) == ({}, set())


def test_no_more_is_remembered_than_the_limits_allow(monkeypatch):
    monkeypatch.setattr(value_set, "MEMO_LIMIT", 2)
    monkeypatch.setattr(value_set, "MOST_SYSTEMS", 2)
    table = Table([DISORDER])
    for number in range(4):
        table.meet(ICD_10_CM, f"F11.2{number}")
        table.meet(f"http://example.org/{number}", "7")
    assert (len(table.met), len(table.elsewhere)) == (2, 2)
