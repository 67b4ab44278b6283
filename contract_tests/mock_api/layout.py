"""Finds the resources of a contract: their operations by role, and where their items stand in answers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .contract import MISSHAPEN, Contract, Operation, Schema, misshapen
from .documents import pointer
from .errors import StartError

ROLE_OF_METHOD = {"GET": "read", "PATCH": "update", "PUT": "update", "DELETE": "remove"}
Path = tuple[str, ...]
Link = tuple[Operation, Mapping[str, str]]
"""An operation, and the parameters that a link to it fills."""

# What a query parameter of a list does, by its name without an x-list-role.
WELL_KNOWN = {
    "page_size": ("page_size", "per_page", "limit"), "page_token": ("page_token", "cursor", "next_token"),
    "offset": ("offset",), "page_number": ("page", "page_number"), "order": ("order_by", "sort_by", "sort"),
}  # fmt: skip
ROLE_OF_NAME = {name: role for role, names in WELL_KNOWN.items() for name in names}
LIST_ROLES = (*WELL_KNOWN, "filter")


@dataclass(frozen=True)
class Layout:
    """Where a contract keeps one resource."""

    name: str  # the last word of the path that creates it
    # By role: create, read, update, replace, remove, list; reads below an item by name.
    operations: Mapping[str, Operation]
    id_name: str  # the property of an item that holds its id
    id_parameter: str  # the path parameter that takes the id
    item: Schema  # of an item as an answer shows it
    item_at: Mapping[str, Path]  # where it stands in the answer of each role; () where the whole answer is the item
    list_at: Path = ()  # where the items stand in the answer to the list
    token_at: Path = ()  # where the next page's token stands in it; () where it has none
    list_roles: Mapping[str, str] = field(default_factory=dict)  # the list's parameters by what they do, filters aside
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """How a filter by a field is written, by the query parameter that takes it and the field."""


def find_layouts(contract: Contract) -> list[Layout]:
    """List the resources of *contract*; refuse one without, and a link that leads nowhere."""
    try:
        layouts = [
            _layout(contract, create, links)
            for create in contract.operations.values()
            if create.method == "POST" and (links := _links(contract, create))
        ]
    except MISSHAPEN as error:
        raise misshapen(contract.file, error) from None
    if not layouts:
        raise StartError(f"{contract.file}: paths: no POST has links to a read or an update; add links to its answer")
    return layouts


def _links(contract: Contract, operation: Operation) -> list[Link]:
    """List the operations that the success answer links to, with the parameters that a link fills."""
    said = operation.responses.get(str(operation.success), {}).get("links", {})
    return [_link(contract, f"{operation.name}: link {name}", contract.resolve(link)) for name, link in said.items()]


def _link(contract: Contract, place: str, link: Mapping[str, Any]) -> Link:
    path, method = pointer(link.get("operationRef", "#/-/-"))[-2:]
    for operation in contract.operations.values():
        if operation.name == link.get("operationId") or (operation.path, operation.method.lower()) == (path, method):
            return operation, link.get("parameters", {})
    named = link.get("operationId") or link.get("operationRef")
    raise StartError(f"{contract.file}: {place}: no operation is called {named}; name one by operationId")


def _layout(contract: Contract, create: Operation, links: list[Link]) -> Layout:
    operations = {"create": create}
    id_parameter = ""
    id_at: Path = ("id",)
    for operation, parameters in links:
        operations.setdefault(ROLE_OF_METHOD.get(operation.method, operation.method), operation)
        for name, expression in parameters.items():
            if expression.startswith("$response.body#"):
                id_parameter, id_at = name.removeprefix("path."), pointer(expression)
    item_path = next((each.path for each in operations.values() if f"{{{id_parameter}}}" in each.path), "/")
    for operation in contract.operations.values():
        if (operation.method, operation.path) == ("GET", create.path):
            operations["list"] = operation
        elif (operation.method, operation.path) == ("PUT", item_path) and operation not in operations.values():
            operations["replace"] = operation
        elif operation.method == "GET" and re.fullmatch(re.escape(item_path) + "/[^{]*", operation.path):
            operations[operation.name] = operation
    item_at = {
        role: id_at[:-1] if contract.at(operation.answer_schema(), id_at[:-1]) is not None else ()
        for role, operation in operations.items()
    }
    shown = "read" if "read" in operations else "create"
    return Layout(
        name=[part for part in create.path.split("/") if part and not part.startswith("{")][-1],
        operations=operations, id_name=id_at[-1], id_parameter=id_parameter,
        item=contract.at(operations[shown].answer_schema(), item_at[shown]) or {}, item_at=item_at,
        **(_list_layout(contract, operations["list"], id_at[-1]) if "list" in operations else {}),
    )  # fmt: skip


def _list_layout(contract: Contract, operation: Operation, id_name: str) -> dict[str, Any]:
    found = sorted(_arrays_of_items(contract, operation.answer_schema() or {}, id_name, ()), key=len)
    if not found:
        raise StartError(f"{contract.file}: {operation.name}: its answer has no array of items with {id_name}; add it")
    named = {name: _list_role(contract, name, node) for name, node in operation.query.items()}
    roles = {role: name for name, role in named.items() if role not in (None, "filter")}
    tokens = [
        pointer(expression)
        for other, parameters in _links(contract, operation)
        for name, expression in parameters.items()
        if other.name == operation.name and name.removeprefix("query.") == roles.get("page_token")
    ]
    filters = {name: node["x-filters"] for name, node in operation.query.items() if node.get("x-filters")}
    return {"list_at": found[0], "token_at": next(iter(tokens), ()), "list_roles": roles, "filters": filters}


def _arrays_of_items(contract: Contract, schema: Schema, id_name: str, place: Path) -> Iterator[Path]:
    if "array" in contract.types(schema):
        if id_name in contract.members(contract.said(schema, "items")):
            yield place
        return
    for name, part in contract.members(schema).items():
        if name not in place:  # a schema may hold itself
            yield from _arrays_of_items(contract, part, id_name, (*place, name))


def _list_role(contract: Contract, name: str, node: Mapping[str, Any]) -> str | None:
    said = node.get("x-list-role")
    if said is not None and said not in LIST_ROLES:
        known = ", ".join(LIST_ROLES)
        raise StartError(f"{contract.file}: the x-list-role of {name}: is {said!r}; write one of {known}")
    return said or ROLE_OF_NAME.get(re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower())
