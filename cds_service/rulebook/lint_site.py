"""Checks of a site file against the release it changes: what it names is there, may be changed, and stays sound.

The form of the file is checked when it is read (rulebook.site_file).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from cds_service.core.facts import Coding
from cds_service.core.overlay import (
    ACTIVE,
    FEEDBACK,
    MOST_OVERRIDDEN,
    NEVER_WHEN,
    NOT_HELD,
    PARAMETERS,
    RULES,
    SIGNED_OFF,
    SMALL_COUNTS,
    VALUE_SETS,
    gate_names,
    with_codes,
    with_parameters,
)
from cds_service.core.rule import Criterion, Definition, Parameter, Release, Rule
from cds_service.core.value_set import ValueSet, holds
from cds_service.fhir.prefetch import ALWAYS_HELD, PREFETCH
from cds_service.rulebook import lint_parameters
from cds_service.rulebook.lint_site_wording import wording
from cds_service.rulebook.lint_subject import Subject, criterion_uses
from cds_service.rulebook.lint_words import person_first_in, tone_in
from cds_service.rulebook.release import Loaded, subjects_of
from cds_service.rulebook.site_file import SiteFile
from cds_service.rulebook.source import Place, RuleProblem, nearest

NOT_ALLOWED = "site-not-allowed"
MOST_LEAST_COUNT = 1000
LEAST_COUNTS = frozenset({1, *range(5, MOST_LEAST_COUNT + 1)})


@dataclass(frozen=True, slots=True)
class SiteSubject:
    """A site file and the release it is held against. subjects: the files of the release, with what they may name."""

    file: SiteFile
    loaded: Loaded
    release: Release
    subjects: tuple[Subject, ...]

    def problem(self, code: str, place: Place, text: str, hint: str = "") -> RuleProblem:
        """Build a problem at the value of a place of the site file."""
        return self.file.source.problem(code, place, text, hint)

    def at_key(self, code: str, place: Place, text: str, hint: str = "") -> RuleProblem:
        """Build a problem at the key of a place of the site file."""
        return self.file.source.problem(code, self.file.source.key_mark(place), text, hint)

    def versions(self, rule: str) -> list[Rule]:
        """The versions of a rule in the release, active and on trial."""
        return [each.draft for each in self.subjects if isinstance(each.draft, Rule) and each.draft.id == rule]

    def unknown_rule(self, place: Place, rule: str) -> RuleProblem:
        """Say that the release has no such rule."""
        names = [each.draft.id for each in self.subjects if isinstance(each.draft, Rule)]
        return self.at_key("unknown-rule", place, f"no rule '{rule}' in the release", nearest(rule, names))


def site_problems(file: SiteFile, loaded: Loaded, folder: Path, today: date | None = None) -> list[RuleProblem]:
    """Give every problem of a site file: of its form, and, once the release can be judged, of what it changes.

    today: a decision of a day after the next is refused, for somewhere it is tomorrow already. None leaves that out.
    """
    problems = [*file.problems, *person_first_in(file.source), *tone_in(file.source)]
    problems += _days(file, today) if today else ()
    if loaded.release is not None:
        case = SiteSubject(file, loaded, loaded.release, subjects_of(loaded, folder))
        for check in CHECKS:
            problems += check(case)
    return sorted(dict.fromkeys(problems), key=lambda each: (each.line, each.column))


def _days(file: SiteFile, today: date) -> Iterator[RuleProblem]:
    for (section, name), said in file.site.said.items():
        if said.date > (today + timedelta(days=1)).isoformat():
            place = (section, name, "date")
            yield file.source.problem(NOT_ALLOWED, place, f"{said.date} is yet to come", "write the day it was decided")


# --- numbers ---------------------------------------------------------------------------------------------------------


def parameters(case: SiteSubject) -> Iterator[RuleProblem]:
    """unknown-parameter; a value outside `range`, no whole number, or one that leaves a criterion without meaning."""
    known = {f"{each.draft.id}.{name}" for each in case.subjects for name in each.draft.parameters}
    owners = {each.draft.id for each in case.subjects}
    for full, value in case.file.site.parameters.items():
        owner, _, name = full.rpartition(".")
        place: Place = (PARAMETERS, full)
        if full not in known:
            own = [each.rpartition(".")[2] for each in known if each.startswith(f"{owner}.")]
            what = f"'{owner}' has no parameter '{name}'" if owner in owners else f"no rule or definition '{owner}'"
            hint = nearest(name, own) or _listed(own) if owner in owners else nearest(full, known)
            yield case.at_key("unknown-parameter", place, what, hint)
            continue
        for subject in case.subjects:
            if subject.draft.id == owner and name in subject.draft.parameters:
                yield from _number(case, subject, (*place, "value"), name, value)


def _listed(names: list[str]) -> str:
    return f"its parameters: {', '.join(sorted(names))}" if names else "it has no parameters"


def _number(case: SiteSubject, subject: Subject, place: Place, name: str, value: float) -> Iterator[RuleProblem]:
    parameter = subject.draft.parameters[name]
    least, most = parameter.range
    if _outside(replace(parameter, value=value)):
        text = f"'{name}' of {subject.draft.id} {subject.draft.version} may be {least:g} to {most:g}, not {value:g}"
        line = subject.source.mark(("parameters", name, "range")).line
        yield case.problem(NOT_ALLOWED, place, text, f"its range stands in {subject.source.file}:{line}")
    elif parameter.unit in lint_parameters.WHOLE and not value.is_integer():
        yield case.problem("wrong-type", place, f"{value:g} {parameter.unit}: wanted a whole number")


def _outside(parameter: Parameter) -> bool:
    return not parameter.range[0] <= parameter.value <= parameter.range[1]


def together(case: SiteSubject) -> Iterator[RuleProblem]:
    """Numbers that are each inside their range, and together leave a criterion that nothing or everything fits."""
    for subject in case.subjects:
        shipped = subject.draft
        moved = with_parameters(shipped, case.file.site)
        names = [name for name in shipped.parameters if f"{shipped.id}.{name}" in case.file.site.parameters]
        if any(_outside(moved.parameters[each]) for each in names):
            continue  # told already
        for criterion in shipped.criteria.values() if names else ():
            used = {each.name for each in criterion_uses(criterion, ()) if each.kind == "parameter"}
            before = set(_empty(subject, shipped, criterion))
            for said in _empty(subject, moved, criterion) if used & set(names) else ():
                if said not in before:
                    numbers = [f"{each} {moved.parameters[each].value:g}" for each in names if each in used]
                    text = f"with {', '.join(numbers)} the criterion '{criterion.name}' is no question: {said}"
                    first = next(each for each in names if each in used)
                    yield case.problem(NOT_ALLOWED, (PARAMETERS, f"{shipped.id}.{first}", "value"), text)


def _empty(subject: Subject, draft: Rule | Definition, criterion: Criterion) -> list[str]:
    """What is wrong with the bounds of one criterion."""
    alone = replace(subject, draft=replace(draft, criteria={criterion.name: criterion}))
    return [each.text for each in lint_parameters.bounds(alone)]


# --- rules -----------------------------------------------------------------------------------------------------------


def runs(case: SiteSubject) -> Iterator[RuleProblem]:
    """unknown-rule; `active` of a version that nobody has reviewed or signed off."""
    site = case.file.site
    for rule, run in site.runs.items():
        versions = case.versions(rule)
        if not versions:
            yield case.unknown_rule((RULES, rule), rule)
        elif run == ACTIVE:
            shown = next((each.rule for each in case.release.active if each.rule.id == rule), versions[0])
            if not shown.reviewed and site.signed_off.get(rule) != shown.version:
                text = f"{rule} {shown.version} is neither reviewed in its file nor signed off here"
                hint = (
                    f"write signed_off: {{{rule}: {{version: {shown.version}, ...}}}} once a clinician has reviewed it"
                )
                yield case.problem(NOT_ALLOWED, (RULES, rule, "run"), text, hint)


def signed_off(case: SiteSubject) -> Iterator[RuleProblem]:
    """unknown-rule; a version that the release does not have: a sign-off is for exactly one."""
    for rule, version in case.file.site.signed_off.items():
        versions = [each.version for each in case.versions(rule)]
        if not versions:
            yield case.unknown_rule((SIGNED_OFF, rule), rule)
        elif version not in versions:
            text = f"{rule} {version} is not in release {case.release.id}; a sign-off is for exactly one version"
            hint = f"the release has {', '.join(versions)}: review it, then sign it off"
            yield case.problem(NOT_ALLOWED, (SIGNED_OFF, rule, "version"), text, hint)


# --- value sets ------------------------------------------------------------------------------------------------------


def codes(case: SiteSubject) -> Iterator[RuleProblem]:
    """unknown-value-set; sets-overlap; a code that the set takes out. Sets are held against those of the same pins."""
    known = {name for name, _ in case.loaded.value_sets}
    for name in case.file.site.codes:
        if name not in known:
            text = f"no value set '{name}' in the release"
            yield case.at_key("unknown-value-set", (VALUE_SETS, name), text, nearest(name, known))
    for value_sets in {id(each.shelf): each.shelf.value_sets for each in case.subjects}.values():
        for name, added in case.file.site.codes.items():
            for number, code in enumerate(added if name in value_sets else ()):
                yield from _code(case, value_sets, name, (VALUE_SETS, name, "add", number), code)


def _code(
    case: SiteSubject, value_sets: Mapping[str, ValueSet], name: str, place: Place, code: Coding
) -> Iterator[RuleProblem]:
    site, shipped = case.file.site, value_sets[name]
    if not holds(with_codes(shipped, site), code):
        yield case.problem(NOT_ALLOWED, place, f"'{name}' takes {code.code} out, so it cannot be added")
    for other in value_sets.values():
        apart = other.id in shipped.disjoint_from or name in other.disjoint_from
        if apart and holds(with_codes(other, site), code) and not (holds(shipped, code) and holds(other, code)):
            text = f"'{name}' and '{other.id}' are declared disjoint, and '{other.id}' holds {code.code} too"
            yield case.problem("sets-overlap", place, text, "decide which of the two it belongs to")


# --- the whole release -----------------------------------------------------------------------------------------------


def never_when(case: SiteSubject) -> Iterator[RuleProblem]:
    """unknown-criterion: neither the release's gate nor an active rule uses a definition that has it."""
    known = gate_names(case.release)
    for name in case.file.site.never_when:
        if name not in known:
            hint = nearest(name, known) or "a criterion of a definition, such as patient-status.deceased"
            yield case.at_key("unknown-criterion", (NEVER_WHEN, name), f"no criterion '{name}'", hint)


def not_held(case: SiteSubject) -> Iterator[RuleProblem]:
    """A resource type that every site has, or that is never read."""
    read = {each.resource_type for each in PREFETCH.values()}
    for name in sorted(case.file.site.not_held):
        place: Place = (NOT_HELD, name)
        if name in ALWAYS_HELD:
            yield case.at_key(NOT_ALLOWED, place, f"{name} is always a source: without it nothing can be told")
        elif name not in read:
            hint = nearest(name, read) or f"what is read: {', '.join(sorted(read - ALWAYS_HELD))}"
            yield case.at_key(NOT_ALLOWED, place, f"no list of '{name}' is read", hint)


def words_of_cards(case: SiteSubject) -> Iterator[RuleProblem]:
    """What the site writes on cards."""
    yield from wording(case.file, case.subjects)


def feedback(case: SiteSubject) -> Iterator[RuleProblem]:
    """What feedback reports cannot go by."""
    yield from feedback_problems(case.file)


def feedback_problems(file: SiteFile) -> Iterator[RuleProblem]:
    """A share that every answer passes or none can, and a least count that would not hide what it holds back."""
    chosen, problem = file.site.feedback, file.source.problem
    share, least = chosen.get(MOST_OVERRIDDEN), chosen.get(SMALL_COUNTS)
    if share is not None and not 1 <= share < 100:
        text = f"'{MOST_OVERRIDDEN}' is a share in percent from 1 to below 100, not {share:g}"
        yield problem(NOT_ALLOWED, (FEEDBACK, MOST_OVERRIDDEN, "value"), text, "60 stands for 60 %")
    if least is not None and least not in LEAST_COUNTS:
        text = f"'{SMALL_COUNTS}' is 1 or from 5 to {MOST_LEAST_COUNT}, not {least:g}"
        hint = "below 5, a count that is held back could at times be worked out; 1 holds none back"
        yield problem(NOT_ALLOWED, (FEEDBACK, SMALL_COUNTS, "value"), text, hint)


CHECKS = (parameters, together, runs, signed_off, words_of_cards, codes, never_when, not_held, feedback)
