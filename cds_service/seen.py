"""One request as it was answered: what logs, counts, traces and records are made of."""

from dataclasses import dataclass

from cds_service.core.rule import Release
from cds_service.feedback import FeedbackItem
from cds_service.protocol import HookCall
from cds_service.services import Answer

SERVICES_ROUTE = "/cds-services"
CALL_ROUTE = f"{SERVICES_ROUTE}/<service_id>"


@dataclass(slots=True)
class Seen:
    """One request, as it is answered. No patient data but in `call`, `answer` and `feedback`.

    release: the one in service when the request came, by which it is answered.
    route:   the URL rule, with its variables by name; "" when no route was found.
    service: id of the CDS service that was called, if there is one of that id.
    client:  name of the client, once it is known.
    refused: FHIR IssueType of what was wrong ("" for a success).
    seconds: from the first look at the request until its answer.
    feedback: the items that were kept.
    """

    release: Release
    route: str = ""
    service: str = ""
    client: str = ""
    status: int = 0
    refused: str = ""
    seconds: float = 0.0
    call: HookCall | None = None
    answer: Answer | None = None
    feedback: tuple[FeedbackItem, ...] = ()
