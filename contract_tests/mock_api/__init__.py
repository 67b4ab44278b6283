"""A Personas API on localhost that keeps openapi.yaml in memory; `python -m contract_tests.mock_api` runs it."""
