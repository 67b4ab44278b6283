"""Faults of identity, and of the fields that only the server sets."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from contract_tests.mock_api.store import TICK
from contract_tests.spec.resource import ServerField

from .. import seams, usual
from ..fault import CRUD, Apply, Fault, Planted, fault, generator, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Api, Fields, Item, Operation, Request, Update, by, maker
from ..usual import Shown, change, change_and_read, change_or_read, item_as, optional
from ..witness import Witness
from .sometimes import many

EXACT = "exact_ids"
STANDS_AFTER = 5
LONG = timedelta(days=8_000)

# -- Ids --------------------------------------------------------------------------------------------------------------


def _reading_by(is_match: Callable[[str, str], bool], target: str, scene: Scene) -> Planted:
    """Find an item by a careless comparison of ids where the exact one finds none."""
    needed(not usual.has_number_ids(scene))

    @by(seams.wrap, "resource.store.find")
    def apply(api: Api, right: Callable[[str], Item], item_id: str) -> Item:
        items = api.resource.store.items
        alike = next((item for known, item in items.items() if is_match(known, item_id)), None)
        return right(item_id) if item_id in items or alike is None else alike

    return Planted(apply, (scene.read(target),))


# By the name of the fault: what it does, whether an id that was sent is taken for one that is known, and such an id.
rows("identity", (EXACT,), {
    "id_in_any_case": ("Finds an item by its id in any case.", lambda known, sent: known.lower() == sent.lower(), "{swapped}"),
    "id_with_spaces": ("Finds an item by its id with spaces around it.", lambda known, sent: known == sent.strip(), "{id}%20"),
    "id_cut_to_its_length": (
        "Reads only as many characters of an id as an id has.",
        lambda known, sent: len(sent) > len(known) and sent.startswith(known), "{id}x"),
    "id_before_a_line_feed": (
        "Matches an id with an expression whose end stands before a line feed too.",
        lambda known, sent: known == sent.removesuffix("\n"), "{id}%0A"),
    "id_ends_at_nul": ("Reads an id up to the first NUL.", lambda known, sent: known == sent.partition("\0")[0], "{id}%00x"),
    "id_with_a_format": (
        "Takes an id for one with a format behind it.", lambda known, sent: known == sent.removesuffix(".json"), "{id}.json"),
    "id_without_what_is_no_utf_8": (
        "Drops bytes of an id that are no UTF-8.", lambda known, sent: known == sent.replace("\ufffd", ""), "{id}%FF"),
    "id_behind_a_collection": (
        "Passes over what stands before a slash in an id.", lambda known, sent: known == sent.rpartition("%2F")[2], "items%2F{id}"),
    "id_with_a_wildcard": (
        "Takes * and % in an id for any characters.", lambda known, sent: fnmatchcase(known, sent.replace("%", "*")), "{start}*"),
    "id_by_its_beginning": (
        "Finds an item by the beginning of its id.",
        lambda known, sent: len(sent) > 1 and known.startswith(sent), "{start}"),
}, ("read",), make=_reading_by)  # fmt: skip


def _changing_by_swapped(role: str, scene: Scene) -> Planted:
    needed(scene.contract.has(role) and not usual.has_number_ids(scene))
    step = scene.update(change(scene), "{swapped}") if role == "update" else scene.remove("{swapped}")

    @by(seams.around, role)
    async def apply(api: Api, request: Request, handle: Operation) -> Answer:
        items, sent = api.resource.store.items, request.item_id
        known = sent if sent in items else next((each for each in items if each.lower() == sent.lower()), sent)
        return await handle(replace(request, item_id=known))

    return Planted(apply, (step, scene.read()))


rows("identity", (EXACT,), {
    "id_in_any_case_in_update": ("Finds an item by its id in any case in an update.", "update"),
    "id_in_any_case_in_remove": ("Finds an item by its id in any case in a removal.", "remove"),
}, ("read",), make=_changing_by_swapped)  # fmt: skip


# -- Fields of the server ---------------------------------------------------------------------------------------------

Plant = Callable[[Api, str], None]  # changes what a mock does with a field of this name
Rewrite = Callable[[Item, Item], Item | None]
_read_twice: Shown = lambda scene: (*change_and_read(scene), scene.read())


def _showing(name: str, value: Callable[[Item, Any], Any]) -> Apply:
    """Show in a field what *value* makes of an item, and of what the field should show."""
    show = lambda item, shown: {**shown, name: value(item, shown[name])} if name in shown else shown
    return lambda api: seams.show_as(api, show)


def _shown(value: Callable[[Item, Any], Any]) -> Plant:
    return lambda api, name: _showing(name, value)(api)


def _spelled(spell: Callable[[Any], Any]) -> Plant:
    return _shown(lambda item, value: spell(value) if value else None)


@maker(seams.update_as)
def _rewritten(api: Api, change: Rewrite, name: str, before: Item, changes: Fields) -> None:
    """Write what *change* makes of an item after each update; it is told the item before and after."""
    after = change(before, api.resource.store.find(before.id))
    if after is not None:
        api.resource.store.write(after)


def _touched(time: Callable[[Item], datetime]) -> Plant:
    """Let an update set the time of the last change to another."""
    return by(seams.replace, "resource.store.touch")(lambda api, name, item: time(item))


def _unmoved(before: Item, after: Item) -> Item:
    return after._replace(version=before.version, updated_at=before.updated_at or after.updated_at)


def _never_moves(api: Api, name: str) -> None:
    seams.wrap(api, "resource.store.touch", lambda touch, item: item.updated_at or touch(item))
    _rewritten(_unmoved)(api, name)


@by(seams.update_as, memory=lambda api: Counter())
def _stops(api: Api, name: str, updates: Counter[str], before: Item, changes: Fields) -> None:
    updates[before.id] += 1
    if updates[before.id] > STANDS_AFTER:
        api.resource.store.write(_unmoved(before, api.resource.store.find(before.id)))


def _ignoring(is_ignored: Callable[[Any], bool]) -> Plant:
    """Do not move a field, once it has moved, where an update changes only such values."""

    def ignore(before: Item, after: Item) -> Item | None:
        was, now = before.fields, after.fields
        moved = [now.get(n) for n in {*now, *was} if now.get(n) != was.get(n)]
        return _unmoved(before, after) if before.version > 1 and all(map(is_ignored, moved)) else None

    return _rewritten(ignore)


@by(seams.update_as)
def _moving_others(api: Api, name: str, before: Item, changes: Fields) -> None:
    for item in usual.others(api, before.id) if changes else ():
        seams.move(api, item)


def _null_after_a_change(scene: Scene) -> Witness:
    cleared = first(tried.name for tried in scene.clearing[::-1] if tried.name in scene.item)
    return (*change_and_read(scene), *scene.shows(scene.lawful({cleared: None})))


Table = dict[str, tuple[str, Plant, Shown]]

# By the kinds of the fields, how these change, and the keyword that is broken; therein by the defect: what it does,
# how, and what shows it.
OF_SERVER: dict[tuple[tuple[str, ...], str, str], Table] = {
    (("created_at",), "never", "x-changes"): {
        "renewed_by_updates": (
            "Sets {} anew with every update.",
            _rewritten(lambda before, after: after._replace(created_at=after.last_change)), change_and_read),
        "is_the_time_of_reading": ("Answers the present time as {} where an item is read.",
            lambda api, name: item_as(api, "read", lambda item: {name: api.resource.store.now()}), _read_twice),
        "differs_between_answers": ("Answers {} one hour later in the answer to an update.",
            lambda api, name: item_as(api, "update", lambda item: {name: item.created_at + timedelta(hours=1)}), usual.answered_change),
    },
    (("updated_at",), "on-update", "x-changes"): {
        "stays_null": ("Leaves {} null for ever.", _shown(lambda item, value: None), change_and_read),
        "is_the_creation": ("Answers the time of the creation as {}.", _shown(lambda item, value: item.created_at), change_and_read),
        "moves_backwards": (
            "Counts {} down instead of up.",
            _touched(lambda item: item.last_change - timedelta(seconds=1)), usual.change_twice),
        "counts_updates": (
            "Adds a microsecond to {} instead of telling when an update was made.",
            _touched(lambda item: item.last_change + TICK), change_and_read),
        "reset_by_an_empty_update": (
            "Sets {} back on an update that changes nothing.", _rewritten(
                lambda before, after: after._replace(updated_at=after.created_at) if after.fields == before.fields else None),
            lambda s: (*change_and_read(s), *s.shows({})) if s.contract.accepts("update", {}) else ()),
    },
    (("updated_at", "version"), "on-update", "x-changes"): {
        "never_moves": ("Sets {} with the first update at most and never again.", _never_moves, usual.change_twice),
        "ignores_numbers": ("Does not move {} where only a number is changed.", _ignoring(seams.is_number),
            lambda s: s.shows(*usual.in_turn(s, 3)) if first(usual.changed(s)) in s.numbers else ()),
        "ignores_nulls": ("Does not move {} where a field is only cleared.", _ignoring(lambda v: v is None), _null_after_a_change),
        "moves_with_reading": ("Moves {} when an item is read.", by(seams.read_item_as)(lambda api, name, item: seams.move(api, item)), _read_twice),
        "stops_after_five_updates": ("Does not move {} after the fifth update of an item.", _stops, many),
        "of_others_moves": ("Moves {} of every other item with an update.", _moving_others, usual.change_beside),
    },
    (("created_at", "updated_at"), "", "format"): {
        "without_a_zone": (
            "Answers {} without a zone.", _spelled(lambda time: time.replace(tzinfo=None).isoformat()), change_or_read),
        "with_a_space": (
            "Answers {} as a database prints it, without T and with a short zone.",
            _spelled(lambda time: time.strftime("%Y-%m-%d %H:%M:%S.%f+00")), change_or_read),
    },
    (("created_at", "updated_at"), "", "type"): {
        "as_a_number": ("Answers {} as seconds since 1970.", _spelled(lambda time: time.timestamp()), change_or_read),
    },
    (("template",), "", "x-template"): {
        "with_an_account": ("Puts an account in front of {}.", _spelled(lambda text: f"accounts/1/{text}"), usual.just_read),
    },
}  # fmt: skip
GROUP_OF = {"stops_after_five_updates": "sometimes", "of_others_moves": "isolation"}


def of_kind(scene: Scene, *kinds: str) -> Iterator[ServerField]:
    """Yield the fields of the server that the mock fills in these ways, as far as the contract says how they change."""
    for name, own in scene.contract.server_fields.items():
        filled = scene.api.resource.server_fields.get(name)
        if filled is not None and filled.kind in kinds and (own.changes or own.template):
            yield own


@generator
def fields_of_the_server(scene: Scene) -> Iterator[Fault]:
    """Each breaks what the contract says of a field of the server."""
    needed(scene.contract.has("read"))
    for (kinds, changes, word), table in OF_SERVER.items():
        for own in of_kind(scene, *kinds):
            for defect, (summary, plant, shown) in table.items() if changes in ("", own.changes) else ():
                apply = lambda api, plant=plant, name=own.name: plant(api, name)
                clause, group = _clause(scene, own, word), GROUP_OF.get(defect, "identity")
                witness = optional(shown, scene)
                if witness:
                    yield Fault(f"{own.name}_{defect}", group, summary.format(own.name), clause, apply, witness)


def _clause(scene: Scene, own: ServerField, word: str) -> str:
    place = f"{own.pointer}/{word}"
    return place if scene.contract.document.has(place) else own.pointer


@fault("identity")
def id_answered_otherwise_by_an_update(scene: Scene) -> Planted:
    """Answers an update with another id."""
    name = scene.contract.resource.id_name

    def other(item: Item) -> Any:
        shown = scene.api.resource.server_fields[name].value(item)
        if isinstance(shown, int):
            return shown + 1
        return shown.swapcase() if shown.swapcase() != shown else shown[::-1]

    apply = lambda api: item_as(api, "update", lambda item: {name: other(item)})
    return Planted(apply, usual.answered_change(scene), scene.contract.resource.item_pointer)


@generator
def fields_taken_from_the_body(scene: Scene) -> Iterator[Fault]:
    """Each takes from the body of an update what only the server sets."""
    needed(scene.contract.has("read", "update"))
    id_name = scene.contract.resource.id_name
    for own in of_kind(scene, "id", "created_at"):
        value: Any = "2001-02-03T04:05:06Z"
        take: Callable[[Item, Any], Item] = lambda item, sent: item._replace(created_at=item.created_at - LONG)
        if own.name == id_name:
            value = 987654321 if usual.has_number_ids(scene) else "another"
            take = lambda item, sent: item._replace(id=str(sent))
        body = {**change(scene), own.name: value}
        if own.changes == "never" and scene.contract.accepts("update", scene.whole(body)):
            apply = lambda api, name=own.name, take=take: _take(api, name, take)
            summary, clause = f"Takes {own.name} from the body of an update.", _clause(scene, own, "readOnly")
            witness = (scene.update(body), scene.read())
            yield Fault(f"{own.name}_taken_from_the_body", "identity", summary, clause, apply, witness)


def _take(api: Api, name: str, take: Callable[[Item, Any], Item]) -> None:
    """Let a field that only the server sets change what an item is."""

    def named(right: Callable[[str, Fields], Fields], role: str, body: Fields) -> Fields:
        return {**right(role, body), **({name: body[name]} if role == "update" and name in body else {})}

    def update(right: Update, item_id: str, sent: Fields) -> Item:
        item, store = right(item_id, usual.without(sent, name)), api.resource.store
        return store.write(take(store.items.pop(item_id), sent[name])) if name in sent else item

    seams.wrap(api, "resource.rules.named", named)
    seams.wrap(api, "resource.store.update", update)


@generator
def faults_of_server_fields(scene: Scene) -> Iterator[Fault]:
    """Yield what a field of the server does that the contract does not say of it."""
    needed(scene.contract.has(*CRUD))
    document, update = scene.contract.document, scene.shows(scene.change(first(scene.changing)))
    for name, field in scene.contract.server_fields.items():
        if name == scene.contract.resource.id_name:
            continue  # it has faults of its own
        if field.changes == "never":
            summary, clause = f"Changes {name} with an update.", f"{field.pointer}/x-changes"
            apply = _showing(name, _moved)
            yield Fault(f"{name}_moved_by_an_update", "identity", summary, clause, apply, update)
        if name in document.required(scene.contract.resource.item_pointer):
            summary, read = f"Leaves out {name}.", (scene.read(),)
            apply = by(seams.show_as)(lambda api, item, shown, name=name: usual.without(shown, name))
            yield Fault(f"{name}_missing", "identity", summary, field.pointer, apply, read)
        if not document.validator(field.pointer).is_valid({}):
            apply = _showing(name, lambda item, value: None if value is None else {"value": value})
            summary = f"Shows {name} as an object."
            clause = _clause(scene, field, "type")
            yield Fault(f"{name}_of_another_type", "identity", summary, clause, apply, (*update, scene.read()))


def _moved(item: Item, value: Any) -> Any:
    if item.version < 2:
        return value
    if isinstance(value, datetime):
        return value + timedelta(hours=1)
    return f"{value}x" if isinstance(value, str) else value + 1 if isinstance(value, int) else value
