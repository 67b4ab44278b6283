"""
A contract as the suite reads it: one resource, its operations, their fields, limits, answers and promises.

Everything that a test expects comes from here, so that a change of the contract is a change of one file.
The mock does not use this module: it reads the file by itself and so cannot share a mistake made here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from contract_tests.api_key import ApiKey
from contract_tests.spec import extensions
from contract_tests.spec.document import ContractError, Document, Schema, below, read_document
from contract_tests.spec.extensions import Constraint, Untried
from contract_tests.spec.field import JSON_TYPES, LIMITS, Field, only_branch, read_body_fields, read_query_fields
from contract_tests.spec.listing import Listing, read_listing
from contract_tests.spec.operation import Operation, read_operations
from contract_tests.spec.overlay import overlaid
from contract_tests.spec.promises import POINTER, PROMISES, read_promises
from contract_tests.spec.resource import ROLES, Resource, ServerField, find_schema, read_resources, unsent_parameters
from contract_tests.spec.security import SCHEMES, read_key, security_of
from contract_tests.spec.validation import check_openapi, validate

__all__ = ["JSON_TYPES", "LIMITS", "Contract", "ContractError", "Field", "Schema", "load_contract", "read_contract"]

ROOT = Path(__file__).parents[2]
CONTRACT_FILE = ROOT / "openapi.yaml"


@dataclass(frozen=True)
class Fault:
    """One place at which a value departs from the contract."""

    clause: str
    """The pointer to the keyword that the value breaks."""
    path: str
    """Where the value stands in the body, with slashes between; empty for the body itself."""
    message: str = field(repr=False)
    value: Any = field(default=None, repr=False)
    is_missing: bool = False
    """Whether the body lacks a field that it must have."""


@dataclass(frozen=True)
class Addition:
    """One field of an answer that the contract does not name."""

    place: str
    """The pointer at which the contract would name it."""
    name: str
    value: Any = field(repr=False)
    is_listed: bool
    """Whether it stands in an item of a list."""


@dataclass(frozen=True)
class Contract:
    """What a contract promises of one resource."""

    document: Document = field(repr=False)
    operations: dict[str, Operation] = field(repr=False)
    """Every operation of the file, by its operationId."""
    resource: Resource = field(repr=False)
    """The resource under contract."""

    @property
    def name(self) -> str:
        """How messages name the file."""
        return self.document.name

    # -- Operations and fields ----------------------------------------------------------------------------------------

    def operation(self, name: str) -> Operation:
        """Return one operation, by its role (create, read, update, remove, list) or its operationId; refuse another name."""
        found = self.resource.operations.get(name) or self.operations.get(name)  # type: ignore[call-overload]
        if found is None:
            raise ContractError(f"{self.name}: no operation has the role or operationId {name}; add it")
        return found

    def has(self, *names: str) -> bool:
        """Whether the contract has the operations of some roles."""
        return all(name in self.resource.operations or name in self.operations for name in names)

    def role(self, operation_id: str) -> str:
        """Return the role of an operation, or its operationId where it has none."""
        roles = self.resource.operations.items()
        return next((role for role, found in roles if found.operation_id == operation_id), operation_id)

    def fields(self, name: str) -> dict[str, Field]:
        """Return the fields of an operation's JSON body that a client sends, by name, in the order of the contract."""
        if name in ROLES and not self.has(name):
            return {}
        operation = self.operation(name)
        return self.document.once(("fields", operation.pointer), lambda: read_body_fields(operation))

    def query_fields(self, name: str) -> dict[str, Field]:
        """Return the query parameters of an operation, by name."""
        if name in ROLES and not self.has(name):
            return {}
        return read_query_fields(self.operation(name))

    def parameter_examples(self, name: str, parameter: str) -> list[Any]:
        """Return the example values of one query parameter, in the order of the contract."""
        node = self.at(self.operation(name).parameters["query", parameter])
        examples = [example["value"] for example in node.get("examples", {}).values() if "value" in example]
        return [*examples, *([node["example"]] if "example" in node else [])]

    @cached_property
    def run_name(self) -> str | None:
        """The field of a create in which a run's items carry its name; None where no field can."""
        return extensions.run_name_of(self.document, self.fields("create"))

    @cached_property
    def server_fields(self) -> dict[str, ServerField]:
        """The fields of an item that only the server sets."""
        return extensions.read_server_fields(self.document, self.resource)

    @cached_property
    def item_fields(self) -> frozenset[str]:
        """The fields of an item that the contract knows: those it answers and those it lets one change."""
        sent = {**self.fields("create"), **self.fields("update")}
        hidden = {name for name, tried in sent.items() if tried.is_write_only}
        return frozenset(self.document.properties(self.resource.item_pointer)) | (sent.keys() - hidden)

    @cached_property
    def listing(self) -> Listing:
        """What the parameters of the list do; nothing without a list."""
        operation = self.resource.operations.get("list")
        return Listing() if operation is None else read_listing(operation, set(self.item_fields))

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """The rules across fields, which an item must satisfy after each update."""
        return extensions.read_constraints(self.resource.operations.get("update"))

    @cached_property
    def key(self) -> ApiKey:
        """How a request carries its key."""
        return read_key(self.document, self.resource.operations.values())

    # -- Promises -----------------------------------------------------------------------------------------------------

    @cached_property
    def promises(self) -> dict[str, str]:
        """What no schema can say: the sentence that makes each promise, by its name."""
        return read_promises(self.document)

    def promises_that(self, name: str) -> bool:
        """Whether the contract makes a promise of the closed list."""
        assert name in PROMISES, name
        return name in self.promises

    def pointer_of_promise(self, name: str) -> str:
        """Return where a promise stands, or would stand."""
        return f"{POINTER}/{name}"

    @cached_property
    def untried(self) -> tuple[Untried, ...]:
        """What of the contract the suite cannot try, as far as reading it tells."""
        return tuple(self._untried())

    def _untried(self) -> Iterator[Untried]:
        for role, operation in self.resource.operations.items():
            if role in ("create", "update"):
                pointer = operation.body_pointer
                if pointer is None:
                    yield Untried(f"{operation.pointer}/requestBody", "the body is not JSON")
                elif not self.fields(role):
                    yield Untried(pointer, "the body names no properties")
        if self.resource.create.path_parameters:
            yield Untried(self.resource.create.pointer, "its path needs a parameter, which nothing gives")
        others = read_resources(self.document, self.operations).items()
        of = {each.pointer: name for name, other in others for each in other.operations.values()}
        for operation in self.operations.values():
            if why := self.why_uncalled(operation):
                name = of.get(operation.pointer)
                why = why if name is None else f"it is of another resource; RESOURCE={name} tries it"
                yield Untried(operation.pointer, f"{operation.operation_id} is not called: {why}")

    def why_uncalled(self, operation: Operation) -> str:
        """Return why no test calls an operation; empty for those of the resource, for reads, and for what replaces an item."""
        own, path = self.resource, operation.path
        if operation.pointer in (each.pointer for each in own.operations.values()):
            return ""
        ways = security_of(operation)
        if ways and not any(self._is_let_in(way) for way in ways):
            return f"it needs the key of {', '.join(ways[0])}, which the {own.name} do not"
        given = {own.id_parameter} if f"{path}/".startswith(f"{own.item_path}/") else set()
        if missing := [*(n for n in operation.path_parameters if n not in given), *unsent_parameters(operation)]:
            return f"it needs {', '.join(missing)}, which nothing gives"
        is_item = path == own.item_path
        if operation.method == "GET" or (is_item and operation.method == "PUT" and "update" in own.operations):
            return ""
        return "no link leads to it" if is_item else "it may do more than change an item of the run"

    def _is_let_in(self, way: dict[str, Any]) -> bool:
        places = (f"{SCHEMES}/{name}" for name in way)
        return all(self.document.has(at) and self.document.resolve(at)[0] == self.key.pointer for at in places)

    # -- What is valid ------------------------------------------------------------------------------------------------

    def accepts(self, name: str, body: object) -> bool:
        """
        Decide whether a body is valid for an operation, by the JSON Schema library; values that other operations list and
        rules across fields are no part of it.
        """
        pointer = self.operation(name).body_pointer
        return pointer is not None and self.document.validator(pointer, "readOnly").is_valid(body)

    def is_in_doubt(self, name: str, body: object) -> bool:
        """Whether nothing forbids a body but a format that nobody knows."""
        pointer = self.operation(name).body_pointer
        if pointer is None or self.accepts(name, body):
            return False
        return self.document.lenient_validator(pointer).is_valid(body)

    def accepts_value(self, value_of: Field, value: object) -> bool:
        """Decide whether a value is valid for one field, by the JSON Schema library; half a surrogate never is."""
        try:
            return self.document.validator(value_of.place, "readOnly").is_valid(value)
        except UnicodeEncodeError:
            return False

    def accepts_name(self, name: str) -> bool:
        """Decide whether a new item may carry a name of a run."""
        tried = self.fields("create").get(self.run_name or "")
        return tried is None or self.accepts_value(tried, name)

    def answer_faults(self, name: str, status: int, answer: object) -> list[Fault]:
        """List where an answer departs from the schema of its status; one that the contract does not name has no faults."""
        pointer = self.operation(name).answer_pointer(status)
        return [] if pointer is None else self._faults(pointer, answer, "writeOnly")

    def body_faults(self, name: str, body: object) -> list[Fault]:
        """List each broken keyword of each field of a body, by where it stands; none of a body that is no object."""
        pointer = self.operation(name).body_pointer
        if not isinstance(body, dict) or pointer is None:
            return []
        found = []
        for name_of, tried in self.fields(name).items():
            if name_of not in body:
                where = f"{self.document.resolve(pointer)[0]}/required"
                found += [Fault(where, name_of, "is required", is_missing=True)] if tried.is_required else []
            elif not self.accepts_value(tried, body[name_of]):
                faults = self._faults(tried.pointer, body[name_of]) or [Fault(tried.place, "", "is not valid")]
                types = [fault for fault in faults if fault.clause.endswith("/type")]
                found += [Fault(fault.clause, tried.name, fault.message, body[name_of]) for fault in types or faults]
        return found

    def _faults(self, pointer: str, value: object, optional: str = "readOnly") -> list[Fault]:
        return [
            Fault(below("#", *error.schema_path), "/".join(str(step) for step in error.instance_path), error.message)
            for error in self.document.validator(pointer, optional).iter_errors(value)
        ]

    def additions(self, name: str, status: int, answer: object) -> list[Addition]:
        """
        List the fields of an answer that the contract does not name, at any depth, of each object of which it names some;
        its schema has been checked.
        """
        return list(self._added(self.operation(name).answer_pointer(status), answer))

    def unnamed(self, name: str, body: object) -> list[Addition]:
        """List the fields of an operation's body that the contract does not name, at any depth: nothing is promised of them."""
        return list(self._added(self.operation(name).body_pointer, body))

    def _added(self, pointer: str | None, value: object, *, is_listed: bool = False) -> Iterator[Addition]:
        if pointer is None:
            return
        pointer, schema = self.document.resolve(pointer)
        while (branch := only_branch(self.document, pointer, schema)) is not None:
            pointer, schema = self.document.resolve(branch)
        if schema.keys() & {"anyOf", "oneOf"}:
            return  # which of them it is decides which fields are named
        places = self.document.properties(pointer)
        if isinstance(value, dict) and places:
            for name, item in value.items():
                if name not in places:
                    yield Addition(below(pointer, "properties", name), name, item, is_listed)
                elif isinstance(item, (dict, list)):
                    yield from self._added(places[name], item, is_listed=is_listed)
        if isinstance(value, list) and isinstance(schema.get("items"), dict):
            for item in value:
                yield from self._added(f"{pointer}/items", item, is_listed=True)

    # -- Clauses ------------------------------------------------------------------------------------------------------

    def clauses(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield where each limit, enum, type and null of the body of an operation stands, null at its field, and the field."""
        for name_of, tried in self.fields(name).items():
            words = [word for word in ("type", "enum", "const", *LIMITS) if word in tried.schema]
            yield from ((f"{tried.pointer}/{word}", name_of) for word in words)
            yield tried.place, name_of

    def field_of(self, clause: str, name: str = "") -> Field | None:
        """Return the field whose limits stand at the pointer that *clause* goes on from: the one of a name, or the first."""
        pointer = clause.rpartition("/")[0]
        fields = [tried for role in ("update", "create") for tried in self.fields(role).values()]
        here = [tried for tried in fields if tried.pointer == pointer]
        return next((tried for tried in here if tried.name == name), here[0] if here else None)

    def error_code(self, name: str, status: int) -> str | None:
        """Return the code that goes with a status, or None where the contract names none."""
        pointer = self.operation(name).response_pointer(status)
        code = None if pointer is None else self.at(pointer).get("x-error-code")
        return None if code is None else str(code)

    def error_code_at(self, name: str, status: int) -> tuple[str, ...] | None:
        """Return where an answer says its code."""
        return extensions.error_code_place(self.operation(name), status)

    def error_fields_at(self, name: str, status: int) -> tuple[str, ...] | None:
        """Return where an answer names the fields at fault."""
        return extensions.error_fields_place(self.operation(name), status)

    def item_at(self, name: str) -> tuple[str, ...]:
        """Return where the item stands in the success answer of an operation: where it stands in a create's, else at its root."""
        operation, path = self.operation(name), self.resource.item_at
        return path if find_schema(self.document, operation.success_pointer, path) is not None else ()

    def at(self, pointer: str) -> Any:
        """Return what stands at a JSON pointer, its reference not followed."""
        return self.document.at(pointer)

    def check(self) -> None:
        """Read everything that the suite reads, once, so that a mistake is refused before anything is sent."""
        for role in ("create", "update"):
            extensions.check_values_from(self.document, self.fields(role), self.operations)
        for operation in self.operations.values():
            operation.check_parameters()
            for status in (*operation.statuses, 499, 599):  # the last two are asked for 4XX, 5XX and default
                self.error_fields_at(operation.operation_id, status)
                extensions.check_error_code(operation, status)
        for tried in self.fields("update").values():
            if tried.name in self.server_fields and not tried.is_write_only:
                problem = "is readOnly in the item, so no update sets it; make it readOnly here too, or remove it"
                raise self.document.error(tried.place, problem)
            if "default" in {**tried.schema, **self.at(tried.place)}:
                problem = "a generated client would send it with every update; remove it"
                raise self.document.error(f"{tried.place}/default", problem)
        self._check_constraints_place()
        _ = self.promises, self.constraints, self.key, self.server_fields, self.listing, self.run_name

    def _check_constraints_place(self) -> None:
        """Look whether rules across fields stand where nothing reads them."""
        pointers = [self.operation(role).body_pointer for role in ("create", "update") if self.has(role)]
        places = [self.document.resolve(pointer)[0] for pointer in pointers if pointer is not None]
        if places[1:] and places[0] != places[1] and "x-constraints" in self.document.at(places[0]):
            problem = "is read from the body of the update, and holds for a create too; move it there"
            raise self.document.error(f"{places[0]}/x-constraints", problem)
        extensions.check_constraints(self.document, self.constraints, [*pointers, self.resource.item_pointer])


@cache
def load_contract(path: Path = CONTRACT_FILE, resource: str | None = None, overlay: Path | None = None) -> Contract:
    """
    Read and check an OpenAPI 3.1 document and what an Overlay adds to it; the first resource of the file if none is named.
    ContractError where a file cannot be read, the contract contradicts itself, or it has no such resource.
    """
    document = read_document(path)
    return read_contract(document if overlay is None else overlaid(document, overlay), resource)


def read_contract(document: Document, resource: str | None = None) -> Contract:
    """Check a document and read one resource of it, as `load_contract` does."""
    try:
        validate(document)
        operations = read_operations(document)
        check_openapi(document)
        resources = read_resources(document, operations)
        chosen = next(iter(resources)) if resource is None else resource
        if chosen not in resources:
            names = ", ".join(resources)
            raise ContractError(f"{document.name}: has no resource {chosen!r}; RESOURCE is one of {names}")
        contract = Contract(document, operations, resources[chosen])
        contract.check()
    except (AttributeError, KeyError, IndexError, RecursionError, StopIteration, TypeError, ValueError) as error:
        check_openapi(document)
        raise ContractError(f"{document.name} cannot be followed: {error!r}") from None
    return contract
