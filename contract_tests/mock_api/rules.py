"""
Decides what is valid: openapi.yaml's own schemas, compiled once.

A JSON Schema library judges, not code written here, so that a field added to openapi.yaml is checked
like any other and no limit stands in two places.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import orjson

from .contract import Contract, Operation, Schema
from .errors import Detail, Refusal, StartError

Fields = dict[str, Any]

# As JSON writes them; a page size of 5,000 digits stays text, and so is refused.
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,300})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
WORDS = {"true": True, "false": False}


class Rules:
    """
    What openapi.yaml says about bodies, query parameters and null.

    Args:
        contract: The contract to follow.

    Raises:
        StartError: A schema or an `x-on-null` cannot be followed.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.bodies: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self.fields: dict[str, dict[str, Schema]] = {}
        self.queries = {name: self._compile_query(operation) for name, operation in contract.operations.items()}
        for name, operation in contract.operations.items():
            if operation.body is not None:
                # The mask keeps values out of answers: they may be huge, and they may be a key.
                self.bodies[name] = contract.validator(operation.body, mask="The value")
                self.fields[name] = contract.properties(operation.body)
        self.kept_on_null = frozenset(self._kept_on_null())

    def is_valid(self, operation: str, body: Any) -> bool:
        """Say whether *body* is what the contract allows for *operation*."""
        return self.bodies[operation].is_valid(body)

    def faults(self, operation: str, body: Any) -> list[Detail]:
        """Name each field of *body* that is at fault, once, with what is wrong with it."""
        descriptions: dict[str, str] = {}
        try:
            for error in self.bodies[operation].iter_errors(body):
                field, description = fault(error)
                descriptions.setdefault(field, description)
        except ValueError:  # the library reports no error about a value that is nested too deep for it
            return too_deep(body)
        return [{"field": field, "description": text} for field, text in descriptions.items() if field]

    def named(self, operation: str, body: Fields) -> Fields:
        """Keep only the fields that the contract names; others are neither promised nor refused."""
        names = self.fields[operation].keys()
        return body if body.keys() <= names else {name: value for name, value in body.items() if name in names}

    def keeps_on_null(self, field: str) -> bool:
        """Say whether null in an update leaves *field* as it is; otherwise null clears it."""
        return field in self.kept_on_null

    def unset(self) -> Fields:
        """List the fields of a persona that an answer shows as null while they are not set."""
        operation = self.contract.operations["getPersona"]
        response = operation.node["responses"][str(operation.success)]
        answer = self.contract.resolve(response)["content"]["application/json"]["schema"]
        shown = self.contract.properties(self.contract.properties(answer)["persona"])
        further = {name: schema for fields in self.fields.values() for name, schema in fields.items()}
        return {name: None for name, schema in {**further, **shown}.items() if self._may_be_null(schema)}

    def query(self, operation: str, query_string: bytes) -> Fields:
        """
        Read the query parameters that the contract names for *operation*; the last of a name wins, an empty text is none.

        Raises:
            Refusal: 400, naming the parameters at fault.
        """
        known = self.queries[operation]
        values: Fields = {name: value for name, value in read_query(query_string).items() if name in known}
        faults: list[Detail] = []
        for name, text in values.items():
            schema, validator = known[name]
            values[name] = self.query_value(schema, text)
            faults += [{"field": name, "description": fault(error)[1]} for error in validator.iter_errors(values[name])]
        if faults:
            raise Refusal(400, "The query is not valid.", faults)
        return {name: value for name, value in values.items() if value != ""}

    def query_value(self, schema: Schema, text: str) -> Any:
        """Read the text of a query parameter as the type that its schema asks for; as text where that fails."""
        kind = schema.get("type")
        if kind == "integer" and INTEGER.fullmatch(text):
            return int(text)
        if kind == "number" and NUMBER.fullmatch(text):
            return float(text)
        if kind == "boolean":
            return WORDS.get(text, text)
        return text

    def _compile_query(self, operation: Operation) -> dict[str, tuple[Schema, jsonschema_rs.Draft202012Validator]]:
        schemas = {name: self.contract.resolve(schema) for name, schema in operation.query.items()}
        return {name: (schema, self.contract.validator(schema, mask="The value")) for name, schema in schemas.items()}

    def _kept_on_null(self) -> list[str]:
        """List the fields that null leaves as they are, and refuse an x-on-null that says neither."""
        kept = []
        for name, schema in self.fields["updatePersona"].items():
            said = schema.get("x-on-null", self.contract.resolve(schema).get("x-on-null", "clear"))
            if said not in ("clear", "keep"):
                place = f"{self.contract.file}: the x-on-null of {name}, a field of updatePersona"
                raise StartError(f"{place}: is {said!r}; write clear or keep")
            if said == "keep":
                kept.append(name)
        return kept

    def _may_be_null(self, schema: Schema) -> bool:
        return self.contract.validator(schema).is_valid(None)


def too_deep(fields: Fields) -> list[Detail]:
    """Name the fields whose values are nested too deep to be written as JSON again."""
    return [
        {"field": name, "description": "The value is nested too deep."} for name in fields if not writes(fields[name])
    ]


def writes(value: Any) -> bool:
    """Say whether *value* can be written as JSON."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def fault(error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    """
    Say which field *error* is about and what is wrong with it.

    Returns:
        The field, with dots between its parts, or "" where the whole is at fault; and one sentence.
    """
    path = ".".join(map(str, error.instance_path))
    said = error.kind.as_dict()
    if "property" in said:  # required: the error stands at the object, the fault at what it lacks
        path = f"{path}.{said['property']}".lstrip(".")
        return path, "The field is required."
    branches = said.get("context")
    if branches:
        # Of `anyOf: [{$ref}, {type: 'null'}]` the branch with a limit says more than "is not null".
        branch = min(branches, key=lambda errors: all(each.kind.name == "type" for each in errors))
        return path, f"{branch[0].message}."
    return path, f"{error.message}."


def read_query(query_string: bytes) -> dict[str, str]:
    """Decode a query string; the last of a name wins, and what is not UTF-8 becomes U+FFFD."""
    return dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
