"""A second, slow and obvious reading of the rule language, to hold the engine against."""
