"""A comparison as one HTML page that needs nothing else: what changed, what it does to people, both flows as pictures.

Pictures are SVG by presentation attributes alone, drawn here; the page has no script.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from cds_service.core.plural import so_many
from cds_service.core.rule import Edition, Release
from cds_service.rulebook.change import Change
from cds_service.rulebook.compare_people import CHANGED, GAINED, LOST, REWORDED, TURNS
from cds_service.rulebook.compare_release import Difference, ReleaseDifference
from cds_service.rulebook.compare_report import change_words, left_out_words, verdict
from cds_service.rulebook.compare_tally import Cohort, Tally, most_often
from cds_service.rulebook.drawing import page, table, wide
from cds_service.rulebook.drawing import picture as drawn_picture
from cds_service.rulebook.rule_description import describe
from cds_service.rulebook.rule_picture import picture

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b2733; margin: 2rem auto; max-width: 100rem; padding: 0 1.5rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccd4db; padding: .3rem .6rem; text-align: left;
 vertical-align: top; }
td.number { text-align: right; } .verdict { font-weight: 600; } .short { color: #b3261e; }
.two { display: flex; flex-wrap: wrap; gap: 1.5rem; } svg { max-width: 100%; height: auto; }
figure { margin: 0; min-width: 0; }
""".strip()
_COLORS = {
    "before": "#5b6770",
    "after": "#1f5fa6",
    GAINED: "#2e7d4f",
    LOST: "#b3261e",
    CHANGED: "#b26a00",
    REWORDED: "#8a94a0",
}
_UNKNOWN_COLOR = "#7a5195"
_WIDTH, _LABEL, _BAR, _STEP = 640, 150, 380, 28


def difference_page(found: Difference, pictures: str = "", cohort: Cohort | None = None) -> str:
    """Give the page of two versions of one rule or definition. pictures: those of `flows`, "" for none."""
    flow_part = ["<h2>How each comes to a card</h2>", f'<div class="two">{pictures}</div>'] if pictures else []
    title = f"{found.id} {found.before} → {found.after}"
    return _page(title, [*_versions(found), *_cohort(cohort), *flow_part])


def flows(editions: Iterable[Edition], release: Release) -> str:
    """Draw how each version of a rule comes to a card. release: that which the descriptions name."""
    return "".join(
        f"<figure><figcaption>{each.rule.version}</figcaption>{wide(picture(describe(each, '', release)))}</figure>"
        for each in editions
    )


def release_page(found: ReleaseDifference, cohort: Cohort | None = None) -> str:
    """Give the page of two releases."""
    parts: list[str] = []
    for heading, some in (("Rules", found.rules), ("On trial", found.trials), ("Definitions", found.definitions)):
        if some:
            parts.append(f"<h2>{heading}</h2>")
        for each in some:
            if each.before and each.after:
                parts += [f"<h3>{escape(each.id)} {each.before} → {each.after}</h3>", *_versions(each)]
            else:
                word = f"{each.after} is new" if each.after else f"{each.before} is gone"
                parts.append(f"<p><b>{escape(each.id)}</b> {word}: {escape(each.title)}</p>")
    if found.gate:
        parts.append(f"<p><code>never_when</code> {escape(found.gate)}</p>")
    if found.value_sets:
        rows = ((name, was or "–", now or "–", how) for name, (was, now, how) in found.value_sets.items())
        parts += ["<h2>Value sets</h2>", table(("set", "before", "after", ""), rows)]
    return _page(f"Release {found.before} → {found.after}", [*parts, *_cohort(cohort)])


def _page(title: str, parts: Iterable[str]) -> str:
    return page(title, parts, _STYLE)


def _versions(found: Difference) -> Iterator[str]:
    short = "" if found.enough else " short"
    yield f'<p class="verdict{short}">{escape(verdict(found))}</p>'
    yield _changes(found.changes)


def _changes(found: Sequence[Change]) -> str:
    if not found:
        return "<p>Nothing changed.</p>"
    return table(("step", "part", "what"), ((each.step, each.part, change_words(each)) for each in found))


def _cohort(cohort: Cohort | None) -> Iterator[str]:
    if cohort is None:
        return
    yield f"<h2>On {so_many(cohort.people, 'person', 'people')}, as of {cohort.today.isoformat()}</h2>"
    for each in cohort.tallies.values():
        yield f"<h3>{escape(each.rule)}</h3>"
        yield bars(each)
        if each.differs:
            rows = [
                (sort, f"{times:,}", why, "")
                for sort, reasons in each.reasons.items()
                for why, times in most_often(reasons)
            ]
            rows += [(sort, "", "", ", ".join(people)) for sort, people in each.examples.items()]
            yield table(
                ("what became of cards", "times", "what flipped", "such as"), sorted(rows, key=lambda row: row[0])
            )
    if cohort.skipped:
        yield "<h3>Not judged</h3>"
        yield table(("why", "times"), ((why, f"{times:,}") for why, times in sorted(cohort.skipped.items())))
    for found in cohort.left_out:
        yield f"<p>{escape(left_out_words(found))}</p>"


def bars(tally: Tally) -> str:
    """Draw what became of a rule's cards as bars of one scale, in SVG."""
    values = [("cards before", tally.before, _COLORS["before"]), ("cards after", tally.after, _COLORS["after"])]
    values += [(sort, tally.sorts[sort], _COLORS[sort]) for sort in TURNS]
    values += [(f"unknown {side}", tally.unknown[side], _UNKNOWN_COLOR) for side in ("before", "after")]
    most = max(number for _, number, _ in values) or 1
    drawn = []
    for place, (label, number, color) in enumerate(values):
        top, width = place * _STEP, round(_BAR * number / most)
        drawn.append(f'<text x="{_LABEL - 8}" y="{top + 18}" text-anchor="end" fill="#1a1a1a">{escape(label)}</text>')
        drawn.append(f'<rect x="{_LABEL}" y="{top + 4}" width="{width}" height="{_STEP - 8}" fill="{color}"/>')
        drawn.append(f'<text x="{_LABEL + width + 6}" y="{top + 18}" fill="#1a1a1a">{number:,}</text>')
    return drawn_picture(f"Cards of {tally.rule} before and after", len(values) * _STEP, drawn, width=_WIDTH)
