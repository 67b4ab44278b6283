"""The fields that the server sets: ids, times, counters, and what is made of other fields."""

import re
from collections.abc import Callable
from random import Random, SystemRandom
from typing import Any, NamedTuple

from .contract import Contract, Schema
from .layout import Layout
from .made import made, text_by
from .store import Item

PLACEHOLDER = re.compile(r"\{(\w+)\}")


class ServerField(NamedTuple):
    """A field that the server sets."""

    kind: str  # id, created_at, updated_at, version, template or constant
    value: Callable[[Item], Any]  # returns what an answer shows of it


def server_fields(contract: Contract, layout: Layout) -> dict[str, ServerField]:
    """List the server's fields of a resource by their names, those that are made of others last."""
    properties, required = contract.properties(layout.item), contract.required(layout.item)
    bodies = {name for each in layout.operations.values() for name in contract.properties(each.body)}
    found: dict[str, ServerField] = {}
    templates: dict[str, str] = {}
    for name, schema in properties.items():
        is_unsendable = name not in bodies and name in required and not contract.may_be_null(schema)
        template = contract.said(schema, "x-template")
        if template is not None:
            templates[name] = template
        elif name == layout.id_name:
            is_number = "integer" in contract.types(schema)
            found[name] = ServerField("id", (lambda item: int(item.id)) if is_number else lambda item: item.id)
        elif contract.said(schema, "readOnly") or is_unsendable:
            found[name] = _server_field(contract, name, schema)
    return found | {name: ServerField("template", _template(text, found)) for name, text in templates.items()}


def id_maker(contract: Contract, layout: Layout) -> Callable[[int], str]:
    """Return what makes the id of the item with this number: the number itself, or a text, as the schema says."""
    schema = contract.properties(layout.item).get(layout.id_name, {})
    least = max(contract.said(schema, "minimum") or 1, 1)
    if "integer" in contract.types(schema):
        return lambda number: str(least + number - 1)
    return lambda number: text_by(contract, schema, SystemRandom())


def _server_field(contract: Contract, name: str, schema: Schema) -> ServerField:
    changes, may_be_null = contract.said(schema, "x-changes"), contract.may_be_null(schema)
    is_time = contract.said(schema, "format") == "date-time"
    if changes == "on-update" and is_time:
        return ServerField("updated_at", lambda item: item.updated_at or (None if may_be_null else item.created_at))
    if changes == "on-update" and "string" in contract.types(schema):
        return ServerField("version", _changing_text(contract, schema))
    if changes == "on-update":
        least = max(int(contract.said(schema, "minimum") or 0), 0)
        return ServerField("version", lambda item: least + item.version)
    if is_time and (changes == "never" or not may_be_null):
        return ServerField("created_at", lambda item: item.created_at)
    constant = None if may_be_null and changes is None else made(contract, schema)
    return ServerField("constant", lambda item: item.constants.get(name, constant))


def _changing_text(contract: Contract, schema: Schema) -> Callable[[Item], str]:
    """Return what shows another text of *schema* with each change of an item, and the same until then."""
    is_valid = contract.validator(schema).is_valid

    def value(item: Item) -> str:
        seed = f"{item.id}-{item.version}"
        return seed if is_valid(seed) else text_by(contract, schema, Random(seed))

    return value


def _template(text: str, known: dict[str, ServerField]) -> Callable[[Item], str]:
    def part(item: Item, name: str) -> Any:
        return known[name].value(item) if name in known else item.fields.get(name, "")

    before, *names = PLACEHOLDER.split(text)
    if len(names) == 2 and names[0] in known and known[names[0]].kind == "id":
        after = names[1]
        return lambda item: f"{before}{item.id}{after}"  # the common case, in a fraction of the time
    return lambda item: PLACEHOLDER.sub(lambda found: str(part(item, found[1])), text)
