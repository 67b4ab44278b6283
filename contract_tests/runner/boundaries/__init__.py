"""The command that makes a boundary map, or compares two."""
