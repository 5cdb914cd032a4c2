"""Observations and questionnaire answers of FHIR R4 as rows.

Source: https://hl7.org/fhir/R4/observation.html and https://hl7.org/fhir/R4/questionnaireresponse.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cds_service.core.facts import FACTS, Concept, Row
from cds_service.fhir.scope import Record, Scope
from cds_service.fhir.shapes import Resource, codes, extensions, objects, word
from cds_service.fhir.values import Recorded, interpretation, recorded, upper_limit
from cds_service.fhir.when import Days, moment, span

OBSERVATION = "Observation"
ANSWER = "QuestionnaireResponse"
NOT_DONE = "not done"
MOST_ITEMS = 5_000
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
_LOINC_SHAPE = re.compile(r"[0-9]{1,7}-[0-9]")
_TOTAL = frozenset({"total", "score", "total score", "total-score", "totalscore", "total_score"})


def observation(record: Record, scope: Scope) -> Iterable[Row]:
    """Read an Observation and each of its components that has a code; a component has the dates of the whole."""
    resource, _, labels = record
    found = _wanted_pieces(record, scope)
    if not found:
        return ()
    start, end = observed(resource)
    status = _status(OBSERVATION, resource)
    categories = codes(resource.get("category"))
    rows = []
    for reference, piece, concept in found:
        value = recorded(piece, scope)
        rows.append(
            Row(
                fact=OBSERVATION,
                reference=reference,
                concept=concept,
                status=status,
                categories=categories,
                start=start,
                end=value.day or end or start,
                value=value.number,
                answers=value.answers + interpretation(piece, scope),
                has_value=value.present,
                upper_limit=upper_limit(piece, value.number),
                labels=labels,
            )
        )
    return rows


def _wanted_pieces(record: Record, scope: Scope) -> Sequence[tuple[str, Resource, Concept]]:
    """Give what of an Observation some rule could use, whole and components: a name, the piece and its concept."""
    resource, whole, _ = record
    if "component" not in resource and "dataAbsentReason" not in resource:
        concept = scope.wanted(OBSERVATION, resource.get("code"))
        return () if concept is None else ((whole, resource, concept),)
    pieces = [(whole, resource)]
    if resource.get("component") is not None:
        parts = [part for part in objects(resource["component"]) if part.get("code") is not None]
        pieces += [(f"{whole}#{at}", part) for at, part in enumerate(parts, 1)]
    found = []
    for reference, piece in pieces:
        if piece.get("dataAbsentReason") is not None and not recorded(piece, scope).present:
            scope.drop(NOT_DONE)
            continue
        concept = scope.wanted(OBSERVATION, piece.get("code"))
        if concept is not None:
            found.append((reference, piece, concept))
    return found


def observed(resource: Resource) -> Days:
    """Give start and end of an Observation: effective[x], else issued."""
    start, end = moment(resource, "effective")
    return start or span(resource.get("issued")), end


def questionnaire_response(record: Record, scope: Scope) -> Iterable[Row]:
    """Read each answered item, however deep it stands.

    An item that is the total of the questionnaire and has no code of its own carries the questionnaire's code. Any
    other one without a code is the code of its linkId in the system that the questionnaire's URL names, so that a
    site can add the items of its own forms to a value set.
    """
    resource, reference, labels = record
    whole = _codings_of_uri(resource.get("questionnaire"))
    start = span(resource.get("authored"))
    status = _status(ANSWER, resource)
    rows = []
    for at, item in enumerate(_answered(resource), 1):
        codings = item_codings(item)
        if not codings and whole and {word(item.get("linkId")).strip("/"), word(item.get("text"))} & _TOTAL:
            codings = whole
        codings = codings or _local_coding(resource.get("questionnaire"), item.get("linkId"))
        text = item.get("text")
        concept = scope.wanted(ANSWER, codings, text if isinstance(text, str) else None)
        if concept is None:
            continue
        value = _answers(item, scope)
        rows.append(
            Row(
                fact=ANSWER,
                reference=f"{reference}#{at}",
                concept=concept,
                status=status,
                start=start,
                end=start,
                value=value.number,
                answers=value.answers,
                has_value=value.present,
                labels=labels,
            )
        )
    return rows


def _answered(response: Resource) -> Iterator[Resource]:
    """Give the items that have an answer, in order; items stand in items and in answers."""
    waiting = [*objects(response.get("item"))[::-1]]
    for _ in range(MOST_ITEMS):
        if not waiting:
            return
        item = waiting.pop()
        answers = objects(item.get("answer"))
        if answers:
            yield item
        for holder in reversed((item, *answers)):
            waiting.extend(objects(holder.get("item"))[::-1])


def item_codings(item: Resource) -> list[Resource]:
    """Give the codings of an answered item.

    R4 has no element for them. Read are: an extension named "...code", `definition`, and a linkId that is a URL, of
    the form `system|code`, or a path that ends in a LOINC code ("/44249-1" in the form that LOINC's own tools write).
    """
    found = [*objects(item.get("code"))]
    for extension in extensions(item, "code", "Code"):
        for name in ("valueCoding", "valueCodeableConcept"):
            found += objects(extension.get(name))
    found += _codings_of_uri(item.get("definition"))
    link = item.get("linkId")
    if isinstance(link, str) and len(link) <= 500:
        found += _codings_of_uri(link)
        last = link.rsplit("/", 1)[-1].strip()
        if link.startswith("/") and _LOINC_SHAPE.fullmatch(last):
            found.append({"system": LOINC, "code": last})
    return found


def _local_coding(questionnaire: Any, link: Any) -> list[Resource]:
    if not isinstance(questionnaire, str) or not isinstance(link, str):
        return []
    return [{"system": questionnaire.split("|", 1)[0], "code": link}]


def _codings_of_uri(uri: Any) -> list[Resource]:
    """Give the coding that a URI names: `system|code`, or a page of LOINC or SNOMED CT that ends in a code."""
    if not isinstance(uri, str) or len(uri) > 500:
        return []
    uri = uri.strip().replace("https://", "http://", 1)
    if uri.startswith(f"{LOINC}/"):
        last = uri.split("|", 1)[0].rstrip("/").rsplit("/", 1)[-1]
        return [{"system": LOINC, "code": last}] if _LOINC_SHAPE.fullmatch(last) else []
    if uri.startswith("http://snomed.info/"):
        last = uri.split("|", 1)[-1].rstrip("/").rsplit("/", 1)[-1]
        return [{"system": SNOMED, "code": last}] if last.isdigit() else []
    system, bar, code = uri.partition("|")
    if bar and ":" in system and "/Questionnaire/" not in system and code:
        return [{"system": system, "code": code}]
    return []


def _answers(item: Resource, scope: Scope) -> Recorded:
    values = [recorded(each, scope) for each in objects(item.get("answer"))]
    numbers = [each.number for each in values if each.number is not None]
    return Recorded(
        numbers[0] if len(numbers) == 1 else None,
        tuple(answer for each in values for answer in each.answers),
        any(each.present for each in values),
    )


def _status(fact: str, resource: Resource) -> str | None:
    status = word(resource.get("status"))
    return status if status in FACTS[fact].statuses else None
