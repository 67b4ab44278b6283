"""Every boundary value of every field of an update: alone in its body, on both sides, read back."""

from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.selections import fields_with_faults
from contract_tests.checks.updates import allowed, spoilt
from contract_tests.generation.boundaries import Boundary, boundaries
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field

pytestmark = needs("update", "read")

# One value of each JSON type: a schema that takes them all refuses nothing.
ONE_OF_EACH_TYPE: tuple[Any, ...] = ("text", 1.5, True, [], {})


@pytest.mark.many_requests
@for_each("boundary", lambda contract: [b for f in contract.fields("update").values() for b in boundaries(contract, f)])
def test_value_is_treated_as_the_contract_says(shared_item: ItemUnderTest, boundary: Boundary) -> None:
    """update, requestBody: the schema of the field decides; one field leaves the valid world at a time."""
    shared_item.try_boundary(boundary)


def _near_misses(contract: Contract, name: str) -> dict[str, list[Boundary]]:
    """Return what is nearly a value of an enum, by the value, where there are several."""
    misses: dict[str, list[Boundary]] = {}
    for boundary in boundaries(contract, contract.fields("update")[name]):
        if boundary.keyword == "enum" and not boundary.accepted and not boundary.path and boundary.origin:
            misses.setdefault(boundary.origin, []).append(boundary)
    values = contract.fields("update")[name].schema.get("enum", ())
    return {value: some for value, some in misses.items() if len(some) > 1 and value in values}


@pytest.mark.many_requests
@for_each("name", lambda contract: [name for name in contract.fields("update") if _near_misses(contract, name)])
def test_value_near_the_stored_one_is_refused(contract: Contract, shared_item: ItemUnderTest, name: str) -> None:
    """update, requestBody, enum: what the item holds makes no value of what is like it."""
    for value, misses in _near_misses(contract, name).items():
        shared_item.accepts(allowed(shared_item, {name: value}))
        shared_item.refuses(*(spoilt(shared_item, miss) for miss in misses))


def _can_be_wrong(contract: Contract, tried: Field) -> bool:
    return not all(contract.accepts_value(tried, value) for value in ONE_OF_EACH_TYPE)


@for_each("name", lambda contract: [n for n, f in contract.fields("update").items() if _can_be_wrong(contract, f)])
def test_field_is_tried_on_both_sides(contract: Contract, name: str) -> None:
    """update, requestBody: a field without a valid and an invalid value would not be held to anything."""
    tried = contract.fields("update")[name]
    sides = {value.accepted for value in boundaries(contract, tried)}
    # test_listed_values.py tries the valid values that another operation lists.
    assert sides >= ({True, False} if tried.is_free else {False}), f"{name}: values of one side only were made, {sides}"
    assert tried in fields_with_faults(contract)
