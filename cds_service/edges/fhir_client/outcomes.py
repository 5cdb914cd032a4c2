"""How the fetching of a key can end, for the counts."""

WHOLE, CUT, LATE, FAILED = "whole", "cut", "late", "failed"
NOT_LISTED, NO_TOKEN, BUSY, RESTING, NO_TIME = "not-listed", "no-token", "busy", "resting", "no-time"
OUTCOMES = (
    WHOLE, CUT, LATE, FAILED, NOT_LISTED, NO_TOKEN, BUSY, RESTING, NO_TIME, "url", "address", "unreachable", "tls",
    "timeout", "redirect", "status", "encoding", "too-large", "not-json", "not-fhir",
)  # fmt: skip
