"""A black-box probe of a running CDS Hooks service: it knows the base URL and the protocol, and nothing of our code."""
