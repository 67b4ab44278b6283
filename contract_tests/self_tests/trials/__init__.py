"""Self-tests of the trials."""
