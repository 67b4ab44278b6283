"""The items that all tests of lists look for."""

from collections.abc import Iterator

import pytest

from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.run import Run


@pytest.fixture(scope="package")
def family(run: Run) -> Iterator[list[ItemUnderTest]]:
    """Five items, made one after the other."""
    members = [run.create() for _ in range(5)]
    yield members
    for member in members:
        run.api.remove(member.item_id)


@pytest.fixture(scope="package")
def shared_item(run: Run) -> Iterator[ItemUnderTest]:
    """An item with every field set, lent to all tests of lists."""
    with run.lend() as item:
        yield item
