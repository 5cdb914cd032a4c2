"""The report of a simulation as one JSON value, from which text and page are written.

Nothing is rounded away and no small count is hidden: the numbers are the site's own, of its own cohort.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.core.rule import Edition, Release
from cds_service.core.site_words import site_summary
from cds_service.population.findings import Findings
from cds_service.population.judging import BANDS, NO_AGE, Key, band_names, name_of, steps_of
from cds_service.population.simulate import Simulated
from cds_service.rulebook.rule_description import sentences_of

SMALL_COUNTS = (
    "Counts are shown as they are, small ones too. With few patients behind a number, people may be recognised by it: "
    "think before this report leaves the site."
)
SEXES = ("female", "male", "unknown")
DECIMALS = 1


def report_of(simulated: Simulated) -> dict[str, Any]:
    """Give everything that is reported of a simulation."""
    counts, release = simulated.counts, simulated.release
    asked = [(each, state) for each, state in _editions(release) if simulated.hook in each.rule.hooks]
    shown = _sum(counts, "shown")
    return {
        "release": release.id,
        "site": site_summary(release) if release.site else None,
        "hook": simulated.hook,
        "today": simulated.today.isoformat(),
        "patients": counts["people",],
        "judged": counts["judged",],
        "notJudged": _by(counts, "not judged"),
        "keptOut": _by(counts, "gate"),
        "encounters": counts["encounters",],
        "resources": dict(sorted(simulated.lines.items())),
        "ofNobody": dict(sorted(simulated.aside.items())),
        "cards": {
            **_rates(shown, counts),
            "patientsByCards": dict(sorted(_by(counts, "cards a patient").items(), key=lambda each: int(each[0]))),
            "byAge": _groups(counts, "age", "any card by age", (), _bands()),
            "bySex": _groups(counts, "sex", "any card by sex", (), SEXES),
        },
        "rules": [_rule(edition, state, counts) for edition, state in asked],
        "overlap": [
            {"rules": list(key[1:]), "patients": number}
            for key, number in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
            if key[0] == "both"
        ],
        "notAskedHere": [name_of(each) for each, _ in _editions(release) if simulated.hook not in each.rule.hooks],
        "leftOut": _findings(simulated.findings),
        "note": SMALL_COUNTS,
        "took": {
            "workers": simulated.workers,
            "sortingSeconds": round(simulated.sorting_s, 3),
            "sortingProcessorSeconds": round(simulated.sorting_cpu_s, 3),
            "judgingSeconds": round(simulated.judging_s, 3),
            "judgingProcessorSeconds": round(simulated.cpu_s, 3),
        },
    }


def _editions(release: Release) -> list[tuple[Edition, str]]:
    return [*((each, "active") for each in release.active), *((each, "trial") for each in release.trial)]


def _rule(edition: Edition, state: str, counts: Counter[Key]) -> dict[str, Any]:
    name = name_of(edition)
    left = asked = counts["judged",] - _sum(counts, "gate") - _sum(counts, "failed", name)
    says = sentences_of(edition)
    steps = []
    for at, step in enumerate(steps_of(edition)):
        left -= counts["leaves", name, str(at)]
        steps.append({
            "kind": step.kind,
            "names": list(step.names),
            "says": [says.get(each, each) for each in step.names],
            "leave": counts["leaves", name, str(at)],
            "left": left,
            "unclear": counts["unclear", name, str(at)],
        })  # fmt: skip
    shown = _sum(counts, "shown", name)
    return {
        "id": edition.rule.id,
        "version": edition.rule.version,
        "state": state,
        "title": edition.rule.title,
        "asked": asked,
        "steps": steps,
        "holds": counts["holds", name],
        "cannotTell": counts["cannot tell", name],
        "why": [
            {"kind": kind, **({"list": about} if about else {}), "patients": number}
            for (_, _, kind, about), number in _most(counts, "why", name)
        ],
        "failed": _by(counts, "failed", name),
        "cards": {
            **_rates(shown, counts),
            "withCaveat": counts["card", name, "caveat"],
            "withoutCaveat": counts["card", name, "sure"],
            "byLevel": _by(counts, "shown", name),
            "withheld": _by(counts, "withheld", name),
            "byAge": _groups(counts, "age", "shown by age", (name,), _bands()),
            "bySex": _groups(counts, "sex", "shown by sex", (name,), SEXES),
        },
    }


def _rates(cards: int, counts: Counter[Key]) -> dict[str, Any]:
    return {
        "shown": cards,
        "per100Patients": per_100(cards, counts["judged",]),
        "per100Encounters": per_100(cards, counts["encounters",]),
    }


def per_100(number: int, of: int) -> float | None:
    """Give how many there are per 100; None of nothing."""
    return round(100 * number / of, DECIMALS) if of else None


def _groups(counts: Counter[Key], group: str, kind: str, of: Key, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give patients of each group, how many of them have a card, and that per 100 of the group."""
    found = {}
    for name in names:
        whole, some = counts[group, name], counts[(kind, *of, name)]
        if whole:
            found[name] = {"patients": whole, "withCard": some, "per100": per_100(some, whole)}
    return found


def _bands() -> tuple[str, ...]:
    return (*band_names(BANDS), NO_AGE)


def _sum(counts: Counter[Key], *key: str) -> int:
    return sum(number for each, number in counts.items() if each[: len(key)] == key)


def _most(counts: Counter[Key], *key: str) -> list[tuple[Key, int]]:
    found = [(each, number) for each, number in counts.items() if each[: len(key)] == key]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _by(counts: Counter[Key], *key: str) -> dict[str, int]:
    """Give the numbers under a key by what follows it, the largest first."""
    return {each[len(key)]: number for each, number in _most(counts, *key)}


def _findings(findings: Findings) -> dict[str, Any]:
    reasons: Mapping[str, int] = dict(sorted(findings.counts.items(), key=lambda each: (-each[1], each[0])))
    return {
        "lines": findings.total,
        "reasons": [
            {"why": why, "lines": number, "first": [str(each) for each in findings.first[why]]}
            for why, number in reasons.items()
        ],
    }
