"""`make bench`: what a call costs, measured against a service that only opens the same door."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
