"""Calling a deployment as an EHR does: its URL, tokens for it, one exchange, and words for what went wrong."""
