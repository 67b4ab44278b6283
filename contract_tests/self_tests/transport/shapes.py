"""The resource of openapi.yaml as transport sees it, for tests that send requests without a run."""

from contract_tests.checks.shape import shape_of
from contract_tests.spec.contract import load_contract

PERSONAS = shape_of(load_contract())
