"""`make bench`: what a call costs, measured against a service that only opens the same door."""
