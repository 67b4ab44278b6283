"""What the README of a client shows: calls of one resource, with the examples of the contract as Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty

from codegen.client_types import Argument, Types, python_name
from codegen.contract_file import body_example
from codegen.resource_classes import Call, ResourceClass
from codegen.resource_layout import snake_case

# Longer calls of the README stand on several lines.
WIDEST_EXAMPLE = 80

PARSERS: dict[type, str] = {
    DateProperty: "datetime.date.fromisoformat",
    DateTimeProperty: "datetime.datetime.fromisoformat",
    UuidProperty: "UUID",
}


@dataclass(frozen=True)
class Shown:
    """What the README shows."""

    resource: ResourceClass
    calls: dict[str, Call]
    """By name."""
    arguments: dict[str, str]
    """By the name of a call, its body's example as Python."""
    item: str
    """What an example calls an item."""
    id_name: str
    """The attribute of an item that holds its id."""
    clearable: str
    """A field that None clears; empty where there is none."""
    enum: tuple[str, str, str]
    """A field of an update with an enum: its name, the enum and one of its members; empty where there is none."""
    limit: tuple[str, str]
    """A field of an update with a maximum, and a value beyond it; empty where there is none."""
    imports: list[str]

    def has(self, *names: str) -> bool:
        """Whether the resource has some methods."""
        return all(name in self.calls for name in names)


def shown_in_readme(types: Types, resources: Sequence[ResourceClass], package: str, client: str) -> Shown | None:
    """Return what the README shows: the resource that can do most; None where no item can be made and read."""
    able = [each for each in resources if {"create", "get"} <= {call.name for call in each.calls}]
    resource = max(able, key=lambda each: len(each.calls), default=None)
    if resource is None:
        return None
    calls = {call.name: call for call in resource.calls}
    create, get, update = calls["create"], calls["get"], calls.get("update")
    if create.path_arguments or len(get.path_arguments) != 1 or not create.body_model:
        return None
    examples = {name: _example(types, call) for name, call in calls.items() if call.body_model}
    if not examples["create"] and any(each.is_required for each in create.body):
        return None
    changed = update.body if update is not None and update.is_patch else []
    enum = next(_enums(types, changed), ("", "", ""))
    numbers = (each for each in changed if each.maximum is not None and each.type.startswith(("float", "int")))
    limit = next(((each.name, repr((each.maximum or 0) * 2)) for each in numbers), ("", ""))
    item = snake_case(create.result)
    parameter = get.spelling.operation.path_parameters[-1]
    names = {python_name(prop) for prop in types.properties(create.result).values()}
    likely = ("id", snake_case(parameter), f"{item}_id", f"{snake_case(parameter)}_id", "uuid", "key", "name")
    return Shown(
        resource,
        calls,
        examples,
        item,
        id_name=next((name for name in likely if name in names), "id"),
        clearable=next((each.name for each in changed if "None clears" in each.description), ""),
        enum=enum,
        limit=limit,
        imports=_imports(types, "\n".join(examples.values()), enum[1], package, client),
    )


def _enums(types: Types, fields: Sequence[Argument]) -> Iterator[tuple[str, str, str]]:
    for each in fields:
        kind = each.type.partition(" | ")[0]
        if kind in types.enums:
            yield each.name, kind, list(types.enums[kind].values)[-1]


def _imports(types: Types, source: str, enum: str, package: str, client: str) -> list[str]:
    used = sorted({name for name in re.findall(r"\b[A-Z]\w+", source) if name in types.models} | ({enum} - {""}))
    library = ["import datetime"] if "datetime." in source else []
    library += ["from uuid import UUID"] if "UUID(" in source else []
    own = [f"from {package} import {client}"]
    own += [f"from {package}.models import {', '.join(used)}"] if used else []
    return [*library, *([""] if library else []), *own]


def _example(types: Types, call: Call) -> str:
    """Return the example of a body as the arguments that make it."""
    example, known = body_example(call.spelling.operation), types.properties(call.body_model)
    if not isinstance(example, dict):
        return ""
    given = [
        f"{python_name(known[wire])}={_as_python(types, known[wire], value)}"
        for wire, value in example.items()
        if wire in known
    ]
    line = ", ".join(given)
    return line if len(line) < WIDEST_EXAMPLE else "".join(f"\n    {each}," for each in given) + "\n"


def _as_python(types: Types, prop: PropertyProtocol, value: Any) -> str:
    """Return an example as the Python that makes it."""
    if isinstance(prop, UnionProperty):
        fitting = (inner for inner in prop.inner_properties if _fits(types, inner, value))
        return _as_python(types, next(fitting, prop.inner_properties[0]), value)
    if isinstance(prop, ListProperty) and isinstance(value, list):
        return f"[{', '.join(_as_python(types, prop.inner_property, item) for item in value)}]"
    if isinstance(prop, ModelProperty) and isinstance(value, dict) and (known := types.properties(prop)):
        given = {
            python_name(known[name]): _as_python(types, known[name], one)
            for name, one in value.items()
            if name in known
        }
        return f"{prop.class_info.name}({', '.join(f'{name}={one}' for name, one in given.items())})"
    maker = PARSERS.get(type(prop)) if isinstance(value, str) else None
    return f"{maker}({_literal(value)})" if maker else _literal(value)


def _fits(types: Types, prop: PropertyProtocol, value: Any) -> bool:
    """Whether an example can be of a type, as far as it takes to choose one of a union."""
    if not isinstance(prop, ModelProperty):
        return not isinstance(value, dict)
    return isinstance(value, dict) and all(
        name in value and (not isinstance(each, ConstProperty) or each.value.raw_value == value[name])
        for name, each in types.properties(prop).items()
        if each.required
    )


def _literal(value: Any) -> str:
    """Return JSON as Python, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(one)}" for name, one in value.items()) + "}"
    return f"[{', '.join(map(_literal, value))}]" if isinstance(value, list) else repr(value)
