"""The CDS Hooks envelope: which members a request must have, and what an error looks like.

Pure: values in, values out. Members that are not known are tolerated, because a hook may gain optional context
fields in a minor version. What stands inside FHIR resources is the FHIR reader's business.
Source: https://cds-hooks.hl7.org/2.0/ "Calling a CDS Service"; contexts: the CDS Hooks Library, one page a hook.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from cds_service.core.problem import Issue, RequestProblem

SPEC_VERSION = "2.0.1"
MOST_SELECTIONS = 1000
ISSUES_SHOWN = 20  # faults that one answer lists; a long list of wrong things must not make a longer answer

REQUIRED, NULL = "is required", "must not be null"
_CODES = {REQUIRED: "required", NULL: "structure"}  # FHIR IssueType by message; others: "value"
_STRUCTURE = "must be "  # messages about the JSON type begin so

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_USER = re.compile(r"(\S+/)?(Practitioner|PractitionerRole|Patient|RelatedPerson)/[^/\s]+")
_REFERENCE = re.compile(r"(?:\S+/)?([A-Z][A-Za-z]+/[^/\s]+)")
_HTTP_URL = re.compile(r"https?://[^/\s]+\S*")
_ID = re.compile(r"[^/\s]+")


@dataclass(frozen=True, slots=True)
class FhirAuthorization:
    """The client's leave to read its FHIR server. The token lives as long as the call and is never printed."""

    access_token: str = field(repr=False)
    expires_in_s: int
    scope: str
    subject: str
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call, its envelope checked. `context`, `prefetch` and `extension` are as they were sent."""

    hook: str
    hook_instance: str
    context: Mapping[str, Any]
    prefetch: Mapping[str, Any]
    fhir_server: str | None = None
    fhir_authorization: FhirAuthorization | None = None
    extension: Mapping[str, Any] = field(default_factory=dict)


def messages(kind: str) -> dict[str, Any]:
    return {"required": REQUIRED, "null": NULL, "invalid": f"{_STRUCTURE}{kind}", "type": f"{_STRUCTURE}{kind}"}


def text_field(
    pattern: re.Pattern[str] | None = None, form: str = "", *, required: bool = True, name: str | None = None
) -> fields.String:
    """A string that is not blank and, with `pattern`, has that form. name: in JSON, where it differs from Python's."""

    def check(value: str) -> None:
        if not value.strip():
            raise ValidationError("must not be empty")
        if pattern and not pattern.fullmatch(value):
            raise ValidationError(f"is not {form}")

    return fields.String(required=required, data_key=name, validate=check, error_messages=messages("a string"))


def _check_bundle(value: Mapping[str, Any]) -> None:
    """A FHIR Bundle, as far as its entries can be walked; it needs no `type` (clients leave it out)."""
    if value.get("resourceType") != "Bundle":
        raise ValidationError({"resourceType": ["is not Bundle"]})
    entries = value.get("entry", [])
    if not isinstance(entries, list):
        raise ValidationError({"entry": [f"{_STRUCTURE}an array"]})
    faults: dict[int, Any] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            faults[index] = [f"{_STRUCTURE}an object"]
        elif not isinstance(entry.get("resource", {}), dict):
            faults[index] = {"resource": [f"{_STRUCTURE}an object"]}
        if len(faults) > ISSUES_SHOWN:  # enough to refuse it; the others are not told anyway
            break
    if faults:
        raise ValidationError({"entry": faults})


class BoundedList(fields.List[Any]):
    """A list whose length is looked at before its items are: a million wrong ones must not be judged one by one."""

    def __init__(self, item: Any, *, most: int, name: str | None = None, required: bool = False) -> None:
        super().__init__(item, data_key=name, required=required, error_messages=messages("an array"))
        self._most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, list) and len(value) > self._most:
            raise ValidationError(f"has more than {self._most} entries")
        return super()._deserialize(value, attr, data, **more)


def _check_some(value: list[Any]) -> None:
    if not value:
        raise ValidationError("must not be empty")


class Envelope(Schema):
    error_messages: dict[str, str] = {"type": f"{_STRUCTURE}an object"}  # noqa: RUF012 - as marshmallow declares it

    class Meta:
        unknown = EXCLUDE


class FhirAuthorizationSchema(Envelope):
    """Member `fhirAuthorization`. The scope is taken as it comes: EHRs send free-form names."""

    access_token = text_field()
    token_type = text_field(re.compile("bearer", re.IGNORECASE), "Bearer")
    expires_in = fields.Integer(required=True, strict=True, error_messages=messages("an integer"))
    scope = fields.String(required=True, error_messages=messages("a string"))
    subject = text_field()
    patient = text_field(required=False)


class CallSchema(Envelope):
    """The members that every hook has. The context is checked by the schema of its hook (CONTEXTS)."""

    hook = text_field()
    hook_instance = text_field(_UUID, "a UUID", name="hookInstance")  # of any version: some EHRs send version 1
    fhir_server = text_field(_HTTP_URL, "an http or https URL", required=False, name="fhirServer")
    fhir_authorization = fields.Nested(
        FhirAuthorizationSchema, data_key="fhirAuthorization", error_messages=messages("an object")
    )
    context = fields.Dict(required=True, error_messages=messages("an object"))
    prefetch = fields.Dict(error_messages=messages("an object"))


class PatientViewContext(Envelope):
    """Context of patient-view 1.0."""

    user_id = text_field(_USER, "Practitioner/id, PractitionerRole/id, Patient/id or RelatedPerson/id", name="userId")
    patient_id = text_field(_ID, "an id alone, without Patient/ before it", name="patientId")
    encounter_id = text_field(_ID, "an id alone, without Encounter/ before it", required=False, name="encounterId")


class OrderSignContext(PatientViewContext):
    """Context of order-sign 1.0."""

    draft_orders = fields.Dict(
        required=True, data_key="draftOrders", validate=_check_bundle, error_messages=messages("an object")
    )


class OrderSelectContext(OrderSignContext):
    """Context of order-select 1.0."""

    selections = BoundedList(
        text_field(_REFERENCE, "a reference of the form Type/id"), most=MOST_SELECTIONS, required=True
    )
    selections.validators.append(_check_some)


class EncounterDischargeContext(PatientViewContext):
    """Context of encounter-discharge 1.0."""

    encounter_id = text_field(_ID, "an id alone, without Encounter/ before it", name="encounterId")


CONTEXTS: Mapping[str, Schema] = {
    "patient-view": PatientViewContext(),
    "order-select": OrderSelectContext(),
    "order-sign": OrderSignContext(),
    "encounter-discharge": EncounterDischargeContext(),
}
_CALL = CallSchema()


def read_call(body: object, hook: str) -> HookCall:
    """Check the envelope of a call to the service of `hook`.

    Raises RequestProblem 400 with every fault of the envelope; no value of the request is repeated.
    """
    if not isinstance(body, dict):
        raise RequestProblem(400, Issue("structure", "", "the body must be a JSON object"))
    issues = list(issues_of(_CALL.validate(body), ""))
    if isinstance(body.get("context"), dict):
        issues += issues_of(CONTEXTS[hook].validate(body["context"]), "context")
    if isinstance(body.get("hook"), str) and body["hook"].strip() and body["hook"] != hook:
        issues.append(Issue("value", "hook", f"is not the hook of this service, which answers {hook}"))
    if isinstance(body.get("fhirAuthorization"), dict) and "fhirServer" not in body:
        issues.append(Issue("required", "fhirServer", "is required when fhirAuthorization is there"))
    if not issues and hook == "order-select":
        issues += _dangling_selections(body["context"])
    if issues:
        raise RequestProblem(400, *issues)
    return HookCall(
        hook=hook,
        hook_instance=body["hookInstance"].lower(),
        context=body["context"],
        prefetch=body.get("prefetch", {}),
        fhir_server=body.get("fhirServer"),
        fhir_authorization=_authorization(body.get("fhirAuthorization")),
        extension=extension if isinstance(extension := body.get("extension"), dict) else {},
    )


def _authorization(sent: Mapping[str, Any] | None) -> FhirAuthorization | None:
    if sent is None:
        return None
    return FhirAuthorization(
        access_token=sent["access_token"],
        expires_in_s=sent["expires_in"],
        scope=sent["scope"],
        subject=sent["subject"],
        patient=sent.get("patient"),
    )


def _dangling_selections(context: Mapping[str, Any]) -> Iterator[Issue]:
    """Selections that no draft order answers to, by Type/id of the resource or at the end of its fullUrl."""
    drafts = set()
    for entry in context["draftOrders"].get("entry", []):
        resource = entry.get("resource", {})
        drafts.add(f"{resource.get('resourceType')}/{resource.get('id')}")
        placed = _REFERENCE.fullmatch(str(entry.get("fullUrl")))
        drafts.add(placed[1] if placed else "")
    for index, selection in enumerate(context["selections"]):
        found = _REFERENCE.fullmatch(selection)
        if found and found[1] not in drafts:
            yield Issue("not-found", f"context.selections[{index}]", "refers to no resource of context.draftOrders")


def issues_of(errors: Mapping[Any, Any], where: str) -> Iterator[Issue]:
    for name, found in errors.items():
        if name == "_schema":
            path = where
        else:
            path = f"{where}[{name}]" if isinstance(name, int) else f"{where}.{name}".lstrip(".")
        for each in [found] if isinstance(found, Mapping) else found:
            if isinstance(each, Mapping):
                yield from issues_of(each, path)
            else:
                yield Issue("structure" if each.startswith(_STRUCTURE) else _CODES.get(each, "value"), path, each)


def operation_outcome(*issues: Issue, done: str = "") -> dict[str, Any]:
    """Give the FHIR OperationOutcome that reports `issues`, the first ISSUES_SHOWN of them.

    done: in words what was done all the same; it comes first, as information.
    Source: http://hl7.org/fhir/R4/operationoutcome.html
    """
    shown = list(issues[:ISSUES_SHOWN])
    if len(issues) > ISSUES_SHOWN:
        shown.append(Issue(issues[-1].code, "", f"and {len(issues) - ISSUES_SHOWN} more faults"))
    told = [_outcome_issue(each) for each in shown]
    if done:
        told.insert(0, {"severity": "information", "code": "informational", "details": {"text": done}})
    return {"resourceType": "OperationOutcome", "issue": told}


def _outcome_issue(issue: Issue) -> dict[str, Any]:
    text = f"{issue.where}: {issue.text}" if issue.where else issue.text
    told: dict[str, Any] = {"severity": "error", "code": issue.code, "details": {"text": text}}
    if issue.where:
        told["expression"] = [issue.where]
    return told
