"""Lawful variants of what an API accepts, refuses and lists: what a contract leaves open."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import orjson

from contract_tests.mock_api.listing import Condition, Order, decode_token, encode_token
from contract_tests.singles import nearest_single

from .. import seams, usual
from ..fault import CRUD_AND_LIST, LAWFUL, LIST, Planted, fault, plain, rows
from ..requests.authentication import before_the_key
from ..scene import Scene, first, needed
from ..seams import Answer, Answering, Api, Fields, Item, Operation, Page, Paging, Refusal, Request, by
from ..state.filters import filtered, text_filter
from ..state.pages import by_token, made_up_token
from ..usual import ITEM, REMOVAL, Shown, change, unnamed_method, without, wrong
from ..witness import START, Step, Witness, stranger
from .answers import singles

SHORT_PAGE, MANY_ITEMS, PASSING_ITEMS = 3, 1_000, 4
BUSY_SECONDS, LAG_SECONDS = 0.3, 1.0
GREATEST_SINGLE = 3.4e38
Answers = list[Answer]
_two_pages: Shown = lambda scene: _paged(scene, "", "TOKEN")


# -- Statuses ---------------------------------------------------------------------------------------------------------


@fault(LAWFUL, "strict_media_types")
def wrong_media_type_answered_as_invalid(scene: Scene) -> Planted:
    """Answers a body of another media type as an invalid one instead of with 415."""
    status = usual.refusal_status(scene)

    @by(seams.wrap, "refuse")
    def apply(api: Api, right: Callable[[Refusal], Answer], refusal: Refusal) -> Answer:
        refusal.status = status if refusal.status == 415 else refusal.status
        return right(refusal)

    return Planted(apply, (scene.update(change(scene), content_type="text/plain"),))


METHOD_NOT_ALLOWED = Answer(405, b"Method Not Allowed", ((b"content-type", b"text/plain"),))

rows(LAWFUL, ("named_methods_only",), {
    "wrong_method_answered_404": (
        "Answers 404 instead of 405 to a method that the path does not have.",
        by(seams.replace, "routes.wrong_method")(lambda api, methods: Refusal(404, "Nothing is at this path.")),
        lambda scene: (unnamed_method(scene),)),
    "wrong_method_answered_as_text": (
        "Answers a method that the path does not have with a line of text.",
        lambda api: seams.refuse_as(api, lambda refusal, answer: METHOD_NOT_ALLOWED if refusal.status == 405 else answer),
        lambda scene: (unnamed_method(scene),)),
})  # fmt: skip


@plain(LAWFUL, needs=ITEM, shown=lambda scene: (replace(scene.read(), method="HEAD"),))
@by(seams.wrap, "routes.find")
def head_answered(api: Api, find: Callable[[str, str], Any], method: str, path: str) -> Any:
    """Answers HEAD as GET, without the body."""
    return find("GET" if method == "HEAD" else method, path)


def _wrong_and_unknown(scene: Scene) -> Witness:
    needed(scene.contract.operation("update").names(404))
    return (replace(wrong(scene), path=scene.path("update", usual.unknown(scene))),)


@plain(LAWFUL, shown=_wrong_and_unknown)
@by(seams.around, "update")
async def unknown_item_before_the_body(api: Api, request: Request, handle: Operation) -> Answer:
    """Looks for the item before it reads the body: 404 where both are wrong."""
    api.resource.store.find(request.item_id)
    return await handle(request)


def _unnamed_method_of_a_stranger(scene: Scene) -> Witness:
    needed(scene.contract.key.kind != "none")
    return (stranger(unnamed_method(scene)),)


@plain(LAWFUL, "key_before_anything", shown=_unnamed_method_of_a_stranger)
@by(before_the_key)
async def method_and_media_type_before_the_key(api: Api, scope: Any, role: str, item_id: str, receive: Any) -> None:
    """Answers 405 and 415 to a stranger."""
    if role in api.resource.rules.bodies and not api.bodies.is_json(dict(scope["headers"]).get(b"content-type")):
        raise Refusal(415, "The body must be JSON in UTF-8.")


@plain(LAWFUL, needs=REMOVAL, shown=lambda scene: (scene.remove(), scene.remove()))
@by(seams.around, "remove", memory=lambda api: [])
async def second_removal_answered_as_the_first(api: Api, last: Answers, request: Request, handle: Operation) -> Answer:
    """Answers the removal of what is not there with success."""
    if request.item_id in api.resource.store.items or not last:
        last[:] = [await handle(request)]
    return last[0]


def _open_removal(scene: Scene) -> Witness:
    status = scene.contract.operation("remove").successes[0]
    needed(usual.shows_item(scene, "remove") and not usual.is_closed(scene, "remove", status))
    return (scene.remove(),)


@plain(LAWFUL, needs=REMOVAL, shown=_open_removal)
@by(seams.around, "remove")
async def removal_shows_what_is_gone(api: Api, request: Request, handle: Operation) -> Answer:
    """Answers a removal with more of the item that was removed."""
    shown = api.resource.show(api.resource.store.find(request.item_id))
    answer = await handle(request)
    document = orjson.loads(answer.body)
    if isinstance(document, dict):
        document = {"removed": json.loads(api.give(200, shown).body), "is_removed": True, **document}
    return replace(answer, body=orjson.dumps(document))


@plain(LAWFUL, needs=REMOVAL, shown=lambda s: (s.remove(),) if s.contract.operation("remove").names(409) else ())
def in_use_after_a_write(api: Api) -> None:
    """Answers 409 to the removal of an item that was written a moment ago."""
    written: dict[str, float] = {}

    def write(right: Callable[[Item], Item], item: Item) -> Item:
        written[item.id] = time.monotonic()
        return right(item)

    async def run(request: Request, handle: Operation) -> Answer:
        api.resource.store.find(request.item_id)
        if time.monotonic() - written.get(request.item_id, 0) < BUSY_SECONDS:
            raise Refusal(409, "The item is being written.")
        return await handle(request)

    seams.wrap(api, "resource.store.write", write)
    seams.around(api, "remove", run)


# -- Bodies -----------------------------------------------------------------------------------------------------------


@fault(LAWFUL)
def empty_text_reads_back_empty(scene: Scene) -> Planted:
    """Answers an empty text that clears a field as an empty text."""
    tried = first(tried for tried in scene.texts if tried.clears_on_empty)
    apply = lambda api: seams.replace(api, "resource.rules.clears_on_empty", lambda name: False)
    return Planted(apply, scene.shows(scene.lawful({tried.name: ""})))


@fault(LAWFUL)
def unnamed_fields_refused(scene: Scene) -> Planted:
    """Refuses a body with a field that the contract does not name."""
    body, known = {**change(scene), "further_field": 1}, scene.api.resource
    needed(scene.contract.accepts("update", body))
    names = {name for fields in known.rules.fields.values() for name in fields} | {*known.server_fields}
    apply = lambda api: seams.refuse_body(api, lambda sent: sent.keys() - names, seams.UPDATE, seams.CREATE)
    return Planted(apply, (scene.update(body),))


def _twice(scene: Scene) -> Witness:
    body = change(scene)
    differing = [name for name in body if scene.item.get(name, body[name]) != body[name]]
    sent, name = scene.update(body), (differing or [*body])[0]
    value = json.dumps(scene.item.get(name, body[name]))
    return (replace(sent, body=(sent.body or b"")[:-1] + f", {json.dumps(name)}: {value}}}".encode()), scene.read())


def _refuse_twice_named(pairs: list[tuple[str, Any]]) -> None:
    raise Refusal(400, "The request body names a field twice.")


rows(LAWFUL, (), {
    "first_of_duplicate_names_wins": (
        "Takes the first value where a body names a field twice.",
        lambda api: seams.read_twice_named_as(api, lambda pairs: dict(reversed(pairs))), _twice),
    "duplicate_names_refused": (
        "Refuses a body that names a field twice.",
        lambda api: seams.read_twice_named_as(api, _refuse_twice_named), _twice, ("first_of_duplicate_names_wins",)),
    "body_without_a_type_read_as_json": (
        "Reads a body that comes without a Content-Type as JSON.",
        by(seams.wrap, "bodies.is_json")(lambda api, rule, said: said is None or rule(said)), usual.without_a_type),
})  # fmt: skip


@fault(LAWFUL)
def numbers_read_in_single_precision(scene: Scene) -> Planted:
    """Reads numbers in single precision, so that the double next to a limit is the limit."""
    names = singles(scene)
    tried = first(tried for tried in scene.bounded if tried.name in names)
    single = seams.of_numbers(lambda v: nearest_single(v) if abs(v) < GREATEST_SINGLE else v)
    apply = lambda api: seams.read_values_as(api, single, *names)
    beyond = tried.schema["maximum"] * (1 + 2**-52)
    return Planted(apply, scene.shows({tried.name: beyond}), never_with=("numbers_in_single_precision",))


@fault(LAWFUL, needs=ITEM)
def create_fills_in_defaults(scene: Scene) -> Planted:
    """Gives a new item defaults for what its creation leaves out."""
    contract, smallest, create = scene.contract, scene.smallest, scene.contract.fields("create")
    optional = [create[f.name] for f in (*scene.numbers, *scene.enums) if f.name in create]
    closed = [tried for tried in optional if not tried.is_required and "default" not in tried.schema]
    defaults = {tried.name: scene.good(tried)[0] for tried in closed if scene.good(tried)}
    bodies = [smallest, {**defaults, **smallest}, *({**smallest, name: value} for name, value in defaults.items())]
    needed(defaults and not contract.constraints and all(contract.accepts("create", body) for body in bodies))
    filled = lambda role, fields: {**defaults, **fields} if role == seams.CREATE else fields
    return Planted(lambda api: seams.store_as(api, filled), usual.make_and_read(scene, smallest))


# -- Listed values that do not go together ----------------------------------------------------------------------------


def _mismatches(scene: Scene) -> Iterator[tuple[tuple[str, str], Step]]:
    """Yield a dependent field, the field that it depends on, and updates of either that part them."""
    for tried in scene.dependent:
        given = next(iter(tried.values_from.given)) if tried.values_from else ""
        for name in (tried.name, given):
            known = scene.values.values(name) if name in {each.name for each in scene.listed} else []
            bad = [value for value in known if not scene.rules.lawful(scene.item, {name: value})][:1]
            yield from (((tried.name, given), scene.update({name: value})) for value in bad)


def _blaming(number: int, never_with: tuple[str, ...], scene: Scene) -> Planted:
    """Blame one of two fields that do not go together, whichever was sent."""
    needed(not scene.is_put)
    found = list(_mismatches(scene))
    pair, _ = first(found)
    steps, blamed = tuple(step for names, step in found if names == pair), pair[number]
    needed(any(blamed not in json.loads(step.body or b"{}") for step in steps))

    @by(seams.wrap, "resource.store.check")
    def apply(api: Api, right: Callable[[Fields, Fields], None], fields: Fields, sent: Fields) -> None:
        choices = api.resource.choices
        try:
            right(fields, sent)
        except Refusal as refusal:
            names = {detail["field"] for detail in refusal.details}
            is_known = all(choices.is_listed(name, fields.get(name)) for name in pair if name in choices.listed)
            if names and names <= {*pair} and is_known:
                details = [{"field": blamed, "description": refusal.details[0]["description"]}]
                raise Refusal(400, refusal.message, details) from None
            raise

    return Planted(apply, steps, never_with=never_with)


rows(LAWFUL, (), {
    "mismatch_blamed_on_the_dependent": (
        "Blames the dependent one of two fields whose listed values do not go together, whichever was sent.", 0, ()),
    "mismatch_blamed_on_the_other": (
        "Blames the other one of two fields whose listed values do not go together, whichever was sent.", 1,
        ("mismatch_blamed_on_the_dependent",)),
}, make=_blaming)  # fmt: skip


# -- Lists ------------------------------------------------------------------------------------------------------------


def _paged(scene: Scene, *queries: str) -> Witness:
    """Create some items and list them; NoPlace where pages are not turned by token."""
    token = by_token(scene)
    made = tuple(scene.create(scene.item) for _ in range(2))
    return (*made, *(scene.list(query.replace("TOKEN", f"{token}={{token}}")) for query in queries))


@plain(LAWFUL, "whole_list", needs=LIST, shown=_two_pages)
@by(seams.wrap, "resource.listing.cut")
def short_pages(api: Api, right: Paging, items: list[Item], query: Fields) -> Page:
    """Shows three items on a page at most, whatever size is asked for, and a token that leads on."""
    listing = api.resource.listing
    size = min(query.get(listing.roles.get("page_size", ""), SHORT_PAGE), SHORT_PAGE)
    return Page(items[:size], listing.token(items[size - 1], query)) if len(items) > size else right(items, query)


@plain(LAWFUL, "whole_list", needs=LIST, shown=made_up_token)
@by(seams.wrap, "resource.listing.page")
def made_up_token_finds_nothing(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
    """Answers a token that it cannot read with an empty page."""
    try:
        return right(items, query)
    except Refusal:
        if api.resource.listing.roles.get("page_token", "") not in query:
            raise
        return Page([], None)


@plain(LAWFUL, "whole_list", needs=LIST, shown=_two_pages, never_with=("made_up_token_finds_nothing",))
@by(seams.wrap, "resource.listing.page")
def first_page_empty(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
    """Begins every list with an empty page, whose token leads to the items."""
    listing, found = api.resource.listing, right(items, query)
    if listing.roles.get("page_token", "") in query or not found.items:
        return found
    order = listing.order(listing.asked(query, "order") or "")
    start = [9, "", ""] if order.is_descending else [-1, "", ""]
    return Page([], encode_token([*listing.bound(query), start]))


@fault(LAWFUL, "whole_list", needs=LIST)
def last_page_without_a_token_member(scene: Scene) -> Planted:
    """Leaves the token out of the last page instead of answering null."""
    place, pointer = scene.contract.listing.paging.token_at, needed(scene.contract.operation("list").success_pointer)
    needed(len(place) == 1 and place[0] not in scene.contract.document.required(pointer))

    @by(seams.wrap, "give")
    def apply(api: Api, right: Callable[..., Answer], status: int, body: Any, headers: Any = ()) -> Answer:
        is_last = isinstance(body, dict) and place[0] in body and body[place[0]] is None
        return right(status, without(body, place[0]) if is_last else body, headers)

    return Planted(apply, (scene.list(),))


@plain(LAWFUL, needs=LIST, shown=lambda scene: (scene.list(), scene.create(scene.item), scene.list()))
@by(seams.wrap, "resource.store.all", memory=lambda api: [float("-inf")])
def lists_lag(api: Api, known: list[Any], everything: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """Lists items as they were up to a second ago."""
    if time.monotonic() - known[0] > LAG_SECONDS:
        known[:] = [time.monotonic(), *everything()]
    return iter(known[1:])


@fault(LAWFUL, needs=CRUD_AND_LIST)
def never_updated_listed_last(scene: Scene) -> Planted:
    """Lists items that were never updated last, where the list is ordered by the time of the update, either way."""
    listing, kinds = scene.contract.listing, scene.api.resource.server_fields
    orders = [text.lstrip("-") for text in listing.orders]
    name = first(each for each in orders if each in kinds and kinds[each].kind == "updated_at")

    @by(seams.wrap, "resource.listing.key")
    def apply(api: Api, right: Callable[[Item, Order], list[Any]], item: Item, order: Order) -> list[Any]:
        if order.field != name or item.updated_at is not None:
            return right(item, order)
        return [-1 if order.is_descending else 9, "", item.id]

    lists = (scene.list(f"{listing.order}={name}"), scene.list(f"{listing.order}=-{name}"))
    return Planted(apply, (scene.update(change(scene)), *lists))


@fault(LAWFUL, "whole_list", needs=LIST)
def token_brings_its_filter_and_order(scene: Scene) -> Planted:
    """Goes on with the filter and the order of the page that gave the token, whatever the query says."""
    listing = scene.contract.listing
    size = needed(listing.paging.size).name

    @by(seams.wrap, "resource.listing.page")
    def apply(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
        own = api.resource.listing
        said = decode_token(query.get(own.roles.get("page_token", ""), ""))
        if said is None:
            return right(items, query)
        order, filters, _ = said
        kept = {n: v for n, v in query.items() if n not in (listing.order, *own.filters, *own.plain)}
        return right(items, {**kept, **filters, **({listing.order or "": order} if order else {})})

    return Planted(apply, _paged(scene, f"{size}=1&{listing.order}={first(listing.orders)}", f"{size}=1&TOKEN"))


@fault(LAWFUL, "filters_find", needs=LIST)
def filter_matches_a_part_of_a_text(scene: Scene) -> Planted:
    """Finds items by a part of a text, in any case."""
    name = needed(text_filter(scene))
    text = needed(str(scene.item.get(name, ""))[:3].lower())

    @by(seams.wrap, "resource.listing.matches")
    def apply(api: Api, right: Callable[[Condition, Item], bool], condition: Condition, item: Item) -> bool:
        if condition.field != name:
            return right(condition, item)
        return str(condition.value).casefold() in str(item.fields.get(name, "")).casefold()

    return Planted(apply, (scene.list(filtered(scene, name, text)),))


def _beside_others(begin: Callable[[Api, Fields], None], *row: Any) -> Planted:
    *never_with, scene = row
    needed(scene.contract.resource.id_name not in scene.bystander)
    return Planted(lambda api: begin(api, scene.bystander), (scene.list(),), "", *never_with)


def _thousand(api: Api, body: Fields) -> None:
    store = api.resource.store
    for _ in range(MANY_ITEMS):
        store.write(store.create(body)._replace(created_at=START))


def _come_and_go(api: Api, body: Fields) -> None:
    store = api.resource.store
    passing = [store.create(body) for _ in range(PASSING_ITEMS)]

    async def run(answer: Answering, scope: Any, receive: Any) -> Answer:
        passing.append(store.create(body))
        store.remove(passing.pop(0).id)
        return await answer(scope, receive)

    seams.wrap(api, "answer", run)


def _move_pages(api: Api, body: Fields) -> None:
    """Let a token stand for a number, and items of others come and go at chance."""
    listing, store, chance, passing = api.resource.listing, api.resource.store, Random(6), list[Item]()

    def cut(right: Paging, items: list[Item], query: Fields) -> Page:
        page, token = right(items, query), query.get(listing.roles.get("page_token", ""))
        begun = decode_token(token)[-1][0] if token else 0  # type: ignore[index]  # made-up ones are refused before
        number = [begun + len(page.items)]
        return Page(page.items, encode_token([*listing.bound(query), number]) if page.next_token else None)

    async def run(request: Request, handle: Operation) -> Answer:
        turn = chance.randrange(PASSING_ITEMS)
        passing.extend([store.create(body)] if turn == 0 else [])
        if passing and turn == 1:
            store.remove(passing.pop(chance.randrange(len(passing))).id)
        return await handle(request)

    seams.wrap(api, "resource.listing.after", lambda _, items, order, place: items[place[0] if place else 0 :])
    seams.wrap(api, "resource.listing.cut", cut)
    seams.around(api, "list", run)


rows(LAWFUL, (), {
    "items_of_others_move_the_pages": (
        "Gives tokens that stand for a number, while items of others come and go.", _move_pages,
        ("short_pages", "first_page_empty", "token_brings_its_filter_and_order", "made_up_token_finds_nothing")),
    "thousand_items_of_others": ("Holds a thousand items that others have made long ago.", _thousand),
    "items_of_others_come_and_go": ("Has an item of others come, and one go, before every answer.", _come_and_go),
}, LIST, make=_beside_others)  # fmt: skip
