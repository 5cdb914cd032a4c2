"""Which verdicts the inline tests of a file reach, for each of its criteria.

A criterion that no test has seen YES, NO and UNKNOWN is told as `untested-verdict`; a comment
`# lint: allow untested-verdict because <reason>` on the criterion's line accepts it. Verdicts that a criterion can
never have are not asked for; `verdicts_of` says how that is decided.
"""

from collections.abc import Iterable

from cds_service.core.dates import NO, UNKNOWN, YES, Verdict
from cds_service.core.decision import Judgement
from cds_service.core.facts import FACTS
from cds_service.core.rule import Find, Hook
from cds_service.core.value_set import Table
from cds_service.rulebook.rule_tests import Prepared, Tested, compiled, subject_of
from cds_service.rulebook.source import RuleProblem, Source

CODE = "untested-verdict"


def untested(tested: Tested, ready: Iterable[Prepared], source: Source, table: Table) -> tuple[RuleProblem, ...]:
    """Give a warning for each criterion of the file that lacks a verdict in all of its tests."""
    edition = compiled(tested, table)
    judgements = [edition.judge(each.chart, each.today) for each in ready]
    problems = []
    for name in subject_of(tested).criteria:
        if not judgements:
            break
        seen = {judgement.verdict(name) for judgement in judgements}
        lacking = [str(each) for each in verdicts_of(name, judgements[0]) if each not in seen]
        mark = source.key_mark(("criteria", name))
        if lacking and not any(each.code == CODE for each in source.allows.get(mark.line, ())):
            problems.append(source.problem(CODE, mark, f"no test has '{name}' {' or '.join(lacking)}"))
    return tuple(problems)


def verdicts_of(name: str, judgement: Judgement) -> tuple[Verdict, ...]:
    """Give the verdicts that a criterion can have.

    A hook criterion is never UNKNOWN, and never NO when it lists every hook of its rule. A find that looks at the
    Patient only, by `status` or by a `sex` that lists unknown, is never UNKNOWN, because a patient who was not read
    gets no answer at all. A logic criterion is never UNKNOWN when none of its members can be. All else can.
    """
    body = judgement.criterion(name).body
    if isinstance(body, Hook):
        hooks = set(judgement.edition.rule.hooks)
        always = bool(hooks) and hooks <= set(body.hook)  # a definition has no hooks of its own
        return (YES,) if always else (YES, NO)
    return (YES, NO) if _settled(name, judgement) else (YES, NO, UNKNOWN)


def _settled(name: str, judgement: Judgement) -> bool:
    body = judgement.criterion(name).body
    if isinstance(body, Hook):
        return True
    if isinstance(body, Find):
        facts = {each for each in body.find if each in FACTS}
        plain = Find(find=body.find, if_=body.if_, status=body.status, sex=body.sex, count=body.count)
        if not facts <= {"Patient"} or body != plain or (body.sex and "unknown" not in body.sex):
            return False
    return all(_settled(each, judgement) for each in judgement.members(name))
