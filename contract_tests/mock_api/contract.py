"""
Reads from openapi.yaml what the mock needs to answer as the contract says.

The mock is a stranger to the suite and reads the file itself, so that the two cannot share a mistake.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs

from .contract_checks import check_document, resolve
from .documents import read_document
from .errors import StartError

Schema = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Operation:
    """One operation: where it is, the schema of its JSON body, and the schemas of its query parameters by name."""

    name: str
    method: str
    path: str
    body: Schema | None
    query: Mapping[str, Schema]
    node: Mapping[str, Any]

    @property
    def success(self) -> int:
        """The first status between 200 and 299 that the contract names for it; 200 where it names none."""
        return next((int(status) for status in self.node.get("responses", {}) if str(status).startswith("2")), 200)


@dataclass(frozen=True)
class Contract:
    """
    openapi.yaml, as far as the mock follows it.

    Args:
        file: Where it was read; messages name it.
        document: The whole file.
        base_path: The path that every operation's path follows, such as `/v1`.
        key_header: The name of the header that carries the key, in lower case.
        operations: Every operation by its operationId.
        error_codes: What `error.code` is, by status.
    """

    file: Path
    document: Mapping[str, Any]
    base_path: str
    key_header: bytes
    operations: Mapping[str, Operation]
    error_codes: Mapping[int, str]

    def resolve(self, node: Any) -> Any:
        """Follow `$ref` from *node* until something is said."""
        return resolve(self.document, node)

    def properties(self, schema: Schema) -> dict[str, Schema]:
        """List the properties that *schema* names, by itself, by $ref or by allOf."""
        schema = self.resolve(schema)
        inherited = [self.properties(part) for part in schema.get("allOf", [])]
        return {name: value for part in [*inherited, schema.get("properties", {})] for name, value in part.items()}

    def validator(self, schema: Schema, mask: str | None = None) -> jsonschema_rs.Draft202012Validator:
        """Compile *schema*; with *mask*, messages say it where they would repeat the value."""
        # In 2020-12 a $ref may have neighbours, so the components travel beside the schema that refers to them.
        whole = {**schema, "components": self.document["components"]}
        return jsonschema_rs.Draft202012Validator(whole, mask=mask)

    def example(self, name: str, status: int | None = None) -> Any:
        """Return the first example of an operation's body, or of its answer with *status*; None without any."""
        node = self.operations[name].node
        carrier = self.resolve(node.get("responses", {}).get(str(status)) if status else node.get("requestBody")) or {}
        examples = carrier.get("content", {}).get("application/json", {}).get("examples", {})
        return next((self.resolve(example).get("value") for example in examples.values()), None)


def read_contract(file: Path) -> Contract:
    """
    Read openapi.yaml and refuse it if something in it would mislead the mock.

    Args:
        file: An OpenAPI 3.1 document.

    Raises:
        StartError: With the file, the place and what to do there.
    """
    document = read_document(file)
    try:
        check_document(document)
        operations = {operation.name: operation for operation in _operations(document)}
        return Contract(
            file=file,
            document=document,
            base_path=urlsplit(document["servers"][0]["url"]).path.rstrip("/"),
            key_header=_key_header(document),
            operations=operations,
            error_codes=_error_codes(document, operations),
        )
    except StartError as error:
        raise StartError(f"{file}: {error}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise StartError(f"{file}: cannot be followed at {error}; write it as OpenAPI 3.1") from None


def _operations(document: Any) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(document, method, path, item)


def _operation(document: Any, method: str, path: str, item: Any) -> Operation:
    node = item[method]
    if "operationId" not in node:
        raise StartError(f"paths.{path}.{method}.operationId: is missing; the mock finds operations by it, so name it")
    body = resolve(document, node.get("requestBody", {}))
    parameters = [resolve(document, each) for each in [*item.get("parameters", []), *node.get("parameters", [])]]
    return Operation(
        name=node["operationId"],
        method=method.upper(),
        path=path,
        body=body["content"]["application/json"]["schema"] if body else None,
        query={each["name"]: each["schema"] for each in parameters if each["in"] == "query"},
        node=node,
    )


def _key_header(document: Any) -> bytes:
    schemes = document["components"].get("securitySchemes", {}).values()
    for scheme in schemes:
        if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
            return str(scheme["name"]).lower().encode()
    raise StartError("components.securitySchemes: names no header that carries the key; add one of type apiKey")


def _error_codes(document: Any, operations: Mapping[str, Operation]) -> dict[int, str]:
    codes = {}
    for operation in operations.values():
        for status, response in operation.node.get("responses", {}).items():
            code = resolve(document, response).get("x-error-code")
            if code:
                codes[int(status)] = code
    return codes
