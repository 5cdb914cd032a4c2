"""Clinical decision support for opioid use disorder, served over CDS Hooks."""

__version__ = "0.1.0"
