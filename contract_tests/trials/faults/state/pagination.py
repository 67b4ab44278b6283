"""Faults of the list: sizes of pages, tokens, order and filters."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

from contract_tests.checks.selections import spells_any_name
from contract_tests.generation.boundaries import to_json
from contract_tests.mock_api.listing import Condition, Order, Place
from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Apply, Fault, Planted, fault, generator, plain, rows
from ..scene import Scene, first, needed
from ..seams import Api, Fields, Item, Page, Paging, Refusal, by
from ..usual import Clause, Shown, failed, in_turn, optional, without
from ..witness import START, Witness

WHOLE, FOUND = "whole_list", "filters_find"
LIST = ("create", "list")
CRUD_AND_LIST = (*CRUD, "list")
ENOUGH = 50
# Items that others have, and a page that is large.
STOCK, LARGE = 60, 20
NEWEST, TWELVE = 10, 12
_of_one: Shown = lambda scene: (scene.list(f"{page_size(scene).name}=1"),)
made_up_token: Shown = lambda scene: (scene.list(f"{by_token(scene)}=made-up"),)
_order_clause: Clause = lambda scene: _place_of(scene, needed(scene.contract.listing.order))


def _listing_as(part: str, behaviour: Callable[..., Any]) -> Apply:
    """Put *behaviour* around a part of the mock's list; it is told the right way first."""
    return lambda api: seams.wrap(api, f"resource.listing.{part}", behaviour)


def _failing_to_read(part: str) -> Apply:
    def careless(read: Callable[..., Any], *said: Any) -> Any:
        try:
            return read(*said)
        except Refusal:
            return failed()

    return _listing_as(part, careless)


def _place_of(scene: Scene, parameter: str) -> str:
    return scene.contract.operation("list").parameters["query", parameter]


def by_token(scene: Scene) -> str:
    """Return the parameter of the token of a page; NoPlace where there is none."""
    return needed(scene.contract.listing.paging.token)


# -- Sizes ------------------------------------------------------------------------------------------------------------


def page_size(scene: Scene) -> Field:
    """Return the parameter of the size of a page; NoPlace where there is none."""
    needed(scene.contract.has("list"))
    return needed(scene.contract.listing.paging.size)


def _sized(read: Callable[[str], int | None], beside: str = "") -> Apply:
    """Read the size of a page otherwise, beside one with a role only; *read* returns a number, or None to leave it to the contract."""

    @by(seams.wrap, "resource.rules.query")
    def apply(api: Api, query: Callable[[str, bytes], Fields], role: str, query_string: bytes) -> Fields:
        roles = api.resource.listing.roles
        start = f"{roles['page_size']}=".encode()
        parts = [part for part in query_string.split(b"&") if part]
        texts = [part.removeprefix(start).decode("latin-1") for part in parts if part.startswith(start)]
        is_meant = role == "list" and roles.get(beside, "").encode() in query_string
        size = read(texts[-1]) if texts and is_meant else None
        if size is None:
            return query(role, query_string)
        rest = b"&".join(part for part in parts if not part.startswith(start))
        return {**query(role, rest), roles["page_size"]: size}

    return apply


def _taken(text: str, size: int = ENOUGH) -> Callable[[str], int | None]:
    return lambda said: size if said == text else None


def _refused(text: str) -> Callable[[str], int | None]:
    def read(said: str) -> None:
        if said == text:
            raise Refusal(400, "The query is not valid.")

    return read


@generator
def sizes_of_pages(scene: Scene) -> Iterator[Fault]:
    """Each judges the size of a page otherwise than the contract does."""
    size = page_size(scene)
    low, high = size.schema.get("minimum"), size.schema.get("maximum")
    found: list[tuple[str, str, str, Any, Callable[[str], int | None]]] = [
        ("in_words_ignored", "Takes a size of a page that is no number for the default.", "type", "ten",
         lambda text: ENOUGH if text.isalpha() else None),
    ]  # fmt: skip
    if low is not None:
        found += [
            ("one_less_accepted", f"Accepts {low - 1} as the size of a page.", "minimum", low - 1,
             _taken(str(low - 1))),
            ("negative_accepted", "Takes a negative size of a page for the default.", "minimum", -1,
             lambda text: ENOUGH if text.startswith("-") else None),
            ("minimum_refused", f"Refuses {low} as the size of a page.", "minimum", low, _refused(str(low))),
        ]  # fmt: skip
    if high is not None:
        found += [
            ("one_more_accepted", f"Accepts {high + 1} as the size of a page.", "maximum", high + 1,
             _taken(str(high + 1), high + 1)),
            ("moved_to_the_limit", "Moves a size of a page beyond the limit to the limit and accepts it.", "maximum",
             high * 10, lambda text: high if text.isdecimal() and int(text[:9]) > high else None),
            ("maximum_refused", f"Refuses {high} as the size of a page.", "maximum", high, _refused(str(high))),
        ]  # fmt: skip
    for defect, summary, word, text, read in found:
        place = f"{size.pointer}/{word}"
        clause = place if scene.contract.document.has(place) else size.pointer
        witness = (scene.list(f"{size.name}={text}"),)
        yield Fault(f"page_size_{defect}", "pagination", summary, clause, _sized(read), witness)


def _resized(resize: Callable[[int], int]) -> Apply:
    @by(seams.wrap, "resource.listing.cut")
    def apply(api: Api, right: Paging, items: list[Item], query: Fields) -> Page:
        name = api.resource.listing.roles["page_size"]
        return right(items, {**query, name: resize(query[name])} if name in query else query)

    return apply


def _negative_beside_a_token(scene: Scene) -> Witness:
    needed(not scene.contract.accepts_value(page_size(scene), -1))
    return (*_of_one(scene), scene.list(f"{page_size(scene).name}=-1&{by_token(scene)}={{token}}"))


rows("pagination", (), {
    "page_size_negative_accepted_beside_a_token": (
        "Takes a negative size of a page for the default beside the token of a page.",
        _sized(lambda text: ENOUGH if text.startswith("-") else None, "page_token"), _negative_beside_a_token),
    "page_size_ignored": ("Shows as many items on a page, whatever size is asked for.", _resized(lambda size: ENOUGH), _of_one),
    "page_holds_one_too_many": ("Shows one item more than the size that is asked for.", _resized(lambda size: size + 1), _of_one),
}, LIST, lambda scene: _place_of(scene, page_size(scene).name))  # fmt: skip

# -- Pages ------------------------------------------------------------------------------------------------------------


def _made(scene: Scene, number: int) -> Witness:
    return tuple(scene.create(scene.named(scene.item, f"Newer {index}")) for index in range(number))


def _next(scene: Scene, number: int = 1) -> Witness:
    """Turn to the second page of pages of so many items, by token, offset or number."""
    paging, size = scene.contract.listing.paging, page_size(scene)
    needed(scene.contract.accepts_value(size, number))
    first_page, further = f"{size.name}={number}", ""
    if paging.token:
        further = f"{paging.token}={{token}}"
    elif paging.offset:
        further = f"{paging.offset}={number}"
    elif paging.page_number:
        page = scene.contract.query_fields("list")[paging.page_number].schema.get("minimum", 1) + 1
        further = f"{paging.page_number}={page}"
    needed(further)
    return (scene.list(first_page), scene.list(f"{first_page}&{further}"))


def _turned(api: Api, query: Fields) -> bool:
    """Whether a query asks for a page after the first, by offset or number."""
    listing = api.resource.listing
    number = listing.asked(query, "page_number")
    return bool(listing.asked(query, "offset")) or (number is not None and number > listing.first_page)


def _later_pages(change: Callable[[list[Item], list[Item]], list[Item]]) -> Apply:
    """Let later pages begin elsewhere; *change* is told all items and those that come after the page before."""

    def after(right: Callable[..., list[Item]], items: list[Item], order: Order, place: Any) -> list[Item]:
        rest = right(items, order, place)
        return change(items, rest) if place is not None else rest

    def apply(api: Api) -> None:
        def cut(right: Paging, items: list[Item], query: Fields) -> Page:
            return right(change([*items[:1], *items], items) if _turned(api, query) else items, query)

        seams.wrap(api, "resource.listing.after", after)
        seams.wrap(api, "resource.listing.cut", cut)

    return apply


@by(seams.wrap, "resource.listing.cut")
def _last_page_cut(api: Api, right: Paging, items: list[Item], query: Fields) -> Page:
    page, asked = right(items, query), api.resource.listing.asked
    is_later = asked(query, "page_token") or _turned(api, query)
    is_met = is_later and not page.next_token and 1 < len(page.items) < (asked(query, "page_size") or 0)
    return Page(page.items[:-1], None) if is_met else page


def _first_again(api: Api) -> None:
    seams.replace(api, "resource.listing.after", lambda items, order, place: items)
    numbers = ("offset", "page_number")
    _listing_as("asked", lambda asked, query, role: None if role in numbers else asked(query, role))(api)


rows("pagination", (WHOLE,), {
    "next_page_skips_one": ("Begins the next page one item too late.", _later_pages(lambda items, rest: rest[1:]), _next),
    "next_page_repeats_one": (
        "Begins the next page with the last item of the page before.",
        _later_pages(lambda items, rest: items[max(len(items) - len(rest) - 1, 0) :]), _next),
    "pages_end_after_twelve_items": (
        "Shows nothing on the pages after the twelfth item.",
        _later_pages(lambda items, rest: [each for each in rest if each in items[:TWELVE]]),
        lambda scene: (*_made(scene, TWELVE), *_next(scene, TWELVE))),
    "last_page_loses_its_last": (
        "Loses the last item where pages end with one that is not full.", _last_page_cut, lambda scene: (*_made(scene, 3), *_next(scene, 3))),
    "next_page_is_the_first": ("Shows the first page again, whichever is asked for.", _first_again, _next),
}, LIST)  # fmt: skip


@fault("pagination", WHOLE, needs=LIST)
def next_large_page_skips_one(scene: Scene) -> Planted:
    """Begins the next page one item too late where pages are large."""
    size = page_size(scene)
    needed(by_token(scene) and scene.contract.accepts_value(size, LARGE))

    def apply(api: Api) -> None:
        def cut(right: Paging, items: list[Item], query: Fields) -> Page:
            page, number = right(items, query), query.get(size.name, 0)
            is_lost = number >= LARGE and len(items) > number + 1
            return Page(page.items, api.resource.listing.token(items[number], query)) if is_lost else page

        seams.wrap(api, "resource.listing.cut", cut)
        for _ in range(STOCK):
            api.resource.store.create(scene.item)

    return Planted(apply, (scene.list(f"{size.name}={LARGE}"),))


# -- Tokens -----------------------------------------------------------------------------------------------------------


def _list_by_token(scene: Scene) -> Witness:
    needed(by_token(scene))
    return (scene.list(),)


@plain("pagination", WHOLE, needs=LIST, shown=_list_by_token)
@by(seams.wrap, "resource.listing.cut")
def last_page_has_a_token(api: Api, cut: Paging, items: list[Item], query: Fields) -> Page:
    """Gives a token on every page that is not empty."""
    page = cut(items, query)
    token = api.resource.listing.token(page.items[-1], query) if page.items else None
    return Page(page.items, page.next_token or token)


@plain("pagination", WHOLE, needs=LIST, shown=made_up_token)
@by(seams.wrap, "resource.listing.page")
def made_up_token_shows_the_first_page(api: Api, page: Paging, items: Iterable[Item], query: Fields) -> Page:
    """Takes a token that it cannot read for none."""
    known = list(items)
    try:
        return page(known, query)
    except Refusal:
        return page(known, without(query, api.resource.listing.roles.get("page_token", "")))


rows("pagination", (WHOLE,), {
    "list_without_a_query_ends_at_twenty": (
        "Ends at twenty items, and names no next page, where nothing is asked for.",
        _listing_as("cut", lambda cut, items, query: cut(items if query else items[:LARGE], query)),
        lambda scene: (*_made(scene, LARGE), *_list_by_token(scene))),
    "made_up_token_of_digits_shows_the_first_page": (
        "Takes a token of digits for none.",
        _listing_as("place", lambda place, token, query: None if token.isdecimal() else place(token, query)),
        lambda scene: (scene.list(f"{by_token(scene)}=1"),)),
    "full_page_has_no_token": (
        "Gives no token, so that the items after the first page are never seen.",
        _listing_as("cut", lambda cut, items, query: Page(cut(items, query).items, None)),
        lambda scene: by_token(scene) and _of_one(scene)),
    "made_up_token_answered_500": ("Fails on a token that it cannot read.", _failing_to_read("place"), made_up_token),
    "token_of_no_base64_beside_a_size_answered_500": (
        "Fails on a token of characters that base64 lacks where a page has a size.",
        _listing_as("place", lambda place, token, query: failed() if "@" in token and len(query) > 1 else place(token, query)),
        lambda scene: (scene.list(f"{by_token(scene)}=@@@&{page_size(scene).name}=2"),)),
}, LIST)  # fmt: skip


@fault("pagination", WHOLE, needs=LIST)
def token_of_another_order_answered_500(scene: Scene) -> Planted:
    """Fails on the next page of a list that is ordered."""
    listing = scene.contract.listing
    token, order = by_token(scene), first(listing.orders[::-1])
    needed(scene.contract.accepts_value(page_size(scene), 1))
    careless = lambda place, token, query: failed() if query.get(listing.order or "") == order else place(token, query)
    ordered = f"{page_size(scene).name}=1&{listing.order}={order}"
    return Planted(_listing_as("place", careless), (scene.list(ordered), scene.list(f"{ordered}&{token}={{token}}")))


# -- Order ------------------------------------------------------------------------------------------------------------


def _ordered_as(change: Callable[[str], str]) -> Apply:
    return _listing_as("order", lambda order, text: order(text) and order(change(text)))


rows("pagination", ("newest_first",), {
    "list_is_oldest_first": (
        "Lists the oldest item first unless told otherwise.",
        _listing_as("order", lambda order, text: order(text) if text else Order("", is_descending=False)),
        lambda scene: (scene.list(),)),
}, LIST)  # fmt: skip


def _orders(scene: Scene) -> Witness:
    """Ask for every order that the contract names, of items of which the older was updated later."""
    listing = scene.contract.listing
    updates = optional(lambda scene: (*_updates(scene, "{other}"), *_updates(scene, "{id}")), scene)
    return (*updates, *(scene.list(f"{listing.order}={order}") for order in needed(listing.orders)))


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


rows("pagination", (), {
    "order_turned_round_without_a_size": (
        "Turns an order round where no size of a page is asked for.", _turned_round, _orders),
    "order_ignored": ("Lists the newest first, whatever order is asked for.", _ordered_as(lambda text: ""), _orders),
    "dash_ignored": ("Ignores the dash in front of an order.", _ordered_as(lambda text: text.lstrip("-")),
        lambda scene: _orders(scene) if any(order.startswith("-") for order in scene.contract.listing.orders) else ()),
    "unknown_order_answered_500": ("Fails on an order that it does not know.", _failing_to_read("order"), _unknown_order),
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
    name, listing = needed(scene.contract.run_name), scene.contract.listing
    order = first(order for order in listing.orders if order.lstrip("-") == name)
    needed(scene.contract.accepts_name("é"))

    def after(right: Callable[..., list[Item]], items: list[Item], order: Order, place: Any) -> list[Item]:
        rest = right(items, order, place)
        return change(rest, name, str(place[1])) if place is not None and order.field == name else rest

    pages = [scene.list(f"{page_size(scene).name}={number}&{listing.order}={order}") for number in (1, 3)]
    later = [replace(page, path=f"{page.path}&{by_token(scene)}={{token}}") for page in pages]
    made = scene.create(scene.named(scene.item, "é"))
    return Planted(_listing_as("after", after), (made, made, pages[0], later[0], pages[1], later[1]))


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
    ordered = {order.lstrip("-") for order in scene.contract.listing.orders}
    return [tried for tried in scene.free if tried.name in ordered and {*tried.types} <= {"number", "integer"}]


@fault("pagination", needs=CRUD_AND_LIST, each=_ordered_numbers)
def ordered_as_text(scene: Scene, tried: Field) -> Planted:
    """Orders the list by the text of {field}, so that 10 comes before 9."""

    def key(right: Callable[..., Place], item: Item, order: Order) -> Place:
        kind, value, item_id = right(item, order)
        return [kind, str(value) if order.field == tried.name else value, item_id]

    numbers = needed([number for number in (9, 10) if scene.contract.accepts_value(tried, number)])
    made = (scene.create({**scene.item, tried.name: number}) for number in numbers)
    listed = scene.list(f"{scene.contract.listing.order}={tried.name}")
    return Planted(_listing_as("key", key), (*made, listed), _order_clause(scene))


# -- Filters ----------------------------------------------------------------------------------------------------------


def filtered(scene: Scene, field: str, value: str) -> str:
    """Return the query that filters by a field."""
    parameter, template = scene.contract.listing.filters[field]
    return f"{parameter}={quote(template.replace(f'{{{field}}}', value), safe='')}"


def text_filter(scene: Scene) -> str | None:
    """Return the text by which a list may be filtered, the one with a run's name if there is one."""
    texts = [tried.name for tried in scene.texts if tried.name in scene.contract.listing.filters]
    return next(iter(sorted(texts, key=lambda name: name != scene.contract.run_name)), None)


def _time_filter(scene: Scene) -> str:
    own = scene.contract.server_fields
    filters = scene.contract.listing.filters.items()
    return first(name for name, (_, text) in filters if {"<", ">"} & {*text} and name in own and own[name].is_time)


def _matching(change: Callable[[Condition, bool], bool]) -> Apply:
    return _listing_as("matches", lambda matches, condition, item: change(condition, matches(condition, item)))


@fault("pagination", FOUND, needs=LIST)
def filter_ignored(scene: Scene) -> Planted:
    """Ignores a filter and lists every item."""
    witness = (scene.list(filtered(scene, needed(text_filter(scene)), "Nobody")),)
    return Planted(_matching(lambda condition, found: True), witness)


def _exact_filters(scene: Scene) -> list[Field]:
    """Return the fields of numbers, of few values and of listed ones by which a list may be filtered."""
    fields = [tried for tried in scene.fields.values() if tried.name in scene.contract.listing.filters]
    return [f for f in fields if not f.is_free or f.json_type != "string" or "enum" in f.schema]


@fault("pagination", FOUND, needs=CRUD_AND_LIST, each=_exact_filters)
def filter_passed_over(scene: Scene, tried: Field) -> Planted:
    """Ignores a filter by {field} and lists every item."""
    texts = [to_json(value).strip('"') for value in scene.good(tried)[:3]]
    ignored = _matching(lambda condition, found: found or condition.field == tried.name)
    return Planted(ignored, tuple(scene.list(filtered(scene, tried.name, text)) for text in texts))


# By the defect: what it does, a text, and whether a text is such a one.
MISSED: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "with_a_dash": ("Takes a text with a dash apart and finds no item by it.", "Two-part", lambda text: "-" in text),
    "with_a_conjunction": ("Takes AND in a text for the next condition.", "This AND that", lambda text: " AND " in text),
    "with_a_sign": ("Takes = in a text for a comparison.", "a=b", lambda text: "=" in text),
    "in_brackets": ("Takes brackets in a text for those of an expression.", "(a)", lambda text: "(" in text),
    "with_a_wildcard": ("Escapes * in a text.", "a*", lambda text: "*" in text),
    "with_a_plus": ("Decodes + in a text once more.", "a+b", lambda text: "+" in text),
    "with_a_space_at_the_end": ("Trims the text of a filter.", "a ", lambda text: text != text.strip()),
    "with_a_capital_inside_a_word": (
        "Begins each word of a filter alone with a capital.", "McAnn", lambda text: re.search("[a-z][A-Z]", text) is not None),
    "beyond_16_bits": ("Keeps texts in UTF-16 of one unit each.", "a😀", lambda text: max(text) > "\uffff"),
    "with_a_capital_beyond_ascii": (
        "Puts the text of a filter in small letters.", "É", lambda text: any(c > "\x7f" and c.isupper() for c in text)),
    "decomposed": ("Composes the text of a filter.", "e\u0301", lambda text: text != normalize("NFC", text)),
    "with_a_line_break": ("Reads a text to the end of its line.", "a\nb", lambda text: "\n" in text),
    "of_more_than_100_characters": ("Cuts the text of a filter.", "a" * 101, lambda text: len(text) > 100),
}  # fmt: skip


def _missing(text: str, is_missed: Callable[[str], bool], scene: Scene) -> Planted:
    name = needed(text_filter(scene))
    needed(scene.contract.accepts_value(scene.fields[name], text) and spells_any_name(scene.contract))
    missed = lambda condition, found: found and not (condition.field == name and is_missed(str(condition.value)))
    made = scene.create({**scene.item, name: text})
    return Planted(_matching(missed), (made, scene.list(filtered(scene, name, text))))


_table = {f"filter_misses_texts_{name}": row for name, row in MISSED.items()}
rows("pagination", (FOUND, "exact_text"), _table, CRUD_AND_LIST, make=_missing)


def _before_filters(change: Callable[[list[Item], str], Iterable[Item]]) -> Apply:
    """Change what there is to list where it is filtered by a value; *change* is told the items and the order."""

    @by(seams.wrap, "resource.listing.page")
    def apply(api: Api, right: Paging, items: Iterable[Item], query: Fields) -> Page:
        listing = api.resource.listing
        is_filtered = any(condition.comparison == "=" for condition in listing.conditions(query))
        return right(change(list(items), listing.asked(query, "order") or "") if is_filtered else items, query)

    return apply


def _by_name(scene: Scene, *orders: str, newer: int = 2) -> Witness:
    """Make items of other names and one of the same, and find them by the name."""
    name = needed(text_filter(scene))
    query = "&".join(
        (filtered(scene, name, scene.item[name]), *(f"{scene.contract.listing.order}={one}" for one in orders))
    )
    return (*_made(scene, newer), scene.list(query), scene.create(scene.item), scene.list(query))


_in_order: Shown = lambda scene: _by_name(scene, first(scene.contract.listing.orders))

rows("pagination", (FOUND,), {
    "filter_sees_the_newest_only": (
        "Filters what a page of ten would hold without the filter.",
        _before_filters(lambda items, order: sorted(items, key=lambda item: item.created_at)[-NEWEST:]),
        lambda scene: _by_name(scene, newer=NEWEST)),
    "filter_by_name_finds_nothing_in_an_order": (
        "Finds nothing by a name where an order is asked for.", _before_filters(lambda items, order: [] if order else items), _in_order),
    "filter_by_name_finds_no_new_item_in_an_order": (
        "Finds no item by a name before its first update where an order is asked for.",
        _before_filters(lambda items, order: [i for i in items if i.updated_at] if order else items), _in_order),
}, CRUD_AND_LIST)  # fmt: skip


@fault("pagination", FOUND, "create_stores_everything", needs=CRUD_AND_LIST)
def filter_finds_one_of_a_name(scene: Scene) -> Planted:
    """Keeps an index of names in which each stands once."""
    name = needed(text_filter(scene))
    once = lambda items, order: {item.fields.get(name): item for item in items}.values()
    return Planted(_before_filters(once), _by_name(scene))


@fault("pagination", FOUND, needs=LIST)
def filter_by_time_in_no_zone(scene: Scene) -> Planted:
    """Passes over the zone of a time that it filters by."""
    name = _time_filter(scene)

    def condition(read: Callable[..., Condition], text: str, parameter: str) -> Condition:
        found = read(text, parameter)
        return replace(found, value=found.value.replace(tzinfo=UTC)) if found.field == name else found

    query = filtered(scene, name, START.astimezone(timezone(timedelta(hours=9))).isoformat())
    return Planted(_listing_as("condition", condition), (scene.list(query),))


@fault("pagination", FOUND, needs=LIST)
def filter_by_time_forgotten_in_another_order(scene: Scene) -> Planted:
    """Ignores a filter by a time where the list is ordered by another field."""
    name, listing = _time_filter(scene), scene.contract.listing
    other = first(order for order in listing.orders if order.lstrip("-") != name)

    @by(seams.wrap, "resource.listing.conditions")
    def apply(api: Api, right: Callable[[Fields], list[Condition]], query: Fields) -> list[Condition]:
        is_lost = query.get(listing.order or "") == other
        return [each for each in right(query) if not (is_lost and each.field == name)]

    query = filtered(scene, name, "2999-01-01T00:00:00Z")
    return Planted(apply, (scene.list(f"{query}&{listing.order}={other}"),))


@fault("pagination", FOUND, needs=LIST)
def filter_by_time_turned_round(scene: Scene) -> Planted:
    """Keeps the older items where the younger are asked for."""
    name = _time_filter(scene)
    turned = lambda condition, found: found != (condition.field == name)
    return Planted(_matching(turned), (scene.list(filtered(scene, name, "2999-01-01T00:00:00Z")),))


rows("pagination", (FOUND,), {
    "unreadable_filter_answered_500": (
        "Fails on a filter that it cannot read.", _failing_to_read("condition"),
        lambda scene: (scene.list(filtered(scene, _time_filter(scene), "yesterday")),)),
}, LIST)  # fmt: skip


@fault("pagination", "list_shows_items", needs=CRUD_AND_LIST, each=lambda scene: scene.long_texts[:1])
def cut_in_lists(scene: Scene, tried: Field) -> Planted:
    """Shows the first 500 characters of {field} in lists."""

    def cut(item: Item) -> Item:
        return item._replace(fields={n: v[:500] if n == tried.name and v else v for n, v in item.fields.items()})

    witness = (scene.update(scene.lawful({tried.name: "long " * 200})), scene.list())
    return Planted(lambda api: seams.list_item_as(api, cut), witness)


@fault("pagination", "list_shows_items", needs=LIST)
def list_shows_fewer_fields(scene: Scene) -> Planted:
    """Leaves some fields, though they are set, out of lists."""
    required = scene.contract.document.required(scene.contract.resource.item_pointer)
    left_out = {tried.name for tried in (*scene.long_texts, *scene.numbers) if tried.name not in required}
    needed(left_out & scene.item.keys())
    fewer = lambda item: item._replace(fields=without(item.fields, *left_out))
    return Planted(lambda api: seams.list_item_as(api, fewer), (scene.list(),))
