"""Faults of atomicity: what a refused request leaves behind."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from typing import Any
from unittest.mock import patch

from contract_tests.spec.field import Field

from .. import seams
from ..fault import Planted, fault
from ..scene import LIMITS, Body, NoPlace, Scene, first, needed
from ..seams import CREATE, Api, Apply, Decode, Fields, Item, by, maker

ATOMIC = "atomic"


def _invalid(scene: Scene, fields: Iterable[Field]) -> Iterator[tuple[Field, Any]]:
    for tried in fields:
        with suppress(NoPlace):
            yield tried, scene.bad(tried)


def _part_wrong(scene: Scene) -> Body:
    """Return an update of some valid fields around one that is wrong."""
    valid = scene.change()
    tried, bad = first((f, value) for f, value in _invalid(scene, scene.free[::-1]) if f.name in valid)
    parts = needed([(name, value) for name, value in valid.items() if name != tried.name])
    return dict([*parts[:1], (tried.name, bad), *parts[1:]])


def _is_valid(scene: Scene, name: str, value: Any) -> bool:
    return name in scene.fields and scene.contract.accepts_value(scene.fields[name], value)


@maker(seams.before_refusal)
def _salvaging(api: Api, salvage: Callable[[Fields], Fields], item: Item, body: Fields) -> None:
    """Store what *salvage* returns of the body of a refused update."""
    seams.write_fields(api, item, api.resource.store.merge(item.fields, salvage(body)))


@fault("atomicity", ATOMIC)
def valid_part_of_a_refused_update_stored(scene: Scene) -> Planted:
    """Refuses an update and stores those of its fields that are valid."""
    valid = lambda body: {n: v for n, v in body.items() if _is_valid(scene, n, v)}
    return Planted(_salvaging(valid), scene.shows(_part_wrong(scene)))


@fault("atomicity", ATOMIC)
def fields_before_the_wrong_one_stored(scene: Scene) -> Planted:
    """Checks and stores one field after the other, so that those before the wrong one are stored."""
    before = lambda body: dict(takewhile(lambda member: _is_valid(scene, *member), body.items()))
    return Planted(_salvaging(before), scene.shows(_part_wrong(scene)))


@fault("atomicity", ATOMIC)
def nulls_of_a_refused_update_carried_out(scene: Scene) -> Planted:
    """Clears what is null before it checks the values."""
    nulls = lambda body: {n: v for n, v in body.items() if v is None and _is_valid(scene, n, v)}
    pairs = ((cleared, *wrong) for cleared in scene.clearing for wrong in _invalid(scene, scene.free))
    cleared, wrong, bad = first(pair for pair in pairs if pair[0] != pair[1])
    return Planted(_salvaging(nulls), scene.shows({cleared.name: None, wrong.name: bad}))


@fault("atomicity", ATOMIC)
def refused_update_counts_as_a_change(scene: Scene) -> Planted:
    """Moves the time, or the version, of the last change for an update that it refuses."""
    needed([field for field in scene.contract.server_fields.values() if field.changes == "on-update"])
    apply = by(seams.before_refusal)(lambda api, item, body: seams.move(api, item))
    return Planted(apply, scene.shows(_part_wrong(scene)))


def _without_the_wrong(scene: Scene, sent: Fields) -> Fields:
    return {n: v for n, v in sent.items() if _is_valid(scene, n, v) or n not in scene.fields}


@fault("atomicity")
def wrong_fields_dropped(scene: Scene) -> Planted:
    """Drops the fields that are not valid and accepts the rest."""
    body = _part_wrong(scene)
    needed(not any(scene.fields[name].is_required for name in body))
    apply = lambda api: seams.read_role_as(api, seams.UPDATE, lambda sent: _without_the_wrong(scene, sent) or sent)
    return Planted(apply, scene.shows(body), scene.contract.operation("update").pointer)


@fault("atomicity")
def wrong_field_beside_a_stored_one_dropped(scene: Scene) -> Planted:
    """Drops the fields that are not valid where another comes as it is stored."""
    wrong, bad = first(_invalid(scene, (tried for tried in scene.free if not tried.is_required)))
    stored = needed({n: v for n, v in scene.item.items() if n in scene.fields and n != wrong.name})

    @by(seams.read_update_as)
    def apply(api: Api, item: Item, sent: Fields) -> Fields:
        is_met = any(value is not None and item.fields.get(name) == value for name, value in sent.items())
        return _without_the_wrong(scene, sent) if is_met else sent

    return Planted(apply, (scene.update({**stored, wrong.name: bad}),), scene.contract.operation("update").pointer)


@fault("atomicity", ATOMIC)
def refused_value_stored(scene: Scene) -> Planted:
    """Validates numbers after the write: refuses a number, and stores it."""
    names = {tried.name for tried in scene.numbers}
    numbers = lambda body: {n: v for n, v in body.items() if n in names and seams.is_number(v)}
    return Planted(_salvaging(numbers), scene.tries(*first(_beyond_limits(scene))))


def _beyond_limits(scene: Scene) -> Iterator[tuple[Field, Any]]:
    for tried in scene.numbers:
        for guess in [tried.schema[word] + step for word in LIMITS if word in tried.schema for step in (-1, 1)]:
            if not scene.contract.accepts_value(tried, guess):
                yield tried, guess


def _checked_late(role: str) -> Apply:
    """Check listed values, and rules across fields, after an item is stored."""

    @by(seams.wrap, f"resource.store.{role}")
    def apply(api: Api, right: Callable[..., Item], *told: Any) -> Item:
        store = api.resource.store
        with patch.object(store, "check", lambda fields, sent: None):
            item = right(*told)
        store.check(item.fields, told[-1])
        return item

    return apply


@fault("atomicity", ATOMIC)
def update_stored_before_its_rules_are_checked(scene: Scene) -> Planted:
    """Checks listed values, and rules across fields, after the update is stored."""
    unlisted = first(scene.listed)
    needed(unlisted.name in scene.item)
    body = {unlisted.name: scene.values.unknown(unlisted.name), **scene.change(*scene.free[:1])}
    return Planted(_checked_late("update"), scene.shows(body))


@fault("atomicity", "strict_json")
def fields_beside_a_doubled_name_dropped(scene: Scene) -> Planted:
    """Keeps of a body that names a field twice that field alone."""
    needed(not scene.is_put)
    body = scene.change()
    (name, value), *rest = body.items()
    needed(rest)

    @by(seams.wrap, "bodies.decode")
    def apply(api: Api, right: Decode, raw: bytes) -> Any:
        read = right(raw)
        names = [n for n, _ in json.loads(raw, object_pairs_hook=list)] if isinstance(read, dict) else []
        doubled = {n: v for n, v in read.items() if names.count(n) > 1} if names else {}
        return doubled or read

    members = [f"{json.dumps(n)}: {json.dumps(v)}" for n, v in [(name, value), *body.items()]]
    witness = (scene.update(f"{{{', '.join(members)}}}"), scene.read())
    return Planted(apply, witness)


@fault("atomicity", ATOMIC, needs=("create",))
def refused_create_takes_its_name(scene: Scene) -> Planted:
    """Keeps the name of a new item that it refuses, and refuses the next one of that name."""
    name = needed(scene.contract.run_name)
    of_create = scene.contract.fields(CREATE)
    wrong, bad = first(_invalid(scene, (tried for tried in of_create.values() if tried.name != name)))

    @by(seams.wrap, "resource.rules.is_valid", memory=lambda api: [])
    def apply(api: Api, taken: list[Any], rule: Callable[[str, Any], bool], role: str, body: Any) -> bool:
        is_valid, said = rule(role, body), body.get(name) if role == CREATE and isinstance(body, dict) else None
        taken.extend([] if is_valid or said is None else [said])
        return is_valid and (said is None or said not in taken)

    return Planted(apply, (scene.create({**scene.item, wrong.name: bad}), scene.create(scene.item)))


@fault("atomicity", ATOMIC, needs=("create", "list"))
def refused_create_makes_an_item(scene: Scene) -> Planted:
    """Stores a new item before listed values, and rules across fields, are checked, and leaves it there."""
    unlisted = first(tried for tried in scene.contract.fields("create").values() if not tried.is_free)
    body = {**scene.item, unlisted.name: scene.values.unknown(unlisted.name)}
    return Planted(_checked_late(CREATE), (scene.create(body), scene.list()))
