"""Many people at once: synthetic cohorts, reading the records of a cohort, and what a release of rules says of them."""
