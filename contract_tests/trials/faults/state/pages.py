"""Faults of the pages of a list: their sizes, what is lost or shown again between them, and the tokens that lead to them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from contract_tests.mock_api.listing import Order
from contract_tests.spec.field import Field

from .. import seams
from ..fault import LIST, Apply, Fault, Planted, fault, generator, plain, rows
from ..scene import Scene, first, needed
from ..seams import Api, Fields, Item, Page, Paging, Refusal, by, curried, maker
from ..usual import Shown, failed, without
from ..witness import Witness

Read = Callable[[str], int | None]
Query = Callable[[str, bytes], Fields]
WHOLE = "whole_list"
# Items on a page of no size, and on a large one; after which pages end; and that others have.
ENOUGH, LARGE, TWELVE, STOCK = 50, 20, 12, 60
_of_one: Shown = lambda scene: (scene.list(f"{page_size(scene).name}=1"),)
_of_any: Shown = lambda scene: tuple(scene.list(f"{page_size(scene).name}={number}") for number in range(1, LARGE))
made_up_token: Shown = lambda scene: (scene.list(f"{by_token(scene)}=made-up"),)


def listing_as(part: str, behaviour: Callable[..., Any]) -> Apply:
    """Put *behaviour* around a part of the mock's list; it is told the right way first."""
    return lambda api: seams.wrap(api, f"resource.listing.{part}", behaviour)


def failing_to_read(part: str) -> Apply:
    """Fail where the part of the list refuses what it reads."""

    def careless(read: Callable[..., Any], *said: Any) -> Any:
        try:
            return read(*said)
        except Refusal:
            return failed()

    return listing_as(part, careless)


def place_of(scene: Scene, parameter: str) -> str:
    """Return where the contract describes a parameter of the list."""
    return scene.contract.operation("list").parameters["query", parameter]


# -- Sizes ------------------------------------------------------------------------------------------------------------


def page_size(scene: Scene) -> Field:
    """Return the parameter of the size of a page; NoPlace where there is none."""
    needed(scene.contract.has("list"))
    return needed(scene.contract.listing.paging.size)


def by_token(scene: Scene) -> str:
    """Return the parameter of the token of a page; NoPlace where there is none."""
    return needed(scene.contract.listing.paging.token)


@maker(seams.wrap, "resource.rules.query")
def _sized(api: Api, read: Read, beside: str, query: Query, role: str, query_string: bytes) -> Fields:
    """Read the size of a page otherwise, beside one with a role only; *read* returns a number, or None to leave it to the contract."""
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


@generator
def sizes_of_pages(scene: Scene) -> Iterator[Fault]:
    """Each judges the size of a page otherwise than the contract does."""
    size = page_size(scene)
    low, high = size.schema.get("minimum"), size.schema.get("maximum")
    found: list[tuple[str, str, str, Any, Read]] = [
        ("in_words_ignored", "Takes a size of a page that is no number for the default.", "type", "ten",
         lambda text: ENOUGH if text.isalpha() else None),
    ]  # fmt: skip
    if low is not None:
        found += [
            ("one_less_accepted", f"Accepts {low - 1} as the size of a page.", "minimum", low - 1,
             lambda text: ENOUGH if text == str(low - 1) else None),
            ("negative_accepted", "Takes a negative size of a page for the default.", "minimum", -1,
             lambda text: ENOUGH if text.startswith("-") else None),
            ("minimum_refused", f"Refuses {low} as the size of a page.", "minimum", low,
             lambda text: failed(status=400) if text == str(low) else None),
        ]  # fmt: skip
    if high is not None:
        found += [
            ("one_more_accepted", f"Accepts {high + 1} as the size of a page.", "maximum", high + 1,
             lambda text: high + 1 if text == str(high + 1) else None),
            ("moved_to_the_limit", "Moves a size of a page beyond the limit to the limit and accepts it.", "maximum",
             high * 10, lambda text: high if text.isdecimal() and int(text[:9]) > high else None),
            ("maximum_refused", f"Refuses {high} as the size of a page.", "maximum", high,
             lambda text: failed(status=400) if text == str(high) else None),
        ]  # fmt: skip
    for defect, summary, word, text, read in found:
        place = f"{size.pointer}/{word}"
        clause = place if scene.contract.document.has(place) else size.pointer
        witness = (scene.list(f"{size.name}={text}"),)
        yield Fault(f"page_size_{defect}", "pagination", summary, clause, _sized(read, ""), witness)


@maker(seams.wrap, "resource.listing.cut")
def _resized(api: Api, resize: Callable[[int], int], right: Paging, items: list[Item], query: Fields) -> Page:
    name = api.resource.listing.roles["page_size"]
    return right(items, {**query, name: resize(query[name])} if name in query else query)


def _negative_beside_a_token(scene: Scene) -> Witness:
    needed(not scene.contract.accepts_value(page_size(scene), -1))
    return (*_of_one(scene), scene.list(f"{page_size(scene).name}=-1&{by_token(scene)}={{token}}"))


rows("pagination", (), {
    "page_size_negative_accepted_beside_a_token": (
        "Takes a negative size of a page for the default beside the token of a page.",
        _sized(lambda text: ENOUGH if text.startswith("-") else None, "page_token"), _negative_beside_a_token),
    "page_size_ignored": ("Shows as many items on a page, whatever size is asked for.", _resized(lambda size: ENOUGH), _of_one),
    "page_holds_one_too_many": ("Shows one item more than the size that is asked for.", _resized(lambda size: size + 1), _of_one),
}, LIST, lambda scene: place_of(scene, page_size(scene).name))  # fmt: skip

# -- Turning ----------------------------------------------------------------------------------------------------------


def newer_items(scene: Scene, number: int) -> Witness:
    """Make so many items of other names."""
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


@curried
def _later_pages(change: Callable[[list[Item], list[Item]], list[Item]], api: Api) -> None:
    """Let later pages begin elsewhere; *change* is told all items and those that come after the page before."""

    def after(right: Callable[..., list[Item]], items: list[Item], order: Order, place: Any) -> list[Item]:
        rest = right(items, order, place)
        return change(items, rest) if place is not None else rest

    def cut(right: Paging, items: list[Item], query: Fields) -> Page:
        return right(change([*items[:1], *items], items) if _turned(api, query) else items, query)

    seams.wrap(api, "resource.listing.after", after)
    seams.wrap(api, "resource.listing.cut", cut)


@by(seams.wrap, "resource.listing.cut")
def _last_page_cut(api: Api, right: Paging, items: list[Item], query: Fields) -> Page:
    page, asked = right(items, query), api.resource.listing.asked
    is_later = asked(query, "page_token") or _turned(api, query)
    is_met = is_later and not page.next_token and 1 < len(page.items) < (asked(query, "page_size") or 0)
    return Page(page.items[:-1], None) if is_met else page


def _first_again(api: Api) -> None:
    seams.replace(api, "resource.listing.after", lambda items, order, place: items)
    numbers = ("offset", "page_number")
    listing_as("asked", lambda asked, query, role: None if role in numbers else asked(query, role))(api)


@by(seams.wrap, "resource.listing.cut")
def _one_left_over(api: Api, right: Paging, items: list[Item], query: Fields) -> Page:
    size = api.resource.listing.asked(query, "page_size") or 0
    return Page(items, None) if len(items) == size + 1 > 4 else right(items, query)


@by(seams.wrap, "resource.listing.cut")
def _last_full_one_hidden(api: Api, right: Paging, items: list[Item], query: Fields) -> Page:
    size, page = api.resource.listing.asked(query, "page_size") or 0, right(items, query)
    return Page(page.items, None) if len(items) == 2 * size > 4 else page


rows("pagination", (WHOLE,), {
    "last_full_page_is_hidden": (
        "Names no next page of more than two items where one more full page ends the list.", _last_full_one_hidden,
        lambda scene: by_token(scene) and (
            *newer_items(scene, 3), *_of_any(scene), *newer_items(scene, 1), *_of_any(scene))),
    "page_takes_in_one_that_would_be_left_over": (
        "Shows an item beyond the size of a page of four or more where none follows it.", _one_left_over,
        lambda scene: (*newer_items(scene, 5), *_of_any(scene))),
    "next_page_skips_one": ("Begins the next page one item too late.", _later_pages(lambda items, rest: rest[1:]), _next),
    "next_page_repeats_one": (
        "Begins the next page with the last item of the page before.",
        _later_pages(lambda items, rest: items[max(len(items) - len(rest) - 1, 0) :]), _next),
    "pages_end_after_twelve_items": (
        "Shows nothing on the pages after the twelfth item.",
        _later_pages(lambda items, rest: [each for each in rest if each in items[:TWELVE]]),
        lambda scene: (*newer_items(scene, TWELVE), *_next(scene, TWELVE))),
    "last_page_loses_its_last": (
        "Loses the last item where pages end with one that is not full.", _last_page_cut, lambda scene: (*newer_items(scene, 3), *_next(scene, 3))),
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


@plain("pagination", WHOLE, needs=LIST, shown=lambda scene: (*_list_by_token(scene), *_of_any(scene)))
@by(seams.wrap, "resource.listing.cut")
def full_last_page_has_a_token(api: Api, cut: Paging, items: list[Item], query: Fields) -> Page:
    """Gives a token on a page that is full, though nothing follows."""
    page, size = cut(items, query), api.resource.listing.asked(query, "page_size")
    is_met = page.items and len(page.items) == size
    return Page(page.items, api.resource.listing.token(page.items[-1], query)) if is_met else page


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
        listing_as("cut", lambda cut, items, query: cut(items if query else items[:LARGE], query)),
        lambda scene: (*newer_items(scene, LARGE), *_list_by_token(scene))),
    "made_up_token_of_digits_shows_the_first_page": (
        "Takes a token of digits for none.",
        listing_as("place", lambda place, token, query: None if token.isdecimal() else place(token, query)),
        lambda scene: (scene.list(f"{by_token(scene)}=1"),)),
    "full_page_has_no_token": (
        "Gives no token, so that the items after the first page are never seen.",
        listing_as("cut", lambda cut, items, query: Page(cut(items, query).items, None)),
        lambda scene: by_token(scene) and _of_one(scene)),
    "made_up_token_answered_500": ("Fails on a token that it cannot read.", failing_to_read("place"), made_up_token),
    "token_of_no_base64_beside_a_size_answered_500": (
        "Fails on a token of characters that base64 lacks where a page has a size.",
        listing_as("place", lambda place, token, query: failed() if "@" in token and len(query) > 1 else place(token, query)),
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
    return Planted(listing_as("place", careless), (scene.list(ordered), scene.list(f"{ordered}&{token}={{token}}")))
