"""Cards shown as text and as an HTML page."""

from html.parser import HTMLParser

import pytest

from cds_service.core.card import render
from cds_service.core.show import Piece, as_page, as_text, pieces
from cds_service.fhir.draft import draft
from tests.unit.card_world import CALL, RELEASE, alt, decided, opioid, order, urine

VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Collects tags, addresses, text, and whether every tag was closed in order."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses, self.text, self.open, self.parents = [], [], "", [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.parents.append((self.open[-1] if self.open else "", tag))
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def shown(name="naltrexone 380 mg"):
    return render(decided(order(name), opioid(), urine(), alt(201)), call=CALL, release=RELEASE, draft=draft)


@pytest.mark.parametrize(
    ("markdown", "wanted"),
    [
        ("plain", [Piece("plain")]),
        ("a **b c** d", [Piece("a "), Piece("b c", bold=True), Piece(" d")]),
        ("[x](https://e.org/y)", [Piece("x", url="https://e.org/y")]),
        (r"\*a\* &lt;b&gt; &amp;amp;", [Piece("*a* <b> &amp;")]),
        (r"**a \* b**", [Piece("a * b", bold=True)]),
    ],
)
def test_markdown_is_split_into_runs(markdown, wanted):
    assert list(pieces(markdown)) == wanted


def test_text_keeps_to_100_columns():
    assert max(len(line) for line in as_text(shown("naltrexone " * 12)).splitlines()) <= 100


def test_text_opens_with_level_and_summary():
    assert as_text(shown()).splitlines()[1:3] == [
        "[!! critical] Naltrexone 380 mg with a recent opioid can cause withdrawal",
        "Source: Example label, section 4",
    ]


def test_text_reads_names_as_the_chart_wrote_them():
    assert "  - film_8-2 *IR* <5 mg>, being ordered" in as_text(shown("film_8-2 *IR* <5 mg>")).splitlines()


def test_text_lists_suggestions_links_and_reasons():
    assert as_text(shown()).splitlines()[-12:-1] == [
        "",
        "Suggestions:",
        "  * Remove the order for naltrexone 380 mg (recommended): delete MedicationRequest/o1",
        "  * Draft a urine test: create ServiceRequest",
        "",
        "Links:",
        "  * Find treatment <https://example.org/find>",
        "",
        "Reasons to override:",
        "  * Already addressed",
        "  * Data are incorrect",
    ]


def test_a_page_is_well_formed_and_lists_stand_in_items():
    outline = Outline(as_page([shown(), shown()]))
    assert outline.open == []
    assert {parent for parent, tag in outline.parents if tag == "ul"} == {"article", "li"}
    assert {parent for parent, tag in outline.parents if tag == "li"} == {"ul"}


def test_a_page_has_no_scripts_and_loads_nothing():
    outline = Outline(as_page([shown()]))
    assert not {"script", "link", "img", "iframe", "form", "button"} & set(outline.tags)
    assert "default-src 'none'" in as_page([shown()]).replace("&#x27;", "'")


def test_a_page_links_only_to_web_addresses():
    card = {**shown(), "links": [{"label": "bad", "url": "javascript:alert(1)", "type": "absolute"}]}
    addresses = Outline(as_page([card])).addresses
    assert addresses == ["https://example.org/label"] * 2


def test_what_the_chart_wrote_makes_no_tag_on_a_page():
    outline = Outline(as_page([shown("<img src=x onerror=alert(1)>")]))
    assert "img" not in outline.tags
    assert "<img src=x onerror=alert(1)>" in outline.text


def test_a_page_without_cards_says_so():
    assert "No cards." in Outline(as_page([])).text
