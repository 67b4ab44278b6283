"""Self-tests of the generated client."""
