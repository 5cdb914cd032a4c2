"""FHIR JSON in, a Chart out. The only place that knows FHIR versions."""
