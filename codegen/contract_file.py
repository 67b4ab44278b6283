"""
What the client takes from openapi.yaml besides the operations: where the API is, and the header of its key.

The generator reads neither, and its complaints about a broken reference do not say where that stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class ContractFileError(Exception):
    """The contract cannot be read, or lacks what a client needs; the message names the file and the field."""


@dataclass(frozen=True)
class ClientFacts:
    """What a client must know before its first request."""

    base_url: str
    api_key_header: str
    """In lower case, as it goes over the wire."""


def read_client_facts(path: Path) -> ClientFacts:
    """
    Read a contract.

    Args:
        path: The OpenAPI 3.1 document.

    Returns:
        The facts that the templates need.

    Raises:
        ContractFileError: The file cannot be read, a reference in it leads nowhere, or it names no server or no key.

    Source: OpenAPI 3.1, sections 4.8.5 and 4.8.27.
    """
    document = _read_document(path)
    for pointer, reference in _references(document, "#"):
        if not _leads_somewhere(document, reference):
            raise ContractFileError(f"{path.name} {pointer}: nothing stands at {reference!r}")
    return ClientFacts(_base_url(document, path.name), _api_key_header(document, path.name))


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ContractFileError(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ContractFileError(f"{path.name} cannot be read: byte {error.start} is not UTF-8") from None
    except yaml.YAMLError as error:
        raise ContractFileError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3.1"):
        raise ContractFileError(f"{path.name} #/openapi: must be 3.1.x")
    return document


def _base_url(document: dict[str, Any], name: str) -> str:
    match document.get("servers"):
        case [{"url": str(url)}, *_] if urlsplit(url).scheme in ("http", "https") and not set(url) & set("{}\"'\\ "):
            return url
    raise ContractFileError(f"{name} #/servers/0/url: must be a whole URL, https://... without variables")


def _api_key_header(document: dict[str, Any], name: str) -> str:
    match document.get("components"):
        case {"securitySchemes": dict(schemes)}:
            for scheme in schemes.values():
                match scheme:
                    case {"type": "apiKey", "in": "header", "name": str(header)} if header.replace("-", "").isalnum():
                        return header.lower()
    raise ContractFileError(f"{name} #/components/securitySchemes: must hold an apiKey in a header")


def _references(node: object, pointer: str) -> Iterator[tuple[str, object]]:
    """Every $ref with its place; examples hold data and are left alone."""
    if isinstance(node, dict):
        for key, value in node.items():
            here = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key == "$ref":
                yield here, value
            elif key not in ("value", "example", "const", "enum"):
                yield from _references(value, here)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _references(value, f"{pointer}/{index}")


def _leads_somewhere(document: dict[str, Any], reference: object) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return False
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True
