"""The report of a simulation as one HTML page that needs nothing else: tables, and a funnel picture for each rule."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from cds_service.core.plural import so_many
from cds_service.population.funnel_picture import funnel_picture
from cds_service.population.report_text import rate

Report = Mapping[str, Any]
_STYLE = Markup(
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.2rem .6rem;border-bottom:1px solid #c4ccd2;"
    "text-align:right}th:first-child,td:first-child{text-align:left}.wide{overflow-x:auto}"
    ".note{background:#fdf3e1;padding:.6rem .8rem;border-left:4px solid #b26a00}svg{max-width:100%;height:auto}"
    ".wide svg{min-width:40rem}"
)
_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" '
    'content="width=device-width">\n<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n'
    "<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
)


def as_html(report: Report) -> Markup:
    """Give the page. Every word of it that is not from here is escaped."""
    parts = [
        _facts(report),
        Markup('<p class="note">{}</p>').format(report["note"]),
        *_left_out(report["leftOut"]),
        Markup("<h2>Cards</h2>"),
        _cards(report),
        Markup("<h2>Overlap</h2>\n<p>Patients for whom both rules fire; rules are numbered as above.</p>"),
        _overlap(report),
        Markup("<h2>By age</h2>\n<p>Patients with a card per 100 patients of the band.</p>"),
        _groups(report, "byAge"),
        Markup("<h2>By sex</h2>\n<p>Patients with a card per 100 patients.</p>"),
        _groups(report, "bySex"),
        Markup("<h2>Funnels</h2>"),
        *(_funnel(rule) for rule in report["rules"]),
    ]
    title = f"Release {report['release']} on {so_many(report['judged'], 'patient')}"
    return _PAGE.format(title=title, style=_STYLE, body=Markup("\n").join(parts))


def _facts(report: Report) -> Markup:
    cards = report["cards"]
    return Markup(
        "<p>At {hook}, as if each call came on {today}. {cards} cards: {patients} per 100 patients, {encounters} per "
        "100 encounters on record. Not judged: {not_judged}. Kept from every rule: {kept}.</p>"
    ).format(
        hook=report["hook"], today=report["today"], cards=f"{cards['shown']:,}",
        patients=rate(cards["per100Patients"]), encounters=rate(cards["per100Encounters"]),
        not_judged=f"{sum(report['notJudged'].values()):,}", kept=f"{sum(report['keptOut'].values()):,}",
    )  # fmt: skip


def _left_out(left_out: Report) -> Iterable[Markup]:
    if left_out["lines"]:
        yield Markup("<h2>Lines that could not be used</h2>")
        rows = [(each["why"], f"{each['lines']:,}", ", ".join(each["first"])) for each in left_out["reasons"]]
        yield _table(("reason", "lines", "first"), rows)


def _cards(report: Report) -> Markup:
    rows = [
        (
            f"{at}. {rule['id']} {rule['version']}{' (trial)' if rule['state'] == 'trial' else ''}",
            f"{rule['holds']:,}", f"{rule['cannotTell']:,}", f"{rule['cards']['shown']:,}",
            rate(rule["cards"]["per100Patients"]), rate(rule["cards"]["per100Encounters"]),
        )
        for at, rule in enumerate(report["rules"], 1)
    ]  # fmt: skip
    return _table(("rule", "holds", "cannot be told", "cards", "per 100 patients", "per 100 encounters"), rows)


def _overlap(report: Report) -> Markup:
    names = {f"{rule['id']}@{rule['version']}": at for at, rule in enumerate(report["rules"], 1)}
    pairs = {frozenset(names[each] for each in pair["rules"]): pair["patients"] for pair in report["overlap"]}
    there = sorted({at for pair in pairs for at in pair})
    rows = [
        [f"{row}", *(f"{pairs.get(frozenset((at, row)), 0) or ''}" for at in there[: there.index(row)])]
        for row in there[1:]
    ]
    return _table(("", *map(str, there[:-1])), rows)


def _groups(report: Report, name: str) -> Markup:
    groups = list(report["cards"][name])
    whole = report["cards"][name]
    rows = [["patients", *(f"{whole[each]['patients']:,}" for each in groups)]]
    rows.append(["any card", *(rate(whole[each]["per100"]) for each in groups)])
    rows += [
        [rule["id"], *(rate(rule["cards"][name][each]["per100"]) for each in groups)]
        for rule in report["rules"]
        if rule["cards"]["shown"]
    ]
    return _table(("", *groups), rows)


def _funnel(rule: Report) -> Markup:
    why = [f"{each['kind']} {each.get('list', '')}".strip() + f" {each['patients']:,}" for each in rule["why"]]
    told = (
        Markup("<p>{} cannot be told: {}.</p>").format(f"{rule['cannotTell']:,}", ", ".join(why)) if why else Markup()
    )
    return Markup('<h3>{} {}</h3>\n<p>{}</p>\n<div class="wide">{}</div>\n{}').format(
        rule["id"], rule["version"], rule["title"], funnel_picture(rule), told
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    titles = Markup().join(Markup('<th scope="col">{}</th>').format(each) for each in head)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup().join(Markup("<td>{}</td>").format(each) for each in row)) for row in rows
    )
    return Markup(
        '<div class="wide"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table></div>'
    ).format(titles, body)
