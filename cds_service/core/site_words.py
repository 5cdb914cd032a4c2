"""What a site changed of a rule, in words for cards and explanations and as JSON for programs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cds_service.core.card_text import amount_words, counted, listed, markdown
from cds_service.core.rule import Edition, Release
from cds_service.core.site import CodesChange, ParameterChange, Said, SiteChanges, SiteMark, WordingChange

SITE_EXTENSION = "org.oud-cds.site"
CHANGED_HERE = "**Changed at this site"
SIGNED_OFF_HERE = "Signed off at this site"
SITE_BLOCKS = (CHANGED_HERE, SIGNED_OFF_HERE)  # how the blocks begin that speak of the site
_KEY_WORDS = {"override_reasons": "reasons to override"}
_RUN_WORDS = {"active": "shown, where the release has it on trial", "trial": "on trial", "disabled": "not run"}

Json = dict[str, Any]
Shown = tuple[Edition, str]  # a rule version, and the id of the card it shows


def site_blocks(shown: Iterable[Shown], mark: SiteMark | None) -> list[str]:
    """Give the blocks of a card's detail that speak of the site; shown as in `changed_line`."""
    both = list(shown)
    return [changed_line(both, mark), *signed_off_lines(both)]


def changed_line(shown: Iterable[Shown], mark: SiteMark | None) -> str:
    """Say in one line of Markdown what the site changed of the rules of a card; "" when nothing.

    shown: of the card and of those merged into it.
    """
    words = [each for edition, card in shown for each in changes_words(edition.site, card, markdown)]
    if mark is None or not words:
        return ""
    return f"{CHANGED_HERE} ({markdown(mark.name)}):** {'; '.join(dict.fromkeys(words))}."


def signed_off_lines(shown: Iterable[Shown]) -> list[str]:
    """Say who signed the rules of a card off, once for each version."""
    each_once = {edition.rule.id: edition for edition, _ in shown if edition.site.signed_off}
    return [
        f"{SIGNED_OFF_HERE}: {rule} {edition.rule.version} by {markdown(said.by)} on {said.date}."
        for rule, edition in each_once.items()
        if (said := edition.site.signed_off)
    ]


def site_summary(release: Release) -> str:
    """Say in one line what a site's overlay does to a release: who, how many rules, and which do not run."""
    assert release.site is not None
    changed = sum(each.site.changed for each in (*release.active, *release.trial))
    parts = [f"{counted(changed, 'rules')} changed"]
    signed = sum(each.site.signed_off is not None for each in (*release.active, *release.trial))
    if signed:
        parts.append(f"{signed} signed off")
    for run, editions in (("on trial", release.trial), ("not run", release.disabled)):
        names = [each.rule.id for each in editions if each.site.run]
        if names:
            parts.append(f"{run}: {', '.join(names)}")
    if release.not_held:
        parts.append(f"no source: {', '.join(sorted(release.not_held))}")
    return f"{release.site.name}; {'; '.join(parts)}"


def site_report(release: Release) -> list[str]:
    """Say in lines what a site does: the summary, then each rule version that it changed and how."""
    editions = (*release.active, *release.trial)
    changed = [
        f"  {each.rule.id} {each.rule.version}: {'; '.join(changes_words(each.site, None))}"
        for each in editions
        if each.site.changed or each.site.run
    ]
    return [site_summary(release), *changed]


def changes_words(changes: SiteChanges, card: str | None, escape: Callable[[str], str] = str) -> list[str]:
    """Give a phrase for each change: "screen months: 6 months instead of 12 months".

    card: whose wording is told of; None tells of every card's.
    """
    words = [
        f"{each.name.replace('_', ' ')}: {amount_words(each.value, each.unit)} "
        f"instead of {amount_words(each.shipped, each.unit)}"
        for each in changes.parameters
    ]
    keys = [_KEY_WORDS.get(each.key, each.key) for each in changes.wording if card in (None, each.card)]
    if keys:
        words.append(f"its own words for {listed(keys)}")
    words += [f"{counted(len(each.codes), 'codes')} of its own for {escape(each.title)}" for each in changes.codes]
    if changes.run:
        words.append(_RUN_WORDS[changes.run])
    return words


def site_extension(shown: Iterable[Shown], mark: SiteMark | None) -> Json | None:
    """Give the extension of a card whose rules the site changed or signed off; None for a card as shipped.

    {"site", "digest"} and, where there are any, "changed" (as `changes_json` has it) and "signedOff" by rule@version.
    """
    changed: list[Json] = []
    signed: Json = {}
    for edition, card in shown:
        rule = edition.rule
        changed += [each for each in _changes(edition, card) if each not in changed]
        if edition.site.signed_off:
            signed[f"{rule.id}@{rule.version}"] = _said(edition.site.signed_off)
    if mark is None or not (changed or signed):
        return None
    told: Json = {"changed": changed, "signedOff": signed}
    return {"site": mark.name, "digest": mark.digest, **{key: value for key, value in told.items() if value}}


def changes_json(edition: Edition) -> Json:
    """Give all that the site decided of an edition, with who decided it and why; empty when it decided nothing."""
    body: Json = {
        "changed": [{**_change(edition, each), **_said(each.said, why=True)} for each in _listed(edition.site)],
    }
    if edition.site.signed_off:
        body["signedOff"] = _said(edition.site.signed_off, why=True)
    if edition.site.run_said:
        body["run"] = {"run": edition.site.run, **_said(edition.site.run_said, why=True)}
    return {key: value for key, value in body.items() if value}


def _listed(changes: SiteChanges) -> tuple[ParameterChange | WordingChange | CodesChange, ...]:
    return (*changes.parameters, *changes.wording, *changes.codes)


def _changes(edition: Edition, card: str) -> Iterator[Json]:
    for each in _listed(edition.site):
        if not isinstance(each, WordingChange) or each.card == card:
            yield _change(edition, each)
    if edition.site.run:
        yield {"rule": edition.rule.id, "run": edition.site.run}


def _change(edition: Edition, change: ParameterChange | WordingChange | CodesChange) -> Json:
    match change:
        case ParameterChange():
            return {
                "parameter": f"{change.owner}.{change.name}",
                "shipped": _number(change.shipped),
                "value": _number(change.value),
                "unit": change.unit,
            }
        case WordingChange():
            return {"wording": f"{edition.rule.id}.{change.card}.{change.key}"}
        case CodesChange():
            return {"valueSet": change.value_set, "added": [f"{each.system}|{each.code}" for each in change.codes]}


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


def _said(said: Said, *, why: bool = False) -> Json:
    return {**({"why": said.why} if why else {}), "by": said.by, "date": said.date}
