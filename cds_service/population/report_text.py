"""The report of a simulation as text, at most 100 characters wide."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cds_service.core.plural import so_many
from cds_service.population.judging import ALL, ANY

WIDTH = 100
_A_ROW = 15  # rules side by side in the table of overlaps
Report = Mapping[str, Any]


def as_text(report: Report) -> Iterator[str]:
    """Give the report as lines."""
    yield from _head(report)
    yield from _left_out(report["leftOut"])
    yield from _cards(report)
    for rule in report["rules"]:
        yield ""
        yield from funnel(rule)
    yield from _overlap(report)
    yield from _groups(report, "byAge", "By age, patients with a card of the rule per 100 patients of the band:")
    yield from _groups(report, "bySex", "By sex, patients with a card of the rule per 100 patients:")
    yield ""
    yield from textwrap.wrap(report["note"], WIDTH)


def _head(report: Report) -> Iterator[str]:
    took = report["took"]
    yield f"{so_many(report['patients'], 'patient')} at {report['hook']}, as if each call came on {report['today']}"
    read = sum(report["resources"].values())
    types = so_many(len(report["resources"]), "type")
    yield f"read: {so_many(read, 'resource')} of {types}{_of_nobody(report['ofNobody'])}"
    processes = so_many(took["workers"], "process", "processes")
    yield f"step 1, sorted by patient: {took['sortingSeconds']:.1f} s"
    yield (
        f"step 2, judged: {took['judgingSeconds']:.1f} s by {processes}, "
        f"{took['judgingProcessorSeconds']:.1f} s of processor time"
    )
    for why, number in report["notJudged"].items():
        yield f"not judged: {so_many(number, 'patient')}, {why}"
    for name, number in report["keptOut"].items():
        yield f"kept from every rule: {so_many(number, 'patient')} of whom {name} holds (never_when)"


def _of_nobody(kinds: Mapping[str, int]) -> str:
    said = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    return f"; about no patient: {said}" if said else ""


def _left_out(left_out: Report) -> Iterator[str]:
    for each in left_out["reasons"]:
        more = " ..." if each["lines"] > len(each["first"]) else ""
        lines = so_many(each["lines"], "line that", "lines, each of which")
        yield from _wrapped(f"left out: {lines} {each['why']}: ", ", ".join(each["first"]) + more)


def _cards(report: Report) -> Iterator[str]:
    cards = report["cards"]
    yield ""
    yield (
        f"cards: {cards['shown']:,}, {rate(cards['per100Patients'])} per 100 patients, "
        f"{rate(cards['per100Encounters'])} per 100 encounters on record ({report['encounters']:,})"
    )
    by = [f"{number:,} with {count}" for count, number in cards["patientsByCards"].items()]
    yield f"patients by number of cards: {', '.join(by) or 'none'}"
    yield ""
    yield f"{'':3}{'rule':40}{'holds':>9}{'unclear':>9}{'cards':>9}{'/100 pat.':>12}{'/100 enc.':>12}"
    for at, rule in enumerate(report["rules"], 1):
        own = rule["cards"]
        yield (
            f"{at:2} {_name(rule):40}{rule['holds']:9,}{rule['cannotTell']:9,}{own['shown']:9,}"
            f"{rate(own['per100Patients']):>12}{rate(own['per100Encounters']):>12}"
        )
    if report["notAskedHere"]:
        yield from _wrapped("not asked at this moment: ", ", ".join(report["notAskedHere"]))


def funnel(rule: Report) -> Iterator[str]:
    """Give how patients leave one rule, step by step."""
    yield from textwrap.wrap(f"{_name(rule)}: {rule['title']}", WIDTH)
    yield f"{rule['asked']:11,}  asked"
    for step in rule["steps"]:
        unclear = f", {step['unclear']:,} cannot be told" if step["unclear"] else ""
        yield from _wrapped(f"{step['left']:11,}  ", f"{said(step)} (-{step['leave']:,}{unclear})")
    yield f"{rule['holds']:11,}  hold"
    yield from _doubts(rule)
    cards = rule["cards"]
    parts = [f"{number:,} {level}" for level, number in cards["byLevel"].items()]
    yield f"{cards['shown']:11,}  cards{': ' if parts else ''}{', '.join(parts)}"
    if cards["withheld"]:
        parts = [f"{number:,} {why}" for why, number in cards["withheld"].items()]
        yield from _wrapped(f"{sum(cards['withheld'].values()):11,}  ", f"not sent on their own: {', '.join(parts)}")
    for error, number in rule["failed"].items():
        yield f"{number:11,}  could not be judged: {error}"


def said(step: Report) -> str:
    """Say what a step asks."""
    if step["kind"] == ANY and len(step["says"]) > 1:
        return f"One of: {'; '.join(step['says'])}"
    return step["says"][0] if step["kind"] in (ALL, ANY) else f"Not: {step['says'][0]}"


def _doubts(rule: Report) -> Iterator[str]:
    if not rule["cannotTell"]:
        return
    parts = [
        f"{each['kind']}{' ' + each['list'] if 'list' in each else ''} {each['patients']:,}" for each in rule["why"]
    ]
    caveat = rule["cards"]["withCaveat"]
    yield from _wrapped(
        f"{rule['cannotTell']:11,}  ",
        f"cannot be told ({caveat:,} with a card that says so): {', '.join(parts)}",
    )


def _overlap(report: Report) -> Iterator[str]:
    """Give for each pair of rules for how many patients both fire, numbered as in the table above."""
    names = {_name(rule).removesuffix(" (trial)"): at for at, rule in enumerate(report["rules"], 1)}
    pairs = {tuple(sorted(names[each] for each in pair["rules"])): pair["patients"] for pair in report["overlap"]}
    if not pairs:
        return
    there = sorted({at for pair in pairs for at in pair})
    yield ""
    yield "Overlap, patients for whom both rules fire, by their numbers in the table of rules:"
    for begin in range(0, len(there) - 1, _A_ROW):  # the last one stands in a row of its own
        columns = there[begin : min(begin + _A_ROW, len(there) - 1)]
        yield ""
        yield "    " + "".join(f"{at:6}" for at in columns)
        for row in there:
            cells = [f"{pairs.get((at, row), 0) or '.':>6}" if at < row else " " * 6 for at in columns]
            if any(cell.strip() for cell in cells):
                yield f"{row:4}{''.join(cells)}".rstrip()


def _groups(report: Report, name: str, title: str) -> Iterator[str]:
    groups: Sequence[str] = list(report["cards"][name])
    if not groups:
        return
    short = [each.replace(" or more", "+") for each in groups]
    yield ""
    yield title
    yield ""
    yield _row("", short)
    whole = report["cards"][name]
    yield _row("patients", [f"{whole[each]['patients']:,}" for each in groups])
    yield _row("any card", [rate(whole[each]["per100"]) for each in groups])
    for rule in report["rules"]:
        own = rule["cards"][name]
        if rule["cards"]["shown"]:
            yield _row(rule["id"], [rate(own[each]["per100"]) for each in groups])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:34}{''.join(f'{each:>8}' for each in cells)}"


def rate(number: float | None) -> str:
    """Write a number per 100; of nothing there is none."""
    return "-" if number is None else f"{number:.1f}"


def _name(rule: Report) -> str:
    return f"{rule['id']}@{rule['version']}{' (trial)' if rule['state'] == 'trial' else ''}"


def _wrapped(head: str, text: str) -> list[str]:
    """Wrap a text behind its head, and set what follows under its beginning."""
    indent = " " * min(len(head), 13)
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
