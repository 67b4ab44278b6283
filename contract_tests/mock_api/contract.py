"""
Reads from a contract what the mock needs to answer as it says.

The mock is a stranger to the suite and reads the file itself, so that the two cannot share a mistake.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import orjson

from .documents import check_document, find, read_document, resolve
from .errors import StartError

Schema = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a document raises that is no OpenAPI."""


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    name: str  # its operationId
    method: str  # in capitals
    path: str  # as the contract writes it
    body: Schema | None  # the schema of its JSON body; None where it takes none
    body_type: str
    query: Mapping[str, Mapping[str, Any]]  # its query parameters by name
    node: Mapping[str, Any]  # all that the contract says of it
    responses: Mapping[str, Any]  # by status, as text, their references resolved

    @property
    def success(self) -> int:
        """The first status between 200 and 299 that the contract names for it; 200 where it names none."""
        return next((int(status) for status in self.responses if status[:1] == "2" and status.isdecimal()), 200)

    def response(self, status: int) -> dict[str, Any] | None:
        """Return what the contract says of a status, by itself, by its hundred (`4XX`) or as the default."""
        names = (str(status), f"{status // 100}XX", "default")
        return next((self.responses[name] for name in names if name in self.responses), None)

    def content(self, status: int) -> tuple[str, Any]:
        """Return the JSON media type of an answer and what it holds; an empty media type where it has no JSON."""
        return json_content(self.response(status) or {})

    def answer_schema(self) -> Schema | None:
        """Return the schema of the success answer; None where that has no JSON body."""
        schema: Schema | None = self.content(self.success)[1].get("schema")
        return schema


@dataclass(frozen=True)
class Contract:
    """A contract, as far as the mock follows it."""

    file: Path
    document: Mapping[str, Any]
    base_path: str  # what every operation's path follows, such as `/v1`
    operations: Mapping[str, Operation]  # by operationId

    def resolve(self, node: Any) -> Any:
        """Follow `$ref` from *node* until something is said."""
        return resolve(self.document, node)

    def parts(self, schema: Any) -> Iterator[Schema]:
        """Yield what *schema* says by itself, by `$ref` and by `allOf`."""
        if isinstance(schema, dict):
            if "$ref" in schema:
                yield from self.parts(find(self.document, schema["$ref"]))
            yield schema
            for part in schema.get("allOf", []):
                yield from self.parts(part)

    def branches(self, schema: Any) -> list[Schema]:
        """List the branches of `anyOf` or `oneOf` of *schema* that are not null."""
        return [
            branch
            for part in self.parts(schema)
            for branch in [*part.get("anyOf", []), *part.get("oneOf", [])]
            if self.resolve(branch).get("type") != "null"
        ]

    def properties(self, schema: Any) -> dict[str, Schema]:
        """List the properties that *schema* names, by itself, by $ref or by allOf."""
        return {name: value for part in self.parts(schema) for name, value in part.get("properties", {}).items()}

    def members(self, schema: Any) -> dict[str, Schema]:
        """List the properties of *schema*, or of its branches that are not null where it has none itself."""
        further = [self.members(branch) for branch in self.branches(schema)]
        return self.properties(schema) or {name: value for each in further for name, value in each.items()}

    def required(self, schema: Any) -> set[str]:
        """Name the properties that *schema* requires."""
        return {name for part in self.parts(schema) for name in part.get("required", [])}

    def said(self, schema: Any, keyword: str) -> Any:
        """Return what *schema*, or a branch of it, says by *keyword*; None where nothing does."""
        for part in self.parts(schema):
            if keyword in part:
                return part[keyword]
        return next((said for each in self.branches(schema) if (said := self.said(each, keyword)) is not None), None)

    def types(self, schema: Any) -> list[str]:
        """List the JSON types of *schema* besides null, guessed from its keywords where it names none."""
        said = self.said(schema, "type")
        if said is None and self.properties(schema):
            return ["object"]
        return [each for each in (said if isinstance(said, list) else [said]) if each not in (None, "null")]

    def at(self, schema: Any, path: tuple[str, ...]) -> Schema | None:
        """Return the schema at *path* of property names, where `*` stands for the elements of an array."""
        for part in path:
            schema = self.said(schema, "items") if part == "*" else self.members(schema).get(part)
            if schema is None:
                return None
        found: Schema | None = schema
        return found

    def may_be_null(self, schema: Any) -> bool:
        """Say whether null is valid."""
        return self.validator(schema).is_valid(None)

    def validator(self, schema: Any, mask: str | None = None) -> jsonschema_rs.Draft202012Validator:
        """Compile *schema*, once; with *mask*, messages say it where they would repeat the value."""
        key = (orjson.dumps(schema), mask)
        if key not in self._validators:
            # In 2020-12 a $ref may have neighbours, so what it may point to travels beside the schema.
            around = {name: self.document[name] for name in ("components", "paths") if name in self.document}
            said = schema if isinstance(schema, dict) else {"allOf": [schema]}  # a schema may be true or false
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                {**said, **around}, mask=mask, validate_formats=True, formats={"byte": _is_base64}
            )
        return self._validators[key]

    @cached_property
    def _validators(self) -> dict[tuple[bytes, str | None], jsonschema_rs.Draft202012Validator]:
        return {}

    def example(self, name: str, status: int | None = None) -> Any:
        """Return the first example of an operation's body, or of its answer with *status*; None without any."""
        operation = self.operations[name]
        body = self.resolve(operation.node.get("requestBody", {}))
        content = operation.content(status)[1] if status else json_content(body)[1]
        examples = [self.resolve(example).get("value") for example in content.get("examples", {}).values()]
        return next(iter(examples), content.get("example"))


def _is_base64(text: str) -> bool:
    """Say whether a text is base64. The library does not know OpenAPI's format byte."""
    try:
        return bool(base64.b64decode(text, validate=True)) or not text
    except ValueError:
        return False


def json_content(carrier: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the JSON media type of a body or an answer, and what stands under it; ("", {}) without any."""
    for media_type, content in carrier.get("content", {}).items():
        kind = media_type.partition(";")[0].strip().lower()
        if kind.endswith(("/json", "+json")):
            return kind, content
    return "", {}


def read_contract(file: Path) -> Contract:
    """Read an OpenAPI 3.1 document; refuse one in which something would mislead the mock."""
    document = read_document(file)
    try:
        check_document(document)
        server = (document.get("servers") or [{"url": "/"}])[0]
        url = server["url"]
        for name, variable in server.get("variables", {}).items():
            url = url.replace(f"{{{name}}}", variable["default"])
        operations = [
            _operation(document, method, path, item)
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        ]
        return Contract(file, document, urlsplit(url).path.rstrip("/"), {each.name: each for each in operations})
    except StartError as error:
        raise StartError(f"{file}: {error}") from None
    except MISSHAPEN as error:
        raise misshapen(file, error) from None


def misshapen(file: Path, error: Exception) -> StartError:
    """Return the refusal of a document that is no OpenAPI where *error* was raised."""
    return StartError(f"{file}: cannot be followed at {error}; write it as OpenAPI 3.1")


def _operation(document: Any, method: str, path: str, item: Any) -> Operation:
    node = item[method]
    if "operationId" not in node:
        raise StartError(f"paths.{path}.{method}.operationId: is missing; the mock finds operations by it, so name it")
    media_type, content = json_content(resolve(document, node.get("requestBody", {})))
    parameters = [resolve(document, each) for each in [*item.get("parameters", []), *node.get("parameters", [])]]
    return Operation(
        name=node["operationId"], method=method.upper(), path=path,
        body=content.get("schema", {}) if media_type else None, body_type=media_type,
        query={each["name"]: each for each in parameters if each["in"] == "query"}, node=node,
        responses={str(status): resolve(document, each) for status, each in node.get("responses", {}).items()},
    )  # fmt: skip
