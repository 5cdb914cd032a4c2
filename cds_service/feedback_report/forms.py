"""A feedback report as JSON and as CSV, for programs and spreadsheets. Pure.

A count that is not told is null (empty in CSV); `atLeast` and `atMost` say what is left possible. Shares are fractions
of 1.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from cds_service.core.share import Share
from cds_service.feedback_report.counted import PARTS, Reasons
from cds_service.feedback_report.report import FeedbackReport, Row, Version, answers_of, rate_of
from cds_service.feedback_report.telling import Between
from cds_service.feedback_report.trend import Trend
from cds_service.feedback_report.words import NOTHING, Words, notes_of, reason_words

COLUMNS = (
    "rule", "version", "what", "name", "period", "period_to", "cards", "at_least", "at_most", "of", "share", "low",
    "high",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for more than text


def report_json(report: FeedbackReport, database: str, words: Words) -> dict[str, Any]:
    """Give the report as JSON. database: what may be told of it; words: of reasons, by code."""
    asked = report.asked
    return {
        "database": database,
        "timezone": asked.zone,
        "first": asked.first.isoformat() if asked.first else None,
        "last": asked.last.isoformat() if asked.last else None,
        "asOf": asked.as_of.isoformat(),
        "by": asked.by,
        "interval": "Wilson, 95 %",
        "smallCountsBelow": asked.least,
        "mostOverridden": asked.threshold / 100 if asked.threshold is not None else None,
        "calls": report.calls,
        "cardsShown": _between(report.shown),
        "cardsWithSeveralAnswers": report.again,
        "feedbackAboutUnknownCards": report.unknown,
        "clients": [
            {"client": each.name, "calls": each.calls, "callsWithThoseOf": list(each.along),
             "everSentFeedback": each.last_heard is not None,
             "lastFeedback": each.last_heard}
            for each in report.clients
        ],
        "versions": [_version(each, report, words) for each in report.versions],
        "notes": list(notes_of(report)) if asked.first else [NOTHING],
    }  # fmt: skip


def _version(version: Version, report: FeedbackReport, words: Words) -> dict[str, Any]:
    head = {
        "ruleId": version.rule,
        "ruleVersion": version.version,
        "shown": version.shown,
        "onCardsOfOtherRules": version.merged,
    }
    if not version.shown:
        return head
    least, found = report.asked.least, version.overrides
    return {
        **head,
        "calls": version.calls,
        "perCall": _share(rate_of(version)),
        "rateTrend": _trend(version.rates),
        "outcomes": {each: _between(version.part(each, least)) for each in PARTS},
        "together": [
            {"outcomes": list(each.parts), "cards": each.count, "ofShown": _share(version.share(each.count))}
            for each in version.groups
        ],
        "answered": _share(answers_of(version)),
        "overriddenOfAnswers": {
            "atLeast": _share(found.low),
            "atMost": _share(found.high),
            "standing": found.standing or None,
            "trend": _trend(version.overrides_trend),
        },
        "reasons": [
            {"reasons": _codings(each), "words": reason_words(each, words), "cards": count}
            for each, count in version.reasons
        ],
        "frequentReason": _frequent(version, words),
        "otherReasons": version.other_reasons,
        "periods": [_row(each, version) for each in version.rows],
    }


def _frequent(version: Version, words: Words) -> dict[str, Any] | None:
    """One more reason, of which only the least that it can be is told."""
    if version.frequent_reason is None:
        return None
    reasons, least = version.frequent_reason
    return {"reasons": _codings(reasons), "words": reason_words(reasons, words), "atLeast": least}


def _codings(reasons: Reasons) -> list[dict[str, str]]:
    return [{"code": code, "system": system} for system, code in reasons]


def _row(row: Row, version: Version) -> dict[str, Any]:
    counts = [
        {"outcomes": list(group.parts), "cards": count}
        for group, count in zip(version.groups, row.counts, strict=True)
    ]  # fmt: skip
    return {"from": row.first, "to": row.last, "calls": row.calls, "shown": row.shown, "together": counts}


def _between(possible: Between) -> dict[str, int | None]:
    return {"cards": possible.exact, "atLeast": possible.low, "atMost": possible.high}


def _share(share: Share | None) -> dict[str, float] | None:
    if share is None:
        return None
    return {"share": round(share.share, 6), "low": round(share.low, 6), "high": round(share.high, 6)}


def _trend(trend: Trend | None) -> str | None:
    return trend.says if trend else None


# --- CSV -------------------------------------------------------------------------------------------------------------


def report_csv(report: FeedbackReport, words: Words) -> str:
    """Give the report as a table with one count in each row, and a row with the names of the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in _lines(report, words):
        writer.writerow([_cell(each.get(name, "")) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A cell; text that a spreadsheet would run as a formula is kept from it: clients may send any code."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(report: FeedbackReport, words: Words) -> Iterator[dict[str, Any]]:
    least = report.asked.least
    for client in report.clients:
        heard = client.last_heard or "never"
        yield {
            "what": "client, feedback last received",
            "name": " or ".join((client.name, *client.along)),
            "period": heard,
            "of": client.calls if client.calls is not None else "",
        }
    if report.asked.first:
        low, high = report.shown.low, report.shown.high
        total = {"cards": low} if report.shown.exact is not None else {"at_least": low, "at_most": high}
        yield {"what": "shown", "of": report.calls if report.calls is not None else "", **total}
        yield {"what": "with several answers", **_untold(report.again, least)}
        yield {"what": "feedback about cards not on record", **_untold(report.unknown, least)}
    for version in report.versions:
        for line in _version_lines(version, least, words):
            yield {"rule": version.rule, "version": version.version, **line}


def _untold(count: int | None, least: int | None) -> dict[str, Any]:
    if count is not None:
        return {"cards": count}
    return {"at_least": 1, "at_most": least - 1} if least else {}


def _version_lines(version: Version, least: int, words: Words) -> Iterator[dict[str, Any]]:
    yield {"what": "on cards of other rules", **_untold(version.merged, None)}
    if not version.shown:
        yield {"what": "shown", **_untold(version.shown, least)}
        return
    yield {"what": "shown", "cards": version.shown, "of": version.calls, **_of(rate_of(version))}
    for name in PARTS:
        possible = version.part(name, least)
        line = {"what": "outcome", "name": name, "of": version.shown}
        if possible.exact is None:
            yield {**line, "at_least": possible.low, "at_most": possible.high}
        else:
            yield {**line, "cards": possible.exact, **_of(version.share(possible.exact))}
    yield from (
        {"what": "outcomes together", "name": " or ".join(each.parts), "cards": each.count, "of": version.shown,
         **_of(version.share(each.count))}
        for each in version.groups
        if len(each.parts) > 1
    )  # fmt: skip
    answers, low, high = answers_of(version), version.overrides.low, version.overrides.high
    if answers is not None:
        yield {"what": "answered", "cards": answers.part, "of": answers.whole, **_of(answers)}
    if low is not None and low == high:
        yield {"what": "overridden of answers", "cards": low.part, "of": low.whole, **_of(low)}
    elif low is not None:  # of bounds no counts are told, which would be taken for those of cards
        yield {"what": "overridden of answers, at least", **_of(low)}
        yield {"what": "overridden of answers, at most", **_of(high)}
    for reasons, count in version.reasons:
        yield {"what": "reason", "name": reason_words(reasons, words), "cards": count}
    if version.frequent_reason is not None:
        reasons, at_least = version.frequent_reason
        yield {"what": "reason", "name": reason_words(reasons, words), "at_least": at_least}
    yield {"what": "reason", "name": "other reasons", **_untold(version.other_reasons, None)}
    for row in version.rows:
        yield from _row_lines(row, version)


def _row_lines(row: Row, version: Version) -> Iterator[dict[str, Any]]:
    period = {"period": row.first, "period_to": row.last}
    yield {"what": "shown", "cards": row.shown, "of": row.calls, **period}
    for group, count in zip(version.groups, row.counts, strict=True):
        yield {"what": "outcome", "name": _name(group.parts), "cards": count, "of": row.shown, **period}


def _name(parts: Sequence[str]) -> str:
    return " or ".join(parts)


def _of(share: Share | None) -> dict[str, float]:
    found = _share(share)
    return found or {}
