"""Reads from a client's FHIR server what did not come with the call, within the call's budget."""
