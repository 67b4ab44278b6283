"""What tests choose from a contract: fields by what can be done with them, operations and paths."""

from collections.abc import Iterable
from typing import Any

from contract_tests.checks.readings import Reader
from contract_tests.generation.boundaries import Boundary, boundaries, good_values
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.spec.operation import Operation
from contract_tests.spec.resource import Role
from contract_tests.spec.security import security_of

# What a text field must take, so that only the JSON around it is wrong.
WORDS = "contract test"
# The keywords that forbid what a schema does not name.
CLOSING = ("additionalProperties", "unevaluatedProperties")
# With any of these a text is not any text.
TEXT_LIMITS = frozenset({"enum", "const", "maxLength", "pattern", "format"})


# -- Fields -----------------------------------------------------------------------------------------------------------


def free_fields(contract: Contract) -> list[Field]:
    """Return the fields of the update whose values the schema alone decides."""
    return [tried for tried in contract.fields("update").values() if tried.is_free and good_values(contract, tried)]


def shown_fields(contract: Contract) -> list[Field]:
    """Return the free fields that an item shows."""
    return [tried for tried in free_fields(contract) if not tried.is_write_only]


def changeable_fields(contract: Contract) -> list[Field]:
    """Return the free fields that can be given another value, and show it."""
    return [tried for tried in shown_fields(contract) if len(good_values(contract, tried)) > 1]


def nullable_fields(contract: Contract) -> list[Field]:
    """Return the fields of the update that take null."""
    return [tried for tried in contract.fields("update").values() if tried.is_nullable]


def clearing_fields(contract: Contract) -> list[Field]:
    """Return the free fields that null clears."""
    return [tried for tried in free_fields(contract) if tried.clears_on_null]


def further_names(contract: Contract, role: Role) -> list[str]:
    """Return what no field of a body is called, where its schema forbids further properties: a made-up name, then the item's."""
    errors = contract.document.validator(contract.operation(role).body_pointer or "", "readOnly").iter_errors
    names = ("no_such_field", *sorted(contract.item_fields))
    return [name for name in names if any(each.schema_path[-1] in CLOSING for each in errors({name: 1}))]


def text_fields(contract: Contract, text: str = WORDS) -> list[Field]:
    """Return the fields that take a text as it is, and show it."""
    texts = [tried for tried in shown_fields(contract) if "string" in tried.types and "enum" not in tried.schema]
    return [tried for tried in texts if contract.accepts_value(tried, text)]


def is_unlimited(tried: Field) -> bool:
    """Whether a field takes any text of any length."""
    return tried.json_type == "string" and not TEXT_LIMITS & tried.schema.keys()


def fields_with_faults(contract: Contract) -> list[Field]:
    """Return the fields of the update that a value can break."""
    return [tried for tried in contract.fields("update").values() if faults_of(contract, tried)]


def faults_of(contract: Contract, tried: Field) -> list[Boundary]:
    """Return the values on trial that a field refuses."""
    return [value for value in boundaries(contract, tried) if not value.accepted]


def by_field(values: Iterable[Boundary]) -> dict[str, list[Boundary]]:
    """Group values on trial by their field."""
    found: dict[str, list[Boundary]] = {}
    for value in values:
        found.setdefault(value.field.name, []).append(value)
    return found


def is_whole(contract: Contract) -> bool:
    """Whether an update is sent whole: with every field that the item has."""
    return contract.operation("update").method == "PUT"


def listed_fields(contract: Contract, role: Role = "update") -> dict[str, Field]:
    """Return the fields of a body whose values another operation lists."""
    return {name: tried for name, tried in contract.fields(role).items() if not tried.is_free}


def given_fields(contract: Contract, role: Role = "update") -> list[tuple[str, str]]:
    """Return the listed fields whose values must go with another listed field, and that field."""
    listed = listed_fields(contract, role)
    return [(name, other) for name, tried in listed.items() for other in given_of(tried) if other in listed]


def given_of(tried: Field) -> tuple[str, ...]:
    """Return the fields that the values of a listed field must go with."""
    return tuple(tried.values_from.given) if tried.values_from is not None else ()


def listed_rule(contract: Contract, name: str, role: Role = "update") -> tuple[str, str]:
    """Return what the contract says of a listed field, in a sentence, and where."""
    tried = contract.fields(role)[name]
    assert tried.values_from is not None, "a listed field says where its values come from"
    beside = f" for its {' and '.join(given_of(tried))}" if given_of(tried) else ""
    own = contract.at(tried.pointer)
    place = tried.pointer if isinstance(own, dict) and "x-values-from" in own else tried.place
    return f"{name} is one of the values that {tried.values_from.operation_id} lists{beside}", f"{place}/x-values-from"


def required_fields(contract: Contract) -> list[Field]:
    """Return the fields that every new item needs."""
    return [tried for tried in contract.fields("create").values() if tried.is_required]


def optional_fields(contract: Contract) -> list[Field]:
    """Return the fields that a create may leave out, but for that which carries the name of the run."""
    fields = contract.fields("create").values()
    return [tried for tried in fields if not tried.is_required and tried.name != contract.run_name]


def birth_time(contract: Contract) -> str | None:
    """Return the time that says when an item was created: the one that the server sets once, if it is one."""
    births = Reader(contract).birth_times
    return births[0] if len(births) == 1 else None


# -- Operations and paths ---------------------------------------------------------------------------------------------


def named_methods(contract: Contract, path: str) -> set[str]:
    """Return the methods that the contract names for a path."""
    return {operation.method for operation in contract.operations.values() if operation.path == path}


def is_guarded(contract: Contract, name: str) -> bool:
    """Whether an operation takes a key, and says what it answers without the right one."""
    operation = contract.operation(name)
    ways = security_of(operation)
    return bool(ways) and {} not in ways and operation.names(401)


def guarded_operations(contract: Contract) -> list[str]:
    """Return the operations that need a key, and that a request can be made for: by role or operationId."""
    called = [each for each in contract.operations.values() if not contract.why_uncalled(each)]
    roles = {contract.role(each.operation_id): each.method for each in called}
    own = contract.resource.operations
    return [role for role, method in roles.items() if (role in own or method == "GET") and is_guarded(contract, role)]


def literal_paths(contract: Contract) -> list[Operation]:
    """Return the reads whose path has the form of an item's, and names none."""
    every = contract.operations.values()
    return [each for each in every if each.method == "GET" and has_form_of(each.path, contract.resource.item_path)]


def has_form_of(path: str, item_path: str) -> bool:
    """Whether a path without parameters has the form of an item's."""
    parts, wanted = path.split("/"), item_path.split("/")
    fits = len(parts) == len(wanted) and all(a == b or b[:1] == "{" for a, b in zip(parts, wanted, strict=True))
    return fits and "{" not in path


def id_schema(contract: Contract) -> dict[str, Any]:
    """Return the schema of an id as an item shows it."""
    place = contract.document.properties(contract.resource.item_pointer).get(contract.resource.id_name)
    schema: dict[str, Any] = contract.document.resolve(place)[1] if place is not None else {"type": "string"}
    return schema
