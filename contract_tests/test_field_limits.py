"""Every boundary value of every field of an update: alone in its body, on both sides, read back."""

from __future__ import annotations

import pytest

from contract_tests.boundaries import Boundary, boundaries
from contract_tests.contract import load_contract
from contract_tests.subject import Subject

CONTRACT = load_contract()
BOUNDARIES = [value for tried in CONTRACT.fields("updatePersona").values() for value in boundaries(CONTRACT, tried)]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.name)
def test_value_is_treated_as_the_contract_says(shared_subject: Subject, boundary: Boundary) -> None:
    """The schema of the field decides; one field leaves the valid world at a time."""
    shared_subject.try_boundary(boundary)


@pytest.mark.parametrize("name", CONTRACT.fields("updatePersona"))
def test_field_is_tried_on_both_sides(name: str) -> None:
    """A field without a valid and an invalid value would not be held to anything."""
    sides = {boundary.accepted for boundary in BOUNDARIES if boundary.field.name == name}
    assert sides == {True, False}, f"{name}: values were made on one side only, {sides}"
