"""A rule as something to read: its sentences with the numbers filled in, its evidence, its 13 source attributes.

The HTTP pages of the service, the reference pages of the documentation and the flow picture are all drawn from this.
Source of the attributes: 45 CFR 170.315(b)(11)(iv)(A).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.core.card_text import amount_words, parameter_words
from cds_service.core.rule import (
    Card,
    Conditions,
    Criterion,
    Definition,
    Edition,
    Evidence,
    Find,
    Hook,
    Parameter,
    Release,
    Rule,
)
from cds_service.core.site import Said, SiteChanges
from cds_service.core.site_words import changes_json

NOT_REVIEWED = "not yet clinically reviewed"
# Source attributes 5 to 13 by their key in a rule file, in the order of the regulation.
USES_OF = {
    "race": "Use of race",
    "ethnicity": "Use of ethnicity",
    "language": "Use of language",
    "sexual_orientation": "Use of sexual orientation",
    "gender_identity": "Use of gender identity",
    "sex": "Use of sex",
    "date_of_birth": "Use of date of birth",
    "sdoh": "Use of social determinants of health data",
    "health_status_assessments": "Use of health status assessments data",
}
_PARAMETER = re.compile(r"\{(\w+)\}")


def describe(edition: Edition, state: str, release: Release) -> dict[str, Any]:
    """Give everything that is shown of one rule version, as JSON. state: "active", "trial" or "disabled".

    What a site changed stands beside what was shipped: `shipped` and `shippedWords` of a parameter, `changedKeys` of a
    card, `added` of a value set, and all of it with its reasons under `site`.
    """
    rule, site = edition.rule, edition.site
    sentences = sentences_of(edition)
    return {
        "id": rule.id,
        "version": rule.version,
        "state": state,
        "release": release.id,
        "url": f"/rules/{rule.id}/{rule.version}",
        "title": rule.title,
        "purpose": rule.purpose,
        "owner": rule.owner,
        "hooks": list(rule.hooks),
        "careSettings": dict(rule.settings),
        "reviewStatus": _review(rule.reviewed, site.signed_off),
        "reviewDue": rule.review_due,
        "knownLimits": list(rule.known_limits),
        "sourceAttributes": _source_attributes(rule),
        "evidence": [_evidence(each) for each in rule.evidence],
        "parameters": [_parameter(each, rule.id, site) for each in rule.parameters.values()],
        "criteria": [_criterion(each, rule.parameters, sentences) for each in rule.criteria.values()],
        "when": _when(rule, sentences),
        "yieldsTo": list(rule.yields_to),
        "mergesInto": list(rule.merges_into),
        "cards": [{**_card(each, rule.parameters, sentences), **_changed_keys(each, site)} for each in rule.cards],
        "definitions": [_definition(each, site) for each in edition.definitions.values()],
        "valueSets": [
            {"id": each.id, "version": each.version, "title": each.title, **_added(each.id, site)}
            for each in edition.value_sets.values()
        ],
        **_site(edition, release),
    }


def _site(edition: Edition, release: Release) -> dict[str, Any]:
    """The site and all that it decided of this edition; nothing where it decided nothing."""
    decided = changes_json(edition)
    if release.site is None or not decided:
        return {}
    return {"site": {"name": release.site.name, "digest": release.site.digest, **decided}}


def _changed_keys(card: Card, site: SiteChanges) -> dict[str, Any]:
    keys = [each.key for each in site.wording if each.card == card.id]
    return {"changedKeys": keys} if keys else {}


def _added(value_set: str, site: SiteChanges) -> dict[str, Any]:
    codes = [f"{code.system}|{code.code}" for each in site.codes if each.value_set == value_set for code in each.codes]
    return {"added": codes} if codes else {}


def sentence(text: str, parameters: Mapping[str, Parameter]) -> str:
    """Fill the parameters of a sentence in, with units; other placeholders stay as they are."""

    def filled(found: re.Match[str]) -> str:
        return parameter_words(parameters[found[1]]) if found[1] in parameters else found[0]

    return _PARAMETER.sub(filled, text)


def sentences_of(edition: Edition) -> dict[str, str]:
    """What each criterion asks, by the name the rule calls it: "declined", "opioid-status.on_moud"."""
    rule = edition.rule
    sentences = {name: sentence(each.says, rule.parameters) for name, each in rule.criteria.items()}
    for each in edition.definitions.values():
        for name, criterion in each.criteria.items():
            sentences[f"{each.id}.{name}"] = sentence(criterion.says, each.parameters)
    return sentences


def _spoken(names: Iterable[str], sentences: Mapping[str, str]) -> list[str]:
    return [sentences.get(name, name) for name in names]


def _review(reviewed: Mapping[str, str] | None, signed_off: Said | None = None) -> str:
    said = [f"reviewed by {reviewed['by']} on {reviewed['date']}"] if reviewed else []
    said += [f"signed off at this site by {signed_off.by} on {signed_off.date}"] if signed_off else []
    return "; ".join(said) or NOT_REVIEWED


def _source_attributes(rule: Rule) -> list[dict[str, Any]]:
    """The 13 source attributes in the order of the regulation; "not used" where a rule does not use the data."""
    values = [
        ("Bibliographic citation of the intervention", "; ".join(each.cite for each in rule.evidence)),
        ("Developer of the intervention", rule.developer),
        ("Funding source of the technical implementation", rule.funding),
        ("Release and revision dates", f"version {rule.version} of {rule.released}"),
        *((title, rule.attributes.get(key) or "not used") for key, title in USES_OF.items()),
    ]
    return [{"number": number, "name": name, "value": value} for number, (name, value) in enumerate(values, start=1)]


def _evidence(each: Evidence) -> dict[str, Any]:
    return {
        "id": each.id,
        "citation": each.cite,
        "url": each.url,
        "grade": each.grade,
        "supports": list(each.supports),
    }


def _parameter(each: Parameter, owner: str, site: SiteChanges) -> dict[str, Any]:
    moved = [change for change in site.parameters if (change.owner, change.name) == (owner, each.name)]
    shipped = {
        key: value
        for change in moved
        for key, value in (("shipped", change.shipped), ("shippedWords", amount_words(change.shipped, change.unit)))
    }
    return {
        "name": each.name,
        "value": each.value,
        "unit": each.unit,
        "range": list(each.range),
        "words": parameter_words(each),
        "why": each.why,
        **shipped,
    }


def _criterion(each: Criterion, parameters: Mapping[str, Parameter], sentences: Mapping[str, str]) -> dict[str, Any]:
    """A criterion as its sentence, and what the sentence rests on: facts and value sets, or other sentences."""
    shown: dict[str, Any] = {"name": each.name, "sentence": sentence(each.says, parameters)}
    body = each.body
    if isinstance(body, Find):
        shown["looksAt"] = _spoken(body.find, sentences)
        shown["codesIn"] = list(body.code_in)
        shown["codesNotIn"] = list(body.code_not_in)
    elif isinstance(body, Hook):
        shown["moments"] = list(body.hook)
    else:
        shown |= {"all": _spoken(body.all, sentences), "any": _spoken(body.any, sentences)}
        shown["none"] = _spoken(body.none, sentences)
    return {name: value for name, value in shown.items() if value != []}


def _when(rule: Rule, sentences: Mapping[str, str]) -> dict[str, Any]:
    logic = rule.when.logic
    return {
        "all": _spoken(logic.all, sentences),
        "any": _spoken(logic.any, sentences),
        "none": _spoken(logic.none, sentences),
        "ifUnread": rule.when.unread,
        "ifDoubtful": rule.when.doubtful,
    }


def _card(each: Card, parameters: Mapping[str, Parameter], sentences: Mapping[str, str]) -> dict[str, Any]:
    def shown(name: str, text: str, conditions: Conditions) -> dict[str, Any]:
        return {name: sentence(text, parameters), **_conditions(conditions, sentences)}

    return {
        "id": each.id,
        **shown("summary", each.summary, each.conditions),
        "indicator": [
            {"level": level, "when": "otherwise" if name is None else sentences.get(name, name)}
            for level, name in each.indicator
        ],
        "detail": [shown("text", line.text, line.conditions) for line in each.detail],
        "suggestions": [shown("label", offer.label, offer.conditions) for offer in each.suggestions],
        "links": [{"label": link.label, "url": link.url} for link in each.links],
        "sources": list(each.source),
    }


def _conditions(each: Conditions, sentences: Mapping[str, str]) -> dict[str, list[str]]:
    """Sentences that must all hold, none hold, or all be unknown; what is not given is left out."""
    named = {"if": each.if_, "unless": each.unless, "ifUnknown": each.if_unknown}
    return {key: _spoken(names, sentences) for key, names in named.items() if names}


def _definition(each: Definition, site: SiteChanges) -> dict[str, Any]:
    return {
        "id": each.id,
        "version": each.version,
        "title": each.title,
        "reviewStatus": _review(each.reviewed),
        "parameters": [_parameter(parameter, each.id, site) for parameter in each.parameters.values()],
        "criteria": [
            {"name": name, "sentence": sentence(criterion.says, each.parameters)}
            for name, criterion in each.criteria.items()
        ],
        "evidence": [_evidence(evidence) for evidence in each.evidence],
    }
