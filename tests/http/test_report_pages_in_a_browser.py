"""Pages of reports in a real browser, on a wide screen and on a telephone: nothing is cut off, tiny, or in error."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.http.test_browser import browser, pytestmark  # noqa: F401

TESTS = Path(__file__).parent.parent
PAGES = {
    "store/trial_report/report.html": "Trial versions beside the active ones",
    "store/feedback_report/report.html": "What became of the cards",
    "unit/golden/rules-simulate.html": "Release 2026.1.0 on 4 patients",
    "unit/golden/rules-diff.html": "age-reminder 1.0.0 → 1.1.0",
}
# Words that leave their picture, or lie on others; and the height of the smallest words of a picture.
_LOOK = """() => {
    const faults = [], heights = [];
    for (const picture of document.querySelectorAll("svg")) {
        const frame = picture.getBoundingClientRect();
        const words = [...picture.querySelectorAll("text")].map(
            each => [each.textContent, each.getBoundingClientRect()]);
        words.forEach(([said, at], place) => {
            heights.push(at.height);
            if (at.left < frame.left - 1 || at.right > frame.right + 1 || at.bottom > frame.bottom + 1)
                faults.push("cut off: " + said);
            for (const [other, there] of words.slice(place + 1)) {
                const wide = Math.min(at.right, there.right) - Math.max(at.left, there.left);
                const high = Math.min(at.bottom, there.bottom) - Math.max(at.top, there.top);
                if (wide > 1.5 && high > 3) faults.push(said + " lies on " + other);
            }
        });
    }
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) faults.push("the page is " + page.scrollWidth + " wide");
    return {faults, smallest: Math.min(...heights)};
}"""


@pytest.fixture(params=[1280, 400])
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:  # noqa: F811
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    yield page
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_on_every_screen(path: str, screen: Page) -> None:
    errors: list[str] = []
    screen.on("console", lambda said: errors.append(said.text))
    screen.on("pageerror", lambda fault: errors.append(str(fault)))
    screen.goto((TESTS / path).as_uri())
    seen = screen.evaluate(_LOOK)
    assert (screen.title(), errors, seen["faults"]) == (PAGES[path], [], [])
    assert seen["smallest"] >= 9  # pixels, ascenders and descenders counted
