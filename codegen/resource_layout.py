"""
How a client spells the operations of a contract: which resource each belongs to, and what its method is called.

Paths and links decide, never the names of operations: the same rules give every contract its spelling.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contract_tests.spec.field import path_of
from contract_tests.spec.listing import WELL_KNOWN, token_place
from contract_tests.spec.operation import Operation
from contract_tests.spec.resource import answer_levels, find_schema

VERBS = {"GET": "get", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
# May be sent again whatever the contract says: RFC 9110, section 9.2.2.
REPEATABLE = ("GET", "HEAD", "OPTIONS", "DELETE")
# What a client has besides its resources.
TAKEN = frozenset({"close", "aclose", "call", "with_options", "with_raw_response", "base_url"})


@dataclass(frozen=True)
class Turning:
    """How a list is turned page by page."""

    kind: str
    """token, page_number or offset."""
    parameter: str
    token_at: tuple[str, ...] = ()
    first: int = 0
    """The number of the first page, or of the first item."""


@dataclass(frozen=True)
class Spelling:
    """How a client spells one operation."""

    operation: Operation = field(repr=False)
    resource: tuple[str, ...]
    """The names on the way to it: `client.shelves.books` is shelves, books."""
    name: str
    envelope: tuple[str, ...]
    """What is taken off its success: the names on the way to what a caller wants."""
    turning: Turning | None
    is_repeatable: bool


def read_spellings(operations: Sequence[Operation]) -> list[Spelling]:
    """Decide how each operation is spelled, in the order of the contract; no two are spelled alike."""
    linked = dict(_linked(operations))
    shared = _shared_prefix([operation.path for operation in operations])
    found = [_spelled(operation, operations, linked, shared) for operation in operations]
    counts = Counter((each.resource, each.name) for each in found)
    inner = {each.resource[:end] for each in found for end in range(2, len(each.resource) + 1)}
    return [
        Spelling(**{**vars(each), "name": _own_name(each.operation)})
        if counts[each.resource, each.name] > 1 or (*each.resource, each.name) in inner
        else each
        for each in found
    ]


def _linked(operations: Sequence[Operation]) -> Iterator[tuple[str, tuple[str, str, tuple[str, ...]]]]:
    """Yield by an operation's pointer what a POST's links make of it: its collection, its verb, where an item stands."""
    for create in operations:
        if create.method != "POST":
            continue
        for status in create.successes:
            answer = create.response_pointer(status)
            for link in create.document.at(answer).get("links", {}).values() if answer else ():
                target = next((each for each in operations if _is_target(each, link)), None)
                sources = [source for source in link.get("parameters", {}).values() if isinstance(source, str)]
                places = [path_of(source)[:-1] for source in sources if source.startswith("$response.body#/")]
                if target is not None and target.path_parameters and target.method in VERBS and places:
                    yield create.pointer, (create.path, "create", places[0])
                    yield target.pointer, (create.path, VERBS[target.method], places[0])


def _is_target(operation: Operation, link: dict[str, object]) -> bool:
    return (bool(operation.operation_id) and operation.operation_id == link.get("operationId")) or (
        operation.pointer == link.get("operationRef")
    )


def _shared_prefix(paths: Sequence[str]) -> int:
    """Count the segments that begin every path and say nothing, such as /api/v2; what has an operation says something."""
    parts = [_segments(path) for path in paths]
    length = 0
    while all(len(part) > length + 1 and "{" not in part[length] + part[length + 1] for part in parts) and (
        len({part[length] for part in parts}) == 1 and len(parts) > 1
    ):
        length += 1
    return length


def _spelled(
    operation: Operation,
    operations: Sequence[Operation],
    linked: dict[str, tuple[str, str, tuple[str, ...]]],
    shared: int,
) -> Spelling:
    path, verb, item_at = linked.get(operation.pointer, (operation.path, "", None))
    segments = _segments(path)[shared:]
    words = tuple(part for part in segments if "{" not in part)
    array = _array_place(operation) if operation.method == "GET" else None
    is_item = bool(segments) and "{" in segments[-1]
    methods = {each.method: each for each in operations if each.path == operation.path}
    if verb:
        name = verb
    elif operation.method == "GET":
        name = "list" if array is not None and not is_item else "get"
    elif operation.method == "PUT" and "PATCH" in methods:
        name = "replace"
    elif operation.method in VERBS:
        name = VERBS[operation.method]
    elif operation.method == "POST" and not is_item and _is_collection(operation, operations):
        name = "create"
    else:
        name, words = _own_name(operation), words if is_item or len(words) < 2 else words[:-1]
    listed = array if name == "list" else None
    return Spelling(
        operation,
        tuple(_identifier(word) for word in words) or ("root",),
        name,
        listed if listed is not None else _envelope(operation, item_at),
        _turning(operation) if listed is not None else None,
        operation.method in REPEATABLE
        or (
            operation.method in ("PATCH", "PUT")
            and "idempotent_update" in operation.document.tree.get("x-promises", {})
        ),
    )


def _segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _is_collection(operation: Operation, operations: Sequence[Operation]) -> bool:
    """Whether items can be read where a POST goes, or below it."""
    below = re.compile(re.escape(operation.path.rstrip("/")) + r"(/\{[^/]*\})?")
    return any(each.method != "POST" and below.fullmatch(each.path) for each in operations)


def _own_name(operation: Operation) -> str:
    return _identifier(operation.operation_id or f"{operation.method}_{operation.path}")


def snake_case(text: str) -> str:
    """Return a name as Python writes it: createdAt is created_at."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return re.sub(r"\W+", "_", parted, flags=re.ASCII).strip("_").lower()


def _identifier(text: str) -> str:
    name = snake_case(text) or "root"
    if name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name


def _envelope(operation: Operation, item_at: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return where in a success an item stands: where the links say, or in the only property that there is."""
    document, pointer = operation.document, operation.success_pointer
    if pointer is None:
        return ()
    if item_at is not None and find_schema(document, pointer, item_at) is not None:
        return item_at
    named = document.properties(pointer)
    if len(named) == 1:
        name, place = next(iter(named.items()))
        schema = document.resolve(place)[1]
        if "items" in schema or document.properties(place):
            return (name,)
    return ()


def _array_place(operation: Operation) -> tuple[str, ...] | None:
    """Return where the only array of objects of a success stands, the nearest to its root; None without one."""
    document = operation.document
    for level in answer_levels(document, operation.success_pointer):
        if arrays := [path for path, place in level if "items" in document.resolve(place)[1]]:
            return arrays[0] if len(arrays) == 1 else None
    return None


def _turning(operation: Operation) -> Turning | None:
    document = operation.document
    roles = {}
    for (place, name), pointer in operation.parameters.items():
        known = WELL_KNOWN.get(name.lower().replace("_", "").replace("-", ""))
        role = document.at(pointer).get("x-list-role", known)
        if place == "query" and (role not in roles or "x-list-role" in document.at(pointer)):
            roles[role] = name
    if "page_token" in roles and (token_at := token_place(operation, roles["page_token"])):
        return Turning("token", roles["page_token"], token_at)
    kind = next((kind for kind in ("page_number", "offset") if kind in roles), None)
    if kind is None:
        return None
    schema = document.said(f"{operation.parameters['query', roles[kind]]}/schema")
    return Turning(kind, roles[kind], first=int(schema.get("minimum", 1)) if kind == "page_number" else 0)
