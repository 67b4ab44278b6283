"""A small contract with one field on trial, of whatever schema a test gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract_tests.generation.boundaries import Boundary, boundaries
from contract_tests.spec.contract import Contract, Field, read_contract
from contract_tests.spec.document import Document, steps

PROMISES = ("exact_text", "exact_numbers", "lengths_in_code_points")


def contract_of(
    schema: dict[str, Any] | None, *, promises: tuple[str, ...] = PROMISES, schemas: dict[str, Any] | None = None
) -> tuple[Contract, Field]:
    """Return a contract whose create and update have a field of a schema, and the field of the update."""
    body = {"type": "object", "properties": {"name": {"type": "string"}, "tried": schema}}
    item = {"type": "object", "properties": {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}
    links = {
        word: {"operationId": f"{word}Thing", "parameters": {"id": "$response.body#/id"}}
        for word in ("read", "change", "remove")
    }
    answer = {"description": "The thing.", "content": content}
    sent = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}}
    tree = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "paths": {
            "/things": {
                "post": {
                    "operationId": "makeThing",
                    "requestBody": sent,
                    "responses": {"201": {**answer, "links": links}},
                }
            },
            "/things/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"operationId": "readThing", "responses": {"200": answer}},
                "patch": {"operationId": "changeThing", "requestBody": sent, "responses": {"200": answer}},
                "delete": {"operationId": "removeThing", "responses": {"204": {"description": "Gone."}}},
            },
        },
        "components": {"schemas": {"Item": item, "Body": body, **(schemas or {})}},
        "x-promises": dict.fromkeys(promises, "It is so."),
    }
    contract = read_contract(Document(Path("things.yaml"), json.loads(json.dumps(tree))))
    return contract, contract.fields("update")["tried"]


def tried_values(schema: dict[str, Any], **more: Any) -> list[Boundary]:
    """Return the boundaries of a field of a schema."""
    return boundaries(*contract_of(schema, **more))


def at_path(value: Any, path: str) -> Any:
    """Return what stands at a JSON pointer inside a value."""
    for step in steps(path):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def with_value(value: Any, path: str, inner: Any) -> Any:
    """Return a copy of a value with another value at a JSON pointer."""
    if not path:
        return inner
    copy = json.loads(json.dumps(value))
    holder = at_path(copy, path.rpartition("/")[0])
    last = steps(path)[-1]
    holder[int(last) if isinstance(holder, list) else last] = inner
    return copy
