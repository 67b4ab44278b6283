"""How a deviation is planted: each of these lets a mock go wrong while a condition holds."""

from collections.abc import Callable
from typing import Any

from .. import seams
from ..seams import Answer, Api, Fields, Item, Operation, Refusal, Request, by, curried, maker
from ..usual import others, without
from .place import Place

Holds = Callable[[], bool]  # whether the condition holds for the call in hand, and it brings the field
Plant = Callable[[Api, Place, Holds], None]
ShowItem = Callable[[Api, Callable[[Item], Item]], None]
Judge = Callable[[Place, Any], bool]
Change = Callable[[Place, Any], Any]
Updating = Callable[[Api, Place, Item, Item], object]


@curried
def judging(said: bool, is_meant: Judge, api: Api, place: Place, holds: Holds) -> None:
    """Accept, or refuse, some values of the field."""
    good = next(iter(place.scene.good(place.tried)), seams.LEFT_OUT)
    verdict = lambda value: said if is_meant(place, value) and holds() else None
    seams.judge(api, place.name, verdict, seams.UPDATE, seams.CREATE, instead=good)


@maker(seams.read_as)
def reading(api: Api, change: Change, place: Place, holds: Holds, body: Any) -> Any:
    """Change a value before it is checked."""
    return {**body, place.name: change(place, body[place.name])} if holds() else body


def storing(change: Change) -> Plant:
    """Change a value before it is stored."""
    return storing_fields(lambda place, sent: {**sent, place.name: change(place, sent[place.name])})


def storing_fields(change: Callable[[Place, Fields], Fields]) -> Plant:
    """Change the fields of a valid body before they are stored."""
    return lambda api, place, holds: seams.store_as(api, lambda role, sent: change(place, sent) if holds() else sent)


@maker(seams.update_as)
def updating(api: Api, change: Updating, place: Place, holds: Holds, before: Item, sent: Fields) -> None:
    """Do more, or less, with an update that changes something; *change* is told the item before and after."""
    after = api.resource.store.find(before.id)
    if after is not before and holds():
        change(api, place, before, after)


def reach_another(api: Api, place: Place, before: Item, after: Item) -> None:
    """Write the field of the newest other item, too."""
    for item in others(api, before.id)[-1:] if place.name in after.fields else ():
        seams.write_fields(api, item, {**item.fields, place.name: after.fields[place.name]})


def clear_another(api: Api, place: Place, before: Item, after: Item) -> None:
    """Clear another field."""
    seams.write_fields(api, after, without(after.fields, place.other))


@by(seams.update_as)
def clear_on_null(api: Api, place: Place, holds: Holds, before: Item, sent: Fields) -> None:
    """Clear the field on a null that is to leave it."""
    after = api.resource.store.find(before.id)
    if sent.get(place.name, "") is None and holds():
        seams.write_fields(api, after, without(after.fields, place.name))


@curried
def stale(show: ShowItem, api: Api, place: Place, holds: Holds) -> None:
    """Show the item as it was before the update, up to the next one."""
    earlier: dict[str, Item] = {}

    def updated(before: Item, sent: Fields) -> None:
        earlier.pop(before.id, None)
        if holds():
            earlier[before.id] = before

    seams.update_as(api, updated)
    show(api, lambda item: earlier.get(item.id, item))


async def unstored(api: Api, request: Request, handle: Operation, holds: Holds = lambda: True) -> Answer:
    """Answer the new state and store nothing."""
    before = api.resource.store.items.get(request.item_id)
    answer = await handle(request)
    if before is not None and holds():
        api.resource.store.write(before)
    return answer


def answer_alone(api: Api, place: Place, holds: Holds) -> None:
    """Answer the new state of each update and store nothing."""
    seams.around(api, seams.UPDATE, lambda request, handle: unstored(api, request, handle, holds))


def time_stays(api: Api, place: Place, before: Item, after: Item) -> None:
    """Leave the time, and the number, of the last change where they were."""
    api.resource.store.write(after._replace(updated_at=before.updated_at, version=before.version))


@by(seams.wrap, "resource.store.check")
def accept_unlisted(api: Api, place: Place, holds: Holds, right: Any, fields: Fields, sent: Fields) -> None:
    """Accept a value that nobody lists."""
    scene, value = place.scene, sent.get(place.name)
    if value is not None and not api.resource.choices.is_listed(place.name, value) and holds():
        goods = {tried.name: scene.item[tried.name] for tried in scene.listed if tried.name in scene.item}
        fields, sent = {**fields, **goods}, {**sent, place.name: goods[place.name]}
    right(fields, sent)


def show_readers_the_old(api: Api, place: Place, holds: Holds) -> None:
    """Show every other client that has read an item what it was before the update, up to the next one."""
    readers: dict[str, set[bytes]] = {}
    earlier: dict[tuple[str, bytes], Item] = {}

    async def read(request: Request, handle: Operation) -> Answer:
        client = request.headers.get(b"user-agent", b"")
        readers.setdefault(request.item_id, set()).add(client)
        item = earlier.get((request.item_id, client))
        return await handle(request) if item is None else seams.succeed(api, "read", item)

    async def update(request: Request, handle: Operation) -> Answer:
        before = api.resource.store.items.get(request.item_id)
        answer = await handle(request)
        for client in readers.get(request.item_id, set()):
            earlier.pop((request.item_id, client), None)
            if before is not None and holds() and client != request.headers.get(b"user-agent", b""):
                earlier[request.item_id, client] = before
        return answer

    seams.around(api, "read", read)
    seams.around(api, seams.UPDATE, update)


def salvaging(salvage: Callable[[Api, Place, Item, Fields], object]) -> Plant:
    """Do something with an update that is refused."""
    save = lambda api, place, holds, item, body: holds() and salvage(api, place, item, body)
    return by(seams.before_refusal)(save)


def store_valid_part(api: Api, place: Place, item: Item, body: Fields) -> None:
    """Store the fields that are valid."""
    fields, accepts = place.scene.fields, place.scene.contract.accepts_value
    part = {name: value for name, value in body.items() if name in fields and accepts(fields[name], value)}
    seams.write_fields(api, item, api.resource.store.merge(item.fields, part))


@maker(seams.around, seams.UPDATE)
async def refusing(api: Api, status: int, place: Place, holds: Holds, request: Request, handle: Operation) -> Answer:
    """Answer an update that is refused with another status; 200 with the item as it is."""
    try:
        return await handle(request)
    except Refusal:
        if request.item_id not in api.resource.store.items or not holds():
            raise
        if status == 200:
            return seams.succeed(api, seams.UPDATE, api.resource.store.find(request.item_id))
        raise Refusal(status, "The request body is not valid.") from None
