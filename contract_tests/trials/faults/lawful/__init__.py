"""Lawful variants: ways in which an API may differ from the mock and keep its contract."""
