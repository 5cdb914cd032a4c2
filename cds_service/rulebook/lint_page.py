"""The page of lint codes (docs/reference/lint.md): what each means, why, a wrong piece and a right one.

Run as `python -m cds_service.rulebook.lint_page docs/reference/lint.md`. The pieces stand in lint_examples.yaml, beside
this module, because SARIF shows them too.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from cds_service.rulebook.lint_codes import MEANINGS, severity_of

_HEAD = """# Lint codes

Written by `python -m cds_service.rulebook.lint_page docs/reference/lint.md`; a test keeps it true. The pieces are
those of made-up files in `tests/lint_sample`. A test proves that lint reports exactly the code of a wrong piece, and
nothing once the right piece stands in its place.

`cds-service rules lint` prints each finding with its place, and a hint where there is one:

```
rules/liver-test-due/1.0.0.yaml:69:28: unknown-parameter: no parameter 'recent_day'
      since_start: {at_most: recent_day}
                             ^
  hint: did you mean 'recent_days'?
```

An **error** stops a release. A **warning** is accepted by a comment on its line, with a reason:
`# lint: allow unused-parameter because a site reads it`. What each part means: [rule language](rule-language.md).
"""


def read_examples() -> dict[str, dict[str, str]]:
    """Give of each code why it is asked for, a wrong piece and a right one; lint_examples.yaml says what else."""
    text = (Path(__file__).parent / "lint_examples.yaml").read_text(encoding="utf-8")
    examples: dict[str, dict[str, str]] = yaml.safe_load(text)
    return examples


def lint_page(examples: Mapping[str, Mapping[str, str]]) -> str:
    """Give the page, one part for each code in the order of lint_codes. Raises KeyError for a code without example."""
    return "\n".join([_HEAD, *(_part(code, examples[code]) for code in MEANINGS)])


def _part(code: str, example: Mapping[str, str]) -> str:
    said = MEANINGS[code]
    lines = [f"## {code}", "", f"{severity_of(code).capitalize()}: {said}. {example['why']}", ""]
    if "instead" in example:
        return "\n".join([*lines, example["instead"], ""])
    if "also" in example:
        lines += [f"The same line is told as [`{example['also']}`](#{example['also']}) too.", ""]
    if "told_by" in example:
        lines += ["`cds-service rules test` reports it.", ""]
    file = example.get("file", "")
    sort = "json" if file.endswith(".json") else "yaml"
    where = f", in `{file}`" if file else ""
    for name, at in (("wrong", where), ("right", "")):
        lines += [f"{name.capitalize()}{at}:", "", f"```{sort}", example[name].rstrip("\n"), "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(lint_page(read_examples()), encoding="utf-8")
