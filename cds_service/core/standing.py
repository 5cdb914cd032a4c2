"""Which rules may show cards where callers are real: those that a clinician has reviewed, for all sites or for this."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from cds_service.core.rule import Edition, Release


def is_reviewed(edition: Edition) -> bool:
    """Whether the rule's file names a review, or the site has signed off exactly this version."""
    return bool(edition.rule.reviewed) or edition.site.signed_off is not None


def unreviewed(release: Release) -> frozenset[str]:
    """Give the ids of active rules that no clinician has reviewed."""
    return frozenset(each.rule.id for each in release.active if not is_reviewed(each))


def foremost(release: Release) -> Iterator[Edition]:
    """Give one version of each rule: the active one, or where there is none, the one on trial.

    A rule that is on trial until it is reviewed stands before a trial version of the same rule, so it is found first.
    """
    told = set()
    for each in (*release.active, *release.trial):
        if each.rule.id not in told:
            told.add(each.rule.id)
            yield each


def waiting_for_review(release: Release) -> frozenset[str]:
    """Give the ids of rules whose foremost version no clinician has reviewed, shown or not."""
    return frozenset(each.rule.id for each in foremost(release) if not is_reviewed(each))


def reviews_due(release: Release) -> dict[str, date | None]:
    """Give for each rule the day of its foremost version's next review; None where there was no first, or no day."""
    return {
        each.rule.id: date.fromisoformat(each.rule.review_due) if each.rule.review_due and is_reviewed(each) else None
        for each in foremost(release)
    }


def on_trial_until_reviewed(release: Release) -> Release:
    """Give the release with every rule that is not reviewed on trial: judged and recorded, never shown.

    A version that is on trial already stays there beside it. Rules that yield to a rule on trial, or merge into it,
    speak for themselves: between rules only active ones count.
    """
    waiting = tuple(each for each in release.active if not is_reviewed(each))
    if not waiting:
        return release
    active = tuple(each for each in release.active if is_reviewed(each))
    return replace(release, active=active, trial=(*waiting, *release.trial))
