"""Rule and definition files, read into the frozen data of core.rule, with every problem of form at once.

What names mean is not looked at here; rulebook.release and rulebook.lint do that.
"""

from dataclasses import dataclass
from pathlib import Path

from cds_service.core.rule import Definition, Rule
from cds_service.rulebook.case import Case
from cds_service.rulebook.reader_build import build_definition, build_rule
from cds_service.rulebook.reader_cases import DEFINITION_TESTS, RULE_TESTS, read_cases
from cds_service.rulebook.reader_forms import file_form
from cds_service.rulebook.reader_shapes import Form
from cds_service.rulebook.reader_values import MISSING, Reading, Value, read
from cds_service.rulebook.source import RuleProblem, Source, parse_bytes, parse_source, read_source

_RULE, _DEFINITION = file_form(False, RULE_TESTS), file_form(True, DEFINITION_TESTS)
_UNTESTED_RULE, _UNTESTED_DEFINITION = file_form(False, None), file_form(True, None)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file as read. rule: None when the form has errors; draft: what could be read all the same, for lint."""

    rule: Rule | None
    cases: tuple[Case, ...]
    source: Source
    problems: tuple[RuleProblem, ...]
    draft: Rule


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """A definition file as read; its parts are those of a RuleFile."""

    definition: Definition | None
    cases: tuple[Case, ...]
    source: Source
    problems: tuple[RuleProblem, ...]
    draft: Definition


def read_rule_file(path: Path, tested: bool = False) -> RuleFile:
    """Read `rules/<id>/<version>.yaml`; its id and version must be those of its path.

    tested: the file was found sound before, so its tests are left out: they take two thirds of the time.
    """
    above = _above_tests(path) if tested else None
    if above:
        plain, reading = _read(above, (), path, _UNTESTED_RULE)
        if not reading.problems:
            rule = build_rule(plain)
            return RuleFile(rule, (), above, (), rule)
    return _rule(*read_source(path), path)


def read_definition_file(path: Path, tested: bool = False) -> DefinitionFile:
    """Read `rules/definitions/<id>/<version>.yaml`; its id and version must be those of its path. tested: as above."""
    above = _above_tests(path) if tested else None
    if above:
        plain, reading = _read(above, (), path, _UNTESTED_DEFINITION)
        if not reading.problems:
            definition = build_definition(plain)
            return DefinitionFile(definition, (), above, (), definition)
    return _definition(*read_source(path), path)


def _above_tests(path: Path) -> Source | None:
    """Read what stands above `tests`, the last key of a file; None if that is no YAML by itself.

    A line that begins with the key may also stand in a quote, or in a block in braces: cut there, neither is YAML.
    """
    try:
        head, found, _ = path.read_bytes().partition(b"\ntests:")
    except OSError:
        return None
    source, problems = parse_bytes(head + b"\n", str(path))
    return source if found and not problems else None


def read_rule_text(text: str, file: str = "rule.yaml") -> RuleFile:
    """Read a rule from text that has no place in a folder."""
    return _rule(*parse_source(text, file), None)


def read_definition_text(text: str, file: str = "definition.yaml") -> DefinitionFile:
    """Read a definition from text that has no place in a folder."""
    return _definition(*parse_source(text, file), None)


def _rule(source: Source, problems: tuple[RuleProblem, ...], path: Path | None) -> RuleFile:
    plain, reading = _read(source, problems, path, _RULE)
    cases = read_cases(plain.get("tests", {}), False, reading)
    draft = build_rule(plain)
    return RuleFile(None if reading.problems else draft, cases, source, _in_order(reading), draft)


def _definition(source: Source, problems: tuple[RuleProblem, ...], path: Path | None) -> DefinitionFile:
    plain, reading = _read(source, problems, path, _DEFINITION)
    cases = read_cases(plain.get("tests", {}), True, reading)
    draft = build_definition(plain)
    return DefinitionFile(None if reading.problems else draft, cases, source, _in_order(reading), draft)


def _in_order(reading: Reading) -> tuple[RuleProblem, ...]:
    return tuple(sorted(reading.problems, key=lambda each: (each.line, each.column)))


def _read(
    source: Source, problems: tuple[RuleProblem, ...], path: Path | None, form: Form
) -> tuple[dict[str, Value], Reading]:
    """Read the whole file as plain values, and check that it stands where its id and version say."""
    reading = Reading(source, list(problems))
    if source.root is None:
        return {}, reading
    plain = read(form, source.root, reading)
    if plain is MISSING:
        return {}, reading
    if path is not None:
        for key, wanted in (("id", path.parent.name), ("version", path.name.removesuffix(".yaml"))):
            if key in plain and plain[key] != wanted:
                text = f"the {key} is '{plain[key]}', but the file stands at {path.parent.name}/{path.name}"
                reading.note("bad-name", source.mark((key,)), text, f"wanted '{wanted}'")
    return plain, reading
