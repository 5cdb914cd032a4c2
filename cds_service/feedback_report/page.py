"""A feedback report as one HTML page that needs nothing else, with pictures. Pure."""

from collections.abc import Iterator
from html import escape

from cds_service.core.share import share_words
from cds_service.feedback import ACCEPTED, OVERRIDDEN
from cds_service.feedback_report.counted import NO_ANSWER, SILENT_CLIENT
from cds_service.feedback_report.report import FeedbackReport, Version
from cds_service.feedback_report.words import (
    NO_THRESHOLD,
    NOTHING,
    Words,
    answered_sentence,
    client_words,
    facts,
    group_words,
    merged_sentence,
    named,
    notes_of,
    overridden_sentence,
    overrides_words,
    reasons,
    shown_sentence,
    title_of,
)
from cds_service.rulebook.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SLATE,
    Bar,
    Mark,
    bars,
    intervals,
    page,
    table,
)

TITLE = "What became of the cards"
# Blue and orange differ for people who do not tell red from green, too.
_COLORS = {ACCEPTED: BLUE, OVERRIDDEN: ORANGE, NO_ANSWER: GREY, SILENT_CLIENT: SLATE}
_TOGETHER = (PURPLE, GREEN)
_PERIOD_LABEL, _RULE_LABEL = 190, 260
_MOST_REASONS = 50


def report_page(report: FeedbackReport, database: str, words: Words) -> str:
    """Give the page. database: what may be printed of it; words: of reasons, by code."""
    return page(TITLE, _parts(report, database, words))


def _parts(report: FeedbackReport, database: str, words: Words) -> Iterator[str]:
    if report.asked.first is None:
        yield f"<p>{escape(database)}: {NOTHING}.</p>"
        return
    yield f"<p>{escape(_begun(title_of(report)))}. {escape(database)}.</p>"
    yield "<ul>\n" + "\n".join(f"<li>{escape(each)}</li>" for each in notes_of(report)) + "\n</ul>"
    yield table(("", ""), list(facts(report)))
    clients = [(each.name, *client_words(each, report.asked)) for each in report.clients]
    yield table(("client", "calls", "feedback last received"), clients, numbers=(1,))
    yield "<h2>Overrides</h2>"
    yield from _named(report)
    yield overrides_picture(report)
    for version in report.versions:
        yield from _version(version, report, words)


def _named(report: FeedbackReport) -> Iterator[str]:
    if report.asked.threshold is None:
        yield f"<p>{escape(NO_THRESHOLD.capitalize())}.</p>"
    for words, rules in named(report):
        yield f"<p>{escape(words.capitalize())}: {escape('; '.join(rules) or 'none')}.</p>"


def overrides_picture(report: FeedbackReport) -> str:
    """Draw the share of overrides among the answers of each version, and the site's threshold."""
    rows = [
        Mark(f"{each.rule} {each.version}", each.overrides.low, each.overrides.high, overrides_words(each.overrides))
        for each in report.versions
        if each.shown
    ]
    line = report.asked.threshold
    limit = f" The dashed line is the site's threshold of {line:g} %." if line is not None else ""
    told = "Dots are shares, lines their 95 % intervals, from 0 to 100 %." + limit + " " + _said(rows)
    title = "Overridden, of the answers about each rule's cards"
    return intervals(title, rows, told, line=None if line is None else line / 100, label=_RULE_LABEL) if rows else ""


def _said(rows: list[Mark]) -> str:
    return " ".join(f"{each.name}: {each.words}." for each in rows)


def _version(version: Version, report: FeedbackReport, words: Words) -> Iterator[str]:
    least, by = report.asked.least, report.asked.by
    yield f"<h2>{escape(version.rule)} {escape(version.version)}</h2>"
    yield from _sentence(merged_sentence(version))
    yield from _sentence(shown_sentence(version, report.asked))
    if not version.shown:
        return
    yield table(("", "cards", "of those shown", ""), list(_groups(version, least)), numbers=(1,))
    yield from _sentence(answered_sentence(version))
    yield from _sentence(overridden_sentence(version, by))
    yield periods_picture(version, by)
    yield _trend_picture(version, by)
    found = [(name, count) for count, name in reasons(version, words, _MOST_REASONS)]
    if found:
        yield table(("reason of overrides", "cards"), found, numbers=(1,))
    heads = [group_words(each, least)[0] for each in version.groups]
    rows = [
        (each.name, f"{each.calls:,}", f"{each.shown:,}", *(f"{count:,}" for count in each.counts))
        for each in version.rows
    ]
    yield table((by, "calls", "shown", *heads), rows, numbers=range(1, 3 + len(heads)))


def _sentence(words: str) -> Iterator[str]:
    if words:
        yield f"<p>{escape(_begun(words))}.</p>"


def _begun(words: str) -> str:
    return words[0].upper() + words[1:]


def _groups(version: Version, least: int) -> Iterator[tuple[str, ...]]:
    for group in version.groups:
        name, small = group_words(group, least)
        yield name, f"{group.count:,}", share_words(version.share(group.count)), small


def periods_picture(version: Version, by: str) -> str:
    """Draw what became of the cards of each period: a bar whose parts are shares of the cards shown."""
    together = iter(_TOGETHER)
    kinds = [
        (" or ".join(each.parts), _COLORS[each.parts[0]] if len(each.parts) == 1 else next(together))
        for each in version.groups
        if each.count
    ]
    places = [place for place, each in enumerate(version.groups) if each.count]
    rows = [
        Bar(
            row.name,
            tuple((name, color, row.counts[place]) for (name, color), place in zip(kinds, places, strict=True)),
            row.shown,
        )
        for row in version.rows
    ]
    told = " ".join(
        f"{row.name}, of {row.whole:,}: {', '.join(f'{count:,} {name}' for name, _, count in row.parts)}."
        for row in rows
    )
    title = f"What became of the cards of each {by}: {version.rule} {version.version}"
    return bars(title, rows, told, _PERIOD_LABEL)


def _trend_picture(version: Version, by: str) -> str:
    """Draw the share of overrides of each period; nothing where it may not be told, or there is one period."""
    trend = version.overrides_trend
    if trend is None or len(version.rows) < 2 or not any(trend.shares):
        return ""
    rows = [
        Mark(row.name, share, share, share_words(share)) for row, share in zip(version.rows, trend.shares, strict=True)
    ]
    title = f"Overridden, of the answers of each {by}: {version.rule} {version.version}"
    told = "Dots are shares, lines their 95 % intervals, from 0 to 100 %. " + _said(rows)
    return intervals(title, rows, told, label=_PERIOD_LABEL)
