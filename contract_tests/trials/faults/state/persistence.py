"""Faults of persistence and reads."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from contract_tests.spec.field import Field

from .. import seams, usual
from ..fault import CRUD_AND_LIST, LIST, Planted, fault, plain, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Answering, Api, Apply, Fields, Item, Operation, Refusal, Request, by
from ..usual import ITEM, REMOVAL, Shown, change, change_and_read, earlier_states, made_items, success, without
from ..witness import Witness, with_header

READ, LISTED = "read_your_writes", "list_shows_items"
EXPIRES_AFTER, BEHIND, LATE = 2, 30, 0.05
Answers = dict[Any, Answer]
ShowItem = Callable[[Api, Callable[[Item], Item]], None]
_change_and_list: Shown = lambda scene: (scene.list(), usual.change_twice(scene)[0], scene.list())


def _showing(show: ShowItem, memory: Callable[[Api], dict[str, Item]]) -> Apply:
    """Show what is remembered of an item."""
    return by(show, memory=memory)(lambda api, known, item: known.get(item.id, item))


def _showing_the_first(show: ShowItem) -> Apply:
    return by(show, memory=lambda api: {})(lambda api, known, item: known.setdefault(item.id, item))


rows("persistence", (READ,), {
    "read_one_write_behind": (
        "Reads a replica that is one write behind.", _showing(seams.read_item_as, earlier_states), change_and_read),
    "read_cached_per_id": (
        "Keeps the first reading of an item and answers it ever after.", _showing_the_first(seams.read_item_as),
        lambda scene: (scene.read(), *change_and_read(scene))),
})  # fmt: skip
rows("persistence", (LISTED,), {
    "list_cached": ("Shows each item in lists as it was listed first.", _showing_the_first(seams.list_item_as), _change_and_list),
    "list_shows_the_created_state": (
        "Lists items from an index that is written when they are created and never again.",
        _showing(seams.list_item_as, made_items), _change_and_list),
}, CRUD_AND_LIST)  # fmt: skip


@plain("persistence", READ, shown=change_and_read)
@by(seams.wrap, "resource.store.update")
def update_forgotten(api: Api, right: Any, item_id: str, changes: Fields) -> Item:
    """Answers an update with the new state and stores nothing."""
    store = api.resource.store
    item = store.find(item_id)
    fields = store.merge(store.base(item.fields, changes), changes)
    store.check(fields, changes)
    return item._replace(fields=fields, updated_at=store.touch(item), version=item.version + 1)


@plain("persistence", READ, shown=lambda s: s.shows(s.lawful({first(s.clearing).name: None})))
def read_cache_misses_nulls(api: Api) -> None:
    """Merges an update into a cache, where a null replaces nothing."""
    cache: dict[str, Fields] = {}

    def update(before: Item, changes: Fields) -> None:
        known = cache.get(before.id, before.fields)
        cache[before.id] = {**known, **{n: v for n, v in changes.items() if v is not None}}

    seams.update_as(api, update)
    seams.read_item_as(api, lambda item: item._replace(fields=cache.get(item.id, item.fields)))


@plain("persistence", READ, shown=change_and_read)
@by(seams.around, "update", memory=lambda api: set())
async def update_applied_late(api: Api, running: set[object], request: Request, handle: Operation) -> Answer:
    """Answers an update at once and stores it a twentieth of a second later."""
    store = api.resource.store

    async def store_later(item: Item) -> None:
        await asyncio.sleep(LATE)
        if item.id in store.items:
            store.write(item)

    before = store.items.get(request.item_id)
    answer = await handle(request)
    if before is not None:
        task = asyncio.get_running_loop().create_task(store_later(store.find(before.id)))
        running.add(task)
        task.add_done_callback(running.discard)
        store.write(before)
    return answer


@plain("persistence", shown=usual.answered_change, clause=success("update"))
@by(seams.around, "update")
async def update_answered_with_the_old_state(api: Api, request: Request, handle: Operation) -> Answer:
    """Answers an update with the item as it was before."""
    before = api.resource.store.items.get(request.item_id)
    answer = await handle(request)
    return seams.succeed(api, "update", before) if before else answer


@fault("persistence", READ, each=lambda scene: (scene.long_texts or scene.texts or scene.free)[:1])
def answered_and_not_stored(scene: Scene, tried: Field) -> Planted:
    """Answers an update with a new {field} and does not store it."""
    needed(scene.other(tried) is not None)

    @by(seams.around, "update")
    async def apply(api: Api, request: Request, handle: Operation) -> Answer:
        before = api.resource.store.items.get(request.item_id)
        answer = await handle(request)
        if before is not None:
            after = api.resource.store.find(request.item_id)
            old = {n: v for n, v in before.fields.items() if n == tried.name}
            seams.write_fields(api, after, without(after.fields, tried.name) | old)
        return answer

    return Planted(apply, scene.shows(scene.change(tried)))


def _read_by_another(scene: Scene) -> Witness:
    read = with_header(scene.read(), "user-agent", "another")
    return (read, scene.update(change(scene)), read)


@plain("persistence", READ, shown=_read_by_another)
@by(seams.wrap, "answer", memory=lambda api: {})
async def read_cached_per_client(api: Api, known: Answers, answer: Answering, scope: Any, receive: Any) -> Answer:
    """Answers a client what it has read of an item before, until that client writes to it."""
    path, method = scope["path"], scope["method"]
    reader = (path, scope.get("client"), dict(scope["headers"]).get(b"user-agent"))
    is_read = method == "GET" and path.rpartition("/")[2] in api.resource.store.items
    if is_read and reader in known:
        return known[reader]
    known.pop(reader, None)
    given = await answer(scope, receive)
    known.update({reader: given} if is_read and given.status == 200 else {})
    return given


@plain("persistence", READ, shown=lambda s: (s.update(change(s)), *[s.read()] * 4))
def update_expires(api: Api) -> None:
    """Forgets an update two seconds after it was made."""
    made: dict[str, tuple[Any, Item]] = {}
    seams.update_as(api, lambda before, changes: made.update({before.id: (api.resource.store.now(), before)}))

    def read(item: Item) -> Item:
        moment, before = made.get(item.id, (None, item))
        if moment is not None and (api.resource.store.now() - moment).total_seconds() > EXPIRES_AFTER:
            return seams.write_fields(api, item, before.fields)
        return item

    seams.read_item_as(api, read)


@plain("persistence", READ, needs=ITEM, shown=lambda s: (s.create(s.item), s.read("{new}"), s.read("{new}")))
@by(seams.read_item_as, memory=lambda api: set(api.resource.store.items))
def new_item_found_late(api: Api, known: set[str], item: Item) -> Item:
    """Does not find a new item when it is read for the first time."""
    if item.id not in known:
        known.add(item.id)
        raise Refusal(404, "Nothing has this id.")
    return item


@plain("persistence", "removed_is_gone", needs=REMOVAL, shown=lambda s: (s.read(), s.remove(), s.read()))
@by(seams.around, "read", memory=lambda api: {})
async def removed_item_read_from_a_cache(api: Api, cache: Answers, request: Request, handle: Operation) -> Answer:
    """Answers an item that was removed, if it was read before."""
    if request.item_id not in cache or request.item_id in api.resource.store.items:
        cache[request.item_id] = await handle(request)
    return cache[request.item_id]


@plain("persistence", LISTED, needs=LIST, shown=lambda s: (s.list(), s.create(s.item), s.list()))
@by(seams.wrap, "resource.store.all", memory=lambda api: [])
def list_half_a_minute_behind(api: Api, known: list[Any], everything: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """Lists the items as they were up to thirty seconds ago."""
    now = api.resource.store.now()
    if not known or (now - known[0]).total_seconds() > BEHIND:
        known[:] = [now, *everything()]
    return iter(known[1:])
