"""What lint found as data: JSON, and SARIF 2.1.0 for code hosts that show findings beside the lines.

Source of SARIF: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cds_service import __version__
from cds_service.rulebook.lint import NOT_REVIEWED, Report
from cds_service.rulebook.lint_codes import ERROR, MEANINGS, WARNING, severity_of
from cds_service.rulebook.source import RuleProblem

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

Json = dict[str, Any]


def as_json(report: Report, folder: Path) -> Json:
    """Give what lint found as plain data; `not_reviewed` are counted in the files that nobody has reviewed yet."""
    waiting = [each for each in report.problems if each.code == NOT_REVIEWED]
    return {
        "folder": folder.as_posix(),
        "errors": report.count(ERROR),
        "warnings": report.count(WARNING) - len(waiting),
        "not_reviewed": [each.file for each in waiting],
        "problems": [_plain(each) for each in report.problems if each.code != NOT_REVIEWED],
        "allowed": [_plain(each) for each in report.allowed],
    }


def _plain(problem: RuleProblem) -> Json:
    return {
        "file": Path(problem.file).as_posix(),
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "severity": problem.severity,
        "text": problem.text,
        "hint": problem.hint,
        "source_line": problem.shown,
    }


def as_sarif(report: Report, root: Path, examples: Mapping[str, Mapping[str, str]]) -> Json:
    """Give what lint found as a SARIF log of one run.

    root:     the folder that paths are given from, as a rule that of the checkout. A file elsewhere is given whole.
    examples: of each code why it is asked for, a wrong piece and a right one (rulebook.lint_page).

    What a comment allows is in it, marked as suppressed. A file that nobody has reviewed yet is a note.
    """
    index = {code: number for number, code in enumerate(MEANINGS)}
    found = [(each, False) for each in report.problems] + [(each, True) for each in report.allowed]
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cds-service rules lint",
                        "version": __version__,
                        "rules": [_rule(code, examples[code]) for code in MEANINGS],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, index[each.code], allowed, root) for each, allowed in found],
            }
        ],
    }


def _level(code: str) -> str:
    return "note" if code == NOT_REVIEWED else severity_of(code)


def _rule(code: str, example: Mapping[str, str]) -> Json:
    meaning = MEANINGS[code]
    said = meaning[0].upper() + meaning[1:] + "."
    parts = [example["why"]]
    if "instead" in example:
        parts.append(example["instead"])
    plain, marked = list(parts), list(parts)
    for name in ("wrong", "right"):
        if name in example:
            piece = example[name].rstrip("\n")
            plain.append(f"{name.capitalize()}:\n{piece}")
            marked.append(f"{name.capitalize()}:\n\n```yaml\n{piece}\n```")
    return {
        "id": code,
        "shortDescription": {"text": said},
        "fullDescription": {"text": f"{said} {example['why']}"},
        "help": {"text": "\n\n".join(plain), "markdown": "\n\n".join(marked)},
        "defaultConfiguration": {"level": _level(code)},
    }


def _result(problem: RuleProblem, index: int, allowed: bool, root: Path) -> Json:
    region: Json = {"startLine": problem.line, "startColumn": problem.column}
    if problem.source_line:
        region["snippet"] = {"text": problem.shown}
    text = f"{problem.text}\nHint: {problem.hint}" if problem.hint else problem.text
    result: Json = {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": _level(problem.code),
        "message": {"text": text},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(Path(problem.file), root)}, "region": region}}
        ],
    }
    return {**result, "suppressions": [{"kind": "inSource"}]} if allowed else result


def _uri(path: Path, root: Path) -> str:
    """Give the path from `root`, as a URI; a file outside of it as file://."""
    whole = root / path
    return quote(whole.relative_to(root).as_posix()) if whole.is_relative_to(root) else whole.as_uri()
