"""One field of a body, or one query parameter: its schema, where it stands, and what the extensions say of it."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from contract_tests.spec.document import Document, Schema, steps
from contract_tests.spec.operation import Operation

OnNull: TypeAlias = Literal["clear", "keep"]

JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object")

LIMITS = (
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "format", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip


@dataclass(frozen=True)
class ValuesFrom:
    """Which values another operation lists for a field."""

    operation_id: str
    value: tuple[str, ...]
    """Where the values stand in its answer; `*` stands for each element of an array."""
    given: dict[str, tuple[str, ...]]
    """By the name of another field: where its value stands in the same element."""
    any_case: bool = False
    """Whether a value in another case may be accepted, too."""


@dataclass(frozen=True)
class Field:
    """One field of a request body, or one query parameter."""

    operation: str
    name: str
    schema: Schema = field(repr=False)
    """The schema of a value that is not null, its reference resolved."""
    types: tuple[str, ...]
    """The JSON types of a value that is not null; all of them where the schema names none."""
    is_nullable: bool
    is_required: bool
    on_null: OnNull | None
    """What null does in an update; None where the contract does not say."""
    clears_on_empty: bool
    """Whether an empty text clears the field, too."""
    is_write_only: bool
    """Whether it is sent and never answered."""
    values_from: ValuesFrom | None
    """Which operation lists its values; None where the schema decides."""
    pointer: str
    """Where the contract holds the limits of this field."""
    place: str
    """Where the field stands in its body or its query, and says whether it may be null."""

    @property
    def json_type(self) -> str:
        """The first JSON type of a value that is not null."""
        return self.types[0]

    @property
    def is_free(self) -> bool:
        """Whether the schema alone decides which values are valid."""
        return self.values_from is None

    @property
    def clears_on_null(self) -> bool:
        """Whether null removes the stored value."""
        return self.on_null == "clear"

    @property
    def promise(self) -> str:
        """What the contract says of the field, in words, every limit among them."""
        known = {word: self.schema[word] for word in LIMITS if self.schema.get(word, False) is not False}
        limits = [word if limit is True else f"{word} {limit}" for word, limit in known.items()]
        values = [f"one of {len(self.schema['enum'])} values"] if "enum" in self.schema else []
        only = [f"only {written(self.schema['const'])}"] if "const" in self.schema else []
        kinds = " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in self.types)
        kinds = kinds if len(self.types) < len(JSON_TYPES) else "any value"
        null = " or null" if self.is_nullable else ""
        return ", ".join([f"{self.name} is {kinds}{null}", *values, *only, *limits])


def read_body_fields(operation: Operation) -> dict[str, Field]:
    """Return the fields of a JSON body that a client sends."""
    document, pointer = operation.document, operation.body_pointer
    if pointer is None:
        return {}
    required = document.required(pointer)
    return {
        name: _read_field(operation, name, place, is_required=name in required)
        for name, place in document.properties(pointer).items()
        if document.said(place).get("readOnly") is not True
    }


def read_query_fields(operation: Operation) -> dict[str, Field]:
    """Return the query parameters of an operation."""
    found = {}
    for (place, name), pointer in operation.parameters.items():
        if place == "query" and "schema" in (parameter := operation.document.at(pointer)):
            is_required = parameter.get("required") is True
            found[name] = _read_field(operation, name, f"{pointer}/schema", is_required=is_required)
    return found


def _read_field(operation: Operation, name: str, place: str, *, is_required: bool) -> Field:
    """Read the field whose schema, or a reference to it, stands at a place."""
    document = operation.document
    said, pointer, schema = _said(document, place), *_value_schema(document, place)
    on_null = said.get("x-on-null")
    types, is_nullable = _types(document, pointer, schema), document.validator(place).is_valid(None)
    if on_null is not None and not is_nullable:
        raise document.error(f"{place}/x-on-null", "is for a field that may be null; allow null or remove it")
    if "x-on-empty" in said and "string" not in types:
        raise document.error(f"{place}/x-on-empty", "is for a string; remove it")
    return Field(
        operation.operation_id, name, schema, types=types, is_nullable=is_nullable, is_required=is_required,
        on_null=on_null, clears_on_empty=said.get("x-on-empty") == "clear",
        is_write_only=said.get("writeOnly") is True,
        values_from=_values_from(document, place, said.get("x-values-from")), pointer=pointer, place=place,
    )  # fmt: skip


def _said(document: Document, place: str) -> dict[str, Any]:
    """Gather what the schema at a place says of itself, and what it refers to: the place counts first."""
    node = document.at(place)
    found: dict[str, Any] = {}
    if isinstance(node, dict):
        if "$ref" in node:
            found = _said(document, document.resolve(place)[0])
        branch = only_branch(document, place, node)
        if branch is not None:
            found |= _said(document, branch)
        found |= node
    return found


def _value_schema(document: Document, place: str) -> tuple[str, Schema]:
    """Return where the schema of a value that is not null stands, and it, without null among its types."""
    pointer, node = place, document.at(place)
    while isinstance(node, dict):
        if "$ref" in node and not node.keys() & {*LIMITS, "enum", "const", "type"}:
            pointer, node = document.resolve(node["$ref"])
        elif (branch := only_branch(document, pointer, node)) is not None:
            pointer, node = branch, document.at(branch)
        else:
            break
    if not isinstance(node, dict):
        return pointer, {}
    if "$ref" in node:  # with limits of its own beside it
        node = {**document.resolve(pointer)[1], **{key: value for key, value in node.items() if key != "$ref"}}
    kinds = node.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        node = {**node, "type": others[0] if len(others) == 1 else others}
    return pointer, node


def only_branch(document: Document, pointer: str, node: Schema) -> str | None:
    """Return the one branch beside null, where a schema has no more."""
    for keyword in ("anyOf", "oneOf"):
        branches = [f"{pointer}/{keyword}/{index}" for index in range(len(node.get(keyword, ())))]
        others = [branch for branch in branches if document.resolve(branch)[1].get("type") != "null"]
        if len(others) == 1:
            return others[0]
    if len(node.get("allOf", ())) == 1 and not node.keys() & {*LIMITS, "type", "enum", "const", "properties"}:
        return f"{pointer}/allOf/0"  # so that something may stand beside a reference, such as a default
    return None


def _types(document: Document, pointer: str, schema: Schema) -> tuple[str, ...]:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return (kinds,)
    if isinstance(kinds, list) and kinds:
        return tuple(kinds)
    values = [schema["const"]] if "const" in schema else [v for v in schema.get("enum", ()) if v is not None]
    found = tuple(dict.fromkeys(json_type(value) for value in values))
    return found or _implied_types(document, pointer, schema) or JSON_TYPES


def _implied_types(document: Document, pointer: str, schema: Schema) -> tuple[str, ...]:
    """Return the types of the branches of a union, or of a schema that speaks of properties."""
    for keyword in ("anyOf", "oneOf"):
        places = (f"{pointer}/{keyword}/{index}" for index in range(len(schema.get(keyword, ()))))
        branches = [document.resolve(place)[1] for place in places if document.has(place)]
        kinds = [branch.get("type") for branch in branches if isinstance(branch, dict)]
        named = tuple(dict.fromkeys(kind for kind in kinds if isinstance(kind, str) and kind != "null"))
        if named and all(isinstance(kind, str) for kind in kinds):
            return named
    return ("object",) if schema.keys() & {"properties", "required"} else ()


def json_type(value: object) -> str:
    """Return the JSON type of a decoded value."""
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def written(value: object) -> str:
    """Return a value as JSON, but a text in single quotes, as messages have it."""
    return repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _values_from(document: Document, place: str, said: Any) -> ValuesFrom | None:
    if said is None:
        return None
    where = f"{place}/x-values-from"
    if not isinstance(said, dict) or not isinstance(said.get("operationId"), str) or "value" not in said:
        raise document.error(where, "names no operationId and value; write {operationId: ..., value: '#/items/*/name'}")
    given = said.get("given", {})
    if not isinstance(given, dict) or not all(isinstance(path, str) for path in [said["value"], *given.values()]):
        raise document.error(where, "value and given must be JSON pointers into the answer, such as '#/items/*/name'")
    if not isinstance(any_case := said.get("any_case", False), bool):
        raise document.error(where, f"any_case is {written(any_case)}; write true or false")
    paths = {name: path_of(path) for name, path in given.items()}
    return ValuesFrom(said["operationId"], path_of(said["value"]), paths, any_case)


def path_of(expression: str) -> tuple[str, ...]:
    """Return the steps of a pointer into an answer: `#/id`, `/id`, or the runtime expression `$response.body#/id`."""
    return tuple(steps(expression.removeprefix("$response.body")))
