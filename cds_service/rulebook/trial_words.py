"""A trial report as text of at most 100 columns, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from cds_service.core.plural import so_many
from cds_service.core.share import rate_words, share_words
from cds_service.rulebook.trial_report import (
    FEW_CALLS,
    GAINED,
    LOST,
    SMALL_COUNT,
    UNKNOWN,
    WEEK,
    Part,
    Tally,
    Trial,
    TrialReport,
    alone_too,
)

COLUMNS = 100
DIGEST_SHOWN = 12
_NAMES = 26  # width of the names of periods and releases
_WORDS_AT = 51  # column at which the words of an outcome begin
REASONS_SHOWN = 5
NOTES = (
    "In brackets: the 95 % interval (Wilson). It takes calls as independent; several calls about one person are not, "
    "so the truth may lie further off.",
)
_COMPARED = ("agree", GAINED, LOST, UNKNOWN)
_KINDS = {
    GAINED: "the active version was stopped by",
    LOST: "the trial was stopped by",
    UNKNOWN: "could not be told",
}


def report_lines(report: TrialReport, database: str, zone: str) -> Iterator[str]:
    """Give the report as lines. database: what may be printed of it; zone: whose days they are."""
    yield database
    if report.first is None or report.last is None:
        yield "no decision of a trial version is on record in these days"
        return
    yield f"decisions of trial versions from {report.first} to {report.last}, days of {zone}"
    for each in report.trials:
        yield ""
        yield from _trial_lines(each, report.by)
    yield ""
    for note in notes_of(report):
        yield from wrap(note, COLUMNS)


def notes_of(report: TrialReport) -> tuple[str, ...]:
    """What a reader must know of the figures."""
    small = any(0 < count < SMALL_COUNT for each in report.trials for count in _counts(each))
    told = (
        f"Counts below {SMALL_COUNT} may tell somebody who was there whom they are about: keep this report among those "
        "who may read the records."
    )
    return (*NOTES, *map(_alone_words, alone_too(report)), *([told] if small else []))


def _alone_words(trial: Trial) -> str:
    calls = so_many(trial.total.calls, "call has", "calls have")
    return (
        f"{trial.rule} {trial.version} is told of twice: {calls} no record of the active version, though other calls "
        "answered by the same release have. Either the active version does not run at their moment, or they are from "
        "before silence of an active version beside a trial was kept; then cards gained and agreement are missing "
        "beside the active version, and --since leaves those days out."
    )


def few(tally: Tally) -> str:
    """Say that there are few calls; "" when there are not."""
    if tally.calls >= FEW_CALLS:
        return ""
    return f"fewer than {FEW_CALLS} calls: too few to decide by"


def title_of(trial: Trial) -> str:
    """Say which versions are compared."""
    if trial.active is None:
        why = "the release's active version, not reviewed yet" if trial.waiting else "no other version beside it"
        return f"{trial.rule}: {trial.version} on trial, {why}"
    hidden = "" if trial.shown else " (not reviewed yet, so not shown either)"
    return f"{trial.rule}: {trial.version} on trial beside {trial.active}{hidden}"


def outcomes(trial: Trial) -> list[tuple[str, int, str]]:
    """Give the rows of the table of a trial: name, calls, and what it means in words."""
    total = trial.total
    if trial.active is None:
        return [
            ("a card", total.trial_speaks, "it would have spoken"),
            ("silent", total.trial_silent, ""),
            ("unknown", total.unknown, ""),
        ]
    unknown = [
        f"{count:,} {words}"
        for count, words in (
            (total.trial_unknown, "on trial only"),
            (total.active_unknown, "active only"),
            (total.both_unknown, "both"),
        )
        if count
    ]
    agree = f"{total.both_speak:,} both with a card, {total.both_silent:,} both silent"
    return [
        ("agree", total.agree, agree),
        ("gained", total.gained, "a card on trial only"),
        ("lost", total.lost, "a card of the active version only"),
        ("unknown", total.unknown, ", ".join(unknown)),
    ]


def asides(trial: Trial) -> Iterator[str]:
    """Say what else is to be known of the calls."""
    total = trial.total
    if total.other_level:
        yield f"both with a card, at another level: {total.other_level:,}"
    if total.withheld:
        yield f"cards of the active version that were merged, yielded or over the limit: {total.withheld:,}"
    if total.failed:
        yield f"the trial raised an error, counted as unknown: {total.failed:,}"


def reasons(trial: Trial) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Give for each kind of difference the words for it and the criteria with their calls, most frequent first."""
    for kind, words in _KINDS.items():
        found = trial.total.because.get(kind, {})
        if found:
            yield f"{kind}, {words}", [(" and ".join(names), count) for names, count in found.items()]


def _counts(trial: Trial) -> Iterator[int]:
    for tally in (trial.total, *(each.tally for each in (*trial.periods, *trial.releases))):
        yield from (tally.calls, tally.agree, tally.gained, tally.lost, tally.unknown, tally.trial_speaks)


def _trial_lines(trial: Trial, by: str) -> Iterator[str]:
    total = trial.total
    yield title_of(trial)
    many = few(total)
    yield f"  judged in {so_many(total.calls, 'call')}{many and f'; {many}'}"
    for name, count, words in outcomes(trial):
        first, *rest = wrap(words, COLUMNS - _WORDS_AT) or [""]
        yield f"    {name:<8}{count:>10,}  {share_words(total.of_calls(count)):<25}  {first}".rstrip()
        yield from (" " * _WORDS_AT + each for each in rest)
    yield f"  cards per 100 calls: {_rates(trial)}"
    yield from (f"  {each}" for each in asides(trial))
    for words, found in reasons(trial):
        yield f"  {words}:"
        for names, count in found[:REASONS_SHOWN]:
            first, *rest = wrap(names, COLUMNS - 16)
            yield f"    {count:>10,}  {first}"
            yield from (f"    {'':>10}  {each}" for each in rest)
        left = sum(count for _, count in found[REASONS_SHOWN:])
        if left:
            yield f"    {left:>10,}  others"
    yield from _table("week of" if by == WEEK else by, trial.periods, trial)
    with_site = ", site file" if any(each.site for each in trial.releases) else ""
    yield from _table(f"release, digest{with_site}", trial.releases, trial)


def _rates(trial: Trial) -> str:
    total = trial.total
    on_trial = f"{rate_words(total.of_calls(total.trial_speaks))} on trial"
    return on_trial if trial.active is None else f"{on_trial}, {rate_words(total.of_calls(total.active_speaks))} active"


def part_name(part: Part) -> str:
    """Name a period, or a release by its digest and that of its site file."""
    return " ".join(filter(None, (part.name, part.digest[:DIGEST_SHOWN], part.site[:DIGEST_SHOWN])))


def _table(heading: str, parts: Sequence[Part], trial: Trial) -> Iterator[str]:
    width = max(_NAMES, *(len(part_name(each)) + 1 for each in parts))
    yield f"  {heading:<{width}}" + "".join(f"{each:>10}" for each in part_columns(trial))
    for part in parts:
        yield f"  {part_name(part):<{width}}" + "".join(f"{count:>10,}" for count in part_counts(part.tally, trial))


def part_columns(trial: Trial) -> tuple[str, ...]:
    """Name the columns of `part_counts`."""
    return ("calls", "a card", "silent", "unknown") if trial.active is None else ("calls", *_COMPARED)


def part_counts(tally: Tally, trial: Trial) -> tuple[int, ...]:
    """Give the figures of a period or release: calls, then each outcome."""
    if trial.active is None:
        return tally.calls, tally.trial_speaks, tally.trial_silent, tally.unknown
    return tally.calls, tally.agree, tally.gained, tally.lost, tally.unknown


# --- JSON ------------------------------------------------------------------------------------------------------------


def report_json(report: TrialReport, database: str, zone: str) -> dict[str, Any]:
    """Give the report as JSON. Shares and their 95 % intervals are fractions of 1."""
    return {
        "database": database,
        "timezone": zone,
        "first": report.first.isoformat() if report.first else None,
        "last": report.last.isoformat() if report.last else None,
        "by": report.by,
        "interval": "Wilson, 95 %",
        "fewCallsBelow": FEW_CALLS,
        "trials": [_trial_json(each) for each in report.trials],
        "notes": list(notes_of(report)) if report.trials else [],
    }


def _trial_json(trial: Trial) -> dict[str, Any]:
    return {
        "ruleId": trial.rule,
        "trialVersion": trial.version,
        "activeVersion": trial.active,
        "activeIsShown": trial.shown if trial.active is not None else None,
        "waitsForReview": trial.waiting or (trial.active is not None and not trial.shown),
        **_tally_json(trial.total, trial),
        "because": {
            kind: [{"criteria": list(names), "calls": count} for names, count in found.items()]
            for kind, found in trial.total.because.items()
        },
        "periods": [{"period": each.name, **_tally_json(each.tally, trial)} for each in trial.periods],
        "releases": [
            {"release": each.name, "digest": each.digest, "site": each.site or None, **_tally_json(each.tally, trial)}
            for each in trial.releases
        ],
    }


def _tally_json(tally: Tally, trial: Trial) -> dict[str, Any]:
    alone = {
        "calls": tally.calls,
        "fewCalls": tally.calls < FEW_CALLS,
        "trialSpeaks": _counted(tally.trial_speaks, tally),
        "trialSilent": _counted(tally.trial_silent, tally),
        "unknown": _counted(tally.unknown, tally),
        "trialFailed": tally.failed,
    }
    if trial.active is None:
        return alone
    return {
        **alone,
        "activeSpeaks": _counted(tally.active_speaks, tally),
        "agree": _counted(tally.agree, tally),
        "gained": _counted(tally.gained, tally),
        "lost": _counted(tally.lost, tally),
        "bothSpeak": tally.both_speak,
        "bothSilent": tally.both_silent,
        "otherLevel": tally.other_level,
        "unknownOf": {
            "trialOnly": tally.trial_unknown,
            "activeOnly": tally.active_unknown,
            "both": tally.both_unknown,
        },
        "activeWithheld": tally.withheld,
    }


def _counted(part: int, tally: Tally) -> Mapping[str, Any]:
    share = tally.of_calls(part)
    assert share is not None  # there is no tally without a call
    return {
        "calls": part,
        "share": round(share.share, 6),
        "low": round(share.low, 6),
        "high": round(share.high, 6),
    }
