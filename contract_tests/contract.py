"""
The suite's only reader of openapi.yaml: its operations, their fields, limits and answers.

Everything that a test expects comes from here, so that a change of the contract is a change of one file.
The mock does not use this module: it reads openapi.yaml by itself and so cannot share a mistake made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import jsonschema_rs
import yaml

from contract_tests.errors import Refused

ROOT = Path(__file__).parent.parent
CONTRACT_FILE = ROOT / "openapi.yaml"

Schema: TypeAlias = Mapping[str, Any]
OnNull: TypeAlias = Literal["clear", "keep"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object")

LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "minLength", "maxLength")

# The one rule that JSON Schema cannot state and no extension describes: the voice must speak the language.
VOICE_FIELD = "voice_name"
LANGUAGE_FIELD = "language_code"


class ContractError(Refused):
    """openapi.yaml cannot be read, or says something that cannot be tested."""


@dataclass(frozen=True)
class Field:
    """One field of a request body, or one query parameter."""

    operation: str
    name: str
    schema: Schema = field(repr=False)
    """The schema of a value that is not null, its reference resolved."""
    is_nullable: bool
    is_required: bool
    on_null: OnNull | None
    """What null does in an update; None where the contract does not say."""
    pointer: str
    """Where openapi.yaml holds the limits of this field."""
    place: str
    """Where the field stands in its body or its query, and says whether it may be null."""

    @property
    def json_type(self) -> str:
        """The JSON type of a value that is not null."""
        return str(self.schema["type"])

    @property
    def promise(self) -> str:
        """What the contract says of the field, in words, every limit among them."""
        limits = [f"{keyword} {self.schema[keyword]}" for keyword in LIMITS if keyword in self.schema]
        values = [f"one of {len(self.schema['enum'])} values"] if "enum" in self.schema else []
        null = " or null" if self.is_nullable else ""
        return ", ".join([f"{self.name} is a {self.json_type}{null}", *values, *limits])

    @property
    def clears_on_null(self) -> bool:
        """Whether null removes the stored value."""
        return self.on_null == "clear"


@dataclass(frozen=True)
class Fault:
    """One place at which a value departs from the contract."""

    clause: str
    """The pointer to the keyword that the value breaks."""
    path: str
    """Where the value stands in the body, with slashes between; empty for the body itself."""
    message: str = field(repr=False)
    value: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Addition:
    """One field of an answer that the contract does not name."""

    place: str
    """The pointer at which openapi.yaml would name it."""
    name: str
    value: Any = field(repr=False)
    is_listed: bool
    """Whether it stands in an item of a list."""


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    operation_id: str
    method: str
    path: str
    definition: Schema = field(repr=False)
    pointer: str

    @property
    def successes(self) -> tuple[int, ...]:
        """The statuses between 200 and 299 that the contract names, in its order."""
        return tuple(int(status) for status in self.definition["responses"] if str(status).startswith("2"))

    @property
    def statuses(self) -> frozenset[int]:
        """Every status that the contract names."""
        return frozenset(int(status) for status in self.definition["responses"])


@dataclass(frozen=True)
class Contract:
    """What openapi.yaml promises."""

    document: Schema = field(repr=False)

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """The operations by their operationId."""
        return {operation.operation_id: operation for operation in self._walk_operations()}

    def operation(self, operation_id: str) -> Operation:
        """
        Return one operation.

        Raises:
            ContractError: The suite needs an operation that the contract does not have.
        """
        try:
            return self.operations[operation_id]
        except KeyError:
            raise ContractError(f"openapi.yaml: no operation has operationId {operation_id}; add it back") from None

    def fields(self, operation_id: str) -> dict[str, Field]:
        """
        Return the fields of an operation's JSON body, by name, in the order of the contract.

        Raises:
            ContractError: A field has no type, or is of a kind that the suite cannot try.
        """
        known: dict[str, dict[str, Field]] = self.__dict__.setdefault("_fields", {})  # every judgement asks for them
        if operation_id not in known:
            known[operation_id] = self._read_fields(operation_id)
        return known[operation_id]

    def _read_fields(self, operation_id: str) -> dict[str, Field]:
        pointer, schema = self._resolve(self._body_pointer(operation_id))
        required = schema.get("required", ())
        return {
            name: self._field(operation_id, name, f"{pointer}/properties/{_escape(name)}", is_required=name in required)
            for name in schema["properties"]
        }

    def query_fields(self, operation_id: str) -> dict[str, Field]:
        """Return the query parameters of an operation, by name."""
        operation = self.operation(operation_id)
        parameters = operation.definition.get("parameters", ())
        return {
            parameter["name"]: self._field(
                operation_id, parameter["name"], f"{operation.pointer}/parameters/{index}/schema", is_required=False
            )
            for index, parameter in enumerate(parameters)
            if parameter["in"] == "query"
        }

    def parameter_examples(self, operation_id: str, name: str) -> list[Any]:
        """Return the example values of one query parameter, in the order of the contract."""
        parameters = self.operation(operation_id).definition["parameters"]
        parameter = next(item for item in parameters if item.get("name") == name)
        return [example["value"] for example in parameter.get("examples", {}).values()]

    @cached_property
    def persona_fields(self) -> frozenset[str]:
        """The fields of a persona that the contract knows: those it answers and those it lets one change."""
        answered = self._resolve("#/components/schemas/Persona")[1]["properties"]
        return frozenset(answered) | frozenset(self.fields("updatePersona"))

    def accepts(self, operation_id: str, body: object) -> bool:
        """
        Decide whether a body is valid for an operation.

        Args:
            operation_id: The operation that the body would be sent to.
            body: The decoded JSON value.

        Returns:
            What the JSON Schema library says. The rule for voices and languages is not part of it.

        Source: JSON Schema 2020-12.
        """
        return self._validator(self._body_pointer(operation_id)).is_valid(body)

    def accepts_value(self, value_of: Field, value: object) -> bool:
        """Decide whether a value is valid for one field, by the JSON Schema library."""
        if value is None:
            return value_of.is_nullable
        return self._validator(value_of.pointer).is_valid(value)

    def accepts_name(self, name: str) -> bool:
        """Decide whether a new persona may have a name."""
        tried = self.fields("createPersona").get("name")
        return tried is None or self.accepts_value(tried, name)

    def answer_faults(self, operation_id: str, status: int, answer: object) -> list[Fault]:
        """
        List where an answer departs from the schema of its status.

        Args:
            operation_id: The operation that answered.
            status: The HTTP status; one that the contract does not name has no faults here.
            answer: The decoded JSON body.

        Returns:
            The departures; empty when the schema holds.
        """
        pointer = self._answer_pointer(operation_id, status)
        return [] if pointer is None else self._faults(pointer, answer)

    def body_faults(self, operation_id: str, body: object) -> list[Fault]:
        """
        List which clauses a body breaks, each limit by the pointer at which it stands.

        Args:
            operation_id: updatePersona or createPersona.
            body: The decoded JSON value.

        Returns:
            One fault for each broken keyword of each field; empty for a valid body, and for one that is no object.
        """
        if not isinstance(body, dict):
            return []
        found = []
        for name, tried in self.fields(operation_id).items():
            if name not in body:
                missing = Fault(f"{self._resolve(self._body_pointer(operation_id))[0]}/required", name, "is required")
                found += [missing] if tried.is_required else []
            elif not self.accepts_value(tried, body[name]):
                found += self._value_faults(tried, body[name])
        return found

    def _value_faults(self, tried: Field, value: object) -> list[Fault]:
        faults = self._faults(tried.pointer, value)
        types = [fault for fault in faults if fault.clause.endswith("/type")]
        return [Fault(fault.clause, tried.name, fault.message, value) for fault in types or faults]

    def _faults(self, pointer: str, value: object) -> list[Fault]:
        return [
            Fault(
                "/".join(["#", *(_escape(str(step)) for step in error.schema_path)]),
                "/".join(str(step) for step in error.instance_path),
                error.message,
            )
            for error in self._validator(pointer).iter_errors(value)
        ]

    def additions(self, operation_id: str, status: int, answer: object) -> list[Addition]:
        """
        List the fields of an answer that the contract does not name, at any depth.

        Args:
            operation_id: The operation that answered.
            status: The HTTP status; one that the contract does not name has no additions.
            answer: The decoded JSON body, whose schema has been checked.

        Returns:
            One entry for each such field of each object; none for an object of which no field is named.
        """
        pointer = self._answer_pointer(operation_id, status)
        return [] if pointer is None else list(self._added(pointer, answer, is_listed=False))

    def _added(self, pointer: str, value: object, *, is_listed: bool) -> Iterator[Addition]:
        pointer, schema = self._resolve(pointer)
        branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
        if len(branches) == 1:
            pointer, schema = self._resolve(f"{pointer}/anyOf/{schema['anyOf'].index(branches[0])}")
        if isinstance(value, dict) and "properties" in schema:
            for name, item in value.items():
                place = f"{pointer}/properties/{_escape(name)}"
                if name not in schema["properties"]:
                    yield Addition(place, name, item, is_listed)
                elif isinstance(item, (dict, list)):
                    yield from self._added(place, item, is_listed=is_listed)
        if isinstance(value, list) and isinstance(schema.get("items"), dict):
            for item in value:
                yield from self._added(f"{pointer}/items", item, is_listed=True)

    def clauses(self, operation_id: str) -> Iterator[tuple[str, str]]:
        """
        Yield every limit, enum, type and null of the body of an operation, and the field that it belongs to.

        Args:
            operation_id: updatePersona or createPersona.

        Yields:
            The pointer of the keyword, and the name of the field; for null the pointer of the field itself.
        """
        for name, tried in self.fields(operation_id).items():
            yield from ((f"{tried.pointer}/{word}", name) for word in ("type", "enum", *LIMITS) if word in tried.schema)
            yield tried.place, name

    def field_of(self, clause: str) -> Field | None:
        """Return the first field whose limits stand at the pointer that *clause* goes on from."""
        pointer = clause.rpartition("/")[0]
        fields = (self.fields(name).values() for name in ("updatePersona", "createPersona"))
        return next((tried for found in fields for tried in found if tried.pointer == pointer), None)

    def answer_has_body(self, operation_id: str, status: int) -> bool:
        """Whether the contract names a JSON body for this status."""
        return self._answer_pointer(operation_id, status) is not None

    def error_code(self, operation_id: str, status: int) -> str | None:
        """Return the error.code that goes with a status, or None where the contract names none."""
        definition = self.operation(operation_id).definition["responses"].get(str(status))
        if definition is None:
            return None
        code = self._deref(definition).get("x-error-code")
        return None if code is None else str(code)

    def check(self) -> None:
        """
        Look at everything that the suite reads, once, so that a mistake shows before anything is sent.

        Raises:
            ContractError: A field cannot be tried.
            ValueError: A schema is none; other built-in errors where something is missing.
        """
        for operation_id in ("updatePersona", "createPersona"):
            for tried in self.fields(operation_id).values():
                self._check_field(tried)
            self._validator(self._body_pointer(operation_id))
        for operation in self.operations.values():
            for status in operation.statuses:
                if pointer := self._answer_pointer(operation.operation_id, status):
                    self._validator(pointer)

    def _check_field(self, tried: Field) -> None:
        where = f"openapi.yaml {tried.operation} {tried.name}"
        if tried.on_null not in (None, "clear", "keep"):
            raise ContractError(
                f"{where}: x-on-null must be clear or keep, it is {tried.on_null!r}; say what null does"
            )
        if tried.json_type not in JSON_TYPES:
            raise ContractError(f"{where}: type is {tried.json_type!r}; it must be one of {', '.join(JSON_TYPES)}")

    def _walk_operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    pointer = f"#/paths/{_escape(path)}/{method}"
                    yield Operation(item[method]["operationId"], method.upper(), path, item[method], pointer)

    def _body_pointer(self, operation_id: str) -> str:
        return f"{self.operation(operation_id).pointer}/requestBody/content/application~1json/schema"

    def response_pointer(self, operation_id: str, status: int) -> str | None:
        """Return where the contract describes an answer, its reference followed; None where it does not."""
        operation = self.operation(operation_id)
        if str(status) not in operation.definition["responses"]:
            return None
        return self._resolve(f"{operation.pointer}/responses/{status}")[0]

    def _answer_pointer(self, operation_id: str, status: int) -> str | None:
        pointer = self.response_pointer(operation_id, status)
        if pointer is None or "content" not in self.at(pointer):
            return None
        return f"{pointer}/content/application~1json/schema"

    def _field(self, operation_id: str, name: str, pointer: str, *, is_required: bool) -> Field:
        schema = self.at(pointer)
        on_null = schema.get("x-on-null")
        branch, is_nullable = self._non_null_branch(pointer, schema)
        value_pointer, value_schema = self._resolve(branch)
        types = value_schema.get("type", ())
        types = [types] if isinstance(types, str) else [name for name in types if name != "null"]
        if len(types) != 1:
            raise ContractError(f"openapi.yaml {pointer}: {name} must have one type besides null; it has {types}")
        is_nullable = is_nullable or "null" in value_schema["type"]
        value_schema = {**value_schema, "type": types[0]}
        return Field(operation_id, name, value_schema, is_nullable, is_required, on_null, value_pointer, pointer)

    def _non_null_branch(self, pointer: str, schema: Schema) -> tuple[str, bool]:
        """Return the pointer to the schema of a value that is not null, and whether null is allowed beside it."""
        for keyword in ("anyOf", "oneOf"):
            branches = schema.get(keyword, ())
            values = [i for i, branch in enumerate(branches) if branch.get("type") != "null"]
            if len(values) == 1:
                return f"{pointer}/{keyword}/{values[0]}", len(branches) > 1
            if values:
                raise ContractError(f"openapi.yaml {pointer}: {keyword} may hold one schema besides null, not more")
        return pointer, False

    def _resolve(self, pointer: str) -> tuple[str, Schema]:
        """Follow references until a definition; return where it stands, and it."""
        target = self.at(pointer)
        while "$ref" in target:
            pointer = target["$ref"]
            target = self.at(pointer)
        return pointer, target

    def _deref(self, definition: Schema) -> Schema:
        return self.at(definition["$ref"]) if "$ref" in definition else definition

    def has(self, pointer: str) -> bool:
        """Whether anything stands at a JSON pointer."""
        try:
            self.at(pointer)
        except (KeyError, IndexError, TypeError, ValueError):
            return False
        return True

    def at(self, pointer: str) -> Schema:
        """Return what stands at a JSON pointer, its references not followed."""
        node: Any = self.document
        for step in pointer.removeprefix("#/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            node = node[int(step)] if isinstance(node, list) else node[step]
        return node  # type: ignore[no-any-return]

    def _validator(self, pointer: str) -> jsonschema_rs.Draft202012Validator:
        validators = self.__dict__.setdefault("_validators", {})
        if pointer not in validators:
            # The whole document goes along, because references point into it.
            reference = quote(pointer, safe="#/~")
            validators[pointer] = jsonschema_rs.Draft202012Validator(
                {**self.document, "$ref": reference}, validate_formats=True
            )
        return validators[pointer]  # type: ignore[no-any-return]


@cache
def load_contract(path: Path = CONTRACT_FILE) -> Contract:
    """
    Read and check a contract.

    Args:
        path: The OpenAPI 3.1 document.

    Returns:
        The contract, every field and every schema of it looked at once.

    Raises:
        ContractError: The file cannot be read, is no OpenAPI 3.1 document, or holds what the suite cannot try.

    Source: OpenAPI 3.1.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3.1"):
        raise ContractError(f"{path.name}: openapi must say 3.1.x")
    contract = Contract(document)
    try:
        contract.check()
    except (AttributeError, KeyError, IndexError, StopIteration, TypeError, ValueError) as error:
        raise ContractError(f"{path.name} {_explain(document) or f'lacks {error}'}") from None
    return contract


def _explain(document: Any) -> str:
    """Return the first fault that a validator of OpenAPI names; asked only once something is wrong, as it loads slowly."""
    from openapi_spec_validator import OpenAPIV31SpecValidator

    for fault in OpenAPIV31SpecValidator(document).iter_errors():
        where = _locate(document, list(fault.absolute_path), fault.instance)
        return f"{where}: {' '.join(fault.message.split())[:300]}"
    return ""


def _locate(document: Any, path: list[Any], instance: object) -> str:
    """Return the pointer to what a validator complains of; it counts its path from the innermost schema."""

    def places(node: Any, pointer: str) -> Iterator[str]:
        target = node
        for step in path:
            target = target[step] if isinstance(target, (dict, list)) and _has(target, step) else places
        if target == instance:
            yield "/".join([pointer, *(_escape(str(step)) for step in path)])
        for key, item in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            yield from places(item, f"{pointer}/{_escape(str(key))}")

    return next(places(document, "#"), "#/" + "/".join(str(step) for step in path))


def _has(node: Any, step: Any) -> bool:
    return step in node if isinstance(node, dict) else isinstance(step, int) and step < len(node)


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
