"""Faults of null and omission."""

from collections.abc import Callable, Iterator

from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Fault, OnField, Planted, Predicate, fault, generator
from ..scene import Scene, first, needed
from ..seams import Api, Fields, Item, by, curried
from ..usual import change_and_read

Merge = Callable[[Fields, Fields], Fields]
_is_null: Predicate = lambda value: value is None


@generator
def faults_of_null(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of null in each nullable field: of an update, and of a create."""
    creates = scene.contract.fields("create")
    for tried in (*scene.nullable, *(f for f in creates.values() if f.is_nullable)):
        in_create = scene.role(tried) == "create"
        defect, where = ("null_refused_by_create", " in a create") if in_create else ("null_refused", "")
        on = OnField(scene, tried, "null", scene.clause(tried, "x-on-null"), _is_null)
        yield from on.tighter(defect, f"Refuses null in {tried.name}{where}.", _is_null, None)
        if not in_create and scene.contract.has(*CRUD) and scene.other(tried) is not None:
            yield from _of_update(on)


def _of_update(on: OnField) -> Iterator[Fault]:
    """Do with null what another value of x-on-null says, or store a value instead."""
    tried, scene = on.tried, on.scene
    if tried.on_null == "keep":
        summary = f"Clears {tried.name} on null, which is to leave it."
        yield from on.planted("cleared_by_null", summary, _on_null(tried.name, is_kept=False), scene.other(tried), None)
        return
    summary = f"Leaves {tried.name} on null, which is not to keep it."
    yield from on.planted("kept_on_null", summary, _on_null(tried.name, is_kept=True), scene.other(tried), None)
    in_update = (seams.UPDATE,)
    if tried in scene.enums:
        summary = f"Sets {tried.name} to its first value where null is to remove it."
        first = tried.schema["enum"][0]
        yield from on.stored("reset_to_a_default_by_null", summary, lambda _: first, None, roles=in_update)
    if tried in scene.numbers:
        summary = f"Stores 0 in {tried.name} where null is to remove the number."
        yield from on.stored("stored_as_zero_by_null", summary, lambda _: 0, None, roles=in_update)
    if tried in scene.texts:
        summary = f"Stores the text None in {tried.name} where null is to remove the text."
        yield from on.stored("stored_as_a_word_by_null", summary, lambda _: "None", None, roles=in_update)


@curried
def _on_null(name: str, api: Api, *, is_kept: bool) -> None:
    for answer, part in ((is_kept, "keeps_on_null"), (not is_kept, "clears_on_null")):
        says = lambda rule, other, answer=answer: answer if other == name else rule(other)
        seams.wrap(api, f"resource.rules.{part}", says)


def _clearing(scene: Scene, fewest: int = 1) -> list[Field]:
    """Return the fields that null clears, and that no rule keeps it from clearing; NoPlace where there are too few."""
    found = [tried for tried in scene.clearing if scene.rules.lawful(scene.item, {tried.name: None})]
    needed(len(found) >= fewest)
    return found


def _optional(scene: Scene) -> list[str]:
    """Return the fields of an update that an item may lack; NoPlace for a PUT, which brings them all."""
    needed(not scene.is_put)
    required = {name for name, tried in scene.contract.fields("create").items() if tried.is_required}
    return [name for name in scene.fields if name not in required]


@fault("null", "read_your_writes")
def omitted_fields_cleared(scene: Scene) -> Planted:
    """Replaces the item as PUT would: what an update leaves out is cleared."""
    optional = _optional(scene)
    needed(len(optional) > 1)

    @by(seams.wrap, "resource.store.merge")
    def apply(api: Api, right: Merge, fields: Fields, changes: Fields) -> Fields:
        kept = {name: value for name, value in fields.items() if name not in optional}
        return kept | {name: value for name, value in changes.items() if value is not None}

    return Planted(apply, change_and_read(scene), scene.contract.operation("update").pointer)


@fault("null", "read_your_writes")
def null_clears_everything(scene: Scene) -> Planted:
    """Clears every field that may be cleared as soon as one is null."""
    some, optional = _clearing(scene, 2), _optional(scene)

    @by(seams.wrap, "resource.store.merge")
    def apply(api: Api, right: Merge, fields: Fields, changes: Fields) -> Fields:
        return right({n: v for n, v in fields.items() if None not in changes.values() or n not in optional}, changes)

    return Planted(apply, scene.shows({some[0].name: None}), scene.clause(some[0], "x-on-null"))


@fault("null", "any_combination")
def nulls_left_out(scene: Scene) -> Planted:
    """Drops every null before the update, as if the field had been left out."""
    some = _clearing(scene)
    needed(not scene.is_put)
    change = lambda fields: {n: v for n, v in fields.items() if v is not None}
    witness = scene.shows(dict.fromkeys(tried.name for tried in some))
    return Planted(lambda api: seams.store_update_as(api, change), witness, scene.clause(some[0], "x-on-null"))


@fault("null", "read_your_writes")
def cleared_field_stays_cleared(scene: Scene) -> Planted:
    """Keeps a field that null has cleared from taking a value ever again."""
    tried = first(_clearing(scene))

    @by(seams.update_as, memory=lambda api: set())
    def apply(api: Api, cleared: set[tuple[str, str]], before: Item, changes: Fields) -> None:
        now, clears = api.resource.store.find(before.id), api.resource.rules.clears_on_null
        cleared.update((before.id, n) for n, v in changes.items() if v is None and clears(n))
        seams.write_fields(api, now, {n: v for n, v in now.fields.items() if (before.id, n) not in cleared})

    return Planted(apply, scene.tries(tried, None, scene.good(tried)[0]))


@fault("null", "any_combination")
def empty_update_clears_beside_unset(scene: Scene) -> Planted:
    """Clears a field on an empty update where another is not set."""
    one, other = (tried.name for tried in _clearing(scene, 2)[:2])
    needed(not scene.is_put and scene.item.get(one) is not None)

    @by(seams.update_as)
    def apply(api: Api, before: Item, changes: Fields) -> None:
        if not changes and before.fields.get(other) is None:
            now = api.resource.store.find(before.id)
            seams.write_fields(api, now, {name: value for name, value in now.fields.items() if name != one})

    return Planted(apply, scene.shows(scene.lawful({other: None}), {}))


@fault("null", needs=("create",))
def null_refused_by_create(scene: Scene) -> Planted:
    """Refuses null in an optional field of a new item."""
    tried = first(tried for tried in scene.contract.fields("create").values() if tried.is_nullable)
    refused = lambda sent: None in sent.values()
    witness = (scene.create({**scene.item, tried.name: None}),)
    return Planted(lambda api: seams.refuse_body(api, refused, seams.CREATE), witness, tried.place)


@fault("null")
def last_field_not_cleared(scene: Scene) -> Planted:
    """Leaves on null the only field that is set of those that null clears."""
    needed(not scene.is_put)
    names = [tried.name for tried in scene.clearing if tried.name in scene.item]
    last, *others = needed(names)
    needed(others)

    @by(seams.change_update)
    def apply(api: Api, item: Item, changes: Fields) -> Fields:
        is_last = [name for name in names if name in item.fields] in [[name] for name in changes]
        return {n: v for n, v in changes.items() if not (is_last and v is None)}

    bodies = [scene.lawful(dict.fromkeys(others)), scene.lawful({last: None})]
    clause = scene.clause(scene.fields[last], "x-on-null")
    return Planted(apply, scene.shows(*bodies), clause)
