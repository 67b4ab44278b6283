"""Every class of value in every context: by what the item holds, what the body brings, what came before, how it is sent and read."""

from collections.abc import Iterator

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.covering.updates import Updates
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.run import Run


@pytest.fixture(scope="module")
def updates(run: Run, shared_item: ItemUnderTest) -> Iterator[Updates]:
    """The plan of the update, whose rows share what they have covered."""
    plan = Updates(run, shared_item)
    with plan.stack:
        yield plan


@pytest.mark.all_parameters
@pytest.mark.takes_the_rest
@needs("update", "read")
@for_each("names", lambda contract: contract.fields("update"), together=True)
def test_field_of_an_update_is_judged_alike_in_every_context(updates: Updates, names: list[str]) -> None:
    """update, requestBody: the schema of the field decides, whatever the item holds, the body brings besides, and came before."""
    updates.try_fields(names)
