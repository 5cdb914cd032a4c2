"""Every code a problem of a rule file can carry: its severity and what it says, in one line.

The list is that of the rule language, section 11, with two codes for the file itself: `bad-yaml` and `unused-allow`.
docs/reference/lint.md shows a wrong and a right piece for each.
"""

from collections.abc import Mapping

ERROR, WARNING = "error", "warning"

_ERRORS = {
    "bad-yaml": "the file cannot be read, or uses a part of YAML that rule files do without",
    "unknown-key": "the rule language has no such key here",
    "misplaced-key": "the key stands out of order",
    "duplicate-key": "the key is written twice",
    "duplicate-entry": "one list holds the same name twice, or two entries of one id",
    "missing-key": "a required key is absent",
    "wrong-type": "another type of value is wanted",
    "yaml-surprise": "YAML 1.1 would misread it",
    "bad-name": "a name or id is not of the wanted form",
    "two-kinds": "no kind is given, or several",
    "number-not-parameter": "a literal number stands where a parameter is wanted",
    "unknown-parameter": "the file has no such parameter",
    "parameter-out-of-range": "the value lies outside its range",
    "wrong-unit": "the unit of the parameter does not fit the key",
    "unknown-criterion": "there is no such criterion",
    "criterion-loop": "a criterion leads back to itself",
    "no-rows": "rows are looked for in a criterion that never has any",
    "unknown-fact": "there is no such fact",
    "key-not-for-fact": "the fact cannot have this key",
    "unknown-status": "no fact named here has this status word",
    "unknown-value-set": "there is no such value set",
    "status-misses-fact": "a pooled fact has none of the status words listed",
    "answers-in-pairs": "answer_in and answer_not_in stand together or not at all",
    "latest-without-value": "the latest row is asked for, but nothing judges it",
    "sets-overlap": "value sets declared disjoint share a code",
    "silent-when-unknown": "a rule about an order must give a card when it cannot tell",
    "settings-missing": "a rule about orders must say what it does in each care setting",
    "definition-version": "this major version of the definition is not released",
    "definition-loop": "definitions use each other in a circle",
    "order-without-hook": "a draft order is looked for, but no hook brings orders",
    "attribute-mismatch": "an attribute differs from what the criteria read",
    "unknown-evidence": "there is no such source",
    "unsupported": "no evidence is given for it",
    "unknown-placeholder": "the placeholder names nothing",
    "unguarded-placeholder": "the placeholder may have nothing to show",
    "summary-too-long": "the summary can reach 140 characters",
    "no-otherwise": "an indicator mapping without `otherwise`",
    "person-first": "a word to avoid",
    "tone": "an exclamation mark, or a promise that nobody can keep",
    "code-display": "a code's own display is printed",
    "unknown-reason": "the override reason is not in the shared list",
    "unsafe-suggestion": "a drug is drafted without asking for an allergy",
    "unknown-code": "the created code is in no value set",
    "unknown-rule": "there is no such rule",
    "critical-without-fallback": "no card is left when `critical` does not stand",
    "duplicate-topic": "two rules would carry one topic code",
    "rule-loop": "rules yield to or merge into each other in a circle",
    "unpinned": "it is used, but the release does not pin it",
    "changed-after-release": "a released file has changed",
    "version-too-small": "the version bump is below the change",
    "unknown-card": "the rule has no such card, or none with such a suggestion",
    "test-without-because": "the test does not name what stops the rule",
    "site-not-allowed": "the site may not change this, or not so",
}
_WARNINGS = {
    "unused-parameter": "nothing uses the parameter",
    "unused-evidence": "nothing that is shown or used rests on it",
    "unused-criterion": "nothing in the file reaches the criterion",
    "hook-not-run": "the rule does not run at this hook",
    "empty-bounds": "nothing or everything fits the bounds",
    "never-holds": "what it asks for can never be",
    "review-overdue": "the review date has passed",
    "review-ahead": "the review is of a day to come",
    "unreachable-card": "an earlier card always wins",
    "no-default-card": "the rule may fire without a card",
    "not-reviewed": "no clinician has reviewed the rule yet",
    "untested-verdict": "no test reaches this verdict",
    "small-change-missed": "no test notices this small change",
    "unused-allow": "the comment allows nothing",
}
MEANINGS: Mapping[str, str] = {**_ERRORS, **_WARNINGS}


def severity_of(code: str) -> str:
    """Give "error" or "warning". Raises KeyError for a code that is not listed."""
    MEANINGS[code]
    return ERROR if code in _ERRORS else WARNING
