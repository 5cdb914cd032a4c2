"""Rule files: read, check, test, release. Reads files, never the network."""
