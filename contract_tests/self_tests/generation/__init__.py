"""Self-tests of the reader of the contract."""
