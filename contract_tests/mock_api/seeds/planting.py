"""Puts items into the stores at the start: those of a seed file, or those that the contract's examples and schemas give."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract import Contract
from ..documents import read_document
from ..errors import Detail, Refusal, StartError
from ..made import made
from ..resource import Resource
from ..rules import Fields
from ..store import MAX_ITEMS, Item, zoned_time
from .answers import made_answer

if TYPE_CHECKING:
    from ..app import Api

Seeds = dict[str, tuple[Path, Any]]
"""The items of each resource by its name, the answer of each further operation by its operationId; each with its file."""


def read_seeds(contract: Contract, file: Path | None, known: set[str]) -> Seeds:
    """Read the file that the contract names as `x-seeds`, and *file*, which goes before it; both name only what is *known*."""
    named = contract.document.get("x-seeds")
    found: Seeds = {}
    for each in [*([contract.file.parent / named] if named else []), *([file] if file else [])]:
        document = read_document(each)
        if not isinstance(document, dict):
            raise StartError(f"{each}: is no mapping; write a list of items under the name of their resource")
        if unknown := sorted(map(str, document.keys() - known)):
            raise StartError(f"{each}: {unknown[0]}: no resource or operation; write one of {', '.join(sorted(known))}")
        found |= {name: (each, said) for name, said in document.items()}
    return found


def plant(api: Api, contract: Contract, file: Path | None) -> None:
    """Fill the stores and the answers of *api* with what *file* and the contract give; refuse what the contract forbids."""
    seeds = read_seeds(contract, file, {*(resource.name for resource in api.resources), *api.further})
    for name, operation in api.further.items():
        api.answers[name] = seeds[name][1] if name in seeds else made_answer(contract, operation, api.resources)
    for resource in api.resources:
        if resource.name in seeds:
            _plant_items(resource, contract, *seeds[resource.name])
        else:
            _plant_made(resource, contract)
    for resource in api.resources:
        _check_choices(resource, seeds.get(resource.name, (contract.file,))[0])


def _plant_items(resource: Resource, contract: Contract, file: Path, seeds: Any) -> None:
    if not isinstance(seeds, list):
        raise StartError(f"{file}: {resource.name}: is no list of items; write one")
    if len(seeds) > MAX_ITEMS:
        raise StartError(f"{file}: {resource.name}: holds {len(seeds)} items; keep at most {MAX_ITEMS}")
    for position, seed in enumerate(seeds):
        place = f"{file}: {resource.name}: item {position + 1}"
        if not isinstance(seed, dict):
            raise StartError(f"{place}: is no object; write one with the fields of an item")
        _plant(resource, contract, place, seed)


def _plant_made(resource: Resource, contract: Contract) -> None:
    """Plant the example of the read, and an item made of the create's schema; what does not fit is left out."""
    read, create = resource.layout.operations.get("read"), resource.layout.operations["create"]
    example = contract.example(read.name, read.success) if read else None
    for part in resource.layout.item_at["read"] if read else ():
        example = (example or {}).get(part)
    second = contract.example(create.name) or made(contract, create.body) or {}
    for seed in (example, {**second, **_choice(resource)}):
        try:
            if isinstance(seed, dict):
                item = _plant(resource, contract, "", seed)
                resource.store.check(item.fields, item.fields)
        except Refusal:
            resource.store.remove(item.id)
        except StartError:
            continue


def _choice(resource: Resource) -> Fields:
    """Choose a value for each field whose values another operation lists, such that they go together."""
    chosen: Fields = {}
    for listed in resource.choices.listed.values():
        for value, *others in resource.choices.index(listed).rows[:1]:
            chosen |= {listed.name: value, **dict(zip(listed.given, others, strict=True))}
    return chosen


def _check_choices(resource: Resource, source: Path) -> None:
    for position, item in enumerate(resource.store.all()):
        try:
            resource.store.check(item.fields, item.fields)
        except Refusal as refusal:
            place = f"{source}: {resource.name}: item {position + 1}"
            raise StartError(_told(place, refusal.details, refusal.message)) from None


def _plant(resource: Resource, contract: Contract, place: str, seed: Fields) -> Item:
    rules, store = resource.rules, resource.store
    sent = _write_only(resource, contract) | {n: v for n, v in seed.items() if n not in resource.server_fields}
    faults = [each for role in ("create", "update") if role in rules.bodies for each in rules.faults(role, sent)]
    if faults:
        raise StartError(_told(place, faults, ""))
    named = {name: value for role in rules.fields for name, value in rules.named(role, sent).items()}
    fields = {name: value for name, value in {**rules.defaults, **named}.items() if value is not None}
    kinds = {name: field.kind for name, field in resource.server_fields.items() if name in seed}
    times = {kind: _time(place, seed, name) for name, kind in kinds.items() if kind in ("created_at", "updated_at")}
    item = Item(
        id=_id(resource, place, seed), fields=fields, created_at=times.get("created_at") or store.now(),
        updated_at=times.get("updated_at"), size=store.measure(fields),
        constants={name: seed[name] for name, kind in kinds.items() if kind == "constant"},
    )  # fmt: skip
    for name, kind in kinds.items():
        if kind == "version" and isinstance(seed[name], int):
            item = item._replace(version=1 + seed[name] - resource.server_fields[name].value(item))
    return store.write(item)


def _write_only(resource: Resource, contract: Contract) -> Fields:
    """Make values for the fields that a create requires and no answer shows."""
    fields = resource.rules.fields.get("create", {})
    wanted = contract.required(resource.layout.operations["create"].body) & fields.keys() & resource.hidden
    return {name: made(contract, fields[name]) for name in wanted}


def _told(place: str, faults: list[Detail], otherwise: str) -> str:
    told = "; ".join(f"{each['field']}: {each['description']}" for each in faults)
    return f"{place}: {told or otherwise} Correct it as the contract allows."


def _id(resource: Resource, place: str, seed: Fields) -> str:
    name, store = resource.layout.id_name, resource.store
    if name in seed and not resource.is_id(seed[name]):
        problem = f"{seed[name]!r} is not valid; write one that fits its schema, or leave it out"
        raise StartError(f"{place}: {name}: {problem}")
    item_id = str(seed[name]) if name in seed else store.new_id()
    if not item_id or "/" in item_id:
        raise StartError(f"{place}: {name}: {item_id!r} is no id; write one without a slash, or leave it out")
    if item_id in store.items or item_id in resource.reserved_ids:
        raise StartError(f"{place}: {name}: {item_id} is taken; write another, or leave it out")
    if item_id.isdecimal() and len(item_id) < 16:
        store.count = max(store.count, int(item_id))  # no later item gets a number that was in use
    return item_id


def _time(place: str, seed: Fields, name: str) -> datetime | None:
    text = seed.get(name)
    if text is None:
        return None
    if (time := zoned_time(text)) is None:
        raise StartError(f"{place}: {name}: {text!r} is no RFC 3339 time; write one such as 2025-01-24T10:00:00Z")
    return time.astimezone(UTC)
