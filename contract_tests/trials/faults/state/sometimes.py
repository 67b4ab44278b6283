"""Faults that show only sometimes: in some requests, after some time, for some items, with some values."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from contract_tests.spec.field import Field

from .. import seams
from ..fault import Planted, fault, plain, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Api, Fields, Item, Operation, Refusal, Request, by, maker
from ..usual import Shown, change, change_and_read, earlier_states, failed, in_turn, made_items, success, without, wrong
from ..witness import Witness

READ, TEXT = "read_your_writes", "exact_text"
MANY, OFTEN, SHARDS = 24, 20, 8
Turn = Callable[[], bool]
Wrong = Callable[[Api, Item], object]
many: Shown = lambda scene: scene.shows(*in_turn(scene, MANY))


def _newcomers(scene: Scene) -> Witness:
    body = change(scene)
    news = [scene.create(scene.named(scene.item, f"Newcomer {number}")) for number in range(SHARDS)]
    return tuple(step for new in news for step in (new, scene.update(body, "{new}"), scene.read("{new}")))


def _lose(api: Api, before: Item) -> None:
    api.resource.store.write(before)


def _every(number: int) -> Turn:
    turns = count(1)
    return lambda: next(turns) % number == 0


@maker(seams.update_as, memory=lambda api: Counter())
def _by_number(
    api: Api, is_wrong: Callable[[int], bool], go_wrong: Wrong, updates: Counter[str], before: Item, changes: Fields
) -> None:
    """Go wrong with some updates; *is_wrong* is told which update of its item it is."""
    updates[before.id] += bool(changes)
    if is_wrong(updates[before.id]):
        go_wrong(api, before)


rows("sometimes", (READ,), {
    "twenty_updates_at_most": (
        "Stores the first twenty updates of an item and forgets all that follow.", _by_number(lambda n: n > OFTEN, _lose), many),
    "first_update_lost": ("Forgets the first update of an item.", _by_number(lambda n: n <= 1, _lose), change_and_read),
})  # fmt: skip


@fault("sometimes")
def update_after_twenty_answered_500(scene: Scene) -> Planted:
    """Fails on every update of an item after the twentieth."""
    return Planted(_by_number(lambda n: n > OFTEN, failed), many(scene), success("update")(scene))


@plain("sometimes", READ, shown=many)
@by(seams.update_as, memory=lambda api: _every(10))
def every_tenth_update_lost(api: Api, is_tenth: Turn, before: Item, changes: Fields) -> None:
    """Forgets every tenth update."""
    if changes and is_tenth():
        _lose(api, before)


@plain("sometimes", shown=many, clause=success("update"))
@by(seams.around, "update", memory=lambda api: _every(10))
async def every_tenth_update_answered_500(api: Api, is_tenth: Turn, request: Request, handle: Operation) -> Answer:
    """Fails on every tenth update."""
    return failed() if is_tenth() else await handle(request)


@plain("sometimes", READ, shown=many)
def every_tenth_read_stale(api: Api) -> None:
    """Answers every tenth reading with the state before the last update."""
    is_tenth, earlier = _every(10), earlier_states(api)
    seams.read_item_as(api, lambda item: earlier.get(item.id, item) if is_tenth() else item)


@plain("sometimes", READ, shown=_newcomers)
@by(seams.update_as, memory=made_items)
def every_eighth_item_not_updated(api: Api, made: dict[str, Item], before: Item, changes: Fields) -> None:
    """Forgets the updates of every eighth item, as if one shard could not be written."""
    if before.id in [*made][SHARDS - 1 :: SHARDS]:
        _lose(api, before)


@plain("sometimes", READ, shown=lambda scene: (wrong(scene), *change_and_read(scene)))
@by(seams.around, "update", memory=lambda api: set())
async def update_after_an_error_lost(api: Api, refused: set[str], request: Request, handle: Operation) -> Answer:
    """Forgets the update that follows a refused one of the same item."""
    before = api.resource.store.items.get(request.item_id)
    try:
        answer = await handle(request)
    except Refusal:
        refused.add(request.item_id)
        raise
    if before is not None and request.item_id in refused:
        answer = seams.succeed(api, "update", api.resource.store.write(before))
    refused.discard(request.item_id)
    return answer


def _failing_on(text: str, is_fatal: Callable[[str], bool], scene: Scene, tried: Field) -> Planted:
    needed(scene.contract.accepts_value(tried, text))

    def check(role: str, fields: Fields) -> Fields:
        value = fields.get(tried.name)
        return failed() if isinstance(value, str) and is_fatal(value) else fields

    return Planted(lambda api: seams.store_as(api, check), scene.shows(scene.lawful({tried.name: text})))


# By the name of the fault: what it does, a text, and whether a text is such a one.
rows("sometimes", (TEXT,), {
    "with_a_percent_sign_at_the_end_answered_500": (
        "Fails on {field} that ends in a percent sign.", "Say 100%", lambda text: text.endswith("%")),
    "with_nul_answered_500": ("Fails on {field} with NUL, which its database does not take.", "\x00", lambda text: "\x00" in text),
    "with_emoji_answered_500": (
        "Fails on {field} with a character beyond U+FFFF, which its column does not take.",
        "smile 😀", lambda text: max(text, default="") > "\uffff"),
}, make=_failing_on, each=lambda scene: scene.texts[:2])  # fmt: skip


@fault("sometimes", READ, each=lambda scene: scene.fractions[:1])
def whole_numbers_forgotten(scene: Scene, tried: Field) -> Planted:
    """Does not store {field} where its value is whole."""
    low = int(tried.schema.get("minimum", tried.schema.get("exclusiveMinimum", 0)))
    values = (low + step for step in range(1, 4))
    whole = first(v for v in values if scene.contract.accepts_value(tried, v) and v != scene.item.get(tried.name))

    @by(seams.update_as)
    def apply(api: Api, before: Item, changes: Fields) -> None:
        value: Any = changes.get(tried.name)
        if seams.is_number(value) and value == int(value):
            _lose(api, before)

    return Planted(apply, scene.shows(scene.lawful({tried.name: whole})))


@fault("sometimes", each=lambda scene: [f for f in scene.long_texts or scene.clearing if f.name in scene.item][:1])
def cleared_by_every_twelfth_update(scene: Scene, tried: Field) -> Planted:
    """Clears {field} with every twelfth update that does not send it."""
    bodies = in_turn(scene, MANY)
    needed(not scene.is_put and tried.name not in bodies[0])

    @by(seams.update_as, memory=lambda api: _every(12))
    def apply(api: Api, is_twelfth: Turn, before: Item, changes: Fields) -> None:
        if is_twelfth() and tried.name not in changes:
            now = api.resource.store.find(before.id)
            seams.write_fields(api, now, without(now.fields, tried.name))

    return Planted(apply, scene.shows(*bodies), scene.contract.operation("update").pointer)
