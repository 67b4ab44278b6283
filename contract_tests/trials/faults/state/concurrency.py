"""Faults of requests that come at the same time."""

from __future__ import annotations

import asyncio
from functools import partial

from contract_tests.mock_api.app import Answer, Api, Request
from contract_tests.mock_api.errors import Refusal

from .. import seams
from ..fault import CRUD, plain, rows
from ..scene import Scene, first, needed
from ..seams import Operation
from ..usual import ITEM, change, failed, shows_item, success, two_fields, wrong
from ..witness import Witness

TOGETHER = "concurrent_updates"

# As long as a query to a database takes, and long enough for another request to come in between.
PAUSE_SECONDS = 0.004
LONG = 2_000


def _two_fields(scene: Scene) -> Witness:
    return (tuple(scene.update(body) for body in two_fields(scene)), scene.read())


def _two_items(scene: Scene) -> Witness:
    needed(shows_item(scene, "update"))
    return ((scene.update(change(scene)), scene.update(change(scene), "{other}")),)


def _two_new(scene: Scene) -> Witness:
    return (tuple(scene.create(scene.named(scene.item, name)) for name in ("One", "Two")), scene.read("{new}"))


def _update_and(role: str, scene: Scene) -> Witness:
    return ((scene.update(change(scene)), scene.read() if role == "read" else scene.list()),)


def _one_refused(scene: Scene) -> Witness:
    return ((wrong(scene), scene.update(change(scene))), scene.read())


@plain("concurrency", TOGETHER, shown=_two_fields)
def concurrent_update_lost(api: Api) -> None:
    """Reads an item, waits for its database and writes the whole item back."""

    async def run(request: Request, handle: Operation) -> Answer:
        store = api.resource.store
        changes = await api.resource.valid_body(request)
        before = store.find(request.item_id)
        await asyncio.sleep(PAUSE_SECONDS)
        now = store.find(request.item_id)
        store.write(before._replace(updated_at=now.updated_at, version=now.version))
        return seams.succeed(api, "update", store.update(request.item_id, changes))

    seams.around(api, "update", run)


def _long_and_short(scene: Scene) -> Witness:
    long, other = first(scene.long_texts), first(tried for tried in scene.free if tried not in scene.long_texts)
    bodies = {long.name: "Ask. " * LONG}, {other.name: scene.other(other)}
    needed(scene.rules.lawful(scene.item, {**bodies[0], **bodies[1]}))
    return (tuple(map(scene.update, bodies)), scene.read())


@plain("concurrency", TOGETHER, shown=_long_and_short)
def update_beside_a_long_one_lost(api: Api) -> None:
    """Takes long to store a long text, and then writes the whole item back."""

    async def run(request: Request, handle: Operation) -> Answer:
        was = api.resource.store.find(request.item_id).fields
        answer = await handle(request)
        after = api.resource.store.find(request.item_id)
        if any(len(str(value)) > LONG and value != was.get(name) for name, value in after.fields.items()):
            await asyncio.sleep(PAUSE_SECONDS)
            api.resource.store.write(after)
        return answer

    seams.around(api, "update", run)


def _update_and_removal(scene: Scene) -> Witness:
    return ((scene.update(change(scene)), scene.remove()), scene.read())


@plain("concurrency", "removed_is_gone", needs=(*ITEM, "remove"), shown=_update_and_removal)
def update_beside_a_removal_revives(api: Api) -> None:
    """Writes back what an update has changed a moment later, also where the item was removed meanwhile."""

    async def run(request: Request, handle: Operation) -> Answer:
        answer = await handle(request)
        item = api.resource.store.find(request.item_id)
        await asyncio.sleep(PAUSE_SECONDS)
        if request.item_id not in api.resource.store.items:
            api.resource.store.write(item)
        return answer

    seams.around(api, "update", run)


@plain("concurrency", shown=_two_items, clause=success("update"))
def concurrent_answers_mixed(api: Api) -> None:
    """Keeps the item under way in one variable for all requests, so that a caller is answered with another's."""
    last: list[str] = []

    async def run(request: Request, handle: Operation) -> Answer:
        await handle(request)
        last[:] = [request.item_id]
        await asyncio.sleep(PAUSE_SECONDS)
        return seams.succeed(api, "update", api.resource.store.find(last[0]))

    seams.around(api, "update", run)


@plain("concurrency", "create_stores_everything", needs=ITEM, shown=_two_new)
def concurrent_creates_share_an_id(api: Api) -> None:
    """Reserves the next id, waits for its database and only then counts on."""
    store = api.resource.store
    new_id = store.new_id
    reserved: list[str] = []

    async def run(request: Request, handle: Operation) -> Answer:
        body = await api.resource.valid_body(request)
        if not reserved:
            reserved.append(new_id())
        item_id = reserved[0]
        await asyncio.sleep(PAUSE_SECONDS)
        reserved.clear()
        seams.replace(store, "new_id", lambda: item_id)
        return seams.succeed(api, "create", store.create(body))

    seams.around(api, "create", run)


@plain("concurrency", "atomic", shown=_one_refused)
def refused_update_rolls_back_another(api: Api) -> None:
    """Takes back what another request has stored meanwhile when it refuses an update."""

    async def run(request: Request, handle: Operation) -> Answer:
        before = api.resource.store.items.get(request.item_id)
        try:
            return await handle(request)
        except Refusal:
            await asyncio.sleep(PAUSE_SECONDS)
            if before is not None and request.item_id in api.resource.store.items:
                api.resource.store.write(before)
            raise

    seams.around(api, "update", run)


@plain("concurrency", TOGETHER, shown=_two_fields)
def concurrent_update_dropped(api: Api) -> None:
    """Answers the second of two updates that meet with success and does nothing."""

    async def pass_over(request: Request) -> Answer:
        await api.resource.valid_body(request)
        return seams.succeed(api, "update", api.resource.store.find(request.item_id))

    _while_busy(api, pass_over)


@plain("concurrency", TOGETHER, shown=_two_fields)
def concurrent_update_answered_409(api: Api) -> None:
    """Answers 409 to an update of an item that another is updating."""

    async def refuse(request: Request) -> Answer:
        raise Refusal(409, "The item is being updated.")

    _while_busy(api, refuse)


def _while_busy(api: Api, answer_other: Operation) -> None:
    busy: set[str] = set()

    async def run(request: Request, handle: Operation) -> Answer:
        if request.item_id in busy:
            return await answer_other(request)
        busy.add(request.item_id)
        try:
            answer = await handle(request)
            await asyncio.sleep(PAUSE_SECONDS)
            return answer
        finally:
            busy.discard(request.item_id)

    seams.around(api, "update", run)


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
        partial(_update_and, role),
    )
    for role in ("read", "list")
}, (*CRUD, "list"))  # fmt: skip
