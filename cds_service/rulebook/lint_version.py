"""version-too-small: a version must take at least the step from the one before it that its change needs."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from cds_service.rulebook.change import least_version, version_order
from cds_service.rulebook.compare_release import Difference, difference
from cds_service.rulebook.reader import DefinitionFile, RuleFile, read_definition_file, read_rule_file
from cds_service.rulebook.source import RuleProblem

_REASONS_TOLD = 3


def steps(folder: Path, locked: Mapping[str, Mapping[str, str]]) -> Iterator[RuleProblem]:
    """Look at each file of a rules folder that has an earlier version beside it, and compare it with the nearest.

    locked: the lock of the folder. A file in it is left as it is: it can no longer be changed, nor its number.
    Files with errors of form are not compared; lint tells those.
    """
    done = {name for files in locked.values() for name in files}
    for above in sorted({path.parent for path in (*folder.glob("*/*.yaml"), *folder.glob("definitions/*/*.yaml"))}):
        inside = above.relative_to(folder).parts
        if inside in (("releases",), ("definitions",)):
            continue
        paths = sorted(above.glob("*.yaml"), key=lambda path: version_order(path.stem))
        for earlier, later in pairwise(paths):
            if later.relative_to(folder).as_posix() not in done:
                yield from _step(earlier, later, inside[0] == "definitions")


def _step(earlier: Path, later: Path, is_definition: bool) -> Iterator[RuleProblem]:
    files: list[RuleFile] | list[DefinitionFile]
    if is_definition:
        files = [read_definition_file(each) for each in (earlier, later)]
    else:
        files = [read_rule_file(each) for each in (earlier, later)]
    if any(each.problems for each in files):
        return
    found = difference(files[0], files[1])
    if not found.enough:
        hint = f"name it {least_version(found.before, found.needed)}; `rules diff` shows every change"
        yield files[1].source.problem("version-too-small", ("version",), _words(found), hint)


def _words(found: Difference) -> str:
    because = [f"{each.part} {each.name}".strip() for each in found.changes if each.step == found.needed]
    because = list(dict.fromkeys(because))
    more = f" and {len(because) - _REASONS_TOLD} more" if len(because) > _REASONS_TOLD else ""
    told = ", ".join(because[:_REASONS_TOLD])
    return f"{found.before} -> {found.after} is a {found.taken} step; {told}{more} changed, which is {found.needed}"
