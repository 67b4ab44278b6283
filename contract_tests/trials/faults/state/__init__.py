"""Faults of what happens to items over time."""
