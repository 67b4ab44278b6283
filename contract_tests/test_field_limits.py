"""Every boundary value of every field of an update: alone in its body, on both sides, read back."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from contract_tests.boundaries import Boundary, boundaries, representatives, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, load_contract
from contract_tests.run import Run
from contract_tests.subject import Subject, Wrong

CONTRACT = load_contract()
BOUNDARIES = [value for tried in CONTRACT.fields("updatePersona").values() for value in boundaries(CONTRACT, tried)]

# What test_first_look.py has not asked yet.
FURTHER = [value for value in BOUNDARIES if not value.is_sharp]
# Texts of any length.
UNLIMITED = [
    tried
    for name, tried in CONTRACT.fields("updatePersona").items()
    if tried.json_type == "string"
    and not {"enum", "maxLength"} & tried.schema.keys()
    and name not in (VOICE_FIELD, LANGUAGE_FIELD)
]


@pytest.mark.many_requests
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.name)
def test_value_is_treated_as_the_contract_says(shared_subject: Subject, boundary: Boundary) -> None:
    """#/components/schemas: the schema of the field decides; one field leaves the valid world at a time."""
    shared_subject.try_boundary(boundary)


@pytest.mark.few_requests
@pytest.mark.parametrize("name", CONTRACT.fields("updatePersona"))
def test_further_values_beyond_the_limits_are_refused(run: Run, shared_subject: Subject, name: str) -> None:
    """#/components/schemas: the schema of the field decides; each value is alone in its body, and one read after the last shows what moved."""
    values = [value for value in FURTHER if value.field.name == name and not value.accepted]
    chosen = representatives(values, run.chance(f"values of {name}"))
    shared_subject.refuses_each(Wrong.of(value) for value in chosen)


@pytest.mark.few_requests
def test_further_values_within_the_limits_are_accepted_together(run: Run, shared_subject: Subject) -> None:
    """#/x-decisions/combinations: any set of valid fields may be sent together; each body holds a further value of every field."""
    good: dict[str, list[Boundary]] = {}
    for value in FURTHER:
        if value.accepted and value.kind not in ("null", "enum"):
            good.setdefault(value.field.name, []).append(value)
    rows = max(map(len, good.values()))
    for tried in UNLIMITED:
        # More sizes than bodies: another share with each seed.
        sizes = [value for value in BOUNDARIES if value.field == tried and value.accepted and value.kind == "length"]
        good[tried.name] = run.chance(f"sizes of {tried.name}").sample(sizes, min(rows, len(sizes)))
    for row in zip_longest(*good.values()):
        chosen = [value for value in row if value is not None]
        token = ", ".join(f"{to_json(value.field.name)}: {value.token}" for value in chosen)
        shared_subject.accepts({value.field.name: value.value for value in chosen}, token=f"{{{token}}}")


@pytest.mark.parametrize("name", CONTRACT.fields("updatePersona"))
def test_field_is_tried_on_both_sides(name: str) -> None:
    """#/components/schemas: a field without a valid and an invalid value would not be held to anything."""
    sides = {boundary.accepted for boundary in BOUNDARIES if boundary.field.name == name}
    assert sides == {True, False}, f"{name}: values were made on one side only, {sides}"
