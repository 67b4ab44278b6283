"""Self-tests of the mock."""
