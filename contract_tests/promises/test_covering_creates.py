"""Every class of value of a create in every context: by what the body brings besides, what came before, and how it is sent."""

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.covering.creates import Creates
from contract_tests.checks.run import Run


@pytest.fixture(scope="module")
def creates(run: Run) -> Creates:
    """The plan of the create."""
    return Creates(run, "create")


@pytest.mark.all_parameters
@pytest.mark.takes_the_rest
@needs("create", "create_stores_everything")
@for_each("names", lambda contract: contract.fields("create"), together=True)
def test_field_of_a_create_is_judged_alike_in_every_context(creates: Creates, names: list[str]) -> None:
    """create, requestBody: the schema of the field decides, whatever the body brings besides, and came before."""
    creates.try_fields(names)
