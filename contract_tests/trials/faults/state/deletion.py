"""Faults of removal."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .. import seams, usual
from ..fault import CRUD, Planted, fault, plain
from ..scene import Scene, needed
from ..seams import Answer, Api, Create, Fields, Item, Operation, Remove, Request, Update, by
from ..usual import REMOVAL, change, change_alone, made_next, optional, others, removed_items, success, unknown
from ..witness import Step, Witness
from .sometimes import OFTEN, many

GONE, ISOLATION = "removed_is_gone", "isolation"
COMES_BACK_AFTER = 2
Items = dict[str, Item]


def _afterwards(scene: Scene) -> Witness:
    listed = (scene.list(),) if scene.contract.has("list") else ()
    return (scene.remove(), scene.read(), *optional(change_alone, scene), *listed)


def _twin_and(scene: Scene, *steps: Step) -> Witness:
    """Make an item like the first, remove the first, go on, and read the other."""
    return (scene.create(scene.item), scene.remove(), *steps, scene.read("{new}"))


def _alike(api: Api, removed: Items, item_id: str) -> list[Item]:
    """Return the living items that have the fields of one that was removed."""
    known = [removed[item_id]] if item_id in removed else []
    return [other for item in known for other in others(api, item_id) if other.fields == item.fields]


@plain("deletion", GONE, needs=REMOVAL, shown=_afterwards)
@by(seams.wrap, "resource.store.remove")
def remove_does_nothing(api: Api, remove: Remove, item_id: str) -> Item:
    """Answers a removal with success and removes nothing."""
    return api.resource.store.find(item_id)


@plain("deletion", GONE, needs=(*REMOVAL, "list"), shown=_afterwards)
def remove_hides_from_lists_only(api: Api) -> None:
    """Marks an item as removed; lists leave it out, and it can still be read and updated."""
    hidden: set[str] = set()

    def hide(remove: Remove, item_id: str) -> Item:
        hidden.add(item_id)
        return api.resource.store.find(item_id)

    seams.wrap(api, "resource.store.remove", hide)
    seams.wrap(api, "resource.store.all", lambda every: (item for item in every() if item.id not in hidden))


@plain("deletion", "whole_list", needs=(*REMOVAL, "list"), shown=_afterwards)
@by(seams.wrap, "resource.store.all", memory=removed_items)
def removed_item_still_listed(api: Api, removed: Items, every: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """Lists items that were removed."""
    return iter([*every(), *removed.values()])


@plain("deletion", GONE, needs=(*CRUD, "remove"), shown=_afterwards)
@by(seams.around, "update", memory=removed_items)
async def removed_item_can_be_updated(api: Api, removed: Items, request: Request, handle: Operation) -> Answer:
    """Checks only where it reads whether an item was removed: an update is accepted."""
    if request.item_id not in removed:
        return await handle(request)
    item, changes = removed[request.item_id], await api.resource.valid_body(request)
    return seams.succeed(api, "update", item._replace(fields=api.resource.store.merge(item.fields, changes)))


@fault("deletion")
def update_creates_what_is_missing(scene: Scene) -> Planted:
    """Creates an item where an update finds none."""
    needed(scene.contract.operation("update").names(404))
    target, fields = unknown(scene), dict(scene.item)

    @by(seams.wrap, "resource.store.update")
    def apply(api: Api, right: Update, item_id: str, changes: Fields) -> Item:
        store = api.resource.store
        if item_id in store.items:
            return right(item_id, changes)
        made = store.merge(fields, changes)
        return store.write(Item(item_id, made, store.now(), None, store.measure(made)))

    return Planted(apply, (scene.update(change(scene), target), scene.read(target)), usual.error("update", 404)(scene))


@fault("deletion", needs=("create", "remove"))
def remove_answered_with_true(scene: Scene) -> Planted:
    """Answers a removal with true instead of an object."""
    needed(scene.contract.answer_faults("remove", scene.contract.operation("remove").successes[0], True))
    apply = lambda api: usual.success_as(api, "remove", lambda answer: replace(answer, body=b"true"))
    return Planted(apply, (scene.remove(),), success("remove")(scene))


@plain("deletion", ISOLATION, needs=REMOVAL, shown=lambda scene: (scene.remove(), scene.read("{other}")))
@by(seams.wrap, "resource.store.remove")
def remove_takes_the_next_as_well(api: Api, remove: Remove, item_id: str) -> Item:
    """Removes the item that was made next as well."""
    for other in made_next(api, api.resource.store.find(item_id)):
        remove(other.id)
    return remove(item_id)


@plain("deletion", ISOLATION, needs=REMOVAL, shown=lambda scene: (scene.remove(unknown(scene)), scene.read("{other}")))
@by(seams.wrap, "resource.store.remove")
def removing_nothing_removes_the_newest(api: Api, remove: Remove, item_id: str) -> Item:
    """Removes the newest item where no item has the id."""
    items = api.resource.store.items
    return remove(item_id if item_id in items or not items else others(api, "")[-1].id)


@plain("deletion", ISOLATION, GONE, needs=REMOVAL, shown=lambda scene: _twin_and(scene, scene.remove()))
@by(seams.wrap, "resource.store.remove", memory=removed_items)
def second_removal_takes_one_alike(api: Api, removed: Items, remove: Remove, item_id: str) -> Item:
    """Removes an item alike where the one in the path was removed before."""
    alike = _alike(api, removed, item_id)
    return remove(alike[0].id if alike else item_id)


@plain("deletion", ISOLATION, GONE, needs=REMOVAL, shown=lambda s: (s.remove(), s.remove(), s.read("{other}")))
@by(seams.wrap, "resource.store.remove", memory=removed_items)
def second_removal_takes_the_next(api: Api, removed: Items, remove: Remove, item_id: str) -> Item:
    """Removes the item that was made next where the one in the path was removed before."""
    for other in made_next(api, removed[item_id]) if item_id in removed else ():
        remove(other.id)
    return remove(item_id)


@fault("deletion", ISOLATION, GONE, needs=(*CRUD, "remove"))
def update_of_what_is_gone_reaches_one_alike(scene: Scene) -> Planted:
    """Stores an update of an item that was removed in an item alike, and answers 404."""
    needed(not scene.is_put)

    @by(seams.wrap, "resource.store.update", memory=removed_items)
    def apply(api: Api, removed: Items, right: Update, item_id: str, changes: Fields) -> Item:
        for alike in _alike(api, removed, item_id):
            seams.write_fields(api, alike, api.resource.store.merge(alike.fields, changes))
        return right(item_id, changes)

    return Planted(apply, _twin_and(scene, scene.update(change(scene))))


@plain("deletion", GONE, needs=REMOVAL, shown=lambda s: (s.remove(), s.create(s.item), s.read(), s.read("{id}")))
@by(seams.wrap, "resource.store.create", memory=removed_items)
def removed_item_comes_back_with_one_alike(api: Api, removed: Items, create: Create, body: Fields) -> Item:
    """Brings an item back that was removed when one is made of its body."""
    item = create(body)
    for old in [old for old in removed.values() if old.fields == item.fields]:
        api.resource.store.write(old)
    return item


@plain("deletion", GONE, needs=(*CRUD, "remove"), shown=lambda scene: (*many(scene), scene.remove(), scene.read()))
@by(seams.around, "read", memory=removed_items)
async def removal_after_many_updates_undone(api: Api, removed: Items, request: Request, handle: Operation) -> Answer:
    """Answers a read of an item that was updated more than twenty times, though it was removed."""
    item = removed.get(request.item_id)
    return seams.succeed(api, "read", item) if item and item.version > OFTEN else await handle(request)


@fault("deletion", GONE, needs=REMOVAL)
def id_used_again(scene: Scene) -> Planted:
    """Gives the id of a removed item to the next one."""
    again = lambda api, removed, new_id: removed.popitem()[0] if removed else new_id()
    apply = by(seams.wrap, "resource.store.new_id", memory=removed_items)(again)
    new = scene.create(scene.named(scene.item, "New"))
    return Planted(apply, (scene.remove("{other}"), new, scene.read("{other}")))


@plain("deletion", GONE, needs=REMOVAL, shown=lambda scene: (scene.remove(), scene.read(), scene.read(), scene.read()))
def removed_item_comes_back(api: Api) -> None:
    """Brings an item back two seconds after it was removed."""
    removed: dict[str, tuple[Any, Item]] = {}
    store = api.resource.store

    def run(remove: Remove, item_id: str) -> Item:
        removed[item_id] = (store.now(), remove(item_id))
        return removed[item_id][1]

    async def read(request: Request, handle: Operation) -> Answer:
        if request.item_id in removed:
            moment, item = removed[request.item_id]
            if (store.now() - moment).total_seconds() > COMES_BACK_AFTER:
                store.write(item)
        return await handle(request)

    seams.wrap(api, "resource.store.remove", run)
    seams.around(api, "read", read)
