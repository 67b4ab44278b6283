"""Faults that show only in company: a deviation, and the condition under which alone it shows."""
