"""What the extensions say of a resource, checked against the rest of the contract."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.spec.document import Document, escape
from contract_tests.spec.field import Field, path_of
from contract_tests.spec.operation import Operation
from contract_tests.spec.resource import Resource, ServerField


@dataclass(frozen=True)
class Constraint:
    """A rule across fields, which an item must satisfy after an update."""

    title: str
    pointer: str
    document: Document = field(repr=False)

    def is_met(self, item: Mapping[str, Any]) -> bool:
        """Whether an item satisfies the rule; what is null counts as left out."""
        return self.document.validator(self.pointer).is_valid({n: v for n, v in item.items() if v is not None})

    @property
    def names(self) -> list[str]:
        """The fields that it speaks of."""
        return list(dict.fromkeys(name for name, _ in field_names(self.document, self.pointer) if name != "*"))


@dataclass(frozen=True)
class Untried:
    """A clause of the contract that the suite cannot try, and why."""

    pointer: str = ""
    why: str = ""


def read_constraints(operation: Operation | None) -> tuple[Constraint, ...]:
    """Return the rules across fields of an update."""
    if operation is None or operation.body_pointer is None:
        return ()
    document = operation.document
    pointer, schema = document.resolve(operation.body_pointer)
    said = schema.get("x-constraints", [])
    if not isinstance(said, list) or not all(isinstance(rule, dict) for rule in said):
        raise document.error(f"{pointer}/x-constraints", "must be a list of JSON Schemas")
    titles = [str(rule.get("title", f"rule {index + 1}")) for index, rule in enumerate(said)]
    return tuple(Constraint(each, f"{pointer}/x-constraints/{index}", document) for index, each in enumerate(titles))


def check_constraints(document: Document, rules: Iterable[Constraint], pointers: Iterable[str | None]) -> None:
    """Refuse a rule across fields that names a field which is in no schema of the resource: it would say nothing."""
    places = [pointer for pointer in pointers if pointer is not None]
    known = {name for pointer in places for name, _ in field_names(document, pointer)}
    for rule in rules:
        for name, place in () if "*" in known else field_names(document, rule.pointer):
            if name not in known | {"*"}:
                raise document.error(place, f"{name!r} is no field of the resource, so the rule is void; name one")


def field_names(document: Document, pointer: str, seen: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Yield the fields that a schema of an object names, in its branches too, and where; a star where it takes others."""
    pointer, schema = document.resolve(pointer)
    if pointer in seen or not isinstance(schema, dict):
        return
    if "patternProperties" in schema or isinstance(schema.get("additionalProperties"), dict):
        yield "*", pointer
    yield from ((name, f"{pointer}/properties/{escape(name)}") for name in schema.get("properties", ()))
    yield from ((name, f"{pointer}/required/{index}") for index, name in enumerate(schema.get("required", ())))
    for one, others in schema.get("dependentRequired", {}).items():
        yield from ((name, f"{pointer}/dependentRequired/{escape(one)}") for name in (one, *others))
    branches = [word for word in ("if", "then", "else", "not") if word in schema]
    branches += [f"{word}/{i}" for word in ("allOf", "anyOf", "oneOf") for i in range(len(schema.get(word, ())))]
    branches += [f"dependentSchemas/{escape(name)}" for name in schema.get("dependentSchemas", ())]
    for branch in branches:
        yield from field_names(document, f"{pointer}/{branch}", seen | {pointer})


def read_server_fields(document: Document, resource: Resource) -> dict[str, ServerField]:
    """Return the fields of an item that the server sets."""
    places = document.properties(resource.item_pointer)
    found = {}
    for name, place in places.items():
        said = document.said(place)
        if said.get("readOnly") is not True:
            continue
        template = said.get("x-template")
        for inner in re.findall(r"{(.*?)}", template or ""):
            if inner not in places:
                raise document.error(f"{place}/x-template", f"names {inner!r}, which is no field of the item; name one")
        found[name] = ServerField(name, said.get("x-changes"), template, said, document.resolve(place)[0])
    return found


# The name of an item of a run looks like this.
RUN_NAME = "contract-test-0123abcd-1234"


def run_name_of(document: Document, fields: Mapping[str, Field]) -> str | None:
    """Return the field of a create in which the items of a run carry its name; None where no field can."""
    marked = [
        name
        for name, tried in fields.items()
        if True in (document.said(place).get("x-run-name") for place in (tried.place, tried.pointer))
    ]
    for name in marked:
        if "string" not in fields[name].types:
            raise document.error(fields[name].place, "x-run-name is for a string; mark a field that takes any text")
    if len(marked) > 1:
        raise document.error(fields[marked[1]].place, f"x-run-name marks {marked[0]} too; mark one field only")
    if marked and not _takes_names(document, fields[marked[0]]):
        problem = f"x-run-name is for a field that takes a name such as {RUN_NAME}; allow it, or mark another field"
        raise document.error(fields[marked[0]].place, problem)
    if marked:
        return marked[0]
    tried = fields.get("name")
    is_text = tried is not None and "string" in tried.types and tried.is_free and "enum" not in tried.schema
    return "name" if is_text and tried is not None and _takes_names(document, tried) else None


def _takes_names(document: Document, tried: Field) -> bool:
    return bool(document.validator(tried.pointer).is_valid(RUN_NAME))


def check_values_from(document: Document, fields: Mapping[str, Field], operations: Mapping[str, Operation]) -> None:
    """Refuse an operation that lists values and is not there, or whose answer does not hold what is said of it."""
    for tried in fields.values():
        if (source := tried.values_from) is None:
            continue
        where = f"{tried.place}/x-values-from"
        operation = operations.get(source.operation_id)
        if operation is None:
            raise document.error(where, f"names {source.operation_id!r}, and no operation is called so; name one")
        if operation.method != "GET" or operation.path_parameters:
            raise document.error(where, f"names {source.operation_id}, which is no GET without a path parameter")
        for path in (source.value, *source.given.values()):
            if not _leads_somewhere(document, operation.success_pointer, path):
                problem = f"the answer of {source.operation_id} has nothing at #/{'/'.join(path)}; correct the pointer"
                raise document.error(where, problem)
        for name in source.given:
            if name not in fields:
                raise document.error(where, f"given names {name!r}, which is no field of the body; name one that is")


def _leads_somewhere(document: Document, pointer: str | None, path: tuple[str, ...]) -> bool:
    """Whether the schema of an answer has something at a path, in itself or in a branch of a union."""
    if pointer is None:
        return False
    pointer, schema = document.resolve(pointer)
    if not path:
        return True
    for word in ("anyOf", "oneOf", "allOf"):
        for index in range(len(schema.get(word, ()))):
            if _leads_somewhere(document, f"{pointer}/{word}/{index}", path):
                return True
    if path[0] == "*":
        return isinstance(schema.get("items"), dict) and _leads_somewhere(document, f"{pointer}/items", path[1:])
    return _leads_somewhere(document, document.properties(pointer).get(path[0]), path[1:])


def error_code_place(operation: Operation, status: int) -> tuple[str, ...] | None:
    """Return where an answer says its code: at the property marked x-error-code, else at the one called code."""
    pointer = operation.answer_pointer(status)
    if pointer is None:
        return None
    places = list(named_properties(operation.document, pointer, (), set()))
    marked = [path for path, schema in places if schema.get("x-error-code") is True]
    named = [path for path, _ in places if path[-1] == "code"]
    return next(iter(marked or named), None)


def check_error_code(operation: Operation, status: int) -> None:
    """Refuse the code of a status that no property of the answer holds: no test would look at it."""
    document, pointer = operation.document, operation.response_pointer(status)
    if pointer and "x-error-code" in document.at(pointer) and error_code_place(operation, status) is None:
        problem = "no property of the answer is called code; write x-error-code: true at the one that holds it"
        raise document.error(f"{pointer}/x-error-code", f"{problem}, outside of anyOf and oneOf")


def error_fields_place(operation: Operation, status: int) -> tuple[str, ...] | None:
    """Return where an answer names the fields at fault; None where the contract does not say."""
    document, pointer = operation.document, operation.response_pointer(status)
    if pointer is None:
        return None
    schema = operation.answer_pointer(status)
    said = document.at(pointer).get("x-error-fields")
    if said is None and schema is not None:
        pointer = schema
        said = document.resolve(schema)[1].get("x-error-fields")
    if said is None:
        return None
    where = f"{pointer}/x-error-fields"
    if not isinstance(said, str) or not path_of(said):
        raise document.error(where, "must be a JSON pointer, such as '#/errors/*/field'")
    if not _leads_somewhere(document, schema, path_of(said)):
        raise document.error(where, f"the schema of the answer has nothing at {said}; correct the pointer")
    return path_of(said)


def named_properties(
    document: Document, pointer: str, path: tuple[str, ...], seen: set[str]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the properties of an answer at any depth, the outer ones first; a star stands for the elements of an array."""
    pointer, schema = document.resolve(pointer)
    if pointer in seen:
        return
    places = document.properties(pointer)
    for name, place in places.items():
        yield (*path, name), document.said(place)
    for name, place in places.items():
        yield from named_properties(document, place, (*path, name), seen | {pointer})
    if isinstance(schema, dict) and isinstance(schema.get("items"), dict):
        yield from named_properties(document, f"{pointer}/items", (*path, "*"), seen | {pointer})
