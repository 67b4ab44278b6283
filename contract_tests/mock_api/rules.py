"""
Decides what is valid for one resource: the contract's own schemas, compiled once.

A JSON Schema library judges, not code written here, so that a field added to the contract is checked
like any other and no limit stands in two places.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from .contract import Contract, Schema
from .errors import Detail, Refusal, StartError
from .layout import Layout
from .wire.messages import read_query

Fields = dict[str, Any]
Validator = jsonschema_rs.Draft202012Validator

MASK = "The value"  # keeps values out of messages: they may be huge, and they may be a key
ON_NULL = (None, "clear", "keep")

# As JSON writes them; a page size of 5,000 digits stays text, and so is refused.
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,300})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
WORDS = {"true": True, "false": False}


class Constraint(NamedTuple):
    """A rule across fields: its sentence, the fields that it names, and what judges an item by it."""

    title: str
    names: frozenset[str]
    validator: Validator


class Parameter(NamedTuple):
    """A query parameter."""

    types: list[str]
    validator: Validator
    is_required: bool


class Rules:
    """What the contract says about the bodies, the query parameters and the nulls of one resource, by role."""

    def __init__(self, contract: Contract, layout: Layout) -> None:
        self.contract = contract
        self.bodies: dict[str, Validator] = {}
        self.fields: dict[str, dict[str, Schema]] = {}
        self.queries: dict[str, dict[str, Parameter]] = {}
        for role, operation in layout.operations.items():
            self.queries[role] = {name: self._parameter(node) for name, node in operation.query.items()}
            if operation.body is not None:
                properties = contract.properties(operation.body)
                server = {name for name, schema in properties.items() if contract.said(schema, "readOnly")}
                self.fields[role] = {name: schema for name, schema in properties.items() if name not in server}
                self.bodies[role] = contract.validator(self._body_schema(operation.body, server), mask=MASK)
        update = self.fields.get("update", {})
        on_null = {name: self._on_null(name, schema) for name, schema in update.items()}
        # Null in an update is stored in what is neither kept nor cleared.
        self.keeps_on_null = _says({name for name, said in on_null.items() if said == "keep"})
        self.clears_on_null = _says({name for name, said in on_null.items() if said == "clear"})
        self.clears_on_empty = _says({n for n, schema in update.items() if contract.said(schema, "x-on-empty")})
        defaults = {name: contract.said(schema, "default") for name, schema in self.fields.get("create", {}).items()}
        self.defaults = {name: default for name, default in defaults.items() if default is not None}
        body = layout.operations["update"].body if "update" in layout.operations else None
        rules, untitled = contract.said(body, "x-constraints") or [], "The fields do not go together."
        self.constraints = [
            Constraint(each.get("title", untitled), frozenset(names_in(each)), contract.validator(each))
            for each in rules
        ]

    def is_valid(self, role: str, body: Any) -> bool:
        """Say whether *body* is what the contract allows for the operation with this role."""
        return self.bodies[role].is_valid(body)

    def faults(self, role: str, body: Any) -> list[Detail]:
        """Name each field of *body* that is at fault, once, with what is wrong with it."""
        descriptions: dict[str, str] = {}
        try:
            for error in self.bodies[role].iter_errors(body):
                descriptions.setdefault(*fault(error))
        except ValueError:  # the library reports no error about a value that is nested too deep for it
            return too_deep(body)
        return [{"field": field, "description": text} for field, text in descriptions.items() if field]

    def named(self, role: str, body: Fields) -> Fields:
        """Keep only the fields that the contract names; others are neither promised nor refused."""
        names = self.fields[role].keys()
        return body if body.keys() <= names else {name: value for name, value in body.items() if name in names}

    def broken_constraints(self, fields: Fields) -> list[Constraint]:
        """List the rules across fields that an item with *fields* breaks; null is as good as not set."""
        if not self.constraints:
            return []
        item = {name: value for name, value in fields.items() if value is not None}
        return [each for each in self.constraints if not each.validator.is_valid(item)]

    def query(self, role: str, query_string: bytes) -> Fields:
        """Read the query parameters that the contract names; the last of a name wins, an empty text is none."""
        known, sent = self.queries[role], read_query(query_string)
        values: Fields = {name: _typed(known[name].types, text) for name, text in sent.items() if name in known}
        faults = [(n, "The parameter is required.") for n, each in known.items() if each.is_required and n not in sent]
        for name, value in values.items():
            faults += [(name, fault(error)[1]) for error in known[name].validator.iter_errors(value)]
        if faults:
            details = [{"field": name, "description": text} for name, text in faults]
            raise Refusal(400, "The query is not valid.", details)
        return {name: value for name, value in values.items() if value != ""}

    def _parameter(self, node: Any) -> Parameter:
        schema = node.get("schema", {})
        validator = self.contract.validator(schema, mask=MASK)
        return Parameter(self.contract.types(schema), validator, node.get("required", False))

    def _body_schema(self, schema: Schema, server: set[str]) -> Schema:
        """Return *schema* with no word about the fields of the server: a body need not bring them, and is not held to them."""
        if not server:
            return schema
        schema = self.contract.resolve(schema)
        without = dict(schema)
        without["properties"] = {n: True if n in server else s for n, s in schema.get("properties", {}).items()}
        without["required"] = [name for name in schema.get("required", []) if name not in server]
        if "allOf" in schema:
            without["allOf"] = [self._body_schema(part, server) for part in schema["allOf"]]
        return without

    def _on_null(self, name: str, schema: Schema) -> str | None:
        said: str | None = self.contract.said(schema, "x-on-null")
        if said not in ON_NULL:
            place = f"{self.contract.file}: the x-on-null of {name}, a field of the update"
            raise StartError(f"{place}: is {said!r}; write clear or keep")
        return said


def _says(names: set[str]) -> Callable[[str], bool]:
    return frozenset(names).__contains__


def _typed(types: list[str], text: str) -> Any:
    """Read the text of a query parameter as the type that its schema asks for; as text where that fails."""
    if "integer" in types and INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and NUMBER.fullmatch(text):
        return float(text)
    return WORDS.get(text, text) if "boolean" in types else text


def names_in(node: Any) -> Iterator[str]:
    """Yield the properties that a schema speaks of, at any depth."""
    if isinstance(node, dict):
        yield from node.get("properties", {})
        yield from node.get("required", [])
    for each in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from names_in(each)


def too_deep(fields: Fields) -> list[Detail]:
    """Name the fields whose values are nested too deep to be written as JSON again."""
    return [{"field": n, "description": "The value is nested too deep."} for n, v in fields.items() if not _writes(v)]


def _writes(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def fault(error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    """Say which field *error* is about, "" where the whole is at fault, and what is wrong with it, in one sentence."""
    path = ".".join(map(str, error.instance_path))
    said = error.kind.as_dict()
    if "property" in said:  # required: the error stands at the object, the fault at what it lacks
        return f"{path}.{said['property']}".lstrip("."), "The field is required."
    if branches := [errors for errors in said.get("context", ()) if errors]:  # a branch that fits has none
        # Of `anyOf: [{$ref}, {type: 'null'}]` the branch with a limit says more than "is not null".
        branch = min(branches, key=lambda errors: all(each.kind.name == "type" for each in errors))
        return path, f"{branch[0].message}."
    return path, f"{error.message}."
