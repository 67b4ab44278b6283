"""Faults of the orders of a list: which comes first, by which field, and what the pages of an order lose."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from contract_tests.mock_api.listing import Order, Place
from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD_AND_LIST, LIST, Planted, fault, rows
from ..scene import Scene, first, needed
from ..seams import Api, Apply, Fields, Item, Page, Paging, by
from ..usual import Clause, failed, in_turn, optional, without
from ..witness import Witness
from .pages import WHOLE, by_token, failing_to_read, listing_as, page_size, place_of

TWO = 2  # items on a small page
_order_clause: Clause = lambda scene: place_of(scene, needed(scene.contract.listing.order))


def ordered(scene: Scene, order: str) -> str:
    """Return the query that asks for an order."""
    return f"{scene.contract.listing.order}={order}"


def _ordered_as(change: Callable[[str], str]) -> Apply:
    return listing_as("order", lambda order, text: order(text) and order(change(text)))


@fault("pagination", "newest_first", needs=LIST)
def list_is_oldest_first(scene: Scene) -> Planted:
    """Lists the oldest item first unless told otherwise."""
    oldest = Order("", is_descending=False)
    return Planted(listing_as("order", lambda order, text: order(text) if text else oldest), (scene.list(),))


def _orders(scene: Scene, beside: str = "") -> Witness:
    """Ask for every order that the contract names, of items of which the older was updated later."""
    updates = optional(lambda scene: (*_updates(scene, "{other}"), *_updates(scene, "{id}")), scene)
    queries = [beside + ordered(scene, order) for order in needed(scene.contract.listing.orders)]
    return (*updates, *map(scene.list, queries))


def _updates(scene: Scene, target: str) -> Witness:
    return tuple(scene.update(body, target) for body in in_turn(scene, 1))


def _unknown_order(scene: Scene) -> Witness:
    name = needed(scene.contract.listing.order)
    needed(scene.contract.accepts_value(scene.contract.query_fields("list")[name], "no_such_field"))
    return (scene.list(f"{name}=no_such_field"),)


@by(seams.wrap, "resource.listing.page")
def _turned_round(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
    page, asked = right(items, query), api.resource.listing.asked
    is_met = asked(query, "order") and not asked(query, "page_size")
    return Page(page.items[::-1], page.next_token) if is_met else page


@by(seams.wrap, "resource.listing.page")
def _unordered_where_small(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
    listing = api.resource.listing
    is_small = (listing.asked(query, "page_size") or TWO + 1) <= TWO
    return right(items, without(query, listing.roles["order"]) if is_small and listing.asked(query, "order") else query)


rows("pagination", (), {
    "order_turned_round_without_a_size": (
        "Turns an order round where no size of a page is asked for.", _turned_round, _orders),
    "order_ignored_on_small_pages": (
        "Lists the newest first on pages of one or two items, whatever order is asked for.", _unordered_where_small,
        lambda scene: _orders(scene, f"{page_size(scene).name}={TWO}&")),
    "order_ignored": ("Lists the newest first, whatever order is asked for.", _ordered_as(lambda text: ""), _orders),
    "dash_ignored": ("Ignores the dash in front of an order.", _ordered_as(lambda text: text.lstrip("-")),
        lambda scene: _orders(scene) if any(order.startswith("-") for order in scene.contract.listing.orders) else ()),
    "unknown_order_answered_500": ("Fails on an order that it does not know.", failing_to_read("order"), _unknown_order),
}, LIST, _order_clause)  # fmt: skip


@fault("pagination", WHOLE, needs=CRUD_AND_LIST)
def order_leaves_out_the_newest_once_updated(scene: Scene) -> Planted:
    """Leaves the newest item out of an order without a filter once it was updated."""

    @by(seams.wrap, "resource.listing.page")
    def apply(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
        listing = api.resource.listing
        known = sorted(items, key=lambda item: item.created_at)
        is_lost = listing.asked(query, "order") and not listing.conditions(query) and known and known[-1].updated_at
        return right(known[:-1] if is_lost else known, query)

    return Planted(apply, (*_updates(scene, "{other}"), *_orders(scene)))


def _after_a_name(change: Callable[[list[Item], str, str], list[Item]], scene: Scene) -> Planted:
    """Let later pages of an order by name begin elsewhere; *change* is told their items, the field and the last name."""
    name = needed(scene.contract.run_name)
    order = first(order for order in scene.contract.listing.orders if order.lstrip("-") == name)
    needed(scene.contract.accepts_name("é"))

    def after(right: Callable[..., list[Item]], items: list[Item], order: Order, place: Any) -> list[Item]:
        rest = right(items, order, place)
        return change(rest, name, str(place[1])) if place is not None and order.field == name else rest

    pages = [scene.list(f"{page_size(scene).name}={number}&{ordered(scene, order)}") for number in (1, 3)]
    later = [replace(page, path=f"{page.path}&{by_token(scene)}={{token}}") for page in pages]
    made = scene.create(scene.named(scene.item, "é"))
    return Planted(listing_as("after", after), (made, made, pages[0], later[0], pages[1], later[1]))


rows("pagination", (WHOLE,), {
    "next_page_skips_items_of_one_name": (
        "Begins the next page of an order by name behind every item of the last name.",
        lambda rest, name, last: [item for item in rest if item.fields.get(name) != last]),
    "token_of_a_name_beyond_ascii_refused": (
        "Refuses the token of a page of an order by name that ends at one beyond ASCII.",
        lambda rest, name, last: rest if last.isascii() else failed(status=400)),
}, LIST, make=_after_a_name)  # fmt: skip


def _cleared(api: Api) -> set[str]:
    """Remember the items whose last update brought nothing but nulls."""
    found: set[str] = set()
    seams.update_as(api, lambda item, sent: (found.add if {*sent.values()} == {None} else found.discard)(item.id))
    return found


@fault("pagination", needs=CRUD_AND_LIST)
def cleared_item_ordered_as_never_updated(scene: Scene) -> Planted:
    """Orders an item that was cleared last by the time of an update as if it had none."""
    moved = {name for name, own in scene.api.resource.server_fields.items() if own.kind == "updated_at"}
    needed(not scene.is_put and [order for order in scene.contract.listing.orders if order.lstrip("-") in moved])
    cleared = {first(tried.name for tried in scene.clearing if tried.name in scene.item): None}

    @by(seams.wrap, "resource.listing.key", memory=_cleared)
    def apply(api: Api, known: set[str], right: Callable[..., Place], item: Item, order: Order) -> Place:
        return [0, 0, item.id] if order.field in moved and item.id in known else right(item, order)

    updates = (*_updates(scene, "{other}"), *_updates(scene, "{id}"), scene.update(scene.lawful(cleared)))
    return Planted(apply, (*updates, *_orders(scene)[-len(scene.contract.listing.orders) :]), _order_clause(scene))


@fault("pagination", needs=LIST)
def one_order_is_another(scene: Scene) -> Planted:
    """Orders by another field than is asked for."""
    orders = [*dict.fromkeys(order.lstrip("-") for order in scene.contract.listing.orders)]
    one, other = needed((orders[0], orders[-1]) if orders[1:] else None)
    return Planted(_ordered_as(lambda text: text.replace(other, one)), _orders(scene), _order_clause(scene))


def _ordered_numbers(scene: Scene) -> list[Field]:
    names = {order.lstrip("-") for order in scene.contract.listing.orders}
    return [tried for tried in scene.free if tried.name in names and {*tried.types} <= {"number", "integer"}]


@fault("pagination", needs=CRUD_AND_LIST, each=_ordered_numbers)
def ordered_as_text(scene: Scene, tried: Field) -> Planted:
    """Orders the list by the text of {field}, so that 10 comes before 9."""

    def key(right: Callable[..., Place], item: Item, order: Order) -> Place:
        kind, value, item_id = right(item, order)
        return [kind, str(value) if order.field == tried.name else value, item_id]

    numbers = needed([number for number in (9, 10) if scene.contract.accepts_value(tried, number)])
    made = (scene.create({**scene.item, tried.name: number}) for number in numbers)
    return Planted(listing_as("key", key), (*made, scene.list(ordered(scene, tried.name))), _order_clause(scene))
