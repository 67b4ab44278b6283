"""Self-tests of what is found in an exchange."""
