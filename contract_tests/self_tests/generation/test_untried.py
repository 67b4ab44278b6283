"""What cannot be tried is named, and what a contract does not promise is not tried."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.generation.boundaries import good_values, untried
from contract_tests.self_tests.generation.things import contract_of, tried_values

WHERE = "#/components/schemas/Body/properties/tried"


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "object", "unevaluatedProperties": False}, "/unevaluatedProperties"),
        ({"type": "string", "contentSchema": {}}, "/contentSchema"),
        ({"type": "string", "format": "color"}, "/format"),
        ({"type": "string", "maxLength": 5_000_000}, "/maxLength"),
        ({"type": "array", "items": {"type": "string", "format": "color"}}, "/items/format"),
        (
            {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"type": "integer"}]}}},
            "/properties/a",
        ),
        ({"type": "object", "patternProperties": {"^x": {"type": "string"}}}, "/patternProperties"),
    ],
    ids=lambda value: value.replace("/", "-")[1:] if isinstance(value, str) else "",
)
def test_what_cannot_be_tried_is_named(schema: dict[str, Any], pointer: str) -> None:
    """A keyword that is not known, and a schema that no value fits, are named by their place."""
    assert f"{WHERE}{pointer}" in [found.pointer for found in untried(*contract_of(schema))]
    tried_values(schema)
    good_values(*contract_of(schema))


def test_a_schema_that_contains_itself_ends() -> None:
    """A recursive schema is tried once at each of its places."""
    node = {
        "type": "object",
        "properties": {"label": {"type": "string", "maxLength": 3}, "inner": {"$ref": "#/components/schemas/Node"}},
    }
    found = tried_values({"$ref": "#/components/schemas/Node"}, schemas={"Node": node})
    assert any(boundary.path == "/label" and not boundary.accepted for boundary in found)
    assert len(found) < 1_000
    assert untried(*contract_of({"$ref": "#/components/schemas/Node"}, schemas={"Node": node})) == []


def test_units_of_a_length_are_tried_only_where_promised() -> None:
    """Without lengths_in_code_points, no text is tried whose length depends on the unit."""
    texts = [b.value for b in tried_values({"type": "string", "maxLength": 9}, promises=()) if b.kind == "length"]
    assert all(text.isascii() for text in texts if len(text) > 1)
    assert "\x00" not in texts


@pytest.mark.parametrize(
    ("schema", "greatest"),
    [
        ({"type": "integer"}, 2**53),
        ({"type": "integer", "format": "int32"}, 2**31 - 1),
        ({"type": "integer", "format": "int64"}, 2**63 - 1),
        ({"type": "number", "format": "float"}, 3.4028234663852886e38),
        ({"type": "number"}, 1.7976931348623157e308),
    ],
    ids=["integer", "int32", "int64", "float", "number"],
)
def test_numbers_beyond_a_format_are_not_judged(schema: dict[str, Any], greatest: float) -> None:
    """JSON Schema reads a number's format as a note, so what it cannot hold is neither right nor wrong."""
    right = [b.value for b in tried_values(schema) if b.accepted and isinstance(b.value, (int, float))]
    assert max(right) <= greatest
    beyond = [b for b in tried_values({**schema, "maximum": 7}) if b.reason == "401-digits" or b.reason == "400-digits"]
    assert beyond
    assert not any(b.accepted for b in beyond)


def test_multiples_do_not_hang_on_the_noise_of_doubles() -> None:
    """0.3 is three times 0.1 in decimals and not in doubles, so no API is judged by it; nor by one double beside 0.5."""
    found = [b.value for b in tried_values({"type": "number", "multipleOf": 0.1, "minimum": 0, "maximum": 0.5})]
    numbers = [value for value in found if isinstance(value, (int, float)) and not isinstance(value, bool)]
    assert 0.3 not in numbers
    assert 0.30000000000000004 not in numbers
    assert 0.49999999999999994 not in numbers
    assert {0, 0.1, 0.5, 0.05, 0.15} <= set(numbers)


def test_doubtful_texts_are_not_judged() -> None:
    """A text that one branch forbids by its format and another allows is not tried."""
    found = tried_values({"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "hostname"}]})
    assert "192.0.2.256" not in [boundary.value for boundary in found]
    assert "192.0.2.1" in [boundary.value for boundary in found]


def test_a_discriminator_is_not_judged_beyond_the_schema() -> None:
    """Where the schema leaves the discriminating property free, only its wrong types are tried."""
    pets = {
        name: {
            "type": "object",
            "required": ["kind", name],
            "properties": {"kind": {"type": "string"}, name: {"type": "integer"}},
        }
        for name in ("cat", "dog")
    }
    reference = [{"$ref": "#/components/schemas/cat"}, {"$ref": "#/components/schemas/dog"}]
    found = tried_values({"oneOf": reference, "discriminator": {"propertyName": "kind"}}, schemas=pets)
    kinds = [boundary for boundary in found if boundary.path == "/kind"]
    assert kinds
    assert not any(boundary.accepted for boundary in kinds)
    assert {"kind": "cat", "cat": 1} in [boundary.value for boundary in found if boundary.accepted]
