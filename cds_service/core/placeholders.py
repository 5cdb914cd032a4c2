"""Placeholders of card texts and `says` sentences, filled from a judgement: {parameter}, {criterion.display}, ...

Source: docs/reference/rule-language.md, section 7 ("Placeholders") and section 4 (a criterion's date and display).
"""

from collections.abc import Callable, Iterator, Mapping

from cds_service.core.card_text import (
    date_words,
    days_since,
    figure,
    length_words,
    listed,
    number_words,
    unit_words,
)
from cds_service.core.dates import BEGINNING, FOREVER, NO, YES, Span
from cds_service.core.decision import Found, Judgement, Result
from cds_service.core.facts import FACTS
from cds_service.core.form import Text
from cds_service.core.measure import per_limit
from cds_service.core.record import record
from cds_service.core.restricted import RESTRICTED_RECORD, is_restricted
from cds_service.core.rule import Find, Logic
from cds_service.core.value_set import holds

ATTRIBUTES = ("display", "date", "days", "value", "length", "count")

_UNKNOWN_DATE = Span(BEGINNING, FOREVER)


@record(frozen=True, slots=True)
class Voice:
    """How a judgement is spoken of.

    escape: what chart text passes before it is printed (card_text.markdown or card_text.plain).
    hide:   whether rows labelled as Part 2 records are called "a restricted record" and nothing more.
    only:   criterion -> the one row its placeholders speak of, where a text is about a single row.
    """

    judgement: Judgement
    escape: Callable[[str], str]
    hide: bool = False
    only: Mapping[str, Found] | None = None


def fill(text: Text, voice: Voice) -> str:
    """Fill every blank of a text. Raises KeyError for an attribute that criteria do not have; lint refuses it."""
    if not text.blanks:
        return text.words[0]
    words = [text.words[0]]
    for (attribute, name), then in zip(text.blanks, text.words[1:], strict=True):
        words.append(_WORDS[attribute](voice, name))
        words.append(then)
    return "".join(words)


def sentence(name: str, voice: Voice) -> str:
    """Give the `says` sentence of a criterion, filled, without its full stop."""
    return fill(voice.judgement.printed.spoken[name].says, voice).rstrip(". ")


# --- rows ------------------------------------------------------------------------------------------------------------


def speaking_rows(result: Result) -> list[Found]:
    """Give the rows that placeholders speak of, latest first: the sure ones, or the doubtful ones if none is sure."""
    rows = [found for found in result.rows if found.sure] or list(result.rows)
    return sorted(rows, key=_recency, reverse=True) if len(rows) > 1 else rows


def _recency(found: Found) -> tuple[bool, int, int]:
    start = found.start
    return start.last < FOREVER and start.first > BEGINNING, start.last, start.first


def start_of(found: Found) -> Span:
    """Give the date of a row; a row that was listed without any date has none, however it is counted."""
    row = found.row
    undated = row.start is None and row.end is None and row.over_by is None and row.fact != "draft-order"
    return _UNKNOWN_DATE if undated and not found.start.exact else found.start


def found_name(found: Found) -> str:
    """Give the raw name of a row: label, else drug name on the record, else title of the value set; "" for none."""
    return found.label or found.row.name or found.value_set


def hidden(found: Found, voice: Voice) -> bool:
    """Say whether nothing of this row may be told."""
    return voice.hide and is_restricted(found.row)


def bases(name: str, judgement: Judgement) -> tuple[str, ...]:
    """Give the criteria whose rows a criterion takes up: `all` and `any` of logic, criteria in `find`."""
    body = judgement.criterion(name).body
    if isinstance(body, Logic):
        return judgement.members(name)[: len(body.all) + len(body.any)]
    if isinstance(body, Find):
        return judgement.members(name)[: sum(each not in FACTS for each in body.find)]
    return ()


# --- words of one criterion ------------------------------------------------------------------------------------------


def display(voice: Voice, name: str) -> str:
    """Name what a criterion found: at most three names, then "and 2 more"."""
    names = list(_names(voice, name))
    if not any(names):
        names = [_expected_name(voice, name)]
    return listed(names)


def _names(voice: Voice, name: str) -> Iterator[str]:
    judgement = voice.judgement
    criterion, result = judgement.criterion(name), judgement.result(name)
    rows = _rows(voice, name)
    if criterion.label:
        yield RESTRICTED_RECORD if rows and all(hidden(each, voice) for each in rows) else voice.escape(criterion.label)
    elif isinstance(criterion.body, Logic):
        members = [each for each in bases(name, judgement) if judgement.verdict(each) is not NO]
        sure = [each for each in members if judgement.verdict(each) is YES]
        for member in (sure or members) if result.verdict is not NO else ():
            yield from _names(voice, member)
    else:
        for found in rows:
            yield RESTRICTED_RECORD if hidden(found, voice) else voice.escape(found_name(found))


def _expected_name(voice: Voice, name: str) -> str:
    """Say what the criterion looks for, where it found no row that could be named."""
    criterion, edition = voice.judgement.criterion(name), voice.judgement.edition
    sets = criterion.body.code_in if isinstance(criterion.body, Find) else ()
    titles = [voice.escape(edition.value_sets[each].title) for each in sets if each in edition.value_sets]
    return listed(titles) or sentence(name, voice)


def _rows(voice: Voice, name: str) -> list[Found]:
    if voice.only and name in voice.only:
        return [voice.only[name]]
    return speaking_rows(voice.judgement.result(name))


def latest(voice: Voice, name: str) -> Found | None:
    """Give the row that a criterion's placeholders speak of, if it has one."""
    return next(iter(_rows(voice, name)), None)


def _of_latest(words: Callable[[Voice, str, Found], str], without: str) -> Callable[[Voice, str], str]:
    def of(voice: Voice, name: str) -> str:
        found = latest(voice, name)
        if found is None:
            return without
        return RESTRICTED_RECORD if hidden(found, voice) else words(voice, name, found)

    return of


def _count(voice: Voice, name: str) -> str:
    result = voice.judgement.result(name)
    return RESTRICTED_RECORD if any(hidden(each, voice) for each in result.rows) else str(result.count)


def value_words(voice: Voice, name: str, found: Found) -> str:
    """Say a row's value: "201 U/L (5.03 times the upper limit)", or the title of the list its answer stands in.

    Gives "" when it has no number and its answer is in no list.
    """
    row = found.row
    if row.value is None and not row.answers:
        return ""
    judging, home = _judging(name, found, voice.judgement)
    if row.value is None:
        return voice.escape(_answer_title(judging, found, voice.judgement))
    unit = unit_words(row.value.unit)
    words = f"{number_words(row.value)} {voice.escape(unit)}".rstrip()
    if judging is None or not judging.per_upper_limit:
        return words
    limit = voice.judgement.printed.spoken[home].parameters[judging.per_upper_limit]
    times = per_limit(row.value, row.upper_limit, limit.value, limit.unit)
    if times is None or times.low != times.high:
        return words
    return f"{words} ({figure(round(times.low, 2))} times the upper limit)"


def judging_find(name: str, found: Found, judgement: Judgement) -> Find | None:
    """Give the `find` that judged this row's value: of the criterion itself, else of those it takes rows from."""
    return _judging(name, found, judgement)[0]


def _judging(name: str, found: Found, judgement: Judgement) -> tuple[Find | None, str]:
    body = judgement.criterion(name).body
    if isinstance(body, Find) and (body.value or body.answer_in or body.age or body.sex):
        return body, name
    for base in bases(name, judgement):
        if any(each.row is found.row or each.row == found.row for each in judgement.result(base).rows):
            judging = _judging(base, found, judgement)
            if judging[0] is not None:
                return judging
    return None, ""


def _answer_title(judging: Find | None, found: Found, judgement: Judgement) -> str:
    """Give the titles of the answer lists that hold the row's answer; a list alone needs no looking up."""
    if judging is None or not found.row.answers:
        return ""
    sets = [judgement.edition.value_sets[each] for each in judging.answer_in]
    codings = [coding for answer in found.row.answers for coding in answer.codings]
    coded = [each.title for each in sets if any(holds(each, coding) for coding in codings)]
    if coded:
        return listed(coded)
    return sets[0].title if found.sure and len(sets) == 1 else ""


_WORDS: Mapping[str, Callable[[Voice, str], str]] = {
    "display": display,
    "date": _of_latest(lambda voice, name, found: date_words(start_of(found)), "an unknown date"),
    "days": _of_latest(
        lambda voice, name, found: days_since(start_of(found), voice.judgement.today), "an unknown number of days"
    ),
    "value": _of_latest(
        lambda voice, name, found: value_words(voice, name, found) or "a value that cannot be read", "an unknown value"
    ),
    "length": _of_latest(lambda voice, name, found: length_words(found, voice.judgement.today), "an unknown time"),
    "count": _count,
}
