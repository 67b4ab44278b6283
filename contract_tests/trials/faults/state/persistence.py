"""Faults of persistence and reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from contract_tests.mock_api.app import Answer, Api, Request
from contract_tests.mock_api.errors import Refusal
from contract_tests.mock_api.rules import Fields
from contract_tests.mock_api.store import Item
from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Planted, fault, plain
from ..scene import Scene, first, needed
from ..seams import Operation
from ..usual import (
    ITEM,
    REMOVAL,
    answered_change,
    change,
    change_alone,
    change_and_read,
    change_twice,
    earlier_states,
    remembered,
    success,
    without,
)  # fmt: skip
from ..witness import Witness, with_header

READ, LISTED = "read_your_writes", "list_shows_items"
WITH_LIST = (*CRUD, "list")
EXPIRES_AFTER, BEHIND, LATE = 2, 30, 0.05


def _read_around(scene: Scene) -> Witness:
    return (scene.read(), *change_and_read(scene))


def _read_often(scene: Scene) -> Witness:
    return (scene.update(change(scene)), *(scene.read() for _ in range(4)))


def _null(scene: Scene) -> Witness:
    return scene.shows(scene.lawful({first(scene.clearing).name: None}))


def _change_and_list(scene: Scene) -> Witness:
    return (scene.list(), change_twice(scene)[0], scene.list())


@plain("persistence", READ, shown=change_and_read)
def update_forgotten(api: Api) -> None:
    """Answers an update with the new state and stores nothing."""
    store = api.resource.store

    def update(item_id: str, changes: Fields) -> Item:
        item = store.find(item_id)
        fields = store.merge(store.base(item.fields, changes), changes)
        store.check(fields, changes)
        return item._replace(fields=fields, updated_at=store.touch(item), version=item.version + 1)

    seams.replace(store, "update", update)


@plain("persistence", READ, shown=change_and_read)
def read_one_write_behind(api: Api) -> None:
    """Reads a replica that is one write behind."""
    earlier = earlier_states(api)
    seams.read_item_as(api, lambda item: earlier.get(item.id, item))


@plain("persistence", READ, shown=_read_around)
def read_cached_per_id(api: Api) -> None:
    """Keeps the first reading of an item and answers it ever after."""
    cache: dict[str, Item] = {}
    seams.read_item_as(api, lambda item: cache.setdefault(item.id, item))


@plain("persistence", READ, shown=_null)
def read_cache_misses_nulls(api: Api) -> None:
    """Merges an update into a cache, where a null replaces nothing."""
    cache: dict[str, Fields] = {}

    def update(before: Item, changes: Fields) -> None:
        known = cache.get(before.id, before.fields)
        cache[before.id] = {**known, **{n: v for n, v in changes.items() if v is not None}}

    seams.update_as(api, update)
    seams.read_item_as(api, lambda item: item._replace(fields=cache.get(item.id, item.fields)))


@plain("persistence", READ, shown=change_and_read)
def update_applied_late(api: Api) -> None:
    """Answers an update at once and stores it a twentieth of a second later."""
    running: set[asyncio.Task[None]] = set()
    store = api.resource.store

    async def store_later(item: Item) -> None:
        await asyncio.sleep(LATE)
        if item.id in store.items:
            store.write(item)

    async def run(request: Request, handle: Operation) -> Answer:
        before = store.items.get(request.item_id)
        answer = await handle(request)
        if before is not None:
            task = asyncio.get_running_loop().create_task(store_later(store.find(before.id)))
            running.add(task)
            task.add_done_callback(running.discard)
            store.write(before)
        return answer

    seams.around(api, "update", run)


@plain("persistence", shown=answered_change, clause=success("update"))
def update_answered_with_the_old_state(api: Api) -> None:
    """Answers an update with the item as it was before."""

    async def run(request: Request, handle: Operation) -> Answer:
        before = api.resource.store.items.get(request.item_id)
        answer = await handle(request)
        return seams.succeed(api, "update", before) if before else answer

    seams.around(api, "update", run)


@fault("persistence", READ, each=lambda scene: (scene.long_texts or scene.texts or scene.free)[:1])
def answered_and_not_stored(scene: Scene, tried: Field) -> Planted:
    """Answers an update with a new {field} and does not store it."""
    needed(scene.other(tried) is not None)

    def apply(api: Api) -> None:
        async def run(request: Request, handle: Operation) -> Answer:
            before = api.resource.store.items.get(request.item_id)
            answer = await handle(request)
            if before is not None:
                after = api.resource.store.find(request.item_id)
                old = {n: v for n, v in before.fields.items() if n == tried.name}
                seams.write_fields(api, after, without(after.fields, tried.name) | old)
            return answer

        seams.around(api, "update", run)

    return Planted(apply, scene.shows(scene.change(tried)))


def _read_by_another(scene: Scene) -> Witness:
    read = with_header(scene.read(), "user-agent", "another")
    return (read, *change_alone(scene), read)


@plain("persistence", READ, shown=_read_by_another)
def read_cached_per_client(api: Api) -> None:
    """Answers a client what it has read of an item before, until that client writes to it."""
    known: dict[Any, Answer] = {}

    async def run(scope: Any, receive: Any, answer: seams.Answering) -> Answer:
        path, method = scope["path"], scope["method"]
        reader = (path, scope.get("client"), dict(scope["headers"]).get(b"user-agent"))
        is_read = method == "GET" and path.rpartition("/")[2] in api.resource.store.items
        if is_read and reader in known:
            return known[reader]
        known.pop(reader, None)
        given = await answer(scope, receive)
        known.update({reader: given} if is_read and given.status == 200 else {})
        return given

    seams.around_all(api, run)


@plain("persistence", LISTED, shown=_change_and_list, needs=WITH_LIST)
def list_cached(api: Api) -> None:
    """Shows each item in lists as it was listed first."""
    cache: dict[str, Item] = {}
    seams.list_item_as(api, lambda item: cache.setdefault(item.id, item))


@plain("persistence", LISTED, shown=_change_and_list, needs=WITH_LIST)
def list_shows_the_created_state(api: Api) -> None:
    """Lists items from an index that is written when they are created and never again."""
    created = remembered(api)
    seams.list_item_as(api, lambda item: created.get(item.id, item))


@plain("persistence", READ, shown=_read_often)
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


def _read_new_twice(scene: Scene) -> Witness:
    return (scene.create(scene.item), scene.read("{new}"), scene.read("{new}"))


@plain("persistence", READ, needs=ITEM, shown=_read_new_twice)
def new_item_found_late(api: Api) -> None:
    """Does not find a new item when it is read for the first time."""
    known = set(api.resource.store.items)

    def read(item: Item) -> Item:
        if item.id not in known:
            known.add(item.id)
            raise Refusal(404, "Nothing has this id.")
        return item

    seams.read_item_as(api, read)


@plain("persistence", "removed_is_gone", needs=REMOVAL, shown=lambda s: (s.read(), s.remove(), s.read()))
def removed_item_read_from_a_cache(api: Api) -> None:
    """Answers an item that was removed, if it was read before."""
    cache: dict[str, Answer] = {}

    async def run(request: Request, handle: Operation) -> Answer:
        if request.item_id not in cache or request.item_id in api.resource.store.items:
            cache[request.item_id] = await handle(request)
        return cache[request.item_id]

    seams.around(api, "read", run)


@plain("persistence", LISTED, needs=("create", "list"), shown=lambda s: (s.list(), s.create(s.item), s.list()))
def list_half_a_minute_behind(api: Api) -> None:
    """Lists the items as they were up to thirty seconds ago."""
    everything = api.resource.store.all
    known: list[Item] = []
    taken: list[Any] = []

    def behind() -> Iterator[Item]:
        now = api.resource.store.now()
        if not taken or (now - taken[-1]).total_seconds() > BEHIND:
            taken[:], known[:] = [now], everything()
        return iter(list(known))

    seams.replace(api.resource.store, "all", behind)
