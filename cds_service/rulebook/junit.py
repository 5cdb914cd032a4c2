"""The report of `rules test` as JUnit XML, as build servers read it.

One suite a file. Each inline test is a test case. A small change that no test notices is a failed one; what else the
small changes gave is one that passed. A verdict that no test reaches is a skipped one: it is told and fails nothing.
Source: https://github.com/testmoapp/junitxml, the common ground of what build servers read
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from cds_service.rulebook.rule_report import Report
from cds_service.rulebook.rule_tests import Failure
from cds_service.rulebook.source import RuleProblem

# What XML 1.0 cannot hold, section 2.2.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SUMS = ("tests", "failures", "errors", "skipped")


def as_junit(reports: Iterable[Report], errors: Sequence[RuleProblem]) -> str:
    """Write the reports of files, and the errors that keep files from being tested, as one document."""
    suites = [_suite(each) for each in reports]
    suites += [_unread(file, [each for each in errors if each.file == file]) for file in _files(errors)]
    top = ElementTree.Element("testsuites", {"name": "cds-service rules test"})
    for name in _SUMS:
        top.set(name, str(sum(int(each.get(name, "0")) for each in suites)))
    top.extend(suites)
    ElementTree.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(top, encoding="unicode") + "\n"


def _files(errors: Iterable[RuleProblem]) -> list[str]:
    return list(dict.fromkeys(each.file for each in errors))


def _suite(report: Report) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", {"name": report.name, "file": _path(report.file)})
    failed = {id(each.case): each for each in report.ran.failures}
    cases = [*(each.case for each in report.ran.passing), *(each.case for each in report.ran.failures)]
    for each in sorted(cases, key=lambda case: case.line):
        case = _case(suite, f"{report.name}.{each.list_name}", each.name, report.file, each.line)
        if id(each) in failed:
            _failed(case, failed[id(each)])
    changes = f"{report.name}.small changes"
    for missed in report.score.missed:
        case = _case(suite, changes, missed.change.description, report.file, missed.problem.line)
        _told(case, "failure", missed.problem.code, missed.problem.text, str(missed.problem))
    for broken in report.score.broken:
        _told(_case(suite, changes, broken, report.file), "error", "broken", "the rule broke", broken)
    _case(suite, changes, str(report.score), report.file)
    for problem in (*report.score.unneeded, *report.untested):
        case = _case(suite, f"{report.name}.{problem.code}", problem.text, report.file, problem.line)
        _told(case, "skipped", "", problem.text, "")
    return _counted(suite)


def _unread(file: str, errors: Iterable[RuleProblem]) -> ElementTree.Element:
    """Give the suite of a file that has errors, so that it is not tested."""
    suite = ElementTree.Element("testsuite", {"name": _path(file), "file": _path(file)})
    for each in errors:
        case = _case(suite, f"{_path(file)}.lint", f"{each.code}: {each.text}", file, each.line)
        _told(case, "error", each.code, each.text, str(each))
    return _counted(suite)


def _case(suite: ElementTree.Element, group: str, name: str, file: str, line: int = 1) -> ElementTree.Element:
    said = {"classname": _clean(group), "name": _clean(name), "file": _path(file), "line": str(line), "time": "0"}
    return ElementTree.SubElement(suite, "testcase", said)


def _failed(case: ElementTree.Element, failure: Failure) -> None:
    kind = "error" if failure.broken else "failure"
    _told(case, kind, failure.case.list_name, f"wanted {failure.wanted}; got {failure.got}", str(failure))


def _told(case: ElementTree.Element, tag: str, kind: str, message: str, text: str) -> None:
    said = {"message": _clean(message), **({"type": kind} if kind else {})}
    ElementTree.SubElement(case, tag, said).text = _clean(text) or None


def _counted(suite: ElementTree.Element) -> ElementTree.Element:
    counts = [len(list(suite.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")]
    for name, count in zip(_SUMS, counts, strict=True):
        suite.set(name, str(count))
    return suite


def _path(file: str) -> str:
    return _clean(Path(file).as_posix())


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
