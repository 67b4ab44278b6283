"""Faults of keys, media types, methods and the shape of answers."""
