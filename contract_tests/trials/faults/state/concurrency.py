"""Faults of requests that come at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from unittest.mock import patch

from .. import seams
from ..fault import CRUD, plain, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Api, Operation, Refusal, Request, by, maker
from ..usual import ITEM, REMOVAL, Shown, change, failed, shows_item, success, two_fields, wrong
from ..witness import Witness

Other = Callable[[Api, Request], Awaitable[Answer]]
TOGETHER, GONE, STORES = "concurrent_updates", "removed_is_gone", "create_stores_everything"

# As long as a query to a database takes, and long enough for another request to come in between.
PAUSE_SECONDS = 0.004
LONG = 2_000
_two_fields: Shown = lambda scene: (tuple(scene.update(body) for body in two_fields(scene)), scene.read())


def _two_items(scene: Scene) -> Witness:
    needed(shows_item(scene, "update"))
    return ((scene.update(change(scene)), scene.update(change(scene), "{other}")),)


def _two_new(scene: Scene) -> Witness:
    return (tuple(scene.create(scene.named(scene.item, name)) for name in ("One", "Two")), scene.read("{new}"))


def _long_and_short(scene: Scene) -> Witness:
    long, other = first(scene.long_texts), first(tried for tried in scene.free if tried not in scene.long_texts)
    bodies = {long.name: "Ask. " * LONG}, {other.name: scene.other(other)}
    needed(scene.rules.lawful(scene.item, {**bodies[0], **bodies[1]}))
    return (tuple(map(scene.update, bodies)), scene.read())


@plain("concurrency", TOGETHER, shown=_two_fields)
@by(seams.around, "update")
async def concurrent_update_lost(api: Api, request: Request, handle: Operation) -> Answer:
    """Reads an item, waits for its database and writes the whole item back."""
    store = api.resource.store
    changes = await api.resource.valid_body(request)
    before = store.find(request.item_id)
    await asyncio.sleep(PAUSE_SECONDS)
    now = store.find(request.item_id)
    store.write(before._replace(updated_at=now.updated_at, version=now.version))
    return seams.succeed(api, "update", store.update(request.item_id, changes))


@plain("concurrency", TOGETHER, shown=_long_and_short)
@by(seams.around, "update")
async def update_beside_a_long_one_lost(api: Api, request: Request, handle: Operation) -> Answer:
    """Takes long to store a long text, and then writes the whole item back."""
    was = api.resource.store.find(request.item_id).fields
    answer = await handle(request)
    after = api.resource.store.find(request.item_id)
    if any(len(str(value)) > LONG and value != was.get(name) for name, value in after.fields.items()):
        await asyncio.sleep(PAUSE_SECONDS)
        api.resource.store.write(after)
    return answer


@plain("concurrency", GONE, needs=REMOVAL, shown=lambda s: ((s.update(change(s)), s.remove()), s.read()))
@by(seams.around, "update")
async def update_beside_a_removal_revives(api: Api, request: Request, handle: Operation) -> Answer:
    """Writes back what an update has changed a moment later, also where the item was removed meanwhile."""
    answer = await handle(request)
    item = api.resource.store.find(request.item_id)
    await asyncio.sleep(PAUSE_SECONDS)
    if request.item_id not in api.resource.store.items:
        api.resource.store.write(item)
    return answer


@plain("concurrency", shown=_two_items, clause=success("update"))
@by(seams.around, "update", memory=lambda api: [""])
async def concurrent_answers_mixed(api: Api, last: list[str], request: Request, handle: Operation) -> Answer:
    """Keeps the item under way in one variable for all requests, so that a caller is answered with another's."""
    await handle(request)
    last[0] = request.item_id
    await asyncio.sleep(PAUSE_SECONDS)
    return seams.succeed(api, "update", api.resource.store.find(last[0]))


@plain("concurrency", STORES, needs=ITEM, shown=_two_new)
@by(seams.around, "create", memory=lambda api: [])
async def concurrent_creates_share_an_id(api: Api, reserved: list[str], request: Request, handle: Operation) -> Answer:
    """Reserves the next id, waits for its database and only then counts on."""
    store = api.resource.store
    body = await api.resource.valid_body(request)
    if not reserved:
        reserved.append(store.new_id())
    item_id = reserved[0]
    await asyncio.sleep(PAUSE_SECONDS)
    reserved.clear()
    with patch.object(store, "new_id", lambda: item_id):
        return seams.succeed(api, "create", store.create(body))


@plain("concurrency", "atomic", shown=lambda scene: ((wrong(scene), scene.update(change(scene))), scene.read()))
@by(seams.around, "update")
async def refused_update_rolls_back_another(api: Api, request: Request, handle: Operation) -> Answer:
    """Takes back what another request has stored meanwhile when it refuses an update."""
    before = api.resource.store.items.get(request.item_id)
    try:
        return await handle(request)
    except Refusal:
        await asyncio.sleep(PAUSE_SECONDS)
        if before is not None and request.item_id in api.resource.store.items:
            api.resource.store.write(before)
        raise


async def _pass_over(api: Api, request: Request) -> Answer:
    await api.resource.valid_body(request)
    return seams.succeed(api, "update", api.resource.store.find(request.item_id))


async def _refuse(api: Api, request: Request) -> Answer:
    raise Refusal(409, "The item is being updated.")


@maker(seams.around, "update", memory=lambda api: set())
async def _while_busy(api: Api, answer_other: Other, busy: set[str], request: Request, handle: Operation) -> Answer:
    if request.item_id in busy:
        return await answer_other(api, request)
    busy.add(request.item_id)
    try:
        answer = await handle(request)
        await asyncio.sleep(PAUSE_SECONDS)
        return answer
    finally:
        busy.discard(request.item_id)


rows("concurrency", (TOGETHER,), {
    "concurrent_update_dropped": (
        "Answers the second of two updates that meet with success and does nothing.", _while_busy(_pass_over), _two_fields),
    "concurrent_update_answered_409": (
        "Answers 409 to an update of an item that another is updating.", _while_busy(_refuse), _two_fields),
})  # fmt: skip


def _beside_an_update(role: str, api: Api) -> None:
    """Let an update take its time, and fail in an operation until then."""
    busy: list[str] = []

    async def update(request: Request, handle: Operation) -> Answer:
        busy.append(request.item_id)
        await asyncio.sleep(PAUSE_SECONDS)
        busy.remove(request.item_id)
        return await handle(request)

    async def other(request: Request, handle: Operation) -> Answer:
        return failed() if busy else await handle(request)

    seams.around(api, seams.UPDATE, update)
    seams.around(api, role, other)


rows("concurrency", ("read_your_writes",), {
    f"{role}_beside_an_update_answered_500": (
        f"Fails in a {role} while an item is updated.", partial(_beside_an_update, role),
        lambda scene, role=role: ((scene.update(change(scene)), getattr(scene, role)()),),
    )
    for role in ("read", "list")
}, (*CRUD, "list"))  # fmt: skip
