"""Everything that touches the world: HTTP, files of a running service, FHIR servers."""
