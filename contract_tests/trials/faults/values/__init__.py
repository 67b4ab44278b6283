"""Faults of what a value may be and how it is kept."""
