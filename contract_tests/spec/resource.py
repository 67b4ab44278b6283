"""A resource: the operations that make, read, change, remove and list its items, as `links` say it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeAlias

from contract_tests.spec.document import Document, Schema
from contract_tests.spec.field import path_of
from contract_tests.spec.operation import Operation

Role: TypeAlias = Literal["create", "read", "update", "remove", "list"]

ROLES: tuple[Role, ...] = ("create", "read", "update", "remove", "list")
ROLE_OF_METHOD: Mapping[str, Role] = {"GET": "read", "PATCH": "update", "PUT": "update", "DELETE": "remove"}

# Headers that every request has.
SENT_HEADERS = frozenset({"accept", "authorization", "content-type", "user-agent", "host"})
# Lists hold their items at most so deep in an answer.
DEEPEST_LIST = 3


@dataclass(frozen=True)
class ServerField:
    """A field of an item that only the server sets."""

    name: str
    changes: Literal["never", "on-update"] | None
    template: str | None
    """What it is made of, such as `things/{id}`; None where the contract does not say."""
    schema: Schema = field(repr=False)
    pointer: str

    @property
    def is_time(self) -> bool:
        """Whether it is a time of RFC 3339."""
        return self.schema.get("format") == "date-time"

    def filled(self, item: Mapping[str, Any]) -> str:
        """Return what a field with a template reads as, beside the other fields of an item."""
        return str(self.template).format_map({name: str(value) for name, value in item.items()})


@dataclass(frozen=True)
class Resource:
    """The operations of one kind of item, and where an item stands in their answers."""

    name: str
    operations: Mapping[Role, Operation] = field(repr=False)
    id_parameter: str
    """The path parameter that takes the id."""
    id_name: str
    """The field of an item that holds the id."""
    item_at: tuple[str, ...]
    """Where an item stands in the answer to its creation; empty where the answer is the item."""
    item_pointer: str
    """Where the schema of an item stands."""
    list_at: tuple[str, ...]
    """Where the items stand in the answer of a list."""

    @property
    def create(self) -> Operation:
        """The operation that makes an item: every resource has one."""
        return self.operations["create"]

    @property
    def item_path(self) -> str:
        """The path of an item, its id in braces."""
        return next(self.operations[role].path for role in ROLES[1:4] if role in self.operations)

    @property
    def missing(self) -> tuple[Role, ...]:
        """The roles for which the contract has no operation."""
        return tuple(role for role in ROLES if role not in self.operations)


def read_resources(document: Document, operations: Mapping[str, Operation]) -> dict[str, Resource]:
    """List the resources of a document by name; refuse a link that leads nowhere, and a document without a resource."""
    found: dict[str, Resource] = {}
    for operation in operations.values():
        if operation.method == "POST" and (links := dict(_links(operation, operations))):
            resource = _resource(operation, links, operations)
            found[resource.name if resource.name not in found else operation.path] = resource
    if not found:
        problem = (
            "no POST has an answer with links to a read, an update and a removal, so there is no resource to try; "
            "add links to the success answer of the operation that makes an item"
        )
        raise document.error("#/paths", problem)
    return found


def _links(create: Operation, operations: Mapping[str, Operation]) -> Iterator[tuple[Role, tuple[Operation, str, str]]]:
    """Yield what the success answer of a POST links to: by role the operation, its id parameter and the expression."""
    document = create.document
    for status in create.successes:
        answer = create.response_pointer(status)
        for name in document.at(answer).get("links", {}) if answer else ():
            pointer, link = document.resolve(f"{answer}/links/{name}")
            target = _target(document, pointer, link, operations)
            role = ROLE_OF_METHOD.get(target.method)
            in_path = [one for one in link.get("parameters", {}) if one.removeprefix("path.") in target.path_parameters]
            if role is None or not target.path_parameters:
                continue  # such as a link to a list
            if not in_path:
                problem = f"gives {target.operation_id} none of its path parameters {', '.join(target.path_parameters)}"
                raise document.error(pointer, f"{problem}; say in parameters where the id stands in the answer")
            expression = link["parameters"][in_path[-1]]
            if not isinstance(expression, str) or not expression.startswith("$response.body#/"):
                problem = f"is {expression!r}; write where the id stands in the answer, such as $response.body#/id"
                raise document.error(f"{pointer}/parameters/{in_path[-1]}", problem)
            yield role, (target, in_path[-1].removeprefix("path."), expression)


def _target(document: Document, pointer: str, link: Any, operations: Mapping[str, Operation]) -> Operation:
    if "operationRef" in link:
        found = next((o for o in operations.values() if o.pointer == link["operationRef"]), None)
    else:
        found = operations.get(link.get("operationId", ""))
    if found is None:
        said = link.get("operationId", link.get("operationRef"))
        raise document.error(pointer, f"links to {said!r}, and no operation is called so; name one that is there")
    return found


def _resource(
    create: Operation, links: Mapping[Role, tuple[Operation, str, str]], operations: Mapping[str, Operation]
) -> Resource:
    document = create.document
    roles: dict[Role, Operation] = {"create": create, **{role: link[0] for role, link in links.items()}}
    listed = next((o for o in operations.values() if o.method == "GET" and o.path == create.path), None)
    if listed is not None:
        roles["list"] = listed
    _, parameter, expression = next(iter(links.values()))
    if others := {link[2] for link in links.values()} - {expression}:
        problem = f"its links take the id from {expression} and from {', '.join(others)}; name one place in all of them"
        raise document.error(create.pointer, problem)
    *item_at, id_name = path_of(expression)
    item_pointer = find_schema(document, create.success_pointer, tuple(item_at))
    if item_pointer is None or id_name not in document.properties(item_pointer):
        problem = f"the link takes the id from {expression}, and the schema of the answer has nothing there"
        raise document.error(create.pointer, f"{problem}; correct the link or the schema")
    words = [part for part in create.path.split("/") if part and not part.startswith("{")]
    list_at = _list_place(document, listed.success_pointer, id_name) if listed is not None else None
    if list_at is None:
        roles.pop("list", None)
    ordered = {role: roles[role] for role in ROLES if role in roles}
    for operation in ordered.values():
        _require_callable(operation, parameter)
    name = words[-1] if words else create.operation_id
    return Resource(name, ordered, parameter, id_name, tuple(item_at), item_pointer, list_at or ())


def _require_callable(operation: Operation, id_parameter: str) -> None:
    """Refuse an operation that needs more than the id and a body: nothing says what to send."""
    document = operation.document
    for name in operation.path_parameters:
        if name != id_parameter:
            problem = f"{operation.operation_id} needs {name} beside the id; put a fixed value in its place in the path"
            raise document.error(operation.pointer.rpartition("/")[0], problem)
    for name, pointer in unsent_parameters(operation).items():
        problem = f"{operation.operation_id} requires the {document.at(pointer)['in']} parameter {name}"
        problem += ", which the suite does not send; take required away if the API can do without it"
        raise document.error(pointer, problem)


def unsent_parameters(operation: Operation) -> dict[str, str]:
    """Return the parameters that an operation requires beside those of its path, which the suite does not send, and where."""
    document = operation.document
    schemes = document.tree.get("components", {}).get("securitySchemes", {}).values()
    sent = SENT_HEADERS | {str(scheme.get("name")).lower() for scheme in schemes if isinstance(scheme, dict)}
    return {
        name: pointer
        for (place, name), pointer in operation.parameters.items()
        if place != "path" and document.at(pointer).get("required") and name.lower() not in sent
    }


def find_schema(document: Document, pointer: str | None, path: tuple[str, ...]) -> str | None:
    """Return where the schema of what stands at *path* in an answer stands; None where the contract names nothing there."""
    for step in path:
        properties = {} if pointer is None else document.properties(pointer)
        pointer = properties.get(step)
    return None if pointer is None else document.resolve(pointer)[0]


def answer_levels(document: Document, pointer: str | None) -> Iterator[list[tuple[tuple[str, ...], str]]]:
    """Yield what an answer may hold as deep as lists stand, level by level: the path to it, and where its schema stands."""
    level: list[tuple[tuple[str, ...], str]] = [] if pointer is None else [((), pointer)]
    for _ in range(DEEPEST_LIST):
        yield level
        level = [((*path, name), inner) for path, place in level for name, inner in document.properties(place).items()]


def _list_place(document: Document, pointer: str | None, id_name: str) -> tuple[str, ...] | None:
    """Return where the items of a list stand in its answer: the array nearest to its root whose elements have an id."""
    for path, place in chain.from_iterable(answer_levels(document, pointer)):
        place, schema = document.resolve(place)
        if isinstance(schema.get("items"), dict) and id_name in document.properties(f"{place}/items"):
            return path
    return None
