"""The suite that holds an API to openapi.yaml."""
