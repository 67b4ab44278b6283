"""Faults of creation."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from contract_tests.checks.creations import may_be_alike
from contract_tests.spec.field import Field

from .. import seams
from ..fault import Apply, Fault, OnField, Planted, Select, fault, generator, plain
from ..scene import Scene, first, needed
from ..seams import CREATE, Api, Create, Fields, Item, Refusal, by
from ..usual import ITEM, Shown, body_as, changed_at, failed, make_and_read, success, success_as, without

STORES = "create_stores_everything"

created = success("create")
_new: Shown = lambda scene: make_and_read(scene, scene.item)
_fields: Select = lambda scene: scene.contract.fields("create").values()
_required: Select = lambda scene: [tried for tried in _fields(scene) if tried.is_required]
_optional: Select = lambda scene: [tried for tried in _fields(scene) if not tried.is_required]


# -- One field --------------------------------------------------------------------------------------------------------


@fault("creation", STORES, needs=ITEM, each=_optional)
def forgotten_by_create(scene: Scene, tried: Field) -> Planted:
    """Accepts {field} for a new item and does not store it."""
    value = scene.item.get(tried.name)
    default = tried.schema.get("default", scene.contract.at(tried.place).get("default"))
    needed(value is not None and not tried.is_write_only and value != default)

    forget = lambda role, fields: without(fields, tried.name) if role == CREATE else fields
    return Planted(lambda api: seams.store_as(api, forget), _new(scene))


@fault("creation", needs=ITEM, each=lambda scene: [tried for tried in _fields(scene) if tried.is_write_only])
def shown_though_only_written(scene: Scene, tried: Field) -> Planted:
    """Shows {field}, which is only written, in every answer."""
    needed(tried.name in scene.item)

    show = lambda item, shown: {**shown, tried.name: item.fields[tried.name]} if tried.name in item.fields else shown
    return Planted(lambda api: seams.show_as(api, show), _new(scene), scene.clause(tried, "writeOnly"))


@fault("creation", needs=("create",), each=lambda scene: [*_optional(scene)][:1])
def required_by_create(scene: Scene, tried: Field) -> Planted:
    """Refuses a new item without {field}, which is optional."""
    body = without(scene.item, tried.name)
    needed(scene.contract.accepts("create", body) and scene.rules.lawful({}, body))
    refused = lambda sent: not sent.get(tried.name)
    clause = scene.contract.operation("create").body_pointer or ""
    return Planted(lambda api: seams.refuse_body(api, refused, CREATE), (scene.create(body),), clause)


def _filling(change_body: Callable[[Fields], Fields]) -> Apply:
    return lambda api: seams.read_role_as(api, CREATE, change_body)


@fault("creation", needs=("create",), each=_required)
def made_up_by_create(scene: Scene, tried: Field) -> Planted:
    """Makes up {field} for a new item that lacks it, though it is required."""
    made_up = scene.item[tried.name]
    witness = (scene.create(without(scene.item, tried.name)),)
    clause = f"{scene.contract.operation('create').body_pointer}"
    return Planted(_filling(lambda sent: {tried.name: made_up, **sent}), witness, clause)


@fault("creation", needs=("create",))
def empty_create_answered_500(scene: Scene) -> Planted:
    """Fails on a new item without a single field."""
    needed(not scene.contract.accepts("create", {}))
    clause = f"{scene.contract.operation('create').body_pointer}"
    return Planted(_filling(lambda sent: sent or failed()), (scene.create({}),), clause)


@fault("creation", needs=("create",), each=lambda scene: [f for f in _required(scene) if not f.is_nullable])
def null_made_up_by_create(scene: Scene, tried: Field) -> Planted:
    """Takes null for {field} of a new item and makes up a value."""
    name, made_up = tried.name, scene.item[tried.name]
    fill = lambda sent: {**sent, name: made_up} if name in sent and sent[name] is None else sent
    return Planted(_filling(fill), (scene.create({**scene.item, name: None}),), tried.place)


@generator
def texts_cut_by_create(scene: Scene) -> Iterator[Fault]:
    """Each cuts a text of a new item."""
    for tried in _fields(scene):
        is_text = tried.schema.get("type") == "string"
        if is_text and "maxLength" in tried.schema and tried.name in scene.fields and tried.is_free:
            most = tried.schema["maxLength"]
            cut = lambda v, most=most: v[:most] if isinstance(v, str) else v
            summary = f"Cuts {tried.name} of a new item to {most} characters and accepts it."
            on = OnField(scene, tried, "creation", f"{tried.pointer}/maxLength")
            yield from on.read("cut_by_create", summary, cut, "a" * (most + 1))


@fault("creation", needs=("create",))
def create_checks_no_numbers(scene: Scene) -> Planted:
    """Checks the limits of numbers in updates only."""
    numbers = [tried for tried in _fields(scene) if tried.name in {n.name for n in scene.numbers}]
    tried = first(tried for tried in numbers if tried.schema.keys() & {"maximum", "minimum"})
    word, step = ("maximum", 1) if "maximum" in tried.schema else ("minimum", -1)
    good = {f.name: scene.good(f)[0] for f in numbers}

    @by(seams.wrap, "resource.rules.is_valid")
    def apply(api: Api, rule: Callable[[str, Any], bool], role: str, body: Any) -> bool:
        if role == CREATE and isinstance(body, dict):
            body = {n: good[n] if n in good and seams.is_number(v) else v for n, v in body.items()}
        return rule(role, body)

    witness = (scene.create({**scene.item, tried.name: tried.schema[word] + step}),)
    return Planted(apply, witness, f"{tried.pointer}/{word}")


@fault("creation", needs=("create",), each=lambda scene: [tried for tried in _fields(scene) if not tried.is_free])
def unlisted_accepted_by_create(scene: Scene, tried: Field) -> Planted:
    """Does not ask whether the {field} of a new item is listed, and goes with the rest."""

    @by(seams.wrap, "resource.store.create")
    def apply(api: Api, right: Create, body: Fields) -> Item:
        choices = api.resource.choices
        check = choices.check
        with patch.object(choices, "check", lambda fields, sent: check({**fields, tried.name: None}, sent)):
            return right(body)

    found = [*scene.values.mismatches(tried.name, scene.item), scene.values.unknown(tried.name)]
    witness = (scene.create({**scene.item, tried.name: found[0]}),)
    return Planted(apply, witness, scene.clause(tried, "x-values-from"))


# -- The whole item ---------------------------------------------------------------------------------------------------


@fault("creation", needs=("create",))
def create_answered_with_another_success(scene: Scene) -> Planted:
    """Answers a creation with another success than the contract names."""
    named = scene.contract.operation("create").successes
    status = first(status for status in (200, 201, 202) if status not in named)
    apply = by(success_as, CREATE)(lambda api, answer: replace(answer, status=status))
    return Planted(apply, (scene.create(scene.item),), created(scene))


@fault("creation", needs=("create",))
def create_answered_with_the_id_alone(scene: Scene) -> Planted:
    """Answers a creation with nothing but the id."""
    id_name = scene.contract.resource.id_name
    needed({*scene.contract.document.required(scene.contract.resource.item_pointer)} - {id_name})
    item_at, cut = scene.api.resource.layout.item_at[CREATE], lambda item: {id_name: item[id_name]}
    apply = lambda api: body_as(api, CREATE, lambda body: changed_at(body, item_at, cut))
    return Planted(apply, (scene.create(scene.item),), created(scene))


@plain("creation", needs=ITEM, shown=_new, clause=created)
@by(seams.wrap, "resource.store.create", memory=lambda api: [])
def created_item_not_stored(api: Api, made: list[str], right: Create, body: Fields) -> Item:
    """Answers a creation with success and stores nothing, from the third item on."""
    item = right(body)
    made.append(item.id)
    return api.resource.store.remove(item.id) if len(made) > 2 else item


@fault("creation", STORES, needs=ITEM)
def same_text_creates_no_second_item(scene: Scene) -> Planted:
    """Answers a creation with the item that has the same text already, where there is one."""
    text = first(f.name for f in scene.texts if f.name in scene.item and f.name != scene.contract.run_name)

    @by(seams.wrap, "resource.store.create")
    def apply(api: Api, right: Create, body: Fields) -> Item:
        known = [item for item in api.resource.store.all() if body.get(text) and item.fields.get(text) == body[text]]
        return known[-1] if known else right(body)

    return Planted(apply, _new(scene))


@plain("creation", STORES, needs=ITEM, shown=lambda s: _new(s) if may_be_alike(s.contract) else ())
@by(seams.wrap, "resource.store.create")
def same_body_creates_no_second_item(api: Api, right: Create, body: Fields) -> Item:
    """Answers a creation with the item that was made of the same body, where it is there."""
    known = [item for item in api.resource.store.all() if item.fields == api.resource.store.merge({}, body)]
    return known[-1] if known else right(body)


@fault("creation", STORES, needs=ITEM)
def id_made_of_the_fields(scene: Scene) -> Planted:
    """Derives the id from a few fields, so that an item takes the place of another."""
    needed(scene.contract.server_fields.get(scene.contract.resource.id_name))
    few = needed([f.name for f in _required(scene) if f.name != scene.contract.run_name and f.name in scene.item][:2])

    @by(seams.wrap, "resource.store.create", memory=lambda api: {})
    def apply(api: Api, ids: dict[str, str], right: Create, body: Fields) -> Item:
        key = json.dumps([body.get(name) for name in few])
        if key not in ids:
            item = right(body)
            ids[key] = item.id
            return item
        with patch.object(api.resource.store, "new_id", lambda: ids[key]):
            return right(body)

    return Planted(apply, (*_new(scene), *_new(scene)))


@plain("creation", STORES, needs=("create", "list"), shown=lambda scene: (scene.create(scene.item), scene.list()))
@by(seams.wrap, "resource.store.create")
def create_makes_two(api: Api, right: Create, body: Fields) -> Item:
    """Stores a new item twice, and answers with the second."""
    return right(body) and right(body)


@fault("creation", STORES, needs=("create",))
def second_item_of_a_name_refused(scene: Scene) -> Planted:
    """Refuses a new item with the name of one that is there."""
    name = needed(scene.contract.run_name)

    @by(seams.wrap, "resource.store.create")
    def apply(api: Api, right: Create, body: Fields) -> Item:
        if any(item.fields.get(name) == body.get(name) for item in api.resource.store.all()):
            raise Refusal(400, "The name is taken.")
        return right(body)

    return Planted(apply, (scene.create(scene.item),) * 2)
