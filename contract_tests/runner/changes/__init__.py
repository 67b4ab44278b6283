"""What changed in a contract, as a command."""
