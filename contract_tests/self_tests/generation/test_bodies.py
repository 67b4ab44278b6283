"""Bodies that differ from a good one only in which fields they have."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.generation.bodies import body_boundaries, untried_of_body
from contract_tests.generation.boundaries import good_values
from contract_tests.generation.candidate import Candidate
from contract_tests.self_tests.generation.test_strategies import FILES, rows_of
from contract_tests.spec.contract import load_contract


def bodies_of(stem: str, role: str) -> dict[str, Candidate]:
    contract = load_contract(next(file for file in FILES if file.stem == stem))
    free = {name: tried for name, tried in contract.fields(role).items() if tried.is_free}
    good: dict[str, Any] = {name: good_values(contract, tried)[0] for name, tried in free.items()}
    for rows in rows_of(contract, role):
        good |= rows[0]
    found = body_boundaries(contract, role, good)
    assert all(contract.document.has(body.source) for body, _ in found)
    assert all(is_accepted == contract.accepts(role, body.value) for body, is_accepted in found)
    return {f"{role}-{body.reason}-{'accepted' if is_accepted else 'refused'}": body for body, is_accepted in found}


@pytest.mark.parametrize(
    ("stem", "role", "name", "keyword"),
    [
        ("openapi", "create", "create-without-name-refused", "required"),
        ("openapi", "create", "create-without-wait_seconds-accepted", "properties"),
        ("bookings", "update", "update-0-properties-refused", "minProperties"),
        ("bookings", "update", "update-1-properties-accepted", "minProperties"),
        ("devices", "update", "update-latitude-without-longitude-refused", "dependentRequired"),
        ("devices", "create", "create-unknown-property-refused", "additionalProperties"),
        ("tickets", "create", "create-without-title-refused", "required"),
    ],
)
def test_bodies_on_both_sides_are_tried(stem: str, role: str, name: str, keyword: str) -> None:
    """What the schema of a body asks of its fields together is tried, and counted under its keyword."""
    assert bodies_of(stem, role)[name].source.endswith(f"/{keyword}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_contract_here_is_tried_whole(file: Any) -> None:
    """None of the contracts in this repository holds what cannot be tried."""
    contract = load_contract(file)
    assert [
        found for role in ("create", "update") if contract.has(role) for found in untried_of_body(contract, role)
    ] == []
