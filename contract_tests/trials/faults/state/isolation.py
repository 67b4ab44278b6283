"""Faults of isolation: what is sent for one item reaches others."""

from collections.abc import Callable, Iterable

from contract_tests.spec.field import Field

from .. import seams
from ..fault import LIST, Planted, fault, plain
from ..scene import Body, Scene, first, needed
from ..seams import Api, Apply, Create, Fields, Item, by, maker
from ..usual import REMOVAL, change, change_beside, changed, made_next, others, removed_items, without
from ..witness import Witness

ISOLATION = "isolation"


@maker(seams.update_as)
def _update_reaching(api: Api, which: Callable[[Api, Item], Iterable[Item]], before: Item, changes: Fields) -> None:
    after = api.resource.store.find(before.id).fields
    changed_fields = {n: after.get(n) for n in changes if after.get(n) != before.fields.get(n) and n in after}
    for item in which(api, before) if changed_fields else ():
        seams.write_fields(api, item, {**item.fields, **changed_fields})


def _reaching_alike(compared: Callable[[Fields], object]) -> Apply:
    def alike(api: Api, before: Item) -> list[Item]:
        return [item for item in others(api, before.id) if compared(item.fields) == compared(before.fields)]

    return _update_reaching(alike)


@fault("isolation", ISOLATION)
def update_reaches_the_newest_item(scene: Scene) -> Planted:
    """Updates the newest item besides the one in the path."""
    return Planted(_update_reaching(lambda api, before: others(api, before.id)[-1:]), change_beside(scene))


@fault("isolation", ISOLATION)
def update_reaches_items_alike(scene: Scene) -> Planted:
    """Keeps a field with the value of another, so that every item with that value shares it."""
    body = change(scene)
    link = first(tried.name for tried in (*scene.listed, *scene.enums) if tried.name in scene.item)
    needed(link not in body)
    twin = scene.create(scene.named(scene.item, "Twin"))
    witness = (twin, scene.update(body), scene.read("{new}"))
    return Planted(_reaching_alike(lambda fields: fields.get(link)), witness)


@fault("isolation", ISOLATION)
def items_alike_share_their_fields(scene: Scene) -> Planted:
    """Copies by reference: items made one after the other with the same fields but the name share one of them."""
    tried = first(changed(scene)[::-1])
    aside = (tried.name, scene.contract.run_name or "")
    twins = [scene.create(scene.named(scene.item, name)) for name in ("Twin", "Other twin")]
    witness = (*twins, scene.update(scene.change(tried), "{new}"), scene.read())
    return Planted(_reaching_alike(lambda fields: without(fields, *aside)), witness)


@fault("isolation", ISOLATION, needs=LIST)
def items_made_of_little_share_their_fields(scene: Scene) -> Planted:
    """Gives all items that were made of no more than a create needs one set of values to keep what is set later in."""
    tried = first(tried for tried in changed(scene) if _is_left_out(scene, tried))

    def apply(api: Api) -> None:
        sharing: list[str] = []

        def create(right: Create, body: Fields) -> Item:
            item = right(body)
            sharing.extend([item.id] if {*body} <= {*scene.smallest} else [])
            return item

        def alike(api: Api, before: Item) -> list[Item]:
            return [item for item in others(api, before.id) if before.id in sharing and item.id in sharing]

        seams.wrap(api, "resource.store.create", create)
        _update_reaching(alike)(api)

    made = [scene.create(scene.named(scene.smallest, name)) for name in ("One", "Other")]
    return Planted(apply, (*made, scene.update(scene.change(tried), "{new}"), scene.list()))


@fault("isolation", "create_stores_everything")
def new_item_inherits_the_last_update(scene: Scene) -> Planted:
    """Keeps the defaults of new items in one dictionary that updates write to."""
    tried = first(tried for tried in changed(scene) if _is_left_out(scene, tried))

    def apply(api: Api) -> None:
        defaults: Fields = {}

        def keep(before: Item, changes: Fields) -> None:
            defaults.update({n: v for n, v in changes.items() if n == tried.name and v is not None})

        seams.update_as(api, keep)
        seams.wrap(api, "resource.store.create", lambda create, body: create({**defaults, **body}))

    return Planted(apply, (scene.update(scene.change(tried)), scene.create(scene.smallest), scene.read("{new}")))


@fault("isolation", "create_stores_everything", needs=REMOVAL)
def name_inherits_from_a_removed_item(scene: Scene) -> Planted:
    """Gives a new item the fields of one of its name that was removed."""
    name = needed(scene.contract.run_name)
    needed(scene.item.keys() - scene.smallest.keys())

    @by(seams.wrap, "resource.store.create", memory=removed_items)
    def apply(api: Api, removed: dict[str, Item], right: Create, body: Fields) -> Item:
        gone = [item.fields for item in removed.values() if item.fields.get(name) == body.get(name)]
        return right({**(gone[-1] if gone else {}), **body})

    return Planted(apply, (scene.remove(), scene.create(scene.smallest), scene.read("{new}")))


def _is_left_out(scene: Scene, tried: Field) -> bool:
    body: Body = {**scene.smallest, tried.name: scene.other(tried)}
    create = scene.contract.fields("create")
    is_optional = tried.name in create and not create[tried.name].is_required and tried.name not in scene.smallest
    return is_optional and scene.contract.accepts("create", body) and scene.rules.lawful({}, body)


@fault("isolation", ISOLATION)
def clearing_reaches_the_item_made_next(scene: Scene) -> Planted:
    """Clears a field of the item that was made after the one in the path, too."""
    needed(not scene.is_put)

    @by(seams.update_as)
    def apply(api: Api, before: Item, changes: Fields) -> None:
        nulls = {name: None for name, value in changes.items() if value is None}
        for item in made_next(api, before) if nulls else ():
            seams.write_fields(api, item, api.resource.store.merge(item.fields, nulls))

    body = scene.lawful({first(scene.clearing).name: None})
    return Planted(apply, (scene.update(body), scene.read("{other}")))


def _waiting(scene: Scene) -> Witness:
    fields = changed(scene)
    needed(len(fields) > 2 and not scene.is_put)
    body = {**scene.change(fields[1]), fields[0].name: scene.bad(fields[0])}
    return (scene.update(body), scene.update(scene.change(fields[2]), "{other}"), scene.read("{other}"))


@plain("isolation", ISOLATION, "atomic", shown=_waiting)
def refused_update_waits_for_the_next(api: Api) -> None:
    """Leaves the valid fields of a refused update in the session, and the next update of any item stores them."""
    waiting: Fields = {}
    rules = api.resource.rules

    def leave(item: Item, body: Fields) -> None:
        for name, value in body.items():
            alone = {**(item.fields if api.resource.store.replaces else {}), name: value}
            if value is not None and name in rules.fields["update"] and rules.is_valid("update", alone):
                waiting[name] = value

    def carry_out(item: Item, changes: Fields) -> Fields:
        left = dict(waiting)
        waiting.clear()
        return {**left, **changes}

    seams.before_refusal(api, leave)
    seams.change_update(api, carry_out)
