"""Refuses an openapi.yaml that would mislead the mock, with the place in it and what to do there."""

from typing import Any

import jsonschema_rs

from .errors import StartError


def resolve(document: Any, node: Any) -> Any:
    """
    Follow `$ref` from *node* until something is said.

    Raises:
        KeyError: A reference points nowhere, or only to other references.
    """
    for _ in range(100):
        if not isinstance(node, dict) or "$ref" not in node:
            return node
        node = find(document, node["$ref"])
    raise KeyError("a $ref that leads back to itself")


def find(document: Any, reference: str) -> Any:
    """
    Look up a reference such as `#/components/schemas/PersonaName`.

    Raises:
        KeyError: Nothing is there, or it points into another file.

    Source: RFC 6901, section 4.
    """
    if not reference.startswith("#/"):
        raise KeyError(reference)
    for part in reference[2:].split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def check_document(document: Any) -> None:
    """
    Refuse what no OpenAPI 3.1 document is.

    Raises:
        StartError: With the place and what to do there, without the file.
    """
    _check_shape(document)
    _check_references(document, document, "")
    _check_schemas(document)


def _check_shape(document: Any) -> None:
    if not isinstance(document, dict):
        raise StartError("is no mapping; write an OpenAPI 3.1 document")
    for key, kind in {"openapi": str, "servers": list, "paths": dict, "components": dict}.items():
        if not isinstance(document.get(key), kind) or not document[key]:
            raise StartError(f"{key}: is missing or of the wrong type; write it as OpenAPI 3.1 asks")
    if not document["openapi"].startswith("3.1"):
        raise StartError("openapi: is not 3.1; schemas are read as JSON Schema 2020-12, so write 3.1.0")


def _check_references(document: Any, node: Any, place: str) -> None:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        here = f"{place}.{key}".lstrip(".")
        if key == "$ref" and isinstance(value, str):
            _check_reference(document, node, here)
        _check_references(document, value, here)


def _check_reference(document: Any, node: Any, place: str) -> None:
    try:
        resolve(document, node)
    except (KeyError, TypeError):
        raise StartError(f"{place}: {node['$ref']} leads nowhere; define it or correct the reference") from None


def _check_schemas(document: Any) -> None:
    for name, schema in document["components"].get("schemas", {}).items():
        try:
            jsonschema_rs.meta.validate(schema)
        except jsonschema_rs.ValidationError as error:
            place = ".".join(map(str, ["components.schemas", name, *error.instance_path]))
            raise StartError(f"{place}: {error.message}; write a JSON Schema") from None
