"""Each keyword of JSON Schema is tried at its boundary: what it just allows, and what it just forbids."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest

from contract_tests.generation.boundaries import good_values, to_json, untried
from contract_tests.generation.keywords import NOTES, TRIED
from contract_tests.self_tests.generation.things import at_path, contract_of, tried_values, with_value
from contract_tests.spec.document import ASSERTED

TEXT = {"type": "string"}
KEPT = {"type": "object", "required": ["a"], "properties": {"a": TEXT, "b": {"type": "integer", "minimum": 0}}}
CAT = {
    "type": "object",
    "required": ["kind", "lives"],
    "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer", "maximum": 9}},
}
DOG = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"const": "dog"}, "tricks": {"type": "array", "items": TEXT, "maxItems": 2}},
}

# By name: a schema, values that must be tried and are right, values that must be tried and are wrong.
CASES: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "type-string": (TEXT, ["", "a"], [0, True, [], {}, None]),
    "type-boolean": ({"type": "boolean"}, [True, False], ["true", 0, 1, None]),
    "type-null": ({"type": ["string", "null"]}, ["", None], [0]),
    "type-union": ({"type": ["string", "integer"], "maxLength": 3, "maximum": 5}, ["aaa", 5], ["aaaa", 6, 5.5, True]),
    "enum": ({"enum": ["one", "two"]}, ["one", "two"], ["One", "ONE", "one ", " one", "on", "", "one,one", "none"]),
    "enum-x-try": ({"enum": ["one"], "x-try": ["three"]}, ["one"], ["three"]),
    "enum-numbers": ({"enum": [1, 5]}, [1, 5], [0, 2, 4, 6, "1"]),
    "enum-mixed": ({"enum": ["one", 2, True]}, ["one", 2, True], ["ONE", 3, False]),
    "const": ({"const": "one"}, ["one"], ["One", "one "]),
    "minimum": ({"type": "number", "minimum": 0.5}, [0.5, 0.5000000000000001], [0.49999999999999994, 0.4, 0]),
    "maximum": ({"type": "number", "maximum": 2}, [2, 1.9], [2.0000000000000004, 2.000001, 3]),
    "exclusiveMinimum": ({"type": "number", "exclusiveMinimum": 1}, [1.0000000000000002], [1, 0.9999999999999999]),
    "exclusiveMaximum": ({"type": "number", "exclusiveMaximum": 1}, [0.9999999999999999], [1, 1.0000000000000002]),
    "integer-limits": ({"type": "integer", "minimum": 1, "maximum": 9}, [1, 2, 8, 9], [0, 10, 1.5]),
    "integer-exclusive": ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 9}, [2, 8], [1, 9]),
    "multipleOf": ({"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 1}, [0, 0.25, 1], [0.125, 1.1]),
    "multipleOf-integer": ({"type": "integer", "multipleOf": 5, "minimum": 5, "maximum": 50}, [5, 10, 50], [7.5, 51, 0]),
    "minLength": ({**TEXT, "minLength": 2}, ["aa", "éé", "😀😀"], ["", "a", "é", "😀"]),
    "maxLength": ({**TEXT, "maxLength": 2}, ["aa", "éé", "😀😀", "  "], ["aaa", "ééé", "aa ", " aa", "aa\n"]),
    "pattern": (
        {**TEXT, "pattern": "^[a-z]{2}[0-9]$", "examples": ["ab1"]},
        ["ab1"],
        ["ab1a", "aab1", "b1", "ab", "ab1\n", "AB1", "!b1", ""],
    ),
    "pattern-length": ({**TEXT, "pattern": "^[a-z]+$", "maxLength": 3}, ["aaa"], ["aaaa"]),
    "date-time": (
        {**TEXT, "format": "date-time"},
        ["2025-01-24T10:00:00Z", "2025-01-24T10:00:00+02:00"],
        ["2025-02-30T10:00:00Z", "yesterday", ""],
    ),
    "date-time-kept-in-32-bits": ({**TEXT, "format": "date-time"}, ["1969-12-31T23:59:58Z", "2038-01-19T03:14:08Z"], []),
    "date": ({**TEXT, "format": "date"}, ["2024-02-29"], ["2025-02-30", "2025-13-01", ""]),
    "date-kept-or-read-as-a-time": ({**TEXT, "format": "date"}, ["1969-12-31", "2106-02-08"], ["2025-01-24T10:00:00Z", "2025-1-24"]),
    "time": ({**TEXT, "format": "time"}, ["10:00:00Z"], ["25:00:00Z"]),
    "uri": ({**TEXT, "format": "uri", "maxLength": 30}, ["https://example.com/".ljust(30, "a")], ["/only/a/path", "https://example.com/".ljust(31, "a")]),
    "email": ({**TEXT, "format": "email"}, ["ann@example.com"], ["ann", "@example.com", "ann@"]),
    "uuid": ({**TEXT, "format": "uuid"}, ["123e4567-e89b-42d3-a456-426614174000"], ["no-uuid", ""]),
    "hostname": ({**TEXT, "format": "hostname"}, ["example.com"], ["-example.com", "exa mple.com"]),
    "ipv4": ({**TEXT, "format": "ipv4"}, ["192.0.2.1"], ["192.0.2", "192.0.2.256"]),
    "byte": ({**TEXT, "format": "byte"}, ["aGVsbG8="], [0, None, "a", "YQ="]),
    "byte-maxLength": ({"type": ["string", "null"], "format": "byte", "maxLength": 10}, [None, "YWJjYWJj"], ["a", "YWJjYWJjYWJj"]),
    "pattern-repeated": ({**TEXT, "pattern": "^[A-Z]{2,4}-[0-9]{3}$"}, ["AAAA-000", "AZ-000", "AA-009"], ["AAAAA-000", "AA-0000", "A-000", "AA-00", "A[-000", "A@-000", "AA-00:"]),
    "multipleOf-maximum": ({"type": "number", "multipleOf": 0.25, "minimum": 1, "maximum": 3}, [1, 3], [0.75, 3.25]),
    "prefixItems-closed": ({"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "minItems": 2, "items": False}, [["Ask twice.", 2]], [["Ask twice.", 2, 2]]),
    "int32": ({"type": "integer", "format": "int32"}, [2147483647, -2147483647], [1.5]),
    "int64": ({"type": "integer", "format": "int64"}, [9223372036854775807], [1.5]),
    "float": ({"type": "number", "format": "float", "maximum": 1}, [1, 0.9], [1.1]),
    "double": ({"type": "number", "format": "double", "maximum": 1}, [1, 0.9999999999999999], [1.1]),
    "minItems": ({"type": "array", "items": TEXT, "minItems": 2}, [["Ask twice.", "Ask once more."]], [[], ["Ask twice."]]),
    "maxItems": ({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, [[], [True, False]], [[True, False, True]]),
    "uniqueItems": ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [[1]], [[1, 1]]),
    "items": ({"type": "array", "items": {"type": "integer", "maximum": 5}}, [[5]], [[6], ["text"], [None], [5.5]]),
    "items-free": ({"type": "array"}, [[], ["one"]], ["text", {}]),
    "prefixItems": ({"type": "array", "prefixItems": [{"type": "boolean"}, TEXT], "minItems": 2, "maxItems": 2}, [[True, "a"]], [[0, "Ask once more."], [True, 0]]),
    "contains": ({"type": "array", "items": {"enum": ["x", "y"]}, "contains": {"const": "y"}}, [["y", "x"]], [["x"], []]),
    "maxContains": ({"type": "array", "items": {"enum": ["x", "y"]}, "contains": {"const": "y"}, "maxContains": 2}, [["y", "y", "x"]], [["y", "y", "y", "x"]]),
    "properties": (KEPT, [{"a": "", "b": 0}, {"a": "Ask twice.", "b": 0}], [{"a": 0, "b": 0}, {"a": "Ask twice.", "b": -1}]),
    "required": (KEPT, [{"a": "Ask twice."}], [{"b": 0}, {}]),
    "additionalProperties-false": ({**KEPT, "additionalProperties": False}, [{"a": "Ask twice."}], [{"a": "Ask twice.", "b": 0, "contract_test_unknown": "text"}]),
    "additionalProperties-schema": ({"type": "object", "additionalProperties": {"type": "integer", "maximum": 3}}, [{"key": 1, "key0": 3}], [{"key": 1, "key0": 4}]),
    "minProperties": ({"type": "object", "minProperties": 1, "additionalProperties": TEXT}, [{"key": "Ask twice."}], [{}]),
    "maxProperties": ({"type": "object", "maxProperties": 1, "additionalProperties": TEXT}, [{}], [{"key": "Ask twice.", "key0": "Ask twice."}]),
    "propertyNames": ({"type": "object", "additionalProperties": TEXT, "propertyNames": {"pattern": "^[a-z]+$"}}, [{"key": "Ask twice.", "a": "Ask twice."}], [{"key": "Ask twice.", "UPPER": "Ask twice."}]),
    "dependentRequired": ({**KEPT, "required": [], "dependentRequired": {"a": ["b"]}}, [{"b": 0}], [{"a": "Ask twice."}]),
    "property-forbidden": ({"type": "object", "properties": {"a": TEXT, "b": False}}, [{"a": ""}], [{"a": "Ask twice.", "b": "text"}]),
    "nested-nullable": ({"type": "object", "properties": {"a": {"anyOf": [TEXT, {"type": "null"}]}}}, [{"a": None}, {"a": ""}], [{"a": 0}]),
    "nested-twice": ({"type": "array", "items": KEPT, "minItems": 1}, [[{"a": "", "b": 0}]], [[{"a": "Ask twice.", "b": -1}], [{"b": 0}]]),
    "allOf": ({"allOf": [{"type": "integer", "minimum": 3}, {"minimum": 5, "maximum": 7}]}, [5, 7], [4, 8, "text"]),
    "anyOf": ({"anyOf": [{"type": "integer", "maximum": 3}, {**TEXT, "maxLength": 2}]}, [3, "aa"], [4, "aaa", True]),
    "oneOf-discriminator": (
        {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}], "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}}},
        [{"kind": "cat", "lives": 9}, {"kind": "dog"}, {"kind": "dog", "tricks": []}],
        [{"kind": "cat", "lives": 10}, {"kind": "cat"}, {"kind": "CAT", "lives": 7}, {"kind": "dog", "tricks": ["Ask twice.", "Ask once more.", "Ask twice."]}],
    ),
    "if-then-else": (
        {**KEPT, "if": {"properties": {"a": {"const": "x"}}}, "then": {"required": ["b"]}, "else": {"properties": {"b": {"maximum": 5}}}},
        [{"a": "x", "b": 0}, {"a": "Ask twice.", "b": 5}],
        [{"a": "x"}, {"a": "Ask twice.", "b": 6}],
    ),
    "not": ({**TEXT, "not": {"const": "root"}}, [""], ["root"]),
    "readOnly": ({"type": "object", "properties": {"a": TEXT, "id": {**TEXT, "readOnly": True}}}, [{"a": "Ask twice."}], [{"a": 0}]),
    "writeOnly": ({"type": "object", "properties": {"a": {**TEXT, "writeOnly": True}}}, [{"a": ""}], [{"a": 0}]),
    "deprecated": ({"type": "object", "properties": {"a": {**TEXT, "deprecated": True}}}, [{"a": ""}], [{"a": 0}]),
    "default": ({"type": "object", "properties": {"a": {"type": "integer", "default": 3, "maximum": 5}}}, [{"a": 5}], [{"a": 6}]),
    "$ref": ({"$ref": "#/components/schemas/Short"}, ["aaa"], ["aaaa"]),
    "$ref-with-siblings": ({"$ref": "#/components/schemas/Short", "minLength": 2}, ["aa", "aaa"], ["a", "aaaa"]),
}  # fmt: skip

SCHEMAS = {"Cat": CAT, "Dog": DOG, "Short": {**TEXT, "maxLength": 3}}
NAMES = pytest.mark.parametrize("name", CASES)


@NAMES
def test_values_on_both_sides_are_tried(name: str) -> None:
    """What a schema just allows is tried and accepted, what it just forbids is tried and refused."""
    schema, right, wrong = CASES[name]
    found = {spelling(boundary.value): boundary.accepted for boundary in tried_values(schema, schemas=SCHEMAS)}
    missing = [value for value in [*right, *wrong] if spelling(value) not in found]
    assert not missing, f"not tried: {missing}; tried: {[token[:80] for token in found]}"
    assert all(found[spelling(value)] for value in right)
    assert not any(found[spelling(value)] for value in wrong)


def spelling(value: Any) -> str:
    """Return one text for a number, with or without a point."""
    is_whole = isinstance(value, float) and value.is_integer()
    return to_json(int(value) if is_whole else value)


@NAMES
def test_the_library_decides(name: str) -> None:
    """A value is accepted where the JSON Schema library, asked on its own, finds it valid."""
    schema = {**CASES[name][0], "components": {"schemas": SCHEMAS}}
    validator = jsonschema_rs.Draft202012Validator(schema, **ASSERTED)
    for boundary in tried_values(CASES[name][0], schemas=SCHEMAS):
        if "token-" not in boundary.reason:
            assert boundary.accepted == validator.is_valid(boundary.value), boundary.name


@NAMES
def test_one_value_is_at_fault(name: str) -> None:
    """Where a value inside is wrong, one good value in its place makes the whole right."""
    contract, tried = contract_of(CASES[name][0], schemas=SCHEMAS)
    found = tried_values(CASES[name][0], schemas=SCHEMAS)
    wholes = [*good_values(contract, tried), *(boundary.value for boundary in found if boundary.accepted)]
    for boundary in (boundary for boundary in found if boundary.path and not boundary.accepted):
        paths = {boundary.path, re.sub(r"^/\d+", "/0", boundary.path)}
        goods = [good for whole in wholes for path in paths for good in _inside(whole, path)]
        repaired = [with_value(boundary.value, boundary.path, good) for good in goods]
        assert any(contract.accepts_value(tried, whole) for whole in repaired), boundary.name


def _inside(whole: Any, path: str) -> list[Any]:
    try:
        return [at_path(whole, path)]
    except (KeyError, IndexError, TypeError):
        return []


@NAMES
def test_good_values_are_valid_and_differ(name: str) -> None:
    """Values that are valid beyond doubt are valid, and there are two where the schema allows two."""
    contract, tried = contract_of(CASES[name][0], schemas=SCHEMAS)
    values = good_values(contract, tried)
    assert len({to_json(value) for value in values}) == len(values)
    assert len(values) >= (1 if name in ("const", "enum-x-try") else 2)
    assert all(contract.accepts_value(tried, value) for value in values)


@NAMES
def test_ids_are_unique_and_pointers_exist(name: str) -> None:
    """Each id names one value, and each pointer leads to something in the contract."""
    contract, _ = contract_of(CASES[name][0], schemas=SCHEMAS)
    found = tried_values(CASES[name][0], schemas=SCHEMAS)
    assert len({boundary.name for boundary in found}) == len(found)
    assert all(contract.document.has(boundary.source) for boundary in found)
    assert all(contract.document.has(boundary.clause) for boundary in found)


@NAMES
def test_everything_here_is_tried(name: str) -> None:
    """None of these schemas holds what cannot be tried."""
    assert untried(*contract_of(CASES[name][0], schemas=SCHEMAS)) == []


def test_every_keyword_has_a_case() -> None:
    """A keyword that is said to be tried stands in a case above."""
    written = str([CASES, SCHEMAS])
    assert [word for word in TRIED if f"'{word}'" not in written] == ["minContains"]
    assert not TRIED & NOTES


def test_unique_objects_reach_the_greatest_size() -> None:
    """uniqueItems: as many different objects are found as maxItems allows, and one more, whatever their properties are held to."""
    parcel = {
        "type": "object",
        "required": ["sku", "quantity"],
        "additionalProperties": False,
        "properties": {
            "sku": {"type": "string", "pattern": "^[A-Z]{2,4}-[0-9]{3}$"},
            "quantity": {"type": "integer", "minimum": 1, "maximum": 500},
        },
    }
    schema = {"type": "array", "uniqueItems": True, "maxItems": 6, "items": parcel}
    found = [each for each in tried_values(schema) if each.keyword == "maxItems"]
    assert {(len(each.value), each.accepted) for each in found} == {(5, True), (6, True), (7, False)}


def test_texts_of_an_unknown_format_are_those_that_the_contract_shows() -> None:
    """format, examples: nobody here can tell another text from a right one, so none is sent as right, and none as wrong."""
    shown = ["DE89370400440532013000", "GB82WEST12345698765432"]
    contract, tried = contract_of({"type": "string", "format": "iban", "examples": shown})
    assert good_values(contract, tried) == shown
    assert not contract.accepts_value(tried, "text")
    texts = [each.value for each in tried_values({**tried.schema}) if isinstance(each.value, str)]
    assert set(texts) <= {*shown}
    body = {"tried": "text"}
    assert contract.is_in_doubt("update", body)
    assert not contract.is_in_doubt("update", {"tried": 7})
