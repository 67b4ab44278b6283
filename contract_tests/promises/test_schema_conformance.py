"""schemathesis on every operation: its examples, its coverage of the schema, and its fuzzing."""

import pytest

from contract_tests.checks.conditions import for_each
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import require
from contract_tests.checks.run import Run
from contract_tests.spec.contract import Contract

# More would only repeat what is wrong.
MOST_FINDINGS = 10


def _operations(contract: Contract) -> list[str]:
    """List the operations; a read shows what an update did, so without one there is no update to try."""
    return [name for name in contract.operations if contract.has("read") or contract.role(name) != "update"]


@pytest.mark.all_parameters
@for_each("operation_id", _operations)
def test_operation_conforms_to_its_schema(run: Run, item: ItemUnderTest, operation_id: str) -> None:
    """#/paths: whatever is generated from it is answered as it says."""
    from contract_tests.checks import conformance  # schemathesis loads slowly, and the sharper tests come first

    tried = conformance.generate(run, item, operation_id)
    require(tried.sample(MOST_FINDINGS))
    if run.contract.role(operation_id) == "update" and not tried.phases:
        pytest.skip("schemathesis made no body that the contract judges")
