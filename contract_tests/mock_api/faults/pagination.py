"""Faults of the list: sizes of pages, tokens, order and filters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..app import Api
from ..errors import Refusal
from ..listing import Condition, Order, Page
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .witness import Moment, listed, patch

LIST = "#/paths/~1personas/get"
SIZE = f"{LIST}/parameters/0/schema"
TOKEN = "#/components/schemas/PersonaList/properties/next_page_token/description"
LISTING = "#/x-decisions/listing"
ORDER = f"{LIST}/parameters/3/description"
FILTER = f"{LIST}/parameters/2/description"

NEW = {"name": "New", "voice_name": "aria", "language_code": "en-US"}
PAGES: tuple[Moment, ...] = (listed("page_size=2"), listed("page_size=2&page_token={token}"))


def _size_as(api: Api, read: Any) -> None:
    """Read page_size otherwise; *read* is told the text and returns a number, or None to leave it to the contract."""
    query = api.rules.query

    def other(operation: str, query_string: bytes) -> Fields:
        parts = [part for part in query_string.split(b"&") if part]
        texts = [part.partition(b"=")[2].decode("latin-1") for part in parts if part.startswith(b"page_size=")]
        size = read(texts[-1]) if texts and operation == "listPersonas" else None
        if size is None:
            return query(operation, query_string)
        rest = b"&".join(part for part in parts if not part.startswith(b"page_size="))
        return {**query(operation, rest), "page_size": size}

    seams.replace(api.rules, "query", other)


@fault("pagination", f"{SIZE}/minimum", listed("page_size=0"))
def page_size_zero_accepted(api: Api) -> None:
    """Takes a page_size of 0 for the default."""
    _size_as(api, lambda text: 50 if text == "0" else None)


@fault("pagination", f"{SIZE}/maximum", listed("page_size=101"))
def page_size_up_to_101(api: Api) -> None:
    """Accepts a page_size of 101."""
    _size_as(api, lambda text: 101 if text == "101" else None)


@fault("pagination", f"{SIZE}/maximum", listed("page_size=1000"))
def page_size_moved_to_the_limit(api: Api) -> None:
    """Moves a page_size beyond 100 to 100 and accepts it."""
    _size_as(api, lambda text: 100 if text.isdecimal() and int(text[:9]) > 100 else None)


@fault("pagination", f"{SIZE}/minimum", listed("page_size=-1"))
def page_size_negative_accepted(api: Api) -> None:
    """Takes a negative page_size for the default."""
    _size_as(api, lambda text: 50 if text.startswith("-") else None)


@fault("pagination", f"{SIZE}/type", listed("page_size=ten"))
def page_size_in_words_ignored(api: Api) -> None:
    """Takes a page_size that is no number for the default."""
    _size_as(api, lambda text: 50 if text.isalpha() else None)


@fault("pagination", f"{SIZE}/maximum", listed("page_size=100"))
def page_size_below_100(api: Api) -> None:
    """Refuses a page_size of 100."""
    _refuse_size(api, "100")


@fault("pagination", f"{SIZE}/minimum", listed("page_size=1"))
def page_size_above_1(api: Api) -> None:
    """Refuses a page_size of 1."""
    _refuse_size(api, "1")


@fault("pagination", "#/paths/~1personas/get/parameters/0/description", listed("page_size=1"))
def page_size_ignored(api: Api) -> None:
    """Shows 50 personas on a page, whatever page_size says."""
    cut = api.listing.cut
    seams.replace(api.listing, "cut", lambda personas, query: cut(personas, {**query, "page_size": 50}))


@fault("pagination", "#/paths/~1personas/get/parameters/0/description", listed("page_size=1"))
def page_holds_one_too_many(api: Api) -> None:
    """Shows one persona more than page_size says."""
    cut = api.listing.cut

    def longer(personas: list[Persona], query: Fields) -> Page:
        return cut(personas, {**query, "page_size": query["page_size"] + 1} if "page_size" in query else query)

    seams.replace(api.listing, "cut", longer)


@fault("pagination", TOKEN, *PAGES)
def next_page_skips_one(api: Api) -> None:
    """Begins the next page one persona too late."""
    after = api.listing.after

    def later(personas: list[Persona], order: Order, place: list[str] | None) -> list[Persona]:
        return after(personas, order, place)[1 if place else 0 :]

    seams.replace(api.listing, "after", later)


@fault("pagination", TOKEN, *PAGES)
def next_page_repeats_one(api: Api) -> None:
    """Begins the next page with the last persona of the page before."""
    after = api.listing.after

    def earlier(personas: list[Persona], order: Order, place: list[str] | None) -> list[Persona]:
        rest = after(personas, order, place)
        return personas[max(len(personas) - len(rest) - 1, 0) :] if place else rest

    seams.replace(api.listing, "after", earlier)


@fault("pagination", TOKEN, listed(), listed("page_size=100"))
def last_page_has_a_token(api: Api) -> None:
    """Gives a next_page_token on every page that is not empty."""
    cut = api.listing.cut

    def endless(personas: list[Persona], query: Fields) -> Page:
        page = cut(personas, query)
        token = page.next_page_token or (api.listing.token(page.personas[-1], query) if page.personas else None)
        return Page(page.personas, token)

    seams.replace(api.listing, "cut", endless)


@fault("pagination", TOKEN, *PAGES)
def token_leads_to_the_first_page(api: Api) -> None:
    """Ignores page_token and shows the first page again."""
    seams.replace(api.listing, "after", lambda personas, order, place: personas)


@fault("pagination", TOKEN, listed("page_size=2"))
def full_page_has_no_token(api: Api) -> None:
    """Gives no next_page_token, so that the personas after the first page are never seen."""
    cut = api.listing.cut
    seams.replace(api.listing, "cut", lambda personas, query: Page(cut(personas, query).personas, None))


@fault("pagination", LISTING, listed("page_token=made-up"))
def made_up_token_shows_the_first_page(api: Api) -> None:
    """Takes a token that it cannot read for none."""
    page = api.listing.page

    def lenient(personas: Iterable[Persona], query: Fields) -> Page:
        known = list(personas)
        try:
            return page(known, query)
        except Refusal:
            if "page_token" not in query:
                raise
            return page(known, {name: value for name, value in query.items() if name != "page_token"})

    seams.replace(api.listing, "page", lenient)


@fault("pagination", LISTING, listed("page_token=made-up"))
def made_up_token_answered_500(api: Api) -> None:
    """Fails on a token that it cannot read."""
    place = api.listing.place

    def strict(token: str, query: Fields) -> list[str]:
        try:
            return place(token, query)
        except Refusal:
            raise Refusal(500, "Something went wrong.") from None

    seams.replace(api.listing, "place", strict)


@fault("pagination", LISTING, listed())
def list_is_oldest_first(api: Api) -> None:
    """Lists the oldest persona first unless told otherwise."""
    order = api.listing.order
    seams.replace(api.listing, "order", lambda text: order("create_time" if text == "-create_time" else text))


@fault("pagination", ORDER, listed("order_by=name"))
def order_ignored(api: Api) -> None:
    """Ignores order_by and lists the newest first."""
    order = api.listing.order
    seams.replace(api.listing, "order", lambda text: order(text) and order("-create_time"))


@fault("pagination", ORDER, listed("order_by=-create_time"), listed())
def dash_ignored(api: Api) -> None:
    """Ignores the dash in front of order_by."""
    order = api.listing.order
    seams.replace(api.listing, "order", lambda text: order(text.lstrip("-") if text else text))


@fault("pagination", ORDER, patch({"wait_seconds": 1}), listed("order_by=update_time"))
def order_by_update_time_is_by_create_time(api: Api) -> None:
    """Orders by create_time where update_time is asked for."""
    order = api.listing.order
    seams.replace(api.listing, "order", lambda text: order(text.replace("update_time", "create_time")))


@fault("pagination", FILTER, listed('filter=name="Nobody"'))
def filter_ignored(api: Api) -> None:
    """Ignores the filter and lists every persona."""
    seams.replace(api.listing, "matches", lambda condition, persona: True)


@fault("pagination", LISTING, patch({"name": "Two-part"}), listed('filter=name="Two-part"'))
def filter_misses_names_with_a_dash(api: Api) -> None:
    """Takes a name with a dash apart and finds no persona by it."""
    matches = api.listing.matches

    def other(condition: Condition, persona: Persona) -> bool:
        return matches(condition, persona) and not (condition.field == "name" and "-" in condition.value)

    seams.replace(api.listing, "matches", other)


@fault("pagination", FILTER, listed('filter=create_time>"2999-01-01T00:00:00Z"'))
def filter_by_time_turned_round(api: Api) -> None:
    """Keeps the older personas where the younger are asked for."""
    matches = api.listing.matches
    seams.replace(
        api.listing,
        "matches",
        lambda condition, persona: matches(condition, persona) != (condition.field == "create_time"),
    )


@fault("pagination", "#/components/schemas/Persona/description", listed())
def list_shows_fewer_fields(api: Api) -> None:
    """Leaves the prompt and the numbers, though they are set, out of lists."""
    page = api.listing.page
    left_out = ("persona_prompt", "wait_seconds", "hold_music_timeout_seconds")

    def shorter(personas: Iterable[Persona], query: Fields) -> Page:
        found = page(personas, query)
        shown = [
            each._replace(fields={n: v for n, v in each.fields.items() if n not in left_out}) for each in found.personas
        ]
        return Page(shown, found.next_page_token)

    seams.replace(api.listing, "page", shorter)


def _refuse_size(api: Api, refused: str) -> None:
    def read(text: str) -> None:
        if text == refused:
            raise Refusal(400, "The query is not valid.")

    _size_as(api, read)


def _fail_on_refusals(api: Api, name: str) -> None:
    """Answer 500 where a part of the query is to be refused."""
    read = getattr(api.listing, name)

    def careless(text: str) -> Any:
        try:
            return read(text)
        except Refusal as refusal:
            raise Refusal(500, refusal.message) from None

    seams.replace(api.listing, name, careless)


@fault("pagination", FILTER, listed('filter=create_time>"yesterday"'))
def unreadable_filter_answered_500(api: Api) -> None:
    """Fails on a filter that it cannot read."""
    _fail_on_refusals(api, "condition")


@fault("pagination", ORDER, listed("order_by=no_such_field"))
def unknown_order_answered_500(api: Api) -> None:
    """Fails on an order that it does not know."""
    _fail_on_refusals(api, "order")


@fault(
    "pagination", TOKEN, listed("order_by=update_time&page_size=1"), listed("order_by=update_time&page_token={token}")
)
def token_of_another_order_answered_500(api: Api) -> None:
    """Fails on the next page of a list that is ordered by update_time."""
    place = api.listing.place

    def careless(token: str, query: Fields) -> list[str]:
        if query.get("order_by") == "update_time":
            raise Refusal(500, "Something went wrong.")
        return place(token, query)

    seams.replace(api.listing, "place", careless)
