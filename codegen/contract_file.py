"""
What the client takes from a contract besides the operations: where the API is, and how a request carries its key.

The generator reads neither, and its complaints about a broken reference do not say where that stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from contract_tests.spec.document import Document, escape, read_document
from contract_tests.spec.extensions import error_code_place, error_fields_place, named_properties
from contract_tests.spec.operation import Operation, every_operation
from contract_tests.spec.security import read_key

Way: TypeAlias = tuple[str, ...]

# What a property is called that says to a person what went wrong, by preference.
MESSAGES = ("message", "detail", "title", "description", "error_description", "reason", "msg", "error")


@dataclass(frozen=True)
class ClientFacts:
    """What a client must know before its first request."""

    base_url: str
    key_kind: str
    """header, query, cookie, bearer, basic or none."""
    key_name: str
    """Of the header, in lower case as it goes over the wire, of the query parameter or of the cookie."""
    key_variable: str
    codes: list[Way]
    """Where an error says its code: the names on the way, a star for each element of an array."""
    messages: list[Way]
    """Where it says what went wrong, the best place first."""
    fields: list[tuple[Way, Way, Way]]
    """Where it lists the fields at fault, and where in an element their name and description stand."""


def read_client_facts(path: Path) -> ClientFacts:
    """
    Read what the templates need; refuse a contract that cannot be read, in which a reference leads nowhere, or that names
    no server. Source: OpenAPI 3.1, sections 4.8.5 and 4.8.27.
    """
    document = read_document(path)
    for pointer, reference in _references(document.tree, "#"):
        if not isinstance(reference, str) or not reference.startswith("#/") or not document.has(reference):
            problem = f"nothing stands at {reference!r}; correct the reference, or add what it names"
            raise document.error(pointer, problem)
    operations = list(every_operation(document))
    key = read_key(document, operations)
    return ClientFacts(_base_url(document), key.kind, key.name, key.env, *_error_places(operations))


def _error_places(operations: list[Operation]) -> tuple[list[Way], list[Way], list[tuple[Way, Way, Way]]]:
    """Return where the errors of a contract say their code, their message and the fields at fault, each place once."""
    codes: dict[Way, None] = {}
    messages: dict[Way, None] = {}
    fields: dict[tuple[Way, Way, Way], None] = {}
    for operation in operations:
        # The last two are asked for 4XX, 5XX and default.
        for status in [*sorted(status for status in operation.statuses if status >= 400), 499, 599]:
            if (schema := operation.answer_pointer(status)) is None:
                continue
            named = [path for path, _ in named_properties(operation.document, schema, (), set())]
            owners = {path[:end] for path in named for end in range(len(path))}
            said = sorted((path for path in named if path[-1] in MESSAGES and path not in owners), key=_preference)
            messages |= dict.fromkeys([path for path in said if "*" not in path] or said)
            if (code := error_code_place(operation, status)) is not None:
                codes[code] = None
            if (place := error_fields_place(operation, status)) is not None:
                end = len(place) - place[::-1].index("*") if "*" in place else len(place)
                beside = [path[-1:] for path in said if path[:-1] == place[:end]]
                fields[place[:end], place[end:], next(iter(beside), ("description",))] = None
    return list(codes), list(messages), list(fields)


def _preference(path: Way) -> tuple[int, int]:
    return MESSAGES.index(path[-1]), len(path)


def body_example(operation: Operation) -> object:
    """Return the example of a body, or the first of its named examples; None where it has none."""
    if operation.body_pointer is None:
        return None
    document, pointer = operation.document, operation.body_pointer.removesuffix("/schema")
    carrier = document.at(pointer)
    named = [document.resolve(f"{pointer}/examples/{escape(name)}")[1] for name in carrier.get("examples", {})]
    examples = [carrier.get("example"), *(example.get("value") for example in named if isinstance(example, dict))]
    return next((example for example in examples if example is not None), None)


def _base_url(document: Document) -> str:
    match document.tree.get("servers"):
        case [{"url": str(url)}, *_] if urlsplit(url).scheme in ("http", "https") and not set(url) & set("{}\"'\\ "):
            return url
    raise document.error("#/servers/0/url", "must be a whole URL; write https://... without variables")


def _references(node: object, pointer: str) -> Iterator[tuple[str, object]]:
    """Every $ref with its place; examples hold data and are left alone."""
    if isinstance(node, dict):
        for key, value in node.items():
            here = f"{pointer}/{escape(str(key))}"
            if key == "$ref":
                yield here, value
            elif key not in ("value", "example", "const", "enum"):
                yield from _references(value, here)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _references(value, f"{pointer}/{index}")
