"""A feedback report as text of at most 100 columns, and the sentences that every form of it says. Pure."""

from collections.abc import Iterator, Mapping
from textwrap import wrap

from cds_service.core.card import OVERRIDE_SYSTEM
from cds_service.core.share import rate_words, share_words
from cds_service.feedback import OVERRIDDEN
from cds_service.feedback_report.counted import Reasons
from cds_service.feedback_report.report import (
    MAY_PASS,
    NOT_TOLD,
    PASSES,
    Asked,
    Client,
    FeedbackReport,
    Overrides,
    Version,
    answers_of,
    rate_of,
)
from cds_service.feedback_report.telling import Group
from cds_service.feedback_report.trend import (
    FALLS,
    LEAST_IN_PERIOD,
    LEAST_PERIODS,
    RISES,
    TOO_LITTLE,
    Trend,
)
from cds_service.rulebook.trial_report import WEEK
from cds_service.rulebook.trial_words import COLUMNS

NO_THRESHOLD = "no threshold of overrides is set (site.yaml, feedback: most_overridden)"
NOTHING = "no call is on record in these days"
REASONS_SHOWN = 12
Words = Mapping[str, str]  # code of a reason that cards offer -> its words


def notes_of(report: FeedbackReport) -> Iterator[str]:
    """Say what the numbers mean, and what they do not."""
    least = report.asked.least
    yield (
        "Counted are cards: each once, for the rule version that wrote it and the day it was first shown. Cards are "
        "not people. One that is shown at ten openings of a chart counts ten times, and the records cannot tell."
    )
    yield (
        "No answer is neither acceptance nor override. A silent client never sent feedback, as far as is on record: "
        "nothing is known of what became of its cards."
    )
    yield (
        "An override does not say that a card was wrong, nor an acceptance that it helped: only people can tell why "
        "they answered so."
    )
    yield (
        "Of several answers about one card the last counts; of two at one moment the acceptance. An answer counts "
        "whenever it came, so the newest cards may yet be answered."
    )
    if least > 1:
        yield (
            f"No count from 1 to {least - 1} is told by itself: it is told together with others, in words such as "
            '"accepted or overridden", so that it cannot be worked out. It could be from reports of days that overlap, '
            "so share one series of them only. Calls are of everybody and are told as they are."
        )
    else:
        yield (
            "Small counts are told. They may say to somebody who was there whom they are about: keep this report among "
            "those who may read the records."
        )
    yield (
        "In brackets: the 95 % interval (Wilson). It takes cards as independent; several about one person are not, so "
        "the truth may lie further off. Per 100 calls means calls of the services and releases in which the version "
        "spoke."
    )


def title_of(report: FeedbackReport) -> str:
    """Say what the report is about."""
    asked = report.asked
    return (
        f"feedback about cards shown from {asked.first} to {asked.last}, days of {asked.zone}, by {asked.by}; as on "
        f"record on {asked.as_of}"
    )


def count_words(count: int | None, least: int) -> str:
    """Give a count, or say that it is small."""
    return f"{count:,}" if count is not None else f"fewer than {least}"


def merged_sentence(version: Version) -> str:
    """Say on how many cards of other rules a version stood; "" for none."""
    told = f"{version.merged:,}" if version.merged is not None else "not told, because of small counts"
    return f"its words stood on cards of other rules: {told}" if version.merged != 0 else ""


def shown_sentence(version: Version, asked: Asked) -> str:
    """Say how many cards of a version were shown, per 100 calls, and how that goes."""
    if not version.shown:
        return f"cards shown: {count_words(version.shown, asked.least)}"
    rates = f"{rate_words(rate_of(version))} per 100 calls of {version.calls:,}"
    return f"cards shown: {version.shown:,}, {rates}; {trend_words(version.rates, asked.by, 'calls')}"


def answered_sentence(version: Version) -> str:
    """Say how many of the cards were answered; "" where that may not be told."""
    answers = answers_of(version)
    return f"answered, of cards of clients that send feedback: {share_words(answers)}" if answers is not None else ""


def overridden_sentence(version: Version, by: str) -> str:
    """Say how many of the answers were overrides, and how that goes."""
    trend = "" if version.overrides.low is None else f"; {trend_words(version.overrides_trend, by, 'answers')}"
    return f"overridden, of answers: {overrides_words(version.overrides)}{trend}"


def group_words(group: Group, least: int) -> tuple[str, str]:
    """Name what a group counts, and what is known of its small part."""
    return " or ".join(group.parts), f"{group.small}: fewer than {least}" if group.small else ""


def reason_words(reasons: Reasons, words: Words) -> str:
    """Give a reason in the words that cards offer it in, else as code and system; several with "and"."""
    if not reasons:
        return "no coded reason"
    return " and ".join(_reason(system, code, words) for system, code in reasons)


def _reason(system: str, code: str, words: Words) -> str:
    if system == OVERRIDE_SYSTEM:
        return f"{words[code]} ({code})" if code in words else code
    return f"{code} ({system})" if system else code


def overrides_words(found: Overrides) -> str:
    """Give the share of overrides among answers, or the two that it lies between."""
    if found.low is None or found.high is None:
        return "not told, because of small counts" if found.standing == NOT_TOLD or found.vague else "no answers"
    if found.low == found.high:
        return share_words(found.low)
    return f"{100 * found.low.share:.1f} to {100 * found.high.share:.1f} %"


def trend_words(trend: Trend | None, by: str, what: str) -> str:
    """Say how a share goes. what: its whole, as "calls"."""
    if trend is None:
        return "trend not told, because of small counts"
    if trend.says == TOO_LITTLE:
        return f"too little for a trend (wanted: {LEAST_PERIODS} {by}s with {LEAST_IN_PERIOD} {what})"
    return {RISES: f"rises from {by} to {by}", FALLS: f"falls from {by} to {by}"}.get(
        trend.says, "no trend beyond chance"
    )


def client_words(client: Client, asked: Asked) -> tuple[str, str]:
    """Give the calls of a client, and when it was last heard."""
    heard = f"{_of(asked.by)}{client.last_heard}" if client.last_heard else "never, so its silence says nothing"
    along = f" (calls with those of {', '.join(client.along)})" if client.along else ""
    return "few" if client.calls is None else f"{client.calls:,}", heard + along


def _of(by: str) -> str:
    return "week of " if by == WEEK else ""


def named(report: FeedbackReport) -> Iterator[tuple[str, list[str]]]:
    """Give the rules that the site's threshold names, under the words for it; nothing without a threshold."""
    threshold = report.asked.threshold
    if threshold is None:
        return
    for standing, words in (
        (PASSES, f"overridden in more than {threshold:g} % of the answers, beyond chance"),
        (MAY_PASS, f"perhaps in more than {threshold:g} %: the interval or small counts leave it open"),
        (NOT_TOLD, "cannot be told, because of small counts"),
    ):
        yield (
            words,
            [
                f"{each.rule} {each.version}: {overrides_words(each.overrides)}"
                for each in report.versions
                if each.overrides.standing == standing
            ],
        )


def facts(report: FeedbackReport) -> Iterator[tuple[str, str]]:
    """Give the totals, by name."""
    least = report.asked.least
    yield "calls", count_words(report.calls, least)
    ends = list(dict.fromkeys((report.shown.low, report.shown.high)))
    per = " to ".join(f"{100 * each / report.calls:.1f}" for each in ends) if report.calls else "-"
    yield "cards shown", f"{' to '.join(f'{each:,}' for each in ends)}, {per} per 100 calls"
    yield "cards with several answers", count_words(report.again, least)
    yield "feedback about cards that are not on record", count_words(report.unknown, least)


# --- text ------------------------------------------------------------------------------------------------------------


def report_lines(report: FeedbackReport, database: str, words: Words) -> Iterator[str]:
    """Give the report as lines. database: what may be printed of it; words: of reasons, by code."""
    yield database
    if report.asked.first is None:
        yield NOTHING
        return
    yield from wrap(title_of(report), COLUMNS)
    yield ""
    for note in notes_of(report):
        first, *rest = wrap(note, COLUMNS - 2)
        yield f"- {first}"
        yield from (f"  {each}" for each in rest)
    yield ""
    for name, told in facts(report):
        yield f"{name + ':':<46}{told}"
    yield ""
    yield f"{'client':<42}{'calls':>12}  feedback last received"
    for client in report.clients:
        calls, heard = client_words(client, report.asked)
        first, *rest = wrap(heard, COLUMNS - 56)
        yield f"{client.name[:40]:<42}{calls:>12}  {first}"
        yield from (f"{'':<56}{each}" for each in rest)
    yield ""
    yield from _named_lines(report)
    for version in report.versions:
        yield ""
        yield from _version_lines(version, report, words)


def _named_lines(report: FeedbackReport) -> Iterator[str]:
    if report.asked.threshold is None:
        yield NO_THRESHOLD
    for words, rules in named(report):
        yield f"{words}: {'' if rules else 'none'}".rstrip()
        yield from (f"  {each}" for each in rules)


def _version_lines(version: Version, report: FeedbackReport, words: Words) -> Iterator[str]:
    least, by = report.asked.least, report.asked.by
    yield f"{version.rule} {version.version}"
    yield from _wrapped(merged_sentence(version))
    yield from _wrapped(shown_sentence(version, report.asked))
    if not version.shown:
        return
    for group in version.groups:
        name, small = group_words(group, least)
        share = share_words(version.share(group.count))
        yield f"    {group.count:>9,}  {share:<25} {name}{small and f' ({small})'}"
    yield from _wrapped(answered_sentence(version))
    yield from _wrapped(overridden_sentence(version, by))
    yield from _reason_lines(version, words)
    yield from _rows(version, by)


def _wrapped(text: str) -> Iterator[str]:
    for number, each in enumerate(wrap(text, COLUMNS - 4)):
        yield f"{'    ' if number else '  '}{each}"


def reasons(version: Version, words: Words, most: int) -> Iterator[tuple[str, str]]:
    """Give the reasons of overrides with their cards, the `most` frequent by name, and what is told of the others."""
    if version.part(OVERRIDDEN, 1).high == 0:
        return
    shown, further = version.reasons[:most], version.reasons[most:]
    for each, count in shown:
        yield f"{count:,}", reason_words(each, words)
    if version.frequent_reason is not None:
        name, least = version.frequent_reason
        yield f"{least:,}", f"at least: {reason_words(name, words)}"
    left = (version.other_reasons or 0) + sum(count for _, count in further)
    if left:
        yield f"{left:,}", "other reasons"
    if version.other_reasons is None:
        yield "", "others are not told, because of small counts"


def _reason_lines(version: Version, words: Words) -> Iterator[str]:
    for number, (count, name) in enumerate(reasons(version, words, REASONS_SHOWN)):
        if number == 0:
            yield "  reasons of overrides:"
        first, *rest = wrap(name, COLUMNS - 15)
        yield f"    {count:>9}  {first}"
        yield from (f"               {each}" for each in rest)


def _rows(version: Version, by: str) -> Iterator[str]:
    heads = [" or ".join(each.parts) for each in version.groups]
    if len(heads) > 1:
        widths = [max(len(each), 9) + 2 for each in heads]
        yield f"  {'week of' if by == WEEK else by:<26}{'calls':>9}{'/100':>7}" + "".join(
            f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)
        )
    else:
        widths = [9]
        yield f"  {'week of' if by == WEEK else by:<26}{'calls':>9}{'/100':>7}{'shown':>9}"
    for row in version.rows:
        rate = f"{100 * row.shown / row.calls:.1f}" if row.calls else "-"
        yield f"  {row.name:<26}{row.calls:>9,}{rate:>7}" + "".join(
            f"{count:>{width},}" for count, width in zip(row.counts, widths, strict=True)
        )
