"""A stateful API on localhost that follows a contract from the file alone; `python -m contract_tests.mock_api` runs it."""
