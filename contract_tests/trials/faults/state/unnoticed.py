"""Faults that take two conditions which are seldom met: an update taken for none, a check left out, a newcomer changed."""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from unicodedata import normalize

from contract_tests.spec.field import Field

from .. import seams
from ..fault import Planted, fault, plain, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Api, Fields, Item, Operation, Refusal, Request, by
from ..usual import others, without
from ..witness import Witness

TEXT, NUMBER, ALIKE = "exact_text", "exact_numbers", 255


def _passing_over(is_alike: Callable[[Any, Any], bool], values: Sequence[Any], scene: Scene, tried: Field) -> Planted:
    """Leave a value out of an update where it is like the stored one."""
    needed(all(scene.contract.accepts_value(tried, value) for value in values))

    @by(seams.change_update)
    def apply(api: Api, item: Item, changes: Fields) -> Fields:
        old, new = item.fields.get(tried.name), changes.get(tried.name)
        is_same = old is not None and new is not None and is_alike(old, new)
        return without(changes, tried.name) if is_same else changes

    return Planted(apply, (*(scene.update({tried.name: value}) for value in values), scene.read()))


rows("persistence", (TEXT,), {
    "change_of_case_ignored": (
        "Stores {field} only where it differs in more than case.",
        lambda old, new: old.casefold() == new.casefold(), ("ask twice", "Ask TWICE")),
    "change_of_form_ignored": (
        "Stores {field} only where it differs in more than its Unicode normal form.",
        lambda old, new: normalize("NFC", old) == normalize("NFC", new), ("café", "cafe\u0301")),
}, make=_passing_over, each=lambda scene: scene.texts)  # fmt: skip


@fault("persistence", NUMBER, each=lambda scene: scene.fractions)
def small_change_ignored(scene: Scene, tried: Field) -> Planted:
    """Stores {field} only where it differs by a thousandth or more."""
    good = needed(first(value for value in scene.good(tried) if isinstance(value, float)))
    return _passing_over(partial(math.isclose, rel_tol=1e-3), (good, good * 1.0005), scene, tried)


@fault("persistence", TEXT, each=lambda scene: scene.long_texts)
def change_behind_255_characters_ignored(scene: Scene, tried: Field) -> Planted:
    """Compares {field} by its length and its first 255 characters, and stores it only where they differ."""
    is_alike = lambda old, new: (len(old), old[:ALIKE]) == (len(new), new[:ALIKE])
    return _passing_over(is_alike, ("x" * 300 + "a", "x" * 300 + "b"), scene, tried)


def _to_and_fro(scene: Scene) -> Witness:
    tried = first(f for f in scene.free if f.name in scene.item)
    body = scene.lawful({tried.name: scene.other(tried)})
    old = {name: scene.item[name] for name in body if name in scene.item}
    needed(old.keys() == body.keys())
    return (scene.read(), scene.update(body), scene.update(old), scene.read())


@plain("persistence", "read_your_writes", shown=_to_and_fro)
def return_to_what_was_read_ignored(api: Api) -> None:
    """Takes an update for none that brings what the last read has shown, though it was changed since."""
    shown: dict[str, Fields] = {}

    def see(item: Item) -> Item:
        shown[item.id] = dict(item.fields)
        return item

    seams.read_item_as(api, see)
    seams.change_update(api, lambda item, sent: {} if sent.items() <= shown.get(item.id, {}).items() else sent)


def _newcomer(scene: Scene) -> Witness:
    tried = first(f for f in scene.clearing if f.name in scene.item and f.name not in scene.smallest)
    body = scene.lawful({tried.name: scene.other(tried)})
    return (scene.create(scene.smallest), scene.update(body), scene.read("{new}"))


@plain("isolation", "isolation", shown=_newcomer)
@by(seams.update_as)
def update_reaches_a_newcomer_without_it(api: Api, before: Item, changes: Fields) -> None:
    """Writes what an update changes to the newest item, too, as long as that was never updated and has no such field."""
    for item in others(api, before.id)[-1:]:
        new = {n: value for n, value in changes.items() if item.fields.get(n) is None}
        if new and item.version == 1:
            seams.write_fields(api, item, {**item.fields, **new})


@fault("null")
def nulls_alone_refused(scene: Scene) -> Planted:
    """Refuses an update of two nulls or more that change nothing, and of nothing else."""
    keeping = {f.name for f in scene.nullable if f.on_null == "keep" and f.name in scene.item}
    names = sorted(keeping)[:2]
    needed(len(names) == 2 and scene.rules.lawful(scene.item, dict.fromkeys(names)))
    refused = lambda sent: len(sent) > 1 and sent.keys() <= keeping and {*sent.values()} == {None}
    clause = scene.clause(scene.fields[names[0]], "x-on-null")
    return Planted(lambda api: seams.refuse_body(api, refused), scene.shows(dict.fromkeys(names)), clause)


def _taken_beside_a_null(scene: Scene, tried: Field, wrong: Any, is_wrong: Callable[[Any], bool], at: str) -> Planted:
    name, other = tried.name, first(f.name for f in scene.nullable if f.name != tried.name)
    good = first(scene.good(tried))
    needed(scene.rules.lawful(scene.item, {other: None}))

    @by(seams.read_role_as, "update")
    def apply(api: Api, body: Fields) -> Fields:
        is_met = is_wrong(body.get(name)) and None in without(body, name).values()
        return {**body, name: good} if is_met else body

    return Planted(apply, (scene.update({name: wrong, other: None}),), at)


@fault("types", each=lambda scene: scene.numbers)
def takes_true_beside_a_null(scene: Scene, tried: Field) -> Planted:
    """Takes true for a {field} where another field of the body is null."""
    return _taken_beside_a_null(scene, tried, True, lambda value: value is True, scene.clause(tried, "type"))


@fault("limits", each=lambda scene: scene.bounded)
def takes_a_negative_beside_a_null(scene: Scene, tried: Field) -> Planted:
    """Takes a number below zero for a {field} where another field of the body is null."""
    needed(tried.schema.get("minimum", -1) >= 0)
    is_negative = lambda value: seams.is_number(value) and value < 0
    return _taken_beside_a_null(scene, tried, -1, is_negative, f"{tried.pointer}/minimum")


@fault("limits", each=lambda scene: scene.bounded)
def stored_though_refused_while_unset(scene: Scene, tried: Field) -> Planted:
    """Refuses what is beyond the greatest {field} and stores it, where the item has none and a text beside."""
    name, most = tried.name, needed(tried.schema.get("maximum"))
    text = first(f.name for f in scene.texts if f in scene.clearing and f.name in scene.item)
    needed(tried in scene.clearing and name in scene.item and scene.rules.lawful(scene.item, {name: None}))

    @by(seams.before_refusal)
    def apply(api: Api, item: Item, body: Fields) -> None:
        value = body.get(name)
        is_met = item.fields.get(name) is None and item.fields.get(text) and seams.is_number(value)
        if is_met and most < value <= most * 2:
            seams.write_fields(api, item, {**item.fields, name: value})

    witness = (scene.update({name: None}), scene.update({name: most * 1.5}), scene.read())
    return Planted(apply, witness, f"{tried.pointer}/maximum")


@fault("media_types", "strict_json")
def comma_before_a_line_end_refused(scene: Scene) -> Planted:
    """Refuses a body in which a comma is followed by a line end of two characters."""
    body = scene.lawful({tried.name: scene.other(tried) for tried in scene.free[:2]})
    needed(len(body) > 1)
    apply = by(seams.wrap, "bodies.decode")(lambda api, decode, raw: decode(b"{" if b",\r\n" in raw else raw))
    return Planted(apply, (scene.update(json.dumps(body, indent=1).replace("\n", "\r\n")),))


@plain("identity", "exact_ids", shown=lambda scene: (scene.read("{swapped}"), scene.read()))
@by(seams.around, "read", memory=lambda api: [])
async def miss_of_another_case_remembered(api: Api, missed: list[str], request: Request, handle: Operation) -> Answer:
    """Answers a read of an id as the one before it was answered, where the two differ in case only."""
    is_missed = request.item_id not in missed and request.item_id.lower() in map(str.lower, missed)
    missed[:] = [] if request.item_id in api.resource.store.items else [request.item_id]
    if is_missed:
        raise Refusal(404, "There is no such item.")
    return await handle(request)
