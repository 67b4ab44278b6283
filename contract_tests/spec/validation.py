"""Refuses a contract that contradicts itself, with the file, the line, the place and what to do there."""

import difflib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema_rs

from contract_tests.spec.document import Document, below, escape, invalid_schema
from contract_tests.spec.extensions import field_names
from contract_tests.spec.field import JSON_TYPES, json_type, written
from contract_tests.spec.operation import METHODS

# Each extension, and where it means something: what holds it, and how a person says that.
_SCHEMA = (r"#/components/schemas/.*|.*/schema(/.*)?", "a schema")
PLACES = {
    **dict.fromkeys(("x-changes", "x-template", "x-on-null", "x-on-empty", "x-run-name", "x-values-from", "x-constraints",
                     "x-try"), _SCHEMA),
    **dict.fromkeys(("x-list-role", "x-filters"), (r".*/parameters/[^/]+", "a parameter")),
    **dict.fromkeys(("x-error-code", "x-error-fields"), (rf".*/responses/[^/]+|{_SCHEMA[0]}", "a response, or the schema of its answer")),
    "x-key-env": (r"#/components/securitySchemes/[^/]+", "a security scheme"),
    **dict.fromkeys(("x-promises", "x-seeds"), ("#", "the root of the file")),
}  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "x-changes": ("never", "on-update"), "x-on-null": ("clear", "keep"), "x-on-empty": ("clear",), "x-run-name": (True, False),
}  # fmt: skip
KINDS = {"x-try": (list, "a list of values"), "x-seeds": (str, "the name of a file"), "x-template": (str, "a text")}

PAIRS = (
    ("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"),
    ("minProperties", "maxProperties"), ("minContains", "maxContains"),
)  # fmt: skip
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COUNTS = tuple(name for pair in PAIRS[1:] for name in pair)

ONE = ("additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames")
MANY = ("allOf", "anyOf", "oneOf", "prefixItems", "x-constraints")
NAMED = ("properties", "patternProperties", "dependentSchemas")


def validate(document: Document) -> None:
    """Look at every schema, example and extension once; refuse what contradicts itself, leads nowhere, or means nothing."""
    words = list(_words(document.tree, "#"))
    for pointer, key, _ in words:
        # An extension that is nearly, but not quite, one of ours is misspelt; any other is somebody else's.
        if key[:2] in ("x-", "X-") and key not in PLACES:
            for nearest in difflib.get_close_matches(key.lower(), PLACES, 1, 0.82):
                raise document.error(pointer, f"is no extension that is known; write {nearest}")
    for pointer, key, value in words:
        if key in PLACES:
            _check_extension(document, pointer, key, value)
        if key == "$ref" and isinstance(value, str):
            document.require_target(pointer, value)
            if re.fullmatch(rf"{re.escape(value)}(/(allOf|anyOf|oneOf)/\d+)+/\$ref", pointer):
                raise document.error(pointer, "refers to the schema that it is a part of; refer to another")
        if key == "discriminator" and isinstance(value, dict):
            _check_discriminator(document, pointer, value)
    seen: set[str] = set()
    places: list[str] = []
    for pointer in schema_pointers(document):
        for place in walk(document, pointer, seen):
            places.append(place)
            _check_schema(document, place)
        try:  # the keywords that a validator passes over where it compiles a schema
            jsonschema_rs.meta.validate(document.at(pointer))
        except jsonschema_rs.ValidationError as error:
            raise document.error(below(pointer, *error.instance_path), invalid_schema(error.message)) from None
        document.validator(pointer)  # what else is wrong with it
    for pointer, value, schema in _examples(document, places):
        for fault in document.validator(schema).iter_errors(value):
            problem = f"is refused by its own schema: {' '.join(fault.message.split())[:200]}; correct one of the two"
            raise document.error(below(pointer, *fault.instance_path), problem)


def check_openapi(document: Document) -> None:
    """Refuse what the schema of OpenAPI refuses. Source: OpenAPI 3.1, https://spec.openapis.org/oas/3.1/schema/."""
    for fault in _openapi().iter_errors(document.tree):
        message = " ".join(fault.message.split())[:300]
        raise document.error(below("#", *fault.instance_path), f"is no valid OpenAPI 3.1: {message}; correct it")


@cache
def _openapi() -> jsonschema_rs.Draft202012Validator:
    package = find_spec("openapi_spec_validator")  # found, and not imported: its code takes long to load
    assert package is not None
    file = Path(str(package.origin)).with_name("resources") / "schemas/v3.1/schema.json"
    return jsonschema_rs.Draft202012Validator(json.loads(file.read_text("utf-8")))


def _check_extension(document: Document, pointer: str, key: str, value: Any) -> None:
    """Look whether an extension stands where it means something, and has a value that does."""
    holder, said = PLACES[key]
    if not re.fullmatch(holder, pointer.rpartition("/")[0]):
        raise document.error(pointer, f"means nothing here; move it to {said}")
    if key in VALUES and value not in VALUES[key]:
        words = " or ".join(str(each).lower() for each in VALUES[key])
        raise document.error(pointer, f"is {written(value)}; write {words}")
    if key in KINDS and not isinstance(value, KINDS[key][0]):
        raise document.error(pointer, f"is {written(value)}; write {KINDS[key][1]}")


def _check_discriminator(document: Document, pointer: str, discriminator: dict[str, Any]) -> None:
    """Look whether it maps to schemas that are there, and names a property of a branch. Source: OpenAPI 3.1, 4.8.25."""
    for value, said in discriminator.get("mapping", {}).items():
        target = said if "/" in said or "#" in said else f"#/components/schemas/{said}"
        if target.startswith("#") and not document.has(target):
            problem = f"nothing stands at {target!r}; name a schema that is there"
            raise document.error(below(pointer, "mapping", value), problem)
    name, owner = discriminator.get("propertyName"), pointer.rpartition("/")[0]
    known = {each for each, _ in field_names(document, owner)}
    if document.at(owner).keys() & {"anyOf", "oneOf"} and not known & {name, "*"}:
        problem = f"is {written(name)}, and no branch has such a property; name one of theirs, or add it to each"
        raise document.error(f"{pointer}/propertyName", problem)


def schema_pointers(document: Document) -> Iterator[str]:
    """Yield where the schemas of a document begin: its components, bodies, answers and parameters."""
    components = document.tree.get("components", {})
    yield from (f"#/components/schemas/{escape(name)}" for name in components.get("schemas", {}))
    for pointer, _ in _carriers(document):
        if document.has(f"{pointer}/schema"):
            yield f"{pointer}/schema"


def walk(document: Document, pointer: str, seen: set[str]) -> Iterator[str]:
    """Yield where a schema and all that it is made of stand, references not followed."""
    schema = document.at(pointer)
    if pointer in seen or not isinstance(schema, dict):
        return
    seen.add(pointer)
    yield pointer
    for word in ONE:
        if isinstance(schema.get(word), dict):
            yield from walk(document, f"{pointer}/{word}", seen)
    for word in MANY:
        if word in schema and not isinstance(schema[word], list):
            raise document.error(f"{pointer}/{word}", "must be a list of schemas")
        for index in range(len(schema.get(word, ()))):
            yield from walk(document, f"{pointer}/{word}/{index}", seen)
    for word in NAMED:
        if word in schema and not isinstance(schema[word], dict):
            raise document.error(f"{pointer}/{word}", "must be a mapping from names to schemas")
        for name in schema.get(word, ()):
            yield from walk(document, f"{pointer}/{word}/{escape(str(name))}", seen)


def _carriers(document: Document) -> Iterator[tuple[str, Any]]:
    """Yield the parameters and the media types of a document: what carries a schema and its examples."""
    components = document.tree.get("components", {})
    places = [f"#/components/{kind}/{escape(name)}" for kind in ("parameters", "requestBodies", "responses")
              for name in components.get(kind, {})]  # fmt: skip
    for path, item in document.tree.get("paths", {}).items():
        owner = f"#/paths/{escape(path)}"
        places += [f"{owner}/parameters/{index}" for index in range(len(item.get("parameters", ())))]
        for method in item.keys() & set(METHODS):
            place, operation = f"{owner}/{method}", item[method]
            places += [f"{place}/parameters/{index}" for index in range(len(operation.get("parameters", ())))]
            places += [f"{place}/requestBody"] if "requestBody" in operation else []
            places += [f"{place}/responses/{status}" for status in operation.get("responses", {})]
    for place in places:
        node = document.at(place)
        if not isinstance(node, dict):
            raise document.error(place, "must be a mapping")
        if "content" in node:
            yield from ((f"{place}/content/{escape(kind)}", node["content"][kind]) for kind in node["content"])
        elif "$ref" not in node:
            if "/parameters/" in place and "schema" not in node:
                raise document.error(place, "has no schema; write its type as schema: {type: ...}")
            yield place, node


def _check_schema(document: Document, place: str) -> None:
    schema = document.at(place)
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    for kind in kinds:
        if kind not in (*JSON_TYPES, "null"):
            problem = f"is {written(kind)}; write one of {', '.join(JSON_TYPES)}, 'null' (in quotes)"
            raise document.error(f"{place}/type", problem)
    for word in NUMBERS:
        is_number = word in schema and json_type(schema[word]) in ("integer", "number")
        if word in schema and not (is_number and abs(schema[word]) <= sys.float_info.max):
            problem = f"is {written(schema[word]):.40}; write a number without quotes that a double holds, such as 5 or 1.0e+9"
            raise document.error(f"{place}/{word}", problem)
    for word in COUNTS:
        if word in schema and (json_type(schema[word]) != "integer" or schema[word] < 0):
            raise document.error(f"{place}/{word}", f"is {written(schema[word])}; write a whole number from 0 on")
    if schema.get("multipleOf", 1) <= 0:
        raise document.error(f"{place}/multipleOf", f"is {schema['multipleOf']}; write a number above 0")
    _check_pairs(document, place, schema)
    _check_values(document, place, schema, kinds)
    _check_required(document, place, schema)
    if "pattern" in schema:
        _check_pattern(document, f"{place}/pattern", schema["pattern"])
    if schema.get("nullable") is True and not document.validator(place).is_valid(None):
        problem = "is of OpenAPI 3.0 and says nothing in 3.1; add 'null' to the type, or a branch of type 'null'"
        raise document.error(f"{place}/nullable", problem)
    if schema.get("readOnly") is not True and "x-changes" in schema:
        raise document.error(f"{place}/x-changes", "is for what the server sets; add readOnly: true")


def _check_pairs(document: Document, place: str, schema: dict[str, Any]) -> None:
    for low, high in PAIRS:
        if low in schema and high in schema and schema[low] > schema[high]:
            problem = f"is {schema[low]}, above the {high} of {schema[high]}"
            raise document.error(f"{place}/{low}", f"{problem}, so no value is valid; correct one of the two")
    bounds = [(low, high) for low in ("minimum", "exclusiveMinimum") for high in ("maximum", "exclusiveMaximum")][1:]
    for low, high in bounds:
        if low in schema and high in schema and schema[low] >= schema[high]:
            problem = f"is {schema[low]}, and the {high} is {schema[high]}"
            raise document.error(f"{place}/{low}", f"{problem}, so no value is valid; correct one of the two")


def _check_values(document: Document, place: str, schema: dict[str, Any], kinds: list[str]) -> None:
    if "enum" not in schema:
        return
    values = schema["enum"]
    if not isinstance(values, list) or not values:
        raise document.error(f"{place}/enum", "is empty, so no value is valid; name the values or remove it")
    for index, value in enumerate(values):
        kind = json_type(value)
        if kinds and kind not in kinds and not (kind == "integer" and "number" in kinds):
            hint = "; put it in quotes" if kind == "boolean" and "string" in kinds else ""
            problem = f"is {written(value)}, of type {kind}, where the type is {' or '.join(kinds)}"
            raise document.error(f"{place}/enum/{index}", problem + (hint or "; correct one of the two"))


def _check_required(document: Document, place: str, schema: dict[str, Any]) -> None:
    """Look whether a required property is forbidden: additionalProperties sees only the properties beside it."""
    required, known = schema.get("required"), schema.get("properties") or ()
    if schema.get("additionalProperties") is False and "patternProperties" not in schema and isinstance(required, list):
        for index, name in enumerate(required):
            if name not in known:
                problem = f"{name!r} is required, and additionalProperties: false forbids it, so no object is valid"
                raise document.error(f"{place}/required/{index}", f"{problem}; add it to the properties beside it")


def _check_pattern(document: Document, place: str, pattern: Any) -> None:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}).is_valid("")
    except ValueError:
        raise document.error(place, f"is {pattern!r}, which is no regular expression; correct it") from None


def _examples(document: Document, places: list[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield every example and default: where it stands, its value, and where the schema stands that it must obey."""
    for pointer, carrier in _carriers(document):
        if "schema" not in carrier:
            continue
        if "example" in carrier:
            yield f"{pointer}/example", carrier["example"], f"{pointer}/schema"
        for name in carrier.get("examples", {}):
            place, example = document.resolve(f"{pointer}/examples/{escape(name)}")
            if not isinstance(example, dict):
                raise document.error(place, f"is no example by its name; write {name}: {{value: ...}}")
            if "value" in example:
                yield f"{place}/value", example["value"], f"{pointer}/schema"
    for place in places:
        schema = document.at(place)
        examples = schema.get("examples", [])
        if isinstance(examples, list):
            yield from ((f"{place}/examples/{i}", value, place) for i, value in enumerate(examples))
        yield from ((f"{place}/{word}", schema[word], place) for word in ("example", "default") if word in schema)


def _words(node: Any, pointer: str) -> Iterator[tuple[str, str, Any]]:
    """Yield each key that is a word of OpenAPI, JSON Schema or an extension, not a name or part of a value."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _words(item, f"{pointer}/{index}")
    for key, item in node.items() if isinstance(node, dict) else ():
        place = below(pointer, key)
        if isinstance(key, str):
            yield place, key, item
        if key in ("properties", "examples") and isinstance(item, dict):
            for name, inner in item.items():
                yield from _words(inner, below(place, name))
        elif key not in ("example", "examples", "default", "value", "enum", "const"):
            yield from _words(item, place)
