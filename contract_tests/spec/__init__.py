"""A contract as data: the only reader of openapi.yaml in the suite."""
