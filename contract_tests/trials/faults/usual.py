"""What most faults share: requests that every contract allows, and where a contract says what is answered."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from contract_tests.spec.field import Field

from . import seams
from .scene import Body, NoPlace, Scene, first, needed
from .seams import Answer, Api, Item, Operation, Refusal, Request
from .witness import Step, Witness

Shown = Callable[[Scene], Witness]  # makes a witness; raises NoPlace where the contract has no place for the fault
Clause = Callable[[Scene], str]

ITEM = ("create", "read")
REMOVAL = ("create", "read", "remove")

# -- Requests ---------------------------------------------------------------------------------------------------------

change_and_read: Shown = lambda scene: scene.shows(change(scene))
change_or_read: Shown = lambda scene: optional(change_and_read, scene) or (scene.read(),)
change_beside: Shown = lambda scene: (scene.update(change(scene)), scene.read("{other}"))
change_alone: Shown = lambda scene: (scene.update(change(scene)),)
change_twice: Shown = lambda scene: scene.shows(*in_turn(scene, 2))
refused: Shown = lambda scene: (wrong(scene),)
without_a_type: Shown = lambda scene: (replace(scene.update(change(scene)), headers=()), scene.read())
just_read: Shown = lambda scene: (scene.read(),)


def unknown(scene: Scene) -> str:
    """Return an id that no item has."""
    return "987654321" if has_number_ids(scene) else "unknown"


def has_number_ids(scene: Scene) -> bool:
    """Whether ids are numbers."""
    return "integer" in scene.api.contract.types(id_schema(scene))


def id_schema(scene: Scene) -> Any:
    """Return the schema of an id."""
    layout = scene.api.resource.layout
    return scene.api.contract.properties(layout.item).get(layout.id_name, {})


def changed(scene: Scene) -> list[Field]:
    """Return the free fields that can be changed alone, numbers first."""
    return sorted(scene.changing, key=lambda tried: (tried not in scene.fractions, tried not in scene.numbers))


def change(scene: Scene) -> Body:
    """Return an update of one field; NoPlace where no field can be changed alone."""
    needed(scene.contract.has("update"))
    return scene.change(first(changed(scene)))


def two_fields(scene: Scene) -> tuple[Body, Body]:
    """Return updates of two fields, each without the other; NoPlace for a PUT, which brings both."""
    fields = changed(scene)
    needed(len(fields) > 1 and not scene.is_put)
    one, other = scene.change(fields[0]), scene.change(fields[1])
    needed(not one.keys() & other.keys())
    return one, other


def in_turn(scene: Scene, number: int) -> list[Body]:
    """Return so many updates, each of which changes the item; NoPlace where no field has two values."""
    needed(scene.contract.has("update"))
    for tried in changed(scene):
        body = scene.change(tried)
        back = {name: scene.item[name] for name in body if name in scene.item}
        if back.keys() == body.keys() and back != body:
            return [(body, back)[n % 2] for n in range(number)]
    raise NoPlace


def wrong(scene: Scene) -> Step:
    """Return an update that the schema refuses."""
    needed(scene.contract.has("update"))
    for tried in [*changed(scene), *scene.free]:
        with suppress(NoPlace):
            return scene.update({tried.name: scene.bad(tried)})
    raise NoPlace


def optional(shown: Shown, scene: Scene) -> Witness:
    """Return a part of a witness; nothing where the contract has no place for it."""
    with suppress(NoPlace):
        return shown(scene)
    return ()


def answered_change(scene: Scene) -> Witness:
    """Change an item, where the answer shows it, and read it."""
    needed(shows_item(scene, "update"))
    return change_and_read(scene)


def read_unknown(scene: Scene) -> Witness:
    """Read what is not there, where the contract says what is answered."""
    needed(scene.contract.operation("read").names(404))
    return (scene.read(unknown(scene)),)


def make_and_read(scene: Scene, body: Body) -> Witness:
    """Make an item and read it."""
    return (scene.create(body), scene.read("{new}"))


def unnamed_method(scene: Scene) -> Step:
    """Change an item by PUT instead of PATCH, or the other way round."""
    step = scene.update(change(scene))
    return replace(step, method="PUT" if step.method == "PATCH" else "PATCH")


def removal_of_another(scene: Scene) -> Witness:
    """Make another item and remove it, where that can be."""
    needed(scene.contract.has("remove"))
    return (scene.create(scene.bystander), scene.remove("{new}"))


def further(scene: Scene) -> list[str]:
    """Name the operations that list the values of fields."""
    names = [tried.values_from.operation_id for tried in scene.listed if tried.values_from]
    return [name for name in dict.fromkeys(names) if name in scene.api.further]


# -- Places -----------------------------------------------------------------------------------------------------------


def shows_item(scene: Scene, role: str) -> bool:
    """Whether the mock answers an operation with a body."""
    return scene.api.resource.envelopes[role].around is not None


def success(role: str) -> Clause:
    """Return what finds where the contract describes the success of an operation."""
    return lambda scene: _described(scene, role, scene.contract.operation(role).successes[0])


def error(role: str, status: int) -> Clause:
    """Return what finds where the contract describes an error; 400 stands for the refusal of a body."""
    return lambda scene: _described(scene, role, refusal_status(scene) if status == 400 else status)


def _described(scene: Scene, role: str, status: int) -> str:
    operation = scene.contract.operation(role)
    return operation.response_pointer(status) or operation.pointer


def refusal_status(scene: Scene) -> int:
    """Return the status with which the mock refuses the body of an update."""
    operations = scene.api.resource.layout.operations
    return scene.api.errors.status(operations.get("update", operations["create"]), 400)


def is_closed(scene: Scene, role: str, status: int, place: tuple[str, ...] = ()) -> bool:
    """Whether the contract allows no further fields at a place of an answer."""
    node: Any = {"further_field": 0}
    for step in reversed(place):
        node = {step: node}
    faults = scene.contract.answer_faults(role, status, node)
    return any(f.clause.rpartition("/")[2] in ("additionalProperties", "unevaluatedProperties") for f in faults)


def text_places(scene: Scene, role: str | None, status: int) -> list[tuple[str, ...]]:
    """List where the body of an error has room for words; 400 stands for the refusal of a body."""
    operation = scene.api.resource.layout.operations[role] if role else None
    told = scene.api.errors.status(operation, status)
    body = scene.api.errors.body(operation, Refusal(told, "A message."))
    code_at = scene.contract.error_code_at(role, told) if role else ("code",)
    return [path for path in places(str, body) if path != code_at and path[-1:] != ("code",)]


def has_room(scene: Scene, role: str, status: int) -> bool:
    """Whether the mock says its own words in an error."""
    operation = scene.api.resource.layout.operations[role]
    return "WORDS" in str(scene.api.errors.body(operation, Refusal(status, "WORDS")))


def places(kind: type, node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where values of a kind stand in the objects of a document, those in arrays left out."""
    for name, value in node.items() if isinstance(node, dict) else ():
        if isinstance(value, kind):
            yield (*path, name)
        else:
            yield from places(kind, value, (*path, name))


def changed_at(node: Any, path: Sequence[str], change_value: Callable[[Any], Any]) -> Any:
    """Return a document with what stands at a path changed, if anything does; `*` stands for each element of an array."""
    if not path:
        return change_value(node)
    step, *rest = path
    if step == "*" and isinstance(node, list):
        return [changed_at(each, rest, change_value) for each in node]
    is_there = isinstance(node, dict) and step in node
    return {**node, step: changed_at(node[step], rest, change_value)} if is_there else node


def without_at(node: Any, path: Sequence[str]) -> Any:
    """Return a document without what stands at a path."""
    *above, name = path
    return changed_at(node, above, lambda owner: without(owner, name) if isinstance(owner, dict) else owner)


# -- Changing a mock --------------------------------------------------------------------------------------------------


def status_as(api: Api, status: int, other: int) -> None:
    """Answer *other* instead of the error *status*, in the same shape."""
    seams.refuse_as(api, lambda refusal, answer: replace(answer, status=other) if answer.status == status else answer)


def success_as(api: Api, role: str, change_answer: Callable[[Answer], Answer]) -> None:
    """Change the successful answers of an operation."""

    async def run(request: Request, handle: Operation) -> Answer:
        return change_answer(await handle(request))

    seams.around(api, role, run)


def body_as(api: Api, role: str, change_body: Callable[[Any], Any]) -> None:
    """Change the document in the successful answers of an operation."""
    success_as(api, role, lambda answer: replace(answer, body=orjson.dumps(change_body(orjson.loads(answer.body)))))


def item_as(api: Api, role: str, change_item: Callable[[Item], Body]) -> None:
    """Add fields to the item that an operation on an item answers."""

    async def run(request: Request, handle: Operation) -> Answer:
        await handle(request)
        item = api.resource.store.find(request.item_id)
        return seams.succeed(api, role, item, **change_item(item))

    seams.around(api, role, run)


def others(api: Api, item_id: str) -> list[Item]:
    """Return the items but one, the oldest first."""
    items = [item for item in api.resource.store.items.values() if item.id != item_id]
    return sorted(items, key=lambda item: item.created_at)


def made_next(api: Api, item: Item) -> list[Item]:
    """Return the item that was made after another, in a list; an empty one where none was."""
    return [other for other in others(api, item.id) if other.created_at > item.created_at][:1]


def without(fields: Mapping[str, Any], *names: str) -> Body:
    """Return some fields without others."""
    return {name: value for name, value in fields.items() if name not in names}


def snake_case(name: str) -> str:
    """Spell a name in snake case."""
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _returned(operation: str, api: Api) -> dict[str, Item]:
    """Remember the items that an operation of the store returns, by id, in their order."""
    known: dict[str, Item] = {}

    def remember(right: Callable[..., Item], told: Any) -> Item:
        item = right(told)
        known[item.id] = item
        return item

    seams.wrap(api, f"resource.store.{operation}", remember)
    return known


# Remember the items that are made, as they are made; and those that are removed, as they were.
made_items = partial(_returned, "create")
removed_items = partial(_returned, "remove")


def earlier_states(api: Api) -> dict[str, Item]:
    """Remember each item as it was before its last update."""
    earlier: dict[str, Item] = {}
    seams.update_as(api, lambda before, changes: earlier.update({before.id: before}))
    return earlier


def failed(*_: Any, status: int = 500) -> Any:
    """Fail as a server does that has not caught its own mistake, or with another status."""
    raise Refusal(status, "Something went wrong.")
