"""Faults that take two conditions which are seldom met: an update taken for none, a check left out, a newcomer changed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from contract_tests.mock_api.app import Answer, Api, Request
from contract_tests.mock_api.errors import Refusal
from contract_tests.mock_api.rules import Fields
from contract_tests.mock_api.store import Item
from contract_tests.spec.field import Field

from .. import seams
from ..fault import Planted, fault, plain
from ..scene import Body, Scene, first, needed
from ..seams import Operation
from ..usual import others
from ..witness import Witness

TEXT, NUMBER, ALIKE = "exact_text", "exact_numbers", 255


def _ignored(tried: Field, is_alike: Callable[[Any, Any], bool]) -> Callable[[Api], None]:
    """Leave a value out of an update where it is like the stored one."""

    def change(item: Item, changes: Fields) -> Fields:
        old, new = item.fields.get(tried.name), changes.get(tried.name)
        is_same = old is not None and new is not None and is_alike(old, new)
        return {n: value for n, value in changes.items() if n != tried.name or not is_same}

    return lambda api: seams.change_update(api, change)


def _in_turn(scene: Scene, tried: Field, *values: Any) -> Planted | None:
    if not all(scene.contract.accepts_value(tried, value) for value in values):
        return None
    is_text = isinstance(values[0], str)
    alike = (
        (lambda old, new: str(old).casefold() == str(new).casefold())
        if is_text
        else partial(math.isclose, rel_tol=1e-3)
    )
    witness = (*(scene.update({tried.name: value}) for value in values), scene.read())
    return Planted(_ignored(tried, alike), witness)


@fault("persistence", TEXT, each=lambda scene: scene.texts)
def change_of_case_ignored(scene: Scene, tried: Field) -> Planted | None:
    """Stores {field} only where it differs in more than case."""
    return _in_turn(scene, tried, "ask twice", "Ask TWICE")


@fault("persistence", NUMBER, each=lambda scene: scene.fractions)
def small_change_ignored(scene: Scene, tried: Field) -> Planted | None:
    """Stores {field} only where it differs by a thousandth or more."""
    good = [value for value in scene.good(tried) if isinstance(value, float)]
    return _in_turn(scene, tried, needed(first(good)), first(good) * 1.0005)


@fault("persistence", TEXT, each=lambda scene: scene.long_texts)
def change_behind_255_characters_ignored(scene: Scene, tried: Field) -> Planted:
    """Compares {field} by its length and its first 255 characters, and stores it only where they differ."""
    alike = lambda old, new: (len(old), old[:ALIKE]) == (len(new), new[:ALIKE])  # noqa: E731
    witness = (*(scene.update({tried.name: "x" * 300 + end}) for end in "ab"), scene.read())
    return Planted(_ignored(tried, alike), witness)


@fault("persistence", "read_your_writes")
def return_to_what_was_read_ignored(scene: Scene) -> Planted:
    """Takes an update for none that brings what the last read has shown, though it was changed since."""

    def apply(api: Api) -> None:
        shown: dict[str, Fields] = {}

        def see(item: Item) -> Item:
            shown[item.id] = dict(item.fields)
            return item

        def change(item: Item, changes: Fields) -> Fields:
            seen = shown.get(item.id, {})
            is_known = bool(changes) and all(name in seen and seen[name] == value for name, value in changes.items())
            return {} if is_known else changes

        seams.read_item_as(api, see)
        seams.change_update(api, change)

    tried = first(f for f in scene.free if f.name in scene.item and not f.is_write_only)
    body = scene.lawful({tried.name: scene.other(tried)})
    old = {name: scene.item[name] for name in body if name in scene.item}
    needed(old.keys() == body.keys())
    return Planted(apply, (scene.read(), scene.update(body), scene.update(old), scene.read()))


@fault("isolation", "isolation")
def update_reaches_a_newcomer_without_it(scene: Scene) -> Planted:
    """Writes what an update changes to the newest item, too, as long as that was never updated and has no such field."""

    def apply(api: Api) -> None:
        def update(before: Item, changes: Fields) -> None:
            for item in others(api, before.id)[-1:]:
                new = {n: value for n, value in changes.items() if item.fields.get(n) is None}
                if new and item.version == 1:
                    seams.write_fields(api, item, {**item.fields, **new})

        seams.update_as(api, update)

    tried = first(f for f in scene.clearing if f.name in scene.item and f.name not in scene.smallest)
    body = scene.lawful({tried.name: scene.other(tried)})
    return Planted(apply, (scene.create(scene.smallest), scene.update(body), scene.read("{new}")))


@fault("null")
def nulls_alone_refused(scene: Scene) -> Planted:
    """Refuses an update of two nulls or more that change nothing, and of nothing else."""
    keeping = {f.name for f in scene.nullable if f.on_null == "keep" and f.name in scene.item}
    names = sorted(keeping)[:2]
    needed(len(names) == 2 and scene.rules.lawful(scene.item, dict.fromkeys(names)))

    def judged(fields: Fields) -> bool | None:
        return False if len(fields) > 1 and fields.keys() <= keeping and {*fields.values()} == {None} else None

    clause = scene.clause(scene.fields[names[0]], "x-on-null")
    return Planted(lambda api: seams.judge_body(api, judged), scene.shows(dict.fromkeys(names)), clause)


def _beside_null(fields: Body, name: str) -> bool:
    return None in [value for other, value in fields.items() if other != name]


def _taken_beside_a_null(scene: Scene, tried: Field, wrong: Any, is_wrong: Callable[[Any], bool]) -> Planted:
    name, other = tried.name, first(f.name for f in scene.nullable if f.name != tried.name)
    good = first(scene.good(tried))

    def read(body: Any) -> Any:
        is_met = isinstance(body, dict) and is_wrong(body.get(name)) and _beside_null(body, name)
        return {**body, name: good} if is_met else body

    needed(scene.rules.lawful(scene.item, {other: None}))
    witness = (scene.update({name: wrong, other: None}),)
    return Planted(lambda api: seams.read_role_as(api, "update", read), witness)


@fault("types", each=lambda scene: scene.numbers)
def takes_true_beside_a_null(scene: Scene, tried: Field) -> Planted:
    """Takes true for a {field} where another field of the body is null."""
    taken = _taken_beside_a_null(scene, tried, True, lambda value: value is True)
    return replace(taken, clause=scene.clause(tried, "type"))


@fault("limits", each=lambda scene: scene.bounded)
def takes_a_negative_beside_a_null(scene: Scene, tried: Field) -> Planted:
    """Takes a number below zero for a {field} where another field of the body is null."""
    needed(tried.schema.get("minimum", -1) >= 0)
    taken = _taken_beside_a_null(scene, tried, -1, lambda value: seams.is_number(value) and value < 0)
    return replace(taken, clause=f"{tried.pointer}/minimum")


@fault("limits", each=lambda scene: scene.bounded)
def stored_though_refused_while_unset(scene: Scene, tried: Field) -> Planted:
    """Refuses what is beyond the greatest {field} and stores it, where the item has none and a text beside."""
    name, most = tried.name, needed(tried.schema.get("maximum"))
    text = first(f.name for f in scene.texts if f in scene.clearing and f.name in scene.item)
    needed(tried in scene.clearing and name in scene.item and scene.rules.lawful(scene.item, {name: None}))

    def apply(api: Api) -> None:
        def salvage(item: Item, body: Fields) -> None:
            value = body.get(name)
            is_met = item.fields.get(name) is None and item.fields.get(text) and isinstance(value, (int, float))
            if is_met and not isinstance(value, bool) and most < value <= most * 2:
                seams.write_fields(api, item, {**item.fields, name: value})

        seams.before_refusal(api, salvage)

    witness = (scene.update({name: None}), scene.update({name: most * 1.5}), scene.read())
    return Planted(apply, witness, f"{tried.pointer}/maximum")


def _over_lines(scene: Scene) -> Witness:
    body = scene.lawful({tried.name: scene.other(tried) for tried in scene.free[:2]})
    needed(len(body) > 1)
    return (scene.update(json.dumps(body, indent=1).replace("\n", "\r\n")),)


@plain("media_types", "strict_json", shown=_over_lines)
def comma_before_a_line_end_refused(api: Api) -> None:
    """Refuses a body in which a comma is followed by a line end of two characters."""

    def read(decode: Callable[[bytes], Any], raw: bytes) -> Any:
        return decode(b"{" if b",\r\n" in raw else raw)

    seams.wrap(api.bodies, "decode", read)


@fault("identity", "exact_ids")
def miss_of_another_case_remembered(scene: Scene) -> Planted:
    """Answers a read of an id as the one before it was answered, where the two differ in case only."""

    def apply(api: Api) -> None:
        missed: list[str] = []

        async def run(request: Request, operation: Operation) -> Answer:
            is_missed = request.item_id not in missed and request.item_id.lower() in map(str.lower, missed)
            missed[:] = [] if request.item_id in api.resource.store.items else [request.item_id]
            if is_missed:
                raise Refusal(404, "There is no such item.")
            return await operation(request)

        seams.around(api, "read", run)

    return Planted(apply, (scene.read("{swapped}"), scene.read()))
