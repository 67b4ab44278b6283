"""Faults of arrays, objects, deep nesting, and values that are false in a condition."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Apply, Fault, OnField, Planted, fault, generator
from ..scene import Scene, needed
from ..seams import Api, Fields, Item, by
from ..usual import failed

DEPTH = 150
DEEPEST = 64
INNER = "inner value"

# A time that is not a whole second.
SHOWN_TIME = "2025-01-24T10:00:00.123Z"


@generator
def faults_of_structures(scene: Scene) -> Iterator[Fault]:
    """Yield what is stored otherwise: of arrays, of objects, and of what is false in a condition."""
    needed(scene.contract.has(*CRUD) and scene.contract.promises_that("read_your_writes"))
    for tried in scene.free:
        on = OnField(scene, tried, "fidelity", scene.clause(tried, "type"))
        if "array" in tried.types:
            yield from _of_array(replace(on, concerns=lambda value: isinstance(value, list)))
        if "object" in tried.types:
            yield from _of_object(replace(on, concerns=lambda value: isinstance(value, dict)))
        yield from _of_false(on)
        if tried.schema.get("format") == "date-time":
            cut = replace(on, concerns=lambda value: isinstance(value, str))
            summary = f"Stores {tried.name} to the second."
            yield from cut.stored("cut_to_seconds", summary, lambda v: re.sub(r"\.\d+", "", v), SHOWN_TIME)
    for tried in scene.fields.values():
        if tried.clears_on_empty:
            on = OnField(scene, tried, "null", scene.clause(tried, "x-on-empty"))
            summary = f"Stores {tried.name} only where it is true in a condition, not an empty text."
            yield from on.planted("left_by_an_empty_text", summary, _stored_where_true(tried.name), "")


def _of_array(on: OnField) -> Iterator[Fault]:
    name, good = on.tried.name, on.scene.good(on.tried)
    for order, put in {"reversed": lambda value: value[::-1], "sorted": lambda value: sorted(value, key=repr)}.items():
        yield from on.stored(f"{order}_in_store", f"Stores the items of {name} {order}.", put, *good)
    summary = f"Stores {name} without its last item, where there are several."
    yield from on.stored("loses_its_last_item", summary, lambda value: value[:-1] or value, *good)


def _of_object(on: OnField) -> Iterator[Fault]:
    tried, good = on.tried, [value for value in on.scene.good(on.tried) if isinstance(value, dict)]
    summary = f"Stores {tried.name} without its last property, where there are several."
    yield from on.stored("loses_its_last_property", summary, lambda value: dict([*value.items()][:-1]) or value, *good)

    @by(seams.change_update)
    def merging(api: Api, item: Item, changes: Fields) -> Fields:
        old, new = item.fields.get(tried.name), changes.get(tried.name)
        return {**changes, tried.name: {**old, **new}} if isinstance(old, dict) and isinstance(new, dict) else changes

    # Nobody says whether a PATCH merges an object or replaces it.
    pairs = ((a, b) for a in good for b in good if a.keys() - b.keys() and on.scene.is_put)
    pair = next(pairs, ())
    summary = f"Merges {tried.name} with what is stored, which a PUT replaces whole."
    yield from on.planted("merged_with_the_stored", summary, merging, *pair)


def _of_false(on: OnField) -> Iterator[Fault]:
    """Leave the old value where the new one is false, 0 or an empty array."""
    tried, scene = on.tried, on.scene
    guesses: list[Any] = [False] if "boolean" in tried.types else []
    false = [value for value in (*guesses, 0, []) if scene.contract.accepts_value(tried, value)][:1]
    other = [value for value in scene.good(tried) if value][:1]
    if false and other and not scene.is_put:
        summary = f"Stores {tried.name} only where it is true in a condition, not false, 0 or an empty array."
        yield from on.planted("left_where_it_is_false", summary, _stored_where_true(tried.name), *other, *false)


def _stored_where_true(name: str) -> Apply:
    kept = lambda fields: {n: v for n, v in fields.items() if n != name or v is None or v}
    return lambda api: seams.store_update_as(api, kept)


@fault("types", each=lambda scene: (*scene.enums, *(f for f in scene.free if "array" not in f.types))[:1])
def of_a_list_unwrapped(scene: Scene, tried: Field) -> Planted:
    """Takes a list of one value for the value, in {field} and in others."""
    names = {f.name for f in scene.free if "array" not in f.types}

    @by(seams.read_as)
    def apply(api: Api, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {n: v[0] if isinstance(v, list) and len(v) == 1 and n in names else v for n, v in body.items()}

    return Planted(apply, scene.tries(tried, [scene.other(tried)]), scene.clause(tried, "type"))


@fault("size", each=lambda scene: scene.texts[:1])
def deep_nesting_answered_500(scene: Scene, tried: Field) -> Planted:
    """Fails on values that are nested more than 64 deep, such as in {field}."""
    return _deep(scene, tried, lambda body: failed() if _is_deep(body) else body)


@fault("size", each=lambda scene: [f for f in scene.texts if not f.is_required][:1])
def deep_nesting_dropped(scene: Scene, tried: Field) -> Planted:
    """Drops values that are nested more than 64 deep, such as in {field}, and accepts the rest."""
    needed(scene.contract.accepts("update", {}))
    shallow = lambda body: {n: v for n, v in body.items() if not _is_deep(v)} if isinstance(body, dict) else body
    return _deep(scene, tried, shallow)


def _deep(scene: Scene, tried: Field, read: Callable[[Any], Any]) -> Planted:
    deep = '{"a":' * DEPTH + "1" + "}" * DEPTH
    body = json.dumps(scene.lawful({tried.name: INNER})).replace(json.dumps(INNER), deep)
    witness = (scene.update(body), scene.read())
    return Planted(lambda api: seams.read_as(api, read), witness, scene.clause(tried, "type"))


def _is_deep(value: Any, most: int = DEEPEST) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_is_deep(each, most - 1) for each in inner)
