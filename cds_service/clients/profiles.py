"""The profiles that ship: what is publicly documented of an EHR's CDS Hooks client, as data.

A site settles what it alone knows in its client's entry: `links`, `spellings`, `intent`. Sources: vendors' public
documentation of their CDS Hooks clients, and the public CDS Hooks sandbox; docs/reference/clients.md says what rests on
what.
"""

from collections.abc import Mapping

from cds_service.core.profile import GENERIC, Profile

_OID = "urn:oid:2.16.840.1.113883.6."
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

EPIC = Profile(
    name="epic",
    creates=("Condition", "MedicationRequest", "ServiceRequest"),
    # An order is made from its code and the site's own defaults: no detail of a draft is taken over, doNotPerform
    # neither.
    coded_only=True,
    declines=False,
    spellings={
        _RXNORM: f"{_OID}88",
        "http://hl7.org/fhir/sid/ndc": f"{_OID}69",
        "http://hl7.org/fhir/sid/icd-10-cm": f"{_OID}90",
    },
    smart_hosts=(),  # the site registers each SMART app; others are not shown
    trigger_extension="com.epic.cdshooks.request.bpa-trigger-action",
    hook_by_trigger={"27": "encounter-discharge"},
)
CERNER = Profile(
    name="cerner",
    link_hosts=(),  # the EHR takes out links that are not on the site's list, so only listed ones are sent
    app_context=False,  # not supported: an app that is launched would never see it
    detail_limit=1500,  # our choice: a card has an eighth of the screen
)
SANDBOX = Profile(name="sandbox")

PROFILES: Mapping[str, Profile] = {each.name: each for each in (GENERIC, EPIC, CERNER, SANDBOX)}
