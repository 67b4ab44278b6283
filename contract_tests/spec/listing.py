"""What the query parameters of a list do: pages, orders and filters."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.spec.document import Document
from contract_tests.spec.field import Field, path_of, read_query_fields, written
from contract_tests.spec.operation import Operation
from contract_tests.spec.resource import find_schema

ROLES = ("page_size", "page_token", "offset", "page_number", "order", "filter")

# What a parameter without x-list-role does by its name, in lower case and without underscores.
WELL_KNOWN = {
    "pagesize": "page_size", "perpage": "page_size", "limit": "page_size",
    "pagetoken": "page_token", "cursor": "page_token", "nexttoken": "page_token",
    "offset": "offset", "page": "page_number", "pagenumber": "page_number",
    "orderby": "order", "sort": "order", "sortby": "order",
}  # fmt: skip

# What an order may say of its direction behind the name of a field.
DIRECTION = re.compile("[^a-z]*(asc|desc)(ending)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Paging:
    """How a list is turned page by page; None for what it does not take."""

    size: Field | None = None
    token: str | None = None
    """The parameter that takes the token of the next page."""
    token_at: tuple[str, ...] = ()
    """Where an answer says the next token."""
    offset: str | None = None
    page_number: str | None = None

    @property
    def shows_all(self) -> bool:
        """Whether every item can be seen: the pages can be turned, or the list comes whole."""
        return self.size is None or any((self.token, self.offset, self.page_number))


@dataclass(frozen=True)
class Listing:
    """What the parameters of a list do."""

    paging: Paging = Paging()
    order: str | None = None
    """The parameter that orders the list."""
    orders: tuple[str, ...] = ()
    """Its values that the contract names: a field, with a dash in front for descending."""
    filters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By the field: the parameter, and its text with the field's name in braces where the value goes."""


def read_listing(operation: Operation, known: set[str]) -> Listing:
    """Read what the parameters of a list do, which may be filtered by the *known* fields of an item."""
    document = operation.document
    roles: dict[str, str] = {}
    marked: set[str] = set()
    filters: dict[str, tuple[str, str]] = {}
    for (place, name), pointer in operation.parameters.items():
        if place != "query":
            continue
        parameter = document.at(pointer)
        role = parameter.get("x-list-role", WELL_KNOWN.get(_spelled_alike(name)))
        if role is not None and role not in ROLES:
            raise document.error(f"{pointer}/x-list-role", f"is {written(role)}; write one of {', '.join(ROLES)}")
        if role is None and name in known:
            filters[name] = (name, f"{{{name}}}")
        elif role == "filter":
            filters |= _filters(document, pointer, name, known)
        elif role is not None:
            if (first := roles.get(role)) is not None and (role in marked) == ("x-list-role" in parameter):
                problem = f"has the role {role}, as {first} has; write x-list-role: {role} at the one that counts, only"
                raise document.error(f"{pointer}/name", problem)
            if role not in marked:
                roles[role] = name
            marked |= {role} if "x-list-role" in parameter else set()
    fields = read_query_fields(operation)
    for role in {"page_size", "offset", "page_number"} & roles.keys():
        if (tried := fields.get(roles[role])) and not {"integer", "number"} & {*tried.types}:
            raise document.error(tried.place, f"is {tried.json_type}, and {role} is a number; write type: integer")
    token = roles.get("page_token")
    token_at = token_place(operation, token)
    token = token if token_at else None  # a token that no answer shows turns no page
    size, order = fields.get(roles.get("page_size", "")), roles.get("order")
    paging = Paging(size, token, token_at, roles.get("offset"), roles.get("page_number"))
    return Listing(paging, order, _orders(operation, order, known), filters)


def _spelled_alike(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _filters(document: Document, pointer: str, name: str, known: set[str]) -> dict[str, tuple[str, str]]:
    said: Any = document.at(pointer).get("x-filters", {name: f"{{{name}}}"} if name in known else {})
    if not isinstance(said, dict):
        raise document.error(f"{pointer}/x-filters", "must name fields, such as {name: 'name=\"{name}\"'}")
    for of, template in said.items():
        if of not in known:
            raise document.error(f"{pointer}/x-filters/{of}", "is no field of an item; name one")
        if not isinstance(template, str) or f"{{{of}}}" not in template:
            problem = f"is {written(template)}; write {{{of}}} where the value goes"
            raise document.error(f"{pointer}/x-filters/{of}", problem)
    return {of: (name, template) for of, template in said.items()}


def _orders(operation: Operation, order: str | None, known: set[str]) -> tuple[str, ...]:
    if order is None:
        return ()
    document, pointer = operation.document, operation.parameters["query", order]
    parameter = document.at(pointer)
    place, schema = document.resolve(f"{pointer}/schema") if "schema" in parameter else (pointer, {})
    for index, value in enumerate(schema.get("enum", ())):
        whole = str(value).lstrip("+-")
        name = DIRECTION.sub("", whole)
        # Two letters of seven that changed places give 0.857. Another case, such as createdAt for created_at, may be meant.
        near = next(iter(difflib.get_close_matches(name, known, 1, 0.85)), name)
        one, other = _spelled_alike(near), _spelled_alike(name)
        if whole not in known and not (one.startswith(other) or other.startswith(one)):
            problem = f"is {written(value)}, and an item has no field {name}; write {near}"
            raise document.error(f"{place}/enum/{index}", problem)
    examples = [example.get("value") for example in parameter.get("examples", {}).values()]
    values = [*schema.get("enum", ()), *examples, parameter.get("example"), *schema.get("examples", ())]
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str)))


def token_place(operation: Operation, token: str | None) -> tuple[str, ...]:
    """Return where an answer says the next token: a link to the list itself says it, or a property of a known name."""
    if token is None:
        return ()
    document = operation.document
    for status in operation.successes:
        answer = operation.response_pointer(status)
        for link in document.at(answer).get("links", {}).values() if answer else ():
            if link.get("operationId") == operation.operation_id and token in link.get("parameters", {}):
                return path_of(link["parameters"][token])
    names = {_spelled_alike(name) for name in (f"next{token}", token, "nexttoken", "nextcursor", "next")}
    shown = document.properties(operation.success_pointer) if operation.success_pointer else {}
    for name in shown:
        if _spelled_alike(name) in names and find_schema(document, operation.success_pointer, (name,)):
            return (name,)
    return ()
