"""README and docs/ against the repository."""
